// AssemblyScript. The formula is in loop.ts.
import { addLanes, dot } from '../lanes.simd';

/**
 * Two rows of A against four of B at a time: eight sums stay in registers while six loads feed them. Rows of B are walked in panels that
 * stay in the first-level cache while all of A passes by.
 */
export function matmulTransposed(C: usize, A: usize, B: usize, M: i32, N: i32, K: i32): void {
  const row = <usize>K << 2, width = <usize>N << 2;
  const panel = max(4, (16384 / max(1, K * 4)) & ~3);
  for (let n0 = 0; n0 < N; n0 += panel) {
    const n1 = min(N, n0 + panel);
    let m = 0;
    for (; m + 2 <= M; m += 2) {
      const a0 = A + <usize>m * row, c0 = C + <usize>m * width;
      let n = n0;
      for (; n + 4 <= n1; n += 4) tile(c0 + (<usize>n << 2), a0, B + <usize>n * row, K, row, width);
      for (; n < n1; n++) {
        const b = B + <usize>n * row, c = c0 + (<usize>n << 2);
        store<f32>(c, dot(a0, b, K));
        store<f32>(c + width, dot(a0 + row, b, K));
      }
    }
    if (m < M) {
      const a = A + <usize>m * row, c = C + <usize>m * width;
      for (let n = n0; n < n1; n++) store<f32>(c + (<usize>n << 2), dot(a, B + <usize>n * row, K));
    }
  }
}

function tile(c: usize, a: usize, b: usize, K: i32, row: usize, width: usize): void {
  let s00 = f32x4.splat(0), s01 = s00, s02 = s00, s03 = s00, s10 = s00, s11 = s00, s12 = s00, s13 = s00;
  const aa = a + row, b1 = b + row, b2 = b1 + row, b3 = b2 + row;
  let k: usize = 0;
  for (const end = row & ~15; k < end; k += 16) {
    const x = v128.load(a + k), y = v128.load(aa + k);
    let z = v128.load(b + k);
    s00 = f32x4.add(s00, f32x4.mul(x, z)); s10 = f32x4.add(s10, f32x4.mul(y, z));
    z = v128.load(b1 + k);
    s01 = f32x4.add(s01, f32x4.mul(x, z)); s11 = f32x4.add(s11, f32x4.mul(y, z));
    z = v128.load(b2 + k);
    s02 = f32x4.add(s02, f32x4.mul(x, z)); s12 = f32x4.add(s12, f32x4.mul(y, z));
    z = v128.load(b3 + k);
    s03 = f32x4.add(s03, f32x4.mul(x, z)); s13 = f32x4.add(s13, f32x4.mul(y, z));
  }
  let t00 = addLanes(s00), t01 = addLanes(s01), t02 = addLanes(s02), t03 = addLanes(s03);
  let t10 = addLanes(s10), t11 = addLanes(s11), t12 = addLanes(s12), t13 = addLanes(s13);
  for (; k < row; k += 4) {
    const x = load<f32>(a + k), y = load<f32>(aa + k);
    let z = load<f32>(b + k);
    t00 += x * z; t10 += y * z;
    z = load<f32>(b1 + k);
    t01 += x * z; t11 += y * z;
    z = load<f32>(b2 + k);
    t02 += x * z; t12 += y * z;
    z = load<f32>(b3 + k);
    t03 += x * z; t13 += y * z;
  }
  store<f32>(c, t00); store<f32>(c, t01, 4); store<f32>(c, t02, 8); store<f32>(c, t03, 12);
  c += width;
  store<f32>(c, t10); store<f32>(c, t11, 4); store<f32>(c, t12, 8); store<f32>(c, t13, 12);
}
