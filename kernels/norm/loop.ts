/** sumSquares: Σ_n x[n]². Shape: x (n). Accumulates in float64. */
export function sumSquares(x: Float32Array, n: number): number {
  let sum = 0;
  for (let at = 0; at < n; at++) sum += x[at] * x[at];
  return sum;
}

/** clear: x[n] = 0. Shape: x (n). */
export function clear(x: Float32Array, n: number): void {
  for (let at = 0; at < n; at++) x[at] = 0;
}

/** addScaled: y[n] += s · x[n]. Shapes: y, x (n). Accumulates. */
export function addScaled(y: Float32Array, x: Float32Array, s: number, n: number): void {
  for (let at = 0; at < n; at++) y[at] += s * x[at];
}

/** scale: x[n] *= s, in place. Shape: x (n). */
export function scale(x: Float32Array, s: number, n: number): void {
  for (let at = 0; at < n; at++) x[at] *= s;
}

/**
 * l2Rows: the L2 penalty of a batch, in which row r occurs w[r] times.
 *
 *   L = Σ_r w[r] |X[r]|²
 *
 * Shapes: X (R, K); w (R). Accumulates in float64. Returns L.
 */
export function l2Rows(X: Float32Array, w: Float32Array, R: number, K: number): number {
  let L = 0;
  for (let r = 0; r < R; r++) {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += X[r * K + k] * X[r * K + k];
    L += w[r] * sum;
  }
  return L;
}

/** l2RowsGrad: dX[r] += 2 dL w[r] X[r]. Shapes as above; dX like X; dL is the gradient of L, a number. dX accumulates. */
export function l2RowsGrad(dX: Float32Array, X: Float32Array, w: Float32Array, R: number, K: number, dL: number): void {
  for (let r = 0; r < R; r++) {
    const g = 2 * dL * w[r];
    for (let k = 0; k < K; k++) dX[r * K + k] += g * X[r * K + k];
  }
}
