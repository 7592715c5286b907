import { kernels } from '../../kernels/index.ts';
import { allOrNone, scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { distinct } from '../autodiff/distinct.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import { orderByRow } from '../autodiff/wholeTable.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { sampleUnseen } from '../data/negatives.ts';
import type { RatingOptions } from '../metrics/index.ts';
import { AdaGrad, Adam, type Optimizer } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { inBlocks } from './blocks.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { checkEvents, encodeLike, withSeen } from './events.ts';
import { type Factors, factorAnswers, tensorFrom, tensorsOf } from './factors.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { emptyFactors, freeFactors, normalTable } from './newFactors.ts';
import { type Prediction, type RatingModel, type RatingRange, biasesOf, meanOf, predict, predictFor, rangeFrom, rangeOf, ratingsOf, widened } from './ratings.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, SimilarOptions, TopLists } from './recommender.ts';
import { checkNames, checkSettings, notNegative, number, oneOf, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FeatureFitOptions, type FeatureSettings, type Side, type SideTables, type Sides, NEW_ID, checkFeatureSettings, featureRules, idsAlone, learnSides, noTables, sidesFrom, sidesToState, withNewIds, withoutTables } from './sides.ts';
import { type FitOptions, train } from './train.ts';

export interface FactorizationMachineSettings extends FeatureSettings {
  /** What is learned: 'rating', the values of the events, by squares of errors; 'click', that there was an event, by log-loss with items drawn at random beside it. */
  task: 'rating' | 'click';
  /** K, the length of a feature's vector. */
  factors: number;
  /** Passes over the events. */
  epochs: number;
  optimizer: 'adagrad' | 'adam';
  learningRate: number;
  /** Weight of the squares of vectors and weights, for each event that their feature is part of. */
  l2: number;
  /** Standard deviation of what the vectors start from. */
  initialScale: number;
  /** Of 'click': so many items that the user has not met are drawn for each event. */
  negatives: number;
  /** Events in a batch. */
  batchSize: number;
  seed: number;
}

const rating: FactorizationMachineSettings = { ...idsAlone, task: 'rating', factors: 64, epochs: 20, optimizer: 'adagrad', learningRate: 0.1, l2: 0.1, initialScale: 0.05, negatives: 4, batchSize: 1000, seed: 1 };
const click: FactorizationMachineSettings = { ...rating, task: 'click', l2: 0.01 };

const rules = {
  ...featureRules, task: oneOf('rating', 'click'), factors: wholeNumber(1), epochs: wholeNumber(1), optimizer: oneOf('adagrad', 'adam'), learningRate: positive, l2: notNegative, initialScale: positive,
  negatives: wholeNumber(1), batchSize: wholeNumber(1), seed: number,
};

/** The parameters by the names that a model file gives them: a vector and a weight for each feature of users and of items, and w0. */
interface Tables {
  readonly user_feature_factors: Tensor; // V (user features, K)
  readonly user_feature_weights: Tensor; // w (user features, 1)
  readonly item_feature_factors: Tensor;
  readonly item_feature_weights: Tensor;
  readonly global_bias: Tensor; // w0
}

interface LearnedMachine extends RatingRange {
  readonly tables: Tables;
  readonly sides: Sides;
  readonly catalogue: Catalogue;
  readonly optimizer: Optimizer;
  readonly random: Random;
  readonly epochs: number;
  readonly factors: Factors; // the same as a matrix factorisation, as of the last whole epoch
}

/**
 * FactorizationMachine: predicts ratings, or clicks, from features of user and item: a weight for each feature, and for each pair of features the product of their vectors.
 *
 *   x = w0 + Σ_j w[j] f[j] + Σ_{i<j} <V[i], V[j]> f[i] f[j]              f: the features of the user and of the item, side by side
 *     = w0 + b[u] + c[i] + <P[u], Q[i]>                                  P[u], Q[i]: the sums of f[j] V[j] over the features of each
 *       b[u] = Σ_j w[j] f[j] + 1/2 (|P[u]|² - Σ_j f[j]² |V[j]|²)         over the user's features; c[i] over the item's
 *   L = mean over the events of (r - x)², or of the log-loss of x, plus l2 Σ (|V[j]|² + w[j]²) over the features of each
 *
 * By the second form it answers as a matrix factorisation does. With `id` alone declared, which is the default, it is one: biases and a dot product. Users and
 * items met only in `addIds` are known by their other features. Vectors start normal with deviation initialScale, weights at 0. Of 'rating', w0 is the mean rating and stays;
 * of 'click', where values play no part, it is learned. A step moves only the features that its batch touches, with 'adam' too (`rows: 'touched'`).
 * `score` is x; `predict` is the rating, held to the range of those learned from, or the probability of a click, σ(x).
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for ratings without values; as learnFeatures for tables; 'not-fitted'; 'diverged'.
 *
 * Rendle, "Factorization Machines", 2010.
 */
export class FactorizationMachine implements RatingModel {
  readonly name = 'FactorizationMachine';
  readonly settings: FactorizationMachineSettings;
  #learned: LearnedMachine | null = null;

  constructor(settings: Partial<FactorizationMachineSettings> = {}) { this.settings = withDefaults(settings?.task === 'click' ? click : rating, settings); }

  check(): void {
    checkSettings(this.name, this.settings, rules);
    checkFeatureSettings(this.name, this.settings);
  }

  async fit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    this.check();
    checkIdle(this, 'fit');
    const where = `${this.name}.fit`, { tables: given, options: others } = withoutTables(options), { factors: K, initialScale, negatives, seed, task } = this.settings;
    const range = this.#rangeOf(where, data), sides = learnSides(where, this.settings, data, given), next = random(seed), [n, m] = [sides.user.learned.columns, sides.item.learned.columns];
    const tables: Tables = allOrNone(() => ({
      user_feature_factors: normalTable(n, K, initialScale, next), user_feature_weights: Tensor.lasting([n, 1]),
      item_feature_factors: normalTable(m, K, initialScale, next), item_feature_weights: Tensor.lasting([m, 1]),
      global_bias: Tensor.lasting([1], [task === 'rating' ? meanOf(data.value!) : -Math.log(negatives)]), // the share of clicks
    }));
    await this.#train({ tables, sides, catalogue: catalogueOf(data), optimizer: this.#newOptimizer(), random: next, epochs: 0, ...range, factors: null }, data, others);
    return this;
  }

  /** Goes on with the features as they were learned, and the same mean. */
  async partialFit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    const where = `${this.name}.partialFit`, { tables, options: others } = withoutTables(options);
    noTables(where, tables);
    const range = this.#rangeOf(where, data), { catalogue } = this.#learned, recoded = encodeLike(where, data, catalogue, NEW_ID);
    await this.#train({ ...this.#learned, catalogue: withSeen(catalogue, recoded), ...widened(this.#learned, range) }, recoded, others);
    return this;
  }

  /** The range of the ratings; of clicks 0 to 1. Errors: 'bad-input' for ratings without values. */
  #rangeOf(where: string, data: Interactions): RatingRange {
    checkEvents(where, data);
    return this.settings.task === 'click' ? { lowest: 0, highest: 1 } : rangeOf(ratingsOf(where, data, ", or take task 'click'"));
  }

  #newOptimizer(): Optimizer {
    const { optimizer, learningRate } = this.settings;
    return optimizer === 'adam' ? new Adam({ learningRate, rows: 'touched' }) : new AdaGrad({ learningRate });
  }

  #train(start: Omit<LearnedMachine, 'factors'> & { factors: Factors | null }, data: Interactions, options: FitOptions): Promise<void> {
    const { tables, sides, catalogue, optimizer, random } = start, { factors: K, epochs, batchSize, negatives, l2, task } = this.settings, n = data.user.length, order = new Int32Array(n), perEvent = task === 'click' ? 1 + negatives : 1;
    const { global_bias: w0, ...rest } = tables, moved = [...Object.values(rest), ...(task === 'click' ? [w0] : [])];
    let { factors } = start;

    /** The pairs of a batch, user by user, and what each should come to. */
    const draw = (batch: number): { u: Int32Array; i: Int32Array; y: Float32Array } => {
      const positives = Math.min(batchSize, n - batch * batchSize), B = positives * perEvent, user = scratchInts(B), item = scratchInts(B), target = scratchFloats(B);
      for (let b = 0; b < B; b++) {
        const event = order[batch * batchSize + b % positives];
        user[b] = data.user[event];
        item[b] = data.item[event];
        target[b] = task === 'rating' ? data.value![event] : b < positives ? 1 : 0;
      }
      if (B > positives) sampleUnseen(item.subarray(positives), user.subarray(positives), catalogue.seen, random);
      const u = scratchInts(B), i = scratchInts(B), y = scratchFloats(B), sorted = orderByRow(user, catalogue.users.size);
      kernels.gatherIds(u, user, sorted, B);
      kernels.gatherIds(i, item, sorted, B);
      for (let b = 0; b < B; b++) y[b] = target[sorted[b]];
      return { u, i, y };
    };

    return train({
      model: this, data, features: [sides.user.matrix, sides.item.matrix], epochs, epochsBefore: start.epochs, steps: Math.ceil(n / batchSize), parameters: { ...tables }, optimizer, random,
      beginEpoch() {
        for (let event = 0; event < n; event++) order[event] = event; // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      step(batch) {
        const { u, i, y } = draw(batch), B = u.length, tape = new Tape();
        const user = sideOnTape(tape, rest.user_feature_factors, rest.user_feature_weights, sides.user, u), item = sideOnTape(tape, rest.item_feature_factors, rest.item_feature_weights, sides.item, i);
        const x = ops.addBias(tape, ops.rowDot(tape, user.P, item.P, user.slots, item.slots), [user.c, user.slots], [item.c, item.slots], [w0]);
        const misfit = task === 'click' ? ops.logLoss(tape, x, y) : squares(tape, x, y);
        tape.backward(ops.weightedSum(tape, [[1 / B, misfit], ...[user, item].flatMap(({ V, w, counts }) => [V, w].map((X): [number, Tensor] => [l2 / B, ops.l2(tape, X, counts)]))]));
        optimizer.step(moved);
        w0.zeroGrad(); // where it stays
        return misfit.data[0] / B;
      },
      commit: (done) => {
        factors ??= emptyFactors(catalogue, K, w0);
        sumSides(factors, tables, sides);
        this.#learned = { ...start, epochs: done, factors };
      },
    }, options);
  }

  /**
   * addIds: takes in the users and items of side tables that the model has not met, by their features alone; from then on every call knows them, and a model file holds
   * them. A feature's values not met in training count as none. Ids that it knows stay as they are. New rows come behind the others. Errors: as encodeFeatures; 'not-fitted'.
   */
  addIds(tables: SideTables): this {
    checkIdle(this, 'addIds');
    const learned = this.#known(), { catalogue, sides } = withNewIds(`${this.name}.addIds`, learned.catalogue, learned.sides, tables), factors = emptyFactors(catalogue, this.settings.factors, learned.tables.global_bias);
    sumSides(factors, learned.tables, sides);
    this.#learned = { ...learned, catalogue, sides, factors };
    freeFactors(learned.factors);
    return this;
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers { return factorAnswers(this.#known()); }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): LearnedMachine {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  /**
   * predict: for each (user, item) pair of rows the rating, as every model of ratings does, or, of 'click', the probability of one, without options. Where one of the two is
   * -1, not known, what is known of the other decides. Shapes: users, items (B) -> (B).
   */
  predict(users: ArrayLike<number>, items: ArrayLike<number>, options: RatingOptions = {}): Float32Array {
    const known = this.#known(), biases = biasesOf(known.factors);
    if (this.settings.task === 'rating') return predict(this, known, biases, users, items, options);
    checkNames(`${this.name}.predict`, options, []);
    return predict(this, known, biases, users, items, { clip: false }).map((logit) => 1 / (1 + Math.exp(-logit)));
  }
  /** predictFor: the same for one pair by raw ids, known or not, and whether there were events of them. */
  predictFor(user: RawId, item: RawId, options: RatingOptions = {}): Prediction { return predictFor(this, user, item, options); }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    const { tables, sides, catalogue, epochs, lowest, highest } = this.#known(), { tensors, features } = sidesToState(sides, catalogue);
    return { model: this.name, settings: this.settings, tensors: { ...tensorsOf({ ...tables }), ...tensors }, catalogue, features, numbers: { epochs, lowest, highest } };
  }

  static fromState(state: ModelState): FactorizationMachine {
    const model = new FactorizationMachine(state.settings), { factors: K, seed } = model.settings;
    model.check();
    const sides = sidesFrom(state, model.settings), epochs = epochsFrom(state), range = rangeFrom(state), [n, m] = [sides.user.learned.columns, sides.item.learned.columns];
    const tables: Tables = {
      user_feature_factors: tensorFrom(state, 'user_feature_factors', [n, K]), user_feature_weights: tensorFrom(state, 'user_feature_weights', [n, 1]),
      item_feature_factors: tensorFrom(state, 'item_feature_factors', [m, K]), item_feature_weights: tensorFrom(state, 'item_feature_weights', [m, 1]),
      global_bias: tensorFrom(state, 'global_bias', [1]),
    };
    const factors = emptyFactors(state.catalogue, K, tables.global_bias);
    sumSides(factors, tables, sides);
    model.#learned = { tables, sides, catalogue: state.catalogue, optimizer: model.#newOptimizer(), random: random(seed + epochs), epochs, ...range, factors };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    freeFactors(this.#learned.factors);
    release(Object.values(this.#learned.tables), this.#learned.optimizer);
    this.#learned = null;
  }
}

/** Σ (y - x)² */
function squares(tape: Tape, x: Tensor, y: Float32Array): Tensor {
  const error = ops.weightedSum(tape, [[1, x], [-1, new Tensor([y.length], y)]]);
  return ops.sum(tape, ops.multiply(tape, error, error));
}

/**
 * One side of a batch: P and c of its distinct rows, and which of these each pair has (`slots`); V and w of the features that are touched, and how many of the
 * pairs have each of these (`counts`).
 */
function sideOnTape(tape: Tape, table: Tensor, weights: Tensor, { matrix }: Side, rows: Int32Array): { P: Tensor; c: Tensor; slots: Int32Array; V: Tensor; w: Tensor; counts: Float32Array } {
  const byRow = distinct(rows, matrix.rows), bags = ops.bagsOf(matrix, byRow.ids), byFeature = distinct(bags.indices, matrix.columns);
  const V = ops.lookup(tape, table, byFeature), w = ops.lookup(tape, weights, byFeature), counts = scratchFloats(byFeature.ids.length);
  kernels.clear(counts, counts.length);
  for (let r = 0; r < byRow.ids.length; r++) for (let at = bags.indptr[r]; at < bags.indptr[r + 1]; at++) counts[byFeature.slots[at]] += byRow.counts[r];
  return { ...ops.fmRows(tape, V, w, { ...bags, indices: byFeature.slots }), slots: byRow.slots, V, w, counts };
}

// The machine as a matrix factorisation

/** P and c of all users and items, into `factors`. */
function sumSides(factors: Factors, tables: Tables, { user, item }: Sides): void {
  sumRows(factors.user, factors.userBias!, tables.user_feature_factors, tables.user_feature_weights, user);
  sumRows(factors.item, factors.itemBias!, tables.item_feature_factors, tables.item_feature_weights, item);
}

function sumRows(P: Tensor, c: Tensor, V: Tensor, w: Tensor, { matrix }: Side): void {
  const [rows, K] = P.shape;
  inBlocks(rows, (some, from) => {
    const { indptr, indices, values } = ops.bagsOf(matrix, some), R = some.length;
    kernels.fmRows(P.data.subarray(from * K, (from + R) * K), c.data.subarray(from, from + R), V.data, w.data, indptr, indices, values, R, K);
  });
}
