import type { Kernels } from './index.ts';

/** Part: a call of a kernel as plain data. */
export type Part = readonly [kernel: keyof Kernels, ...args: (number | Float32Array | Int32Array)[]];

/**
 * The kernels whose work is large enough for several threads, cut into parts. Only by entries of the result: every number is computed as on one
 * thread, in the same order, so the bits are the same whatever the number of threads. Sums over everything stay whole.
 */

/** Below this much work, in nanoseconds, a kernel is not cut: to give a part out and wait for it takes one or two microseconds. */
const LEAST = 20_000;

/** Nanoseconds, roughly: what is asked is whether cutting pays. */
const FLOP = 0.025, BYTE = 0.02, EXPONENTIAL = 2;

/** spread: the table `whole`, in which large calls are cut; `threadCount` says for how many, and `runParts` does the parts. */
export function spread(whole: Kernels, threadCount: () => number, runParts: (parts: readonly Part[]) => number[]): Kernels {
  /** 0 .. n in pieces, two a thread unless told otherwise, so that a slower thread may take one less; each but the last is a multiple of `grain`. */
  const pieces = (n: number, grain: number, each = 2): [from: number, count: number][] => {
    const most = Math.min(each * threadCount(), Math.ceil(n / grain)), length = Math.ceil(n / most / grain) * grain, all: [number, number][] = [];
    for (let from = 0; from < n; from += length) all.push([from, Math.min(length, n - from)]);
    return all;
  };

  /** C = P Q by its columns, or where those are few by its rows: a part packs all of P, and its own columns of Q. */
  const product: Kernels['product'] = (C, P, Q, M, N, K, cRow, pRow, pStep, qStep, qColumn, add) => {
    if (M * N * K * FLOP * 2 < LEAST) { whole.product(C, P, Q, M, N, K, cRow, pRow, pStep, qStep, qColumn, add); return; }
    const byColumn = N >= 16 * threadCount(), wide = N >= 512 * threadCount();
    runParts(pieces(byColumn ? N : M, byColumn ? (wide ? 128 : 8) : 4, wide || M * K < 8192 ? 2 : 1).map(([from, count]) => byColumn
      ? ['product', C.subarray(from), P, Q.subarray(from * qColumn), M, count, K, cRow, pRow, pStep, qStep, qColumn, add]
      : ['product', C.subarray(from * cRow), P.subarray(from * pRow), Q, count, N, K, cRow, pRow, pStep, qStep, qColumn, add]));
  };
  return {
    ...whole,
    product,
    matmul: (C, A, B, M, N, K) => product(C, A, B, M, N, K, N, K, 1, N, 1, 0),
    matmulTransposed: (C, A, B, M, N, K) => product(C, A, B, M, N, K, N, K, 1, 1, K, 0),
    matmulGradA: (dA, dC, B, M, N, K) => product(dA, dC, B, M, K, N, K, N, 1, 1, N, 1),
    matmulGradB: (dB, A, dC, M, N, K) => product(dB, A, dC, K, N, M, N, 1, K, N, 1, 1),

    lstmCell: (h, c, a, z, c0, B, H) => {
      if (5 * B * H * EXPONENTIAL < LEAST) { whole.lstmCell(h, c, a, z, c0, B, H); return; }
      runParts(pieces(B, 1).map(([from, n]) => ['lstmCell', h.subarray(from * H), c.subarray(from * H), a.subarray(4 * from * H), z.subarray(4 * from * H), c0.subarray(from * H), n, H]));
    },
    lstmCellGrad: (dz, dc0, a, c, c0, dh, dc, B, H) => {
      if (2 * B * H * EXPONENTIAL < LEAST) { whole.lstmCellGrad(dz, dc0, a, c, c0, dh, dc, B, H); return; }
      runParts(pieces(B, 1).map(([from, n]) => ['lstmCellGrad', dz.subarray(4 * from * H), dc0.subarray(from * H), a.subarray(4 * from * H), c.subarray(from * H), c0.subarray(from * H), dh.subarray(from * H), dc.subarray(from * H), n, H]));
    },

    softmaxLoss: (lse, X, y, B, N) => {
      if (B * N * EXPONENTIAL < LEAST) return whole.softmaxLoss(lse, X, y, B, N);
      // a part a row, so that the sum is that of one thread: row after row
      const rows = runParts(Array.from({ length: B }, (_, b) => ['softmaxLoss', lse.subarray(b), X.subarray(b * N), y.subarray(b), 1, N]));
      return rows.reduce((L, row) => L + row, 0);
    },
    softmaxLossGrad: (dX, lse, X, y, B, N, dL) => {
      if (B * N * EXPONENTIAL < LEAST) { whole.softmaxLossGrad(dX, lse, X, y, B, N, dL); return; }
      runParts(pieces(B, 1).map(([from, n]) => ['softmaxLossGrad', dX.subarray(from * N), lse.subarray(from), X.subarray(from * N), y.subarray(from), n, N, dL]));
    },

    sgd: (w, g, n, rate) => {
      if (12 * n * BYTE < LEAST) { whole.sgd(w, g, n, rate); return; }
      runParts(pieces(n, 64).map(([from, count]) => ['sgd', w.subarray(from), g.subarray(from), count, rate]));
    },
    adagrad: (w, s, g, n, rate, eps) => {
      if (20 * n * BYTE < LEAST) { whole.adagrad(w, s, g, n, rate, eps); return; }
      runParts(pieces(n, 64).map(([from, count]) => ['adagrad', w.subarray(from), s.subarray(from), g.subarray(from), count, rate, eps]));
    },
    adam: (w, m, v, g, n, ...settings) => {
      if (28 * n * BYTE < LEAST) { whole.adam(w, m, v, g, n, ...settings); return; }
      runParts(pieces(n, 64).map(([from, count]) => ['adam', w.subarray(from), m.subarray(from), v.subarray(from), g.subarray(from), count, ...settings]));
    },
    adamTable: (W, M, V, G, slot, n, K, ...settings) => {
      if (28 * n * K * BYTE < LEAST) { whole.adamTable(W, M, V, G, slot, n, K, ...settings); return; }
      runParts(pieces(n, 16).map(([from, count]) => ['adamTable', W.subarray(from * K), M.subarray(from * K), V.subarray(from * K), G, slot.subarray(from), count, K, ...settings]));
    },
    clear: (x, n) => {
      if (4 * n * BYTE < LEAST) { whole.clear(x, n); return; }
      runParts(pieces(n, 64).map(([from, count]) => ['clear', x.subarray(from), count]));
    },
    scale: (x, n, s) => {
      if (8 * n * BYTE < LEAST) { whole.scale(x, n, s); return; }
      runParts(pieces(n, 64).map(([from, count]) => ['scale', x.subarray(from), count, s]));
    },

    topK: (ids, best, scores, skip, start, B, N, k) => {
      if (4 * B * N * BYTE < LEAST) { whole.topK(ids, best, scores, skip, start, B, N, k); return; }
      runParts(pieces(B, 1).map(([from, n]) => ['topK', ids.subarray(from * k), best.subarray(from * k), scores.subarray(from * N), skip, start.subarray(from), n, N, k]));
    },
  };
}
