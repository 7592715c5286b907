// AssemblyScript. The formulas are in loop.ts.
import { dot } from '../lanes.simd';

export function rowDot(x: usize, U: usize, V: usize, u: usize, i: usize, B: i32, K: i32): void {
  const bytes = <usize>K << 2;
  for (let b: usize = 0; b < <usize>B; b++) {
    store<f32>(x + (b << 2), dot(U + <usize>load<i32>(u + (b << 2)) * bytes, V + <usize>load<i32>(i + (b << 2)) * bytes, K));
  }
}

export function rowDotGrad(dU: usize, dV: usize, dx: usize, U: usize, V: usize, u: usize, i: usize, B: i32, K: i32): void {
  const bytes = <usize>K << 2;
  for (let b: usize = 0; b < <usize>B; b++) {
    const user = <usize>load<i32>(u + (b << 2)) * bytes, item = <usize>load<i32>(i + (b << 2)) * bytes;
    const g = load<f32>(dx + (b << 2)), gs = f32x4.splat(g);
    let a = U + user, c = V + item, da = dU + user, dc = dV + item;
    let k = 0;
    for (; k + 16 <= K; k += 16, a += 64, c += 64, da += 64, dc += 64) {
      v128.store(da, f32x4.add(v128.load(da), f32x4.mul(gs, v128.load(c))));
      v128.store(dc, f32x4.add(v128.load(dc), f32x4.mul(gs, v128.load(a))));
      v128.store(da, f32x4.add(v128.load(da, 16), f32x4.mul(gs, v128.load(c, 16))), 16);
      v128.store(dc, f32x4.add(v128.load(dc, 16), f32x4.mul(gs, v128.load(a, 16))), 16);
      v128.store(da, f32x4.add(v128.load(da, 32), f32x4.mul(gs, v128.load(c, 32))), 32);
      v128.store(dc, f32x4.add(v128.load(dc, 32), f32x4.mul(gs, v128.load(a, 32))), 32);
      v128.store(da, f32x4.add(v128.load(da, 48), f32x4.mul(gs, v128.load(c, 48))), 48);
      v128.store(dc, f32x4.add(v128.load(dc, 48), f32x4.mul(gs, v128.load(a, 48))), 48);
    }
    for (; k + 4 <= K; k += 4, a += 16, c += 16, da += 16, dc += 16) {
      v128.store(da, f32x4.add(v128.load(da), f32x4.mul(gs, v128.load(c))));
      v128.store(dc, f32x4.add(v128.load(dc), f32x4.mul(gs, v128.load(a))));
    }
    for (; k < K; k++, a += 4, c += 4, da += 4, dc += 4) {
      store<f32>(da, load<f32>(da) + g * load<f32>(c));
      store<f32>(dc, load<f32>(dc) + g * load<f32>(a));
    }
  }
}
