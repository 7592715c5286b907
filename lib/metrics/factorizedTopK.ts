import { kernels } from '../../kernels/answering.ts';
import { allocate, free, scratch } from '../../kernels/memory.ts';
import { TightrecError } from '../errors.ts';
import { type Skips, selectPanels } from '../retrieval/select.ts';
import { type Vectors, checkVectors } from '../retrieval/vectors.ts';
import { checkIds, checkK } from './check.ts';

/**
 * factorizedTopK: the share of queries whose positive candidate is among the k nearest of all candidates, by dot product, for each k.
 *
 *   rank(b) = 1 + #{ n : s(b, n) > s(b, p) } + #{ n < p : s(b, n) = s(b, p) }        s(b, n) = <queries[b], candidates[n]>,  p = positive[b]
 *   top k   = #{ b : rank(b) <= k } / B
 *
 * The same as accuracyAtK of the lists that ExactIndex.search gives. Exact: every query meets every candidate, a block of queries and a panel of candidates at a time, so that memory stays bounded.
 * Ties: the lower candidate first, as in every list of tightrec. TensorFlow Recommenders counts only candidates that score more than the positive, so that all its ties are
 * hits, and vectors that are all equal have 1.
 * Shapes: queries (B, K); positive (B), rows of candidates; candidates (n, K). Returns a number for each k of `ks`.
 * Errors: no queries, shapes that do not fit, numbers that are not finite, rows outside 0 .. n - 1, a k that is not a positive integer.
 * Source: FactorizedTopK of TensorFlow Recommenders, with its 1, 5, 10, 50 and 100.
 */
export function factorizedTopK(queries: Vectors, positive: Int32Array, candidates: Vectors, ks: readonly number[] = [1, 5, 10, 50, 100]): Record<number, number> {
  const name = 'factorizedTopK', [n, K] = checkVectors(name, 'candidates', candidates), [B] = checkVectors(name, 'queries', queries, K);
  if (B === 0) throw new TightrecError('bad-input', `${name}: needs at least one query, got none`);
  checkIds(name, 'positive', positive, 0, n);
  if (positive.length !== B) throw new TightrecError('bad-shape', `${name}: positive must hold a row of candidates for each of ${B} queries, got ${positive.length}`);
  if (!Array.isArray(ks) || ks.length === 0) throw new TightrecError('bad-setting', `${name}: ks must be a list of numbers of places, such as [1, 5, 10]`);
  for (const k of ks) checkK(name, k);

  const most = Math.min(n, Math.max(...ks)), hits = new Int32Array(most), V = allocate(n * K); // hits of each place
  try {
    V.floats().set(candidates.data);
    const rows = Int32Array.from({ length: B }, (_, b) => b), none = (some: Int32Array): Skips => ({ skip: new Int32Array(0), start: new Int32Array(some.length + 1) });
    const { items } = selectPanels(name, rows, n, most, none, (scores, some, from, to) => {
      const Q = scratch(some.length * K).floats();
      Q.set(queries.data.subarray(some[0] * K, (some[0] + some.length) * K)); // a block's rows follow one another
      kernels.matmulTransposed(scores, Q, V.floats().subarray(from * K, to * K), some.length, to - from, K);
    });
    for (let b = 0; b < B; b++) {
      const place = items.subarray(b * most, (b + 1) * most).indexOf(positive[b]);
      if (place >= 0) hits[place]++;
    }
  } finally { free(V); }
  return Object.fromEntries(ks.map((k) => [k, hits.subarray(0, k).reduce((sum, one) => sum + one, 0) / B]));
}
