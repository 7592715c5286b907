// AssemblyScript. The formulas are in loop.ts.
import { exp, sigmoid, tanh, tanhFrom } from '../lanes.simd';

export function lstmCell(h: usize, c: usize, a: usize, z: usize, c0: usize, B: i32, H: i32): void {
  const row = <usize>H << 2;
  for (let b = 0; b < B; b++, a += 3 * row, z += 3 * row) {
    let k = 0;
    for (; k + 4 <= H; k += 4, h += 16, c += 16, a += 16, z += 16, c0 += 16) {
      const i = sigmoid(v128.load(z)), f = sigmoid(v128.load(z + row)), g = tanh(v128.load(z + 2 * row)), o = sigmoid(v128.load(z + 3 * row));
      const cs = f32x4.add(f32x4.mul(f, v128.load(c0)), f32x4.mul(i, g));
      v128.store(a, i);
      v128.store(a + row, f);
      v128.store(a + 2 * row, g);
      v128.store(a + 3 * row, o);
      v128.store(c, cs);
      v128.store(h, f32x4.mul(o, tanh(cs)));
    }
    for (; k < H; k++, h += 4, c += 4, a += 4, z += 4, c0 += 4) { // the same in one lane
      const i = sigmoid(v128.load32_splat(z)), f = sigmoid(v128.load32_splat(z + row)), g = tanh(v128.load32_splat(z + 2 * row)), o = sigmoid(v128.load32_splat(z + 3 * row));
      const cs = f32x4.add(f32x4.mul(f, v128.load32_splat(c0)), f32x4.mul(i, g));
      v128.store32_lane(a, i, 0);
      v128.store32_lane(a + row, f, 0);
      v128.store32_lane(a + 2 * row, g, 0);
      v128.store32_lane(a + 3 * row, o, 0);
      v128.store32_lane(c, cs, 0);
      v128.store32_lane(h, f32x4.mul(o, tanh(cs)), 0);
    }
  }
}

export function lstmCellGrad(dz: usize, dc0: usize, a: usize, c: usize, c0: usize, dh: usize, dc: usize, B: i32, H: i32): void {
  const row = <usize>H << 2, one = f32x4.splat(1);
  for (let b = 0; b < B; b++, dz += 3 * row, a += 3 * row) {
    let k = 0;
    for (; k + 4 <= H; k += 4, dz += 16, dc0 += 16, a += 16, c += 16, c0 += 16, dh += 16, dc += 16) {
      const i = v128.load(a), f = v128.load(a + row), g = v128.load(a + 2 * row), o = v128.load(a + 3 * row), cs = v128.load(c);
      const e = exp(f32x4.mul(f32x4.abs(cs), f32x4.splat(-2))), dhs = v128.load(dh);
      const s = f32x4.add(v128.load(dc), f32x4.mul(f32x4.mul(dhs, o), tanhSlope(e)));
      const sg = f32x4.mul(s, g), sc = f32x4.mul(s, v128.load(c0)), si = f32x4.mul(s, i), st = f32x4.mul(dhs, tanhFrom(cs, e));
      v128.store(dz, f32x4.add(v128.load(dz), f32x4.mul(sg, f32x4.mul(i, f32x4.sub(one, i)))));
      v128.store(dz + row, f32x4.add(v128.load(dz + row), f32x4.mul(sc, f32x4.mul(f, f32x4.sub(one, f)))));
      v128.store(dz + 2 * row, f32x4.add(v128.load(dz + 2 * row), f32x4.mul(si, f32x4.mul(f32x4.sub(one, g), f32x4.add(one, g)))));
      v128.store(dz + 3 * row, f32x4.add(v128.load(dz + 3 * row), f32x4.mul(st, f32x4.mul(o, f32x4.sub(one, o)))));
      v128.store(dc0, f32x4.add(v128.load(dc0), f32x4.mul(s, f)));
    }
    for (; k < H; k++, dz += 4, dc0 += 4, a += 4, c += 4, c0 += 4, dh += 4, dc += 4) {
      const i = load<f32>(a), f = load<f32>(a + row), g = load<f32>(a + 2 * row), o = load<f32>(a + 3 * row), cs = v128.load32_splat(c);
      const e = exp(f32x4.mul(f32x4.abs(cs), f32x4.splat(-2))), dhs = load<f32>(dh), t = f32x4.extract_lane(tanhFrom(cs, e), 0);
      const s = load<f32>(dc) + dhs * o * f32x4.extract_lane(tanhSlope(e), 0);
      store<f32>(dz, load<f32>(dz) + s * g * (i * (1 - i)));
      store<f32>(dz + row, load<f32>(dz + row) + s * load<f32>(c0) * (f * (1 - f)));
      store<f32>(dz + 2 * row, load<f32>(dz + 2 * row) + s * i * ((1 - g) * (1 + g)));
      store<f32>(dz + 3 * row, load<f32>(dz + 3 * row) + dhs * t * (o * (1 - o)));
      store<f32>(dc0, load<f32>(dc0) + s * f);
    }
  }
}

/** 1 - tanh² x = 4 e / (1 + e)² where e = e^(-2|x|): 1 - t² of a t that float32 has rounded to 1 would be zero. */
function tanhSlope(e: v128): v128 {
  const d = f32x4.div(f32x4.splat(2), f32x4.add(f32x4.splat(1), e));
  return f32x4.mul(e, f32x4.mul(d, d));
}
