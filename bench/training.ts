import type { GpuMode } from '../kernels/gpuDevice.ts';
import { type Variant, backend, fma, useKernels, variants } from '../kernels/index.ts';
import { memoryUse } from '../kernels/memory.ts';
import { type Interactions, fromRows } from '../lib/data/interactions.ts';
import { fit } from '../lib/gpu/fit.ts';
import { openGpu } from '../lib/gpu/open.ts';
import { BPR } from '../lib/models/bpr.ts';
import { LogisticMF } from '../lib/models/logisticMF.ts';
import { NextItemLSTM } from '../lib/models/nextItemLSTM.ts';
import type { Recommender } from '../lib/models/recommender.ts';
import { DISAGREES } from './check.ts';
import type { Outcome } from './kernelRows.ts';
import type { Row } from './results.ts';
import { shapedLike } from './shapes.ts';
import { type Pace, timed } from './timing.ts';

/** A model whose epoch is `steps` training steps on `data(steps)`. With the loops a run takes `loopSteps` of them, where one takes seconds. */
interface Training<Model extends Recommender> { make(steps: number, epochs?: number): Model; data(steps: number): Interactions; loopSteps?: number; size: string; fused?: boolean }

const models: { LogisticMF: Training<LogisticMF>; BPR: Training<BPR>; NextItemLSTM: Training<NextItemLSTM> } = {
  LogisticMF: { make: (_, epochs = 1) => new LogisticMF({ epochs }), data: (steps) => shapedLike(3706, 4052, 5000 * steps), size: '5,000 + 25,000 pairs, 128 factors, 3,706 x 4,052' },
  BPR: { make: (steps, epochs = 1) => new BPR({ epochs, stepsPerEpoch: steps }), data: (steps) => shapedLike(3706, 4052, 5000 * steps), size: '15,000 triples, 128 factors, 3,706 x 4,052' },
  NextItemLSTM: { make: () => new NextItemLSTM({ preset: 'chapter' }), data: (steps) => inBaskets(shapedLike(3706, 4059, 100 * steps), 5), loopSteps: 1, size: '20 windows of 5, 2 layers of 200, 4,060 classes', fused: true },
};

/** The same events in baskets of so many, each of one user. */
function inBaskets(data: Interactions, size: number): Interactions {
  const basket = data.item.map((_, at) => Math.floor(at / size));
  return fromRows({ ...data, basket, user: basket.map((b) => data.user[b]) });
}

/** modelNames: what trainingRow can do. */
export const modelNames = Object.keys(models) as (keyof typeof models)[];

/** gpuModelNames: what gpuTraining can do. */
export const gpuModelNames = ['LogisticMF', 'BPR'] as const;

/** Under what a model is trained here: the loops, SIMD, fused where that is something else, and each of these on two threads. */
export function trainingVariants(name: keyof typeof models): { variant: Variant; threads: number }[] {
  const on = (variant: Variant): { variant: Variant; threads: number }[] => [1, ...(backend().threads > 1 ? [2] : [])].map((threads) => ({ variant, threads }));
  return [{ variant: 'loop', threads: 1 }, ...(variants.simd ? on('simd') : []), ...(models[name].fused && fma().kernels ? on('simd-fma') : [])];
}

/** trainingRow: whole training steps of a model of the Online Retail study, in steps a second. */
export async function trainingRow(name: keyof typeof models, { variant, threads }: { variant: Variant; threads: number }, pace: Pace): Promise<Row> {
  const { make, data, loopSteps, size } = models[name];
  useKernels(variant);
  const steps = variant === 'loop' ? Math.min(loopSteps ?? pace.steps, pace.steps) : pace.steps, events = data(steps), model = await make(steps).fit(events, { threads });
  try {
    const { quartiles: [fast, slow], ...timing } = await timed(() => model.partialFit(events, { threads }), true, 0, { ...pace, time: 4 * pace.time });
    return {
      group: 'training', kernel: name, name, scale: 'chapter', size, variant: threads === 1 ? variant : `${variant}, ${threads} threads`,
      unit: 'steps/s', median: 1000 * steps / timing.milliseconds, low: 1000 * steps / slow, high: 1000 * steps / fast, ...timing, milliseconds: timing.milliseconds / steps,
    };
  } finally { model.free(); useKernels('auto'); }
}

/** How far the mean loss of an epoch may be from the tape's: only rounding is between them. */
const SAME_LOSS = 1e-4;

/**
 * gpuTraining: the same steps by tightrec/gpu in this mode, first held against the tape's loss. Epochs are timed from one's end to the next's, so
 * that an epoch holds its batches' way to the device and its tables' way back; the first, which compiles, is left out.
 */
export async function gpuTraining(name: (typeof gpuModelNames)[number], mode: GpuMode, pace: Pace): Promise<Outcome> {
  const { make, data, size } = models[name], { steps } = pace, events = data(steps), variant = `gpu ${mode}`, milliseconds: number[] = [];
  try {
    let want = Number.NaN, before = Number.NaN;
    const tape = make(steps) as BPR, enough = new AbortController();
    await tape.fit(events, { onEpoch: ({ loss }) => { want = loss; } });
    tape.free();
    const gpu = await openGpu({ mode }), model = make(steps, 100) as BPR, began = performance.now();
    try {
      await fit(model, events, { gpu, signal: enough.signal, onEpoch({ epoch, loss }) {
        const now = performance.now();
        if (epoch === 1 && !(Math.abs(loss - want) <= SAME_LOSS)) throw new Error(`${DISAGREES}the first epoch's loss is ${loss}, the tape's ${want}`);
        if (epoch > 1) milliseconds.push(now - before);
        before = now;
        if (milliseconds.length >= pace.iterations && now - began > 8 * pace.time) enough.abort();
      } });
    } catch (error) { if (error !== enough.signal.reason) throw error; } finally { model.free(); await gpu.destroy(); }
  } catch (error) {
    const why = (error as Error).message;
    return { refusal: { name, size, variant, why, ...(why.startsWith(DISAGREES) ? { wrong: true } : {}) } };
  }
  milliseconds.sort((a, b) => a - b);
  const [fast, median, slow] = [1, 2, 3].map((quarter) => milliseconds[(quarter * (milliseconds.length - 1)) >> 2]);
  return { row: { group: 'training', kernel: name, name, scale: 'chapter', size, variant, unit: 'steps/s', median: 1000 * steps / median, low: 1000 * steps / slow, high: 1000 * steps / fast, milliseconds: median, runs: milliseconds.length } };
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
