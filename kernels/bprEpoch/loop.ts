/**
 * bprEpoch: Bayesian Personalised Ranking by stochastic gradient descent, in place: one pass over n pairs (user, liked item), each with an other
 * item drawn at random.
 *
 *   x  = c[i] - c[j] + <U[u], V[i] - V[j]>     how far the liked item i beats the other item j
 *   g  = σ(-x)                                 minus the derivative of -ln σ(x), between 0 and 1
 *
 *   U[u] += rate (g (V[i] - V[j]) - l2U U[u])     V[i] += rate (g U[u] - l2V V[i])     V[j] += rate (-g U[u] - l2V V[j])
 *   c[i] += rate g     c[j] -= rate g            all from the rows as they were before this pair
 *
 *   L  = Σ -ln σ(x)                            each margin taken just before its update; regularisation left out
 *
 * j is drawn from `pool`, each entry equally likely: list each item once for uniform draws, or the items of the events for draws by popularity.
 * A j that is i, or that u has met, is thrown away and drawn again, `tries` draws at most; then the pair is skipped. What u has met is, by `words`:
 *
 *   words > 0      bit j of row u of `met`, a bitmap of so many int32 a row; `start` is not read
 *   words = 0      met[start[u] .. start[u + 1] - 1], ascending
 *   words = -1     never asked; neither `met` nor `start` is read
 *
 * Shapes: U (nUsers, K); V (nItems, K); c (nItems); state (5): the four words of a xoshiro128** generator, and the pairs that were not skipped,
 * which it adds to; u, i (n); pool (m), m > 0; met and start as above. Row-major. L accumulates in float64. Returns L.
 *
 * Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", 2009; Blackman and Vigna, "Scrambled Linear Pseudorandom Number
 * Generators", 2018; Lemire, "Fast Random Integer Generation in an Interval", 2019.
 */
export function bprEpoch(
  U: Float32Array, V: Float32Array, c: Float32Array, state: Int32Array,
  u: Int32Array, i: Int32Array, pool: Int32Array, met: Int32Array, start: Int32Array,
  n: number, m: number, K: number, words: number, tries: number, rate: number, l2U: number, l2V: number,
): number {
  const few = 2 ** 32 % m, keepU = 1 - rate * l2U, keepV = 1 - rate * l2V;
  let L = 0;
  for (let b = 0; b < n; b++) {
    let j = -1;
    for (let t = 0; t < tries && j < 0; t++) {
      const item = pool[below(state, m, few)];
      if (item !== i[b] && !has(met, start, words, u[b], item)) j = item;
    }
    if (j < 0) continue;

    const user = u[b] * K, liked = i[b] * K, other = j * K;
    let x = c[i[b]] - c[j];
    for (let k = 0; k < K; k++) x += U[user + k] * (V[liked + k] - V[other + k]);

    // -ln σ(x) = ln(1 + e^-x), arranged so that the exponential cannot overflow
    L += Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    const step = rate / (1 + Math.exp(x));
    for (let k = 0; k < K; k++) {
      const a = U[user + k], p = V[liked + k], q = V[other + k];
      U[user + k] = keepU * a + step * (p - q);
      V[liked + k] = keepV * p + step * a;
      V[other + k] = keepV * q - step * a;
    }
    c[i[b]] += step;
    c[j] -= step;
    state[4]++;
  }
  return L;
}

/** Whether the user has met the item. */
function has(met: Int32Array, start: Int32Array, words: number, user: number, item: number): boolean {
  if (words < 0) return false;
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
