/**
 * bprLoss: Bayesian Personalised Ranking, the loss of B triples (user, liked item, other item).
 *
 *   x[b] = c[i] - c[j] + <U[u], V[i] - V[j]>     how far the liked item i beats the sampled item j
 *   L    = Σ_b -ln σ(x[b])                       summed over the triples, not averaged
 *
 * Shapes: U (nUsers, K); V (nItems, K); c (nItems), the items' biases; u, i, j, x (B). Row-major. Overwrites x, which bprGrad reads.
 * L accumulates in float64 (in simd.ts each margin and each term is float32). Returns L. Regularisation is a term of its own (l2), not done here.
 *
 * Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", 2009.
 */
export function bprLoss(
  x: Float32Array, U: Float32Array, V: Float32Array, c: Float32Array,
  u: Int32Array, i: Int32Array, j: Int32Array, B: number, K: number,
): number {
  let L = 0;
  for (let b = 0; b < B; b++) {
    const user = u[b] * K, liked = i[b] * K, other = j[b] * K;
    let sum = c[i[b]] - c[j[b]];
    for (let k = 0; k < K; k++) sum += U[user + k] * (V[liked + k] - V[other + k]);
    x[b] = sum;

    // -ln σ(x) = ln(1 + e^-x), arranged so that the exponential cannot overflow
    L += Math.max(-sum, 0) + Math.log1p(Math.exp(-Math.abs(sum)));
  }
  return L;
}

/**
 * bprGrad: the gradients of bprLoss, from the margins x that it left.
 *
 *   g = dL · ∂L/∂x[b] = -dL σ(-x[b])             between -dL and 0, where dL > 0
 *
 *   dU[u] += g (V[i] - V[j])     dV[i] += g U[u]     dV[j] -= g U[u]     dc[i] += g     dc[j] -= g
 *
 * Shapes as above; dU like U, dV like V, dc like c; dL is the gradient of L, a number. dU, dV and dc accumulate: the caller zeroes them.
 */
export function bprGrad(
  dU: Float32Array, dV: Float32Array, dc: Float32Array,
  x: Float32Array, U: Float32Array, V: Float32Array,
  u: Int32Array, i: Int32Array, j: Int32Array, B: number, K: number, dL: number,
): void {
  for (let b = 0; b < B; b++) {
    const user = u[b] * K, liked = i[b] * K, other = j[b] * K;
    const g = -dL / (1 + Math.exp(x[b]));
    for (let k = 0; k < K; k++) {
      dU[user + k] += g * (V[liked + k] - V[other + k]);
      dV[liked + k] += g * U[user + k];
      dV[other + k] -= g * U[user + k];
    }
    dc[i[b]] += g;
    dc[j[b]] -= g;
  }
}
