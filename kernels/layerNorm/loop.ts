/**
 * layerNorm: each row brought to mean 0 and variance 1, then each column stretched and shifted.
 *
 *   m[b] = 1/N Σ_n X[b, n]     r[b] = 1 / √(1/N Σ_n (X[b, n] - m[b])² + eps)
 *   Y[b, n] = gain[n] (X[b, n] - m[b]) r[b] + shift[n]
 *
 * Shapes: Y, X (B, N), row-major; m, r (B); gain, shift (N). Overwrites Y, m and r: the backward step wants m and r (NaN where N = 0).
 *
 * Ba, Kiros, Hinton, "Layer Normalization", 2016.
 */
export function layerNorm(
  Y: Float32Array, m: Float32Array, r: Float32Array, X: Float32Array, gain: Float32Array, shift: Float32Array, B: number, N: number, eps: number,
): void {
  for (let b = 0; b < B; b++) {
    let sum = 0, squares = 0;
    for (let n = 0; n < N; n++) sum += X[b * N + n];
    const mean = sum / N;
    for (let n = 0; n < N; n++) squares += (X[b * N + n] - mean) ** 2;
    m[b] = mean;
    r[b] = 1 / Math.sqrt(squares / N + eps);
    for (let n = 0; n < N; n++) Y[b * N + n] = gain[n] * (X[b * N + n] - mean) * r[b] + shift[n];
  }
}

/**
 * layerNormGrad: the gradients of layerNorm.
 *
 *   z[n] = (X[b, n] - m[b]) r[b]     g[n] = gain[n] dY[b, n]
 *   dX[b, n] += r[b] (g[n] - 1/N Σ_k g[k] - z[n] 1/N Σ_k g[k] z[k])
 *   dGain[n] += Σ_b dY[b, n] z[n]     dShift[n] += Σ_b dY[b, n]
 *
 * Shapes: dX, X, dY (B, N); dGain, dShift, gain (N); m, r (B), as layerNorm left them. dX, dGain and dShift accumulate: the caller zeroes them.
 */
export function layerNormGrad(
  dX: Float32Array, dGain: Float32Array, dShift: Float32Array, m: Float32Array, r: Float32Array, X: Float32Array, gain: Float32Array, dY: Float32Array, B: number, N: number,
): void {
  for (let b = 0; b < B; b++) {
    let g1 = 0, gz = 0; // the two means
    for (let n = 0; n < N; n++) {
      const z = (X[b * N + n] - m[b]) * r[b], g = gain[n] * dY[b * N + n];
      g1 += g / N;
      gz += g * z / N;
      dGain[n] += dY[b * N + n] * z;
      dShift[n] += dY[b * N + n];
    }
    for (let n = 0; n < N; n++) {
      const z = (X[b * N + n] - m[b]) * r[b];
      dX[b * N + n] += r[b] * (gain[n] * dY[b * N + n] - g1 - z * gz);
    }
  }
}
