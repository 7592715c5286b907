import { useKernels } from '../kernels/index.ts';
import { memoryUse } from '../kernels/memory.ts';
import { BPR } from '../lib/models/bpr.ts';
import { LogisticMF } from '../lib/models/logisticMF.ts';
import type { Row } from './results.ts';
import { shapedLike } from './shape.ts';
import { type Pace, timed } from './timing.ts';

const models = {
  LogisticMF: { make: () => new LogisticMF({ epochs: 1 }), size: '5,000 + 25,000 pairs, 128 factors, 3,706 x 4,052' },
  BPR: { make: (steps: number) => new BPR({ epochs: 1, stepsPerEpoch: steps }), size: '15,000 triples, 128 factors, 3,706 x 4,052' },
};

/** modelNames: what trainingRows can do. */
export const modelNames = Object.keys(models) as (keyof typeof models)[];

/** trainingRows: whole training steps of a model of the Online Retail study, in steps a second, with the loops and with SIMD. */
export async function* trainingRows(name: keyof typeof models, pace: Pace): AsyncGenerator<Row> {
  const data = shapedLike(3706, 4052, 5000 * pace.steps), { make, size } = models[name]; // LogisticMF makes a step of 5,000 events
  let loop = Number.NaN;
  for (const variant of ['loop', 'simd'] as const) {
    useKernels(variant);
    const model = await make(pace.steps).fit(data);
    try {
      const { quartiles: [fast, slow], ...timing } = await timed(() => model.partialFit(data), true, 0, { ...pace, time: 4 * pace.time });
      if (variant === 'loop') loop = timing.milliseconds;
      const speed = (milliseconds: number): number => 1000 * pace.steps / milliseconds;
      yield { group: 'training', kernel: name, name, scale: 'chapter', size, variant, unit: 'steps/s', median: speed(timing.milliseconds), low: speed(slow), high: speed(fast), ...timing, overLoop: loop / timing.milliseconds };
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
