import { TightrecError, describe } from '../errors.ts';
import { describeId } from './interactions.ts';
import { type RawId, checkId } from './labelEncoder.ts';
import { type ReadOptions, readTable } from './readTable.ts';
import { type ColumnType, listed, quoted, suggestion } from './tableBuilder.ts';

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

export interface SideTableOptions extends ReadOptions {
  /** For each new column the columns of 0 and 1 that it is made of: its cells are the lists of the names of those that hold 1. */
  flags?: Readonly<Record<string, readonly string[]>>;
}

/**
 * readSideTable: a side table from a .csv, .csv.gz or .xlsx file; `id` names the column of ids, which are kept as text, as readInteractions does.
 * Columns that are not named in `columns` are left out; without `columns` all are read, as texts.
 * Errors: as readTable and sideTable; 'bad-row' for a flag that is neither 0 nor 1.
 */
export async function readSideTable(file: string | URL | Uint8Array | ArrayBuffer | Blob, id: string, options: SideTableOptions = {}): Promise<SideTable> {
  if (typeof id !== 'string' || id === '') throw new TightrecError('bad-setting', `readSideTable: expected the name of the column of ids, got ${describe(id)}`);
  const { flags = {}, columns, required = [], ...rest } = options, texts = (names: readonly string[]): Record<string, ColumnType> => Object.fromEntries(names.map((name) => [name, 'string']));
  const flagNames = Object.values(flags).flat();
  const table = await readTable(file, { ...rest, ...(columns && { columns: { ...columns, ...texts(flagNames), ...texts([id]) } }), required: [...new Set([...required, id])] });
  const absent = [id, ...flagNames].find((name) => !Object.hasOwn(table.columns, name));
  if (absent !== undefined) throw new TightrecError('column-missing', `readSideTable: expected a column ${quoted(absent)} in ${table.source}, got ${listed(table.names)}${suggestion(absent, table.names)}`);

  const ids = table.columns[id] as string[], flagged = new Set([id, ...flagNames]);
  const kept = Object.entries(table.columns).filter(([name]) => !flagged.has(name) || (columns && Object.hasOwn(columns, name) && name !== id));
  const lists = Object.entries(flags).map(([name, of]): [string, string[][]] => [name, ids.map((_, at) => of.filter((flag) => {
    const cell = (table.columns[flag] as string[])[at];
    if (cell !== '0' && cell !== '1') throw new TightrecError('bad-row', `readSideTable: ${table.source}, id ${describeId(ids[at])}, column ${quoted(flag)}: expected a flag, 0 or 1, got ${quoted(cell)}`);
    return cell === '1';
  }))]);
  return sideTable(ids, Object.fromEntries([...kept, ...lists]) as Record<string, SideColumn>, { source: table.source });
}
