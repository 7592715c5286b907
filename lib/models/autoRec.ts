import { allOrNone, scratchCopy } from '../../kernels/memory.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { addCsr, columnsMet, rowsMet, transposeCsr } from '../data/csrTransforms.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import type { RatingOptions } from '../metrics/index.ts';
import { Adam } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { codesOf, entryRows, someRows } from './autoencoder.ts';
import { counting, inBlocks } from './blocks.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { checkEvents, encodeLike, withSeen } from './events.ts';
import { type Factors, factorAnswers, tensorFrom, tensorsOf } from './factors.ts';
import { type ModelState, epochsFrom, floatsFrom } from './modelState.ts';
import { normalTable } from './newFactors.ts';
import { type Biases, type Prediction, type RatingModel, type RatingRange, countsOf, predict, predictFor, rangeFrom, rangeOf, ratingsOf, widened } from './ratings.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, number, oneOf, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FitOptions, train } from './train.ts';

export interface AutoRecSettings {
  /** Whose ratings the network reads and completes: those that an item was given, or those that a user gave. */
  by: 'item' | 'user';
  /** H, the units of the hidden layer. */
  hidden: number;
  /** Passes over all items, or users, that have ratings. */
  epochs: number;
  /** Items, or users, in a batch. */
  batchSize: number;
  learningRate: number;
  /** Weight of the squares of both matrices, beside the mean of the squared errors. */
  l2: number;
  /** Standard deviation of what both matrices start from. */
  initialScale: number;
  seed: number;
}

const defaults: AutoRecSettings = { by: 'item', hidden: 500, epochs: 50, batchSize: 300, learningRate: 0.001, l2: 0.0015, initialScale: 0.03, seed: 1 };

const rules = {
  by: oneOf('item', 'user'), hidden: wholeNumber(1), epochs: wholeNumber(1), batchSize: wholeNumber(1), learningRate: positive, l2: notNegative, initialScale: positive, seed: number,
};

/** The network; a column is a user where rows are items, and an item where rows are users. Shapes: encoder, decoder (columns, H); hiddenBias (1, H); outputBias (columns, 1). */
interface Network { readonly encoder: Tensor; readonly hiddenBias: Tensor; readonly decoder: Tensor; readonly outputBias: Tensor }

/** Ratings: what the network reads, and what is said where it has nothing to read. Shapes: given (rows, columns). */
interface Ratings { readonly given: Csr; readonly biases: Biases; readonly met: { readonly user: Uint8Array; readonly item: Uint8Array } }

/** What was learned; `counts` says how many ratings each entry of `seen` is the sum of. */
interface Learned extends RatingRange {
  readonly network: Network;
  readonly catalogue: Catalogue;
  readonly counts: Float32Array;
  readonly ratings: Ratings;
  /** The network as a matrix factorisation, with the codes of all rows as of the last whole epoch; null before the first. */
  readonly factors: Factors | null;
  readonly optimizer: Adam;
  readonly random: Random;
  readonly epochs: number;
}

/**
 * AutoRec: predicts ratings by an autoencoder: from the ratings that an item was given it predicts all that it would be given (I-AutoRec), or from a user's
 * ratings all that the user would give (U-AutoRec, `by: 'user'`).
 *
 *   h = σ(Σ_j r[j] V[j] + a)     x[j] = <W[j], h> + b[j]        the sum is over the ratings r that there are: one that is missing counts as zero
 *   L = mean over a batch's ratings of (r[j] - x[j])² + l2 (|V|² + |W|²)
 *
 * V and W are the paper's two matrices by columns, a row for each user (or item). What is missing costs nothing and is not computed. Batches of items (or users)
 * in an order by lot, Adam over dense moments. V and W start normal with deviation initialScale, a at 0, b at the mean of all ratings. Where a user rated an item
 * several times, the mean counts.
 *
 * `score` is x; `predict` holds it to the range of the ratings learned from. Of a user or an item without ratings the network knows nothing: such a pair gets the mean
 * of the other's ratings, or of all. `partialFit` goes on with all ratings, old and new. The loss reported is the mean of (r - x)².
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for interactions without values; 'not-fitted' from everything else before
 * fit; 'diverged'.
 *
 * Sedhain, Menon, Sanner, Xie, "AutoRec: Autoencoders Meet Collaborative Filtering", 2015.
 */
export class AutoRec implements RatingModel {
  readonly name = 'AutoRec';
  readonly settings: AutoRecSettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<AutoRecSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    const range = rangeOf(ratingsOf(`${this.name}.fit`, data)), { by, hidden: H, learningRate, initialScale, seed } = this.settings, next = random(seed), catalogue = catalogueOf(data), counts = countsOf(data);
    const ratings = ratingsFrom(catalogue.seen, counts, by), { columns } = ratings.given;
    const network = allOrNone(() => ({
      encoder: normalTable(columns, H, initialScale, next), hiddenBias: Tensor.lasting([1, H]),
      decoder: normalTable(columns, H, initialScale, next), outputBias: Tensor.lasting([columns, 1], new Float32Array(columns).fill(ratings.biases.mean)),
    }));
    await this.#train({ network, catalogue, counts, ratings, factors: null, optimizer: new Adam({ learningRate }), random: next, epochs: 0, ...range }, data, options);
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    const before = this.#learned, where = `${this.name}.partialFit`;
    checkEvents(where, data);
    const recoded = encodeLike(where, data, before.catalogue), range = rangeOf(ratingsOf(where, data)), catalogue = withSeen(before.catalogue, recoded);
    const counts = catalogue === before.catalogue ? before.counts : addCsr({ ...before.catalogue.seen, values: before.counts }, { ...recoded.matrix, values: countsOf(recoded) }).values;
    await this.#train({ ...before, catalogue, counts, ratings: ratingsFrom(catalogue.seen, counts, this.settings.by), ...widened(before, range) }, recoded, options);
    return this;
  }

  /** Batches of rows by autodiff: codes, ratings, errors, loss, backward, Adam. */
  #train(start: Learned, data: Interactions, options: FitOptions): Promise<void> {
    const { network, ratings: { given }, optimizer, random } = start, { encoder, decoder, outputBias } = network, { epochs, batchSize, l2 } = this.settings;
    const some = someRows(given), order = some.slice(), named = namedParameters(network), moved = Object.values(named);
    let { factors } = start;
    return train({
      model: this, data, epochs, epochsBefore: start.epochs, steps: Math.ceil(order.length / batchSize), parameters: named, optimizer, random,
      beginEpoch() {
        order.set(some); // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      step(batch) {
        const rows = scratchCopy(order.subarray(batch * batchSize, (batch + 1) * batchSize)), tape = new Tape(), bag = ops.bagsOf(given, rows), n = bag.indices.length;
        const known = new Tensor([n, 1]);
        for (let at = 0, r = known.data; at < n; at++) r[at] = -bag.values[at];

        const x = ops.rowDot(tape, codesOf(tape, network, bag), decoder, entryRows(bag), bag.indices), error = ops.addBias(tape, x, [outputBias, bag.indices], [known, counting(n)]); // x - r
        const misfit = ops.sum(tape, ops.multiply(tape, error, error));
        tape.backward(ops.weightedSum(tape, [[1 / n, misfit], [l2, ops.l2(tape, encoder)], [l2, ops.l2(tape, decoder)]]));
        optimizer.step(moved);
        return misfit.data[0] / n;
      },
      commit: (done) => {
        factors ??= this.#emptyFactors(network, given.rows);
        this.#encodeAll(factors, network, given);
        this.#learned = { ...start, factors, epochs: done };
      },
    }, options);
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    const learned = this.#known(), answers = factorAnswers({ catalogue: learned.catalogue, factors: learned.factors! });
    return {
      ...answers,
      factors: undefined, // of a row that nothing is learned from it says the mean
      scoreBlock: (out, users) => { answers.scoreBlock(out, users); meansIn(out, learned, users); },
      scorePairs: (users, items) => answers.scorePairs(users, items).map((rating, at) => meanOrRating(rating, learned, users[at], items[at])),
    };
  }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): Learned {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  /** With the codes of rows the network is a matrix factorisation: they are the factors of the rows, W those of the columns. */
  #emptyFactors({ decoder, outputBias }: Network, rows: number): Factors {
    const codes = Tensor.lasting([rows, this.settings.hidden]), none = { userBias: null, itemBias: null, globalBias: null };
    return this.settings.by === 'item' ? { ...none, user: decoder, userBias: outputBias, item: codes } : { ...none, user: codes, item: decoder, itemBias: outputBias };
  }

  #codesIn({ user, item }: Factors): Tensor { return this.settings.by === 'item' ? item : user; }

  #encodeAll(factors: Factors, network: Network, given: Csr): void {
    const codes = this.#codesIn(factors), H = this.settings.hidden;
    inBlocks(given.rows, (some, from) => {
      const { data } = codesOf(null, network, ops.bagsOf(given, some)); // which may move the memory, so the table is asked for afterwards
      codes.data.set(data, from * H);
    });
  }

  /** predict: as of RatingMF. Shapes: users, items (B) -> (B). */
  predict(users: ArrayLike<number>, items: ArrayLike<number>, options: RatingOptions = {}): Float32Array { return predict(this, this.#known(), this.#known().ratings.biases, users, items, options); }
  /** predictFor: the rating of one pair by raw ids, known or not, and whether they are known. */
  predictFor(user: RawId, item: RawId, options: RatingOptions = {}): Prediction { return predictFor(this, user, item, options); }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    const { network, catalogue, counts, epochs, lowest, highest } = this.#known();
    return { model: this.name, settings: this.settings, tensors: { ...tensorsOf(namedParameters(network)), seen_counts: { shape: [counts.length], data: counts } }, catalogue, numbers: { epochs, lowest, highest } };
  }

  static fromState(state: ModelState): AutoRec {
    const model = new AutoRec(state.settings), { by, hidden: H, learningRate, seed } = model.settings, { catalogue } = state;
    model.check();
    const columns = (by === 'item' ? catalogue.users : catalogue.items).size, part = (name: keyof Network, shape: readonly number[]): Tensor => tensorFrom(state, names[name], shape);
    const network = { encoder: part('encoder', [columns, H]), hiddenBias: part('hiddenBias', [1, H]), decoder: part('decoder', [columns, H]), outputBias: part('outputBias', [columns, 1]) };
    const counts = floatsFrom(state, 'seen_counts', [catalogue.seen.indices.length]), epochs = epochsFrom(state);
    const ratings = ratingsFrom(catalogue.seen, counts, by), factors = model.#emptyFactors(network, ratings.given.rows);
    model.#encodeAll(factors, network, ratings.given);
    model.#learned = { network, catalogue, counts, ratings, factors, optimizer: new Adam({ learningRate }), random: random(seed + epochs), epochs, ...rangeFrom(state) };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    this.#codesIn(this.#learned.factors!).free();
    release(Object.values(this.#learned.network), this.#learned.optimizer);
    this.#learned = null;
  }
}

/** The names that a model file gives them. */
const names = { encoder: 'encoder', hiddenBias: 'hidden_bias', decoder: 'decoder', outputBias: 'output_bias' } as const;
const namedParameters = (network: Network): Record<string, Tensor> => Object.fromEntries((Object.keys(names) as (keyof Network)[]).map((part) => [names[part], network[part]]));

/** ratingsFrom: the mean rating of each pair, by rows, and the means of users and items, as what they are above that of all. */
function ratingsFrom(seen: Csr, counts: Float32Array, by: AutoRecSettings['by']): Ratings {
  const { rows, columns, indptr, indices, values } = seen, n = { user: new Float64Array(rows), item: new Float64Array(columns) }, sum = { user: new Float64Array(rows), item: new Float64Array(columns) };
  let all = 0, total = 0;
  for (let user = 0; user < rows; user++) {
    for (let at = indptr[user]; at < indptr[user + 1]; at++) {
      const item = indices[at];
      n.user[user] += counts[at]; sum.user[user] += values[at];
      n.item[item] += counts[at]; sum.item[item] += values[at];
      all += counts[at]; total += values[at];
    }
  }
  const mean = total / all, above = (side: 'user' | 'item'): Float64Array => sum[side].map((sum, row) => (n[side][row] > 0 ? sum / n[side][row] - mean : 0)), means = { ...seen, values: values.map((sum, at) => sum / counts[at]) };
  return { given: by === 'item' ? transposeCsr(means) : means, biases: { mean, user: above('user'), item: above('item') }, met: { user: rowsMet(seen), item: columnsMet(seen) } };
}

/** The rating where both have ratings; else the mean of the one that has, or of all. */
function meanOrRating(rating: number, { ratings: { biases: { mean, user, item }, met } }: Learned, u: number, i: number): number {
  return met.user[u] === 1 && met.item[i] === 1 ? rating : mean + user[u] + item[i];
}

/** The same for all items of users. Shapes: out (B, nItems), users (B). */
function meansIn(out: Float32Array, learned: Learned, users: Int32Array): void {
  const { met } = learned.ratings, nItems = met.item.length;
  if (!met.user.includes(0) && !met.item.includes(0)) return;
  for (let b = 0, at = 0; b < users.length; b++) for (let item = 0; item < nItems; item++, at++) out[at] = meanOrRating(out[at], learned, users[b], item);
}
