import { TightrecError, describe } from '../errors.ts';
import { describeId } from './interactions.ts';
import { type RawId, checkId } from './labelEncoder.ts';
import { quoted } from './tableBuilder.ts';

/** SideColumn: a cell for each id: a text, a number, or a list of texts. */
export type SideColumn = ArrayLike<string | number | readonly string[]>;

/** SideTable: what is known of users, or of items, beside what they did: columns beside their ids. Made by `sideTable` or `readSideTable`. */
export interface SideTable {
  /** What errors call it. */
  readonly source: string;
  readonly ids: readonly RawId[];
  /** Where each id stands. */
  readonly position: ReadonlyMap<RawId, number>;
  readonly columns: Readonly<Record<string, SideColumn>>;
}

/**
 * sideTable: columns beside ids, in memory. Shapes: ids (n), each column (n).
 * Errors: 'bad-input' for a column that is not as long as ids, and for an id that comes twice or cannot be one.
 */
export function sideTable(ids: ArrayLike<RawId>, columns: Readonly<Record<string, SideColumn>>, options: { source?: string } = {}): SideTable {
  const { source = 'the side table' } = options, position = new Map<RawId, number>();
  if (typeof columns !== 'object' || columns === null || Array.isArray(columns)) throw new TightrecError('bad-input', `sideTable: columns must be an object of columns by name, such as { age: [24, 53] }, got ${describe(columns)}`);
  if (typeof ids?.length !== 'number' || typeof ids === 'string') throw new TightrecError('bad-input', `sideTable: expected an array of ids, got ${describe(ids)}`);
  for (let at = 0; at < ids.length; at++) {
    checkId(ids[at], at);
    const before = position.get(ids[at]);
    if (before !== undefined) throw new TightrecError('bad-input', `sideTable: expected each id once in ${source}, got ${describeId(ids[at])} at positions ${before} and ${at}; leave one of them`);
    position.set(ids[at], at);
  }
  for (const [name, column] of Object.entries(columns)) {
    if (column?.length !== ids.length || typeof column === 'string') throw new TightrecError('bad-input', `sideTable: expected ${ids.length} cells in column ${quoted(name)} of ${source}, one for each id, got ${typeof column?.length === 'number' && typeof column !== 'string' ? column.length : describe(column)}`);
  }
  return { source, ids: Array.from(ids), position, columns };
}

/** checkSideTable: refuses what is no side table. Errors: 'bad-input'. */
export function checkSideTable(where: string, table: SideTable): void {
  if (!(table?.position instanceof Map)) throw new TightrecError('bad-input', `${where}: expected a side table, made by sideTable() or readSideTable(), got ${describe(table)}`);
}
