import { kernels } from '../../kernels/index.ts';
import { scratchInts } from '../../kernels/memory.ts';
import { distinct } from './distinct.ts';
import { type RowGrad, Tensor } from './tensor.ts';

/**
 * touchedRows: the gradient of a table as one set of distinct rows, or null when no row was touched. Several lookups of one table in a
 * step are added up here. Where the step used the table whole as well, its dense gradient takes the rows in, and the answer is null.
 */
export function touchedRows(table: Tensor): RowGrad | null {
  table.rowGrads = table.rowGrads.filter(({ rows }) => rows.open); // what a step that failed has left went back with the step
  if (table.hasGrad) {
    for (const { ids, rows } of table.rowGrads) { const dRows = rows.grad; kernels.gatherRowsGrad(table.grad, dRows, ids, ids.length, table.shape[1]); }
    table.rowGrads = [];
  }
  if (table.rowGrads.length <= 1) return table.rowGrads[0] ?? null;

  const [n, K] = table.shape, all = scratchInts(table.rowGrads.reduce((sum, part) => sum + part.ids.length, 0));
  let at = 0;
  for (const part of table.rowGrads) { all.set(part.ids, at); at += part.ids.length; }

  const merged = distinct(all, n), rows = new Tensor([merged.ids.length, K]);
  at = 0;
  for (const part of table.rowGrads) {
    const R = part.ids.length;
    kernels.gatherRowsGrad(rows.grad, part.rows.grad, merged.slots.subarray(at, at + R), R, K);
    at += R;
  }
  table.rowGrads = [{ ids: merged.ids, rows }];
  return table.rowGrads[0];
}

/** denseGrad: the whole gradient of a tensor, touched rows included, as a plain array. For checks and for looking at; training never needs it. */
export function denseGrad(tensor: Tensor): Float32Array {
  const touched = touchedRows(tensor), all = tensor.hasGrad ? tensor.grad.slice() : new Float32Array(tensor.size);
  if (touched) kernels.gatherRowsGrad(all, touched.rows.grad, touched.ids, touched.ids.length, tensor.shape[1]);
  return all;
}
