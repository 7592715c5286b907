import { kernels } from '../../../kernels/index.ts';
import { TightrecError } from '../../errors.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

const EPS = 1e-5;

/**
 * layerNorm: each row brought to mean 0 and variance 1, then each column stretched and shifted.
 *
 *   forward    Y[b] = gain (X[b] - mean X[b]) / √(variance X[b] + eps) + shift          X (B, N), gain (N), shift (N) -> Y (B, N); eps is 1e-5
 *   backward   kernels/layerNorm/loop.ts has the three gradients
 *
 * Ba, Kiros, Hinton, "Layer Normalization", 2016.
 */
export function layerNorm(tape: Tape | null, X: Tensor, gain: Tensor, shift: Tensor): Tensor {
  const [B, N] = matrix('layerNorm', X);
  for (const [name, { size, shape }] of Object.entries({ gain, shift })) if (size !== N) throw new TightrecError('bad-shape', `layerNorm: expected a ${name} for each of ${N} columns of X, got shape [${shape}]`);

  const Y = new Tensor([B, N]), m = new Tensor([B]), r = new Tensor([B]);
  kernels.layerNorm(Y.data, m.data, r.data, X.data, gain.data, shift.data, B, N, EPS);
  tape?.record(() => kernels.layerNormGrad(X.grad, gain.grad, shift.grad, m.data, r.data, X.data, gain.data, Y.grad, B, N));
  return Y;
}
