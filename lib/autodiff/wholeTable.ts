import { kernels } from '../../kernels/index.ts';
import { scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { type Distinct, checkIds, distinct, zeros } from './distinct.ts';

/**
 * wholeTable: `distinct` for an optimiser that moves every row anyway (SGD, AdaGrad, Adam with rows 'all'; not 'touched', which would then
 * move them all). A batch of 4 n ids or more is not told apart: gathering rows would cost more than it saves. The kernels address the table
 * itself and its gradient is dense. The parameters come out the same.
 */
export function wholeTable(batch: Int32Array, n: number): Distinct {
  if (batch.length < 4 * n) return distinct(batch, n);
  checkIds('wholeTable', batch, n);
  const counts = scratchFloats(n);
  kernels.clear(counts, n);
  kernels.countIds(counts, batch, batch.length);
  return { n, ids: null, slots: batch, counts };
}

/** orderByRow: the positions of a batch of row ids in ascending order of row. Errors: 'unknown-id' for an id outside 0 .. n - 1. */
export function orderByRow(batch: Int32Array, n: number): Int32Array {
  const order = scratchInts(batch.length);
  checkIds('orderByRow', batch, n);
  kernels.orderIds(order, zeros(n + 1), batch, batch.length, n);
  return order;
}
