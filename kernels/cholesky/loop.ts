/**
 * cholesky: a symmetric positive definite matrix as the product of a lower triangular one and its transpose, A = L Lᵀ, in place.
 *
 *   L[j, j] = √(A[j, j] - Σ_{k<j} L[j, k]²)        L[i, j] = (A[i, j] - Σ_{k<j} L[i, k] L[j, k]) / L[j, j]        for i > j
 *
 * Shape: A (n, n), row-major; its lower triangle is read and becomes L, what is above the diagonal is left alone. Sums in float64.
 * Returns how many columns of L there are: n, or the first j where what stands under the root is not positive, so that A has no L.
 *
 * Golub and Van Loan, "Matrix Computations", section 4.2.
 */
export function cholesky(A: Float32Array, n: number): number {
  for (let j = 0; j < n; j++) {
    for (let i = j; i < n; i++) {
      let sum = A[i * n + j];
      for (let k = 0; k < j; k++) sum -= A[i * n + k] * A[j * n + k];
      if (i > j) A[i * n + j] = sum / A[j * n + j];
      else if (sum > 0) A[j * n + j] = Math.sqrt(sum);
      else return j;
    }
  }
  return n;
}

/**
 * invertLower: M = L^-1 of a lower triangular matrix, column by column by forward substitution.
 *
 *   M[j, j] = 1 / L[j, j]        M[i, j] = -(Σ_{j<=k<i} L[i, k] M[k, j]) / L[i, i]        for i > j; 0 above the diagonal
 *
 * Shapes: L, M (n, n), row-major; what L holds above the diagonal is not read. Sums in float64. Overwrites M.
 */
export function invertLower(M: Float32Array, L: Float32Array, n: number): void {
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < j; i++) M[i * n + j] = 0;
    M[j * n + j] = 1 / L[j * n + j];
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= L[i * n + k] * M[k * n + j];
      M[i * n + j] = sum / L[i * n + i];
    }
  }
}
