import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Thread, rowsIn } from '../gpuDevice.ts';
import { scatterPlan } from '../gpuScatter.ts';

// The formulas are in loop.ts. One thread makes one number.

/** table[ids[b], k] */
export const gatherThread = function (this: Thread, table: Float32Array, ids: Float32Array, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const b = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  const k = at - b * K;
  return table[ids[b] * K + k];
};

/** out[b, k] + table[ids[b], k] */
const gatherAddThread = function (this: Thread, out: Float32Array, table: Float32Array, ids: Float32Array, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const b = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  const k = at - b * K;
  return out[at] + table[ids[b] * K + k];
};

/** dTable[row, k] + Σ dOut[b, k] over the b whose id is `row`: order[start[row]] .. order[start[row + 1] - 1] */
export const scatterThread = function (this: Thread, dTable: Float32Array, dOut: Float32Array, order: Float32Array, start: Float32Array, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const row = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  const k = at - row * K;
  const end = start[row + 1];
  let sum = dTable[at];
  let p = start[row];
  for (; p < end; p += 1) sum += dOut[order[p] * K + k];
  return sum;
};

export function gatherOn(gpu: GpuDevice): Pick<GpuKernels, 'gatherRows' | 'gatherAdd' | 'gatherRowsGrad'> {
  const rows = gpu.kernel('gatherRows', gatherThread), add = gpu.kernel('gatherAdd', gatherAddThread), scatter = gpu.kernel('gatherRowsGrad', scatterThread);
  return {
    async gatherRows(out, table, ids, B, K) { out.set(await rows(B * K, table, gpu.ids(ids, B, rowsIn(table, K)), K)); },
    async gatherAdd(out, table, ids, B, K) { out.set(await add(B * K, out, table, gpu.ids(ids, B, rowsIn(table, K)), K)); },
    async gatherRowsGrad(dTable, dOut, ids, B, K) {
      if (B * K === 0) return;
      const n = rowsIn(dTable, K), { order, start } = scatterPlan(gpu, ids, B, n);
      dTable.set(await scatter(n * K, dTable, dOut, order, start, K));
    },
  };
}
