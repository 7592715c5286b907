import { kernels } from '../../kernels/index.ts';
import { scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { type ThreadsOption, onThreads } from '../../kernels/onThreads.ts';
import { distinct } from '../autodiff/distinct.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Groups } from '../data/csr.ts';
import { type Features, checkFeatures } from '../data/features.ts';
import { type Interactions, checkData } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { featuresToData } from '../data/learnFeatures.ts';
import type { SideTable } from '../data/sideTable.ts';
import { TightrecError, describe } from '../errors.ts';
import { Adam } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { ascending, checkK, selectRows, skipsOf } from '../retrieval/select.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo, toRecommendations, unknownId } from './answer.ts';
import { inBlocks } from './blocks.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf, recode } from './catalogue.ts';
import { checkEvents, encodeLike, sharesOf, withSeen } from './events.ts';
import { type Factors, factorAnswers, tensorsOf } from './factors.ts';
import { DAY, lastTime } from './fading.ts';
import { type Histories, historiesOf, lastOf, meanBags } from './histories.ts';
import { type HistoryNetwork, type HistoryShape, historyNetworkFrom, namedParameters, newHistoryNetwork, queries } from './historyNetwork.ts';
import { type ModelState, csrTensors, epochsFrom } from './modelState.ts';
import type { Session } from './nextItemAnswers.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkRoom } from './room.ts';
import { checkNames, checkSettings, flag, fraction, notNegative, number, oneOf, orNull, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FeatureFitOptions, type Side, featureRules, learnSide, noTables, sideFrom, withoutTables } from './sides.ts';
import { someLayers } from './tower.ts';
import { type FitOptions, train } from './train.ts';

export interface HistoryToNextSettings {
  /** The length of the vectors of the items that go in. */
  factors: number;
  /** N: a history is the last so many items, or fewer where there are no more. */
  history: number;
  /** An example's history ends 1 to `horizon` events before its item, drawn anew each epoch: 1 learns what comes next, more what comes sooner or later. */
  horizon: number;
  /** Units of each layer; between two of them stands a ReLU. The last is linear, and its width is K, the length of the vectors of the items that come out. */
  layers: readonly number[];
  /** What goes in beside the history, of whoever is known; null for nothing. */
  userFeatures: Features | null;
  /** Days in a step of an example's age, which goes in as well; null leaves it out. What is popular changes, and with it the model learns as of when. */
  exampleAge: number | null;
  /** Softmax over all items, or over those of the batch and some drawn by lot, corrected for how likely they were to be there. */
  loss: 'softmax' | 'sampled';
  /** Of 'sampled': how many items are drawn for a batch, all alike likely. */
  negatives: number;
  epochs: number;
  /** Examples in a batch. */
  batchSize: number;
  learningRate: number;
  /** Weight of the squares of all tables and matrices. */
  l2: number;
  /** The share of a history that is left out at random, while the model learns. */
  dropout: number;
  seed: number;
}

const defaults: HistoryToNextSettings = {
  factors: 64, history: 20, horizon: 1, layers: [64], userFeatures: null, exampleAge: null, loss: 'softmax', negatives: 100, epochs: 10, batchSize: 500, learningRate: 0.003, l2: 0, dropout: 0.3, seed: 1,
};

const rules = {
  factors: wholeNumber(1), history: wholeNumber(1), horizon: wholeNumber(1), layers: someLayers, userFeatures: orNull(featureRules.userFeatures), exampleAge: orNull(positive), loss: oneOf('softmax', 'sampled'), negatives: wholeNumber(1),
  epochs: wholeNumber(1), batchSize: wholeNumber(1), learningRate: positive, l2: notNegative, dropout: fraction, seed: number,
};

export interface HistoryToNextOptions {
  /** How many items in a list. Default 10. */
  k?: number;
  /** Leave out what the history holds. Default true. */
  excludeSeen?: boolean;
  /** How many threads share the work, or 'all' that the machine has. Default 1. The lists are the same. */
  threads?: ThreadsOption;
}

/** Beside: what goes in beside a history, by columns: features of users, or none, and after them the age of an example in so many steps, or none. */
interface Beside { readonly side: Side | null; readonly ageSteps: number }

interface LearnedHistory extends Beside {
  readonly network: HistoryNetwork;
  readonly recent: Groups; // the last N items of each user
  readonly catalogue: Catalogue;
  readonly optimizer: Adam;
  readonly random: Random;
  readonly epochs: number;
  readonly factors: Factors; // user: the queries of all users, as of the last whole epoch; item: V
}

/**
 * HistoryToNext: from the last N items of a history to what comes next, by a classifier over all items: the candidate generation of YouTube.
 *
 *   q = layers over the mean of E[i], i the last N items before, and what else is known (lib/models/historyNetwork.ts)
 *   p(n | history) = e^<q, V[n]> / Σ_m e^<q, V[m]>
 *   L = mean over a batch of -ln p(the item that came), + l2 Σ |w|² over tables and matrices
 *
 * Every event is an example, and only what lies before it is its history (`historiesOf`): nothing for the first, and events of one moment are not each other's. An epoch
 * takes each once, in an order by lot. With `loss: 'sampled'` the sum runs over the items of the batch and `negatives` drawn by lot, each with e^<q, V[m]> divided by how often it
 * is expected there, and the item that came once, whoever else of the batch had it.
 *
 * With `exampleAge` the steps between an example and the last event of the data go in as well; what is asked is asked as of the last. `score` is <q, V[n]> for a user's last
 * N items. `recommendNext` and `session` answer for any history, whoever's it is. The loss reported is the mean without the squares. Unlike there, the last layer is linear,
 * every event is an example, and an age is one of so many steps.
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for `exampleAge` without times; as learnFeatures for a table; 'not-fitted' from everything else
 * before fit; 'diverged'.
 *
 * Covington, Adams, Sargin, "Deep Neural Networks for YouTube Recommendations", 2016, section 3; sampled softmax: Jean et al., "On Using Very Large Target Vocabulary for
 * Neural Machine Translation", 2015.
 */
export class HistoryToNext implements Recommender {
  readonly name = 'HistoryToNext';
  readonly settings: HistoryToNextSettings;
  #learned: LearnedHistory | null = null;

  constructor(settings: Partial<HistoryToNextSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void {
    checkSettings(this.name, this.settings, rules);
    if (this.settings.userFeatures !== null) checkFeatures(`${this.name}: userFeatures`, this.settings.userFeatures);
  }

  async fit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    this.check();
    checkIdle(this, 'fit');
    const where = `${this.name}.fit`, { tables, options: others } = withoutTables(options), { seed } = this.settings, next = random(seed);
    this.#checkEvents(where, data);
    const beside = { side: this.#learnSide(where, data, tables.userTable ?? null), ageSteps: this.#ageSteps(data) }, shape = this.#shape(data.items.size, beside);
    checkShape(where, shape, data.users.size, this.settings.loss === 'softmax' ? Math.min(this.settings.batchSize, data.user.length) : 0);
    const start = { ...beside, network: newHistoryNetwork(shape, next), catalogue: catalogueOf(data), optimizer: new Adam(this.settings), random: next, epochs: 0, factors: null };
    await this.#train(start, historiesOf(data, data.users.size), data, others);
    return this;
  }

  /** Goes on: from the same events, or from new ones, which then come after all that a user's history holds. */
  async partialFit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    const where = `${this.name}.partialFit`, { tables, options: others } = withoutTables(options), { catalogue: before, recent } = this.#learned;
    noTables(where, tables);
    this.#checkEvents(where, data);
    const recoded = encodeLike(where, data, before), catalogue = withSeen(before, recoded);
    await this.#train({ ...this.#learned, catalogue }, historiesOf(recoded, catalogue.users.size, catalogue === before ? null : recent), recoded, others);
    return this;
  }

  #checkEvents(where: string, data: Interactions): void {
    const { exampleAge } = this.settings;
    checkEvents(where, data);
    if (exampleAge !== null && data.time === null) throw new TightrecError('bad-input', `${where}: exampleAge is ${exampleAge} days but these interactions have no times; give times, or exampleAge: null`);
  }

  #learnSide(where: string, data: Interactions, table: SideTable | null): Side | null {
    const { userFeatures } = this.settings;
    return userFeatures && learnSide(`${where}, userTable`, userFeatures, data.users, data.user, table);
  }

  /** How many steps the oldest event is back, counted from 1; 0 where ages do not go in. */
  #ageSteps(data: Interactions): number {
    const { exampleAge } = this.settings;
    return exampleAge === null ? 0 : 1 + agesOf(data, exampleAge).reduce((a, b) => Math.max(a, b));
  }

  #shape(nItems: number, { side, ageSteps }: Beside): HistoryShape {
    const { factors, layers } = this.settings;
    return { nItems, factors, layers, columns: (side === null ? 0 : side.learned.columns) + ageSteps };
  }

  #train(start: Omit<LearnedHistory, 'factors' | 'recent'> & { factors: Factors | null }, histories: Histories, data: Interactions, options: FitOptions): Promise<void> {
    const { network, catalogue, optimizer, random, side, ageSteps } = start, { epochs, batchSize, history, horizon, l2, dropout: rate, exampleAge } = this.settings, { indptr, items, before } = histories;
    const examples = histories.place.slice().sort(), n = examples.length, order = new Int32Array(n), parameters = namedParameters(network), moved = Object.values(parameters), squared = moved.filter((w) => w.shape[0] > 1 || w === network.output);
    const owner = new Int32Array(items.length), steps = exampleAge === null ? null : new Int32Array(items.length), dropout = rate > 0 ? { rate, random } : null;
    for (let u = 0; u < catalogue.users.size; u++) owner.fill(u, indptr[u], indptr[u + 1]);
    if (steps !== null) agesOf(data, exampleAge!).forEach((age, event) => { steps[histories.place[event]] = Math.min(age, ageSteps - 1); });
    const recent = lastOf(histories, history), lossOf = this.#lossOver(network.output, sharesOf(data), random);
    let { factors } = start;

    return train({
      model: this, data, ...(side && { features: [side.matrix] }), epochs, epochsBefore: start.epochs, steps: Math.ceil(n / batchSize), parameters, optimizer, random,
      beginEpoch() {
        order.set(examples); // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      step(batch) {
        const some = order.subarray(batch * batchSize, (batch + 1) * batchSize), B = some.length, from = scratchInts(B), to = scratchInts(B), y = scratchInts(B), tape = new Tape();
        for (let b = 0; b < B; b++) {
          const place = some[b], least = Math.min(before[place], Math.max(indptr[owner[place]] + 1, before[place] - horizon + 1)); // never back to an empty history where there is one
          from[b] = indptr[owner[place]];
          to[b] = horizon > 1 ? least + random.below(before[place] - least + 1) : before[place];
          y[b] = items[place];
        }
        const Q = queries(tape, network, meanBags(items, from, to, history), besideBags(start, some.map((place) => owner[place]), steps && some.map((place) => steps[place])), dropout);
        const loss = lossOf(tape, Q, y);
        tape.backward(ops.weightedSum(tape, [[1 / B, loss], ...(l2 > 0 ? squared.map((w): [number, Tensor] => [l2, ops.l2(tape, w)]) : [])]));
        optimizer.step(moved);
        return loss.data[0] / B;
      },
      commit: (done) => {
        factors ??= emptyFactors(network, catalogue);
        passUsers(factors.user, { ...start, recent });
        this.#learned = { ...start, recent, epochs: done, factors };
      },
    }, options);
  }

  /** The loss of queries whose items came: over all items, or over some. `shares` is how often each is the one that came. */
  #lossOver(V: Tensor, shares: Float64Array, random: Random): (tape: Tape, Q: Tensor, y: Int32Array) => Tensor {
    const { loss, negatives } = this.settings, [nItems] = V.shape;
    if (loss === 'softmax') return (tape, Q, y) => ops.retrievalLoss(tape, Q, V, y);
    return (tape, Q, y) => {
      const B = y.length, all = scratchInts(B + negatives);
      all.set(y);
      for (let at = B; at < all.length; at++) all[at] = random.below(nItems);
      const candidates = distinct(all, nItems), { ids, slots, counts } = candidates, logQ = scratchFloats(ids.length);
      for (let c = 0; c < ids.length; c++) logQ[c] = Math.log(B * shares[ids[c]] + negatives / nItems); // how often it is expected among them
      return ops.retrievalLoss(tape, Q, ops.lookup(tape, V, candidates), slots.subarray(0, B), { counts, removeHits: true, logQ });
    };
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers { return factorAnswers(this.#known()); }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): LearnedHistory {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  /**
   * session: a history that goes on: `add` puts an item behind it, `top` says what is likely to come next of what is not in it. That of a user whom the model knows
   * begins with the user's own, of which `items` holds the last N; that of a stranger, or of nobody, with nothing.
   */
  session(user: RawId | null = null): Session {
    const learned = this.#known(), { catalogue: { users, items: encoder, seen }, recent } = learned, where = `${this.name}.session`, row = user === null ? -1 : users.encode(user);
    const mine = row < 0 || users.labels[row] === null ? -1 : row, history = mine < 0 ? [] : [...recent.items.subarray(recent.indptr[mine], recent.indptr[mine + 1])], ids = history.map((item) => encoder.decode(item));
    const { history: last } = this.settings, met = new Set(mine < 0 ? [] : seen.indices.subarray(seen.indptr[mine], seen.indptr[mine + 1]));
    return {
      get items() { return [...ids]; },
      add(item) {
        const row = encoder.encode(item);
        if (row < 0) throw unknownId(where, 'item', item, encoder);
        history.push(row);
        ids.push(item);
        met.add(row);
        return this;
      },
      top: (k = 10, options: { excludeSeen?: boolean } = {}) => {
        checkK(where, k);
        checkNames(where, options, ['excludeSeen']);
        const { excludeSeen = true } = options;
        const { items, scores } = listsAfter(where, learned, { items: Int32Array.from(history), from: Int32Array.of(0), to: Int32Array.of(history.length), users: Int32Array.of(mine), last }, k, () => (excludeSeen ? Int32Array.from(met) : nothing));
        return toRecommendations(encoder, items, scores);
      },
    };
  }

  /**
   * recommendNext: for every event of the data, what was expected at its place from what lies before it in the data; the lists are in the order of the events. Whose the
   * events are matters only to a model with features of users; of users that it does not know it takes none. Shapes: -> (events, k).
   * Errors: 'unknown-id' for an item that the model does not know; 'bad-input', 'bad-setting'.
   */
  recommendNext(data: Interactions, options: HistoryToNextOptions = {}): TopLists {
    const where = `${this.name}.recommendNext`, learned = this.#known(), { users, items } = learned.catalogue;
    checkNames(where, options, ['k', 'excludeSeen', 'threads']);
    const { k = 10, excludeSeen = true, threads } = options, wrong = flag(excludeSeen);
    checkK(where, k);
    if (wrong !== null) throw new TightrecError('bad-setting', `${where}: excludeSeen must be ${wrong}, got ${describe(excludeSeen)}`);
    checkData(where, data);
    const item = recode(where, 'item', data.item, data.items, items, 'leave such events out, or fit with encoders that keep a row for the unknown');
    const histories = historiesOf({ ...data, item }, data.users.size), from = data.user.map((user) => histories.indptr[user]), to = histories.place.map((place) => histories.before[place]);
    const rows = users.encodeAll(data.users.labels as RawId[]);
    return onThreads(where, threads, () => listsAfter(where, learned, { items: histories.items, from, to, users: data.user.map((user) => rows[user]), last: this.settings.history }, k, (e) => excludeSeen ? histories.items.subarray(from[e], to[e]) : nothing));
  }

  toState(): ModelState {
    const { network, side, ageSteps, recent: { indptr, items }, catalogue, epochs } = this.#known();
    const history = { history_indptr: { shape: [indptr.length], data: indptr }, history_items: { shape: [items.length], data: items } };
    const features = side && csrTensors('user_features', side.matrix);
    return {
      model: this.name, settings: this.settings, tensors: { ...tensorsOf(namedParameters(network)), ...history, ...features }, catalogue,
      ...(side && { features: { user: featuresToData(side.learned, catalogue.users) } }), numbers: { epochs, ...(ageSteps > 0 && { ageSteps }) },
    };
  }

  static fromState(state: ModelState): HistoryToNext {
    const model = new HistoryToNext(state.settings), { catalogue, numbers: { ageSteps = 0 } } = state, { userFeatures, exampleAge, seed } = model.settings;
    model.check();
    const epochs = epochsFrom(state);
    if (!(Number.isSafeInteger(ageSteps) && (exampleAge === null ? ageSteps === 0 : ageSteps >= 1))) throw new TightrecError('file-damaged', `${model.name}: the number ageSteps must be a whole number from 1 up with exampleAge, and not be there without, got ${ageSteps}`);
    const beside = { side: userFeatures && sideFrom(state, 'user', userFeatures), ageSteps };
    const network = historyNetworkFrom(state, model.#shape(catalogue.items.size, beside)), recent = historyFrom(state, model.settings.history), factors = emptyFactors(network, catalogue);
    passUsers(factors.user, { ...beside, network, recent });
    model.#learned = { ...beside, network, recent, catalogue, optimizer: new Adam(model.settings), random: random(seed + epochs), epochs, factors };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    const { network, factors, optimizer } = this.#learned;
    factors.user.free();
    release(Object.values(namedParameters(network)), optimizer);
    this.#learned = null;
  }
}

/** How many steps of so many days each event lies before the last one. */
function agesOf(data: Interactions, days: number): Float64Array {
  const latest = lastTime(data);
  return Float64Array.from(data.time!, (t) => Math.floor((latest - t) / (days * DAY)));
}

/** The tables with Adam's moments, the queries of all users, and of a batch of B before the softmax over all items its logits and their gradient. Errors: 'out-of-memory', before the first of them is made. */
function checkShape(where: string, { nItems, factors, layers, columns }: HistoryShape, nUsers: number, B: number): void {
  const K = layers.at(-1)!, between = layers.reduce((sum, width, at) => sum + width * (at === 0 ? factors + columns : layers[at - 1]), 0);
  checkRoom(where, `tables of ${nItems.toLocaleString('en-US')} items, with ${factors} factors, and layers of ${layers.join(' and ')},`, 3 * (nItems * (factors + K) + between) + nUsers * K + 2 * B * nItems, `use fewer factors or smaller layers, ${B > 0 ? "smaller batches, loss 'sampled', " : ''}or free() models that are no longer needed`);
}

const emptyFactors = ({ output }: HistoryNetwork, { users }: Catalogue): Factors => ({ user: Tensor.lasting([users.size, output.shape[1]]), item: output, userBias: null, itemBias: null, globalBias: null });

const nothing = new Int32Array(0);

/** The queries of all users, from their last items, into `out`. */
function passUsers(out: Tensor, { network, recent: { indptr, items }, ...beside }: Beside & { network: HistoryNetwork; recent: Groups }): void {
  const [n, K] = out.shape;
  inBlocks(n, (some, from) => {
    const to = from + some.length, bags = meanBags(items, indptr.subarray(from, to), indptr.subarray(from + 1, to + 1), Infinity);
    const { data } = queries(null, network, bags, besideBags(beside, some, null)); // which may move the memory, so the table is asked for afterwards
    out.data.set(data, from * K);
  });
}

/** What goes in beside a history: the features of the users in these rows, none of a row below 0, and an age in steps; null means now. */
function besideBags({ side, ageSteps }: Beside, users: Int32Array, ages: Int32Array | null): ops.Bag | null {
  if (side === null && ageSteps === 0) return null;
  const B = users.length, columns = side === null ? 0 : side.learned.columns, matrix = side?.matrix, lengthOf = (row: number): number => matrix === undefined || row < 0 ? 0 : matrix.indptr[row + 1] - matrix.indptr[row];
  const indptr = scratchInts(B + 1);
  indptr[0] = 0;
  for (let b = 0; b < B; b++) indptr[b + 1] = indptr[b] + lengthOf(users[b]) + (ageSteps > 0 ? 1 : 0);
  const indices = scratchInts(indptr[B]), values = scratchFloats(indptr[B]);
  for (let b = 0; b < B; b++) {
    let at = indptr[b];
    for (let n = 0; n < lengthOf(users[b]); n++, at++) {
      indices[at] = matrix!.indices[matrix!.indptr[users[b]] + n];
      values[at] = matrix!.values[matrix!.indptr[users[b]] + n];
    }
    if (ageSteps > 0) { indices[at] = columns + (ages === null ? 0 : ages[b]); values[at] = 1; }
  }
  return { indptr, indices, values };
}

/** Asked: the histories items[from[b]] .. items[to[b] - 1], of which the last so many count, and whose they are, as rows; a row below 0 is nobody's. */
interface Asked { readonly items: Int32Array; readonly from: Int32Array; readonly to: Int32Array; readonly users: Int32Array; readonly last: number }

/** The k items most likely to come next after each history, but those that `without` names, and what stands for unknown items. Shapes: -> (histories, k). */
function listsAfter(where: string, { network, catalogue: { items: encoder }, ...beside }: LearnedHistory, { items, from, to, users, last }: Asked, k: number, without: (b: number) => Int32Array): TopLists {
  const [nItems, K] = network.output.shape, rows = Int32Array.from(to, (_, b) => b), unknown = encoder.unknown ? Int32Array.of(0) : nothing, pick = (of: Int32Array, some: Int32Array): Int32Array => some.map((b) => of[b]);
  return selectRows(where, rows, nItems, k, (some) => skipsOf(Array.from(some, (b) => ascending(unknown, without(b)))), (out, some) => {
    const Q = queries(null, network, meanBags(items, pick(from, some), pick(to, some), last), besideBags(beside, pick(users, some), null));
    kernels.matmulTransposed(out, Q.data, network.output.data, some.length, nItems, K);
  });
}

/** The last items of users, back from a model file. Errors: 'file-damaged'. */
function historyFrom({ model, tensors, catalogue: { users, items } }: ModelState, most: number): Groups {
  const damaged = (what: string): TightrecError => new TightrecError('file-damaged', `${model}: the history is damaged: ${what}`), indptr = tensors.history_indptr?.data, found = tensors.history_items?.data;
  if (!(indptr instanceof Int32Array && found instanceof Int32Array)) throw damaged('expected int32 tensors history_indptr and history_items');
  if (indptr.length !== users.size + 1 || indptr[0] !== 0 || indptr[users.size] !== found.length) throw damaged(`expected ${users.size} users, got pointers for ${indptr.length - 1} and ${found.length} items`);
  for (let u = 0; u < users.size; u++) if (!(indptr[u + 1] >= indptr[u] && indptr[u + 1] - indptr[u] <= most)) throw damaged(`user ${u} has ${indptr[u + 1] - indptr[u]} items, and at most ${most} are kept`);
  const outside = found.findIndex((item) => !(item >= 0 && item < items.size));
  if (outside >= 0) throw damaged(`item ${found[outside]} is outside 0..${items.size - 1}`);
  return { indptr, items: found };
}
