import { TightrecError } from '../errors.ts';
import { parseDate, parseNumber } from './parse.ts';

/** ColumnType: how the cells of a column are read; 'date' becomes milliseconds since 1970. */
export type ColumnType = 'string' | 'number' | 'date';

/** SkippedRow: a row that was left out, and why. `row` is its number in the file, the header being row 1. */
export interface SkippedRow { row: number; column: string; message: string }

/** Cells: what a column of a type is read into. */
export type Cells<Type extends ColumnType> = Type extends 'string' ? string[] : Float64Array;

/** Table: the columns of a file of transactions. */
export interface Table<Columns extends Record<string, ColumnType> = Record<string, ColumnType>> {
  /** The path, or what else was read. */
  readonly source: string;
  readonly rows: number;
  /** All header names of the file, in order. */
  readonly names: string[];
  /** Those asked for: string[] for 'string', Float64Array for 'number' and 'date'. */
  readonly columns: { [Name in keyof Columns]: Cells<Columns[Name]> };
  /** Rows left out by onBadRow: 'skip'; details of the first thousand. */
  readonly skipped: { readonly count: number; readonly details: SkippedRow[] };
}

/** What the builder needs of the options of readTable. */
export interface TableOptions {
  columns?: Record<string, ColumnType>;
  optional?: string[];
  required?: string[];
  range?: Record<string, readonly [lowest: number, highest: number]>;
  onBadRow?: 'error' | 'skip';
}

/** Column: a column that grows. `text` writes a cell and says whether it parsed; `value` writes one that is a number already. */
export type Column = TextColumn | ValueColumn;

const KEPT_DETAILS = 1000;

/**
 * TableBuilder: collects rows into columns. A reader calls `header` once; then, for every row, writes the cells of `columns` at place
 * `rows` and calls `accept` or `reject`. A rejected row is simply written over by the next one.
 */
export class TableBuilder {
  rows = 0;
  columns: Column[] = [];
  readonly source: string;
  readonly #options: TableOptions;
  #names: string[] | null = null;
  readonly #skipped: SkippedRow[] = [];
  #skippedCount = 0;

  constructor(source: string, options: TableOptions) {
    this.source = source;
    this.#options = options;
  }

  /** The names of the file's columns, once its header was read. */
  get names(): string[] | null { return this.#names; }

  header(names: string[]): void {
    const { columns, optional = [], required = [], range = {} } = this.#options;
    const wanted = columns ?? Object.fromEntries(names.map((name): [string, ColumnType] => [name, 'string']));
    this.#names = names;
    this.columns = Object.entries(wanted).map(([name, type]) => {
      const at = this.#place(name, names);
      const again = names.indexOf(name, at + 1);
      if (again !== -1) {
        throw new TightrecError('bad-input', `readTable: expected each column of ${this.source} to have its own name, got ${quoted(name)} in columns ${at + 1} and ${again + 1}; rename one of them${columns ? '' : ', or name in columns those to read'}`);
      }
      return type === 'string' ? new TextColumn(name, at, !required.includes(name)) : new ValueColumn(name, type, at, optional.includes(name), range[name]);
    });
    for (const name of [...optional, ...required, ...Object.keys(range)]) this.#place(name, names);
  }

  #place(name: string, names: string[]): number {
    const at = names.indexOf(name);
    if (at === -1) throw new TightrecError('column-missing', `readTable: expected a column ${quoted(name)} in ${this.source}, got ${listed(names)}${suggestion(name, names)}${names.length === 1 ? '; pass delimiter if that is more than one name' : ''}`);
    return at;
  }

  accept(): void { this.rows++; }

  /** Leaves a row out, or throws, as the caller of readTable chose. */
  reject(row: number, column: string, message: string, advice = 'correct it'): void {
    if (this.#options.onBadRow !== 'skip') {
      const where = column === '' ? '' : `, column ${quoted(column)}`;
      throw new TightrecError('bad-row', `readTable: ${this.source} row ${row}${where}: ${message}; ${advice}, or leave out bad rows with onBadRow: 'skip'`);
    }
    if (this.#skippedCount++ < KEPT_DETAILS) this.#skipped.push({ row, column, message });
  }

  /** Rejects a row for a cell that `text` refused. */
  rejectCell(row: number, column: Column, cell: string): void {
    const range = column.type === 'number' && column.range, expected = { string: 'a text', number: range ? `a number from ${range[0]} to ${range[1]}` : 'a number such as -12.5', date: 'a date such as 2011-12-09 or 2011-12-09 12:50:00' }[column.type];
    const advice = column.type === 'string' ? 'fill it in' : cell === '' ? 'name the column in optional' : "correct it, read the column as 'string'";
    this.reject(row, column.name, `expected ${expected}, got ${cell === '' ? 'an empty cell' : quoted(cell)}`, advice);
  }

  finish(): Table {
    const [first] = this.#skipped;
    if (this.#names === null && !first) throw new TightrecError('bad-input', `readTable: expected a header and rows in ${this.source}, got an empty file`);
    if (this.#names === null || this.rows === 0) {
      const got = first ? `got ${this.#skippedCount} rows that do not parse (row ${first.row}${first.column && `, column ${quoted(first.column)}`}: ${first.message})` : `got the header ${listed(this.#names!)} alone`;
      throw new TightrecError('bad-input', `readTable: expected rows in ${this.source}, ${got}`);
    }
    const columns = Object.fromEntries(this.columns.map((column) => [column.name, column.take(this.rows)]));
    return { source: this.source, rows: this.rows, names: this.#names, columns, skipped: { count: this.#skippedCount, details: this.#skipped } };
  }
}

/** A column of texts. Equal texts share one string, unless nearly all differ. */
export class TextColumn {
  readonly name: string;
  readonly type = 'string';
  readonly at: number; // its place in the rows of the file
  readonly #values: string[] = [];
  #known: Map<string, string> | null = new Map();
  readonly #mayBeEmpty: boolean;
  #last = '';

  constructor(name: string, at: number, mayBeEmpty: boolean) {
    this.name = name;
    this.at = at;
    this.#mayBeEmpty = mayBeEmpty;
  }

  text(row: number, cell: string): boolean {
    if (cell !== this.#last) this.#last = this.#known === null ? detached(cell) : this.#intern(cell, row);
    this.#values[row] = this.#last;
    return cell !== '' || this.#mayBeEmpty;
  }

  /** Writes a text that is one string wherever it occurs, so that there is nothing to look up. */
  shared(row: number, cell: string): void { this.#values[row] = cell; }

  #intern(cell: string, row: number): string {
    const known = this.#known!;
    let kept = known.get(cell);
    if (kept === undefined) {
      kept = detached(cell);
      known.set(kept, kept);
      if ((known.size > 50_000 && known.size > row / 2) || known.size > 2_000_000) this.#known = null;
    }
    return kept;
  }

  take(rows: number): string[] {
    this.#values.length = rows; // a rejected last row may have left a cell behind
    return this.#values;
  }
}

/** A column of numbers or of dates. */
export class ValueColumn {
  readonly name: string;
  readonly type: 'number' | 'date';
  readonly at: number;
  /** What a number may be; all, where there is none. */
  readonly range: readonly [lowest: number, highest: number] | null;
  readonly #mayBeEmpty: boolean;
  #values = new Float64Array(1024);
  #lastText = '';
  #lastValue = NaN;

  constructor(name: string, type: 'number' | 'date', at: number, mayBeEmpty: boolean, range: readonly [lowest: number, highest: number] | null = null) {
    this.name = name;
    this.type = type;
    this.range = range;
    this.at = at;
    this.#mayBeEmpty = mayBeEmpty;
  }

  text(row: number, cell: string): boolean {
    if (cell !== this.#lastText) { // dates come in runs
      this.#lastText = cell;
      this.#lastValue = this.type === 'date' ? parseDate(cell) : parseNumber(cell);
    }
    this.value(row, this.#lastValue);
    return Number.isNaN(this.#lastValue) ? cell === '' && this.#mayBeEmpty : this.within(this.#lastValue);
  }

  within(value: number): boolean { return this.range === null || (value >= this.range[0] && value <= this.range[1]); }

  value(row: number, value: number): void {
    if (row === this.#values.length) {
      const more = new Float64Array(2 * row);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[row] = value;
  }

  take(rows: number): Float64Array { return this.#values.slice(0, rows); }
}

/**
 * A copy of a text that does not keep alive the text it was cut from: V8 lets a slice of 13 characters or more point into its parent, so
 * one cell would hold a whole chunk of the file.
 */
export function detached(text: string): string {
  return text.length < 13 ? text : ` ${text}`.slice(1);
}

/** quoted: a cell or a name for a message: on one line, and not all of it when it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** listed: names for a message. */
export function listed(names: string[]): string {
  const shown = names.slice(0, 20).map(quoted).join(', ');
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown || 'none';
}

/** suggestion: '; did you mean "..."?' when one of the names is nearly the wanted one. */
export function suggestion(wanted: string, names: string[]): string {
  let best = '', least = Math.min(Math.max(1, Math.floor(wanted.length / 3)) + 1, plain(wanted).length); // nothing is near a name of one letter
  for (const name of names) {
    const distance = edits(plain(wanted), plain(name));
    if (distance < least) { best = name; least = distance; }
  }
  return best === '' ? '' : `; did you mean ${quoted(best)}?`;
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, '').slice(0, 100);
}

/** Levenshtein's distance: how many characters to insert, remove or replace to come from a to b. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
