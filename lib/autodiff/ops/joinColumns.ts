import { kernels } from '../../../kernels/answering.ts';
import { TightrecError } from '../../errors.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

/**
 * joinColumns: matrices of equally many rows, side by side.
 *
 *   forward    out[r] = a[r], b[r], ...             a (R, Ka), b (R, Kb), ... -> out (R, Ka + Kb + ...)
 *   backward   da[r], db[r], ... += dOut[r]         each its own columns
 */
export function joinColumns(tape: Tape | null, parts: readonly Tensor[]): Tensor {
  if (parts.length === 0) throw new TightrecError('bad-shape', 'joinColumns: expected at least one matrix, got none');
  const [R] = matrix('joinColumns', parts[0]), widths = parts.map((part) => matrix('joinColumns', part)[1]), width = widths.reduce((sum, K) => sum + K, 0);
  for (const { shape } of parts) if (shape[0] !== R) throw new TightrecError('bad-shape', `joinColumns: the matrices must have equally many rows, got shapes [${parts[0].shape}] and [${shape}]`);

  const out = new Tensor([R, width]), first = widths.map((_, p) => widths.slice(0, p).reduce((sum, K) => sum + K, 0)); // columns of out
  parts.forEach((part, p) => {
    const K = widths[p], from = part.data;
    for (let r = 0; r < R; r++) out.data.set(from.subarray(r * K, r * K + K), r * width + first[p]);
  });
  tape?.record(() => parts.forEach((part, p) => {
    const K = widths[p], d = part.grad, dOut = out.grad;
    for (let r = 0, at = first[p]; r < R; r++, at += width) kernels.addScaled(d.subarray(r * K, r * K + K), dOut.subarray(at, at + K), K, 1);
  }));
  return out;
}
