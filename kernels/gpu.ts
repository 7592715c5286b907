import { accuracyAtKOn } from './accuracyAtK/gpu.ts';
import { adagradOn } from './adagrad/gpu.ts';
import { adamOn } from './adam/gpu.ts';
import { bprOn } from './bpr/gpu.ts';
import { gatherOn } from './gather/gpu.ts';
import type { GpuDevice } from './gpuDevice.ts';
import type { Kernels } from './index.ts';
import { logLossOn } from './logLoss/gpu.ts';
import { lstmOn } from './lstm/gpu.ts';
import { matmulOn } from './matmul/gpu.ts';
import { precisionOn } from './precision/gpu.ts';
import { rowDotOn } from './rowDot/gpu.ts';
import { sgdOn } from './sgd/gpu.ts';
import { softmaxLossOn } from './softmaxLoss/gpu.ts';
import { topKOn } from './topK/gpu.ts';

type GpuKernelName =
  | 'accuracyHits' | 'adagrad' | 'adagradRows' | 'adam' | 'adamRows' | 'adamTable' | 'bprGrad' | 'bprLoss' | 'gatherAdd' | 'gatherRows' | 'gatherRowsGrad'
  | 'logLoss' | 'logLossGrad' | 'lstmCell' | 'lstmCellGrad' | 'matmul' | 'matmulGradA' | 'matmulGradB' | 'matmulTransposed' | 'precisionHits'
  | 'rowDot' | 'rowDotGrad' | 'sgd' | 'sgdRows' | 'softmaxLoss' | 'softmaxLossGrad' | 'topK';

/** GpuKernels: the kernels of the table with the arguments of their loops, each a promise of what the loop returns. */
export type GpuKernels = { [Name in GpuKernelName]: (...args: Parameters<Kernels[Name]>) => Promise<ReturnType<Kernels[Name]>> };

/**
 * createGpuKernels: the kernels on a device. Each call copies its arrays there and the results back, and ends when they are back; arrays that
 * should stay there are for those who use the thread functions themselves, as tightrec/gpu does.
 * Errors: 'unsupported' for ids of 2^24 or more and for arrays larger than the device holds; 'device-lost'.
 */
export function createGpuKernels(gpu: GpuDevice): GpuKernels {
  return {
    ...accuracyAtKOn(gpu), ...adagradOn(gpu), ...adamOn(gpu), ...bprOn(gpu), ...gatherOn(gpu), ...logLossOn(gpu), ...lstmOn(gpu), ...matmulOn(gpu),
    ...precisionOn(gpu), ...rowDotOn(gpu), ...sgdOn(gpu), ...softmaxLossOn(gpu), ...topKOn(gpu),
  };
}
