/**
 * accuracyHits: how many of B positions find the item that really came in their list of k.
 *
 *   hits = Σ_b [ actual[b] ∈ { top[b k], ..., top[b k + k - 1] } ]
 *
 * Shapes: top (B, k), actual (B). Row-major. Items are never negative, so the padding -1 in top is never hit.
 * Accuracy@k is hits / B.
 */
export function accuracyHits(top: Int32Array, actual: Int32Array, B: number, k: number): number {
  let hits = 0;
  for (let b = 0; b < B; b++) {
    for (let at = b * k; at < b * k + k; at++) {
      if (top[at] === actual[b]) { hits++; break; }
    }
  }
  return hits;
}
