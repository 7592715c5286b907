import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse, scope, scratchCopy } from '../../kernels/memory.ts';
import { Tape } from '../../lib/autodiff/tape.ts';
import { denseGrad } from '../../lib/autodiff/rowGrads.ts';
import * as ops from '../../lib/autodiff/ops/index.ts';
import { type Interactions, LabelEncoder, batchRows, interactions, packed, sequencesOf, windows } from '../../lib/data/index.ts';
import { type EpochReport, NextItemLSTM, type NextItemLSTMSettings, type RecommendNextOptions, fromBytes, toBytes } from '../../lib/models.ts';
import { accuracyAtK } from '../../lib/metrics/index.ts';
import { newNetwork } from '../../lib/models/fit/nextItemLSTM.ts';
import { CarriedState, type Network, hiddenStates, logits, parametersOf } from '../../lib/models/nextItemNetwork.ts';
import { random } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { refuses, rejects } from '../helpers/refuses.ts';

const test = suite('models/nextItemLSTM');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const tiny: Partial<NextItemLSTMSettings> = { factors: 5, hidden: 6, layers: 2, batchSize: 4, steps: 3, epochs: 3, learningRate: 0.02, dropout: 0 };

/** Baskets in which each item is followed by a fixed other, or, in the share `noise` of the cases, by any. With `users`, each of them has an order of their own. */
function order({ items = 20, baskets = 300, noise = 0, users = 1, seed = 1 } = {}): Interactions {
  const next = random(seed), after = range(users).map(() => next.shuffle(Int32Array.from(range(items)))), events: [user: number, item: number, basket: number][] = [];
  for (let basket = 0; basket < baskets; basket++) {
    const user = basket % users;
    let item = next.below(items);
    for (let n = 2 + next.below(9); n > 0; n--) {
      events.push([user, item, basket]);
      item = next.uniform() < noise ? next.below(items) : after[user][item];
    }
  }
  return interactions(events.map(([user]) => user), events.map(([, item]) => item), { baskets: events.map(([, , basket]) => basket), items: LabelEncoder.fit(range(items)) });
}

/** accuracy@1 where something is there to go by: everywhere but at the first place of a basket. */
function accuracy(model: NextItemLSTM, data: Interactions, options: RecommendNextOptions = {}): number {
  const { items } = model.recommendNext(data, { ...options, k: 1 }), first = new Set(sequencesOf(data).indptr), later = data.item.map((_, event) => event).filter((event) => !first.has(event));
  return accuracyAtK(later.map((event) => items[event]), later.map((event) => data.item[event]), 1);
}

/** The network again, slowly, in double precision: the logits after each of the codes, from zero. */
function slowLogits(model: NextItemLSTM, codes: readonly number[], user = 0): number[][] {
  const { tensors } = model.toState(), { layers, hidden: H } = model.settings, σ = (x: number): number => 1 / (1 + Math.exp(-x));
  const row = (name: string, at: number): number[] => { const { shape: [, K], data } = tensors[name]; return [...data.subarray(at * K, at * K + K)]; };
  const times = (x: number[], name: string): number[] => { const { shape: [, N], data } = tensors[name]; return range(N).map((n) => x.reduce((sum, value, k) => sum + value * data[k * N + n], 0)); };
  const plus = (...terms: number[][]): number[] => terms[0].map((_, n) => terms.reduce((sum, term) => sum + term[n], 0));
  const h = range(layers).map(() => range(H).map(() => 0)), c = range(layers).map(() => range(H).map(() => 0));
  return codes.map((code) => {
    let x = [...row('item_embedding', code), ...(model.settings.user ? row('user_embedding', user) : [])];
    for (let layer = 0; layer < layers; layer++) {
      const z = plus(times(x, `lstm_${layer}_input`), times(h[layer], `lstm_${layer}_hidden`), [...tensors[`lstm_${layer}_bias`].data]);
      c[layer] = c[layer].map((old, k) => σ(z[H + k]) * old + σ(z[k]) * Math.tanh(z[2 * H + k]));
      x = h[layer] = c[layer].map((now, k) => σ(z[3 * H + k]) * Math.tanh(now));
    }
    return plus(times(x, 'output'), [...tensors.output_bias.data]);
  });
}

const surprise = (X: number[], code: number): number => Math.log(X.reduce((sum, x) => sum + Math.exp(x), 0)) - X[code];
const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** The logits by item, best first. */
const best = (X: number[], k: number): [item: number, score: number][] => range(X.length - 1).map((item): [number, number] => [item, X[item + 1]]).sort((a, b) => b[1] - a[1]).slice(0, k);

/** Two sequences of one user and one of another, of 4, 3 and 1 items. */
const three = (): Interactions => interactions(['u', 'u', 'u', 'u', 'v', 'v', 'v', 'u'], [3, 1, 4, 1, 0, 2, 3, 2], { baskets: [9, 9, 9, 9, 8, 8, 8, 7], items: LabelEncoder.fit(range(5)) });

// what it computes

for (const user of [false, true]) {
  test(`recommendNext is the network, worked slowly: user ${user}`, async () => {
    const data = three(), model = await new NextItemLSTM({ ...tiny, user, epochs: 1 }).fit(data), k = 5;
    for (const state of ['carried', 'zero'] as const) {
      const { items, scores } = model.recommendNext(data, { k, state });
      for (const [events, row] of [[[0, 1, 2, 3], 0], [[4, 5, 6], 1], [[7], 0]] as [number[], number][]) {
        const codes = [0, ...events.slice(0, -1).map((event) => data.item[event] + 1)];
        const X = state === 'carried' ? slowLogits(model, codes, row) : codes.map((code) => slowLogits(model, [code], row)[0]);
        for (const [t, event] of events.entries()) {
          const want = best(X[t], k), at = event * k;
          assert.equal([...items.subarray(at, at + k)], want.map(([item]) => item), `${state}, event ${event}`);
          assert.ok(maxAbsDiff(scores.subarray(at, at + k), want.map(([, score]) => score)) < 1e-5);
        }
      }
    }
    assert.ok(maxAbsDiff(model.scores([0, 1]), [0, 1].flatMap((row) => slowLogits(model, [0], row)[0].slice(1))) < 1e-5);
  });
}

const still = 1e-12; // a rate at which nothing moves

test('the loss of packed sequences is the mean over all places, the state carried from piece to piece', async () => {
  const data = interactions(['u', 'u', 'u', 'u', 'u', 'u'], [3, 1, 4, 1, 0, 2]), losses: number[] = [];
  for (const steps of [1, 2, 3, 6, 50]) {
    const model = new NextItemLSTM({ ...tiny, steps, epochs: 1, learningRate: still, user: true });
    await model.fit(data, { onEpoch: ({ loss }) => { losses.push(loss); } });
    const codes = [...data.item].map((item) => item + 1), X = slowLogits(model, [0, ...codes.slice(0, -1)]);
    assert.ok(Math.abs(losses.at(-1)! - mean(codes.map((code, t) => surprise(X[t], code)))) < 1e-5, `${losses}`);
  }
});

test('the loss of windows is the mean over all places, padding included, each window from zero', async () => {
  const data = three(), losses: number[] = [], model = new NextItemLSTM({ ...tiny, batches: 'windows', windowLength: 3, batchSize: 99, epochs: 1, learningRate: still });
  await model.fit(data, { onEpoch: ({ loss }) => { losses.push(loss); } });
  const codes = [[0, 4, 2, 5, 2], [0, 1, 3, 4], [0, 3]], stretches: [inputs: number[], targets: number[]][] = [
    [codes[0].slice(0, 3), codes[0].slice(1, 4)], [codes[0].slice(1, 4), codes[0].slice(2, 5)], [codes[1].slice(0, 3), codes[1].slice(1, 4)], [[0, 0, 0], [0, 0, 3]],
  ];
  const all = stretches.flatMap(([inputs, targets]) => slowLogits(model, inputs).map((X, t) => surprise(X, targets[t])));
  assert.is(all.length, 12);
  assert.ok(Math.abs(losses[0] - mean(all)) < 1e-5, `${losses[0]} and ${mean(all)}`);
});

test('windows that do not fill a batch wait: as many steps as there are whole batches', async () => {
  const data = order({ baskets: 200 }), W = windows(sequencesOf(data), 4).from.length;
  for (const batchSize of [1, 7, W - 1, W, W + 1]) {
    let steps = 0;
    await new NextItemLSTM({ ...tiny, hidden: 16, batches: 'windows', windowLength: 4, batchSize, epochs: 1 }).fit(data, { onStep: (report) => { steps = report.steps; } });
    if (batchSize === 1) assert.is(steps, W); // the others are over before the first report
    assert.ok(steps === 0 || steps === Math.max(1, Math.floor(W / batchSize)));
  }
});

// batches

const sizes = { factors: 4, hidden: 5, layers: 2, user: true, nUsers: 3, nItems: 7 };
const network = (): Network => newNetwork(sizes, { initialScale: 0.5, forgetBias: 1 }, random(4));
const some = (): Interactions => { const lengths = [5, 1, 3, 3, 8], next = random(9); return interactions(lengths.flatMap((n, s) => range(n).map(() => s % 3)), lengths.flatMap((n) => range(n).map(() => next.below(7))), { baskets: lengths.flatMap((n, s) => range(n).map(() => s)), items: LabelEncoder.fit(range(7)) }); };

test('sequences side by side have the gradient of one after the other', () => {
  const sequences = sequencesOf(some()), own = network(), parameters = parametersOf(own), all = Int32Array.from(range(5));
  const gradients = (batchSize: number): Float32Array[] => {
    const sum = parameters.map(({ size }) => new Float32Array(size));
    for (const batch of packed(sequences, all, batchSize, 99)) {
      scope(() => {
        const { inputs, targets, users } = batchRows(sequences, batch), tape = new Tape(), { h } = hiddenStates(tape, own, scratchCopy(inputs), scratchCopy(users), batch.sizes, null);
        tape.backward(ops.softmaxLoss(tape, logits(tape, own, h), targets));
        for (const [p, w] of parameters.entries()) { denseGrad(w).forEach((g, at) => { sum[p][at] += g; }); w.zeroGrad(); }
      });
    }
    return sum;
  };
  const [together, single] = [gradients(5), gradients(1)];
  together.forEach((g, p) => { assert.ok(g.some((value) => value !== 0) && maxAbsDiff(g, single[p]) < 1e-5, `parameter ${p}: ${maxAbsDiff(g, single[p])}`); });
});

test('the state carried over pieces: the same as one long piece', () => {
  const sequences = sequencesOf(some()), own = network(), all = Int32Array.from(range(5)), H = sizes.hidden;
  const shown = (batchSize: number, steps: number): Float32Array => {
    const memory = new CarriedState(sizes.layers, batchSize, H), out = new Float32Array(sequences.items.length * H);
    for (const batch of packed(sequences, all, batchSize, steps)) {
      scope(() => {
        const { inputs, users, places } = batchRows(sequences, batch), { h, last } = hiddenStates(null, own, inputs, users, batch.sizes, batch.goesOn ? memory.start(batch.sequence.length) : null);
        memory.keep(last);
        places.forEach((at, r) => out.set(h.data.subarray(r * H, r * H + H), at * H));
      });
    }
    return out;
  };
  const whole = shown(5, 99);
  for (const [batchSize, steps] of [[5, 1], [5, 2], [5, 3], [2, 4], [1, 1]]) assert.equal(shown(batchSize, steps), whole, `${batchSize} sequences, ${steps} steps`);
});

// what it learns

for (const settings of [{}, { batches: 'windows', windowLength: 3 }, { optimizer: 'sgd', learningRate: 2, batchSize: 8, epochs: 40 }, { layers: 1, dropout: 0.2 }] as Partial<NextItemLSTMSettings>[]) {
  test(`a planted order is found: ${JSON.stringify(settings)}`, async () => {
    const make = (): NextItemLSTM => new NextItemLSTM({ factors: 16, hidden: 24, layers: 2, batchSize: 16, epochs: 12, learningRate: 0.02, ...settings });
    const found: number[] = [];
    for (const noise of [0, 0.5, 1]) {
      const data = order({ noise, baskets: 600 }), model = await make().fit(data), held = order({ noise, baskets: 700 });
      const later = [...held.basket!.keys()].filter((event) => held.basket![event] >= 600), test = interactions(later.map(() => 0), later.map((event) => held.item[event]), { baskets: later.map((event) => held.basket![event]) });
      found.push(accuracy(model, test));
    }
    assert.ok(found[0] > 0.97 && found[1] > 0.42 && found[1] < 0.62 && found[2] < 0.15, `${found}`); // a chance of 1 in 20 is left by noise alone
  });
}

test('what depends on the user is learned with `user`, and cannot be without', async () => {
  const data = order({ users: 4, baskets: 800 }), settings = { factors: 16, hidden: 32, layers: 1, batchSize: 16, epochs: 14, learningRate: 0.02 };
  const [knows, guesses] = [await new NextItemLSTM({ ...settings, user: true }).fit(data), await new NextItemLSTM(settings).fit(data)];
  const second = (model: NextItemLSTM): number => { // after one item: the items before it cannot have told whose order it is
    const { items } = model.recommendNext(data, { k: 1 }), places = sequencesOf(data).indptr.slice(0, -1).map((at) => at + 1);
    return places.filter((event) => items[event] === data.item[event]).length / places.length;
  };
  assert.ok(second(knows) > 0.9 && second(guesses) < 0.55, `${second(knows)} and ${second(guesses)}`);
});

test('the unknown have a vector, learned from their baskets; a session of nobody or of a stranger takes it', async () => {
  const data = order({ users: 2, baskets: 300 }), users = LabelEncoder.fit([1], { unknown: true }), { items } = data; // user 0 is nobody
  const coded = interactions([...data.user], [...data.item], { users, items, baskets: [...data.basket!] });
  const model = await new NextItemLSTM({ factors: 16, hidden: 24, layers: 1, batchSize: 16, epochs: 14, learningRate: 0.02, user: true }).fit(coded);
  const after = (user: number | string | null, item: number): unknown => model.session(user).add(item).top(1)[0].item;
  for (const [event, user] of [[data.user.indexOf(0), 0], [data.user.indexOf(1), 1]]) {
    const [item, follows] = data.item.subarray(event);
    assert.is(after(user, item), follows);
    if (user === 0) assert.equal([after(null, item), after('stranger', item)], [follows, follows]);
  }
  assert.equal(model.session().top(3), model.session(null).top(3));
});

test('items that are followed by the same item are alike', async () => {
  const next = random(2), pairs = range(600).map(() => [next.below(12), 0]).map(([item]) => [item, 12 + Math.floor(item / 3)]); // 0, 1 and 2 by 12; 3, 4 and 5 by 13
  const data = interactions(pairs.flatMap(() => [0, 0]), pairs.flat(), { baskets: pairs.flatMap((_, basket) => [basket, basket]) });
  const model = await new NextItemLSTM({ factors: 8, hidden: 16, layers: 1, batchSize: 20, epochs: 20, learningRate: 0.02 }).fit(data), { items } = model.similarItems(range(12), { k: 2 });
  for (const item of range(12)) assert.equal([...items.subarray(item * 2, item * 2 + 2)].map((other) => Math.floor(other / 3)), [Math.floor(item / 3), Math.floor(item / 3)]);
});

test('the rate falls by learningRateDecay in every epoch after the first decayAfter', async () => {
  const data = three(), fitted = async (settings: Partial<NextItemLSTMSettings>): Promise<ArrayLike<number>> => (await new NextItemLSTM({ ...tiny, ...settings }).fit(data)).toState().tensors.output.data;
  const [two, held, other] = [await fitted({ epochs: 2 }), await fitted({ epochs: 5, learningRateDecay: 1e-9, decayAfter: 2 }), await fitted({ epochs: 5 })];
  assert.ok(maxAbsDiff(two, held) < 1e-6 && maxAbsDiff(two, other) > 1e-2);
  const on = await new NextItemLSTM({ ...tiny, epochs: 2, learningRateDecay: 1e-9, decayAfter: 2 }).fit(data), before = on.toState().tensors.output.data.slice();
  await on.partialFit(data); // epochs 3 and 4
  assert.ok(maxAbsDiff(before, on.toState().tensors.output.data) < 1e-6);
});

test('how it starts: uniform, the gates\' biases 0, that of the forget gate as told', () => {
  const { item, user, layers, output, outputBias } = newNetwork({ ...sizes, nItems: 99, hidden: 20 }, { initialScale: 0.3, forgetBias: 1.5 }, random(1));
  for (const { data } of [item, user!, output, outputBias, ...layers.flatMap(({ W, U }) => [W, U])]) assert.ok(data.every((x) => Math.abs(x) <= 0.3) && data.some((x) => x > 0.15) && data.some((x) => x < -0.15));
  for (const { bias } of layers) assert.equal([...bias.data], range(80).map((at) => (at >= 20 && at < 40 ? 1.5 : 0)));
  assert.equal([item.shape, layers[0].W.shape, layers[1].W.shape, layers[1].U.shape, output.shape], [[100, 4], [8, 80], [20, 80], [20, 80], [20, 100]]);
});

test("preset 'chapter' is what the chapter has; what is given beside it counts", () => {
  const { settings } = new NextItemLSTM({ preset: 'chapter', epochs: 2 });
  assert.equal(settings, {
    preset: 'chapter', factors: 200, hidden: 200, layers: 2, user: false, batches: 'windows', windowLength: 5, batchSize: 20, steps: 20, epochs: 2, optimizer: 'sgd', learningRate: 1,
    learningRateDecay: 1, decayAfter: 0, clipNorm: 5, dropout: 0, forgetBias: 0, initialScale: 0.1, seed: 1,
  });
});

test('an epoch goes through every place once: places times epochs, whatever the batches', async () => {
  const data = order({ baskets: 50 }), reports: EpochReport[] = [];
  await new NextItemLSTM({ ...tiny, batchSize: 1000, steps: 1000, epochs: 8 }).fit(data, { onEpoch: (report) => { reports.push(report); } });
  assert.ok(reports.every(({ loss }, at) => at === 0 || loss < reports[at - 1].loss), `${reports.map(({ loss }) => loss)}`); // full batches: the loss falls each time
});

// one basket at a time

for (const user of [false, true]) {
  test(`session, recommendNext and recommend agree to the bit: user ${user}`, async () => {
    const data = order({ users: 3, baskets: 20 }), model = await new NextItemLSTM({ ...tiny, user }).fit(data), k = 6, { items, scores } = model.recommendNext(data, { k }), { indptr, user: owner } = sequencesOf(data);
    const list = (at: number): unknown[] => [...items.subarray(at * k, at * k + k)].map((item, n) => ({ item: data.items.decode(item), score: scores[at * k + n] }));
    for (let s = 0; s + 1 < indptr.length; s++) {
      const session = model.session(data.users.decode(owner[s]));
      assert.equal(session.top(k), model.recommendFor(data.users.decode(owner[s]), { k }));
      for (let at = indptr[s]; at < indptr[s + 1]; at++) {
        assert.equal(session.top(k), list(at), `place ${at - indptr[s]} of sequence ${s}`);
        session.add(data.items.decode(data.item[at]));
      }
      assert.equal(session.items, [...data.item.subarray(indptr[s], indptr[s + 1])]);
    }
  });
}

test('sessions side by side do not know of each other; add can be chained; asking changes nothing', async () => {
  const model = await new NextItemLSTM(tiny).fit(order()), one = model.session().add(3).add(5), other = model.session().add(7), before = one.top(4);
  other.add(3).add(9).top();
  one.top(1);
  assert.equal(one.top(4), before);
  assert.equal(model.session().add(3).add(5).top(4), before);
  assert.equal([one.items, other.items, one.top().length, one.top(99).length], [[3, 5], [7, 3, 9], 10, 20]);
  (one.items as number[]).push(8);
  assert.equal(one.items, [3, 5]);
});

test('sessions leave nothing behind; what a freed model leaves of them is an error', async () => {
  const model = await new NextItemLSTM(tiny).fit(order()), session = model.session();
  for (let n = 0; n < 10; n++) session.add(n).top();
  const before = memoryUse();
  for (let n = 0; n < 500; n++) { session.add(n % 20).top(); model.session().add(1); }
  assert.equal(memoryUse(), before);
  model.free();
  refuses(() => session.top(), 'stale', 'freed');
  refuses(() => session.add(1), 'stale');
});

// many at once

test('recommendNext: lists stand in the order of the events, whatever the order of the sequences', async () => {
  const users = ['b', 'a', 'b', 'a', 'b'], items = [0, 1, 2, 3, 4], times = [5, 2, 4, 1, 3], data = interactions(users, items, { times });
  const model = await new NextItemLSTM(tiny).fit(data), k = 3, { items: lists } = model.recommendNext(data, { k });
  for (const [user, events] of [['a', [3, 1]], ['b', [4, 2, 0]]] as [string, number[]][]) {
    const session = model.session(user);
    for (const event of events) {
      assert.equal([...lists.subarray(event * k, event * k + k)], session.top(k).map(({ item }) => item));
      session.add(items[event]);
    }
  }
});

test('recommendNext: data with encoders of its own means the same ids; events of nobody', async () => {
  const data = order({ users: 3 }), model = await new NextItemLSTM({ ...tiny, user: true }).fit(data), own = interactions([2, 2, 0], [17, 4, 9], { baskets: [1, 1, 2] });
  const same = interactions([2, 2, 0], [17, 4, 9], { baskets: ['x', 'x', 'y'], users: data.users, items: data.items });
  assert.equal(model.recommendNext(own), model.recommendNext(same));
  refuses(() => model.recommendNext(interactions([2], [99])), 'unknown-id', 'NextItemLSTM.recommendNext: item 99 (a number) was not there when the model was fitted', 'leave such events out');
  refuses(() => model.recommendNext(interactions([7], [4])), 'unknown-id', 'user 7 (a number) was not there');
  refuses(() => model.recommendNext(interactions(['x'], [4], { users: LabelEncoder.fit([2], { unknown: true }) })), 'unknown-id', 'a user without an id was not there');
  const blind = await new NextItemLSTM(tiny).fit(data);
  assert.is(blind.recommendNext(interactions(['stranger'], [4])).items.length, 10); // who it is does not matter to it
  const none = new Int32Array(0), nothing = { ...own, user: none, item: none, basket: none, matrix: own.matrix };
  assert.equal([model.recommendNext(nothing).items.length, model.recommendNext(nothing, { state: 'zero' }).items.length], [0, 0]);
});

test('recommendNext: with a row for unknown items they can come, and are never recommended', async () => {
  const items = LabelEncoder.fit(range(5), { unknown: true }), data = interactions([0, 0, 0, 0], [3, 'new', 4, 2], { items }), model = await new NextItemLSTM({ ...tiny, epochs: 20 }).fit(data);
  const { items: lists } = model.recommendNext(data, { k: 9 });
  for (const event of range(4)) assert.equal([...lists.subarray(event * 9, event * 9 + 9)].sort((a, b) => a - b), [-1, -1, -1, -1, 1, 2, 3, 4, 5]);
  assert.is(model.session().add('newer still').top(9).length, 5);
});

test('more sequences and longer ones than are run at once: the same lists', async () => {
  const next = random(6), n = 9000, baskets = range(n).map((at) => (at < 2500 ? 0 : at < 3000 ? 1 : at)), data = interactions(range(n).map(() => 0), range(n).map(() => next.below(9)), { baskets });
  const model = await new NextItemLSTM({ ...tiny, layers: 1, epochs: 1, batchSize: 512 }).fit(data), k = 2, { items } = model.recommendNext(data, { k }), session = model.session();
  for (let at = 0; at < 2500; at++) {
    if (at % 100 < 3 || at > 2490) assert.equal([...items.subarray(at * k, at * k + k)], session.top(k).map(({ item }) => item), `place ${at}`);
    session.add(data.item[at]);
  }
  for (const at of [2500, 3000, 5000, 8999]) assert.equal([...items.subarray(at * k, at * k + k)], model.session().top(k).map(({ item }) => item));
});

test('more users than are run at once: each gets what they get alone', async () => {
  const n = 2000, data = interactions(range(n), range(n).map((at) => at % 7)), model = await new NextItemLSTM({ user: true, epochs: 1, batchSize: n }).fit(data), all = model.scores(range(n));
  for (const user of [0, 748, 749, 1000, 1498, 1999]) assert.equal(model.scores([user]), all.slice(user * 7, user * 7 + 7));
  assert.ok(maxAbsDiff(model.score(range(n), range(n).map((at) => at % 7)), range(n).map((at) => all[at * 7 + (at % 7)])) < 1e-5);
  assert.ok(new Set(range(n).map((user) => all[user * 7])).size > 1900);
});

// files

test('save and load: sessions and lists of the same numbers', async () => {
  const data = order({ users: 3 }), model = await new NextItemLSTM({ ...tiny, user: true }).fit(data), same = fromBytes(toBytes(model)) as NextItemLSTM;
  assert.equal(same.recommendNext(data), model.recommendNext(data));
  assert.equal(same.session(2).add(4).add(11).top(), model.session(2).add(4).add(11).top());
  assert.equal(Object.entries(same.toState().tensors).map(([name, { shape }]) => [name, [...shape]]), [
    ['item_embedding', [21, 5]], ['user_embedding', [3, 5]],
    ['lstm_0_input', [10, 24]], ['lstm_0_hidden', [6, 24]], ['lstm_0_bias', [24]], ['lstm_1_input', [6, 24]], ['lstm_1_hidden', [6, 24]], ['lstm_1_bias', [24]],
    ['output', [6, 21]], ['output_bias', [21]],
  ]);
});

// bad input

test('baskets of one alone, and one basket of one', async () => {
  for (const n of [1, 30]) {
    for (const batches of ['packed', 'windows'] as const) {
      const data = interactions(range(n).map(() => 'u'), range(n).map((at) => at % 4), { baskets: range(n) }), model = await new NextItemLSTM({ ...tiny, batches }).fit(data);
      assert.ok(model.recommendNext(data).scores.every((score) => Number.isFinite(score) || score === -Infinity));
    }
  }
});

test('a basket of five thousand takes no more memory than one of fifty, but for its own numbers', async () => {
  const basket = (n: number): Interactions => interactions(range(n).map(() => 'u'), range(n).map((at) => (at * at) % 50), { baskets: range(n).map(() => 1), items: LabelEncoder.fit(range(50)) });
  const settings = { ...tiny, steps: 50, epochs: 1 }, small = await new NextItemLSTM(settings).fit(basket(50));
  small.recommendNext(basket(1000), { k: 2 });
  const { size } = memoryUse(), model = await new NextItemLSTM(settings).fit(basket(5000));
  assert.is(model.recommendNext(basket(5000), { k: 2 }).items.length, 10_000);
  assert.is(memoryUse().size, size);
});

test('ten thousand steps use as much memory as ten', async () => {
  const data = order({ baskets: 500 }), uses: number[] = [], sizes: number[] = [];
  await new NextItemLSTM({ ...tiny, layers: 1, batchSize: 1, steps: 5, epochs: 12 }).fit(data, { onEpoch: () => { const { inUse, size } = memoryUse(); uses.push(inUse); sizes.push(size); } });
  assert.is(uses.length, 12);
  for (const of of [uses, sizes]) assert.ok(of.every((bytes, epoch) => epoch === 0 || bytes <= of[epoch - 1]), `${of}`); // less, when another test's model is collected
});

test('what is no basket, no item, no user, no state', async () => {
  const data = order(), model = await new NextItemLSTM(tiny).fit(data), known = await new NextItemLSTM({ ...tiny, user: true }).fit(data);
  refuses(() => model.session().add(77), 'unknown-id', 'NextItemLSTM.session: item 77 (a number) is not among the 20 the model knows, such as 0');
  refuses(() => model.session().add('3'), 'unknown-id', "item '3'");
  for (const one of [model, known]) refuses(() => one.session('stranger'), 'unknown-id', "NextItemLSTM.session: user 'stranger' is not among the 1 the model knows");
  refuses(() => known.session(), 'unknown-id', 'this model looks at the user', 'unknown: true');
  assert.is(model.session().top(3).length, 3);
  for (const k of [0, 1.5, Number.NaN]) { refuses(() => model.session().top(k), 'bad-setting', 'k must be'); refuses(() => model.recommendNext(data, { k }), 'bad-setting', 'k must be'); }
  refuses(() => model.recommendNext(data, { state: 'warm' } as unknown as RecommendNextOptions), 'bad-setting', "state must be 'carried' or 'zero', got \"warm\"");
  refuses(() => model.recommendNext(data, { K: 3 } as unknown as RecommendNextOptions), 'bad-setting', "there is no option 'K'");
  for (const wrong of [undefined, null, {}, 'file.csv']) refuses(() => model.recommendNext(wrong as unknown as Interactions), 'bad-input', 'NextItemLSTM.recommendNext: expected interactions');
  for (const ask of [(one: NextItemLSTM) => one.session(), (one: NextItemLSTM) => one.recommendNext(data)]) refuses(() => ask(new NextItemLSTM()), 'not-fitted', 'NextItemLSTM');
});

test('a rate that explodes: the error names epoch, loss and rate, and the last good epoch is kept', async () => {
  const data = order(), model = new NextItemLSTM({ ...tiny, hidden: 30, optimizer: 'sgd', learningRate: 1e4, batchSize: 400, steps: 20, epochs: 9 });
  let whole = 0;
  await rejects(() => model.fit(data, { onEpoch: ({ epoch }) => { whole = epoch; } }), 'diverged', /training diverged in epoch \d+, step \d+: the loss became [\d.]+/, 'lower learningRate, which is 10000');
  assert.ok(whole >= 1 && model.fitted);
  assert.ok(Object.values(model.toState().tensors).every(({ data }) => (data as Float32Array).every(Number.isFinite)));
});

test.run();
