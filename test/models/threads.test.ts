import type { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend } from '../../kernels/index.ts';
import { AlternatingLeastSquares, AutoRec, BPR, CDAE, EASE, type FitOptions, HistoryToNext, HybridMF, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, RatingMF, type Recommender, Siamese, TwoTower, toBytes } from '../../lib/models.ts';
import { id } from '../../lib/data/index.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('models/threads');
const { train } = planted({ users: 150, items: 110, each: 30, noise: 0.2 });

/** Steps large enough to be cut. */
const models: (() => Recommender)[] = [
  () => new EASE({ lambda: 20 }),
  () => new LogisticMatrixFactorization({ epochs: 3 }),
  () => new LogisticMF({ factors: 512, epochs: 2, batchSize: 3000 }),
  () => new BPR({ factors: 512, epochs: 2, stepsPerEpoch: 3, batchSize: 6000 }),
  () => new BPR({ solver: 'sgd', factors: 64, epochs: 3, blocks: 5, verifyNegatives: true }),
  () => new RatingMF({ factors: 64, epochs: 3, blocks: 4, order: 'random' }),
  () => new HybridMF({ factors: 64, epochs: 3, blocks: 4 }),
  () => new HybridMF({ loss: 'logistic', factors: 64, epochs: 3, blocks: 5, order: 'random' }),
  () => new AutoRec({ hidden: 500, epochs: 2 }),
  () => new CDAE({ hidden: 300, epochs: 2 }),
  () => new TwoTower({ userFeatures: { id: id() }, itemFeatures: { id: id() }, layers: [300, 200], epochs: 2 }),
  () => new Siamese({ userFeatures: { id: id() }, itemFeatures: { id: id() }, layers: [300], embedding: 200, liked: 1, negatives: 'unseen', epochs: 2 }),
  () => new AlternatingLeastSquares({ factors: 320, epochs: 1 }),
  () => new AlternatingLeastSquares({ factors: 320, epochs: 1, solver: 'cholesky' }),
  () => new HistoryToNext({ factors: 200, layers: [300, 200], epochs: 2 }),
  () => new HistoryToNext({ factors: 200, layers: [300, 200], epochs: 2, loss: 'sampled' }),
  () => new NextItemLSTM({ factors: 40, hidden: 60, epochs: 2, batchSize: 40, user: true, dropout: 0.1 }),
  () => new NextItemLSTM({ factors: 40, hidden: 60, epochs: 1, batchSize: 40, batches: 'windows', optimizer: 'sgd', learningRate: 0.5 }),
];

const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));
/** Whether work on two threads starts a worker. */
async function cutsWork(work: (threads: number) => Promise<unknown>): Promise<boolean> {
  await ended(); // those of other tests
  const before = workers.length;
  await work(2);
  await new Promise((resolve) => { setImmediate(resolve); }); // until Node has told of it
  return workers.length > before;
}
const ended = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 2500); });

for (const make of models) {
  const { name } = make();
  test(`${name}: any number of threads gives the same bytes`, async () => {
    const bytes = toBytes(await make().fit(train));
    if (backend().whyOneThread === null) assert.ok(await cutsWork((threads) => make().fit(train, { threads })), 'its steps are large enough to be cut');
    for (const threads of [2, 3, 32, 'all'] as const) assert.ok(Buffer.compare(toBytes(await make().fit(train, { threads })), bytes) === 0, `${threads} threads`);
  });

  test(`${name}: threads that are no number of threads`, async () => {
    for (const threads of [0, -1, 1.5, 33, 10_000, Number.NaN, '2', null]) await rejects(() => make().fit(train, { threads } as FitOptions), 'bad-setting', `${name}.fit: threads must be a whole number from 1 to 32, or 'all', got`);
  });
}

test('many items, whose matrix is inverted panel by panel, and whose neighbours are found block by block', async () => {
  const { train } = planted({ users: 700, items: 600, each: 20 });
  for (const make of [() => new EASE({ lambda: 20 }), () => new ItemKNN({ shrinkage: 3 })]) {
    const bytes = toBytes(await make().fit(train));
    for (const threads of [2, 3] as const) assert.ok(Buffer.compare(toBytes(await make().fit(train, { threads })), bytes) === 0, `${make().name}, ${threads} threads`);
  }
});

test('lists for many users, and of what comes next, are the same on several threads; so is what evaluate makes of them', async () => {
  const model = await new LogisticMF({ factors: 64, epochs: 1 }).fit(train), users = Array.from({ length: 150 }, (_, user) => user), lists = model.recommend(users, { k: 5, exclude: train });
  const next = await new NextItemLSTM({ factors: 40, hidden: 60, epochs: 1, batchSize: 40 }).fit(train), expected = next.recommendNext(train, { k: 3 }), history = await new HistoryToNext({ layers: [200], epochs: 1 }).fit(train), after = history.recommendNext(train, { k: 3 }), judged = evaluate(model, train);
  for (const threads of [1, 2, 3, 'all'] as const) {
    assert.equal(model.recommend(users, { k: 5, exclude: train, threads }), lists);
    assert.equal(next.recommendNext(train, { k: 3, threads }), expected);
    assert.equal(history.recommendNext(train, { k: 3, threads }), after);
    assert.equal(evaluate(model, train, { threads }), judged);
  }
  for (const threads of [0, 33, Number.NaN]) {
    refuses(() => model.recommend(users, { threads }), 'bad-setting', 'LogisticMF.recommend: threads must be a whole number from 1 to 32');
    refuses(() => next.recommendNext(train, { threads }), 'bad-setting', 'NextItemLSTM.recommendNext: threads must be');
    refuses(() => history.recommendNext(train, { threads }), 'bad-setting', 'HistoryToNext.recommendNext: threads must be');
    refuses(() => evaluate(model, train, { threads }), 'bad-setting', 'threads must be');
  }
});

const { whyOneThread } = backend();
if (whyOneThread !== null) skip('models/threads, a worker that ends', whyOneThread);
else test('a worker that ends in the middle of an epoch: the fit ends, and the model is that of the last whole epoch', async () => {
  await ended();
  const before = workers.length;
  const model = new LogisticMF({ factors: 512, epochs: 500, batchSize: 3000 }), whole: Uint8Array[] = [];
  let steps = 0;
  await rejects(() => model.fit(train, {
    threads: 2,
    onEpoch: () => { whole.push(toBytes(model)); },
    onStep: () => { if (workers.length > before && whole.length >= 2 && steps++ === 0) void workers.at(-1)!.terminate(); },
  }), 'thread-lost', 'a worker thread has ended while it was needed', 'fit again, or with threads: 1');
  assert.is(workers.length, before + 1);
  assert.ok(steps > 0 && whole.length >= 2 && whole.length < 500);
  assert.equal(Buffer.compare(toBytes(model), whole.at(-1)!), 0);
  await model.fit(train, { threads: 2, onEpoch: ({ epoch }) => { if (epoch === 2) throw new Error('enough'); } }).catch((error: Error) => assert.is(error.message, 'enough')); // new ones serve
});

test.run();
