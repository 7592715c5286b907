// AssemblyScript. The formulas are in loop.ts.
import { addLanes } from '../lanes.simd';

export function layerNorm(Y: usize, m: usize, r: usize, X: usize, gain: usize, shift: usize, B: i32, N: i32, eps: f32): void {
  const bytes = <usize>N << 2;
  for (let b = 0; b < B; b++, Y += bytes, X += bytes, m += 4, r += 4) {
    const mean = sum(X, N) / <f32>N, inverse = <f32>1 / sqrt<f32>(sumDeviations(X, mean, N) / <f32>N + eps);
    store<f32>(m, mean);
    store<f32>(r, inverse);
    const means = f32x4.splat(mean), inverses = f32x4.splat(inverse);
    let y = Y, x = X, a = gain, c = shift, n = 0;
    for (; n + 4 <= N; n += 4, y += 16, x += 16, a += 16, c += 16) {
      v128.store(y, f32x4.add(f32x4.mul(f32x4.mul(v128.load(a), f32x4.sub(v128.load(x), means)), inverses), v128.load(c)));
    }
    for (; n < N; n++, y += 4, x += 4, a += 4, c += 4) store<f32>(y, load<f32>(a) * (load<f32>(x) - mean) * inverse + load<f32>(c));
  }
}

function sum(x: usize, N: i32): f32 {
  let sums = f32x4.splat(0), rest: f32 = 0, n = 0;
  for (; n + 4 <= N; n += 4, x += 16) sums = f32x4.add(sums, v128.load(x));
  for (; n < N; n++, x += 4) rest += load<f32>(x);
  return addLanes(sums) + rest;
}

/** Σ_n (x[n] - mean)² */
function sumDeviations(x: usize, mean: f32, N: i32): f32 {
  const means = f32x4.splat(mean);
  let sums = f32x4.splat(0), rest: f32 = 0, n = 0;
  for (; n + 4 <= N; n += 4, x += 16) {
    const d = f32x4.sub(v128.load(x), means);
    sums = f32x4.add(sums, f32x4.mul(d, d));
  }
  for (; n < N; n++, x += 4) { const d = load<f32>(x) - mean; rest += d * d; }
  return addLanes(sums) + rest;
}

export function layerNormGrad(dX: usize, dGain: usize, dShift: usize, m: usize, r: usize, X: usize, gain: usize, dY: usize, B: i32, N: i32): void {
  const bytes = <usize>N << 2;
  for (let b = 0; b < B; b++, dX += bytes, X += bytes, dY += bytes, m += 4, r += 4) {
    const mean = load<f32>(m), inverse = load<f32>(r), means = f32x4.splat(mean), inverses = f32x4.splat(inverse);
    let sums = f32x4.splat(0), sumsZ = f32x4.splat(0), g1: f32 = 0, gz: f32 = 0, n = 0;
    let x = X, dy = dY, a = gain, da = dGain, dc = dShift;
    for (; n + 4 <= N; n += 4, x += 16, dy += 16, a += 16, da += 16, dc += 16) {
      const d = v128.load(dy), z = f32x4.mul(f32x4.sub(v128.load(x), means), inverses), g = f32x4.mul(v128.load(a), d);
      sums = f32x4.add(sums, g);
      sumsZ = f32x4.add(sumsZ, f32x4.mul(g, z));
      v128.store(da, f32x4.add(v128.load(da), f32x4.mul(d, z)));
      v128.store(dc, f32x4.add(v128.load(dc), d));
    }
    for (; n < N; n++, x += 4, dy += 4, a += 4, da += 4, dc += 4) {
      const d = load<f32>(dy), z = (load<f32>(x) - mean) * inverse, g = load<f32>(a) * d;
      g1 += g;
      gz += g * z;
      store<f32>(da, load<f32>(da) + d * z);
      store<f32>(dc, load<f32>(dc) + d);
    }
    g1 = (g1 + addLanes(sums)) / <f32>N;
    gz = (gz + addLanes(sumsZ)) / <f32>N;

    const g1s = f32x4.splat(g1), gzs = f32x4.splat(gz);
    let dx = dX;
    for (n = 0, x = X, dy = dY, a = gain; n + 4 <= N; n += 4, dx += 16, x += 16, dy += 16, a += 16) {
      const z = f32x4.mul(f32x4.sub(v128.load(x), means), inverses), g = f32x4.mul(v128.load(a), v128.load(dy));
      v128.store(dx, f32x4.add(v128.load(dx), f32x4.mul(inverses, f32x4.sub(f32x4.sub(g, g1s), f32x4.mul(z, gzs)))));
    }
    for (; n < N; n++, dx += 4, x += 4, dy += 4, a += 4) {
      store<f32>(dx, load<f32>(dx) + inverse * (load<f32>(a) * load<f32>(dy) - g1 - (load<f32>(x) - mean) * inverse * gz));
    }
  }
}
