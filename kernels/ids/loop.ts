/** firstOutside: the first position whose id is not in 0 .. n - 1, or -1. Shape: ids (B). Kernels trust ids, so ops ask this before. */
export function firstOutside(ids: Int32Array, B: number, n: number): number {
  for (let b = 0; b < B; b++) if (ids[b] < 0 || ids[b] >= n) return b;
  return -1;
}

/**
 * distinctIds: tells the ids of a batch apart. Returns R, how many different ones there are.
 *
 *   ids[0 .. R - 1]    each id once, in the order they first occur
 *   slots[b]           where the b-th id of the batch stands among them: ids[slots[b]] = batch[b]
 *   counts[r]          how often ids[r] occurs
 *
 * Shapes: batch, slots (B); ids, counts (at least min(B, n)); place (n), zeros: it is left holding slot + 1. Ids are 0 .. n - 1.
 */
export function distinctIds(ids: Int32Array, slots: Int32Array, counts: Float32Array, place: Int32Array, batch: Int32Array, B: number): number {
  let R = 0;
  for (let b = 0; b < B; b++) {
    const id = batch[b];
    if (place[id] === 0) {
      ids[R] = id;
      counts[R] = 0;
      R++;
      place[id] = R;
    }
    slots[b] = place[id] - 1;
    counts[place[id] - 1] += 1;
  }
  return R;
}

/**
 * orderIds: the positions of a batch in ascending order of id, equal ids in the order of position: a counting sort.
 *
 * Shapes: order, ids (B); start (n + 1), zeros: it is left holding where each id's positions end. Ids are 0 .. n - 1. Overwrites order.
 */
export function orderIds(order: Int32Array, start: Int32Array, ids: Int32Array, B: number, n: number): void {
  for (let b = 0; b < B; b++) start[ids[b] + 1] += 1;
  for (let id = 0; id < n; id++) start[id + 1] += start[id];
  for (let b = 0; b < B; b++) {
    const id = ids[b];
    order[start[id]] = b;
    start[id] += 1;
  }
}

/** gatherIds: out[b] = from[at[b]]. Shapes: out, at (B); from (any). Overwrites out. */
export function gatherIds(out: Int32Array, from: Int32Array, at: Int32Array, B: number): void {
  for (let b = 0; b < B; b++) out[b] = from[at[b]];
}

/** countIds: counts[ids[b]] += 1. Shapes: ids (B); counts (n). Accumulates. */
export function countIds(counts: Float32Array, ids: Int32Array, B: number): void {
  for (let b = 0; b < B; b++) counts[ids[b]] += 1;
}
