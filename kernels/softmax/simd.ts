// AssemblyScript. The formulas are in loop.ts.
import { addLanes, dot, expDifference, highest } from '../lanes.simd';

export function softmax(P: usize, X: usize, B: i32, N: i32): void {
  const bytes = <usize>N << 2;
  for (let b = 0; b < B; b++, P += bytes, X += bytes) {
    const most = f32x4.splat(highest(X, N));
    let sums = f32x4.splat(0), sum: f32 = 0, n = 0;
    let p = P, x = X;
    for (; n + 4 <= N; n += 4, p += 16, x += 16) {
      const e = expDifference(v128.load(x), most);
      v128.store(p, e);
      sums = f32x4.add(sums, e);
    }
    for (; n < N; n++, p += 4, x += 4) {
      const e = f32x4.extract_lane(expDifference(v128.load32_splat(x), most), 0);
      store<f32>(p, e);
      sum += e;
    }
    sum += addLanes(sums);
    const all = f32x4.splat(sum);
    for (n = 0, p = P; n + 4 <= N; n += 4, p += 16) v128.store(p, f32x4.div(v128.load(p), all));
    for (; n < N; n++, p += 4) store<f32>(p, load<f32>(p) / sum);
  }
}

export function softmaxGrad(dX: usize, P: usize, dP: usize, B: i32, N: i32): void {
  const bytes = <usize>N << 2;
  for (let b = 0; b < B; b++, dX += bytes, P += bytes, dP += bytes) {
    const mean = dot(P, dP, N), means = f32x4.splat(mean);
    let dx = dX, p = P, dp = dP, n = 0;
    for (; n + 4 <= N; n += 4, dx += 16, p += 16, dp += 16) v128.store(dx, f32x4.add(v128.load(dx), f32x4.mul(v128.load(p), f32x4.sub(v128.load(dp), means))));
    for (; n < N; n++, dx += 4, p += 4, dp += 4) store<f32>(dx, load<f32>(dx) + load<f32>(p) * (load<f32>(dp) - mean));
  }
}
