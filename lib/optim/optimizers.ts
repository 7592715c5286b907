import { kernels } from '../../kernels/index.ts';
import { touchedRows } from '../autodiff/rowGrads.ts';
import { Tensor } from '../autodiff/tensor.ts';
import { TightrecError, describe } from '../errors.ts';

/** OptimizerState: what an optimiser keeps beside a parameter: how many steps it took (0 where it does not count them), and arrays of the parameter's size, by name. */
export interface OptimizerState { readonly steps: number; readonly arrays: Readonly<Record<string, Float32Array>> }

/** Optimizer: takes the gradients that a tape has left in the parameters, moves the parameters, and forgets the gradients. */
export interface Optimizer {
  learningRate: number;
  step(parameters: readonly Tensor[]): void;
  /** A copy of what it keeps beside a parameter; null for nothing, as before the first step. */
  state(w: Tensor): OptimizerState | null;
  /** Puts back what `state` gave, here or elsewhere; `step` goes on from there to the same bytes. Errors: 'bad-shape' where it is not of this optimiser or this shape. */
  restore(w: Tensor, state: OptimizerState | null): void;
  /** Gives back at once what it keeps of these parameters; otherwise that happens when nobody holds them any more. */
  forget(parameters: readonly Tensor[]): void;
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

  state(): null { return null; }
  restore(w: Tensor, state: OptimizerState | null): void { if (state !== null) notOurs('SGD', w, 'nothing'); }
  forget(): void {}
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

  state(w: Tensor): OptimizerState | null {
    const sums = this.#sums.get(w);
    return sums === undefined ? null : { steps: 0, arrays: { sums: sums.data.slice() } };
  }

  restore(w: Tensor, state: OptimizerState | null): void {
    if (state === null) this.forget([w]);
    else putBack('AdaGrad', w, state, { sums: this.#sums });
  }

  forget(parameters: readonly Tensor[]): void { drop(parameters, this.#sums); }
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

  state(w: Tensor): OptimizerState | null {
    const steps = this.#steps.get(w);
    return steps === undefined ? null : { steps, arrays: { m: kept(this.#m, w).data.slice(), v: kept(this.#v, w).data.slice() } };
  }

  restore(w: Tensor, state: OptimizerState | null): void {
    if (state === null) { this.forget([w]); return; }
    if (!(Number.isSafeInteger(state.steps) && state.steps >= 1)) throw new TightrecError('bad-shape', `Adam: the steps behind moments must be a whole number from 1 up, got ${describe(state.steps)}`);
    putBack('Adam', w, state, { m: this.#m, v: this.#v });
    this.#steps.set(w, state.steps);
  }

  forget(parameters: readonly Tensor[]): void {
    drop(parameters, this.#m, this.#v);
    for (const w of parameters) this.#steps.delete(w);
  }
}

/** For each of n rows, which of the touched rows it is, or -1. */
function slotOfRow(ids: Int32Array, n: number): Int32Array {
  const slot = new Int32Array(n).fill(-1); // a plain array, which the kernel's call copies: to fill shared memory takes longer
  for (let r = 0; r < ids.length; r++) slot[ids[r]] = r;
  return slot;
}

type Kept = WeakMap<Tensor, Tensor>;

/** The state that belongs to a parameter: zeros, made when it is first stepped, gone with it. */
function kept(states: Kept, w: Tensor): Tensor {
  let state = states.get(w);
  if (state === undefined) states.set(w, state = Tensor.lasting(w.shape));
  return state;
}

function drop(parameters: readonly Tensor[], ...all: Kept[]): void {
  for (const w of parameters) for (const states of all) { states.get(w)?.free(); states.delete(w); }
}

/** The arrays of a state, each into its place; all or none. */
function putBack(where: string, w: Tensor, { arrays }: OptimizerState, places: Record<string, Kept>): void {
  const names = Object.keys(places);
  if (Object.keys(arrays).length !== names.length || !names.every((name) => arrays[name] instanceof Float32Array && arrays[name].length === w.size)) notOurs(where, w, names.join(' and '));
  for (const name of names) kept(places[name], w).data.set(arrays[name]);
}

function notOurs(where: string, w: Tensor, expected: string): never {
  throw new TightrecError('bad-shape', `${where}: expected ${expected} beside a parameter of shape [${w.shape}], got the state of another optimiser or parameter`);
}

const positive = (where: string, name: string, value: number): number => {
  if (!(value > 0 && value < Infinity)) throw new TightrecError('bad-setting', `${where}: ${name} must be a positive number, got ${value}`);
  return value;
};
const fraction = (where: string, name: string, value: number): number => {
  if (!(value >= 0 && value < 1)) throw new TightrecError('bad-setting', `${where}: ${name} must be at least 0 and below 1, got ${value}`);
  return value;
};
