import ndarray, { type NdArray } from 'ndarray';
import ops from 'ndarray-ops';
import { rows, vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys one function for a whole table and for a row of it. It costs a pass over memory for each of its seven
 * operations, and a place for the step.
 *
 *   s += g²      w -= rate · g / (√s + eps)
 */
function descend(w: NdArray<Float32Array>, s: NdArray<Float32Array>, g: NdArray<Float32Array>, step: NdArray<Float32Array>, rate: number, eps: number): void {
  ops.mul(step, g, g);
  ops.addeq(s, step);
  ops.sqrt(step, s);
  ops.addseq(step, eps);
  ops.div(step, g, step);
  ops.mulseq(step, rate);
  ops.subeq(w, step);
}

/** adagrad: as in loop.ts. */
export function adagrad(w: Float32Array, s: Float32Array, g: Float32Array, n: number, rate: number, eps: number): void {
  descend(ndarray(w, [n]), ndarray(s, [n]), ndarray(g, [n]), vector(n), rate, eps);
}

/** adagradRows: the same for the touched rows only, as in loop.ts. */
export function adagradRows(
  W: Float32Array, S: Float32Array, G: Float32Array, touched: Int32Array, R: number, K: number, rate: number, eps: number,
): void {
  const table = rows(W, K), sums = rows(S, K), gradient = ndarray(G, [R, K]), step = vector(K);
  for (let r = 0; r < R; r++) descend(table.pick(touched[r]), sums.pick(touched[r]), gradient.pick(r), step, rate, eps);
}
