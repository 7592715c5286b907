import ndarray from 'ndarray';
import ops from 'ndarray-ops';
import { rows } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys `pick`: a row is a view, and no line computes an address. It costs two new views and a look-up of the
 * compiled operation for every row of the batch; there is no operation that takes a list of ids.
 */

/** gatherRows: out[b] = table[ids[b]], as in loop.ts. */
export function gatherRows(out: Float32Array, table: Float32Array, ids: Int32Array, B: number, K: number): void {
  const to = ndarray(out, [B, K]), from = rows(table, K);
  for (let b = 0; b < B; b++) ops.assign(to.pick(b), from.pick(ids[b]));
}

/** gatherAdd: out[b] += table[ids[b]], as in loop.ts. */
export function gatherAdd(out: Float32Array, table: Float32Array, ids: Int32Array, B: number, K: number): void {
  const to = ndarray(out, [B, K]), from = rows(table, K);
  for (let b = 0; b < B; b++) ops.addeq(to.pick(b), from.pick(ids[b]));
}

/** gatherRowsGrad: dTable[ids[b]] += dOut[b], as in loop.ts. */
export function gatherRowsGrad(dTable: Float32Array, dOut: Float32Array, ids: Int32Array, B: number, K: number): void {
  const to = rows(dTable, K), from = ndarray(dOut, [B, K]);
  for (let b = 0; b < B; b++) ops.addeq(to.pick(ids[b]), from.pick(b));
}
