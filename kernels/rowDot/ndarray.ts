import ndarray from 'ndarray';
import ops from 'ndarray-ops';
import { rows, vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys rows by `pick` and the formula without its inner sum over k. It costs a place for the products, which are
 * written and read again, because no operation multiplies and adds in one go; and two to four calls a pair.
 */

/** rowDot: x[b] = <U[u[b]], V[i[b]]>, as in loop.ts. */
export function rowDot(x: Float32Array, U: Float32Array, V: Float32Array, u: Int32Array, i: Int32Array, B: number, K: number): void {
  const scores = ndarray(x, [B]), users = rows(U, K), items = rows(V, K), products = vector(K);
  for (let b = 0; b < B; b++) {
    ops.mul(products, users.pick(u[b]), items.pick(i[b]));
    scores.set(b, ops.sum(products)); // ops.sum adds up in float64
  }
}

/** rowDotGrad: dU[u[b]] += dx[b] V[i[b]], dV[i[b]] += dx[b] U[u[b]], as in loop.ts. */
export function rowDotGrad(
  dU: Float32Array, dV: Float32Array, dx: Float32Array,
  U: Float32Array, V: Float32Array, u: Int32Array, i: Int32Array, B: number, K: number,
): void {
  const users = rows(U, K), items = rows(V, K), dUsers = rows(dU, K), dItems = rows(dV, K), slopes = ndarray(dx, [B]), step = vector(K);
  for (let b = 0; b < B; b++) {
    const g = slopes.get(b);
    ops.muls(step, items.pick(i[b]), g);
    ops.addeq(dUsers.pick(u[b]), step);
    ops.muls(step, users.pick(u[b]), g);
    ops.addeq(dItems.pick(i[b]), step);
  }
}
