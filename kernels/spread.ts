import type { Kernels } from './index.ts';
import { isLinear } from './memory.ts';

type Numbers = Float32Array | Int32Array;

/** Part: a call of a kernel as plain data. An array may be given by its address in the linear memory. */
export type Part = readonly [kernel: keyof Kernels, ...args: (number | Numbers)[]];

/**
 * The kernels whose work is large enough for several threads, cut into parts. Only by entries of the result: every number is computed as on one
 * thread, in the same order, so the bits are the same whatever the number of threads. Sums over everything stay whole.
 */

/** Below this much work, in nanoseconds, a kernel is not cut: to give a part out and wait for it takes one or two microseconds. */
const LEAST = 20_000;

/** Nanoseconds, roughly, on a quick machine: what is asked is whether cutting pays, and on a slower one there is more work than this says. */
const FLOP = 0.025;
export const BYTE = 0.02, EXPONENTIAL = 2;

/** cutting: whether a call is worth cutting, and its arrays lie where every thread sees them. */
export const cutting = (nanoseconds: number, ...arrays: Numbers[]): boolean => nanoseconds >= LEAST && arrays.every(isLinear);

/** at: the address of an array's entry. */
export const at = (x: Numbers, entry: number): number => x.byteOffset + 4 * entry;

/** Spreader: what does the parts: how many threads there are, and how they are given them. */
export interface Spreader { threadCount(): number; runParts(parts: readonly Part[]): number[] }

/** Cut: of the kernels of a set those whose large calls are cut, as they are in the table `whole`. */
export type Cut = (whole: Kernels, spreader: Spreader) => Partial<Kernels>;

/** inPieces: does the parts that `make` makes of 0 .. n: two a thread unless told otherwise, so that a slower thread may take one less; each but the last has a multiple of `grain`. */
export function inPieces({ threadCount, runParts }: Spreader, n: number, grain: number, make: (from: number, count: number) => Part, each = 2): void {
  const most = Math.min(each * threadCount(), Math.ceil(n / grain)), length = Math.ceil(n / most / grain) * grain, parts: Part[] = [];
  for (let from = 0; from < n; from += length) parts.push(make(from, Math.min(length, n - from)));
  runParts(parts);
}

/** cutAnswering: the cuts of the kernels of answering.ts. */
export const cutAnswering: Cut = (whole, spreader) => {
  /** C = P Q by its columns, or where those are few by its rows: a part packs all of P, and its own columns of Q. */
  const product: Kernels['product'] = (C, P, Q, M, N, K, cRow, pRow, pStep, qStep, qColumn, add) => {
    if (!cutting(2 * M * N * K * FLOP, C, P, Q)) { whole.product(C, P, Q, M, N, K, cRow, pRow, pStep, qStep, qColumn, add); return; }
    const byColumn = N >= 16 * spreader.threadCount(), wide = N >= 512 * spreader.threadCount(), each = wide || M * K < 8192 ? 2 : 1; // where packing P costs, it is done once a thread
    if (byColumn) inPieces(spreader, N, wide ? 128 : 8, (from, n) => ['product', at(C, from), P, at(Q, from * qColumn), M, n, K, cRow, pRow, pStep, qStep, qColumn, add], each);
    else inPieces(spreader, M, 4, (from, n) => ['product', at(C, from * cRow), at(P, from * pRow), Q, n, N, K, cRow, pRow, pStep, qStep, qColumn, add], each);
  };
  return {
    product,
    matmul: (C, A, B, M, N, K) => product(C, A, B, M, N, K, N, K, 1, N, 1, 0),
    matmulTransposed: (C, A, B, M, N, K) => product(C, A, B, M, N, K, N, K, 1, 1, K, 0),
    matmulGradA: (dA, dC, B, M, N, K) => product(dA, dC, B, M, K, N, K, N, 1, 1, N, 1),
    matmulGradB: (dB, A, dC, M, N, K) => product(dB, A, dC, K, N, M, N, 1, K, N, 1, 1),

    lstmCell: (h, c, a, z, c0, B, H) => {
      if (!cutting(5 * B * H * EXPONENTIAL, h, c, a, z, c0)) { whole.lstmCell(h, c, a, z, c0, B, H); return; }
      inPieces(spreader, B, 1, (b, n) => ['lstmCell', at(h, b * H), at(c, b * H), at(a, 4 * b * H), at(z, 4 * b * H), at(c0, b * H), n, H]);
    },

    clear: (x, n) => {
      if (!cutting(4 * n * BYTE, x)) { whole.clear(x, n); return; }
      inPieces(spreader, n, 64, (from, count) => ['clear', at(x, from), count]);
    },

    topK: (ids, best, scores, skip, start, B, N, k) => {
      if (!cutting(4 * B * N * BYTE, ids, best, scores, skip, start)) { whole.topK(ids, best, scores, skip, start, B, N, k); return; }
      inPieces(spreader, B, 1, (b, n) => ['topK', at(ids, b * k), at(best, b * k), at(scores, b * N), skip, at(start, b), n, N, k]);
    },
  };
};
