/**
 * rowDot: the score of B pairs of rows.
 *
 *   x[b] = <U[u[b]], V[i[b]]>
 *
 * Shapes: U (nUsers, K); V (nItems, K); u, i, x (B). Row-major. Overwrites x.
 */
export function rowDot(x: Float32Array, U: Float32Array, V: Float32Array, u: Int32Array, i: Int32Array, B: number, K: number): void {
  for (let b = 0; b < B; b++) {
    const user = u[b] * K, item = i[b] * K;
    let sum = 0;
    for (let k = 0; k < K; k++) sum += U[user + k] * V[item + k];
    x[b] = sum;
  }
}

/**
 * rowDotGrad: what the scores' gradients say about the tables.
 *
 *   dU[u[b]] += dx[b] V[i[b]]     dV[i[b]] += dx[b] U[u[b]]
 *
 * Shapes as above; dU like U, dV like V, dx like x. dU and dV accumulate: the caller zeroes them.
 */
export function rowDotGrad(
  dU: Float32Array, dV: Float32Array, dx: Float32Array,
  U: Float32Array, V: Float32Array, u: Int32Array, i: Int32Array, B: number, K: number,
): void {
  for (let b = 0; b < B; b++) {
    const user = u[b] * K, item = i[b] * K, g = dx[b];
    for (let k = 0; k < K; k++) {
      dU[user + k] += g * V[item + k];
      dV[item + k] += g * U[user + k];
    }
  }
}
