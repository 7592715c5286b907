import type { Groups } from '../data/csr.ts';
import { type Interactions, fromRows } from '../data/interactions.ts';
import { type RawId, LabelEncoder } from '../data/labelEncoder.ts';
import { type Table, readTable } from '../data/readTable.ts';
import { cutByTime, groupItems } from '../data/split.ts';
import { TightrecError } from '../errors.ts';
import { Popularity } from '../models/popularity.ts';

/** The columns of Online Retail, all of which a file must have. */
export const COLUMNS = ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'UnitPrice', 'CustomerID', 'Country'] as const;

/** Validation begins at the first date and test at the second: times of the wall clock, written as if they were UTC. */
export const CUTS = ['2011-10-09', '2011-11-09'] as const;

/** Transactions: what the study takes from a file, row by row. Shapes: (rows). */
export interface Transactions {
  readonly source: string;
  readonly generated: boolean; // made up by generateTransactions
  readonly rows: number;
  readonly invoice: readonly string[];
  readonly stockCode: readonly string[];
  readonly description: readonly string[];
  readonly date: Float64Array; // milliseconds since 1970
  readonly customer: readonly string[]; // '' where there is none
  readonly skipped: Table['skipped']; // bad rows that were left out
}

export interface ReadTransactionsOptions {
  onBadRow?: 'error' | 'skip';
  onProgress?: (progress: { bytes: number; totalBytes: number; rows: number }) => void;
  signal?: AbortSignal;
}

/**
 * readTransactions: a .csv, .csv.gz or .xlsx with the eight columns of Online Retail.
 * Errors: as readTable; 'column-missing' for a file with other columns.
 */
export async function readTransactions(file: string | Uint8Array, options: ReadTransactionsOptions = {}): Promise<Transactions> {
  const readIn = { InvoiceNo: 'string', StockCode: 'string', Description: 'string', InvoiceDate: 'date', CustomerID: 'string' } as const;
  const needs = `the study reads the eight columns of Online Retail (${COLUMNS.join(', ')})`;
  const table = await readTable(file, { ...options, columns: readIn }).catch((error: unknown) => {
    if (!(error instanceof TightrecError && error.code === 'column-missing')) throw error;
    throw new TightrecError('column-missing', `${error.message}; ${needs}`, { cause: error });
  });
  // the other three are not used, but a table without them is another table
  const missing = COLUMNS.find((name) => !table.names.includes(name));
  if (missing !== undefined) throw new TightrecError('column-missing', `expected a column "${missing}" in ${table.source}; ${needs}`);
  const text = (name: keyof typeof readIn) => table.columns[name] as string[];
  return {
    source: table.source, generated: false, rows: table.rows,
    invoice: text('InvoiceNo'), stockCode: text('StockCode'), description: text('Description'), date: table.columns.InvoiceDate as Float64Array, customer: text('CustomerID'),
    skipped: table.skipped,
  };
}

/** Piece: the rows of train, validation or test, and its invoices: runs of equal InvoiceNo. */
export interface Piece {
  readonly name: 'train' | 'validation' | 'test';
  readonly rows: Int32Array; // which transactions
  readonly groups: Groups; // item codes by invoice, in the encoder of all items
  readonly customer: Int32Array; // (invoices) row of the customer; -1 for one not seen in train, -2 where there is none
}

/** OnlineRetail: the transactions, split and coded as in the chapter. */
export interface OnlineRetail {
  readonly transactions: Transactions;
  readonly kept: number; // rows whose InvoiceNo does not start with C
  readonly items: LabelEncoder; // all stock codes of the kept rows, by code point
  readonly customers: LabelEncoder; // those of train
  readonly train: Piece;
  readonly validation: Piece;
  readonly test: Piece;
  /** Train rows with a customer. Its items are the first of `items`, up to the last that occurs; a row number means the same in both. */
  readonly training: Interactions;
  /** How often each item occurs in train, with or without a customer. Shape: (items). */
  readonly counts: Float32Array;
  /** All items, the most bought of train first, equal ones by their code. */
  readonly ranking: Int32Array;
}

/**
 * onlineRetail: cancelled invoices (InvoiceNo starts with C) left out, stock codes and customers coded, rows split by date.
 * Errors: 'bad-input' when train, validation or test is empty, or no row of train has a customer.
 */
export async function onlineRetail(transactions: Transactions): Promise<OnlineRetail> {
  const { invoice, stockCode, date, source } = transactions, customer = transactions.customer.map(withoutDecimals);
  const kept: number[] = [];
  for (let row = 0; row < transactions.rows; row++) if (!invoice[row].startsWith('C')) kept.push(row);

  const pieces = cutByTime(kept.map((row) => date[row]), CUTS.map((day) => Date.parse(day))).map((positions) => positions.map((at) => kept[at]));
  checkPieces(source, date, kept, pieces);

  const items = LabelEncoder.fit(distinctOf(kept, stockCode)), item = new Int32Array(transactions.rows);
  for (const row of kept) item[row] = items.encode(stockCode[row]);

  const known = pieces[0].filter((row) => customer[row] !== '');
  if (known.length === 0) throw new TightrecError('bad-input', `${source}: no row before ${CUTS[0]} has a CustomerID, so there is nothing to learn from`);
  const customers = LabelEncoder.fit(distinctOf(known, customer));

  const piece = (name: Piece['name'], rows: Int32Array): Piece => {
    const groups = groupItems(Array.from(rows, (row) => invoice[row]), rows.map((row) => item[row]));
    const first = rows.length === 0 ? new Int32Array(0) : groups.indptr.subarray(0, -1).map((at) => rows[at]);
    return { name, rows, groups, customer: first.map((row) => (customer[row] === '' ? -2 : customers.encode(customer[row]))) };
  };

  const last = known.reduce((most, row) => Math.max(most, item[row]), 0);
  const training = fromRows({
    users: customers, items: LabelEncoder.fit(items.labels.slice(0, last + 1) as RawId[]),
    user: known.map((row) => customers.encode(customer[row])), item: known.map((row) => item[row]),
    value: null, time: Float64Array.from(known, (row) => date[row]), basket: null,
  });

  // row 0 of these users is for rows without a customer: popularity counts them too
  const buyers = LabelEncoder.fit(customers.known(), { unknown: true }), train = pieces[0];
  const everything = fromRows({ users: buyers, items, user: train.map((row) => buyers.encode(customer[row])), item: train.map((row) => item[row]), value: null, time: null, basket: null });
  const popularity = await new Popularity().fit(everything);

  return {
    transactions, kept: kept.length, items, customers, training,
    train: piece('train', pieces[0]), validation: piece('validation', pieces[1]), test: piece('test', pieces[2]),
    counts: popularity.scores([0]), ranking: popularity.recommend([0], { k: items.size }).items,
  };
}

/** A workbook read by pandas turns 17850 into 17850.0: the same customer. */
const withoutDecimals = (customer: string): string => customer.endsWith('.0') ? customer.slice(0, -2) : customer;

function distinctOf(rows: Iterable<number>, of: readonly string[]): Set<string> {
  const distinct = new Set<string>();
  for (const row of rows) distinct.add(of[row]);
  return distinct;
}

function checkPieces(source: string, date: Float64Array, kept: number[], pieces: Int32Array[]): void {
  if (kept.length === 0) throw new TightrecError('bad-input', `${source}: no row is left without the cancelled ones (InvoiceNo starting with C)`);
  const [train, validation] = pieces, empty = pieces.findIndex((piece) => piece.length === 0);
  if (empty < 0) return;
  const what = ['training rows, before', 'validation rows, from', 'test rows, from'][empty], when = [CUTS[0], `${CUTS[0]} to before ${CUTS[1]}`, CUTS[1]][empty];
  let from = Infinity, to = -Infinity;
  for (const row of kept) { from = Math.min(from, date[row]); to = Math.max(to, date[row]); }
  const day = (time: number) => new Date(time).toISOString().slice(0, 10);
  throw new TightrecError('bad-input', `${source}: there are no ${what} ${when}: its ${train.length + validation.length + pieces[2].length} rows are from ${day(from)} to ${day(to)}`);
}

/** knownInvoices: how many invoices have a customer of train, a customer that train does not know, none. */
export function knownInvoices({ customer }: Piece): { known: number; new: number; none: number } {
  const counts = { known: 0, new: 0, none: 0 };
  for (const row of customer) counts[row >= 0 ? 'known' : row === -1 ? 'new' : 'none']++;
  return counts;
}
