import { type Block, allocate, free } from '../../kernels/memory.ts';
import type { Csr } from '../data/csr.ts';

/** A bitmap of users x items is made up to this size, in bytes, so that it stays in the cache; beyond it the sorted rows are searched. */
const BITMAP = 2 ** 22;

/** Met: what users have met, as kernels/bprEpoch reads it, in the linear memory until `free`. */
export interface Met { readonly ids: Block; readonly start: Block; readonly words: number; free(): void }

/** metBefore: the bits of a bitmap, `words` to a row, or, where that would be too large, the sorted rows (words 0). */
export function metBefore({ rows, columns, indptr, indices }: Csr): Met {
  const wide = Math.ceil(columns / 32), words = 4 * rows * wide <= BITMAP ? wide : 0;
  const start = allocate(rows + 1);
  let ids: Block;
  try { ids = allocate(words > 0 ? rows * words : indices.length); } catch (error) { free(start); throw error; }
  start.ints().set(indptr);
  if (words === 0) ids.ints().set(indices);
  else {
    const bits = ids.ints();
    for (let row = 0; row < rows; row++) for (let at = indptr[row]; at < indptr[row + 1]; at++) bits[row * words + (indices[at] >> 5)] |= 1 << (indices[at] & 31);
  }
  return { ids, start, words, free() { free(ids); free(start); } };
}
