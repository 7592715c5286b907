/**
 * hybridWarpEpoch, hybridBprEpoch, hybridLogisticEpoch: a hybrid of features and factors by stochastic gradient descent with AdaGrad, in place: one pass
 * over n pairs (user, item). A user is the weighted sum of their features, and so is an item:
 *
 *   p[u] = Σ_f X[u, f] U[f]     q[i] = Σ_f Z[i, f] V[f]     each a vector of K, beside which biases add up, Σ_f X[u, f] b[f] and Σ_f Z[i, f] c[f]
 *   s(u, i) = <p[u], q[i]> + Σ_f X[u, f] b[f] + Σ_f Z[i, f] c[f]
 *
 * Pairs are ranked above a pair of the same user and an other item j, in whose margin the user's bias cancels, so that these two have no b:
 *
 *   x  = s(u, i) - s(u, j)
 *   hybridWarpEpoch      L = Σ w max(0, 1 - x)     g = dL/dx = -w      w = min(10, ln max(1, ⌊(N - 1) / t⌋))
 *   hybridBprEpoch       L = Σ -ln σ(x)            g = dL/dx = -σ(-x)
 *   hybridLogisticEpoch  L = Σ -ln σ(±s(u, i))     g = dL/ds = σ(s) - y     + where y is 1, - where it is 0
 *
 * In warp, j is the first of at most `draws` items drawn that is less than 1 behind i; it was draw t, and by how soon it came the rank of i among N items is
 * guessed. A drawn item that is i, or that u has met, counts as a draw and is passed over. Without such a j nothing is to be learned. In bpr, j is the first
 * that is neither i nor met. In logistic, a pair with y = 1 is followed by so many `negatives`, pairs of u and an item found as in bpr, with y = 0.
 *
 * Where L has the slope g, each number w of a table, and so the gradient d, has a rate of its own, which falls with the squares s of the gradients before:
 *
 *   d = g X[u, f] (q[i] - q[j]) + l2U U[f]     or, in logistic, g X[u, f] q[i] + l2U U[f]     for each feature f of u; so with b, where the vector is 1
 *   d = ±g Z[i, f] p[u] + l2V V[f]             + for i, - for j                               for each feature f of i, then of j; so with c
 *   w -= rate d / √s     s += d²               vectors as they were before the pair
 *
 * j is drawn from `pool`, each entry equally likely. What u has met is, by `words`: bit j of row u of `met`, a bitmap of so many int32 a row (words > 0; `start`
 * is not read); or, for 0, met[start[u] .. start[u + 1] - 1], ascending.
 *
 * Shapes: U, sU (user features, K); b, sb (user features); V, sV (item features, K); c, sc (item features); state (5): the four words of a xoshiro128** generator,
 * and the updates made, which it adds to; scratch (3 K), for vectors; u, i, y (n); pool (m), m > 0; X (users, user features) and Z (items, item features) in
 * CSR: row r has xValues[at] in column xIds[at] for xStart[r] <= at < xStart[r + 1]. Row-major. The sums s are above 0. L accumulates in float64. Returns L.
 *
 * Kula, "Metadata Embeddings for User and Item Cold-start Recommendations", 2015; Weston, Bengio, Usunier, "WSABIE: Scaling Up To Large Vocabulary Image
 * Annotation", 2011; Rendle et al., 2009; Duchi, Hazan, Singer, "Adaptive Subgradient Methods", 2011.
 */
export function hybridWarpEpoch(
  U: Float32Array, sU: Float32Array, V: Float32Array, sV: Float32Array, c: Float32Array, sc: Float32Array, state: Int32Array, scratch: Float32Array,
  u: Int32Array, i: Int32Array, pool: Int32Array, met: Int32Array, start: Int32Array,
  xStart: Int32Array, xIds: Int32Array, xValues: Float32Array, zStart: Int32Array, zIds: Int32Array, zValues: Float32Array,
  n: number, m: number, N: number, K: number, words: number, draws: number, rate: number, l2U: number, l2V: number,
): number {
  const few = 2 ** 32 % m, p = scratch.subarray(0, K), qi = scratch.subarray(K, 2 * K), qj = scratch.subarray(2 * K, 3 * K);
  let L = 0;
  for (let e = 0; e < n; e++) {
    const user = u[e], liked = i[e];
    addUp(p, U, xStart, xIds, xValues, user, K);
    addUp(qi, V, zStart, zIds, zValues, liked, K);
    const ahead = dot(p, qi, K) + biasOf(c, zStart, zIds, zValues, liked);
    for (let t = 1; t <= draws; t++) {
      const other = draw(state, pool, m, few, met, start, words, 1, user, liked);
      if (other < 0) continue;
      addUp(qj, V, zStart, zIds, zValues, other, K);
      const x = ahead - (dot(p, qj, K) + biasOf(c, zStart, zIds, zValues, other));
      if (x >= 1) continue;

      const w = Math.min(10, Math.log(Math.max(1, Math.floor((N - 1) / t)))), g = -w;
      L += w * (1 - x);
      for (let k = 0; k < K; k++) qj[k] = qi[k] - qj[k];
      move(U, sU, xStart, xIds, xValues, user, g, qj, K, rate, l2U);
      move(V, sV, zStart, zIds, zValues, liked, g, p, K, rate, l2V);
      move(V, sV, zStart, zIds, zValues, other, -g, p, K, rate, l2V);
      moveBias(c, sc, zStart, zIds, zValues, liked, g, rate, l2V);
      moveBias(c, sc, zStart, zIds, zValues, other, -g, rate, l2V);
      state[4]++;
      break;
    }
  }
  return L;
}

/** hybridBprEpoch: see hybridWarpEpoch. A pair for which `draws` draws give no j is skipped. */
export function hybridBprEpoch(
  U: Float32Array, sU: Float32Array, V: Float32Array, sV: Float32Array, c: Float32Array, sc: Float32Array, state: Int32Array, scratch: Float32Array,
  u: Int32Array, i: Int32Array, pool: Int32Array, met: Int32Array, start: Int32Array,
  xStart: Int32Array, xIds: Int32Array, xValues: Float32Array, zStart: Int32Array, zIds: Int32Array, zValues: Float32Array,
  n: number, m: number, K: number, words: number, draws: number, rate: number, l2U: number, l2V: number,
): number {
  const few = 2 ** 32 % m, p = scratch.subarray(0, K), qi = scratch.subarray(K, 2 * K), qj = scratch.subarray(2 * K, 3 * K);
  let L = 0;
  for (let e = 0; e < n; e++) {
    const user = u[e], liked = i[e], other = draw(state, pool, m, few, met, start, words, draws, user, liked);
    if (other < 0) continue;
    addUp(p, U, xStart, xIds, xValues, user, K);
    addUp(qi, V, zStart, zIds, zValues, liked, K);
    addUp(qj, V, zStart, zIds, zValues, other, K);
    for (let k = 0; k < K; k++) qj[k] = qi[k] - qj[k];
    const x = dot(p, qj, K) + biasOf(c, zStart, zIds, zValues, liked) - biasOf(c, zStart, zIds, zValues, other);

    // -ln σ(x) = ln(1 + e^-x), arranged so that the exponential cannot overflow
    L += Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    const g = -1 / (1 + Math.exp(x));
    move(U, sU, xStart, xIds, xValues, user, g, qj, K, rate, l2U);
    move(V, sV, zStart, zIds, zValues, liked, g, p, K, rate, l2V);
    move(V, sV, zStart, zIds, zValues, other, -g, p, K, rate, l2V);
    moveBias(c, sc, zStart, zIds, zValues, liked, g, rate, l2V);
    moveBias(c, sc, zStart, zIds, zValues, other, -g, rate, l2V);
    state[4]++;
  }
  return L;
}

/** hybridLogisticEpoch: see hybridWarpEpoch. A negative for which `draws` draws give no item is left out. */
export function hybridLogisticEpoch(
  U: Float32Array, sU: Float32Array, b: Float32Array, sb: Float32Array, V: Float32Array, sV: Float32Array, c: Float32Array, sc: Float32Array, state: Int32Array, scratch: Float32Array,
  u: Int32Array, i: Int32Array, y: Float32Array, pool: Int32Array, met: Int32Array, start: Int32Array,
  xStart: Int32Array, xIds: Int32Array, xValues: Float32Array, zStart: Int32Array, zIds: Int32Array, zValues: Float32Array,
  n: number, m: number, K: number, words: number, negatives: number, draws: number, rate: number, l2U: number, l2V: number,
): number {
  const few = 2 ** 32 % m, p = scratch.subarray(0, K), q = scratch.subarray(K, 2 * K);
  let L = 0;
  for (let e = 0; e < n; e++) {
    const user = u[e];
    for (let t = 0; t <= (y[e] > 0 ? negatives : 0); t++) {
      const item = t === 0 ? i[e] : draw(state, pool, m, few, met, start, words, draws, user, i[e]), label = t === 0 ? y[e] : 0;
      if (item < 0) continue;
      addUp(p, U, xStart, xIds, xValues, user, K);
      addUp(q, V, zStart, zIds, zValues, item, K);
      const s = dot(p, q, K) + biasOf(b, xStart, xIds, xValues, user) + biasOf(c, zStart, zIds, zValues, item), x = label > 0 ? s : -s;

      L += Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
      const g = 1 / (1 + Math.exp(-s)) - label;
      move(U, sU, xStart, xIds, xValues, user, g, q, K, rate, l2U);
      move(V, sV, zStart, zIds, zValues, item, g, p, K, rate, l2V);
      moveBias(b, sb, xStart, xIds, xValues, user, g, rate, l2U);
      moveBias(c, sc, zStart, zIds, zValues, item, g, rate, l2V);
      state[4]++;
    }
  }
  return L;
}

/** v = Σ_f A[row, f] W[f], with A in CSR. */
function addUp(v: Float32Array, W: Float32Array, start: Int32Array, ids: Int32Array, values: Float32Array, row: number, K: number): void {
  v.fill(0);
  for (let at = start[row]; at < start[row + 1]; at++) for (let k = 0; k < K; k++) v[k] += values[at] * W[ids[at] * K + k];
}

/** Σ_f A[row, f] b[f]. */
function biasOf(b: Float32Array, start: Int32Array, ids: Int32Array, values: Float32Array, row: number): number {
  let sum = 0;
  for (let at = start[row]; at < start[row + 1]; at++) sum += values[at] * b[ids[at]];
  return sum;
}

function dot(a: Float32Array, b: Float32Array, K: number): number {
  let sum = 0;
  for (let k = 0; k < K; k++) sum += a[k] * b[k];
  return sum;
}

/** W[f] against the gradient g A[row, f] v + l2 W[f], for each feature f of the row; S are the sums of squares. */
function move(W: Float32Array, S: Float32Array, start: Int32Array, ids: Int32Array, values: Float32Array, row: number, g: number, v: Float32Array, K: number, rate: number, l2: number): void {
  for (let at = start[row]; at < start[row + 1]; at++) {
    for (let k = 0, to = ids[at] * K; k < K; k++, to++) {
      const d = g * values[at] * v[k] + l2 * W[to];
      W[to] -= rate * d / Math.sqrt(S[to]);
      S[to] += d * d;
    }
  }
}

/** The same of biases. */
function moveBias(b: Float32Array, s: Float32Array, start: Int32Array, ids: Int32Array, values: Float32Array, row: number, g: number, rate: number, l2: number): void {
  for (let at = start[row]; at < start[row + 1]; at++) {
    const f = ids[at], d = g * values[at] + l2 * b[f];
    b[f] -= rate * d / Math.sqrt(s[f]);
    s[f] += d * d;
  }
}

/** An item of the pool that is neither `liked` nor met by the user, or -1 after so many draws. */
function draw(state: Int32Array, pool: Int32Array, m: number, few: number, met: Int32Array, start: Int32Array, words: number, draws: number, user: number, liked: number): number {
  for (let t = 0; t < draws; t++) {
    const item = pool[below(state, m, few)];
    if (item !== liked && !has(met, start, words, user, item)) return item;
  }
  return -1;
}

/** Whether the user has met the item. */
function has(met: Int32Array, start: Int32Array, words: number, user: number, item: number): boolean {
  if (words > 0) return (met[user * words + (item >> 5)] >> (item & 31) & 1) === 1;
  let low = start[user], high = start[user + 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (met[middle] < item) low = middle + 1;
    else high = middle;
  }
  return low < start[user + 1] && met[low] === item;
}

/** An integer in 0 .. m - 1, each equally likely: the high half of 32 random bits times m; a few low halves would favour some results. few = 2^32 mod m. */
function below(s: Int32Array, m: number, few: number): number {
  for (;;) {
    const five = Math.imul(s[1], 5), t = s[1] << 9;
    s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    const bits = Math.imul((five << 7) | (five >>> 25), 9);
    // the product has 64 bits, a number of JavaScript 53: its high half from two halves of `bits`
    if ((Math.imul(bits, m) >>> 0) >= few) return Math.floor(((bits >>> 16) * m + Math.floor((bits & 0xffff) * m / 65536)) / 65536);
  }
}
