import { BYTE, type Cut, EXPONENTIAL, type Part, at, cutting, inPieces } from './spread.ts';

/** cutLearning: the cuts of the kernels that only learning calls. */
export const cutLearning: Cut = (whole, spreader) => ({
  lstmCellGrad: (dz, dc0, a, c, c0, dh, dc, B, H) => {
    if (!cutting(2 * B * H * EXPONENTIAL, dz, dc0, a, c, c0, dh, dc)) { whole.lstmCellGrad(dz, dc0, a, c, c0, dh, dc, B, H); return; }
    inPieces(spreader, B, 1, (b, n) => ['lstmCellGrad', at(dz, 4 * b * H), at(dc0, b * H), at(a, 4 * b * H), at(c, b * H), at(c0, b * H), at(dh, b * H), at(dc, b * H), n, H]);
  },

  softmaxLoss: (lse, X, y, B, N) => {
    if (!cutting(B * N * EXPONENTIAL, lse, X, y)) return whole.softmaxLoss(lse, X, y, B, N);
    const rows: Part[] = []; // a part a row, so that the sum is that of one thread: row after row
    for (let b = 0; b < B; b++) rows.push(['softmaxLoss', at(lse, b), at(X, b * N), at(y, b), 1, N]);
    return spreader.runParts(rows).reduce((L, row) => L + row, 0);
  },
  softmaxLossGrad: (dX, lse, X, y, B, N, dL) => {
    if (!cutting(B * N * EXPONENTIAL, dX, lse, X, y)) { whole.softmaxLossGrad(dX, lse, X, y, B, N, dL); return; }
    inPieces(spreader, B, 1, (b, n) => ['softmaxLossGrad', at(dX, b * N), at(lse, b), at(X, b * N), at(y, b), n, N, dL]);
  },

  sgd: (w, g, n, rate) => {
    if (!cutting(12 * n * BYTE, w, g)) { whole.sgd(w, g, n, rate); return; }
    inPieces(spreader, n, 64, (from, count) => ['sgd', at(w, from), at(g, from), count, rate]);
  },
  adagrad: (w, s, g, n, rate, eps) => {
    if (!cutting(20 * n * BYTE, w, s, g)) { whole.adagrad(w, s, g, n, rate, eps); return; }
    inPieces(spreader, n, 64, (from, count) => ['adagrad', at(w, from), at(s, from), at(g, from), count, rate, eps]);
  },
  adam: (w, m, v, g, n, ...settings) => {
    if (!cutting(28 * n * BYTE, w, m, v, g)) { whole.adam(w, m, v, g, n, ...settings); return; }
    inPieces(spreader, n, 64, (from, count) => ['adam', at(w, from), at(m, from), at(v, from), at(g, from), count, ...settings]);
  },
  adamTable: (W, M, V, G, slot, n, K, ...settings) => {
    if (!cutting(28 * n * K * BYTE, W, M, V, G, slot)) { whole.adamTable(W, M, V, G, slot, n, K, ...settings); return; }
    inPieces(spreader, n, 16, (row, count) => ['adamTable', at(W, row * K), at(M, row * K), at(V, row * K), G, at(slot, row), count, K, ...settings]);
  },
  scale: (x, n, s) => {
    if (!cutting(8 * n * BYTE, x)) { whole.scale(x, n, s); return; }
    inPieces(spreader, n, 64, (from, count) => ['scale', at(x, from), count, s]);
  },
});
