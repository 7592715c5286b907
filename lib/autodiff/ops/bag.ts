import { kernels } from '../../../kernels/index.ts';
import { scratchFloats, scratchInts } from '../../../kernels/memory.ts';
import { TightrecError } from '../../errors.ts';
import { checkIds, distinct } from '../distinct.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { lookup } from './embedding.ts';
import { matrix } from './shapes.ts';

/** Bag: weighted ids, a row of them for each of B: bag b holds indices[p] with weight values[p], for indptr[b] <= p < indptr[b + 1]. A CSR matrix is one. */
export interface Bag {
  readonly indptr: Int32Array; // (B + 1)
  readonly indices: Int32Array; // (nnz)
  readonly values: Float32Array; // (nnz)
}

/** bagsOf: the bags of these rows, in the memory of the running step. Errors: 'unknown-id' for a row that is not there. */
export function bagsOf({ indptr, indices, values }: Bag, rows: Int32Array): Bag {
  checkIds('bagsOf', rows, indptr.length - 1);
  const start = scratchInts(rows.length + 1);
  start[0] = 0;
  for (let b = 0; b < rows.length; b++) start[b + 1] = start[b] + indptr[rows[b] + 1] - indptr[rows[b]];
  const some = { indptr: start, indices: scratchInts(start[rows.length]), values: scratchFloats(start[rows.length]) };
  for (let b = 0; b < rows.length; b++) {
    for (let from = indptr[rows[b]], to = start[b]; to < start[b + 1]; from++, to++) { // bags are small: set() and subarray() cost more
      some.indices[to] = indices[from];
      some.values[to] = values[from];
    }
  }
  return some;
}

/**
 * bagSum: for each bag the weighted sum of its rows of X.
 *
 *   forward    out[b] = Σ_p values[p] X[indices[p]]         X (n, K), B bags -> out (B, K); an empty bag gives zeros
 *   backward   dX[indices[p]] += values[p] dOut[b]
 *
 * Weights of 1 / n make it a mean.
 */
export function bagSum(tape: Tape | null, X: Tensor, bag: Bag): Tensor {
  const [n, K] = matrix('bagSum', X), B = checkBag('bagSum', bag, n), out = new Tensor([B, K]), { indptr, indices, values } = bag;
  kernels.sparseDenseProduct(out.data, indptr, indices, values, X.data, B, K);
  tape?.record(() => kernels.sparseDenseProductGrad(X.grad, indptr, indices, values, out.grad, B, K));
  return out;
}

/**
 * embeddingBag: the same of a table, whose gradient stays touched rows, however many rows it has: what torch calls EmbeddingBag.
 *
 *   forward    out[b] = Σ_p values[p] table[indices[p]]     table (n, K), B bags -> out (B, K)
 *   backward   dTable[indices[p]] += values[p] dOut[b]
 *
 * Several tables that the same bags index share the telling apart: `distinct`, `lookup` in each, and `bagSum` with its slots.
 */
export function embeddingBag(tape: Tape | null, table: Tensor, bag: Bag): Tensor {
  const [n] = matrix('embeddingBag', table), batch = distinct(bag.indices, n);
  return bagSum(tape, lookup(tape, table, batch), { ...bag, indices: batch.slots });
}

/**
 * fmRows: one side of a factorisation machine: for each bag the sum of its vectors, and what it scores by itself.
 *
 *   forward    P[b] = Σ_p f[p] V[j[p]]     c[b] = Σ_p f[p] w[j[p]] + 1/2 (|P[b]|² - Σ_p f[p]² |V[j[p]]|²)          V (n, K), w (n, 1), B bags (j, f) -> P (B, K), c (B, 1)
 *   backward   dV[j] += f (dP[b] + dc[b] (P[b] - f V[j]))     dw[j] += f dc[b]
 *
 * Rendle, "Factorization Machines", 2010.
 */
export function fmRows(tape: Tape | null, V: Tensor, w: Tensor, bag: Bag): { P: Tensor; c: Tensor } {
  const [n, K] = matrix('fmRows', V), B = checkBag('fmRows', bag, n), { indptr, indices, values } = bag;
  if (w.size !== n) throw new TightrecError('bad-shape', `fmRows: expected a weight for each of ${n} features, got shape [${w.shape}]`);
  const P = new Tensor([B, K]), c = new Tensor([B, 1]);
  kernels.fmRows(P.data, c.data, V.data, w.data, indptr, indices, values, B, K);
  tape?.record(() => kernels.fmRowsGrad(V.grad, w.grad, P.grad, c.grad, P.data, V.data, indptr, indices, values, B, K));
  return { P, c };
}

/** How many bags there are, once they are whole. A kernel would believe them. */
function checkBag(op: string, { indptr, indices, values }: Bag, n: number): number {
  const B = indptr.length - 1;
  if (B < 0 || indices.length !== values.length) throw new TightrecError('bad-shape', `${op}: expected an id for each weight, and where each bag begins and the last one ends, got ${indices.length} ids, ${values.length} weights and ${indptr.length} places`);
  for (let b = 0; b < B; b++) if (!(indptr[b] >= 0 && indptr[b] <= indptr[b + 1])) throw new TightrecError('bad-shape', `${op}: bag ${b} is from ${indptr[b]} to ${indptr[b + 1]}: it ends before it begins`);
  if (indptr[B] > indices.length) throw new TightrecError('bad-shape', `${op}: the bags end at ${indptr[B]}, and there are ${indices.length} ids`);
  checkIds(op, indices, n);
  return B;
}
