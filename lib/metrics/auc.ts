import type { Csr, Groups } from '../data/csr.ts';
import { TightrecError } from '../errors.ts';
import type { Random } from '../random.ts';
import { checkGroups, checkIds, checkMatrix, checkScores } from './check.ts';

/**
 * auc: the chance that a liked item, drawn at random, scores above another item, drawn at random; ties count half.
 *
 *   AUC = Σ_{i liked} Σ_{j other} ( [s_i > s_j] + ½ [s_i = s_j] ) / (P N)
 *
 * Exact, over the whole catalogue: every pair counts, none are sampled. P is the number of liked items, N of the others.
 * Shapes: scores (nItems), liked and exclude any number of ids in any order, repeats counted once.
 * Excluded items are neither liked nor other, even if they are liked as well.
 * Errors: a NaN score, an id outside the catalogue, nothing liked or nothing other (P N = 0).
 * Source: Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", 2009, section 4.1.1; ties as Mann and Whitney, 1947.
 */
export function auc(scores: Float32Array, liked: Int32Array, exclude: Int32Array = new Int32Array(0)): number {
  const nItems = scores.length;
  checkScores('auc', 'scores', scores, 1, nItems);
  checkIds('auc', 'liked', liked, 0, nItems);
  checkIds('auc', 'exclude', exclude, 0, nItems);
  const value = aucOfRow('auc', scores, liked, exclude, new Uint8Array(nItems));
  if (Number.isNaN(value)) throw new TightrecError('bad-input', 'auc: needs a liked item and another item outside `exclude`, got none of one kind');
  return value;
}

/**
 * sampledAuc: an estimate of `auc` from `samples` liked and as many other items, drawn with replacement, each equally likely: the AUC of all their pairs.
 * Its mean over many draws is that of `auc`.
 * Shapes, exclusions and errors: as of auc, and 'bad-setting' for samples that is no positive integer.
 */
export function sampledAuc(scores: Float32Array, liked: Int32Array, samples: number, random: Random, exclude: Int32Array = new Int32Array(0)): number {
  const nItems = scores.length;
  checkScores('sampledAuc', 'scores', scores, 1, nItems);
  checkIds('sampledAuc', 'liked', liked, 0, nItems);
  checkIds('sampledAuc', 'exclude', exclude, 0, nItems);
  if (!Number.isInteger(samples) || samples < 1) throw new TightrecError('bad-setting', `sampledAuc: samples must be a positive integer, got ${samples}`);
  const value = aucOfRow('sampledAuc', scores, liked, exclude, new Uint8Array(nItems), { samples, random });
  if (Number.isNaN(value)) throw new TightrecError('bad-input', 'sampledAuc: needs a liked item and another item outside `exclude`, got none of one kind');
  return value;
}

/**
 * meanAuc: the mean of `auc` over the groups for which it is defined.
 *
 *   meanAuc = mean over g of AUC(score row g, distinct items of g)
 *
 * Shapes: scoreRows (G, nItems); groups of G; exclude, if given, G rows: row g holds the items that group g skips.
 * Denominator: the number of groups with at least one liked and one other item; the rest (an empty group among them) are left out.
 * Errors: as `auc`, and no group left.
 */
export function meanAuc(scoreRows: Float32Array, nItems: number, groups: Groups, exclude: Csr | null = null): number {
  const G = checkGroups('meanAuc', groups);
  if (!Number.isInteger(nItems) || nItems < 1) throw new TightrecError('bad-setting', `meanAuc: nItems must be a positive integer, got ${nItems}`);
  checkScores('meanAuc', 'scoreRows', scoreRows, G, nItems);
  checkIds('meanAuc', 'groups.items', groups.items, 0, nItems);
  if (exclude) {
    checkMatrix('meanAuc', 'exclude', exclude, nItems);
    if (exclude.rows !== G) throw new TightrecError('bad-shape', `meanAuc: exclude must have a row for each of the ${G} groups, got ${exclude.rows}`);
  }

  const mark = new Uint8Array(nItems);
  let sum = 0, n = 0;
  for (let g = 0; g < G; g++) {
    const scores = scoreRows.subarray(g * nItems, g * nItems + nItems), liked = groups.items.subarray(groups.indptr[g], groups.indptr[g + 1]);
    const value = aucOfRow('meanAuc', scores, liked, rowOf(exclude, g), mark);
    if (Number.isNaN(value)) continue;
    sum += value;
    n++;
  }
  if (n === 0) throw new TightrecError('bad-input', `meanAuc: needs a group with a liked item and another item, but none of the ${G} groups has both`);
  return sum / n;
}

/** Draw: so many liked and other items are drawn. */
export interface Draw { readonly samples: number; readonly random: Random }

/** aucOfRow: the AUC of one row of checked ids, or of a draw of them, NaN where there is no pair to compare. `mark` (nItems) is overwritten. */
export function aucOfRow(name: string, scores: Float32Array, liked: Int32Array, exclude: Int32Array, mark: Uint8Array, draw: Draw | null = null): number {
  const OTHER = 0, LIKED = 1, SKIPPED = 2;
  mark.fill(OTHER);
  for (const item of liked) mark[item] = LIKED;
  for (const item of exclude) mark[item] = SKIPPED;

  for (let item = 0; item < scores.length; item++) if (Number.isNaN(scores[item])) throw new TightrecError('bad-input', `${name}: scores must be numbers, got NaN for item ${item}`);
  let likedScores: Float32Array = scores.filter((_, item) => mark[item] === LIKED), otherScores: Float32Array = scores.filter((_, item) => mark[item] === OTHER);
  if (draw !== null && likedScores.length > 0 && otherScores.length > 0) [likedScores, otherScores] = [drawn(likedScores, draw), drawn(otherScores, draw)];
  const P = likedScores.length, N = otherScores.length;

  // the liked scores in order: two searches then rank each other item among them
  likedScores.sort();
  let won = 0;
  for (const score of otherScores) {
    const below = countBelow(likedScores, score, false), notAbove = countBelow(likedScores, score, true);
    won += P - notAbove + (notAbove - below) / 2;
  }
  return won / (P * N);
}

const drawn = (scores: Float32Array, { samples, random }: Draw): Float32Array => Float32Array.from({ length: samples }, () => scores[random.below(scores.length)]);

/** rowOf: the columns of one row; none where there is no matrix. */
export function rowOf(matrix: Csr | null, row: number): Int32Array {
  return matrix ? matrix.indices.subarray(matrix.indptr[row], matrix.indptr[row + 1]) : new Int32Array(0);
}

/** How many of the ascending `sorted` are below x; with `orEqual`, below or equal. */
function countBelow(sorted: Float32Array, x: number, orEqual: boolean): number {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < x || (orEqual && sorted[middle] === x)) low = middle + 1;
    else high = middle;
  }
  return low;
}
