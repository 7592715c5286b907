// AssemblyScript. The formulas are in loop.ts.
import { dotDifference, exp, lnProduct } from '../lanes.simd';
import { draw } from '../negatives.simd';

export function bprEpoch(
  U: usize, V: usize, c: usize, state: usize, u: usize, i: usize, pool: usize, met: usize, start: usize,
  n: i32, m: i32, K: i32, words: i32, tries: i32, rate: f32, l2U: f32, l2V: f32,
): f64 {
  if (n === 0) return 0;
  const bytes = <usize>K << 2, few = <u32>(0x100000000 % <u64>m), keepU: f32 = 1 - rate * l2U, keepV: f32 = 1 - rate * l2V, keepsU = f32x4.splat(keepU), keepsV = f32x4.splat(keepV);
  let L: f64 = 0, P: f64 = 1, done = 0; // L + ln P is the loss of the pairs so far
  for (const end = u + (<usize>n << 2); u < end; u += 4, i += 4) {
    const user = load<i32>(u), liked = load<i32>(i), other = draw(state, pool, m, few, met, start, words, tries, user, liked);
    if (other < 0) continue;

    let a = U + <usize>user * bytes, p = V + <usize>liked * bytes, q = V + <usize>other * bytes;
    const ofLiked = c + (<usize>liked << 2), ofOther = c + (<usize>other << 2);
    const x = load<f32>(ofLiked) - load<f32>(ofOther) + dotDifference(a, p, q, K);

    // z = e^-|x|: then σ(-x) is 1 / (1 + z) or z / (1 + z), and -ln σ(x) = max(-x, 0) + ln(1 + z), of which the logarithm is taken of 512 factors at once
    const z = f32x4.extract_lane(exp(f32x4.splat(-abs<f32>(x))), 0);
    L += <f64>max<f32>(-x, 0);
    P *= 1 + <f64>z;
    if ((++done & 511) === 0) { L += lnProduct(P); P = 1; }
    const step = rate * (x > 0 ? z : 1) / (1 + z), steps = f32x4.splat(step);
    store<f32>(ofLiked, load<f32>(ofLiked) + step);
    store<f32>(ofOther, load<f32>(ofOther) - step);

    let k = 0;
    for (; k + 16 <= K; k += 16, a += 64, p += 64, q += 64) {
      const a0 = v128.load(a), p0 = v128.load(p), q0 = v128.load(q), s0 = f32x4.mul(steps, a0);
      v128.store(a, f32x4.add(f32x4.mul(keepsU, a0), f32x4.mul(steps, f32x4.sub(p0, q0))));
      v128.store(p, f32x4.add(f32x4.mul(keepsV, p0), s0));
      v128.store(q, f32x4.sub(f32x4.mul(keepsV, q0), s0));
      const a1 = v128.load(a, 16), p1 = v128.load(p, 16), q1 = v128.load(q, 16), s1 = f32x4.mul(steps, a1);
      v128.store(a, f32x4.add(f32x4.mul(keepsU, a1), f32x4.mul(steps, f32x4.sub(p1, q1))), 16);
      v128.store(p, f32x4.add(f32x4.mul(keepsV, p1), s1), 16);
      v128.store(q, f32x4.sub(f32x4.mul(keepsV, q1), s1), 16);
      const a2 = v128.load(a, 32), p2 = v128.load(p, 32), q2 = v128.load(q, 32), s2 = f32x4.mul(steps, a2);
      v128.store(a, f32x4.add(f32x4.mul(keepsU, a2), f32x4.mul(steps, f32x4.sub(p2, q2))), 32);
      v128.store(p, f32x4.add(f32x4.mul(keepsV, p2), s2), 32);
      v128.store(q, f32x4.sub(f32x4.mul(keepsV, q2), s2), 32);
      const a3 = v128.load(a, 48), p3 = v128.load(p, 48), q3 = v128.load(q, 48), s3 = f32x4.mul(steps, a3);
      v128.store(a, f32x4.add(f32x4.mul(keepsU, a3), f32x4.mul(steps, f32x4.sub(p3, q3))), 48);
      v128.store(p, f32x4.add(f32x4.mul(keepsV, p3), s3), 48);
      v128.store(q, f32x4.sub(f32x4.mul(keepsV, q3), s3), 48);
    }
    for (; k + 4 <= K; k += 4, a += 16, p += 16, q += 16) {
      const a0 = v128.load(a), p0 = v128.load(p), q0 = v128.load(q), s0 = f32x4.mul(steps, a0);
      v128.store(a, f32x4.add(f32x4.mul(keepsU, a0), f32x4.mul(steps, f32x4.sub(p0, q0))));
      v128.store(p, f32x4.add(f32x4.mul(keepsV, p0), s0));
      v128.store(q, f32x4.sub(f32x4.mul(keepsV, q0), s0));
    }
    for (; k < K; k++, a += 4, p += 4, q += 4) {
      const a0 = load<f32>(a), p0 = load<f32>(p), q0 = load<f32>(q);
      store<f32>(a, keepU * a0 + step * (p0 - q0));
      store<f32>(p, keepV * p0 + step * a0);
      store<f32>(q, keepV * q0 - step * a0);
    }
  }
  store<i32>(state, load<i32>(state, 16) + done, 16);
  return L + lnProduct(P);
}
