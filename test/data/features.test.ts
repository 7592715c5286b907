import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type FeatureMatrix, type Features, LabelEncoder, type RawId, type SideTable, bucket, category, encodeFeatures, featureName, id, learnFeatures, multi, number, sideTable, text } from '../../lib/data/index.ts';
import { featuresFromData, featuresToData, trainedIds } from '../../lib/data/learnFeatures.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('data/features');

const people = sideTable(['ana', 'ben', 'cy', 'dee'], {
  age: [20, 30, 25, 60], job: ['cook', 'vet', 'cook', ''], code: [7, 7, 3, 3], tags: [['b', 'a'], [], ['a'], ['c']], listed: ['b|a', '', ' a ', 'c'],
  about: ['The sea, the SEA and Ülm', 'sea', '...', 'a hill and the sea'], odd: [1, Number.NaN, 2, 3],
});
const everyone = LabelEncoder.fit(people.ids);

/** A row as 'name: value', in order of column. */
function rowOf(matrix: FeatureMatrix, name: (column: number) => string, row: number): string[] {
  const list: string[] = [];
  for (let at = matrix.indptr[row]; at < matrix.indptr[row + 1]; at++) list.push(matrix.values[at] === 1 ? name(matrix.indices[at]) : `${name(matrix.indices[at])}: ${Number(matrix.values[at].toFixed(4))}`);
  return list;
}
function rows(declared: Features, ids: readonly (RawId | null)[], table: SideTable | null = people, encoder = everyone): string[][] {
  const learned = learnFeatures(declared, encoder, table), matrix = encodeFeatures(learned, ids, table);
  return ids.map((_, row) => rowOf(matrix, (column) => featureName(learned, column), row));
}
const names = (declared: Features, table: SideTable | null = people, encoder = everyone): string[] => {
  const learned = learnFeatures(declared, encoder, table);
  return Array.from({ length: learned.columns }, (_, column) => featureName(learned, column));
};

test('a declaration is plain data', () => {
  const declared: Features = { id: id(), age: bucket({ edges: [18, 35] }), job: category({ rare: 2 }), year: number({ column: 'date' }), genres: multi({ separator: ', ' }), title: text({ words: 100 }), price: bucket({ count: 10, by: 'width' }) };
  assert.equal(JSON.parse(JSON.stringify(declared)), declared);
});

test('id: a column for each id of the training data; a new one has none', () => {
  assert.equal(rows({ id: id() }, ['cy', 'zoe', 'ana'], null), [['id=cy'], [], ['id=ana']]);
  assert.equal(names({ who: id() }, null), ['who=ana', 'who=ben', 'who=cy', 'who=dee']);
});

test('id: where a row stands for unknown ids, all of them share its column', () => {
  const encoder = LabelEncoder.fit(['ana', 'ben'], { unknown: true });
  assert.equal(rows({ id: id(), age: bucket({ edges: [25] }) }, [null, 'ana', 'ben'], people, encoder), [['id=(unknown)'], ['id=ana', 'age=..25'], ['id=ben', 'age=25..']]);
  assert.equal(rows({ id: id() }, ['zoe'], null, encoder), [['id=(unknown)']]);
});

test('category: values by code point; no value, and one not met in training, have no column', () => {
  assert.equal(names({ job: category() }), ['job=cook', 'job=vet']);
  assert.equal(rows({ job: category(), code: category() }, ['ana', 'ben', 'dee']), [['job=cook', 'code=7'], ['job=vet', 'code=7'], ['code=3']]);
  assert.equal(rows({ job: category() }, ['ana', 'ben'], people, LabelEncoder.fit(['ana'])), [['job=cook'], []]);
});

test('category: with rare, rare values share a column that new ones take too', () => {
  assert.equal(names({ job: category({ rare: 2 }) }), ['job=cook', 'job=(rare)']);
  assert.equal(rows({ job: category({ rare: 2 }) }, ['ana', 'ben', 'dee']), [['job=cook'], ['job=(rare)'], []]);
  const learned = learnFeatures({ job: category({ rare: 1 }) }, LabelEncoder.fit(['ana']), people);
  assert.equal(rowOf(encodeFeatures(learned, ['ben'], people), (column) => featureName(learned, column), 0), ['job=(rare)']);
});

test('bucket: edges given; a number on an edge belongs above it', () => {
  assert.equal(names({ age: bucket({ edges: [25, 60] }) }), ['age=..25', 'age=25..60', 'age=60..']);
  assert.equal(rows({ age: bucket({ edges: [25, 60] }) }, ['ana', 'ben', 'cy', 'dee']), [['age=..25'], ['age=25..60'], ['age=25..60'], ['age=60..']]);
});

test('bucket: ranges of equal width, and of equally many', () => {
  assert.equal(names({ age: bucket({ count: 4, by: 'width' }) }), ['age=..30', 'age=30..40', 'age=40..50', 'age=50..']);
  assert.equal(names({ age: bucket({ count: 4, by: 'quantile' }) }), ['age=..25', 'age=25..30', 'age=30..60', 'age=60..']);
  assert.equal(names({ age: bucket({ count: 2 }) }), ['age=..30', 'age=30..']);
  // from the training data alone, and what lies outside its range falls into the outer ones
  assert.equal(rows({ age: bucket({ count: 2, by: 'width' }) }, ['ana', 'dee'], people, LabelEncoder.fit(['ben', 'cy'])), [['age=..27.5'], ['age=27.5..']]);
});

test('bucket: where many values are equal there are fewer quantiles, but always two', () => {
  const n = 100, of = (value: (at: number) => number): string[] => {
    const ids = Array.from({ length: n }, (_, at) => at);
    return names({ x: bucket({ count: 10 }) }, sideTable(ids, { x: ids.map(value) }), LabelEncoder.fit(ids));
  };
  assert.equal(of((at) => at < 95 ? 0 : at), ['x=..95', 'x=95..']);
  assert.equal(of((at) => at < 45 ? 0 : at), ['x=..50', 'x=50..60', 'x=60..70', 'x=70..80', 'x=80..90', 'x=90..']);
  assert.is(of((at) => at).length, 10);
});

test('bucket: a thousand quantiles of many values hold equally many', () => {
  const ids = Array.from({ length: 5000 }, (_, at) => at), table = sideTable(ids, { x: ids.map((at) => (at * 7919) % 5000) });
  const matrix = encodeFeatures(learnFeatures({ x: bucket({ count: 1000 }) }, LabelEncoder.fit(ids), table), ids, table), counts = new Int32Array(matrix.columns);
  for (const column of matrix.indices) counts[column]++;
  assert.is(matrix.columns, 1000);
  assert.ok(counts.every((count) => count === 5));
});

test('number: by mean and standard deviation of the training data', () => {
  assert.equal(rows({ age: number() }, ['ben', 'cy', 'dee'], people, LabelEncoder.fit(['ben', 'cy'])), [['age'], ['age: -1'], ['age: 13']]); // mean 27.5, deviation 2.5
  assert.equal(names({ years: number({ column: 'age' }) }), ['years']);
});

test('text: lower-cased words by frequency, then by code point; the known words of a text share a weight of 1', () => {
  assert.equal(names({ about: text({ words: 4 }) }), ['about=sea', 'about=the', 'about=and', 'about=a']);
  assert.equal(rows({ about: text({ words: 4 }) }, ['ana', 'ben', 'cy']), [['about=sea: 0.4', 'about=the: 0.4', 'about=and: 0.2'], ['about=sea'], []]);
  assert.equal(names({ about: text({ words: 99 }) }).slice(3), ['about=a', 'about=hill', 'about=ülm']);
});

test('multi: lists, or texts with separators', () => {
  for (const column of ['tags', 'listed']) {
    assert.equal(rows({ tags: multi({ column }) }, ['ana', 'ben', 'cy', 'dee']), [['tags=a', 'tags=b'], [], ['tags=a'], ['tags=c']]);
    assert.equal(names({ tags: multi({ column, rare: 2 }) }), ['tags=a', 'tags=(rare)']);
  }
  const one = sideTable([1], { tags: [['x', 'y', 'z']] }), learned = learnFeatures({ tags: multi({ rare: 2 }) }, LabelEncoder.fit([1]), one);
  assert.equal(rowOf(encodeFeatures(learned, [1], one), (column) => featureName(learned, column), 0), ['tags=(rare)'], 'several rare ones count once');
});

test('several features stand side by side, each in its own columns', () => {
  const declared = { job: category(), age: bucket({ edges: [25] }), id: id(), tags: multi() }, learned = learnFeatures(declared, everyone, people), matrix = encodeFeatures(learned, everyone.labels, people);
  assert.equal(matrix.parts, [{ name: 'job', from: 0, to: 2 }, { name: 'age', from: 2, to: 4 }, { name: 'id', from: 4, to: 8 }, { name: 'tags', from: 8, to: 11 }]);
  assert.is(matrix.columns, 11);
  assert.equal(rowOf(matrix, (column) => featureName(learned, column), 0), ['job=cook', 'age=..25', 'id=ana', 'tags=a', 'tags=b']);
  for (let row = 0; row < matrix.rows; row++) for (let at = matrix.indptr[row] + 1; at < matrix.indptr[row + 1]; at++) assert.ok(matrix.indices[at] > matrix.indices[at - 1]);
});

test('says for how many ids a feature has nothing', () => {
  const learned = learnFeatures({ id: id(), job: category(), about: text({ words: 1 }) }, LabelEncoder.fit(['ana', 'ben']), people);
  assert.equal(encodeFeatures(learned, ['ana', 'cy', 'dee'], people).without, { id: 2, job: 1, about: 1 });
});

test('a million columns cost an entry for each id', () => {
  const n = 1_000_000, ids = Array.from({ length: n }, (_, at) => at), learned = learnFeatures({ id: id() }, LabelEncoder.fit(ids)), matrix = encodeFeatures(learned, ids.slice(0, 1000));
  assert.is(matrix.columns, n);
  assert.is(matrix.indices.byteLength + matrix.values.byteLength + matrix.indptr.byteLength, 4 * (1000 + 1000 + 1001));
});

test('only what is trained on is learned from', () => {
  const some = trainedIds(everyone, (row) => row !== 1);
  assert.equal(some.known(), ['ana', 'cy', 'dee']);
  assert.is(trainedIds(everyone, () => true), everyone);
  assert.equal(rows({ id: id() }, ['ben', 'cy'], null, some), [[], ['id=cy']]);
});

// back from a file

const all: Features = { id: id(), age: bucket({ edges: [25] }), years: bucket({ count: 2, column: 'age' }), job: category({ rare: 2 }), code: category(), score: number({ column: 'age' }), tags: multi(), about: text({ words: 3 }) };
for (const [what, ids] of [['all ids', everyone], ['some ids', trainedIds(everyone, (row) => row !== 1)], ['unknown ones too', LabelEncoder.fit(['ana', 'cy'], { unknown: true })]] as const) {
  test(`plain data and back, ${what}`, () => {
    const known = ids.unknown ? ids : everyone, learned = learnFeatures(all, ids, people), back = featuresFromData(JSON.parse(JSON.stringify(all)), known, JSON.parse(JSON.stringify(featuresToData(learned, known))), 'the file');
    assert.equal(encodeFeatures(back, [...people.ids, null], people), encodeFeatures(learned, [...people.ids, null], people));
    assert.equal(Array.from({ length: back.columns }, (_, column) => featureName(back, column)), Array.from({ length: learned.columns }, (_, column) => featureName(learned, column)));
  });
}

test('what a file says is not trusted', () => {
  const good = JSON.parse(JSON.stringify(featuresToData(learnFeatures(all, everyone, people), everyone)));
  const bad = (change: (data: typeof good) => void, ...words: (string | RegExp)[]): void => {
    const data = structuredClone(good);
    change(data);
    refuses(() => featuresFromData(all, everyone, data, 'the file'), 'file-damaged', 'the file: ', ...words);
  };
  for (const trained of [-1, 5, 1.5, null, '4', [0, 0], [4], [-1], ['0']]) bad((data) => { data.trained = trained; }, 'expected trained, how many or which of 4 ids');
  bad((data) => { data.parts.pop(); }, 'expected what each of 8 features has learned, got 7');
  bad((data) => { data.parts = {}; }, 'got another object');
  bad((data) => { data.parts[1] = null; }, 'feature "age": edges do not fit kind bucket');
  bad((data) => { data.parts[1].labels = ['x']; }, 'feature "age": labels do not fit');
  bad((data) => { data.parts[1].edges = [2, 1]; }, 'feature "age": edges must ascend, got 1 after 2 at position 1');
  bad((data) => { data.parts[1].edges = 'abc'; }, 'feature "age": edges must be a list');
  bad((data) => { data.parts[3].labels = ['a', 'a']; }, 'feature "job": labels must be distinct');
  bad((data) => { data.parts[3].labels = [{}]; }, 'feature "job": labels must be distinct');
  bad((data) => { data.parts[6].labels = [3]; }, 'feature "tags": labels must be distinct');
  bad((data) => { data.parts[5].deviation = 0; }, 'feature "score": deviation must be a positive number, got 0');
  bad((data) => { data.parts[5].mean = '3'; }, 'feature "score": mean must be a finite number, got "3"');
  bad((data) => { delete data.parts[5].mean; }, 'feature "score": mean and deviation do not fit');
  refuses(() => featuresFromData(all, everyone, undefined, 'the file'), 'file-damaged', 'expected trained');
});

// what is refused

const declare = (features: unknown): unknown => learnFeatures(features as Features, everyone, people);
test('declarations that mean nothing', () => {
  refuses(() => declare([]), 'bad-setting', 'must be an object of features by name', 'got an array');
  refuses(() => declare(null), 'bad-setting', 'got null');
  refuses(() => declare({}), 'bad-setting', 'got none');
  refuses(() => declare({ age: { kind: 'bukket' } }), 'bad-setting', 'feature "age" must be of a kind among id, category, number, text, multi, bucket, got "bukket"');
  refuses(() => declare({ age: 'bucket' }), 'bad-setting', 'feature "age" must be of a kind among', 'got "bucket"');
  refuses(() => declare({ age: { kind: 'toString' } }), 'bad-setting', 'got "toString"');
  refuses(() => declare({ age: bucket({}) }), 'bad-setting', 'feature "age", bucket: it must be given either edges or a count, got neither');
  refuses(() => declare({ age: bucket({ edges: [1], count: 2 }) }), 'bad-setting', 'got both');
  refuses(() => declare({ age: bucket({ edges: [1], by: 'width' }) }), 'bad-setting', 'by is for a count');
  for (const count of [0, 1, -1, 2.5, Number.NaN]) refuses(() => declare({ age: bucket({ count }) }), 'bad-setting', `feature "age", bucket: count must be a whole number from 2 up, got ${count}`);
  refuses(() => declare({ age: bucket({ count: 3, by: 'size' as 'width' }) }), 'bad-setting', `by must be 'width' or 'quantile', got "size"`);
  refuses(() => declare({ age: bucket({ edges: [] }) }), 'bad-setting', 'edges must hold at least one number');
  refuses(() => declare({ age: bucket({ edges: [18, 18] }) }), 'bad-setting', 'edges must ascend, got 18 after 18 at position 1');
  refuses(() => declare({ age: bucket({ edges: [35, 18] }) }), 'bad-setting', 'edges must ascend, got 18 after 35 at position 1');
  refuses(() => declare({ age: bucket({ edges: [18, Number.NaN] }) }), 'bad-setting', 'edges must be finite numbers, got NaN at position 1');
  refuses(() => declare({ about: text({ words: 0 }) }), 'bad-setting', 'feature "about", text: words must be a whole number from 1 up, got 0');
  refuses(() => declare({ job: category({ rare: -1 }) }), 'bad-setting', 'rare must be a whole number from 0 up, got -1');
  refuses(() => declare({ tags: multi({ separator: '' }) }), 'bad-setting', 'separator must be a text that is not empty');
  refuses(() => declare({ job: { ...category(), column: 3 } }), 'bad-setting', 'column must be the name of a column, got 3');
  refuses(() => declare({ a: id(), b: id() }), 'bad-setting', 'at most one feature of kind id, got a second one, "b"');
});

test('tables that lack what was declared, in training and later', () => {
  refuses(() => declare({ ages: bucket({ edges: [1] }) }), 'column-missing', 'expected a column "ages" for feature "ages" in the side table', 'did you mean "age"?');
  refuses(() => declare({ age: category({ column: 'years' }) }), 'column-missing', 'expected a column "years" for feature "age"');
  refuses(() => learnFeatures({ id: id(), age: number() }, everyone), 'bad-input', 'expected a side table with column "age" for feature "age", got none');
  refuses(() => learnFeatures({ age: number() }, everyone, { age: [1] } as unknown as SideTable), 'bad-input', 'expected a side table, made by sideTable() or readSideTable()');
  const learned = learnFeatures({ age: number() }, everyone, people);
  refuses(() => encodeFeatures(learned, ['ana']), 'bad-input', 'encodeFeatures: expected a side table with column "age"');
  refuses(() => encodeFeatures(learned, [1], sideTable([1], { year: [3] }, { source: 'u.user' })), 'column-missing', 'expected a column "age" for feature "age" in u.user, got "year"');
});

test('ids that the table lacks', () => {
  refuses(() => learnFeatures({ age: number() }, LabelEncoder.fit(['ana', 'zoe']), people), 'unknown-id', "learnFeatures: id 'zoe' is not among the 4 of the side table; give it a row there");
  refuses(() => learnFeatures({ age: number() }, LabelEncoder.fit([7]), sideTable(['7'], { age: [1] })), 'unknown-id', "id 7 (a number) is not among the 1 of the side table, which has '7': ids must be of one type");
  refuses(() => learnFeatures({ age: number() }, LabelEncoder.fit(['7']), sideTable([7], { age: [1] })), 'unknown-id', "which has 7 (a number)");
  refuses(() => encodeFeatures(learnFeatures({ age: number() }, everyone, people), ['zoe'], people), 'unknown-id', "encodeFeatures: id 'zoe'");
});

test('cells that a feature cannot read: id and column are named', () => {
  refuses(() => declare({ odd: number() }), 'bad-input', `learnFeatures: the side table, id 'ben', column "odd": expected a finite number, got NaN`);
  refuses(() => declare({ n: bucket({ edges: [1], column: 'odd' }) }), 'bad-input', `id 'ben', column "odd": expected a finite number, got NaN`);
  refuses(() => declare({ job: number() }), 'bad-input', `id 'ana', column "job": expected a finite number (read the column as 'number'), got "cook"`);
  refuses(() => declare({ odd: category() }), 'bad-input', `id 'ben', column "odd": expected a text or a whole number, got NaN`);
  refuses(() => declare({ tags: category() }), 'bad-input', 'expected a text or a whole number, got a list');
  refuses(() => declare({ age: multi() }), 'bad-input', `id 'ana', column "age": expected a list of texts, or one text with separators, got 20`);
  refuses(() => declare({ age: text({ words: 3 }) }), 'bad-input', 'expected a text, got 20');
  const one = (cell: string | string[]): unknown => learnFeatures({ tags: multi() }, LabelEncoder.fit([1]), sideTable([1], { tags: [cell] }));
  refuses(() => one(['a', 'b', 'a']), 'bad-input', `id 1 (a number), column "tags": expected each value once, got "a" twice`);
  refuses(() => one('a| a'), 'bad-input', 'got "a" twice');
  const learned = learnFeatures({ age: number() }, everyone, people);
  refuses(() => encodeFeatures(learned, ['x'], sideTable(['x'], { age: [Infinity] })), 'bad-input', `encodeFeatures: the side table, id 'x', column "age": expected a finite number, got Infinity`);
});

test('numbers too large to reckon with, in training and later', () => {
  const of = (...x: number[]): SideTable => sideTable(x.map((_, at) => at), { x }), three = LabelEncoder.fit([0, 1, 2]);
  for (const feature of [number(), bucket({ count: 2, by: 'width' })]) refuses(() => learnFeatures({ x: feature }, three, of(1e300, -1e300, 3)), 'bad-input', `id 0 (a number), column "x": expected a number of at most 1e+100 in size, got 1e+300`);
  const learned = learnFeatures({ x: number() }, three, of(1, 2, 3));
  for (const x of [1e38, -1e7]) refuses(() => encodeFeatures(learned, [0], of(x)), 'bad-input', 'column "x": expected a number within 1000000 standard deviations of the mean of the training data, 2, got');
  assert.is(encodeFeatures(learned, [0], of(1000)).values.length, 1);
});

test('numbers that are the same everywhere', () => {
  const same = sideTable([1, 2, 3], { x: [0.1, 0.1, 0.1] }), three = LabelEncoder.fit([1, 2, 3]);
  for (const feature of [number(), bucket({ count: 3 }), bucket({ count: 3, by: 'width' })]) refuses(() => learnFeatures({ x: feature }, three, same), 'bad-input', `feature "x", ${feature.kind}: expected values that differ, got 0.1 for all 3 ids; leave the feature out`);
  assert.equal(names({ x: bucket({ edges: [0.1] }) }, same, three), ['x=..0.1', 'x=0.1..']); // edges by hand know better
});

test('a column that is not there has no name', () => refuses(() => featureName(learnFeatures({ id: id() }, everyone), 4), 'unknown-id', 'column 4 is outside 0..3'));

test.run();
