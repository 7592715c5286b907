import { TightrecError, describe } from '../lib/errors.ts';
import { accuracyAtKOn } from './accuracyAtK/gpu.ts';
import { adagradOn } from './adagrad/gpu.ts';
import { adamOn } from './adam/gpu.ts';
import { bprOn } from './bpr/gpu.ts';
import { gatherOn } from './gather/gpu.ts';
import { checked } from './gpuCheck.ts';
import { type GpuDevice, isDevice } from './gpuDevice.ts';
import type { Kernels } from './index.ts';
import { logLossOn } from './logLoss/gpu.ts';
import { lstmOn } from './lstm/gpu.ts';
import { matmulOn } from './matmul/gpu.ts';
import { precisionOn } from './precision/gpu.ts';
import { rowDotOn } from './rowDot/gpu.ts';
import { sgdOn } from './sgd/gpu.ts';
import { softmaxLossOn } from './softmaxLoss/gpu.ts';
import { topKOn } from './topK/gpu.ts';

export type GpuKernelName =
  | 'accuracyHits' | 'adagrad' | 'adagradRows' | 'adam' | 'adamRows' | 'adamTable' | 'bprGrad' | 'bprLoss' | 'gatherAdd' | 'gatherRows' | 'gatherRowsGrad'
  | 'logLoss' | 'logLossGrad' | 'lstmCell' | 'lstmCellGrad' | 'matmul' | 'matmulGradA' | 'matmulGradB' | 'matmulTransposed' | 'precisionHits'
  | 'rowDot' | 'rowDotGrad' | 'sgd' | 'sgdRows' | 'softmaxLoss' | 'softmaxLossGrad' | 'topK';

/** GpuKernels: the kernels of the table with the arguments of their loops, each a promise of what the loop returns. */
export type GpuKernels = { [Name in GpuKernelName]: (...args: Parameters<Kernels[Name]>) => Promise<ReturnType<Kernels[Name]>> };

/**
 * createGpuKernels: the kernels on a device. Each call copies its arrays there and the results back, and ends when they are back; arrays that
 * should stay there are for those who use the thread functions themselves, as tightrec/gpu does.
 * Arrays and ids are checked, which the loops do not do; what a call writes, it writes at its end, and nothing if it fails.
 * Errors: 'bad-setting' for what is no device; 'bad-input' and 'bad-shape' for arguments of a wrong type and arrays that are too short; 'unknown-id' for
 * an id that is no row; 'unsupported' for ids of 2^24 or more and for arrays larger than the device holds; 'device-lost'; 'stale' after destroy().
 */
export function createGpuKernels(gpu: GpuDevice): GpuKernels {
  if (!isDevice(gpu)) throw notDevice('createGpuKernels', gpu);
  const kernels: GpuKernels = {
    ...accuracyAtKOn(gpu), ...adagradOn(gpu), ...adamOn(gpu), ...bprOn(gpu), ...gatherOn(gpu), ...logLossOn(gpu), ...lstmOn(gpu), ...matmulOn(gpu),
    ...precisionOn(gpu), ...rowDotOn(gpu), ...sgdOn(gpu), ...softmaxLossOn(gpu), ...topKOn(gpu),
  };
  return Object.fromEntries((Object.keys(kernels) as GpuKernelName[]).map((name) => [name, checked(name, kernels[name])])) as GpuKernels;
}

/** notDevice: the error for something else in a device's place. */
export const notDevice = (where: string, gpu: unknown): TightrecError => new TightrecError('bad-setting', `${where}: gpu must be what openGpu gave (was it awaited?), got ${typeof gpu === 'function' ? 'a function' : gpu instanceof Promise ? 'a promise' : describe(gpu)}`);

