import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Csr, countPairs } from '../../lib/data/csr.ts';
import { TightrecError, type ErrorCode } from '../../lib/errors.ts';
import { auc, evaluate, meanAuc, sampledAuc } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';

const test = suite('metrics/auc');

const near = (got: number, expected: number): void => assert.ok(Math.abs(got - expected) < 1e-12, `got ${got}, expected ${expected}`);
const throws = (run: () => unknown, code: ErrorCode, message: RegExp): void => assert.throws(run, (error: unknown) => {
  assert.instance(error, TightrecError);
  assert.is((error as TightrecError).code, code);
  assert.match((error as TightrecError).message, message);
  return true;
});

test('by hand', () => {
  const scores = Float32Array.of(0.9, 0.1, 0.5, 0.5, 0.3, 0.8);
  near(auc(scores, Int32Array.of(0, 2)), 6.5 / 8);
  near(auc(scores, Int32Array.of(2, 0)), 6.5 / 8); // in any order
  near(auc(scores, Int32Array.of(2, 0, 2)), 6.5 / 8); // a repeat counts once
  near(auc(scores, Int32Array.of(0, 2), Int32Array.of(5)), 5.5 / 6);
  near(auc(scores, Int32Array.of(0, 2), Int32Array.of(5, 0)), 2.5 / 3); // excluded although liked
  assert.is(auc(scores, Int32Array.of(0)), 1);
  assert.is(auc(scores, Int32Array.of(1)), 0);
});

test('all scores equal: one half; 0 and -0 are equal; infinities are ranked', () => {
  assert.is(auc(new Float32Array(7), Int32Array.of(1, 2, 6)), 0.5);
  assert.is(auc(Float32Array.of(-0, 0, 0, -0), Int32Array.of(0, 1)), 0.5);
  assert.is(auc(Float32Array.of(Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY), Int32Array.of(0, 2)), 0.5);
});

for (const nItems of [2, 3, 7, 16, 17, 129]) {
  for (const levels of [2, 5, 1000]) {
    test(`agrees with all pairs, ${nItems} items, ${levels} scores`, () => {
      const source = random(nItems * levels);
      for (let round = 0; round < 10; round++) {
        const scores = Float32Array.from({ length: nItems }, () => source.below(levels) - levels / 2);
        const order = source.shuffle(Int32Array.from({ length: nItems }, (_, item) => item));
        const liked = order.slice(0, 1 + source.below(nItems - 1)), other = order.slice(liked.length);
        let won = 0;
        for (const i of liked) for (const j of other) won += scores[i] > scores[j] ? 1 : scores[i] === scores[j] ? 0.5 : 0;
        const value = auc(scores, liked);
        near(value, won / (liked.length * other.length));
        near(auc(scores, other), 1 - value); // the tables turned
        near(auc(scores.map((score) => -score), liked), 1 - value);
        near(auc(scores.map((score) => 2 * score + 1), liked), value); // only the order counts
      }
    });
  }
}

test('sampledAuc: seeded, near the exact one, and its mean is the exact one; one sample is a coin', () => {
  const next = random(3), n = 60, scores = Float32Array.from({ length: n }, () => next.below(12)), all = next.shuffle(Int32Array.from({ length: n }, (_, item) => item)), liked = all.slice(0, 15), exclude = all.slice(10, 25), exact = auc(scores, liked, exclude);
  assert.is(sampledAuc(scores, liked, 20, random(1), exclude), sampledAuc(scores, liked, 20, random(1), exclude));
  assert.ok(new Set([1, 2, 3, 4, 5].map((seed) => sampledAuc(scores, liked, 20, random(seed), exclude))).size > 2);
  const source = random(5), mean = (samples: number, times: number): number => { let sum = 0; for (let t = 0; t < times; t++) sum += sampledAuc(scores, liked, samples, source, exclude); return sum / times; };
  for (const samples of [1, 3, 50]) assert.ok(Math.abs(mean(samples, 20_000 / samples) - exact) < 0.02, `${samples}: ${mean(samples, 2000)} ${exact}`);
  assert.ok(Math.abs(sampledAuc(scores, liked, 20_000, source, exclude) - exact) < 0.01);
  assert.ok([0, 0.5, 1].includes(sampledAuc(scores, liked, 1, source)));
  assert.is(sampledAuc(Float32Array.of(1, 0, 0), Int32Array.of(0), 7, source), 1);
  assert.is(sampledAuc(Float32Array.of(0, 1, 1), Int32Array.of(0), 7, source), 0);
  for (const samples of [0, -1, 1.5, Number.NaN]) throws(() => sampledAuc(scores, liked, samples, source), 'bad-setting', /samples must be a positive integer/);
  throws(() => sampledAuc(scores, new Int32Array(0), 3, source), 'bad-input', /needs a liked item and another item/);
  throws(() => sampledAuc(Float32Array.of(1, Number.NaN), Int32Array.of(0), 3, source), 'bad-input', /got NaN for item 1/);
});

test('evaluate by drawn items: seeded, and near the exact mean', () => {
  const next = random(4), nUsers = 50, nItems = 40, rows = Float32Array.from({ length: nUsers * nItems }, () => next.below(100)), of = (n: number, most: number): Int32Array => Int32Array.from({ length: n }, () => next.below(most));
  const model = { nItems, recommend: () => ({ items: new Int32Array(0), scores: new Float32Array(0) }), scores: (users: Int32Array) => Float32Array.from([...users].flatMap((user) => [...rows.subarray(user * nItems, (user + 1) * nItems)])) };
  const held = countPairs(of(300, nUsers), of(300, nItems), nUsers, nItems), value = (options: object): number => evaluate(model, held, { metrics: ['auc'], ...options }).auc;
  assert.is(value({ aucSamples: 20, seed: 2 }), value({ aucSamples: 20, seed: 2 }));
  assert.is(value({ aucSamples: 20 }), value({ aucSamples: 20, seed: 1 }));
  assert.is.not(value({ aucSamples: 20, seed: 2 }), value({ aucSamples: 20, seed: 3 }));
  assert.is(value({ aucSamples: null }), value({}));
  assert.ok(Math.abs(value({ aucSamples: 200 }) - value({})) < 0.02 && value({ aucSamples: 200 }) !== value({}));
  for (const aucSamples of [0, 1.5, '3']) throws(() => value({ aucSamples }), 'bad-setting', /aucSamples must be a positive integer, or null/);
  throws(() => value({ seed: Number.NaN }), 'bad-setting', /seed must be a finite number/);
});

test('meanAuc leaves out groups without a pair', () => {
  const row = [0.9, 0.1, 0.5, 0.5, 0.3, 0.8], scores = Float32Array.from([...row, ...row, ...row, ...row]);
  const groups = { indptr: Int32Array.of(0, 3, 3, 9, 10), items: Int32Array.of(0, 2, 0, 0, 1, 2, 3, 4, 5, 1) };
  near(meanAuc(scores, 6, groups), (6.5 / 8 + 0) / 2); // the second group is empty, the third likes everything
  const exclude: Csr = countPairs(Int32Array.of(0, 2, 3), Int32Array.of(5, 5, 1), 4, 6);
  near(meanAuc(scores, 6, groups, exclude), 5.5 / 6); // the fourth has nothing liked left
});

test('bad input is refused in one sentence', () => {
  const scores = Float32Array.of(1, 2, 3), liked = Int32Array.of(1), groups = { indptr: Int32Array.of(0, 1), items: liked };
  throws(() => auc(Float32Array.of(1, Number.NaN, 3), liked), 'bad-input', /scores must be numbers, got NaN for item 1/);
  throws(() => auc(scores, Int32Array.of(3)), 'unknown-id', /liked must hold ids between 0 and 2, got 3 at position 0/);
  throws(() => auc(scores, Int32Array.of(-1)), 'unknown-id', /liked must hold ids between 0 and 2, got -1/);
  throws(() => auc(scores, liked, Int32Array.of(0, 7)), 'unknown-id', /exclude must hold ids between 0 and 2, got 7 at position 1/);
  throws(() => auc(scores, new Int32Array(0)), 'bad-input', /needs a liked item and another item/);
  throws(() => auc(scores, Int32Array.of(0, 1, 2)), 'bad-input', /needs a liked item and another item/);
  throws(() => auc(scores, liked, Int32Array.of(1)), 'bad-input', /needs a liked item and another item/);
  throws(() => auc([1, 2, 3] as unknown as Float32Array, liked), 'bad-input', /scores must be a Float32Array, got Array/);
  throws(() => meanAuc(scores, 0, groups), 'bad-setting', /nItems must be a positive integer, got 0/);
  throws(() => meanAuc(scores, 2, groups), 'bad-shape', /scoreRows must hold 1 x 2 = 2 scores, got 3/);
  throws(() => meanAuc(scores, 3, { indptr: Int32Array.of(0, 1), items: Int32Array.of(3) }), 'unknown-id', /groups.items must hold ids between 0 and 2, got 3/);
  throws(() => meanAuc(scores, 3, groups, countPairs(Int32Array.of(1), Int32Array.of(1), 2, 3)), 'bad-shape', /exclude must have a row for each of the 1 groups, got 2/);
  throws(() => meanAuc(scores, 3, groups, countPairs(Int32Array.of(0), Int32Array.of(4), 1, 5)), 'unknown-id', /exclude.indices must hold ids between 0 and 2, got 4/);
  throws(() => meanAuc(scores, 3, { indptr: Int32Array.of(0, 0), items: new Int32Array(0) }), 'bad-input', /none of the 1 groups has both/);
});

test.run();
