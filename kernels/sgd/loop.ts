/** sgd: w -= rate · g, stochastic gradient descent. Shapes: w, g (n). In place. */
export function sgd(w: Float32Array, g: Float32Array, n: number, rate: number): void {
  for (let at = 0; at < n; at++) w[at] -= rate * g[at];
}

/** sgdRows: W[rows[r]] -= rate · G[r], for the touched rows only. Shapes: W (any, K); G (R, K); rows (R), distinct. In place. */
export function sgdRows(W: Float32Array, G: Float32Array, rows: Int32Array, R: number, K: number, rate: number): void {
  for (let r = 0; r < R; r++) {
    const row = rows[r] * K;
    for (let k = 0; k < K; k++) W[row + k] -= rate * G[r * K + k];
  }
}
