import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type InteractionColumns, type InteractionReadOptions, type Interactions, interactions, readInteractions, readTable } from '../../lib/data/index.ts';
import { makeXlsx } from '../helpers/makeXlsx.ts';
import { refuses, rejects } from '../helpers/refuses.ts';

/** Ratings in the forms in which the well-known data sets have them. */
const test = suite('data/readRatings');

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const latin = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const events = (data: Interactions): unknown[] => Array.from(data.user, (user, at) => [data.users.decode(user), data.items.decode(data.item[at]), data.value?.[at], ...(data.time ? [data.time[at]] : [])]);
const read = async (file: string | Uint8Array, columns: InteractionColumns, options?: InteractionReadOptions): Promise<unknown[]> => events(await readInteractions(typeof file === 'string' ? bytes(file) : file, columns, options));

const byNumber = { user: 1, item: 2, value: 3, time: 4 }, noHeader = { header: false } as const;

test('MovieLens 1M: ratings.dat, cells between ::, no header', async () => {
  const dat = '1::1193::5::978300760\n1::661::3::978302109\n6040::1097::4::956715569\n', want = [['1', '1193', 5, 978300760e3], ['1', '661', 3, 978302109e3], ['6040', '1097', 4, 956715569e3]];
  assert.equal(await read(dat, byNumber, { delimiter: '::', ...noHeader }), want);
  assert.equal(await read(dat.replaceAll('\n', '\r\n'), byNumber, { delimiter: '::', ...noHeader }), want);
  assert.equal(await read(gzipSync(dat), byNumber, { delimiter: '::', ...noHeader }), want);
  assert.equal(await read(dat, { user: 'user', item: 'movie', value: 'stars', time: 'at' }, { delimiter: '::', header: ['user', 'movie', 'stars', 'at'] }), want);
  await rejects(() => read(`${dat}6040::1094::5`, byNumber, { delimiter: '::', ...noHeader }), 'bad-row', 'row 4: expected 4 cells, got 3');
  await rejects(() => read(`${dat}6040::1094::5:956715569\n`, byNumber, { delimiter: '::', ...noHeader }), 'bad-row', 'row 4: expected 4 cells, got 3');
  await rejects(() => read(dat, { user: 1, item: 2, value: 9 }, { delimiter: '::', ...noHeader }), 'column-missing', 'a column "9"', 'got "1", "2", "3", "4"');
});

test('MovieLens 1M: movies.dat is ISO-8859-1', async () => {
  const dat = latin("1::Toy Story (1995)::Animation|Children's|Comedy\n75::City of Lost Children, The (Cit\u00e9 des enfants perdus, La)::Adventure|Sci-Fi\n");
  const { columns } = await readTable(dat, { delimiter: '::', header: false, encoding: 'iso-8859-1' });
  assert.equal(columns['2' as never], ['Toy Story (1995)', 'City of Lost Children, The (Cité des enfants perdus, La)']);
  await rejects(() => readTable(dat, { delimiter: '::', header: false }), 'file-damaged', 'expected utf-8 text', 'row 2');
});

test('MovieLens 100k: u.data, cells between tabs, no header', async () => {
  assert.equal(await read('196\t242\t3\t881250949\n186\t302\t3\t891717742\n', byNumber, noHeader), [['196', '242', 3, 881250949e3], ['186', '302', 3, 891717742e3]]);
  assert.equal(await read('\n196\t242\t3\t881250949\n\n', byNumber, noHeader), [['196', '242', 3, 881250949e3]], 'blank lines');
});

test('user, item, rating between tabs, with a header or without', async () => {
  const rows = 'ana\tThe Wall\t5\nben\t"Quoted"\t2.5\n', want = [['ana', 'The Wall', 5], ['ben', 'Quoted', 2.5]];
  assert.equal(await read(`user_id\tbook_id\trating\n${rows}`, { user: 'user_id', item: 'book_id', value: 'rating' }), want);
  assert.equal(await read(rows, { user: 1, item: 2, value: 3 }, noHeader), want);
  assert.equal(await read(gzipSync(rows), { user: 1, item: 2, value: 3 }, noHeader), want);
});

const goodreads = { user: 'user_id', item: 'book_id', value: 'rating' };
const line = (user: string, book: string, rating: number): string => JSON.stringify({ user_id: user, book_id: book, review_id: '5cd416', rating, review_text: 'Mind "blowing",\n{really}', date_added: 'Fri Aug 25 13:55:02 -0700 2017' });
const lines = [line('8842281e', '24375664', 5), line('8842281e', '18245960', 0), line('99', '24375664', 3)], wanted = [['8842281e', '24375664', 5], ['8842281e', '18245960', 0], ['99', '24375664', 3]];

test('Goodreads: a JSON object a line, gzip or not', async () => {
  const text = `${lines.join('\n')}\n`;
  for (const file of [text, text.trimEnd(), `\n\uFEFF${text}`.slice(1), text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '\n\n')]) assert.equal(await read(file, goodreads), wanted);
  assert.equal(await read(gzipSync(text), goodreads), wanted);
  assert.equal(await read(`  ${text}`, goodreads), wanted);
  const { names, rows } = await readTable(bytes(text), { columns: { rating: 'number' } });
  assert.equal([names, rows], [['user_id', 'book_id', 'review_id', 'rating', 'review_text', 'date_added'], 3]);
});

test('JSON lines: many of them, so that they come in pieces', async () => {
  const n = 30_000, text = Array.from({ length: n }, (_, at) => JSON.stringify({ user_id: at % 7, book_id: `é${at}`, rating: at % 5, pad: 'x'.repeat(at % 50) })).join('\n');
  for (const file of [bytes(text), gzipSync(text)]) {
    const data = await readInteractions(file, goodreads);
    assert.is(data.user.length, n);
    assert.equal([data.users.labels, data.items.size, data.items.decode(data.item[n - 1]), data.value![n - 1]], [['0', '1', '2', '3', '4', '5', '6'], n, `é${n - 1}`, (n - 1) % 5]);
  }
  const { columns } = await readTable(new Uint8Array([0xff, 0xfe, ...new Uint8Array(Uint16Array.from('{"a":"é"}\n{"a":"b"}', (character) => character.charCodeAt(0)).buffer)]));
  assert.equal(columns['a' as never], ['é', 'b'], 'UTF-16');
});

test('JSON lines: numbers, texts that spell numbers, dates, null, other fields', async () => {
  const text = '{"u":1,"v":"2.5","t":881250949,"__proto__":1}\n{"t":"2011-12-09","v":-1e3,"u":"a","more":[1]}\n{"u":true,"v":1,"t":1323434400123}\n', { columns } = await readTable(bytes(text), { columns: { u: 'string', v: 'number', t: 'date' } });
  assert.equal([columns.u, [...columns.v], [...columns.t]], [['1', 'a', 'true'], [2.5, -1000, 1], [881250949e3, Date.UTC(2011, 11, 9), 1323434400123]]);
  const odd = await readTable(bytes('{"u":null,"v":null}\n'), { columns: { u: 'string', v: 'number' }, optional: ['v'] });
  assert.equal([odd.columns.u, [...odd.columns.v]], [[''], [Number.NaN]]);
});

test('JSON lines: what is cut short, is code, or lacks a field, is one sentence with its row, and nothing is half-read', async () => {
  for (const [wrong, ...words] of [
    [lines[1].slice(0, 40), 'row 2: expected a JSON object, got "{\\"user_id\\"'], ["{'user_id': 'x', 'book_id': '1', 'rating': 5}", 'row 2: expected a JSON object', '\'user_id\'', '"double quotes"'],
    ['process.exit(7)', 'row 2: expected a JSON object, got "process.exit(7)"'], ['{"user_id": (() => { throw 1 })(), "book_id": 1}', 'row 2: expected a JSON object'], ['__import__("os").system("x")', 'row 2'],
    ['["8842281e","1",5]', 'row 2: expected a JSON object'], ['null', 'row 2: expected a JSON object'], ['5', 'row 2'], [`${lines[1]}${lines[1]}`, 'row 2'], [`${lines[1]},`, 'row 2'],
    ['{"user_id":"a","book_id":"b"}', 'row 2, column "rating": expected this field, got an object without it'], ['{"user_id":"a","book_id":"b","rating":"five"}', 'row 2, column "rating": expected a number such as -12.5, got "five"'],
    ['{"user_id":"a","book_id":"b","rating":null}', 'row 2, column "rating"', 'an empty cell'], ['{"user_id":"a","book_id":"b","rating":[5]}', 'row 2, column "rating": expected a text or a number, got an array'],
    ['{"user_id":{"toString":1},"book_id":"b","rating":5}', 'row 2, column "user_id": expected a text or a number, got an object'], ['{"user_id":12345678901234567890,"book_id":"b","rating":5}', 'row 2, column "user_id": expected an id that a number holds exactly', 'as a text'],
    ['{"user_id":"","book_id":"b","rating":5}', 'row 2, column "user_id": expected a text, got an empty cell'],
  ] as const) {
    const text = `${lines[0]}\n${wrong}\n${lines[2]}\n`;
    await rejects(() => read(text, goodreads), 'bad-row', ...words);
    const kept = await readInteractions(bytes(text), goodreads, { onBadRow: 'skip' });
    assert.equal([events(kept), kept.skipped.count, kept.skipped.details[0].row], [[wanted[0], wanted[2]], 1, 2], wrong);
  }
  await rejects(() => read(`${lines[0]}\n${lines[1].slice(0, 60)}`, goodreads), 'bad-row', 'row 2: expected a JSON object');
  await rejects(() => read(gzipSync(lines.join('\n')).subarray(0, 100), goodreads), 'file-damaged', 'cut short');
  await rejects(() => read('{"user_id":"a","book":"b","rating":5}\n', goodreads), 'column-missing', 'expected a column "book_id"', 'did you mean "book"');
  await rejects(() => read('{"user_id": \n', goodreads), 'bad-row', 'row 1');
  for (const array of [`[${lines.join(',')}]`, `[\n  ${lines.join(',\n  ')}\n]\n`, '[[1, 2], [3, 4]]']) await rejects(() => read(array, goodreads), 'file-unreadable', 'got a JSON array in the bytes', 'on a line of its own');
  assert.equal((await readTable(bytes('[a],b\n1,2\n'))).names, ['[a]', 'b']);
});

test('a CSV whose first name begins with {', async () => {
  assert.equal((await readTable(bytes('{a,b\n1,2\n'), { delimiter: ',' })).names, ['{a', 'b']);
  assert.equal((await readTable(bytes('1,2\n'), { header: ['{a', 'b'] })).names, ['{a', 'b']);
});

test('a rating outside the scale that was declared', async () => {
  const columns = { user: 'u', item: 'i', value: 'stars' }, csv = 'u,i,stars\na,x,5\nb,y,7\nc,z,0.5\n';
  await rejects(() => read(csv, columns, { ratingScale: [1, 5] }), 'bad-row', 'row 3, column "stars": expected a number from 1 to 5, got "7"');
  await rejects(() => read(csv.replace('7', '4'), columns, { ratingScale: [1, 5] }), 'bad-row', 'row 4, column "stars": expected a number from 1 to 5, got "0.5"');
  assert.equal(await read(csv, columns, { ratingScale: [0.5, 7] }), [['a', 'x', 5], ['b', 'y', 7], ['c', 'z', 0.5]]);
  const kept = await readInteractions(bytes(csv), columns, { ratingScale: [1, 5], onBadRow: 'skip' });
  assert.equal([events(kept), kept.skipped.count], [[['a', 'x', 5]], 2]);
  await rejects(() => read(lines.join('\n'), goodreads, { ratingScale: [1, 5] }), 'bad-row', 'row 2, column "rating": expected a number from 1 to 5, got "0"');
  await rejects(() => read(csv, { user: 'u', item: 'i' }, { ratingScale: [1, 5] }), 'bad-setting', 'name it as value');
  refuses(() => interactions(['a', 'b'], ['x', 'y'], { values: [5, 6], ratingScale: [1, 5] }), 'bad-input', 'interactions: ratings must be from 1 to 5, got 6 at position 1');
  refuses(() => interactions(['a'], ['x'], { values: [3], ratingScale: [5, 1] }), 'bad-setting', 'such as [1, 5], got 5,1');
  refuses(() => interactions(['a'], ['x'], { ratingScale: [1, 5] }), 'bad-setting', 'give them as values');
  assert.is(interactions(['a', 'b'], ['x', 'y'], { values: [5, 1], ratingScale: [1, 5] }).user.length, 2);
});

test('a workbook: the scale holds there too; without a header its columns need names', async () => {
  for (const form of [{}, { inlineStrings: true }, { prefix: 'x:' }]) {
    const file = await makeXlsx([['u', 'i', 'stars'], ['a', 'x', 5], ['b', 'y', 7]], form), columns = { user: 'u', item: 'i', value: 'stars' };
    assert.equal(events(await readInteractions(file, columns)), [['a', 'x', 5], ['b', 'y', 7]]);
    await rejects(() => readInteractions(file, columns, { ratingScale: [1, 5] }), 'bad-row', 'row 3, column "stars": expected a number from 1 to 5, got "7"');
    await rejects(() => readInteractions(file, { user: 1, item: 2 }, noHeader), 'bad-setting', 'a workbook', 'as header');
  }
});

test('header: false', async () => {
  assert.equal((await readTable(bytes('a,b\n1,2\n'), { header: false })).columns, { 1: ['a', '1'], 2: ['b', '2'] });
  await rejects(() => read('u,i\na,x\n', { user: 1, item: 2 }), 'column-missing', 'a column "1"');
});

test('options of another kind than they must be', async () => {
  for (const ratingScale of [5, [1], ['1', '5'], [1, Number.NaN], {}]) refuses(() => interactions(['a'], ['x'], { values: [3], ratingScale: ratingScale as never }), 'bad-setting', 'ratingScale must be the lowest and the highest rating, such as [1, 5]');
  await rejects(() => readTable(bytes('a,b\n1,2\n'), { header: true as false }), 'bad-setting', 'header to name at least one column, to be false, or to be left out, got true');
  for (const columns of [null, {}, { item: 'i' }, { user: '', item: 'i' }]) await rejects(() => read('u,i\na,x\n', columns as never), 'bad-setting', "expected the columns of users and items, such as { user: 'customer', item: 'product' }", 'for user');
  await rejects(() => read('u,i\na,x\n', { user: 'u', item: null as never }), 'bad-setting', 'got null for item');
});

test('JSON lines of which none parses, and an id that a number does not hold', async () => {
  const columns = { user: 'u', item: 'i' };
  await rejects(() => read('{oops\n{"u":\n', columns, { onBadRow: 'skip' }), 'bad-input', 'got 2 rows that do not parse (row 1: expected a JSON object, got "{oops")');
  await rejects(() => read('{"u":1e999,"i":"x"}\n', columns), 'bad-row', 'row 1, column "u": expected an id that a number holds exactly, got Infinity');
});

test('a name of one letter is not near to another one', async () => {
  const said = await read('u,i\na,x\n', { user: 'u', item: 'i', value: 'r' }).then(() => '', ({ message }) => message as string);
  assert.ok(said.endsWith('got "u", "i"'), said);
  await rejects(() => read('U,i\na,x\n', { user: 'u', item: 'i' }), 'column-missing', 'did you mean "U"?');
});

test.run();
