import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ReadOptions, type Table, readTable } from '../../lib/data/readTable.ts';
import { rejects } from '../helpers/refuses.ts';

const test = suite('data/readTable');
const folder = mkdtempSync(join(tmpdir(), 'tightrec-'));
test.after(() => rmSync(folder, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const read = (text: string, options?: ReadOptions) => readTable(bytes(text), options);
function write(name: string, content: string | Uint8Array): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}
/** The columns as plain arrays, row by row easier to compare. */
const plain = (table: Table) => Object.fromEntries(Object.entries(table.columns).map(([name, column]) => [name, Array.from<string | number>(column)]));

const sales = 'invoice,item,quantity,price,date\n1,85123A,6,2.55,2010-12-01 08:26:00\n2,22423,-1,.5,2010-12-02\n';

test('all columns, as strings', async () => {
  const table = await read(sales);
  assert.equal(table.names, ['invoice', 'item', 'quantity', 'price', 'date']);
  assert.is(table.rows, 2);
  assert.equal(table.skipped, { count: 0, details: [] });
  assert.equal(plain(table), { invoice: ['1', '2'], item: ['85123A', '22423'], quantity: ['6', '-1'], price: ['2.55', '.5'], date: ['2010-12-01 08:26:00', '2010-12-02'] });
});

test('chosen columns with types, in the order asked for', async () => {
  const table = await read(sales, { columns: { date: 'date', item: 'string', price: 'number' } });
  assert.equal(Object.keys(table.columns), ['date', 'item', 'price']);
  assert.instance(table.columns.price, Float64Array);
  assert.instance(table.columns.date, Float64Array);
  assert.equal(plain(table), { date: [Date.UTC(2010, 11, 1, 8, 26), Date.UTC(2010, 11, 2)], item: ['85123A', '22423'], price: [2.55, 0.5] });
});

test('path, URL, Blob, File, Uint8Array and ArrayBuffer read the same', async () => {
  const path = write('sales & more #1.csv', sales), expected = plain(await read(sales));
  for (const [file, source] of [
    [path, path], [pathToFileURL(path), path], [bytes(sales), 'the bytes'], [bytes(sales).buffer, 'the bytes'],
    [new Blob([sales]), 'the blob'], [new File([sales], 'sales.csv'), 'sales.csv'],
  ] as const) {
    const table = await readTable(file as Blob);
    assert.equal(plain(table), expected);
    assert.is(table.source, source);
  }
});

test('quotes, newlines and delimiters in cells; BOM; CRLF; no final newline; blank lines', async () => {
  const expected = { a: ['1', 'x "y" z', 'line\none'], b: ['p,q', '', '"'] };
  const body = ['"1","p,q"', '"x ""y"" z",', '"line\none",""""'];
  for (const newline of ['\n', '\r\n', '\r']) {
    const rows = body.map((row) => row.replace('\n', newline)), wanted = { ...expected, a: ['1', 'x "y" z', `line${newline}one`] };
    for (const text of [['a,b', ...rows].join(newline), ['a,b', ...rows, '', '', ''].join(newline), ['\uFEFFa,b', ...rows, ''].join(newline), ['', '"a",b', rows[0], '', ...rows.slice(1)].join(newline)]) {
      assert.equal(plain(await read(text)), wanted, JSON.stringify(text));
    }
  }
});

test('\\n and \\r\\n may be mixed', async () => {
  assert.equal(plain(await read('a,b\r\n1,2\n3,4\r\n"5","6"\r\n7,8')), { a: ['1', '3', '5', '7'], b: ['2', '4', '6', '8'] });
});

test('rows whose cells are all empty are passed over but counted', async () => {
  const table = await read('a,b\n1,2\n\n,\n3,x\n5,6\n,\n', { columns: { b: 'number' }, onBadRow: 'skip' });
  assert.equal(plain(table), { b: [2, 6] });
  assert.equal(table.skipped.details.map(({ row }) => row), [5]);
});

test('the delimiter is found in the header', async () => {
  for (const delimiter of [',', ';', '\t', '|']) {
    assert.equal(plain(await read(`a${delimiter}"b,b;b\t|"${delimiter}c\n1${delimiter}2${delimiter}3\n`)), { a: ['1'], 'b,b;b\t|': ['2'], c: ['3'] });
  }
  assert.equal(plain(await read('name;price,EUR;id\nx;1,5;2\n')), { name: ['x'], 'price,EUR': ['1,5'], id: ['2'] });
  assert.equal(plain(await read('a:b\n1:2\n', { delimiter: ':' })), { a: ['1'], b: ['2'] });
  assert.equal(plain(await read('only\n1\n2')), { only: ['1', '2'] });
});

test('a file without a header', async () => {
  const table = await read('196\t242\t3\t881250949\n186\t302\t3\t891717742\n', { header: ['user', 'item', 'rating', 'time'], columns: { item: 'string', rating: 'number', time: 'date' } });
  assert.equal(plain(table), { item: ['242', '302'], rating: [3, 3], time: [881_250_949_000, 891_717_742_000] });
});

test('encodings', async () => {
  const latin = Uint8Array.from('name;x\ncafé;1\n', (c) => c.charCodeAt(0));
  assert.equal(plain(await readTable(latin, { encoding: 'windows-1252' })), { name: ['café'], x: ['1'] });
  const wide = (text: string, bigEndian = false) => {
    const all = new DataView(new ArrayBuffer(2 * text.length));
    for (let k = 0; k < text.length; k++) all.setUint16(2 * k, text.charCodeAt(k), !bigEndian);
    return new Uint8Array(all.buffer);
  };
  const text = 'name\tx\r\n日本 café 😀\t1\r\n';
  for (const file of [wide(`\uFEFF${text}`), wide(`\uFEFF${text}`, true), bytes(text)]) assert.equal(plain(await readTable(file)), { name: ['日本 café 😀'], x: ['1'] });
  assert.equal(plain(await readTable(wide(text), { encoding: 'utf-16le' })), { name: ['日本 café 😀'], x: ['1'] });

  await rejects(() => readTable(latin), 'file-damaged', 'utf-8', 'row 2', "encoding: 'windows-1252'");
  await rejects(() => readTable(Uint8Array.from([...bytes('a,b\n1,2\n3,4\n5,'), 0xff, ...bytes('\n')])), 'file-damaged', 'row 4');
  await rejects(() => readTable(Uint8Array.from([...bytes('a\n1\n'), 0xe2, 0x82])), 'file-damaged', 'row 3');
});

test('characters that fall between two pieces of the file', async () => {
  // 3-byte characters against pieces of 2^18 bytes: each phase of the cut occurs
  for (const shift of ['', 'x', 'xx']) {
    const cell = '€'.repeat(1000), text = `a,b${shift}\n${`1,${cell}\n`.repeat(300)}`;
    const table = await readTable(new Blob([text]));
    assert.is(table.rows, 300);
    assert.ok((table.columns[`b${shift}`] as string[]).every((value) => value === cell));
  }
});

test('rows that fall between two pieces, quotes included', async () => {
  const rows = Array.from({ length: 40_000 }, (_, k) => [`${k}`, k % 3 === 0 ? `"a ""${k}"", \n${'z'.repeat(k % 40)}"` : `plain ${k}`, `${k / 8}`]);
  const table = await read(`n,text,x\n${rows.map((row) => row.join(',')).join('\n')}`, { columns: { text: 'string', x: 'number', n: 'number' } });
  assert.is(table.rows, rows.length);
  for (let k = 0; k < rows.length; k++) {
    assert.is(table.columns.n[k], k);
    assert.is(table.columns.x[k], k / 8);
    assert.is(table.columns.text[k], k % 3 === 0 ? `a "${k}", \n${'z'.repeat(k % 40)}` : `plain ${k}`);
  }
});

test('missing, unreadable, empty', async () => {
  await rejects(() => readTable(join(folder, 'nothing.csv')), 'file-missing', 'nothing.csv', 'got nothing there');
  await rejects(() => readTable(join(write('plain.csv', sales), 'below.csv')), 'file-missing');
  await rejects(() => readTable(folder), 'file-unreadable', 'a directory');
  await rejects(() => readTable('/dev/null'), 'file-unreadable', 'a device or pipe');
  await rejects(() => readTable(write('empty.csv', '')), 'bad-input', 'empty.csv', 'an empty file');
  await rejects(() => read('\n\r\n\n'), 'bad-input', 'an empty file');
  await rejects(() => read('\uFEFF'), 'bad-input', 'an empty file');
  await rejects(() => read('a,b\n'), 'bad-input', 'the header "a", "b" alone');
  await rejects(() => read('a,b'), 'bad-input', 'alone');
  await rejects(() => readTable(new URL('https://example.com/sales.csv')), 'unsupported', 'fetch it');
  await rejects(() => readTable('https://example.com/sales.csv'), 'unsupported', 'fetch it');
  await rejects(() => readTable(undefined as unknown as string), 'bad-input', 'got undefined');
  await rejects(() => readTable(5 as unknown as string), 'bad-input', 'got number');
  if (process.getuid?.() !== 0) { // root may read everything
    const path = write('secret.csv', sales);
    chmodSync(path, 0);
    await rejects(() => readTable(path), 'file-unreadable', 'no permission');
  }
});

test('formats that are not ours', async () => {
  for (const [content, name] of [
    ['%PDF-1.7\n%âãÏÓ\n', 'a PDF'], ['PAR1\x15\x04', 'a Parquet file'], ['SQLite format 3\0', 'SQLite'], ['BZh91AY', 'bzip2'], ['{\\rtf1 hello}', 'RTF'], ['7z\xbc\xaf\x27\x1c', '7z'],
    ['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'binary data'], ['<html><table><tr><td>1</td></tr></table></html>', 'HTML or XML'], ['\n <?xml version="1.0"?><a/>', 'HTML or XML'],
    [`\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1${'\0'.repeat(2000)}`, 'an old .xls'],
    ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'an old .xls'],
  ] as const) {
    const path = write('named.csv', Uint8Array.from(content, (c) => c.charCodeAt(0)));
    await rejects(() => readTable(path), 'file-unreadable', 'expected a CSV or an .xlsx', 'named.csv', name);
  }
});

test('a missing column: which there are, and the nearest', async () => {
  await rejects(() => read(sales, { columns: { Item: 'string' } }), 'column-missing', 'column "Item"', 'got "invoice", "item", "quantity", "price", "date"', 'did you mean "item"?');
  await rejects(() => read('Customer ID,b\n1,2\n', { columns: { CustomerID: 'string' } }), 'column-missing', 'did you mean "Customer ID"?');
  await rejects(() => read(sales, { columns: { qantity: 'number' } }), 'column-missing', 'did you mean "quantity"?');
  await rejects(() => read(sales, { optional: ['discount'] }), 'column-missing', '"discount"');
  await rejects(() => read('a:b\n1:2\n', { columns: { a: 'string' } }), 'column-missing', 'pass delimiter');
  try {
    await read(sales, { columns: { supermarket: 'string' } });
    assert.unreachable();
  } catch (error) { assert.not.match((error as Error).message, 'did you mean'); }
  await rejects(() => read(`${Array.from({ length: 50 }, (_, k) => `c${k}`).join()}\n1`, { columns: { x: 'string' } }), 'column-missing', 'and 30 more');
});

test('two columns of one name', async () => {
  await rejects(() => read('a,b,a\n1,2,3\n'), 'bad-input', '"a"', 'columns 1 and 3', 'name in columns those to read');
  await rejects(() => read('a,b,a\n1,2,3\n', { columns: { a: 'string' } }), 'bad-input', '"a"');
  assert.equal(plain(await read('a,b,a\n1,2,3\n', { columns: { b: 'string' } })), { b: ['2'] });
});

test('names that objects have already', async () => {
  const table = await read('__proto__,constructor,toString\n1,2,3\n');
  assert.equal(Object.entries(table.columns), [['__proto__', ['1']], ['constructor', ['2']], ['toString', ['3']]]);
});

test('bad rows end the reading, with row and column', async () => {
  const columns = { n: 'number', d: 'date', s: 'string' } as const, head = 'n,d,s\n1,2011-01-01,x\n';
  await rejects(() => read(`${head}"1,5",2011-01-01,x\n`, { columns }), 'bad-row', 'row 3, column "n"', 'expected a number', 'got "1,5"', "onBadRow: 'skip'");
  await rejects(() => read(`${head}NaN,2011-01-01,x\n`, { columns }), 'bad-row', 'row 3, column "n"', 'got "NaN"');
  await rejects(() => read(`${head}1,2011-02-30,x\n`, { columns }), 'bad-row', 'row 3, column "d"', 'expected a date', 'got "2011-02-30"');
  await rejects(() => read(`${head}1,12/1/2010 8:26,x\n`, { columns }), 'bad-row', 'got "12/1/2010 8:26"', "read the column as 'string'");
  await rejects(() => read(`${head},2011-01-01,x\n`, { columns }), 'bad-row', 'row 3, column "n"', 'an empty cell', 'optional');
  await rejects(() => read(`${head}1,,x\n`, { columns }), 'bad-row', 'column "d"', 'an empty cell');
  await rejects(() => read(`${head}1,2011-01-01\n`, { columns }), 'bad-row', 'row 3: expected 3 cells, got 2');
  await rejects(() => read(`${head}\n\n1,2011-01-01,x,y\n`, { columns }), 'bad-row', 'row 5: expected 3 cells, got 4');
  await rejects(() => read(`n,d,s\n1,2011-01-01,"two\nlines"\nx,2011-01-01,x\n`, { columns }), 'bad-row', 'row 3, column "n"'); // rows as a spreadsheet numbers them
  await rejects(() => read(`${head}${'9'.repeat(500)}x,2011-01-01,x\n`, { columns }), 'bad-row', `got "${'9'.repeat(57)}..."`);
});

test('columns that are not asked for are not parsed', async () => {
  assert.equal(plain(await read('n,junk\n1,x\n2,\n', { columns: { n: 'number' } })), { n: [1, 2] });
});

test('skip leaves bad rows out, counts and reports them', async () => {
  const table = await read('n,d,s\n1,2011-01-01,a\nx,2011-01-01,b\n3,2011-01-41,c\n4,2011-01-01\n5,2011-01-05,e\ny,z,f\n', { columns: { s: 'string', n: 'number', d: 'date' }, onBadRow: 'skip' });
  assert.is(table.rows, 2);
  assert.equal(plain(table), { s: ['a', 'e'], n: [1, 5], d: [Date.UTC(2011, 0, 1), Date.UTC(2011, 0, 5)] });
  assert.is(table.skipped.count, 4);
  assert.equal(table.skipped.details.map(({ row, column }) => `${row} ${column}`), ['3 n', '4 d', '5 ', '7 n']);
  assert.match(table.skipped.details[0].message, 'expected a number such as -12.5, got "x"');
  assert.is(table.skipped.details[2].message, 'expected 3 cells, got 2');
});

test('skip keeps a thousand details and counts all', async () => {
  const table = await read(`n\n${'x\n'.repeat(5000)}7\n`, { columns: { n: 'number' }, onBadRow: 'skip' });
  assert.equal(plain(table), { n: [7] });
  assert.is(table.skipped.count, 5000);
  assert.is(table.skipped.details.length, 1000);
});

test('skip with nothing left is an error that names the first reason', async () => {
  await rejects(() => read('n\nx\ny\n', { columns: { n: 'number' }, onBadRow: 'skip' }), 'bad-input', '2 rows that do not parse', 'row 2, column "n"', 'got "x"');
});

test('empty cells: optional, required, and strings', async () => {
  const text = 'n,d,s\n1,2011-01-01,x\n,,\n,,y\n2,2011-01-02,\n';
  const table = await read(text, { columns: { n: 'number', d: 'date', s: 'string' }, optional: ['n', 'd', 's'] });
  assert.equal(plain(table), { n: [1, NaN, 2], d: [Date.UTC(2011, 0, 1), NaN, Date.UTC(2011, 0, 2)], s: ['x', 'y', ''] });
  await rejects(() => read(text, { columns: { s: 'string' }, required: ['s'] }), 'bad-row', 'row 5, column "s"', 'expected a text, got an empty cell');
  const skipping = await read(text, { columns: { s: 'string' }, required: ['s'], onBadRow: 'skip' });
  assert.equal(plain(skipping), { s: ['x', 'y'] });
  await rejects(() => read('n\n1x\n', { columns: { n: 'number' }, optional: ['n'] }), 'bad-row'); // optional is about empty cells only
});

test('quotes that go wrong', async () => {
  await rejects(() => read('a,b\n1,2\n"3,4\n5,6\n'), 'file-damaged', 'closing quote', 'row 3');
  await rejects(() => read('a,b\n1,2\n"3,4\n5,6\n', { onBadRow: 'skip' }), 'file-damaged', 'row 3'); // else the rest of the file would be one bad row
  await rejects(() => read('a,b\n1,2\n"3"x,4\n5,6\n"7",8\n'), 'bad-row', 'row 3', 'after a closing quote');
  const table = await read('a,b\n1,2\n"3"x",4\n5,6\n', { onBadRow: 'skip' });
  assert.equal(plain(table), { a: ['1', '5'], b: ['2', '6'] });
  assert.is(table.skipped.details[0].row, 3);
  assert.equal(plain(await read('a,b\n5" nail,say "hi"\n')), { a: ['5" nail'], b: ['say "hi"'] }); // quotes inside a bare cell are text
  assert.equal(plain(await read('a,b\n1,2\n"3","4"')), { a: ['1', '3'], b: ['2', '4'] });
});

test('a quote that swallows the file is found before memory runs out', async () => {
  await rejects(() => read(`a,b\n1,"${'2,3\n'.repeat(6_000_000)}`), 'file-damaged', 'row 2', 'a quote that was opened there may never be closed');
  await rejects(() => read(`a,b\n1,2\n${'x'.repeat(20_000_000)}`), 'file-damaged', 'row 3', 'at most');
});

/** Bytes that a table of `file` holds on the heap. Read once before, so that code and caches are there already. */
async function heapOf(file: Uint8Array<ArrayBuffer>, options: ReadOptions): Promise<{ table: Table; used: number }> {
  const heap = async () => {
    for (let k = 0; k < 3; k++) {
      await new Promise((resolve) => { setTimeout(resolve, 5); });
      globalThis.gc!();
    }
    return process.memoryUsage().heapUsed;
  };
  await readTable(file, options);
  const before = await heap(), table = await readTable(file, options);
  return { used: await heap() - before, table };
}

test('equal strings are one string', async () => {
  const { table, used } = await heapOf(bytes(`item\n${Array.from({ length: 200_000 }, (_, k) => `a rather long name of item number ${k % 50}\n`).join('')}`), {});
  assert.is(table.rows, 200_000);
  assert.ok(used < 4e6, `${used} bytes for 200,000 pointers and 50 strings`);
});

test('a column of texts that all differ keeps its texts and not the file', async () => {
  const filler = 'f'.repeat(400), file = bytes(`id,filler\n${Array.from({ length: 100_000 }, (_, k) => `a rather long id ${k},${filler}\n`).join('')}`);
  const { table, used } = await heapOf(file, { columns: { id: 'string' } });
  assert.is(table.columns.id[99_999], 'a rather long id 99999');
  assert.ok(used < 12e6, `${used} bytes for 100,000 texts of some 20 characters`);
});

test('progress goes from the start to the end', async () => {
  const path = write('long.csv', `a,b\n${'1,2\n'.repeat(300_000)}`), seen: { bytes: number; totalBytes: number; rows: number }[] = [];
  await readTable(path, { onProgress: (progress) => seen.push(progress) });
  assert.ok(seen.length >= 4);
  for (let k = 1; k < seen.length; k++) assert.ok(seen[k].bytes >= seen[k - 1].bytes && seen[k].rows >= seen[k - 1].rows);
  assert.equal(seen.at(-1), { bytes: 1_200_004, totalBytes: 1_200_004, rows: 300_000 });
});

test('an aborted reading rejects with the reason', async () => {
  const reason = new Error('changed my mind'), file = bytes(`a,b\n${'1,2\n'.repeat(1_000_000)}`);
  const caught = (work: Promise<unknown>) => work.then(() => assert.unreachable('was not aborted'), (error: unknown) => error);
  assert.is(await caught(readTable(file, { signal: AbortSignal.abort(reason) })), reason);
  for (const source of [file, write('abort.csv', file), new Blob([file])]) {
    const controller = new AbortController();
    assert.is(await caught(readTable(source, { signal: controller.signal, onProgress: ({ bytes: done }) => { if (done > 0) controller.abort(reason); } })), reason);
  }
  const later = new AbortController(), long = bytes(`a,b\n${'"1",2\n'.repeat(5_000_000)}`); // a timer must get its turn while bytes in memory are read
  let done = 0;
  setTimeout(() => later.abort(reason), 20);
  assert.is(await caught(readTable(long, { signal: later.signal, onProgress: (progress) => { done = progress.bytes; } })), reason);
  assert.ok(done < long.length);
});

test('an error of onProgress comes through as it is', async () => {
  const mine = new Error('mine');
  assert.is(await read(sales, { onProgress: () => { throw mine; } }).then(null, (error: unknown) => error), mine);
});

test('settings that make no sense', async () => {
  const bad = (options: unknown, ...words: (string | RegExp)[]) => rejects(() => read(sales, options as ReadOptions), 'bad-setting', ...words);
  await bad({ column: { a: 'string' } }, 'got "column"', '"columns"');
  await bad({ columns: {} }, 'at least one column');
  await bad({ columns: { item: 'text' } }, "'string', 'number' or 'date'", 'got "text"');
  await bad({ columns: { item: 'string' }, optional: ['price'] }, 'got "price"');
  await bad({ columns: { item: 'string' }, required: ['price'] }, 'got "price"');
  await bad({ columns: { item: 'string' }, required: ['item'], optional: ['item'] }, 'both for item');
  await bad({ header: [] }, 'header');
  await bad({ onBadRow: 'ignore' }, 'got "ignore"');
  await bad({ delimiter: '' }, 'one character');
  await bad({ delimiter: '"' }, 'no quote');
  await bad({ delimiter: ',\n' }, 'no newline');
  await bad({ columns: { item: 'string' }, range: { item: [1, 5] } }, 'read as numbers', 'got "item"');
  await bad({ columns: { price: 'number' }, range: { price: [5, 1] } }, 'the range of "price"', 'such as [1, 5]');
  await bad({ columns: { price: 'number' }, range: { price: 5 } }, 'the range of "price"', 'got 5');
  await bad({ encoding: 'utf-9' }, 'got "utf-9"');
  await bad({ maxBytes: 0 }, 'positive', 'got 0');
  await bad({ maxBytes: NaN }, 'got NaN');
});

test('without node: modules, bytes and blobs still read and paths say what to do', async () => {
  const builtin = process.getBuiltinModule;
  process.getBuiltinModule = undefined as unknown as typeof builtin;
  try {
    assert.is((await read(sales)).rows, 2);
    assert.is((await readTable(new Blob([sales]))).rows, 2);
    await rejects(() => readTable('sales.csv'), 'unsupported', 'pass a Uint8Array or a Blob');
  } finally {
    process.getBuiltinModule = builtin;
  }
});

test.run();
