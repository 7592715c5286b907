import { kernels } from '../../kernels/answering.ts';
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

/** Overwrites out (B, to - from) with a number for each of the items from .. to - 1 and each of B rows. */
export type ScorePanel = (out: Float32Array, rows: Int32Array, from: number, to: number) => void;

/** What the lists of B rows must not hold of the items from .. to - 1, counted from `from`. */
export type PanelSkips = (rows: Int32Array, from: number, to: number) => Skips;

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
const ROWS = 64; // at a time where items come in panels: the vectors of a panel are read once for all of them
const ENOUGH = 16; // rows that meet all items at a time, to which panels would bring little
const MANY = 1024; // items for each of the k, which are found anew in every panel

/**
 * selectRows: scores a block of rows against all items, selects the k best, and goes on to the next block, so that memory stays bounded.
 * What `skips` says of a block's rows is skipped while selecting; equal scores go to the lower item. Shapes: rows (B) -> (B, k).
 */
export function selectRows(where: string, rows: Int32Array, nItems: number, k: number, skips: (rows: Int32Array) => Skips, scoreBlock: ScoreBlock): TopLists {
  return select(where, rows, nItems, k, nItems, skips, scoreBlock);
}

/** selectPanels: the lists of selectRows where some of the items can be scored by themselves: many rows meet a panel of items, and of a row's best of each panel the best are selected. Where rows enough are scored against all items at a time, or k is large, it is selectRows. */
export function selectPanels(where: string, rows: Int32Array, nItems: number, k: number, skips: PanelSkips, scorePanel: ScorePanel): TopLists {
  const panel = Math.floor(BLOCK_FLOATS / Math.max(1, Math.min(ROWS, rows.length))), panels = Math.ceil(nItems / panel);
  const gains = nItems * ENOUGH > BLOCK_FLOATS && k * MANY <= nItems && panels * k <= panel;
  return select(where, rows, nItems, k, gains ? Math.min(panel, nItems) : nItems, skips, scorePanel);
}

function select(where: string, rows: Int32Array, nItems: number, k: number, panel: number, skips: PanelSkips, scorePanel: ScorePanel): TopLists {
  const B = rows.length, { items, scores } = emptyLists(where, B, k), most = Math.min(k, nItems); // what is beyond all items is padding
  if (most < k) { items.fill(-1); scores.fill(-Infinity); }
  if (most === 0) return { items, scores };
  const block = Math.max(1, Math.floor(BLOCK_FLOATS / panel));
  for (let from = 0; from < B; from += block) {
    scope(() => {
      const some = scratchCopy(rows.subarray(from, from + block)), n = some.length, ids = scratch(n * most).ints(), best = scratch(n * most).floats();
      if (panel === nItems) bestOf(ids, best, some, 0, nItems, most, skips, scorePanel);
      else bestOfPanels(ids, best, some, nItems, most, panel, skips, scorePanel);
      if (most === k) { items.set(ids, from * k); scores.set(best, from * k); return; }
      for (let b = 0; b < n; b++) {
        items.set(ids.subarray(b * most, (b + 1) * most), (from + b) * k);
        scores.set(best.subarray(b * most, (b + 1) * most), (from + b) * k);
      }
    });
  }
  return { items, scores };
}

/** The k best of items from .. to - 1, counted from `from`. Shapes: ids, best (B, k). Runs inside a scope. */
function bestOf(ids: Int32Array, best: Float32Array, rows: Int32Array, from: number, to: number, k: number, skips: PanelSkips, scorePanel: ScorePanel): void {
  const B = rows.length, all = scratch(B * (to - from)).floats();
  scorePanel(all, rows, from, to);
  const { skip, start } = skips(rows, from, to);
  kernels.topK(ids, best, all, skip, start, B, to - from, k);
}

/** The k best of all items: of the k best of each panel, one panel after another, so that of equal scores the lower item still comes first. Shapes: ids, best (B, k). Runs inside a scope. */
function bestOfPanels(ids: Int32Array, best: Float32Array, rows: Int32Array, nItems: number, k: number, panel: number, skips: PanelSkips, scorePanel: ScorePanel): void {
  const B = rows.length, width = Math.ceil(nItems / panel) * k, item = new Int32Array(B * width), score = scratch(B * width).floats(), start = scratch(B + 1).ints().fill(0);
  for (let from = 0, at = 0; from < nItems; from += panel, at += k) {
    scope(() => {
      const some = scratch(B * k).ints(), scored = scratch(B * k).floats();
      bestOf(some, scored, rows, from, Math.min(from + panel, nItems), k, skips, scorePanel);
      for (let b = 0; b < B; b++) {
        for (let place = 0; place < k; place++) { item[b * width + at + place] = from + some[b * k + place]; score[b * width + at + place] = scored[b * k + place]; }
      }
    });
  }
  kernels.topK(ids, best, score, scratch(0).ints(), start, B, width, k); // what is -Infinity, the padding of a panel, is never chosen
  for (let b = 0; b < B; b++) for (let at = b * k; at < (b + 1) * k && ids[at] >= 0; at++) ids[at] = item[b * width + ids[at]];
}
