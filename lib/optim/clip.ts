import { kernels } from '../../kernels/index.ts';
import type { Part } from '../../kernels/spread.ts';
import { runParts } from '../../kernels/threads.ts';
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
  const norm = Math.sqrt(runParts(gradients.flatMap(inPieces)).reduce((sum, piece) => sum + piece, 0));
  if (norm > maxNorm) for (const g of gradients) kernels.scale(g, g.length, maxNorm / norm);
  return norm;
}

const PIECE = 2 ** 16; // numbers

/** The sum of a gradient's squares, in pieces of one size, so that the sum of their sums is the same on any number of threads. */
function inPieces(g: Float32Array): Part[] {
  return Array.from({ length: Math.ceil(g.length / PIECE) }, (_, piece) => {
    const some = g.subarray(piece * PIECE, (piece + 1) * PIECE);
    return ['sumSquares', some, some.length];
  });
}
