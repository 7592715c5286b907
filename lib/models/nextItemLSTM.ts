import { type ThreadsOption, onThreads } from '../../kernels/onThreads.ts';
import { type Interactions, checkData } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { sequencesOf } from '../data/sequences.ts';
import { TightrecError, describe } from '../errors.ts';
import type { Adam, SGD } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import type { Random } from '../random.ts';
import { checkK } from '../retrieval/select.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo, unknownId } from './answer.ts';
import { checkIdle, whenReady } from './busy.ts';
import { type Catalogue, recode } from './catalogue.ts';
import { tensorsOf } from './factors.ts';
import { learningOf } from './learning.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { type Session, newSession, nextItemAnswers, nextLists } from './nextItemAnswers.ts';
import { type Network, namedParameters, networkFrom, parametersOf, shapeOf } from './nextItemNetwork.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkNames, checkSettings, flag, fraction, number, oneOf, orNull, positive, wholeNumber, withDefaults } from './settings.ts';
import type { FitOptions } from './train.ts';

export interface NextItemLSTMSettings {
  /** 'chapter' takes the settings of the chapter that the study repeats, for whatever is not given beside it; null takes tightrec's own. */
  preset: 'chapter' | null;
  /** K, the length of an item's vector, and of a user's. */
  factors: number;
  /** H, the units of a layer. */
  hidden: number;
  /** Layers, one above the other. */
  layers: number;
  /** Whether the user's vector stands beside the item's at every step. */
  user: boolean;
  /** 'packed': whole sequences, each place once. 'windows': every stretch of `windowLength` places, left-padded where a sequence is shorter, the padding learned too. */
  batches: 'packed' | 'windows';
  /** Places in a window; without effect on packed batches. */
  windowLength: number;
  /** Sequences, or windows, side by side; never more than there are. */
  batchSize: number;
  /** Places of packed sequences in one step of training. A longer sequence goes on in the next: its state is carried over, the gradient ends there. */
  steps: number;
  epochs: number;
  optimizer: 'adam' | 'sgd';
  learningRate: number;
  /** What the rate is multiplied by in each epoch after the first `decayAfter`; 1 leaves it as it is. */
  learningRateDecay: number;
  decayAfter: number;
  /** The longest that the gradient of all parameters together may be; a longer one is shortened. Null for no limit. */
  clipNorm: number | null;
  /** The share of what a layer shows that is left out at random, while it learns. */
  dropout: number;
  /** Where the bias of the forget gate starts: from 1 up, a layer remembers until it learns to forget. */
  forgetBias: number;
  /** Weights and embeddings start uniform between -initialScale and initialScale. */
  initialScale: number;
  seed: number;
}

const defaults: NextItemLSTMSettings = {
  preset: null, factors: 128, hidden: 128, layers: 1, user: false, batches: 'packed', windowLength: 5, batchSize: 8, steps: 20, epochs: 5, optimizer: 'adam',
  learningRate: 0.002, learningRateDecay: 1, decayAfter: 0, clipNorm: 5, dropout: 0.25, forgetBias: 1, initialScale: 0.1, seed: 1,
};
const chapter: NextItemLSTMSettings = {
  ...defaults, preset: 'chapter', factors: 200, hidden: 200, layers: 2, batches: 'windows', batchSize: 20, epochs: 1, optimizer: 'sgd', learningRate: 1, dropout: 0, forgetBias: 0,
};

const rules = {
  preset: orNull(oneOf('chapter')), factors: wholeNumber(1), hidden: wholeNumber(1), layers: wholeNumber(1, 100), user: flag, batches: oneOf('packed', 'windows'), windowLength: wholeNumber(1, 10_000),
  batchSize: wholeNumber(1), steps: wholeNumber(1), epochs: wholeNumber(1), optimizer: oneOf('adam', 'sgd'), learningRate: positive, learningRateDecay: positive, decayAfter: wholeNumber(0),
  clipNorm: orNull(positive), dropout: fraction, forgetBias: number, initialScale: positive, seed: number,
};

export interface RecommendNextOptions {
  /** How many items at each place. Default 10. */
  k?: number;
  /** What the model has in mind at a place: 'carried' (the default) all that came before in the sequence, 'zero' the item before alone. */
  state?: 'carried' | 'zero';
  /** How many threads share the work, or 'all' that the machine has. Default 1. The lists are the same. */
  threads?: ThreadsOption;
}

/** Learned: what training leaves, and what partialFit needs to go on. */
export interface Learned {
  readonly network: Network;
  readonly catalogue: Catalogue;
  readonly optimizer: Adam | SGD;
  readonly random: Random;
  readonly epochs: number; // done so far
}

/** Known: the part of it that the model answers with. What comes from a file has no more than that: the optimiser begins anew, and so do the random numbers. */
export type Known = Pick<Learned, 'network' | 'catalogue' | 'epochs'> & Partial<Pick<Learned, 'optimizer' | 'random'>>;

/** What learns is loaded when it is asked for. */
const learning = () => learningOf('NextItemLSTM', () => import('./fit/nextItemLSTM.ts'));

/**
 * NextItemLSTM: says what comes next in a basket, from what is in it so far, by a long short-term memory over item embeddings.
 *
 *   p(item | those before it, user) = softmax(h W + b)[item]      h: what the topmost layer shows after the items before it (lib/models/nextItemNetwork.ts)
 *   L = mean over the places of a batch of -ln p(the item that came)
 *
 * Sequences are the baskets of the data, in order; without baskets, all that a user did (`sequencesOf`). A class of the softmax is an item or, as in
 * the padding of windows, nothing; nothing is never recommended. `recommend` and `score` answer for an empty basket: what the user begins with; the
 * scores are logits. `session` follows one basket, `recommendNext` many. With `user: true`, where the users' encoder keeps a row for the unknown, its
 * vector is learned from their baskets. How it learns is in lib/models/fit/nextItemLSTM.ts of the source.
 * Errors: 'bad-setting' from fit for a setting out of range; 'not-fitted' from everything else before fit; 'diverged'.
 *
 * Hidasi, Karatzoglou, Baltrunas, Tikk, "Session-based Recommendations with Recurrent Neural Networks", 2016; the network is that of Zaremba, Sutskever,
 * Vinyals, "Recurrent Neural Network Regularization", 2014.
 */
export class NextItemLSTM implements Recommender {
  readonly name = 'NextItemLSTM';
  readonly settings: NextItemLSTMSettings;
  #learned: Known | null = null;

  constructor(settings: Partial<NextItemLSTMSettings> = {}) { this.settings = withDefaults(settings?.preset === 'chapter' ? chapter : defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    await whenReady(this, learning, ({ fit }) => fit(this, data, options, this.#keep));
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
    const { network, catalogue } = this.#known();
    return nextItemAnswers(network, catalogue);
  }
  get users(): LabelEncoder { return this.#known().catalogue.users; }
  get items(): LabelEncoder { return this.#known().catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  /**
   * session: a basket to be filled item by item, empty at first; `top` says what is likely to come next. It keeps the parameters as they are learned
   * further, and its state as it was.
   * Errors: 'unknown-id' for a user that the model does not know, unless its encoder keeps a row for the unknown; without a user, for a model that
   * looks at users and has no such row.
   */
  session(user: RawId | null = null): Session {
    const { network, catalogue } = this.#known(), { users } = catalogue, row = user === null ? (users.unknown ? 0 : -1) : users.encode(user);
    if (row < 0 && user !== null) throw unknownId(`${this.name}.session`, 'user', user, users);
    if (row < 0 && network.user) throw new TightrecError('unknown-id', `${this.name}.session: this model looks at the user and keeps no row for unknown ones; name a user, or fit it on data whose users are LabelEncoder.fit(ids, { unknown: true })`);
    return newSession(network, catalogue, Math.max(0, row));
  }

  /**
   * recommendNext: for every event of the data, what was expected at its place from the events before it in its sequence. The lists are in the order
   * of the events. Shapes: -> (events, k). Nothing is left out, not even what the basket holds already.
   * Errors: 'unknown-id' for an item that the model does not know, and a user, where it looks at users; 'bad-input', 'bad-setting'.
   */
  recommendNext(data: Interactions, options: RecommendNextOptions = {}): TopLists {
    const where = `${this.name}.recommendNext`, { network, catalogue } = this.#known();
    checkNames(where, options, ['k', 'state', 'threads']);
    const { k = 10, state = 'carried' } = options, advice = 'leave such events out, or fit with encoders that keep a row for the unknown';
    checkK(where, k);
    if (state !== 'carried' && state !== 'zero') throw new TightrecError('bad-setting', `${where}: state must be 'carried' or 'zero', got ${describe(state)}`);
    checkData(where, data);
    const sequences = sequencesOf(data), items = recode(where, 'item', sequences.items, data.items, catalogue.items, advice);
    const user = network.user ? recode(where, 'user', sequences.user, data.users, catalogue.users, advice) : sequences.user;
    return onThreads(where, options.threads, () => nextLists(network, catalogue.items, { ...sequences, items, user }, k, state));
  }

  #known(): Known {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  toState(): ModelState {
    const { network, catalogue, epochs } = this.#known();
    return { model: this.name, settings: this.settings, tensors: tensorsOf(namedParameters(network)), catalogue, numbers: { epochs } };
  }

  static fromState(state: ModelState): NextItemLSTM {
    const model = new NextItemLSTM(state.settings), { catalogue } = state;
    model.check();
    model.#learned = { network: networkFrom(state, shapeOf(model.settings, catalogue)), catalogue, epochs: epochsFrom(state) };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    release(parametersOf(this.#learned.network), this.#learned.optimizer ?? null);
    this.#learned = null;
  }
}
