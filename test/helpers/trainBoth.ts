import { runtime } from './webassembly.ts'; // first: it may make the runtime a poorer one
import { createHash } from 'node:crypto';
import { AlternatingLeastSquares, AutoRec, BPR, CDAE, EASE, FactorizationMachine, HistoryToNext, HybridMF, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, RatingMF, SVDPlusPlus, Siamese, TwoTower, type Variant, backend, toBytes, useKernels } from '../../lib/models.ts';
import { id } from '../../lib/data/index.ts';
import { planted } from './planted.ts';

/** Run by itself, with a kernel variant or 'auto': trains the models and prints the sha256 of their files, and what ran underneath. */
useKernels(process.argv[2] as Variant | 'auto');
const { train } = planted({ users: 150, items: 110, each: 30, noise: 0.2 });
const settings = { factors: 19, epochs: 3, learningRate: 0.02, seed: 11 }; // 19: whole vectors and a tail
const models = [
  new LogisticMF({ ...settings, batchSize: 700 }), new BPR({ ...settings, stepsPerEpoch: 8, batchSize: 1500 }), new BPR({ ...settings, stepsPerEpoch: 2, batchSize: 900, verifyNegatives: true, initialBias: 1 }),
  new BPR({ ...settings, solver: 'sgd', blocks: 3, verifyNegatives: true }), new RatingMF({ ...settings, blocks: 3, order: 'random' }), new SVDPlusPlus(settings), new FactorizationMachine({ ...settings, task: 'click' }),
  ...(['warp', 'bpr', 'logistic'] as const).map((loss) => new HybridMF({ ...settings, loss, blocks: 3 })),
  new AutoRec({ epochs: 3, learningRate: 0.02, seed: 11, hidden: 19, batchSize: 40 }), new CDAE({ epochs: 3, learningRate: 0.02, seed: 11, hidden: 19, loss: 'squared' }),
  new TwoTower({ epochs: 3, learningRate: 0.1, seed: 11, userFeatures: { id: id() }, itemFeatures: { id: id() }, layers: [19, 7], batchSize: 300 }),
  new Siamese({ epochs: 3, learningRate: 0.02, seed: 11, userFeatures: { id: id() }, itemFeatures: { id: id() }, layers: [19, 11], embedding: 7, liked: 1, negatives: 'unseen' }),
  ...(['softmax', 'sampled'] as const).map((loss) => new HistoryToNext({ ...settings, loss, layers: [19, 11], batchSize: 400, negatives: 30 })),
  new NextItemLSTM({ ...settings, factors: 9, hidden: 13, user: true, batchSize: 20, steps: 10, dropout: 0.2 }),
  ...(['cg', 'cholesky'] as const).map((solver) => new AlternatingLeastSquares({ factors: 19, epochs: 3, seed: 11, solver })),
  new EASE({ lambda: 20 }), new ItemKNN({ likeness: 'bm25', shrinkage: 3 }), new LogisticMatrixFactorization({ ...settings, learningRate: 0.5 }),
  new LogisticMF({ ...settings, factors: 50, batchSize: 10_000, negatives: 15 }), // a step of a few megabytes, for which the memory must grow
];
const sums: string[] = [];
for (const model of models) sums.push(createHash('sha256').update(toBytes(await model.fit(train))).digest('hex'));
process.stdout.write(`${JSON.stringify({ node: process.version, runtime, kernels: backend().kernels, shared: backend().sharedMemory, sums })}\n`);
