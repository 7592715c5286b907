import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Sequences, batchRows, bucketed, interactions, packed, random, readInteractions, sequencesOf, windows } from '../../lib/data/index.ts';
import { refuses, rejects } from '../helpers/refuses.ts';

const test = suite('data/sequences');

/** Sequences of these lengths; the items count up from 100 s. */
const ofLengths = (...lengths: number[]): Sequences => {
  const indptr = Int32Array.from([0, ...lengths.map((_, s) => lengths.slice(0, s + 1).reduce((a, b) => a + b, 0))]), n = indptr[lengths.length];
  const items = Int32Array.from(lengths.flatMap((length, s) => Array.from({ length }, (_, at) => 100 * s + at)));
  return { indptr, items, user: Int32Array.from(lengths, (_, s) => s), event: Int32Array.from({ length: n }, (_, at) => at) };
};
const plain = ({ indptr, items, user, event }: Sequences): number[][] => [[...indptr], [...items], [...user], [...event]];

test('sequencesOf: runs of one basket, ended by another user as well; a basket that comes back begins anew', () => {
  const data = interactions([1, 1, 1, 2, 2, 1, 1], [3, 4, 3, 3, 5, 5, 4], { baskets: ['p', 'p', 'q', 'q', 'q', 'p', 'p'], times: [7, 6, 5, 4, 3, 2, 1] });
  assert.equal(plain(sequencesOf(data)), [[0, 2, 3, 5, 7], [0, 1, 0, 0, 2, 2, 1], [0, 0, 1, 0], [0, 1, 2, 3, 4, 5, 6]]);
});

test('sequencesOf: without baskets a user\'s events by time, those of one moment as given', () => {
  const users = [2, 1, 2, 1, 2], items = [10, 11, 12, 13, 14], times = [5, 9, 1, 9, 5];
  assert.equal(plain(sequencesOf(interactions(users, items, { times }))), [[0, 2, 5], [1, 3, 2, 0, 4], [0, 1], [1, 3, 2, 0, 4]]);
  assert.equal(plain(sequencesOf(interactions(users, items))), [[0, 2, 5], [1, 3, 0, 2, 4], [0, 1], [1, 3, 0, 2, 4]]);
});

test('sequencesOf: nothing gives no sequences', () => {
  const none = new Int32Array(0);
  for (const basket of [null, none]) assert.equal(plain(sequencesOf({ user: none, item: none, time: null, basket })), [[0], [], [], []]);
});

test('readInteractions reads a basket column; a row without one is bad', async () => {
  const file = new Blob(['user,item,order\na,x,1\na,y,1\na,x,2\nb,x,2\n']), data = await readInteractions(file, { user: 'user', item: 'item', basket: 'order' });
  assert.equal([...sequencesOf(data).indptr], [0, 2, 3, 4]);
  await rejects(() => readInteractions(new Blob(['user,item,order\na,x,\n']), { user: 'user', item: 'item', basket: 'order' }), 'bad-row', 'order');
});

test('windows, worked by hand: slid, and padded on the left', () => {
  const sequences = ofLengths(5, 2, 3), cut = windows(sequences, 3), W = cut.from.length;
  assert.equal([[...cut.sequence], [...cut.from]], [[0, 0, 0, 1, 2], [0, 1, 2, -1, 0]]);
  const { inputs, targets, users, places } = batchRows(sequences, { ...cut, sizes: Int32Array.of(W, W, W), goesOn: false });
  const windowsOf = (rows: Int32Array): number[][] => Array.from(cut.from, (_, w) => [0, 1, 2].map((t) => rows[t * W + w]));
  assert.equal(windowsOf(inputs), [[0, 1, 2], [1, 2, 3], [2, 3, 4], [0, 0, 101], [0, 201, 202]]);
  assert.equal(windowsOf(targets), [[1, 2, 3], [2, 3, 4], [3, 4, 5], [0, 101, 102], [201, 202, 203]]);
  assert.equal(windowsOf(places), [[0, 1, 2], [1, 2, 3], [2, 3, 4], [-1, 5, 6], [7, 8, 9]]);
  assert.equal(windowsOf(users), [[0, 0, 0], [0, 0, 0], [0, 0, 0], [1, 1, 1], [2, 2, 2]]);
});

test('windows: Σ max(1, n - length + 1); an empty sequence has none', () => {
  const lengths = [1, 4, 5, 6, 0, 23, 2], sequences = ofLengths(...lengths);
  for (const length of [1, 2, 5, 30]) assert.is(windows(sequences, length).from.length, lengths.reduce((sum, n) => sum + (n === 0 ? 0 : Math.max(1, n - length + 1)), 0));
  for (const length of [0, -1, 1.5, Number.NaN]) refuses(() => windows(sequences, length), 'bad-setting', 'windows: length must be a whole number from 1 up');
});

test('packed, worked by hand: the longest first, cut after some steps, and on with the next', () => {
  const sequences = ofLengths(2, 5, 1, 3), batches = packed(sequences, Int32Array.of(0, 1, 2, 3), 3, 2);
  assert.equal(batches.map(({ sequence, from, sizes, goesOn }) => [[...sequence], [...from], [...sizes], goesOn]), [
    [[1, 0, 2], [0, 0, 0], [3, 2], false], [[1], [2], [1, 1], true], [[1], [4], [1], true],
    [[3], [0], [1, 1], false], [[3], [2], [1], true],
  ]);
  const { inputs, targets, users, places } = batchRows(sequences, batches[0]);
  assert.equal([[...inputs], [...targets], [...users], [...places]], [[0, 0, 0, 101, 1], [101, 1, 201, 102, 2], [1, 0, 2, 1, 0], [2, 0, 7, 3, 1]]);
  assert.equal([...batchRows(sequences, batches[1]).inputs], [102, 103]);
});

test('packed: no place twice and none left out; sizes never increase; equally long ones as they come', () => {
  const next = random(5), sequences = ofLengths(...Array.from({ length: 40 }, () => next.below(9))), { indptr, items } = sequences;
  for (const [batchSize, steps] of [[1, 1], [7, 3], [40, 100], [64, 2]]) {
    const seen = new Int32Array(items.length);
    for (const batch of packed(sequences, bucketed(sequences, batchSize, next), batchSize, steps)) {
      const { places, targets } = batchRows(sequences, batch);
      places.forEach((at, r) => { seen[at]++; assert.is(targets[r], items[at] + 1); });
      assert.ok(batch.sizes.length <= steps && batch.sizes[0] === batch.sequence.length && batch.sizes.every((n, t) => n >= 1 && (t === 0 || n <= batch.sizes[t - 1])));
    }
    assert.ok(seen.every((times) => times === 1));
  }
  const two = ofLengths(3, 3, 3), [{ sequence }] = packed(two, Int32Array.of(2, 0, 1), 3, 9);
  assert.equal([...sequence], [2, 0, 1]);
  for (const bad of [0, 1.5, Number.NaN]) {
    refuses(() => packed(two, indptr, bad, 1), 'bad-setting', 'packed: batchSize must be a whole number from 1 up');
    refuses(() => packed(two, indptr, 1, bad), 'bad-setting', 'packed: steps must be a whole number from 1 up');
    refuses(() => bucketed(two, bad, next), 'bad-setting', 'bucketed: batchSize');
  }
});

test('bucketed: every sequence once, by the generator, the lengths of a batch close together', () => {
  const next = random(3), lengths = Array.from({ length: 1003 }, () => 1 + next.below(100)), sequences = ofLengths(...lengths), B = 10;
  const order = bucketed(sequences, B, random(1));
  assert.equal([...order].sort((a, b) => a - b), lengths.map((_, s) => s));
  assert.equal(bucketed(sequences, B, random(1)), order);
  assert.is.not(String(bucketed(sequences, B, random(2))), String(order));
  const spreads = Array.from({ length: 100 }, (_, batch) => [...order.subarray(batch * B, batch * B + B)].map((s) => lengths[s])).map((own) => Math.max(...own) - Math.min(...own));
  assert.ok(spreads.reduce((a, b) => a + b, 0) / 100 < 5, `${spreads}`); // by lot alone it would be 82
  const first = [...order.subarray(0, 200)].reduce((sum, s) => sum + lengths[s], 0) / 200;
  assert.ok(Math.abs(first - 50) < 15, `${first}`); // batches come in an order by lot, not the longest first
});

test.run();
