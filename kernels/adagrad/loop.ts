/**
 * adagrad: each parameter's own rate falls with the squares of the gradients it has seen.
 *
 *   s += g²      w -= rate · g / (√s + eps)
 *
 * Shapes: w, s, g (n); s holds the sums and starts at zero or a little above. In place.
 *
 * Duchi, Hazan, Singer, "Adaptive Subgradient Methods", 2011.
 */
export function adagrad(w: Float32Array, s: Float32Array, g: Float32Array, n: number, rate: number, eps: number): void {
  for (let at = 0; at < n; at++) {
    s[at] += g[at] * g[at];
    w[at] -= rate * g[at] / (Math.sqrt(s[at]) + eps);
  }
}

/** adagradRows: the same for the touched rows only. Shapes: W, S (any, K); G (R, K); rows (R), distinct. In place. */
export function adagradRows(
  W: Float32Array, S: Float32Array, G: Float32Array, rows: Int32Array, R: number, K: number, rate: number, eps: number,
): void {
  for (let r = 0; r < R; r++) {
    const row = rows[r] * K;
    for (let k = 0; k < K; k++) {
      const g = G[r * K + k];
      S[row + k] += g * g;
      W[row + k] -= rate * g / (Math.sqrt(S[row + k]) + eps);
    }
  }
}
