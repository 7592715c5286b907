import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions } from '../../lib/data/index.ts';
import { BiasOnly, RatingMF, type RatingModel, SVDPlusPlus } from '../../lib/models.ts';
import { crossValidate, evaluateRatings, rmse } from '../../lib/metrics/index.ts';
import { movieLens, movieLensRatings, noMovieLens } from '../helpers/movielens.ts';
import { skip } from '../helpers/skip.ts';

/** MovieLens 100k, as it was published: u1.base and u1.test, and five random folds. */
const test = suite('models/MovieLens 100k');

/** The best settings that were found; docs/decisions.md has how they compare. */
const tuned: Record<'RatingMF' | 'SVDPlusPlus', () => RatingModel> = {
  RatingMF: () => new RatingMF({ epochs: 80, learningRate: 0.02, learningRateDecay: 0.97, l2: 0.09, initialScale: 0.01 }),
  SVDPlusPlus: () => new SVDPlusPlus({ factors: 100, epochs: 80, learningRate: 0.012, learningRateDecay: 0.98, l2: 0.085, initialScale: 0.01 }),
};

if (movieLens === null) skip('models/MovieLens 100k', noMovieLens);
else {
  const [all, base, held] = await Promise.all((['u.data', 'u1.base', 'u1.test'] as const).map(movieLensRatings));

  test('the files hold what they are known to hold', () => {
    assert.equal([all.user.length, all.users.size, all.items.size, base.user.length, held.user.length], [100_000, 943, 1682, 80_000, 20_000]);
    assert.equal([all.users.decode(all.user[0]), all.items.decode(all.item[0]), all.value![0], all.time![0]], ['196', '242', 3, 881_250_949_000]);
  });

  test('means on u1: the global one, and what predicting by it, by the user\'s and by the item\'s comes to', () => {
    const mean = base.value!.reduce((sum, r) => sum + r, 0) / base.value!.length;
    assert.is(mean.toFixed(5), '3.52835');
    const meansBy = ({ user, item, users, items }: Interactions, side: 'user' | 'item'): Map<unknown, number> => {
      const rows = side === 'user' ? user : item, encoder = side === 'user' ? users : items, sums = new Map<unknown, [sum: number, n: number]>();
      rows.forEach((row, at) => { const [sum, n] = sums.get(encoder.decode(row)) ?? [0, 0]; sums.set(encoder.decode(row), [sum + base.value![at], n + 1]); });
      return new Map([...sums].map(([id, [sum, n]]) => [id, sum / n]));
    };
    const byUser = meansBy(base, 'user'), byItem = meansBy(base, 'item');
    assert.is(rmse(new Float64Array(held.user.length).fill(mean), held.value!).toFixed(7), '1.1536759');
    assert.is(rmse(Array.from(held.user, (row) => byUser.get(held.users.decode(row)) ?? mean), held.value!).toFixed(7), '1.0629951');
    assert.is(rmse(Array.from(held.item, (row) => byItem.get(held.items.decode(row)) ?? mean), held.value!).toFixed(7), '1.0334114');
  });

  test('the same means, as BiasOnly with one side held at 0', async () => {
    const rmseOf = async (settings: object): Promise<string> => evaluateRatings(await new BiasOnly({ sweeps: 1, ...settings }).fit(base), held).rmse.toFixed(5);
    assert.is(await rmseOf({ userL2: 1e12, itemL2: 1e12 }), '1.15368');
    assert.is(await rmseOf({ userL2: 0, itemL2: 1e12 }), '1.06300');
    assert.is(await rmseOf({ userL2: 1e12, itemL2: 0 }), '1.03341');
  });

  test('users and items that u1.base does not have', async () => {
    const { cold, n } = evaluateRatings(await new BiasOnly().fit(base), held), known = new Set(Array.from(base.item, (row) => base.items.decode(row))), missing = Array.from(held.item, (row) => held.items.decode(row)).filter((id) => !known.has(id));
    assert.equal([n, cold], [20_000, { users: 0, items: new Set(missing).size, pairs: missing.length }]);
    assert.ok(missing.length > 0);
  });

  for (const [name, make, target] of [
    ['BiasOnly', () => new BiasOnly(), { rmse: [0.94, 0.948], mae: [0.744, 0.752] }],
    ['RatingMF by the settings of Surprise\'s SVD', () => new RatingMF({ factors: 100, epochs: 20, learningRate: 0.005, l2: 0.02 }), { rmse: [0.93, 0.938], mae: [0.733, 0.741] }],
    ['SVDPlusPlus by the settings of Surprise\'s SVDpp', () => new SVDPlusPlus({ factors: 20, epochs: 20, learningRate: 0.007, l2: 0.02 }), { rmse: [0.9, 0.92], mae: [0.7, 0.724] }],
    ['RatingMF, tuned', tuned.RatingMF, { rmse: [0.88, 0.907], mae: [0.69, 0.715] }],
    ['SVDPlusPlus, tuned', tuned.SVDPlusPlus, { rmse: [0.88, 0.903], mae: [0.69, 0.712] }],
  ] as [string, () => RatingModel, Record<'rmse' | 'mae', [number, number]>][]) {
    test(`five folds: ${name}`, async () => {
      const { mean } = await crossValidate(make, all);
      for (const [measure, [low, high]] of Object.entries(target)) assert.ok(mean[measure] >= low && mean[measure] <= high, `${measure} ${mean[measure]}, not ${low} to ${high}`);
    });
  }

  test('u1: what the best settings come to', async () => {
    const found: Record<string, number> = {};
    for (const [name, make] of Object.entries(tuned)) found[name] = evaluateRatings(await make().fit(base), held).rmse;
    assert.ok(found.RatingMF <= 0.92 && found.SVDPlusPlus <= 0.915, JSON.stringify(found));
    assert.ok(found.RatingMF > 0.9 && found.SVDPlusPlus > 0.9, 'better than anything published would be a leak');
  });
}

test.run();
