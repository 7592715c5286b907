import { kernels } from '../../kernels/index.ts';
import { type Block, allocate, free, scope, scratch } from '../../kernels/memory.ts';
import type { Part } from '../../kernels/spread.ts';
import { runParts } from '../../kernels/threads.ts';
import type { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { TightrecError } from '../errors.ts';
import { checkRoom } from './room.ts';

/** Solver: how the rows of a half sweep are found. */
export interface Solver { readonly l2: number; readonly solver: 'cg' | 'cholesky'; readonly cgSteps: number }

/** HalfSweep: one table's rows, each the least-squares solution while the other table stands still; in steps, for who wants a turn in between. */
export interface HalfSweep {
  readonly steps: number;
  /** Solves the rows of one step. The steps go in order, each inside a scope. Returns their part of the objective and of the confidences. */
  step(step: number): { L: number; c: number };
  free(): void;
}

/** Ranges of rows in a step: so many threads can have work at once. Not their number: how rows are cut must not depend on it, nor then does any sum. */
const PARTS = 8;

/** About how many multiplications a range has: a millisecond or two. */
const RANGE = 2 ** 24;

/** Rows whose outer products make a part of a Gram matrix, at least. */
const GRAM_ROWS = 1024;

const workLength = (K: number): number => K * (K + 320);

/**
 * halfSweep: U, row by row the best for V and for `met`, users x items, which holds the confidences of what was met. The other way round for items.
 * Runs kernels in parts that have nothing to do with each other: the result is the same for any number of threads.
 */
export function halfSweep(U: Tensor, V: Tensor, met: Csr, { l2, solver, cgSteps }: Solver): HalfSweep {
  const K = V.shape[1], { cuts, steps } = cutRows(met, K, solver, cgSteps), confidences = new Float64Array(steps), blocks: Block[] = [];
  const take = (length: number): Block => { const block = allocate(length, blocks); blocks.push(block); return block; }; // so that what was taken goes back when there is no more
  const G = take(K * K), indptr = take(met.rows + 1), indices = take(met.indices.length), w = take(met.indices.length);
  indptr.ints().set(met.indptr);
  indices.ints().set(met.indices);
  w.floats().set(met.values.map((c) => c - 1));
  for (let step = 0; step < steps; step++) for (let at = met.indptr[cuts[step * PARTS]]; at < met.indptr[cuts[(step + 1) * PARTS]]; at++) confidences[step] += met.values[at];
  return {
    steps,
    step(step) {
      if (step === 0) gram(G.floats(), V, l2);
      const parts: Part[] = [];
      for (let part = step * PARTS; part < (step + 1) * PARTS; part++) {
        if (cuts[part] === cuts[part + 1]) continue;
        const args = [U.data, scratch(workLength(K)).floats(), V.data, G.floats(), indptr.ints(), indices.ints(), w.floats(), cuts[part], cuts[part + 1], K] as const;
        parts.push(solver === 'cg' ? ['alsCG', ...args, cgSteps] : ['alsCholesky', ...args]);
      }
      return { L: runParts(parts).reduce((sum, L) => sum + L, 0), c: confidences[step] };
    },
    free: () => blocks.forEach(free),
  };
}

/** Where the ranges of rows begin and end, each of about as many multiplications, PARTS of them to a step. */
function cutRows({ rows, indptr }: Csr, K: number, solver: Solver['solver'], cgSteps: number): { cuts: Int32Array; steps: number } {
  const costOf = (entries: number): number => (solver === 'cg' ? (cgSteps + 1) * K * (K + 2 * entries) : K * K * (K / 6 + entries + 2));
  let total = 0;
  for (let row = 0; row < rows; row++) total += costOf(indptr[row + 1] - indptr[row]);
  const steps = Math.max(1, Math.ceil(total / (RANGE * PARTS))), cuts = new Int32Array(steps * PARTS + 1).fill(rows);
  cuts[0] = 0;
  for (let row = 0, cost = 0, cut = 1; row < rows; row++) {
    cost += costOf(indptr[row + 1] - indptr[row]);
    while (cut < steps * PARTS && cost * steps * PARTS >= cut * total) cuts[cut++] = row + 1;
  }
  return { cuts, steps };
}

/** gram: G = VᵀV + l2 I. Shapes: V (n, K), G (K, K). Overwrites G. Runs inside a scope. */
function gram(G: Float32Array, V: Tensor, l2: number): void {
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

/**
 * checkMemory: refuses a fit that the memory could not hold, before anything is done: `tables` new numbers, the pairs met in both directions, and what the
 * kernels need beside them.
 * Errors: 'out-of-memory', saying how much is needed.
 */
export function checkMemory(where: string, { rows, columns, indices }: Csr, K: number, tables: number): void {
  const numbers = tables + 4 * indices.length + rows + columns + 2 * K * K + PARTS * (workLength(K) + K * K);
  checkRoom(where, `${rows} x ${columns} with ${indices.length} pairs, and ${K} factors,`, numbers);
}
