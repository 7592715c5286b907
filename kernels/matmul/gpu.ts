import type { GpuKernels } from '../gpu.ts';
import type { GpuDevice, Thread } from '../gpuDevice.ts';

// The formulas are in loop.ts. One thread makes one number.

/** Σ_k A[m, k] B[k, n] */
const matmulThread = function (this: Thread, A: Float32Array, B: Float32Array, N: number, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / N);
  const m = guess + ((guess + 1) * N <= at ? 1 : 0) - (guess * N > at ? 1 : 0);
  const n = at - m * N;
  const row = m * K;
  const end = row + K;
  let sum = 0;
  let p = row;
  for (; p < end; p += 1) sum += A[p] * B[(p - row) * N + n];
  return sum;
};

/** Σ_k A[m, k] B[n, k] */
const matmulTransposedThread = function (this: Thread, A: Float32Array, B: Float32Array, N: number, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / N);
  const m = guess + ((guess + 1) * N <= at ? 1 : 0) - (guess * N > at ? 1 : 0);
  const row = m * K;
  const end = row + K;
  const toB = (at - m * N) * K - row;
  let sum = 0;
  let p = row;
  for (; p < end; p += 1) sum += A[p] * B[p + toB];
  return sum;
};

/** dA[m, k] + Σ_n dC[m, n] B[k, n] */
const matmulGradAThread = function (this: Thread, dA: Float32Array, dC: Float32Array, B: Float32Array, N: number, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const m = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  const row = m * N;
  const end = row + N;
  const toB = (at - m * K) * N - row;
  let sum = dA[at];
  let p = row;
  for (; p < end; p += 1) sum += dC[p] * B[p + toB];
  return sum;
};

/** dB[k, n] + Σ_m A[m, k] dC[m, n]; p walks down the column n of dC */
const matmulGradBThread = function (this: Thread, dB: Float32Array, A: Float32Array, dC: Float32Array, M: number, N: number, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / N);
  const k = guess + ((guess + 1) * N <= at ? 1 : 0) - (guess * N > at ? 1 : 0);
  const n = at - k * N;
  let sum = dB[at];
  let m = M - M;
  for (; m < M; m += 1) sum += A[m * K + k] * dC[m * N + n];
  return sum;
};

export function matmulOn(gpu: GpuDevice): Pick<GpuKernels, 'matmul' | 'matmulTransposed' | 'matmulGradA' | 'matmulGradB'> {
  const product = gpu.kernel('matmul', matmulThread), transposed = gpu.kernel('matmulTransposed', matmulTransposedThread);
  const gradA = gpu.kernel('matmulGradA', matmulGradAThread), gradB = gpu.kernel('matmulGradB', matmulGradBThread);
  return {
    async matmul(C, A, B, M, N, K) { C.set(await product(M * N, A, B, N, K)); },
    async matmulTransposed(C, A, B, M, N, K) { C.set(await transposed(M * N, A, B, N, K)); },
    async matmulGradA(dA, dC, B, M, N, K) { dA.set(await gradA(M * K, dA, dC, B, N, K)); },
    async matmulGradB(dB, A, dC, M, N, K) { dB.set(await gradB(K * N, dB, A, dC, M, N, K)); },
  };
}
