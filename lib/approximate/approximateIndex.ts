import { type ThreadsOption, checkThreads } from '../../kernels/onThreads.ts';
import type { RawId } from '../data/labelEncoder.ts';
import type { SideTable } from '../data/sideTable.ts';
import { TightrecError, checkNames, describe } from '../errors.ts';
import { ExactIndex, type ExactIndexOptions, type Neighbour, type SearchOptions, type VectorModel, itemVectors, neighboursOf } from '../retrieval/exactIndex.ts';
import { type TopLists, checkK, emptyLists } from '../retrieval/select.ts';
import { type Vectors, checkVectors, normalizeRows } from '../retrieval/vectors.ts';

/** Usearch: the part of the package usearch that is used here. */
export interface Usearch { readonly Index: new (config: { dimensions: number; metric: 'ip'; quantization: 'f32'; connectivity: number; expansion_add: number; expansion_search: number; multi: boolean }) => UsearchIndex }

export interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  /** For one query: keys alone. For several: k keys each, and in `counts` how many were found. */
  search(queries: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array; readonly counts?: BigUint64Array };
  remove(keys: BigUint64Array): unknown;
}

export interface ApproximateIndexOptions extends ExactIndexOptions {
  /** Edges of an item in the graph, 2 to 256. Default 16, usearch's own. */
  connectivity?: number;
  /** How many items a new one is compared with before its edges are chosen: more take longer to add and are found more often. Default 128, usearch's own. */
  expansionAdd?: number;
  /** How many items a search keeps in view: more take longer and miss less. Default 64, usearch's own. */
  expansionSearch?: number;
  /** How many threads add items, or 'all' that the machine has, and how many may share a search, which usearch must know beforehand. Default 1: with more, the graph differs a little from run to run. */
  threads?: ThreadsOption;
}

/** A graph that is asked for more than one item in so many takes longer than an exact search. */
const SHARE = 64;

/** With `where`: how many times k are asked for at first, and how many times as many where they were too few. */
const WHERE = 4, MORE = 8;

/**
 * ApproximateIndex: the items whose vectors are nearest to a query, most of the time, by usearch's graph (HNSW), for more items than one would compare with each query.
 *
 * The graph finds candidates by inner product (for cosine, of vectors of length 1); ExactIndex.rank gives them their scores, which are ExactIndex's, and their order, so an item may be missed but none
 * has a wrong score. What `exclude` and `where` leave out is left out after the graph was asked, for as many items more as it takes; a list that is still short, one of `only`, and
 * one for which more than a sixty-fourth of all items would have to be asked for, is ExactIndex's: no list is short where ExactIndex's would not be. Equal scores go to the item that came first.
 * The vectors are held twice, by ExactIndex and by the graph.
 * Shapes: vectors (n, K), ids (n).
 * Errors: as of ExactIndex; 'bad-input' for a module that is not usearch.
 *
 * Malkov, Yashunin, "Efficient and Robust Approximate Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs", 2018.
 */
export class ApproximateIndex {
  readonly #exact: ExactIndex;
  readonly #graph: UsearchIndex;
  readonly #K: number;
  readonly #threads: number;
  /** The graph's key of each row, ascending, and the row of each key, -1 for one that was removed. */
  #keys: Int32Array;
  #rows: Int32Array;

  constructor(usearch: Usearch, ids: ArrayLike<RawId>, vectors: Vectors, options: ApproximateIndexOptions = {}) {
    const where = 'ApproximateIndex';
    checkNames(where, options, ['similarity', 'metadata', 'connectivity', 'expansionAdd', 'expansionSearch', 'threads']);
    const { connectivity = 16, expansionAdd = 128, expansionSearch = 64, threads, ...exact } = options;
    if (typeof usearch?.Index !== 'function') throw new TightrecError('bad-input', `${where}: expected the module usearch, as loadUsearch() gives it, got ${describe(usearch)}`);
    for (const [name, value, from, to] of [['connectivity', connectivity, 2, 256], ['expansionAdd', expansionAdd, 1, 65_536], ['expansionSearch', expansionSearch, 1, 65_536]] as const) {
      if (!(Number.isInteger(value) && value >= from && value <= to)) throw new TightrecError('bad-setting', `${where}: ${name} must be a whole number from ${from} to ${to}, got ${describe(value)}`);
    }
    this.#threads = checkThreads(where, threads);
    this.#exact = new ExactIndex(ids, vectors, exact);
    this.#K = vectors.shape[1];
    this.#graph = new usearch.Index({ dimensions: this.#K, metric: 'ip', quantization: 'f32', connectivity, expansion_add: expansionAdd, expansion_search: expansionSearch, multi: false });
    this.#keys = this.#rows = new Int32Array(0);
    this.#extend(vectors);
  }

  /** of: an index of the item vectors of a fitted model, as ExactIndex.of makes it. Errors: 'not-fitted'; 'unsupported' for a model without item vectors; as of the constructor. */
  static of(usearch: Usearch, model: VectorModel, options: ApproximateIndexOptions = {}): ApproximateIndex {
    const { ids, vectors } = itemVectors('ApproximateIndex.of', model);
    return new ApproximateIndex(usearch, ids, vectors, options);
  }

  get similarity(): 'dot' | 'cosine' { return this.#exact.similarity; }

  /** How many items. */
  get size(): number { return this.#exact.size; }

  /** The id of each row. */
  get ids(): readonly RawId[] { return this.#exact.ids; }

  /** search: k near items of each query, as rows of `ids`, as ExactIndex.search gives them. Shapes: queries (B, K) -> (B, k). Errors: as of ExactIndex.search. */
  search(queries: Vectors, options: SearchOptions = {}): TopLists {
    const where = 'ApproximateIndex.search', n = this.size, K = this.#K, [B] = checkVectors(where, 'queries', queries, K);
    checkNames(where, options, ['k', 'exclude', 'only', 'where', 'threads']);
    const { threads, ...filter } = { ...options, exclude: setOf(options.exclude) }, k = checkK(where, options.k ?? 10), most = checkThreads(where, threads), inGraph = Math.min(most, this.#threads), exactly = (some: Vectors): TopLists => this.#exact.search(some, { ...filter, k, threads: most });
    let asked = (filter.where === undefined ? 1 : WHERE) * k + (filter.exclude instanceof Set ? filter.exclude.size : 0);
    if (B === 0 || filter.only !== undefined || asked * SHARE > n) return exactly(queries);

    const lists = emptyLists(where, B, k);
    let open = Int32Array.from({ length: B }, (_, b) => b);
    for (; open.length > 0; asked *= MORE) {
      const some = queriesOf(queries, open, K), { items, scores } = asked * SHARE > n ? exactly(some) : this.#exact.rank(some, this.#found(some, asked, inGraph), { ...filter, k });
      open.forEach((b, at) => { lists.items.set(items.subarray(at * k, (at + 1) * k), b * k); lists.scores.set(scores.subarray(at * k, (at + 1) * k), b * k); });
      if (asked * SHARE > n) break;
      open = open.filter((_, at) => items[(at + 1) * k - 1] < 0);
    }
    return lists;
  }

  /** searchFor: items near to one vector, by raw ids, no more than there are. Shapes: vector (K). Errors: as of search. */
  searchFor(vector: ArrayLike<number>, options: SearchOptions = {}): Neighbour[] { return neighboursOf('ApproximateIndex.searchFor', this, this.#K, vector, options); }

  /** add: more items, in rows after those there are; `metadata` where the index has some. Errors: as of the constructor; nothing is added then. */
  add(ids: ArrayLike<RawId>, vectors: Vectors, metadata?: SideTable): void {
    this.#exact.add(ids, vectors, metadata);
    try { this.#extend(vectors); } catch (error) { this.#exact.remove(Array.from(ids)); throw error; }
  }

  /** remove: takes items out; those after them move up. Errors: 'unknown-id'; nothing is removed then. */
  remove(ids: Iterable<RawId>): void {
    const gone = setOf(ids) as Set<RawId>, before = this.ids;
    this.#exact.remove(gone);
    const stays = (row: number): boolean => !gone.has(before[row]), out = this.#keys.filter((_, row) => !stays(row));
    this.#graph.remove(BigUint64Array.from(out, BigInt));
    this.#keys = this.#keys.filter((_, row) => stays(row));
    this.#rows.fill(-1);
    this.#keys.forEach((key, row) => { this.#rows[key] = row; });
  }

  /** free: gives the memory of the vectors back now; the index cannot be searched after that. The graph goes when the index is garbage. */
  free(): void { this.#exact.free(); }

  /** Puts vectors into the graph, for the rows after those that are in it. */
  #extend({ data, shape: [n] }: Vectors): void {
    if (n === 0) return;
    const first = this.#rows.length, row = this.#keys.length, own = this.similarity === 'cosine' ? data.slice() : data;
    if (own !== data) normalizeRows(own, this.#K);
    try { this.#graph.add(BigUint64Array.from({ length: n }, (_, at) => BigInt(first + at)), own, this.#threads); } catch (cause) {
      this.#rows = Int32Array.from({ length: first + n }, (_, key) => key < first ? this.#rows[key] : -1); // some of the keys may be in the graph
      throw new TightrecError('out-of-memory', `ApproximateIndex: usearch could not take in ${n} vectors of ${this.#K} numbers (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
    }
    this.#keys = Int32Array.from({ length: row + n }, (_, at) => at < row ? this.#keys[at] : first + at - row);
    this.#rows = Int32Array.from({ length: first + n }, (_, key) => key < first ? this.#rows[key] : row + key - first);
  }

  /** The rows that the graph finds for each query, with -1 where it finds no more. Shapes: queries (B, K) -> (B, asked). */
  #found({ data, shape: [B] }: Vectors, asked: number, threads: number): Int32Array {
    const Q = data.slice();
    normalizeRows(Q, this.#K); // no product overflows, and the order is the same
    const { keys, counts } = this.#graph.search(Q, asked, threads), rows = new Int32Array(B * asked).fill(-1);
    for (let b = 0; b < B; b++) for (let at = 0, n = counts === undefined ? keys.length : Number(counts[b]); at < n; at++) rows[b * asked + at] = this.#rows[Number(keys[b * asked + at])];
    return rows;
  }
}

/** Ids that can be gone through more than once; what are none, as they came, for ExactIndex to refuse. */
const setOf = <Given extends Iterable<RawId> | undefined>(ids: Given): Given | Set<RawId> => (typeof ids !== 'string' && typeof ids?.[Symbol.iterator] === 'function' ? new Set(ids) : ids);

/** Some of the queries, one after another. */
function queriesOf(queries: Vectors, rows: Int32Array, K: number): Vectors {
  if (rows.length === queries.shape[0]) return queries;
  const data = new Float32Array(rows.length * K);
  rows.forEach((b, at) => data.set(queries.data.subarray(b * K, (b + 1) * K), at * K));
  return { data, shape: [rows.length, K] };
}
