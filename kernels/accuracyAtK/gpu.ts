import type { GpuKernels } from '../gpu.ts';
import type { GpuDevice } from '../gpuDevice.ts';
import { total } from '../logLoss/gpu.ts';
import { hitThread } from '../precision/gpu.ts';

// The formula is in loop.ts. One thread judges one position: precision with a group for each.

export function accuracyAtKOn(gpu: GpuDevice): Pick<GpuKernels, 'accuracyHits'> {
  const hits = gpu.kernel('accuracyHits', hitThread);
  return {
    async accuracyHits(top, actual, B, k) {
      const group = Float32Array.from({ length: B }, (_, b) => b);
      return total(await hits(B, gpu.ids(top, B * k), gpu.ids(actual, B), group, k));
    },
  };
}
