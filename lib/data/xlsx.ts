import { Parser } from 'saxen';
import { type ZipEntry, unzipRaw } from 'unzipit';
import { TightrecError } from '../errors.ts';
import { dateOfNumber, dateOfSerial, formatDate, parseDate } from './parse.ts';
import { type Source, LONGEST, decoded, streamed, tooLarge } from './source.ts';
import { type Column, type TableBuilder, detached, listed, quoted, suggestion } from './tableBuilder.ts';

/** XlsxOptions: what readXlsx needs of the options of readTable. */
export interface XlsxOptions { sheet?: string; header?: string[] | false }

/**
 * readXlsx: the rows of one sheet of a workbook (ECMA-376) into `table`. The sheet is inflated and parsed piece by piece; only the shared
 * strings are held. Parts that expand to more than `limit` bytes together are refused before they are read.
 */
export async function readXlsx(source: Source, table: TableBuilder, limit: number, options: XlsxOptions): Promise<void> {
  if (options.header === false) throw new TightrecError('bad-setting', `readTable: ${source.name} is a workbook, whose rows may differ in length; give the names of its columns as header`);
  const parts = new Parts(source, limit, await entriesOf(source));
  const workbookPath = (await parts.relations('')).find(({ type }) => type === 'officeDocument')?.path ?? 'xl/workbook.xml';
  if (!parts.has(workbookPath) || workbookPath.endsWith('.bin')) throw notAWorkbook(source, parts.names);

  const { sheets, date1904 } = await readWorkbook(parts, workbookPath);
  const relations = await parts.relations(workbookPath);
  const worksheets = sheets.flatMap(({ name, id }) => {
    const target = relations.find((relation) => relation.id === id);
    return target?.type === 'worksheet' ? [{ name, path: target.path }] : []; // the others are charts
  });
  const names = worksheets.map(({ name }) => name);
  if (worksheets.length === 0) throw new TightrecError('file-damaged', `readTable: expected a sheet in ${source.name}, got none`);
  const sheet = options.sheet === undefined ? worksheets[0] : worksheets.find(({ name }) => name === options.sheet);
  if (sheet === undefined) {
    throw new TightrecError('bad-setting', `readTable: expected a sheet ${quoted(options.sheet!)} in ${source.name}, got ${listed(names)}${suggestion(options.sheet!, names)}`);
  }

  const pathOf = (type: string) => relations.find((relation) => relation.type === type)?.path;
  const isDate = await readDateStyles(parts, pathOf('styles'));
  const shared = await readSharedStrings(parts, pathOf('sharedStrings'));
  await readSheet(parts, sheet.path, table, { shared, isDate, date1904, header: options.header });
}

interface Relation { id: string; type: string; path: string }

async function entriesOf(source: Source): Promise<ZipEntry[]> {
  try {
    return (await unzipRaw({ getLength: async () => source.size, read: (offset, length) => source.read(offset, length) })).entries;
  } catch (error) {
    throw damaged(source, error);
  }
}

type Write = (text: string) => void;

/** The parts of the package: entries of the zip archive. */
class Parts {
  readonly source: Source;
  readonly names: string[];
  readonly #entries: Map<string, ZipEntry>;
  readonly #limit: number;
  #expanded = 0;

  constructor(source: Source, limit: number, entries: ZipEntry[]) {
    this.source = source;
    this.#limit = limit;
    this.names = entries.map(({ name }) => name);
    this.#entries = new Map(entries.map((entry) => [entry.name.toLowerCase(), entry])); // names differ by more than case, says the standard
  }

  has(path: string): boolean { return this.#entries.has(path.toLowerCase()); }

  /** The XML of a part. unzipit ends in an error where there is more or less of it than the archive's directory says. */
  async *read(path: string): AsyncGenerator<string> {
    const entry = this.#entries.get(path.toLowerCase());
    if (entry === undefined) throw new TightrecError('file-damaged', `readTable: expected a part ${path} in the workbook ${this.source.name}, got none; save it again`);
    this.#expanded += entry.size;
    if (this.#expanded > this.#limit) throw tooLarge(this.source, this.#limit);
    const unreadable = (reason: string) => damaged(this.source, new Error(`${path} ${reason}`));
    yield* decoded(this.#inflated(entry), {
      cut: (bytes) => bytes.lastIndexOf(62) + 1, // >
      invalid: (encoding) => unreadable(`is not ${encoding}`),
      tooLong: () => unreadable('has an endless tag'),
    });
  }

  async *#inflated(entry: ZipEntry): AsyncGenerator<Uint8Array> {
    // unzipit does not compare checksums; the one of the directory is in a private field, and Node has a function for it
    const { _rawEntry: directory } = entry as unknown as { _rawEntry?: { crc32?: number } }, expected = directory?.crc32;
    const crc32 = globalThis.process?.getBuiltinModule?.('node:zlib')?.crc32;
    let sum = 0;
    try {
      for await (const chunk of streamed(await entry.stream())) {
        if (crc32 !== undefined) sum = crc32(chunk, sum);
        yield chunk;
      }
    } catch (error) {
      throw damaged(this.source, error);
    }
    if (crc32 !== undefined && expected !== undefined && sum !== expected) throw damaged(this.source, new Error(`the checksum of ${entry.name} is wrong`));
  }

  /** What a part refers to; '' is the package itself. */
  async relations(path: string): Promise<Relation[]> {
    const slash = path.lastIndexOf('/') + 1, relationsPath = `${path.slice(0, slash)}_rels/${path.slice(slash)}.rels`;
    const relations: Relation[] = [];
    if (!this.has(relationsPath)) return relations;
    await this.parse(relationsPath, {
      open(name, attributes) {
        if (name !== 'Relationship') return;
        const { Id: id = '', Type: type = '', Target: target = '' } = attributes();
        // the last word of the type is the same in the transitional and the strict standard
        relations.push({ id, type: type.slice(type.lastIndexOf('/') + 1), path: resolved(decodeXml(target), path) });
      },
    });
    return relations;
  }

  /** Parses a part; names of elements come without the prefix that the root has. */
  async parse(path: string, on: { open?(name: string, attributes: () => Record<string, string>): void; text?(text: string): void; close?(name: string): void }, shortcut?: (write: Write) => Write): Promise<void> {
    const parser = new Parser();
    let prefix: string | null = null, events = 0, silence = 0;
    const broken = (error: Error) => { throw damaged(this.source, new Error(`${path}: ${error.message}`)); };
    parser.on('error', broken);
    parser.on('warn', broken);
    parser.on('openTag', (name, attributes) => {
      prefix ??= name.slice(0, name.indexOf(':') + 1);
      events++;
      on.open?.(prefix !== '' && name.startsWith(prefix) ? name.slice(prefix.length) : name, attributes);
    });
    if (on.close) parser.on('closeTag', (name) => { on.close!(prefix !== '' && name.startsWith(prefix!) ? name.slice(prefix!.length) : name); });
    if (on.text) {
      parser.on('text', (text) => { on.text!(decodeXml(text)); });
      parser.on('cdata', (text) => { on.text!(text); });
    }
    const write = (text: string) => {
      const before = events;
      parser.write(text);
      silence = events === before ? silence + text.length : 0; // saxen holds on to a token until it ends
      if (silence > LONGEST) broken(new Error('a text or a comment does not end'));
    };
    const pass = shortcut?.(write) ?? write;
    for await (const text of this.read(path)) pass(text);
    pass(''); // that was all
    parser.end();
  }
}

/** The path of a part that another part refers to; '' for what is no path, such as a link into the web. */
function resolved(target: string, base: string): string {
  try {
    return decodeURIComponent(new URL(target, `file:///${base}`).pathname.slice(1));
  } catch {
    return '';
  }
}

async function readWorkbook(parts: Parts, path: string): Promise<{ sheets: { name: string; id: string }[]; date1904: boolean }> {
  const sheets: { name: string; id: string }[] = [];
  let date1904 = false;
  await parts.parse(path, {
    open(name, attributes) {
      if (name === 'workbookPr') date1904 = /^(1|true)$/.test(attributes().date1904);
      if (name !== 'sheet') return;
      const all = attributes(), id = Object.keys(all).find((key) => key.endsWith(':id'));
      sheets.push({ name: decodeXml(all.name ?? ''), id: id === undefined ? '' : all[id] });
    },
  });
  return { sheets, date1904 };
}

/** For each cell style: does it show its number as a date? */
async function readDateStyles(parts: Parts, path: string | undefined): Promise<boolean[]> {
  const isDate: boolean[] = [], custom = new Map<string, string>();
  if (path === undefined) return isDate;
  let inCells = false;
  await parts.parse(path, {
    open(name, attributes) {
      if (name === 'cellXfs') inCells = true;
      else if (name === 'numFmt') custom.set(attributes().numFmtId, decodeXml(attributes().formatCode ?? ''));
      else if (name === 'xf' && inCells) {
        const { numFmtId = '0' } = attributes(), format = custom.get(numFmtId);
        isDate.push(format === undefined ? isBuiltInDate(Number(numFmtId)) : isDateFormat(format));
      }
    },
    close(name) { if (name === 'cellXfs') inCells = false; },
  });
  return isDate;
}

/** Formats that need not be written into the file: 14 to 22 and 45 to 47 everywhere, the others in East Asian versions. */
function isBuiltInDate(id: number): boolean {
  return (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || (id >= 45 && id <= 47) || (id >= 50 && id <= 58);
}

/** A format is a date's when it has letters of dates outside of "text", \x, _x, *x and [colours]; [h] and [mm] are durations and count. */
function isDateFormat(format: string): boolean {
  return /[ymdhs]/i.test(format.replace(/"[^"]*"|[\\_*]./g, '').replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '').replace(/general/gi, ''));
}

async function readSharedStrings(parts: Parts, path: string | undefined): Promise<string[]> {
  const strings: string[] = [];
  if (path === undefined) return strings;
  let content = '', inText = false, inPhonetic = false;
  await parts.parse(path, {
    open(name) {
      if (name === 'si') content = '';
      else if (name === 't') inText = !inPhonetic;
      else if (name === 'rPh') inPhonetic = true; // how to pronounce it: not part of it
    },
    text(text) { if (inText) content += text; },
    close(name) {
      if (name === 'si') strings.push(detached(decodeEscapes(content)));
      else if (name === 't') inText = false;
      else if (name === 'rPh') inPhonetic = false;
    },
  });
  return strings;
}

interface SheetContext { shared: string[]; isDate: boolean[]; date1904: boolean; header?: string[] }

async function readSheet(parts: Parts, path: string, table: TableBuilder, { shared, isDate, date1904, header }: SheetContext): Promise<void> {
  // the row
  let row = 0, visit = 0, filled = false, bad: { column: Column; cell: string } | null = null;
  const names: string[] = []; // of the header, while it is read
  let columnAt: Int32Array | null = null; // which of the table's columns a column of the sheet is, or -1; null before the header is read
  let writtenIn = new Int32Array(0); // the visit in which each of the table's columns was last written
  // the cell
  let at = -1, type = '', style = 0, content = '', wanted = false, inText = false, inPhonetic = false, inRow = false;

  if (header) useHeader(header);
  function useHeader(all: string[]): void {
    table.header(all);
    columnAt = new Int32Array(MOST_COLUMNS).fill(-1);
    for (let k = 0; k < table.columns.length; k++) columnAt[table.columns[k].at] = k;
    writtenIn = new Int32Array(table.columns.length);
  }

  function openRow(r: string | undefined): void {
    row = r !== undefined && /^\d+$/.test(r) ? Number(r) : row + 1;
    visit++; // numbers of rows need not differ
    inRow = true;
    filled = false;
    bad = null;
    at = -1;
  }

  function openCell(r: string | undefined, s: string | undefined, t: string | undefined): void {
    at = r === undefined ? at + 1 : columnOf(r);
    type = t ?? 'n';
    style = s === undefined ? 0 : Number(s);
    content = '';
    wanted = columnAt === null ? at >= 0 && at < MOST_COLUMNS : columnAt[at] >= 0;
  }

  function closeCell(): void {
    if (!wanted || content === '') return;
    if (type === 's') {
      const text = shared[Number(content)];
      if (text === undefined) throw damaged(parts.source, new Error(`row ${row} of ${path} refers to shared string ${content} of ${shared.length}`));
      content = text;
    } else if (type === 'b') content = content === '1' ? 'TRUE' : 'FALSE';
    else if (type === 'str' || type === 'inlineStr') content = decodeEscapes(content);
    if (content === '') return;

    if (columnAt === null) {
      names[at] = type === 'n' ? shownNumber() : content;
      return;
    }
    const column = table.columns[columnAt[at]];
    writtenIn[columnAt[at]] = visit;
    if (column.type === 'string') {
      if (type === 's') column.shared(table.rows, content);
      else column.text(table.rows, type === 'n' ? shownNumber() : type === 'd' ? shownDate(parseDate(content)) : content);
    } else if (type === 'n') {
      const number = Number(content), value = column.type === 'date' ? dateOfNumber(number, date1904) : number;
      column.value(table.rows, value);
      if (!Number.isFinite(value) || !column.within(value)) bad ??= { column, cell: content };
    } else if (!column.text(table.rows, content)) bad ??= { column, cell: content };
  }

  /** A number as the cell shows it: 536365, 2.55, or as a date. */
  function shownNumber(): string {
    if (!isDate[style] && /^[1-9]\d{0,14}$/.test(content)) return content;
    const number = Number(content);
    return isDate[style] ? shownDate(dateOfSerial(number, date1904)) : Number.isFinite(number) ? String(number) : content;
  }

  function shownDate(date: number): string {
    return Number.isNaN(date) ? content : formatDate(date);
  }

  function closeRow(): void {
    inRow = false;
    if (!filled) return;
    if (columnAt === null) {
      useHeader(Array.from(names, (name) => name ?? ''));
      return;
    }
    for (let k = 0; k < writtenIn.length; k++) {
      if (writtenIn[k] !== visit && !table.columns[k].text(table.rows, '')) bad ??= { column: table.columns[k], cell: '' };
    }
    if (bad) table.rejectCell(row, bad.column, bad.cell);
    else table.accept();
  }

  await parts.parse(path, {
    open(name, attributes) {
      if (!inRow) {
        if (name === 'row') openRow(attributes().r);
      } else if (name === 'c') {
        const { r, s, t } = attributes();
        openCell(r, s, t);
      } else if (name === 'v' || name === 't') {
        filled = true;
        inText = wanted && !inPhonetic;
      } else if (name === 'rPh') inPhonetic = true;
    },
    text(text) { if (inText) content = content === '' ? text : content + text; },
    close(name) {
      if (name === 'v' || name === 't') inText = false;
      else if (name === 'c') closeCell();
      else if (name === 'row' && inRow) closeRow();
      else if (name === 'rPh') inPhonetic = false;
    },
  }, shortcut);

  /**
   * Rows in the form in which Excel writes them are found by a regular expression, which halves the time of a large sheet. saxen sees
   * what comes before and after the rows, and each row that looks different.
   */
  function shortcut(write: Write): Write {
    let part: 'head' | 'rows' | 'rest' = 'head', unfinished = '';
    return (piece) => {
      const text = unfinished + piece;
      let start = 0;
      unfinished = '';
      if (part === 'head' && text.includes('<sheetData>')) {
        part = 'rows';
        start = text.indexOf('<sheetData>') + 11;
        write(text.slice(0, start));
      }
      if (part === 'rows') {
        start = plainRows(text, start, write);
        if (piece === '' || text.length - start > 1 << 20 || text.startsWith('</sheetData', start)) part = 'rest';
        else unfinished = text.slice(start);
      }
      if (part !== 'rows') write(text.slice(start));
    };
  }

  /** Reads whole rows of `text` from `start`; returns where the first one begins that is not all there. */
  function plainRows(text: string, start: number, write: Write): number {
    PLAIN.lastIndex = start;
    for (;;) {
      const found = PLAIN.exec(text);
      if (found === null) {
        const end = text.indexOf('</row>', start);
        if (end === -1) return start;
        write(text.slice(start, end + 6));
        PLAIN.lastIndex = start = end + 6;
      } else if (found[5] !== undefined) {
        openCell(found[2], found[3], found[4]);
        filled = true;
        content = found[5];
        closeCell();
      } else if (found[1] !== undefined) openRow(found[1]);
      else if (found[0] === '</row>') {
        closeRow();
        start = PLAIN.lastIndex;
      }
    }
  }
}

/** The start of a row (1: its number); a cell (2: its column, 3: style, 4: type, 5: value, if it has one); the end of a row. */
const PLAIN = /<row r="(\d+)"[^<>/]*>|<c r="([A-Z]+)\d+"(?: s="(\d+)")?(?: t="([a-z]+)")?(?:\/>|><v>([^<&]*)<\/v><\/c>)|<\/row>/y;

const MOST_COLUMNS = 16_384; // A to XFD

/** The column of a reference such as AB12, from 0. */
function columnOf(reference: string): number {
  let column = 0;
  for (let k = 0; k < reference.length; k++) {
    const letter = reference.charCodeAt(k) - 64;
    if (letter < 1 || letter > 26) break;
    column = 26 * column + letter;
  }
  return column - 1;
}

/** Texts of a workbook write characters that XML cannot hold as _x000D_. */
function decodeEscapes(text: string): string {
  return text.includes('_x') ? text.replace(/_x([\dA-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(parseInt(code, 16))) : text;
}

/** &amp; and the like, and characters by number, beyond the 65,536 that saxen's own decoder knows too. */
function decodeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(amp|lt|gt|quot|apos));/gi, (whole, decimal: string | undefined, hexadecimal: string | undefined, name: string | undefined) => {
    if (name !== undefined) return { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }[name] ?? whole;
    const code = decimal === undefined ? parseInt(hexadecimal!, 16) : Number(decimal);
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

function damaged(source: Source, error: unknown): Error {
  if (error instanceof TightrecError) return error;
  return new TightrecError('file-damaged', `readTable: expected a whole .xlsx workbook in ${source.name}, got one that is cut short or damaged (${(error as Error).message}); fetch or save it again`, { cause: error });
}

function notAWorkbook(source: Source, names: string[]): TightrecError {
  const has = (pattern: RegExp) => names.find((name) => pattern.test(name));
  const csv = has(/\.(csv|tsv|txt)(\.gz)?$/i);
  const got = has(/workbook\.bin$/) ? 'an .xlsb workbook; save it as .xlsx'
    : has(/^content\.xml$/) ? 'an OpenDocument file; save it as .xlsx or .csv'
    : csv !== undefined ? `a zip archive that holds ${csv}; unpack it first`
    : 'a zip archive that is no workbook';
  return new TightrecError('file-unreadable', `readTable: expected a CSV or an .xlsx workbook, got ${source.name}, which is ${got}`);
}
