/**
 * softmaxLoss: how surprised the logits of N classes are by the one that came, softmax cross-entropy.
 *
 *   p[b, n] = e^X[b, n] / Σ_m e^X[b, m]      L = Σ_b -ln p[b, y[b]] = Σ_b (lse[b] - X[b, y[b]])
 *   lse[b]  = ln Σ_n e^X[b, n] = most + ln Σ_n e^(X[b, n] - most)      most = max_n X[b, n], so that no exponential can overflow
 *
 * Shapes: X (B, N), row-major; y (B), below N; lse (B). A row whose y[b] is negative is left out of L (the padding of a short sequence).
 * Summed over the rows, not averaged; accumulates in float64. Overwrites lse, for every row: the backward step wants it. Returns L.
 * A logit may be -Infinity (a class that cannot be), but not all of a row. The sum of no classes is zero: lse is -Infinity for N = 0.
 *
 * Bishop, "Pattern Recognition and Machine Learning", 2006, section 4.3.4.
 */
export function softmaxLoss(lse: Float32Array, X: Float32Array, y: Int32Array, B: number, N: number): number {
  let L = 0;
  for (let b = 0; b < B; b++) {
    let most = -Infinity, sum = 0;
    for (let n = 0; n < N; n++) most = Math.max(most, X[b * N + n]);
    for (let n = 0; n < N; n++) sum += Math.exp(X[b * N + n] - most);
    lse[b] = most + Math.log(sum);
    if (y[b] >= 0) L += most - X[b * N + y[b]] + Math.log(sum); // not lse[b], which is rounded: a small loss keeps its digits
  }
  return L;
}

/**
 * softmaxLossGrad: dX[b, n] += dL (p[b, n] - [n = y[b]])      p[b, n] = e^(X[b, n] - lse[b])
 *
 * [n = y[b]] is 1 for the class that came and 0 for the others. A row whose y[b] is negative has no gradient.
 * Shapes: dX, X (B, N); lse (B), as softmaxLoss left it; y (B); dL is the gradient of L, a number. dX accumulates: the caller zeroes it.
 * lse is a float32, so p is off by up to |lse| / 2^24 of itself: nothing for logits of usual size, 6e-4 at 1e4.
 */
export function softmaxLossGrad(dX: Float32Array, lse: Float32Array, X: Float32Array, y: Int32Array, B: number, N: number, dL: number): void {
  for (let b = 0; b < B; b++) {
    if (y[b] < 0) continue;
    for (let n = 0; n < N; n++) dX[b * N + n] += dL * (Math.exp(X[b * N + n] - lse[b]) - (n === y[b] ? 1 : 0));
  }
}
