import { fma, useKernels } from '../kernels/index.ts';
import { memoryUse } from '../kernels/memory.ts';
import { type Interactions, fromRows } from '../lib/data/interactions.ts';
import { BPR } from '../lib/models/bpr.ts';
import { LogisticMF } from '../lib/models/logisticMF.ts';
import { NextItemLSTM } from '../lib/models/nextItemLSTM.ts';
import type { Recommender } from '../lib/models/recommender.ts';
import type { Row } from './results.ts';
import { shapedLike } from './shapes.ts';
import { type Pace, timed } from './timing.ts';

/** A model whose epoch is `steps` training steps on `data(steps)`. With the loops a run takes `loopSteps` of them, where one takes seconds. */
interface Training { make(steps: number): Recommender; data(steps: number): Interactions; loopSteps?: number; size: string; fused?: boolean }

const models: Record<'LogisticMF' | 'BPR' | 'NextItemLSTM', Training> = {
  LogisticMF: { make: () => new LogisticMF({ epochs: 1 }), data: (steps) => shapedLike(3706, 4052, 5000 * steps), size: '5,000 + 25,000 pairs, 128 factors, 3,706 x 4,052' },
  BPR: { make: (steps) => new BPR({ epochs: 1, stepsPerEpoch: steps }), data: (steps) => shapedLike(3706, 4052, 5000 * steps), size: '15,000 triples, 128 factors, 3,706 x 4,052' },
  NextItemLSTM: { make: () => new NextItemLSTM({ preset: 'chapter' }), data: (steps) => inBaskets(shapedLike(3706, 4059, 100 * steps), 5), loopSteps: 1, size: '20 windows of 5, 2 layers of 200, 4,060 classes', fused: true },
};

/** The same events in baskets of so many, each of one user. */
function inBaskets(data: Interactions, size: number): Interactions {
  const basket = data.item.map((_, at) => Math.floor(at / size));
  return fromRows({ ...data, basket, user: basket.map((b) => data.user[b]) });
}

/** modelNames: what trainingRows can do. */
export const modelNames = Object.keys(models) as (keyof typeof models)[];

/** trainingRows: whole training steps of a model of the Online Retail study, in steps a second, with the loops, with SIMD, and fused where that is something else. */
export async function* trainingRows(name: keyof typeof models, pace: Pace): AsyncGenerator<Row> {
  const { make, data, loopSteps, size, fused } = models[name];
  let loop = Number.NaN;
  for (const variant of ['loop', 'simd', ...(fused && fma().kernels ? ['simd-fma'] as const : [])] as const) {
    useKernels(variant);
    const steps = variant === 'loop' ? Math.min(loopSteps ?? pace.steps, pace.steps) : pace.steps, events = data(steps), model = await make(steps).fit(events);
    try {
      const { quartiles: [fast, slow], ...timing } = await timed(() => model.partialFit(events), true, 0, { ...pace, time: 4 * pace.time });
      const milliseconds = timing.milliseconds / steps;
      if (variant === 'loop') loop = milliseconds;
      yield { group: 'training', kernel: name, name, scale: 'chapter', size, variant, unit: 'steps/s', median: 1000 / milliseconds, low: 1000 * steps / slow, high: 1000 * steps / fast, ...timing, overLoop: loop / milliseconds };
    } finally { model.free(); useKernels('auto'); }
  }
}

/** Memory after so many training steps of LogisticMF: it must not grow. Small batches, so that ten thousand steps take seconds. */
export async function memoryAfterSteps(counts: readonly number[]): Promise<{ steps: number; inUse: number; size: number; rss: number }[]> {
  const data = shapedLike(300, 400, 10_000), rows = [];
  const model = new LogisticMF({ factors: 32, batchSize: 100, epochs: 1 });
  let steps = 0;
  for (const count of counts) {
    while (steps < count) { await model.partialFit(data); steps += 100; }
    globalThis.gc?.();
    const { inUse, size } = memoryUse();
    rows.push({ steps, inUse, size, rss: process.memoryUsage.rss() });
  }
  return rows;
}
