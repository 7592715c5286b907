import { TightrecError } from '../../errors.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { checkIds } from './rowDot.ts';

/**
 * addBias: each score plus the bias of its row.
 *
 *   forward    out[b] = x[b] + c[ids[b]]                     x (B), c (n) or (n, 1), ids (B) -> out (B)
 *   backward   dx[b] += dOut[b]     dc[ids[b]] += dOut[b]
 *
 * Without ids, c is one number, added to every score.
 */
export function addBias(tape: Tape | null, x: Tensor, c: Tensor, ids: Int32Array | null = null): Tensor {
  const B = x.size;
  if (ids === null && c.size !== 1) throw new TightrecError('bad-shape', `addBias: without ids the bias is one number, got shape [${c.shape}]`);
  if (ids !== null && ids.length !== B) throw new TightrecError('bad-shape', `addBias: expected an id for each of ${B} scores, got ${ids.length}`);
  if (ids !== null) checkIds('addBias', ids, c.size);

  const out = new Tensor(x.shape), o = out.data, from = x.data, bias = c.data;
  for (let b = 0; b < B; b++) o[b] = from[b] + bias[ids === null ? 0 : ids[b]];
  tape?.record(() => {
    const dOut = out.grad, dx = x.grad, dc = c.grad;
    for (let b = 0; b < B; b++) {
      dx[b] += dOut[b];
      dc[ids === null ? 0 : ids[b]] += dOut[b];
    }
  });
  return out;
}
