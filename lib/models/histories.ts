import { scratchFloats, scratchInts } from '../../kernels/memory.ts';
import type { Bag } from '../autodiff/ops/bag.ts';
import type { Groups } from '../data/csr.ts';
import type { Interactions } from '../data/interactions.ts';

/**
 * Histories: what each user met, in the order of time. User u met `items[at]` for indptr[u] <= at < indptr[u + 1]; event e of the data stands at `place[e]`, and
 * `before[at]` is where the history of a place ends: all from indptr[u] to there lies before it.
 */
export interface Histories extends Groups {
  readonly place: Int32Array; // (events)
  readonly before: Int32Array; // (places)
}

/**
 * historiesOf: the histories in a data set of so many users, each after what is known of the user from earlier (`earlier`, or nothing). Events of one moment are not
 * each other's history: which came first nobody knows. So the order of the rows of a data set with times does not matter; without times it is the order of time.
 * Baskets play no part.
 */
export function historiesOf({ user, item, time }: Pick<Interactions, 'user' | 'item' | 'time'>, nUsers: number, earlier: Groups | null = null): Histories {
  const n = user.length, event = Int32Array.from(user, (_, e) => e).sort((a, b) => user[a] - user[b] || (time === null ? 0 : time[a] - time[b] || item[a] - item[b]) || a - b);
  const many = n + (earlier === null ? 0 : earlier.items.length), indptr = new Int32Array(nUsers + 1), items = new Int32Array(many), before = new Int32Array(many), place = new Int32Array(n);
  for (let u = 0, at = 0, next = 0; u < nUsers; u++) {
    indptr[u] = at;
    if (earlier !== null) for (let e = earlier.indptr[u]; e < earlier.indptr[u + 1]; e++, at++) { items[at] = earlier.items[e]; before[at] = at; }
    for (let first = true; next < n && user[event[next]] === u; next++, at++, first = false) {
      const e = event[next], sameMoment = !first && time !== null && time[e] === time[event[next - 1]];
      items[at] = item[e];
      before[at] = sameMoment ? before[at - 1] : at;
      place[e] = at;
    }
  }
  indptr[nUsers] = many;
  return { indptr, items, place, before };
}

/** lastOf: of each group the last n at most. */
export function lastOf({ indptr, items }: Groups, n: number): Groups {
  const groups = indptr.length - 1, starts = new Int32Array(groups + 1);
  for (let g = 0; g < groups; g++) starts[g + 1] = starts[g] + Math.min(n, indptr[g + 1] - indptr[g]);
  const last = new Int32Array(starts[groups]);
  for (let g = 0; g < groups; g++) last.set(items.subarray(indptr[g + 1] - (starts[g + 1] - starts[g]), indptr[g + 1]), starts[g]);
  return { indptr: starts, items: last };
}

/** meanBags: for each b a bag of the items from place from[b] to before place to[b], of the last n of them at most, with weights that make its sum their mean. In the memory of the running step. */
export function meanBags(items: Int32Array, from: Int32Array, to: Int32Array, n: number): Bag {
  const B = to.length, indptr = scratchInts(B + 1), lengthOf = (b: number): number => Math.min(n, to[b] - from[b]);
  indptr[0] = 0;
  for (let b = 0; b < B; b++) indptr[b + 1] = indptr[b] + lengthOf(b);
  const indices = scratchInts(indptr[B]), values = scratchFloats(indptr[B]);
  for (let b = 0; b < B; b++) {
    const length = lengthOf(b);
    for (let p = indptr[b], at = to[b] - length; p < indptr[b + 1]; p++, at++) {
      indices[p] = items[at];
      values[p] = 1 / length;
    }
  }
  return { indptr, indices, values };
}
