import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse } from '../../kernels/memory.ts';
import { LabelEncoder, interactions } from '../../lib/data/index.ts';
import { AutoRec, type AutoRecSettings, fromBytes, toBytes } from '../../lib/models.ts';
import { evaluateRatings } from '../../lib/metrics/index.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { movieLens, movieLensRatings, noMovieLens } from '../helpers/movielens.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { SHOP_ITEMS, SHOP_USERS, shop } from '../helpers/shop.ts';
import { skip } from '../helpers/skip.ts';
import { slowCodes } from '../helpers/slowNets.ts';

const test = suite('models/autoRec');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const small: Partial<AutoRecSettings> = { hidden: 7, epochs: 5, batchSize: 6, learningRate: 0.05, l2: 1e-3, initialScale: 0.2 };

for (const by of ['item', 'user'] as const) {
  test(`by ${by}: x is <W, σ(Σ r V + a)> + b`, async () => {
    const model = await new AutoRec({ ...small, by }).fit(shop()), state = model.toState(), W = state.tensors.decoder.data, b = state.tensors.output_bias.data, codes = slowCodes(state);
    const want = range(SHOP_USERS).flatMap((user) => range(SHOP_ITEMS).map((item) => {
      const [row, column] = by === 'item' ? [item, user] : [user, item];
      return codes[row].reduce((sum, h, k) => sum + h * W[column * 7 + k], b[column]);
    }));
    assert.ok(maxAbsDiff(model.scores(range(SHOP_USERS)), want) < 1e-5);
    assert.ok(Math.max(...want) - Math.min(...want) > 0.3, 'it has learned something');
  });

  test(`by ${by}: users and items without ratings get the means, wherever they come from`, async () => {
    const users = LabelEncoder.fit(['a', 'b', 'c', 'never']), items = LabelEncoder.fit(['x', 'y', 'z', 'zz']);
    const data = interactions(['a', 'a', 'b', 'b', 'c'], ['x', 'y', 'x', 'z', 'y'], { values: [1, 5, 2, 4, 5], users, items }), model = await new AutoRec({ ...small, by }).fit(data); // mean 3.4; a 3, b 3, c 5; x 1.5, y 5, z 4
    const near = (got: ArrayLike<number>, want: number[]): void => assert.ok(maxAbsDiff(got, want) < 1e-5, `${Array.from(got)}`);
    near(model.scores([3]), [1.5, 5, 4, 3.4]);
    near(model.score([0, 1, 2, 3], [3, 3, 3, 3]), [3, 3, 5, 3.4]);
    near(model.predict([-1, -1, 0, -1, 3], [0, -1, -1, 3, -1]), [1.5, 3.4, 3, 3.4, 3.4]);
    assert.equal(model.predictFor('never', 'y'), { rating: model.predict([3], [1])[0], known: { user: false, item: true } });
    assert.equal(model.predictFor('c', 'nothing').known, { user: true, item: false });
    const known = model.score([0], [0])[0];
    assert.ok(Math.abs(known - 1.5) > 1e-3, 'what is known is not a mean');
    near(fromBytes(toBytes(model)).scores([0, 3]), [...model.scores([0, 3])]);
  });

  test(`by ${by}: several ratings of a pair count as their mean`, async () => {
    const several = interactions(['a', 'a', 'a', 'b', 'b'], ['x', 'x', 'y', 'x', 'y'], { values: [1, 4, 3, 2, 2.5] }), one = interactions(['a', 'a', 'b', 'b'], ['x', 'y', 'x', 'y'], { values: [2.5, 3, 2, 2.5] }); // 2.5 is the mean of each
    const [a, b] = await Promise.all([several, one].map((data) => new AutoRec({ ...small, by }).fit(data)));
    for (const name of ['encoder', 'hidden_bias', 'decoder', 'output_bias']) assert.equal(a.toState().tensors[name].data, b.toState().tensors[name].data);
    assert.equal([...a.toState().tensors.seen_counts.data], [2, 1, 1, 1]);
    await a.partialFit(interactions(['a'], ['x'], { values: [7] }));
    assert.equal([...a.toState().tensors.seen_counts.data], [3, 1, 1, 1]);
    assert.equal(a.predict([0, 0], [0, 1], { round: 1, clip: false }).every(Number.isInteger), true);
  });
}

test('predictions are held to the range of all ratings, before and now, and rounded if asked', async () => {
  const model = await new AutoRec({ ...small, epochs: 60 }).fit(interactions(['a', 'a', 'b', 'b'], ['x', 'y', 'x', 'y'], { values: [1, 5, 1, 5] })), all = model.predict([0, 0, 1, 1], [0, 1, 0, 1]);
  assert.ok(all.every((rating) => rating >= 1 && rating <= 5));
  await model.partialFit(interactions(['a'], ['x'], { values: [-20] }));
  const { lowest, highest } = model.toState().numbers;
  assert.equal([lowest, highest], [-20, 5]);
  assert.ok(model.predict([0, 1], [1, 1], { round: 0.5 }).every((rating) => Number.isInteger(2 * rating)));
});

test('events without ratings are refused; so is a file that lacks what the answers are made of', async () => {
  const bare = interactions(['a', 'b'], ['x', 'y']);
  await rejects(() => new AutoRec(small).fit(bare), 'bad-input', 'AutoRec.fit: expected a rating for each event, but these interactions have no values');
  const model = await new AutoRec(small).fit(interactions(['a', 'b'], ['x', 'y'], { values: [1, 2] })), state = model.toState();
  await rejects(() => model.partialFit(bare), 'bad-input', 'AutoRec.partialFit: expected a rating');
  const { seen_counts: _, ...without } = state.tensors;
  refuses(() => AutoRec.fromState({ ...state, tensors: without }), 'file-damaged', 'AutoRec: expected a float32 tensor seen_counts of shape [2], got none');
  refuses(() => AutoRec.fromState({ ...state, settings: { ...state.settings, by: 'user', hidden: 8 } }), 'file-damaged', 'tensor encoder of shape [2,8], got shape [2,7]');
  refuses(() => AutoRec.fromState({ ...state, numbers: { epochs: 1 } }), 'file-damaged', 'lowest and highest');
});

test('ten thousand steps use as much memory as ten', async () => {
  const uses: number[] = [], sizes: number[] = [];
  await new AutoRec({ ...small, batchSize: 1, epochs: 600 }).fit(shop(), { onEpoch: () => { const { inUse, size } = memoryUse(); uses.push(inUse); sizes.push(size); } });
  assert.is(uses.length * SHOP_ITEMS >= 10_000, true);
  for (const of of [uses, sizes]) assert.ok(of.every((bytes, epoch) => epoch === 0 || bytes <= of[epoch - 1]), `${of}`);
});

if (movieLens === null) skip('models/autoRec: MovieLens 100k', noMovieLens);
else {
  test('MovieLens 100k, u1: as near as the paper has it', async () => {
    const losses: number[] = [], model = await new AutoRec().fit(await movieLensRatings('u1.base'), { onEpoch: ({ loss }) => { losses.push(loss); } }), held = await movieLensRatings('u1.test'), { rmse } = evaluateRatings(model, held);
    if (process.env.TIGHTREC_SHOW) console.log('AutoRec, u1', rmse, losses[0], losses.at(-1));
    assert.ok(rmse < 0.915, `${rmse}`);
    assert.ok(losses.at(-1)! < 0.75 * losses[0]);
  });
}

test.run();
