import { gatherThread } from '../gather/gpu.ts';
import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Thread, keeping, rowsIn, setRows } from '../gpuDevice.ts';

// The formulas are in loop.ts. One thread makes one number, so an update of two arrays is two kernels.

/** s + g² */
const adagradSumThread = function (this: Thread, s: Float32Array, g: Float32Array): number {
  return s[this.thread.x] + g[this.thread.x] * g[this.thread.x];
};

/** w - rate g / (√s + eps), s being the new one */
const adagradThread = function (this: Thread, w: Float32Array, s: Float32Array, g: Float32Array, rate: number, eps: number): number {
  return w[this.thread.x] - rate * g[this.thread.x] / (Math.sqrt(s[this.thread.x]) + eps);
};

export function adagradOn(gpu: GpuDevice): Pick<GpuKernels, 'adagrad' | 'adagradRows'> {
  const gather = gpu.resident('adagradRows, rows', gatherThread), sums = gpu.resident('adagrad, s', adagradSumThread), update = gpu.kernel('adagrad', adagradThread);
  return {
    adagrad: (w, s, g, n, rate, eps) => keeping(async (keep) => {
      const newS = await keep(sums(n, s, g));
      w.set(await update(n, w, newS, g, rate, eps));
      s.set(await newS.read());
    }),
    adagradRows: (W, S, G, rows, R, K, rate, eps) => keeping(async (keep) => {
      const cells = R * K, ids = gpu.ids(rows, R, Math.min(rowsIn(W, K), rowsIn(S, K)));
      const oldS = await keep(gather(cells, S, ids, K)), w = await keep(gather(cells, W, ids, K)), newS = await keep(sums(cells, oldS, G));
      setRows(W, await update(cells, w, newS, G, rate, eps), rows, R, K);
      setRows(S, await newS.read(), rows, R, K);
    }),
  };
}
