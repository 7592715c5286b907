import { TightrecError } from '../lib/errors.ts';
import { isShared, linearMemory, memoryUse } from './memory.ts';
import { loadSimd } from './wasm.ts';
import { accuracyHits } from './accuracyAtK/loop.ts';
import { adagrad, adagradRows } from './adagrad/loop.ts';
import { adam, adamRows, adamTable } from './adam/loop.ts';
import { bprGrad, bprLoss } from './bpr/loop.ts';
import { gatherAdd, gatherRows, gatherRowsGrad } from './gather/loop.ts';
import { countIds, distinctIds, firstOutside, gatherIds, orderIds } from './ids/loop.ts';
import { l2Rows, l2RowsGrad } from './l2/loop.ts';
import { logLoss, logLossGrad } from './logLoss/loop.ts';
import { matmulTransposed } from './matmul/loop.ts';
import { precisionHits } from './precision/loop.ts';
import { rowDot, rowDotGrad } from './rowDot/loop.ts';
import { sgd, sgdRows } from './sgd/loop.ts';
import { topK } from './topK/loop.ts';
import { addScaled, clear, scale, settle, sumSquares } from './vector/loop.ts';

/** The reference: every other variant must agree with these. */
export const loops: {
  accuracyHits: typeof accuracyHits; adagrad: typeof adagrad; adagradRows: typeof adagradRows; adam: typeof adam; adamRows: typeof adamRows;
  adamTable: typeof adamTable; addScaled: typeof addScaled; bprGrad: typeof bprGrad; bprLoss: typeof bprLoss; clear: typeof clear;
  countIds: typeof countIds; distinctIds: typeof distinctIds; firstOutside: typeof firstOutside; gatherAdd: typeof gatherAdd;
  gatherIds: typeof gatherIds; gatherRows: typeof gatherRows; gatherRowsGrad: typeof gatherRowsGrad; l2Rows: typeof l2Rows;
  l2RowsGrad: typeof l2RowsGrad; logLoss: typeof logLoss; logLossGrad: typeof logLossGrad; matmulTransposed: typeof matmulTransposed;
  orderIds: typeof orderIds; precisionHits: typeof precisionHits; rowDot: typeof rowDot; rowDotGrad: typeof rowDotGrad; scale: typeof scale;
  settle: typeof settle; sgd: typeof sgd; sgdRows: typeof sgdRows; sumSquares: typeof sumSquares; topK: typeof topK;
} = {
  accuracyHits, adagrad, adagradRows, adam, adamRows, adamTable, addScaled, bprGrad, bprLoss, clear, countIds, distinctIds, firstOutside,
  gatherAdd, gatherIds, gatherRows, gatherRowsGrad, l2Rows, l2RowsGrad, logLoss, logLossGrad, matmulTransposed, orderIds, precisionHits,
  rowDot, rowDotGrad, scale, settle, sgd, sgdRows, sumSquares, topK,
};

/** Kernels: the table that lib calls; the same functions, whichever variant runs. */
export type Kernels = typeof loops;
export type Variant = 'loop' | 'simd';

const simd = loadSimd(loops);

/** Every variant that this runtime can run; null where it cannot. */
export const variants: Record<Variant, Kernels | null> = { loop: loops, simd: simd.kernels };

/** The table in use. A live binding: call through it, do not keep the functions. */
export let kernels: Kernels = simd.kernels ?? loops;

let variant: Variant = simd.kernels ? 'simd' : 'loop';
let asked = false;

/**
 * useKernels: chooses the variant for everything that follows. 'auto' takes the fastest that this runtime can do.
 * Errors: 'bad-setting' for an unknown name, 'unsupported' when this runtime cannot run it (the message says why).
 */
export function useKernels(name: Variant | 'auto'): void {
  if (name !== 'auto' && name !== 'loop' && name !== 'simd') throw new TightrecError('bad-setting', `useKernels: expected 'auto', 'simd' or 'loop', got ${JSON.stringify(name)}`);
  if (name === 'simd' && simd.kernels === null) throw new TightrecError('unsupported', `useKernels: 'simd' cannot run here: ${simd.why}; use 'loop' or 'auto'`);
  asked = name !== 'auto';
  variant = name === 'loop' || simd.kernels === null ? 'loop' : 'simd';
  kernels = variant === 'simd' ? simd.kernels! : loops;
}

export interface Backend {
  /** Which variant of the kernels runs. */
  kernels: Variant;
  /** Why that one. */
  why: string;
  /** Whether worker threads could see the same arrays. */
  sharedMemory: boolean;
  /** What the memory may grow to, in bytes; 0 where there is no WebAssembly. */
  memoryLimit: number;
}

/** backend: what runs underneath and why. */
export function backend(): Backend {
  const why = asked ? `asked for with useKernels('${variant}')` : simd.why;
  return { kernels: variant, why, sharedMemory: isShared, memoryLimit: linearMemory === null ? 0 : memoryUse().limit };
}
