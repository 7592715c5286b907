import { scope, scratchInts } from '../../kernels/memory.ts';

/** Rows at a time. */
const BLOCK = 1024;

/** inBlocks: some rows at a time, each block in a scope of its own: their numbers, and where they begin. */
export function inBlocks(rows: number, work: (some: Int32Array, from: number) => void): void {
  for (let from = 0; from < rows; from += BLOCK) scope(() => work(counting(Math.min(BLOCK, rows - from), from), from));
}

/** counting: n rows from `from` on, in the memory of the running scope. */
export function counting(n: number, from = 0): Int32Array {
  const rows = scratchInts(n);
  for (let at = 0; at < n; at++) rows[at] = from + at;
  return rows;
}
