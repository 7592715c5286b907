import { useKernels } from '../kernels/index.ts';
import { memoryUse } from '../kernels/memory.ts';
import { BPR } from '../lib/models/bpr.ts';
import { LogisticMF } from '../lib/models/logisticMF.ts';
import type { Case } from './case.ts';
import { shapedLike } from './shape.ts';

/** Whole training steps of the Online Retail study's models, in steps a second, with either variant of the kernels. */
export function trainingCases(): Case[] {
  const data = shapedLike();
  const models = {
    LogisticMF: { make: () => new LogisticMF({ epochs: 1 }), steps: Math.ceil(data.user.length / 5000), size: '5,000 + 25,000 pairs, 128 factors, 3,706 x 4,052' },
    BPR: { make: () => new BPR({ epochs: 1, stepsPerEpoch: 30 }), steps: 30, size: '15,000 triples, 128 factors, 3,706 x 4,052' },
  };
  return Object.entries(models).flatMap(([name, { make, steps, size }]) => (['loop', 'simd'] as const).map((variant): Case => ({
    group: 'training', name, size, variant, unit: 'steps/s', work: steps,
    async prepare() {
      useKernels(variant);
      const model = await make().fit(data);
      // an async function by name: tinybench would otherwise call it once to find out, and not wait for it
      return { run: async () => { await model.partialFit(data); }, done: () => { model.free(); useKernels('auto'); } };
    },
  })));
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
