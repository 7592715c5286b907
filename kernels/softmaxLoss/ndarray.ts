import ndarray from 'ndarray';
import ops from 'ndarray-ops';
import { vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys `sup`, `sum` and `exp` of a row as words; over many classes a call weighs little beside the exponentials.
 * It costs a pass over memory for each operation and a place for them. (No operation subtracts from each row its own number, so the rows are
 * taken one by one.)
 */

/** softmaxLoss: lse[b] = ln Σ_n e^X[b, n], L = Σ_b (lse[b] - X[b, y[b]]), as in loop.ts. */
export function softmaxLoss(lse: Float32Array, X: Float32Array, y: Int32Array, B: number, N: number): number {
  const logits = ndarray(X, [B, N]), sums = ndarray(lse, [B]), term = vector(N);
  let L = 0;
  for (let b = 0; b < B; b++) {
    const row = logits.pick(b, null), x = ops.sup(row);
    ops.subs(term, row, x);
    ops.expeq(term);
    const ln = Math.log(ops.sum(term));
    sums.set(b, x + ln);
    if (y[b] >= 0) L += x - row.get(y[b]) + ln;
  }
  return L;
}

/** softmaxLossGrad: dX[b, n] += dL (e^(X[b, n] - lse[b]) - [n = y[b]]), as in loop.ts. */
export function softmaxLossGrad(dX: Float32Array, lse: Float32Array, X: Float32Array, y: Int32Array, B: number, N: number, dL: number): void {
  const logits = ndarray(X, [B, N]), dLogits = ndarray(dX, [B, N]), sums = ndarray(lse, [B]), p = vector(N);
  for (let b = 0; b < B; b++) {
    if (y[b] < 0) continue;
    ops.subs(p, logits.pick(b, null), sums.get(b));
    ops.expeq(p);
    p.set(y[b], p.get(y[b]) - 1);
    ops.mulseq(p, dL);
    ops.addeq(dLogits.pick(b, null), p);
  }
}
