import { kernels } from '../../kernels/index.ts';
import { scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { orderByRow, wholeTable } from '../autodiff/distinct.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { sampleUniform } from '../data/negatives.ts';
import { Adam, release } from '../optim/optimizers.ts';
import { random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { catalogueOf, checkEvents, encodeLike, withSeen } from './catalogue.ts';
import { type Learned, checkTables, factorAnswers, factorsFrom, namedParameters, parametersOf, tensorsOf, uniformTable } from './factors.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, number, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FitOptions, type Learner, checkIdle, train } from './train.ts';

export interface LogisticMFSettings {
  /** K, the length of a user's and an item's vector. */
  factors: number;
  epochs: number;
  /** Adam's. */
  learningRate: number;
  /** Weight of the rows' squared lengths, summed over the batch, not averaged; biases are left out. */
  l2: number;
  /** Random pairs of a user and an item for each event, taken as not liked. */
  negatives: number;
  /** Events in a batch; the negatives come on top. */
  batchSize: number;
  seed: number;
}

/** PairBatch: B pairs of a user and an item, user by user; y is 1 for an event and 0 for a random pair. Shapes: u, i, y (B). */
export interface PairBatch { readonly u: Int32Array; readonly i: Int32Array; readonly y: Float32Array }

const defaults: LogisticMFSettings = { factors: 128, epochs: 10, learningRate: 0.005, l2: 1e-7, negatives: 5, batchSize: 5000, seed: 1 };

const rules = {
  factors: wholeNumber(1), epochs: wholeNumber(1), learningRate: positive, l2: notNegative, negatives: wholeNumber(1), batchSize: wholeNumber(1), seed: number,
};

/**
 * LogisticMF: tells events from random pairs of a user and an item, by logistic matrix factorisation.
 *
 *   x = <U[u], V[i]> + b[u] + c[i] + a        p = σ(x)
 *   L = mean log-loss of the batch + l2 Σ_b (|U[u]|² + |V[i]|²)
 *
 * A batch holds `batchSize` events (label 1) and `negatives` times as many random (user, item) pairs (label 0). p is how likely a pair drawn from
 * a batch is an event: it ranks, and is not the chance of a purchase (a pair like any other has 1 / (1 + negatives)). Adam over dense moments: rows
 * that a batch does not touch move on too. Tables start uniform in ±√(2/K), biases in ±√2 (the same bound for K = 1), the global one at 0.
 * The defaults are those of the chapter that tightrec's study repeats (docs/models.md). `score` is x, the logit.
 * Errors: 'bad-setting' from fit for a setting out of range; 'not-fitted' from everything else before fit; 'diverged'.
 */
export class LogisticMF implements Recommender {
  readonly name = 'LogisticMF';
  readonly settings: LogisticMFSettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<LogisticMFSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  fit(data: Interactions, options: FitOptions = {}): Promise<this> { return this.fitOn(data, options, (start) => this.#onTape(start)); }

  /** @internal fitOn: fit, with another learner for the same batches. */
  async fitOn(data: Interactions, options: FitOptions, learner: (start: Learned) => Learner<PairBatch>): Promise<this> {
    this.check();
    checkEvents(`${this.name}.fit`, data);
    const { factors: K, learningRate, seed } = this.settings, next = random(seed), bound = Math.sqrt(2 / K);
    checkTables(`${this.name}.fit`, data, K);
    const factors = {
      user: uniformTable(data.users.size, K, bound, next),
      item: uniformTable(data.items.size, K, bound, next),
      userBias: uniformTable(data.users.size, 1, Math.SQRT2, next), // the chapter starts a bias as it would a factor of length 1
      itemBias: uniformTable(data.items.size, 1, Math.SQRT2, next),
      globalBias: Tensor.lasting([1]),
    };
    await this.#train({ factors, catalogue: catalogueOf(data), optimizer: new Adam({ learningRate }), random: next, epochs: 0 }, data, options, learner);
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    checkEvents(`${this.name}.partialFit`, data);
    const recoded = encodeLike(`${this.name}.partialFit`, data, this.#learned.catalogue);
    await this.#train({ ...this.#learned, catalogue: withSeen(this.#learned.catalogue, recoded) }, recoded, options, (start) => this.#onTape(start));
    return this;
  }

  /** A step by autodiff: lookups, logits, loss, backward, Adam. */
  #onTape({ factors, optimizer }: Learned): Learner<PairBatch> {
    const { l2 } = this.settings, parameters = parametersOf(factors), [nUsers] = factors.user.shape, [nItems] = factors.item.shape;
    return {
      step({ u, i, y }) {
        const B = u.length, tape = new Tape(), byUser = wholeTable(u, nUsers), byItem = wholeTable(i, nItems);
        const U = ops.lookup(tape, factors.user, byUser), V = ops.lookup(tape, factors.item, byItem);
        const b = ops.lookup(tape, factors.userBias!, byUser), c = ops.lookup(tape, factors.itemBias!, byItem);
        const x = ops.addBias(tape, ops.rowDot(tape, U, V, byUser.slots, byItem.slots), [b, byUser.slots], [c, byItem.slots], [factors.globalBias!]);

        const misfit = ops.logLoss(tape, x, y);
        tape.backward(ops.weightedSum(tape, [[1 / B, misfit], [l2, ops.l2(tape, U, byUser.counts)], [l2, ops.l2(tape, V, byItem.counts)]]));
        optimizer.step(parameters);
        return misfit.data[0] / B;
      },
    };
  }

  async #train(start: Learned, data: Interactions, options: FitOptions, learner: (start: Learned) => Learner<PairBatch>): Promise<void> {
    const { factors, optimizer, random } = start, { epochs, batchSize, negatives } = this.settings;
    const n = data.user.length, nUsers = data.users.size, nItems = data.items.size;
    const order = new Int32Array(n), learn = learner(start);

    const draw = (batch: number): PairBatch => {
      const positives = Math.min(batchSize, n - batch * batchSize), B = positives * (1 + negatives);
      const user = scratchInts(B), item = scratchInts(B);
      for (let b = 0; b < positives; b++) {
        const event = order[batch * batchSize + b];
        user[b] = data.user[event];
        item[b] = data.item[event];
      }
      sampleUniform(user.subarray(positives), nUsers, random);
      sampleUniform(item.subarray(positives), nItems, random);

      // user by user, so that a user's row stays in the first-level cache while its pairs pass
      const u = scratchInts(B), i = scratchInts(B), y = scratchFloats(B), sorted = orderByRow(user, nUsers);
      kernels.gatherIds(u, user, sorted, B);
      kernels.gatherIds(i, item, sorted, B);
      for (let b = 0; b < B; b++) y[b] = sorted[b] < positives ? 1 : 0;
      return { u, i, y };
    };

    await train({
      model: this, data, epochs, epochsBefore: start.epochs, steps: Math.ceil(n / batchSize), parameters: namedParameters(factors), optimizer, random,
      step: (batch) => learn.step(draw(batch)),
      endEpoch: learn.endEpoch,
      beginEpoch: () => {
        for (let event = 0; event < n; event++) order[event] = event; // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      commit: (done) => { this.#learned = { ...start, epochs: done }; },
    }, options);
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    if (this.#learned === null) throw notFitted(this.name);
    return factorAnswers(this.#learned);
  }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    if (this.#learned === null) throw notFitted(this.name);
    return { model: this.name, settings: this.settings, tensors: tensorsOf(namedParameters(this.#learned.factors)), catalogue: this.#learned.catalogue, numbers: { epochs: this.#learned.epochs } };
  }

  static fromState(state: ModelState): LogisticMF {
    const model = new LogisticMF(state.settings), { factors: K, learningRate, seed } = model.settings;
    model.check();
    const factors = factorsFrom(state, K, { userBias: true, itemBias: true, globalBias: true });
    const epochs = epochsFrom(state);
    model.#learned = { factors, catalogue: state.catalogue, optimizer: new Adam({ learningRate }), random: random(seed + epochs), epochs };
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
