/** Sweeps, at most: each about squares what is left, once that is small and no eigenvalues are equal, so that a dozen is more than a matrix of a few hundred rows takes. */
const SWEEPS = 60;

/**
 * symmetricEigen: the eigenvalues of a symmetric matrix, the largest first, and its eigenvectors, of length 1.
 *
 *   A = Σ_c values[c] v[c] v[c]ᵀ
 *
 * Shapes: A (n, n); values (n), vectors (n, n), one to a row; `sweeps` is how many it took. By Jacobi's method, in float64: a rotation in the plane of p and q makes A[p, q] zero, sweep after sweep over all pairs, until what stands
 * beside the diagonal is rounding. That takes some 6 sweeps of 6 n³ operations, so it is for a few hundred rows. A vector's sign is such that its entry of the largest size, the first of
 * equals, is positive.
 *
 * Golub and Van Loan, "Matrix Computations", section 8.5.
 */
export function symmetricEigen(A: Float64Array, n: number): { values: Float64Array; vectors: Float64Array; sweeps: number } {
  const a = A.slice(), v = new Float64Array(n * n), total = a.reduce((sum, x) => sum + x * x, 0);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  let sweeps = 0;
  for (; sweeps < SWEEPS && beside(a, n) > total * 2 ** -106; sweeps++) for (let p = 0; p < n - 1; p++) for (let q = p + 1; q < n; q++) rotate(a, v, n, p, q);

  const order = Array.from({ length: n }, (_, c) => c).sort((c, d) => a[d * n + d] - a[c * n + c] || c - d), vectors = new Float64Array(n * n);
  order.forEach((c, to) => {
    const row = v.subarray(c * n, (c + 1) * n), largest = row.reduce((best, x, k) => (Math.abs(x) > Math.abs(row[best]) ? k : best), 0), sign = row[largest] < 0 ? -1 : 1;
    for (let k = 0; k < n; k++) vectors[to * n + k] = sign * row[k];
  });
  return { values: Float64Array.from(order, (c) => a[c * n + c]), vectors, sweeps };
}

/** The squares of what stands beside the diagonal. */
function beside(a: Float64Array, n: number): number {
  let sum = 0;
  for (let p = 0; p < n; p++) for (let q = 0; q < n; q++) if (p !== q) sum += a[p * n + q] * a[p * n + q];
  return sum;
}

/** A = Jᵀ A J with the rotation J in the plane of p and q that makes A[p, q] zero; the rows of v turn with it. The angle is the smaller one of the two that do. */
function rotate(a: Float64Array, v: Float64Array, n: number, p: number, q: number): void {
  const apq = a[p * n + q];
  if (apq === 0) return;
  const theta = (a[q * n + q] - a[p * n + p]) / (2 * apq), t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1)), c = 1 / Math.sqrt(t * t + 1), s = t * c;
  for (let k = 0; k < n; k++) {
    const kp = a[k * n + p], kq = a[k * n + q];
    a[k * n + p] = c * kp - s * kq;
    a[k * n + q] = s * kp + c * kq;
  }
  for (const matrix of [a, v]) {
    for (let k = 0; k < n; k++) {
      const pk = matrix[p * n + k], qk = matrix[q * n + k];
      matrix[p * n + k] = c * pk - s * qk;
      matrix[q * n + k] = s * pk + c * qk;
    }
  }
  a[p * n + q] = a[q * n + p] = 0; // by the choice of the angle; what is computed is rounding, and would never get small enough to stop
}
