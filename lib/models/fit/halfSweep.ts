import { type Block, allocate, free, scratch } from '../../../kernels/memory.ts';
import type { Part } from '../../../kernels/spread.ts';
import { runParts } from '../../../kernels/threads.ts';
import type { Tensor } from '../../autodiff/tensor.ts';
import type { Csr } from '../../data/csr.ts';
import { PARTS, gram, workLength } from '../contributions.ts';
import { checkRoom } from '../room.ts';

/** Solver: how the rows of a half sweep are found. */
interface Solver { readonly l2: number; readonly solver: 'cg' | 'cholesky'; readonly cgSteps: number }

/** HalfSweep: one table's rows, each the least-squares solution while the other table stands still; in steps, for who wants a turn in between. */
export interface HalfSweep {
  readonly steps: number;
  /** Solves the rows of one step. The steps go in order, each inside a scope. Returns their part of the objective and of the confidences. */
  step(step: number): { L: number; c: number };
  free(): void;
}

/** About how many multiplications a range has: a millisecond or two. */
const RANGE = 2 ** 24;

/**
 * halfSweep: U, row by row the best for V and for `met`, users x items, which holds the confidences of what was met. The other way round for items.
 * Runs kernels in parts that have nothing to do with each other: the result is the same for any number of threads. The parts name kernels of kernels/index.ts, which whoever
 * calls this imports.
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

/**
 * checkMemory: refuses a fit that the memory could not hold, before anything is done: `tables` new numbers, the pairs met in both directions, and what the
 * kernels need beside them.
 * Errors: 'out-of-memory', saying how much is needed.
 */
export function checkMemory(where: string, { rows, columns, indices }: Csr, K: number, tables: number): void {
  const numbers = tables + 4 * indices.length + rows + columns + 2 * K * K + PARTS * (workLength(K) + K * K);
  checkRoom(where, `${rows} x ${columns} with ${indices.length} pairs, and ${K} factors,`, numbers);
}
