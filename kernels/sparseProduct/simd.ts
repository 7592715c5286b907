// AssemblyScript. The formulas are in loop.ts.
import { addScaledRow } from '../lanes.simd';

export function sparseProduct(C: usize, aStart: usize, aIndices: usize, aValues: usize, bStart: usize, bIndices: usize, bValues: usize, R: i32, N: i32): void {
  // the columns of B are anywhere, so there is nothing for lanes to do
  for (let r = 0; r < R; r++, aStart += 4, C += <usize>N << 2) {
    for (let p = load<i32>(aStart), end = load<i32>(aStart, 4); p < end; p++) {
      const row = bStart + (<usize>load<i32>(aIndices + (<usize>p << 2)) << 2), a = load<f32>(aValues + (<usize>p << 2)), first = load<i32>(row);
      let index = bIndices + (<usize>first << 2), value = bValues + (<usize>first << 2);
      for (const last = bIndices + (<usize>load<i32>(row, 4) << 2); index < last; index += 4, value += 4) {
        const to = C + (<usize>load<i32>(index) << 2);
        store<f32>(to, load<f32>(to) + a * load<f32>(value));
      }
    }
  }
}

export function sparseDenseProduct(C: usize, aStart: usize, aIndices: usize, aValues: usize, B: usize, R: i32, N: i32): void {
  const bytes = <usize>N << 2;
  for (let r = 0; r < R; r++, aStart += 4, C += bytes) {
    for (let p = load<i32>(aStart), end = load<i32>(aStart, 4); p < end; p++) {
      addScaledRow(C, B + <usize>load<i32>(aIndices + (<usize>p << 2)) * bytes, load<f32>(aValues + (<usize>p << 2)), N);
    }
  }
}

export function sparseDenseProductGrad(dB: usize, aStart: usize, aIndices: usize, aValues: usize, dC: usize, R: i32, N: i32): void {
  const bytes = <usize>N << 2;
  for (let r = 0; r < R; r++, aStart += 4, dC += bytes) {
    for (let p = load<i32>(aStart), end = load<i32>(aStart, 4); p < end; p++) {
      addScaledRow(dB + <usize>load<i32>(aIndices + (<usize>p << 2)) * bytes, dC, load<f32>(aValues + (<usize>p << 2)), N);
    }
  }
}
