// AssemblyScript. The formulas are in loop.ts.
import { addScaledRow } from '../lanes.simd';

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

export function settle(x: usize, n: i32, least: f32): void {
  const leasts = f32x4.splat(least);
  let at = 0;
  for (; at + 4 <= n; at += 4, x += 16) {
    const xs = v128.load(x);
    v128.store(x, v128.andnot(xs, f32x4.lt(f32x4.abs(xs), leasts))); // NaN is not less than anything, and stays
  }
  for (; at < n; at++, x += 4) if (abs<f32>(load<f32>(x)) < least) store<f32>(x, 0);
}

export function addScaled(y: usize, x: usize, n: i32, s: f32): void {
  addScaledRow(y, x, s, n);
}

export function scale(x: usize, n: i32, s: f32): void {
  const by = f32x4.splat(s);
  let at = 0;
  for (; at + 4 <= n; at += 4, x += 16) v128.store(x, f32x4.mul(v128.load(x), by));
  for (; at < n; at++, x += 4) store<f32>(x, load<f32>(x) * s);
}
