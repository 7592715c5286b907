import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Csr, countPairs, random, sampleUniform, sampleUnseen } from '../../lib/data/index.ts';
import { findEntry } from '../../lib/data/csr.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('data/negatives');

/** Σ (observed - expected)² / expected over `cells` equally likely cells. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** What chi-square exceeds once in a hundred thousand, by Wilson and Hilferty. */
const limit = (cells: number): number => { const k = cells - 1, c = 2 / (9 * k); return k * (1 - c + 4.265 * Math.sqrt(c)) ** 3; };

/** Users x items, from each user's list. */
const seenBy = (lists: number[][], items: number): Csr => {
  const pairs = lists.flatMap((list, user) => list.map((item) => [user, item]));
  return countPairs(Int32Array.from(pairs, ([user]) => user), Int32Array.from(pairs, ([, item]) => item), lists.length, items);
};
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const count = (drawn: Int32Array, n: number): number[] => { const counts = range(n).map(() => 0); for (const item of drawn) counts[item]++; return counts; };

test('the limit of chi-square is about right', () => {
  assert.ok(limit(2) > 19.5 && limit(2) < 22 && limit(11) > 41.3 && limit(11) < 42.5, `${limit(2)} ${limit(11)}`); // tables say 19.5 and 41.3
});

for (const n of [1, 2, 3, 7, 100, 4096, 5000]) {
  test(`sampleUniform: ${n} ids, each equally likely`, () => {
    const drawn = new Int32Array(40 * n + 1000);
    sampleUniform(drawn, n, random(n));
    assert.ok(drawn.every((id) => id >= 0 && id < n));
    if (n > 1) assert.ok(chiSquare(count(drawn, n)) < limit(n), `${chiSquare(count(drawn, n))} over ${limit(n)}`);
  });
}

test('sampleUniform: the whole of out is written, the same for the same seed', () => {
  const one = new Int32Array(101).fill(-1), other = new Int32Array(101).fill(-1);
  sampleUniform(one, 9, random(3));
  sampleUniform(other, 9, random(3));
  assert.ok(one.every((id) => id >= 0));
  assert.equal(one, other);
  sampleUniform(new Int32Array(0), 9, random(3));
});

test('sampleUnseen: never an item that the user has, each other one equally likely', () => {
  const n = 40, lists = [[], [0], [n - 1], range(n).filter((item) => item % 2 === 0), range(20), [3, 17, 18, 19, 39]], seen = seenBy(lists, n);
  for (const [user, list] of lists.entries()) {
    const drawn = new Int32Array(20_000), left = range(n).filter((item) => !list.includes(item));
    sampleUnseen(drawn, new Int32Array(drawn.length).fill(user), seen, random(100 + user));
    const counts = count(drawn, n);
    assert.ok(list.every((item) => counts[item] === 0), `user ${user}`);
    assert.ok(chiSquare(left.map((item) => counts[item])) < limit(left.length), `user ${user}`);
  }
});

test('sampleUnseen: a user who has seen all but a few of very many still gets only those, each equally likely', () => {
  const n = 3000;
  for (const missing of [[0], [n - 1], [1234], [0, 1, 2999], [7, 500, 501, 2000, 2998]]) {
    const seen = seenBy([range(n).filter((item) => !missing.includes(item))], n), drawn = new Int32Array(1500);
    sampleUnseen(drawn, new Int32Array(drawn.length), seen, random(missing.length));
    const counts = count(drawn, n);
    assert.ok([...drawn].every((item) => missing.includes(item)), `missing ${missing}`);
    if (missing.length > 1) assert.ok(chiSquare(missing.map((item) => counts[item])) < limit(missing.length), `missing ${missing}`);
  }
});

test('sampleUnseen: a user who has seen everything gets something, and it ends', () => {
  const seen = seenBy([range(50), [0]], 50), drawn = new Int32Array(2000).fill(-1), users = Int32Array.from(drawn, (_, at) => at % 2);
  sampleUnseen(drawn, users, seen, random(1));
  for (const [at, item] of drawn.entries()) assert.ok(item >= 0 && item < 50 && (users[at] === 0 || item !== 0));
  const one = new Int32Array(3).fill(-1);
  sampleUnseen(one, new Int32Array(3), seenBy([[0]], 1), random(1));
  assert.equal([...one], [0, 0, 0]);
});

test('sampleUnseen: many users in one call, each by their own row', () => {
  const n = 30, lists = range(60).map((user) => range(n).filter((item) => (item * 7 + user) % 3 === 0)), seen = seenBy(lists, n);
  const users = Int32Array.from({ length: 6000 }, (_, at) => (at * 37) % 60), drawn = new Int32Array(6000);
  sampleUnseen(drawn, users, seen, random(9));
  assert.ok(drawn.every((item, at) => findEntry(seen, users[at], item) < 0));
});

test('sampleUnseen: the same seed, the same items; another seed, others', () => {
  const seen = seenBy([[1, 2, 3], [0, 5]], 100), users = Int32Array.from({ length: 50 }, (_, at) => at % 2);
  const draw = (seed: number): Int32Array => { const out = new Int32Array(50); sampleUnseen(out, users, seen, random(seed)); return out; };
  assert.equal(draw(4), draw(4));
  assert.not.equal(draw(4), draw(5));
});

test('sampleUnseen: out and users must be equally long', () => {
  refuses(() => sampleUnseen(new Int32Array(2), new Int32Array(3), seenBy([[0]], 3), random(1)), 'bad-shape', 'equally long, got 2 and 3');
});

test.run();
