import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ReadOptions, type Table, readTable } from '../../lib/data/readTable.ts';
import { type XlsxCell, type XlsxOptions, type ZipEntry, joined, makeXlsx, zipOf } from '../helpers/makeXlsx.ts';
import { rejects } from '../helpers/refuses.ts';

const test = suite('data/readTable: xlsx');
const folder = mkdtempSync(join(tmpdir(), 'tightrec-'));
test.after(() => rmSync(folder, { recursive: true }));

const plain = (table: Table) => Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, Array.from<string | number>(column)]));
const date = (...parts: [number, number, number, number?, number?, number?]) => new Date(Date.UTC(...parts));

/**
 * Reads rows as a workbook in each form in which programs write one. The first is the one that the regular expression knows; the others
 * go through saxen.
 */
const forms: XlsxOptions[] = [{}, { prefix: 'x:' }, { inlineStrings: true }, { noReferences: true }, { inlineStrings: true, noReferences: true, prefix: 'main:' }];
async function readAll(rows: XlsxCell[][], options?: ReadOptions, form: XlsxOptions = {}): Promise<Table[]> {
  return Promise.all(forms.map(async (one) => readTable(await makeXlsx(rows, { ...form, ...one }), options)));
}

const sales: XlsxCell[][] = [
  ['invoice', 'item', 'quantity', 'price', 'date', 'customer', 'gift'],
  [536365, '85123A', 6, 2.55, date(2010, 11, 1, 8, 26), 17850, true],
  ['C536379', 'D', -1, 27.5, date(2010, 11, 1, 9, 41, 7), 14527, false],
];

test('all columns, as strings: numbers as the cell shows them, dates, booleans', async () => {
  for (const table of await readAll(sales)) {
    assert.equal(plain(table), {
      invoice: ['536365', 'C536379'], item: ['85123A', 'D'], quantity: ['6', '-1'], price: ['2.55', '27.5'],
      date: ['2010-12-01 08:26:00', '2010-12-01 09:41:07'], customer: ['17850', '14527'], gift: ['TRUE', 'FALSE'],
    });
    assert.equal(table.names, sales[0]);
  }
});

test('types', async () => {
  for (const table of await readAll(sales, { columns: { price: 'number', date: 'date', invoice: 'string', quantity: 'number' } })) {
    assert.equal(plain(table), { price: [2.55, 27.5], date: [Date.UTC(2010, 11, 1, 8, 26), Date.UTC(2010, 11, 1, 9, 41, 7)], invoice: ['536365', 'C536379'], quantity: [6, -1] });
  }
});

test('path, Blob and bytes read the same', async () => {
  const bytes = await makeXlsx(sales), path = join(folder, 'sales.dat'); // known by its first bytes, not by its name
  writeFileSync(path, bytes);
  for (const file of [path, bytes, new Blob([bytes])]) assert.is((await readTable(file)).rows, 2);
  const builtin = process.getBuiltinModule;
  process.getBuiltinModule = undefined as unknown as typeof builtin; // as in a browser
  try {
    assert.equal(plain(await readTable(new Blob([bytes]))), plain(await readTable(bytes)));
  } finally {
    process.getBuiltinModule = builtin;
  }
});

test('texts: entities, blanks, newlines, astral characters, escapes, rich text, phonetic runs', async () => {
  const texts = ['a < b & "c" > \'d\'', '  kept  ', 'two\nlines', '😀 café 日本', 'ctrl\u0001\r', '_x0041_ as it stands', '']; // the last is no cell's text but a blank
  for (const table of await readAll([['t', 'n'], ...texts.map((text) => [text, 1])])) assert.equal(table.columns.t, texts);

  const si = (...parts: string[]) => parts.map((part) => `<si>${part}</si>`);
  const sharedStrings = si('<r><t>rich </t></r><r><rPr><b/></rPr><t xml:space="preserve">text</t></r>', '<t>東京</t><rPh sb="0" eb="2"><t>トウキョウ</t></rPh><phoneticPr fontId="1"/>', '<t>&#x1F600;&#128512;&#65;&lt;&nbsp;</t>', '<t><![CDATA[a < b &amp; c]]></t>', '<t/>', '');
  const rows: XlsxCell[][] = [['t', 'n'], ...sharedStrings.map((_, k): XlsxCell[] => [{ xml: `<c r="A${k + 2}" t="s"><v>${k}</v></c>` }, 1])];
  assert.equal((await readTable(await makeXlsx(rows, { sharedStrings }))).columns.t, ['rich text', '東京', '😀😀A<&nbsp;', 'a < b &amp; c', '', '']);

  const inline = '<c r="A2" t="inlineStr"><is><r><t>rich </t></r><r><t>text</t></r><rPh sb="0" eb="1"><t>no</t></rPh></is></c>';
  assert.equal((await readTable(await makeXlsx([['t'], [{ xml: inline }]]))).columns.t, ['rich text']);
});

test('formulas give their cached value; errors their name', async () => {
  const rows: XlsxCell[][] = [
    ['f', 's', 'e', 'b', 'none'],
    [{ xml: '<c r="A2"><f>1+2</f><v>3</v></c>' }, { xml: '<c r="B2" t="str"><f>UPPER("a &amp; b")</f><v>A &amp; B</v></c>' }, { xml: '<c r="C2" t="e"><v>#N/A</v></c>' }, { xml: '<c r="D2" t="b"><f>1=1</f><v>1</v></c>' }, { xml: '<c r="E2"><f>A1</f><v></v></c>' }],
    [{ xml: '<c r="A3"><f t="shared" si="0"/><v>4.5</v></c>' }, { xml: '<c r="B3" t="str"><v>plain</v></c>' }, { xml: '<c r="C3" t="e"><f>1/0</f><v>#DIV/0!</v></c>' }, null, null],
  ];
  const table = await readTable(await makeXlsx(rows));
  assert.equal(plain(table), { f: ['3', '4.5'], s: ['A & B', 'plain'], e: ['#N/A', '#DIV/0!'], b: ['TRUE', ''], none: ['', ''] });
  const bytes = await makeXlsx(rows);
  assert.equal(plain(await readTable(bytes, { columns: { f: 'number' } })), { f: [3, 4.5] });
  await rejects(() => readTable(bytes, { columns: { e: 'number' }, optional: ['e'] }), 'bad-row', 'row 2, column "e"', 'got "#N/A"');
  await rejects(() => readTable(bytes, { columns: { b: 'number' } }), 'bad-row', 'row 2, column "b"', 'got "TRUE"');
  await rejects(() => readTable(bytes, { columns: { none: 'number' } }), 'bad-row', 'row 2, column "none"', 'an empty cell');
});

test('sparse rows: missing cells, missing rows, missing references', async () => {
  const xml = (text: string) => ({ xml: text });
  const rows: XlsxCell[][] = [
    ['a', 'b', null, 'd'],
    [null, 2, null, 4],
    [1, null, 99, null],
    [null, null, null, null],
    [null, null, 7, null, 8], // values only where the header has no name: the row counts, its named cells are empty
    [xml('<c r="A6" s="1"/>'), xml('<c r="B6" s="2"></c>')], // styled but empty
    [xml('<c><v>1</v></c>'), xml('<c/>'), xml('<c r="D7"><v>4</v></c>'), xml('<c><v>5</v></c>')],
  ];
  const table = await readTable(await makeXlsx(rows), { columns: { a: 'string', b: 'string', d: 'string' } });
  assert.equal(plain(table), { a: ['', '1', '', '1'], b: ['2', '', '', ''], d: ['4', '', '', '4'] });
  assert.equal(table.names, ['a', 'b', '', 'd']);
  const numbers = await readTable(await makeXlsx(rows), { columns: { a: 'number', d: 'number' }, optional: ['a', 'd'] });
  assert.equal(plain(numbers), { a: [NaN, 1, NaN, 1], d: [4, NaN, NaN, 4] });
});

test('rows are numbered as the sheet numbers them', async () => {
  const sheet = '<row r="3"><c r="B3" t="inlineStr"><is><t>n</t></is></c></row><row r="10"><c r="B10"><v>1</v></c></row><row r="12"><c r="A12"><v>1</v></c></row>';
  const bytes = await joined(zipOf(parts({ sheet })));
  await rejects(() => readTable(bytes, { columns: { n: 'number' } }), 'bad-row', 'row 12, column "n"', 'an empty cell');
  for (const form of forms) {
    const rows = [['n'], [1], [null], ['x']];
    await rejects(async () => readTable(await makeXlsx(rows, form), { columns: { n: 'number' } }), 'bad-row', 'row 4, column "n"', 'got "x"');
  }
});

test('bad cells: error, skip and count', async () => {
  const rows: XlsxCell[][] = [['n', 'd', 's'], [1, date(2011, 0, 1), 'a'], ['x', date(2011, 0, 2), 'b'], [3, 'soon', 'c'], [null, date(2011, 0, 4), 'd'], [5, 60, 'e'], ['6', '2011-01-06', 7]];
  for (const table of await readAll(rows, { columns: { n: 'number', d: 'date', s: 'string' }, onBadRow: 'skip' })) {
    assert.equal(plain(table), { n: [1, 6], d: [Date.UTC(2011, 0, 1), Date.UTC(2011, 0, 6)], s: ['a', '7'] }); // a number kept as text is a number
    assert.equal(table.skipped.details.map(({ row, column }) => `${row}${column}`), ['3n', '4d', '5n', '6d']);
    assert.is(table.skipped.count, 4);
  }
  await rejects(async () => readTable(await makeXlsx(rows), { columns: { d: 'date' } }), 'bad-row', 'row 4, column "d"', 'got "soon"');
  await rejects(async () => readTable(await makeXlsx([['s', 'n'], [null, 1]]), { columns: { s: 'string' }, required: ['s'] }), 'bad-row', 'row 2, column "s"');
});

test('dates: the 1900 system and its phantom day', async () => {
  const styled = (row: number, days: number, style = 1) => ({ xml: `<c r="A${row}" s="${style}"><v>${days}</v></c>` });
  const rows: XlsxCell[][] = [['d'], [styled(2, 1)], [styled(3, 59)], [styled(4, 61)], [styled(5, 40_513.351388888885)], [styled(6, 43_831, 2)], [40_513.5], [881_250_949]]; // the last two have no date style
  const table = await readTable(await makeXlsx(rows), { columns: { d: 'date' } });
  assert.equal(plain(table).d, [date(1900, 0, 1), date(1900, 1, 28), date(1900, 2, 1), date(2010, 11, 1, 8, 26), date(2020, 0, 1), date(2010, 11, 1, 12), new Date(881_250_949_000)].map(Number));
  const texts = await readTable(await makeXlsx(rows));
  assert.equal(texts.columns.d, ['1900-01-01 00:00:00', '1900-02-28 00:00:00', '1900-03-01 00:00:00', '2010-12-01 08:26:00', '2020-01-01 00:00:00', '40513.5', '881250949']);
  for (const days of [60, 0.5, -3, 2_958_466]) await rejects(async () => readTable(await makeXlsx([['d'], [styled(2, days)]]), { columns: { d: 'date' } }), 'bad-row', 'expected a date', `got "${days}"`);
  assert.equal((await readTable(await makeXlsx([['d'], [styled(2, 60)]]))).columns.d, ['60']); // as a string it is what it is
});

test('dates: the 1904 system', async () => {
  for (const table of await readAll([['d'], [date(1904, 0, 1, 6)], [date(2010, 11, 1, 8, 26)]], { columns: { d: 'date' } }, { date1904: true })) {
    assert.equal(plain(table).d, [Date.UTC(1904, 0, 1, 6), Date.UTC(2010, 11, 1, 8, 26)]);
  }
  assert.equal((await readTable(await makeXlsx([['d'], [date(2010, 11, 1, 8, 26)]], { date1904: true }))).columns.d, ['2010-12-01 08:26:00']);
});

test('dates: which formats are dates, and cells of type d', async () => {
  const rows: XlsxCell[][] = [['d'], ...[1, 2, 3, 4, 0].map((style, k): XlsxCell[] => [{ xml: `<c r="A${k + 2}" s="${style}"><v>40513.5</v></c>` }]), [{ xml: '<c r="A7" t="d"><v>2010-12-01T12:00:00</v></c>' }]];
  assert.equal((await readTable(await makeXlsx(rows))).columns.d, ['2010-12-01 12:00:00', '2010-12-01 12:00:00', '2010-12-01 12:00:00', '40513.5', '40513.5', '2010-12-01 12:00:00']);
  assert.equal(plain(await readTable(await makeXlsx(rows), { columns: { d: 'date' } })).d, rows.slice(1).map(() => Date.UTC(2010, 11, 1, 12)));
});

test('sheets by name; the first is the default', async () => {
  const bytes = await makeXlsx(sales, { sheet: 'Sales & co', otherSheets: ['2011', 'Lookup'] });
  assert.is((await readTable(bytes)).rows, 2);
  assert.is((await readTable(bytes, { sheet: 'Sales & co' })).rows, 2);
  assert.equal(plain(await readTable(bytes, { sheet: 'Lookup' })), { Lookup: ['1'] });
  await rejects(() => readTable(bytes, { sheet: 'lokup' }), 'bad-setting', 'a sheet "lokup"', 'got "Sales & co", "2011", "Lookup"', 'did you mean "Lookup"?');
});

test('columns: missing, of one name, given by the caller', async () => {
  const bytes = await makeXlsx([['CustomerID', 'a', 'a'], [1, 2, 3]]);
  await rejects(() => readTable(bytes, { columns: { Customer_Id: 'string' } }), 'column-missing', 'got "CustomerID", "a", "a"', 'did you mean "CustomerID"?');
  await rejects(() => readTable(bytes), 'bad-input', '"a" in columns 2 and 3');
  assert.equal(plain(await readTable(await makeXlsx([[1, 2], [3, 4]]), { header: ['x', 'y'] })), { x: ['1', '3'], y: ['2', '4'] });
  const wide = await makeXlsx([Array.from({ length: 800 }, (_, k) => `c${k}`), Array.from({ length: 800 }, (_, k) => k)]);
  assert.equal(plain(await readTable(wide, { columns: { c701: 'number', c702: 'number', c799: 'number' } })), { c701: [701], c702: [702], c799: [799] }); // ZZ, AAA
});

test('empty workbooks', async () => {
  await rejects(async () => readTable(await makeXlsx([])), 'bad-input', 'an empty file');
  await rejects(async () => readTable(await makeXlsx([['a', 'b']])), 'bad-input', 'the header "a", "b" alone');
  await rejects(async () => readTable(await makeXlsx([['a'], [null], [null]])), 'bad-input', 'alone');
});

test('rows that fall between two pieces, in each form', async () => {
  const rows: XlsxCell[][] = [['n', 'text', 'd', 'x']];
  for (let k = 0; k < 4000; k++) rows.push([k, k % 7 === 0 ? null : `text ${k % 100} & more`, date(2011, 0, 1 + k % 365, k % 24), k % 5 === 0 ? { xml: `<c r="D${k + 2}"><f>A1</f><v>${k / 8}</v></c>` } : k / 8]);
  for (const table of await readAll(rows, { columns: { n: 'number', text: 'string', d: 'date', x: 'number' } })) {
    assert.is(table.rows, 4000);
    for (let k = 0; k < 4000; k++) {
      assert.is(table.columns.n[k], k);
      assert.is(table.columns.text[k], k % 7 === 0 ? '' : `text ${k % 100} & more`);
      assert.is(table.columns.d[k], Date.UTC(2011, 0, 1 + k % 365, k % 24));
      assert.is(table.columns.x[k], k / 8);
    }
  }
});

test('workbooks of other programs: strict types, absolute targets, other names, comments, what follows the rows', async () => {
  const strict = parts({ sheet: '<!-- rows --><row r="1"><c r="A1" t="s"><v>0</v></c></row> <!-- <row r="2"> --><row r="2"><c r="A2"><v>5</v></c></row >\n', shared: '<si><t>n</t></si>' });
  const rename = (entries: ZipEntry[], change: (text: string) => string) => entries.map(({ name, data }) => ({ name: change(name), data: [...data as string[]].map(change) }));
  const changes: ((text: string) => string)[] = [
    (text) => text,
    (text) => text.replaceAll('http://schemas.openxmlformats.org/officeDocument/2006/relationships', 'http://purl.oclc.org/ooxml/officeDocument/relationships').replaceAll('http://schemas.openxmlformats.org/spreadsheetml/2006/main', 'http://purl.oclc.org/ooxml/spreadsheetml/main'),
    (text) => text.replace('Target="sharedStrings.xml"', 'Target="/xl/sharedStrings.xml"').replace('Target="worksheets/sheet1.xml"', 'Target="/xl/worksheets/sheet1.xml"'),
    (text) => text.replace(/^xl\/sharedStrings\.xml$/, 'xl/SharedStrings.xml'),
    (text) => text.replace('xl/workbook.xml', 'book/main.xml').replace(/^xl\/_rels\/workbook/, 'book/_rels/main').replace(/^xl\//, 'book/'),
    (text) => text.replace('r:id=', 'rel:id='),
    (text) => text.replace('<Relationship Id="rId9"', '<Relationship Id="rId8" Type="x/externalLink" Target="http://[%zz" TargetMode="External"/><Relationship Id="rId9"'),
    (text) => (text.startsWith('<worksheet') ? `\uFEFF${text}` : text),
    (text) => text.replace('</worksheet>', `<hyperlinks>${'<hyperlink ref="A1" display="a row: &lt;/row&gt;"/>'.repeat(20_000)}</hyperlinks></worksheet>`),
  ];
  for (const change of changes) {
    const table = await readTable(await joined(zipOf(rename(strict, change))), { columns: { n: 'number' } });
    assert.equal(plain(table), { n: [5] }, change.toString());
  }
});

test('cut short or damaged', async () => {
  const bytes = await makeXlsx([['n', 't'], ...Array.from({ length: 500 }, (_, k): XlsxCell[] => [Math.sin(k), `text ${k * k}`])]), whole = plain(await readTable(bytes));
  for (const length of [bytes.length - 1, bytes.length - 30, bytes.length >> 1, 2000, 100, 10, 4]) {
    await rejects(() => readTable(bytes.subarray(0, length)), 'file-damaged', 'expected a whole .xlsx workbook in the bytes', 'cut short or damaged');
  }
  let refused = 0;
  for (let at = 0; at < bytes.length; at += 97) { // one wrong byte: either an error or (in a date, a flag, a padding) no change at all
    const wrong = Uint8Array.from(bytes);
    wrong[at] ^= 0x01;
    try {
      assert.equal(plain(await readTable(wrong)), whole);
    } catch (error) {
      assert.is((error as Error).name, 'TightrecError', (error as Error).stack);
      refused++;
    }
  }
  assert.ok(refused > 100, `${refused} refused`);
});

test('broken XML and broken references', async () => {
  const broken = async (change: Parameters<typeof parts>[0], ...words: (string | RegExp)[]) => rejects(async () => readTable(await joined(zipOf(parts(change)))), 'file-damaged', ...words);
  const row = '<row r="1"><c r="A1"><v>1</v></c></row>';
  await broken({ sheet: `${row}<row r="2"><c r="A2"><v>1</c></row>` }, 'sheet1.xml', 'closing tag mismatch');
  await broken({ sheet: `${row}<row r="2"><c r="A2"><v>1</v></c>` }, 'sheet1.xml');
  await broken({ sheet: '<row r="1"><c r=A1><v>1</v></c></row>' }, 'sheet1.xml', 'quotes');
  await broken({ sheet: '<row r="1"><c r="A1" t="s"><v>7</v></c></row>' }, 'shared string 7 of 0');
  await broken({ sheet: '<row r="1"><c r="A1" t="s"><v>x</v></c></row>' }, 'shared string x');
  await broken({ workbook: '<workbook><sheets><sheet name="a"' }, 'workbook.xml');
  await broken({ workbook: '<workbook><sheets/></workbook>' }, 'expected a sheet');
  await broken({ without: 'xl/worksheets/sheet1.xml' }, 'xl/worksheets/sheet1.xml', 'got none');
  await broken({ sheet: `${row}<!-- ${'>'.repeat(40e6)}` }, 'does not end');
  await broken({ sheet: `${row}<row r="2"><c r="A2"><v>${'1'.repeat(40e6)}` }, 'sheet1.xml');
  // an absurd reference is no reason to run out of memory
  await rejects(async () => readTable(await joined(zipOf(parts({ sheet: '<row r="1"><c r="ZZZZZZZZ1"><v>1</v></c><c r="1"><v>1</v></c></row>' })))), 'bad-input', 'alone');
});

test('zip archives that are no workbook', async () => {
  const zip = (...names: string[]) => joined(zipOf(names.map((name) => ({ name, data: ['x'] }))));
  for (const [names, word] of [[['sales.csv', 'readme'], 'holds sales.csv; unpack it first'], [['mimetype', 'content.xml'], 'an OpenDocument file'], [['xl/workbook.bin'], 'an .xlsb workbook'], [['word/document.xml'], 'no workbook']] as const) {
    await rejects(async () => readTable(await zip(...names)), 'file-unreadable', word);
  }
  const binary = parts({}).map(({ name, data }) => ({ name: name.replace('book.xml', 'book.bin'), data: [...data as string[]].map((text) => text.replace('book.xml', 'book.bin')) }));
  await rejects(async () => readTable(await joined(zipOf(binary))), 'file-unreadable', 'an .xlsb workbook');
  await rejects(() => readTable(Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`)), 'file-unreadable', 'no workbook');
  await rejects(() => readTable(Buffer.from(`PK\x03\x04${'rubbish '.repeat(100)}`)), 'file-damaged');
});

test('a workbook with a password, and an old .xls', async () => {
  const ole = (stream: string) => { // the header of the container, then its directory, which names its streams
    const bytes = Buffer.alloc(1024);
    bytes.set([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    bytes.write(stream, 640, 'utf16le');
    return bytes;
  };
  await rejects(() => readTable(ole('EncryptedPackage')), 'file-unreadable', 'a workbook with a password; save it without');
  await rejects(() => readTable(ole('Workbook')), 'file-unreadable', 'an old .xls');
});

test('an entry with a password inside an ordinary zip', async () => {
  const bytes = Buffer.from(await makeXlsx(sales));
  for (let at = bytes.indexOf('PK\x01\x02'); at !== -1; at = bytes.indexOf('PK\x01\x02', at + 1)) bytes[at + 8] |= 1;
  await rejects(() => readTable(bytes), 'file-damaged', 'encrypted');
});

test('bombs: by the size that the archive admits, and by one that it hides', async () => {
  const sheet = { async *[Symbol.asyncIterator]() { for (let k = 0; k < 300; k++) yield ' '.repeat(1e6); } };
  const bomb = Buffer.from(await joined(zipOf([...parts({ without: 'xl/worksheets/sheet1.xml' }), { name: 'xl/worksheets/sheet1.xml', data: sheet }])));
  assert.ok(bomb.length < 500_000);
  await rejects(() => readTable(bomb), 'file-too-large', 'at most 268435456 bytes', 'zip bomb', 'maxBytes');
  await rejects(() => readTable(bomb, { maxBytes: 1e8 }), 'file-too-large', 'at most 100000000 bytes');

  const at = bomb.lastIndexOf('PK\x01\x02'); // of the sheet, in the directory
  bomb.writeUInt32LE(1000, at + 24);
  await rejects(() => readTable(bomb), 'file-damaged', 'exceeds');
});

test('progress and abort', async () => {
  const rows: XlsxCell[][] = [['n'], ...Array.from({ length: 200_000 }, (_, k) => [Math.sin(k)])], path = join(folder, 'long.xlsx');
  writeFileSync(path, await makeXlsx(rows));
  const seen: number[] = [];
  const table = await readTable(path, { columns: { n: 'number' }, onProgress: ({ bytes, totalBytes, rows: done }) => { seen.push(bytes / totalBytes); assert.ok(done <= 200_000); } });
  assert.is(table.rows, 200_000);
  assert.is(seen.at(-1), 1);
  assert.ok(seen.length >= 5 && seen.every((part, k) => k === 0 || part >= seen[k - 1]));

  const mine = new Error('mine');
  assert.is(await readTable(path, { onProgress: ({ bytes }) => { if (bytes > 1e5) throw mine; } }).then(null, (error: unknown) => error), mine);

  const reason = new Error('enough'), controller = new AbortController();
  let calls = 0;
  const outcome = await readTable(path, { signal: controller.signal, onProgress: () => { if (++calls === 5) controller.abort(reason); } }).then(null, (error: unknown) => error);
  assert.is(outcome, reason);
});

test('more than a string can hold: 2^29 characters in one sheet', async () => {
  const filler = { xml: `<c t="inlineStr"><is><t>${'x'.repeat(32_000)}</t></is></c>` }, count = 17_000;
  const rows = { *[Symbol.iterator](): Generator<XlsxCell[]> { yield ['n', 'filler']; for (let k = 0; k < count; k++) yield [k, filler]; } };
  assert.ok(count * 32_000 > 2 ** 29);
  const table = await readTable(await makeXlsx(rows), { columns: { n: 'number' }, maxBytes: 1e9 });
  assert.is(table.rows, count);
  assert.is(table.columns.n[count - 1], count - 1);
});

/** The parts of a small workbook, written by hand. */
function parts({ sheet = '', shared = '', workbook, without }: { sheet?: string; shared?: string; workbook?: string; without?: string }): ZipEntry[] {
  const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"', office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const relations = (...targets: string[][]) => [`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${targets.map(([id, type, target]) => `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"/>`).join('')}</Relationships>`];
  return [
    { name: '_rels/.rels', data: relations(['rId1', 'officeDocument', 'xl/workbook.xml']) },
    { name: 'xl/workbook.xml', data: [workbook ?? `<workbook ${main} xmlns:r="${office}"><sheets><sheet name="chart" sheetId="9" r:id="rId9"/><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>`] },
    { name: 'xl/_rels/workbook.xml.rels', data: relations(['rId9', 'chartsheet', 'chartsheets/sheet1.xml'], ['rId1', 'worksheet', 'worksheets/sheet1.xml'], ['rId2', 'sharedStrings', 'sharedStrings.xml']) },
    { name: 'xl/sharedStrings.xml', data: [`<sst ${main}>${shared}</sst>`] },
    { name: 'xl/worksheets/sheet1.xml', data: [`<worksheet ${main}><sheetData>${sheet}</sheetData></worksheet>`] },
  ].filter(({ name }) => name !== without);
}

test.run();
