// AssemblyScript. The formulas are in loop.ts.
import { dot, movePair } from '../lanes.simd';

export function mfEpoch(U: usize, V: usize, b: usize, c: usize, u: usize, i: usize, r: usize, n: i32, K: i32, mu: f32, rate: f32, l2: f32): f64 {
  const bytes = <usize>K << 2, keep: f32 = 1 - rate * l2;
  let L: f64 = 0;
  for (const end = u + (<usize>n << 2); u < end; u += 4, i += 4, r += 4) {
    const user = <usize>load<i32>(u), item = <usize>load<i32>(i), ofUser = b + (user << 2), ofItem = c + (item << 2), a = U + user * bytes, q = V + item * bytes;
    const e = load<f32>(r) - (mu + load<f32>(ofUser) + load<f32>(ofItem) + dot(a, q, K)), step = rate * e;
    L += <f64>e * <f64>e;
    movePair(a, q, keep, step, step, K);
    store<f32>(ofUser, keep * load<f32>(ofUser) + step);
    store<f32>(ofItem, keep * load<f32>(ofItem) + step);
  }
  return L;
}
