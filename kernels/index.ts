import { accuracyHits } from './accuracyAtK/loop.ts';
import { adagrad, adagradRows } from './adagrad/loop.ts';
import { adam, adamRows, adamTable } from './adam/loop.ts';
import { alsCG } from './als/loop.ts';
import { bprGrad, bprLoss } from './bpr/loop.ts';
import { bprEpoch } from './bprEpoch/loop.ts';
import { cholesky, invertLower } from './cholesky/loop.ts';
import { fmRows, fmRowsGrad } from './fm/loop.ts';
import { gatherRowsGrad } from './gather/loop.ts';
import { hybridBprEpoch, hybridLogisticEpoch, hybridWarpEpoch } from './hybridEpoch/loop.ts';
import { countIds, gatherIds, orderIds } from './ids/loop.ts';
import { l2Rows, l2RowsGrad } from './l2/loop.ts';
import { layerNorm, layerNormGrad } from './layerNorm/loop.ts';
import { logLoss, logLossGrad } from './logLoss/loop.ts';
import { lstmCellGrad } from './lstm/loop.ts';
import { mfEpoch } from './mfEpoch/loop.ts';
import { precisionHits } from './precision/loop.ts';
import { relu, reluGrad } from './relu/loop.ts';
import { rowDotGrad } from './rowDot/loop.ts';
import { sgd, sgdRows } from './sgd/loop.ts';
import { softmax, softmaxGrad } from './softmax/loop.ts';
import { softmaxLoss, softmaxLossGrad } from './softmaxLoss/loop.ts';
import { sparseDenseProduct, sparseDenseProductGrad, sparseProduct } from './sparseProduct/loop.ts';
import { svdppEpoch } from './svdppEpoch/loop.ts';
import { scale, settle } from './vector/loop.ts';
import { type AnsweringKernels, answeringSet } from './answering.ts';
import { learningModule } from './moduleLearning.ts';
import { cutLearning } from './spreadLearning.ts';
import { type KernelSet, addKernels, fusedTable, tables } from './tables.ts';

/** The kernels beside those of answering.ts: what learning takes, and what single models answer with. */
const others: {
  accuracyHits: typeof accuracyHits; adagrad: typeof adagrad; adagradRows: typeof adagradRows; adam: typeof adam; adamRows: typeof adamRows;
  adamTable: typeof adamTable; alsCG: typeof alsCG; bprEpoch: typeof bprEpoch; bprGrad: typeof bprGrad; bprLoss: typeof bprLoss; cholesky: typeof cholesky;
  countIds: typeof countIds; fmRows: typeof fmRows; fmRowsGrad: typeof fmRowsGrad; gatherIds: typeof gatherIds; gatherRowsGrad: typeof gatherRowsGrad;
  hybridBprEpoch: typeof hybridBprEpoch; hybridLogisticEpoch: typeof hybridLogisticEpoch; hybridWarpEpoch: typeof hybridWarpEpoch;
  invertLower: typeof invertLower; l2Rows: typeof l2Rows; l2RowsGrad: typeof l2RowsGrad; layerNorm: typeof layerNorm; layerNormGrad: typeof layerNormGrad;
  logLoss: typeof logLoss; logLossGrad: typeof logLossGrad; lstmCellGrad: typeof lstmCellGrad; mfEpoch: typeof mfEpoch; orderIds: typeof orderIds;
  precisionHits: typeof precisionHits; relu: typeof relu; reluGrad: typeof reluGrad; rowDotGrad: typeof rowDotGrad; scale: typeof scale; settle: typeof settle;
  sgd: typeof sgd; sgdRows: typeof sgdRows; softmax: typeof softmax; softmaxGrad: typeof softmaxGrad; softmaxLoss: typeof softmaxLoss;
  softmaxLossGrad: typeof softmaxLossGrad; sparseDenseProduct: typeof sparseDenseProduct; sparseDenseProductGrad: typeof sparseDenseProductGrad;
  sparseProduct: typeof sparseProduct; svdppEpoch: typeof svdppEpoch;
} = {
  accuracyHits, adagrad, adagradRows, adam, adamRows, adamTable, alsCG, bprEpoch, bprGrad, bprLoss, cholesky, countIds, fmRows, fmRowsGrad, gatherIds,
  gatherRowsGrad, hybridBprEpoch, hybridLogisticEpoch, hybridWarpEpoch, invertLower, l2Rows, l2RowsGrad, layerNorm, layerNormGrad, logLoss, logLossGrad,
  lstmCellGrad, mfEpoch, orderIds, precisionHits, relu, reluGrad, rowDotGrad, scale, settle, sgd, sgdRows, softmax, softmaxGrad, softmaxLoss, softmaxLossGrad,
  sparseDenseProduct, sparseDenseProductGrad, sparseProduct, svdppEpoch,
};

/** Kernels: the table that lib calls; the same functions, whichever variant runs. */
export type Kernels = AnsweringKernels & typeof others;

const learningSet: KernelSet = { loops: others, module: learningModule, cut: cutLearning };

/** The table in use. A live binding: call through it, do not keep the functions. */
export let kernels: Kernels = addKernels([answeringSet, learningSet], (table) => { kernels = table; });

const { loop, simd } = tables();

/** The reference: every other variant must agree with these. */
export const loops: Kernels = loop;

/** Every variant that this runtime can run and that agrees to the bit from machine to machine; null where it cannot. */
export const variants: Record<'loop' | 'simd', Kernels | null> = { loop, simd };

/** fma: the SIMD kernels with fused multiply-add where it pays; other bits than 'simd'. Loaded when first asked for. */
export const fma: () => { kernels: Kernels | null; why: string } = fusedTable;

export { backend, useKernels } from './tables.ts';
export type { Backend, Variant } from './tables.ts';
