import { kernels } from '../../kernels/answering.ts';
import { scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import { type ThreadsOption, onThreads } from '../../kernels/onThreads.ts';
import { type LabelEncoder, type RawId, knownId } from '../data/labelEncoder.ts';
import { columnName } from '../data/learnFeatures.ts';
import { TightrecError, describe } from '../errors.ts';
import { toRecommendations } from '../models/answer.ts';
import { type Catalogue, itemTotals } from '../models/catalogue.ts';
import type { Session } from '../models/nextItemAnswers.ts';
import type { Query } from '../models/queryTower.ts';
import type { Answers, Recommendation, Recommender, TopLists } from '../models/recommender.ts';
import { selectRows, skipsOf } from '../retrieval/select.ts';
import type { Vectors } from '../retrieval/vectors.ts';
import type { Source, Wanted } from './blocks.ts';
import { Refusal } from './refusal.ts';
import { show } from './schemas.ts';

export type { Query };

/** QueryModel: a model that answers queries by their features, not only for ids that it has met: its score of an item is the product of the query's vector and that of the item in `answers.vectors`. */
export interface QueryModel {
  /** Shapes: queries (B) -> (B, K). */
  queryEmbeddings(queries: readonly Query[]): Vectors;
}

/** SessionModel: a model that answers what someone did last, item by item. */
export interface SessionModel { session(user?: RawId | null): Session }

/** ServedModel: what can be served: any fitted model. What else than users it answers is found out when it is asked. */
export type ServedModel = Recommender & Partial<QueryModel> & Partial<SessionModel>;

/** What a body of POST /recommend may hold; schemas.ts has checked it. */
export interface RecommendBody {
  user?: RawId;
  users?: RawId[];
  history?: RawId[];
  query?: Query;
  queries?: Query[];
  k?: number;
  excludeSeen?: boolean;
  exclude?: RawId[];
  only?: RawId[];
  fallback?: 'popularity';
}

export interface SimilarBody { item: RawId; k?: number; similarity?: 'cosine' | 'dot' }

/** WantedList: a list to be made; `mark` says that it is not the model's own. */
export interface WantedList extends Wanted { readonly mark?: 'popularity' }

/** ListAsk: whom or what the list is for, as its source's score takes it; `rows` are those that it must not hold, or of a source that chooses those that it may, ascending. They are asked for when the list's turn comes, for those of many lists may be much. */
interface ListAsk<Of> { readonly of: Of; rows(): Int32Array }
interface HistoryAsk { readonly user: RawId | null; readonly history: readonly RawId[]; readonly top: { excludeSeen?: boolean }; readonly skip: ReadonlySet<RawId>; readonly only: ReadonlySet<RawId> | null }

/** Overwrites out (B, nItems) with a number for every item and each of B whom lists are for. Runs inside a scope. */
type Score<Of> = (out: Float32Array, of: readonly Of[]) => void;

/** Choice: what the lists of a request may hold, by what each has beside it; with `only` the rows are those that a list may hold, else those that it must not. */
interface Choice { readonly only: boolean; rows(has: Int32Array): Int32Array }

const BLOCK_FLOATS = 2 ** 20; // scores, as selectRows has them at a time
const MOST_AT_ONCE = 256; // lists: to write them down takes time too

/** Served: one model in service, and what its lists are made of. */
export class Served {
  readonly model: ServedModel;
  readonly version: string;
  readonly #threads: ThreadsOption | undefined;
  readonly #sources = new Map<string, Source<never>>();
  #answers: Answers | null = null;
  #uses = 1;
  #idle: () => void = () => {};
  /** Resolves when the model is out of service and the last request that began with it has its answer. */
  readonly idle: Promise<void> = new Promise((resolve) => { this.#idle = resolve; });

  constructor(model: ServedModel, version: string, threads: ThreadsOption | undefined) {
    this.model = model;
    this.version = version;
    this.#threads = threads;
  }

  hold(): void { this.#uses++; }
  release(): void { if (--this.#uses === 0) this.#idle(); }

  get catalogue(): Catalogue { return this.#kept.catalogue; }
  /** One object for as long as the model is in service: what is asked of the same of its functions can be a block. */
  get #kept(): Answers { return this.#answers ??= this.model.answers; }

  /** recommend: what a body of POST /recommend wants. Errors: Refusal; the model's own. */
  recommend(body: RecommendBody): WantedList[] {
    const { model } = this, { user, users, history, query, queries } = body;
    if (history !== undefined) {
      if (model.session === undefined) throw new Refusal(400, 'unsupported', `history is for models that follow a sequence, and ${model.name} is none; ask for a user`);
      return [this.#historyWanted(history, user, body)];
    }
    if (query !== undefined || queries !== undefined) {
      if (model.queryEmbeddings === undefined) throw new Refusal(400, 'unsupported', `query and queries are for models of features, and ${model.name} is none; ask for a user`);
      return this.#queriesWanted(queries ?? [query!], (at) => (queries === undefined ? 'query' : `queries[${at}]`), body);
    }
    const choice = this.#choice(body);
    return users?.map((user, at) => this.#userWanted(`users[${at}]`, user, body, choice)) ?? [this.#userWanted('user', user!, body, choice)];
  }

  /** similar: what a body of POST /similar wants. Errors: Refusal; the model's own. */
  similar({ item, similarity }: SimilarBody): WantedList {
    const source = this.#source(`similar, ${similarity}`, (model) => {
      const { likenessBlock, dotBlock } = this.#kept;
      model.similarItems([], similarity && { similarity }); // a model that knows no such likeness says so
      return this.#leaving(byRows(similarity === 'dot' ? dotBlock! : likenessBlock!));
    });
    const { items } = this.catalogue, row = this.#row('item', item), itself = items.unknown ? Int32Array.of(0, row) : Int32Array.of(row);
    return { source, ask: { of: row, rows: () => itself } satisfies ListAsk<number> };
  }

  #userWanted(where: string, user: RawId, { excludeSeen = this.#kept.excludeSeen, fallback }: RecommendBody, choice: Choice): WantedList {
    const { users } = this.catalogue, id = knownId(user, users);
    if (id === null) {
      if (fallback !== 'popularity') throw unknown(where, 'user', user, users, '; with "fallback": "popularity" the most popular items are the answer');
      return { ...this.#wanted('popularity', () => this.#popularity(), 0, none, choice), mark: 'popularity' };
    }
    const row = users.encode(id);
    return this.#wanted('users', () => byRows(this.#kept.scoreBlock), row, excludeSeen ? this.#met(row) : none, choice);
  }

  #historyWanted(history: readonly RawId[], user: RawId | undefined, { excludeSeen, exclude, only }: RecommendBody): WantedList {
    const { users } = this.catalogue, ids = this.#items('history', history), skip = new Set(this.#items('exclude', exclude ?? []));
    const known = user === undefined ? null : knownId(user, users) ?? (users.unknown ? user : null);
    if (user !== undefined && known === null) throw unknown('user', 'user', user, users);
    const ask: HistoryAsk = { user: known, history: ids, top: excludeSeen === undefined ? {} : { excludeSeen }, skip, only: only ? new Set(this.#items('only', only)) : null };
    return { source: this.#source('histories', (model) => historiesOf(model, this.catalogue.items.size)), ask };
  }

  #queriesWanted(queries: readonly Query[], placeOf: (at: number) => string, { excludeSeen = this.#kept.excludeSeen, ...body }: RecommendBody): WantedList[] {
    const { users } = this.catalogue, choice = this.#choice(body);
    const known = queries.map((query, at) => {
      const { user } = query as { user?: unknown };
      if (user !== undefined && typeof user !== 'string' && typeof user !== 'number') throw new Refusal(400, 'bad-body', `${placeOf(at)}.user must be an id, as text or as a number, got ${describe(user)}`);
      return user === undefined ? query : { ...query, user: knownId(user, users) ?? user };
    });
    const { data, shape: [, K] } = this.#embedded(known, placeOf);
    return known.map(({ user }, at) => {
      const row = excludeSeen && users.has(user as RawId) ? users.encode(user as RawId) : -1; // not the row of the unknown, who have met what strangers have
      return this.#wanted('queries', () => this.#byVectors(), data.subarray(at * K, (at + 1) * K), row < 0 ? none : this.#met(row), choice);
    });
  }

  /** The vectors of queries; what the model says of one of them is here said of its place in the request. */
  #embedded(queries: readonly Query[], placeOf: (at: number) => string): Vectors {
    try { return this.model.queryEmbeddings!(queries); } catch (error) {
      const said = error instanceof TightrecError ? /^[\w.]+: (?:the queries, )?query (\d+)(?:, column "((?:[^"\\]|\\.)*)")?([^]*)$/.exec(error.message) : null;
      if (said === null) throw error;
      const [, at, column, text] = said, place = placeOf(Number(at)), { code } = error as TightrecError;
      if (code === 'unknown-id') throw unknown(`${place}.user`, 'user', queries[Number(at)].user as RawId, this.catalogue.users, this.#advice());
      if (column === undefined) throw new TightrecError(code, `${place}${text}`, { cause: error });
      throw new TightrecError(code, `${place}.${column}${text.replace(" (read the column as 'number')", '').replace(/^: expected (?=an? )/, ' must be ')}`, { cause: error });
    }
  }

  /** What one may say of a user whom the model does not know. */
  #advice(): string {
    const columns = new Set(this.#kept.towers?.query.features[0].parts.flatMap(({ name, feature }) => (feature.kind === 'id' ? [] : [columnName(name, feature)])));
    return columns.size === 0 ? '' : `; tell ${[...columns].join(', ')} instead, and the model can answer by them`;
  }

  /** The items that a user has met: rows, ascending. */
  #met(row: number): Int32Array { const { indptr, indices } = this.catalogue.seen; return indices.subarray(indptr[row], indptr[row + 1]); }

  /** A list by this score for one who has met these items. */
  #wanted<Of>(name: string, score: () => Score<Of>, of: Of, has: Int32Array, { only, rows }: Choice): WantedList {
    const source = only ? this.#source(`${name}, only`, () => this.#choosing(score())) : this.#source(name, () => this.#leaving(score()));
    return { source, ask: { of, rows: () => rows(has) } satisfies ListAsk<Of> };
  }

  /** The source of that name, made when it is first wanted. */
  #source<Ask>(name: string, make: (model: ServedModel) => Source<Ask>): Source<never> {
    let source = this.#sources.get(name);
    if (source === undefined) this.#sources.set(name, source = make(this.model) as Source<never>);
    return source;
  }

  /** Lists of the items that score best of all but what each leaves out. */
  #leaving<Of>(score: Score<Of>): Source<ListAsk<Of>> {
    const { items } = this.catalogue, nItems = items.size;
    return {
      atOnce: atOnceOf(nItems),
      lists: (asks, k) => {
        const order = Int32Array.from(asks, (_, at) => at);
        return named(items, this.#onThreads(() => selectRows('serve', order, nItems, k, (some) => skipsOf(Array.from(some, (at) => asks[at].rows())), (out, some) => score(out, Array.from(some, (at) => asks[at].of)))), asks.length, k);
      },
    };
  }

  /** Lists of the items that score best of the few that each may hold: no more than these are looked through. */
  #choosing<Of>(score: Score<Of>): Source<ListAsk<Of>> {
    const { items } = this.catalogue, nItems = items.size;
    return {
      atOnce: atOnceOf(nItems),
      lists: (asks, k) => this.#onThreads(() => scope(() => {
        const scores = scratch(asks.length * nItems).floats();
        score(scores, asks.map(({ of }) => of));
        return asks.map(({ rows }, b) => bestOf(items, scores.subarray(b * nItems, (b + 1) * nItems), rows(), k));
      })),
    };
  }

  #onThreads<Made>(work: () => Made): Made { return onThreads('serve', this.#threads, work); }

  #popularity(): Score<number> {
    const totals = itemTotals(this.catalogue.seen);
    return (out, of) => { for (let b = 0; b < of.length; b++) out.set(totals, b * totals.length); };
  }

  #byVectors(): Score<Float32Array> {
    const V = this.#kept.vectors!.item, [nItems, K] = V.shape;
    return (out, of) => {
      const Q = scratch(of.length * K).floats();
      of.forEach((q, b) => Q.set(q, b * K));
      kernels.matmulTransposed(out, Q, V.data, of.length, nItems, K);
    };
  }

  #choice({ exclude = [], only }: RecommendBody): Choice {
    const left = this.#rows('exclude', exclude), out = this.catalogue.items.unknown ? union(Int32Array.of(0), left) : left;
    if (only === undefined) return { only: false, rows: (has) => (out.length === 0 ? has : union(has, out)) };
    const within = without(this.#rows('only', only), out);
    return { only: true, rows: (has) => without(within, has) };
  }

  /** The rows of items, ascending, each once. */
  #rows(where: string, ids: readonly RawId[]): Int32Array {
    const { items } = this.catalogue, first = items.unknown ? 1 : 0;
    return Int32Array.from(ids, (id, at) => {
      const row = items.encode(id);
      return row >= first ? row : this.#row(`${where}[${at}]`, id);
    }).sort().filter((row, at, rows) => row !== rows[at - 1]);
  }

  #items(where: string, ids: readonly RawId[]): RawId[] { return ids.map((id, at) => this.#item(`${where}[${at}]`, id)); }
  #row(where: string, id: RawId): number { return this.catalogue.items.encode(this.#item(where, id)); }
  #item(where: string, id: RawId): RawId {
    const { items } = this.catalogue, known = knownId(id, items);
    if (known === null) throw unknown(where, 'item', id, items);
    return known;
  }
}

const none = new Int32Array(0);
const atOnceOf = (nItems: number): number => Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(BLOCK_FLOATS / nItems)));

const byRows = (scoreBlock: Answers['scoreBlock']): Score<number> => (out, rows) => scoreBlock(out, scratchCopy(Int32Array.from(rows)));

/** An id as an error shows it, no longer than a line. */
const shown = (id: RawId): string => (typeof id === 'string' ? `'${show(id).replace(/^"|"$/g, '').replaceAll('\\"', '"')}'` : `${id} (a ${typeof id})`);

/** Unlike the library's, it names no id that the client did not: not everyone who may ask may know who else is known. */
const unknown = (where: string, kind: string, id: RawId, encoder: LabelEncoder, advice = ''): Refusal =>
  new Refusal(404, 'unknown-id', `${where === kind ? '' : `${where}: `}${kind} ${shown(id)} is not among the ${(encoder.size - (encoder.unknown ? 1 : 0)).toLocaleString('en')} ${kind}s that the model knows${advice}`);

/** The rows of either list; both ascend. */
function union(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length);
  let n = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; n++) {
    const row = j === b.length || a[i] <= b[j] ? a[i] : b[j];
    if (a[i] === row) i++;
    if (b[j] === row) j++;
    all[n] = row;
  }
  return all.subarray(0, n);
}

/** The rows of the first that the second has not; both ascend. */
function without(rows: Int32Array, gone: Int32Array): Int32Array {
  let at = 0;
  return rows.filter((row) => {
    while (at < gone.length && gone[at] < row) at++;
    return gone[at] !== row;
  });
}

/** The k best of these rows, or fewer where there are no more; equal scores go to the lower row. Runs inside a scope. */
function bestOf(items: LabelEncoder, scores: Float32Array, rows: Int32Array, k: number): Recommendation[] {
  const n = rows.length, most = Math.min(k, n);
  if (most === 0) return [];
  return scope(() => {
    const own = scratch(n).floats(), at = scratch(most).ints(), best = scratch(most).floats(), start = scratch(2).ints();
    for (let r = 0; r < n; r++) own[r] = scores[rows[r]];
    start.fill(0);
    kernels.topK(at, best, own, scratch(0).ints(), start, 1, n, most);
    return Array.from({ length: most }, (_, r) => ({ item: items.decode(rows[at[r]]), score: best[r] }));
  });
}

/** Flat lists of rows as lists of raw ids. */
function named(items: LabelEncoder, top: TopLists, lists: number, k: number): Recommendation[][] {
  return Array.from({ length: lists }, (_, b) => toRecommendations(items, top.items.subarray(b * k, (b + 1) * k), top.scores.subarray(b * k, (b + 1) * k)));
}

/** Item by item: a list takes as long as its history. A session says the best of all items, so of few that a list may hold it is asked for all. */
const historiesOf = (model: ServedModel, nItems: number): Source<HistoryAsk> => ({
  atOnce: 1,
  lists: (asks, k) => asks.map(({ user, history, top, skip, only }) => {
    const session = model.session!(user);
    for (const item of history) session.add(item);
    // what may stand there is about so deep, and is found further down where that was not enough
    for (let depth = only === null ? k + skip.size : Math.ceil(2 * (k + skip.size) * nItems / only.size); ; depth *= 4) {
      const list = session.top(Math.min(depth, nItems), top).filter(({ item }) => !skip.has(item) && (only === null || only.has(item)));
      if (list.length >= k || depth >= nItems) return list.slice(0, k);
    }
  }),
});
