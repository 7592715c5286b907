import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Thread, rowsIn } from '../gpuDevice.ts';
import { scatterPlan } from '../gpuScatter.ts';

// The formulas are in loop.ts. One thread makes one number.

/** <U[u[b]], V[i[b]]> */
export const rowDotThread = function (this: Thread, U: Float32Array, V: Float32Array, u: Float32Array, i: Float32Array, K: number): number {
  const user = u[this.thread.x] * K;
  const toItem = i[this.thread.x] * K - user;
  const end = user + K;
  let sum = 0;
  let p = user;
  for (; p < end; p += 1) sum += U[p] * V[p + toItem];
  return sum;
};

/** dU[row, k] + Σ dx[b] V[i[b], k] over the b with u[b] = row; and the same for dV, with the tables changed round */
export const rowDotGradThread = function (
  this: Thread, dU: Float32Array, dx: Float32Array, V: Float32Array, i: Float32Array, order: Float32Array, start: Float32Array, K: number,
): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const row = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  const k = at - row * K;
  const end = start[row + 1];
  let sum = dU[at];
  let p = start[row];
  for (; p < end; p += 1) sum += dx[order[p]] * V[i[order[p]] * K + k];
  return sum;
};

export function rowDotOn(gpu: GpuDevice): Pick<GpuKernels, 'rowDot' | 'rowDotGrad'> {
  const dot = gpu.kernel('rowDot', rowDotThread), grad = gpu.kernel('rowDotGrad', rowDotGradThread);
  return {
    async rowDot(x, U, V, u, i, B, K) { x.set(await dot(B, U, V, gpu.ids(u, B, rowsIn(U, K)), gpu.ids(i, B, rowsIn(V, K)), K)); },
    async rowDotGrad(dU, dV, dx, U, V, u, i, B, K) {
      if (B * K === 0) return;
      const nUsers = Math.min(rowsIn(dU, K), rowsIn(U, K)), nItems = Math.min(rowsIn(dV, K), rowsIn(V, K));
      const byUser = scatterPlan(gpu, u, B, nUsers), byItem = scatterPlan(gpu, i, B, nItems);
      dU.set(await grad(nUsers * K, dU, dx, V, gpu.ids(i, B), byUser.order, byUser.start, K));
      dV.set(await grad(nItems * K, dV, dx, U, gpu.ids(u, B), byItem.order, byItem.start, K)); // after dU, which may be the same table
    },
  };
}
