import ndarray from 'ndarray';
import ops from 'ndarray-ops';
import { vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. Here it is at its best: no rows, a few calls for the whole batch, however long. It costs a pass over memory for each
 * operation (ten for the loss) where the loop makes one, a place for the parts, and digits: there is no log1p, so the parts are float64,
 * and what is below 1e-16 beside 1 is lost all the same.
 */

/** logLoss: Σ_b [max(x, 0) - x y + ln(1 + e^-|x|)], as in loop.ts. */
export function logLoss(x: Float32Array, y: Float32Array, B: number): number {
  const logits = ndarray(x, [B]), labels = ndarray(y, [B]), term = ndarray(new Float64Array(B), [B]);
  ops.abs(term, logits);
  ops.negeq(term);
  ops.expeq(term);
  ops.addseq(term, 1);
  ops.logeq(term);
  let L = ops.sum(term);
  ops.maxs(term, logits, 0);
  L += ops.sum(term);
  ops.mul(term, logits, labels);
  return L - ops.sum(term);
}

/** logLossGrad: dx[b] += dL (σ(x[b]) - y[b]), as in loop.ts. */
export function logLossGrad(dx: Float32Array, x: Float32Array, y: Float32Array, B: number, dL: number): void {
  const step = vector(B);
  ops.neg(step, ndarray(x, [B])); // σ(x) = 1 / (1 + e^-x)
  ops.expeq(step);
  ops.addseq(step, 1);
  ops.recipeq(step);
  ops.subeq(step, ndarray(y, [B]));
  ops.mulseq(step, dL);
  ops.addeq(ndarray(dx, [B]), step);
}
