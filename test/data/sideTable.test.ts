import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, type SideTableOptions, bucket, category, encodeFeatures, featureName, id, learnFeatures, multi, number, readSideTable, sideTable, text } from '../../lib/data/index.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('data/sideTable');
const read = (content: string, id: string, options?: SideTableOptions) => readSideTable(new TextEncoder().encode(content), id, options);

test('columns beside ids', () => {
  const table = sideTable([5, 'x', 7n], { age: Float64Array.of(1, 2, 3), tags: [['a'], [], ['b']] }, { source: 'users' });
  assert.equal(table.ids, [5, 'x', 7n]);
  assert.equal([...table.position], [[5, 0], ['x', 1], [7n, 2]]);
  assert.is(table.source, 'users');
});

test('an id that comes twice, and columns of another length', () => {
  refuses(() => sideTable(['a', 'b', 'a'], {}), 'bad-input', "expected each id once in the side table, got 'a' at positions 0 and 2");
  refuses(() => sideTable(['a', 'b'], { age: [1] }), 'bad-input', 'expected 2 cells in column "age" of the side table, one for each id, got 1');
  refuses(() => sideTable(['a', 'b'], { age: 'xy' }), 'bad-input', 'expected 2 cells in column "age"', 'got "xy"');
  refuses(() => sideTable(['a'], { age: null as unknown as number[] }), 'bad-input', 'expected 1 cells in column "age"', 'got null');
  refuses(() => sideTable(['a'], [[1]] as unknown as Record<string, number[]>), 'bad-input', 'columns must be an object of columns by name', 'got an array');
});

const films = 'id;title;Comedy;Drama;War\n1;Up;1;0;0\n2;Ran;0;1;1\n3;Blank;0;0;0\n';

test('from a file: flags become a list', async () => {
  const table = await read(films, 'id', { flags: { genres: ['Comedy', 'Drama', 'War'] } });
  assert.equal(table.ids, ['1', '2', '3']);
  assert.equal(table.columns, { title: ['Up', 'Ran', 'Blank'], genres: [['Comedy'], ['Drama', 'War'], []] });
});

test('from a file: chosen columns with types; a flag may be one of them', async () => {
  const table = await read('id,age,job,good\n7,24,cook,1\n8,53,vet,0\n', 'id', { columns: { age: 'number', good: 'string' }, flags: { is: ['good'] } });
  assert.equal(Object.keys(table.columns), ['age', 'good', 'is']);
  assert.equal([...table.columns.age as Float64Array], [24, 53]);
  assert.equal(table.columns.is, [['good'], []]);
});

test('files that lack what was named, or hold what is no flag', async () => {
  await rejects(() => read(films, 'film'), 'column-missing', 'expected a column "film" in the bytes, got "id", "title"');
  await rejects(() => read(films, 'film', { columns: { title: 'string' } }), 'column-missing', '"film"');
  await rejects(() => read(films, 'id', { flags: { genres: ['Commedy'] } }), 'column-missing', 'expected a column "Commedy"', 'did you mean "Comedy"?');
  await rejects(() => read('id,War\n1,0\n2,yes\n', 'id', { flags: { genres: ['War'] } }), 'bad-row', `id '2', column "War": expected a flag, 0 or 1, got "yes"`);
  await rejects(() => read('id,age\n1,2\n1,3\n', 'id'), 'bad-input', "expected each id once in the bytes, got '1' at positions 0 and 1");
  await rejects(() => read('id,age\n1,2\n2,old\n', 'id', { columns: { age: 'number' } }), 'bad-row', 'row 3, column "age": expected a number');
  await rejects(() => read('id,age\n1,2\n,3\n', 'id', { columns: { age: 'number' } }), 'bad-row', 'row 3, column "id"');
});

// MovieLens 100k

const movieLens = new URL('../../../shared/data/ml-100k/', import.meta.url), file = (name: string): string => fileURLToPath(new URL(name, movieLens));
if (!existsSync(movieLens)) skip('data/sideTable: MovieLens 100k', '../shared/data/ml-100k is not there');
else {
  test('MovieLens 100k: users and items', async () => {
    const genres = readFileSync(file('u.genre'), 'utf8').trim().split('\n').map((line) => line.split('|')[0]);
    const users = await readSideTable(file('u.user'), 'id', { header: ['id', 'age', 'gender', 'occupation', 'zip'], delimiter: '|', columns: { age: 'number', gender: 'string', occupation: 'string' } });
    const items = await readSideTable(file('u.item'), 'id', { header: ['id', 'title', 'released', 'video', 'url', ...genres], delimiter: '|', encoding: 'iso-8859-1', columns: { title: 'string' }, flags: { genres } });
    assert.is(users.ids.length, 943);
    assert.is(items.ids.length, 1682);
    assert.is(items.columns.title[items.position.get('543')!], 'Misérables, Les (1995)');
    assert.equal(items.columns.genres[items.position.get('1')!], ['Animation', "Children's", 'Comedy']);

    const byUser = { id: id(), age: bucket({ edges: [18, 25, 35, 45, 50, 56] }), years: number({ column: 'age' }), gender: category(), occupation: category() };
    const learned = learnFeatures(byUser, LabelEncoder.fit(users.ids), users), matrix = encodeFeatures(learned, users.ids, users), counts = new Map<string, number>();
    for (const column of matrix.indices) counts.set(featureName(learned, column), (counts.get(featureName(learned, column)) ?? 0) + 1);
    assert.is(matrix.columns, 943 + 7 + 1 + 2 + 21);
    assert.is(counts.get('gender=F'), 273); // as awk counts them in the file
    assert.is(counts.get('occupation=student'), 196);
    assert.is(matrix.indices.length, 5 * 943);

    const byItem = learnFeatures({ genres: multi(), title: text({ words: 500 }) }, LabelEncoder.fit(items.ids), items), films = encodeFeatures(byItem, items.ids, items);
    assert.is(films.parts[0].to, 19);
    assert.is(films.indices.filter((column) => column < 19).length, 2893); // ones in the 19 columns of the file
    assert.is(featureName(byItem, 19), 'title=the');
  });
}

test('ids that cannot be ids', async () => {
  refuses(() => sideTable(null as never, {}), 'bad-input', 'sideTable: expected an array of ids, got null');
  refuses(() => sideTable('ab' as never, {}), 'bad-input', 'sideTable: expected an array of ids, got "ab"');
  for (const id of [undefined, null, Number.NaN, {}]) refuses(() => sideTable(['a', id as never], {}), 'bad-input', 'an id must be a string, a bigint or a finite number', 'at position 1');
  for (const id of [undefined, 1, '']) await rejects(() => read('id,f\n1,2\n', id as never), 'bad-setting', 'readSideTable: expected the name of the column of ids');
  for (const options of [{}, { columns: { f: 'string' } } as const]) await rejects(() => read('id,f\n,2\n', 'id', options), 'bad-row', 'row 2, column "id"', 'got an empty cell');
});

test.run();
