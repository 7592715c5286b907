// AssemblyScript. The formulas are in loop.ts.
import { addLanes, addLanesWide, log1pExp, sigmoid } from '../lanes.simd';

export function bprLoss(x: usize, U: usize, V: usize, c: usize, u: usize, i: usize, j: usize, B: i32, K: i32): f64 {
  const bytes = <usize>K << 2;
  for (let b: usize = 0; b < <usize>B << 2; b += 4) {
    const liked = <usize>load<i32>(i + b), other = <usize>load<i32>(j + b);
    const bias = load<f32>(c + (liked << 2)) - load<f32>(c + (other << 2));
    store<f32>(x + b, bias + dotDifference(U + <usize>load<i32>(u + b) * bytes, V + liked * bytes, V + other * bytes, K));
  }

  let L: f64 = 0;
  let b = 0;
  for (; b + 4 <= B; b += 4, x += 16) L += addLanesWide(terms(v128.load(x)));
  for (; b < B; b++, x += 4) L += <f64>f32x4.extract_lane(terms(v128.load32_splat(x)), 0);
  return L;
}

/** -ln σ(x) = max(-x, 0) + ln(1 + e^-|x|) */
function terms(x: v128): v128 {
  return f32x4.add(f32x4.max(f32x4.neg(x), f32x4.splat(0)), log1pExp(x));
}

/** <a, p - q> */
function dotDifference(a: usize, p: usize, q: usize, K: i32): f32 {
  let s0 = f32x4.splat(0), s1 = s0;
  let k = 0;
  for (; k + 8 <= K; k += 8, a += 32, p += 32, q += 32) {
    s0 = f32x4.add(s0, f32x4.mul(v128.load(a), f32x4.sub(v128.load(p), v128.load(q))));
    s1 = f32x4.add(s1, f32x4.mul(v128.load(a, 16), f32x4.sub(v128.load(p, 16), v128.load(q, 16))));
  }
  let sum = addLanes(f32x4.add(s0, s1));
  for (; k < K; k++, a += 4, p += 4, q += 4) sum += load<f32>(a) * (load<f32>(p) - load<f32>(q));
  return sum;
}

export function bprGrad(
  dU: usize, dV: usize, dc: usize, x: usize, U: usize, V: usize,
  u: usize, i: usize, j: usize, B: i32, K: i32, dL: f32,
): void {
  const bytes = <usize>K << 2;
  for (let b: usize = 0; b < <usize>B << 2; b += 4) {
    const liked = <usize>load<i32>(i + b), other = <usize>load<i32>(j + b), user = <usize>load<i32>(u + b) * bytes;
    const g = -dL * f32x4.extract_lane(sigmoid(f32x4.neg(v128.load32_splat(x + b))), 0), gs = f32x4.splat(g);
    let a = U + user, da = dU + user;
    let p = V + liked * bytes, dp = dV + liked * bytes, q = V + other * bytes, dq = dV + other * bytes;
    let k = 0;
    for (; k + 4 <= K; k += 4, a += 16, p += 16, q += 16, da += 16, dp += 16, dq += 16) {
      v128.store(da, f32x4.add(v128.load(da), f32x4.mul(gs, f32x4.sub(v128.load(p), v128.load(q)))));
      const ga = f32x4.mul(gs, v128.load(a));
      v128.store(dp, f32x4.add(v128.load(dp), ga));
      v128.store(dq, f32x4.sub(v128.load(dq), ga)); // after dp is stored: i and j may be the same item
    }
    for (; k < K; k++, a += 4, p += 4, q += 4, da += 4, dp += 4, dq += 4) {
      store<f32>(da, load<f32>(da) + g * (load<f32>(p) - load<f32>(q)));
      const ga = g * load<f32>(a);
      store<f32>(dp, load<f32>(dp) + ga);
      store<f32>(dq, load<f32>(dq) - ga);
    }
    store<f32>(dc + (liked << 2), load<f32>(dc + (liked << 2)) + g);
    store<f32>(dc + (other << 2), load<f32>(dc + (other << 2)) - g);
  }
}
