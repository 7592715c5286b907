/**
 * logLoss: how surprised the logits are by the labels, binary cross-entropy.
 *
 *   p = σ(x)      L = Σ_b [-y ln p - (1 - y) ln(1 - p)]
 *               = Σ_b [max(x, 0) - x y + ln(1 + e^-|x|)]      the same, arranged so that the exponential cannot overflow
 *
 * Shapes: x, y (B); 0 <= y <= 1. Summed over the batch, not averaged; accumulates in float64. Returns L.
 *
 * Bishop, "Pattern Recognition and Machine Learning", 2006, section 4.3.2.
 */
export function logLoss(x: Float32Array, y: Float32Array, B: number): number {
  let L = 0;
  for (let b = 0; b < B; b++) L += Math.max(x[b], 0) - x[b] * y[b] + Math.log1p(Math.exp(-Math.abs(x[b])));
  return L;
}

/**
 * logLossGrad: dx[b] += dL (σ(x[b]) - y[b]).
 *
 * Shapes: dx, x, y (B); dL is the gradient of L, a number. dx accumulates: the caller zeroes it.
 */
export function logLossGrad(dx: Float32Array, x: Float32Array, y: Float32Array, B: number, dL: number): void {
  for (let b = 0; b < B; b++) dx[b] += dL * (1 / (1 + Math.exp(-x[b])) - y[b]);
}
