// What products of matrices are made of: AssemblyScript. matmul/simd.ts says how the pieces go together.

/** Packs `columns` of Q, from `q` on and n deep, strip after strip; the last strip is filled up with zeros. */
export function packStrips(to: usize, q: usize, step: usize, column: usize, n: i32, columns: i32): void {
  const whole = columns & ~7, strip = <usize>n << 5;
  if (column == 4) { // along the rows of Q, as they lie in memory
    for (let d = 0; d < n; d++, q += step) {
      let from = q, at = to + (<usize>d << 5);
      for (let c = 0; c < whole; c += 8, from += 32, at += strip) {
        v128.store(at, v128.load(from));
        v128.store(at, v128.load(from, 16), 16);
      }
    }
    q -= <usize>n * step;
  }
  for (let c = column == 4 ? whole : 0; c < columns; c += 8) {
    const at = to + <usize>(c >> 3) * strip, from = q + <usize>c * column;
    pack(at, 32, from, step, column, n, min(4, columns - c));
    pack(at + 16, 32, from + 4 * column, step, column, n, max(0, min(4, columns - c - 4)));
  }
}

/** to[d, c] = from[d, c] for n steps d and `count` columns c of four, the others 0; `gap` bytes from one d to the next. */
export function pack(to: usize, gap: usize, from: usize, step: usize, column: usize, n: i32, count: i32): void {
  let d = 0;
  if (count == 4 && column == 4) {
    for (; d < n; d++, to += gap, from += step) v128.store(to, v128.load(from));
    return;
  }
  if (count == 4) { // step is 4: four rows of numbers, turned over in squares of four
    const b = from + column, c = b + column, e = c + column;
    let at: usize = 0;
    for (; d + 4 <= n; d += 4, at += 16) {
      const r0 = v128.load(from + at), r1 = v128.load(b + at), r2 = v128.load(c + at), r3 = v128.load(e + at);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
      v128.store(to + gap, v128.shuffle<i64>(low01, low23, 1, 3));
      to += gap << 1;
      v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2));
      v128.store(to + gap, v128.shuffle<i64>(high01, high23, 1, 3));
      to += gap << 1;
    }
    from += at;
  }
  for (; d < n; d++, to += gap, from += step) {
    v128.store(to, f32x4.splat(0));
    for (let c: usize = 0; c < <usize>count; c++) store<f32>(to + (c << 2), load<f32>(from + c * column));
  }
}

/** sum + a b; in one rounding where the module is compiled with relaxed SIMD. */
// @ts-ignore: AssemblyScript's decorator
@inline
export function plus(sum: v128, a: v128, b: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

/**
 * A tile of 4 x 8 entries of C from four packed rows of P and a packed strip of Q; `width` bytes from one row of C to the next. One depth at a
 * time: V8 loads all that a pass of the loop needs before it computes, and for two depths its fifteen registers are too few.
 */
export function tile(C: usize, width: usize, p: usize, q: usize, n: i32, add: bool): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (const end = p + (<usize>n << 4); p < end; p += 16, q += 32) {
    const q0 = v128.load(q), q1 = v128.load(q, 16);
    let x = v128.load32_splat(p);
    a0 = plus(a0, x, q0); a1 = plus(a1, x, q1);
    x = v128.load32_splat(p, 4);
    b0 = plus(b0, x, q0); b1 = plus(b1, x, q1);
    x = v128.load32_splat(p, 8);
    c0 = plus(c0, x, q0); c1 = plus(c1, x, q1);
    x = v128.load32_splat(p, 12);
    d0 = plus(d0, x, q0); d1 = plus(d1, x, q1);
  }
  place(C, a0, a1, add); C += width;
  place(C, b0, b1, add); C += width;
  place(C, c0, c1, add); C += width;
  place(C, d0, d1, add);
}

/** Eight sums into C. */
// @ts-ignore: AssemblyScript's decorator
@inline
export function place(C: usize, low: v128, high: v128, add: bool): void {
  if (add) { low = f32x4.add(v128.load(C), low); high = f32x4.add(v128.load(C, 16), high); }
  v128.store(C, low);
  v128.store(C, high, 16);
}

/** `count` of the eight numbers at `from` into C. */
export function put(C: usize, from: usize, count: i32, add: bool): void {
  if (count == 8) { place(C, v128.load(from), v128.load(from, 16), add); return; }
  for (let c = 0; c < count; c++, C += 4, from += 4) store<f32>(C, add ? load<f32>(C) + load<f32>(from) : load<f32>(from));
}
