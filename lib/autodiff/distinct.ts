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

/** checkIds: refuses an id that is not a row: a kernel would read or write memory that is not its own. */
export function checkIds(op: string, ids: Int32Array, n: number): void {
  const at = kernels.firstOutside(ids, ids.length, n);
  if (at >= 0) throw new TightrecError('unknown-id', `${op}: row ${ids[at]} at position ${at} is outside 0..${n - 1}`);
}

/** zeros: ids of the running step, zeroed. */
export function zeros(length: number): Int32Array {
  if (!insideScope()) return new Int32Array(length);
  const block = scratch(length);
  kernels.clear(block.floats(), length); // the bits of 0 and of 0.0 are the same
  return block.ints();
}
