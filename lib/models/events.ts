import type { Csr } from '../data/csr.ts';
import { addCsr } from '../data/csrTransforms.ts';
import { type Interactions, checkData, checkSums, fromRows } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { type Catalogue, recode } from './catalogue.ts';

/** What a fit makes of the events that it is given. */

/**
 * checkEvents: refuses what is not interactions, data in which nothing happens, such as a piece of a time split, and rows changed by hand that their encoders do not have:
 * kernels would read and write memory that is not theirs.
 * Errors: 'bad-input'.
 */
export function checkEvents(where: string, data: Interactions): void {
  checkData(where, data);
  const { user, item, users, items } = data;
  if (user.length === 0) throw new TightrecError('bad-input', `${where}: there are no events to learn from; give data with at least one`);
  if (user.length !== item.length) throw new TightrecError('bad-input', `${where}: each event has a user and an item, and these are ${user.length} users and ${item.length} items; make interactions by interactions() or readInteractions()`);
  checkInside(where, 'user', user, users);
  checkInside(where, 'item', item, items);
}

/** By a plain loop: kernels.firstOutside would first copy the rows to where it reads them. */
function checkInside(where: string, kind: string, rows: Int32Array, { size }: LabelEncoder): void {
  for (let at = 0; at < rows.length; at++) {
    if (rows[at] < 0 || rows[at] >= size) throw new TightrecError('bad-input', `${where}: ${kind} row ${rows[at]} at position ${at} is outside 0..${size - 1}, the rows of the data's encoder; make interactions by interactions() or readInteractions()`);
  }
}

/** idsOf: the ids that have an event. */
export const idsOf = (rows: Int32Array, encoder: LabelEncoder): RawId[] => [...new Set(rows)].map((row) => encoder.labels[row]).filter((id): id is RawId => id !== null);

/**
 * encodeLike: the same events by the rows of an earlier catalogue; `where` and `advice` are for the error.
 * Errors: 'unknown-id' for a user or item that it does not hold.
 */
export function encodeLike(where: string, data: Interactions, catalogue: Catalogue, advice = 'fit it again with all the data to take new ones in'): Interactions {
  const { users, items } = catalogue;
  if (users === data.users && items === data.items) return data;
  return fromRows({ ...data, users, items, user: recode(where, 'user', data.user, data.users, users, advice), item: recode(where, 'item', data.item, data.items, items, advice) });
}

/** addSeen: the catalogue with more events in it. Errors: 'bad-input' where values add up to what float32 does not hold. */
export const addSeen = (catalogue: Catalogue, data: Interactions): Catalogue => ({ ...catalogue, seen: checkSums('events old and new', addCsr(catalogue.seen, data.matrix), catalogue.users, catalogue.items) });

/** withSeen: the same, for a model that may be shown one data set again and again: events that are all it has seen are not new ones. */
export const withSeen = (catalogue: Catalogue, data: Interactions): Catalogue => sameCsr(catalogue.seen, data.matrix) ? catalogue : addSeen(catalogue, data);

const sameCsr = (a: Csr, b: Csr): boolean => a === b || (sameNumbers(a.indptr, b.indptr) && sameNumbers(a.indices, b.indices) && sameNumbers(a.values, b.values));
const sameNumbers = (a: Int32Array | Float32Array, b: Int32Array | Float32Array): boolean => a.length === b.length && a.every((value: number, at: number) => value === b[at]);

/** sharesOf: the share of each item in all events. Shape: (nItems). */
export function sharesOf({ item, items }: Interactions): Float64Array {
  const shares = new Float64Array(items.size);
  for (const i of item) shares[i] += 1 / item.length;
  return shares;
}
