import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Groups } from '../../lib/data/csr.ts';
import { TightrecError, type ErrorCode } from '../../lib/errors.ts';
import { accuracyAtK, hitRateAtK, mapAtK, mrrAtK, ndcgAtK, precisionAtK, recallAtK, setPrecisionAtK } from '../../lib/metrics/index.ts';
import { type Random, random } from '../../lib/random.ts';

const test = suite('metrics/ranking');

const overSets = { setPrecisionAtK, recallAtK, mapAtK, ndcgAtK, mrrAtK, hitRateAtK };
const all = { precisionAtK, ...overSets };

const groupsOf = (...rows: number[][]): Groups => {
  const indptr = Int32Array.from([0, ...rows.map((row) => row.length)]);
  for (let g = 0; g < rows.length; g++) indptr[g + 1] += indptr[g];
  return { indptr, items: Int32Array.from(rows.flat()) };
};
const lists = (...rows: number[][]): Int32Array => Int32Array.from(rows.flat());
const near = (got: number, expected: number): void => assert.ok(Math.abs(got - expected) < 1e-12, `got ${got}, expected ${expected}`);
const throws = (run: () => unknown, code: ErrorCode, message: RegExp): void => assert.throws(run, (error: unknown) => {
  assert.instance(error, TightrecError);
  assert.is((error as TightrecError).code, code);
  assert.match((error as TightrecError).message, message);
  return true;
});

/** Each group's list is a random ordering of the catalogue, cut at k, some padded; groups of 0, 1, 3 or 17 rows. */
function randomCase(source: Random, G: number, k: number, nItems: number): { top: number[][]; rows: number[][] } {
  const top = Array.from({ length: G }, () => {
    const order = source.shuffle(Int32Array.from({ length: Math.max(nItems, k) }, (_, item) => (item < nItems ? item : -1)));
    const filled = source.below(k + 1);
    return [...order.subarray(0, k)].map((item, p) => (p < filled ? item : -1));
  });
  const rows = Array.from({ length: G }, (_, g) => Array.from({ length: [3, 0, 1, 17][g % 4] }, () => source.below(nItems)));
  return { top, rows };
}

test('precisionAtK counts rows, so one group of repeats exceeds 1; the set metrics do not', () => {
  const top = lists([4, 5, 6]), groups = groupsOf([4, 4, 4, 4]);
  near(precisionAtK(top, groups, 3), 4 / 3);
  near(setPrecisionAtK(top, groups, 3), 1 / 3);
  for (const name of ['recallAtK', 'mapAtK', 'ndcgAtK', 'mrrAtK', 'hitRateAtK'] as const) assert.is(overSets[name](top, groups, 3), 1);
});

test('an empty group stays in precisionAtK and leaves the others alone', () => {
  const top = lists([1, 2], [1, 2]), groups = groupsOf([2, 9], []);
  near(precisionAtK(top, groups, 2), 1 / 4);
  near(setPrecisionAtK(top, groups, 2), 1 / 2);
  near(recallAtK(top, groups, 2), 1 / 2);
  near(mapAtK(top, groups, 2), 1 / 4);
  near(ndcgAtK(top, groups, 2), 1 / Math.log2(3) / (1 + 1 / Math.log2(3)));
  near(mrrAtK(top, groups, 2), 1 / 2);
  near(hitRateAtK(top, groups, 2), 1);
});

test('nothing but empty groups: precisionAtK is 0, the others have no answer', () => {
  const top = lists([1, 2], [1, 2]), groups = groupsOf([], []);
  assert.is(precisionAtK(top, groups, 2), 0);
  for (const [name, metric] of Object.entries(overSets)) throws(() => metric(top, groups, 2), 'bad-input', new RegExp(`${name}: .*all 2 groups are empty`));
});

test('an item that a list names twice is a hit at its first place only', () => {
  const top = lists([3, 3, 8]), groups = groupsOf([3, 8, 9]);
  near(setPrecisionAtK(top, groups, 3), 2 / 3);
  near(recallAtK(top, groups, 3), 2 / 3);
  near(mapAtK(top, groups, 3), (1 + 2 / 3) / 3);
  near(ndcgAtK(top, groups, 3), 1.5 / (1.5 + 1 / Math.log2(3)));
  near(mrrAtK(lists([1, 3, 3]), groups, 3), 1 / 2);
});

test('padding in the middle of a list is a miss that keeps its place', () => {
  near(mrrAtK(lists([-1, 3]), groupsOf([3]), 2), 1 / 2);
  near(mapAtK(lists([-1, 3]), groupsOf([3]), 2), 1 / 2);
  assert.is(hitRateAtK(lists([-1, -1]), groupsOf([0]), 2), 0);
});

test('AP divides by min(k, R): a full list of hits has 1 whether the set is larger or smaller', () => {
  assert.is(mapAtK(lists([1, 2]), groupsOf([1, 2, 3, 4]), 2), 1);
  assert.is(mapAtK(lists([1, 2, 5]), groupsOf([1, 2]), 3), 1);
  near(mapAtK(lists([5, 1, 2]), groupsOf([1, 2, 3, 4]), 3), (1 / 2 + 2 / 3) / 3);
});

test('a longer list never lowers recall, MRR and hit rate', () => {
  const source = random(4), { top, rows } = randomCase(source, 40, 10, 12), groups = groupsOf(...rows);
  for (const metric of [recallAtK, mrrAtK, hitRateAtK]) {
    let before = 0;
    for (let k = 1; k <= 10; k++) {
      const now = metric(lists(...top.map((list) => list.slice(0, k))), groups, k);
      assert.ok(now >= before);
      before = now;
    }
  }
});

for (const k of [1, 3, 5, 10]) {
  test(`a perfect ranking has 1, k=${k}`, () => {
    // R distinct items: first in the list, then strangers
    const sets = [1, k, k + 4].map((R) => Array.from({ length: R }, (_, i) => 2 * i));
    const top = lists(...sets.map((set) => Array.from({ length: k }, (_, p) => set[p] ?? 1001 + p)));
    const groups = groupsOf(...sets.map((set) => [...set, ...set])); // every item twice
    for (const metric of [mapAtK, ndcgAtK, mrrAtK, hitRateAtK]) assert.is(metric(top, groups, k), 1);
    near(setPrecisionAtK(top, groups, k), (1 / k + 1 + 1) / 3);
    near(recallAtK(top, groups, k), (1 + 1 + k / (k + 4)) / 3);
    near(precisionAtK(top, groups, k), (2 + 2 * k + 2 * k) / (3 * k));
  });

  test(`a list of strangers has 0, k=${k}`, () => {
    const top = lists(Array.from({ length: k }, (_, p) => 100 + p));
    for (const metric of Object.values(all)) assert.is(metric(top, groupsOf([1, 1, 2]), k), 0);
  });

  test(`between 0 and 1; rows, groups and their order play no part, k=${k}`, () => {
    for (let round = 0; round < 20; round++) {
      const source = random(1000 * k + round), G = 1 + source.below(12), { top, rows } = randomCase(source, G, k, 12);
      const groups = groupsOf(...rows), order = source.shuffle(Int32Array.from({ length: G }, (_, g) => g));
      const shuffled = [...order].map((g) => [...source.shuffle(Int32Array.from(rows[g]))]);
      for (const [name, metric] of Object.entries(all)) {
        const value = metric(lists(...top), groups, k);
        assert.ok(value >= 0 && (name === 'precisionAtK' || value <= 1), `${name}: ${value}`);
        near(metric(lists(...[...order].map((g) => top[g])), groupsOf(...shuffled), k), value);
      }
      const doubled = groupsOf(...rows.map((row) => [...row, ...row]));
      for (const metric of Object.values(overSets)) assert.is(metric(lists(...top), doubled, k), metric(lists(...top), groups, k));
      near(precisionAtK(lists(...top), doubled, k), 2 * precisionAtK(lists(...top), groups, k));
    }
  });
}

test('moving a hit forward raises MAP, NDCG and MRR, and leaves the others', () => {
  const groups = groupsOf([7]), late = lists([1, 2, 7]), early = lists([1, 7, 2]);
  for (const metric of [mapAtK, ndcgAtK, mrrAtK]) assert.ok(metric(early, groups, 3) > metric(late, groups, 3));
  for (const metric of [precisionAtK, setPrecisionAtK, recallAtK, hitRateAtK]) assert.is(metric(early, groups, 3), metric(late, groups, 3));
});

test('accuracyAtK is the hit rate, and the recall, of groups with one item', () => {
  const source = random(8), { top } = randomCase(source, 50, 5, 12), actual = Array.from({ length: 50 }, () => source.below(12));
  const groups = groupsOf(...actual.map((item) => [item])), accuracy = accuracyAtK(lists(...top), Int32Array.from(actual), 5);
  near(accuracy, hitRateAtK(lists(...top), groups, 5));
  near(accuracy, recallAtK(lists(...top), groups, 5));
  near(accuracy / 5, precisionAtK(lists(...top), groups, 5));
  assert.ok(accuracy > 0 && accuracy < 1);
});

test('metrics add up in float64', () => {
  const G = 30_000, top = new Int32Array(3 * G).fill(9);
  for (let g = 0; g < G; g++) top[3 * g + 2] = 1;
  const groups = { indptr: Int32Array.from({ length: G + 1 }, (_, g) => g), items: new Int32Array(G).fill(1) };
  assert.ok(Math.abs(mrrAtK(top, groups, 3) - 1 / 3) < 1e-12);
});

test('bad input is refused in one sentence', () => {
  const top = lists([1, 2], [3, 4]), groups = groupsOf([1], [2]);
  for (const [name, metric] of Object.entries(all)) {
    for (const k of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) throws(() => metric(top, groups, k), 'bad-setting', new RegExp(`^${name}: k must be a positive integer, got ${k}$`));
    throws(() => metric(top, groups, 3), 'bad-shape', new RegExp(`^${name}: top must hold 2 lists of 3 = 6 ids, got 4$`));
    throws(() => metric(lists([1, 2], [-2, 4]), groups, 2), 'unknown-id', /top must hold ids -1 or more, got -2 at position 2/);
    throws(() => metric(top, groupsOf([1], [-1]), 2), 'unknown-id', /groups.items must hold ids 0 or more, got -1 at position 1/);
    throws(() => metric(new Int32Array(0), groupsOf(), 2), 'bad-input', /at least one group/);
    throws(() => metric(top, { indptr: new Int32Array(0), items: new Int32Array(0) }, 2), 'bad-shape', /indptr must hold one number more/);
    throws(() => metric(top, { indptr: Int32Array.of(0, 2, 1), items: Int32Array.of(1) }, 2), 'bad-shape', /indptr must ascend, got 1 after 2 at position 2/);
    throws(() => metric(top, { indptr: Int32Array.of(0, 1, 1), items: Int32Array.of(1, 2) }, 2), 'bad-shape', /must run from 0 to 2, the number of entries, got 0 to 1/);
    throws(() => metric(top, { indptr: Int32Array.of(1, 1, 2), items: Int32Array.of(1, 2) }, 2), 'bad-shape', /must run from 0 to 2, the number of entries, got 1 to 2/);
    throws(() => metric(top, { indptr: Int32Array.of(-1, 1, 2), items: Int32Array.of(1, 2) }, 2), 'bad-shape', /must run from 0 to 2, the number of entries, got -1 to 2/);
    throws(() => metric([1, 2, 3, 4] as unknown as Int32Array, groups, 2), 'bad-input', /top must be an Int32Array, got Array/);
    throws(() => metric(Float32Array.of(1, 2, 3, 4) as unknown as Int32Array, groups, 2), 'bad-input', /top must be an Int32Array, got Float32Array/);
    throws(() => metric(undefined as unknown as Int32Array, groups, 2), 'bad-input', /top must be an Int32Array, got undefined/);
  }
});

test('accuracyAtK refuses bad input', () => {
  const top = lists([1, 2], [3, 4]);
  throws(() => accuracyAtK(top, Int32Array.of(1, 2), 0), 'bad-setting', /k must be a positive integer, got 0/);
  throws(() => accuracyAtK(top, Int32Array.of(1), 2), 'bad-shape', /top must hold 1 lists of 2 = 2 ids, got 4/);
  throws(() => accuracyAtK(top, Int32Array.of(1, -1), 2), 'unknown-id', /actual must hold ids 0 or more, got -1 at position 1/);
  throws(() => accuracyAtK(new Int32Array(0), new Int32Array(0), 2), 'bad-input', /at least one position/);
  throws(() => accuracyAtK(top, [1, 2] as unknown as Int32Array, 2), 'bad-input', /actual must be an Int32Array, got Array/);
  throws(() => accuracyAtK(top, null as unknown as Int32Array, 2), 'bad-input', /actual must be an Int32Array, got null/);
});

test.run();
