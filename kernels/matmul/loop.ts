/**
 * matmulTransposed: every row of A against every row of B, the product A Bᵀ.
 *
 *   C[m, n] = Σ_k A[m, k] B[n, k]
 *
 * Shapes: A (M, K); B (N, K), a matrix here, not a batch; C (M, N). Row-major. Overwrites C. This is the orientation of scoring: users' rows against the item table.
 */
export function matmulTransposed(C: Float32Array, A: Float32Array, B: Float32Array, M: number, N: number, K: number): void {
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += A[m * K + k] * B[n * K + k];
      C[m * N + n] = sum;
    }
  }
}
