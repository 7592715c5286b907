import ndarray, { type NdArray } from 'ndarray';
import ops from 'ndarray-ops';
import { rows, vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys one function for a whole table and for a row of it: a view is a view. It costs a place for the step, as
 * large as the parameters, and a second pass: no operation multiplies and subtracts in one go.
 */
function descend(w: NdArray<Float32Array>, g: NdArray<Float32Array>, step: NdArray<Float32Array>, rate: number): void {
  ops.muls(step, g, rate);
  ops.subeq(w, step);
}

/** sgd: w -= rate · g, as in loop.ts. */
export function sgd(w: Float32Array, g: Float32Array, n: number, rate: number): void {
  descend(ndarray(w, [n]), ndarray(g, [n]), vector(n), rate);
}

/** sgdRows: W[rows[r]] -= rate · G[r], as in loop.ts. */
export function sgdRows(W: Float32Array, G: Float32Array, touched: Int32Array, R: number, K: number, rate: number): void {
  const table = rows(W, K), gradient = ndarray(G, [R, K]), step = vector(K);
  for (let r = 0; r < R; r++) descend(table.pick(touched[r]), gradient.pick(r), step, rate);
}
