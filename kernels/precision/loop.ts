/**
 * precisionHits: how many rows of G groups are among the k items listed for their group.
 *
 *   hits = Σ_g Σ_row [ items[row] ∈ { top[g k], ..., top[g k + k - 1] } ]      indptr[g] <= row < indptr[g + 1]
 *
 * A row counts once, however often its item is listed; an item that fills two rows of a group counts twice.
 * Shapes: top (G, k), indptr (G + 1), items (indptr[G]). Row-major. Items are never negative, so the padding -1 in top is never hit.
 * Precision@k is hits / (G k).
 */
export function precisionHits(top: Int32Array, indptr: Int32Array, items: Int32Array, G: number, k: number): number {
  let hits = 0;
  for (let g = 0; g < G; g++) {
    for (let row = indptr[g]; row < indptr[g + 1]; row++) {
      for (let at = g * k; at < g * k + k; at++) {
        if (top[at] === items[row]) { hits++; break; }
      }
    }
  }
  return hits;
}
