/**
 * matmul: the matrix product C = A B.
 *
 *   C[m, n] = Σ_k A[m, k] B[k, n]
 *
 * Shapes: A (M, K); B (K, N); C (M, N). B is a matrix here, not a batch. Row-major. Overwrites C.
 */
export function matmul(C: Float32Array, A: Float32Array, B: Float32Array, M: number, N: number, K: number): void {
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += A[m * K + k] * B[k * N + n];
      C[m * N + n] = sum;
    }
  }
}

/**
 * matmulTransposed: every row of A against every row of B, the product C = A Bᵀ.
 *
 *   C[m, n] = Σ_k A[m, k] B[n, k]
 *
 * Shapes: A (M, K); B (N, K); C (M, N). Overwrites C. This is the orientation of scoring: users' rows against the item table.
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

/**
 * matmulGradA: what the gradient of C = A B gives A, dA += dC Bᵀ.
 *
 *   dA[m, k] += Σ_n dC[m, n] B[k, n]
 *
 * Shapes: those of matmul; dA like A, dC like C. dA accumulates: the caller zeroes it.
 */
export function matmulGradA(dA: Float32Array, dC: Float32Array, B: Float32Array, M: number, N: number, K: number): void {
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let n = 0; n < N; n++) sum += dC[m * N + n] * B[k * N + n];
      dA[m * K + k] += sum;
    }
  }
}

/**
 * matmulGradB: what it gives B, dB += Aᵀ dC.
 *
 *   dB[k, n] += Σ_m A[m, k] dC[m, n]
 *
 * Shapes: those of matmul; dB like B, dC like C. dB accumulates: the caller zeroes it.
 */
export function matmulGradB(dB: Float32Array, A: Float32Array, dC: Float32Array, M: number, N: number, K: number): void {
  for (let k = 0; k < K; k++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let m = 0; m < M; m++) sum += A[m * K + k] * dC[m * N + n];
      dB[k * N + n] += sum;
    }
  }
}

/**
 * product: a product of matrices that lie anywhere: C = P Q, or C += P Q where `add` is not 0. The four above are this one, whole; a thread's share of
 * them is this one on some of the columns or rows.
 *
 *   C[m cRow + n] = Σ_k P[m pRow + k pStep] Q[k qStep + n qColumn]
 *
 * Shapes: C (M, N), P (M, K), Q (K, N), apart from the numbers that the strides pass over. Of pRow and pStep one is 1, and of qStep and qColumn: a
 * matrix is read along one of its two ways, four numbers at a time.
 */
export function product(
  C: Float32Array, P: Float32Array, Q: Float32Array, M: number, N: number, K: number,
  cRow: number, pRow: number, pStep: number, qStep: number, qColumn: number, add: number,
): void {
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += P[m * pRow + k * pStep] * Q[k * qStep + n * qColumn];
      C[m * cRow + n] = add ? C[m * cRow + n] + sum : sum;
    }
  }
}
