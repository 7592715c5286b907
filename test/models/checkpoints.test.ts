import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions, LabelEncoder, bucket, category, id, interactions, number, selectEvents } from '../../lib/data/index.ts';
import {
  AutoRec, BPR, type BPRSettings, Blend, CDAE, type Checkpoint, type Checkpoints, EASE, type EpochReport, FactorizationMachine, type FitOptions, HistoryToNext, HybridMF, LogisticMF, type LogisticMFSettings, LogisticMatrixFactorization, type LogisticMatrixFactorizationSettings, NextItemLSTM, type NextItemLSTMSettings, Popularity, RatingMF, type Recommender, SVDPlusPlus, Siamese, TwoTower, checkpointFromBytes,
  checkpointToBytes, fromBytes, toBytes,
} from '../../lib/models.ts';
import { random } from '../../lib/random.ts';
import { rejects } from '../helpers/refuses.ts';
import { shop } from '../helpers/shop.ts';
import { withTables } from '../helpers/withTables.ts';

const EPOCHS = 4, reason = new Error('enough'), range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);

/** The shop, its events in baskets of up to seven. */
const data = ((): Interactions => {
  const { user, item, ...rest } = shop(), encoded = { users: rest.users, items: rest.items }, order = range(user.length);
  return interactions(order.map((at) => rest.users.decode(user[at])), order.map((at) => rest.items.decode(item[at])), { ...encoded, baskets: order.map((at) => Math.floor(at / 7)), times: rest.time!, values: rest.value! });
})();

/** As a file would keep it, and as it was after each epoch. */
function kept(): Checkpoints & { all: Uint8Array[]; bytes: Uint8Array | null } {
  return {
    all: [], bytes: null,
    load() { return this.bytes && checkpointFromBytes(this.bytes, 'kept'); },
    save(checkpoint) { this.all.push(this.bytes = checkpointToBytes(checkpoint)); },
  };
}
const holding = (bytes: Uint8Array): ReturnType<typeof kept> => Object.assign(kept(), { bytes });

const same = (a: Recommender, b: Recommender, what?: string): void => assert.ok(Buffer.compare(toBytes(a), toBytes(b)) === 0, what);
const learnedAlike = (a: Recommender, b: Recommender): void => assert.equal(Object.entries(a.toState().tensors), Object.entries(b.toState().tensors));

async function stops(work: Promise<unknown>): Promise<void> {
  const outcome: unknown = await work.catch((error: unknown) => error);
  assert.is(outcome, reason);
}

/** Aborts in onEpoch of this epoch. */
function until(epoch: number, options: FitOptions): FitOptions {
  const controller = new AbortController();
  return { ...options, signal: controller.signal, onEpoch: (report) => { if (report.epoch === epoch) controller.abort(reason); } };
}

type Learning = AutoRec | BPR | CDAE | FactorizationMachine | HistoryToNext | HybridMF | LogisticMF | LogisticMatrixFactorization | NextItemLSTM | RatingMF | SVDPlusPlus | Siamese | TwoTower;
const mf: Partial<LogisticMFSettings> = { factors: 5, epochs: EPOCHS, learningRate: 0.05, l2: 1e-4, negatives: 2, batchSize: 40 };
const all: Partial<LogisticMatrixFactorizationSettings> = { factors: 5, epochs: EPOCHS, learningRate: 0.3, l2: 0.1 };
const bpr: Partial<BPRSettings> = { factors: 5, epochs: EPOCHS, stepsPerEpoch: 5, learningRate: 0.05, l2: 1e-4, batchSize: 40, initialBias: 0.1 };
const lstm: Partial<NextItemLSTMSettings> = { factors: 5, hidden: 6, layers: 2, batchSize: 4, steps: 3, epochs: EPOCHS, learningRate: 0.02, windowLength: 3 };
const makers: Record<string, (settings?: object) => Learning> = {
  'LogisticMF': (settings) => new LogisticMF({ ...mf, ...settings }),
  'LogisticMatrixFactorization': (settings) => new LogisticMatrixFactorization({ ...all, ...settings }),
  'BPR': (settings) => new BPR({ ...bpr, ...settings }),
  'BPR, verified negatives': (settings) => new BPR({ ...bpr, verifyNegatives: true, ...settings }),
  'BPR, sgd': (settings) => new BPR({ solver: 'sgd', factors: 5, epochs: EPOCHS, learningRate: 0.05, l2: 1e-3, ...settings }),
  'BPR, sgd, blocks, at random, verified negatives': (settings) => new BPR({ solver: 'sgd', factors: 5, epochs: EPOCHS, blocks: 3, order: 'random', verifyNegatives: true, ...settings }),
  'RatingMF, sgd': (settings) => new RatingMF({ factors: 5, epochs: EPOCHS, ...settings }),
  'RatingMF, sgd, blocks, at random': (settings) => new RatingMF({ factors: 5, epochs: EPOCHS, blocks: 3, order: 'random', ...settings }),
  'RatingMF, adam': (settings) => new RatingMF({ solver: 'adam', factors: 5, epochs: EPOCHS, batchSize: 40, learningRate: 0.02, ...settings }),
  'SVDPlusPlus': (settings) => new SVDPlusPlus({ factors: 5, epochs: EPOCHS, ...settings }),
  'FactorizationMachine, ratings, features': (settings) => withTables(new FactorizationMachine({ factors: 5, epochs: EPOCHS, batchSize: 40, userFeatures: { id: id(), parity: category() }, ...settings })),
  'FactorizationMachine, clicks, adam': (settings) => withTables(new FactorizationMachine({ task: 'click', optimizer: 'adam', learningRate: 0.02, factors: 5, epochs: EPOCHS, batchSize: 40, ...settings })),
  'HybridMF, warp': (settings) => withTables(new HybridMF({ factors: 5, epochs: EPOCHS, ...settings })),
  'HybridMF, bpr, blocks, at random': (settings) => new HybridMF({ loss: 'bpr', factors: 5, epochs: EPOCHS, blocks: 3, order: 'random', ...settings }),
  'HybridMF, logistic, features': (settings) => withTables(new HybridMF({ loss: 'logistic', factors: 5, epochs: EPOCHS, order: 'random', userFeatures: { id: id(), parity: category() }, ...settings })),
  'AutoRec, items': (settings) => new AutoRec({ hidden: 5, epochs: EPOCHS, batchSize: 4, learningRate: 0.02, ...settings }),
  'AutoRec, users': (settings) => new AutoRec({ by: 'user', hidden: 5, epochs: EPOCHS, batchSize: 4, learningRate: 0.02, ...settings }),
  'CDAE': (settings) => new CDAE({ hidden: 5, epochs: EPOCHS, batchSize: 4, learningRate: 0.02, ...settings }),
  'Siamese': (settings) => withTables(new Siamese({
    userFeatures: { id: id(), parity: category() }, itemFeatures: { id: id() }, layers: [6], embedding: 5, liked: 2, negatives: 'both', epochs: EPOCHS, batchSize: 40, learningRate: 0.02, ...settings,
  })),
  'TwoTower': (settings) => withTables(new TwoTower({ userFeatures: { id: id(), parity: category() }, itemFeatures: { id: id() }, layers: [6, 5], epochs: EPOCHS, batchSize: 40, learningRate: 0.05, l2: 1e-4, ...settings })),
  'TwoTower, when': (settings) => withTables(new TwoTower({ userFeatures: { id: id() }, itemFeatures: { parity: category() }, contextFeatures: { when: bucket({ count: 5, column: 'time' }), time: number() }, layers: [5], epochs: EPOCHS, batchSize: 40, ...settings })),
  'HistoryToNext, sampled, dropout, features': (settings) => withTables(new HistoryToNext({
    factors: 5, history: 4, layers: [6, 5], userFeatures: { parity: category() }, loss: 'sampled', negatives: 5, epochs: EPOCHS, batchSize: 40, learningRate: 0.02, dropout: 0.3, ...settings,
  })),
  'NextItemLSTM, packed, adam, dropout, users': (settings) => new NextItemLSTM({ ...lstm, dropout: 0.3, user: true, ...settings }),
  'NextItemLSTM, packed, sgd, a rate that falls': (settings) => new NextItemLSTM({ ...lstm, optimizer: 'sgd', learningRate: 0.5, learningRateDecay: 0.5, decayAfter: 1, ...settings }),
  'NextItemLSTM, windows, adam, no clipping': (settings) => new NextItemLSTM({ ...lstm, batches: 'windows', clipNorm: null, ...settings }),
  'NextItemLSTM, windows, sgd, a rate that falls': (settings) => new NextItemLSTM({ ...lstm, batches: 'windows', optimizer: 'sgd', learningRateDecay: 0.5, decayAfter: 2, ...settings }),
};

for (const [name, make] of Object.entries(makers)) {
  const test = suite(`models/checkpoints/${name}`);

  test('stopped after any epoch, it goes on to the same bytes, with the epochs that are left', async () => {
    const whole = await make().fit(data), through = kept();
    same(await make().fit(data, { checkpoints: through }), whole, 'keeping changes nothing');
    assert.is(through.all.length, EPOCHS);
    for (const epoch of range(EPOCHS).map((at) => at + 1)) {
      const checkpoints = kept(), reports: EpochReport[] = [], stopped = make();
      await stops(stopped.fit(data, until(epoch, { checkpoints })));
      same(stopped, fromBytes(checkpoints.bytes!), `the model of epoch ${epoch} is in the file`);
      const resumed = await make().fit(data, { checkpoints, onEpoch: (report) => { reports.push(report); } });
      same(resumed, whole, `after epoch ${epoch}`);
      assert.equal(reports.map(({ epoch, epochs }) => [epoch, epochs]), range(EPOCHS - epoch).map((at) => [epoch + at + 1, EPOCHS]));
      assert.equal(checkpoints.all.slice(epoch - 1), through.all.slice(epoch - 1), 'and keeps the same files');
    }
  });

  test('a model that was killed in any epoch: the file of the epoch before is enough; again and again', async () => {
    const whole = await make().fit(data), through = kept();
    await make().fit(data, { checkpoints: through });
    for (const bytes of through.all) same(await make().fit(data, { checkpoints: holding(bytes) }), whole);
    const checkpoints = kept();
    for (const epoch of range(EPOCHS).map((at) => at + 1)) await stops(make().fit(data, until(epoch, { checkpoints })));
    assert.is(checkpoints.all.length, EPOCHS);
    same(await make().fit(data, { checkpoints }), whole);
  });

  test('what has been learned is given back at once; more epochs go on from it, fewer are refused', async () => {
    const checkpoints = kept(), quiet: FitOptions = { checkpoints, onEpoch: () => assert.unreachable('an epoch was learned'), onStep: () => assert.unreachable('a step was taken') };
    const first = await make().fit(data, { checkpoints }), again = await make().fit(data, quiet);
    same(again, first);
    await first.partialFit(data);
    same(await again.partialFit(data), first, 'and goes on in memory as the first');
    const more = { epochs: EPOCHS + 2 };
    same(await make(more).fit(data, { checkpoints }), await make(more).fit(data));
    await rejects(() => make({ epochs: 1 }).fit(data, { checkpoints }), 'wrong-checkpoint', `has ${EPOCHS + 2} epochs done, and this model has epochs 1`);
  });

  test('early stopping goes on as if never stopped, and comes back to the same best epoch', async () => {
    for (const [scores, patience, ran] of [[[1, 3, 2, 1], 2, 4], [[5, 4, 3, 9], 2, 3], [[1, 2, 3, 4], 1, 4], [[4, 1, 1, 1], 1, 2], [[1, 2, 1, 1], 3, 4]] as const) {
      const options: FitOptions = { patience, validation: (model) => scores[model.toState().numbers.epochs - 1] }, whole = await make().fit(data, options);
      const on = make();
      await stops(on.fit(data, until(whole.toState().numbers.epochs, {})));
      same(on, whole);
      await on.partialFit(data);
      same(await (await make().fit(data, options)).partialFit(data), on, 'optimiser and generator too are those of the best epoch');
      for (const epoch of range(ran).map((at) => at + 1)) {
        const checkpoints = kept();
        await stops(make().fit(data, until(epoch, { ...options, checkpoints })));
        const resumed = await make().fit(data, { ...options, checkpoints });
        same(resumed, whole, `${scores}, patience ${patience}, stopped after ${epoch}`);
        assert.is(checkpoints.all.length, ran);
        const again = await make().fit(data, { ...options, checkpoints, onEpoch: () => assert.unreachable('an epoch was learned') });
        same(again, whole, 'and again');
        same(await again.partialFit(data), on, 'and goes on from the best epoch');
      }
    }
  });

  test('in the middle of an epoch: no more than that epoch is lost', async () => {
    // onStep is asked every 30 ms: an epoch's end that takes longer makes it heard after the first step of the next
    const linger = ({ epoch }: { epoch: number }): void => { if (epoch === 1) for (const end = performance.now() + 40; performance.now() < end;); };
    const next = random(3), n = 6000, draw = (most: number): number[] => range(n).map(() => next.below(most));
    const [users, items] = name === 'LogisticMatrixFactorization' || name.startsWith('AutoRec') || name === 'CDAE' ? [3000, 2500] : name.includes('sgd') && name.includes('verified') ? [300, 200] : [30, 20], many = interactions(draw(users), draw(items), { baskets: range(n).map((at) => at >> 2), times: range(n), values: draw(5) });
    const wide = name.startsWith('BPR, sgd') ? { factors: 8000, learningRate: 0.01, blocks: 8 } : name === 'SVDPlusPlus' ? { factors: 20_000, learningRate: 1e-4, initialScale: 0.01 } : name.startsWith('RatingMF, sgd') && { factors: 20_000, learningRate: 1e-4, initialScale: 0.01, blocks: 8 }, hybrid = name.startsWith('HybridMF') && { factors: 20_000, ...(!name.includes('features') && { blocks: 8 }) };
    const long = (settings: object = {}): Learning => make({ ...(!['LogisticMatrixFactorization', 'SVDPlusPlus'].includes(name) && !hybrid && { batchSize: 4 }), epochs: 3, ...(name.startsWith('BPR') && { stepsPerEpoch: 4000 }), ...wide, ...hybrid, ...settings }), whole = await long().fit(many);
    const controller = new AbortController(), checkpoints = kept(), stopped = long();
    await stops(stopped.fit(many, { checkpoints, signal: controller.signal, onEpoch: linger, onStep: ({ epoch, step, steps }) => { if (epoch === 2 && step < steps) controller.abort(reason); } }));
    assert.is(checkpoints.all.length, 1);
    same(await long().fit(many, { checkpoints }), whole);
    // and in memory: optimiser and generator went back with the parameters
    const ended = long();
    await stops(ended.fit(many, until(1, {})));
    await stopped.partialFit(many);
    same(stopped, await ended.partialFit(many));
  });

  test('an epoch that onEpoch, validation or the keeping itself did not get through is not done', async () => {
    const whole = await make().fit(data);
    for (const fault of ['onEpoch', 'validation', 'save'] as const) {
      const checkpoints = kept(), epochs: number[] = [], model = make(), { save } = checkpoints;
      const fail = (epoch: number): void => { if (epoch === 3 && checkpoints.all.length === 2 && epochs.filter((one) => one === 3).length < 2) throw reason; };
      const options: FitOptions = { checkpoints, onEpoch: ({ epoch }) => { epochs.push(epoch); if (fault === 'onEpoch') fail(epoch); }, validation: (one) => { if (fault === 'validation' && one === model) fail(one.toState().numbers.epochs); return 1; } };
      checkpoints.save = (checkpoint) => { if (fault === 'save') fail(checkpoint.last.epoch); save.call(checkpoints, checkpoint); };
      await stops(model.fit(data, options));
      learnedAlike(model, await make({ epochs: 3 }).fit(data)); // in memory it is
      assert.is(checkpoints.all.length, 2);
      same(await make().fit(data, options), whole, fault);
      assert.equal(epochs, fault === 'validation' ? [1, 2, 3, 4] : [1, 2, 3, 3, 4], 'it is heard of again');
    }
  });

  test('plain objects are kept as well as bytes', async () => {
    const all: Checkpoint[] = [], whole = await make().fit(data, { checkpoints: { load: () => null, save: (checkpoint) => { all.push(checkpoint); } } });
    assert.equal(all.map(({ last }) => last.epoch), [1, 2, 3, 4]);
    for (const checkpoint of all) same(await make().fit(data, { checkpoints: { load: async () => checkpoint, save: async () => {} } }), whole);
  });

  test.run();
}

const test = suite('models/checkpoints');

/** For each setting another value. */
const others: Record<string, [make: (settings?: object) => Learning, others: Record<string, unknown>]> = {
  LogisticMF: [makers.LogisticMF, { factors: 6, learningRate: 0.04, l2: 1e-3, negatives: 3, batchSize: 30, seed: 2 }],
  LogisticMatrixFactorization: [makers.LogisticMatrixFactorization, { factors: 6, learningRate: 0.2, l2: 0, alpha: 2, amounts: 'log', seed: 2 }],
  BPR: [makers.BPR, { preset: 'chapter', solver: 'sgd', learningRateDecay: 0.9, drawNegatives: 'popularity', order: 'random', blocks: 2, factors: 6, stepsPerEpoch: null, learningRate: 0.04, l2: 0, itemL2: 0.01, initialScale: 0.3, initialBias: 0.2, batchSize: 30, verifyNegatives: true, seed: 2 }],
  SVDPlusPlus: [makers.SVDPlusPlus, { factors: 6, learningRate: 0.01, learningRateDecay: 0.9, l2: 0.1, initialScale: 0.2, seed: 2 }],
  RatingMF: [makers['RatingMF, sgd'], { solver: 'adam', factors: 6, learningRate: 0.01, learningRateDecay: 0.9, l2: 0.1, initialScale: 0.2, order: 'random', blocks: 2, batchSize: 30, seed: 2 }],
  FactorizationMachine: [makers['FactorizationMachine, ratings, features'], {
    task: 'click', userFeatures: { id: id() }, itemFeatures: { parity: category() }, factors: 6, optimizer: 'adam', learningRate: 0.05, l2: 0.01, initialScale: 0.2, negatives: 2, batchSize: 30, seed: 2,
  }],
  HybridMF: [makers['HybridMF, warp'], {
    userFeatures: { id: id(), parity: category() }, itemFeatures: { parity: category() }, normalizeFeatures: true, loss: 'bpr', factors: 6, learningRate: 0.04, userL2: 0.1, itemL2: 0.1, initialScale: 0.2, maxSampled: 5,
    negatives: 2, order: 'random', blocks: 2, seed: 2,
  }],
  AutoRec: [makers['AutoRec, items'], { by: 'user', hidden: 6, batchSize: 3, learningRate: 0.01, l2: 0.1, initialScale: 0.2, seed: 2 }],
  CDAE: [makers.CDAE, { hidden: 6, batchSize: 3, learningRate: 0.01, l2: 0.1, corruption: 0.5, negatives: 2, loss: 'squared', initialScale: 0.2, seed: 2 }],
  Siamese: [makers.Siamese, {
    userFeatures: { id: id() }, itemFeatures: { parity: category() }, layers: [7], embedding: 6, loss: 'triplet', margin: 2, liked: 3, negatives: 'unseen', sampling: 'hard', batchSize: 30, learningRate: 0.01, l2: 0.1, seed: 2,
  }],
  TwoTower: [makers.TwoTower, {
    userFeatures: { id: id() }, itemFeatures: { parity: category() }, contextFeatures: { time: number() }, layers: [7], removeHits: false, samplingCorrection: false, temperature: 2, batchSize: 30, learningRate: 0.01, l2: 0.1, seed: 2,
  }],
  HistoryToNext: [makers['HistoryToNext, sampled, dropout, features'], {
    factors: 6, history: 3, horizon: 2, layers: [7, 5], userFeatures: null, exampleAge: 30, loss: 'softmax', negatives: 6, batchSize: 30, learningRate: 0.01, l2: 0.1, dropout: 0.2, seed: 2,
  }],
  NextItemLSTM: [(settings) => new NextItemLSTM({ ...lstm, ...settings }), {
    preset: 'chapter', factors: 6, hidden: 7, layers: 1, user: true, batches: 'windows', windowLength: 4, batchSize: 5, steps: 4, optimizer: 'sgd', learningRate: 0.03, learningRateDecay: 0.5,
    decayAfter: 2, clipNorm: null, dropout: 0.1, forgetBias: 0, initialScale: 0.2, seed: 2,
  }],
};

for (const [name, [make, changes]] of Object.entries(others)) {
  test(`${name}: another value of any setting is refused, by name; what was kept and what was there stay`, async () => {
    const checkpoints = Object.assign(kept(), { name: 'run.safetensors' });
    await make({ epochs: 1 }).fit(data, { checkpoints });
    const before = checkpoints.bytes, { settings } = make();
    assert.equal(Object.keys(settings).filter((setting) => !(setting in changes)), ['epochs']);
    for (const [setting, value] of Object.entries(changes)) {
      const model = make({ [setting]: value });
      await rejects(() => model.fit(data, { checkpoints }), 'wrong-checkpoint', `${name}.fit: run.safetensors is of ${name} with ${setting} `, ', and this model has ', 'fit with what it was made with');
      assert.not.ok(model.fitted);
    }
    const [size, was] = Object.entries(settings).find(([setting]) => ['factors', 'hidden', 'embedding', 'batchSize'].includes(setting))!, there = await make({ [size]: 9 }).fit(data), bytes = toBytes(there);
    await rejects(() => there.fit(data, { checkpoints }), 'wrong-checkpoint', `with ${size} ${was}, and this model has 9`);
    assert.equal(toBytes(there), bytes);
    assert.is(checkpoints.bytes, before);
    assert.is(checkpoints.all.length, 1);
  });
}

test('a checkpoint of another model is refused', async () => {
  const checkpoints = kept();
  await makers.BPR().fit(data, { checkpoints });
  await rejects(() => makers.LogisticMF().fit(data, { checkpoints }), 'wrong-checkpoint', 'LogisticMF.fit: the checkpoint is of BPR, and this model is LogisticMF');
});

test('other data is refused, and how it differs is said', async () => {
  const events = range(data.user.length), { users, items } = data, user = events.map((at) => users.decode(data.user[at])), item = events.map((at) => items.decode(data.item[at]));
  const all = { users, items, values: data.value!, times: data.time!, baskets: data.basket! }, made = (change: object, user_ = user, item_ = item): Interactions => interactions(user_, item_, { ...all, ...change });
  const swapped = <T>(array: ArrayLike<T>, a: number, b: number): T[] => Array.from(array, (value, at) => array[at === a ? b : at === b ? a : at] ?? value);
  const [a, b] = [0, events.findIndex((at) => data.user[at] !== data.user[0] && data.item[at] !== data.item[0] && data.time![at] !== data.time![0] && data.value![at] !== data.value![0])];
  const renamed = (ids: LabelEncoder): LabelEncoder => LabelEncoder.fit(ids.known().map((id, row) => (row === 2 ? `${id}!` : id)));
  const again = (ids: LabelEncoder, list: (string | number | bigint)[]): (string | number | bigint)[] => list.map((id) => renamed(ids).decode(ids.encode(id)));
  const cases: [Interactions, string][] = [
    [selectEvents(data, Int32Array.from(events.slice(1))), `it has ${events.length} events, and these are ${events.length - 1}`],
    [made({}, swapped(user, a, b)), 'its events had other users, or in another order'],
    [made({}, user, swapped(item, a, b)), 'its events had other items'],
    [made({ values: swapped(data.value!, a, b) }), 'its events had other values'],
    [made({ times: swapped(data.time!, a, b) }), 'its events had other times'],
    [made({ baskets: [1, ...data.basket!.slice(1)] }), 'its events had other baskets'],
    [made({ values: undefined }), 'its events had values, and these have none'],
    [made({ times: undefined }), 'its events had times, and these have none'],
    [made({ baskets: undefined }), 'its events had baskets, and these have none'],
    [made({ users: LabelEncoder.fit([...users.known(), 'zoe']) }), `it has ${users.size} users, and these have ${users.size + 1}`],
    [made({ users: renamed(users) }, again(users, user)), "its user in row 2 is 'user 02', and in these 'user 02!'"],
    [made({ items: renamed(items) }, user, again(items, item)), "its item in row 2 is 'item 02', and in these 'item 02!'"],
    [made({ users: LabelEncoder.fit(users.known().slice(1), { unknown: true }) }), "its user in row 0 is 'user 00', and in these the unknown"],
  ];
  for (const [, make] of Object.entries(makers).filter(([name]) => /^(BPR|LogisticMF|LogisticMatrixFactorization|NextItemLSTM, windows, sgd.*)$/.test(name))) {
    const checkpoints = kept();
    await make({ epochs: 1 }).fit(data, { checkpoints });
    for (const [other, says] of cases) await rejects(() => make().fit(other, { checkpoints }), 'wrong-checkpoint', `the checkpoint is of other data: ${says}`);
    const encoded = interactions(user, item, { ...all, users: LabelEncoder.fit(users.known()), items: LabelEncoder.fit(items.known()) });
    same(await make().fit(encoded, { checkpoints }), await make().fit(data), 'the same data, made anew, is not other data');
  }
  const plain = interactions(user, item), checkpoints = kept();
  await makers.BPR({ epochs: 1 }).fit(plain, { checkpoints });
  await rejects(() => makers.BPR().fit(data, { checkpoints }), 'wrong-checkpoint', 'its events had no values, and these have them');
});

test('what cannot be kept, and what is no place to keep it in', async () => {
  const checkpoints = kept(), model = await makers.BPR().fit(data, { checkpoints });
  await rejects(() => model.partialFit(data, { checkpoints }), 'bad-setting', 'BPR.partialFit: checkpoints keep a fit from its beginning', 'fit with more epochs');
  same(await makers.BPR().partialFit(data, { checkpoints }), model); // before fit, partialFit is fit
  await rejects(() => new Popularity().fit(data, { checkpoints }), 'bad-setting', 'Popularity.fit: it learns in one go');
  await rejects(() => new EASE().fit(data, { checkpoints }), 'bad-setting', 'EASE.fit: it learns in one go');
  await rejects(() => new Blend([new BPR(bpr), new EASE()], { weights: [1, 1] }).fit(data, { checkpoints }), 'bad-setting', 'Blend.fit: it learns in one go');
  for (const wrong of ['run.ckpt', null, {}, { load: () => null }, { save() {} }, 5]) await rejects(() => makers.BPR().fit(data, { checkpoints: wrong as unknown as Checkpoints }), 'bad-setting', 'checkpoints must be an object with load and save, such as checkpointFile(path)');
  for (const wrong of [{}, 'bytes', 5, { state: {} }]) await rejects(() => makers.BPR().fit(data, { checkpoints: { load: () => wrong as unknown as Checkpoint, save() {} } }), 'bad-input', 'load must give what save was given, or null');
  await stops(makers.BPR().fit(data, { checkpoints: { load: () => { throw reason; }, save() {} } }));
});

test('tensors that are not those of the model, parameters or moments', async () => {
  const checkpoints = kept();
  await makers.BPR({ epochs: 1 }).fit(data, { checkpoints });
  const { last, ...rest } = checkpointFromBytes(checkpoints.bytes!), { user_factors: _, ...fewer } = last.tensors, given = (last_: Checkpoint['last']): Checkpoints => ({ load: () => ({ ...rest, last: last_ }), save() {} });
  await rejects(() => makers.BPR().fit(data, { checkpoints: given({ ...last, tensors: fewer }) }), 'wrong-checkpoint', 'holds no tensor user_factors of shape [23,5]');
  await rejects(() => makers.BPR().fit(data, { checkpoints: given({ ...last, optimizer: { ...last.optimizer, user_factors: { steps: 5, arrays: { m: new Float32Array(115), v: new Float32Array(3) } } } }) }), 'bad-shape', 'Adam: expected m and v');
});

test('a rate that explodes is measured by the first step of all, not by the first after a checkpoint', async () => {
  const settings = { factors: 4, epochs: 6, learningRate: 50, batchSize: 1e6 }, checkpoints = kept(), fit = (options: FitOptions): Promise<string> => new LogisticMF(settings).fit(data, options).then(() => 'fitted', (error: Error) => error.message);
  const said = await fit({ checkpoints });
  assert.match(said, 'training diverged in epoch ');
  assert.ok(checkpoints.all.length >= 1);
  for (const bytes of checkpoints.all) assert.is(await fit({ checkpoints: holding(bytes) }), said);
});

test.run();
