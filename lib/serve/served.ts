import { scratch, scratchCopy } from '../../kernels/memory.ts';
import { type ThreadsOption, onThreads } from '../../kernels/onThreads.ts';
import { type LabelEncoder, type RawId, knownId } from '../data/labelEncoder.ts';
import { describeId } from '../data/interactions.ts';
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

interface RowAsk { readonly row: number; readonly skip: Int32Array }
interface HistoryAsk { readonly user: RawId | null; readonly history: readonly RawId[]; readonly skip: ReadonlySet<RawId>; readonly only: ReadonlySet<RawId> | null }
interface QueryAsk { readonly query: Query; readonly seen: { excludeSeen?: boolean }; readonly exclude: readonly RawId[]; readonly only: ReadonlySet<RawId> | null }

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
      return this.#queriesWanted((queries ?? [query!]).map((query, at) => this.#known(queries ? `queries[${at}]` : 'query', query)), body);
    }
    const out = body.exclude && this.#rows('exclude', body.exclude), within = body.only && this.#rows('only', body.only);
    return (users ?? [user!]).map((user, at) => this.#userWanted(users ? `users[${at}]` : 'user', user, body, out, within));
  }

  /** similar: what a body of POST /similar wants. Errors: Refusal; the model's own. */
  similar({ item, similarity }: SimilarBody): WantedList {
    this.model.similarItems([], similarity && { similarity }); // a model that knows no such likeness says so
    const row = this.#row('item', 'item', item, this.#catalogue.items), { likenessBlock, dotBlock } = this.#kept, own = Int32Array.of(row);
    const source = similarity === 'dot' ? this.#source('dot', () => this.#rowSource(dotBlock!)) : this.#source('likeness', () => this.#rowSource(likenessBlock!));
    return { source, ask: { row, skip: this.#catalogue.items.unknown ? Int32Array.of(0, row) : own } satisfies RowAsk };
  }

  #userWanted(where: string, user: RawId, { excludeSeen = this.#kept.excludeSeen, fallback }: RecommendBody, out: readonly number[] | undefined, within: readonly number[] | undefined): WantedList {
    const { users, seen } = this.#catalogue, id = knownId(user, users);
    if (id === null) {
      if (fallback !== 'popularity') throw unknown(where, 'user', user, users, '; with "fallback": "popularity" the most popular items are the answer');
      return { source: this.#source('popularity', () => this.#popularity()), ask: { row: 0, skip: this.#skip(none, out, within) } satisfies RowAsk, mark: 'popularity' };
    }
    const row = users.encode(id), has = excludeSeen ? seen.indices.subarray(seen.indptr[row], seen.indptr[row + 1]) : none;
    return { source: this.#source('users', () => this.#rowSource(this.#kept.scoreBlock)), ask: { row, skip: this.#skip(has, out, within) } satisfies RowAsk };
  }

  #historyWanted(history: readonly RawId[], user: RawId | undefined, { excludeSeen, exclude, only }: RecommendBody): WantedList {
    const ids = this.#items('history', history), skip = new Set([...(excludeSeen ? ids : []), ...this.#items('exclude', exclude ?? [])]);
    const ask: HistoryAsk = { user: user === undefined ? null : this.#catalogue.users.unknown ? knownId(user, this.#catalogue.users) ?? user : this.#id('user', 'user', user, this.#catalogue.users), history: ids, skip, only: only ? new Set(this.#items('only', only)) : null };
    return { source: this.#source('histories', historiesOf), ask };
  }

  #queriesWanted(queries: readonly Query[], { excludeSeen, exclude, only }: RecommendBody): WantedList[] {
    const seen = excludeSeen === undefined ? {} : { excludeSeen };
    if (exclude === undefined && only === undefined) return queries.map((query) => ({ source: this.#source(`queries, ${excludeSeen}`, (model) => queriesOf(model, seen)), ask: query }));
    const out = this.#items('exclude', exclude ?? []), within = only ? new Set(this.#items('only', only)) : null;
    return queries.map((query) => ({ source: this.#source('chosen queries', chosenQueriesOf), ask: { query, seen, exclude: out, only: within } satisfies QueryAsk }));
  }

  /** A query whose `user`, if there is one, is as the model knows it. */
  #known(where: string, query: Query): Query {
    const { user } = query;
    return typeof user === 'string' || typeof user === 'number' ? { ...query, user: this.#id(`${where}.user`, 'user', user, this.model.users) } : query;
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

  /** What a list must not hold, as rows, ascending: the row of unknown items, what the user has, what was to be left out, and all but what was named. */
  #skip(has: Int32Array, out: readonly number[] | undefined, within: readonly number[] | undefined): Int32Array {
    const { items } = this.#catalogue, n = items.size;
    if (within !== undefined) {
      const left = new Uint8Array(n);
      for (const row of within) left[row] = 1;
      for (const row of [...has, ...(out ?? [])]) left[row] = 0;
      return Int32Array.from({ length: n }, (_, row) => row).filter((row) => left[row] === 0);
    }
    if (out === undefined && !(items.unknown && has[0] !== 0)) return has;
    return Int32Array.from(new Set([...(items.unknown ? [0] : []), ...has, ...(out ?? [])])).sort();
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

/** The skips of some of the asks, one after another. Runs inside a scope. */
function skipsOf(asks: readonly RowAsk[], some: Int32Array): { skip: Int32Array; start: Int32Array } {
  const start = scratch(some.length + 1).ints();
  start[0] = 0;
  for (let b = 0; b < some.length; b++) start[b + 1] = start[b] + asks[some[b]].skip.length;
  const skip = scratch(start[some.length]).ints();
  for (let b = 0; b < some.length; b++) skip.set(asks[some[b]].skip, start[b]);
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

const queriesOf = (model: ServedModel, seen: { excludeSeen?: boolean }): Source<Query> => ({ atOnce: atOnceOf(model.items.size), lists: (queries, k) => named(model.items, model.recommendQueries!(queries, { k, ...seen }), queries.length, k) });

/** One by one: each leaves out something else. */
const chosenQueriesOf = (model: ServedModel): Source<QueryAsk> => ({
  atOnce: 8,
  lists: (asks, k) => asks.map(({ query, seen, exclude, only }) => model.recommendTo!(query, { k: only ? model.items.size : k, ...seen, exclude }).filter(({ item }) => only === null || only.has(item)).slice(0, k)),
});

/** Item by item: a list takes as long as its history. */
const historiesOf = (model: ServedModel): Source<HistoryAsk> => ({
  atOnce: 1,
  lists: (asks, k) => asks.map(({ user, history, skip, only }) => {
    const session = model.session!(user);
    for (const item of history) session.add(item);
    return session.top(only ? model.items.size : Math.min(k + skip.size, model.items.size)).filter(({ item }) => !skip.has(item) && (only === null || only.has(item))).slice(0, k);
  }),
});
