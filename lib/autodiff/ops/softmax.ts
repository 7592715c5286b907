import { kernels } from '../../../kernels/index.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

/**
 * softmax: each row of logits as probabilities. For a loss, `softmaxLoss` takes the logits themselves: it keeps more digits.
 *
 *   forward    P[r] = softmax(X[r])                                          X (R, N) -> P (R, N)
 *   backward   dX[r, n] += P[r, n] (dP[r, n] - Σ_m P[r, m] dP[r, m])
 */
export function softmax(tape: Tape | null, X: Tensor): Tensor {
  const [R, N] = matrix('softmax', X), P = new Tensor([R, N]);
  kernels.softmax(P.data, X.data, R, N);
  tape?.record(() => kernels.softmaxGrad(X.grad, P.data, P.grad, R, N));
  return P;
}
