import type { Kernels } from './index.ts';
import { accuracyHits } from './accuracyAtK/ndarray.ts';
import { adagrad, adagradRows } from './adagrad/ndarray.ts';
import { adam, adamRows, adamTable } from './adam/ndarray.ts';
import { bprGrad, bprLoss } from './bpr/ndarray.ts';
import { gatherAdd, gatherRows, gatherRowsGrad } from './gather/ndarray.ts';
import { logLoss, logLossGrad } from './logLoss/ndarray.ts';
import { lstmCell, lstmCellGrad } from './lstm/ndarray.ts';
import { matmul, matmulGradA, matmulGradB, matmulTransposed } from './matmul/ndarray.ts';
import { precisionHits } from './precision/ndarray.ts';
import { rowDot, rowDotGrad } from './rowDot/ndarray.ts';
import { sgd, sgdRows } from './sgd/ndarray.ts';
import { softmaxLoss, softmaxLossGrad } from './softmaxLoss/ndarray.ts';
import { topK } from './topK/ndarray.ts';

/**
 * ndarrayKernels: the kernels of the table with ndarray and ndarray-ops, for the bench and the lesson. Nothing that lib loads imports this
 * file: ndarray builds its code with `new Function`, which edge workers and strict pages forbid.
 */
export const ndarrayKernels = {
  accuracyHits, adagrad, adagradRows, adam, adamRows, adamTable, bprGrad, bprLoss, gatherAdd, gatherRows, gatherRowsGrad,
  logLoss, logLossGrad, lstmCell, lstmCellGrad, matmul, matmulGradA, matmulGradB, matmulTransposed, precisionHits,
  rowDot, rowDotGrad, sgd, sgdRows, softmaxLoss, softmaxLossGrad, topK,
} satisfies Partial<Kernels>;
