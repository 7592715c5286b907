import { kernels } from '../../kernels/index.ts';
import type { Groups } from '../data/csr.ts';
import { checkGroups, checkLists } from './check.ts';

/**
 * precisionAtK: hits per listed item, where every row of a group that is in the group's list of k is a hit.
 *
 *   precision@k = Σ_g #{ rows of g whose item is in g's list } / (G k)
 *
 * Shapes: top (G, k), padded with -1; groups of G, rows kept as they came.
 * Repeats: an item bought on two lines of an invoice is two hits, so the value of a group with repeats can exceed 1.
 * Denominator: G k, whatever the groups hold: short lists and empty groups stay in it. Ties: the order inside a list plays no part.
 * Errors: no groups, a top of another length, negative ids, k not a positive integer.
 * Source: the invoice evaluation of the chapter on the Online Retail data. For the mean over users of distinct hits see `setPrecisionAtK`.
 */
export function precisionAtK(top: Int32Array, groups: Groups, k: number): number {
  const G = checkGroups('precisionAtK', groups);
  checkLists('precisionAtK', top, G, k);
  return kernels.precisionHits(top, groups.indptr, groups.items, G, k) / (G * k);
}
