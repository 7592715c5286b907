import type { Csr, Groups } from '../data/csr.ts';
import { TightrecError } from '../errors.ts';

/** checkIds: refuses what is not an Int32Array of ids `least .. below - 1`, and says which entry is to blame. */
export function checkIds(name: string, what: string, ids: Int32Array, least: number, below: number = Number.POSITIVE_INFINITY): void {
  checkInts(name, what, ids);
  for (let at = 0; at < ids.length; at++) {
    if (ids[at] >= least && ids[at] < below) continue;
    const range = below < Number.POSITIVE_INFINITY ? `between ${least} and ${below - 1}` : `${least} or more`;
    throw new TightrecError('unknown-id', `${name}: ${what} must hold ids ${range}, got ${ids[at]} at position ${at}`);
  }
}

/** checkScores: refuses what is not a Float32Array of `rows` rows of `nItems` scores. */
export function checkScores(name: string, what: string, scores: Float32Array, rows: number, nItems: number): void {
  if (!(scores instanceof Float32Array)) throw new TightrecError('bad-input', `${name}: ${what} must be a Float32Array, got ${kindOf(scores)}`);
  if (scores.length !== rows * nItems) {
    throw new TightrecError('bad-shape', `${name}: ${what} must hold ${rows} x ${nItems} = ${rows * nItems} scores, got ${scores.length}`);
  }
}

/** checkLists: `top` must be `lists` lists of `k` ids each, short ones padded with -1. */
export function checkLists(name: string, top: Int32Array, lists: number, k: number): void {
  checkK(name, k);
  checkIds(name, 'top', top, -1);
  if (top.length !== lists * k) throw new TightrecError('bad-shape', `${name}: top must hold ${lists} lists of ${k} = ${lists * k} ids, got ${top.length}`);
}

/** checkK: a list has a whole, positive number of places. */
export function checkK(name: string, k: number): void {
  if (!Number.isInteger(k) || k < 1) throw new TightrecError('bad-setting', `${name}: k must be a positive integer, got ${k}`);
}

/** checkGroups: at least one group, pointers that cover all items in ascending order, no negative item. Returns the number of groups. */
export function checkGroups(name: string, groups: Groups): number {
  checkIds(name, 'groups.items', groups.items, 0);
  checkPointers(name, 'groups', groups.indptr, groups.items.length);
  const G = groups.indptr.length - 1;
  if (G === 0) throw new TightrecError('bad-input', `${name}: needs at least one group, got none`);
  return G;
}

/** checkPointers: row r of `what` is the stretch indptr[r] .. indptr[r + 1] of `length` entries, and the stretches cover them all. */
export function checkPointers(name: string, what: string, indptr: Int32Array, length: number): void {
  checkInts(name, `${what}.indptr`, indptr);
  if (indptr.length === 0) throw new TightrecError('bad-shape', `${name}: ${what}.indptr must hold one number more than there are rows, got an empty array`);
  const last = indptr.length - 1;
  if (indptr[0] !== 0 || indptr[last] !== length) {
    throw new TightrecError('bad-shape', `${name}: ${what}.indptr must run from 0 to ${length}, the number of entries, got ${indptr[0]} to ${indptr[last]}`);
  }
  for (let r = 0; r < last; r++) {
    if (indptr[r] <= indptr[r + 1]) continue;
    throw new TightrecError('bad-shape', `${name}: ${what}.indptr must ascend, got ${indptr[r + 1]} after ${indptr[r]} at position ${r + 1}`);
  }
}

/** checkMatrix: pointers that fit the rows and cover the entries, columns `0 .. columns - 1`. */
export function checkMatrix(name: string, what: string, matrix: Csr, columns: number = Number.POSITIVE_INFINITY): void {
  checkIds(name, `${what}.indices`, matrix.indices, 0, columns);
  checkPointers(name, what, matrix.indptr, matrix.indices.length);
  if (matrix.indptr.length !== matrix.rows + 1) {
    throw new TightrecError('bad-shape', `${name}: ${what}.indptr must hold rows + 1 = ${matrix.rows + 1} numbers, got ${matrix.indptr.length}`);
  }
}

function checkInts(name: string, what: string, ids: Int32Array): void {
  if (!(ids instanceof Int32Array)) throw new TightrecError('bad-input', `${name}: ${what} must be an Int32Array, got ${kindOf(ids)}`);
}

function kindOf(value: unknown): string {
  return value === null || value === undefined ? String(value) : (Object.getPrototypeOf(value)?.constructor?.name ?? typeof value);
}
