import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { release } from '../optim/release.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle, whenReady } from './busy.ts';
import { type Known, type Learned, factorAnswers, factorsFrom, namedParameters, parametersOf, tensorsOf } from './factors.ts';
import type { TripleBatch } from './fit/bpr.ts';
import type { VisitOrder } from './grid.ts';
import { learningOf } from './learning.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, flag, notNegative, number, oneOf, orNull, positive, wholeNumber, withDefaults } from './settings.ts';
import type { FitOptions, Learner } from './train.ts';

export interface BPRSettings {
  /** 'chapter' takes the settings printed in the chapter that the study repeats, for whatever is not given beside it; null takes tightrec's own. */
  preset: 'chapter' | null;
  /** 'adam' takes batches on the tape; 'sgd' updates the tables in place, event by event: many times as fast an epoch. */
  solver: 'adam' | 'sgd';
  /** K, the length of a user's and an item's vector. */
  factors: number;
  /** With 'sgd' an epoch is a pass over the events. */
  epochs: number;
  /** Of 'adam': batches in an epoch; null for as many as it takes to draw as many triples as there are events, and at least 30. */
  stepsPerEpoch: number | null;
  /** Of 'adam': triples in a batch; never more than there are events. */
  batchSize: number;
  learningRate: number;
  /** Of 'sgd': the rate is multiplied by it after each epoch. */
  learningRateDecay: number;
  /** Weight of the rows' squared lengths; biases are left out. Of 'adam': summed over the batch, not averaged. Of 'sgd': see the docstring of BPR. */
  l2: number;
  /** The same for the items' rows alone; null for that of the users' rows, `l2`. */
  itemL2: number | null;
  /** Standard deviation of what the vectors start from; null for vectors that start uniform in ±√(2/K). */
  initialScale: number | null;
  /** Item biases start between -initialBias and initialBias. */
  initialBias: number;
  /** Whether the other item of a triple must be one that the user has not met. */
  verifyNegatives: boolean;
  /** Of 'sgd': the other item is any item, or one by popularity: that of an event drawn at random. */
  drawNegatives: 'uniform' | 'popularity';
  /** Of 'sgd': whether the events of a block are visited user by user, which keeps a user's row in the cache, or at random. */
  order: VisitOrder;
  /** Of 'sgd': users and items are cut into so many blocks each; null for as many as keep a block of items in the cache, and at least 8 where there are 512 items. */
  blocks: number | null;
  seed: number;
}

const defaults: BPRSettings = {
  preset: null, solver: 'adam', factors: 128, epochs: 30, stepsPerEpoch: null, batchSize: 15000, learningRate: 0.002, l2: 1e-7, itemL2: null, initialScale: null, initialBias: 0, verifyNegatives: false,
  learningRateDecay: 1, drawNegatives: 'uniform', order: 'users', blocks: null, seed: 1,
};
// chosen on validation of the study; as many passes as 'adam' makes there with its 30 epochs
const sgd: BPRSettings = { ...defaults, solver: 'sgd', epochs: 48, learningRate: 0.2, learningRateDecay: 0.93, l2: 0.04, itemL2: 0.0005 };
// the chapter starts a bias as it would a factor of length 1
const chapter: BPRSettings = { ...defaults, preset: 'chapter', epochs: 75, stepsPerEpoch: 30, learningRate: 0.0005, initialBias: Math.SQRT2 };

const rules = {
  preset: orNull(oneOf('chapter')), solver: oneOf('adam', 'sgd'), factors: wholeNumber(1), epochs: wholeNumber(1), stepsPerEpoch: orNull(wholeNumber(1)), batchSize: wholeNumber(1),
  learningRate: positive, learningRateDecay: positive, l2: notNegative, itemL2: orNull(notNegative), initialScale: orNull(positive), initialBias: notNegative, verifyNegatives: flag,
  drawNegatives: oneOf('uniform', 'popularity'), order: oneOf('users', 'random'), blocks: orNull(wholeNumber(1)), seed: number,
};

/** What learns is loaded when it is asked for. */
const learning = () => learningOf('BPR', () => import('./fit/bpr.ts'));

/**
 * BPR: ranks what a user met above what they did not, by Bayesian Personalised Ranking with an item bias.
 *
 *   x = <U[u], V[i] - V[j]> + c[i] - c[j]        p(u prefers i to j) = σ(x)
 *   L = mean of -ln σ(x) over the batch + Σ_b (l2 |U[u]|² + itemL2 (|V[i]|² + |V[j]|²))
 *
 * A triple (u, i, j) is an event drawn with replacement and an item j drawn uniformly. Adam over dense moments: rows that a batch
 * does not touch move on too. Tables start uniform in ±√(2/K), or normal with deviation initialScale, item biases uniform in ±initialBias.
 *
 * With solver 'sgd' each event, in a pass over all, moves the three rows at once (kernels/bprEpoch), against the gradient of
 *
 *   -ln σ(x) + l2 / 2 |U[u]|² + itemL2 / 2 (|V[i]|² + |V[j]|²)
 *
 * with a rate that is multiplied by learningRateDecay after each epoch. Where users and items are cut into blocks, j is of the block of i; which items
 * make up a block is drawn anew for each epoch. An event for which ten draws give no j is skipped.
 * `score` is <U[u], V[i]> + c[i]. How it learns is in lib/models/fit/bpr.ts of the source.
 * Errors: 'bad-setting' from fit for a setting out of range; 'not-fitted' from everything else before fit; 'diverged'.
 *
 * Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", 2009.
 */
export class BPR implements Recommender {
  readonly name = 'BPR';
  readonly settings: BPRSettings;
  #learned: Known | null = null;

  constructor(settings: Partial<BPRSettings> = {}) { this.settings = withDefaults(settings?.preset === 'chapter' ? chapter : settings?.solver === 'sgd' ? sgd : defaults, settings); }

  check(): void {
    checkSettings(this.name, this.settings, rules);
    const { preset, solver } = this.settings;
    if (preset === 'chapter' && solver === 'sgd') throw new TightrecError('bad-setting', `${this.name}: preset 'chapter' is of solver 'adam', with batches and rates that mean nothing to 'sgd'; give one of the two`);
  }

  fit(data: Interactions, options: FitOptions = {}): Promise<this> { return this.fitOn(data, options, null); }

  /** @internal fitOn: fit, with another learner for the same batches, which may take its time to get ready; or its own. */
  async fitOn(data: Interactions, options: FitOptions, open: (() => Promise<(start: Learned) => Learner<TripleBatch>>) | null): Promise<this> {
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

  static fromState(state: ModelState): BPR {
    const model = new BPR({ itemL2: null, ...state.settings });
    model.check();
    model.#learned = { factors: factorsFrom(state, model.settings.factors, { userBias: false, itemBias: true, globalBias: false }), catalogue: state.catalogue, epochs: epochsFrom(state) };
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
