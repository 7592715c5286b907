/** gatherRows: out[b] = table[ids[b]]. Shapes: table (n, K), ids (B), out (B, K). Overwrites out. */
export function gatherRows(out: Float32Array, table: Float32Array, ids: Int32Array, B: number, K: number): void {
  for (let b = 0; b < B; b++) {
    const row = ids[b] * K;
    for (let k = 0; k < K; k++) out[b * K + k] = table[row + k];
  }
}

/** gatherAdd: out[b] += table[ids[b]]. Shapes as above. Accumulates: this is how a bias is added to its scores. */
export function gatherAdd(out: Float32Array, table: Float32Array, ids: Int32Array, B: number, K: number): void {
  for (let b = 0; b < B; b++) {
    const row = ids[b] * K;
    for (let k = 0; k < K; k++) out[b * K + k] += table[row + k];
  }
}

/**
 * gatherRowsGrad: the gradient, by the table, of gatherRows and of gatherAdd: dTable[ids[b]] += dOut[b]. An id seen twice collects both rows.
 * Shapes: dTable (n, K), dOut (B, K), ids (B). Accumulates.
 */
export function gatherRowsGrad(dTable: Float32Array, dOut: Float32Array, ids: Int32Array, B: number, K: number): void {
  for (let b = 0; b < B; b++) {
    const row = ids[b] * K;
    for (let k = 0; k < K; k++) dTable[row + k] += dOut[b * K + k];
  }
}
