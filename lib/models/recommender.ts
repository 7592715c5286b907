import { kernels } from '../../kernels/index.ts';
import { scope, scratch } from '../../kernels/memory.ts';
import { type Csr, addCsr } from '../data/csr.ts';
import { type Interactions, describeId, fromRows, isInteractions, sameIds } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import type { FitOptions } from './train.ts';

/** One recommended item. `source` is there only when the list is not the model's own: the user was unknown and popularity was asked for. */
export interface Recommendation { item: RawId; score: number; source?: 'popularity' }

/** Flat row-major lists, k to a row, best first; short rows are padded with id -1 and score -Infinity. */
export interface TopLists { items: Int32Array; scores: Float32Array }

export interface RecommendOptions {
  /** How many items a user. Default 10. */
  k?: number;
  /** Items each user must not get: usually what the user has already. Default none. */
  exclude?: Interactions | Csr | null;
}

export interface RecommendForOptions {
  k?: number;
  /** Leave out what the user met in the training data. Default true, except for PurchaseHistory, which recommends just that. */
  excludeSeen?: boolean;
  /** What an unknown user gets: an error (the default), or the most popular items, marked as such. */
  fallback?: 'popularity';
}

/** Recommender: what every model of tightrec can do. */
export interface Recommender {
  readonly name: string;
  readonly settings: object;
  readonly fitted: boolean;
  /** The encoders of the data it was fitted on: raw ids to rows and back. */
  readonly users: LabelEncoder;
  readonly items: LabelEncoder;
  readonly nUsers: number;
  readonly nItems: number;
  /** Refuses settings that fit would refuse, before there is any data. Errors: 'bad-setting'. */
  check(): void;
  /** Learns from the data, from the start; returns itself. */
  fit(data: Interactions, options?: FitOptions): Promise<this>;
  /** Goes on learning, from where fit or partialFit left off; on a model not fitted yet it is fit. */
  partialFit(data: Interactions, options?: FitOptions): Promise<this>;
  /** The score of each (user, item) pair of rows. Shapes: users, items (B) -> (B). */
  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array;
  /** The scores of all items for each user. Shapes: users (B) -> (B, nItems). */
  scores(users: ArrayLike<number>): Float32Array;
  /** The best items of each user, by row numbers. Shapes: users (B) -> (B, k). */
  recommend(users: ArrayLike<number>, options?: RecommendOptions): TopLists;
  /** The best items of one user, by raw ids. */
  recommendFor(user: RawId, options?: RecommendForOptions): Recommendation[];
  /**
   * The items most like each item, itself left out, by row numbers. Shapes: items (B) -> (B, k).
   * Errors: 'unsupported' for a model without item vectors (Popularity, PurchaseHistory).
   */
  similarItems(items: ArrayLike<number>, options?: { k?: number }): TopLists;
  /** The items most like one item, by raw ids. Errors: as similarItems. */
  similarTo(item: RawId, options?: { k?: number }): Recommendation[];
  /** Gives back what was learned, memory and all; afterwards the model is as if never fitted. Errors: 'bad-input' while it is being fitted. */
  free(): void;
  /** What a model file holds. */
  toState(): ModelState;
  /** What the calls above are made of, for those who write models. Errors: 'not-fitted'. */
  readonly answers: Answers;
}

/** Answers: the part of a fitted model that differs from model to model; the shared calls below do the rest. */
export interface Answers {
  readonly catalogue: Catalogue;
  /** Overwrites out (B, nItems) with the score of every item for each of B users. Runs inside a scope. */
  readonly scoreBlock: ScoreBlock;
  /** The score of each (user, item) pair. */
  readonly scorePairs: (users: Int32Array, items: Int32Array) => Float32Array;
  /** Overwrites out (B, nItems) with the likeness of every item to each of B items; null for a model that knows no likeness. */
  readonly likenessBlock: ScoreBlock | null;
  /** Whether recommendFor leaves out, unless told otherwise, what the user has already. */
  readonly excludeSeen: boolean;
}

/** ModelState: a fitted model as plain data, and back by the class's `fromState`. */
export interface ModelState {
  readonly model: string;
  readonly settings: object;
  readonly tensors: Record<string, { shape: readonly number[]; data: Float32Array | Int32Array }>;
  readonly catalogue: Catalogue;
  readonly numbers: Record<string, number>; // what else a model must remember: epochs done, the time of the last event
}

/** Catalogue: what every fitted model remembers of its data. */
export interface Catalogue {
  readonly users: LabelEncoder;
  readonly items: LabelEncoder;
  readonly seen: Csr; // users x items
}

export const catalogueOf = (data: Interactions): Catalogue => ({ users: data.users, items: data.items, seen: data.matrix });

/** checkEvents: refuses what is not interactions, and data in which nothing happens, such as a piece of a time split. */
export function checkEvents(where: string, data: Interactions): void {
  if (!isInteractions(data)) throw new TightrecError('bad-input', `${where}: expected interactions, made by interactions() or readInteractions(), got ${describe(data)}`);
  if (data.user.length === 0) throw new TightrecError('bad-input', `${where}: there are no events to learn from; give data with at least one`);
}

/** describe: a wrong argument as an error shows it. */
export const describe = (value: unknown): string => typeof value === 'string' ? JSON.stringify(value) : typeof value === 'object' && value !== null ? `${Array.isArray(value) ? 'an array' : 'another object'}` : String(value);

/** checkNames: refuses options nobody reads: a typing mistake would otherwise be silent. */
export function checkNames(where: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TightrecError('bad-setting', `${where}: options must be an object with some of ${names.join(', ')}, got ${describe(options)}`);
  for (const name of Object.keys(options)) if (!names.includes(name)) throw new TightrecError('bad-setting', `${where}: there is no option '${name}'; the options are ${names.join(', ')}`);
}

/**
 * encodeLike: the same events by the rows of an earlier catalogue; `where` and `advice` are for the error.
 * Errors: 'unknown-id' for a user or item that it does not hold.
 */
export function encodeLike(where: string, data: Interactions, catalogue: Catalogue, advice = 'fit it again with all the data to take new ones in'): Interactions {
  const recode = (kind: string, rows: Int32Array, from: LabelEncoder, to: LabelEncoder): Int32Array => {
    if (from === to) return rows;
    const table = to.encodeAll(from.labels as RawId[]);
    return rows.map((row) => {
      if (table[row] >= 0) return table[row];
      throw new TightrecError('unknown-id', `${where}: ${kind} ${describeId(from.labels[row])} was not there when the model was fitted; ${advice}`);
    });
  };
  const { users, items } = catalogue;
  if (users === data.users && items === data.items) return data;
  return fromRows({ ...data, users, items, user: recode('user', data.user, data.users, users), item: recode('item', data.item, data.items, items) });
}

/** addSeen: the catalogue with more events in it. */
export const addSeen = (catalogue: Catalogue, data: Interactions): Catalogue => ({ ...catalogue, seen: addCsr(catalogue.seen, data.matrix) });

/** withSeen: the same, for a model that may be shown one data set again and again: events that are all it has seen are not new ones. */
export const withSeen = (catalogue: Catalogue, data: Interactions): Catalogue => sameCsr(catalogue.seen, data.matrix) ? catalogue : addSeen(catalogue, data);

const sameCsr = (a: Csr, b: Csr): boolean => a === b || (sameNumbers(a.indptr, b.indptr) && sameNumbers(a.indices, b.indices) && sameNumbers(a.values, b.values));
const sameNumbers = (a: Int32Array | Float32Array, b: Int32Array | Float32Array): boolean => a.length === b.length && a.every((value: number, at: number) => value === b[at]);

/** csrFrom: a users x items matrix back from a model file. Errors: 'file-damaged' when its parts do not fit. */
export function csrFrom(state: Pick<ModelState, 'model' | 'tensors'>, name: string, rows: number, columns: number): Csr {
  const part = (which: string) => state.tensors[`${name}_${which}`]?.data;
  const indptr = part('indptr'), indices = part('indices'), values = part('values');
  const damaged = (what: string) => new TightrecError('file-damaged', `${state.model}: the matrix ${name} is damaged: ${what}`);
  if (!(indptr instanceof Int32Array && indices instanceof Int32Array && values instanceof Float32Array)) throw damaged('expected int32 tensors indptr and indices and a float32 tensor values');
  if (indptr.length !== rows + 1 || indptr[0] !== 0 || indptr[rows] !== indices.length || indices.length !== values.length) throw damaged(`expected ${rows} rows, got pointers for ${indptr.length - 1} and ${indices.length} entries with ${values.length} values`);
  for (let r = 0; r < rows; r++) {
    if (indptr[r + 1] < indptr[r]) throw damaged(`row ${r} ends before it begins`);
    for (let at = indptr[r]; at < indptr[r + 1]; at++) {
      if (!(indices[at] >= 0 && indices[at] < columns) || (at > indptr[r] && indices[at] <= indices[at - 1])) throw damaged(`row ${r} holds column ${indices[at]} out of order or outside 0..${columns - 1}`);
    }
  }
  if (!values.every(Number.isFinite)) throw damaged('it holds numbers that are not finite');
  return { rows, columns, indptr, indices, values };
}

/** Scores the items for a block of users: out (B, nItems) is overwritten. */
export type ScoreBlock = (out: Float32Array, users: Int32Array) => void;

/** checkRows: row numbers as the kernels need them, each inside 0 .. n - 1. */
function checkRows(what: string, rows: ArrayLike<number>, n: number): Int32Array {
  if (typeof rows?.length !== 'number') throw new TightrecError('bad-input', `${what}: expected an array of row numbers, got ${describe(rows)}`);
  for (let at = 0; at < rows.length; at++) {
    if (!(Number.isInteger(rows[at]) && rows[at] >= 0 && rows[at] < n)) throw new TightrecError('unknown-id', `${what}: row ${rows[at]} at position ${at} is outside 0..${n - 1}`);
  }
  return Int32Array.from(rows);
}

function checkK(what: string, k: number): number {
  if (!(Number.isInteger(k) && k >= 1 && k <= 2 ** 24)) throw new TightrecError('bad-setting', `${what}: k must be a whole number from 1 to 16777216, got ${describe(k)}`);
  return k;
}

const BLOCK_FLOATS = 2 ** 20; // 4 MiB of scores at a time

/**
 * selectRows: scores a block of rows against all items, selects the k best, and goes on to the next block, so that memory stays bounded.
 * An excluded item is skipped while selecting, and so is the row that stands for unknown items. Shapes: rows (B) -> (B, k).
 */
export function selectRows(where: string, rows: Int32Array, catalogue: LabelEncoder, k: number, exclude: Csr | null, scoreBlock: ScoreBlock): TopLists {
  const nItems = catalogue.size, B = rows.length, items = new Int32Array(B * k), scores = new Float32Array(B * k);
  const block = Math.max(1, Math.floor(BLOCK_FLOATS / nItems));
  for (let from = 0; from < B; from += block) {
    scope(() => {
      const some = scratchCopy(rows.subarray(from, from + block)), n = some.length;
      const all = scratch(n * nItems).floats();
      scoreBlock(all, some);
      const { skip, start } = skipLists(where, some, catalogue, exclude);
      const ids = scratch(n * k).ints(), best = scratch(n * k).floats();
      kernels.topK(ids, best, all, skip, start, n, nItems, k);
      items.set(ids, from * k);
      scores.set(best, from * k);
    });
  }
  return { items, scores };
}

/** score: the score of each (user, item) pair of rows, for every model. */
export function score(model: Recommender, users: ArrayLike<number>, items: ArrayLike<number>): Float32Array {
  const { scorePairs } = model.answers, where = `${model.name}.score`;
  if (users.length !== items.length) throw new TightrecError('bad-shape', `${where}: users and items must be equally long, got ${users.length} and ${items.length}`);
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
  checkNames(`${model.name}.recommend`, options, ['k', 'exclude']);
  const { scoreBlock, catalogue } = model.answers, where = `${model.name}.recommend`, k = checkK(where, options.k ?? 10);
  return selectRows(where, checkRows(where, users, model.nUsers), catalogue.items, k, asCsr(where, options.exclude, catalogue), scoreBlock);
}

/** similarItems: the items most like each item, itself left out, for every model. Errors: 'unsupported' for a model that knows no likeness. */
export function similarItems(model: Recommender, items: ArrayLike<number>, options: { k?: number }): TopLists {
  const { likenessBlock } = model.answers, where = `${model.name}.similarItems`, k = checkK(where, options.k ?? 10), n = model.nItems;
  if (likenessBlock === null) throw new TightrecError('unsupported', `${where}: ${model.name} learns no item vectors, so it cannot say which items are alike; use BPR or LogisticMF`);
  const counting = (length: number) => Int32Array.from({ length }, (_, row) => row);
  const itself: Csr = { rows: n, columns: n, indptr: counting(n + 1), indices: counting(n), values: new Float32Array(0) };
  return selectRows(where, checkRows(where, items, n), model.items, k, itself, likenessBlock);
}

/** scratchCopy: ids where the kernels read them in place. */
export function scratchCopy(ids: Int32Array): Int32Array {
  const copy = scratch(ids.length).ints();
  copy.set(ids);
  return copy;
}

/** The rows of `exclude` that belong to these users, one after another; row 0 before them where it stands for unknown items. */
function skipLists(what: string, users: Int32Array, items: LabelEncoder, exclude: Csr | null): { skip: Int32Array; start: Int32Array } {
  if (exclude !== null && exclude.columns > items.size) throw new TightrecError('bad-shape', `${what}: exclude has ${exclude.columns} items, the model ${items.size}; both must come from the same encoders`);
  const lists = Array.from(users, (user) => {
    if (exclude === null) return nothing;
    if (user >= exclude.rows) throw new TightrecError('bad-shape', `${what}: exclude has ${exclude.rows} users, user row ${user} was asked for; both must come from the same encoders`);
    return exclude.indices.subarray(exclude.indptr[user], exclude.indptr[user + 1]);
  });
  const first = (list: Int32Array): number => items.unknown && list[0] !== 0 ? 1 : 0; // whether row 0 must be put before the list

  const start = scratch(users.length + 1).ints();
  start[0] = 0;
  for (let b = 0; b < users.length; b++) start[b + 1] = start[b] + first(lists[b]) + lists[b].length;
  const skip = scratch(start[users.length]).ints();
  for (let b = 0; b < users.length; b++) {
    if (first(lists[b]) === 1) skip[start[b]] = 0;
    skip.set(lists[b], start[b + 1] - lists[b].length);
  }
  return { skip, start };
}

const nothing = new Int32Array(0);

/** A matrix says nothing of its ids; interactions do, and must mean the same by their rows as the model. */
function asCsr(where: string, exclude: Interactions | Csr | null | undefined, catalogue: Catalogue): Csr | null {
  if (exclude === null || exclude === undefined) return null;
  if (!isInteractions(exclude)) {
    if ((exclude as Partial<Csr>)?.indptr instanceof Int32Array && exclude.indices instanceof Int32Array) return exclude;
    throw new TightrecError('bad-input', `${where}: exclude must be interactions or a CSR matrix of users x items, got ${describe(exclude)}`);
  }
  if (!sameIds(exclude.users, catalogue.users) || !sameIds(exclude.items, catalogue.items)) {
    throw new TightrecError('bad-input', `${where}: the interactions to exclude have other ids than the model: their rows mean something else; make them with the model's encoders, { users: model.users, items: model.items }`);
  }
  return exclude.matrix;
}

/** recommendFor: the best items of one user by raw id, for every model. */
export function recommendFor(model: Recommender, user: RawId, options: RecommendForOptions): Recommendation[] {
  checkNames(`${model.name}.recommendFor`, options, ['k', 'excludeSeen', 'fallback']);
  const { catalogue, excludeSeen: byDefault } = model.answers, where = `${model.name}.recommendFor`;
  const { k = 10, excludeSeen = byDefault, fallback } = options, row = catalogue.users.encode(user);
  checkK(where, k);
  if (typeof excludeSeen !== 'boolean') throw new TightrecError('bad-setting', `${where}: excludeSeen must be true or false, got ${describe(excludeSeen)}`);
  if (fallback !== undefined && fallback !== 'popularity') throw new TightrecError('bad-setting', `${where}: fallback can be 'popularity', got ${JSON.stringify(fallback)}`);
  if (row < 0 || catalogue.users.labels[row] === null) {
    if (fallback === 'popularity') return mostPopular(catalogue, k);
    throw unknownId(where, 'user', user, catalogue.users, "; ask with { fallback: 'popularity' } to get the most popular items instead");
  }
  const { items, scores } = model.recommend([row], { k, exclude: excludeSeen ? catalogue.seen : null });
  return toRecommendations(catalogue.items, items, scores);
}

/** similarTo: the items most like one item by raw id, for every model. */
export function similarTo(model: Recommender, item: RawId, options: { k?: number }): Recommendation[] {
  const { catalogue } = model.answers, row = catalogue.items.encode(item);
  if (row < 0 || catalogue.items.labels[row] === null) throw unknownId(`${model.name}.similarTo`, 'item', item, catalogue.items);
  const { items, scores } = model.similarItems([row], { k: options.k ?? 10 });
  return toRecommendations(catalogue.items, items, scores);
}

function toRecommendations(encoder: LabelEncoder, items: Int32Array, scores: Float32Array): Recommendation[] {
  const list: Recommendation[] = [];
  for (let at = 0; at < items.length && items[at] >= 0; at++) list.push({ item: encoder.decode(items[at]), score: scores[at] });
  return list;
}

/** How much each item was met, over all users. Shape: (nItems). */
export function itemTotals(seen: Csr): Float32Array {
  const totals = new Float64Array(seen.columns);
  for (let at = 0; at < seen.indices.length; at++) totals[seen.indices[at]] += seen.values[at];
  return Float32Array.from(totals);
}

function mostPopular(catalogue: Catalogue, k: number): Recommendation[] {
  const totals = itemTotals(catalogue.seen);
  const { items, scores } = selectRows('popularity', Int32Array.of(0), catalogue.items, k, null, (out) => out.set(totals));
  return toRecommendations(catalogue.items, items, scores).map((entry) => ({ ...entry, source: 'popularity' }));
}

function unknownId(where: string, kind: string, id: RawId, encoder: LabelEncoder, advice = ''): TightrecError {
  const example = encoder.known()[0];
  return new TightrecError('unknown-id', `${where}: ${kind} ${describeId(id)} is not among the ${encoder.known().length} the model knows, such as ${describeId(example)}${advice}`);
}

/** notFitted: what a model answers before fit. */
export const notFitted = (name: string): TightrecError => new TightrecError('not-fitted', `${name}: call fit(data) first; this model has learned nothing yet`);
