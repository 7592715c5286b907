import Papa from 'papaparse';
import { TightrecError } from '../errors.ts';
import { LONGEST, decoded } from './source.ts';
import type { TableBuilder } from './tableBuilder.ts';

/** CsvOptions: what readCsv needs of the options of readTable. */
export interface CsvOptions { delimiter?: string; encoding?: string; header?: string[] | false }

interface Parsed { data: string[][]; errors: { code: string; row: number }[]; meta: { cursor: number } }

const NEWLINE = 10, RETURN = 13;

/**
 * readCsv: the rows of a CSV (RFC 4180, or another delimiter) into `table`. papaparse finds the cells, chunk by chunk; each chunk begins
 * with the row that the one before left unfinished. Rows whose cells are all empty are passed over.
 */
export async function readCsv(chunks: AsyncIterable<Uint8Array>, table: TableBuilder, options: CsvOptions): Promise<void> {
  let parser: Papa.Parser | null = null, rest = '', read = 0; // rows of the file so far, blank ones too
  const where = () => `row ${read + 1} of ${table.source}`;
  const tooLong = () => new TightrecError('file-damaged', `readTable: expected a row of at most ${LONGEST} characters, got a longer one in ${where()}; a quote that was opened there may never be closed`);
  const invalid = (encoding: string) => {
    const advice = encoding === 'utf-8' ? "pass encoding: 'windows-1252' if it was written by an older Windows program" : 'pass the encoding it was written in';
    return new TightrecError('file-damaged', `readTable: expected ${encoding} text, got bytes that are none in ${where()}; ${advice}`);
  };

  function take({ data, errors, meta }: Parsed, whole: boolean): void {
    const quotes = new Set(errors.map(({ row }) => row)); // the row behind the last is one that is not all there yet
    const open = whole && errors.some(({ code }) => code === 'MissingQuotes');
    for (let k = 0; k < data.length; k++) {
      if (open && k === data.length - 1) throw new TightrecError('file-damaged', `readTable: expected a closing quote, got the end of the file in ${where()}, which began with an open one; close it, or double the quotes that belong to the text`);
      read++;
      takeRow(data[k], quotes.size > 0 && quotes.has(k));
    }
    rest = whole ? '' : rest.slice(meta.cursor);
  }

  function takeRow(cells: string[], badQuotes: boolean): void {
    const last = cells.length - 1;
    if (cells[last].charCodeAt(cells[last].length - 1) === RETURN) cells[last] = cells[last].slice(0, -1); // rows end with \n for papaparse, so that \r\n may be mixed in
    if (cells[0] === '' && cells.every((cell) => cell === '')) return;
    if (table.names === null) {
      table.header(options.header === false ? cells.map((_, at) => String(at + 1)) : cells);
      if (options.header !== false) return;
    }
    if (badQuotes) table.reject(read, '', 'expected a delimiter or the end of the row after a closing quote, got more text', 'double the quotes that belong to the text');
    else if (cells.length !== table.names!.length) table.reject(read, '', `expected ${table.names!.length} cells, got ${cells.length}`);
    else {
      const { columns, rows } = table;
      for (let k = 0; k < columns.length; k++) {
        const column = columns[k], cell = cells[column.at];
        if (!column.text(rows, cell)) { table.rejectCell(read, column, cell); return; }
      }
      table.accept();
    }
  }

  if (options.header) table.header(options.header);
  for await (const text of decoded(chunks, { cut: afterLastRow, encoding: options.encoding, invalid, tooLong })) {
    rest = rest === '' ? text : rest + text;
    if (parser === null) {
      const end = rest.search(/[\r\n]./s); // one character more, to tell \r from \r\n
      if (end === -1 && rest.length < LONGEST) continue;
      parser = parserFor(rest, options, table.source);
    }
    take(parser.parse(rest, 0, true) as Parsed, false);
    if (rest.length > LONGEST) throw tooLong();
  }
  parser ??= parserFor(rest, options, table.source);
  take(parser.parse(rest, 0, false) as Parsed, true);
}

/** afterLastRow: where the last whole line ends. */
export function afterLastRow(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] !== NEWLINE && bytes[end - 1] !== RETURN) end--;
  return end;
}

/** A parser for the delimiter and the newline that the first row shows. */
function parserFor(text: string, options: CsvOptions, source: string): Papa.Parser {
  if (/^\s*</.test(text)) throw new TightrecError('file-unreadable', `readTable: expected a CSV or an .xlsx, got HTML or XML in ${source}; open it in a spreadsheet program and save it as .csv or .xlsx`);
  if (/^\s*\[\s*[{[]/.test(text)) throw new TightrecError('file-unreadable', `readTable: expected a CSV, an .xlsx or JSON objects one a line, got a JSON array in ${source}; write each of its objects on a line of its own`);
  const outsideQuotes = text.replace(/^\s+/, '').replace(/"[^"]*"?/g, ''), row = /^[^\r\n]*/.exec(outsideQuotes)![0];
  const count = (delimiter: string) => row.split(delimiter).length;
  const delimiter = options.delimiter ?? [',', ';', '\t', '|'].reduce((best, next) => (count(next) > count(best) ? next : best));
  // rows end with \r alone in files of very old Macs
  const newline = /\r(?!\n)/.test(outsideQuotes) && !outsideQuotes.includes('\n') ? '\r' : '\n';
  return new Papa.Parser({ delimiter, newline, quoteChar: '"' });
}
