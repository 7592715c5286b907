// AssemblyScript. The formulas are in loop.ts.
import { addLanesWide, dotDifference, log1pExpMinusAbs, sigmoid } from '../lanes.simd';

export function bprLoss(x: usize, U: usize, V: usize, c: usize, u: usize, i: usize, j: usize, B: i32, K: i32): f64 {
  const bytes = <usize>K << 2;
  for (let at: usize = 0; at < (<usize>B << 2); at += 4) {
    const liked = <usize>load<i32>(i + at), other = <usize>load<i32>(j + at);
    const bias = load<f32>(c + (liked << 2)) - load<f32>(c + (other << 2));
    store<f32>(x + at, bias + dotDifference(U + <usize>load<i32>(u + at) * bytes, V + liked * bytes, V + other * bytes, K));
  }

  let L: f64 = 0;
  let b = 0;
  for (; b + 4 <= B; b += 4, x += 16) L += addLanesWide(terms(v128.load(x)));
  for (; b < B; b++, x += 4) L += <f64>f32x4.extract_lane(terms(v128.load32_splat(x)), 0);
  return L;
}

/** -ln σ(x) = max(-x, 0) + ln(1 + e^-|x|) */
function terms(x: v128): v128 {
  return f32x4.add(f32x4.max(f32x4.neg(x), f32x4.splat(0)), log1pExpMinusAbs(x));
}

export function bprGrad(
  dU: usize, dV: usize, dc: usize, x: usize, U: usize, V: usize,
  u: usize, i: usize, j: usize, B: i32, K: i32, dL: f32,
): void {
  const bytes = <usize>K << 2;
  for (let at: usize = 0; at < (<usize>B << 2); at += 4) {
    const liked = <usize>load<i32>(i + at), other = <usize>load<i32>(j + at), user = <usize>load<i32>(u + at) * bytes;
    const g = -dL * f32x4.extract_lane(sigmoid(f32x4.neg(v128.load32_splat(x + at))), 0), gs = f32x4.splat(g);
    let a = U + user, da = dU + user;
    let p = V + liked * bytes, dp = dV + liked * bytes, q = V + other * bytes, dq = dV + other * bytes;
    let k = 0;
    for (; k + 16 <= K; k += 16, a += 64, p += 64, q += 64, da += 64, dp += 64, dq += 64) {
      v128.store(da, f32x4.add(v128.load(da), f32x4.mul(gs, f32x4.sub(v128.load(p), v128.load(q)))));
      const ga0 = f32x4.mul(gs, v128.load(a));
      v128.store(dp, f32x4.add(v128.load(dp), ga0));
      v128.store(dq, f32x4.sub(v128.load(dq), ga0));
      v128.store(da, f32x4.add(v128.load(da, 16), f32x4.mul(gs, f32x4.sub(v128.load(p, 16), v128.load(q, 16)))), 16);
      const ga1 = f32x4.mul(gs, v128.load(a, 16));
      v128.store(dp, f32x4.add(v128.load(dp, 16), ga1), 16);
      v128.store(dq, f32x4.sub(v128.load(dq, 16), ga1), 16);
      v128.store(da, f32x4.add(v128.load(da, 32), f32x4.mul(gs, f32x4.sub(v128.load(p, 32), v128.load(q, 32)))), 32);
      const ga2 = f32x4.mul(gs, v128.load(a, 32));
      v128.store(dp, f32x4.add(v128.load(dp, 32), ga2), 32);
      v128.store(dq, f32x4.sub(v128.load(dq, 32), ga2), 32);
      v128.store(da, f32x4.add(v128.load(da, 48), f32x4.mul(gs, f32x4.sub(v128.load(p, 48), v128.load(q, 48)))), 48);
      const ga3 = f32x4.mul(gs, v128.load(a, 48));
      v128.store(dp, f32x4.add(v128.load(dp, 48), ga3), 48);
      v128.store(dq, f32x4.sub(v128.load(dq, 48), ga3), 48);
    }
    for (; k + 4 <= K; k += 4, a += 16, p += 16, q += 16, da += 16, dp += 16, dq += 16) {
      v128.store(da, f32x4.add(v128.load(da), f32x4.mul(gs, f32x4.sub(v128.load(p), v128.load(q)))));
      const ga0 = f32x4.mul(gs, v128.load(a));
      v128.store(dp, f32x4.add(v128.load(dp), ga0));
      v128.store(dq, f32x4.sub(v128.load(dq), ga0));
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
