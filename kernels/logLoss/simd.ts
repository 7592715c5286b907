// AssemblyScript. The formulas are in loop.ts.
import { addLanesWide, log1pExpMinusAbs, sigmoid } from '../lanes.simd';

export function logLoss(x: usize, y: usize, B: i32): f64 {
  let L: f64 = 0;
  let b = 0;
  for (; b + 4 <= B; b += 4, x += 16, y += 16) L += addLanesWide(terms(v128.load(x), v128.load(y)));
  for (; b < B; b++, x += 4, y += 4) L += <f64>f32x4.extract_lane(terms(v128.load32_splat(x), v128.load32_splat(y)), 0);
  return L;
}

/** max(x, 0) - x y + ln(1 + e^-|x|), in this order: for y = 0 and y = 1 nothing cancels, and a small loss keeps its digits. */
function terms(x: v128, y: v128): v128 {
  return f32x4.add(f32x4.sub(f32x4.max(x, f32x4.splat(0)), f32x4.mul(x, y)), log1pExpMinusAbs(x));
}

export function logLossGrad(dx: usize, x: usize, y: usize, B: i32, dL: f32): void {
  const g = f32x4.splat(dL);
  let b = 0;
  for (; b + 4 <= B; b += 4, dx += 16, x += 16, y += 16) {
    v128.store(dx, f32x4.add(v128.load(dx), f32x4.mul(g, slopes(v128.load(x), v128.load(y)))));
  }
  for (; b < B; b++, dx += 4, x += 4, y += 4) {
    store<f32>(dx, load<f32>(dx) + dL * f32x4.extract_lane(slopes(v128.load32_splat(x), v128.load32_splat(y)), 0));
  }
}

/** σ(x) - y, for x >= 0 as (1 - y) - σ(-x): the gradient of a positive that is all but certain is small, not zero. */
function slopes(x: v128, y: v128): v128 {
  const s = sigmoid(f32x4.neg(f32x4.abs(x))); // the smaller of σ(x) and σ(-x)
  return v128.bitselect(f32x4.sub(f32x4.sub(f32x4.splat(1), y), s), f32x4.sub(s, y), f32x4.ge(x, f32x4.splat(0)));
}
