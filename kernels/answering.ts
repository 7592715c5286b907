import { alsCG, alsCholesky, choleskySolve } from './als/loop.ts';
import { gatherAdd, gatherRows, gatherRowsGrad } from './gather/loop.ts';
import { countIds, distinctIds, firstOutside, gatherIds, orderIds } from './ids/loop.ts';
import { lstmCell, lstmCellGrad } from './lstm/loop.ts';
import { matmul, matmulGradA, matmulGradB, matmulTransposed, product } from './matmul/loop.ts';
import { rowDot, rowDotGrad } from './rowDot/loop.ts';
import { topK } from './topK/loop.ts';
import { addScaled, clear, scale, settle, sumSquares } from './vector/loop.ts';
import { answeringModule } from './moduleAnswering.ts';
import { cutAnswering } from './spread.ts';
import { type KernelSet, addKernels } from './tables.ts';

/**
 * The kernels that a fitted model answers with, whole folders of them. What is imported before a program starts, and only has to answer, calls these alone, and so
 * leaves the greater part of the arithmetic, which is for learning, to be loaded with what learns.
 */
const loops: {
  addScaled: typeof addScaled; alsCG: typeof alsCG; alsCholesky: typeof alsCholesky; choleskySolve: typeof choleskySolve; clear: typeof clear;
  countIds: typeof countIds; distinctIds: typeof distinctIds; firstOutside: typeof firstOutside; gatherAdd: typeof gatherAdd; gatherIds: typeof gatherIds;
  gatherRows: typeof gatherRows; gatherRowsGrad: typeof gatherRowsGrad; lstmCell: typeof lstmCell; lstmCellGrad: typeof lstmCellGrad; matmul: typeof matmul;
  matmulGradA: typeof matmulGradA; matmulGradB: typeof matmulGradB; matmulTransposed: typeof matmulTransposed; orderIds: typeof orderIds;
  product: typeof product; rowDot: typeof rowDot; rowDotGrad: typeof rowDotGrad; scale: typeof scale; settle: typeof settle; sumSquares: typeof sumSquares;
  topK: typeof topK;
} = {
  addScaled, alsCG, alsCholesky, choleskySolve, clear, countIds, distinctIds, firstOutside, gatherAdd, gatherIds, gatherRows, gatherRowsGrad, lstmCell,
  lstmCellGrad, matmul, matmulGradA, matmulGradB, matmulTransposed, orderIds, product, rowDot, rowDotGrad, scale, settle, sumSquares, topK,
};

/** AnsweringKernels: the part of the table that is always loaded. */
export type AnsweringKernels = typeof loops;

export const answeringSet: KernelSet = { loops, module: answeringModule, cut: cutAnswering };

/** The table in use. A live binding: call through it, do not keep the functions. */
export let kernels: AnsweringKernels = addKernels([answeringSet], (table) => { kernels = table; });
