import { kernels } from '../../kernels/index.ts';
import { scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import { TightrecError, describe } from '../errors.ts';

/** Flat row-major lists, k to a row, best first; short rows are padded with id -1 and score -Infinity. */
export interface TopLists { items: Int32Array; scores: Float32Array }

/** Overwrites out (B, nItems) with a number for every item and each of B rows: users to score for, items to be like, or queries. */
export type ScoreBlock = (out: Float32Array, rows: Int32Array) => void;

/** What each of B lists must not hold: skip[at] for start[b] <= at < start[b + 1], ascending within a list. Shapes: start (B + 1), skip (start[B]). */
export interface Skips { skip: Int32Array; start: Int32Array }

/** skipsOf: of lists that are ascending, one for each of B rows. Runs inside a scope. */
export function skipsOf(lists: readonly Int32Array[]): Skips {
  const start = scratch(lists.length + 1).ints();
  start[0] = 0;
  lists.forEach((list, b) => { start[b + 1] = start[b] + list.length; });
  const skip = scratch(start[lists.length]).ints();
  lists.forEach((list, b) => skip.set(list, start[b]));
  return { skip, start };
}

/** ascending: the rows that either list holds, each once. */
export function ascending(a: Int32Array, b: Int32Array): Int32Array {
  const rows = new Int32Array(a.length + b.length);
  let n = 0;
  rows.set(a);
  rows.set(b, a.length);
  rows.sort();
  for (let at = 0; at < rows.length; at++) if (n === 0 || rows[at] !== rows[n - 1]) rows[n++] = rows[at];
  return rows.subarray(0, n);
}

/** checkK: how many items in a list. Errors: 'bad-setting'. */
export function checkK(what: string, k: number): number {
  if (!(Number.isInteger(k) && k >= 1 && k <= 2 ** 24)) throw new TightrecError('bad-setting', `${what}: k must be a whole number from 1 to 16777216, got ${describe(k)}`);
  return k;
}

/** emptyLists: room for so many lists of k. Errors: 'out-of-memory'. */
export function emptyLists(where: string, lists: number, k: number): TopLists {
  try { return { items: new Int32Array(lists * k), scores: new Float32Array(lists * k) }; } catch (cause) {
    throw new TightrecError('out-of-memory', `${where}: ${lists} lists of ${k} items are too much for this runtime; ask for a smaller k, or for fewer at a time`, { cause });
  }
}

const BLOCK_FLOATS = 2 ** 20; // 4 MiB of scores at a time

/**
 * selectRows: scores a block of rows against all items, selects the k best, and goes on to the next block, so that memory stays bounded.
 * What `skips` says of a block's rows is skipped while selecting; equal scores go to the lower item. Shapes: rows (B) -> (B, k).
 */
export function selectRows(where: string, rows: Int32Array, nItems: number, k: number, skips: (rows: Int32Array) => Skips, scoreBlock: ScoreBlock): TopLists {
  const B = rows.length, { items, scores } = emptyLists(where, B, k), most = Math.min(k, nItems); // what is beyond all items is padding
  if (most < k) { items.fill(-1); scores.fill(-Infinity); }
  if (most === 0) return { items, scores };
  const block = Math.max(1, Math.floor(BLOCK_FLOATS / nItems));
  for (let from = 0; from < B; from += block) {
    scope(() => {
      const some = scratchCopy(rows.subarray(from, from + block)), n = some.length;
      const all = scratch(n * nItems).floats();
      scoreBlock(all, some);
      const { skip, start } = skips(some);
      const ids = scratch(n * most).ints(), best = scratch(n * most).floats();
      kernels.topK(ids, best, all, skip, start, n, nItems, most);
      if (most === k) { items.set(ids, from * k); scores.set(best, from * k); return; }
      for (let b = 0; b < n; b++) {
        items.set(ids.subarray(b * most, (b + 1) * most), (from + b) * k);
        scores.set(best.subarray(b * most, (b + 1) * most), (from + b) * k);
      }
    });
  }
  return { items, scores };
}
