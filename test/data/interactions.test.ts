import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, type RawId, interactions, selectEvents } from '../../lib/data/index.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('data/interactions');

test('worked by hand', () => {
  const data = interactions(['b', 'a', 'b', 'b'], [7, 7, 5, 7]);
  assert.equal([data.users.known(), data.items.known()], [['a', 'b'], [5, 7]]);
  assert.equal([[...data.user], [...data.item]], [[1, 0, 1, 1], [1, 1, 0, 1]]);
  assert.equal([data.value, data.time, data.basket], [null, null, null]);
  const { rows, columns, indptr, indices, values } = data.matrix;
  assert.equal([rows, columns, [...indptr], [...indices], [...values]], [2, 2, [0, 1, 3], [1, 0, 1], [1, 1, 2]]);
  assert.is(data.matrix, data.matrix);
});

test('values add up, times are kept', () => {
  const data = interactions(['b', 'a', 'b', 'b'], [7, 7, 5, 7], { values: [2, 0.5, -1, 3], times: [4, 3, 2, 1] });
  assert.equal([[...data.matrix.values], [...data.value!], [...data.time!]], [[0.5, -1, 5], [2, 0.5, -1, 3], [4, 3, 2, 1]]);
});

test('times keep their milliseconds', () => {
  const now = Date.UTC(2011, 9, 9, 12, 34, 56, 789);
  assert.is(interactions([1], [1], { times: [now] }).time![0], now);
});

test('typed arrays, arrays of numbers and bigints', () => {
  const data = interactions(Int32Array.of(3, 1, 3), ['1', 1, 1n], { values: Float64Array.of(1, 2, 3) });
  assert.equal([data.users.known(), data.items.known(), [...data.item]], [[1, 3], [1, 1n, '1'], [2, 0, 1]]);
  assert.equal(interactions(BigInt64Array.of(5n, 4n) as unknown as ArrayLike<RawId>, ['a', 'b']).users.known(), [4n, 5n]);
});

test('what was given is copied', () => {
  const values = Float32Array.of(1, 2), times = Float64Array.of(3, 4), data = interactions(['a', 'b'], ['x', 'x'], { values, times });
  values[0] = times[0] = 99;
  assert.equal([data.value![0], data.time![0]], [1, 3]);
});

test('encoders that are given keep their rows, known and unknown', () => {
  const users = LabelEncoder.fit(['a', 'b', 'c']), items = LabelEncoder.fit(['x', 'y'], { unknown: true });
  const data = interactions(['c', 'a'], ['y', 'elsewhere'], { users, items });
  assert.ok(data.users === users && data.items === items);
  assert.equal([[...data.user], [...data.item], data.matrix.rows, data.matrix.columns], [[2, 0], [2, 0], 3, 3]);
});

test('an id that a given encoder does not know: which, where, among how many, and of what kind', () => {
  const strings = LabelEncoder.fit(['17850', '13047']), numbers = LabelEncoder.fit([1, 2, 3]);
  refuses(() => interactions(['17850', '1'], ['x', 'x'], { users: strings }), 'unknown-id', "user '1' at position 1", 'among the 2 that the given encoder knows');
  refuses(() => interactions([17850] as RawId[], ['x'], { users: strings }), 'unknown-id', 'user 17850 (a number) at position 0');
  refuses(() => interactions([17850n] as RawId[], ['x'], { users: strings }), 'unknown-id', 'user 17850 (a bigint) at position 0');
  refuses(() => interactions(['u', 'v'], [1, '1'], { items: numbers }), 'unknown-id', "item '1' at position 1", 'among the 3');
  refuses(() => interactions(['u'], [Number.NaN], { items: numbers }), 'unknown-id', 'item NaN');
});

test('no events', () => refuses(() => interactions([], []), 'bad-input', 'at least one event, got none'));

test('arrays of unequal length', () => {
  refuses(() => interactions(['a', 'b'], ['x']), 'bad-input', 'users and items must be equally long, got 2 and 1');
  refuses(() => interactions(['a', 'b'], []), 'bad-input', 'users and items', 'got 2 and 0');
  refuses(() => interactions(['a'], ['x'], { values: [1, 2] }), 'bad-input', 'users and values must be equally long, got 1 and 2');
  refuses(() => interactions(['a'], ['x'], { times: [] }), 'bad-input', 'users and times must be equally long, got 1 and 0');
});

test('values and times that are not finite', () => {
  for (const bad of [Number.NaN, Infinity, -Infinity, undefined]) {
    refuses(() => interactions(['a', 'b', 'c'], ['x', 'x', 'x'], { values: [1, 2, bad as number] }), 'bad-input', `values must be finite numbers, got ${bad} at position 2`);
    refuses(() => interactions(['a', 'b', 'c'], ['x', 'x', 'x'], { times: [1, bad as number, 3] }), 'bad-input', `times must be finite numbers, got ${bad} at position 1`);
  }
  refuses(() => interactions(['a'], ['x'], { values: [1e39] }), 'bad-input', 'got 1e+39 at position 0, and float32 ends at 3.4e38');
});

test('values that add up to more than float32 holds: the pair is named', () => {
  const data = interactions(['a', 'b', 'c', 'c', 'c'], ['y', 'y', 'x', 'y', 'y'], { values: [1, 2, 3, 3e38, 3e38] });
  refuses(() => data.matrix, 'bad-input', "interactions: the values of user 'c' and item 'y' add up to Infinity", 'give smaller values');
  assert.equal([...interactions(['c', 'c'], ['y', 'y'], { values: [3e38, -3e38] }).matrix.values], [0]);
});

test('baskets: equal ids are equal numbers, whatever they are', () => {
  const data = interactions(['a', 'b', 'a', 'a'], ['x', 'x', 'y', 'x'], { baskets: ['C7', 5, 'C7', 5n] }), [one, two, again, other] = data.basket!;
  assert.ok(data.basket instanceof Int32Array && one === again && new Set([one, two, other]).size === 3);
  assert.is(interactions(['a'], ['x']).basket, null);
  refuses(() => interactions(['a', 'b'], ['x', 'y'], { baskets: [1] }), 'bad-input', 'users and baskets must be equally long, got 2 and 1');
  refuses(() => interactions(['a', 'b'], ['x', 'y'], { baskets: [1, null as unknown as RawId] }), 'bad-input', 'an id must be', 'position 1');
  assert.equal([...selectEvents(data, Int32Array.of(3, 0)).basket!], [other, one]);
});

test('ids that are none', () => {
  for (const bad of [null, undefined, Number.NaN, true, {}]) {
    refuses(() => interactions(['a', bad as RawId], ['x', 'y']), 'bad-input', 'an id must be', 'position 1');
    refuses(() => interactions(['a', 'b'], [bad as RawId, 'y']), 'bad-input', 'an id must be', 'position 0');
  }
});

test('selectEvents keeps encoders, order and what belongs to the events', () => {
  const data = interactions(['b', 'a', 'b', 'c'], [7, 7, 5, 9], { values: [1, 2, 3, 4], times: [10, 20, 30, 40] });
  const some = selectEvents(data, Int32Array.of(2, 0, 0));
  assert.ok(some.users === data.users && some.items === data.items);
  assert.equal([[...some.user], [...some.item], [...some.value!], [...some.time!]], [[1, 1, 1], [0, 1, 1], [3, 1, 1], [30, 10, 10]]);
  assert.equal([some.matrix.rows, some.matrix.columns, [...some.matrix.indptr], [...some.matrix.values]], [3, 3, [0, 0, 2, 2], [3, 2]]);
  const none = selectEvents(interactions(['a'], ['x']), new Int32Array(0));
  assert.equal([none.user.length, none.value, none.time, none.matrix.indices.length, none.matrix.rows], [0, null, null, 0, 1]);
});

test('a hundred thousand events against a slow count', () => {
  const users = Array.from({ length: 100_000 }, (_, at) => (at * 7919) % 613), items = users.map((user, at) => (user * at) % 97);
  const { matrix, users: u, items: i } = interactions(users, items), counts = new Map<string, number>();
  users.forEach((user, at) => counts.set(`${user} ${items[at]}`, (counts.get(`${user} ${items[at]}`) ?? 0) + 1));
  assert.is(matrix.indices.length, counts.size);
  for (let row = 0; row < matrix.rows; row++) {
    for (let at = matrix.indptr[row]; at < matrix.indptr[row + 1]; at++) assert.is(matrix.values[at], counts.get(`${u.decode(row)} ${i.decode(matrix.indices[at])}`));
  }
});

test.run();
