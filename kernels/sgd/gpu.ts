import { gatherThread } from '../gather/gpu.ts';
import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Thread, keeping, rowsIn, setRows } from '../gpuDevice.ts';

// The formulas are in loop.ts. One thread makes one number.

/** w - rate g */
const sgdThread = function (this: Thread, w: Float32Array, g: Float32Array, rate: number): number {
  return w[this.thread.x] - rate * g[this.thread.x];
};

export function sgdOn(gpu: GpuDevice): Pick<GpuKernels, 'sgd' | 'sgdRows'> {
  const gather = gpu.resident('sgdRows, rows', gatherThread), update = gpu.kernel('sgd', sgdThread);
  return {
    async sgd(w, g, n, rate) { w.set(await update(n, w, g, rate)); },
    sgdRows: (W, G, rows, R, K, rate) => keeping(async (keep) => {
      const touched = await keep(gather(R * K, W, gpu.ids(rows, R, rowsIn(W, K)), K));
      setRows(W, await update(R * K, touched, G, rate), rows, R, K);
    }),
  };
}
