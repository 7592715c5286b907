/**
 * topK: the k best items of each of B score rows, best first.
 *
 *   ids[b], best[b] = the k largest of scores[b, n], n not among skip[at] for start[b] <= at < start[b + 1]
 *
 * Equal scores go to the lower id. An item whose score is -Infinity or NaN is never chosen. Where fewer than k remain, the rest of the row
 * is id -1 with score -Infinity.
 * Shapes: scores (B, N); ids, best (B, k); start (B + 1); skip (start[B]), ascending within a row. Overwrites ids and best.
 *
 * The best so far are kept as a heap with the worst of them at the root: one comparison dismisses most items.
 */
export function topK(
  ids: Int32Array, best: Float32Array, scores: Float32Array, skip: Int32Array, start: Int32Array, B: number, N: number, k: number,
): void {
  for (let b = 0; b < B; b++) {
    const heap = b * k, row = b * N;
    for (let at = 0; at < k; at++) { ids[heap + at] = -1; best[heap + at] = -Infinity; }
    if (k === 0) continue;

    let next = start[b];
    for (let n = 0; n < N; n++) {
      while (next < start[b + 1] && skip[next] < n) next++;
      if (next < start[b + 1] && skip[next] === n) continue;
      // ids come in ascending order, so an equal score is never better than one already held
      if (scores[row + n] > best[heap]) sink(ids, best, heap, k, n, scores[row + n]);
    }

    // take the worst off the root, again and again, to the end of the row
    for (let size = k - 1; size > 0; size--) {
      const id = ids[heap + size], score = best[heap + size];
      ids[heap + size] = ids[heap];
      best[heap + size] = best[heap];
      sink(ids, best, heap, size, id, score);
    }
  }
}

/** Puts (id, score) in place of the root of a heap of `size`, and moves it down to where it belongs. */
function sink(ids: Int32Array, best: Float32Array, heap: number, size: number, id: number, score: number): void {
  let at = 0;
  for (let child = 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && worse(ids, best, heap + child + 1, ids[heap + child], best[heap + child])) child++;
    if (!worse(ids, best, heap + child, id, score)) break;
    ids[heap + at] = ids[heap + child];
    best[heap + at] = best[heap + child];
    at = child;
  }
  ids[heap + at] = id;
  best[heap + at] = score;
}

/** Whether the entry at `at` is worse than (id, score): a lower score, or the same score and a higher id. Empty places are worst. */
function worse(ids: Int32Array, best: Float32Array, at: number, id: number, score: number): boolean {
  if (best[at] !== score) return best[at] < score;
  return ids[at] > id;
}
