import { scratchFloats, scratchInts } from '../../kernels/memory.ts';
import * as ops from '../autodiff/ops/index.ts';
import type { Tape } from '../autodiff/tape.ts';
import type { Tensor } from '../autodiff/tensor.ts';
import type { Random } from '../random.ts';

// What the autoencoders share: their input is sparse, so the first layer is a sum of rows, and nothing is as wide as the catalogue.

/**
 * codesOf: the hidden layer of rows that are given by their entries, h = σ(Σ_j x[j] V[j] + a), and, where each row has a vector of its own, that inside σ as well.
 * Shapes: encoder V (columns, H), bias a (1, H), bag x (B), own (B, H) or null -> (B, H).
 */
export function codesOf(tape: Tape | null, { encoder, hiddenBias }: { encoder: Tensor; hiddenBias: Tensor }, bag: ops.Bag, own: Tensor | null = null): Tensor {
  const read = ops.bagSum(tape, encoder, bag), all = own === null ? read : ops.weightedSum(tape, [[1, read], [1, own]]);
  return ops.sigmoid(tape, ops.addRow(tape, all, hiddenBias));
}

const SIDES = 2 ** 21; // of the die that decides, as in dropout

/** corrupted: the bags with each entry 0 with probability q, and otherwise 1 / (1 - q) times as large, in the memory of the running step. */
export function corrupted(bag: ops.Bag, q: number, random: Random): ops.Bag {
  if (q === 0) return bag;
  const die = scratchInts(bag.values.length), values = scratchFloats(bag.values.length), least = q * SIDES, kept = 1 / (1 - q);
  random.fillBelow(die, SIDES);
  for (let at = 0; at < values.length; at++) values[at] = die[at] >= least ? kept * bag.values[at] : 0;
  return { ...bag, values };
}

/** entryRows: for each entry of the bags which bag it is of. Shapes: bag (B) -> (nnz). */
export function entryRows({ indptr, indices }: ops.Bag): Int32Array {
  const rows = scratchInts(indices.length);
  for (let b = 0; b < indptr.length - 1; b++) rows.fill(b, indptr[b], indptr[b + 1]);
  return rows;
}

/** someRows: the rows that hold an entry, ascending. */
export const someRows = ({ indptr }: { indptr: Int32Array }): Int32Array => Int32Array.from(indptr.keys()).filter((row) => indptr[row] < indptr[row + 1]); // the last place begins no row
