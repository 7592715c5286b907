import { alsCholesky, choleskySolve } from './als/loop.ts';
import { gatherAdd, gatherRows } from './gather/loop.ts';
import { distinctIds, firstOutside } from './ids/loop.ts';
import { lstmCell } from './lstm/loop.ts';
import { matmul, matmulGradA, matmulGradB, matmulTransposed, product } from './matmul/loop.ts';
import { rowDot } from './rowDot/loop.ts';
import { topK } from './topK/loop.ts';
import { addScaled, clear, sumSquares } from './vector/loop.ts';
import { answeringModule } from './moduleAnswering.ts';
import { cutAnswering } from './spread.ts';
import { type KernelSet, addKernels } from './tables.ts';

/**
 * The kernels that the fitted models of 'tightrec' answer with; answering.simd.ts has the same list. What that entry imports calls these alone, and so leaves the greater
 * part of the arithmetic, which is for learning, to be loaded with what learns. (Two of them only learning calls: matmulGradA is cut as product is, and sumSquares is what the
 * training loop takes of its own.)
 */
const loops: {
  addScaled: typeof addScaled; alsCholesky: typeof alsCholesky; choleskySolve: typeof choleskySolve; clear: typeof clear; distinctIds: typeof distinctIds;
  firstOutside: typeof firstOutside; gatherAdd: typeof gatherAdd; gatherRows: typeof gatherRows; lstmCell: typeof lstmCell; matmul: typeof matmul;
  matmulGradA: typeof matmulGradA; matmulGradB: typeof matmulGradB; matmulTransposed: typeof matmulTransposed; product: typeof product; rowDot: typeof rowDot;
  sumSquares: typeof sumSquares; topK: typeof topK;
} = {
  addScaled, alsCholesky, choleskySolve, clear, distinctIds, firstOutside, gatherAdd, gatherRows, lstmCell, matmul, matmulGradA, matmulGradB, matmulTransposed,
  product, rowDot, sumSquares, topK,
};

/** AnsweringKernels: the part of the table that is always loaded. */
export type AnsweringKernels = typeof loops;

export const answeringSet: KernelSet = { loops, module: answeringModule, cut: cutAnswering };

export { backend, useKernels } from './tables.ts';
export type { Backend, Variant } from './tables.ts';

/** The table in use. A live binding: call through it, do not keep the functions. */
export let kernels: AnsweringKernels = addKernels([answeringSet], (table) => { kernels = table; });
