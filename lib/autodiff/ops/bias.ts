import { kernels } from '../../../kernels/index.ts';
import { scratchInts } from '../../../kernels/memory.ts';
import { TightrecError } from '../../errors.ts';
import { checkIds } from '../distinct.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

/**
 * addBias: each score plus the biases of its rows.
 *
 *   forward    out[b] = x[b] + Σ_c c[ids_c[b]]               x (B); each bias a table c (n, 1) or (n) with ids (B) -> out (B)
 *   backward   dx[b] += dOut[b]     dc[ids_c[b]] += dOut[b]
 *
 * A bias without ids is one number, added to every score.
 */
export function addBias(tape: Tape | null, x: Tensor, ...biases: readonly (readonly [c: Tensor, ids?: Int32Array])[]): Tensor {
  const B = x.size;
  const terms = biases.map(([c, ids]): readonly [Tensor, Int32Array] => {
    if (ids === undefined && c.size !== 1) throw new TightrecError('bad-shape', `addBias: without ids a bias is one number, got shape [${c.shape}]`);
    if (ids !== undefined && ids.length !== B) throw new TightrecError('bad-shape', `addBias: expected an id for each of ${B} scores, got ${ids.length}`);
    if (c.size !== (c.shape[0] ?? 1)) throw new TightrecError('bad-shape', `addBias: a bias must hold one number a row, got shape [${c.shape}]`);
    if (ids !== undefined) checkIds('addBias', ids, c.size);
    return [c, ids ?? scratchInts(B).fill(0)];
  });

  const out = new Tensor(x.shape, x.data);
  for (const [c, ids] of terms) kernels.gatherAdd(out.data, c.data, ids, B, 1);
  tape?.record(() => {
    kernels.addScaled(x.grad, out.grad, B, 1);
    for (const [c, ids] of terms) kernels.gatherRowsGrad(c.grad, out.grad, ids, B, 1);
  });
  return out;
}

/**
 * addRow: one row, added to every row.
 *
 *   forward    out[b] = x[b] + row            x (B, K), row (1, K) or (K) -> out (B, K)
 *   backward   dx[b] += dOut[b]     dRow += Σ_b dOut[b]
 */
export function addRow(tape: Tape | null, x: Tensor, row: Tensor): Tensor {
  const [B, K] = matrix('addRow', x);
  if (row.size !== K) throw new TightrecError('bad-shape', `addRow: expected a number for each of ${K} columns, got shape [${row.shape}]`);

  const out = new Tensor([B, K], x.data), first = scratchInts(B).fill(0); // a table of one row, which every row of out takes
  kernels.gatherAdd(out.data, row.data, first, B, K);
  tape?.record(() => {
    kernels.addScaled(x.grad, out.grad, out.size, 1);
    kernels.gatherRowsGrad(row.grad, out.grad, first, B, K);
  });
  return out;
}
