import type { GpuKernels } from '../gpu.ts';
import type { GpuDevice, Thread } from '../gpuDevice.ts';

// The formulas are in loop.ts. One thread makes one number: in the forward step that of a row, in the backward step that of a logit.

/** max_n X[b, n] */
const softmaxMaxThread = function (this: Thread, X: Float32Array, N: number): number {
  const row = this.thread.x * N;
  const end = row + N;
  let most = X[row];
  let p = row;
  for (; p < end; p += 1) most = Math.max(most, X[p]);
  return most;
};

/** ln Σ_n e^(X[b, n] - max) */
const softmaxLogSumThread = function (this: Thread, X: Float32Array, most: Float32Array, N: number): number {
  const row = this.thread.x * N;
  const end = row + N;
  const x = most[this.thread.x];
  let sum = 0;
  let p = row;
  for (; p < end; p += 1) sum += Math.exp(X[p] - x);
  return Math.log(sum);
};

/** dX[b, n] + dL (e^(X[b, n] - lse[b]) - [n = y[b]]), nothing more for a row left out */
const softmaxGradThread = function (this: Thread, dX: Float32Array, lse: Float32Array, X: Float32Array, y: Float32Array, N: number, dL: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / N);
  const b = guess + ((guess + 1) * N <= at ? 1 : 0) - (guess * N > at ? 1 : 0);
  const label = y[b];
  const p = Math.exp(X[at] - lse[b]);
  const share = p - (label === at - b * N ? 1 : 0);
  const added = dX[at] + dL * share;
  return label < 0 ? dX[at] : added; // whatever the logits of a row that is left out, NaN included
};

export function softmaxLossOn(gpu: GpuDevice): Pick<GpuKernels, 'softmaxLoss' | 'softmaxLossGrad'> {
  const largest = gpu.kernel('softmaxLoss, largest', softmaxMaxThread), logSum = gpu.kernel('softmaxLoss', softmaxLogSumThread), grad = gpu.kernel('softmaxLossGrad', softmaxGradThread);
  return {
    async softmaxLoss(lse, X, y, B, N) {
      gpu.ids(y, B, N, true); // refuses what is no class
      if (N === 0) { lse.fill(-Infinity, 0, B); return 0; }
      const x = await largest(B, X, N), sum = await logSum(B, X, x, N);
      let L = 0;
      for (let b = 0; b < B; b++) {
        lse[b] = x[b] + sum[b];
        if (y[b] >= 0) L += x[b] - X[b * N + y[b]] + sum[b];
      }
      return L;
    },
    async softmaxLossGrad(dX, lse, X, y, B, N, dL) { dX.set(await grad(B * N, dX, lse, X, gpu.ids(y, B, N, true), N, dL)); },
  };
}
