import { type Csr, addCsr } from '../data/csr.ts';
import { type Interactions, checkData, checkSums, describeId, fromRows } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';

/** Catalogue: what every fitted model remembers of its data. */
export interface Catalogue {
  readonly users: LabelEncoder;
  readonly items: LabelEncoder;
  readonly seen: Csr; // users x items
}

export const catalogueOf = (data: Interactions): Catalogue => ({ users: data.users, items: data.items, seen: data.matrix });

/** checkEvents: refuses what is not interactions, and data in which nothing happens, such as a piece of a time split. */
export function checkEvents(where: string, data: Interactions): void {
  checkData(where, data);
  if (data.user.length === 0) throw new TightrecError('bad-input', `${where}: there are no events to learn from; give data with at least one`);
}

/**
 * recode: rows of one encoder as rows of another, by the raw ids; `where`, `kind` and `advice` are for the error.
 * Errors: 'unknown-id' for an id that it does not hold.
 */
export function recode(where: string, kind: string, rows: Int32Array, from: LabelEncoder, to: LabelEncoder, advice: string): Int32Array {
  if (from === to) return rows;
  const table = to.encodeAll(from.labels as RawId[]);
  return rows.map((row) => {
    if (table[row] >= 0) return table[row];
    const id = from.labels[row];
    throw new TightrecError('unknown-id', `${where}: ${id === null ? `a ${kind} without an id` : `${kind} ${describeId(id)}`} was not there when the model was fitted; ${advice}`);
  });
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

/** How much each item was met, over all users. Shape: (nItems). */
export function itemTotals(seen: Csr): Float32Array {
  const totals = new Float64Array(seen.columns);
  for (let at = 0; at < seen.indices.length; at++) totals[seen.indices[at]] += seen.values[at];
  return Float32Array.from(totals);
}
