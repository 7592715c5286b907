import type { Groups } from '../data/csr.ts';
import { TightrecError } from '../errors.ts';
import { type Formula, averagePrecision, hitOrMiss, judge, ndcg, precision, recall, reciprocalRank } from './formulas.ts';

// Six metrics, one frame. What a group really holds is the SET of its distinct items, R of them. A list is k places, best first, padded
// with -1, which is a miss. The value is the mean over the groups that hold an item; empty groups are left out. The lists come ranked, so
// ties between scores were settled by whoever made them (tightrec: the lower id first). An item listed twice is a hit at its first place.
// Errors: every group empty, a top that is not (G, k), negative ids, k not a positive integer.

/**
 * setPrecisionAtK: the mean share of a list's k places that hold one of the group's distinct items.
 *
 *   mean over g of  #(list ∩ set) / k
 *
 * Denominator k, even where the list is short or the set smaller than k: a group of one item reaches 1 / k at best.
 * Source: Manning, Raghavan and Schütze, "Introduction to Information Retrieval", 2008, 8.4; as in LightFM's precision_at_k.
 * `precisionAtK` counts rows instead, repeats included.
 */
export function setPrecisionAtK(top: Int32Array, groups: Groups, k: number): number {
  return meanOverGroups('setPrecisionAtK', precision, top, groups, k);
}

/**
 * recallAtK: the mean share of a group's distinct items that its list holds.
 *
 *   mean over g of  #(list ∩ set) / R
 *
 * Denominator R, not min(k, R): a group of more than k items cannot reach 1.
 * Source: Manning, Raghavan and Schütze, 2008, 8.3 and 8.4; as in LightFM's recall_at_k and spotlight.
 */
export function recallAtK(top: Int32Array, groups: Groups, k: number): number {
  return meanOverGroups('recallAtK', recall, top, groups, k);
}

/**
 * mapAtK: mean average precision: the precision at each place that is a hit, added up, over the number of hits that k places allow.
 *
 *   mean over g of  Σ_p hit_p (hits up to p) / p  /  min(k, R)
 *
 * Denominator min(k, R): a list of hits only has 1 whatever k is. Others divide by R (trec_eval) or by the hits found (torchmetrics).
 * Source: ml_metrics' apk, the scorer of many Kaggle contests; as in implicit's mean_average_precision_at_k.
 */
export function mapAtK(top: Int32Array, groups: Groups, k: number): number {
  return meanOverGroups('mapAtK', averagePrecision, top, groups, k);
}

/**
 * ndcgAtK: normalised discounted cumulative gain with gains 0 and 1: a hit at place p is worth 1 / log2(p + 1).
 *
 *   mean over g of  Σ_p hit_p / log2(p + 1)  /  Σ_{p = 1..min(k, R)} 1 / log2(p + 1)
 *
 * Denominator: the best list of k there is, so that it has 1.
 * Source: Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002, with the log2(p + 1) that is usual since
 * (theirs leaves the first two places undiscounted); as in implicit's ndcg_at_k.
 */
export function ndcgAtK(top: Int32Array, groups: Groups, k: number): number {
  return meanOverGroups('ndcgAtK', ndcg, top, groups, k);
}

/**
 * mrrAtK: mean reciprocal rank: one over the place of the first hit, 0 where the list has none.
 *
 *   mean over g of  1 / min { p : hit_p }
 *
 * Source: Voorhees, "The TREC-8 question answering track report", 1999. LightFM's reciprocal_rank ranks the whole catalogue instead of k places.
 */
export function mrrAtK(top: Int32Array, groups: Groups, k: number): number {
  return meanOverGroups('mrrAtK', reciprocalRank, top, groups, k);
}

/**
 * hitRateAtK: the share of groups whose list holds at least one of their items.
 *
 *   #{ g : list ∩ set is not empty } / #{ g : set is not empty }
 *
 * Source: Deshpande and Karypis, "Item-based top-N recommendation algorithms", 2004, where each group holds one item.
 */
export function hitRateAtK(top: Int32Array, groups: Groups, k: number): number {
  return meanOverGroups('hitRateAtK', hitOrMiss, top, groups, k);
}

function meanOverGroups(name: string, formula: Formula, top: Int32Array, groups: Groups, k: number): number {
  const { hit, relevant } = judge(name, top, groups, k);
  let sum = 0, n = 0;
  for (let g = 0; g < relevant.length; g++) {
    if (relevant[g] === 0) continue;
    sum += formula(hit.subarray(g * k, g * k + k), relevant[g]);
    n++;
  }
  if (n === 0) throw new TightrecError('bad-input', `${name}: needs a group that holds an item, but all ${relevant.length} groups are empty`);
  return sum / n;
}
