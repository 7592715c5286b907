// AssemblyScript. The formulas are in loop.ts.
import { dot } from '../lanes.simd';

export function mfEpoch(U: usize, V: usize, b: usize, c: usize, u: usize, i: usize, r: usize, n: i32, K: i32, mu: f32, rate: f32, l2: f32): f64 {
  const bytes = <usize>K << 2, keep: f32 = 1 - rate * l2, keeps = f32x4.splat(keep);
  let L: f64 = 0;
  for (const end = u + (<usize>n << 2); u < end; u += 4, i += 4, r += 4) {
    const user = <usize>load<i32>(u), item = <usize>load<i32>(i), ofUser = b + (user << 2), ofItem = c + (item << 2);
    let a = U + user * bytes, q = V + item * bytes;
    const e = load<f32>(r) - (mu + load<f32>(ofUser) + load<f32>(ofItem) + dot(a, q, K));
    const step = rate * e, steps = f32x4.splat(step);
    L += <f64>e * <f64>e;
    store<f32>(ofUser, keep * load<f32>(ofUser) + step);
    store<f32>(ofItem, keep * load<f32>(ofItem) + step);

    let k = 0;
    for (; k + 16 <= K; k += 16, a += 64, q += 64) {
      const a0 = v128.load(a), q0 = v128.load(q);
      v128.store(a, f32x4.add(f32x4.mul(keeps, a0), f32x4.mul(steps, q0)));
      v128.store(q, f32x4.add(f32x4.mul(keeps, q0), f32x4.mul(steps, a0)));
      const a1 = v128.load(a, 16), q1 = v128.load(q, 16);
      v128.store(a, f32x4.add(f32x4.mul(keeps, a1), f32x4.mul(steps, q1)), 16);
      v128.store(q, f32x4.add(f32x4.mul(keeps, q1), f32x4.mul(steps, a1)), 16);
      const a2 = v128.load(a, 32), q2 = v128.load(q, 32);
      v128.store(a, f32x4.add(f32x4.mul(keeps, a2), f32x4.mul(steps, q2)), 32);
      v128.store(q, f32x4.add(f32x4.mul(keeps, q2), f32x4.mul(steps, a2)), 32);
      const a3 = v128.load(a, 48), q3 = v128.load(q, 48);
      v128.store(a, f32x4.add(f32x4.mul(keeps, a3), f32x4.mul(steps, q3)), 48);
      v128.store(q, f32x4.add(f32x4.mul(keeps, q3), f32x4.mul(steps, a3)), 48);
    }
    for (; k + 4 <= K; k += 4, a += 16, q += 16) {
      const a0 = v128.load(a), q0 = v128.load(q);
      v128.store(a, f32x4.add(f32x4.mul(keeps, a0), f32x4.mul(steps, q0)));
      v128.store(q, f32x4.add(f32x4.mul(keeps, q0), f32x4.mul(steps, a0)));
    }
    for (; k < K; k++, a += 4, q += 4) {
      const a0 = load<f32>(a), q0 = load<f32>(q);
      store<f32>(a, keep * a0 + step * q0);
      store<f32>(q, keep * q0 + step * a0);
    }
  }
  return L;
}
