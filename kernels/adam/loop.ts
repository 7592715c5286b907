/**
 * adam: adaptive moment estimation.
 *
 *   m += (1 - beta1) (g - m)      v += (1 - beta2) (g² - v)
 *   w -= rate · (m / (1 - beta1^t)) / (√(v / (1 - beta2^t)) + eps)
 *
 * c1 = 1 / (1 - beta1^t) and c2 = 1 / (1 - beta2^t) correct the moments' start at zero; the caller counts the steps t.
 * Shapes: w, m, v, g (n). In place.
 *
 * Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1.
 */
export function adam(
  w: Float32Array, m: Float32Array, v: Float32Array, g: Float32Array, n: number,
  rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
): void {
  for (let at = 0; at < n; at++) {
    m[at] += (1 - beta1) * (g[at] - m[at]);
    v[at] += (1 - beta2) * (g[at] * g[at] - v[at]);
    w[at] -= rate * (c1 * m[at]) / (Math.sqrt(c2 * v[at]) + eps);
  }
}

/**
 * adamTable: adam on a whole table whose gradient is kept as touched rows. A row that was not touched has gradient zero; its moments
 * decay and it moves on, exactly as dense adam would have it.
 *
 * Shapes: W, M, V (n, K); G (R, K); slot (n): the row of G that belongs to a row of W, or -1. In place.
 */
export function adamTable(
  W: Float32Array, M: Float32Array, V: Float32Array, G: Float32Array, slot: Int32Array, n: number, K: number,
  rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
): void {
  for (let row = 0; row < n; row++) {
    for (let k = 0; k < K; k++) {
      const at = row * K + k, g = slot[row] < 0 ? 0 : G[slot[row] * K + k];
      M[at] += (1 - beta1) * (g - M[at]);
      V[at] += (1 - beta2) * (g * g - V[at]);
      W[at] -= rate * (c1 * M[at]) / (Math.sqrt(c2 * V[at]) + eps);
    }
  }
}

/**
 * adamRows: adam for the touched rows only; the others stay as they are, moments and all ("lazy" adam; torch's SparseAdam). c1 and c2 count the table's steps, not the row's.
 *
 * Shapes: W, M, V (any, K); G (R, K); rows (R), distinct. In place.
 */
export function adamRows(
  W: Float32Array, M: Float32Array, V: Float32Array, G: Float32Array, rows: Int32Array, R: number, K: number,
  rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
): void {
  for (let r = 0; r < R; r++) {
    for (let k = 0; k < K; k++) {
      const at = rows[r] * K + k, g = G[r * K + k];
      M[at] += (1 - beta1) * (g - M[at]);
      V[at] += (1 - beta2) * (g * g - V[at]);
      W[at] -= rate * (c1 * M[at]) / (Math.sqrt(c2 * V[at]) + eps);
    }
  }
}
