import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Csr, countPairs, csrEntry, findEntry, selectRowsCsr } from '../../lib/data/csr.ts';
import { addCsr, growCsr, transposeCsr } from '../../lib/data/csrTransforms.ts';
import { random } from '../../lib/random.ts';
import { ids } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('data/csr');
const none = new Int32Array(0);

/** The same by a Map of Maps, with float64 sums. */
function naive(row: Int32Array, column: Int32Array, values?: ArrayLike<number>): [number, number, number][] {
  const sums = new Map<string, number>();
  for (let at = 0; at < row.length; at++) sums.set(`${row[at]} ${column[at]}`, (sums.get(`${row[at]} ${column[at]}`) ?? 0) + (values ? values[at] : 1));
  return [...sums].map(([key, sum]): [number, number, number] => [...key.split(' ').map(Number), Math.fround(sum)] as [number, number, number]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}

const entries = ({ rows, indptr, indices, values }: Csr): [number, number, number][] =>
  Array.from({ length: rows }, (_, r) => r).flatMap((r) => Array.from({ length: indptr[r + 1] - indptr[r] }, (_, at): [number, number, number] => [r, indices[indptr[r] + at], values[indptr[r] + at]]));

test('worked by hand: counts, rows in order, columns ascending, an empty row', () => {
  const matrix = countPairs(Int32Array.of(2, 0, 2, 0, 2, 0), Int32Array.of(3, 1, 0, 1, 3, 0), 4, 5);
  assert.equal([matrix.rows, matrix.columns], [4, 5]);
  assert.equal([...matrix.indptr], [0, 2, 2, 4, 4]);
  assert.equal([...matrix.indices], [0, 1, 0, 3]);
  assert.equal([...matrix.values], [1, 2, 1, 2]);
});

test('worked by hand: sums of values, a sum of zero is kept', () => {
  const matrix = countPairs(Int32Array.of(1, 1, 0, 1), Int32Array.of(0, 0, 1, 1), 2, 2, [2.5, -2.5, 4, -1]);
  assert.equal(entries(matrix), [[0, 1, 4], [1, 0, 0], [1, 1, -1]]);
});

test('agrees with a Map, for any order of the input', () => {
  for (const [n, rows, columns] of [[1, 1, 1], [20, 30, 1], [15, 10, 2], [10, 3, 4], [100, 7, 5], [1000, 50, 3], [1000, 3, 50], [5000, 200, 300]]) {
    const next = random(n + rows), row = ids(n, rows, next.uniform), column = ids(n, columns, next.uniform), values = Float32Array.from({ length: n }, () => next.below(100) / 4);
    for (const weights of [undefined, values, Array.from(values)]) {
      const matrix = countPairs(row, column, rows, columns, weights);
      assert.equal(entries(matrix), naive(row, column, weights));
      assert.is(matrix.values.length, matrix.indices.length);
      const order = next.shuffle(Int32Array.from({ length: n }, (_, at) => at)), by = <T extends ArrayLike<number>>(array: T): Int32Array => Int32Array.from(order, (at) => array[at]);
      assert.equal(countPairs(by(row), by(column), rows, columns, weights && Float32Array.from(order, (at) => weights[at])), matrix); // quarters add exactly
    }
  }
});

test('grown, some rows of it', () => {
  const next = random(3), row = ids(60, 9, next.uniform), column = ids(60, 7, next.uniform), values = Float32Array.from({ length: 60 }, () => next.below(9)), matrix = countPairs(row, column, 9, 7, values);
  assert.equal(growCsr(matrix, 12, 8), countPairs(row, column, 12, 8, values));
  assert.equal(growCsr(matrix, 9, 7), matrix);
  const some = selectRowsCsr(matrix, Int32Array.of(4, 0, 4));
  assert.equal([some.rows, some.columns], [3, 7]);
  assert.equal(entries(some), [4, 0, 4].flatMap((from, at) => entries(matrix).filter(([r]) => r === from).map(([, c, value]) => [at, c, value])));
  assert.equal(selectRowsCsr(matrix, none), countPairs(none, none, 0, 7));
});

test('sums are taken in float64', () => {
  const n = 100, matrix = countPairs(new Int32Array(n + 1), new Int32Array(n + 1), 1, 1, [2 ** 24, ...new Array<number>(n).fill(1)]);
  assert.equal([...matrix.values], [2 ** 24 + n]); // in float32 the ones would be lost
});

test('nothing in, nothing out', () => {
  for (const [rows, columns] of [[0, 0], [0, 5], [5, 0], [3, 4]]) {
    const matrix = countPairs(none, none, rows, columns);
    assert.equal([...matrix.indptr], new Array(rows + 1).fill(0));
    assert.equal([matrix.indices.length, matrix.values.length], [0, 0]);
  }
});

test('the inputs stay as they are', () => {
  const row = Int32Array.of(1, 0, 1), column = Int32Array.of(2, 2, 0), values = Float32Array.of(1, 2, 3);
  countPairs(row, column, 2, 3, values);
  assert.equal([[...row], [...column], [...values]], [[1, 0, 1], [2, 2, 0], [1, 2, 3]]);
});

test('bad ids are named, with their place', () => {
  refuses(() => countPairs(Int32Array.of(0, 3), Int32Array.of(0, 0), 3, 4), 'unknown-id', 'id 3 at position 1 is outside 0..2');
  refuses(() => countPairs(Int32Array.of(0, 0), Int32Array.of(0, 4), 3, 4), 'unknown-id', 'id 4 at position 1 is outside 0..3');
  refuses(() => countPairs(Int32Array.of(-1), Int32Array.of(0), 3, 4), 'unknown-id', 'id -1 at position 0');
  refuses(() => countPairs(Int32Array.of(0), Int32Array.of(-1), 3, 4), 'unknown-id', 'id -1 at position 0');
  refuses(() => countPairs(Int32Array.of(0), Int32Array.of(0), 0, 4), 'unknown-id');
});

test('arrays of unequal length are refused', () => {
  refuses(() => countPairs(Int32Array.of(0, 1), Int32Array.of(0), 3, 4), 'bad-shape', 'row and column', '2 and 1');
  for (const values of [[1], [1, 2, 3]]) refuses(() => countPairs(Int32Array.of(0, 1), Int32Array.of(0, 1), 3, 4, values), 'bad-shape', 'values', `${values.length}`);
});

test('csrEntry and findEntry find what is there, and nothing else', () => {
  const next = random(8), rows = 12, columns = 40, n = 150, row = ids(n, rows, next.uniform), column = ids(n, columns, next.uniform);
  const matrix = countPairs(row, column, rows, columns), want = new Map(naive(row, column).map(([r, c, value]) => [`${r} ${c}`, value]));
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      assert.is(csrEntry(matrix, r, c), want.get(`${r} ${c}`) ?? 0);
      const at = findEntry(matrix, r, c);
      if (want.has(`${r} ${c}`)) assert.ok(at >= matrix.indptr[r] && at < matrix.indptr[r + 1] && matrix.indices[at] === c);
      else assert.is(at, -1);
    }
  }
});

test('transposeCsr is countPairs of columns and rows, and back again the matrix', () => {
  for (const [n, rows, columns] of [[0, 3, 2], [1, 1, 1], [60, 7, 11], [200, 16, 5]]) {
    const next = random(n).uniform, row = ids(n, rows, next), column = ids(n, columns, next), values = row.map((_, at) => at % 5), matrix = countPairs(row, column, rows, columns, values);
    assert.equal(transposeCsr(matrix), countPairs(column, row, columns, rows, values));
    assert.equal(transposeCsr(transposeCsr(matrix)), matrix);
  }
});

test('addCsr is countPairs of both', () => {
  const next = random(9), rows = 6, columns = 7, one = [ids(30, rows, next.uniform), ids(30, columns, next.uniform)], two = [ids(20, rows, next.uniform), ids(20, columns, next.uniform)];
  const sum = addCsr(countPairs(one[0], one[1], rows, columns), countPairs(two[0], two[1], rows, columns));
  assert.equal(sum, countPairs(Int32Array.from([...one[0], ...two[0]]), Int32Array.from([...one[1], ...two[1]]), rows, columns));
  const empty = countPairs(none, none, rows, columns);
  assert.equal(addCsr(sum, empty), sum);
});

test.run();
