import { kernels } from '../../../kernels/answering.ts';
import { TightrecError } from '../../errors.ts';
import { type Distinct, distinct } from '../distinct.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

/**
 * lookup: the rows of `table` that a batch touches, each once.
 *
 *   forward    out[r] = table[ids[r]]         table (n, K), ids (R), distinct -> out (R, K)
 *   backward   dOut stays beside the table as its gradient: touched rows, what others call a sparse gradient
 *
 * A batch that `wholeTable` did not tell apart gets the table itself, whose gradient is then dense.
 *
 * Without a tape (`null`) nothing is recorded: that is how a fitted model predicts.
 */
export function lookup(tape: Tape | null, table: Tensor, batch: Distinct): Tensor {
  const [n, K] = matrix('lookup', table);
  if (batch.n !== n) throw new TightrecError('bad-shape', `lookup: the batch was told apart for a table of ${batch.n} rows, this one has ${n}`);

  const { ids } = batch;
  if (ids === null) return table;
  const out = new Tensor([ids.length, K]);
  kernels.gatherRows(out.data, table.data, ids, ids.length, K);
  tape?.record(() => { table.rowGrads.push({ ids, rows: out }); });
  return out;
}

/**
 * embedding: one row of `table` per id.
 *
 *   forward    out[b] = table[ids[b]]         table (n, K), ids (B) -> out (B, K)
 *   backward   dTable[ids[b]] += dOut[b]      an id seen twice collects both rows
 */
export function embedding(tape: Tape | null, table: Tensor, ids: Int32Array): Tensor {
  const [n, K] = matrix('embedding', table), batch = distinct(ids, n), B = ids.length;
  const rows = lookup(tape, table, batch);

  const out = new Tensor([B, K]);
  kernels.gatherRows(out.data, rows.data, batch.slots, B, K);
  tape?.record((all) => all.gatherRowsGrad(rows.grad, out.grad, batch.slots, B, K)); // all kernels, which come with the tape
  return out;
}
