// AssemblyScript. The formulas are in loop.ts.
import { addLanes, addScaledRow, dot } from '../lanes.simd';
import { matmul, matmulGradB } from '../matmul/simd';
import { pack, packStrips, put, tile } from '../tiles.simd';

// Users that go through the steps together, at most, and about how many numbers of V they may read together: their products with G are one
// product of matrices, and their rows of V are still in the second-level cache at the next step. In alsCholesky, items whose outer products are
// added up in one.
const ROWS = 64, NEAR = 131072;

export function alsCG(
  U: usize, work: usize, V: usize, G: usize, indptr: usize, indices: usize, w: usize, from: i32, to: i32, K: i32, steps: i32,
): f64 {
  const row = <usize>K << 2, R = work, P = R + ROWS * row, Q = P + ROWS * row, squares = Q + ROWS * row, four = squares + ROWS * 4, spare = four + 4 * row, strips = spare + 128;
  packStrips(strips, G, row, 4, K, K);
  let L: f64 = 0;
  for (let begin = from, rows = 0; begin < to; begin += rows) {
    const X = U + <usize>begin * row, starts = indptr + (<usize>begin << 2);
    rows = together(starts, min(ROWS, to - begin), K);
    timesG(Q, X, strips, four, spare, rows, K);
    for (let b: usize = 0; b < <usize>rows; b++) {
      const start = <usize>load<i32>(starts + (b << 2)) << 2, n = load<i32>(starts + (b << 2), 4) - load<i32>(starts + (b << 2));
      const x = X + b * row, r = R + b * row, q = Q + b * row;
      if (n == 0) { memory.fill(x, 0, row); memory.fill(r, 0, row); } // so nothing moves it
      else {
        L += <f64>dot(x, q, K);
        negate(r, q, K);
        L += addResiduals(r, x, V, indices + start, w + start, n, K);
      }
      memory.copy(P + b * row, r, row);
      store<f32>(squares + (b << 2), dot(r, r, K));
    }

    for (let step = 0; step < steps; step++) {
      timesG(Q, P, strips, four, spare, rows, K);
      for (let b: usize = 0; b < <usize>rows; b++) {
        const start = <usize>load<i32>(starts + (b << 2)) << 2, n = load<i32>(starts + (b << 2), 4) - load<i32>(starts + (b << 2));
        const r = R + b * row, p = P + b * row, q = Q + b * row, rr = load<f32>(squares + (b << 2));
        if (!(rr > 0)) continue;
        addProducts(q, p, V, indices + start, w + start, n, K);
        const pq = dot(p, q, K);
        if (pq <= 0) { store<f32>(squares + (b << 2), 0); continue; }
        const a = rr / pq, after = move(X + b * row, r, p, q, a, K);
        turn(p, r, after / rr, K);
        L -= <f64>a * <f64>rr;
        store<f32>(squares + (b << 2), after);
      }
    }
  }
  return L;
}

/** Q = P G, with G packed already; by tiles, each entry added up in order, so that a row's bits are the same in any company. */
function timesG(Q: usize, P: usize, strips: usize, four: usize, spare: usize, rows: i32, K: i32): void {
  const row = <usize>K << 2;
  for (let r = 0; r < rows; r += 4, P += row << 2, Q += row << 2) {
    const lines = min(4, rows - r);
    pack(four, 16, P, 4, row, K, lines);
    for (let c = 0, strip = strips, to = Q; c < K; c += 8, strip += row << 3, to += 32) {
      const wide = min(8, K - c);
      if (lines == 4 && wide == 8) { tile(to, row, four, strip, K, false); continue; }
      tile(spare, 32, four, strip, K, false);
      for (let l: usize = 0; l < <usize>lines; l++) put(to + l * row, spare + 32 * l, wide, false);
    }
  }
}

/** How many of these rows go together. */
function together(starts: usize, most: i32, K: i32): i32 {
  const last = load<i32>(starts) + NEAR / K;
  let rows = min(4, most);
  while (rows < most && load<i32>(starts + (<usize>rows << 2), 4) <= last) rows++;
  return rows;
}

/** q += Σ w <V[i], p> V[i] over n items, each row of V read once: four at a time, so that p and q are read once for four. */
function addProducts(q: usize, p: usize, V: usize, indices: usize, w: usize, n: i32, K: i32): void {
  const row = <usize>K << 2;
  for (; n >= 4; n -= 4, indices += 16, w += 16) {
    const i = V + <usize>load<i32>(indices) * row, j = V + <usize>load<i32>(indices, 4) * row, k = V + <usize>load<i32>(indices, 8) * row, l = V + <usize>load<i32>(indices, 12) * row;
    addFour(q, f32x4.mul(v128.load(w), dots(p, i, j, k, l, K)), i, j, k, l, K);
  }
  for (; n > 0; n--, indices += 4, w += 4) {
    const i = V + <usize>load<i32>(indices) * row;
    addScaledRow(q, i, load<f32>(w) * dot(p, i, K), K);
  }
}

/** r += Σ (c - w <V[i], x>) V[i] over n items; returns what they add to L, Σ (w <V[i], x>² + c - 2 c <V[i], x>). */
function addResiduals(r: usize, x: usize, V: usize, indices: usize, w: usize, n: i32, K: i32): f64 {
  const row = <usize>K << 2;
  let L: f64 = 0;
  for (; n >= 4; n -= 4, indices += 16, w += 16) {
    const i = V + <usize>load<i32>(indices) * row, j = V + <usize>load<i32>(indices, 4) * row, k = V + <usize>load<i32>(indices, 8) * row, l = V + <usize>load<i32>(indices, 12) * row;
    const s = dots(x, i, j, k, l, K), ws = f32x4.mul(v128.load(w), s), c = f32x4.add(v128.load(w), f32x4.splat(1));
    L += <f64>addLanes(f32x4.add(f32x4.sub(c, f32x4.mul(s, c)), f32x4.mul(s, f32x4.sub(ws, c))));
    addFour(r, f32x4.sub(c, ws), i, j, k, l, K);
  }
  for (; n > 0; n--, indices += 4, w += 4) {
    const i = V + <usize>load<i32>(indices) * row, s = dot(x, i, K), ws = load<f32>(w) * s, c = load<f32>(w) + 1;
    L += <f64>(c - s * c + s * (ws - c));
    addScaledRow(r, i, c - ws, K);
  }
  return L;
}

/** <x, i>, <x, j>, <x, k>, <x, l> */
function dots(x: usize, i: usize, j: usize, k: usize, l: usize, K: i32): v128 {
  let i0 = f32x4.splat(0), i1 = i0, j0 = i0, j1 = i0, k0 = i0, k1 = i0, l0 = i0, l1 = i0;
  let at: usize = 0;
  const whole = (<usize>K << 2) & ~31, end = <usize>K << 2;
  for (; at < whole; at += 32) {
    const x0 = v128.load(x + at), x1 = v128.load(x + at, 16);
    i0 = f32x4.add(i0, f32x4.mul(x0, v128.load(i + at))); i1 = f32x4.add(i1, f32x4.mul(x1, v128.load(i + at, 16)));
    j0 = f32x4.add(j0, f32x4.mul(x0, v128.load(j + at))); j1 = f32x4.add(j1, f32x4.mul(x1, v128.load(j + at, 16)));
    k0 = f32x4.add(k0, f32x4.mul(x0, v128.load(k + at))); k1 = f32x4.add(k1, f32x4.mul(x1, v128.load(k + at, 16)));
    l0 = f32x4.add(l0, f32x4.mul(x0, v128.load(l + at))); l1 = f32x4.add(l1, f32x4.mul(x1, v128.load(l + at, 16)));
  }
  i0 = f32x4.add(i0, i1); j0 = f32x4.add(j0, j1); k0 = f32x4.add(k0, k1); l0 = f32x4.add(l0, l1);
  // turned over, so that lane 0 holds what is to be added up for i, and so on
  const ij = f32x4.add(v128.shuffle<f32>(i0, j0, 0, 4, 1, 5), v128.shuffle<f32>(i0, j0, 2, 6, 3, 7)), kl = f32x4.add(v128.shuffle<f32>(k0, l0, 0, 4, 1, 5), v128.shuffle<f32>(k0, l0, 2, 6, 3, 7));
  let sums = f32x4.add(v128.shuffle<i64>(ij, kl, 0, 2), v128.shuffle<i64>(ij, kl, 1, 3));
  for (; at < end; at += 4) {
    let four = v128.load32_zero(i + at);
    four = v128.load32_lane(j + at, four, 1);
    four = v128.load32_lane(k + at, four, 2);
    four = v128.load32_lane(l + at, four, 3);
    sums = f32x4.add(sums, f32x4.mul(v128.load32_splat(x + at), four));
  }
  return sums;
}

/** y += s[0] i + s[1] j + s[2] k + s[3] l */
function addFour(y: usize, s: v128, i: usize, j: usize, k: usize, l: usize, K: i32): void {
  const si = v128.shuffle<f32>(s, s, 0, 0, 0, 0), sj = v128.shuffle<f32>(s, s, 1, 1, 1, 1), sk = v128.shuffle<f32>(s, s, 2, 2, 2, 2), sl = v128.shuffle<f32>(s, s, 3, 3, 3, 3);
  let at: usize = 0;
  const whole = (<usize>K << 2) & ~31, end = <usize>K << 2;
  for (; at < whole; at += 32) {
    const ij = f32x4.add(f32x4.mul(si, v128.load(i + at)), f32x4.mul(sj, v128.load(j + at))), kl = f32x4.add(f32x4.mul(sk, v128.load(k + at)), f32x4.mul(sl, v128.load(l + at)));
    v128.store(y + at, f32x4.add(v128.load(y + at), f32x4.add(ij, kl)));
    const ij1 = f32x4.add(f32x4.mul(si, v128.load(i + at, 16)), f32x4.mul(sj, v128.load(j + at, 16))), kl1 = f32x4.add(f32x4.mul(sk, v128.load(k + at, 16)), f32x4.mul(sl, v128.load(l + at, 16)));
    v128.store(y + at, f32x4.add(v128.load(y + at, 16), f32x4.add(ij1, kl1)), 16);
  }
  for (; at < end; at += 4) {
    const ij = f32x4.extract_lane(si, 0) * load<f32>(i + at) + f32x4.extract_lane(sj, 0) * load<f32>(j + at), kl = f32x4.extract_lane(sk, 0) * load<f32>(k + at) + f32x4.extract_lane(sl, 0) * load<f32>(l + at);
    store<f32>(y + at, load<f32>(y + at) + (ij + kl));
  }
}

/** y = -x */
function negate(y: usize, x: usize, K: i32): void {
  let k = 0;
  for (; k + 4 <= K; k += 4, y += 16, x += 16) v128.store(y, f32x4.neg(v128.load(x)));
  for (; k < K; k++, y += 4, x += 4) store<f32>(y, -load<f32>(x));
}

/** x += a p, r -= a q; returns |r|². */
function move(x: usize, r: usize, p: usize, q: usize, a: f32, K: i32): f32 {
  const by = f32x4.splat(a);
  let s0 = f32x4.splat(0), s1 = s0;
  let k = 0;
  for (; k + 8 <= K; k += 8, x += 32, r += 32, p += 32, q += 32) {
    v128.store(x, f32x4.add(v128.load(x), f32x4.mul(by, v128.load(p))));
    v128.store(x, f32x4.add(v128.load(x, 16), f32x4.mul(by, v128.load(p, 16))), 16);
    const r0 = f32x4.sub(v128.load(r), f32x4.mul(by, v128.load(q))), r1 = f32x4.sub(v128.load(r, 16), f32x4.mul(by, v128.load(q, 16)));
    v128.store(r, r0);
    v128.store(r, r1, 16);
    s0 = f32x4.add(s0, f32x4.mul(r0, r0)); s1 = f32x4.add(s1, f32x4.mul(r1, r1));
  }
  let sum = addLanes(f32x4.add(s0, s1));
  for (; k < K; k++, x += 4, r += 4, p += 4, q += 4) {
    store<f32>(x, load<f32>(x) + a * load<f32>(p));
    const left = load<f32>(r) - a * load<f32>(q);
    store<f32>(r, left);
    sum += left * left;
  }
  return sum;
}

/** p = r + s p */
function turn(p: usize, r: usize, s: f32, K: i32): void {
  const by = f32x4.splat(s);
  let k = 0;
  for (; k + 4 <= K; k += 4, p += 16, r += 16) v128.store(p, f32x4.add(v128.load(r), f32x4.mul(by, v128.load(p))));
  for (; k < K; k++, p += 4, r += 4) store<f32>(p, load<f32>(r) + s * load<f32>(p));
}

export function alsCholesky(
  U: usize, work: usize, V: usize, G: usize, indptr: usize, indices: usize, w: usize, from: i32, to: i32, K: i32,
): f64 {
  const row = <usize>K << 2, A = work, plain = A + <usize>K * row, weighted = plain + ROWS * row, q = weighted + ROWS * row;
  let L: f64 = 0;
  for (let u = <usize>from; u < <usize>to; u++) {
    const x = U + u * row, start = <usize>load<i32>(indptr + (u << 2)) << 2, n = load<i32>(indptr + (u << 2), 4) - load<i32>(indptr + (u << 2));
    memory.fill(x, 0, row);
    if (n == 0) continue;

    memory.copy(A, G, <usize>K * row);
    for (let first = 0; first < n; first += ROWS) {
      const rows = min(ROWS, n - first), ids = indices + start + (<usize>first << 2), ws = w + start + (<usize>first << 2);
      for (let m: usize = 0; m < <usize>rows; m++) {
        const i = V + <usize>load<i32>(ids + (m << 2)) * row, wi = load<f32>(ws + (m << 2));
        memory.copy(plain + m * row, i, row);
        scaled(weighted + m * row, i, wi, K);
        addScaledRow(x, i, 1 + wi, K);
      }
      matmulGradB(A, plain, weighted, rows, K, K);
    }
    decompose(A, K);
    choleskySolve(x, A, K);

    matmul(q, x, G, 1, K, K);
    L += <f64>dot(x, q, K);
    L += addResiduals(q, x, V, indices + start, w + start, n, K);
  }
  return L;
}

/** y = s x */
function scaled(y: usize, x: usize, s: f32, K: i32): void {
  const by = f32x4.splat(s);
  let k = 0;
  for (; k + 4 <= K; k += 4, y += 16, x += 16) v128.store(y, f32x4.mul(by, v128.load(x)));
  for (; k < K; k++, y += 4, x += 4) store<f32>(y, s * load<f32>(x));
}

/** A = C Cᵀ: C takes the place of A's lower triangle, row by row. */
function decompose(A: usize, K: i32): void {
  const row = <usize>K << 2;
  for (let m = 0, a = A; m < K; m++, a += row) {
    for (let n = 0, c = A; n < m; n++, c += row) {
      const at = <usize>n << 2;
      store<f32>(a + at, (load<f32>(a + at) - dot(a, c, n)) / load<f32>(c + at));
    }
    const at = a + (<usize>m << 2), whole = load<f32>(at);
    store<f32>(at, sqrt<f32>(max<f32>(whole - dot(a, a, m), <f32>1e-6 * whole)));
  }
}

export function choleskySolve(x: usize, C: usize, K: i32): void {
  const row = <usize>K << 2;
  for (let m = 0, c = C; m < K; m++, c += row) {
    const at = <usize>m << 2;
    store<f32>(x + at, (load<f32>(x + at) - dot(c, x, m)) / load<f32>(c + at));
  }
  for (let m = K - 1; m >= 0; m--) {
    const at = <usize>m << 2, c = C + <usize>m * row, xm = load<f32>(x + at) / load<f32>(c + at);
    store<f32>(x + at, xm);
    addScaledRow(x, c, -xm, m); // what x[m] takes from those above
  }
}
