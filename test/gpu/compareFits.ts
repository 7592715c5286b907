import type { Interactions } from '../../lib/data/index.ts';
import type { GpuFit, GpuFitOptions } from '../../lib/gpu/index.ts';
import type { BPR, LogisticMF } from '../../lib/index.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { planted } from '../helpers/planted.ts';

/** What is tried: the sources, a minified bundle, the built files. */
export interface Library {
  LogisticMF: typeof LogisticMF;
  BPR: typeof BPR;
  fit: <Model extends LogisticMF | BPR>(model: Model, data: Interactions, options?: GpuFitOptions) => Promise<GpuFit<Model>>;
}

export interface Comparison {
  model: string;
  mode: string;
  why: string;
  /** NDCG@10 on what was held out. */
  gpu: number;
  tape: number;
  /** The largest difference between an entry of a table and the same entry of the tape's. */
  apart: number;
  losses: { gpu: number[]; tape: number[] };
}

/** compareFits: both factor models fitted by the tape and on a gpu, on data with planted tastes. Runs in a browser page too. */
export async function compareFits({ LogisticMF, BPR, fit }: Library, options: GpuFitOptions, epochs = 12): Promise<Comparison[]> {
  const { train, test } = planted({ users: 100, items: 60, each: 24, factors: 3 }), all: Comparison[] = [];
  const settings = { factors: 9, epochs, learningRate: 0.03, l2: 1e-5, seed: 3 };
  for (const make of [() => new LogisticMF({ ...settings, batchSize: 500, negatives: 3 }), () => new BPR({ ...settings, itemL2: 3e-5, batchSize: 700, stepsPerEpoch: 12 })]) {
    const losses: Comparison['losses'] = { gpu: [], tape: [] }, tape = make();
    await (tape as BPR).fit(train, { onEpoch: ({ loss }) => { losses.tape.push(loss); } });
    const { model, mode, why } = await fit(make() as BPR, train, { ...options, onEpoch: ({ loss }) => { losses.gpu.push(loss); } });
    const ndcg = (one: LogisticMF | BPR): number => evaluate(one, test.matrix, { k: 10, exclude: train.matrix, metrics: ['ndcg'] }).ndcg;
    const mine = model.toState().tensors, theirs = tape.toState().tensors;
    const apart = Math.max(...Object.keys(theirs).flatMap((name) => Array.from(theirs[name].data, (value, at) => Math.abs(value - mine[name].data[at]))));
    all.push({ model: tape.name, mode, why, gpu: ndcg(model), tape: ndcg(tape), apart, losses });
  }
  return all;
}

/** judge: throws unless the gpu's fits are as good as the tape's. */
export function judge(all: readonly Comparison[], mode: string, epochs = 12): void {
  if (all.length !== 2) throw new Error(`expected two models, got ${all.length}`);
  for (const { model, gpu, tape, apart, losses, ...got } of all) {
    const where = `${model}, mode ${got.mode}`;
    if (got.mode !== mode) throw new Error(`${where}: expected mode ${mode}`);
    if (losses.gpu.length !== epochs || losses.tape.length !== epochs) throw new Error(`${where}: ${losses.gpu.length} epochs were reported, expected ${epochs}`);
    // the same batches and formulas, so only rounding is between them; what the exam calls the same quality is 0.02
    if (!(Math.abs(gpu - tape) <= 0.01)) throw new Error(`${where}: NDCG is ${gpu}, the tape's ${tape}`);
    if (!(apart < 1e-3)) throw new Error(`${where}: a table's entry is ${apart} away from the tape's`);
    for (const [epoch, loss] of losses.gpu.entries()) if (!(Math.abs(loss - losses.tape[epoch]) < 1e-4)) throw new Error(`${where}: the loss of epoch ${epoch + 1} is ${loss}, the tape's ${losses.tape[epoch]}`);
  }
}
