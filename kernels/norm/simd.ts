// AssemblyScript. The formulas are in loop.ts.
import { dot } from '../lanes.simd';

export function sumSquares(x: usize, n: i32): f64 {
  let even = f64x2.splat(0), odd = even;
  let at = 0;
  for (; at + 4 <= n; at += 4, x += 16) {
    const low = f64x2.promote_low_f32x4(v128.load64_zero(x)), high = f64x2.promote_low_f32x4(v128.load64_zero(x, 8));
    even = f64x2.add(even, f64x2.mul(low, low));
    odd = f64x2.add(odd, f64x2.mul(high, high));
  }
  const both = f64x2.add(even, odd);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; at < n; at++, x += 4) sum += <f64>load<f32>(x) * <f64>load<f32>(x);
  return sum;
}

export function clear(x: usize, n: i32): void {
  memory.fill(x, 0, <usize>n << 2);
}

export function addScaled(y: usize, x: usize, s: f32, n: i32): void {
  const by = f32x4.splat(s);
  let at = 0;
  for (; at + 4 <= n; at += 4, y += 16, x += 16) v128.store(y, f32x4.add(v128.load(y), f32x4.mul(by, v128.load(x))));
  for (; at < n; at++, y += 4, x += 4) store<f32>(y, load<f32>(y) + s * load<f32>(x));
}

export function scale(x: usize, s: f32, n: i32): void {
  const by = f32x4.splat(s);
  let at = 0;
  for (; at + 4 <= n; at += 4, x += 16) v128.store(x, f32x4.mul(v128.load(x), by));
  for (; at < n; at++, x += 4) store<f32>(x, load<f32>(x) * s);
}

export function l2Rows(X: usize, w: usize, R: i32, K: i32): f64 {
  let L: f64 = 0;
  for (let r = 0; r < R; r++, X += <usize>K << 2, w += 4) L += <f64>load<f32>(w) * <f64>dot(X, X, K);
  return L;
}

export function l2RowsGrad(dX: usize, X: usize, w: usize, R: i32, K: i32, dL: f32): void {
  for (let r = 0; r < R; r++, w += 4) {
    const g = <f32>2 * dL * load<f32>(w), gs = f32x4.splat(g);
    let k = 0;
    for (; k + 4 <= K; k += 4, dX += 16, X += 16) v128.store(dX, f32x4.add(v128.load(dX), f32x4.mul(gs, v128.load(X))));
    for (; k < K; k++, dX += 4, X += 4) store<f32>(dX, load<f32>(dX) + g * load<f32>(X));
  }
}
