import { type Block, allocate, free, scratch } from '../../kernels/memory.ts';
import type { Csr } from '../data/csr.ts';

// Sparse matrices on their way to the kernels.

/** Amounts: what stands in the matrix for how much a user had of an item: that, 1 if any, or ln(1 + it). */
export type Amounts = 'counts' | 'binary' | 'log';

const amountOf: Record<Amounts, (value: number) => number> = { counts: (value) => value, binary: (value) => value > 0 ? 1 : 0, log: (value) => value > 0 ? Math.log1p(value) : 0 };

/** amountsOf: the matrix with its values as `amounts` takes them. */
export const amountsOf = (matrix: Csr, amounts: Amounts): Csr => amounts === 'counts' ? matrix : { ...matrix, values: matrix.values.map(amountOf[amounts]) };

/** rowsOf: some rows of a matrix, one after another, where the kernels read them in place. Runs inside a scope. */
export function rowsOf({ indptr, indices, values }: Csr, rows: Int32Array): { start: Int32Array; indices: Int32Array; values: Float32Array } {
  const start = scratch(rows.length + 1).ints();
  start[0] = 0;
  for (let b = 0; b < rows.length; b++) start[b + 1] = start[b] + indptr[rows[b] + 1] - indptr[rows[b]];
  const some = { start, indices: scratch(start[rows.length]).ints(), values: scratch(start[rows.length]).floats() };
  for (let b = 0; b < rows.length; b++) {
    some.indices.set(indices.subarray(indptr[rows[b]], indptr[rows[b] + 1]), start[b]);
    some.values.set(values.subarray(indptr[rows[b]], indptr[rows[b] + 1]), start[b]);
  }
  return some;
}

/** sumOver: the parts of score(u, j) = Σ_i X[u, i] weight(i, j), as answers.contributions has them. */
export const sumOver = ({ indptr, indices, values }: Csr, weight: (i: number, j: number) => number) => (user: number, item: number): { items: Int32Array; values: Float64Array } => {
  const items = indices.subarray(indptr[user], indptr[user + 1]);
  return { items, values: Float64Array.from(items, (own, at) => values[indptr[user] + at] * weight(own, item)) };
};

/** KeptCsr: a matrix that lies where the kernels read it in place, until nobody holds it or it is freed. */
export class KeptCsr {
  readonly rows: number;
  readonly columns: number;
  readonly #start: Block;
  readonly #indices: Block;
  readonly #values: Block;

  constructor({ rows, columns, indptr, indices, values }: Csr) {
    this.rows = rows;
    this.columns = columns;
    this.#start = allocate(indptr.length, this);
    this.#indices = allocate(indices.length, this);
    this.#values = allocate(values.length, this);
    this.start.set(indptr);
    this.indices.set(indices);
    this.values.set(values);
  }

  get start(): Int32Array { return this.#start.ints(); }
  get indices(): Int32Array { return this.#indices.ints(); }
  get values(): Float32Array { return this.#values.floats(); }

  free(): void { for (const block of [this.#start, this.#indices, this.#values]) free(block); }
}
