import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse, scope } from '../../kernels/memory.ts';
import * as ops from '../../lib/autodiff/ops/index.ts';
import { checkGrad } from '../../lib/autodiff/index.ts';
import { type Interactions, LabelEncoder, category, interactions, selectEvents, sideTable } from '../../lib/data/index.ts';
import { HistoryToNext, type HistoryToNextOptions, type HistoryToNextSettings, type ModelState, fromBytes, toBytes } from '../../lib/models.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { historiesOf, lastOf, meanBags } from '../../lib/models/histories.ts';
import { namedParameters, newHistoryNetwork, queries } from '../../lib/models/historyNetwork.ts';
import { random } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { withTables } from '../helpers/withTables.ts';

const test = suite('models/historyToNext');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const tiny: Partial<HistoryToNextSettings> = { factors: 5, history: 3, layers: [7, 4], epochs: 3, batchSize: 20, learningRate: 0.02, dropout: 0 };
const still = { ...tiny, learningRate: 1e-30, epochs: 1, batchSize: 1e6 };

/** The same events in another order. */
const shuffled = (data: Interactions, seed: number): Interactions => selectEvents(data, random(seed).shuffle(Int32Array.from(data.user.keys())));
const withTimes = (data: Interactions, time: ArrayLike<number>): Interactions => ({ ...data, time: Float64Array.from(time), matrix: data.matrix });

/** Users whose items follow one another in a fixed order, from anywhere on; or, in every other place, from any item on. An hour lies between two events. */
function chain({ users = 60, items = 15, length = 20, breaks = false, seed = 1 } = {}): Interactions {
  const next = random(seed), ring = next.shuffle(Int32Array.from(range(items))), after = range(items).map((item) => ring[(ring.indexOf(item) + 1) % items]), events: [user: number, item: number, time: number][] = [];
  for (let user = 0; user < users; user++) {
    for (let at = 0, item = next.below(items); at < length; at++) {
      events.push([user, item, 3_600_000 * at]);
      item = breaks && at % 2 === 1 ? next.below(items) : after[item];
    }
  }
  return interactions(events.map(([user]) => user), events.map(([, item]) => item), { times: events.map(([, , time]) => time), items: LabelEncoder.fit(range(items)) });
}

/** How often the item that came was the one expected, of the events that `of` takes by their number among the user's. */
function accuracy(model: HistoryToNext, data: Interactions, of: (at: number) => boolean = (at) => at > 0): number {
  const { items } = model.recommendNext(data, { k: 1, excludeSeen: false }), { place, indptr } = historiesOf(data, data.users.size), some = range(data.user.length).filter((e) => of(place[e] - indptr[data.user[e]]));
  return some.filter((e) => items[e] === data.item[e]).length / some.length;
}

/** The network again, slowly, in double precision, from a model file: the logit of each item after a history, with entries of features [column, value] beside it. */
function slowLogits({ tensors }: ModelState, history: readonly number[], beside: readonly [column: number, value: number][] = []): number[] {
  const table = (name: string): number[][] => { const { shape: [rows, K], data } = tensors[name]; return range(rows).map((row) => [...data.subarray(row * K, row * K + K)]); };
  const E = table('item_embedding'), V = table('item_factors'), depth = Object.keys(tensors).filter((name) => /^layer_\d+$/.test(name)).length;
  let h = E[0].map((_, k) => history.reduce((sum, item) => sum + E[item][k] / history.length, 0));
  for (let layer = 0; layer < depth; layer++) {
    const W = table(`layer_${layer}`), [bias] = table(`bias_${layer}`), x = layer === 0 ? h : h.map((value) => Math.max(0, value));
    h = bias.map((b, n) => b + x.reduce((sum, value, k) => sum + value * W[k][n], 0) + (layer === 0 ? beside.reduce((sum, [column, value]) => sum + value * table('user_feature_layer')[column][n], 0) : 0));
  }
  return V.map((row) => row.reduce((sum, value, k) => sum + value * h[k], 0));
}
const surprise = (x: readonly number[], item: number): number => Math.log(x.reduce((sum, value) => sum + Math.exp(value), 0)) - x[item];
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const lossOf = async (model: HistoryToNext, data: Interactions): Promise<number> => { let found = Number.NaN; await model.fit(data, { onEpoch: ({ loss }) => { found = loss; } }); return found; };

// histories

test('histories by hand: in the order of time; events of one moment are not each other\'s; without times the order of the rows', () => {
  //                  b  a  a  b  a  a  b
  const user = Int32Array.of(1, 0, 0, 1, 0, 0, 1), item = Int32Array.of(5, 9, 3, 7, 1, 4, 6), time = Float64Array.of(20, 30, 10, 10, 30, 40, 20);
  const { indptr, items, before, place } = historiesOf({ user, item, time }, 3);
  assert.equal([[...indptr], [...items], [...before], [...place]], [[0, 4, 7, 7], [3, 1, 9, 4, 7, 5, 6], [0, 1, 1, 3, 4, 5, 5], [5, 2, 0, 4, 1, 3, 6]]);
  const rows = historiesOf({ user, item, time: null }, 3);
  assert.equal([[...rows.items], [...rows.before]], [[9, 3, 1, 4, 5, 7, 6], [0, 1, 2, 3, 4, 5, 6]]);
});

test('histories go on from what is known from earlier', () => {
  const earlier = { indptr: Int32Array.of(0, 2, 2, 3), items: Int32Array.of(8, 9, 7) }, { indptr, items, before, place } = historiesOf({ user: Int32Array.of(0, 1, 0), item: Int32Array.of(1, 2, 3), time: null }, 3, earlier);
  assert.equal([[...indptr], [...items], [...place]], [[0, 4, 5, 6], [8, 9, 1, 3, 2, 7], [2, 4, 3]]);
  assert.equal(Array.from(place, (at) => before[at]), [2, 4, 3]);
  const tied = historiesOf({ user: Int32Array.of(0, 0), item: Int32Array.of(3, 1), time: Float64Array.of(5, 5) }, 3, earlier);
  assert.equal(Array.from(tied.place, (at) => tied.before[at]), [2, 2]);
});

test('the last n of each, and the bags of their means', () => {
  const { indptr, items } = lastOf({ indptr: Int32Array.of(0, 4, 4, 5), items: Int32Array.of(1, 2, 3, 4, 5) }, 2);
  assert.equal([[...indptr], [...items]], [[0, 2, 2, 3], [3, 4, 5]]);
  const bag = meanBags(Int32Array.of(1, 2, 3, 4, 5), Int32Array.of(0, 0, 2), Int32Array.of(4, 0, 3), 3);
  assert.equal([[...bag.indptr], [...bag.indices], [...bag.values]], [[0, 3, 3, 4], [2, 3, 4, 3], [Math.fround(1 / 3), Math.fround(1 / 3), Math.fround(1 / 3), 1]]);
});

// what it computes

test('logits and loss, through the network one by one: the mean of the last N, nothing of none', async () => {
  const data = chain({ users: 4, length: 6 }), model = new HistoryToNext(still), loss = await lossOf(model, data), state = model.toState(), { indptr, items } = historiesOf(data, 4);
  const at = range(24), history = (place: number): number[] => [...items.subarray(Math.max(place - 3, indptr[Math.floor(place / 6)]), place)];
  assert.ok(Math.abs(loss - mean(at.map((place) => surprise(slowLogits(state, history(place)), items[place])))) < 1e-5);
  for (const user of range(4)) assert.ok(maxAbsDiff(model.scores([user]), slowLogits(state, [...items.subarray(6 * user + 3, 6 * user + 6)])) < 1e-5);
  const { scores, items: best } = model.recommendNext(data, { k: 15, excludeSeen: false });
  for (const e of range(24)) { const x = slowLogits(state, history(e)); for (const n of range(15)) assert.ok(Math.abs(scores[e * 15 + n] - x[best[e * 15 + n]]) < 1e-5); }
});

test('features of users and the age of an example go in beside it, and what is asked is asked as of the last', async () => {
  const data = chain({ users: 4, length: 4 }), table = sideTable(range(4), { job: ['cook', 'nurse', 'cook', 'nurse'] }), model = new HistoryToNext({ ...still, userFeatures: { job: category() }, exampleAge: 1 / 24 });
  let loss = Number.NaN;
  await model.fit(data, { userTable: table, onEpoch: (report) => { loss = report.loss; } });
  const state = model.toState(), { items } = historiesOf(data, 4), beside = (user: number, age: number): [number, number][] => [[user % 2, 1], [2 + age, 1]];
  assert.equal([state.tensors.user_feature_layer.shape, state.numbers.ageSteps], [[6, 7], 4]);
  assert.ok(Math.abs(loss - mean(range(16).map((place) => surprise(slowLogits(state, [...items.subarray(Math.max(place - place % 4, place - 3), place)], beside(Math.floor(place / 4), 3 - place % 4)), items[place])))) < 1e-5);
  for (const user of range(4)) assert.ok(maxAbsDiff(model.scores([user]), slowLogits(state, [...items.subarray(4 * user + 1, 4 * user + 4)], beside(user, 0))) < 1e-5);
  const stranger = interactions([77, 77], [3, 3], { items: data.items }), x = slowLogits(state, [3], [[2, 1]]), { items: best, scores } = model.recommendNext(stranger, { k: 1 });
  assert.is(scores[1], Math.fround(scores[1]));
  assert.ok(Math.abs(scores[1] - x[best[1]]) < 1e-5, 'of a stranger the age alone');
});

test('sampled softmax by hand: the items of the batch and those drawn, each as often as it is there, over how often it is expected', async () => {
  const data = chain({ users: 3, items: 9, length: 5 }), negatives = 6, model = new HistoryToNext({ ...still, loss: 'sampled', negatives, seed: 4 }), loss = await lossOf(model, data), state = model.toState(), { items } = historiesOf(data, 3), B = 15;
  const next = random(4);
  newHistoryNetwork({ nItems: 9, factors: 5, layers: [7, 4], columns: 0 }, next);
  const order = next.shuffle(Int32Array.from(range(B))), there = [...Array.from(order, (place) => items[place]), ...range(negatives).map(() => next.below(9))];
  const expected = (n: number): number => items.filter((item) => item === n).length + negatives / 9;
  const want = mean(Array.from(order, (place, b) => {
    const x = slowLogits(state, [...items.subarray(Math.max(place - place % 5, place - 3), place)]), odds = (n: number): number => Math.exp(x[n]) / expected(n), own = items[place];
    return Math.log(there.reduce((sum, n, at) => sum + (n !== own || at === b ? odds(n) : 0), 0) / odds(own));
  }));
  assert.ok(Math.abs(loss - want) < 1e-5, `${loss}, by hand ${want}`);
});

test('the gradient agrees with differences, through the whole network', () => {
  const next = random(3), network = newHistoryNetwork({ nItems: 6, factors: 3, layers: [5, 4], columns: 2 }, next), parameters = Object.values(namedParameters(network));
  for (const w of parameters) for (let at = 0; at < w.size; at++) w.data[at] = next.uniform() - 0.5;
  for (let unit = 0; unit < 5; unit++) network.layers[0].bias.data[unit] = unit % 2 === 0 ? 3 : -3; // far from where a ReLU bends
  const known = { indptr: Int32Array.of(0, 1, 1, 3), indices: Int32Array.of(0, 0, 1), values: Float32Array.of(1, 0.5, 2) }, y = Int32Array.of(1, 4, 1);
  const run = (options: object) => checkGrad((tape) => ops.retrievalLoss(tape, queries(tape, network, meanBags(Int32Array.of(0, 1, 2, 3, 3), Int32Array.of(0, 0, 2), Int32Array.of(2, 0, 5), 9), known), network.output, y, options), parameters, { h: 3e-3 });
  run({});
  run({ logQ: Float32Array.from(range(6), (n) => Math.log(0.2 + 0.3 * n)), counts: Float32Array.of(1, 2, 1, 1, 3, 1), removeHits: true });
});

test('how it starts: items normal around 0, layers as wide as their inputs and outputs say, biases 0', () => {
  const { embedding, layers, output } = newHistoryNetwork({ nItems: 400, factors: 20, layers: [30, 10], columns: 0 }, random(1)), deviation = (x: Float32Array): number => Math.sqrt(mean([...x].map((value) => value ** 2)));
  for (const { data } of [embedding, output]) assert.ok(Math.abs(deviation(data) - 0.1) < 0.005);
  layers.forEach(({ W: { data }, bias }, at) => { const bound = Math.sqrt(6 / (at === 0 ? 50 : 40)); assert.ok(data.every((x) => Math.abs(x) <= bound) && data.some((x) => x > 0.9 * bound) && bias.data.every((x) => x === 0)); });
});

// time

for (const loss of ['softmax', 'sampled'] as const) {
  test(`${loss}: an item that follows from the one before is found, and only in the order of time`, async () => {
    const data = chain(), settings: Partial<HistoryToNextSettings> = { factors: 12, history: 1, layers: [12], epochs: 25, batchSize: 100, learningRate: 0.03, dropout: 0, loss, negatives: 8 }, fit = (events: Interactions): Promise<HistoryToNext> => new HistoryToNext(settings).fit(events);
    const found = accuracy(await fit(shuffled(data, 1)), chain({ seed: 1, users: 10 }));
    assert.ok(found > 0.98, `${found}`);
    const anyTime = withTimes(data, random(5).shuffle(Int32Array.from(data.time!))), lost = accuracy(await fit(anyTime), data);
    assert.ok(lost < 0.25, `${lost} of times that say nothing, and by chance 0.07`);
  });
}

test('horizon: an item some events ahead is learned as well as the next', async () => {
  const data = chain(), fit = (horizon: number): Promise<HistoryToNext> => new HistoryToNext({ factors: 12, history: 1, horizon, layers: [12], epochs: 25, batchSize: 100, learningRate: 0.03, dropout: 0 }).fit(data), { items } = historiesOf(data, 60);
  const after = new Map(range(19).map((at) => [items[at], items[at + 1]])), ahead = (item: number, n: number): number => (n === 0 ? item : ahead(after.get(item)!, n - 1));
  const [one, four] = [(await fit(1)).session(), (await fit(4)).session()].map((session) => session.add(items[5]).top(4));
  assert.equal(one[0].item, ahead(items[5], 1));
  assert.equal(new Set(four.map(({ item }) => item)), new Set(range(4).map((n) => ahead(items[5], n + 1))));
  assert.ok(four[3].score > four[0].score - 1.5 && one[1].score < one[0].score - 2, `${four.map(({ score }) => score)}, ${one.map(({ score }) => score)}`);
});

test('the future does not leak: what the next item tells of this one is not used', async () => {
  const data = chain({ breaks: true, users: 150 }), model = await new HistoryToNext({ factors: 12, history: 20, layers: [24, 12], epochs: 15, batchSize: 100, learningRate: 0.02, dropout: 0 }).fit(data);
  const follows = accuracy(await new HistoryToNext({ factors: 12, history: 1, layers: [12], epochs: 25, batchSize: 100, learningRate: 0.03, dropout: 0 }).fit(data), data, (at) => at % 2 === 1), free = accuracy(model, data, (at) => at % 2 === 0);
  assert.ok(follows > 0.98 && free < 0.3, `${follows} of those that follow, ${free} of those that any item may be, by chance 0.07`);
});

test('lists before an event do not depend on what comes after it, or at the same moment', async () => {
  const data = chain({ users: 5 }), model = await new HistoryToNext(tiny).fit(data), lists = model.recommendNext(data, { k: 4 });
  const cut = 3_600_000 * 11, other = { ...data, item: data.item.map((item, e) => (data.time![e] >= cut ? (item + 3) % 15 : item)), matrix: data.matrix }, again = model.recommendNext(other, { k: 4 });
  for (const e of range(data.user.length)) if (data.time![e] <= cut) assert.equal(again.items.slice(4 * e, 4 * e + 4), lists.items.slice(4 * e, 4 * e + 4));
  assert.not.equal(again.items, lists.items);
});

test('the order of the rows does not matter where there are times, those of one moment among them; where there are none it is the order', async () => {
  const data = chain({ users: 9 }), settings = { ...tiny, exampleAge: 0.2, dropout: 0.2, loss: 'sampled' as const }, coarse = withTimes(data, data.time!.map((t) => Math.floor(t / 1e7)));
  for (const events of [data, coarse]) {
    const bytes = toBytes(await new HistoryToNext(settings).fit(events));
    for (const seed of [1, 2]) assert.equal(toBytes(await new HistoryToNext(settings).fit(shuffled(events, seed))), bytes);
  }
  const untimed: Interactions = { ...data, time: null, matrix: data.matrix }, bytes = toBytes(await new HistoryToNext(tiny).fit(untimed));
  assert.equal(bytes, toBytes(await new HistoryToNext(tiny).fit(data)));
  assert.not.equal(bytes, toBytes(await new HistoryToNext(tiny).fit(shuffled(untimed, 1))));
});

test('exampleAge: what has become popular is what is asked for', async () => {
  // items 0 to 4 in the first hundred days, 5 to 9 in the last ten, which are a tenth of all
  const next = random(2), days = range(2000).map(() => next.below(110)), data = interactions(days.map((_, e) => e), days.map((day) => (day < 100 ? next.below(5) : 5 + next.below(5))), { times: days.map((day) => day * 86_400_000) });
  const settings = { factors: 4, layers: [4], epochs: 40, batchSize: 100, learningRate: 0.03 }, late = (model: HistoryToNext): number => model.session().top(5).filter(({ item }) => (item as number) >= 5).length;
  assert.is(late(await new HistoryToNext({ ...settings, exampleAge: 10 }).fit(data)), 5);
  assert.is(late(await new HistoryToNext(settings).fit(data)), 0);
  if (memoryUse().limit > 0) await rejects(() => new HistoryToNext({ ...settings, exampleAge: 1e-9 }).fit(data), 'out-of-memory', 'HistoryToNext.fit: tables of 10 items', 'use fewer factors or smaller layers');
  await rejects(() => new HistoryToNext({ exampleAge: 10 }).fit(interactions([0], [1])), 'bad-input', 'HistoryToNext.fit: exampleAge is 10 days but these interactions have no times', 'exampleAge: null');
});

// quality

test('sampled softmax comes to what softmax over all items comes to', async () => {
  const { train, test: held } = planted({ users: 300, items: 120, each: 32 }), found: number[] = [];
  for (const loss of ['softmax', 'sampled'] as const) {
    for (const seed of [1, 2]) found.push(evaluate(await new HistoryToNext({ factors: 8, layers: [16, 8], history: 40, epochs: 30, batchSize: 300, learningRate: 0.01, loss, negatives: 20, seed }).fit(train), held.matrix, { exclude: train.matrix }).ndcg);
  }
  const [a, b, c, d] = found;
  assert.ok(Math.abs((a + b) / 2 - (c + d) / 2) < 0.03 && Math.min(...found) > 0.5, `${found}`);
});

test('a user of whom only features are known gets what others like them begin with', async () => {
  const next = random(4), events = range(80).flatMap((user) => range(6).map((at) => [user, 10 * (user % 2) + next.below(10), at])), data = interactions(events.map(([user]) => user), events.map(([, item]) => item), { times: events.map(([, , at]) => at) });
  const model = await new HistoryToNext({ factors: 6, layers: [8], epochs: 40, batchSize: 60, learningRate: 0.03, userFeatures: { side: category() } }).fit(data, { userTable: sideTable(range(80), { side: range(80).map((user) => (user % 2 ? 'odd' : 'even')) }) });
  const { items } = model.recommendNext(interactions([6, 7], [0, 0], { items: data.items }), { k: 5 });
  assert.equal([...items].map((item) => Math.floor(item / 10)), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
});

// answers

test('session, recommendNext and recommendFor agree to the bit', async () => {
  const data = chain({ users: 6, length: 8 }), model = await new HistoryToNext(tiny).fit(data), k = 6;
  const { items, scores } = model.recommendNext(data, { k }), { place, indptr } = historiesOf(data, 6);
  for (const user of range(6)) {
    assert.equal(model.session(user).top(k), model.recommendFor(user, { k }));
    const session = model.session('stranger'), mine = range(data.user.length).filter((e) => data.user[e] === user).sort((a, b) => place[a] - place[b]);
    for (const e of mine) {
      assert.equal(session.top(k), [...items.subarray(e * k, e * k + k)].flatMap((item, n) => (item < 0 ? [] : [{ item: data.items.decode(item), score: scores[e * k + n] }])), `place ${place[e] - indptr[user]}`);
      session.add(data.items.decode(data.item[e]));
    }
    assert.equal(session.top(k), model.recommendFor(user, { k }), 'the same history, whoever has it');
    assert.equal(session.items, mine.map((e) => data.item[e]));
  }
});

test('a session goes on from the user\'s own history; sessions do not know of each other; add can be chained', async () => {
  const data = chain({ users: 3, length: 5 }), model = await new HistoryToNext(tiny).fit(data), own = [...data.item.subarray(2, 5)], one = model.session(0), other = model.session(0);
  assert.equal(one.items, own);
  one.add(11).add(2);
  assert.equal([one.items, other.items], [[...own, 11, 2], own]);
  assert.equal(one.top(15).map(({ item }) => item).includes(11), false);
  assert.not.equal(one.top(), other.top());
  assert.equal(other.top(), model.recommendFor(0));
  assert.equal([model.session().items, model.session().top().length, model.session().top(99).length], [[], 10, 15]);
});

test('what a history holds is left out unless told otherwise, all of it and not the last N alone', async () => {
  const data = chain({ users: 3, length: 9 }), model = await new HistoryToNext(tiny).fit(data), { place, items: all, indptr } = historiesOf(data, 3), k = 15;
  const without = model.recommendNext(data, { k }), whole = model.recommendNext(data, { k, excludeSeen: false });
  for (const e of range(data.user.length)) {
    const held = new Set(all.subarray(indptr[data.user[e]], place[e])), kept = [...whole.items.subarray(e * k, e * k + k)].filter((item) => !held.has(item));
    assert.equal([...without.items.subarray(e * k, e * k + k)], [...kept, ...range(k - kept.length).map(() => -1)]);
  }
});

test('recommendNext: data with encoders of its own means the same ids, whoever they are of; events of nobody', async () => {
  const data = chain({ users: 3 }), model = await new HistoryToNext(tiny).fit(data), own = interactions(['x', 'x', 'y'], [7, 4, 9]), same = interactions([2, 2, 0], [7, 4, 9], { items: data.items });
  assert.equal(model.recommendNext(own), model.recommendNext(same));
  refuses(() => model.recommendNext(interactions([2], [99])), 'unknown-id', 'HistoryToNext.recommendNext: item 99 (a number) was not there when the model was fitted', 'leave such events out');
  const none = new Int32Array(0), nothing = { ...own, user: none, item: none, matrix: own.matrix };
  assert.is(model.recommendNext(nothing).items.length, 0);
});

test('with a row for unknown items they can come, and are never recommended', async () => {
  const items = LabelEncoder.fit(range(5), { unknown: true }), data = interactions([0, 0, 0, 0], [3, 'new', 4, 2], { items }), model = await new HistoryToNext({ ...tiny, epochs: 20 }).fit(data), { items: lists } = model.recommendNext(data, { k: 9, excludeSeen: false });
  for (const event of range(4)) assert.equal([...lists.subarray(event * 9, event * 9 + 9)].sort((a, b) => a - b), [-1, -1, -1, -1, 1, 2, 3, 4, 5]);
  assert.is(model.session().add('newer still').top(9).length, 5);
});

test('partialFit: new events come after all that a history holds', async () => {
  const data = chain({ users: 4, length: 6 }), model = await new HistoryToNext(tiny).fit(data);
  await model.partialFit(interactions([1, 1], [3, 8], { users: data.users, items: data.items }));
  assert.equal(model.session(1).items, [data.item[11], 3, 8]);
  assert.equal(model.session(0).items, [...data.item.subarray(3, 6)]);
  assert.equal((fromBytes(toBytes(model)) as HistoryToNext).session(1).top(), model.session(1).top());
  await rejects(() => model.partialFit(data, { userTable: sideTable(range(4), { a: range(4) }) }), 'bad-setting', 'HistoryToNext.partialFit', 'leave the tables out');
});

test('save and load: sessions and lists of the same numbers, and the tensors by their names', async () => {
  const data = chain({ users: 3, length: 5 }), model = await withTables(new HistoryToNext({ ...tiny, userFeatures: { parity: category() }, exampleAge: 0.1 })).fit(data), same = fromBytes(toBytes(model)) as HistoryToNext;
  assert.equal(same.recommendNext(data), model.recommendNext(data));
  assert.equal(same.session(2).add(4).top(), model.session(2).add(4).top());
  assert.equal(Object.entries(same.toState().tensors).map(([name, { shape }]) => [name, [...shape]]), [
    ['item_embedding', [15, 5]], ['layer_0', [5, 7]], ['bias_0', [1, 7]], ['layer_1', [7, 4]], ['bias_1', [1, 4]], ['user_feature_layer', [4, 7]], ['item_factors', [15, 4]],
    ['history_indptr', [4]], ['history_items', [9]], ['user_features_indptr', [4]], ['user_features_indices', [3]], ['user_features_values', [3]],
  ]);
});

// bad input

test('a file whose history or ages do not fit', async () => {
  const state = (await new HistoryToNext(tiny).fit(chain({ users: 2, length: 5 }))).toState(), changed = (name: string, data: ArrayLike<number>): ModelState => ({ ...state, tensors: { ...state.tensors, [name]: { shape: [data.length], data: Int32Array.from(data) } } });
  const { history_items: _, ...without } = state.tensors;
  refuses(() => HistoryToNext.fromState({ ...state, tensors: without }), 'file-damaged', 'HistoryToNext: the history is damaged: expected int32 tensors');
  refuses(() => HistoryToNext.fromState(changed('history_indptr', [0, 6])), 'file-damaged', 'expected 2 users, got pointers for 1 and 6 items');
  for (const indptr of [[1, 3, 6], [0, 3, 5]]) refuses(() => HistoryToNext.fromState(changed('history_indptr', indptr)), 'file-damaged', 'expected 2 users');
  refuses(() => HistoryToNext.fromState(changed('history_indptr', [0, 2, 6])), 'file-damaged', 'user 1 has 4 items, and at most 3 are kept');
  refuses(() => HistoryToNext.fromState(changed('history_indptr', [0, 7, 6])), 'file-damaged', 'user 0 has 7 items');
  for (const item of [-1, 15]) refuses(() => HistoryToNext.fromState(changed('history_items', [1, 2, 3, item, 4, 5])), 'file-damaged', `item ${item} is outside 0..14`);
  for (const ageSteps of [1, -1, 0.5]) refuses(() => HistoryToNext.fromState({ ...state, numbers: { epochs: 1, ageSteps } }), 'file-damaged', 'the number ageSteps must be');
  for (const numbers of [{ epochs: 1 }, { epochs: 1, ageSteps: 2.5 }]) refuses(() => HistoryToNext.fromState({ ...state, settings: { ...state.settings, exampleAge: 3 }, numbers } as ModelState), 'file-damaged', 'the number ageSteps must be');
  refuses(() => HistoryToNext.fromState({ ...state, settings: { ...state.settings, layers: [8, 4] } }), 'file-damaged', 'tensor layer_0');
  refuses(() => HistoryToNext.fromState({ ...state, settings: { ...state.settings, userFeatures: { a: category() } } }), 'file-damaged', 'HistoryToNext');
});

test('what is no history, no item, no option', async () => {
  const data = chain({ users: 2 }), model = await new HistoryToNext(tiny).fit(data);
  refuses(() => model.session().add(77), 'unknown-id', 'HistoryToNext.session: item 77 (a number) is not among the 15 the model knows, such as 0');
  for (const k of [0, 1.5, Number.NaN]) { refuses(() => model.session().top(k), 'bad-setting', 'k must be'); refuses(() => model.recommendNext(data, { k }), 'bad-setting', 'k must be'); }
  refuses(() => model.recommendNext(data, { excludeSeen: 'no' } as unknown as HistoryToNextOptions), 'bad-setting', 'excludeSeen must be true or false, got "no"');
  refuses(() => model.recommendNext(data, { state: 'zero' } as unknown as HistoryToNextOptions), 'bad-setting', "there is no option 'state'");
  for (const wrong of [undefined, null, {}, 'file.csv']) refuses(() => model.recommendNext(wrong as unknown as Interactions), 'bad-input', 'HistoryToNext.recommendNext: expected interactions');
  for (const ask of [(one: HistoryToNext) => one.session(), (one: HistoryToNext) => one.recommendNext(data)]) refuses(() => ask(new HistoryToNext()), 'not-fitted', 'HistoryToNext');
  await rejects(() => new HistoryToNext({ ...tiny, userFeatures: { job: category() } }).fit(data), 'bad-input', 'HistoryToNext.fit, userTable');
  await rejects(() => new HistoryToNext({ ...tiny, userFeatures: { job: category() } }).fit(data, { userTable: sideTable([0, 1], { age: [1, 2] }) }), 'column-missing', '"job"');
  if (memoryUse().limit === 0) return;
  await rejects(() => new HistoryToNext({ factors: 2 ** 31 }).fit(data), 'out-of-memory', 'HistoryToNext.fit: tables of 15 items, with 2147483648 factors, and layers of 64, need');
  const many = range(30_000), before = memoryUse().inUse, wide = interactions(many.map((e) => e % 100), many, { times: many }); // a batch of all has 30,000 x 30,000 logits
  await rejects(() => new HistoryToNext({ factors: 4, layers: [4], batchSize: 30_000 }).fit(wide), 'out-of-memory', 'tables of 30,000 items', "smaller batches, loss 'sampled'");
  assert.is(memoryUse().inUse, before);
});

test('ten thousand steps use as much memory as ten; sessions leave nothing behind', async () => {
  const data = chain({ users: 10, length: 100 }), uses: number[] = [], sizes: number[] = [];
  const model = await new HistoryToNext({ ...tiny, batchSize: 1, epochs: 10, learningRate: 1e-3, dropout: 0.2, l2: 1e-5 }).fit(data, { onEpoch: () => { const { inUse, size } = memoryUse(); uses.push(inUse); sizes.push(size); } });
  assert.is(uses.length, 10);
  for (const of of [uses, sizes]) assert.ok(of.every((bytes, epoch) => epoch === 0 || bytes <= of[epoch - 1]), `${of}`);
  model.session().add(1).top();
  const before = memoryUse();
  for (let n = 0; n < 300; n++) model.session(n % 10).add(n % 15).top();
  assert.equal(memoryUse(), before);
  scope(() => assert.ok(memoryUse().inUse >= 0));
});

test.run();
