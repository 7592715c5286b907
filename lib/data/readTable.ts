import { TightrecError } from '../errors.ts';
import { readCsv } from './csv.ts';
import { readJsonLines } from './jsonLines.ts';
import { type Source, chunksOf, gunzipped, openSource } from './source.ts';
import { type ColumnType, type Table, TableBuilder, listed, quoted } from './tableBuilder.ts';
import { readXlsx } from './xlsx.ts';

export type { ColumnType, SkippedRow, Table } from './tableBuilder.ts';

/** ReadOptions: what readTable is told; all of it may be left out. */
export interface ReadOptions<Columns extends Record<string, ColumnType> = Record<string, ColumnType>> {
  /** Which columns to keep, and their types; default all, as strings. */
  columns?: Columns;
  /** Columns whose cells may be empty: '' or NaN. Elsewhere an empty number or date makes a bad row. */
  optional?: string[];
  /** Columns of strings that an empty cell makes a bad row too. */
  required?: string[];
  /** For each of these columns of numbers the lowest and the highest that a cell may be; another makes a bad row. */
  range?: Record<string, readonly [lowest: number, highest: number]>;
  /** The names of the columns of a file without a header row; false names those of a CSV by their numbers, '1', '2' and so on. */
  header?: string[] | false;
  /** What a row that does not parse leads to: an error (the default), or being left out, counted and reported. */
  onBadRow?: 'error' | 'skip';
  /** Which sheet of a workbook; default the first. */
  sheet?: string;
  /** What separates the cells of a CSV, one character or more; default , ; tab or |, whichever the header has most of. */
  delimiter?: string;
  /** The encoding of a CSV, by any label that TextDecoder knows; default UTF-8, or UTF-16 where the file says so. */
  encoding?: string;
  /** How many bytes a .gz or .xlsx may expand to; default 100 times its size, at least 256 MiB, at most 16 GiB. */
  maxBytes?: number;
  /** Called as the reading goes on; bytes are those of the file as it is stored. */
  onProgress?: (progress: { bytes: number; totalBytes: number; rows: number }) => void;
  /** Ends the reading; the promise rejects with its reason. */
  signal?: AbortSignal;
}

const MIB = 2 ** 20;

/**
 * readTable: reads columns of a CSV, a file of JSON objects one a line, either of them in a .gz, or an .xlsx, told apart by their first bytes. Streams: of the file, only a few pieces are held
 * at a time, and the columns asked for.
 *
 * Throws a TightrecError ('file-missing', 'file-unreadable', 'file-damaged', 'file-too-large', 'column-missing', 'bad-row', 'bad-input',
 * 'bad-setting', 'unsupported'), or the reason of `signal`. See docs/data.md.
 */
export async function readTable<const Columns extends Record<string, ColumnType> = Record<string, 'string'>>(
  file: string | URL | Uint8Array | ArrayBuffer | Blob, options: ReadOptions<Columns> = {},
): Promise<Table<Columns>> {
  check(options);
  const { signal } = options;
  signal?.throwIfAborted();
  const source = await openSource(file), callers: { error?: unknown } = {};
  try {
    const table = new TableBuilder(source.name, options), watched = watch(source, table, options, callers);
    const magic = await source.read(0, 8), format = formatOf(magic), limit = options.maxBytes ?? Math.min(16_384 * MIB, Math.max(256 * MIB, 100 * source.size));
    if (format === 'zip') await readXlsx(watched, table, limit, options);
    else if (format === 'gzip') await readText(textOf(gunzipped(watched, limit), source, options), table, options);
    else if (format === 'text') await readText(textOf(chunksOf(watched), source, options), table, options);
    else throw await unknown(source, format);
    const whole = table.finish();
    options.onProgress?.({ bytes: source.size, totalBytes: source.size, rows: whole.rows });
    return whole as Table<Columns>;
  } catch (error) {
    // what the caller's own code threw comes out as it is, whatever the streams made of it
    signal?.throwIfAborted();
    throw callers.error ?? error;
  } finally {
    await source.close();
  }
}

/** A text that begins with { is JSON, an object a line, unless an option says that it is a CSV. */
async function readText(chunks: AsyncGenerator<Uint8Array>, table: TableBuilder, options: ReadOptions): Promise<void> {
  const { value } = await chunks.next(), first: Uint8Array = value ?? new Uint8Array(0), letters = first.subarray(0, 64).filter((byte) => byte > 0 && byte < 128); // in whatever encoding: no mark, no halves of UTF-16
  const isJson = options.header === undefined && options.delimiter === undefined && String.fromCharCode(...letters).trimStart().startsWith('{');
  async function* all(): AsyncGenerator<Uint8Array> { yield first; yield* chunks; }
  await (isJson ? readJsonLines(all(), table, options) : readCsv(all(), table, options));
}

function check(options: ReadOptions): void {
  const fail = (message: string, got: unknown) => new TightrecError('bad-setting', `readTable: expected ${message}, got ${typeof got === 'string' ? quoted(got) : String(got)}`);
  const known = ['columns', 'optional', 'required', 'range', 'header', 'onBadRow', 'sheet', 'delimiter', 'encoding', 'maxBytes', 'onProgress', 'signal'];
  for (const name of Object.keys(options)) if (!known.includes(name)) throw fail(`options ${listed(known)}`, name);
  const { columns, optional = [], required = [], range = {}, header, onBadRow = 'error', delimiter = ',', encoding = 'utf-8', maxBytes = 1 } = options;
  if (columns !== undefined && Object.keys(columns).length === 0) throw fail('columns to name at least one column, or to be left out', 'none');
  for (const [name, type] of Object.entries(columns ?? {})) {
    if (!['string', 'number', 'date'].includes(type)) throw fail(`column ${quoted(name)} to be 'string', 'number' or 'date'`, type);
  }
  for (const name of [...optional, ...required]) {
    if (columns && !Object.hasOwn(columns, name)) throw fail(`optional and required to name columns that are read (${listed(Object.keys(columns))})`, name);
    if (optional.includes(name) && required.includes(name)) throw fail('a column to be either optional or required', `both for ${name}`);
  }
  for (const [name, bounds] of Object.entries(range)) {
    if (columns?.[name] !== 'number') throw fail('range to name columns that are read as numbers', name);
    if (!(Array.isArray(bounds) && bounds.length === 2 && bounds[0] <= bounds[1])) throw fail(`the range of ${quoted(name)} to be the lowest and the highest number, such as [1, 5]`, bounds);
  }
  if (header !== undefined && header !== false && !(Array.isArray(header) && header.length > 0)) throw fail('header to name at least one column, to be false, or to be left out', Array.isArray(header) ? 'none' : header);
  if (!['error', 'skip'].includes(onBadRow)) throw fail("onBadRow to be 'error' or 'skip'", onBadRow);
  if (delimiter.length === 0 || /["\r\n\uFEFF]/.test(delimiter)) throw fail('delimiter to be one character or more, no quote and no newline', delimiter);
  if (!(maxBytes > 0)) throw fail('maxBytes to be a positive number of bytes', maxBytes);
  if (!isEncoding(encoding)) throw fail("encoding to be a label such as 'utf-8' or 'windows-1252'", encoding);
}

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}

/** The same source, but each read reports progress and hears the signal. An error of onProgress is put aside in `callers`. */
function watch(source: Source, table: TableBuilder, { onProgress, signal }: ReadOptions, callers: { error?: unknown }): Source {
  let bytes = 0;
  const read = async (offset: number, length: number) => {
    signal?.throwIfAborted();
    const piece = await source.read(offset, length);
    signal?.throwIfAborted();
    bytes = Math.min(source.size, bytes + piece.length);
    try {
      onProgress?.({ bytes, totalBytes: source.size, rows: table.rows });
    } catch (error) {
      callers.error = error;
      throw error;
    }
    return piece;
  };
  return { name: source.name, size: source.size, read, close: () => source.close() };
}

/** First bytes of files that are often taken for a table. */
const SIGNATURES: [format: string, first: string][] = [
  ['gzip', '\x1f\x8b'], ['zip', 'PK\x03\x04'], ['zip', 'PK\x05\x06'], ['ole', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  ['a PDF', '%PDF'], ['a Parquet file', 'PAR1'], ['a file of SQLite', 'SQLite f'], ['an RTF text', '{\\rtf'],
  ['a bzip2 archive', 'BZh'], ['a Zstandard archive', '\x28\xb5\x2f\xfd'], ['an xz archive', '\xfd7zXZ'], ['a 7z archive', '7z\xbc\xaf'],
];

function formatOf(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, 8));
  return SIGNATURES.find(([, first]) => start.startsWith(first))?.[0] ?? 'text';
}

async function unknown(source: Source, format: string): Promise<TightrecError> {
  const got = format !== 'ole' ? format
    : await isEncrypted(source) ? 'a workbook with a password; save it without'
    : 'an old .xls or another Office file; save it as .xlsx or .csv';
  return new TightrecError('file-unreadable', `readTable: expected a CSV or an .xlsx workbook, got ${source.name}, which is ${got}`);
}

/** An OLE container with a stream called EncryptedPackage: how Office wraps a workbook that has a password. */
async function isEncrypted(source: Source): Promise<boolean> {
  const head = await source.read(0, 512);
  if (head.length < 512) return false;
  const directory = (new DataView(head.buffer, head.byteOffset, head.length).getUint32(48, true) + 1) * 512;
  return new TextDecoder('utf-16le').decode(await source.read(directory, 4096)).includes('EncryptedPackage');
}

/** The same chunks; an error when the first of them cannot be text. */
async function* textOf(chunks: AsyncIterable<Uint8Array>, source: Source, { encoding = '' }: ReadOptions): AsyncGenerator<Uint8Array> {
  let first = true;
  for await (const chunk of chunks) {
    if (first) {
      const format = formatOf(chunk), wide = /utf-?16/i.test(encoding) || chunk[0] >= 0xfe; // UTF-16 is half zeros, or begins with its mark
      if (format !== 'text') throw new TightrecError('file-unreadable', `readTable: expected a CSV inside ${source.name}, got ${format === 'ole' ? 'an Office file' : format === 'zip' || format === 'gzip' ? `a ${format} file` : format}; unpack it first`);
      if (!wide && chunk.includes(0)) throw new TightrecError('file-unreadable', `readTable: expected a CSV or an .xlsx workbook, got binary data in ${source.name}; if it is text, pass its encoding`);
      first = false;
    }
    yield chunk;
  }
}
