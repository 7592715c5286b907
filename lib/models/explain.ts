import { scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import type { RawId } from '../data/labelEncoder.ts';
import { TightrecError, describe } from '../errors.ts';
import { checkK } from '../retrieval/select.ts';
import { rowOf } from './answer.ts';
import type { Recommender, SimilarOptions } from './recommender.ts';
import { checkNames } from './settings.ts';

/** Explanation: why an item is in a user's list: which of the user's own items speak for it. */
export interface Explanation {
  /**
   * What `value` is. 'contribution': what an own item adds to the score, which is a sum over them (AlternatingLeastSquares, ItemKNN, EASE). 'cosine' and 'dot': how near its vector is to that
   * of the item, which the score depends on by way of the user's vector alone.
   */
  by: 'contribution' | 'cosine' | 'dot';
  /** The model's score; by contributions, the sum of all of them, in AlternatingLeastSquares with the user's row solved exactly. */
  score: number;
  /** The user's own items that say most, the largest value first; by contributions, without those that add nothing. A value may be below zero: it speaks against. */
  items: { item: RawId; value: number }[];
}

export interface ExplainOptions extends SimilarOptions {
  /** By the vectors, also where the model has contributions; those are the default where it has them, else the cosine. */
  similarity?: 'cosine' | 'dot';
}

/**
 * explain: why an item is in a user's list: the user's own items that add most to its score, or, for a model that knows no such sum, those whose vectors are nearest to that of the item. By vectors,
 * the item itself is left out, if the user has it; by contributions it is listed, since it is part of the sum. Of HistoryToNext only the last N items go into the score, by vectors E of their own;
 * likeness is of V.
 * `k` is how many are listed, by default 10. A user without items gets none.
 * Errors: 'not-fitted'; 'unknown-id' for a user or item that the model does not know; 'unsupported' for a model that knows no likeness of items (Popularity, PurchaseHistory, BiasOnly, Blend), and for a
 * similarity of vectors where there are none (ItemKNN, EASE); 'bad-setting'.
 */
export function explain(model: Recommender, user: RawId, item: RawId, options: ExplainOptions = {}): Explanation {
  const where = `${model.name}.explain`;
  checkNames(where, options, ['k', 'similarity']);
  const { similarity } = options, k = checkK(where, options.k ?? 10), { catalogue: { users, items, seen }, contributions, likenessBlock, dotBlock } = model.answers;
  if (similarity !== undefined && similarity !== 'cosine' && similarity !== 'dot') throw new TightrecError('bad-setting', `${where}: similarity must be 'cosine' or 'dot', got ${describe(similarity)}`);
  const u = rowOf(where, 'user', user, users), i = rowOf(where, 'item', item, items);
  const listed = (own: ArrayLike<number>, values: ArrayLike<number>, tells: (at: number) => boolean): Explanation['items'] =>
    Array.from({ length: own.length }, (_, at) => at).filter((at) => items.labels[own[at]] !== null && tells(at)).sort((a, b) => values[b] - values[a] || own[a] - own[b]).slice(0, k).map((at) => ({ item: items.decode(own[at]), value: values[at] }));

  if (contributions !== undefined && similarity === undefined) {
    const { items: own, values } = contributions(u, i);
    return { by: 'contribution', score: values.reduce((sum, part) => sum + part, 0), items: listed(own, values, (at) => values[at] !== 0) };
  }
  if (likenessBlock === null) throw new TightrecError('unsupported', `${where}: ${model.name} does not know which items are alike, so it cannot say why one is in a list; use BPR or AlternatingLeastSquares`);
  if (dotBlock === undefined) throw new TightrecError('unsupported', `${where}: ${model.name} has weights between items, not vectors; leave similarity out`);
  const own = seen.indices.subarray(seen.indptr[u], seen.indptr[u + 1]), values = scope(() => {
    const all = scratch(items.size).floats();
    (similarity === 'dot' ? dotBlock : likenessBlock)(all, scratchCopy(Int32Array.of(i)));
    return Float32Array.from(own, (row) => all[row]);
  });
  return { by: similarity ?? 'cosine', score: model.score([u], [i])[0], items: listed(own, values, (at) => own[at] !== i) };
}
