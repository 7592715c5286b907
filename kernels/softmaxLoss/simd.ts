// AssemblyScript. The formulas are in loop.ts.
import { addLanesWide, exp, expDifference, highest, log } from '../lanes.simd';

export function softmaxLoss(lse: usize, X: usize, y: usize, B: i32, N: i32): f64 {
  const bytes = <usize>N << 2;
  let L: f64 = 0;
  for (let b = 0; b < B; b++, X += bytes, lse += 4, y += 4) {
    const most = highest(X, N), sum = sumExp(X, most, N), came = load<i32>(y);
    // the vector log knows positive numbers only: no classes at all are a sum of zero, and NaN stays NaN
    const ln = sum > 0 ? f32x4.extract_lane(log(f32x4.splat(<f32>sum)), 0) : sum == 0 ? -<f32>Infinity : <f32>NaN;
    store<f32>(lse, most + ln);
    if (came >= 0) L += <f64>most - <f64>load<f32>(X + (<usize>came << 2)) + <f64>ln;
  }
  return L;
}

/** Σ_n e^(x[n] - most), the sums of a few hundred numbers in float32 and theirs in float64: a million classes cost no digits. */
function sumExp(x: usize, most: f32, N: i32): f64 {
  const ms = f32x4.splat(most);
  let sum: f64 = 0;
  let n = 0;
  for (; n + 16 <= N;) {
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (const end = min(N, n + 512); n + 16 <= end; n += 16, x += 64) {
      s0 = f32x4.add(s0, exp(f32x4.sub(v128.load(x), ms)));
      s1 = f32x4.add(s1, exp(f32x4.sub(v128.load(x, 16), ms)));
      s2 = f32x4.add(s2, exp(f32x4.sub(v128.load(x, 32), ms)));
      s3 = f32x4.add(s3, exp(f32x4.sub(v128.load(x, 48), ms)));
    }
    sum += addLanesWide(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
  }
  let s = f32x4.splat(0);
  for (; n + 4 <= N; n += 4, x += 16) s = f32x4.add(s, exp(f32x4.sub(v128.load(x), ms)));
  sum += addLanesWide(s);
  for (; n < N; n++, x += 4) sum += <f64>f32x4.extract_lane(exp(f32x4.sub(v128.load32_splat(x), ms)), 0);
  return sum;
}

export function softmaxLossGrad(dX: usize, lse: usize, X: usize, y: usize, B: i32, N: i32, dL: f32): void {
  const bytes = <usize>N << 2;
  for (let b = 0; b < B; b++, dX += bytes, X += bytes, lse += 4, y += 4) {
    const came = load<i32>(y);
    if (came < 0) continue;
    // the class that came is put right afterwards: p - 1 first and then dL, as in the loop, so that nothing cancels
    const at = dX + (<usize>came << 2), before = load<f32>(at), z = load<f32>(lse);
    addShares(dX, X, z, N, dL);
    store<f32>(at, before + dL * (f32x4.extract_lane(expDifference(v128.load32_splat(X + (<usize>came << 2)), f32x4.splat(z)), 0) - 1));
  }
}

/** dx[n] += dL p[n] */
function addShares(dx: usize, x: usize, lse: f32, N: i32, dL: f32): void {
  const z = f32x4.splat(lse), g = f32x4.splat(dL);
  let n = 0;
  for (; n + 16 <= N; n += 16, dx += 64, x += 64) {
    v128.store(dx, f32x4.add(v128.load(dx), f32x4.mul(g, expDifference(v128.load(x), z))));
    v128.store(dx, f32x4.add(v128.load(dx, 16), f32x4.mul(g, expDifference(v128.load(x, 16), z))), 16);
    v128.store(dx, f32x4.add(v128.load(dx, 32), f32x4.mul(g, expDifference(v128.load(x, 32), z))), 32);
    v128.store(dx, f32x4.add(v128.load(dx, 48), f32x4.mul(g, expDifference(v128.load(x, 48), z))), 48);
  }
  for (; n + 4 <= N; n += 4, dx += 16, x += 16) v128.store(dx, f32x4.add(v128.load(dx), f32x4.mul(g, expDifference(v128.load(x), z))));
  for (; n < N; n++, dx += 4, x += 4) store<f32>(dx, load<f32>(dx) + dL * f32x4.extract_lane(expDifference(v128.load32_splat(x), z), 0));
}
