import type { GpuKernels } from '../gpu.ts';
import type { GpuDevice, Thread } from '../gpuDevice.ts';

// The formulas are in loop.ts. One thread makes one number.

/**
 * max(x, 0) - x y + ln(1 + e^-|x|)
 *
 * Devices have no log1p, and ln(1 + e) of a small e would lose its digits: ln(1 + e) = 2 artanh(s) with s = e / (2 + e) <= 1/3, a series in s².
 */
export const logLossThread = function (this: Thread, x: Float32Array, y: Float32Array): number {
  const value = x[this.thread.x];
  const e = Math.exp(-Math.abs(value));
  const s = e / (2 + e);
  const q = s * s;
  const log1p = 2 * s * (1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13 + q / 15)))))));
  return Math.max(value, 0) - value * y[this.thread.x] + log1p;
};

/** dx + dL (σ(x) - y) */
export const logLossGradThread = function (this: Thread, dx: Float32Array, x: Float32Array, y: Float32Array, dL: number): number {
  const value = x[this.thread.x];
  const e = Math.exp(-Math.abs(value));
  const p = (value >= 0 ? 1 : e) / (1 + e);
  return dx[this.thread.x] + dL * (p - y[this.thread.x]);
};

export function logLossOn(gpu: GpuDevice): Pick<GpuKernels, 'logLoss' | 'logLossGrad'> {
  const terms = gpu.kernel('logLoss', logLossThread), grad = gpu.kernel('logLossGrad', logLossGradThread);
  return {
    async logLoss(x, y, B) { return total(await terms(B, x, y)); },
    async logLossGrad(dx, x, y, B, dL) { dx.set(await grad(B, dx, x, y, dL)); },
  };
}

/** total: the sum of the terms that a device has made, in float64, which devices do not have. */
export function total(terms: Float32Array): number {
  let sum = 0;
  for (let b = 0; b < terms.length; b++) sum += terms[b];
  return sum;
}
