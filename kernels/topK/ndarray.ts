import ndarray from 'ndarray';
import ops from 'ndarray-ops';
import { vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys `argmax`, which settles ties as we do, first come, and passes over NaN. It costs a pass over all items for
 * each of the k places, where a heap makes one for all of them: fair for a k of five, hopeless for a whole catalogue.
 *
 * topK: the k best items of each of B score rows, as in loop.ts.
 */
export function topK(
  ids: Int32Array, best: Float32Array, scores: Float32Array, skip: Int32Array, start: Int32Array, B: number, N: number, k: number,
): void {
  const items = ndarray(ids, [B, k]), values = ndarray(best, [B, k]), all = ndarray(scores, [B, N]), left = vector(N);
  ops.assigns(items, -1);
  ops.assigns(values, -Infinity);
  for (let b = 0; b < B; b++) {
    ops.assign(left, all.pick(b, null));
    for (let at = start[b]; at < start[b + 1]; at++) left.set(skip[at], -Infinity);
    for (let at = 0; at < k; at++) {
      const [n] = ops.argmax(left);
      if (n === N) break; // nothing above -Infinity is left
      items.set(b, at, n);
      values.set(b, at, left.get(n));
      left.set(n, -Infinity);
    }
  }
}
