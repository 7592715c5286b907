/**
 * softmax: each row of logits as probabilities.
 *
 *   P[b, n] = e^(X[b, n] - most) / Σ_m e^(X[b, m] - most)      most = max_n X[b, n], so that no exponential can overflow
 *
 * Shapes: P, X (B, N), row-major. Overwrites P, which may be X. A logit may be -Infinity (a class that cannot be), but not all of a row.
 *
 * Bishop, "Pattern Recognition and Machine Learning", 2006, section 4.3.4.
 */
export function softmax(P: Float32Array, X: Float32Array, B: number, N: number): void {
  for (let b = 0; b < B; b++) {
    let most = -Infinity, sum = 0;
    for (let n = 0; n < N; n++) most = Math.max(most, X[b * N + n]);
    for (let n = 0; n < N; n++) {
      const p = Math.exp(X[b * N + n] - most);
      P[b * N + n] = p;
      sum += p;
    }
    for (let n = 0; n < N; n++) P[b * N + n] /= sum;
  }
}

/** softmaxGrad: dX[b, n] += P[b, n] (dP[b, n] - Σ_m P[b, m] dP[b, m]). Shapes: dX, P, dP (B, N); P as softmax left it. dX accumulates: the caller zeroes it. */
export function softmaxGrad(dX: Float32Array, P: Float32Array, dP: Float32Array, B: number, N: number): void {
  for (let b = 0; b < B; b++) {
    let mean = 0; // of dP, under P
    for (let n = 0; n < N; n++) mean += P[b * N + n] * dP[b * N + n];
    for (let n = 0; n < N; n++) dX[b * N + n] += P[b * N + n] * (dP[b * N + n] - mean);
  }
}
