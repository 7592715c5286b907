import { insideScope, scratch } from '../../kernels/memory.ts';
import { TightrecError } from '../errors.ts';

/**
 * Distinct: a batch of B row ids, told apart. Training steps work on the few rows that a batch touches:
 * `rows` of a table are gathered once, the kernels address them by `slot`, and their gradient is the table's gradient.
 */
export interface Distinct {
  readonly n: number; // rows in the table
  readonly ids: Int32Array; // (R) the distinct ids, in the order they first occur
  readonly slots: Int32Array; // (B) ids[slots[b]] is the b-th id of the batch
  readonly counts: Float32Array; // (R) how often each occurs in the batch
}

/** distinct: tells the ids of a batch apart. Errors: 'unknown-id' for an id outside 0 .. n - 1. */
export function distinct(batch: Int32Array, n: number): Distinct {
  const B = batch.length, slots = ints(B), ids = ints(Math.min(B, n)), counts = floats(Math.min(B, n));
  const placeOf = new Int32Array(n); // the slot plus one, so that zeros mean not seen yet
  let R = 0;
  for (let b = 0; b < B; b++) {
    const id = batch[b];
    if (!(id >= 0 && id < n)) throw new TightrecError('unknown-id', `row ${id} at position ${b} of the batch is outside 0..${n - 1}`);
    let place = placeOf[id];
    if (place === 0) { place = placeOf[id] = ++R; ids[R - 1] = id; counts[R - 1] = 0; }
    slots[b] = place - 1;
    counts[place - 1]++;
  }
  return { n, ids: ids.subarray(0, R), slots, counts: counts.subarray(0, R) };
}

/** Arrays of the running step, or plain ones outside of a step; their contents are whatever was there before. */
export const ints = (length: number): Int32Array => insideScope() ? scratch(length).ints() : new Int32Array(length);
export const floats = (length: number): Float32Array => insideScope() ? scratch(length).floats() : new Float32Array(length);
