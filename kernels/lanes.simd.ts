// What the simd.ts files share: AssemblyScript, four float32 lanes in a v128. Addresses are in bytes; sizes count elements.

/** Σ_k a[k] b[k], four partial sums at a time. */
export function dot(a: usize, b: usize, K: i32): f32 {
  let s0 = f32x4.splat(0), s1 = f32x4.splat(0), s2 = f32x4.splat(0), s3 = f32x4.splat(0);
  let k = 0;
  for (; k + 16 <= K; k += 16, a += 64, b += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), v128.load(b, 16)));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a, 32), v128.load(b, 32)));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a, 48), v128.load(b, 48)));
  }
  for (; k + 4 <= K; k += 4, a += 16, b += 16) s0 = f32x4.add(s0, f32x4.mul(v128.load(a), v128.load(b)));
  let sum = addLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; k < K; k++, a += 4, b += 4) sum += load<f32>(a) * load<f32>(b);
  return sum;
}

/** Σ_k a[k] (p[k] - q[k]), as dot. */
export function dotDifference(a: usize, p: usize, q: usize, K: i32): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  let k = 0;
  for (; k + 16 <= K; k += 16, a += 64, p += 64, q += 64) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), f32x4.sub(v128.load(p), v128.load(q))));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), f32x4.sub(v128.load(p, 16), v128.load(q, 16))));
    s2 = f32x4.add(s2, f32x4.mul(v128.load(a, 32), f32x4.sub(v128.load(p, 32), v128.load(q, 32))));
    s3 = f32x4.add(s3, f32x4.mul(v128.load(a, 48), f32x4.sub(v128.load(p, 48), v128.load(q, 48))));
  }
  for (; k + 4 <= K; k += 4, a += 16, p += 16, q += 16) s0 = f32x4.add(s0, f32x4.mul(v128.load(a), f32x4.sub(v128.load(p), v128.load(q))));
  let sum = addLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  for (; k < K; k++, a += 4, p += 4, q += 4) sum += load<f32>(a) * (load<f32>(p) - load<f32>(q));
  return sum;
}

/** y[k] += s x[k]. Sixteen at a time: stepping the addresses and the loop cost as much as the arithmetic otherwise. */
export function addScaledRow(y: usize, x: usize, s: f32, K: i32): void {
  const by = f32x4.splat(s);
  let k = 0;
  for (; k + 16 <= K; k += 16, y += 64, x += 64) {
    v128.store(y, f32x4.add(v128.load(y), f32x4.mul(by, v128.load(x))));
    v128.store(y, f32x4.add(v128.load(y, 16), f32x4.mul(by, v128.load(x, 16))), 16);
    v128.store(y, f32x4.add(v128.load(y, 32), f32x4.mul(by, v128.load(x, 32))), 32);
    v128.store(y, f32x4.add(v128.load(y, 48), f32x4.mul(by, v128.load(x, 48))), 48);
  }
  for (; k + 4 <= K; k += 4, y += 16, x += 16) v128.store(y, f32x4.add(v128.load(y), f32x4.mul(by, v128.load(x))));
  for (; k < K; k++, y += 4, x += 4) store<f32>(y, load<f32>(y) + s * load<f32>(x));
}

/** Two rows that move each other: a[k] = keep a[k] + step q[k] and q[k] = keep q[k] + back a[k], both from the rows as they were. */
export function movePair(a: usize, q: usize, keep: f32, step: f32, back: f32, K: i32): void {
  const keeps = f32x4.splat(keep), steps = f32x4.splat(step), backs = f32x4.splat(back);
  let k = 0;
  for (; k + 16 <= K; k += 16, a += 64, q += 64) {
    const a0 = v128.load(a), q0 = v128.load(q);
    v128.store(a, f32x4.add(f32x4.mul(keeps, a0), f32x4.mul(steps, q0)));
    v128.store(q, f32x4.add(f32x4.mul(keeps, q0), f32x4.mul(backs, a0)));
    const a1 = v128.load(a, 16), q1 = v128.load(q, 16);
    v128.store(a, f32x4.add(f32x4.mul(keeps, a1), f32x4.mul(steps, q1)), 16);
    v128.store(q, f32x4.add(f32x4.mul(keeps, q1), f32x4.mul(backs, a1)), 16);
    const a2 = v128.load(a, 32), q2 = v128.load(q, 32);
    v128.store(a, f32x4.add(f32x4.mul(keeps, a2), f32x4.mul(steps, q2)), 32);
    v128.store(q, f32x4.add(f32x4.mul(keeps, q2), f32x4.mul(backs, a2)), 32);
    const a3 = v128.load(a, 48), q3 = v128.load(q, 48);
    v128.store(a, f32x4.add(f32x4.mul(keeps, a3), f32x4.mul(steps, q3)), 48);
    v128.store(q, f32x4.add(f32x4.mul(keeps, q3), f32x4.mul(backs, a3)), 48);
  }
  for (; k + 4 <= K; k += 4, a += 16, q += 16) {
    const a0 = v128.load(a), q0 = v128.load(q);
    v128.store(a, f32x4.add(f32x4.mul(keeps, a0), f32x4.mul(steps, q0)));
    v128.store(q, f32x4.add(f32x4.mul(keeps, q0), f32x4.mul(backs, a0)));
  }
  for (; k < K; k++, a += 4, q += 4) {
    const a0 = load<f32>(a), q0 = load<f32>(q);
    store<f32>(a, keep * a0 + step * q0);
    store<f32>(q, keep * q0 + back * a0);
  }
}

/** max_n x[n]; -Infinity of nothing, NaN is passed over: the sum will have it. */
export function highest(x: usize, N: i32): f32 {
  let m0 = f32x4.splat(-<f32>Infinity), m1 = m0, m2 = m0, m3 = m0;
  let n = 0;
  for (; n + 16 <= N; n += 16, x += 64) {
    m0 = f32x4.pmax(m0, v128.load(x));
    m1 = f32x4.pmax(m1, v128.load(x, 16));
    m2 = f32x4.pmax(m2, v128.load(x, 32));
    m3 = f32x4.pmax(m3, v128.load(x, 48));
  }
  for (; n + 4 <= N; n += 4, x += 16) m0 = f32x4.pmax(m0, v128.load(x));
  for (; n < N; n++, x += 4) m1 = f32x4.pmax(m1, v128.load32_splat(x));
  m0 = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3));
  return max<f32>(max<f32>(f32x4.extract_lane(m0, 0), f32x4.extract_lane(m0, 1)), max<f32>(f32x4.extract_lane(m0, 2), f32x4.extract_lane(m0, 3)));
}

/** The four lanes, added. */
export function addLanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** The four lanes, widened to float64 and added. */
export function addLanesWide(x: v128): f64 {
  const low = f64x2.promote_low_f32x4(x), high = f64x2.promote_low_f32x4(i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const both = f64x2.add(low, high);
  return f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
}

/** e^x in each lane, to about one unit in the last place; x is held to -87.3 .. 88. After Cephes' expf: x = n ln 2 + r, then a polynomial in r. */
export function exp(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.33654)), f32x4.splat(88.0)); // pmin and pmax are one instruction each, and hand NaN on in this order
  // n rounded by adding 1.5 · 2^23: then its bits are the last ones of the sum, with no conversion to integers
  const turned = f32x4.add(f32x4.mul(x, f32x4.splat(1.44269504)), f32x4.splat(12582912)), n = f32x4.sub(turned, f32x4.splat(12582912));
  // ln 2 in two pieces, so that r keeps its last bits
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  return f32x4.mul(p, i32x4.shl(i32x4.add(turned, i32x4.splat(127)), 23)); // p times 2^n, made of its bits
}

/** e^(a - b) in each lane; zero where `exp` stops, so that a class which cannot be (a is -Infinity) has no share and no gradient, and nothing turns denormal. */
export function expDifference(a: v128, b: v128): v128 {
  const ln = f32x4.sub(a, b);
  return v128.andnot(exp(ln), f32x4.lt(ln, f32x4.splat(-87.33654)));
}

/** ln x in each lane for positive, normal x. After Cephes' logf: x = m 2^e with m near 1, then a polynomial in m - 1. */
export function log(x: v128): v128 {
  let e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(x, 23), i32x4.splat(126)));
  let m = v128.or(v128.and(x, i32x4.splat(0x007fffff)), f32x4.splat(0.5)); // 0.5 <= m < 1
  const small = f32x4.lt(m, f32x4.splat(0.707106781));
  e = f32x4.sub(e, v128.and(small, f32x4.splat(1)));
  m = f32x4.sub(f32x4.add(m, v128.and(small, m)), f32x4.splat(1));
  const m2 = f32x4.mul(m, m);
  let p = f32x4.splat(7.0376836292e-2);
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.1514610310e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(1.1676998740e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.2420140846e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(1.4249322787e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.6668057665e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(2.0000714765e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-2.4999993993e-1));
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(3.3333331174e-1));
  p = f32x4.mul(f32x4.mul(p, m), m2);
  p = f32x4.add(p, f32x4.mul(e, f32x4.splat(-2.12194440e-4)));
  p = f32x4.sub(p, f32x4.mul(m2, f32x4.splat(0.5)));
  return f32x4.add(f32x4.add(p, m), f32x4.mul(e, f32x4.splat(0.693359375)));
}

/** ln(1 + z) in each lane for 0 <= z <= 1. The rounding of 1 + z is undone by the quotient (Kahan), so that a tiny z is not lost. */
export function log1p(z: v128): v128 {
  const u = f32x4.add(z, f32x4.splat(1)), d = f32x4.sub(u, f32x4.splat(1));
  const tiny = f32x4.eq(d, f32x4.splat(0));
  return v128.bitselect(z, f32x4.mul(log(u), f32x4.div(z, d)), tiny);
}

/** ln P for 1 <= P < 2^1023: P = m 2^e. */
export function lnProduct(P: f64): f64 {
  const bits = reinterpret<u64>(P), e = <i32>(bits >> 52) - 1023, m = reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (!(P < Infinity)) return P; // NaN stays
  return <f64>e * 0.6931471805599453 + <f64>f32x4.extract_lane(log1p(f32x4.splat(<f32>(m - 1))), 0);
}

/** ln(1 + e^-|x|) in each lane: the exponential cannot overflow. */
export function log1pExpMinusAbs(x: v128): v128 {
  return log1p(exp(f32x4.neg(f32x4.abs(x))));
}

/** σ(x) = 1 / (1 + e^-x) in each lane. */
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}

/** tanh x in each lane, to about one unit in the last place, of a tiny x as well. */
export function tanh(x: v128): v128 {
  return tanhFrom(x, exp(f32x4.mul(f32x4.abs(x), f32x4.splat(-2))));
}

/**
 * tanh x where e = e^(-2|x|) is there already: (1 - e) / (1 + e) with the sign of x. Near zero 1 - e would lose its digits; there, after
 * Cephes' tanhf, x plus a polynomial.
 */
export function tanhFrom(x: v128, e: v128): v128 {
  const one = f32x4.splat(1), far = f32x4.div(f32x4.sub(one, e), f32x4.add(one, e)), x2 = f32x4.mul(x, x);
  let p = f32x4.splat(-5.70498872745e-3);
  p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(2.06390887954e-2));
  p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(-5.37397155531e-2));
  p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(1.33314422036e-1));
  p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(-3.33332819422e-1));
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, x2), x), x), sign = i32x4.splat(0x80000000);
  return v128.bitselect(near, v128.bitselect(x, far, sign), f32x4.lt(f32x4.abs(x), f32x4.splat(0.625)));
}

/** 1 where the list of k ids holds `id` (which is not negative), else 0. */
export function holds(list: usize, k: i32, id: i32): i32 {
  if (id < 0) return 0;
  const wanted = i32x4.splat(id);
  let at = 0;
  for (; at + 4 <= k; at += 4, list += 16) if (v128.any_true(i32x4.eq(v128.load(list), wanted))) return 1;
  for (; at < k; at++, list += 4) if (load<i32>(list) == id) return 1;
  return 0;
}
