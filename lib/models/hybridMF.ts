import { kernels } from '../../kernels/index.ts';
import { allOrNone, allocate, free } from '../../kernels/memory.ts';
import type { Part } from '../../kernels/spread.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { type Interactions, fromRows, selectEvents } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { inBlocks } from './blocks.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { checkEvents, encodeLike, withSeen } from './events.ts';
import { type Factors, factorAnswers, tensorFrom, tensorsOf } from './factors.ts';
import { type Cell, type VisitOrder, cutGrid, descend } from './grid.ts';
import { metBefore } from './met.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { emptyFactors, freeFactors, laidOut, uniformTable } from './newFactors.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, TopLists } from './recommender.ts';
import { checkSettings, flag, notNegative, number, oneOf, orNull, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FeatureFitOptions, type FeatureSettings, type SideTables, type Sides, NEW_ID, checkFeatureSettings, featureRules, idsAlone, learnSides, noTables, sidesFrom, sidesToState, withNewIds, withoutTables } from './sides.ts';
import { KeptCsr, rowsOf } from './sparse.ts';
import type { FitOptions } from './train.ts';

export interface HybridMFSettings extends FeatureSettings {
  /** Whether the weights of a user's, or an item's, features are divided by the sum of their sizes, as LightFM's own data sets are. */
  normalizeFeatures: boolean;
  /** 'warp' and 'bpr' rank what a user met above what they did not; 'logistic' tells liked from disliked. */
  loss: 'warp' | 'bpr' | 'logistic';
  /** K, the length of a feature's vector. */
  factors: number;
  /** Passes over the events. */
  epochs: number;
  /** Each number's own rate begins with it, and falls with the gradients that the number has seen. */
  learningRate: number;
  /** Weights of the squares of the vectors and biases of users' and of items' features, for each event that they are part of. */
  userL2: number;
  itemL2: number;
  /** Vectors start uniform within initialScale / factors of 0. */
  initialScale: number;
  /** Items drawn for an event, at most: of 'warp' until one is less than 1 behind, of the others until one is not met. */
  maxSampled: number;
  /** Of 'logistic': items drawn for each liked event, to count as disliked; 0 where the data tell dislikes themselves, by values of 0 and below. */
  negatives: number;
  /** Whether the events of a block are visited user by user, which keeps a user's row in the cache, or at random. */
  order: VisitOrder;
  /** Users and items are cut into so many blocks each; null for as many as keep a block of items in the cache, and at least 8 where there are 512 items. Where features are shared, it is one. */
  blocks: number | null;
  seed: number;
}

const defaults: HybridMFSettings = {
  ...idsAlone, normalizeFeatures: false, loss: 'warp', factors: 32, epochs: 20, learningRate: 0.05, userL2: 0, itemL2: 0, initialScale: 0.5, maxSampled: 10, negatives: 1, order: 'users', blocks: null, seed: 1,
};

const rules = {
  ...featureRules, normalizeFeatures: flag, loss: oneOf('warp', 'bpr', 'logistic'), factors: wholeNumber(1), epochs: wholeNumber(1), learningRate: positive, userL2: notNegative, itemL2: notNegative,
  initialScale: positive, maxSampled: wholeNumber(1), negatives: wholeNumber(0), order: oneOf('users', 'random'), blocks: orNull(wholeNumber(1)), seed: number,
};

/** The parameters by the names that a model file gives them: vectors and biases of features, and beside each number the squares of its gradients, which start at 1. */
interface Tables {
  readonly user_feature_factors: Tensor; // U (user features, K)
  readonly user_feature_biases: Tensor; // b (user features, 1), which 'logistic' alone moves: where a user's items are ranked it cancels
  readonly item_feature_factors: Tensor; // V (item features, K)
  readonly item_feature_biases: Tensor; // c (item features, 1)
  readonly user_feature_factors_sums: Tensor;
  readonly user_feature_biases_sums: Tensor;
  readonly item_feature_factors_sums: Tensor;
  readonly item_feature_biases_sums: Tensor;
}

interface LearnedHybrid {
  readonly tables: Tables;
  readonly sides: Sides;
  readonly catalogue: Catalogue;
  readonly random: Random;
  readonly epochs: number;
  readonly factors: Factors; // the same as a matrix factorisation, as of the last whole epoch
}

/**
 * HybridMF: matrix factorisation of features, after LightFM: a user's vector and bias are the sums of those of their features, and an item's likewise.
 *
 *   p[u] = Σ_f X[u, f] U[f]     q[i] = Σ_f Z[i, f] V[f]     b[u] = Σ_f X[u, f] b[f]     c[i] = Σ_f Z[i, f] c[f]
 *   x(u, i) = <p[u], q[i]> + b[u] + c[i]                    X, Z: the features of users and items; with normalizeFeatures each row over the sum of its sizes
 *
 *   'warp'      L = mean over the events of w max(0, 1 - x(u, i) + x(u, j)),   w = ln ⌊(nItems - 1) / t⌋, at least 0 and at most 10
 *   'bpr'       L = mean over the events of -ln σ(x(u, i) - x(u, j))
 *   'logistic'  L = mean over the events, and the items drawn, of the log-loss of x(u, i)
 *
 * With `id` alone declared, which is the default, it is a plain matrix factorisation. Users and items without events, and those met in `addIds`, are known by their
 * other features. In 'warp' items are drawn, at most maxSampled, until one that u has not met is less than 1 behind i: the t-th, from which the rank of i is guessed. An event
 * for which there is none is passed over. Events whose value is 0 or below are dislikes: 'logistic' learns from them, the others leave them out.
 * Each event moves its features at once, by AdaGrad (kernels/hybridEpoch), whose gradients have the terms userL2 w and itemL2 w. Biases start at 0. `score` is x.
 * Where no feature is shared, users and items are cut into blocks, j is of the block of i, and several threads help; else it takes one.
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for data without likes; as learnFeatures for tables; 'not-fitted'; 'diverged'.
 *
 * Kula, "Metadata Embeddings for User and Item Cold-start Recommendations", 2015; Weston, Bengio, Usunier, "WSABIE", 2011.
 */
export class HybridMF implements Recommender {
  readonly name = 'HybridMF';
  readonly settings: HybridMFSettings;
  #learned: LearnedHybrid | null = null;

  constructor(settings: Partial<HybridMFSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void {
    checkSettings(this.name, this.settings, rules);
    checkFeatureSettings(this.name, this.settings);
  }

  async fit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    this.check();
    checkIdle(this, 'fit');
    const where = `${this.name}.fit`, { tables: given, options: others } = withoutTables(options), { factors: K, initialScale, seed } = this.settings, pairs = this.#pairsOf(where, data);
    const sides = learnSides(where, this.settings, pairs, given), next = random(seed), [n, m] = [sides.user.learned.columns, sides.item.learned.columns], bound = initialScale / K;
    const ones = (rows: number, columns: number): Tensor => { const sums = Tensor.lasting([rows, columns]); sums.data.fill(1); return sums; };
    const tables: Tables = allOrNone(() => ({
      user_feature_factors: uniformTable(n, K, bound, next), user_feature_biases: Tensor.lasting([n, 1]), item_feature_factors: uniformTable(m, K, bound, next), item_feature_biases: Tensor.lasting([m, 1]),
      user_feature_factors_sums: ones(n, K), user_feature_biases_sums: ones(n, 1), item_feature_factors_sums: ones(m, K), item_feature_biases_sums: ones(m, 1),
    }));
    await this.#train(where, { tables, sides, catalogue: catalogueOf(data), random: next, epochs: 0, factors: null }, pairs, others);
    return this;
  }

  /** Goes on with the features as they were learned. */
  async partialFit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    const where = `${this.name}.partialFit`, { tables, options: others } = withoutTables(options);
    noTables(where, tables);
    checkEvents(where, data);
    const recoded = encodeLike(where, data, this.#learned.catalogue, NEW_ID);
    await this.#train(where, { ...this.#learned, catalogue: withSeen(this.#learned.catalogue, recoded) }, this.#pairsOf(where, recoded), others);
    return this;
  }

  /** What there is to learn: of 'logistic' all events, with 1 or 0 for their values; else those that are liked. Errors: 'bad-input' where that cannot be learned. */
  #pairsOf(where: string, data: Interactions): Interactions {
    checkEvents(where, data);
    const { loss, negatives } = this.settings, { value } = data, likes = value?.reduce((count, each) => count + (each > 0 ? 1 : 0), 0) ?? data.user.length, all = data.user.length;
    if (loss === 'logistic') {
      if (likes === all && negatives === 0) throw new TightrecError('bad-input', `${where}: with negatives 0 there must be dislikes, events with a value of 0 or below, and of ${all} events none is; set negatives to 1 or more to draw them`);
      return fromRows({ ...data, value: Float32Array.from(data.user, (_, event) => (value === null || value[event] > 0 ? 1 : 0)) });
    }
    if (likes === 0) throw new TightrecError('bad-input', `${where}: there must be likes, events with a value above 0, and of ${all} events none is; leave the values out where each event is one`);
    const liked = likes === all ? data : selectEvents(data, Int32Array.from(data.user.keys()).filter((event) => value![event] > 0));
    return liked.value === null ? liked : fromRows({ ...liked, value: null });
  }

  /** Epochs by the fused kernels, over the cells of a grid; over a single one where features are shared, since then its rows are. */
  async #train(where: string, start: Omit<LearnedHybrid, 'factors'> & { readonly factors: Factors | null }, pairs: Interactions, options: FitOptions): Promise<void> {
    checkIdle(this, 'fit'); // before the data is laid out
    const { tables, sides, catalogue } = start, { normalizeFeatures, loss, factors: K, epochs, learningRate, userL2, itemL2, maxSampled, negatives, order, blocks } = this.settings;
    const weights = [sides.user, sides.item].map(({ matrix }) => (normalizeFeatures ? normalized(matrix) : matrix)), apart = weights.every(ownFeatures), nItems = catalogue.items.size;
    if (!apart && blocks !== null && blocks > 1) throw new TightrecError('bad-setting', `${where}: blocks must be 1 or null where users or items share features, got ${blocks}: events in different blocks would move the same rows`);
    const [U, b, V, c, sU, sb, sV, sc] = Object.values(tables) as Tensor[];
    const { grid, met, X, Z, vectors } = laidOut(start, Object.values(tables), () => {
      const grid = cutGrid(pairs, { blocks: apart ? blocks : 1, order }, K);
      return { grid, met: metBefore(catalogue.seen), X: new KeptCsr(weights[0]), Z: new KeptCsr(weights[1]), vectors: allocate(3 * K * grid.blocks) };
    });
    let { factors } = start;
    try {
      const part = ({ n, u, i, value, items, state }: Cell, rate: number, at: number): Part => {
        const scratch = vectors.floats().subarray(3 * K * at, 3 * K * (at + 1)), [ids, begin] = [met.ids.ints(), met.start.ints()], m = items.length;
        const features = [X.start, X.indices, X.values, Z.start, Z.indices, Z.values] as const, last = [maxSampled, rate, userL2, itemL2] as const;
        if (loss === 'logistic') return ['hybridLogisticEpoch', U.data, sU.data, b.data, sb.data, V.data, sV.data, c.data, sc.data, state, scratch, u, i, value, items, ids, begin, ...features, n, m, K, met.words, negatives, ...last];
        const own = [U.data, sU.data, V.data, sV.data, c.data, sc.data, state, scratch, u, i, items, ids, begin, ...features] as const;
        return loss === 'warp' ? ['hybridWarpEpoch', ...own, n, m, nItems, K, met.words, ...last] : ['hybridBprEpoch', ...own, n, m, K, met.words, ...last];
      };
      await descend({
        model: this, data: pairs, features: weights, epochs, epochsBefore: start.epochs, parameters: { ...tables }, sized: [U, b, V, c], grid, random: start.random, learningRate, learningRateDecay: 1, part,
        learnedFrom: ({ n, state }) => (loss === 'warp' ? n : state[4]), // an event for which no item is near enough has a loss of 0
        commit: (done) => {
          factors ??= emptyFactors(catalogue, K, null);
          for (const [side, matrix] of weights.entries()) sumSide(factors, side === 0 ? 'user' : 'item', tables, matrix);
          this.#learned = { ...start, factors, epochs: done };
        },
      }, options);
    } finally {
      for (const each of [grid, met, X, Z]) each.free();
      free(vectors);
    }
  }

  /**
   * addIds: takes in the users and items of side tables that the model has not met, by their features alone; from then on every call knows them, and a model file holds
   * them. A feature's values not met in training count as none. Ids that it knows stay as they are. New rows come behind the others. Errors: as encodeFeatures; 'not-fitted'.
   */
  addIds(tables: SideTables): this {
    checkIdle(this, 'addIds');
    const learned = this.#known(), { catalogue, sides } = withNewIds(`${this.name}.addIds`, learned.catalogue, learned.sides, tables);
    this.#learned = { ...learned, catalogue, sides, factors: this.#sum(learned.tables, sides, catalogue) };
    freeFactors(learned.factors);
    return this;
  }

  /** The model as a matrix factorisation. */
  #sum(tables: Tables, sides: Sides, catalogue: Catalogue): Factors {
    const factors = emptyFactors(catalogue, this.settings.factors, null);
    for (const side of ['user', 'item'] as const) sumSide(factors, side, tables, this.settings.normalizeFeatures ? normalized(sides[side].matrix) : sides[side].matrix);
    return factors;
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers { return factorAnswers(this.#known()); }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): LearnedHybrid {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: { k?: number } = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: { k?: number } = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    const { tables, sides, catalogue, epochs } = this.#known(), { tensors, features } = sidesToState(sides, catalogue);
    return { model: this.name, settings: this.settings, tensors: { ...tensorsOf({ ...tables }), ...tensors }, catalogue, features, numbers: { epochs } };
  }

  static fromState(state: ModelState): HybridMF {
    const model = new HybridMF(state.settings), { factors: K, seed } = model.settings;
    model.check();
    const sides = sidesFrom(state, model.settings), epochs = epochsFrom(state), [n, m] = [sides.user.learned.columns, sides.item.learned.columns];
    const sums = (name: string, shape: readonly number[]): Tensor => {
      const table = tensorFrom(state, name, shape);
      if (!table.data.every((s) => s > 0)) throw new TightrecError('file-damaged', `${model.name}: tensor ${name} must hold sums of squares, which are above 0`);
      return table;
    };
    const tables: Tables = {
      user_feature_factors: tensorFrom(state, 'user_feature_factors', [n, K]), user_feature_biases: tensorFrom(state, 'user_feature_biases', [n, 1]),
      item_feature_factors: tensorFrom(state, 'item_feature_factors', [m, K]), item_feature_biases: tensorFrom(state, 'item_feature_biases', [m, 1]),
      user_feature_factors_sums: sums('user_feature_factors_sums', [n, K]), user_feature_biases_sums: sums('user_feature_biases_sums', [n, 1]),
      item_feature_factors_sums: sums('item_feature_factors_sums', [m, K]), item_feature_biases_sums: sums('item_feature_biases_sums', [m, 1]),
    };
    model.#learned = { tables, sides, catalogue: state.catalogue, random: random(seed + epochs), epochs, factors: model.#sum(tables, sides, state.catalogue) };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    freeFactors(this.#learned.factors);
    release(Object.values(this.#learned.tables), null);
    this.#learned = null;
  }
}

/** normalized: each row over the sum of its entries' sizes. */
function normalized(matrix: Csr): Csr {
  const { rows, indptr, values } = matrix, divided = values.slice();
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let at = indptr[r]; at < indptr[r + 1]; at++) sum += Math.abs(values[at]);
    if (sum > 0) for (let at = indptr[r]; at < indptr[r + 1]; at++) divided[at] = values[at] / sum;
  }
  return { ...matrix, values: divided };
}

/** ownFeatures: whether no two rows have a column in common. */
const ownFeatures = ({ indices }: Csr): boolean => new Set(indices).size === indices.length;

// The hybrid as a matrix factorisation

/** The vectors and biases of all users, or of all items, into `factors`. */
function sumSide(factors: Factors, side: 'user' | 'item', tables: Tables, matrix: Csr): void {
  const vectors = factors[side], biases = factors[`${side}Bias`]!, [rows, K] = vectors.shape;
  kernels.clear(vectors.data, vectors.size);
  kernels.clear(biases.data, biases.size);
  inBlocks(rows, (some, from) => {
    const { start, indices, values } = rowsOf(matrix, some), R = some.length;
    kernels.sparseDenseProduct(vectors.data.subarray(from * K, (from + R) * K), start, indices, values, tables[`${side}_feature_factors`].data, R, K);
    kernels.sparseDenseProduct(biases.data.subarray(from, from + R), start, indices, values, tables[`${side}_feature_biases`].data, R, 1);
  });
}
