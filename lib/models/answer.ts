import { scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import type { Csr } from '../data/csr.ts';
import { type Interactions, describeId, isInteractions, otherIds, sameIds } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError, describe } from '../errors.ts';
import { type Skips, type TopLists, checkK, selectRows } from '../retrieval/select.ts';
import { type Catalogue, itemTotals } from './catalogue.ts';
import type { RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions } from './recommender.ts';
import { checkNames } from './settings.ts';
import { onThreads } from '../../kernels/onThreads.ts';

// The calls that every model answers in the same way, from its `answers`.

/** checkRows: row numbers as the kernels need them, each inside 0 .. n - 1. */
function checkRows(what: string, rows: ArrayLike<number>, n: number): Int32Array {
  if (typeof rows?.length !== 'number') throw new TightrecError('bad-input', `${what}: expected an array of row numbers, got ${describe(rows)}`);
  for (let at = 0; at < rows.length; at++) {
    if (!(Number.isInteger(rows[at]) && rows[at] >= 0 && rows[at] < n)) throw new TightrecError('unknown-id', `${what}: row ${rows[at]} at position ${at} is outside 0..${n - 1}`);
  }
  return Int32Array.from(rows);
}

/** score: the score of each (user, item) pair of rows, for every model. */
export function score(model: Recommender, users: ArrayLike<number>, items: ArrayLike<number>): Float32Array {
  const { scorePairs } = model.answers, where = `${model.name}.score`;
  if (users?.length !== items?.length) throw new TightrecError('bad-shape', `${where}: users and items must be equally long, got ${users.length} and ${items.length}`);
  return scorePairs(checkRows(`${where}, users`, users, model.nUsers), checkRows(`${where}, items`, items, model.nItems));
}

/** scores: all items' scores for each user, for every model. Shapes: users (B) -> (B, nItems). */
export function scores(model: Recommender, users: ArrayLike<number>): Float32Array {
  const { scoreBlock } = model.answers, { nItems } = model, rows = checkRows(`${model.name}.scores`, users, model.nUsers);
  return scope(() => {
    const out = scratch(rows.length * nItems).floats();
    scoreBlock(out, scratchCopy(rows));
    return out.slice();
  });
}

/** recommend: the best items of many users, for every model. */
export function recommend(model: Recommender, users: ArrayLike<number>, options: RecommendOptions): TopLists {
  checkNames(`${model.name}.recommend`, options, ['k', 'exclude', 'threads']);
  const { scoreBlock, catalogue } = model.answers, where = `${model.name}.recommend`, k = checkK(where, options.k ?? 10);
  const rows = checkRows(where, users, model.nUsers), exclude = asCsr(where, options.exclude, catalogue);
  return onThreads(where, options.threads, () => selectRows(where, rows, catalogue.items.size, k, (some) => skipLists(where, some, catalogue.items, exclude), scoreBlock));
}

/** similarItems: the items most like each item, itself left out, for every model. Errors: 'unsupported' for a model that knows no likeness. */
export function similarItems(model: Recommender, items: ArrayLike<number>, options: SimilarOptions): TopLists {
  checkNames(`${model.name}.similarItems`, options, ['k', 'similarity']);
  const { likenessBlock, dotBlock } = model.answers, { similarity } = options, where = `${model.name}.similarItems`, k = checkK(where, options.k ?? 10), n = model.nItems;
  if (likenessBlock === null) throw new TightrecError('unsupported', `${where}: ${model.name} learns no item vectors, so it cannot say which items are alike; use BPR or LogisticMF`);
  if (similarity !== undefined && similarity !== 'cosine' && similarity !== 'dot') throw new TightrecError('bad-setting', `${where}: similarity must be 'cosine' or 'dot', got ${describe(similarity)}`);
  if (similarity !== undefined && dotBlock === undefined) throw new TightrecError('unsupported', `${where}: ${model.name} has weights between items, not vectors, and knows no similarity but these; leave similarity out`);
  const counting = (length: number) => Int32Array.from({ length }, (_, row) => row);
  const itself: Csr = { rows: n, columns: n, indptr: counting(n + 1), indices: counting(n), values: new Float32Array(0) };
  return selectRows(where, checkRows(where, items, n), n, k, (some) => skipLists(where, some, model.items, itself), similarity === 'dot' ? dotBlock! : likenessBlock);
}

/** The rows of `exclude` that belong to these users, one after another; row 0 before them where it stands for unknown items. */
function skipLists(what: string, users: Int32Array, items: LabelEncoder, exclude: Csr | null): Skips {
  if (exclude !== null && exclude.columns > items.size) throw new TightrecError('bad-shape', `${what}: exclude has ${exclude.columns} items, the model ${items.size}; both must come from the same encoders`);
  const { rows, indptr, indices } = exclude ?? nothing, start = scratch(users.length + 1).ints(), first = items.unknown ? 1 : 0;
  const from = (user: number): number => (exclude === null ? 0 : indptr[user]), to = (user: number): number => (exclude === null ? 0 : indptr[user + 1]);
  const leads = (user: number): boolean => first === 1 && !(from(user) < to(user) && indices[from(user)] === 0); // whether row 0 must be put before the user's own
  start[0] = 0;
  for (let b = 0; b < users.length; b++) {
    const user = users[b];
    if (exclude !== null && user >= rows) throw new TightrecError('bad-shape', `${what}: exclude has ${rows} users, user row ${user} was asked for; both must come from the same encoders`);
    start[b + 1] = start[b] + (leads(user) ? 1 : 0) + to(user) - from(user);
  }
  const skip = scratch(start[users.length]).ints();
  for (let b = 0, at = 0; b < users.length; b++) {
    if (leads(users[b])) skip[at++] = 0;
    for (let entry = from(users[b]), end = to(users[b]); entry < end; entry++) skip[at++] = indices[entry]; // the lists are short: set() and subarray() cost more
  }
  return { skip, start };
}

const nothing: Csr = { rows: 0, columns: 0, indptr: new Int32Array(1), indices: new Int32Array(0), values: new Float32Array(0) };

/** A matrix says nothing of its ids; interactions do, and must mean the same by their rows as the model. */
function asCsr(where: string, exclude: Interactions | Csr | null | undefined, catalogue: Catalogue): Csr | null {
  if (exclude === null || exclude === undefined) return null;
  if (!isInteractions(exclude)) {
    if ((exclude as Partial<Csr>)?.indptr instanceof Int32Array && exclude.indices instanceof Int32Array) return exclude;
    throw new TightrecError('bad-input', `${where}: exclude must be interactions or a CSR matrix of users x items, got ${describe(exclude)}`);
  }
  if (!sameIds(exclude.users, catalogue.users) || !sameIds(exclude.items, catalogue.items)) throw otherIds(where, 'to exclude');
  return exclude.matrix;
}

/** recommendFor: the best items of one user by raw id, for every model. */
export function recommendFor(model: Recommender, user: RawId, options: RecommendForOptions): Recommendation[] {
  checkNames(`${model.name}.recommendFor`, options, ['k', 'excludeSeen', 'fallback']);
  const { catalogue, excludeSeen: byDefault } = model.answers, where = `${model.name}.recommendFor`;
  const { k = 10, excludeSeen = byDefault, fallback } = options, row = catalogue.users.encode(user);
  checkK(where, k);
  if (typeof excludeSeen !== 'boolean') throw new TightrecError('bad-setting', `${where}: excludeSeen must be true or false, got ${describe(excludeSeen)}`);
  if (fallback !== undefined && fallback !== 'popularity') throw new TightrecError('bad-setting', `${where}: fallback can be 'popularity', got ${describe(fallback)}`);
  if (row < 0 || catalogue.users.labels[row] === null) {
    if (fallback === 'popularity') return mostPopular(catalogue, k);
    throw unknownId(where, 'user', user, catalogue.users, "; ask with { fallback: 'popularity' } to get the most popular items instead");
  }
  const { items, scores } = model.recommend([row], { k, exclude: excludeSeen ? catalogue.seen : null });
  return toRecommendations(catalogue.items, items, scores);
}

/** similarTo: the items most like one item by raw id, for every model. */
export function similarTo(model: Recommender, item: RawId, options: SimilarOptions): Recommendation[] {
  checkNames(`${model.name}.similarTo`, options, ['k', 'similarity']);
  const { catalogue } = model.answers, row = catalogue.items.encode(item);
  if (row < 0 || catalogue.items.labels[row] === null) throw unknownId(`${model.name}.similarTo`, 'item', item, catalogue.items);
  const { items, scores } = model.similarItems([row], { ...options, k: options.k ?? 10 });
  return toRecommendations(catalogue.items, items, scores);
}

/** toRecommendations: one list of rows, as raw ids; it ends where the padding begins. */
export function toRecommendations(encoder: LabelEncoder, items: Int32Array, scores: Float32Array): Recommendation[] {
  const list: Recommendation[] = [];
  for (let at = 0; at < items.length && items[at] >= 0; at++) list.push({ item: encoder.decode(items[at]), score: scores[at] });
  return list;
}

function mostPopular(catalogue: Catalogue, k: number): Recommendation[] {
  const totals = itemTotals(catalogue.seen);
  const { items, scores } = selectRows('popularity', Int32Array.of(0), catalogue.items.size, k, (some) => skipLists('popularity', some, catalogue.items, null), (out) => out.set(totals));
  return toRecommendations(catalogue.items, items, scores).map((entry) => ({ ...entry, source: 'popularity' }));
}

/** unknownId: the error for a raw id that a model does not know. */
export function unknownId(where: string, kind: string, id: RawId, encoder: LabelEncoder, advice = ''): TightrecError {
  const example = encoder.known()[0];
  return new TightrecError('unknown-id', `${where}: ${kind} ${describeId(id)} is not among the ${encoder.known().length} the model knows, such as ${describeId(example)}${advice}`);
}

/** rowOf: the row of a raw id. Errors: 'unknown-id'. */
export function rowOf(where: string, kind: string, id: RawId, encoder: LabelEncoder): number {
  if (!encoder.has(id)) throw unknownId(where, kind, id, encoder);
  return encoder.encode(id);
}

/** notFitted: what a model answers before fit. */
export const notFitted = (name: string): TightrecError => new TightrecError('not-fitted', `${name}: call fit(data) first; this model has learned nothing yet`);
