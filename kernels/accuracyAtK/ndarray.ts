import ndarray from 'ndarray';
import ops from 'ndarray-ops';

/**
 * The same with ndarray. It buys "is any of them equal" in words, and costs a view and two calls for each position: more than the k
 * comparisons themselves.
 *
 * accuracyHits: how many of B positions find the item that really came in their list of k, as in loop.ts.
 */
export function accuracyHits(top: Int32Array, actual: Int32Array, B: number, k: number): number {
  const lists = ndarray(top, [B, k]), equal = ndarray(new Uint8Array(k), [k]);
  let hits = 0;
  for (let b = 0; b < B; b++) {
    ops.eqs(equal, lists.pick(b, null), actual[b]);
    if (ops.any(equal)) hits++;
  }
  return hits;
}
