import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { release } from '../optim/release.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle, whenReady } from './busy.ts';
import { type Known, type Learned, factorAnswers, factorsFrom, namedParameters, parametersOf, tensorsOf } from './factors.ts';
import type { PairBatch } from './fit/logisticMF.ts';
import { learningOf } from './learning.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, number, positive, wholeNumber, withDefaults } from './settings.ts';
import type { FitOptions, Learner } from './train.ts';

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

const defaults: LogisticMFSettings = { factors: 128, epochs: 10, learningRate: 0.005, l2: 1e-7, negatives: 5, batchSize: 5000, seed: 1 };

const rules = {
  factors: wholeNumber(1), epochs: wholeNumber(1), learningRate: positive, l2: notNegative, negatives: wholeNumber(1), batchSize: wholeNumber(1), seed: number,
};

/** What learns is loaded when it is asked for. */
const learning = () => learningOf('LogisticMF', () => import('./fit/logisticMF.ts'));

/**
 * LogisticMF: tells events from random pairs of a user and an item, by logistic matrix factorisation.
 *
 *   x = <U[u], V[i]> + b[u] + c[i] + a        p = σ(x)
 *   L = mean log-loss of the batch + l2 Σ_b (|U[u]|² + |V[i]|²)
 *
 * A batch holds `batchSize` events (label 1) and `negatives` times as many random (user, item) pairs (label 0). p is how likely a pair drawn from
 * a batch is an event: it ranks, and is not the chance of a purchase (a pair like any other has 1 / (1 + negatives)). Adam over dense moments: rows
 * that a batch does not touch move on too. Tables start uniform in ±√(2/K), biases in ±√2 (the same bound for K = 1), the global one at 0.
 * The defaults are those of the chapter that tightrec's study repeats (docs/models.md). `score` is x, the logit. How it learns is in lib/models/fit/logisticMF.ts of the source.
 * Errors: 'bad-setting' from fit for a setting out of range; 'not-fitted' from everything else before fit; 'diverged'.
 */
export class LogisticMF implements Recommender {
  readonly name = 'LogisticMF';
  readonly settings: LogisticMFSettings;
  #learned: Known | null = null;

  constructor(settings: Partial<LogisticMFSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  fit(data: Interactions, options: FitOptions = {}): Promise<this> { return this.fitOn(data, options, null); }

  /** @internal fitOn: fit, with another learner for the same batches, which may take its time to get ready; or its own. */
  async fitOn(data: Interactions, options: FitOptions, open: (() => Promise<(start: Learned) => Learner<PairBatch>>) | null): Promise<this> {
    await whenReady(this, async () => ({ ...await learning(), learner: open && await open() }), ({ fit, learner }) => fit(this, data, options, this.#keep, learner));
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    await whenReady(this, learning, ({ goOn }) => goOn(this, this.#learned!, data, options, this.#keep));
    return this;
  }

  readonly #keep = (learned: Learned): void => { this.#learned = learned; };

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
    const model = new LogisticMF(state.settings);
    model.check();
    model.#learned = { factors: factorsFrom(state, model.settings.factors, { userBias: true, itemBias: true, globalBias: true }), catalogue: state.catalogue, epochs: epochsFrom(state) };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    release(parametersOf(this.#learned.factors), this.#learned.optimizer ?? null);
    this.#learned = null;
  }
}
