import type { GpuKernels } from '../gpu.ts';
import type { GpuDevice, Thread } from '../gpuDevice.ts';
import { total } from '../logLoss/gpu.ts';

// The formulas are in loop.ts. One thread judges one row.

/** 1 when items[row] is among the k items listed for its group, otherwise 0 */
export const hitThread = function (this: Thread, top: Float32Array, items: Float32Array, group: Float32Array, k: number): number {
  const item = items[this.thread.x];
  const from = group[this.thread.x] * k;
  const end = from + k;
  let hits = from - from;
  let at = from;
  for (; at < end; at += 1) hits = top[at] === item ? hits + 1 : hits;
  return Math.min(hits, 1);
};

export function precisionOn(gpu: GpuDevice): Pick<GpuKernels, 'precisionHits'> {
  const hits = gpu.kernel('precisionHits', hitThread);
  return {
    async precisionHits(top, indptr, items, G, k) {
      const rows = indptr[G], group = new Float32Array(rows);
      for (let g = 0; g < G; g++) group.fill(g, indptr[g], indptr[g + 1]);
      return total(await hits(rows, gpu.ids(top, G * k), gpu.ids(items, rows), group, k));
    },
  };
}
