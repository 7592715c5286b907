// AssemblyScript. The formulas are in loop.ts.
import { addScaledRow, dot } from '../lanes.simd';

export function fmRows(P: usize, c: usize, V: usize, w: usize, start: usize, indices: usize, values: usize, R: i32, K: i32): void {
  const bytes = <usize>K << 2;
  for (let r = 0; r < R; r++, P += bytes, c += 4, start += 4) {
    let linear: f32 = 0, squares: f32 = 0;
    memory.fill(P, 0, bytes);
    for (let p = load<i32>(start), end = load<i32>(start, 4); p < end; p++) {
      const j = <usize>load<i32>(indices + (<usize>p << 2)), f = load<f32>(values + (<usize>p << 2)), row = V + j * bytes;
      linear += f * load<f32>(w + (j << 2));
      squares += f * f * dot(row, row, K);
      addScaledRow(P, row, f, K);
    }
    store<f32>(c, linear + (dot(P, P, K) - squares) / 2); // the same dot, so that of a row with one feature of weight 1 nothing is left
  }
}

export function fmRowsGrad(dV: usize, dw: usize, dP: usize, dc: usize, P: usize, V: usize, start: usize, indices: usize, values: usize, R: i32, K: i32): void {
  const bytes = <usize>K << 2;
  for (let r = 0; r < R; r++, P += bytes, dP += bytes, dc += 4, start += 4) {
    const d = load<f32>(dc), ds = f32x4.splat(d);
    for (let p = load<i32>(start), end = load<i32>(start, 4); p < end; p++) {
      const j = <usize>load<i32>(indices + (<usize>p << 2)), f = load<f32>(values + (<usize>p << 2)), fs = f32x4.splat(f), at = dw + (j << 2);
      store<f32>(at, load<f32>(at) + f * d);
      let dv = dV + j * bytes, v = V + j * bytes, dq = dP, q = P, k = 0;
      for (; k + 4 <= K; k += 4, dv += 16, v += 16, dq += 16, q += 16) {
        const rest = f32x4.sub(v128.load(q), f32x4.mul(fs, v128.load(v)));
        v128.store(dv, f32x4.add(v128.load(dv), f32x4.mul(fs, f32x4.add(v128.load(dq), f32x4.mul(ds, rest)))));
      }
      for (; k < K; k++, dv += 4, v += 4, dq += 4, q += 4) store<f32>(dv, load<f32>(dv) + f * (load<f32>(dq) + d * (load<f32>(q) - f * load<f32>(v))));
    }
  }
}
