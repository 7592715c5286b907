import { TightrecError, describe } from '../lib/errors.ts';
import { isShared, linearMemory, memoryUse } from './memory.ts';
import { processors, whyOneThread } from './startThread.ts';
import { loadFma, loadSimd } from './wasm.ts';
import { accuracyHits } from './accuracyAtK/loop.ts';
import { adagrad, adagradRows } from './adagrad/loop.ts';
import { adam, adamRows, adamTable } from './adam/loop.ts';
import { alsCG, alsCholesky, choleskySolve } from './als/loop.ts';
import { bprGrad, bprLoss } from './bpr/loop.ts';
import { bprEpoch } from './bprEpoch/loop.ts';
import { cholesky, invertLower } from './cholesky/loop.ts';
import { fmRows, fmRowsGrad } from './fm/loop.ts';
import { gatherAdd, gatherRows, gatherRowsGrad } from './gather/loop.ts';
import { hybridBprEpoch, hybridLogisticEpoch, hybridWarpEpoch } from './hybridEpoch/loop.ts';
import { countIds, distinctIds, firstOutside, gatherIds, orderIds } from './ids/loop.ts';
import { l2Rows, l2RowsGrad } from './l2/loop.ts';
import { layerNorm, layerNormGrad } from './layerNorm/loop.ts';
import { logLoss, logLossGrad } from './logLoss/loop.ts';
import { lstmCell, lstmCellGrad } from './lstm/loop.ts';
import { matmul, matmulGradA, matmulGradB, matmulTransposed, product } from './matmul/loop.ts';
import { mfEpoch } from './mfEpoch/loop.ts';
import { precisionHits } from './precision/loop.ts';
import { relu, reluGrad } from './relu/loop.ts';
import { rowDot, rowDotGrad } from './rowDot/loop.ts';
import { sgd, sgdRows } from './sgd/loop.ts';
import { softmax, softmaxGrad } from './softmax/loop.ts';
import { softmaxLoss, softmaxLossGrad } from './softmaxLoss/loop.ts';
import { sparseDenseProduct, sparseDenseProductGrad, sparseProduct } from './sparseProduct/loop.ts';
import { svdppEpoch } from './svdppEpoch/loop.ts';
import { topK } from './topK/loop.ts';
import { addScaled, clear, scale, settle, sumSquares } from './vector/loop.ts';

/** The reference: every other variant must agree with these. */
export const loops: {
  accuracyHits: typeof accuracyHits; adagrad: typeof adagrad; adagradRows: typeof adagradRows; adam: typeof adam; adamRows: typeof adamRows;
  adamTable: typeof adamTable; addScaled: typeof addScaled; alsCG: typeof alsCG; alsCholesky: typeof alsCholesky; bprEpoch: typeof bprEpoch;
  bprGrad: typeof bprGrad; bprLoss: typeof bprLoss; cholesky: typeof cholesky; choleskySolve: typeof choleskySolve; clear: typeof clear;
  countIds: typeof countIds; distinctIds: typeof distinctIds; firstOutside: typeof firstOutside; fmRows: typeof fmRows; fmRowsGrad: typeof fmRowsGrad;
  gatherAdd: typeof gatherAdd; gatherIds: typeof gatherIds; gatherRows: typeof gatherRows; gatherRowsGrad: typeof gatherRowsGrad;
  hybridBprEpoch: typeof hybridBprEpoch; hybridLogisticEpoch: typeof hybridLogisticEpoch; hybridWarpEpoch: typeof hybridWarpEpoch;
  invertLower: typeof invertLower; l2Rows: typeof l2Rows; l2RowsGrad: typeof l2RowsGrad; layerNorm: typeof layerNorm;
  layerNormGrad: typeof layerNormGrad; logLoss: typeof logLoss; logLossGrad: typeof logLossGrad; lstmCell: typeof lstmCell;
  lstmCellGrad: typeof lstmCellGrad; matmul: typeof matmul; matmulGradA: typeof matmulGradA; matmulGradB: typeof matmulGradB;
  matmulTransposed: typeof matmulTransposed; mfEpoch: typeof mfEpoch; orderIds: typeof orderIds; precisionHits: typeof precisionHits;
  product: typeof product; relu: typeof relu; reluGrad: typeof reluGrad; rowDot: typeof rowDot; rowDotGrad: typeof rowDotGrad; scale: typeof scale;
  settle: typeof settle; sgd: typeof sgd; sgdRows: typeof sgdRows; softmax: typeof softmax; softmaxGrad: typeof softmaxGrad;
  softmaxLoss: typeof softmaxLoss; softmaxLossGrad: typeof softmaxLossGrad; sparseDenseProduct: typeof sparseDenseProduct;
  sparseDenseProductGrad: typeof sparseDenseProductGrad; sparseProduct: typeof sparseProduct; sumSquares: typeof sumSquares; svdppEpoch: typeof svdppEpoch; topK: typeof topK;
} = {
  accuracyHits, adagrad, adagradRows, adam, adamRows, adamTable, addScaled, alsCG, alsCholesky, bprEpoch, bprGrad, bprLoss, cholesky, choleskySolve,
  clear, countIds, distinctIds, firstOutside, fmRows, fmRowsGrad, gatherAdd, gatherIds, gatherRows, gatherRowsGrad, hybridBprEpoch, hybridLogisticEpoch,
  hybridWarpEpoch, invertLower, l2Rows, l2RowsGrad, layerNorm, layerNormGrad, logLoss, logLossGrad, lstmCell, lstmCellGrad, matmul, matmulGradA, matmulGradB, matmulTransposed, mfEpoch, orderIds,
  precisionHits, product, relu, reluGrad, rowDot, rowDotGrad, scale, settle, sgd, sgdRows, softmax, softmaxGrad, softmaxLoss, softmaxLossGrad,
  sparseDenseProduct, sparseDenseProductGrad, sparseProduct, sumSquares, svdppEpoch, topK,
};

/** Kernels: the table that lib calls; the same functions, whichever variant runs. */
export type Kernels = typeof loops;
export type Variant = 'loop' | 'simd' | 'simd-fma';

const simd = loadSimd(loops);
let fused: ReturnType<typeof loadFma> | null = null;

/** fma: the SIMD kernels with fused multiply-add where it pays; other bits than 'simd'. Loaded when first asked for. */
export const fma = (): ReturnType<typeof loadFma> => fused?.kernels ? fused : fused = loadFma(simd);

/** Every variant that this runtime can run and that agrees to the bit from machine to machine; null where it cannot. */
export const variants: Record<'loop' | 'simd', Kernels | null> = { loop: loops, simd: simd.kernels };

/** The table in use. A live binding: call through it, do not keep the functions. */
export let kernels: Kernels = simd.kernels ?? loops;

let variant: Variant = simd.kernels ? 'simd' : 'loop';
let asked = false;

/**
 * useKernels: chooses the variant for everything that follows. 'auto' takes the fastest that gives the same bits on every machine. 'simd-fma'
 * has fused multiply-adds in matmul: quicker, and not the same bits.
 * Errors: 'bad-setting' for an unknown name, 'unsupported' when this runtime cannot run it (the message says why).
 */
export function useKernels(name: Variant | 'auto'): void {
  if (!['auto', 'loop', 'simd', 'simd-fma'].includes(name as string)) throw new TightrecError('bad-setting', `useKernels: expected 'auto', 'simd', 'simd-fma' or 'loop', got ${describe(name)}`);
  const chosen = name === 'simd-fma' ? fma() : name === 'loop' ? { kernels: loops, why: '' } : simd;
  if (chosen.kernels === null && name !== 'auto') throw new TightrecError('unsupported', `useKernels: '${name}' cannot run here: ${chosen.why}; use ${name === 'simd-fma' && simd.kernels !== null ? "'simd'" : "'loop'"} or 'auto'`);
  asked = name !== 'auto';
  variant = chosen.kernels === null ? 'loop' : name === 'auto' ? 'simd' : name;
  kernels = chosen.kernels ?? loops;
}

/** The variant that was chosen, and the table in use. */
export const chosenVariant = (): Variant => variant;

/** exchange: puts another table of the same kernels to use, for a while; returns the one before. */
export function exchange(table: Kernels): Kernels {
  const before = kernels;
  kernels = table;
  return before;
}

export interface Backend {
  /** Which variant of the kernels runs. */
  kernels: Variant;
  /** Why that one. */
  why: string;
  /** Whether worker threads can see the same arrays. */
  sharedMemory: boolean;
  /** How many threads `threads: 'all'` takes, and where it is one for another reason than the machine's, why. */
  threads: number;
  whyOneThread: string | null;
  /** What the memory may grow to, in bytes; 0 where there is no WebAssembly. */
  memoryLimit: number;
}

/** backend: what runs underneath and why. */
export function backend(): Backend {
  const why = asked ? `asked for with useKernels('${variant}')` : simd.why;
  const oneThread = variant === 'loop' ? 'the kernels are plain loops' : whyOneThread();
  return { kernels: variant, why, sharedMemory: isShared, threads: oneThread === null ? processors() : 1, whyOneThread: oneThread, memoryLimit: linearMemory === null ? 0 : memoryUse().limit };
}
