// AssemblyScript. The formulas are in loop.ts.
import { addScaledRow, dot } from '../lanes.simd';

export function l2Rows(X: usize, counts: usize, R: i32, K: i32): f64 {
  let L: f64 = 0;
  for (let r = 0; r < R; r++, X += <usize>K << 2, counts += 4) L += <f64>load<f32>(counts) * <f64>dot(X, X, K);
  return L;
}

export function l2RowsGrad(dX: usize, X: usize, counts: usize, R: i32, K: i32, dL: f32): void {
  const bytes = <usize>K << 2;
  for (let r = 0; r < R; r++, counts += 4, dX += bytes, X += bytes) addScaledRow(dX, X, <f32>2 * dL * load<f32>(counts), K);
}
