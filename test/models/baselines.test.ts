import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { useKernels, variants } from '../../kernels/index.ts';
import { limitMemory, memoryUse } from '../../kernels/memory.ts';
import { type Interactions, LabelEncoder, interactions } from '../../lib/data/index.ts';
import {
  BPR, Blend, EASE, type EASESettings, type EpochReport, type FitOptions, ItemKNN, type ItemKNNSettings, LogisticMatrixFactorization, Popularity, PurchaseHistory, type Recommender, fromBytes, toBytes,
} from '../../lib/models.ts';
import { random } from '../../lib/random.ts';
import golden from '../fixtures/baselines.json' with { type: 'json' };
import { maxAbsDiff } from '../helpers/numeric.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { assertClose } from '../helpers/room.ts';
import { settled } from '../helpers/settled.ts';
import { SHOP_ITEMS, SHOP_USERS, shop } from '../helpers/shop.ts';

/** The strong simple models: numbers worked by hand, by numpy (test/fixtures/baselines.py) and by slow programs; what only they can be given wrong. */
const test = suite('models/baselines');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);

/** The shop of the golden numbers: an event for each pair, with how many as its value. */
const counted = ((): Interactions => {
  const pairs = golden.counts.flatMap((row, user) => row.flatMap((value, item) => (value > 0 ? [[user, item, value]] : [])));
  const ids = { users: LabelEncoder.fit(range(golden.counts.length)), items: LabelEncoder.fit(range(golden.counts[0].length)) };
  return interactions(pairs.map(([user]) => user), pairs.map(([, item]) => item), { ...ids, values: pairs.map(([, , value]) => value) });
})();
const users = range(golden.counts.length), items = range(golden.counts[0].length), n = items.length;

// EASE

for (const variant of (Object.keys(variants) as (keyof typeof variants)[]).filter((variant) => variants[variant] !== null)) {
  for (const { B, scores, ...settings } of golden.ease) {
    test(`EASE is numpy's ridge regression of each item on all others: ${JSON.stringify(settings)}, kernels ${variant}`, async () => {
      useKernels(variant);
      try {
        const model = await new EASE(settings as EASESettings).fit(counted), { shape, data } = model.toState().tensors.item_weights;
        assert.equal([...shape], [n, n]);
        assertClose(data as Float32Array, B, 1e-5, 'B', 1);
        assertClose(model.scores(users), scores, 1e-5, 'scores', Math.max(...scores.map(Math.abs)));
        assertClose(model.score([3, 5], [2, 7]), [scores[3 * n + 2], scores[5 * n + 7]], 1e-5, 'score', 1);
      } finally { useKernels('auto'); }
    });
  }
}

test('EASE: two items worked by hand', async () => {
  // a and b have x and y, c has x: Xᵀ X = [3 2; 2 2], with λ = 1 [4 2; 2 3], whose inverse is [3 -2; -2 4] / 8
  const model = await new EASE({ lambda: 1 }).fit(interactions(['a', 'a', 'b', 'b', 'c'], ['x', 'y', 'x', 'y', 'x']));
  assertClose(model.scores([0, 2]), [2 / 3, 2 / 4, 0, 2 / 4], 1e-6, 'scores');
  assert.equal(model.recommendFor('c').map(({ item }) => item), ['y']);
  assert.equal(model.similarTo('x'), [{ item: 'y', score: 0.5 }]);
});

test('EASE: more items than a panel, against float64', async () => {
  const { train } = planted({ users: 400, items: 300, each: 40 }), lambda = 3, N = 300, model = await new EASE({ lambda }).fit(train), B = model.toState().tensors.item_weights.data as Float32Array;
  // the conditions that the minimum of |X - X B|² + λ|B|² with a zero diagonal has: Xᵀ(X B - X) + λ B is zero everywhere but on the diagonal
  const { indptr, indices } = train.matrix, G = new Float64Array(N * N);
  for (let u = 0; u < train.matrix.rows; u++) for (let a = indptr[u]; a < indptr[u + 1]; a++) for (let b = indptr[u]; b < indptr[u + 1]; b++) G[indices[a] * N + indices[b]]++;
  let worst = 0;
  for (let i = 0; i < N; i++) {
    for (let j = 0; j < N; j++) {
      let slope = lambda * B[i * N + j] - G[i * N + j];
      for (let k = 0; k < N; k++) slope += G[i * N + k] * B[k * N + j];
      if (i !== j) worst = Math.max(worst, Math.abs(slope));
      else assert.is(B[i * N + j], 0);
    }
  }
  assert.ok(worst < 1e-3 * Math.max(...G), `${worst} of ${Math.max(...G)}`);
});

test('EASE: a lambda that float32 cannot invert with is refused, and nothing is learned', async () => {
  const twins = interactions([0, 0, 0, 1, 1, 1, 2, 2], ['x', 'y', 'z', 'x', 'y', 'z', 'x', 'y']); // x and y are one
  const model = new EASE({ lambda: 1e-9 });
  await rejects(() => model.fit(twins), 'bad-setting', 'EASE: lambda must be large enough', 'got 1e-9', 'raise it');
  assert.not(model.fitted);
  const before = await settled();
  await rejects(() => model.fit(twins), 'bad-setting');
  assert.ok(memoryUse().inUse <= before, 'the matrix went back, at once');
  const some = planted({ users: 50, items: 200, each: 60 }).train, loud = { ...some, value: Float32Array.from(some.user, (_, e) => 1e4 + e % 7) }; // of rank 50
  await rejects(() => new EASE({ lambda: 1e-3, amounts: 'counts' }).fit(interactions([...loud.user], [...loud.item], { values: loud.value })), 'bad-setting', 'lambda');
});

test('EASE: refuses before it begins what the memory cannot hold, and says how much that is', async () => {
  const { limit, inUse } = memoryUse();
  if (limit === 0) return;
  const N = 3000, data = interactions(range(N), range(N)); // 36 MB of weights, and half of that
  limitMemory(inUse + 40e6);
  const began = performance.now();
  try {
    await rejects(() => new EASE().fit(data), 'out-of-memory', 'between 3,000 items', /need 5\d MiB/, /and \d+ MiB of \d+ MiB are free/, 'use ItemKNN');
    assert.ok(performance.now() - began < 1000);
    await new ItemKNN().fit(data); // which needs next to nothing
  } finally { limitMemory(limit); }
});

test('EASE: amounts that are negative or zero count as nothing, but for counts', async () => {
  const data = (values: number[]): Interactions => interactions(['a', 'a', 'b', 'b', 'c', 'c'], ['x', 'y', 'x', 'y', 'y', 'z'], { values });
  for (const amounts of ['binary', 'log'] as const) {
    const none = await new EASE({ amounts, lambda: 2 }).fit(data([1, 1, 1, 1, 1, 0])), less = await new EASE({ amounts, lambda: 2 }).fit(data([1, 1, 1, 1, 1, -4]));
    assert.equal(less.scores([0, 1, 2]), none.scores([0, 1, 2]));
  }
  const [none, less] = await Promise.all([0, -4].map((last) => new EASE({ amounts: 'counts', lambda: 2 }).fit(data([1, 1, 1, 1, 1, last]))));
  assert.ok(maxAbsDiff(none.scores([2]), less.scores([2])) > 0.1);
});

test('EASE: stops inside, on time, and the model is as before', async () => {
  const N = 1500, next = random(1), data = interactions(range(20_000).map(() => next.below(2000)), range(20_000).map(() => next.below(N))), reason = new Error('enough');
  const model = await new EASE({ lambda: 10 }).fit(shop()), before = toBytes(model), controller = new AbortController(), steps: number[] = [];
  try {
    await model.fit(data, { signal: controller.signal, onStep: ({ epoch, step, steps: all }) => { steps.push(step); assert.ok(epoch === 1 && step >= 1 && step <= all); if (steps.length === 2) controller.abort(reason); } });
    assert.unreachable('it was not stopped');
  } catch (error) { assert.is(error, reason); }
  assert.is(steps.length, 2);
  assert.equal(toBytes(model), before);
});

// ItemKNN

for (const { S, ...settings } of golden.neighbours) {
  test(`ItemKNN is numpy's ${JSON.stringify(settings)}`, async () => {
    const model = await new ItemKNN(settings as Partial<ItemKNNSettings>).fit(counted), { items: near, scores: likeness } = model.similarItems(items, { k: n }), got = new Float32Array(n * n);
    near.forEach((other, at) => { if (other >= 0) got[Math.floor(at / n) * n + other] = likeness[at]; });
    assertClose(got, S, 1e-5, 'S', Math.max(...S));

    const X = golden.counts.map((row) => row.map((value) => (settings.amounts === 'binary' ? Math.sign(value) : settings.amounts === 'log' ? Math.log1p(value) : value)));
    const want = users.flatMap((user) => items.map((j) => items.reduce((sum, i) => sum + X[user][i] * S[i * n + j], 0)));
    assertClose(model.scores(users), want, 1e-5, 'scores', Math.max(...want));
  });
}

test('ItemKNN: no more neighbours than asked for, none that nobody shares, and none of its own', async () => {
  const model = await new ItemKNN({ neighbours: 2 }).fit(interactions(['a', 'a', 'a', 'a', 'b', 'b'], ['w', 'x', 'y', 'z', 'w', 'v'])), { tensors } = model.toState();
  assert.equal([...tensors.neighbours_indptr.data], [0, 1, 3, 5, 7, 9]); // v has w alone
  assert.ok([...tensors.neighbours_values.data].every((value) => value > 0));
  assert.equal(model.similarTo('v', { k: 2 }).map(({ item, score }) => [item, Math.round(1000 * score)]), [['w', 707], ['x', 0]]);
});

test('ItemKNN: a negative amount has no likeness, and who has it is said', async () => {
  await rejects(() => new ItemKNN().fit(interactions(['ana', 'ana', 'ben'], ['tea', 'jam', 'tea'], { values: [2, -3, 1] })), 'bad-input', "ItemKNN.fit: user 'ana' has -3 of item 'jam'", 'leave returns out');
  const model = await new ItemKNN().fit(interactions(['ana', 'ben', 'ben'], ['tea', 'jam', 'tea'], { values: [2, 1, 1] })), before = toBytes(model);
  await rejects(() => model.partialFit(interactions(['ben'], ['jam'], { values: [-2] })), 'bad-input', "ItemKNN.partialFit: user 'ben' has -1 of item 'jam'");
  assert.equal(toBytes(model), before);
  await model.partialFit(interactions(['ben'], ['jam'], { values: [-1] })); // zero is none
  assert.ok(model.scores([0, 1]).every((score) => score === 0));
});

test('ItemKNN: neighbours without end take the room of those that there are', async () => {
  const N = 3000, ids = LabelEncoder.fit(range(N)), data = interactions([...range(N), 5], [...range(N), 7], { users: ids, items: ids }), before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const look = (): void => { most = Math.max(most, process.memoryUsage().arrayBuffers - before); };
  const model = await new ItemKNN({ neighbours: 2 ** 24 }).fit(data, { onStep: look }); // a quick machine has no step to report
  look();
  assert.equal([...model.toState().tensors.neighbours_indices.data], [7, 5]); // one user has two items
  assert.ok(most < 4 * N * N, `${most} bytes, where all pairs take ${8 * N * N}`);
});

test('ItemKNN takes no more memory than some rows of its matrix', async () => {
  const N = 8000, next = random(1), events = 30_000, data = interactions(range(events).map(() => next.below(5000)), range(events).map(() => next.below(N)), { items: LabelEncoder.fit(range(N)) });
  const before = memoryUse().size;
  await new ItemKNN({ shrinkage: 1 }).fit(data);
  assert.ok(memoryUse().size - before < 2 ** 26, `${memoryUse().size - before} bytes, where all pairs are ${4 * N * N}`);
});

// Popularity by half-life

const DAY = 86_400_000;

test('Popularity: with a half-life what was lately met comes first', async () => {
  const data = interactions(['a', 'b', 'c', 'a'], ['x', 'x', 'x', 'y'], { times: [0, 0, 10, 30].map((day) => day * DAY), values: [1, 2, 1, 1] });
  const model = await new Popularity({ halfLife: 10 }).fit(data);
  assertClose(model.scores([0]), [3 / 8 + 1 / 4, 1], 1e-6, 'scores');
  assert.equal(fromBytes(toBytes(model)).scores([0]), model.scores([0]));
  await model.partialFit(interactions(['b'], ['x'], { times: [40 * DAY] }));
  assertClose(model.scores([1]), [5 / 16 + 1, 1 / 2], 1e-6, 'ten days later');
  await rejects(() => new Popularity({ halfLife: 10 }).fit(interactions(['a'], ['x'])), 'bad-input', 'Popularity: halfLife is 10 days but these interactions have no times', 'halfLife: null');
});

// Blend

const parts = (): Recommender[] => [new EASE({ lambda: 5 }), new PurchaseHistory({ halfLife: 60 }), new Popularity()];

test('Blend: a weighted sum of scores, in all of its answers', async () => {
  const data = shop(), blend = await new Blend(parts(), { weights: [2, 0.5, -0.01] }).fit(data), alone = await Promise.all(parts().map((model) => model.fit(data))), rows = range(SHOP_USERS);
  const [e, h, p] = alone.map((model) => model.scores(rows)), want = e.map((x, at) => 2 * x + 0.5 * h[at] - 0.01 * p[at]);
  assertClose(blend.scores(rows), want, 1e-5, 'scores', 10);
  assertClose(blend.score([4, 7], [3, 1]), [want[4 * SHOP_ITEMS + 3], want[7 * SHOP_ITEMS + 1]], 1e-5, 'score', 10);
  assert.equal([blend.weights, blend.models.map(({ fitted }) => fitted)], [[2, 0.5, -0.01], [true, true, true]]);
  const same = fromBytes(toBytes(blend)) as Blend;
  assert.equal([same.weights, same.settings, same.models.map(({ name, settings }) => [name, settings])], [blend.weights, blend.settings, blend.models.map(({ name, settings }) => [name, settings])]);
  assert.equal(Blend.of(alone, [2, 0.5, -0.01]).scores(rows), blend.scores(rows));
  refuses(() => blend.similarItems([0]), 'unsupported', 'Blend learns no item vectors');
  assert.ok(blend.recommendFor('user 03', { k: 99 }).length === SHOP_ITEMS, 'a history among them: what the user has is not left out');
  assert.is((await new Blend([new EASE(), new Popularity()], { weights: [1, 1] }).fit(data)).recommendFor('user 22').length, 0);
});

test('Blend: validation chooses the weights: what helps is found, what is noise is left out', async () => {
  const { train, test: held } = planted({ users: 200, items: 80, each: 24 });
  const noise = new BPR({ factors: 4, epochs: 1, stepsPerEpoch: 1, learningRate: 1e-9, initialBias: 3, seed: 5 }), models = [noise, new EASE({ lambda: 50 }), new Popularity()], values: number[] = [];
  const blend = await new Blend(models).fit(train, { validation: held, onEpoch: ({ validation }) => { values.push(validation!); } }), { weights } = blend;
  const judged = async (...some: number[]): Promise<number> => { let value = 0; await new Blend([noise, new EASE({ lambda: 50 }), new Popularity()], { weights: some }).fit(train, { validation: held, onEpoch: ({ validation }) => { value = validation!; } }); return value; };
  assert.ok(weights.every((weight) => weight >= 0) && weights.find((weight) => weight > 0) === 1, `${weights}`);
  assert.is(values.length, 1);
  assert.ok(Math.abs(values[0] - await judged(...weights)) < 1e-12, 'it is as good as those weights are');
  for (const some of [[1, 0, 0], [0, 1, 0], [0, 0, 1]]) assert.ok(values[0] >= await judged(...some), `${values[0]} for ${weights}`);
  assert.ok(values[0] > await judged(0, 0, 1) + 0.2);
  const again = await new Blend([noise, new EASE({ lambda: 50 }), new Popularity()]).fit(train, { validation: held });
  assert.equal(again.weights, weights, 'the same weights every time');
  assert.equal(blend.settings, { weights: null });
  const before = blend.weights;
  await blend.partialFit(train);
  assert.equal(blend.weights, before, 'partialFit keeps them');
  await rejects(() => new Blend([new EASE()]).fit(train, { validation: () => Number.NaN }), 'bad-input', 'Blend: validation must give a number, got NaN');
});

test('Blend: nothing is left of the scores that were kept while choosing', async () => {
  const { train, test: held } = planted({ users: 100, items: 50, each: 12 }), blend = new Blend([new PurchaseHistory(), new Popularity()]);
  await blend.fit(train, { validation: held });
  const before = await settled();
  for (let round = 0; round < 3; round++) await blend.fit(train, { validation: held });
  await rejects(() => blend.fit(train, { validation: (model) => { if (model.recommend([0, 1]).items.length > 0) throw new RangeError('enough'); return 1; } }).catch((error: unknown) => { if (error instanceof RangeError) refuses(() => blend.scores([0]), 'not-fitted'); return blend.recommend([0]); }) as Promise<unknown>, 'not-fitted');
  assert.ok((await settled(before)) <= before);
});

test('Blend: while weights are chosen others get their turn: progress is told, and a timer can stop it', async () => {
  const { train, test: held } = planted({ users: 300, items: 150, each: 20 }), make = (): Blend => new Blend([new EASE({ lambda: 50 }), new Popularity(), new ItemKNN(), new PurchaseHistory()]), told: number[] = [];
  await make().fit(train, { validation: held, onStep: ({ step, steps }) => { assert.is(steps, 500); told.push(step); } });
  assert.ok(told.length > 1 && told.every((step, at) => step <= 500 && (at === 0 || step >= told[at - 1])) && told.at(-1)! >= 400, `${told}`);
  const stopped = new AbortController(), reason = new Error('enough'), blend = make();
  let judged = 0;
  try {
    await blend.fit(train, { signal: stopped.signal, validation: () => { // as slow as can be, and in one piece
      if (judged++ === 0) setTimeout(() => stopped.abort(reason), 0);
      for (const began = performance.now(); performance.now() - began < 40;);
      return -judged;
    } });
    assert.unreachable();
  } catch (error) { assert.is(error, reason); }
  assert.ok(judged < 4, `${judged} times`);
  assert.not(blend.fitted);
});

test('Blend: what cannot be blended', async () => {
  const data = shop(), history = new PurchaseHistory();
  const wrong: [unknown, object, string][] = [
    [[], {}, 'models must be an array of at least one model, got an empty one'], [undefined, {}, 'models must be an array of at least one model, got undefined'], ['EASE', {}, 'got "EASE"'],
    [[history, null], {}, 'model 1 must be a model such as new EASE(), got null'], [[EASE], {}, 'model 0 must be a model'], [[history, history], {}, 'model 1 must be a model of its own, it is the same object as model 0'],
    [[new Blend([history])], {}, 'model 0 must not be a blend itself'], [[history], { weights: [1, 2] }, 'weights must be an array of 1 finite number, one for each model, or null, got a list'],
    [[history], { weights: [Number.NaN] }, 'weights must be an array of 1 finite number'], [[history], {}, "weights must be given, or chosen by fit's option validation"], [[new EASE({ lambda: 0 })], { weights: [1] }, 'EASE: lambda must be a positive number, got 0'],
  ];
  for (const [models, settings, says] of wrong) await rejects(async () => new Blend(models as Recommender[], settings).fit(data), 'bad-setting', says);

  const [one, other] = [await new Popularity().fit(data), await new EASE().fit(shop('number'))];
  refuses(() => Blend.of([one, other], [1, 1]), 'bad-input', 'model 1, EASE, knows other users or items than model 0', 'the same encoders');
  refuses(() => Blend.of([one, new EASE()], [1, 1]), 'not-fitted', 'EASE: call fit');
  refuses(() => Blend.of([one], [1, 2]), 'bad-setting', 'an array of 1 finite number');
  refuses(() => Blend.of([one], null as unknown as number[]), 'bad-setting', 'a weight for each model, got null');
  refuses(() => (Blend.of as (models: Recommender[]) => Blend)([one]), 'bad-setting', 'Blend.of: expected a weight for each model, got undefined');

  const blend = Blend.of([one, await new EASE().fit(data)], [1, 1]);
  await one.fit(shop('number'));
  refuses(() => blend.scores([0]), 'bad-input', 'model 0, Popularity, knows other users or items than when it was blended');
  one.free();
  assert.not(blend.fitted);
  refuses(() => blend.scores([0]), 'not-fitted', 'Popularity: call fit');
});

test('Blend: a model that fails: before the first has changed nothing has, after it the blend is not fitted', async () => {
  const timeless = interactions(['user 01', 'user 02'], ['item 01', 'item 02']);
  const first = await new Blend([new PurchaseHistory({ halfLife: 5 }), new Popularity()], { weights: [1, 1] }).fit(shop()), before = toBytes(first);
  await rejects(() => first.fit(timeless), 'bad-input', 'no times');
  assert.equal(toBytes(first), before);
  const second = await new Blend([new Popularity(), new PurchaseHistory({ halfLife: 5 })], { weights: [1, 1] }).fit(shop());
  await rejects(() => second.fit(timeless), 'bad-input', 'no times');
  refuses(() => second.scores([0]), 'not-fitted', 'Blend');
  assert.not(second.fitted);
  await second.fit(shop());
  const stopped = new AbortController(), reason = new Error('enough'), options: FitOptions = { signal: stopped.signal };
  setTimeout(() => stopped.abort(reason), 20);
  try { await new Blend([new BPR({ epochs: 1000, batchSize: 20 }), new Popularity()], { weights: [1, 1] }).fit(shop(), options); assert.unreachable(); } catch (error) { assert.is(error, reason); }
});

// LogisticMatrixFactorization

test('LogisticMatrixFactorization does what a slow program does', async () => {
  for (const amounts of ['counts', 'log'] as const) {
    const data = shop(), U = SHOP_USERS, I = SHOP_ITEMS, settings = { factors: 5, epochs: 4, learningRate: 0.3, l2: 0.2, alpha: 1.5, amounts, seed: 9 }, { factors: K, l2, alpha } = settings, losses: number[] = [];
    const model = await new LogisticMatrixFactorization(settings).fit(data, { onEpoch: ({ loss }: EpochReport) => { losses.push(loss); } });

    const next = random(settings.seed), start = (size: number): Float64Array => Float64Array.from({ length: size }, () => Math.fround(Math.sqrt(2 / K) * (2 * next.uniform() - 1)));
    const tables = { user_factors: start(U * K), item_factors: start(I * K), user_bias: new Float64Array(U), item_bias: new Float64Array(I) }, sums = Object.values(tables).map((table) => new Float64Array(table.length));
    const r = new Float64Array(U * I);
    data.user.forEach((user, e) => { r[user * I + data.item[e]] += data.value![e]; });
    if (amounts === 'log') r.forEach((value, at) => { r[at] = Math.log1p(value); });
    const { user_factors: P, item_factors: Q, user_bias: b, item_bias: c } = tables;
    /** L, as the paper has it. */
    const loss = (): number => {
      let sum = 0;
      for (let u = 0; u < U; u++) for (let i = 0; i < I; i++) {
        const x = b[u] + c[i] + range(K).reduce((dot, k) => dot + P[u * K + k] * Q[i * K + k], 0), a = alpha * r[u * I + i];
        sum += (1 + a) * Math.log(1 + Math.exp(x)) - a * x;
      }
      return sum;
    };
    const penalty = (): number => l2 / 2 * (P.reduce((sum, x) => sum + x * x, 0) + Q.reduce((sum, x) => sum + x * x, 0));
    const slopes = (table: Float64Array): Float64Array => table.map((x, at) => { // by differences: no formula for the gradient in here
      const h = 1e-5;
      table[at] = x + h; const high = loss() + penalty();
      table[at] = x - h; const low = loss() + penalty();
      table[at] = x;
      return (high - low) / (2 * h);
    });
    const want: number[] = [];
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      want.push(loss() / (U * I));
      for (const side of [[P, b], [Q, c]]) {
        for (const [table, g] of side.map((table): [Float64Array, Float64Array] => [table, slopes(table)])) {
          const s = sums[Object.values(tables).indexOf(table)];
          for (const at of table.keys()) { s[at] += g[at] ** 2; table[at] -= settings.learningRate * g[at] / (Math.sqrt(s[at]) + 1e-10); }
        }
      }
    }
    assertClose(losses, want, 1e-4, 'losses');
    for (const [name, table] of Object.entries(tables)) assert.ok(maxAbsDiff(model.toState().tensors[name].data, table) < 2e-3, `${amounts}, ${name}: ${maxAbsDiff(model.toState().tensors[name].data, table)}`);
  }
});

test('LogisticMatrixFactorization: the more an event counts, the likelier is everything', async () => {
  const { train } = planted({ users: 60, items: 40, each: 10 }), means: number[] = [];
  for (const alpha of [0.3, 3, 30]) {
    const scores = (await new LogisticMatrixFactorization({ factors: 4, epochs: 60, alpha }).fit(train)).scores(range(60));
    means.push(scores.reduce((sum, x) => sum + 1 / (1 + Math.exp(-x)), 0) / scores.length);
  }
  assert.ok(means[0] < means[1] && means[1] < means[2] && means[0] < 0.15 && means[2] > 0.3, `${means}`);
});

test('LogisticMatrixFactorization: many steps an epoch are one step of the paper', async () => {
  // 1500 x 1500 pairs are more than a step takes: if a step of one side saw what another had moved, the order of the users would matter
  const next = random(3), n = 1500, events = range(6000).map(() => [next.below(n), next.below(n)]), turned = (row: number): number => n - 1 - row;
  const fit = async (user: (row: number) => number): Promise<LogisticMatrixFactorization> => {
    const ids = LabelEncoder.fit(range(n)), first = await new LogisticMatrixFactorization({ factors: 2, epochs: 1, seed: 1 }).fit(interactions(events.map(([u]) => user(u)), events.map(([, i]) => i), { users: ids, items: ids }));
    return first;
  };
  const [model, other] = [await fit((row) => row), await fit(turned)], bias = (m: Recommender): Float32Array => m.toState().tensors.user_bias.data as Float32Array;
  // the first step of AdaGrad is the rate, against the sign of the slope: with items at their start, nearly every user's bias falls by it
  assert.ok(bias(model).filter((b) => Math.abs(b + 1) < 1e-3).length > 0.99 * n && bias(other).filter((b) => Math.abs(b + 1) < 1e-3).length > 0.99 * n);
});

test.run();
