import ndarray, { type NdArray } from 'ndarray';
import ops from 'ndarray-ops';
import { rows, vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys one function for a vector, a table and a row of a table: views of any shape will do. It costs a pass over
 * memory for each of its thirteen operations, where the loop reads and writes everything once, and a place for the parts.
 *
 *   m += (1 - beta1) (g - m)      v += (1 - beta2) (g² - v)      w -= rate · c1 m / (√(c2 v) + eps)
 */
function descend(
  w: NdArray<Float32Array>, m: NdArray<Float32Array>, v: NdArray<Float32Array>, g: NdArray<Float32Array>, step: NdArray<Float32Array>,
  rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
): void {
  ops.sub(step, g, m);
  ops.mulseq(step, 1 - beta1);
  ops.addeq(m, step);

  ops.mul(step, g, g);
  ops.subeq(step, v);
  ops.mulseq(step, 1 - beta2);
  ops.addeq(v, step);

  ops.muls(step, v, c2);
  ops.sqrteq(step);
  ops.addseq(step, eps);
  ops.div(step, m, step);
  ops.mulseq(step, rate * c1);
  ops.subeq(w, step);
}

/** adam: as in loop.ts. */
export function adam(
  w: Float32Array, m: Float32Array, v: Float32Array, g: Float32Array, n: number,
  rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
): void {
  descend(ndarray(w, [n]), ndarray(m, [n]), ndarray(v, [n]), ndarray(g, [n]), vector(n), rate, beta1, beta2, eps, c1, c2);
}

/** adamTable: as in loop.ts. The gradient is written out, zeros and all, so that the table can be taken in one go. */
export function adamTable(
  W: Float32Array, M: Float32Array, V: Float32Array, G: Float32Array, slot: Int32Array, n: number, K: number,
  rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
): void {
  const touched = rows(G, K), gradient = ndarray(new Float32Array(n * K), [n, K]), step = ndarray(new Float32Array(n * K), [n, K]);
  for (let row = 0; row < n; row++) if (slot[row] >= 0) ops.assign(gradient.pick(row), touched.pick(slot[row]));
  descend(ndarray(W, [n, K]), ndarray(M, [n, K]), ndarray(V, [n, K]), gradient, step, rate, beta1, beta2, eps, c1, c2);
}

/** adamRows: as in loop.ts. */
export function adamRows(
  W: Float32Array, M: Float32Array, V: Float32Array, G: Float32Array, touched: Int32Array, R: number, K: number,
  rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
): void {
  const table = rows(W, K), first = rows(M, K), second = rows(V, K), gradient = ndarray(G, [R, K]), step = vector(K);
  for (let r = 0; r < R; r++) {
    const row = touched[r];
    descend(table.pick(row), first.pick(row), second.pick(row), gradient.pick(r), step, rate, beta1, beta2, eps, c1, c2);
  }
}
