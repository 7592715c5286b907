/**
 * fmRows: one side of a factorisation machine: for each row of features the sum of their vectors, and what the row scores by itself.
 *
 *   P[r, k] = Σ_j f[j] V[j, k]                                            f is row r of a sparse matrix
 *   c[r]    = Σ_j f[j] w[j] + 1/2 Σ_k (P[r, k]² - Σ_j f[j]² V[j, k]²)     = Σ_j f[j] w[j] + Σ_{i<j} f[i] f[j] <V[i], V[j]>
 *
 * The machine's x of two rows side by side, a user's and an item's, is w0 + c[u] + c[i] + <P[u], P[i]>.
 * Shapes: P (R, K); c (R); V (n, K); w (n). Row r of f holds values[p] in column indices[p], for start[r] <= p < start[r + 1]. Row-major. Overwrites P and c.
 *
 * Rendle, "Factorization Machines", 2010, lemma 3.1.
 */
export function fmRows(
  P: Float32Array, c: Float32Array, V: Float32Array, w: Float32Array, start: Int32Array, indices: Int32Array, values: Float32Array, R: number, K: number,
): void {
  for (let r = 0; r < R; r++) {
    for (let k = 0; k < K; k++) P[r * K + k] = 0;
    let linear = 0, pairs = 0;
    for (let p = start[r]; p < start[r + 1]; p++) {
      const j = indices[p], f = values[p];
      linear += f * w[j];
      for (let k = 0; k < K; k++) {
        P[r * K + k] += f * V[j * K + k];
        pairs -= (f * V[j * K + k]) ** 2;
      }
    }
    for (let k = 0; k < K; k++) pairs += P[r * K + k] ** 2;
    c[r] = linear + pairs / 2;
  }
}

/**
 * fmRowsGrad: the gradients of fmRows.
 *
 *   dV[j] += f[j] (dP[r] + dc[r] (P[r] - f[j] V[j]))     dw[j] += f[j] dc[r]
 *
 * Shapes as above; dP (R, K), dc (R), P as fmRows left it. dV (n, K) and dw (n) accumulate: the caller zeroes them.
 */
export function fmRowsGrad(
  dV: Float32Array, dw: Float32Array, dP: Float32Array, dc: Float32Array, P: Float32Array, V: Float32Array,
  start: Int32Array, indices: Int32Array, values: Float32Array, R: number, K: number,
): void {
  for (let r = 0; r < R; r++) {
    for (let p = start[r]; p < start[r + 1]; p++) {
      const j = indices[p], f = values[p];
      dw[j] += f * dc[r];
      for (let k = 0; k < K; k++) dV[j * K + k] += f * (dP[r * K + k] + dc[r] * (P[r * K + k] - f * V[j * K + k]));
    }
  }
}
