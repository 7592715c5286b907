import { TightrecError, describe } from '../errors.ts';
import { type Interactions, encodeEvents, fromRows } from './interactions.ts';
import { type ReadOptions, type Table, readTable } from './readTable.ts';

export interface InteractionColumns {
  /** Names of the columns that hold raw ids. A column of a file without a header (`header: false`) goes by its number, from 1. */
  user: string | number;
  item: string | number;
  /** How much: a quantity, a rating. Without it each row counts once. */
  value?: string | number;
  /** When. */
  time?: string | number;
  /** The number of the order, the visit: rows that follow each other with the same one are a basket. */
  basket?: string | number;
}

export interface InteractionReadOptions extends Omit<ReadOptions, 'columns' | 'optional' | 'required' | 'range'> {
  /** The lowest and the highest value that a rating may have; another makes a bad row. */
  ratingScale?: readonly [lowest: number, highest: number];
}

export interface FileInteractions extends Interactions {
  /** The rows that were left out, with `onBadRow: 'skip'`. */
  readonly skipped: Table['skipped'];
}

/**
 * readInteractions: interactions from a CSV, a file of JSON objects one a line, either of them in a .gz, or an .xlsx. Ids are kept as text, as the file has them.
 * A row without a user, an item or, where asked for, a basket is a bad row: an error, or with `onBadRow: 'skip'` left out, counted and reported in `skipped`.
 * Errors: as readTable; 'bad-row' for an empty id; 'bad-input' when no row is left.
 */
export async function readInteractions(file: string | URL | Uint8Array | ArrayBuffer | Blob, columns: InteractionColumns, options: InteractionReadOptions = {}): Promise<FileInteractions> {
  for (const which of ['user', 'item'] as const) {
    const name = columns?.[which];
    if (!(typeof name === 'number' || (typeof name === 'string' && name !== ''))) throw new TightrecError('bad-setting', `readInteractions: expected the columns of users and items, such as { user: 'customer', item: 'product' }, got ${describe(name)} for ${which}`);
  }
  const [user, item, value, time, basket] = [columns.user, columns.item, columns.value, columns.time, columns.basket].map((name) => name === undefined ? '' : String(name)), { ratingScale, ...reading } = options;
  if (ratingScale && !value) throw new TightrecError('bad-setting', 'readInteractions: ratingScale is of the column of ratings; name it as value');
  const table = await readTable(file, {
    ...reading, ...(ratingScale && { range: { [value]: ratingScale } }),
    columns: { [user]: 'string', [item]: 'string', ...(value && { [value]: 'number' }), ...(time && { [time]: 'date' }), ...(basket && { [basket]: 'string' }) },
    required: [user, item, ...(basket ? [basket] : [])],
  });
  if (table.rows === 0) throw new TightrecError('bad-input', `${table.source}: no row is left to learn from${table.skipped.count > 0 ? `: ${table.skipped.count} bad rows were skipped, the first because ${table.skipped.details[0].message}` : ''}`);
  const events = encodeEvents(table.columns[user] as string[], table.columns[item] as string[], {
    ...(value && { values: table.columns[value] as Float64Array }),
    ...(time && { times: table.columns[time] as Float64Array }),
    ...(basket && { baskets: table.columns[basket] as string[] }),
  });
  return fromRows({ ...events, skipped: table.skipped });
}
