/** Random: a seeded generator. Whoever draws is given one, so that a seed decides everything. */
export interface Random {
  /** uint32: an integer in 0 .. 2^32 - 1, each equally likely. */
  uint32(): number;
  /** below: an integer in 0 .. n - 1, each equally likely (n up to 2^32; no modulo bias: Lemire's method up to 2^21, plain rejection above). */
  below(n: number): number;
  /** fillBelow: fills `out` with what as many calls of below(n) would give, quicker; n up to 2^21. */
  fillBelow(out: Int32Array, n: number): void;
  /** uniform: a number in [0, 1) with 24 random bits, exact in float32. */
  uniform(): number;
  /** normal: a standard normal deviate (Marsaglia's polar method). */
  normal(): number;
  /** shuffle: Fisher-Yates, in place; returns the array. */
  shuffle<T extends Int32Array>(ids: T): T;
  /** state: five numbers from which `restoreRandom`, or `restore` of any generator, goes on exactly here. */
  state(): number[];
  /** restore: goes on where the generator whose `state()` this was stood. */
  restore(state: readonly number[]): void;
}

/**
 * random: the one generator of tightrec, xoshiro128** (Blackman and Vigna, 2018), seeded through splitmix32. The same seed gives the same
 * numbers on every machine: integer arithmetic only, and Math.log and Math.sqrt in `normal`.
 */
export function random(seed: number): Random {
  // what a whole number below 2^32 does not say: the part above, which is -1 for a negative seed, and the fraction
  const whole = Math.floor(seed), high = Math.floor(whole / 2 ** 32) >>> 0, fraction = ((seed - whole) * 2 ** 32) >>> 0;
  // splitmix32 spreads a small seed over the 128 bits of state, never all zero
  let z = whole ^ scramble(high) ^ scramble(scramble(fraction));
  const next = (): number => scramble(z = (z + 0x9e3779b9) | 0);
  const state = [next(), next(), next() ^ high, next() ^ fraction]; // so no two such seeds share a state
  return fromState(state[0], state[1], state[2], state[3], Number.NaN);
}

/** The last step of splitmix32: 32 bits in, 32 bits out, one to one, 0 to 0. */
function scramble(bits: number): number {
  let t = bits ^ (bits >>> 16);
  t = Math.imul(t, 0x21f0aaad);
  t ^= t >>> 15;
  t = Math.imul(t, 0x735a2d97);
  return t ^ (t >>> 15);
}

/** restoreRandom: the generator that goes on where the one whose `state()` this was stood. */
export function restoreRandom(state: readonly number[]): Random {
  return fromState(state[0], state[1], state[2], state[3], state[4] ?? Number.NaN);
}

function fromState(a: number, b: number, c: number, d: number, spare: number): Random {
  const s = Int32Array.of(a, b, c, d); // in a typed array, not in variables: V8 would make each new number a heap object
  const uint32 = (): number => {
    const product = Math.imul(s[1], 5), t = s[1] << 9;
    s[2] ^= s[0]; s[3] ^= s[1]; s[1] ^= s[2]; s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
  };
  const below = (n: number): number => {
    // x n in 64 bits: its high half is the result; a few of the lowest products would favour some results and are drawn again (Lemire, 2019)
    if (n <= 0x200000) {
      for (;;) {
        const product = uint32() * n, high = Math.floor(product * 2 ** -32), low = product - high * 2 ** 32; // exact: below 2^53
        if (low >= n || low >= 2 ** 32 % n) return high;
      }
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const x = uint32();
      if (!(x >= limit)) return x % n; // so put, n = NaN ends
    }
  };
  const fillBelow = (out: Int32Array, n: number): void => {
    if (n > 0x200000) { for (let at = 0; at < out.length; at++) out[at] = below(n); return; }
    fill(out, n, s);
  };
  const uniform = (): number => (uint32() >>> 8) * 2 ** -24;
  const normal = (): number => {
    if (!Number.isNaN(spare)) { const kept = spare; spare = Number.NaN; return kept; }
    for (;;) {
      const x = uniform() * 2 - 1, y = uniform() * 2 - 1, s = x * x + y * y;
      if (s >= 1 || s === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(s)) / s);
      spare = y * scale;
      return x * scale;
    }
  };
  const shuffle = <T extends Int32Array>(ids: T): T => {
    for (let at = ids.length - 1; at > 0; at--) {
      const other = below(at + 1), held = ids[at];
      ids[at] = ids[other];
      ids[other] = held;
    }
    return ids;
  };
  const restore = (state: readonly number[]): void => {
    s.set(state.slice(0, 4));
    spare = state[4] ?? Number.NaN;
  };
  return { uint32, below, fillBelow, uniform, normal, shuffle, state: () => [...Uint32Array.from(s), spare], restore };
}

/** The loop of fillBelow, with the state in variables while it runs: `below` and `uint32` written together. */
function fill(out: Int32Array, n: number, s: Int32Array): void {
  let s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
  const few = 2 ** 32 % n;
  for (let at = 0; at < out.length;) {
    const five = Math.imul(s1, 5), t = s1 << 9;
    s2 ^= s0; s3 ^= s1; s1 ^= s2; s0 ^= s3;
    s2 ^= t;
    s3 = (s3 << 11) | (s3 >>> 21);
    const product = (Math.imul((five << 7) | (five >>> 25), 9) >>> 0) * n, high = Math.floor(product * 2 ** -32);
    if (!(product - high * 2 ** 32 < few)) { out[at] = high; at++; } // so put, n = 0 ends
  }
  s[0] = s0; s[1] = s1; s[2] = s2; s[3] = s3;
}
