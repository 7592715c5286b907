import { kernels } from '../../kernels/answering.ts';
import { scope, scratch } from '../../kernels/memory.ts';
import type { Part } from '../../kernels/spread.ts';
import { runParts } from '../../kernels/threads.ts';
import type { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { describeId } from '../data/interactions.ts';
import type { RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import type { Catalogue } from './catalogue.ts';

/** PARTS: ranges of rows in a step: so many threads can have work at once. Not their number: how rows are cut must not depend on it, nor then does any sum. */
export const PARTS = 8;

/** Rows whose outer products make a part of a Gram matrix, at least. */
const GRAM_ROWS = 1024;

/** workLength: the numbers that the kernels als take beside their tables. */
export const workLength = (K: number): number => K * (K + 320);

/**
 * contributions: what each item that a user met adds to the user's score for one item, when the user's row is solved exactly.
 *
 *   x = A⁻¹ b = Σ_j c[j] A⁻¹ V[j], so <x, V[item]> = Σ_j c[j] <V[item], A⁻¹ V[j]>
 *
 * `met` is the user's row alone, of at least one entry. Returns c[j] <V[item], A⁻¹ V[j]> for each of them.
 *
 * Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", 2008, section 5.
 */
export function contributions(V: Tensor, met: Csr, item: number, l2: number): Float64Array {
  return scope(() => {
    const K = V.shape[1], n = met.indices.length, G = scratch(K * K).floats(), x = scratch(K).floats(), work = scratch(workLength(K)).floats();
    const indptr = scratch(2).ints(), indices = scratch(n).ints(), w = scratch(n).floats(), z = scratch(K).floats(), scores = scratch(n).floats(), first = scratch(n).ints();
    gram(G, V, l2);
    indptr.set(met.indptr);
    indices.set(met.indices);
    w.set(met.values.map((c) => c - 1));
    kernels.alsCholesky(x, work, V.data, G, indptr, indices, w, 0, 1, K); // which leaves A's decomposition in work
    z.set(V.data.subarray(item * K, item * K + K));
    kernels.choleskySolve(z, work, K);
    first.fill(0);
    kernels.rowDot(scores, z, V.data, first, indices, n, K);
    return Float64Array.from(scores, (s, at) => met.values[at] * s);
  });
}

/**
 * confidencesOf: c = base + alpha r for every pair that was met, r > 0 times in all; pairs whose values add up to zero are left out. `pairOf` names the pair of
 * a row and a column for the error.
 * Errors: 'bad-input' for a value that is negative, or gives no finite confidence, naming user and item.
 */
export function confidencesOf(where: string, met: Csr, { alpha, base }: { alpha: number; base: number }, pairOf: (row: number, column: number) => string): Csr {
  const { rows, columns, indptr } = met, indices = new Int32Array(met.indices.length), values = new Float32Array(met.values.length), starts = new Int32Array(rows + 1);
  let nnz = 0;
  for (let row = 0; row < rows; row++) {
    for (let at = indptr[row]; at < indptr[row + 1]; at++) {
      const r = met.values[at], c = Math.fround(base + alpha * r);
      if (!(r >= 0 && c < Infinity)) throw new TightrecError('bad-input', `${where}: the confidence of ${pairOf(row, met.indices[at])} is ${base} + ${alpha} · ${r}; values must add up to a finite number from 0 up for each pair: leave returns out, or cancel them against purchases`);
      if (r === 0) continue;
      indices[nnz] = met.indices[at];
      values[nnz] = c;
      nnz++;
    }
    starts[row + 1] = nnz;
  }
  return { rows, columns, indptr: starts, indices: indices.subarray(0, nnz), values: values.subarray(0, nnz) };
}

/** gram: G = VᵀV + l2 I. Shapes: V (n, K), G (K, K). Overwrites G. Runs inside a scope. */
export function gram(G: Float32Array, V: Tensor, l2: number): void {
  const [n, K] = V.shape, pieces = Math.min(PARTS, Math.ceil(n / GRAM_ROWS)), rows = Math.ceil(n / pieces), sums: Float32Array[] = [], parts: Part[] = [];
  for (let from = 0; from < n; from += rows) {
    const sum = scratch(K * K).floats(), some = V.data.subarray(from * K, Math.min(n, from + rows) * K);
    kernels.clear(sum, K * K);
    sums.push(sum);
    parts.push(['matmulGradB', sum, some, some, some.length / K, K, K]);
  }
  runParts(parts);
  kernels.clear(G, K * K);
  for (const sum of sums) kernels.addScaled(G, sum, K * K, 1);
  for (let k = 0; k < K; k++) G[k * K + k] += l2;
}

/** pairOf: a user and an item as an error shows them. */
export function pairOf({ users, items }: Catalogue, u: number, i: number): string {
  const name = (kind: string, id: RawId | null): string => (id === null ? `a ${kind} without an id` : `${kind} ${describeId(id)}`);
  return `${name('user', users.labels[u])} in ${name('item', items.labels[i])}`;
}
