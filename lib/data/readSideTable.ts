import { TightrecError, describe } from '../errors.ts';
import { describeId } from './interactions.ts';
import { type ReadOptions, readTable } from './readTable.ts';
import { type SideColumn, type SideTable, sideTable } from './sideTable.ts';
import { type ColumnType, listed, quoted, suggestion } from './tableBuilder.ts';

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
