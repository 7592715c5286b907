import { TightrecError } from '../errors.ts';

/** Csr: a sparse matrix by rows. Row r holds the columns `indices[at]`, ascending, for indptr[r] <= at < indptr[r + 1], with `values[at]` beside them. */
export interface Csr {
  readonly rows: number;
  readonly columns: number;
  readonly indptr: Int32Array; // (rows + 1)
  readonly indices: Int32Array; // (nnz)
  readonly values: Float32Array; // (nnz)
}

/** Groups: consecutive rows that belong together (an invoice). Group g holds `items[at]` for indptr[g] <= at < indptr[g + 1], repeats included. */
export interface Groups {
  readonly indptr: Int32Array; // (groups + 1)
  readonly items: Int32Array;
}

/**
 * countPairs: the CSR matrix of how often (row, column) occurs, or of the sums of `values`. Shapes: row, column, values (n).
 * Counting sort by row, then by column inside a row: O(n + rows + columns), no hashing, the same result for any order of the input.
 */
export function countPairs(row: Int32Array, column: Int32Array, rows: number, columns: number, values?: ArrayLike<number>): Csr {
  const n = row.length;
  if (column.length !== n) throw new TightrecError('bad-shape', `countPairs: row and column must be equally long, got ${n} and ${column.length}`);
  if (values && values.length !== n) throw new TightrecError('bad-shape', `countPairs: values must be as long as row and column, ${n}, got ${values.length}`);

  // sort the entries by column first, then (stable) by row, so that each row's columns come out ascending
  const byColumn = stableOrder(column, columns), order = stableOrder(row, rows, byColumn);

  const indptr = new Int32Array(rows + 1), indices = new Int32Array(n), sums = new Float64Array(n);
  let nnz = 0, previousRow = -1;
  for (let at = 0; at < n; at++) {
    const e = order[at], r = row[e], c = column[e], value = values ? values[e] : 1;
    if (r === previousRow && indices[nnz - 1] === c) sums[nnz - 1] += value;
    else { indices[nnz] = c; sums[nnz] = value; nnz++; indptr[r + 1]++; }
    previousRow = r;
  }
  for (let r = 0; r < rows; r++) indptr[r + 1] += indptr[r];
  return { rows, columns, indptr, indices: indices.slice(0, nnz), values: Float32Array.from(sums.subarray(0, nnz)) };
}

/**
 * stableOrder: the positions of `keys` in ascending order of key, equal keys in the order of `visit` (or of position): a counting sort.
 * Shapes: keys, visit (n) -> (n); keys are 0 .. max - 1.
 */
function stableOrder(keys: Int32Array, max: number, visit: Int32Array | null = null): Int32Array {
  const start = new Int32Array(max + 1), order = new Int32Array(keys.length);
  const bad = countKeys(start, keys, max);
  if (bad >= 0) throw new TightrecError('unknown-id', `id ${keys[bad]} at position ${bad} is outside 0..${max - 1}`);
  if (visit === null) placeAll(order, start, keys);
  else placeVisited(order, start, keys, visit);
  return order;
}

// the loops of stableOrder, each by itself so that they stay compiled

/** start[key] = where the entries with that key begin; returns the position of the first key that is out of range, or -1. */
function countKeys(start: Int32Array, keys: Int32Array, max: number): number {
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at];
    if (!(key >= 0 && key < max)) return at;
    start[key + 1]++;
  }
  for (let key = 0; key < max; key++) start[key + 1] += start[key];
  return -1;
}

function placeAll(order: Int32Array, start: Int32Array, keys: Int32Array): void {
  for (let at = 0; at < keys.length; at++) order[start[keys[at]]++] = at;
}

function placeVisited(order: Int32Array, start: Int32Array, keys: Int32Array, visit: Int32Array): void {
  for (let at = 0; at < visit.length; at++) order[start[keys[visit[at]]]++] = visit[at];
}

/** csrEntry: the value at (row, column), 0 where the matrix holds nothing; by binary search in the row. */
export function csrEntry(matrix: Csr, row: number, column: number): number {
  const at = findEntry(matrix, row, column);
  return at < 0 ? 0 : matrix.values[at];
}

/** findEntry: where (row, column) stands in `indices`, or -1; by binary search in the row. */
export function findEntry(matrix: Csr, row: number, column: number): number {
  let low = matrix.indptr[row], high = matrix.indptr[row + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (matrix.indices[middle] === column) return middle;
    if (matrix.indices[middle] < column) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/** selectRowsCsr: these rows, in this order, as a matrix of their own. */
export function selectRowsCsr({ columns, indptr, indices, values }: Csr, rows: Int32Array): Csr {
  const starts = new Int32Array(rows.length + 1);
  for (let r = 0; r < rows.length; r++) starts[r + 1] = starts[r] + indptr[rows[r] + 1] - indptr[rows[r]];
  const some = { rows: rows.length, columns, indptr: starts, indices: new Int32Array(starts[rows.length]), values: new Float32Array(starts[rows.length]) };
  for (let r = 0; r < rows.length; r++) {
    some.indices.set(indices.subarray(indptr[rows[r]], indptr[rows[r] + 1]), starts[r]);
    some.values.set(values.subarray(indptr[rows[r]], indptr[rows[r] + 1]), starts[r]);
  }
  return some;
}
