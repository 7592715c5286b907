import { kernels } from '../../kernels/answering.ts';
import { type Block, allocate, free, scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import { type ThreadsOption, onThreads } from '../../kernels/onThreads.ts';
import { describeId } from '../data/interactions.ts';
import { LabelEncoder, type RawId } from '../data/labelEncoder.ts';
import { type SideTable, checkSideTable } from '../data/sideTable.ts';
import { TightrecError, checkNames, describe } from '../errors.ts';
import { type Skips, type TopLists, checkK, emptyLists, selectPanels } from './select.ts';
import { type Vectors, checkVectors, normalizeRows } from './vectors.ts';

/** Cells: what a side table says of one item, by column. */
export type Cells = Readonly<Record<string, string | number | readonly string[]>>;

export interface ExactIndexOptions {
  /** How a query is compared with an item: by their dot product (the default), or by their cosine, which is 0 where either vector is all zeros. */
  similarity?: 'dot' | 'cosine';
  /** What `where` asks about; it must hold every item. */
  metadata?: SideTable;
}

export interface SearchOptions {
  /** How many items a query. Default 10. */
  k?: number;
  /** Items that no list may hold. */
  exclude?: Iterable<RawId>;
  /** The only items that lists may hold. */
  only?: Iterable<RawId>;
  /** Whether lists may hold an item, by its cells in the metadata. */
  where?: (cells: Cells, id: RawId) => boolean;
  /** How many threads share the work, or 'all' that the machine has. Default 1; the lists are the same. */
  threads?: ThreadsOption;
}

export type RankOptions = Omit<SearchOptions, 'threads'>;

/** Neighbour: one item that was found. */
export interface Neighbour { id: RawId; score: number }

/** VectorModel: a model that may have learned item vectors. */
export interface VectorModel {
  readonly name: string;
  readonly items: LabelEncoder;
  readonly answers: { readonly vectors?: { readonly item: Vectors } };
}

/**
 * ExactIndex: the items whose vectors are nearest to a query, among all of them.
 *
 *   score(q, n) = <q, V[n]>    or, by cosine,    <q, V[n]> / (|q| |V[n]|)
 *
 * A query is compared with every item and the best are selected: nothing is missed, and no list depends on how the index was made. Equal scores go to the item
 * that came first. The vectors are copied into tightrec's memory, so that a query copies only itself; they go back when the index is garbage, or by `free`.
 * Shapes: vectors (n, K), ids (n).
 * Errors: 'bad-input' for vectors that are not finite, ids that are not such or come twice; 'bad-shape' where ids and vectors differ in number; 'bad-setting';
 * 'unknown-id' for an item that the metadata does not hold; 'out-of-memory'.
 */
export class ExactIndex {
  readonly similarity: 'dot' | 'cosine';
  readonly #K: number;
  #block: Block;
  #encoder: LabelEncoder;
  #cells: Cells[] | null;

  constructor(ids: ArrayLike<RawId>, vectors: Vectors, options: ExactIndexOptions = {}) {
    checkNames('ExactIndex', options, ['similarity', 'metadata']);
    const { similarity = 'dot', metadata } = options;
    if (similarity !== 'dot' && similarity !== 'cosine') throw new TightrecError('bad-setting', `ExactIndex: similarity must be 'dot' or 'cosine', got ${describe(similarity)}`);
    const [n, K] = checkItems('ExactIndex', ids, vectors);
    this.similarity = similarity;
    this.#K = K;
    this.#encoder = LabelEncoder.inOrder(Array.from(ids));
    this.#cells = metadata === undefined ? null : cellsOf('ExactIndex', ids, metadata);
    this.#block = allocate(n * K, this);
    this.#write(this.#block.floats(), vectors.data);
  }

  /**
   * of: an index of the item vectors of a fitted model, without the row for unknown items. A bias that the model adds to each item plays no part.
   * Errors: 'not-fitted'; 'unsupported' for a model without item vectors; as of the constructor.
   */
  static of(model: VectorModel, options: ExactIndexOptions = {}): ExactIndex {
    const { ids, vectors } = itemVectors('ExactIndex.of', model);
    return new ExactIndex(ids, vectors, options);
  }

  /** How many items. */
  get size(): number { return this.#encoder.size; }

  /** The id of each row. */
  get ids(): readonly RawId[] { return this.#encoder.labels as readonly RawId[]; }

  /**
   * search: the k nearest items of each query, as rows of `ids`; where fewer are left, the rest of a list is -1 with score -Infinity.
   * Shapes: queries (B, K) -> (B, k).
   * Errors: 'bad-shape' for vectors of another length; 'bad-input' for vectors that are not finite; 'bad-setting'; 'unknown-id' in `exclude` and `only`; 'stale' after `free`.
   */
  search(queries: Vectors, options: SearchOptions = {}): TopLists {
    const where = 'ExactIndex.search', K = this.#K, n = this.size, [B] = checkVectors(where, 'queries', queries, K);
    checkNames(where, options, ['k', 'exclude', 'only', 'where', 'threads']);
    const k = checkK(where, options.k ?? 10), { kept, skipped } = this.#filtered(where, options), rows = Int32Array.from({ length: B }, (_, b) => b);
    this.#block.floats(); // an index that was freed says so, whatever was asked
    const lists = onThreads(where, options.threads, () => selectPanels(where, rows, kept?.length ?? n, k, (some, from, to) => repeated(skipped, some.length, from, to), (out, some, from, to) => {
      const Q = scratch(some.length * K).floats(), V = this.#block.floats();
      Q.set(queries.data.subarray(some[0] * K, (some[0] + some.length) * K)); // a block's rows follow one another
      if (this.similarity === 'cosine') normalizeRows(Q, K);
      kernels.matmulTransposed(out, Q, kept === null ? V.subarray(from * K, to * K) : copied(V, kept.subarray(from, to), K), some.length, to - from, K);
    }));
    if (kept !== null) lists.items.forEach((item, at) => { if (item >= 0) lists.items[at] = kept[item]; });
    return lists;
  }

  /** searchFor: the items nearest to one vector, by raw ids, no more than there are. Shapes: vector (K). Errors: as of search. */
  searchFor(vector: ArrayLike<number>, options: SearchOptions = {}): Neighbour[] { return neighboursOf('ExactIndex.searchFor', this, this.#K, vector, options); }

  /**
   * rank: the k nearest of each query's own candidates, by the scores that search gives: the second stage after another one that found them, such as an approximate index.
   * Candidates are rows of `ids` in any order; one that comes twice counts once, and -1 is none. `where` is asked about them alone.
   * Shapes: queries (B, K), candidates (B, C) -> (B, k), padded as by search.
   * Errors: as of search; 'bad-shape' where there are not as many candidates for each query; 'unknown-id' for a row that is none.
   */
  rank(queries: Vectors, candidates: Int32Array, options: RankOptions = {}): TopLists {
    const where = 'ExactIndex.rank', K = this.#K, [B] = checkVectors(where, 'queries', queries, K);
    checkNames(where, options, ['k', 'exclude', 'only', 'where']);
    const k = checkK(where, options.k ?? 10), allows = this.#allows(this.#filter(where, options)), C = checkCandidates(where, candidates, B, this.size), V = this.#block.floats(), lists = emptyLists(where, B, k);
    lists.items.fill(-1);
    lists.scores.fill(-Infinity);
    for (let b = 0; b < B; b++) {
      const sorted = candidates.slice(b * C, (b + 1) * C).sort(), found = sorted.filter((row, at) => row >= 0 && row !== sorted[at - 1] && allows(row)), n = found.length, most = Math.min(k, n); // ascending: equal scores go to the first
      if (n > 0) scope(() => {
        const q = scratch(K).floats(), scores = scratch(n).floats(), items = scratch(most).ints(), best = scratch(most).floats(), start = scratch(2).ints();
        q.set(queries.data.subarray(b * K, (b + 1) * K));
        if (this.similarity === 'cosine') normalizeRows(q, K);
        kernels.matmulTransposed(scores, q, copied(V, found, K), 1, n, K);
        start.fill(0);
        kernels.topK(items, best, scores, scratch(0).ints(), start, 1, n, most);
        for (let at = 0; at < most && items[at] >= 0; at++) { lists.items[b * k + at] = found[items[at]]; lists.scores[b * k + at] = best[at]; }
      });
    }
    return lists;
  }

  /** add: more items, in rows after those there are; `metadata` where the index has some. Copies all vectors, so add many at once. Errors: as of the constructor; nothing is added then. */
  add(ids: ArrayLike<RawId>, vectors: Vectors, metadata?: SideTable): void {
    const where = 'ExactIndex.add', [n, K] = checkItems(where, ids, vectors, this.#K);
    if ((metadata !== undefined) !== (this.#cells !== null)) throw new TightrecError('bad-input', `${where}: the index was made ${this.#cells ? 'with' : 'without'} metadata; add items ${this.#cells ? 'with theirs' : 'without'}`);
    const encoder = LabelEncoder.inOrder([...this.ids, ...Array.from(ids)]), cells = this.#cells && [...this.#cells, ...cellsOf(where, ids, metadata!)];
    const old = this.#block, used = old.floats().length, block = allocate(used + n * K, this), all = block.floats();
    all.set(old.floats());
    this.#write(all.subarray(used), vectors.data);
    this.#become(encoder, cells, block);
  }

  /** remove: takes items out; those after them move up. Copies all that stay, so remove many at once. Errors: 'unknown-id'; nothing is removed then. */
  remove(ids: Iterable<RawId>): void {
    const gone = this.#rows('ExactIndex.remove', 'ids', ids), K = this.#K, kept = this.ids.map((_, row) => row).filter((row) => !gone.has(row)), old = this.#block;
    old.floats();
    const block = allocate(kept.length * K, this), all = block.floats(), V = old.floats();
    kept.forEach((row, at) => all.set(V.subarray(row * K, (row + 1) * K), at * K));
    this.#become(LabelEncoder.inOrder(kept.map((row) => this.ids[row])), this.#cells && kept.map((row) => this.#cells![row]), block);
  }

  /** free: gives the memory of the vectors back now; the index cannot be searched after that. */
  free(): void { free(this.#block); }

  #write(to: Float32Array, data: Float32Array): void {
    to.set(data);
    if (this.similarity === 'cosine') normalizeRows(to, this.#K);
  }

  #become(encoder: LabelEncoder, cells: Cells[] | null, block: Block): void {
    free(this.#block);
    this.#encoder = encoder;
    this.#cells = cells;
    this.#block = block;
  }

  #rows(where: string, what: string, ids: Iterable<RawId>): Set<number> {
    if (typeof ids === 'string' || typeof ids?.[Symbol.iterator] !== 'function') throw new TightrecError('bad-input', `${where}: ${what} must be a list or a set of ids, got ${describe(ids)}`);
    const rows = new Set<number>();
    for (const id of ids) {
      const row = this.#encoder.encode(id);
      if (row < 0) throw new TightrecError('unknown-id', `${where}: ${what} holds ${describeId(id)}, which is not among the ${this.size} items of the index${this.size > 0 ? `, such as ${describeId(this.ids[0])}` : ''}`);
      rows.add(row);
    }
    return rows;
  }

  /** What a filter says, with its ids as rows. */
  #filter(what: string, { exclude, only, where }: SearchOptions): Filter {
    const out = exclude === undefined ? null : this.#rows(what, 'exclude', exclude), within = only === undefined ? null : this.#rows(what, 'only', only);
    if (where !== undefined && typeof where !== 'function') throw new TightrecError('bad-setting', `${what}: where must be a function of an item's cells, such as ({ year }) => year > 1990, got ${describe(where)}`);
    if (where !== undefined && this.#cells === null) throw new TightrecError('bad-input', `${what}: where asks about metadata, and this index has none; make it with { metadata: sideTable(ids, columns) }`);
    return { out, within, where };
  }

  /** Whether lists may hold a row. */
  #allows({ out, within, where }: Filter): (row: number) => boolean {
    const cells = this.#cells;
    return (row) => !out?.has(row) && (within === null || within.has(row)) && (where === undefined || where(cells![row], this.ids[row]));
  }

  /** The only rows to compare a query with, where a filter leaves few, or else null and the rows that no list may hold. Both ascending. */
  #filtered(what: string, options: SearchOptions): { kept: Int32Array | null; skipped: Int32Array } {
    const filter = this.#filter(what, options), { out, within, where } = filter, none = new Int32Array(0);
    if (within === null && where === undefined) return { kept: null, skipped: out === null ? none : sorted(out) };
    const asked = within === null ? Int32Array.from({ length: this.size }, (_, row) => row) : sorted(within), kept = out === null && where === undefined ? asked : asked.filter(this.#allows({ ...filter, within: null }));
    return kept.length * FEW <= this.size ? { kept, skipped: none } : { kept: null, skipped: others(kept, this.size) };
  }
}

/** Filter: the rows that no list may hold, the only ones that lists may hold, and what else is asked of them. */
interface Filter { readonly out: ReadonlySet<number> | null; readonly within: ReadonlySet<number> | null; readonly where: SearchOptions['where'] }

/** One item in so many is few: their vectors are copied together; more are compared where they lie, among all. */
const FEW = 8;

/** These rows, ascending. */
function sorted(rows: ReadonlySet<number>): Int32Array {
  const all = new Int32Array(rows.size);
  let n = 0;
  rows.forEach((row) => { all[n++] = row; }); // Int32Array.from would go by an iterator, which takes longer
  return all.sort();
}

/** The rows from 0 to n - 1 that are not among these. Both ascending. */
function others(rows: Int32Array, n: number): Int32Array {
  const left = new Int32Array(n - rows.length);
  for (let row = 0, at = 0; row < n; row++) if (rows[row - at] !== row) left[at++] = row;
  return left;
}

/** The vectors in these rows, together. Shapes: V (n, K), rows (C) -> (C, K). Runs inside a scope. */
function copied(V: Float32Array, rows: Int32Array, K: number): Float32Array {
  const own = scratch(rows.length * K).floats();
  kernels.gatherRows(own, V, scratchCopy(rows), rows.length, K);
  return own;
}

/** What a list has of rows from .. to - 1, counted from `from`, for each of B queries. Runs inside a scope. */
function repeated(list: Int32Array, B: number, from: number, to: number): Skips {
  const first = countBelow(list, from), n = countBelow(list, to) - first, start = scratch(B + 1).ints(), skip = scratch(B * n).ints();
  for (let b = 0, at = 0; b < B; b++) for (let place = 0; place < n; place++) skip[at++] = list[first + place] - from;
  for (let b = 0; b <= B; b++) start[b] = b * n;
  return { skip, start };
}

/** How many of the rows, ascending, are below this one. */
function countBelow(rows: Int32Array, row: number): number {
  let low = 0, high = rows.length;
  while (low < high) { const middle = (low + high) >> 1; if (rows[middle] < row) low = middle + 1; else high = middle; }
  return low;
}

/** neighboursOf: what an index finds for one vector of K numbers, by raw ids. Errors: 'bad-input'; as of its search. */
export function neighboursOf(where: string, index: Pick<ExactIndex, 'ids' | 'search'>, K: number, vector: ArrayLike<number>, options: SearchOptions): Neighbour[] {
  if (typeof vector?.length !== 'number' || typeof vector === 'string') throw new TightrecError('bad-input', `${where}: expected a vector of ${K} numbers, got ${describe(vector)}`);
  const { items, scores } = index.search({ data: Float32Array.from(vector), shape: [1, vector.length] }, options), { ids } = index, found: Neighbour[] = [];
  for (let at = 0; at < items.length && items[at] >= 0; at++) found.push({ id: ids[items[at]], score: scores[at] });
  return found;
}

/** itemVectors: the item vectors of a fitted model and their ids, without the row for unknown items. Errors: 'not-fitted'; 'unsupported' for a model without. */
export function itemVectors(where: string, model: VectorModel): { ids: RawId[]; vectors: Vectors } {
  const vectors = model.answers.vectors?.item;
  if (vectors === undefined) throw new TightrecError('unsupported', `${where}: ${model.name} learns no item vectors; use BPR or AlternatingLeastSquares`);
  const ids = model.items.known(), K = vectors.shape[1];
  return { ids, vectors: { data: vectors.data.subarray(vectors.data.length - ids.length * K), shape: [ids.length, K] } };
}

/** How many candidates a query has. Errors: 'bad-input', 'bad-shape', 'unknown-id'. */
function checkCandidates(where: string, candidates: Int32Array, B: number, n: number): number {
  if (!(candidates instanceof Int32Array)) throw new TightrecError('bad-input', `${where}: candidates must be an Int32Array of rows, got ${describe(candidates)}`);
  const C = B === 0 ? 0 : candidates.length / B;
  if (!Number.isInteger(C) || C * B !== candidates.length) throw new TightrecError('bad-shape', `${where}: expected as many candidates for each of ${B} queries, got ${candidates.length} in all`);
  for (let at = 0; at < candidates.length; at++) if (candidates[at] < -1 || candidates[at] >= n) throw new TightrecError('unknown-id', `${where}: candidates must be rows from 0 to ${n - 1}, or -1 for none, got ${candidates[at]} at position ${at}`);
  return C;
}

function checkItems(where: string, ids: ArrayLike<RawId>, vectors: Vectors, K?: number): [n: number, K: number] {
  const size = checkVectors(where, 'vectors', vectors, K);
  if (typeof ids?.length !== 'number' || typeof ids === 'string') throw new TightrecError('bad-input', `${where}: ids must be an array of ids, got ${describe(ids)}`);
  if (ids.length !== size[0]) throw new TightrecError('bad-shape', `${where}: expected an id for each of ${size[0]} vectors, got ${ids.length} ids`);
  return size;
}

/** cellsOf: what a side table says of each item. Errors: 'bad-input', 'unknown-id'. */
export function cellsOf(where: string, ids: ArrayLike<RawId>, metadata: SideTable): Cells[] {
  checkSideTable(`${where}: metadata`, metadata);
  const { position, columns, source } = metadata, names = Object.keys(columns);
  return Array.from(ids, (id) => {
    const at = position.get(id);
    if (at === undefined) throw new TightrecError('unknown-id', `${where}: item ${describeId(id)} is not in ${source}; metadata must hold every item`);
    return Object.fromEntries(names.map((name) => [name, columns[name][at]]));
  });
}
