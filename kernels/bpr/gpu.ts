import { scatterThread } from '../gather/gpu.ts';
import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Thread, keeping, rowsIn } from '../gpuDevice.ts';
import { type ScatterPlan, scatterPlan } from '../gpuScatter.ts';
import { total } from '../logLoss/gpu.ts';
import { rowDotGradThread } from '../rowDot/gpu.ts';

// The formulas are in loop.ts. One thread makes one number.

/** x[b] = c[i] - c[j] + <U[u], V[i] - V[j]> */
export const bprMarginThread = function (
  this: Thread, U: Float32Array, V: Float32Array, c: Float32Array, u: Float32Array, i: Float32Array, j: Float32Array, K: number,
): number {
  const liked = i[this.thread.x];
  const other = j[this.thread.x];
  const user = u[this.thread.x] * K;
  const end = user + K;
  const toLiked = liked * K - user;
  const toOther = other * K - user;
  let sum = c[liked] - c[other];
  let p = user;
  for (; p < end; p += 1) sum += U[p] * (V[p + toLiked] - V[p + toOther]);
  return sum;
};

/** -ln σ(x) = max(-x, 0) + ln(1 + e^-|x|); the series is explained in logLoss/gpu.ts */
export const bprLossThread = function (this: Thread, x: Float32Array): number {
  const value = x[this.thread.x];
  const e = Math.exp(-Math.abs(value));
  const s = e / (2 + e);
  const q = s * s;
  const log1p = 2 * s * (1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13 + q / 15)))))));
  return Math.max(-value, 0) + log1p;
};

/** g for the B liked items, then -g for the B others: g = -dL σ(-x) */
export const bprWeightThread = function (this: Thread, x: Float32Array, B: number, dL: number): number {
  const at = this.thread.x;
  const value = x[at < B ? at : at - B];
  const e = Math.exp(-Math.abs(value));
  const g = dL * (value >= 0 ? e : 1) / (1 + e);
  return at < B ? -g : g;
};

/** dU[row, k] + Σ g[b] (V[i[b], k] - V[j[b], k]) over the b with u[b] = row */
export const bprUserThread = function (
  this: Thread, dU: Float32Array, g: Float32Array, V: Float32Array, i: Float32Array, j: Float32Array, order: Float32Array, start: Float32Array, K: number,
): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const row = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  const k = at - row * K;
  const end = start[row + 1];
  let sum = dU[at];
  let p = start[row];
  for (; p < end; p += 1) sum += g[order[p]] * (V[i[order[p]] * K + k] - V[j[order[p]] * K + k]);
  return sum;
};

const none: ScatterPlan = { order: new Float32Array(0), start: new Float32Array(0) };

export function bprOn(gpu: GpuDevice): Pick<GpuKernels, 'bprLoss' | 'bprGrad'> {
  const margins = gpu.kernel('bprLoss, margins', bprMarginThread), terms = gpu.kernel('bprLoss', bprLossThread);
  const weights = gpu.resident('bprGrad, weights', bprWeightThread), forUsers = gpu.kernel('bprGrad, dU', bprUserThread);
  const forItems = gpu.kernel('bprGrad, dV', rowDotGradThread), forBiases = gpu.kernel('bprGrad, dc', scatterThread);
  return {
    async bprLoss(x, U, V, c, u, i, j, B, K) {
      const users = rowsIn(U, K), items = Math.min(rowsIn(V, K), c.length);
      x.set(await margins(B, U, V, c, gpu.ids(u, B, users), gpu.ids(i, B, items), gpu.ids(j, B, items), K));
      return total(await terms(B, x));
    },
    bprGrad: (dU, dV, dc, x, U, V, u, i, j, B, K, dL) => keeping(async (keep) => {
      if (B === 0) return;
      const nUsers = Math.min(rowsIn(dU, K), rowsIn(U, K)), nItems = Math.min(rowsIn(dV, K), rowsIn(V, K), dc.length);
      // liked and other items as one batch of 2B, in which an other item counts with -g
      const twice = twoOf(u, u, B), byUser = K === 0 ? none : scatterPlan(gpu, u, B, nUsers), byItem = scatterPlan(gpu, twoOf(i, j, B), 2 * B, nItems);
      const g = await keep(weights(2 * B, x, B, dL));
      const newU = await forUsers(nUsers * K, dU, g, V, gpu.ids(i, B), gpu.ids(j, B), byUser.order, byUser.start, K);
      const newV = await forItems(nItems * K, dV, g, U, gpu.ids(twice, 2 * B), byItem.order, byItem.start, K);
      dc.set(await forBiases(nItems, dc, g, byItem.order, byItem.start, 1));
      dU.set(newU);
      dV.set(newV);
    }),
  };
}

/** twoOf: the first B of one batch, then the first B of another. */
export function twoOf(first: Int32Array, second: Int32Array, B: number): Int32Array {
  const both = new Int32Array(2 * B);
  both.set(first.subarray(0, B));
  both.set(second.subarray(0, B), B);
  return both;
}
