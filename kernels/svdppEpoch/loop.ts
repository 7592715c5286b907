/**
 * svdppEpoch: SVD++, matrix factorisation in which the items that a user rated, whatever the ratings, say something of the user too, by stochastic
 * gradient descent, in place: one pass over n ratings, user by user, an update each.
 *
 *   z  = s Σ_{j in N(u)} Y[j]     s = |N(u)|^-1/2     N(u): the items that u rated
 *   e  = r - (mu + b[u] + c[i] + <U[u] + z, V[i]>)     what the model leaves unexplained of the rating
 *
 *   U[u] += rate (e V[i] - l2 U[u])     V[i] += rate (e (U[u] + z) - l2 V[i])     Y[j] += rate (e s V[i] - l2 Y[j]), for all j in N(u)
 *   b[u] += rate (e - l2 b[u])          c[i] += rate (e - l2 c[i])                all from the rows as they were before this rating
 *
 *   L  = Σ e²                                          each error taken just before its update; regularisation left out
 *
 * The rows of N(u) all move alike, and s² |N(u)| = 1. So with keep = 1 - rate l2 the row p = U[u] + z moves by itself, p = keep p + 2 rate e V[i]; and
 * when the m ratings of a user have passed, half of what came to it is what comes to U[u], and s times that to Y[j]:
 *
 *   a = (p - keep^m p0) / 2     U[u] = keep^m U[u] + a     Y[j] = keep^m Y[j] + s a     p0: p before the m ratings
 *
 * That is the same as the updates above, at a cost of K for a rating and |N(u)| K for a user, instead of |N(u)| K for a rating.
 *
 * Shapes: U (nUsers, K); V, Y (nItems, K); b (nUsers); c (nItems); w (2K), room for p and p0, overwritten; u, i, r (n), the ratings of a user together;
 * N(u) is ids[start[u] .. start[u + 1] - 1], distinct, and not empty where u has a rating. Row-major. mu, the mean rating, stays. L accumulates in
 * float64. Returns L.
 *
 * Koren, "Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering Model", 2008.
 */
export function svdppEpoch(
  U: Float32Array, V: Float32Array, Y: Float32Array, b: Float32Array, c: Float32Array, w: Float32Array,
  u: Int32Array, i: Int32Array, r: Float32Array, start: Int32Array, ids: Int32Array, n: number, K: number, mu: number, rate: number, l2: number,
): number {
  const keep = 1 - rate * l2;
  let L = 0;
  for (let at = 0; at < n;) {
    const user = u[at] * K, from = start[u[at]], to = start[u[at] + 1], s = 1 / Math.sqrt(to - from);
    for (let k = 0; k < K; k++) {
      let z = 0;
      for (let j = from; j < to; j++) z += Y[ids[j] * K + k];
      w[k] = w[K + k] = U[user + k] + s * z; // p and p0
    }

    let kept = 1; // keep^m
    for (const same = u[at]; at < n && u[at] === same; at++) {
      const item = i[at] * K;
      let x = mu + b[u[at]] + c[i[at]];
      for (let k = 0; k < K; k++) x += w[k] * V[item + k];

      const e = r[at] - x, step = rate * e;
      L += e * e;
      for (let k = 0; k < K; k++) {
        const p = w[k], q = V[item + k];
        w[k] = keep * p + 2 * step * q;
        V[item + k] = keep * q + step * p;
      }
      b[u[at]] = keep * b[u[at]] + step;
      c[i[at]] = keep * c[i[at]] + step;
      kept *= keep;
    }

    for (let k = 0; k < K; k++) {
      const a = (w[k] - kept * w[K + k]) / 2;
      U[user + k] = kept * U[user + k] + a;
      for (let j = from; j < to; j++) Y[ids[j] * K + k] = kept * Y[ids[j] * K + k] + s * a;
    }
  }
  return L;
}
