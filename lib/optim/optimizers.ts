import { kernels } from '../../kernels/index.ts';
import { scratchInts } from '../../kernels/memory.ts';
import { touchedRows } from '../autodiff/rowGrads.ts';
import { Tensor } from '../autodiff/tensor.ts';
import { TightrecError, describe } from '../errors.ts';

/** Optimizer: takes the gradients that a tape has left in the parameters, moves the parameters, and forgets the gradients. */
export interface Optimizer {
  learningRate: number;
  step(parameters: readonly Tensor[]): void;
}

/**
 * Where gradients stay zero, Adam's moments decay into the denormal numbers, on which a step takes thirty times as long. So every few steps
 * those too small to move anything become zero, far above the denormals: 0.9^16 is 0.19, and even 0.2^16 leaves 10 orders of magnitude.
 */
const SETTLE_EVERY = 16, NOTHING = 2 ** -85; // 2.6e-26; the smallest normal float32 is 2^-126, 1.2e-38

/** sgd: w -= rate · g. A table's untouched rows stay as they are. */
export class SGD implements Optimizer {
  learningRate: number;

  constructor(options: { learningRate: number }) {
    this.learningRate = positive('SGD', 'learningRate', options.learningRate);
  }

  step(parameters: readonly Tensor[]): void {
    for (const w of parameters) {
      const touched = touchedRows(w);
      if (w.hasGrad) kernels.sgd(w.data, w.grad, w.size, this.learningRate);
      if (touched) kernels.sgdRows(w.data, touched.rows.grad, touched.ids, touched.ids.length, w.shape[1], this.learningRate);
      w.zeroGrad();
    }
  }
}

/** AdaGrad: s += g², w -= rate · g / (√s + eps). A table's untouched rows stay as they are. Duchi, Hazan, Singer, 2011. */
export class AdaGrad implements Optimizer {
  learningRate: number;
  readonly eps: number;
  readonly #sums = new WeakMap<Tensor, Tensor>();

  constructor(options: { learningRate: number; eps?: number }) {
    this.learningRate = positive('AdaGrad', 'learningRate', options.learningRate);
    this.eps = positive('AdaGrad', 'eps', options.eps ?? 1e-10);
  }

  step(parameters: readonly Tensor[]): void {
    for (const w of parameters) {
      const touched = touchedRows(w), s = kept(this.#sums, w);
      if (w.hasGrad) kernels.adagrad(w.data, s.data, w.grad, w.size, this.learningRate, this.eps);
      if (touched) kernels.adagradRows(w.data, s.data, touched.rows.grad, touched.ids, touched.ids.length, w.shape[1], this.learningRate, this.eps);
      w.zeroGrad();
    }
  }

  /** Gives back at once what it keeps of these parameters; otherwise that happens when nobody holds them any more. */
  forget(parameters: readonly Tensor[]): void {
    for (const w of parameters) { this.#sums.get(w)?.free(); this.#sums.delete(w); }
  }
}

/**
 * Adam: adaptive moment estimation (Kingma and Ba, 2015, algorithm 1).
 *
 * `rows` says what a step does to the rows of a table that the batch did not touch. 'all' (the default, dense Adam): their moments decay and
 * they move on, as if their gradient were zero. 'touched' (lazy Adam, torch's SparseAdam): they stay as they are, which is quicker on a large table
 * and not the same. The steps that correct the moments' start are counted for a table, not for each row: a row first touched late makes a first
 * step of some three times the rate. A parameter that has no gradient at all in a step is left alone, and the step is not counted for it.
 */
export class Adam implements Optimizer {
  learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly rows: 'all' | 'touched';
  readonly #steps = new WeakMap<Tensor, number>(); // t of each parameter: one that had no gradient missed a step
  readonly #m = new WeakMap<Tensor, Tensor>();
  readonly #v = new WeakMap<Tensor, Tensor>();

  constructor(options: { learningRate: number; beta1?: number; beta2?: number; eps?: number; rows?: 'all' | 'touched' }) {
    this.learningRate = positive('Adam', 'learningRate', options.learningRate);
    this.beta1 = fraction('Adam', 'beta1', options.beta1 ?? 0.9);
    this.beta2 = fraction('Adam', 'beta2', options.beta2 ?? 0.999);
    this.eps = positive('Adam', 'eps', options.eps ?? 1e-8);
    this.rows = options.rows ?? 'all';
    if (this.rows !== 'all' && this.rows !== 'touched') throw new TightrecError('bad-setting', `Adam: rows must be 'all' or 'touched', got ${describe(this.rows)}`);
  }

  step(parameters: readonly Tensor[]): void {
    for (const w of parameters) {
      const touched = touchedRows(w);
      if (touched === null && !w.hasGrad) continue;
      const m = kept(this.#m, w), v = kept(this.#v, w), t = (this.#steps.get(w) ?? 0) + 1;
      this.#steps.set(w, t);
      const settings = [this.learningRate, this.beta1, this.beta2, this.eps, 1 / (1 - this.beta1 ** t), 1 / (1 - this.beta2 ** t)] as const;
      if (touched === null) {
        kernels.adam(w.data, m.data, v.data, w.grad, w.size, ...settings);
      } else {
        const { ids, rows } = touched, [n, K] = w.shape;
        if (this.rows === 'touched') kernels.adamRows(w.data, m.data, v.data, rows.grad, ids, ids.length, K, ...settings);
        else kernels.adamTable(w.data, m.data, v.data, rows.grad, slotOfRow(ids, n), n, K, ...settings);
      }
      if (t % SETTLE_EVERY === 0 && !(touched && this.rows === 'touched')) for (const moment of [m, v]) kernels.settle(moment.data, moment.size, NOTHING);
      w.zeroGrad();
    }
  }

  /** Takes over moments that were kept elsewhere, on a gpu, and the number of steps that made them; `step` goes on from there. */
  resume(w: Tensor, m: Float32Array, v: Float32Array, steps: number): void {
    kept(this.#m, w).data.set(m);
    kept(this.#v, w).data.set(v);
    this.#steps.set(w, steps);
  }

  /** Gives back at once what it keeps of these parameters; otherwise that happens when nobody holds them any more. */
  forget(parameters: readonly Tensor[]): void {
    for (const w of parameters) {
      for (const states of [this.#m, this.#v]) { states.get(w)?.free(); states.delete(w); }
      this.#steps.delete(w);
    }
  }
}

/** For each of n rows, which of the touched rows it is, or -1. */
function slotOfRow(ids: Int32Array, n: number): Int32Array {
  const slot = scratchInts(n).fill(-1);
  for (let r = 0; r < ids.length; r++) slot[ids[r]] = r;
  return slot;
}

/** The state that belongs to a parameter: zeros, made when it is first stepped, gone with it. */
function kept(states: WeakMap<Tensor, Tensor>, w: Tensor): Tensor {
  let state = states.get(w);
  if (state === undefined) states.set(w, state = Tensor.lasting(w.shape));
  return state;
}

const positive = (where: string, name: string, value: number): number => {
  if (!(value > 0 && value < Infinity)) throw new TightrecError('bad-setting', `${where}: ${name} must be a positive number, got ${value}`);
  return value;
};
const fraction = (where: string, name: string, value: number): number => {
  if (!(value >= 0 && value < 1)) throw new TightrecError('bad-setting', `${where}: ${name} must be at least 0 and below 1, got ${value}`);
  return value;
};
