import { kernels } from '../../kernels/index.ts';
import { type Block, allOrNone, allocate, free, scope, scratchCopy, scratchFloats } from '../../kernels/memory.ts';
import { distinct } from '../autodiff/distinct.ts';
import { Tensor } from '../autodiff/tensor.ts';
import { type Csr, selectRowsCsr } from '../data/csr.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import type { RatingOptions } from '../metrics/index.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { checkEvents, encodeLike, withSeen } from './events.ts';
import { type Factors, factorAnswers, factorsFrom, namedParameters, tensorFrom, tensorsOf } from './factors.ts';
import { cutGrid } from './grid.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { laidOut, normalTable } from './newFactors.ts';
import { type Prediction, type RatingModel, type RatingRange, biasesOf, clearUnmet, meanOf, predict, predictFor, rangeFrom, rangeOf, ratingsOf, widened } from './ratings.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, number, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FitOptions, train } from './train.ts';

export interface SVDPlusPlusSettings {
  /** K, the length of a user's and of an item's two vectors. */
  factors: number;
  /** Passes over the ratings. */
  epochs: number;
  learningRate: number;
  /** The rate is multiplied by it after each epoch. */
  learningRateDecay: number;
  /** Weight of the squares of vectors and biases, for each rating they are part of. */
  l2: number;
  /** Standard deviation of what the vectors start from. */
  initialScale: number;
  seed: number;
}

const defaults: SVDPlusPlusSettings = { factors: 20, epochs: 20, learningRate: 0.007, learningRateDecay: 1, l2: 0.02, initialScale: 0.1, seed: 1 };

const rules = { factors: wholeNumber(1), epochs: wholeNumber(1), learningRate: positive, learningRateDecay: positive, l2: notNegative, initialScale: positive, seed: number };

/** What was learned; `implicit` is Y (nItems, K). */
interface Learned extends RatingRange { readonly factors: Factors; readonly implicit: Tensor; readonly catalogue: Catalogue; readonly random: Random; readonly epochs: number }

/** Numbers that a step goes through, about: some ten milliseconds of work. */
const STEP = 2 ** 24;

/**
 * SVDPlusPlus: predicts ratings as RatingMF does, and learns of a user also from which items were rated, whatever the ratings.
 *
 *   x = mu + b[u] + c[i] + <U[u] + |N(u)|^-1/2 Σ_{j in N(u)} Y[j], V[i]>        N(u): the items that u rated
 *   L = mean over the ratings r of (r - x)² + l2 (|U[u]|² + |V[i]|² + Σ_{j in N(u)} |Y[j]|² + b[u]² + c[i]²)
 *
 * Each rating moves the rows that it is about, at once, user by user (kernels/svdppEpoch); one thread does it, for every user moves the vectors of many
 * items. Vectors start normal with deviation initialScale (at 0 where a user or an item has no rating), biases at 0. The defaults are those of SVDpp in
 * Surprise. `score` is x; `predict` holds it to the range of the ratings learned from. The loss reported is the mean of (r - x)².
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for interactions without values; 'not-fitted' from everything else before
 * fit; 'diverged'.
 *
 * Koren, "Factorization Meets the Neighborhood: a Multifaceted Collaborative Filtering Model", 2008.
 */
export class SVDPlusPlus implements RatingModel {
  readonly name = 'SVDPlusPlus';
  readonly settings: SVDPlusPlusSettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<SVDPlusPlusSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    const ratings = ratingsOf(`${this.name}.fit`, data), { factors: K, initialScale, seed } = this.settings, next = random(seed), [nUsers, nItems] = [data.users.size, data.items.size];
    const { factors, implicit } = allOrNone(() => ({ factors: {
      user: normalTable(nUsers, K, initialScale, next), item: normalTable(nItems, K, initialScale, next),
      userBias: Tensor.lasting([nUsers, 1]), itemBias: Tensor.lasting([nItems, 1]), globalBias: Tensor.lasting([1], [meanOf(ratings)]),
    }, implicit: normalTable(nItems, K, initialScale, next) }));
    clearUnmet(factors, data.matrix);
    await this.#train({ factors, implicit, catalogue: catalogueOf(data), random: next, epochs: 0, ...rangeOf(ratings) }, data, options);
    return this;
  }

  /** Goes on with the same mean; N(u) is all that the user has rated, before and now. */
  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    checkEvents(`${this.name}.partialFit`, data);
    const { catalogue } = this.#learned, recoded = encodeLike(`${this.name}.partialFit`, data, catalogue), range = rangeOf(ratingsOf(`${this.name}.partialFit`, data));
    await this.#train({ ...this.#learned, catalogue: withSeen(catalogue, recoded), ...widened(this.#learned, range) }, recoded, options);
    return this;
  }

  async #train(start: Learned, data: Interactions, options: FitOptions): Promise<void> {
    checkIdle(this, 'fit'); // before the data is laid out
    const { factors, implicit, catalogue: { seen }, random } = start, { user, item, userBias, itemBias, globalBias } = factors, { factors: K, epochs, learningRate, learningRateDecay, l2 } = this.settings;
    const mu = globalBias!.data[0], n = data.user.length, keep = (ids: Int32Array): Block => { const block = allocate(ids.length); block.ints().set(ids); return block; };
    const { grid, starts, ids } = laidOut(start, Object.values(parametersOf(start)), () => ({ grid: cutGrid(data, { blocks: 1, order: 'users' }, K), starts: keep(seen.indptr), ids: keep(seen.indices) }));
    try {
      let cuts: number[] | null = null, rate = learningRate, loss = 0;
      await train({
        model: this, data, epochs, epochsBefore: start.epochs, parameters: parametersOf(start), optimizer: null, random,
        get steps() { return cuts!.length - 1; },
        beginEpoch(epoch) {
          grid.deal(random);
          cuts ??= cutByUser(grid.round(0)[0].u, seen, STEP / K);
          rate = learningRate * learningRateDecay ** (epoch - 1);
          loss = 0;
        },
        step(step) {
          const { u, i, value } = grid.round(0)[0], from = cuts![step], to = cuts![step + 1];
          const L = kernels.svdppEpoch(
            user.data, item.data, implicit.data, userBias!.data, itemBias!.data, scratchFloats(2 * K),
            u.subarray(from, to), i.subarray(from, to), value.subarray(from, to), starts.ints(), ids.ints(), to - from, K, mu, rate, l2,
          );
          loss += L;
          return L / (to - from);
        },
        epochLoss: () => loss / n,
        commit: (done) => { this.#learned = { ...start, epochs: done }; },
      }, options);
    } finally {
      grid.free();
      for (const block of [starts, ids]) free(block);
    }
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    const learned = this.#known(), { factors, catalogue } = learned;
    const of = (users: Int32Array): Answers => factorAnswers({ catalogue, factors: usersOf(learned, users) });
    return {
      ...factorAnswers({ factors, catalogue }),
      vectors: { user: null, item: factors.item }, // a user's is a sum, made when it is asked for
      factors: () => usersOf(learned, scratchCopy(Int32Array.from({ length: catalogue.users.size }, (_, user) => user))),
      scoreBlock: (out, users) => { of(users).scoreBlock(out, scratchCopy(Int32Array.from(users, (_, b) => b))); },
      scorePairs: (users, items) => scope(() => {
        const { ids, slots } = distinct(scratchCopy(users), catalogue.users.size);
        return of(ids).scorePairs(slots, items);
      }),
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

  /** predict: as of RatingMF. Shapes: users, items (B) -> (B). */
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
    const learned = this.#known(), { catalogue, epochs, lowest, highest } = learned;
    return { model: this.name, settings: this.settings, tensors: tensorsOf(parametersOf(learned)), catalogue, numbers: { epochs, lowest, highest } };
  }

  static fromState(state: ModelState): SVDPlusPlus {
    const model = new SVDPlusPlus(state.settings), { factors: K, seed } = model.settings;
    model.check();
    const factors = factorsFrom(state, K, { userBias: true, itemBias: true, globalBias: true }), implicit = tensorFrom(state, IMPLICIT, [state.catalogue.items.size, K]), epochs = epochsFrom(state);
    model.#learned = { factors, implicit, catalogue: state.catalogue, random: random(seed + epochs), epochs, ...rangeFrom(state) };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    release(Object.values(parametersOf(this.#learned)), null);
    this.#learned = null;
  }
}

const IMPLICIT = 'item_implicit_factors';

/** What training moves, by the names that a model file gives it. */
const parametersOf = ({ factors, implicit }: Learned): Record<string, Tensor> => ({ ...namedParameters(factors), [IMPLICIT]: implicit });

/** usersOf: the factors with tables of these users alone: U[u] + |N(u)|^-1/2 Σ Y[j], and b[u]. Shapes: users (B). Inside a scope. */
function usersOf({ factors, implicit, catalogue }: Learned, users: Int32Array): Factors {
  const { user, userBias } = factors, [, K] = user.shape, B = users.length, { indptr, indices } = selectRowsCsr(catalogue.seen, users);
  const rows = scratchFloats(B * K), biases = scratchFloats(B), weights = scratchFloats(indices.length);
  for (let b = 0; b < B; b++) weights.fill(1 / Math.sqrt(indptr[b + 1] - indptr[b]), indptr[b], indptr[b + 1]);
  kernels.gatherRows(rows, user.data, users, B, K);
  kernels.gatherRows(biases, userBias!.data, users, B, 1);
  kernels.sparseDenseProduct(rows, scratchCopy(indptr), scratchCopy(indices), weights, implicit.data, B, K);
  return { ...factors, user: new Tensor([B, K], rows), userBias: new Tensor([B, 1], biases) };
}

/** cutByUser: where to cut ratings that are user by user, 0 and their number included, so that a piece goes through some `rows` rows; a user stays whole. */
function cutByUser(u: Int32Array, { indptr }: Csr, rows: number): number[] {
  const cuts = [0];
  for (let at = 0, passed = 0; at < u.length; at++) {
    if (at > 0 && u[at] === u[at - 1]) { passed++; continue; }
    if (passed > rows) { cuts.push(at); passed = 0; }
    passed += 1 + 2 * (indptr[u[at] + 1] - indptr[u[at]]);
  }
  return [...cuts, u.length];
}
