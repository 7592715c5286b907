import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, category, interactions, kFold, selectEvents, sideTable } from '../../lib/data/index.ts';
import { BiasOnly, FactorizationMachine, Popularity, RatingMF } from '../../lib/models.ts';
import { type Fold, type Rater, crossValidate, evaluate, evaluateRatings, mae, mse, rmse } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';
import { refuses, rejects } from '../helpers/refuses.ts';

const test = suite('metrics/ratings');

const near = (got: number, want: number, by = 1e-12): void => assert.ok(Math.abs(got - want) < by, `got ${got}, expected ${want}`);

test('mse, rmse and mae by hand', () => {
  const predicted = [3, 4.5, 2], actual = [4, 4, 5];
  near(mse(predicted, actual), (1 + 0.25 + 9) / 3);
  near(rmse(predicted, actual), Math.sqrt((1 + 0.25 + 9) / 3));
  near(mae(predicted, actual), (1 + 0.5 + 3) / 3);
  for (const of of [mse, rmse, mae]) { assert.is(of(predicted, predicted), 0); near(of(predicted, actual), of(actual, predicted)); }
  near(mse(Float32Array.of(1, 2), Float64Array.of(2, 2)), 0.5);
});

test('the sums are in float64', () => {
  const n = 3_000_000, predicted = new Float32Array(n).fill(4.1), actual = new Float32Array(n).fill(4), error = Math.fround(4.1) - 4;
  near(mae(predicted, actual), error, 1e-9);
  near(mse(predicted, actual), error * error, 1e-9);
});

test('mse, rmse and mae refuse what they cannot measure', () => {
  for (const [name, of] of Object.entries({ mse, rmse, mae })) {
    refuses(() => of([], []), 'bad-input', `${name}: needs at least one rating, got none`);
    refuses(() => of([1, 2], [1]), 'bad-shape', `${name}: predicted and actual must be equally long, got 2 and 1`);
    refuses(() => of([1, Number.NaN], [1, 2]), 'bad-input', `${name}: predicted must be finite numbers, got NaN at position 1`);
    refuses(() => of([1, 2], [1, Infinity]), 'bad-input', `${name}: actual must be finite numbers, got Infinity at position 1`);
  }
});

/** A model that predicts a tenth of user row plus item row, and 9 where one of them is not there. */
function rater(users: string[], items: string[], asked: unknown[] = []): Rater {
  const seen = interactions(users, items);
  return {
    users: seen.users, items: seen.items, answers: { catalogue: { seen: seen.matrix } },
    predict(u, i, options) { asked.push([[...u], [...i], options]); return Float32Array.from(u, (user, at) => (user < 0 || i[at] < 0 ? 9 : user + i[at] / 8)); },
  };
}

test('evaluateRatings: by raw ids, whatever the encoders; who is cold', () => {
  const asked: unknown[] = [], model = rater(['a', 'b', 'c'], ['x', 'y', 'z'], asked);
  const held = interactions(['c', 'b', 'zoe', 'a', 'c', 'zoe'], ['z', 'new', 'x', 'y', 'x', 'new'], { values: [2, 9, 8, 0, 2, 9] }), found = evaluateRatings(model, held, { clip: false, round: 0.5 });
  assert.equal(asked, [[[2, 1, -1, 0, 2, -1], [2, -1, 0, 1, 0, -1], { clip: false, round: 0.5 }]]);
  near(found.mse, (0.25 ** 2 + 0 + 1 + 0.125 ** 2 + 0 + 0) / 6);
  near(found.rmse, Math.sqrt(found.mse));
  near(found.mae, (0.25 + 1 + 0.125) / 6);
  assert.equal([found.n, found.cold], [6, { users: 1, items: 1, pairs: 3 }]);
});

test('evaluateRatings: ids that the model has rows for but nothing learned from are cold too', () => {
  const all = interactions(['a', 'b', 'c', 'c'], ['x', 'y', 'z', 'x'], { values: [1, 2, 3, 4] }), model = rater(['a', 'b'], ['x', 'y']), seen = selectEvents(all, Int32Array.of(0, 1)).matrix;
  const found = evaluateRatings({ ...model, users: all.users, items: all.items, answers: { catalogue: { seen } } }, all);
  assert.equal(found.cold, { users: 1, items: 1, pairs: 2 });
  const unknown = LabelEncoder.fit(['a'], { unknown: true }), strangers = interactions(['a', 'who'], ['x', 'x'], { users: unknown, values: [0, 9] });
  assert.equal(evaluateRatings(model, strangers).cold, { users: 1, items: 0, pairs: 1 });
});

test('evaluateRatings refuses what it cannot measure', async () => {
  const model = rater(['a'], ['x']), held = interactions(['a'], ['x'], { values: [1] });
  refuses(() => evaluateRatings(model, interactions(['a'], ['x'])), 'bad-input', 'these interactions have no values');
  refuses(() => evaluateRatings(model, selectEvents(held, new Int32Array(0))), 'bad-input', 'needs at least one rating');
  refuses(() => evaluateRatings(model, null as unknown as typeof held), 'bad-input', 'expected interactions, got null');
  const popular = await new Popularity().fit(held);
  refuses(() => evaluateRatings(popular as unknown as Rater, held), 'unsupported', 'a model that predicts ratings, such as RatingMF, got Popularity', 'evaluate judges lists');
  refuses(() => evaluateRatings(null as unknown as Rater, held), 'unsupported', 'got null');
});

const next = random(9), n = 400, data = interactions(Array.from({ length: n }, () => next.below(20)), Array.from({ length: n }, () => next.below(15)), { values: Array.from({ length: n }, () => 1 + next.below(5)) });

test('crossValidate: what a loop over the folds finds, with mean and deviation', async () => {
  const folds: Fold[] = [], found = await crossValidate((fold) => new RatingMF({ factors: 3, epochs: 4, seed: fold }), data, { k: 3, seed: 4, onFold: (fold) => { folds.push(fold); } }), want: number[][] = [];
  for (const [at, { train, test }] of kFold(data, { k: 3, seed: 4 }).entries()) {
    const { rmse, mae } = evaluateRatings(await new RatingMF({ factors: 3, epochs: 4, seed: at + 1 }).fit(train), test);
    want.push([rmse, mae]);
  }
  assert.equal(found.folds.map(({ fold, rmse, mae }) => [fold, rmse, mae]), want.map((values, at) => [at + 1, ...values]));
  assert.equal(found.folds, folds);
  assert.equal(Object.keys(found.mean).sort(), ['fitSeconds', 'mae', 'rmse', 'testSeconds']);
  for (const [at, name] of ['rmse', 'mae'].entries()) {
    const values = want.map((row) => row[at]), mean = values.reduce((sum, value) => sum + value, 0) / 3;
    near(found.mean[name], mean);
    near(found.deviation[name], Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 3));
  }
  assert.ok(found.folds.every(({ fitSeconds, testSeconds }) => fitSeconds > 0 && testSeconds > 0));
});

test('crossValidate: another measure, for models that rank', async () => {
  const found = await crossValidate(() => new Popularity(), data, { k: 4, measure: async (model, test, train) => evaluate(model, test, { k: 3, exclude: train, metrics: ['ndcg'] }) }), [{ train, test }] = kFold(data, { k: 4 });
  assert.is(found.folds[0].ndcg, evaluate(await new Popularity().fit(train), test, { k: 3, exclude: train, metrics: ['ndcg'] }).ndcg);
  assert.is(found.mean.k, 3);
});

test('crossValidate hands fit what it is given: the side tables of a model with features', async () => {
  const data = interactions(['a', 'a', 'b', 'b', 'c', 'c'], ['x', 'y', 'x', 'y', 'x', 'y'], { values: [1, 5, 2, 4, 1, 5] }), make = (): FactorizationMachine => new FactorizationMachine({ factors: 2, epochs: 2, userFeatures: { kind: category() } });
  const { folds } = await crossValidate(make, data, { k: 3, fitOptions: { userTable: sideTable(['a', 'b', 'c'], { kind: ['p', 'q', 'p'] }) } });
  assert.is(folds.length, 3);
  await rejects(() => crossValidate(make, data, { k: 3 }), 'bad-input', 'expected a side table with column "kind"');
});

test('crossValidate refuses what makes no sense, and hears a signal', async () => {
  const make = (): BiasOnly => new BiasOnly();
  await rejects(() => crossValidate(new BiasOnly() as unknown as typeof make, data), 'bad-setting', 'a function that makes a model');
  await rejects(() => crossValidate(make, data, { folds: 5 } as object), 'bad-setting', "there is no option 'folds'; the options are k, seed");
  await rejects(() => crossValidate(make, data, { k: 1 }), 'bad-setting', 'kFold: k must be');
  await rejects(() => crossValidate(make, data, { measure: 'rmse' as unknown as () => Record<string, unknown> }), 'bad-setting', 'measure must be a function');
  await rejects(() => crossValidate(make, data, { measure: () => ({ name: 'x' }) }), 'bad-input', 'measure must give numbers by name');
  await rejects(() => crossValidate(make, data, { measure: () => ({ rmse: Number.NaN }) }), 'bad-input', 'got NaN for rmse');
  await rejects(() => crossValidate(() => new Popularity(), data), 'unsupported', 'got Popularity');
  const controller = new AbortController(), reason = new Error('enough');
  let folds = 0;
  try { await crossValidate(make, data, { signal: controller.signal, onFold: () => { folds++; controller.abort(reason); } }); assert.unreachable(); } catch (error) { assert.is(error, reason); }
  assert.is(folds, 1);
});

test('crossValidate refuses a model that is none, a signal that is none, and numbers that not every fold has', async () => {
  const make = (): BiasOnly => new BiasOnly();
  await rejects(() => crossValidate((() => null) as never, data, { k: 2 }), 'bad-input', 'crossValidate: expected make to give a model for each fold, got null for fold 1');
  await rejects(() => crossValidate(make, data, { signal: {} as AbortSignal }), 'bad-setting', 'crossValidate: signal must be an AbortSignal');
  await rejects(() => crossValidate(make, data, null as never), 'bad-setting', 'crossValidate: options must be an object with some of k, seed');
  let fold = 0;
  const differing = (names: string[][]) => (): Record<string, number> => Object.fromEntries(names[fold++ % 2].map((name) => [name, 1]));
  await rejects(() => crossValidate(make, data, { k: 2, measure: differing([['p', 'q'], ['p']]) }), 'bad-input', 'the same numbers for each fold, but q is not there for fold 2');
  fold = 0;
  await rejects(() => crossValidate(make, data, { k: 2, measure: differing([['p'], ['p', 'q']]) }), 'bad-input', 'but q is not there for fold 1');
});

test.run();
