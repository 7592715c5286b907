import { kernels } from '../../kernels/index.ts';
import { TightrecError } from '../errors.ts';
import { checkIds, checkLists } from './check.ts';

/**
 * accuracyAtK: the share of positions whose actual item is in their list of k (one right answer each).
 *
 *   accuracy@k = #{ b : actual[b] is in list b } / B
 *
 * Shapes: top (B, k), padded with -1; actual (B), never negative.
 * Denominator: B; a short list can only miss more. Ties: the order inside a list plays no part. There are no empty groups here.
 * Errors: no positions, a top of another length, negative ids, k not a positive integer.
 * Source: the next-item evaluation of the chapter; elsewhere "hit rate" or "recall" with one item held out (GRU4Rec's recall@20).
 */
export function accuracyAtK(top: Int32Array, actual: Int32Array, k: number): number {
  checkIds('accuracyAtK', 'actual', actual, 0);
  const B = actual.length;
  if (B === 0) throw new TightrecError('bad-input', 'accuracyAtK: needs at least one position, got none');
  checkLists('accuracyAtK', top, B, k);
  return kernels.accuracyHits(top, actual, B, k) / B;
}
