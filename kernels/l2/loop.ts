/**
 * l2Rows: the L2 penalty of a batch, in which row r occurs counts[r] times.
 *
 *   L = Σ_r counts[r] |X[r]|²
 *
 * Shapes: X (R, K); counts (R). Rows are added up in float64; within a row simd.ts adds in float32. Returns L.
 */
export function l2Rows(X: Float32Array, counts: Float32Array, R: number, K: number): number {
  let L = 0;
  for (let r = 0; r < R; r++) {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += X[r * K + k] * X[r * K + k];
    L += counts[r] * sum;
  }
  return L;
}

/** l2RowsGrad: dX[r] += 2 dL counts[r] X[r]. Shapes as above; dX like X; dL is the gradient of L, a number. dX accumulates. */
export function l2RowsGrad(dX: Float32Array, X: Float32Array, counts: Float32Array, R: number, K: number, dL: number): void {
  for (let r = 0; r < R; r++) {
    const g = 2 * dL * counts[r];
    for (let k = 0; k < K; k++) dX[r * K + k] += g * X[r * K + k];
  }
}
