import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse } from '../../kernels/memory.ts';
import { accuracyAtK, factorizedTopK } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';
import { ExactIndex, type Vectors } from '../../lib/retrieval/index.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('metrics/factorizedTopK');

const matrix = (K: number, ...data: number[]): Vectors => ({ data: Float32Array.from(data), shape: [data.length / K, K] });

/** Whole numbers, so that every sum is exact and many scores are equal. */
function whole(n: number, K: number, seed: number): Vectors {
  const next = random(seed);
  return { data: Float32Array.from({ length: n * K }, () => next.below(5) - 2), shape: [n, K] };
}

/** The formula, one query after the other. */
function slowly(Q: Vectors, positive: Int32Array, V: Vectors, k: number): number {
  const [n, K] = V.shape;
  let hits = 0;
  positive.forEach((p, b) => {
    const score = (row: number): number => { let sum = 0; for (let at = 0; at < K; at++) sum += Q.data[b * K + at] * V.data[row * K + at]; return sum; };
    let rank = 1;
    for (let row = 0; row < n; row++) if (score(row) > score(p) || (score(row) === score(p) && row < p)) rank++;
    if (rank <= k) hits++;
  });
  return hits / positive.length;
}

test('by hand', () => {
  const V = matrix(1, 3, 2, 1), Q = matrix(1, 1, 1, -1, -1); // ranks of the rows: 1 2 3 for 1, 3 2 1 for -1
  assert.equal(factorizedTopK(Q, Int32Array.of(0, 2, 2, 1), V, [1, 2, 3]), { 1: 0.5, 2: 0.75, 3: 1 });
});

test('ties go to the lower row', () => {
  const V = matrix(1, 1, 1, 1), Q = matrix(1, 1, 1, 1);
  assert.equal(factorizedTopK(Q, Int32Array.of(0, 1, 2), V, [1, 2, 3]), { 1: 1 / 3, 2: 2 / 3, 3: 1 });
});

for (const [B, n, K] of [[1, 1, 1], [5, 3, 2], [40, 200, 3], [9, 150_000, 2]]) { // the last in two blocks
  test(`is what the formula says, ${B} queries, ${n} x ${K}`, () => {
    const Q = whole(B, K, B), V = whole(n, K, n + 7), next = random(n), best = new ExactIndex([...Array.from({ length: n }).keys()], V).search(Q, { k: Math.min(n, 90) }).items;
    const positive = Int32Array.from({ length: B }, (_, b) => b % 4 ? best[b * Math.min(n, 90) + next.below(Math.min(n, 90))] : next.below(n)); // most are somewhere among the first 90
    factorizedTopK(Q, positive, V); // what a step leaves for the next is there from now on
    const used = memoryUse().inUse, shares = factorizedTopK(Q, positive, V);
    assert.equal(Object.keys(shares), ['1', '5', '10', '50', '100']);
    for (const k of [1, 5, 10, 50, 100]) assert.is(shares[k], slowly(Q, positive, V, k), `k = ${k}`);
    assert.is(memoryUse().inUse, used);
    if (n > 100) assert.ok(shares[100] > 0.5 && shares[1] < shares[100]);
  });
}

test('is the accuracy of the lists that an index gives', () => {
  const next = random(1), some = (n: number): Vectors => ({ data: Float32Array.from({ length: n * 6 }, () => next.normal()), shape: [n, 6] }), Q = some(80), V = some(70), positive = Int32Array.from({ length: 80 }, () => next.below(70));
  const index = new ExactIndex([...Array.from({ length: 70 }).keys()], V), shares = factorizedTopK(Q, positive, V, [3, 20]);
  for (const k of [3, 20]) assert.is(shares[k], accuracyAtK(index.search(Q, { k }).items, positive, k));
  assert.ok(shares[3] > 0 && shares[3] < shares[20] && shares[20] < 1);
});

test('what cannot be measured is refused, in a sentence', () => {
  const Q = matrix(2, 1, 2), V = matrix(2, 1, 2, 3, 4), at = Int32Array.of(1);
  refuses(() => factorizedTopK(matrix(3, 1, 2, 3), at, V), 'bad-shape', 'factorizedTopK: queries must be vectors of 2 numbers, as those of the items, got vectors of 3');
  refuses(() => factorizedTopK(matrix(2, 1, Number.NaN), at, V), 'bad-input', 'factorizedTopK: queries must be finite numbers, got NaN');
  refuses(() => factorizedTopK(Q, at, matrix(2, 1, Infinity)), 'bad-input', 'factorizedTopK: candidates must be finite numbers, got Infinity');
  refuses(() => factorizedTopK({ data: new Float32Array(0), shape: [0, 2] }, new Int32Array(0), V), 'bad-input', 'factorizedTopK: needs at least one query, got none');
  for (const row of [-1, 2]) refuses(() => factorizedTopK(Q, Int32Array.of(row), V), 'unknown-id', `factorizedTopK: positive must hold ids between 0 and 1, got ${row}`);
  refuses(() => factorizedTopK(Q, Int32Array.of(0, 1), V), 'bad-shape', 'positive must hold a row of candidates for each of 1 queries, got 2');
  refuses(() => factorizedTopK(Q, [0] as never, V), 'bad-input', 'positive must be an Int32Array');
  for (const k of [0, 1.5, Number.NaN]) refuses(() => factorizedTopK(Q, at, V, [1, k]), 'bad-setting', 'k must be a positive integer');
  for (const ks of [[], 3]) refuses(() => factorizedTopK(Q, at, V, ks as number[]), 'bad-setting', 'ks must be a list of numbers of places');
});

test.run();
