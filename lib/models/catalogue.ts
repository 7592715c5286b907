import type { Csr } from '../data/csr.ts';
import { type Interactions, describeId } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';

/** Catalogue: what every fitted model remembers of its data. */
export interface Catalogue {
  readonly users: LabelEncoder;
  readonly items: LabelEncoder;
  readonly seen: Csr; // users x items
}

export const catalogueOf = (data: Interactions): Catalogue => ({ users: data.users, items: data.items, seen: data.matrix });

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

/** How much each item was met, over all users. Shape: (nItems). */
export function itemTotals(seen: Csr): Float32Array {
  const totals = new Float64Array(seen.columns);
  for (let at = 0; at < seen.indices.length; at++) totals[seen.indices[at]] += seen.values[at];
  return Float32Array.from(totals);
}
