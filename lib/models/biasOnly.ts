import type { Csr } from '../data/csr.ts';
import { addCsr, transposeCsr } from '../data/csrTransforms.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import type { RatingOptions } from '../metrics/index.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { addSeen, encodeLike } from './events.ts';
import { type ModelState, floatsFrom } from './modelState.ts';
import { type Prediction, type RatingModel, type RatingRange, countsOf, predict, predictFor, rangeFrom, rangeOf, ratingsOf, widened } from './ratings.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, wholeNumber, withDefaults } from './settings.ts';
import { type FitOptions, countOnce } from './train.ts';

export interface BiasOnlySettings {
  /** How often all biases are solved for, items and then users. */
  sweeps: number;
  /** So many ratings at the mean are added to those of each user. */
  userL2: number;
  /** The same for each item. */
  itemL2: number;
}

const defaults: BiasOnlySettings = { sweeps: 10, userL2: 15, itemL2: 10 };
const rules = { sweeps: wholeNumber(1), userL2: notNegative, itemL2: notNegative };

/** The biases; `counts` says how many ratings each entry of `seen` is the sum of. */
interface Learned extends RatingRange { readonly mean: number; readonly user: Float32Array; readonly item: Float32Array; readonly counts: Float32Array; readonly catalogue: Catalogue }

/**
 * BiasOnly: a rating is the mean, and by how much the user and the item are usually off it. The baseline that every model of ratings must beat.
 *
 *   x = mu + b[u] + c[i]
 *   L = Σ over the ratings r of (r - x)² + userL2 Σ b[u]² + itemL2 Σ c[i]²
 *
 * mu is the mean of the ratings. Alternating least squares: a sweep sets each bias to where L is lowest while the other side's stand still, items first,
 *
 *   c[i] = Σ (r - mu - b[u]) / (n[i] + itemL2)     b[u] = Σ (r - mu - c[i]) / (n[u] + userL2)     over the n ratings of the item or the user
 *
 * from biases of 0. `partialFit` solves anew for all ratings, old and new. `score` is x; `predict` holds it to the range of the ratings. For one user the
 * items are in the order of c. The defaults are those of BaselineOnly in Surprise.
 * Errors: 'bad-setting' from fit; 'bad-input' for interactions without values; 'not-fitted'.
 *
 * Koren, "Factor in the Neighbors: Scalable and Accurate Collaborative Filtering", 2010, section 2.1.
 */
export class BiasOnly implements RatingModel {
  readonly name = 'BiasOnly';
  readonly settings: BiasOnlySettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<BiasOnlySettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    const range = rangeOf(ratingsOf(`${this.name}.fit`, data));
    await countOnce(this, options, () => this.#solve(catalogueOf(data), countsOf(data), range));
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    const before = this.#learned, where = `${this.name}.partialFit`, range = rangeOf(ratingsOf(where, data)), recoded = encodeLike(where, data, before.catalogue);
    const counts = addCsr({ ...before.catalogue.seen, values: before.counts }, { ...recoded.matrix, values: countsOf(recoded) }).values;
    await countOnce(this, options, () => this.#solve(addSeen(before.catalogue, recoded), counts, widened(before, range)));
    return this;
  }

  #solve(catalogue: Catalogue, counts: Float32Array, range: RatingRange): void {
    const { sweeps, userL2, itemL2 } = this.settings, { seen } = catalogue, mean = total(seen.values) / total(counts), user = new Float64Array(seen.rows), item = new Float64Array(seen.columns);
    const byUser = { sums: seen, counts }, byItem = { sums: transposeCsr(seen), counts: transposeCsr({ ...seen, values: counts }).values };
    for (let sweep = 0; sweep < sweeps; sweep++) {
      solveSide(item, byItem, user, mean, itemL2);
      solveSide(user, byUser, item, mean, userL2);
    }
    this.#learned = { ...range, mean, user: Float32Array.from(user), item: Float32Array.from(item), counts, catalogue };
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    const { mean, user, item, catalogue } = this.#known();
    return {
      catalogue, likenessBlock: null, excludeSeen: true,
      scoreBlock: (out, users) => { for (let b = 0, at = 0; b < users.length; b++) for (let n = 0; n < item.length; n++, at++) out[at] = mean + user[users[b]] + item[n]; },
      scorePairs: (users, items) => Float32Array.from(users, (row, b) => mean + user[row] + item[items[b]]),
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
  predict(users: ArrayLike<number>, items: ArrayLike<number>, options: RatingOptions = {}): Float32Array { return predict(this, this.#known(), this.#known(), users, items, options); }
  /** predictFor: the rating of one pair by raw ids, known or not, and whether they are known. */
  predictFor(user: RawId, item: RawId, options: RatingOptions = {}): Prediction { return predictFor(this, user, item, options); }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    const { mean, user, item, counts, catalogue, lowest, highest } = this.#known();
    const tensors = { user_bias: { shape: [user.length, 1], data: user }, item_bias: { shape: [item.length, 1], data: item }, seen_counts: { shape: [counts.length], data: counts } };
    return { model: this.name, settings: this.settings, tensors, catalogue, numbers: { mean, lowest, highest } };
  }

  static fromState(state: ModelState): BiasOnly {
    const model = new BiasOnly(state.settings), { catalogue, numbers: { mean } } = state, { users, items, seen } = catalogue;
    model.check();
    if (!Number.isFinite(Math.fround(mean))) throw new TightrecError('file-damaged', `${model.name}: expected the number mean, the mean of the ratings, got ${mean ?? 'none'}`);
    const [user, item, counts] = [floatsFrom(state, 'user_bias', [users.size, 1]), floatsFrom(state, 'item_bias', [items.size, 1]), floatsFrom(state, 'seen_counts', [seen.indices.length])];
    model.#learned = { ...rangeFrom(state), mean, user, item, counts, catalogue };
    return model;
  }

  /** Forgets what was learned; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    this.#learned = null;
  }
}

const total = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0);

/** bias[row] = Σ over the row's entries of (sum - count (mean + other[column])) / (l2 + Σ count); 0 for a row without any. */
function solveSide(bias: Float64Array, { sums, counts }: { sums: Csr; counts: Float32Array }, other: Float64Array, mean: number, l2: number): void {
  const { rows, indptr, indices, values } = sums;
  for (let row = 0; row < rows; row++) {
    let off = 0, n = 0;
    for (let at = indptr[row]; at < indptr[row + 1]; at++) {
      off += values[at] - counts[at] * (mean + other[indices[at]]);
      n += counts[at];
    }
    bias[row] = n === 0 ? 0 : off / (n + l2);
  }
}
