// AssemblyScript. The formulas are in loop.ts.
import { addScaledRow, dot, movePair } from '../lanes.simd';

export function svdppEpoch(
  U: usize, V: usize, Y: usize, b: usize, c: usize, w: usize, u: usize, i: usize, r: usize, start: usize, ids: usize,
  n: i32, K: i32, mu: f32, rate: f32, l2: f32,
): f64 {
  const bytes = <usize>K << 2, keep: f32 = 1 - rate * l2, p = w, p0 = w + bytes;
  let L: f64 = 0;
  for (const end = u + (<usize>n << 2); u < end;) {
    const user = load<i32>(u), ofUser = b + (<usize>user << 2), bounds = start + (<usize>user << 2), row = U + <usize>user * bytes;
    const from = ids + (<usize>load<i32>(bounds) << 2), to = ids + (<usize>load<i32>(bounds, 4) << 2), s: f32 = 1 / sqrt<f32>(<f32>((to - from) >> 2));
    memory.fill(p0, 0, bytes);
    for (let j = from; j < to; j += 4) addScaledRow(p0, Y + <usize>load<i32>(j) * bytes, 1, K);
    scaleAdd(p0, row, s, K);
    memory.copy(p, p0, bytes);

    let kept: f32 = 1;
    for (; u < end && load<i32>(u) == user; u += 4, i += 4, r += 4) {
      const item = <usize>load<i32>(i), ofItem = c + (item << 2), q = V + item * bytes;
      const e = load<f32>(r) - (mu + load<f32>(ofUser) + load<f32>(ofItem) + dot(p, q, K)), step = rate * e;
      L += <f64>e * <f64>e;
      movePair(p, q, keep, 2 * step, step, K);
      store<f32>(ofUser, keep * load<f32>(ofUser) + step);
      store<f32>(ofItem, keep * load<f32>(ofItem) + step);
      kept *= keep;
    }

    half(p, p0, kept, K);
    scaleAdd(row, p, kept, K);
    for (let j = from; j < to; j += 4) scaleAddScaled(Y + <usize>load<i32>(j) * bytes, p, kept, s, K);
  }
  return L;
}

/** y[k] = s y[k] + x[k] */
function scaleAdd(y: usize, x: usize, s: f32, K: i32): void { scaleAddScaled(y, x, s, 1, K); }

/** y[k] = s y[k] + t x[k] */
function scaleAddScaled(y: usize, x: usize, s: f32, t: f32, K: i32): void {
  const ss = f32x4.splat(s), ts = f32x4.splat(t);
  let k = 0;
  for (; k + 8 <= K; k += 8, y += 32, x += 32) {
    v128.store(y, f32x4.add(f32x4.mul(ss, v128.load(y)), f32x4.mul(ts, v128.load(x))));
    v128.store(y, f32x4.add(f32x4.mul(ss, v128.load(y, 16)), f32x4.mul(ts, v128.load(x, 16))), 16);
  }
  for (; k + 4 <= K; k += 4, y += 16, x += 16) v128.store(y, f32x4.add(f32x4.mul(ss, v128.load(y)), f32x4.mul(ts, v128.load(x))));
  for (; k < K; k++, y += 4, x += 4) store<f32>(y, s * load<f32>(y) + t * load<f32>(x));
}

/** p[k] = (p[k] - kept p0[k]) / 2 */
function half(p: usize, p0: usize, kept: f32, K: i32): void { scaleAddScaled(p, p0, 0.5, -0.5 * kept, K); }
