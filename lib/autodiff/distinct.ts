import { kernels } from '../../kernels/answering.ts';
import { insideScope, scratch, scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { TightrecError } from '../errors.ts';

/**
 * Distinct: a batch of B row ids, told apart (deduplicated). Training steps work on the few rows that a batch touches: they are gathered once,
 * the kernels address the gathered rows by `slots`, and the gradient of these rows is the table's gradient.
 */
export interface Distinct {
  readonly n: number; // rows in the table
  readonly ids: Int32Array | null; // (R) the distinct ids, in the order they first occur; null where the table itself serves (wholeTable)
  readonly slots: Int32Array; // (B) ids[slots[b]] is the b-th id of the batch
  readonly counts: Float32Array; // (R) how often each occurs in the batch
}

/** A mark for each row of a table is cleared faster than a map of the ids is made, unless the table has so many times as many rows as the batch has ids. */
const FEW = 128;

/** distinct: tells the ids of a batch apart. Errors: 'unknown-id' for an id outside 0 .. n - 1. */
export function distinct(batch: Int32Array, n: number): Distinct & { readonly ids: Int32Array } {
  const B = batch.length, most = Math.min(B, n), ids = scratchInts(most), slots = scratchInts(B), counts = scratchFloats(most);
  checkIds('distinct', batch, n);
  const R = n > FEW * B ? distinctByMap(ids, slots, counts, batch) : kernels.distinctIds(ids, slots, counts, zeros(n), batch, B);
  return { n, ids: ids.subarray(0, R), slots, counts: counts.subarray(0, R) };
}

/** kernels.distinctIds, without a mark for each row. */
function distinctByMap(ids: Int32Array, slots: Int32Array, counts: Float32Array, batch: Int32Array): number {
  const places = new Map<number, number>();
  for (let b = 0; b < batch.length; b++) {
    let slot = places.get(batch[b]);
    if (slot === undefined) {
      places.set(batch[b], slot = places.size);
      ids[slot] = batch[b];
      counts[slot] = 0;
    }
    slots[b] = slot;
    counts[slot] += 1;
  }
  return places.size;
}

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

/** checkIds: refuses an id that is not a row: a kernel would read or write memory that is not its own. */
export function checkIds(op: string, ids: Int32Array, n: number): void {
  const at = kernels.firstOutside(ids, ids.length, n);
  if (at >= 0) throw new TightrecError('unknown-id', `${op}: row ${ids[at]} at position ${at} is outside 0..${n - 1}`);
}

/** Ids of the running step, zeroed. */
function zeros(length: number): Int32Array {
  if (!insideScope()) return new Int32Array(length);
  const block = scratch(length);
  kernels.clear(block.floats(), length); // the bits of 0 and of 0.0 are the same
  return block.ints();
}
