import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions, interactions } from '../../lib/data/index.ts';
import { BPR, type BPRSettings, type EpochReport, LogisticMF, type LogisticMFSettings, Popularity, PurchaseHistory, type Recommender, fromBytes, toBytes } from '../../lib/models.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { planted } from '../helpers/planted.ts';
import { rejects } from '../helpers/refuses.ts';
import { assertClose } from '../helpers/room.ts';
import { shop } from '../helpers/shop.ts';

/** What the settings do, in numbers: worked by hand, or by a slow program that shares nothing with the models but the generator. */
const test = suite('models/known');

const table = (model: Recommender, name: string): Float32Array => model.toState().tensors[name].data as Float32Array;
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const DAY = 86_400_000;

// counting

test('Popularity: sums of values, or of events', async () => {
  const model = await new Popularity().fit(interactions(['a', 'a', 'b', 'c'], ['x', 'y', 'y', 'z'], { values: [1, 2, 0.5, 7] }));
  assert.equal([...model.scores([0, 1])], [1, 2.5, 7, 1, 2.5, 7]);
  assert.equal(model.recommendFor('a', { excludeSeen: false }), [{ item: 'z', score: 7 }, { item: 'y', score: 2.5 }, { item: 'x', score: 1 }]);
  assert.equal(model.recommendFor('a'), [{ item: 'z', score: 7 }]);
  assert.equal([...(await new Popularity().fit(interactions(['a', 'a', 'a'], ['x', 'y', 'y']))).scores([0])], [1, 2]);
});

test('PurchaseHistory: a user\'s own events, and a little popularity', async () => {
  const model = await new PurchaseHistory().fit(interactions(['a', 'a', 'b', 'c', 'c'], ['x', 'y', 'y', 'y', 'z'], { values: [3, 2, 1, 1, 1] })); // x 3, y 4, z 1
  assertClose(model.scores([0, 1]), [3 + 0.00075, 2 + 0.001, 0.00025, 0.00075, 1 + 0.001, 0.00025], 1e-6, 'scores');
  assert.equal(model.recommendFor('b').map(({ item }) => item), ['y', 'x', 'z'], 'what was bought, then what is popular');
  assert.equal(model.recommendFor('b', { excludeSeen: true }).map(({ item }) => item), ['x', 'z']);
});

test('PurchaseHistory: with a half-life older events count for less', async () => {
  const times = [0, 10, 20, 20].map((day) => Date.UTC(2011, 0, 1) + day * DAY);
  const data = interactions(['a', 'a', 'a', 'b'], ['x', 'x', 'y', 'x'], { times, values: [8, 1, 1, 1] }), model = await new PurchaseHistory({ halfLife: 10 }).fit(data);
  assertClose(model.scores([0]), [8 / 4 + 1 / 2 + 0.001, 1 + 0.0001], 1e-6, 'scores'); // popularity does not fade: x 10, y 1
  await model.partialFit(interactions(['b'], ['y'], { times: [times[3] + 10 * DAY] }));
  assertClose(model.scores([0, 1]), [1.25 + 0.001, 0.5 + 0.0002, 0.5 + 0.001, 1 + 0.0002], 1e-6, 'ten days later');
  await model.partialFit(interactions(['b'], ['y'], { times: [times[0]] })); // an old event that comes in late counts for less at once
  assertClose(model.scores([1]), [0.5 + 0.001, 1 + 1 / 8 + 0.0003], 1e-6, 'late');
});

test('PurchaseHistory: a half-life needs times', async () => {
  await rejects(() => new PurchaseHistory({ halfLife: 10 }).fit(interactions(['a'], ['x'])), 'bad-input', 'halfLife is 10 days but these interactions have no times', 'halfLife: null');
  const model = await new PurchaseHistory({ halfLife: 10 }).fit(interactions(['a'], ['x'], { times: [0] })), before = toBytes(model);
  await rejects(() => model.partialFit(interactions(['a'], ['x'])), 'bad-input', 'no times');
  assert.equal(toBytes(model), before);
});

test('negative values (returns) count as what they are', async () => {
  const data = interactions(['a', 'a', 'b'], ['x', 'y', 'y'], { values: [-2, 1, -4] });
  assert.equal([...(await new Popularity().fit(data)).scores([0])], [-2, -3]);
  assert.equal((await new PurchaseHistory().fit(data)).recommendFor('a').map(({ item }) => item), ['y', 'x']);
});

// where BPR starts

test('BPR: vectors start uniform in ±√(2/K), or normal with the deviation asked for', async () => {
  const users = range(400), data = interactions(users, users.map((user) => user % 50)), still = { factors: 20, epochs: 1, stepsPerEpoch: 1, batchSize: 1, learningRate: 1e-30, l2: 0 };
  const spread = (model: Recommender): [deviation: number, largest: number] => { const U = table(model, 'user_factors'); return [Math.sqrt(U.reduce((sum, x) => sum + x * x, 0) / U.length), Math.max(...U.map(Math.abs))]; };
  const bound = Math.sqrt(2 / 20), [uniform, most] = spread(await new BPR(still).fit(data)), [normal, far] = spread(await new BPR({ ...still, initialScale: 0.001 }).fit(data));
  assert.ok(Math.abs(uniform - bound / Math.sqrt(3)) < 0.02 * bound && most <= bound, `${uniform} ${most}`);
  assert.ok(Math.abs(normal - 0.001) < 2e-5 && far > 0.003 && far < 0.006, `${normal} ${far}`);
  assert.equal(table(await new BPR({ ...still, initialScale: 0.002 }).fit(data), 'item_factors'), table(await new BPR({ ...still, initialScale: 0.001 }).fit(data), 'item_factors').map((x) => 2 * x), 'the same draws');
});

test('BPR from a small normal start, with few factors, large batches and verified negatives, as on Goodreads', async () => {
  const { train, test: held } = planted({ users: 300, items: 120, each: 32 }), auc = async (settings: object): Promise<number> => {
    const model = await new BPR({ factors: 8, initialScale: 0.001, batchSize: 50_000, verifyNegatives: true, learningRate: 0.02, epochs: 20, ...settings }).fit(train);
    const exact = evaluate(model, held, { exclude: train, metrics: ['auc'] }).auc, drawn = evaluate(model, held, { exclude: train, metrics: ['auc'], aucSamples: 50 }).auc;
    assert.ok(Math.abs(drawn - exact) < 0.01, `${drawn} ${exact}`);
    return exact;
  };
  const found = await auc({}), popular = evaluate(await new Popularity().fit(train), held, { exclude: train, metrics: ['auc'] }).auc;
  assert.ok(found > 0.87 && found > popular + 0.2, `${found} ${popular}`);
});

// the tables before and after a step

const logistic: LogisticMFSettings = { factors: 6, epochs: 1, learningRate: 0.05, l2: 1e-4, negatives: 3, batchSize: 1000, seed: 5 };
const ranking: BPRSettings = {
  preset: null, solver: 'adam', factors: 6, epochs: 1, stepsPerEpoch: 1, batchSize: 1000, learningRate: 0.05, learningRateDecay: 1, l2: 1e-4, itemL2: null, initialScale: null, initialBias: 0.3, verifyNegatives: false, drawNegatives: 'uniform', order: 'users',
  blocks: null, seed: 5,
};
const kinds = [
  { name: 'LogisticMF', one: (settings: object = {}) => new LogisticMF({ ...logistic, ...settings }), tables: ['user_factors', 'item_factors', 'user_bias', 'item_bias', 'global_bias'] },
  { name: 'BPR', one: (settings: object = {}) => new BPR({ ...ranking, ...settings }), tables: ['user_factors', 'item_factors', 'item_bias'] },
];
const STILL = { learningRate: 1e-30 }; // so small that nothing moves

for (const { name, one, tables } of kinds) {
  test(`${name}: the tables it learns, their names and shapes`, async () => {
    const model = await one().fit(shop()), { tensors, numbers } = model.toState();
    const shapes = { user_factors: [23, 6], item_factors: [17, 6], user_bias: [23, 1], item_bias: [17, 1], global_bias: [1] };
    assert.equal(Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, [...shape]])), Object.fromEntries(tables.map((name) => [name, shapes[name as keyof typeof shapes]])));
    assert.equal(numbers, { epochs: 1 });
  });

  test(`${name}: a score is the product of two rows, and the biases`, async () => {
    const model = await one({ epochs: 3 }).fit(shop()), U = table(model, 'user_factors'), V = table(model, 'item_factors'), c = table(model, 'item_bias'), K = 6;
    const b = name === 'BPR' ? new Float32Array(23) : table(model, 'user_bias'), a = name === 'BPR' ? 0 : table(model, 'global_bias')[0];
    const want = range(23).flatMap((u) => range(17).map((i) => a + b[u] + c[i] + range(K).reduce((sum, k) => sum + U[u * K + k] * V[i * K + k], 0)));
    assert.ok(maxAbsDiff(model.scores(range(23)), want) < 1e-5);
  });

  test(`${name}: tables start uniform in ±√(2 / factors), the same for the same seed`, async () => {
    for (const factors of [2, 8, 50]) {
      const model = await one({ ...STILL, factors }).fit(shop()), bound = Math.sqrt(2 / factors);
      for (const which of ['user_factors', 'item_factors']) {
        const w = table(model, which), mean = w.reduce((a, b) => a + b, 0) / w.length, deviation = Math.sqrt(w.reduce((sum, x) => sum + x * x, 0) / w.length), slack = 4 * bound / Math.sqrt(3 * w.length);
        assert.ok(w.every((x) => Math.abs(x) <= bound) && w.some((x) => Math.abs(x) > 0.8 * bound), `${factors} factors`);
        assert.ok(Math.abs(mean) < slack && Math.abs(deviation - bound / Math.sqrt(3)) < slack, `${mean} ${deviation}`);
      }
    }
  });

  test(`${name}: the first step of Adam is as long as the learning rate, against the gradient`, async () => {
    const [still, a, b] = await Promise.all([STILL, { learningRate: 0.01 }, { learningRate: 0.03 }].map(async (settings) => table(await one(settings).fit(shop()), 'item_factors')));
    let moved = 0;
    for (const [at, start] of still.entries()) {
      if (a[at] === start) continue; // no gradient
      moved++;
      assert.ok(Math.abs(Math.abs(a[at] - start) - 0.01) < 1e-4 && Math.abs(b[at] - start - 3 * (a[at] - start)) < 1e-5, `entry ${at}: ${start} ${a[at]} ${b[at]}`);
    }
    assert.ok(moved > 90, `${moved} of 102`);
  });

  test(`${name}: l2 pulls the factors to zero, and not the biases`, async () => {
    const [still, none, strong] = await Promise.all([STILL, { l2: 0 }, { l2: 1e4 }].map((settings) => one(settings).fit(shop())));
    for (const which of ['user_factors', 'item_factors']) {
      const start = table(still, which), end = table(strong, which);
      for (const [at, x] of start.entries()) if (end[at] !== x) assert.ok(Math.abs(end[at] - (x - 0.05 * Math.sign(x))) < 1e-4, `${which} ${at}`);
    }
    assert.equal([...table(strong, 'item_bias')], [...table(none, 'item_bias')]);
  });

  test(`${name}: a batch larger than the data is the data`, async () => {
    const n = shop().user.length;
    assert.equal(table(await one({ batchSize: n }).fit(shop()), 'user_factors'), table(await one({ batchSize: 1e9 }).fit(shop()), 'user_factors'));
    assert.not.equal(table(await one({ batchSize: n - 1 }).fit(shop()), 'user_factors'), table(await one({ batchSize: n }).fit(shop()), 'user_factors'));
  });
}

test('LogisticMF: biases start uniform in ±√2, the global one at zero', async () => {
  const model = await new LogisticMF({ ...logistic, ...STILL }).fit(shop());
  for (const which of ['user_bias', 'item_bias']) assert.ok(table(model, which).every((x) => Math.abs(x) <= Math.SQRT2) && table(model, which).some((x) => Math.abs(x) > 1));
  assert.ok(Math.abs(table(model, 'global_bias')[0]) < 1e-29);
});

test('LogisticMF: the more negatives, the less likely is anything', async () => {
  const means: number[] = [];
  for (const negatives of [1, 3, 9]) {
    const model = await new LogisticMF({ ...logistic, epochs: 300, negatives, l2: 1e-3 }).fit(planted({ users: 40, items: 30, each: 8 }).train), scores = model.scores(range(40));
    means.push(scores.reduce((sum, x) => sum + 1 / (1 + Math.exp(-x)), 0) / scores.length);
  }
  // six of thirty items, so an event is 5 times as likely as by lot: p = 5 s / (5 s + negatives) for those, 0 else; about
  assert.ok(means[0] > 1.5 * means[1] && means[1] > 1.5 * means[2] && means[2] > 0.02 && means[0] < 0.5, `${means}`);
});

test('BPR: initialBias is the bound of the biases at the start', async () => {
  for (const initialBias of [0, 0.3, 2]) {
    const c = table(await new BPR({ ...ranking, ...STILL, initialBias }).fit(shop()), 'item_bias');
    assert.ok(c.every((x) => Math.abs(x) <= initialBias + 1e-29) && (initialBias === 0 || c.some((x) => Math.abs(x) > 0.6 * initialBias)));
  }
});

test('BPR: stepsPerEpoch null is as many as draw all events, and at least 30', async () => {
  const data = shop(), n = data.user.length, same = async (a: object, b: object): Promise<boolean> => maxAbsDiff(table(await new BPR({ ...ranking, ...a }).fit(data), 'user_factors'), table(await new BPR({ ...ranking, ...b }).fit(data), 'user_factors')) === 0;
  assert.ok(await same({ stepsPerEpoch: null, batchSize: 10_000 }, { stepsPerEpoch: 30, batchSize: n }));
  assert.ok(await same({ stepsPerEpoch: null, batchSize: 3 }, { stepsPerEpoch: Math.ceil(n / 3), batchSize: 3 }));
  assert.not(await same({ stepsPerEpoch: null, batchSize: 3 }, { stepsPerEpoch: 30, batchSize: 3 }));
});

test("BPR: preset 'chapter' is the settings of the study, beside which others can be given", async () => {
  const study = { ...new BPR().settings, factors: 128, epochs: 75, stepsPerEpoch: 30, batchSize: 15000, learningRate: 0.0005, l2: 1e-7, initialBias: Math.SQRT2, verifyNegatives: false, seed: 1, preset: 'chapter' as const };
  assert.equal(new BPR({ preset: 'chapter' }).settings, study);
  assert.equal(new BPR({ preset: 'chapter', factors: 3, epochs: undefined }).settings, { ...study, factors: 3 });
  assert.is.not(new BPR().settings.learningRate, study.learningRate);
  const quick = { factors: 4, epochs: 2, stepsPerEpoch: 3 }, { initialBias, learningRate } = study;
  const [preset, spelled, own] = await Promise.all([{ preset: 'chapter' as const }, { initialBias, learningRate }, {}].map(async (settings) => table(await new BPR({ ...quick, ...settings }).fit(shop()), 'item_bias')));
  assert.equal(preset, spelled);
  assert.not.equal(preset, own);
});

test('LogisticMF: the defaults are those of the study', () => {
  assert.equal(new LogisticMF().settings, { factors: 128, epochs: 10, learningRate: 0.005, l2: 1e-7, negatives: 5, batchSize: 5000, seed: 1 });
});

/** Two users who have all of ten items but the last; the second has that as well. */
const nearlyAll = (): Interactions => interactions([...range(9).map(() => 'a'), ...range(10).map(() => 'b')], [...range(9), ...range(10)]);

test('BPR: itemL2 null is l2', async () => {
  for (const solver of ['adam', 'sgd'] as const) {
    const [none, same, other] = await Promise.all([null, 0.02, 0.01].map(async (itemL2) => table(await new BPR({ ...ranking, solver, l2: 0.02, itemL2 }).fit(shop()), 'item_factors')));
    assert.equal(none, same, solver);
    assert.ok(maxAbsDiff(none, other) > 0, solver);
  }
});

test('BPR: the two solvers learn as many factors by default', () => assert.is(new BPR({ solver: 'sgd' }).settings.factors, new BPR().settings.factors));

test('BPR: verifyNegatives takes as the other item only what the user has not met', async () => {
  // all that a and b have in common is never the worse one of a pair, so its bias only rises
  const data = nearlyAll(), some = interactions(range(9).map(() => 'a'), range(9), { users: data.users, items: data.items });
  const bias = async (verifyNegatives: boolean): Promise<Float32Array> => table(await new BPR({ ...ranking, initialBias: 0, stepsPerEpoch: 20, batchSize: 9, verifyNegatives }).fit(some), 'item_bias');
  const [verified, plain] = [await bias(true), await bias(false)];
  assert.ok(verified.subarray(0, 9).every((c) => c > 0) && verified[9] < 0, `${verified}`);
  assert.ok(plain.subarray(0, 9).some((c) => c < verified[0]), `${plain}`);
});

test('BPR: verifyNegatives remembers, in partialFit, what the user had met before', async () => {
  const data = nearlyAll(), settings = { ...ranking, stepsPerEpoch: 10, verifyNegatives: true };
  const model = fromBytes(toBytes(await new BPR(settings).fit(data))), before = table(model, 'item_bias').slice(); // loaded, so that Adam has no momentum left
  await model.partialFit(interactions(['a'], [0], { users: data.users, items: data.items }));
  const moved = range(10).filter((item) => table(model, 'item_bias')[item] !== before[item]);
  assert.equal(moved, [0, 9], 'the one it met again, and the only one it never met');
});

// a slow program

/** Adam in float64, over all entries at every step. */
class SlowAdam {
  readonly #moments = new Map<Float64Array, { m: Float64Array; v: Float64Array; t: number }>();
  readonly #rate: number;
  constructor(rate: number) { this.#rate = rate; }
  step(w: Float64Array, g: Float64Array): void {
    const state = this.#moments.get(w) ?? { m: new Float64Array(w.length), v: new Float64Array(w.length), t: 0 };
    this.#moments.set(w, state);
    state.t++;
    for (const at of w.keys()) {
      state.m[at] = 0.9 * state.m[at] + 0.1 * g[at];
      state.v[at] = 0.999 * state.v[at] + 0.001 * g[at] ** 2;
      w[at] -= this.#rate * (state.m[at] / (1 - 0.9 ** state.t)) / (Math.sqrt(state.v[at] / (1 - 0.999 ** state.t)) + 1e-8);
    }
  }
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const uniform = (n: number, bound: number, next: () => number): Float64Array => Float64Array.from({ length: n }, () => Math.fround(bound * (2 * next() - 1)));

test('LogisticMF does what a slow program does', async () => {
  const data = shop(), n = data.user.length, m = 23, items = 17, losses: number[] = [];
  const settings = { factors: 5, epochs: 3, learningRate: 0.02, l2: 1e-3, negatives: 2, batchSize: 50, seed: 9 }, { factors: K, l2, negatives } = settings;
  const model = await new LogisticMF(settings).fit(data, { onEpoch: ({ loss }: EpochReport) => { losses.push(loss); } });

  const next = random(settings.seed), bound = Math.sqrt(2 / K), adam = new SlowAdam(settings.learningRate);
  const U = uniform(m * K, bound, next.uniform), V = uniform(items * K, bound, next.uniform), b = uniform(m, Math.SQRT2, next.uniform), c = uniform(items, Math.SQRT2, next.uniform), a = new Float64Array(1);
  const want: number[] = [];
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    const order = next.shuffle(Int32Array.from(range(n)));
    let total = 0, steps = 0;
    for (let from = 0; from < n; from += settings.batchSize) {
      const events = order.subarray(from, from + settings.batchSize), users = Int32Array.from({ length: negatives * events.length }), others = users.slice();
      for (const at of users.keys()) users[at] = next.below(m);
      for (const at of others.keys()) others[at] = next.below(items);
      const pairs = [...Array.from(events, (e) => [data.user[e], data.item[e], 1]), ...Array.from(users, (user, at) => [user, others[at], 0])], B = pairs.length;
      const [dU, dV, db, dc, da] = [U, V, b, c, a].map((w) => new Float64Array(w.length));
      let loss = 0;
      for (const [u, i, y] of pairs) {
        let x = a[0] + b[u] + c[i];
        for (let k = 0; k < K; k++) x += U[u * K + k] * V[i * K + k];
        loss -= y === 1 ? Math.log(sigmoid(x)) : Math.log(1 - sigmoid(x));
        const g = (sigmoid(x) - y) / B;
        for (let k = 0; k < K; k++) { dU[u * K + k] += g * V[i * K + k] + 2 * l2 * U[u * K + k]; dV[i * K + k] += g * U[u * K + k] + 2 * l2 * V[i * K + k]; }
        db[u] += g; dc[i] += g; da[0] += g;
      }
      for (const [w, g] of [[U, dU], [V, dV], [b, db], [c, dc], [a, da]]) adam.step(w, g);
      total += loss / B;
      steps++;
    }
    want.push(total / steps);
  }
  assertClose(losses, want, 1e-4, 'losses');
  for (const [name, w] of [['user_factors', U], ['item_factors', V], ['user_bias', b], ['item_bias', c], ['global_bias', a]] as [string, Float64Array][]) assert.ok(maxAbsDiff(table(model, name), w) < 2e-4, `${name}: ${maxAbsDiff(table(model, name), w)}`);
});

test('BPR does what a slow program does', async () => {
  const data = shop(), n = data.user.length, m = 23, items = 17, losses: number[] = [];
  const settings = { factors: 5, epochs: 3, stepsPerEpoch: 4, learningRate: 0.02, l2: 1e-3, itemL2: 3e-3, batchSize: 50, initialBias: 0.5, seed: 9 }, { factors: K, l2, itemL2, batchSize: B } = settings;
  const model = await new BPR(settings).fit(data, { onEpoch: ({ loss }: EpochReport) => { losses.push(loss); } });

  const next = random(settings.seed), bound = Math.sqrt(2 / K), adam = new SlowAdam(settings.learningRate);
  const U = uniform(m * K, bound, next.uniform), V = uniform(items * K, bound, next.uniform), c = uniform(items, settings.initialBias, next.uniform), want: number[] = [];
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    let total = 0;
    for (let step = 0; step < settings.stepsPerEpoch; step++) {
      const events = range(B).map(() => next.below(n)), others = range(B).map(() => next.below(items));
      const [dU, dV, dc] = [U, V, c].map((w) => new Float64Array(w.length));
      for (const [at, e] of events.entries()) {
        const u = data.user[e] * K, i = data.item[e] * K, j = others[at] * K;
        let x = c[data.item[e]] - c[others[at]];
        for (let k = 0; k < K; k++) x += U[u + k] * (V[i + k] - V[j + k]);
        total -= Math.log(sigmoid(x)) / B;
        const g = -sigmoid(-x) / B;
        for (let k = 0; k < K; k++) {
          dU[u + k] += g * (V[i + k] - V[j + k]) + 2 * l2 * U[u + k];
          dV[i + k] += g * U[u + k] + 2 * itemL2 * V[i + k];
          dV[j + k] += -g * U[u + k] + 2 * itemL2 * V[j + k];
        }
        dc[data.item[e]] += g;
        dc[others[at]] -= g;
      }
      for (const [w, g] of [[U, dU], [V, dV], [c, dc]]) adam.step(w, g);
    }
    want.push(total / settings.stepsPerEpoch);
  }
  assertClose(losses, want, 1e-4, 'losses');
  for (const [name, w] of [['user_factors', U], ['item_factors', V], ['item_bias', c]] as [string, Float64Array][]) assert.ok(maxAbsDiff(table(model, name), w) < 2e-4, `${name}: ${maxAbsDiff(table(model, name), w)}`);
});

test('likeness is that of the vectors as they are, also while training moves them', async () => {
  const model = new BPR({ factors: 4, seed: 1, epochs: 1 }), asked: Float32Array[] = [];
  const check = (): void => {
    const { data, shape: [n, K] } = model.answers.vectors!.item, dot = (a: number, b: number): number => { let sum = 0; for (let k = 0; k < K; k++) sum += data[a * K + k] * data[b * K + k]; return sum; };
    const { items, scores } = model.similarItems([0], { k: n });
    for (let at = 0; at < n - 1; at++) assert.ok(Math.abs(scores[at] - dot(0, items[at]) / Math.sqrt(dot(0, 0) * dot(items[at], items[at]))) < 1e-5);
    asked.push(scores);
  };
  await model.fit(shop());
  check();
  for (let more = 0; more < 2; more++) {
    await model.partialFit(shop(), { onEpoch: () => { check(); for (const end = performance.now() + 40; performance.now() < end;); }, onStep: check }); // onStep is asked every 30 ms
    check();
  }
  assert.is.not(String(asked[0]), String(asked.at(-1)));
});

test.run();
