import { kernels } from '../../../kernels/answering.ts';
import { scratchInts } from '../../../kernels/memory.ts';
import { TightrecError } from '../../errors.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

/**
 * linear: every row of x times a matrix, plus a bias.
 *
 *   forward    out[b] = x[b] W + bias                                    x (B, D), W (D, M), bias (M) or null -> out (B, M)
 *   backward   dx += dOut Wᵀ     dW += xᵀ dOut     dBias += Σ_b dOut[b]
 */
export function linear(tape: Tape | null, x: Tensor, W: Tensor, bias: Tensor | null): Tensor {
  const [B, D] = matrix('linear', x), [rows, M] = matrix('linear', W);
  if (rows !== D) throw new TightrecError('bad-shape', `linear: expected a row of W for each of ${D} columns of x, got shape [${W.shape}]`);
  if (bias !== null && bias.size !== M) throw new TightrecError('bad-shape', `linear: expected a bias for each of ${M} columns of W, got shape [${bias.shape}]`);

  const out = new Tensor([B, M]), first = scratchInts(B).fill(0); // the bias is a table of one row, which every row of out takes
  kernels.matmul(out.data, x.data, W.data, B, M, D);
  if (bias) kernels.gatherAdd(out.data, bias.data, first, B, M);
  tape?.record((all) => { // all kernels, which come with the tape
    all.matmulGradA(x.grad, out.grad, W.data, B, M, D);
    all.matmulGradB(W.grad, x.data, out.grad, B, M, D);
    if (bias) all.gatherRowsGrad(bias.grad, out.grad, first, B, M);
  });
  return out;
}
