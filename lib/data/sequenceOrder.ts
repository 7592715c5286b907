import type { Random } from '../random.ts';
import type { Groups } from './csr.ts';
import { type SequenceBatch, checkWhole } from './sequences.ts';

/** What an epoch of learning visits of the sequences, and in which order. */

/**
 * windows: every sequence cut into overlapping stretches of `length` places, each one place further on; a shorter sequence is one stretch that begins
 * before it, with padding: Σ max(1, n - length + 1) in all. Shapes: (windows).
 */
export function windows({ indptr }: Groups, length: number): Pick<SequenceBatch, 'sequence' | 'from'> {
  checkWhole('windows', 'length', length);
  const sequence: number[] = [], from: number[] = [];
  for (let s = 0; s + 1 < indptr.length; s++) {
    const n = indptr[s + 1] - indptr[s];
    if (n === 0) continue;
    for (let at = Math.min(0, n - length); at + length <= n; at++) { sequence.push(s); from.push(at); }
  }
  return { sequence: Int32Array.from(sequence), from: Int32Array.from(from) };
}

const POOL = 50; // batches

/**
 * bucketed: the sequences in an order by lot in which those of a batch are about equally long, so that few steps run with few sequences: shuffled, sorted
 * by length in pools of 50 batches, the batches shuffled. What does not fill a batch comes last.
 */
export function bucketed({ indptr }: Groups, batchSize: number, random: Random): Int32Array {
  checkWhole('bucketed', 'batchSize', batchSize);
  const order = random.shuffle(Int32Array.from({ length: indptr.length - 1 }, (_, s) => s)), n = order.length, pool = POOL * batchSize;
  for (let from = 0; from < n; from += pool) order.subarray(from, from + pool).sort((a, b) => indptr[b + 1] - indptr[b] - (indptr[a + 1] - indptr[a])); // stable: equally long ones stay shuffled

  const whole = Math.floor(n / batchSize), out = order.slice();
  random.shuffle(Int32Array.from({ length: whole }, (_, batch) => batch)).forEach((batch, at) => out.set(order.subarray(batch * batchSize, (batch + 1) * batchSize), at * batchSize));
  return out;
}
