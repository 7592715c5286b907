import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { useKernels, variants } from '../../kernels/index.ts';
import { memoryUse, scope, scratchCopy } from '../../kernels/memory.ts';
import { type Csr, type InteractionOptions, type Interactions, LabelEncoder, type RawId, category, countPairs, id, interactions as eventsOf, number, selectEvents } from '../../lib/data/index.ts';
import {
  AlternatingLeastSquares, AutoRec, BPR, BiasOnly, Blend, CDAE, EASE, type EpochReport, FactorizationMachine, type FitOptions, HistoryToNext, HybridMF, ItemKNN, LogisticMF, LogisticMatrixFactorization, type ModelState, NextItemLSTM, Popularity, PurchaseHistory, RatingMF, SVDPlusPlus, Siamese, type SiameseSettings, TwoTower, type TwoTowerSettings, type RecommendForOptions, type Recommender, type StepReport, type TopLists, fromBytes, toBytes,
} from '../../lib/models.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';
import { checkerboard } from '../helpers/checkerboard.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';
import { slowCodes, slowVectors } from '../helpers/slowNets.ts';
import { type IdKind, SHOP_ITEMS, SHOP_USERS, idOf, shop } from '../helpers/shop.ts';
import { withTables } from '../helpers/withTables.ts';

type Settings = Record<string, unknown>;
type Model = Recommender & { free?: () => void };

/** What the exam must know of a model; all else is the same for all. */
interface Candidate {
  readonly make: (settings?: Settings) => Model;
  /** Settings under which it learns the small shop in a moment. */
  readonly small: Settings;
  /** For each setting a value that must change what is learned. */
  readonly others: Settings;
  /** Where a setting changes nothing by itself: what must be set beside it. */
  readonly beside?: Record<string, Settings>;
  /** For each setting what must be refused. */
  readonly bad: Settings[];
  /** Settings for the checkerboard, for planted tastes, and for many short steps; null for a model that learns in one go. */
  readonly learns: { board: Settings; tastes: Settings; long: Settings; diverges: Settings | null; floor: number } | null; // diverges: null without a learning rate
  /** What the loss stays below from the first epoch on; 2, and of ratings 4, unless told otherwise. */
  readonly below?: number;
  /** Whether its rates fall with the gradients, so that it diverges in the first epoch or never. */
  readonly settles?: boolean;
  /** Of a model that learns in one go: settings for the checkerboard and for planted tastes; none for one that only counts. */
  readonly solves?: { board: Settings; tastes: Settings; floor: number };
  /** What makes items alike: cosines of vectors, or weights of its own; none where it knows no likeness. */
  readonly alike?: 'vectors' | 'weights';
  /** Whether users and items make an epoch long, not events: a step takes every pair, or whole rows of them. */
  readonly allPairs?: boolean;
  /** Whether it learns only where a user has an item that is not liked: where all have met everything there is nothing to learn, and it says so. */
  readonly contrasts?: boolean;
  /** What it says of events of one item, where it cannot learn from them. */
  readonly oneItem?: string;
  /** Board and tastes as it must see them to learn who likes what; as they are, unless said otherwise. */
  readonly pairs?: (data: Interactions) => Interactions;
  /** Which tensor holds the vectors that make items alike, and in which row the first item's is. */
  readonly vectors?: { name: string; from: number };
  /** The same, where no tensor holds them: worked out from what the file holds. */
  readonly vectorsOf?: (state: ModelState) => number[][];
  /** Settings that make its tables, of 200 users and 100 items, 300 x 64 numbers or more: unless told otherwise 64 factors. */
  readonly wide?: Settings;
  /** What recommendFor does unless told otherwise. */
  readonly excludesSeen: boolean;
}

/** Events, each with a value, which is a rating to models of ratings, unless told otherwise. */
const interactions = (users: ArrayLike<RawId>, items: ArrayLike<RawId>, options: InteractionOptions = {}): Interactions => eventsOf(users, items, { values: new Float32Array(users.length).fill(1), ...options });

/** What users met as ratings: 5, and 1 for some of what they did not meet, but never for the item of the user's own number. */
function rated({ users, items, matrix }: Interactions): Interactions {
  const next = random(1), all: [user: number, item: number, rating: number][] = [];
  for (let user = 0; user < users.size; user++) {
    const met = new Set(rowOf(matrix, user));
    for (let item = 0; item < items.size; item++) if (met.has(item) || (item !== user && next.below(3) === 0)) all.push([user, item, met.has(item) ? 5 : 1]);
  }
  return eventsOf(all.map(([user]) => users.decode(user)), all.map(([, item]) => items.decode(item)), { users, items, values: all.map(([, , rating]) => rating) });
}

/** The same events in an order by lot: who comes in what order says nothing. */
const inAnyOrder = (data: Interactions): Interactions => selectEvents(data, random(1).shuffle(Int32Array.from(data.user.keys())));

const notPositive = [0, -1, Number.NaN, Infinity, '1', null], notWhole = [0, -3, 1.5, Number.NaN, Infinity, '8', null];
const negative = [-1, Number.NaN, Infinity, '0', null];
const each = (name: string, values: unknown[]): Settings[] => values.map((value) => ({ [name]: value }));

const candidates: Candidate[] = [
  {
    make: (settings) => new Popularity(settings), small: { halfLife: 90 }, others: { halfLife: 30 },
    bad: each('halfLife', [0, -1, Number.NaN, Infinity, '30', true]), learns: null, excludesSeen: true,
  },
  {
    make: (settings) => new PurchaseHistory(settings), small: { halfLife: 90 }, others: { halfLife: 30 },
    bad: each('halfLife', [0, -1, Number.NaN, Infinity, '30', true]), learns: null, excludesSeen: false,
  },
  {
    make: (settings) => new ItemKNN(settings),
    small: { likeness: 'bm25', neighbours: 6, amounts: 'counts', shrinkage: 1, K1: 1.2, B: 0.75 }, others: { likeness: 'cosine', neighbours: 3, amounts: 'binary', shrinkage: 5, K1: 4, B: 0.2 },
    bad: [
      ...each('likeness', ['jaccard', 1, null]), ...each('neighbours', [...notWhole, 2 ** 24 + 1]), ...each('amounts', ['sqrt', 1, null]), ...each('shrinkage', negative), ...each('K1', notPositive),
      ...each('B', [-0.1, 1, Number.NaN, '0', null]),
    ],
    learns: null, solves: { board: {}, tastes: { likeness: 'cosine', neighbours: 30 }, floor: 0.55 }, alike: 'weights', excludesSeen: true,
  },
  {
    make: (settings) => new EASE(settings),
    small: { lambda: 2, amounts: 'counts' }, others: { lambda: 5, amounts: 'log' },
    bad: [...each('lambda', notPositive), ...each('amounts', ['sqrt', 1, null])],
    learns: null, solves: { board: { lambda: 10 }, tastes: { lambda: 50 }, floor: 0.55 }, alike: 'weights', excludesSeen: true,
  },
  {
    make: (settings) => new Blend([new EASE({ lambda: 2, amounts: 'counts' }), new PurchaseHistory({ halfLife: 90 }), new Popularity()], settings),
    small: { weights: [2, 1, 0.01] }, others: { weights: [2, 1, 0.02] },
    bad: each('weights', [[], [1, 2], [1, 2, 3, 4], [1, Number.NaN, 1], [1, Infinity, 1], [1, '2', 3], 1, '1,2,3', true]),
    learns: null, excludesSeen: false,
  },
  {
    make: (settings) => new LogisticMatrixFactorization(settings),
    small: { factors: 5, epochs: 4, learningRate: 0.5, l2: 0.1, alpha: 2, amounts: 'counts', seed: 1 }, others: { factors: 6, epochs: 5, learningRate: 0.4, l2: 0.5, alpha: 3, amounts: 'log', seed: 2 },
    bad: [
      ...each('factors', notWhole), ...each('epochs', notWhole), ...each('learningRate', notPositive), ...each('l2', negative), ...each('alpha', notPositive), ...each('amounts', ['sqrt', 1, null]),
      ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 2, epochs: 40, l2: 0.1 }, tastes: { factors: 8, epochs: 60, l2: 2, learningRate: 0.5 }, long: { factors: 4, epochs: 60 }, diverges: { factors: 4, epochs: 6, learningRate: 50 }, floor: 0.5,
    },
    alike: 'vectors', allPairs: true, excludesSeen: true,
  },
  {
    make: (settings) => new LogisticMF(settings),
    small: { factors: 5, epochs: 4, learningRate: 0.05, l2: 1e-4, negatives: 2, batchSize: 40, seed: 1 },
    others: { factors: 6, epochs: 5, learningRate: 0.04, l2: 1e-3, negatives: 3, batchSize: 30, seed: 2 },
    bad: [
      ...each('factors', notWhole), ...each('epochs', notWhole), ...each('learningRate', notPositive), ...each('l2', negative), ...each('negatives', notWhole),
      ...each('batchSize', notWhole), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 2, epochs: 30, learningRate: 0.05, l2: 1e-5, batchSize: 200 }, tastes: { factors: 8, epochs: 15, learningRate: 0.02, l2: 1e-6, batchSize: 600 },
      long: { factors: 4, epochs: 60, learningRate: 0.01, batchSize: 3 }, diverges: { factors: 4, epochs: 6, learningRate: 50, batchSize: 1e6 }, floor: 0.55,
    },
    alike: 'vectors',
    excludesSeen: true,
  },
  {
    make: (settings) => new BPR(settings),
    small: { factors: 5, epochs: 4, stepsPerEpoch: 5, learningRate: 0.05, l2: 1e-4, batchSize: 40, initialScale: null, initialBias: 0.1, verifyNegatives: false, seed: 1 },
    others: {
      solver: 'sgd', factors: 6, epochs: 5, stepsPerEpoch: 6, learningRate: 0.04, learningRateDecay: 0.9, l2: 1e-3, itemL2: 1e-2, batchSize: 30, initialScale: 0.2, initialBias: 0.2, verifyNegatives: true, drawNegatives: 'popularity', order: 'random',
      blocks: 3, seed: 2,
    },
    beside: { learningRateDecay: { solver: 'sgd' }, drawNegatives: { solver: 'sgd' }, order: { solver: 'sgd' }, blocks: { solver: 'sgd' } },
    bad: [
      ...each('solver', ['Adam', 1, null]), ...each('learningRateDecay', notPositive), ...each('drawNegatives', ['all', 1, null]), ...each('order', ['items', 1, null]), ...each('blocks', notWhole.slice(0, -1)),
      ...each('preset', ['book', 1, true]), ...each('factors', notWhole), ...each('epochs', notWhole), ...each('stepsPerEpoch', notWhole.slice(0, -1)), ...each('batchSize', notWhole),
      ...each('learningRate', notPositive), ...each('l2', negative), ...each('itemL2', negative.slice(0, -1)), ...each('initialScale', notPositive.slice(0, -1)), ...each('initialBias', negative), ...each('verifyNegatives', ['yes', 1, null]), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 4, epochs: 5, stepsPerEpoch: 40, batchSize: 200, learningRate: 0.05, l2: 1e-4 }, tastes: { factors: 8, epochs: 12, stepsPerEpoch: 20, batchSize: 600, learningRate: 0.03, l2: 3e-6 },
      long: { factors: 4, epochs: 60, batchSize: 3, learningRate: 0.01 }, diverges: { factors: 4, epochs: 6, stepsPerEpoch: 1, batchSize: 1000, learningRate: 50 }, floor: 0.5,
    },
    alike: 'vectors',
    excludesSeen: true,
  },
  {
    make: (settings) => new AlternatingLeastSquares(settings),
    small: { factors: 5, epochs: 4, l2: 1, alpha: 2, base: 1, solver: 'cg', cgSteps: 2, seed: 1 },
    others: { factors: 6, epochs: 5, l2: 2, alpha: 3, base: 0, solver: 'cholesky', cgSteps: 3, seed: 2 },
    bad: [
      ...each('preset', ['book', 1, true]), ...each('factors', notWhole), ...each('epochs', notWhole), ...each('l2', notPositive), ...each('alpha', notPositive), ...each('base', negative),
      ...each('solver', ['CG', 1, null]), ...each('cgSteps', notWhole), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 4, epochs: 10, l2: 1, alpha: 5 }, tastes: { factors: 8, epochs: 15, l2: 5, alpha: 5 },
      long: { factors: 320, epochs: 60, solver: 'cholesky' }, diverges: null, floor: 0.5, // so many factors that an epoch has many steps
    },
    alike: 'vectors',
    excludesSeen: true,
  },
  {
    make: (settings) => new BPR({ solver: 'sgd', ...settings }),
    small: { factors: 5, epochs: 4, learningRate: 0.05, learningRateDecay: 1, l2: 1e-3, initialBias: 0.1, verifyNegatives: false, drawNegatives: 'uniform', order: 'users', blocks: 2, seed: 1 },
    others: {
      solver: 'adam', factors: 6, epochs: 5, stepsPerEpoch: 6, learningRate: 0.04, learningRateDecay: 0.9, l2: 1e-2, itemL2: 1e-4, batchSize: 30, initialScale: 0.2, initialBias: 0.2, verifyNegatives: true, drawNegatives: 'popularity', order: 'random',
      blocks: 3, seed: 2,
    },
    beside: { stepsPerEpoch: { solver: 'adam' }, batchSize: { solver: 'adam' } },
    bad: [...each('solver', ['SGD', 1, null]), ...each('blocks', notWhole.slice(0, -1))],
    learns: {
      board: { factors: 4, epochs: 40, learningRate: 0.1, learningRateDecay: 1, l2: 1e-3 }, tastes: { factors: 8, epochs: 30, learningRate: 0.1, learningRateDecay: 0.95, l2: 0.01 },
      long: { factors: 8000, epochs: 60, learningRate: 0.01, blocks: 8 }, diverges: { factors: 4, epochs: 6, l2: 0, learningRate: 1 }, floor: 0.5,
    },
    alike: 'vectors',
    excludesSeen: true,
  },
  ...(['sgd', 'adam'] as const).map((solver): Candidate => ({
    make: (settings) => new RatingMF({ solver, ...settings }),
    small: { factors: 5, epochs: 4, learningRate: 0.05, learningRateDecay: 1, l2: 1e-3, initialScale: 0.1, order: 'users', blocks: 2, batchSize: 40, seed: 1 },
    others: { solver: solver === 'sgd' ? 'adam' : 'sgd', factors: 6, epochs: 5, learningRate: 0.04, learningRateDecay: 0.9, l2: 1e-2, initialScale: 0.2, order: 'random', blocks: 3, batchSize: 30, seed: 2 },
    beside: { learningRateDecay: { solver: 'sgd' }, order: { solver: 'sgd' }, blocks: { solver: 'sgd' }, batchSize: { solver: 'adam' } },
    bad: [
      ...each('solver', ['SGD', 1, null]), ...each('factors', notWhole), ...each('epochs', notWhole), ...each('learningRate', notPositive), ...each('l2', negative), ...each('initialScale', notPositive),
      ...each('learningRateDecay', notPositive), ...each('order', ['items', 1, null]), ...each('blocks', notWhole.slice(0, -1)), ...each('batchSize', notWhole), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: solver === 'sgd' ? {
      board: { factors: 4, epochs: 40, learningRate: 0.02, l2: 1e-3 }, tastes: { factors: 8, epochs: 30, learningRate: 0.02, l2: 0.05 },
      long: { factors: 20_000, epochs: 60, learningRate: 1e-4, initialScale: 0.01, blocks: 8 }, diverges: { factors: 4, epochs: 6, learningRate: 0.05, l2: 41 }, floor: 0.35,
    } : {
      board: { factors: 4, epochs: 30, learningRate: 0.02, l2: 1e-3, batchSize: 200 }, tastes: { factors: 8, epochs: 30, learningRate: 0.02, l2: 0.05, batchSize: 600 },
      long: { factors: 4, epochs: 60, learningRate: 0.01, batchSize: 3 }, diverges: { factors: 4, epochs: 6, learningRate: 50, batchSize: 1e6 }, floor: 0.35,
    },
    pairs: rated,
    alike: 'vectors',
    excludesSeen: true,
  })),
  ...(['rating', 'click'] as const).map((task): Candidate => ({
    make: (settings) => withTables(new FactorizationMachine({ task, ...settings })),
    small: { userFeatures: { id: id() }, itemFeatures: { id: id() }, factors: 5, epochs: 4, optimizer: 'adagrad', learningRate: 0.05, l2: 1e-3, initialScale: 0.1, negatives: 2, batchSize: 40, seed: 1 },
    others: {
      task: task === 'click' ? 'rating' : 'click', userFeatures: { id: id(), parity: category() }, itemFeatures: { parity: category() }, factors: 6, epochs: 5, optimizer: 'adam', learningRate: 0.04, l2: 1e-2,
      initialScale: 0.2, negatives: 3, batchSize: 30, seed: 2,
    },
    beside: { negatives: { task: 'click' } },
    bad: [
      ...each('task', ['ratings', 1, null]), ...each('userFeatures', [null, 'id', 3, {}, []]), ...each('itemFeatures', [null, 'id', 3, {}, []]), ...each('factors', notWhole), ...each('epochs', notWhole),
      ...each('optimizer', ['Adam', 1, null]), ...each('learningRate', notPositive), ...each('l2', negative), ...each('initialScale', notPositive), ...each('negatives', notWhole), ...each('batchSize', notWhole),
      ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 4, epochs: 40, learningRate: 0.1, l2: 1e-3, batchSize: 200 }, tastes: task === 'rating' ? { factors: 8, epochs: 30, l2: 0.05, batchSize: 600 } : { factors: 8, epochs: 20, l2: 0.01, batchSize: 600 },
      long: { factors: 4, epochs: 60, learningRate: 0.01, batchSize: 3 }, diverges: { factors: 4, epochs: 6, learningRate: 50, batchSize: 1e6 }, floor: task === 'rating' ? 0.35 : 0.5,
    },
    ...(task === 'rating' && { pairs: rated }),
    alike: 'vectors', vectors: { name: 'item_feature_factors', from: 0 },
    excludesSeen: true,
  })),
  ...(['warp', 'bpr', 'logistic'] as const).map((loss): Candidate => ({
    make: (settings) => withTables(new HybridMF({ loss, ...settings })),
    small: {
      userFeatures: { id: id() }, itemFeatures: { id: id() }, normalizeFeatures: true, factors: 5, epochs: 4, learningRate: 0.05, userL2: 1e-3, itemL2: 1e-3, initialScale: 0.5, maxSampled: 2, negatives: 1, order: 'users',
      blocks: 1, seed: 1,
    },
    others: {
      loss: loss === 'warp' ? 'bpr' : 'warp', userFeatures: { id: id(), parity: category() }, itemFeatures: { parity: category() }, normalizeFeatures: false, factors: 6, epochs: 5, learningRate: 0.04, userL2: 1e-2, itemL2: 1e-2,
      initialScale: 0.6, maxSampled: 3, negatives: 2, order: 'random', blocks: 3, seed: 2,
    },
    beside: { normalizeFeatures: { userFeatures: { id: id(), parity: category() } }, negatives: { loss: 'logistic' } },
    bad: [
      ...each('loss', ['hinge', 1, null]), ...each('userFeatures', [null, 'id', 3, {}, []]), ...each('itemFeatures', [null, 'id', 3, {}, []]), ...each('normalizeFeatures', ['yes', 1, null]), ...each('factors', notWhole),
      ...each('epochs', notWhole), ...each('learningRate', notPositive), ...each('userL2', negative), ...each('itemL2', negative), ...each('initialScale', notPositive), ...each('maxSampled', notWhole),
      ...each('negatives', [-1, 1.5, Number.NaN, '1', null]), ...each('order', ['items', 1, null]), ...each('blocks', notWhole.slice(0, -1)), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 4, epochs: 40 }, tastes: { factors: 8, epochs: 15, userL2: 0.01, itemL2: 0.01 },
      long: { factors: 8000, epochs: 60, blocks: 8 }, diverges: { factors: 4, epochs: 6, blocks: 20 }, floor: 0.5,
    },
    below: loss === 'warp' ? Math.log(40) : 1, settles: true,
    alike: 'vectors', vectors: { name: 'item_feature_factors', from: 0 },
    excludesSeen: true,
  })),
  {
    make: (settings) => new SVDPlusPlus(settings),
    small: { factors: 5, epochs: 4, learningRate: 0.05, learningRateDecay: 1, l2: 1e-3, initialScale: 0.1, seed: 1 },
    others: { factors: 6, epochs: 5, learningRate: 0.04, learningRateDecay: 0.9, l2: 1e-2, initialScale: 0.2, seed: 2 },
    bad: [
      ...each('factors', notWhole), ...each('epochs', notWhole), ...each('learningRate', notPositive), ...each('learningRateDecay', notPositive), ...each('l2', negative), ...each('initialScale', notPositive),
      ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 4, epochs: 40, learningRate: 0.02, l2: 1e-3 }, tastes: { factors: 8, epochs: 30, learningRate: 0.02, l2: 0.05 },
      long: { factors: 20_000, epochs: 60, learningRate: 1e-4, initialScale: 0.01 }, diverges: { factors: 4, epochs: 6, learningRate: 0.05, l2: 40.06 }, floor: 0.35,
    },
    pairs: rated,
    alike: 'vectors',
    excludesSeen: true,
  },
  ...(['item', 'user'] as const).map((by): Candidate => ({
    make: (settings) => new AutoRec({ by, ...settings }),
    small: { hidden: 5, epochs: 4, batchSize: 8, learningRate: 0.05, l2: 1e-3, initialScale: 0.1, seed: 1 },
    others: { by: by === 'item' ? 'user' : 'item', hidden: 6, epochs: 5, batchSize: 6, learningRate: 0.04, l2: 1e-2, initialScale: 0.2, seed: 2 },
    bad: [
      ...each('by', ['items', 1, null]), ...each('hidden', notWhole), ...each('epochs', notWhole), ...each('batchSize', notWhole), ...each('learningRate', notPositive), ...each('l2', negative),
      ...each('initialScale', notPositive), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { hidden: 4, epochs: 200, batchSize: 20, learningRate: 0.02, l2: 1e-5 }, tastes: { hidden: 30, epochs: 60, batchSize: 60, learningRate: 0.01, l2: 1e-3 },
      long: { hidden: 20, epochs: 60, batchSize: 1, learningRate: 1e-3 }, diverges: { hidden: 4, epochs: 6, batchSize: 1e6, learningRate: 50 }, floor: 0.35,
    },
    pairs: rated,
    alike: 'vectors', ...(by === 'item' ? { vectorsOf: slowCodes } : { vectors: { name: 'decoder', from: 0 } }), wide: { hidden: 128 }, allPairs: true,
    excludesSeen: true,
  })),
  {
    make: (settings) => new CDAE(settings),
    small: { hidden: 5, epochs: 4, batchSize: 8, learningRate: 0.05, l2: 1e-3, corruption: 0.2, negatives: 2, loss: 'log', initialScale: 0.1, seed: 1 },
    others: { hidden: 6, epochs: 5, batchSize: 6, learningRate: 0.04, l2: 1e-2, corruption: 0.3, negatives: 3, loss: 'squared', initialScale: 0.2, seed: 2 },
    bad: [
      ...each('hidden', notWhole), ...each('epochs', notWhole), ...each('batchSize', notWhole), ...each('learningRate', notPositive), ...each('l2', negative), ...each('corruption', [-0.1, 1, Number.NaN, '0', null]),
      ...each('negatives', notWhole), ...each('loss', ['Log', 1, null]), ...each('initialScale', notPositive), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { hidden: 4, epochs: 100, batchSize: 20, learningRate: 0.05, l2: 1e-5 }, tastes: { hidden: 8, epochs: 40, batchSize: 60, learningRate: 0.02, l2: 1e-4 },
      long: { hidden: 20, epochs: 60, batchSize: 1, learningRate: 1e-3 }, diverges: { hidden: 40, epochs: 6, batchSize: 1e6, learningRate: 50 }, floor: 0.5,
    },
    alike: 'vectors', vectors: { name: 'decoder', from: 0 }, wide: { hidden: 64 }, allPairs: true,
    excludesSeen: true,
  },
  {
    make: ({ userFeatures = { id: id() }, itemFeatures = { id: id() }, ...settings } = {}) => withTables(new Siamese({ userFeatures, itemFeatures, ...settings } as SiameseSettings)), // which it has no default for
    small: {
      userFeatures: { id: id() }, itemFeatures: { id: id() }, layers: [6], embedding: 5, loss: 'bpr', margin: 1, liked: 1, negatives: 'unseen', sampling: 'random', epochs: 4, batchSize: 40, learningRate: 0.05,
      l2: 1e-3, seed: 1,
    },
    others: {
      userFeatures: { id: id(), parity: category() }, itemFeatures: { id: id(), parity: category() }, layers: [6, 5], embedding: 4, loss: 'triplet', margin: 0.5, liked: 2, negatives: 'both', sampling: 'hard', epochs: 5, batchSize: 30,
      learningRate: 0.04, l2: 1e-2, seed: 2,
    },
    beside: { margin: { loss: 'triplet' }, liked: { negatives: 'both' }, negatives: { liked: 2 }, sampling: { liked: 2, negatives: 'both', itemFeatures: { row: number() } } },
    bad: [
      ...each('userFeatures', [null, 'id', 3, {}, []]), ...each('itemFeatures', [null, 'id', 3, {}, []]), ...each('layers', [8, null, '8', [0], [1.5], ['8'], [8, Number.NaN]]), ...each('embedding', notWhole),
      ...each('loss', ['BPR', 1, null]), ...each('margin', notPositive), ...each('liked', [Number.NaN, Infinity, '4', null]), ...each('negatives', ['all', 1, null]), ...each('sampling', ['Hard', 1, null]),
      ...each('epochs', notWhole), ...each('batchSize', notWhole), ...each('learningRate', notPositive), ...each('l2', negative), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { layers: [], embedding: 4, negatives: 'both', epochs: 60, batchSize: 200, learningRate: 0.05 }, tastes: { layers: [16], embedding: 8, negatives: 'both', epochs: 20, batchSize: 600, learningRate: 0.02 },
      long: { layers: [], embedding: 4, liked: 1, negatives: 'unseen', epochs: 60, batchSize: 3, learningRate: 0.01 }, diverges: { layers: [4], embedding: 4, liked: 1, negatives: 'unseen', epochs: 6, batchSize: 1e6, learningRate: 50 }, floor: 0.35,
    },
    contrasts: true,
    pairs: rated,
    alike: 'vectors', vectorsOf: slowVectors, wide: { layers: [64], embedding: 64 },
    excludesSeen: true,
  },
  {
    make: ({ userFeatures = { id: id() }, itemFeatures = { id: id() }, ...settings } = {}) => withTables(new TwoTower({ userFeatures, itemFeatures, ...settings } as TwoTowerSettings)), // which it has no default for
    small: {
      userFeatures: { id: id() }, itemFeatures: { id: id() }, contextFeatures: null, layers: [6, 5], removeHits: true, samplingCorrection: true, temperature: 1, epochs: 4, batchSize: 40, learningRate: 0.05, l2: 1e-3, seed: 1,
    },
    others: {
      userFeatures: { id: id(), parity: category() }, itemFeatures: { id: id(), parity: category() }, contextFeatures: { time: number() }, layers: [5], removeHits: false, samplingCorrection: false, temperature: 0.7, epochs: 5, batchSize: 30,
      learningRate: 0.04, l2: 1e-2, seed: 2,
    },
    bad: [
      ...each('userFeatures', [null, 'id', 3, {}, []]), ...each('itemFeatures', [null, 'id', 3, {}, []]), ...each('contextFeatures', ['id', 3, {}, []]), ...each('layers', [8, null, '8', [], [0], [1.5], ['8'], [8, Number.NaN]]),
      ...each('removeHits', [1, 'true', null]), ...each('samplingCorrection', [0, null]), ...each('temperature', notPositive), ...each('epochs', notWhole), ...each('batchSize', [...notWhole, 1]), ...each('learningRate', notPositive),
      ...each('l2', negative), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { layers: [4], epochs: 60, batchSize: 200, learningRate: 0.1 }, tastes: { layers: [16, 8], epochs: 30, batchSize: 600, learningRate: 0.1 },
      long: { layers: [4], epochs: 60, batchSize: 3, learningRate: 0.05 }, diverges: { layers: [4, 4], epochs: 6, batchSize: 1e6, learningRate: 1e5 }, floor: 0.35,
    },
    alike: 'vectors', vectorsOf: (state) => slowVectors(state, 'item', 'candidate'), wide: { layers: [80] }, below: 7,
    oneItem: 'expected events of at least two items',
    excludesSeen: true,
  },
  {
    make: (settings) => new BiasOnly(settings),
    small: { sweeps: 4, userL2: 3, itemL2: 2 }, others: { sweeps: 1, userL2: 5, itemL2: 6 },
    bad: [...each('sweeps', notWhole), ...each('userL2', negative), ...each('itemL2', negative)],
    learns: null, excludesSeen: true,
  },
  {
    make: (settings) => withTables(new HistoryToNext(settings)),
    small: {
      factors: 5, history: 4, horizon: 1, layers: [7, 6], userFeatures: null, exampleAge: null, loss: 'softmax', negatives: 5, epochs: 4, batchSize: 40, learningRate: 0.05, l2: 1e-4, dropout: 0, seed: 1,
    },
    others: {
      factors: 6, history: 3, horizon: 4, layers: [6], userFeatures: { parity: category() }, exampleAge: 60, loss: 'sampled', negatives: 7, epochs: 5, batchSize: 30, learningRate: 0.04, l2: 1e-3, dropout: 0.3, seed: 2,
    },
    beside: { negatives: { loss: 'sampled' } },
    bad: [
      ...each('factors', notWhole), ...each('history', notWhole), ...each('horizon', notWhole), ...each('layers', [8, null, '8', [], [0], [1.5], ['8'], [8, Number.NaN]]), ...each('userFeatures', ['id', 3, {}, []]), ...each('exampleAge', notPositive.slice(0, -1)),
      ...each('loss', ['Softmax', 1, null]), ...each('negatives', notWhole), ...each('epochs', notWhole), ...each('batchSize', notWhole), ...each('learningRate', notPositive), ...each('l2', negative),
      ...each('dropout', [-0.1, 1, Number.NaN, '0', null]), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 4, layers: [4], history: 30, epochs: 60, batchSize: 200, learningRate: 0.05 }, tastes: { factors: 8, layers: [16, 8], history: 40, epochs: 30, batchSize: 300, learningRate: 0.01 },
      long: { factors: 4, layers: [4], epochs: 60, batchSize: 3, learningRate: 0.01 }, diverges: { factors: 4, layers: [4], epochs: 6, batchSize: 1e6, learningRate: 50 }, floor: 0.5,
    },
    below: 4.2, pairs: inAnyOrder,
    alike: 'vectors', wide: { factors: 64, layers: [64] },
    excludesSeen: true,
  },
  {
    make: (settings) => new NextItemLSTM(settings),
    small: {
      factors: 5, hidden: 6, layers: 1, user: true, batches: 'packed', windowLength: 3, batchSize: 4, steps: 3, epochs: 4, optimizer: 'adam', learningRate: 0.05, learningRateDecay: 1,
      decayAfter: 0, clipNorm: 5, dropout: 0, forgetBias: 1, initialScale: 0.1, seed: 1,
    },
    others: {
      factors: 6, hidden: 5, layers: 2, user: false, batches: 'windows', windowLength: 4, batchSize: 5, steps: 4, epochs: 5, optimizer: 'sgd', learningRate: 0.04, learningRateDecay: 0.5,
      decayAfter: 2, clipNorm: 0.1, dropout: 0.3, forgetBias: 0, initialScale: 0.2, seed: 2,
    },
    beside: { windowLength: { batches: 'windows' }, decayAfter: { learningRateDecay: 0.5 } },
    bad: [
      ...each('preset', ['book', 1, true]), ...each('factors', notWhole), ...each('hidden', notWhole), ...each('layers', [...notWhole, 101]), ...each('user', ['yes', 1, null]),
      ...each('batches', ['both', 1, null]), ...each('windowLength', [...notWhole, 10_001]), ...each('batchSize', notWhole), ...each('steps', notWhole), ...each('epochs', notWhole),
      ...each('optimizer', ['Adam', 1, null]), ...each('learningRate', notPositive), ...each('learningRateDecay', notPositive), ...each('decayAfter', [-1, 1.5, Number.NaN, '1', null]),
      ...each('clipNorm', notPositive.slice(0, -1)), ...each('dropout', [-0.1, 1, Number.NaN, '0', null]), ...each('forgetBias', [Number.NaN, Infinity, '1', null]),
      ...each('initialScale', notPositive), ...each('seed', [Number.NaN, Infinity, '1', null]),
    ],
    learns: {
      board: { factors: 4, hidden: 4, layers: 1, user: true, epochs: 20, batchSize: 200, learningRate: 0.05 },
      tastes: { factors: 8, hidden: 16, layers: 1, user: true, epochs: 15, batchSize: 600, learningRate: 0.03 },
      long: { factors: 4, hidden: 4, layers: 1, user: true, epochs: 60, batchSize: 1, steps: 2, learningRate: 0.01 },
      diverges: { factors: 4, hidden: 40, layers: 1, user: true, epochs: 6, batchSize: 100, learningRate: 50 }, floor: 0.5,
    },
    pairs: (data) => ({ ...data, basket: Int32Array.from(data.user, (_, event) => event), matrix: data.matrix }), // the first item of a basket is all there is to tell
    alike: 'vectors', vectors: { name: 'item_embedding', from: 1 },
    excludesSeen: false,
  },
];

/** The model's name, and what kind of it where it has several. */
const titleOf = (make: Candidate['make']): string => { const { name, settings } = make(), { solver, task, loss, by } = settings as Settings, kind = solver ?? task ?? loss ?? by; return kind === undefined ? name : `${name}, ${kind}`; };

const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
/** onStep is asked every 30 ms: an epoch's end that takes longer makes it heard after the first step of the next, on any machine. */
const linger = ({ epoch }: EpochReport): void => { if (epoch <= 3) for (const end = performance.now() + 40; performance.now() < end;); };
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, milliseconds); });
const sameBytes = (a: Model, b: Model, what = ''): void => assert.ok(Buffer.compare(toBytes(a), toBytes(b)) === 0, `the bytes differ ${what}`);
/** What was learned, whatever the settings say. */
const learned = (model: Model): unknown => {
  const of = ({ tensors, numbers, parts = [] }: ModelState): unknown => [Object.entries(tensors).map(([name, { shape, data }]) => [name, [...shape], [...data]]), numbers, parts.map(of)];
  const state = model.toState(), { seen } = state.catalogue;
  return [of(state), [...seen.indptr], [...seen.indices], [...seen.values]];
};
const sameLearned = (a: Model, b: Model, what = ''): void => assert.ok(JSON.stringify(learned(a)) === JSON.stringify(learned(b)), `what was learned differs ${what}`);

/** The same events, all at one moment: for models that ask when. */
const timed = (data: Interactions): Interactions => ({ ...data, time: new Float64Array(data.user.length), matrix: data.matrix });

/** The lists again, slowly: by score, then by row; what is excluded is left out; padded. */
function slowLists(scores: Float32Array, nItems: number, k: number, excluded: (b: number) => readonly number[]): TopLists {
  const B = scores.length / nItems, items = new Int32Array(B * k).fill(-1), best = new Float32Array(B * k).fill(-Infinity);
  for (let b = 0; b < B; b++) {
    const row = scores.subarray(b * nItems, (b + 1) * nItems), out = new Set(excluded(b));
    const order = range(nItems).filter((item) => !out.has(item)).sort((x, y) => row[y] - row[x] || x - y).slice(0, k);
    order.forEach((item, at) => { items[b * k + at] = item; best[b * k + at] = row[item]; });
  }
  return { items, scores: best };
}

const rowOf = ({ indptr, indices }: Csr, row: number): number[] => [...indices.subarray(indptr[row], indptr[row + 1])];

for (const candidate of candidates) {
  const { make, small, learns, solves, alike, pairs = (data) => data, vectors = { name: 'item_factors', from: 0 }, wide = { factors: 64 } } = candidate, name = make().name, finds = learns ?? solves, test = suite(`models/exam/${titleOf(make)}`);
  const fitted = (settings: Settings = {}, data: Interactions = shop()): Promise<Model> => make({ ...small, ...settings }).fit(data);
  const users = range(SHOP_USERS);
  /** As many as an epoch needs to be long enough to be seen. */
  const company = (): Interactions => planted(candidate.allPairs ? { users: 700, items: 600, each: 6 } : { users: 40, items: 30, each: 20 }).train;

  // (a) the checkerboard

  test('the checkerboard: the one that is missing comes first', async () => {
    const n = 50, board = checkerboard(n), all = range(n);
    const model = await make(name === 'Blend' ? small : finds?.board).fit(learns ? pairs(board) : timed(board)), { items } = model.recommend(all, { k: 1, exclude: board });
    if (finds || name === 'Blend') assert.equal([...items], all);
    else assert.equal([...items], all.map((user) => (user % 2 === 0 ? (user === 0 ? 0 : 1) : 0)), 'to counts all items are alike: the first that the user has not');
    if (name === 'PurchaseHistory') {
      const { items: again } = model.recommend(all, { k: n / 2 - 1 });
      for (const user of all) assert.equal([...again.subarray(user * (n / 2 - 1), (user + 1) * (n / 2 - 1))], all.filter((item) => item % 2 === user % 2 && item !== user), 'what the user has comes again');
    }
  });

  if (finds) {
    test('the checkerboard: likeness and scores tell the parities apart', async () => {
      const n = 50, board = checkerboard(n), model = await make(finds.board).fit(pairs(board)), { items } = model.similarItems(range(n), { k: 10 });
      if (!candidate.pairs) assert.ok(items.every((item, at) => item % 2 === Math.floor(at / 10) % 2));
      const scores = model.scores(range(n));
      for (let user = 0; user < n; user++) for (let item = 0; item < n - 1; item++) assert.is(Math.sign(scores[user * n + item] - scores[user * n + item + 1]), (user + item) % 2 === 0 ? 1 : -1);
    });
  }

  // (b) settings

  for (const [setting, value] of Object.entries(candidate.others)) {
    test(`${setting} changes what is learned`, async () => {
      const beside = candidate.beside?.[setting], [before, after] = await Promise.all([fitted(beside), fitted({ ...beside, [setting]: value })]);
      assert.is.not(JSON.stringify(learned(before)), JSON.stringify(learned(after)));
      assert.equal((after.settings as Settings)[setting], value);
    });
  }

  test('every setting has been tried', () => assert.equal(Object.keys(make().settings).filter((setting) => !(setting in candidate.others)), 'preset' in make().settings ? ['preset'] : []));

  test('a setting that is undefined counts as not given; the settings given are copied', () => {
    const given: Settings = { ...small }, model = make(given), [first] = Object.keys(small);
    if (first === undefined) return;
    given[first] = 'changed';
    assert.is((model.settings as Settings)[first], small[first]);
    assert.equal(make({ [first]: undefined }).settings, make().settings);
  });

  // (c) seeds

  test('the same seed gives the same bytes, twice', async () => {
    sameBytes(await fitted(), await fitted());
    sameBytes(await fitted(), await fitted({}, shop()));
  });

  if (learns) {
    test('other seeds give other models', async () => {
      const tables = await Promise.all([1, 2, 3, -1, 1.5, 2 ** 32 + 1].map(async (seed) => JSON.stringify(learned(await fitted({ seed })))));
      assert.is(new Set(tables).size, tables.length);
    });
  }

  // (d) save and load

  for (const kind of ['string', 'number', 'bigint'] as IdKind[]) {
    test(`save and load: the same scores, lists, settings, ids and bytes; ${kind} ids`, async () => {
      const data = shop(kind), model = await fitted({}, data), bytes = toBytes(model), same = fromBytes(bytes);
      assert.equal([same.name, same.fitted, same.settings, same.nUsers, same.nItems], [model.name, true, model.settings, SHOP_USERS, SHOP_ITEMS]);
      assert.is(same.constructor, model.constructor);
      assert.equal([same.users.labels, same.items.labels], [model.users.labels, model.items.labels]);
      assert.equal(same.scores(users), model.scores(users));
      assert.equal(same.recommend(users, { exclude: data }), model.recommend(users, { exclude: data }));
      assert.equal(same.recommendFor(idOf(kind, 'user', 4)), model.recommendFor(idOf(kind, 'user', 4)));
      if (alike) assert.equal(same.similarTo(idOf(kind, 'item', 4)), model.similarTo(idOf(kind, 'item', 4)));
      assert.ok(Buffer.compare(toBytes(same), bytes) === 0);
    });
  }

  test('save and load: what was loaded goes on learning, the same way each time', async () => {
    const bytes = toBytes(await fitted()), [a, b] = [fromBytes(bytes), fromBytes(bytes)];
    await a.partialFit(shop());
    await b.partialFit(shop());
    sameBytes(a, b);
    assert.ok(a.scores(users).every(Number.isFinite));
  });

  // (e) answers

  test('recommend: shapes and order, and the same as sorting all scores', async () => {
    const data = shop(), model = await fitted(), scores = model.scores(users);
    assert.is(scores.length, SHOP_USERS * SHOP_ITEMS);
    for (const k of [1, 3, SHOP_ITEMS, 40]) {
      for (const exclude of [null, data]) {
        const lists = model.recommend(users, { k, exclude });
        assert.ok(lists.items instanceof Int32Array && lists.scores instanceof Float32Array);
        assert.equal(lists, slowLists(scores, SHOP_ITEMS, k, (user) => (exclude ? rowOf(exclude.matrix, user) : [])), `k ${k}, ${exclude ? 'with' : 'without'} exclusions`);
      }
    }
    assert.is(model.recommend(users).items.length, SHOP_USERS * 10, 'k is 10 unless told otherwise');
  });

  test('recommend: padded with -1 and -Infinity where too few are left', async () => {
    const data = shop(), model = await fitted(), everything = SHOP_USERS - 1, { items, scores } = model.recommend([everything, SHOP_USERS - 2], { k: SHOP_ITEMS + 3, exclude: data });
    assert.ok(items.subarray(0, SHOP_ITEMS + 3).every((item) => item === -1) && scores.subarray(0, SHOP_ITEMS + 3).every((score) => score === -Infinity));
    const one = SHOP_ITEMS + 3; // of which one item is excluded
    assert.ok(items.subarray(one, one + SHOP_ITEMS - 1).every((item) => item >= 0 && item !== 3) && items.subarray(one + SHOP_ITEMS - 1).every((item) => item === -1));
  });

  test('recommend: exclusions as interactions or as a matrix; nothing excluded is ever recommended', async () => {
    const data = shop(), model = await fitted(), lists = model.recommend(users, { k: 6, exclude: data });
    assert.equal(model.recommend(users, { k: 6, exclude: data.matrix }), lists);
    for (const user of users) for (const item of lists.items.subarray(user * 6, user * 6 + 6)) assert.not(rowOf(data.matrix, user).includes(item));
    assert.equal(model.recommend(users, { k: 6, exclude: undefined }), model.recommend(users, { k: 6 }));
    const nothing = countPairs(new Int32Array(0), new Int32Array(0), SHOP_USERS, SHOP_ITEMS);
    assert.equal(model.recommend(users, { k: 6, exclude: nothing }), model.recommend(users, { k: 6 }));
  });

  test('recommend: exclusions that do not fit the model', async () => {
    const model = await fitted(), data = shop(), of = (rows: number, columns: number): Csr => countPairs(Int32Array.of(0), Int32Array.of(0), rows, columns);
    refuses(() => model.recommend(users, { exclude: of(5, SHOP_ITEMS) }), 'bad-shape', `${name}.recommend: exclude has 5 users, user row 5 was asked for`);
    refuses(() => model.recommend([0], { exclude: of(SHOP_USERS, SHOP_ITEMS + 1) }), 'bad-shape', `exclude has ${SHOP_ITEMS + 1} items, the model ${SHOP_ITEMS}`);
    model.recommend([0], { exclude: of(1, SHOP_ITEMS) }); // rows enough for the user
    // interactions know what their rows mean: those of other encoders are refused although they fit
    refuses(() => model.recommend(users, { exclude: shop('number') }), 'bad-input', `${name}.recommend`, 'other', 'encoders');
    const again = interactions([...data.user].map((row) => data.users.decode(row)), [...data.item].map((row) => data.items.decode(row)));
    assert.equal(model.recommend(users, { exclude: again }), model.recommend(users, { exclude: data }), 'equal ids will do');
  });

  test('recommend: one user at a time, any kind of array, users repeated, no users', async () => {
    const data = shop(), model = await fitted(), k = 5, bulk = model.recommend(users, { k, exclude: data });
    for (const user of users) {
      const one = model.recommend([user], { k, exclude: data });
      assert.equal([one.items, one.scores], [bulk.items.slice(user * k, user * k + k), bulk.scores.slice(user * k, user * k + k)], `user ${user}`);
    }
    for (const rows of [Int32Array.from(users), Float64Array.from(users), users as readonly number[]]) assert.equal(model.recommend(rows, { k, exclude: data }), bulk);
    const twice = model.recommend([7, 2, 7], { k }), seven = model.recommend([7], { k });
    assert.equal([twice.items.slice(0, k), twice.items.slice(2 * k)], [seven.items, seven.items]);
    const none = model.recommend([], { k });
    assert.equal([none.items.length, none.scores.length], [0, 0]);
  });

  test('score equals scores equals the scores of recommend', async () => {
    const model = await fitted(), all = model.scores(users), lists = model.recommend(users, { k: SHOP_ITEMS });
    const pairs = users.flatMap((user) => range(SHOP_ITEMS).map((item) => [user, item])), single = model.score(pairs.map(([user]) => user), pairs.map(([, item]) => item));
    assert.ok(maxAbsDiff(single, all) < 1e-5 * Math.max(1, ...all.map(Math.abs)));
    for (const user of users) for (let at = user * SHOP_ITEMS; at < (user + 1) * SHOP_ITEMS; at++) assert.is(lists.scores[at], all[user * SHOP_ITEMS + lists.items[at]]);
    assert.equal(model.score([3, 3], [4, 4])[0], model.score([3], [4])[0]);
    assert.equal([...model.score([], [])], []);
    assert.equal([...model.scores([])], []);
    assert.equal(model.scores([5]), all.slice(5 * SHOP_ITEMS, 6 * SHOP_ITEMS));
  });

  test('ties go to the lower row', async () => {
    // everybody has met everything once: to counts all are equal
    const pairs = users.flatMap((user) => range(SHOP_ITEMS).map((item) => [user, item])), data = interactions(pairs.map(([user]) => user), pairs.map(([, item]) => item), { times: pairs.map(() => 0) });
    if (candidate.contrasts) { await rejects(() => fitted({}, data), 'bad-input', `${name}.fit: expected a user with an item that is liked`, `got none among ${SHOP_USERS}`); return; }
    const model = await fitted({}, data), scores = model.scores(users), { items } = model.recommend(users, { k: 7 });
    if (!finds && name !== 'Blend') assert.equal([...items], users.flatMap(() => range(7)));
    assert.equal(items, slowLists(scores, SHOP_ITEMS, 7, () => []).items);
  });

  test('one user, one item', async () => {
    const data = interactions(['u'], ['i'], { times: [0] });
    const refusal = candidate.contrasts ? 'got none among 1' : candidate.oneItem;
    if (refusal !== undefined) { await rejects(() => fitted({}, data), 'bad-input', refusal); return; }
    const model = await fitted({}, data);
    assert.equal([model.nUsers, model.nItems], [1, 1]);
    assert.equal([...model.recommend([0], { k: 2 }).items], [0, -1]);
    assert.equal([...model.recommend([0], { k: 2, exclude: data }).items], [-1, -1]);
    assert.equal(model.recommendFor('u', { excludeSeen: false }).map(({ item }) => item), ['i']);
    assert.equal(model.recommendFor('u', { excludeSeen: true }), []);
    if (alike) assert.equal(model.similarTo('i'), []);
    sameBytes(fromBytes(toBytes(model)), model);
  });

  test('one user and many items, one item and many users', async () => {
    for (const [u, i] of [[range(1), range(9)], [range(9), range(1)]]) {
      const pairs = u.flatMap((user) => i.map((item) => [user, item])), data = interactions(pairs.map(([user]) => user), pairs.map(([, item]) => item), { times: pairs.map(() => 0) });
      const refusal = candidate.contrasts ? `got none among ${u.length}` : i.length === 1 ? candidate.oneItem : undefined;
      if (refusal !== undefined) { await rejects(() => fitted({}, data), 'bad-input', refusal); continue; }
      const model = await fitted({}, data);
      assert.ok(model.scores(u).every(Number.isFinite));
      assert.equal([...model.recommend(u, { k: 9 }).items].filter((item) => item >= 0).length, 9);
    }
  });

  test('rows that are not there, lists of no length', async () => {
    const model = await fitted();
    for (const row of [-1, SHOP_USERS, 0.5, Number.NaN, Infinity, '0' as unknown as number]) {
      refuses(() => model.recommend([0, row]), 'unknown-id', `${name}.recommend: row ${row} at position 1 is outside 0..${SHOP_USERS - 1}`);
      refuses(() => model.scores([0, row]), 'unknown-id', `${name}.scores: row ${row} at position 1`);
      refuses(() => model.score([0, row], [0, 0]), 'unknown-id', `${name}.score, users: row ${row} at position 1`);
    }
    for (const row of [-1, SHOP_ITEMS, 0.5]) refuses(() => model.score([0, 0], [0, row]), 'unknown-id', `${name}.score, items: row ${row} at position 1 is outside 0..${SHOP_ITEMS - 1}`);
    refuses(() => model.score([0, 1], [0]), 'bad-shape', 'equally long, got 2 and 1');
    for (const k of [0, -1, 1.5, Number.NaN, Infinity, '3' as unknown as number]) {
      refuses(() => model.recommend([0], { k }), 'bad-setting', `${name}.recommend: k must be a whole number from 1 to 16777216, got ${typeof k === 'string' ? JSON.stringify(k) : k}`);
      refuses(() => model.recommendFor('user 00', { k }), 'bad-setting', 'k must be');
      refuses(() => model.recommendFor('nobody', { k, fallback: 'popularity' }), 'bad-setting', 'k must be');
    }
  });

  for (const kind of ['string', 'number', 'bigint'] as IdKind[]) {
    test(`recommendFor takes and gives raw ids: ${kind}`, async () => {
      const data = shop(kind), model = await fitted({}, data);
      for (const excludeSeen of [undefined, true, false]) {
        for (const row of [0, 7, SHOP_USERS - 1]) {
          const out = (excludeSeen ?? candidate.excludesSeen) ? data : null, { items, scores } = model.recommend([row], { k: 6, exclude: out });
          const want = [...items].flatMap((item, at) => (item < 0 ? [] : [{ item: idOf(kind, 'item', item), score: scores[at] }]));
          assert.equal(model.recommendFor(idOf(kind, 'user', row), { k: 6, excludeSeen }), want);
        }
      }
      assert.is(model.recommendFor(idOf(kind, 'user', 0), { excludeSeen: false }).length, 10);
    });

    test(`recommendFor an unknown user: who, and what kind of ids there are: ${kind}`, async () => {
      const model = await fitted({}, shop(kind)), example = idOf(kind, 'user', 0), shown = kind === 'string' ? `'${example}'` : `${example} (a ${kind})`;
      const strangers: [RawId, string][] = [['nobody', "'nobody'"], [4711, '4711 (a number)'], [4711n, '4711 (a bigint)'], ['', "''"], [String(idOf(kind, 'user', 3)) + (kind === 'string' ? '!' : ''), "'"]];
      for (const [id, text] of strangers) refuses(() => model.recommendFor(id), 'unknown-id', `${name}.recommendFor: user ${text}`, `is not among the ${SHOP_USERS} the model knows, such as ${shown}`, 'fallback');
      if (alike) refuses(() => model.similarTo('nothing'), 'unknown-id', `${name}.similarTo: item 'nothing' is not among the ${SHOP_ITEMS} the model knows`, 'such as');
    });
  }

  test('an unknown user gets what is popular, only if asked, and marked as such', async () => {
    const data = shop(), model = await fitted(), totals = new Float64Array(SHOP_ITEMS);
    data.matrix.indices.forEach((item, at) => { totals[item] += data.matrix.values[at]; });
    const order = range(SHOP_ITEMS).sort((a, b) => totals[b] - totals[a] || a - b);
    assert.equal(model.recommendFor('nobody', { k: 5, fallback: 'popularity' }), order.slice(0, 5).map((item) => ({ item: idOf('string', 'item', item), score: totals[item], source: 'popularity' })));
    assert.is(model.recommendFor('nobody', { k: 99, fallback: 'popularity' }).length, SHOP_ITEMS);
    assert.ok(model.recommendFor('user 01', { fallback: 'popularity' }).every((entry) => !('source' in entry)), 'not for a user that is known');
    refuses(() => model.recommendFor('nobody', { fallback: 'random' } as unknown as RecommendForOptions), 'bad-setting', "fallback can be 'popularity'", 'random');
  });

  test('encoders with a row for the unknown: it is never recommended, and nobody stands for it', async () => {
    const data = shop(), known = (encoder: LabelEncoder): LabelEncoder => LabelEncoder.fit(encoder.known().slice(0, -4), { unknown: true });
    const ids = (rows: Int32Array, encoder: LabelEncoder): RawId[] => Array.from(rows, (row) => encoder.decode(row));
    const some = interactions(ids(data.user, data.users), ids(data.item, data.items), { users: known(data.users), items: known(data.items), times: data.time! }), model = await fitted({}, some);
    for (const options of [{ excludeSeen: true }, { excludeSeen: false }]) for (const id of some.users.known()) assert.ok(model.recommendFor(id, { ...options, k: 99 }).every(({ item }) => item !== null));
    assert.ok([...model.recommend(range(some.users.size), { k: 20 }).items].every((item) => item !== 0));
    assert.is(model.recommendFor('user 01', { k: 99, excludeSeen: false }).length, SHOP_ITEMS - 4);
    refuses(() => model.recommendFor('user 22'), 'unknown-id', `among the ${SHOP_USERS - 4} the model knows`);
    assert.equal(model.recommendFor('user 22', { fallback: 'popularity', k: 99 }).length, SHOP_ITEMS - 4);
    if (alike) assert.is(model.similarTo('item 01', { k: 99 }).length, SHOP_ITEMS - 5);
    sameBytes(fromBytes(toBytes(model)), model);
  });

  if (alike) {
    test('similarItems: cosines, or weights of its own, in order, the item itself left out, bulk as one by one', async () => {
      const model = await fitted(), items = range(SHOP_ITEMS), k = SHOP_ITEMS + 1, lists = model.similarItems(items, { k }), state = model.toState(), { tensors } = state, own = model.answers.likenessBlock!, worked = candidate.vectorsOf?.(state);
      const { data: V, shape: [, K] } = tensors[vectors.name] ?? { data: new Float32Array(0), shape: [0, 0] }, row = (item: number): Float32Array => worked ? Float32Array.from(worked[item]) : (V as Float32Array).subarray((vectors.from + item) * K, (vectors.from + item + 1) * K), dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, at) => sum + x * b[at], 0);
      for (const item of items) {
        const weights = new Float32Array(SHOP_ITEMS);
        scope(() => own(weights, scratchCopy(Int32Array.of(item))));
        const near = lists.items.subarray(item * k, item * k + k), scores = lists.scores.subarray(item * k, item * k + k);
        assert.not([...near].includes(item));
        assert.is(new Set(near).size, SHOP_ITEMS, 'every other item once, and -1');
        assert.equal([...near.subarray(-2)], [-1, -1]);
        near.subarray(0, -2).forEach((other, at) => {
          if (alike === 'weights') assert.is(scores[at], weights[other]);
          else assert.ok(Math.abs(scores[at] - dot(row(item), row(other)) / Math.sqrt(dot(row(item), row(item)) * dot(row(other), row(other)))) < 1e-5);
          assert.ok(at === 0 || scores[at] <= scores[at - 1]);
        });
        const one = model.similarItems([item], { k });
        assert.equal([one.items, one.scores], [near.slice(), scores.slice()]);
        assert.equal(model.similarTo(idOf('string', 'item', item), { k: 3 }), [...near.subarray(0, 3)].map((other, at) => ({ item: idOf('string', 'item', other), score: scores[at] })));
      }
      assert.is(model.similarItems([0]).items.length, 10);
      if (alike === 'vectors') {
        assert.equal(model.similarItems(items, { k, similarity: 'cosine' }), lists);
        const dots = model.similarItems(items, { k, similarity: 'dot' });
        for (const item of items) [...dots.items.subarray(item * k, item * k + k - 2)].forEach((other, at, near) => {
          assert.ok(other !== item && Math.abs(dots.scores[item * k + at] - dot(row(item), row(other))) < 1e-5);
          assert.ok(at === 0 || dot(row(item), row(near[at - 1])) >= dot(row(item), row(other)) - 1e-5);
        });
        assert.equal(model.similarTo('item 04', { k: 3, similarity: 'dot' }).map(({ score }) => score), [...dots.scores.subarray(4 * k, 4 * k + 3)]);
      } else for (const similarity of ['cosine', 'dot'] as const) refuses(() => model.similarItems([0], { similarity }), 'unsupported', `${name} has weights between items, not vectors`, 'leave similarity out');
      refuses(() => model.similarItems([0], { similarity: 'euclid' as 'dot' }), 'bad-setting', "similarity must be 'cosine' or 'dot', got \"euclid\"");
      for (const k of [0, 1.5, Number.NaN]) { refuses(() => model.similarItems([0], { k }), 'bad-setting', `${name}.similarItems: k`); refuses(() => model.similarTo('item 00', { k }), 'bad-setting'); }
      for (const bad of [-1, SHOP_ITEMS, 0.5]) refuses(() => model.similarItems([bad]), 'unknown-id', `row ${bad}`);
    });
  } else {
    test('similarItems: counts know no likeness, and say so', async () => {
      const model = await fitted();
      refuses(() => model.similarItems([0]), 'unsupported', `${name} learns no item vectors`, 'use BPR or LogisticMF');
      refuses(() => model.similarTo('item 01'), 'unsupported', 'use BPR or LogisticMF');
    });
  }

  // (f) again, and on

  test('fit again starts over', async () => {
    const model = await fitted();
    await model.partialFit(shop());
    await model.fit(shop('string', 2));
    sameBytes(model, await fitted({}, shop('string', 2)));
  });

  test('partialFit of a model that is not fitted is fit', async () => sameBytes(await make(small).partialFit(shop()), await fitted()));

  if (learns) {
    test('partialFit goes on: 2 epochs, 2 more and again 2 are 6', async () => {
      const data = shop(), model = await fitted({ epochs: 2 }, data), reports: EpochReport[] = [];
      for (const epochs of [4, 6]) {
        await model.partialFit(data, { onEpoch: (report) => { reports.push(report); } });
        sameLearned(model, await fitted({ epochs }));
        assert.is(model.toState().numbers.epochs, epochs);
      }
      assert.equal(reports.map(({ epoch, epochs }) => [epoch, epochs]), [[3, 4], [4, 4], [5, 6], [6, 6]]);
    });

    test('partialFit on new events of known ids: they count as seen, and by raw id', async () => {
      const model = await fitted(), other = interactions(['user 21', 'user 21'], ['item 05', 'item 09']);
      await model.partialFit(other);
      const seen = rowOf(model.toState().catalogue.seen, 21);
      assert.equal(seen, [3, 5, 9]);
      assert.ok(model.recommendFor('user 21', { k: 99, excludeSeen: true }).every(({ item }) => !['item 03', 'item 05', 'item 09'].includes(item as string)));
      assert.is(model.nUsers, SHOP_USERS);
    });
  } else {
    test('partialFit goes on: first one part and then the other is all at once', async () => {
      const data = shop(), n = data.user.length, byTime = Int32Array.from(range(n).sort((a, b) => data.time![a] - data.time![b]));
      for (const cut of [1, Math.floor(n / 2), n - 1]) {
        const model = await make(small).fit(selectEvents(data, byTime.slice(0, cut)));
        await model.partialFit(selectEvents(data, byTime.slice(cut)));
        assert.ok(maxAbsDiff(model.scores(users), (await fitted()).scores(users)) < 1e-5, `cut at ${cut}`);
      }
    });

    test('partialFit with the same events counts them again, whichever object they come in', async () => {
      const data = shop(), [same, equal] = [await fitted({}, data), await fitted({}, data)], once = same.scores(users);
      await same.partialFit(data);
      await equal.partialFit(shop());
      sameBytes(same, equal);
      const twice = interactions([...data.user, ...data.user].map((row) => data.users.decode(row)), [...data.item, ...data.item].map((row) => data.items.decode(row)), { values: [...data.value!, ...data.value!], times: [...data.time!, ...data.time!] });
      assert.ok(maxAbsDiff(same.scores(users), (await fitted({}, twice)).scores(users)) < 1e-5);
      assert.ok(maxAbsDiff(same.scores(users), once) > (name === 'BiasOnly' ? 0.1 : 1)); // its biases are held back less
    });
  }

  test('partialFit with ids that were not there is refused, and changes nothing', async () => {
    const model = await fitted(), before = toBytes(model);
    await rejects(() => model.partialFit(interactions(['stranger'], ['item 00'], { times: [0] })), 'unknown-id', `${name}.partialFit: user 'stranger' was not there when the model was fitted`);
    await rejects(() => model.partialFit(interactions(['user 00'], [7], { times: [0] })), 'unknown-id', `${name}.partialFit: item 7 (a number) was not there`);
    assert.ok(Buffer.compare(toBytes(model), before) === 0);
  });

  test('data with no events is refused, and changes nothing', async () => {
    const nothing = selectEvents(shop(), new Int32Array(0)), model = make(small);
    await rejects(() => model.fit(nothing), 'bad-input', name, 'no events');
    assert.not(model.fitted);
    await model.fit(shop());
    const before = toBytes(model);
    await rejects(() => model.fit(nothing), 'bad-input', 'no events');
    await rejects(() => model.partialFit(nothing), 'bad-input', 'no events');
    assert.ok(Buffer.compare(toBytes(model), before) === 0);
  });

  test('fit does not change the data', async () => {
    const data = shop(), copy = shop();
    await fitted({}, data);
    await (await fitted({}, data)).partialFit(data);
    assert.equal([data.user, data.item, data.value, data.time, data.matrix], [copy.user, copy.item, copy.value, copy.time, copy.matrix]);
  });

  // (g) not fitted

  const questions: [string, (model: Model) => unknown][] = [
    ['users', (model) => model.users], ['items', (model) => model.items], ['nUsers', (model) => model.nUsers], ['nItems', (model) => model.nItems], ['answers', (model) => model.answers],
    ['score', (model) => model.score([0], [0])], ['scores', (model) => model.scores([0])], ['recommend', (model) => model.recommend([0])],
    ['recommendFor', (model) => model.recommendFor('user 00')], ['recommendFor, with fallback', (model) => model.recommendFor('nobody', { fallback: 'popularity' })],
    ['similarItems', (model) => model.similarItems([0])], ['similarTo', (model) => model.similarTo('item 00')], ['toState', (model) => model.toState()], ['toBytes', (model) => toBytes(model)],
  ];
  const knowsNothing = (model: Model): void => {
    assert.is(model.fitted, false);
    for (const [, ask] of questions) refuses(() => ask(model), 'not-fitted', `${name}: call fit(data) first`);
  };

  test('before fit every question is answered with not-fitted', () => knowsNothing(make()));

  // (h) settings that make no sense

  test('settings that make no sense are kept by the constructor and refused by fit, by name', async () => {
    for (const bad of [...candidate.bad, { colour: 'red' }, { Factors: 8 }]) {
      const model = make({ ...small, ...bad }), [[setting, value]] = Object.entries(bad), shown = typeof value === 'string' ? `'${value}'` : typeof value === 'object' && value !== null ? (!setting.endsWith('Features') ? (Array.isArray(value) ? 'a list' : 'an object') : Array.isArray(value) ? 'an array' : 'none') : String(value);
      assert.ok(Object.is((model.settings as Settings)[setting], value));
      const known = setting in make().settings;
      await rejects(() => model.fit(shop()), 'bad-setting', `${name}: `, known ? `${setting} must be` : `there is no setting '${setting}'; the settings are`, ...(known ? [`got ${shown}`] : []));
      assert.not(model.fitted);
    }
  });

  test('options of fit that make no sense', async () => {
    for (const patience of [0, -1, 1.5, Number.NaN, Infinity]) await rejects(() => make(small).fit(shop(), { patience, validation: () => 1 }), 'bad-setting', `${name}: patience must be a whole number from 1 up, got ${patience}`);
    await rejects(() => make(small).fit(shop(), { patience: 3 }), 'bad-setting', `${name}: patience needs validation`);
  });

  // (i) stopping

  const reason = new Error('Ctrl-C');
  const failsWith = async (work: Promise<unknown>, want: unknown): Promise<void> => {
    try { await work; } catch (error) { assert.is(error, want); return; }
    assert.unreachable('it was not stopped');
  };

  test('aborted before it begins: the reason comes back and nothing is learned', async () => {
    const signal = AbortSignal.abort(reason), model = make(small);
    await failsWith(model.fit(shop(), { signal }), reason);
    knowsNothing(model);
    await model.fit(shop());
    const before = toBytes(model);
    await failsWith(model.fit(shop('string', 2), { signal }), reason);
    await failsWith(model.partialFit(shop(), { signal }), reason);
    assert.ok(Buffer.compare(toBytes(model), before) === 0, 'what was there before stays');
  });

  test('aborted in onEpoch: the model is that of the last whole epoch', async () => {
    for (const last of learns ? [1, 2, 3, 4] : [1]) {
      const controller = new AbortController(), model = make(small), epochs: number[] = [];
      await failsWith(model.fit(shop(), { signal: controller.signal, onEpoch: ({ epoch }) => { epochs.push(epoch); if (epoch === last) controller.abort(reason); } }), reason);
      assert.equal(epochs, range(last).map((at) => at + 1));
      sameLearned(model, await fitted(learns ? { epochs: last } : {}));
    }
  });

  test('an error in onEpoch comes back, and the model is that of the last whole epoch', async () => {
    const model = make(small), last = learns ? 3 : 1;
    await failsWith(model.fit(shop(), { onEpoch: async ({ epoch }) => { await sleep(1); if (epoch === last) throw reason; } }), reason);
    sameLearned(model, await fitted(learns ? { epochs: last } : {}));
  });

  if (learns) {
    test('aborted in the middle of an epoch: the model is that of the last whole epoch, bit for bit', async () => {
      const data = company();
      for (const least of [2, 4]) {
        const controller = new AbortController(), model = make(learns.long), stopped: StepReport[] = [];
        await failsWith(model.fit(data, { signal: controller.signal, onEpoch: linger, onStep: (report) => { if (report.epoch >= least && report.step < report.steps) { stopped.push(report); controller.abort(reason); } } }), reason);
        assert.is(stopped.length, 1);
        sameLearned(model, await make({ ...learns.long, epochs: stopped[0].epoch - 1 }).fit(data));
        assert.ok(model.recommend([0]).items.length === 10);
      }
    });

    test('aborted in the first epoch: nothing is learned; of partialFit or of another fit: all is as before', async () => {
      const [nUsers, nItems] = candidate.allPairs ? [4000, 2500] : [40, 30], n = 200_000; // so many that the first epoch takes seconds
      const ids = { users: LabelEncoder.fit(range(nUsers)), items: LabelEncoder.fit(range(nItems)) }, events = (n: number): Interactions => interactions(range(n).map((at) => at % nUsers), range(n).map((at) => (at * 7) % nItems), ids);
      const data = events(600), many = events(n);
      const stopsAtOnce = async (work: (options: FitOptions) => Promise<unknown>): Promise<void> => {
        const controller = new AbortController();
        await failsWith(work({ signal: controller.signal, onStep: ({ step, steps }) => { assert.ok(step < steps); controller.abort(reason); } }), reason);
      };
      const model = make({ ...learns.long, epochs: 2 });
      await stopsAtOnce((options) => model.fit(many, options));
      knowsNothing(model);
      await model.fit(data);
      const before = toBytes(model);
      await stopsAtOnce((options) => model.partialFit(many, options));
      assert.ok(Buffer.compare(toBytes(model), before) === 0);
      await stopsAtOnce((options) => model.fit(many, options));
      assert.ok(Buffer.compare(toBytes(model), before) === 0);
    });

    test('a signal that times out, from outside', async () => {
      const data = company(), model = make({ ...learns.long, epochs: 400 }), began = performance.now();
      let epochs = 0;
      try { await model.fit(data, { signal: AbortSignal.timeout(150), onEpoch: ({ epoch }) => { epochs = epoch; } }); assert.unreachable('it was not stopped'); } catch (error) { assert.is((error as Error).name, 'TimeoutError'); }
      assert.ok(performance.now() - began < 3000);
      if (epochs > 0) sameLearned(model, await make({ ...learns.long, epochs }).fit(data));
    });
  }

  // (j) validation

  test('validation by a function: what it gives is reported, and it can ask the model', async () => {
    const values: (number | null)[] = [], asked: number[] = [];
    const model = await make(small).fit(shop(), {
      validation: async (model) => { await sleep(1); asked.push(model.recommendFor('user 03').length); return asked.length / 8; },
      onEpoch: ({ validation }) => { values.push(validation); },
    });
    const epochs = learns ? 4 : 1;
    assert.equal([values, asked.length], [range(epochs).map((at) => (at + 1) / 8), epochs]);
    sameLearned(model, await fitted());
  });

  test('validation on interactions is the NDCG of ten items that were not seen', async () => {
    const { train: events, test: held } = planted({ users: 40, items: 30, each: 12 }), train = timed(events), values: number[] = [], model = make(small);
    await model.fit(train, { validation: held, onEpoch: ({ validation }) => { values.push(validation!); assert.is(validation, evaluate(model, held.matrix, { k: 10, exclude: train.matrix }).ndcg); } });
    assert.is(values.length, learns ? 4 : 1);
    assert.ok(values.every((value) => value > 0 && value < 1));
  });

  test('validation on interactions with encoders of their own means the same ids', async () => {
    const { train: events, test: held } = planted({ users: 40, items: 30, each: 12 }), train = timed(events), values: (number | null)[][] = [[], []], order = range(held.user.length).toReversed();
    const own = interactions(order.map((at) => held.users.decode(held.user[at])).slice(0, 50), order.map((at) => held.items.decode(held.item[at])).slice(0, 50));
    const same = interactions(order.map((at) => held.users.decode(held.user[at])).slice(0, 50), order.map((at) => held.items.decode(held.item[at])).slice(0, 50), { users: train.users, items: train.items });
    assert.ok(own.users.size < train.users.size);
    for (const [which, validation] of [own, same].entries()) await make(small).fit(train, { validation, onEpoch: ({ validation }) => { values[which].push(validation); } });
    assert.equal(values[0], values[1]);
    await rejects(() => make(small).fit(train, { validation: interactions(['stranger'], [3]) }), 'unknown-id', "user 'stranger'", 'validation');
  });

  test('validation that gives no number', async () => {
    for (const value of [Number.NaN, undefined, null, '0.5']) await rejects(() => make(small).fit(shop(), { validation: () => value as number }), 'bad-input', `${name}: validation must give a number, got ${value}`);
    await rejects(() => make(small).fit(shop(), { validation: selectEvents(shop(), new Int32Array(0)) }), 'bad-input');
  });

  if (learns) {
    test('patience: stops when it no longer improves, and goes back to the best epoch', async () => {
      for (const [scores, patience, ran, best] of [
        [[1, 3, 2, 2.5, 2, 1], 2, 4, 2], [[1, 3, 2, 4, 1, 1, 9], 2, 6, 4], [[5, 4, 3, 2, 1], 1, 2, 1], [[5, 5, 5, 5], 3, 4, 1], [[1, 2, 3, 4, 5, 6], 1, 6, 6], [[-3, -1, -2, -2], 2, 4, 2], [[1, 2, 1, 1.5], 9, 4, 2],
      ] as [number[], number, number, number][]) {
        const reports: EpochReport[] = [];
        let at = 0;
        const model = await make({ ...small, epochs: scores.length }).fit(shop(), { validation: () => scores[at++], patience, onEpoch: (report) => { reports.push(report); } });
        assert.equal([reports.map(({ validation }) => validation)], [scores.slice(0, ran)]);
        sameLearned(model, await fitted({ epochs: best }), `${scores}, patience ${patience}`);
      }
    });

    test('without patience validation changes nothing', async () => {
      let at = 0;
      sameLearned(await make(small).fit(shop(), { validation: () => [4, 3, 2, 1][at++] }), await fitted());
    });

    test('reports: epochs count up, losses are means and fall, time passes', async () => {
      const reports: EpochReport[] = [], { train } = planted({ users: 60, items: 40, each: 20 });
      await make({ ...learns.tastes, epochs: 8 }).fit(candidate.contrasts ? pairs(train) : train, { onEpoch: (report) => { reports.push(report); } });
      assert.equal(reports.map(({ epoch, epochs, validation }) => [epoch, epochs, validation]), range(8).map((at) => [at + 1, 8, null]));
      assert.ok(reports[7].loss < reports[0].loss && reports[7].loss > 0 && reports[0].loss < (candidate.below ?? (candidate.pairs ? 4 : 2)), `${reports.map(({ loss }) => loss)}`);
      assert.ok(reports.every(({ seconds }, at) => seconds > 0 && (at === 0 || seconds >= reports[at - 1].seconds)));
    });
  }

  // (k) company

  if (learns) {
    test('the event loop gets its turn: timers fire, and the model answers meanwhile', async () => {
      const data = company(), model = make({ ...learns.long, epochs: 400 }), controller = new AbortController();
      let ticks = 0, answers = 0;
      const timer = setInterval(() => { if (model.fitted) answers += model.recommend([0]).items.length; if (++ticks === 8) controller.abort(reason); }, 5);
      await failsWith(model.fit(data, { signal: controller.signal }), reason);
      clearInterval(timer);
      assert.is(ticks, 8);
      assert.ok(answers > 0);
      assert.ok(model.scores(range(40)).every(Number.isFinite));
    });
  }

  test('two fits at the same time do not disturb each other', async () => {
    const data = planted({ users: 40, items: 30, each: 20 }).train, other = shop(), settings = learns ? { ...learns.long, epochs: 6 } : {};
    const fits = (): Promise<Model>[] => [make({ ...small, ...settings }).fit(timed(data)), make(small).fit(other), make({ ...small, ...settings, ...(learns ? { seed: 7 } : {}) }).fit(timed(data)), new BPR({ factors: 4, epochs: 6, stepsPerEpoch: 200, batchSize: 10 }).fit(data)];
    const together = await Promise.all(fits()), alone: Model[] = [];
    for (const make of range(4)) alone.push(await fits()[make]);
    together.forEach((model, at) => sameBytes(model, alone[at], `fit ${at}`));
  });

  // (l) divergence

  if (learns?.diverges) {
    test('a learning rate that is far too high: diverged, and no NaN is left', async () => {
      const data = planted({ users: 60, items: 40, each: 20 }).train;
      for (const learningRate of [50, 1e4, 1e20, 1e38]) {
        const model = make({ ...learns.diverges, learningRate }), reports: EpochReport[] = [];
        await rejects(() => model.fit(data, { onEpoch: (report) => { reports.push(report); } }), 'diverged', `${name}: training diverged in epoch `, `lower learningRate, which is ${learningRate}`);
        if (reports.length === 0) { knowsNothing(model); continue; }
        sameLearned(model, await make({ ...learns.diverges, learningRate, epochs: reports.length }).fit(data));
        assert.ok(Object.values(model.toState().tensors).every(({ data }) => (data as Float32Array).every(Number.isFinite)));
      }
      if (candidate.settles) return;
      const model = make({ learningRate: 50, ...learns.diverges });
      let whole = 0;
      await rejects(() => model.fit(data, { onEpoch: ({ epoch }) => { whole = epoch; } }), 'diverged');
      assert.ok(whole >= 1 && model.fitted, 'there was a whole epoch before it went wrong');
    });
  }

  // (n) memory

  if (learns) {
    test('free gives all of it back at once; afterwards the model knows nothing and can be fitted again', async () => {
      await fitted();
      const before = await settled(), data = planted({ users: 200, items: 100, each: 10 }).train, large = { ...small, ...wide };
      const model = await make(large).fit(data);
      assert.ok(memoryUse().inUse >= before + (learns.diverges === null || (make().settings as Settings).solver === 'sgd' || name === 'SVDPlusPlus' ? 1 : candidate.allPairs ? 2 : 3) * 300 * 64 * 4, 'tables, and moments or sums of squares where there are any');
      model.free!();
      assert.ok(memoryUse().inUse <= before, `${memoryUse().inUse - before} bytes are left`);
      knowsNothing(model);
      model.free!();
      sameBytes(await model.fit(data), await make(large).fit(data));
      model.free!();
    });

    test('freed in the middle of fit: an error, not a crash', async () => {
      const data = company(), model = make({ ...learns.long, epochs: 1000 });
      await rejects(() => model.fit(data, { onEpoch: linger, onStep: ({ epoch }) => { if (epoch >= 2) model.free!(); } }), 'bad-input', `${name}.free: this model is being fitted`);
      assert.ok(model.recommend([0], { k: 1 }).items[0] >= 0, 'the last whole epoch is still there');
    });
  }

  test('an abandoned model gives its memory back; so do fits that failed and models that were fitted again', async () => {
    await fitted();
    const before = await settled(), data = planted({ users: 200, items: 100, each: 10 }).train;
    await (async () => {
      for (let round = 0; round < 5; round++) {
        const model = await make(learns ? { ...small, ...wide } : small).fit(timed(data));
        await model.fit(timed(data));
        await model.partialFit(timed(data));
        await model.fit(timed(data), { onEpoch: () => { throw reason; } }).catch(() => { /* as intended */ });
        fromBytes(toBytes(model));
      }
    })();
    assert.ok((await settled(before)) <= before);
  });

  test('answers leave nothing behind: three hundred rounds of questions use no more memory than ten', async () => {
    const model = await fitted(), data = shop();
    const ask = (): void => { model.recommend(users, { exclude: data }); model.scores(users); model.score([1], [2]); model.recommendFor('user 01'); if (alike) model.similarTo('item 01'); };
    for (let round = 0; round < 10; round++) ask();
    const { inUse, size } = memoryUse();
    for (let round = 0; round < 300; round++) ask();
    assert.equal([memoryUse().inUse, memoryUse().size], [inUse, size]);
  });

  test.run();
}

// (m) quality

const quality = suite('models/exam/quality');
const tastes = { users: 300, items: 120, each: 32, factors: 3 }, noises = [0, 0.5, 1];

async function ndcg(model: Model, noise: number, { seed = 1, pairs = (data: Interactions) => data } = {}): Promise<number> {
  const { train, test } = planted({ ...tastes, noise, seed });
  await model.fit(pairs(train));
  return evaluate(model, test.matrix, { k: 10, exclude: train.matrix, metrics: ['ndcg'] }).ndcg;
}

for (const { make, learns, solves, pairs } of candidates) {
  const finds = learns ?? solves;
  if (!finds) continue;
  const name = titleOf(make), { tastes: settings, floor } = finds;
  for (const variant of (Object.keys(variants) as (keyof typeof variants)[]).filter((variant) => variants[variant] !== null)) {
    quality(`${name} finds planted tastes, kernels ${variant}: clearly above popularity, less with more noise, nothing where there is nothing`, async () => {
      useKernels(variant);
      try {
        for (const seed of variant === 'loop' ? [1] : [1, 2]) {
          const own: number[] = [], popular: number[] = [];
          for (const noise of noises) { own.push(await ndcg(make({ ...settings, ...(learns && { seed }) }), noise, { seed, pairs })); popular.push(await ndcg(new Popularity(), noise, { seed })); }
          const said = `${own} against ${popular}`;
          if (process.env.TIGHTREC_SHOW) console.log(name, variant, said);
          assert.ok(own[0] > floor && own[0] > popular[0] + 0.3, said);
          assert.ok(own[1] > popular[1] + 0.04 && own[1] < own[0] - 0.2, said);
          assert.ok(own[2] < own[1] - 0.1 && Math.abs(own[2] - popular[2]) < 0.05, said);
        }
      } finally { useKernels('auto'); }
    });
  }

  if (variants.simd) {
    quality(`${name}: loops and SIMD reach the same quality`, async () => {
      const reached: number[] = [];
      for (const variant of ['loop', 'simd'] as const) {
        useKernels(variant);
        try { reached.push(await ndcg(make(settings), 0.2, { pairs })); } finally { useKernels('auto'); }
      }
      assert.ok(Math.abs(reached[0] - reached[1]) < 0.02, `${reached}`);
    });
  }
}

quality('the noise dial: the data itself says less and less', () => {
  // how often an item that was held out has more in common with what its user met than an item drawn by lot has
  const found = noises.map((noise) => {
    const { train: { matrix }, test } = planted({ ...tastes, noise }), n = tastes.items, next = random(1), together = new Float64Array(n * n);
    for (let user = 0; user < matrix.rows; user++) for (const a of rowOf(matrix, user)) for (const b of rowOf(matrix, user)) together[a * n + b]++;
    const popularity = (item: number): number => together[item * n + item], likely = (user: number, item: number): number => rowOf(matrix, user).reduce((sum, mine) => sum + together[mine * n + item] / popularity(mine) / popularity(item), 0);
    const hits = [...test.user].filter((user, at) => { const other = next.below(n); return !rowOf(matrix, user).includes(other) && likely(user, test.item[at]) > likely(user, other); });
    return hits.length / test.user.length;
  });
  assert.ok(found[0] > found[1] + 0.1 && found[1] > found[2] + 0.02, `${found}`);
});

quality.run();
