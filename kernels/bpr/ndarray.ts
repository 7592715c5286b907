import ndarray from 'ndarray';
import ops from 'ndarray-ops';
import { rows, vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys the formula by whole rows: U[u], V[i] - V[j]. It costs six views and six calls for the gradients of one
 * triple, and the difference is written to a place of its own and read back, because no operation does two things.
 */

/** bprLoss: x[b] = c[i] - c[j] + <U[u], V[i] - V[j]>, L = Σ_b -ln σ(x[b]), as in loop.ts. */
export function bprLoss(
  x: Float32Array, U: Float32Array, V: Float32Array, c: Float32Array,
  u: Int32Array, i: Int32Array, j: Int32Array, B: number, K: number,
): number {
  const margins = ndarray(x, [B]), users = rows(U, K), items = rows(V, K), biases = ndarray(c), products = vector(K);
  for (let b = 0; b < B; b++) {
    ops.sub(products, items.pick(i[b]), items.pick(j[b]));
    ops.muleq(products, users.pick(u[b]));
    margins.set(b, biases.get(i[b]) - biases.get(j[b]) + ops.sum(products));
  }

  // -ln σ(x) = max(-x, 0) + ln(1 + e^-|x|); there is no log1p, so float64
  const term = ndarray(new Float64Array(B), [B]);
  ops.abs(term, margins);
  ops.negeq(term);
  ops.expeq(term);
  ops.addseq(term, 1);
  ops.logeq(term);
  const L = ops.sum(term);
  ops.neg(term, margins);
  ops.maxs(term, term, 0);
  return L + ops.sum(term);
}

/** bprGrad: g = -dL σ(-x[b]); dU[u] += g (V[i] - V[j]), dV[i] += g U[u], dV[j] -= g U[u], dc[i] += g, dc[j] -= g, as in loop.ts. */
export function bprGrad(
  dU: Float32Array, dV: Float32Array, dc: Float32Array,
  x: Float32Array, U: Float32Array, V: Float32Array,
  u: Int32Array, i: Int32Array, j: Int32Array, B: number, K: number, dL: number,
): void {
  const slopes = vector(B);
  ops.exp(slopes, ndarray(x, [B])); // σ(-x) = 1 / (1 + e^x)
  ops.addseq(slopes, 1);
  ops.recipeq(slopes);
  ops.mulseq(slopes, -dL);

  const users = rows(U, K), items = rows(V, K), dUsers = rows(dU, K), dItems = rows(dV, K), dBiases = ndarray(dc), step = vector(K);
  for (let b = 0; b < B; b++) {
    const g = slopes.get(b);
    ops.sub(step, items.pick(i[b]), items.pick(j[b]));
    ops.mulseq(step, g);
    ops.addeq(dUsers.pick(u[b]), step);
    ops.muls(step, users.pick(u[b]), g);
    ops.addeq(dItems.pick(i[b]), step);
    ops.subeq(dItems.pick(j[b]), step);
    dBiases.set(i[b], dBiases.get(i[b]) + g);
    dBiases.set(j[b], dBiases.get(j[b]) - g);
  }
}
