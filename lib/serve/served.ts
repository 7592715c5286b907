import { scratch, scratchCopy } from '../../kernels/memory.ts';
import { type ThreadsOption, onThreads } from '../../kernels/onThreads.ts';
import { type LabelEncoder, type RawId, knownId } from '../data/labelEncoder.ts';
import { describeId } from '../data/interactions.ts';
import { TightrecError } from '../errors.ts';
import { itemTotals } from '../models/catalogue.ts';
import type { Session } from '../models/nextItemAnswers.ts';
import type { Answers, Recommendation, Recommender, ScoreBlock, TopLists } from '../models/recommender.ts';
import { selectRows } from '../retrieval/select.ts';
import type { Source, Wanted } from './blocks.ts';
import { Refusal } from './refusal.ts';

/** Query: what is known of one who asks, by the columns that the model was fitted with. */
export type Query = Readonly<Record<string, RawId | readonly string[]>>;

/** QueryModel: a model that answers queries by their features, not only for ids that it has met. A query may name a `user` whom it has. */
export interface QueryModel {
  recommendTo(query: Query, options?: { k?: number; excludeSeen?: boolean; exclude?: Iterable<RawId> }): Recommendation[];
  /** Shapes: queries (B) -> (B, k), items as rows of `items`. */
  recommendQueries(queries: readonly Query[], options?: { k?: number; excludeSeen?: boolean }): TopLists;
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

/** `skip` says which rows the list must not hold, ascending; it is asked when the list's turn comes, for what many lists leave out may be much. */
interface RowAsk { readonly row: number; skip(): Int32Array }
interface HistoryAsk { readonly user: RawId | null; readonly history: readonly RawId[]; readonly skip: ReadonlySet<RawId>; readonly only: ReadonlySet<RawId> | null }
interface QueryAsk { readonly where: string; readonly query: Query }
interface ChosenAsk extends QueryAsk { readonly seen: { excludeSeen?: boolean }; readonly exclude: readonly RawId[]; readonly only: ReadonlySet<RawId> | null }

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

  get #catalogue(): Answers['catalogue'] { return this.#kept.catalogue; }
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
      if (model.recommendTo === undefined || model.recommendQueries === undefined) throw new Refusal(400, 'unsupported', `query and queries are for models of features, and ${model.name} is none; ask for a user`);
      return this.#queriesWanted(queries?.map((query, at) => this.#known(`queries[${at}]`, query)) ?? [this.#known('query', query!)], body);
    }
    const skips = this.#skips(body);
    return users?.map((user, at) => this.#userWanted(`users[${at}]`, user, body, skips)) ?? [this.#userWanted('user', user!, body, skips)];
  }

  /** similar: what a body of POST /similar wants. Errors: Refusal; the model's own. */
  similar({ item, similarity }: SimilarBody): WantedList {
    const source = this.#source(`similar, ${similarity}`, (model) => {
      const { likenessBlock, dotBlock } = this.#kept;
      model.similarItems([], similarity && { similarity }); // a model that knows no such likeness says so
      return this.#rowSource(similarity === 'dot' ? dotBlock! : likenessBlock!);
    });
    const { items } = this.#catalogue, row = this.#row('item', 'item', item, items), itself = items.unknown ? Int32Array.of(0, row) : Int32Array.of(row);
    return { source, ask: { row, skip: () => itself } satisfies RowAsk };
  }

  #userWanted(where: string, user: RawId, { excludeSeen = this.#kept.excludeSeen, fallback }: RecommendBody, skips: (has: Int32Array) => Int32Array): WantedList {
    const { users, seen } = this.#catalogue, id = knownId(user, users);
    if (id === null) {
      if (fallback !== 'popularity') throw unknown(where, 'user', user, users, '; with "fallback": "popularity" the most popular items are the answer');
      return { source: this.#source('popularity', () => this.#popularity()), ask: { row: 0, skip: () => skips(none) } satisfies RowAsk, mark: 'popularity' };
    }
    const row = users.encode(id), has = excludeSeen ? seen.indices.subarray(seen.indptr[row], seen.indptr[row + 1]) : none;
    return { source: this.#source('users', () => this.#rowSource(this.#kept.scoreBlock)), ask: { row, skip: () => skips(has) } satisfies RowAsk };
  }

  #historyWanted(history: readonly RawId[], user: RawId | undefined, { excludeSeen, exclude, only }: RecommendBody): WantedList {
    const ids = this.#items('history', history), skip = new Set([...(excludeSeen ? ids : []), ...this.#items('exclude', exclude ?? [])]);
    const ask: HistoryAsk = { user: user === undefined ? null : this.#catalogue.users.unknown ? knownId(user, this.#catalogue.users) ?? user : this.#id('user', 'user', user, this.#catalogue.users), history: ids, skip, only: only ? new Set(this.#items('only', only)) : null };
    return { source: this.#source('histories', historiesOf), ask };
  }

  #queriesWanted(queries: readonly QueryAsk[], { excludeSeen, exclude, only }: RecommendBody): WantedList[] {
    const seen = excludeSeen === undefined ? {} : { excludeSeen };
    if (exclude === undefined && only === undefined) return queries.map((ask) => ({ source: this.#source(`queries, ${excludeSeen}`, (model) => queriesOf(model, seen)), ask }));
    const out = this.#items('exclude', exclude ?? []), within = only ? new Set(this.#items('only', only)) : null;
    return queries.map((one) => ({ source: this.#source('chosen queries', chosenQueriesOf), ask: { ...one, seen, exclude: out, only: within } satisfies ChosenAsk }));
  }

  /** A query whose `user`, if there is one, is as the model knows it. */
  #known(where: string, query: Query): QueryAsk {
    const { user } = query;
    return { where, query: typeof user === 'string' || typeof user === 'number' ? { ...query, user: this.#id(`${where}.user`, 'user', user, this.model.users) } : query };
  }

  /** The source of that name, made when it is first wanted. */
  #source<Ask>(name: string, make: (model: ServedModel) => Source<Ask>): Source<never> {
    let source = this.#sources.get(name);
    if (source === undefined) this.#sources.set(name, source = make(this.model) as Source<never>);
    return source;
  }

  /** Lists of the items that score best, for rows of whatever the block scores. */
  #rowSource(scoreBlock: ScoreBlock): Source<RowAsk> {
    const { items } = this.#catalogue, nItems = items.size, threads = this.#threads;
    return {
      atOnce: atOnceOf(nItems),
      lists(asks, k) {
        const order = Int32Array.from(asks, (_, at) => at);
        const top = onThreads('serve', threads, () => selectRows('serve', order, nItems, k, (some) => skipsOf(asks, some), (out, some) => scoreBlock(out, scratchCopy(some.map((at) => asks[at].row)))));
        return named(items, top, asks.length, k);
      },
    };
  }

  #popularity(): Source<RowAsk> {
    const totals = itemTotals(this.#catalogue.seen);
    return this.#rowSource((out, rows) => { for (let b = 0; b < rows.length; b++) out.set(totals, b * totals.length); });
  }

  /** What the lists of a request must not hold, by what a user has: that, the row of unknown items, what was to be left out, and all but what was named. Rows, ascending. */
  #skips({ exclude = [], only }: RecommendBody): (has: Int32Array) => Int32Array {
    const { items } = this.#catalogue, out = Int32Array.from(new Set([...(items.unknown ? [0] : []), ...this.#rows('exclude', exclude)])).sort();
    if (only === undefined) return (has) => (out.length === 0 ? has : union(has, out));
    const named = new Uint8Array(items.size);
    for (const row of this.#rows('only', only)) named[row] = 1;
    for (const row of out) named[row] = 0;
    return (has) => {
      const left = named.slice(), skip = new Int32Array(left.length);
      for (const row of has) left[row] = 0;
      let n = 0;
      for (let row = 0; row < left.length; row++) if (left[row] === 0) skip[n++] = row;
      return skip.subarray(0, n);
    };
  }

  #rows(where: string, ids: readonly RawId[]): number[] { return ids.map((id, at) => this.#row(`${where}[${at}]`, 'item', id, this.#catalogue.items)); }
  #items(where: string, ids: readonly RawId[]): RawId[] { return ids.map((id, at) => this.#id(`${where}[${at}]`, 'item', id, this.model.items)); }
  #row(where: string, kind: string, id: RawId, encoder: LabelEncoder): number { return encoder.encode(this.#id(where, kind, id, encoder)); }
  #id(where: string, kind: string, id: RawId, encoder: LabelEncoder): RawId {
    const known = knownId(id, encoder);
    if (known === null) throw unknown(where, kind, id, encoder);
    return known;
  }
}

const none = new Int32Array(0);
const atOnceOf = (nItems: number): number => Math.min(MOST_AT_ONCE, Math.max(1, Math.floor(BLOCK_FLOATS / nItems)));

/** Unlike the library's, it names no id that the client did not: not everyone who may ask may know who else is known. */
const unknown = (where: string, kind: string, id: RawId, encoder: LabelEncoder, advice = ''): Refusal =>
  new Refusal(404, 'unknown-id', `${where === kind ? '' : `${where}: `}${kind} ${describeId(id)} is not among the ${(encoder.size - (encoder.unknown ? 1 : 0)).toLocaleString('en')} ${kind}s that the model knows${advice}`);

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

/** The skips of some of the asks, one after another. Runs inside a scope. */
function skipsOf(asks: readonly RowAsk[], some: Int32Array): { skip: Int32Array; start: Int32Array } {
  const lists = Array.from(some, (at) => asks[at].skip()), start = scratch(lists.length + 1).ints();
  start[0] = 0;
  for (let b = 0; b < lists.length; b++) start[b + 1] = start[b] + lists[b].length;
  const skip = scratch(start[lists.length]).ints();
  for (let b = 0; b < lists.length; b++) skip.set(lists[b], start[b]);
  return { skip, start };
}

/** Flat lists of rows as lists of raw ids. */
function named(items: LabelEncoder, top: TopLists, lists: number, k: number): Recommendation[][] {
  return Array.from({ length: lists }, (_, b) => {
    const list: Recommendation[] = [];
    for (let at = b * k; at < (b + 1) * k && top.items[at] >= 0; at++) list.push({ item: items.decode(top.items[at]), score: top.scores[at] });
    return list;
  });
}

const queriesOf = (model: ServedModel, seen: { excludeSeen?: boolean }): Source<QueryAsk> => ({
  atOnce: atOnceOf(model.items.size),
  lists: (asks, k) => {
    const answer = (): Recommendation[][] => named(model.items, model.recommendQueries!(asks.map(({ query }) => query), { k, ...seen }), asks.length, k);
    return asks.length === 1 ? saidOf(asks[0].where, answer) : answer();
  },
});

/** One by one: each leaves out something else. */
const chosenQueriesOf = (model: ServedModel): Source<ChosenAsk> => ({
  atOnce: 8,
  lists: (asks, k) => asks.map(({ where, query, seen, exclude, only }) => saidOf(where, () => model.recommendTo!(query, { k: only ? model.items.size : k, ...seen, exclude }))
    .filter(({ item }) => only === null || only.has(item)).slice(0, k)),
});

/** What the model says of the only query it was asked is here said of its place in the request. */
function saidOf<Made>(where: string, make: () => Made): Made {
  try { return make(); } catch (error) {
    if (!(error instanceof TightrecError)) throw error;
    const text = error.message.replace(/^\w+\.\w+: /, '');
    throw new TightrecError(error.code, text.startsWith('query 0 ') ? text.replace('query 0', where) : `${where}: ${text}`, { cause: error });
  }
}

/** Item by item: a list takes as long as its history. */
const historiesOf = (model: ServedModel): Source<HistoryAsk> => ({
  atOnce: 1,
  lists: (asks, k) => asks.map(({ user, history, skip, only }) => {
    const session = model.session!(user);
    for (const item of history) session.add(item);
    return session.top(only ? model.items.size : Math.min(k + skip.size, model.items.size)).filter(({ item }) => !skip.has(item) && (only === null || only.has(item))).slice(0, k);
  }),
});
