import { kernels } from '../../kernels/index.ts';
import { allOrNone, scratchFloats, scratchInts } from '../../kernels/memory.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import { orderByRow, wholeTable } from '../autodiff/wholeTable.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import type { RatingOptions } from '../metrics/index.ts';
import { Adam } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { catalogueOf } from './catalogue.ts';
import { checkEvents, encodeLike, withSeen } from './events.ts';
import { type Learned, factorAnswers, factorsFrom, namedParameters, parametersOf, tensorsOf } from './factors.ts';
import { type VisitOrder, cutGrid, descend } from './grid.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { checkTables, laidOut, normalTable } from './newFactors.ts';
import { type Prediction, type RatingModel, type RatingRange, biasesOf, clearUnmet, meanOf, predict, predictFor, rangeFrom, rangeOf, ratingsOf, widened } from './ratings.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, number, oneOf, orNull, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FitOptions, train } from './train.ts';

export interface RatingMFSettings {
  /** 'sgd' updates the tables in place, rating by rating; 'adam' takes batches on the tape. */
  solver: 'sgd' | 'adam';
  /** K, the length of a user's and an item's vector. */
  factors: number;
  /** Passes over the ratings. */
  epochs: number;
  learningRate: number;
  /** Of 'sgd': the rate is multiplied by it after each epoch. */
  learningRateDecay: number;
  /** Weight of the squares of vectors and biases, for each rating they are part of. */
  l2: number;
  /** Standard deviation of what the vectors start from. */
  initialScale: number;
  /** Of 'sgd': whether the ratings of a block are visited user by user, which keeps a user's row in the cache, or at random. */
  order: VisitOrder;
  /** Of 'sgd': users and items are cut into so many blocks each; null for as many as keep a block of items in the cache, and at least 8 where there are 512 items. */
  blocks: number | null;
  /** Of 'adam': ratings in a batch. */
  batchSize: number;
  seed: number;
}

const defaults: RatingMFSettings = { solver: 'sgd', factors: 100, epochs: 20, learningRate: 0.005, learningRateDecay: 1, l2: 0.02, initialScale: 0.1, order: 'users', blocks: null, batchSize: 1000, seed: 1 };
const adam: RatingMFSettings = { ...defaults, solver: 'adam', learningRate: 0.002, l2: 0.1 };

const rules = {
  solver: oneOf('sgd', 'adam'), factors: wholeNumber(1), epochs: wholeNumber(1), learningRate: positive, learningRateDecay: positive, l2: notNegative, initialScale: positive, order: oneOf('users', 'random'),
  blocks: orNull(wholeNumber(1)), batchSize: wholeNumber(1), seed: number,
};

/** What was learned, and the range of the ratings it was learned from. */
interface LearnedRatings extends Learned, RatingRange {}

/**
 * RatingMF: predicts ratings, by matrix factorisation with biases and a squared loss.
 *
 *   x = mu + b[u] + c[i] + <U[u], V[i]>        the rating that u would give i; mu is the mean of the ratings
 *   L = mean over the ratings r of (r - x)² + l2 (|U[u]|² + |V[i]|² + b[u]² + c[i]²)
 *
 * The values of the interactions are the ratings. With 'sgd' each rating moves the rows that it is about, at once (kernels/mfEpoch); with 'adam'
 * batches go through the tape. Vectors start normal with deviation initialScale (at 0 where a user or an item has no rating), biases at 0. The defaults of
 * 'sgd' are those of SVD in Surprise. `score` is x; `predict` holds it to the range of the ratings learned from, and takes users and items that are not
 * known. The loss reported is the mean of (r - x)².
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for interactions without values; 'not-fitted' from everything else before
 * fit; 'diverged'.
 *
 * Koren, Bell, Volinsky, "Matrix Factorization Techniques for Recommender Systems", 2009.
 */
export class RatingMF implements RatingModel {
  readonly name = 'RatingMF';
  readonly settings: RatingMFSettings;
  #learned: LearnedRatings | null = null;

  constructor(settings: Partial<RatingMFSettings> = {}) { this.settings = withDefaults(settings?.solver === 'adam' ? adam : defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    const ratings = ratingsOf(`${this.name}.fit`, data), { factors: K, initialScale, learningRate, seed } = this.settings, next = random(seed);
    checkTables(`${this.name}.fit`, data, K);
    const factors = allOrNone(() => ({
      user: normalTable(data.users.size, K, initialScale, next),
      item: normalTable(data.items.size, K, initialScale, next),
      userBias: Tensor.lasting([data.users.size, 1]),
      itemBias: Tensor.lasting([data.items.size, 1]),
      globalBias: Tensor.lasting([1], [meanOf(ratings)]),
    }));
    clearUnmet(factors, data.matrix);
    await this.#train({ factors, catalogue: catalogueOf(data), optimizer: new Adam({ learningRate }), random: next, epochs: 0, ...rangeOf(ratings) }, data, options);
    return this;
  }

  /** Goes on with the same mean. */
  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    checkEvents(`${this.name}.partialFit`, data);
    const { catalogue } = this.#learned, recoded = encodeLike(`${this.name}.partialFit`, data, catalogue), range = rangeOf(ratingsOf(`${this.name}.partialFit`, data));
    await this.#train({ ...this.#learned, catalogue: withSeen(catalogue, recoded), ...widened(this.#learned, range) }, recoded, options);
    return this;
  }

  #train(start: LearnedRatings, data: Interactions, options: FitOptions): Promise<void> {
    return this.settings.solver === 'sgd' ? this.#descend(start, data, options) : this.#onTape(start, data, options);
  }

  /** Epochs by the fused kernel: no batches, no tape. */
  async #descend(start: LearnedRatings, data: Interactions, options: FitOptions): Promise<void> {
    checkIdle(this, 'fit'); // before the data is laid out
    const { user, item, userBias, itemBias, globalBias } = start.factors, { factors: K, epochs, learningRate, learningRateDecay, l2, order, blocks } = this.settings, mu = globalBias!.data[0];
    const grid = laidOut(start, parametersOf(start.factors), () => cutGrid(data, { blocks, order }, K, `${this.name}.fit`));
    try {
      await descend({
        model: this, data, epochs, epochsBefore: start.epochs, parameters: namedParameters(start.factors), grid, random: start.random, learningRate, learningRateDecay,
        part: ({ n, u, i, value }, rate) => ['mfEpoch', user.data, item.data, userBias!.data, itemBias!.data, u, i, value, n, K, mu, rate, l2],
        learnedFrom: ({ n }) => n,
        commit: (done) => { this.#learned = { ...start, epochs: done }; },
      }, options);
    } finally { grid.free(); }
  }

  /** Batches by autodiff: lookups, errors, loss, backward, Adam. */
  #onTape(start: LearnedRatings, data: Interactions, options: FitOptions): Promise<void> {
    const { factors, optimizer, random } = start, { epochs, batchSize, l2 } = this.settings, n = data.user.length, order = new Int32Array(n), moved = [factors.user, factors.item, factors.userBias!, factors.itemBias!]; // all but the mean
    const [nUsers] = factors.user.shape, [nItems] = factors.item.shape, mu = factors.globalBias!.data[0];
    return train({
      model: this, data, epochs, epochsBefore: start.epochs, steps: Math.ceil(n / batchSize), parameters: namedParameters(factors), optimizer, random,
      beginEpoch() {
        for (let event = 0; event < n; event++) order[event] = event; // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      step(batch) {
        const B = Math.min(batchSize, n - batch * batchSize), events = order.subarray(batch * batchSize, batch * batchSize + B), user = scratchInts(B), u = scratchInts(B), i = scratchInts(B), each = scratchInts(B);
        for (let at = 0; at < B; at++) { user[at] = data.user[events[at]]; each[at] = at; }
        // user by user, so that a user's row stays in the first-level cache while its ratings pass
        const sorted = orderByRow(user, nUsers), known = scratchFloats(B);
        kernels.gatherIds(u, user, sorted, B);
        for (let at = 0; at < B; at++) { i[at] = data.item[events[sorted[at]]]; known[at] = mu - data.value![events[sorted[at]]]; }

        const tape = new Tape(), byUser = wholeTable(u, nUsers), byItem = wholeTable(i, nItems);
        const U = ops.lookup(tape, factors.user, byUser), V = ops.lookup(tape, factors.item, byItem), b = ops.lookup(tape, factors.userBias!, byUser), c = ops.lookup(tape, factors.itemBias!, byItem);
        const error = ops.addBias(tape, ops.rowDot(tape, U, V, byUser.slots, byItem.slots), [b, byUser.slots], [c, byItem.slots], [new Tensor([B, 1], known), each]); // x - r
        const misfit = ops.sum(tape, ops.multiply(tape, error, error)), penalty = ([[U, byUser], [V, byItem], [b, byUser], [c, byItem]] as const).map(([X, { counts }]): [number, Tensor] => [l2 / B, ops.l2(tape, X, counts)]);
        tape.backward(ops.weightedSum(tape, [[1 / B, misfit], ...penalty]));
        optimizer.step(moved);
        return misfit.data[0] / B;
      },
      commit: (done) => { this.#learned = { ...start, epochs: done }; },
    }, options);
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers { return factorAnswers(this.#known()); }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): LearnedRatings {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  /**
   * predict: the rating of each (user, item) pair of rows, held to the range of the ratings learned from unless `clip` is false, and rounded if asked. A row
   * of -1 is a user or an item that the model does not have: then its bias and the vectors count as 0. Shapes: users, items (B) -> (B).
   */
  predict(users: ArrayLike<number>, items: ArrayLike<number>, options: RatingOptions = {}): Float32Array { return predict(this, this.#known(), biasesOf(this.#known().factors), users, items, options); }
  /** predictFor: the rating of one pair by raw ids, known or not, and whether they are known. */
  predictFor(user: RawId, item: RawId, options: RatingOptions = {}): Prediction { return predictFor(this, user, item, options); }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    const { factors, catalogue, epochs, lowest, highest } = this.#known();
    return { model: this.name, settings: this.settings, tensors: tensorsOf(namedParameters(factors)), catalogue, numbers: { epochs, lowest, highest } };
  }

  static fromState(state: ModelState): RatingMF {
    const model = new RatingMF(state.settings), { factors: K, learningRate, seed } = model.settings;
    model.check();
    const factors = factorsFrom(state, K, { userBias: true, itemBias: true, globalBias: true }), epochs = epochsFrom(state);
    model.#learned = { factors, catalogue: state.catalogue, optimizer: new Adam({ learningRate }), random: random(seed + epochs), epochs, ...rangeFrom(state) };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    release(parametersOf(this.#learned.factors), this.#learned.optimizer);
    this.#learned = null;
  }
}
