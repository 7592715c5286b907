/**
 * mfEpoch: matrix factorisation of ratings by stochastic gradient descent, in place: one pass over n ratings, an update each.
 *
 *   e  = r - (mu + b[u] + c[i] + <U[u], V[i]>)     what the model leaves unexplained of the rating
 *
 *   U[u] += rate (e V[i] - l2 U[u])     V[i] += rate (e U[u] - l2 V[i])     from the rows as they were before this rating
 *   b[u] += rate (e - l2 b[u])          c[i] += rate (e - l2 c[i])
 *
 *   L  = Σ e²                                      each error taken just before its update; regularisation left out
 *
 * Shapes: U (nUsers, K); V (nItems, K); b (nUsers); c (nItems); u, i, r (n). Row-major. mu, the mean rating, stays. L accumulates in float64. Returns L.
 *
 * Koren, Bell, Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009.
 */
export function mfEpoch(
  U: Float32Array, V: Float32Array, b: Float32Array, c: Float32Array,
  u: Int32Array, i: Int32Array, r: Float32Array, n: number, K: number, mu: number, rate: number, l2: number,
): number {
  const keep = 1 - rate * l2;
  let L = 0;
  for (let at = 0; at < n; at++) {
    const user = u[at] * K, item = i[at] * K;
    let x = mu + b[u[at]] + c[i[at]];
    for (let k = 0; k < K; k++) x += U[user + k] * V[item + k];

    const e = r[at] - x, step = rate * e;
    L += e * e;
    for (let k = 0; k < K; k++) {
      const a = U[user + k], q = V[item + k];
      U[user + k] = keep * a + step * q;
      V[item + k] = keep * q + step * a;
    }
    b[u[at]] = keep * b[u[at]] + step;
    c[i[at]] = keep * c[i[at]] + step;
  }
  return L;
}
