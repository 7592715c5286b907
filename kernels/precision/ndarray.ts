import ndarray from 'ndarray';
import ops from 'ndarray-ops';

/**
 * The same with ndarray. It buys "is any of them equal" in words. It costs two calls a row for the few places of a list, each of which takes
 * longer than looking at them, and it compares with all of them: it cannot stop at the first hit.
 *
 * precisionHits: how many rows of G groups are among the k items listed for their group, as in loop.ts.
 */
export function precisionHits(top: Int32Array, indptr: Int32Array, items: Int32Array, G: number, k: number): number {
  const lists = ndarray(top, [G, k]), equal = ndarray(new Uint8Array(k), [k]);
  let hits = 0;
  for (let g = 0; g < G; g++) {
    const list = lists.pick(g, null);
    for (let row = indptr[g]; row < indptr[g + 1]; row++) {
      ops.eqs(equal, list, items[row]);
      if (ops.any(equal)) hits++;
    }
  }
  return hits;
}
