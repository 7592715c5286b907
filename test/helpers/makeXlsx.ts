/**
 * Writes .xlsx files for the tests, streaming, the way Excel does: one shared string a text, numbers with 17 digits, dates as serials with
 * a date style. As a script it turns a CSV with a header into a workbook:
 *
 *   node --import tsx test/helpers/makeXlsx.ts online-retail.csv.gz online-retail.xlsx
 */
import { createWriteStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { crc32, createDeflateRaw, gunzipSync } from 'node:zlib';
import Papa from 'papaparse';

/** A cell as a value, or as the XML of its whole `<c>` element. `null` leaves the cell out of the file. */
export type XlsxCell = string | number | boolean | Date | null | { xml: string };

export interface XlsxOptions {
  sheet?: string; // its name; default 'Sheet1'
  otherSheets?: string[]; // more sheets after it, each with one cell that holds its own name
  inlineStrings?: boolean; // texts in the cells, no shared strings
  date1904?: boolean; // count days from 1904, as old Macs did
  noReferences?: boolean; // leave out the r attributes of rows and cells
  sharedStrings?: string[]; // `<si>` elements that come before those of the rows
  prefix?: string; // an XML prefix of every element of the sheet, such as 'x:'
  level?: number; // of compression; default 6, as Excel has it
}

export interface ZipEntry { name: string; data: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array> }

/** zipOf: the bytes of a zip archive, entry by entry, sizes behind the data (so that nothing is held). No zip64. */
export async function* zipOf(entries: Iterable<ZipEntry>, level = 6): AsyncGenerator<Uint8Array> {
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, data } of entries) {
    const nameBytes = Buffer.from(name), start = at;
    // version 2.0, sizes in the descriptor (8) and a UTF-8 name (0x800), deflate (8), 1 January 1980
    const common = Buffer.from([20, 0, 0x08, 0x08, 8, 0, 0, 0, 0x21, 0]);
    const head = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.alloc(12), uint16(nameBytes.length, 0), nameBytes]);
    yield head;
    at += head.length;

    let crc = 0, size = 0, packedSize = 0;
    const packed = Readable.from(measured()).pipe(createDeflateRaw({ level, chunkSize: 1 << 18 }));
    async function* measured() {
      for await (const piece of data) {
        const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
        crc = crc32(bytes, crc);
        size += bytes.length;
        yield bytes;
      }
    }
    for await (const piece of packed) { packedSize += piece.length; yield piece; }
    const sizes = uint32(crc, packedSize, size);
    yield Buffer.concat([Buffer.from('PK\x07\x08'), sizes]);
    at += packedSize + 16;
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, sizes, uint16(nameBytes.length, 0, 0, 0, 0), uint32(0, start), nameBytes]));
  }
  const bytes = Buffer.concat(directory);
  yield Buffer.concat([bytes, Buffer.from('PK\x05\x06'), uint16(0, 0, directory.length, directory.length), uint32(bytes.length, at), uint16(0)]);
}

/** xlsxOf: the bytes of a workbook with the given rows (the first of them usually the header). */
export function xlsxOf(rows: Iterable<XlsxCell[]> | AsyncIterable<XlsxCell[]>, options: XlsxOptions = {}): AsyncGenerator<Uint8Array> {
  const names = [options.sheet ?? 'Sheet1', ...options.otherSheets ?? []], shared = new Map<string, number>(), fixed = options.sharedStrings ?? [];
  let uses = 0;

  function* sharedStrings() {
    yield `${declaration}<sst xmlns="${main}" count="${uses + fixed.length}" uniqueCount="${shared.size + fixed.length}">`;
    yield* fixed;
    for (const text of shared.keys()) yield `<si>${textElement(text)}</si>`;
    yield '</sst>';
  }

  async function* sheet() {
    const p = options.prefix ?? '';
    yield `${declaration}<${p}worksheet xmlns${p ? `:${p.slice(0, -1)}` : ''}="${main}"><${p}sheetViews><${p}sheetView workbookViewId="0"/></${p}sheetViews><${p}sheetData>`;
    let number = 0, text = '';
    for await (const row of rows) {
      number++;
      text += options.noReferences ? `<${p}row>` : `<${p}row r="${number}" spans="1:${row.length}">`;
      for (let column = 0; column < row.length; column++) {
        const value = row[column], at = options.noReferences ? '' : ` r="${columnLetters(column)}${number}"`;
        if (value === null) {
          if (options.noReferences) text += `<${p}c/>`;
          continue;
        }
        if (typeof value === 'number') text += `<${p}c${at}><${p}v>${digits(value)}</${p}v></${p}c>`;
        else if (value instanceof Date) text += `<${p}c${at} s="1"><${p}v>${digits(serial(value, options.date1904 ?? false))}</${p}v></${p}c>`;
        else if (typeof value === 'boolean') text += `<${p}c${at} t="b"><${p}v>${value ? 1 : 0}</${p}v></${p}c>`;
        else if (typeof value === 'object') text += value.xml;
        else if (options.inlineStrings) text += `<${p}c${at} t="inlineStr"><${p}is>${textElement(value, p)}</${p}is></${p}c>`;
        else {
          let index = shared.get(value);
          if (index === undefined) shared.set(value, index = shared.size + fixed.length);
          uses++;
          text += `<${p}c${at} t="s"><${p}v>${index}</${p}v></${p}c>`;
        }
      }
      text += `</${p}row>`;
      if (text.length > 1 << 18) { yield text; text = ''; }
    }
    yield `${text}</${p}sheetData><${p}pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/></${p}worksheet>`;
  }

  return zipOf([
    { name: '[Content_Types].xml', data: [contentTypes(names.length)] },
    { name: '_rels/.rels', data: [relations([['officeDocument', 'xl/workbook.xml']])] },
    { name: 'xl/workbook.xml', data: [workbook(names, options.date1904 ?? false)] },
    {
      name: 'xl/_rels/workbook.xml.rels',
      data: [relations([...names.map((_, k) => ['worksheet', `worksheets/sheet${k + 1}.xml`]), ['styles', 'styles.xml'], ['sharedStrings', 'sharedStrings.xml']])],
    },
    { name: 'xl/worksheets/sheet1.xml', data: sheet() },
    ...(options.otherSheets ?? []).map((name, k) => ({
      name: `xl/worksheets/sheet${k + 2}.xml`,
      data: [`${declaration}<worksheet xmlns="${main}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is>${textElement(name)}</is></c></row><row r="2"><c r="A2"><v>${k}</v></c></row></sheetData></worksheet>`],
    })),
    { name: 'xl/styles.xml', data: [styles] },
    { name: 'xl/sharedStrings.xml', data: sharedStrings() },
  ], options.level);
}

/** makeXlsx: the same, as one array of bytes. */
export async function makeXlsx(rows: Iterable<XlsxCell[]> | AsyncIterable<XlsxCell[]>, options?: XlsxOptions): Promise<Uint8Array<ArrayBuffer>> {
  return joined(xlsxOf(rows, options));
}

/** joined: all chunks as one array of bytes. */
export async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return new Uint8Array(Buffer.concat(all));
}

/** csvToXlsx: writes a CSV (or .csv.gz) as a workbook, with the cells typed as Excel would type them. Reads it with papaparse alone. */
export async function csvToXlsx(csv: string, xlsx: string, options?: XlsxOptions): Promise<void> {
  const bytes = readFileSync(csv), text = (csv.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  const { data } = Papa.parse<string[]>(text, { skipEmptyLines: true });
  function* rows() {
    for (const cells of data) yield cells.map(excelCell);
  }
  await pipeline(xlsxOf(rows(), options), createWriteStream(xlsx));
}

/** excelCell: a text as Excel keeps it when it is typed in: a number, a date, nothing, or a text. */
export function excelCell(text: string): XlsxCell {
  if (text === '') return null;
  if (!/^-?[\d.]/.test(text)) return text;
  if (/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return new Date(`${text.replace(' ', 'T')}Z`);
  const trimmed = text.replace(/\.0+$/, '');
  return String(Number(trimmed)) === trimmed && trimmed.length <= 15 ? Number(trimmed) : text;
}

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n';
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

const relations = (targets: string[][]) =>
  `${declaration}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${targets
    .map(([type, target], k) => `<Relationship Id="rId${k + 1}" Type="${office}/${type}" Target="${target}"/>`).join('')}</Relationships>`;

const contentTypes = (sheets: number) => {
  const part = (name: string, type: string) => `<Override PartName="/xl/${name}.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.${type}+xml"/>`;
  return `${declaration}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${
    part('workbook', 'sheet.main')}${Array.from({ length: sheets }, (_, k) => part(`worksheets/sheet${k + 1}`, 'worksheet')).join('')}${part('styles', 'styles')}${part('sharedStrings', 'sharedStrings')}</Types>`;
};

const workbook = (names: string[], date1904: boolean) =>
  `${declaration}<workbook xmlns="${main}" xmlns:r="${office}"><workbookPr${date1904 ? ' date1904="1"' : ''} defaultThemeVersion="124226"/><sheets>${names
    .map((name, k) => `<sheet name="${escaped(name)}" sheetId="${k + 1}" r:id="rId${k + 1}"/>`).join('')}</sheets></workbook>`;

// cell styles: 0 general, 1 a built-in date, 2 to 4 custom formats: a date, a duration, a number whose colour and text hold letters of dates
const styles = `${declaration}<styleSheet xmlns="${main}"><numFmts count="3"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/><numFmt numFmtId="165" formatCode="[h]:mm"/><numFmt numFmtId="166" formatCode="[Red]0.00&quot; days&quot;"/></numFmts><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs><cellXfs count="5"><xf numFmtId="0"/>${
  [22, 164, 165, 166].map((id) => `<xf numFmtId="${id}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`).join('')}</cellXfs></styleSheet>`;

/** A text inside an element `<t>`; Excel writes a control character as _xHHHH_, and an underscore that looks like one as _x005F_. */
function textElement(text: string, prefix = ''): string {
  const inner = escaped(text.replace(/_x[\dA-Fa-f]{4}_/g, (code) => `_x005F${code}`).replace(/(?![\t\n])\p{Cc}/gu, (c) => `_x${c.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}_`));
  return `<${prefix}t${/^\s|\s$|\n/.test(text) ? ' xml:space="preserve"' : ''}>${inner}</${prefix}t>`;
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
const digits = (value: number) => (Number.isInteger(value) ? String(value) : String(value.toPrecision(17)).replace(/0+$/, ''));
const columnLetters = (column: number): string => (column < 26 ? '' : columnLetters(Math.floor(column / 26) - 1)) + String.fromCharCode(65 + column % 26);
const serial = (date: Date, date1904: boolean) => {
  const days = date.getTime() / 86_400_000 + 25_569; // since 30 December 1899; before March 1900 one less, for Excel believes in 29 February 1900
  return date1904 ? days - 1462 : days < 61 ? days - 1 : days;
};

function uint16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, k) => bytes.writeUInt16LE(value, 2 * k));
  return bytes;
}

function uint32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, k) => bytes.writeUInt32LE(value, 4 * k));
  return bytes;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [csv, xlsx] = process.argv.slice(2);
  if (xlsx === undefined) { console.error('usage: node --import tsx test/helpers/makeXlsx.ts FILE.csv[.gz] FILE.xlsx'); process.exit(1); }
  await csvToXlsx(csv, xlsx);
}
