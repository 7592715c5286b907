import { kernels } from '../../kernels/index.ts';
import { touchedRows } from '../autodiff/rowGrads.ts';
import type { Tensor } from '../autodiff/tensor.ts';
import { TightrecError } from '../errors.ts';

/**
 * clipGradNorm: shortens the gradient of all parameters together to at most `maxNorm`, keeping its direction. Returns its length before.
 *
 *   norm = √(Σ g²) over all entries of all parameters     g *= maxNorm / norm, where norm > maxNorm
 *
 * Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013.
 */
export function clipGradNorm(parameters: readonly Tensor[], maxNorm: number): number {
  if (!(maxNorm > 0)) throw new TightrecError('bad-setting', `clipGradNorm: maxNorm must be a positive number, got ${maxNorm}`);
  const gradients = parameters.flatMap((w) => {
    const touched = touchedRows(w);
    return touched ? [touched.rows.grad] : w.hasGrad ? [w.grad] : [];
  });
  const norm = Math.sqrt(gradients.reduce((sum, g) => sum + kernels.sumSquares(g, g.length), 0));
  if (norm > maxNorm) for (const g of gradients) kernels.scale(g, g.length, maxNorm / norm);
  return norm;
}
