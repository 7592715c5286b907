import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions, LabelEncoder, interactions, kFold, selectEvents } from '../../lib/data/index.ts';
import { BiasOnly, FactorizationMachine, type Prediction, RatingMF, type RatingModel, SVDPlusPlus, fromBytes, toBytes } from '../../lib/models.ts';
import { evaluateRatings } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { refuses, rejects } from '../helpers/refuses.ts';

/** What all models of ratings do alike, and the numbers of BiasOnly and SVDPlusPlus. */
const test = suite('models/ratings');

const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const makers: Record<string, (settings?: object) => RatingModel> = {
  'BiasOnly': (settings) => new BiasOnly({ userL2: 1, itemL2: 1, ...settings }),
  'RatingMF, sgd': (settings) => new RatingMF({ factors: 4, epochs: 30, learningRate: 0.03, ...settings }),
  'RatingMF, adam': (settings) => new RatingMF({ solver: 'adam', factors: 4, epochs: 30, learningRate: 0.03, batchSize: 50, ...settings }),
  'SVDPlusPlus': (settings) => new SVDPlusPlus({ factors: 4, epochs: 30, learningRate: 0.03, ...settings }),
  'FactorizationMachine': (settings) => new FactorizationMachine({ factors: 4, epochs: 30, ...settings }),
};

/** Ratings of 1 to 5 by 12 users of 9 items, and encoders that know of one user and one item more. */
function ratings(): Interactions {
  const next = random(5), n = 70, users = Array.from({ length: n }, () => `u${next.below(12)}`), items = Array.from({ length: n }, () => `i${next.below(9)}`);
  return interactions(users, items, { values: Array.from({ length: n }, () => 1 + next.below(5)), users: LabelEncoder.fit([...users, 'nobody yet']), items: LabelEncoder.fit([...items, 'nothing yet']) });
}

/** The mean, and the biases of all users and items: from the tensors of these names, or those of a machine of ids alone, whose columns are the ids that have ratings. */
function biasesOf(model: RatingModel, { user, item, users, items }: Interactions): { mean: number; b: Float32Array; c: Float32Array } {
  const { tensors, numbers } = model.toState(), mean = tensors.global_bias?.data[0] ?? numbers.mean;
  const of = (which: 'user' | 'item', rows: Int32Array, size: number): Float32Array => {
    if (tensors[`${which}_bias`]) return tensors[`${which}_bias`].data as Float32Array;
    const met = [...new Set(rows)].sort((x, y) => x - y), all = new Float32Array(size);
    for (const [column, row] of met.entries()) all[row] = tensors[`${which}_feature_weights`].data[column];
    return all;
  };
  return { mean, b: of('user', user, users.size), c: of('item', item, items.size) };
}

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: clipping and rounding`, async () => {
    const model = await make().fit(ratings()), pairs = range(12).flatMap((user) => range(9).map((item) => [user, item])), users = pairs.map(([user]) => user), items = pairs.map(([, item]) => item), x = model.score(users, items);
    const held = (value: number): number => Math.min(Math.max(value, 1), 5);
    assert.equal(model.predict(users, items, { clip: false }), x);
    assert.equal(model.predict(users, items), x.map(held));
    assert.equal(model.predict(users, items, { round: null }), x.map(held));
    for (const round of [1, 0.5, 0.25]) assert.equal(model.predict(users, items, { round }), x.map((value) => held(Math.round(value / round) * round)));
    assert.equal(model.predict(users, items, { round: 2, clip: false }), x.map((value) => Math.round(value / 2) * 2));
    assert.ok(new Set(model.predict(users, items, { round: 1 })).size > 1);
    for (const round of [0, -1, Number.NaN, Infinity, '1']) refuses(() => model.predict([0], [0], { round: round as number }), 'bad-setting', `${model.name}.predict: round must be a positive number, or null`);
    refuses(() => model.predict([0], [0], { clip: 'no' as unknown as boolean }), 'bad-setting', `${model.name}.predict: clip must be true or false, got 'no'`);
    refuses(() => model.predict([0], [0], { Round: 1 } as object), 'bad-setting', "there is no option 'Round'; the options are clip, round");
    refuses(() => model.predict([0, 1], [0]), 'bad-shape', 'equally long, got 2 and 1');
  });

  test(`${name}: who and what is not known is predicted from the biases, and the result says so`, async () => {
    const data = ratings(), model = await make().fit(data), { mean, b, c } = biasesOf(model, data);
    const known = (user: boolean, item: boolean): Prediction['known'] => ({ user, item }), [u3, i4] = [data.users.encode('u3'), data.items.encode('i4')], near = (got: number, want: number): void => assert.ok(Math.abs(got - want) < 1e-5, `${got} ${want}`);
    const ask = (user: string | number, item: string | number): Prediction => model.predictFor(user, item, { clip: false });
    assert.equal(ask('u3', 'i4'), { rating: model.score([u3], [i4])[0], known: known(true, true) });
    for (const stranger of ['who', 3, 'nobody yet']) {
      const { rating, known: said } = ask(stranger, 'i4');
      near(rating, mean + c[i4]);
      assert.equal(said, known(false, true));
    }
    for (const novelty of ['what', 'nothing yet']) {
      const { rating, known: said } = ask('u3', novelty);
      near(rating, mean + b[u3]);
      assert.equal(said, known(true, false));
      near(ask('who', novelty).rating, mean);
      near(ask('nobody yet', novelty).rating, mean);
      assert.equal(ask('who', novelty).known, known(false, false));
    }
    assert.ok(Math.abs(c[i4]) > 0.01 && Math.abs(b[u3]) > 0.01);
    const bulk = model.predict([u3, -1, u3, -1], [i4, i4, -1, -1], { clip: false });
    assert.equal([...bulk], [ask('u3', 'i4'), ask('who', 'i4'), ask('u3', 'what'), ask('who', 'what')].map(({ rating }) => rating));
    assert.is(model.predictFor('who', 'what', { round: 1 }).rating, Math.round(mean));
    for (const row of [-2, 13, 0.5, Number.NaN]) refuses(() => model.predict([row], [0]), 'unknown-id', 'is outside 0..12');
    refuses(() => model.predict([-1, 0], [0, 99]), 'unknown-id', 'row 99 at position 1');
    refuses(() => make().predictFor('u3', 'i4'), 'not-fitted');
    refuses(() => make().predict([0], [0]), 'not-fitted');
    assert.equal((fromBytes(toBytes(model)) as RatingModel).predictFor('who', 'i4'), model.predictFor('who', 'i4'));
  });

  test(`${name}: an item that one fold alone has is scored by the biases, in lists too`, async () => {
    const data = ratings(), model = await make().fit(data), { c } = biasesOf(model, data), nothing = data.items.encode('nothing yet'), nobody = data.users.encode('nobody yet');
    assert.is(c[nothing], 0);
    const scores = model.scores([nobody]);
    for (const row of range(9)) assert.ok(Math.abs(scores[data.items.encode(`i${row}`)] - scores[nothing] - c[data.items.encode(`i${row}`)]) < 1e-5);
  });

  test(`${name}: encoders with a row for the unknown: it is a row like any other, but no stranger's`, async () => {
    const data = ratings(), users = LabelEncoder.fit(['u1', 'u2', 'u3'], { unknown: true }), some = interactions(Array.from(data.user, (row) => data.users.decode(row)), Array.from(data.item, (row) => data.items.decode(row)), { values: data.value!, users });
    const model = await make().fit(some), { mean, c } = biasesOf(model, some), i4 = some.items.encode('i4'), found = model.predictFor('u9', 'i4', { clip: false });
    assert.equal(found.known, { user: false, item: true });
    assert.ok(Math.abs(found.rating - mean - c[i4]) < 1e-5);
    assert.ok(Math.abs(model.predict([0], [i4], { clip: false })[0] - found.rating) > 1e-3, 'that row has learned');
    const stranger = interactions(['u9', 'u3'], ['i4', 'i4'], { values: [3, 3] }), judged = evaluateRatings(model, stranger, { clip: false });
    assert.equal(judged.cold, { users: 1, items: 0, pairs: 1 });
    assert.ok(Math.abs(judged.mae - (Math.abs(found.rating - 3) + Math.abs(model.predictFor('u3', 'i4', { clip: false }).rating - 3)) / 2) < 1e-6);
  });

  test(`${name}: ratings that are all alike`, async () => {
    for (const rating of [3, 0, -2.5]) {
      const data = interactions(['a', 'a', 'b', 'c'], ['x', 'y', 'y', 'z'], { values: [rating, rating, rating, rating], ratingScale: [-3, 3] }), model = await make().fit(data);
      assert.equal([...model.predict([0, 1, 2, 0], [0, 2, 1, -1])], [rating, rating, rating, rating]);
      assert.ok(maxAbsDiff(model.scores([0, 1, 2]), new Float32Array(9).fill(rating)) < 0.3);
      assert.is(evaluateRatings(model, data).rmse, 0);
      assert.is(model.recommendFor('a').length, 1);
    }
  });

  test(`${name}: refuses events without ratings; the range grows with partialFit`, async () => {
    const bare = interactions(['u1', 'u2'], ['i1', 'i2']);
    await rejects(() => make().fit(bare), 'bad-input', `${make().name}.fit: expected a rating for each event, but these interactions have no values`);
    const model = await make().fit(interactions(['u1', 'u2'], ['i1', 'i2'], { values: [2, 4] }));
    await rejects(() => model.partialFit(bare), 'bad-input', `${make().name}.partialFit: expected a rating`);
    await model.partialFit(interactions(['u1'], ['i2'], { values: [9] }));
    assert.equal([model.toState().numbers.lowest, model.toState().numbers.highest], [2, 9]);
    const state = model.toState(), { fromState } = model.constructor as unknown as typeof BiasOnly;
    refuses(() => fromState.call(model.constructor, { ...state, numbers: { ...state.numbers, lowest: 5, highest: 1 } }), 'file-damaged', 'the range of the ratings, got 5 and 1');
  });
}

// BiasOnly

test('BiasOnly: by hand', async () => {
  // mu 3; a sweep: c[x] = (2 + 0) / (2 + 1), c[y] = -2 / (1 + 1); b[a] = (2 - 2/3 - 2 + 1) / (2 + 2), b[b] = (0 - 2/3) / (1 + 2)
  const data = interactions(['a', 'a', 'b'], ['x', 'y', 'x'], { values: [5, 1, 3] }), model = await new BiasOnly({ sweeps: 1, userL2: 2, itemL2: 1 }).fit(data), { tensors, numbers } = model.toState();
  assert.is(numbers.mean, 3);
  assert.ok(maxAbsDiff(tensors.item_bias.data, [2 / 3, -1]) < 1e-6);
  assert.ok(maxAbsDiff(tensors.user_bias.data, [1 / 12, -2 / 9]) < 1e-6);
  assert.ok(maxAbsDiff(model.scores([0, 1]), [3 + 1 / 12 + 2 / 3, 2 + 1 / 12, 3 - 2 / 9 + 2 / 3, 2 - 2 / 9]) < 1e-6);
  assert.equal(model.recommendFor('b'), [{ item: 'y', score: Math.fround(2 - Math.fround(2 / 9)) }]);
});

test('BiasOnly: many sweeps come to the least squares, and a pair rated twice counts twice', async () => {
  const data = ratings(), { userL2, itemL2 } = { userL2: 1.5, itemL2: 0.5 }, { tensors, numbers } = (await new BiasOnly({ sweeps: 200, userL2, itemL2 }).fit(data)).toState();
  const b = Float64Array.from(tensors.user_bias.data), c = Float64Array.from(tensors.item_bias.data);
  assert.ok(data.matrix.indices.length < data.user.length, 'some pairs come twice');
  assert.ok(Math.abs(numbers.mean - data.value!.reduce((sum, r) => sum + r, 0) / data.user.length) < 1e-12);
  const slopes = [b.map((bias) => userL2 * bias), c.map((bias) => itemL2 * bias)]; // half the derivative of the loss
  for (let at = 0; at < data.user.length; at++) {
    const error = data.value![at] - numbers.mean - b[data.user[at]] - c[data.item[at]];
    slopes[0][data.user[at]] -= error;
    slopes[1][data.item[at]] -= error;
  }
  for (const slope of slopes) assert.ok(maxAbsDiff(slope, new Float64Array(slope.length)) < 1e-4);
});

test('BiasOnly: a part and then the rest is all at once, pairs that come again included', async () => {
  const data = ratings(), model = await makers.BiasOnly().fit(selectEvents(data, Int32Array.from(range(40)))), whole = await makers.BiasOnly().fit(data);
  await model.partialFit(selectEvents(data, Int32Array.from(range(30), (at) => 40 + at)));
  assert.ok(maxAbsDiff(model.scores(range(13)), whole.scores(range(13))) < 1e-5);
  assert.equal(model.toState().tensors.seen_counts, whole.toState().tensors.seen_counts);
});

// SVDPlusPlus

test('SVDPlusPlus: a score is the formula, worked out slowly from its tables; alone and among others the same', async () => {
  const data = ratings(), model = await new SVDPlusPlus({ factors: 5, epochs: 3 }).fit(data), { tensors, catalogue: { seen } } = model.toState(), K = 5, { data: U } = tensors.user_factors, { data: V } = tensors.item_factors, { data: Y } = tensors.item_implicit_factors;
  const x = (user: number, item: number): number => {
    const met = [...seen.indices.subarray(seen.indptr[user], seen.indptr[user + 1])];
    let sum = tensors.global_bias.data[0] + tensors.user_bias.data[user] + tensors.item_bias.data[item];
    for (let k = 0; k < K; k++) sum += V[item * K + k] * (U[user * K + k] + (met.length === 0 ? 0 : met.reduce((z, j) => z + Y[j * K + k], 0) / Math.sqrt(met.length)));
    return sum;
  };
  const pairs = range(13).flatMap((user) => range(10).map((item) => [user, item])), want = pairs.map(([user, item]) => x(user, item));
  assert.ok(maxAbsDiff(model.scores(range(13)), want) < 1e-5);
  assert.ok(maxAbsDiff(model.score(pairs.map(([user]) => user), pairs.map(([, item]) => item)), want) < 1e-5);
  assert.equal(model.score([7, 2, 7], [1, 1, 3]), Float32Array.of(...[[7, 1], [2, 1], [7, 3]].map(([user, item]) => model.score([user], [item])[0])));
});

test('SVDPlusPlus: epochs are what a slow program does', async () => {
  const data = ratings(), K = 3, settings = { factors: K, learningRate: 0.02, learningRateDecay: 0.8, l2: 0.05, initialScale: 0.3 }, losses: number[] = [];
  const one = (await new SVDPlusPlus({ ...settings, epochs: 1, learningRate: 1e-30 }).fit(data)).toState().tensors; // where it starts
  const [U, V, Y] = ['user_factors', 'item_factors', 'item_implicit_factors'].map((name) => Float64Array.from(one[name].data)), b = new Float64Array(13), c = new Float64Array(10), mu = one.global_bias.data[0], want: number[] = [];
  const byUser = range(data.user.length).sort((p, q) => data.user[p] - data.user[q] || p - q), { indptr, indices } = data.matrix;
  for (const rate of [0.02, 0.02 * 0.8, 0.02 * 0.64]) {
    let loss = 0;
    for (const event of byUser) {
      const u = data.user[event], i = data.item[event], met = [...indices.subarray(indptr[u], indptr[u + 1])], s = 1 / Math.sqrt(met.length), z = range(K).map((k) => s * met.reduce((sum, j) => sum + Y[j * K + k], 0));
      const p = [...U.subarray(u * K, u * K + K)], q = [...V.subarray(i * K, i * K + K)], e = data.value![event] - mu - b[u] - c[i] - q.reduce((sum, value, k) => sum + value * (p[k] + z[k]), 0);
      loss += e * e;
      for (let k = 0; k < K; k++) {
        U[u * K + k] += rate * (e * q[k] - 0.05 * p[k]);
        V[i * K + k] += rate * (e * (p[k] + z[k]) - 0.05 * q[k]);
        for (const j of met) Y[j * K + k] += rate * (e * s * q[k] - 0.05 * Y[j * K + k]);
      }
      b[u] += rate * (e - 0.05 * b[u]);
      c[i] += rate * (e - 0.05 * c[i]);
    }
    want.push(loss / data.user.length);
  }
  const { tensors } = (await new SVDPlusPlus({ ...settings, epochs: 3 }).fit(data, { onEpoch: ({ loss }) => { losses.push(loss); } })).toState();
  assert.ok(maxAbsDiff(losses, want) < 1e-5, `${losses} ${want}`);
  for (const [name, table] of [['user_factors', U], ['item_factors', V], ['item_implicit_factors', Y], ['user_bias', b], ['item_bias', c]] as const) assert.ok(maxAbsDiff(tensors[name].data, table) < 1e-5, name);
});

test('SVDPlusPlus: what a user rated says something of them, whatever the ratings', async () => {
  // who rates what tells the taste; the ratings of those to be judged are held out
  const next = random(2), users: string[] = [], items: string[] = [], values: number[] = [];
  for (let user = 0; user < 400; user++) for (let item = 0; item < 40; item++) if (next.below(10) < (item % 2 === user % 2 ? 4 : 1)) { users.push(`u${user}`); items.push(`i${item}`); values.push((item % 2 === user % 2 ? 4 : 2) + next.below(2)); }
  const data = interactions(users, items, { values }), [{ train, test: held }] = kFold(data, { k: 2 });
  const [plus, plain] = [await new SVDPlusPlus({ factors: 4, epochs: 40, l2: 0.05 }).fit(train), await new RatingMF({ factors: 4, epochs: 40, learningRate: 0.007, l2: 0.05 }).fit(train)].map((model) => evaluateRatings(model, held).rmse);
  assert.ok(plus < 0.97 * plain, `${plus} ${plain}`);
});

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: ids that are numbers here and texts there, what is no id, and what is no array of rows`, async () => {
    const model = await make(name === 'BiasOnly' ? {} : { epochs: 2 }).fit(interactions(['1', '1', '2'], [7, 8, 8], { values: [1, 5, 3] }));
    refuses(() => model.predictFor(1, 7), 'unknown-id', `${model.name}.predictFor: user 1 (a number) is not known, but '1' is: ids must be of one type`);
    refuses(() => model.predictFor('1', '8'), 'unknown-id', "item '8' is not known, but 8 (a number) is");
    refuses(() => model.predictFor(undefined as never, 7), 'bad-input', 'predictFor: expected the id of a user, got undefined');
    refuses(() => model.predictFor('1', null as never), 'bad-input', 'expected the id of an item, got null');
    for (const stranger of ['3', '01', '', 3]) assert.equal(model.predictFor(stranger, 7).known, { user: false, item: true });
    refuses(() => evaluateRatings(model, interactions([1, 2], [7, 8], { values: [1, 2] })), 'unknown-id', "evaluateRatings: user 1 (a number) is not known, but '1' is");
    assert.is(evaluateRatings(model, interactions(['1', 'x'], [7, 9], { values: [1, 2] })).cold.pairs, 1);
    refuses(() => model.predict(null as never, [0]), 'bad-input', `${model.name}.predict, users: expected an array of row numbers, got null`);
    refuses(() => model.predict([0], 3 as never), 'bad-input', 'predict, items: expected an array');
  });
}

test.run();
