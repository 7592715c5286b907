// AssemblyScript. The formula is in loop.ts.
import { addLanes } from '../lanes.simd';

/**
 * Two rows of A against four of B at a time: eight sums stay in registers while six loads feed them. Rows of B are walked in panels that
 * stay in the first-level cache while all of A passes by.
 *
 * Every path adds in the same order (four partial sums, then the tail), so that C[m, n] depends on its two rows alone: equal items score
 * equally wherever they stand, and a user scored alone gets the bits that the same user gets among others.
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
      for (; n + 4 <= n1; n += 4) tile(c0 + (<usize>n << 2), a0, B + <usize>n * row, row, width);
      for (; n < n1; n++) {
        const b = B + <usize>n * row, c = c0 + (<usize>n << 2);
        store<f32>(c, single(a0, b, row));
        store<f32>(c + width, single(a0 + row, b, row));
      }
    }
    if (m < M) {
      const a = A + <usize>m * row, c = C + <usize>m * width;
      let n = n0;
      for (; n + 4 <= n1; n += 4) strip(c + (<usize>n << 2), a, B + <usize>n * row, row);
      for (; n < n1; n++) store<f32>(c + (<usize>n << 2), single(a, B + <usize>n * row, row));
    }
  }
}

/** Two rows of A (a and the next) against four of B; `row` and `width` are bytes. */
function tile(c: usize, a: usize, b: usize, row: usize, width: usize): void {
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

/** One row of A against four of B. */
function strip(c: usize, a: usize, b: usize, row: usize): void {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  const b1 = b + row, b2 = b1 + row, b3 = b2 + row;
  let k: usize = 0;
  for (const end = row & ~15; k < end; k += 16) {
    const x = v128.load(a + k);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b + k)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b1 + k)));
    s2 = f32x4.add(s2, f32x4.mul(x, v128.load(b2 + k)));
    s3 = f32x4.add(s3, f32x4.mul(x, v128.load(b3 + k)));
  }
  let t0 = addLanes(s0), t1 = addLanes(s1), t2 = addLanes(s2), t3 = addLanes(s3);
  for (; k < row; k += 4) {
    const x = load<f32>(a + k);
    t0 += x * load<f32>(b + k); t1 += x * load<f32>(b1 + k); t2 += x * load<f32>(b2 + k); t3 += x * load<f32>(b3 + k);
  }
  store<f32>(c, t0); store<f32>(c, t1, 4); store<f32>(c, t2, 8); store<f32>(c, t3, 12);
}

/** One row of A against one of B. */
function single(a: usize, b: usize, row: usize): f32 {
  let s = f32x4.splat(0);
  let k: usize = 0;
  for (const end = row & ~15; k < end; k += 16) s = f32x4.add(s, f32x4.mul(v128.load(a + k), v128.load(b + k)));
  let t = addLanes(s);
  for (; k < row; k += 4) t += load<f32>(a + k) * load<f32>(b + k);
  return t;
}
