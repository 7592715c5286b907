import { TightrecError } from '../errors.ts';
import { afterLastRow } from './csv.ts';
import { LONGEST, decoded } from './source.ts';
import { type TableBuilder, quoted } from './tableBuilder.ts';

/**
 * readJsonLines: a file of JSON objects, one a line, into `table`; a column is a field, and a row a line. The names are those of the first object; what
 * later ones have beside them is passed over, and so are blank lines. A value is read as the text of it would be in a CSV. Lines are parsed as JSON and
 * nothing else: no line is ever run.
 */
export async function readJsonLines(chunks: AsyncIterable<Uint8Array>, table: TableBuilder, { encoding }: { encoding?: string }): Promise<void> {
  let rest = '', read = 0; // lines so far, blank ones too
  const where = () => `row ${read + 1} of ${table.source}`;
  const tooLong = () => new TightrecError('file-damaged', `readTable: expected a JSON object of at most ${LONGEST} characters, got a longer one in ${where()}`);
  const invalid = (encoding: string) => new TightrecError('file-damaged', `readTable: expected ${encoding} text, got bytes that are none in ${where()}; pass the encoding it was written in`);

  function takeLine(line: string): void {
    read++;
    if (line.trim() === '') return;
    const object = parsed(line);
    if (object === null) { table.reject(read, '', `expected a JSON object, got ${quoted(line.trim())}`, 'write one whole object a line, with "double quotes"'); return; }
    if (table.names === null) table.header(Object.keys(object));
    const { columns, rows } = table;
    for (let k = 0; k < columns.length; k++) {
      const column = columns[k];
      if (!Object.hasOwn(object, column.name)) { table.reject(read, column.name, 'expected this field, got an object without it'); return; }
      const value = object[column.name];
      if (typeof value === 'object' && value !== null) { table.reject(read, column.name, `expected a text or a number, got ${Array.isArray(value) ? 'an array' : 'an object'}`); return; }
      if (column.type === 'string' && typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) { table.reject(read, column.name, `expected an id that a number holds exactly, got ${value}`, 'write it as a text'); return; }
      const cell = value === null ? '' : String(value);
      if (!column.text(rows, cell)) { table.rejectCell(read, column, cell); return; }
    }
    table.accept();
  }

  for await (const text of decoded(chunks, { cut: afterLastRow, encoding, invalid, tooLong })) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    if (rest.length > LONGEST) throw tooLong();
    lines.forEach(takeLine);
  }
  if (rest !== '') takeLine(rest);
}

/** The object that a line spells, or null. */
function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null;
  } catch {
    return null;
  }
}
