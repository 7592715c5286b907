import { TightrecError } from '../errors.ts';
import type { Csr } from './csr.ts';

/** rowsMet: 1 for each row that holds an entry, else 0. */
export function rowsMet({ rows, indptr }: Csr): Uint8Array { return Uint8Array.from({ length: rows }, (_, row) => (indptr[row + 1] > indptr[row] ? 1 : 0)); }

/** columnsMet: 1 for each column that holds an entry, else 0. */
export function columnsMet({ columns, indices }: Csr): Uint8Array {
  const met = new Uint8Array(columns);
  for (let at = 0; at < indices.length; at++) met[indices[at]] = 1;
  return met;
}

/** transposeCsr: the same entries by columns: columns x rows. */
export function transposeCsr({ rows, columns, indptr, indices, values }: Csr): Csr {
  const start = new Int32Array(columns + 1), to = new Int32Array(indices.length), moved = new Float32Array(indices.length);
  for (let at = 0; at < indices.length; at++) start[indices[at] + 1]++;
  for (let c = 0; c < columns; c++) start[c + 1] += start[c];
  const next = start.slice();
  for (let r = 0; r < rows; r++) {
    for (let at = indptr[r]; at < indptr[r + 1]; at++) {
      const place = next[indices[at]]++;
      to[place] = r;
      moved[place] = values[at];
    }
  }
  return { rows: columns, columns: rows, indptr: start, indices: to, values: moved };
}

/** emptyCsr: a matrix without entries. */
export const emptyCsr = (rows: number, columns: number): Csr => ({ rows, columns, indptr: new Int32Array(rows + 1), indices: new Int32Array(0), values: new Float32Array(0) });

/** growCsr: the same entries in a matrix of more rows and columns. */
export function growCsr(matrix: Csr, rows: number, columns: number): Csr {
  const indptr = new Int32Array(rows + 1).fill(matrix.indices.length);
  indptr.set(matrix.indptr);
  return { ...matrix, rows, columns, indptr };
}

/** stackCsr: the rows of b below those of a, which has as many columns. */
export function stackCsr(a: Csr, b: Csr): Csr {
  if (a.columns !== b.columns) throw new TightrecError('bad-shape', `stackCsr: the matrices must have equally many columns, got ${a.columns} and ${b.columns}`);
  const n = a.indices.length, indptr = new Int32Array(a.rows + b.rows + 1), indices = new Int32Array(n + b.indices.length), values = new Float32Array(n + b.indices.length);
  indptr.set(a.indptr);
  for (let r = 0; r < b.rows; r++) indptr[a.rows + r + 1] = n + b.indptr[r + 1];
  indices.set(a.indices);
  indices.set(b.indices, n);
  values.set(a.values);
  values.set(b.values, n);
  return { rows: a.rows + b.rows, columns: a.columns, indptr, indices, values };
}

/** addCsr: the sum of two matrices of one shape. */
export function addCsr(a: Csr, b: Csr): Csr {
  const most = a.indices.length + b.indices.length, indptr = new Int32Array(a.rows + 1), indices = new Int32Array(most), values = new Float32Array(most);
  let nnz = 0;
  for (let r = 0; r < a.rows; r++) {
    const aEnd = a.indptr[r + 1], bEnd = b.indptr[r + 1];
    for (let x = a.indptr[r], y = b.indptr[r]; x < aEnd || y < bEnd; nnz++) {
      const column = Math.min(x < aEnd ? a.indices[x] : Infinity, y < bEnd ? b.indices[y] : Infinity);
      let sum = 0;
      if (x < aEnd && a.indices[x] === column) sum += a.values[x++];
      if (y < bEnd && b.indices[y] === column) sum += b.values[y++];
      indices[nnz] = column;
      values[nnz] = sum;
    }
    indptr[r + 1] = nnz;
  }
  return { rows: a.rows, columns: a.columns, indptr, indices: indices.slice(0, nnz), values: values.slice(0, nnz) };
}
