/**
 * sparseProduct: the product of two sparse matrices, added to a dense one, C += A B.
 *
 *   C[r, n] += Σ_m A[r, m] B[m, n]        over the entries that A and B hold
 *
 * A is R rows of a CSR matrix: row r holds aValues[p] in column aIndices[p], for aStart[r] <= p < aStart[r + 1]. So does B, row by row; C (R, N).
 * Row-major. C accumulates: the caller zeroes it.
 *
 * Gustavson, "Two Fast Algorithms for Sparse Matrices: Multiplication and Permuted Transposition", 1978.
 */
export function sparseProduct(
  C: Float32Array,
  aStart: Int32Array, aIndices: Int32Array, aValues: Float32Array, bStart: Int32Array, bIndices: Int32Array, bValues: Float32Array,
  R: number, N: number,
): void {
  for (let r = 0; r < R; r++) {
    for (let p = aStart[r]; p < aStart[r + 1]; p++) {
      const m = aIndices[p], a = aValues[p];
      for (let q = bStart[m]; q < bStart[m + 1]; q++) C[r * N + bIndices[q]] += a * bValues[q];
    }
  }
}

/** sparseDenseProduct: the same for a dense B, C[r, n] += Σ_m A[r, m] B[m, n]. Shapes: A as above; B (any, N); C (R, N). C accumulates. */
export function sparseDenseProduct(C: Float32Array, aStart: Int32Array, aIndices: Int32Array, aValues: Float32Array, B: Float32Array, R: number, N: number): void {
  for (let r = 0; r < R; r++) {
    for (let p = aStart[r]; p < aStart[r + 1]; p++) {
      const m = aIndices[p], a = aValues[p];
      for (let n = 0; n < N; n++) C[r * N + n] += a * B[m * N + n];
    }
  }
}

/**
 * sparseDenseProductGrad: the gradient of sparseDenseProduct by B: dB[m, n] += Σ_r A[r, m] dC[r, n]. Only the rows of B that A names are touched: where B is a table
 * of embeddings and a row of A a weighted bag of ids, these are the rows that learn. Shapes as above. dB accumulates: the caller zeroes it.
 */
export function sparseDenseProductGrad(dB: Float32Array, aStart: Int32Array, aIndices: Int32Array, aValues: Float32Array, dC: Float32Array, R: number, N: number): void {
  for (let r = 0; r < R; r++) {
    for (let p = aStart[r]; p < aStart[r + 1]; p++) {
      const m = aIndices[p], a = aValues[p];
      for (let n = 0; n < N; n++) dB[m * N + n] += a * dC[r * N + n];
    }
  }
}
