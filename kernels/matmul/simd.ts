// AssemblyScript. The formulas are in loop.ts.
//
// One product serves all four: P (rows, depth) times Q (depth, columns), either of them read along its rows or along its columns. After Goto
// and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008: pieces of P and Q are packed into the order in which the inner
// loop reads them, small enough to stay in the cache, and the inner loop keeps a tile of 4 x 8 sums in registers.
//
// Each entry of the result is added up in the order of depth, DEPTH at a time, whatever its place and however many rows there are: equal items
// score equally wherever they stand, and a user scored alone gets the bits that the same user gets among others.

import { pack, packStrips, place, plus, put, tile } from '../tiles.simd';

/** Address of WORKSPACE bytes that belong to this thread: whoever instantiates the module sets it. */
export let workspace: usize = 0;

// The packed pieces, together in the second-level cache: ROWS x DEPTH of P in fours of rows, DEPTH x COLUMNS of Q in strips of eight columns.
// Four rows, 4 KiB, stay in the first-level cache while the strips pass, and C is walked along its rows: a wide C down its columns would be a
// new page for each row.
const DEPTH = 256, ROWS = 256, COLUMNS = 128;
const PIECE: usize = ROWS * DEPTH * 4, STRIPS: usize = DEPTH * COLUMNS * 4;

/** Bytes of workspace: the two pieces, and a tile that does not fit into C. */
export const WORKSPACE: i32 = ROWS * DEPTH * 4 + DEPTH * COLUMNS * 4 + 128;

export function matmul(C: usize, A: usize, B: usize, M: i32, N: i32, K: i32): void {
  product(C, A, B, M, N, K, N, K, 1, N, 1, 0);
}

export function matmulTransposed(C: usize, A: usize, B: usize, M: i32, N: i32, K: i32): void {
  product(C, A, B, M, N, K, N, K, 1, 1, K, 0);
}

export function matmulGradA(dA: usize, dC: usize, B: usize, M: i32, N: i32, K: i32): void {
  product(dA, dC, B, M, K, N, K, N, 1, 1, N, 1);
}

export function matmulGradB(dB: usize, A: usize, dC: usize, M: i32, N: i32, K: i32): void {
  product(dB, A, dC, K, N, M, N, 1, K, N, 1, 1);
}

export function product(
  C: usize, P: usize, Q: usize, rows: i32, columns: i32, depth: i32, cRow: i32, pRow: i32, pStep: i32, qStep: i32, qColumn: i32, add: i32,
): void {
  inBytes(C, <usize>cRow << 2, P, <usize>pRow << 2, <usize>pStep << 2, Q, <usize>qStep << 2, <usize>qColumn << 2, rows, columns, depth, add != 0);
}

/** product with its strides in bytes: the entry (r, d) of P is at P + r pRow + d pStep, the entry (d, c) of Q at Q + d qStep + c qColumn. */
function inBytes(
  C: usize, width: usize, P: usize, pRow: usize, pStep: usize, Q: usize, qStep: usize, qColumn: usize, rows: i32, columns: i32, depth: i32, add: bool,
): void {
  const piece = workspace, strips = piece + PIECE, spare = strips + STRIPS;
  if (depth == 0 && !add) for (let r = 0; r < rows; r++) memory.fill(C + <usize>r * width, 0, <usize>columns << 2);
  if (rows < 4) { few(C, width, P, pRow, pStep, Q, qStep, qColumn, rows, columns, depth, add); return; }
  for (let depthFrom = 0; depthFrom < depth; depthFrom += DEPTH) {
    const n = min(DEPTH, depth - depthFrom), more = add || depthFrom > 0;
    for (let rowFrom = 0; rowFrom < rows; rowFrom += ROWS) {
      const rowEnd = min(rows, rowFrom + ROWS), whole = rowFrom + ((rowEnd - rowFrom) & ~3), from = P + <usize>depthFrom * pStep;
      for (let r = rowFrom, to = piece; r < whole; r += 4, to += <usize>n << 4) pack(to, 16, from + <usize>r * pRow, pStep, pRow, n, 4);
      for (let columnFrom = 0; columnFrom < columns; columnFrom += COLUMNS) {
        const columnEnd = min(columns, columnFrom + COLUMNS);
        packStrips(strips, Q + <usize>depthFrom * qStep + <usize>columnFrom * qColumn, qStep, qColumn, n, columnEnd - columnFrom);
        for (let r = rowFrom, p = piece; r < rowEnd; r += 4, p += <usize>n << 4) {
          let to = C + <usize>r * width + (<usize>columnFrom << 2);
          for (let c = columnFrom, strip = strips; c < columnEnd; c += 8, strip += <usize>n << 5, to += 32) {
            const wide = min(8, columnEnd - c), lines = <usize>min(4, rowEnd - r);
            if (r < whole && wide == 8) { tile(to, width, p, strip, n, more); continue; }
            if (r < whole) tile(spare, 32, p, strip, n, false);
            else for (let l: usize = 0; l < lines; l++) line(spare + 32 * l, from + (<usize>r + l) * pRow, pStep, strip, 32, n);
            for (let l: usize = 0; l < lines; l++) put(to + l * width, spare + 32 * l, wide, more);
          }
        }
      }
    }
  }
}

/** One row of a tile, from a row of P as it lies there and eight columns of Q, `gap` bytes from one depth to the next. */
function line(to: usize, p: usize, step: usize, q: usize, gap: usize, n: i32): void {
  let low = f32x4.splat(0), high = low;
  for (let d = 0; d < n; d++, p += step, q += gap) {
    const x = v128.load32_splat(p);
    low = plus(low, x, v128.load(q)); high = plus(high, x, v128.load(q, 16));
  }
  place(to, low, high, false);
}

/** The same from eight rows of Qᵀ, `row` bytes apart: four numbers of each are turned over in registers. */
function lineTurned(to: usize, p: usize, step: usize, q: usize, row: usize, n: i32): void {
  let low = f32x4.splat(0), high = low;
  let d = 0;
  for (; d + 4 <= n; d += 4, q += 16) {
    const r0 = v128.load(q), r1 = v128.load(q + row), r2 = v128.load(q + 2 * row), r3 = v128.load(q + 3 * row);
    const r4 = v128.load(q + 4 * row), r5 = v128.load(q + 5 * row), r6 = v128.load(q + 6 * row), r7 = v128.load(q + 7 * row);
    const a01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5), a23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5), b01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7), b23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    const a45 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5), a67 = v128.shuffle<f32>(r6, r7, 0, 4, 1, 5), b45 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7), b67 = v128.shuffle<f32>(r6, r7, 2, 6, 3, 7);
    let x = v128.load32_splat(p);
    low = plus(low, x, v128.shuffle<i64>(a01, a23, 0, 2)); high = plus(high, x, v128.shuffle<i64>(a45, a67, 0, 2));
    x = v128.load32_splat(p + step);
    low = plus(low, x, v128.shuffle<i64>(a01, a23, 1, 3)); high = plus(high, x, v128.shuffle<i64>(a45, a67, 1, 3));
    x = v128.load32_splat(p + 2 * step);
    low = plus(low, x, v128.shuffle<i64>(b01, b23, 0, 2)); high = plus(high, x, v128.shuffle<i64>(b45, b67, 0, 2));
    x = v128.load32_splat(p + 3 * step);
    low = plus(low, x, v128.shuffle<i64>(b01, b23, 1, 3)); high = plus(high, x, v128.shuffle<i64>(b45, b67, 1, 3));
    p += step << 2;
  }
  for (; d < n; d++, p += step, q += 4) {
    const x = v128.load32_splat(p);
    low = plus(low, x, four(q, row)); high = plus(high, x, four(q + 4 * row, row));
  }
  place(to, low, high, false);
}

/** One number from each of four rows. */
function four(at: usize, row: usize): v128 {
  let x = v128.load32_zero(at);
  x = v128.load32_lane(at + row, x, 1);
  x = v128.load32_lane(at + 2 * row, x, 2);
  return v128.load32_lane(at + 3 * row, x, 3);
}

/** The product for fewer than four rows, with Q as it lies there: packing it would cost more than it saves. The sums are those of a tile, in its order. */
function few(
  C: usize, width: usize, P: usize, pRow: usize, pStep: usize, Q: usize, qStep: usize, qColumn: usize, rows: i32, columns: i32, depth: i32, add: bool,
): void {
  const strip = workspace, spare = strip + <usize>DEPTH * 32;
  for (let depthFrom = 0; depthFrom < depth; depthFrom += DEPTH) {
    const n = min(DEPTH, depth - depthFrom), more = add || depthFrom > 0;
    for (let c = 0; c < columns; c += 8) {
      const wide = min(8, columns - c), q = Q + <usize>depthFrom * qStep + <usize>c * qColumn;
      if (wide < 8) packStrips(strip, q, qStep, qColumn, n, wide);
      for (let r = 0; r < rows; r++) {
        const p = P + <usize>depthFrom * pStep + <usize>r * pRow;
        if (wide < 8) line(spare, p, pStep, strip, 32, n);
        else if (qColumn == 4) line(spare, p, pStep, q, qStep, n);
        else lineTurned(spare, p, pStep, q, qColumn, n);
        put(C + <usize>r * width + (<usize>c << 2), spare, wide, more);
      }
    }
  }
}
