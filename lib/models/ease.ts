import { kernels } from '../../kernels/index.ts';
import { scope, scratch } from '../../kernels/memory.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { transposeCsr } from '../data/csrTransforms.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { inverseBytes, inverseSteps, invertPositiveDefinite } from '../linalg/invert.ts';
import { random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { addSeen, checkEvents, encodeLike } from './events.ts';
import { tensorFrom } from './factors.ts';
import type { ModelState } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkRoom } from './room.ts';
import { checkSettings, oneOf, positive, withDefaults } from './settings.ts';
import { type Amounts, KeptCsr, amountsOf, rowsOf, sumOver } from './sparse.ts';
import { type FitOptions, type Pace, countOnce } from './train.ts';

export interface EASESettings {
  /** λ, the weight of |B|²: the fewer events, the more it takes. */
  lambda: number;
  /** What stands in X: 1 for what the user had ('binary', the paper's), how often or how much ('counts'), or ln(1 + that) ('log'). */
  amounts: Amounts;
}

const rules = { lambda: positive, amounts: oneOf('binary', 'counts', 'log') };

/** How far P may be from the inverse, as a part of what it is tried on: beyond this the weights are rounding. */
const MOST_OFF = 0.01;

interface Learned { B: Tensor; X: Csr; catalogue: Catalogue }

/**
 * EASE: what a user had, weighted for each item by a linear model in closed form ("embarrassingly shallow autoencoder").
 *
 *   L = |X - X B|² + λ |B|²,  B[i, i] = 0        P = (Xᵀ X + λ I)^-1        B[i, j] = -P[i, j] / P[j, j]
 *   score(u, j) = Σ_i X[u, i] B[i, j]
 *
 * Shapes: X (nUsers, nItems), sparse; B, P (nItems, nItems), dense: the memory grows with the square of the items and the time with their cube,
 * whatever the events. `similarItems` ranks by B[i, j]: how much having i says for j.
 * Errors: 'bad-setting' from fit for a setting out of range, and for a λ so small that float32 cannot invert the matrix; 'out-of-memory', before
 * anything is computed; 'not-fitted'.
 *
 * Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019.
 */
export class EASE implements Recommender {
  readonly name = 'EASE';
  readonly settings: EASESettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<EASESettings> = {}) { this.settings = withDefaults({ lambda: 500, amounts: 'binary' }, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    checkEvents(`${this.name}.fit`, data);
    await countOnce(this, options, (pace) => this.#learn(catalogueOf(data), pace));
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    checkEvents(`${this.name}.partialFit`, data);
    const catalogue = addSeen(this.#learned.catalogue, encodeLike(`${this.name}.partialFit`, data, this.#learned.catalogue));
    await countOnce(this, options, (pace) => this.#learn(catalogue, pace));
    return this;
  }

  async #learn(catalogue: Catalogue, pace: Pace): Promise<void> {
    const X = amountsOf(catalogue.seen, this.settings.amounts);
    const n = X.columns;
    checkRoom(this.name, `the weights between ${n.toLocaleString('en-US')} items and the inverse behind them`, n * n + inverseBytes(n) / 4, 'leave rare items out, or use ItemKNN, which keeps a few weights an item, or free() models that are no longer needed');
    const P = Tensor.lasting([n, n]);
    try {
      await this.#invert(P, X, pace);
      if (!(offBy(P, X, this.settings.lambda) < MOST_OFF)) throw this.#singular();
      toWeights(P.data, n);
    } catch (error) { P.free(); throw error; }
    this.#learned = { B: P, X, catalogue };
  }

  /** P = (Xᵀ X + λ I)^-1. */
  async #invert(P: Tensor, X: Csr, { turn, run }: Pace): Promise<void> {
    const n = X.columns, byUser = new KeptCsr(X), byItem = new KeptCsr(transposeCsr(X)), rows = Math.max(1, Math.floor(2 ** 20 / n));
    try {
      for (let from = 0; from < n; from += rows) {
        const R = Math.min(rows, n - from), { start, indices, values } = byUser;
        kernels.sparseProduct(P.data.subarray(from * n, (from + R) * n), byItem.start.subarray(from), byItem.indices, byItem.values, start, indices, values, R, n);
        await turn(1, 1 + inverseSteps(n)); // all of it is a small part of the work
      }
    } finally { byUser.free(); byItem.free(); }
    for (let i = 0, data = P.data; i < n; i++) data[i * n + i] += this.settings.lambda;
    if (await invertPositiveDefinite(P, (step, steps) => turn(1 + step, 1 + steps), run) < n) throw this.#singular();
  }

  #singular(): TightrecError {
    return new TightrecError('bad-setting', `${this.name}: lambda must be large enough for float32 numbers to invert the matrix of these items, got ${this.settings.lambda}; raise it (1 to 1000 is usual)`);
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    if (this.#learned === null) throw notFitted(this.name);
    const { B, X, catalogue } = this.#learned, n = X.columns;
    return {
      catalogue, excludeSeen: true,
      scoreBlock: (out, users) => {
        const { start, indices, values } = rowsOf(X, users);
        kernels.clear(out, out.length);
        kernels.sparseDenseProduct(out, start, indices, values, B.data, users.length, n);
      },
      scorePairs: (users, items) => Float32Array.from(users, (user, b) => {
        const { data } = B;
        let sum = 0;
        for (let at = X.indptr[user]; at < X.indptr[user + 1]; at++) sum += X.values[at] * data[X.indices[at] * n + items[b]];
        return sum;
      }),
      contributions: sumOver(X, (i, j) => B.data[i * n + j]),
      likenessBlock: (out, items) => kernels.gatherRows(out, B.data, items, items.length, n),
    };
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
    const { B, catalogue } = this.#learned;
    return { model: this.name, settings: this.settings, tensors: { item_weights: { shape: B.shape, data: B.data } }, catalogue, numbers: {} };
  }

  static fromState(state: ModelState): EASE {
    const model = new EASE(state.settings), n = state.catalogue.items.size;
    model.check();
    model.#learned = { B: tensorFrom(state, 'item_weights', [n, n]), X: amountsOf(state.catalogue.seen, model.settings.amounts), catalogue: state.catalogue };
    return model;
  }

  /** Gives the weights' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    this.#learned?.B.free();
    this.#learned = null;
  }
}

/** |(Xᵀ X + λ I) P v - v| / |v| for a v drawn by lot: how far P is from the inverse. In float64, over the events alone. */
function offBy(P: Tensor, X: Csr, lambda: number): number {
  const n = X.columns, { uniform } = random(1);
  return scope(() => {
    const v = scratch(n).floats(), y = scratch(n).floats(), z = new Float64Array(n);
    for (let i = 0; i < n; i++) v[i] = 2 * uniform() - 1;
    kernels.matmul(y, P.data, v, n, 1, n);
    for (let u = 0; u < X.rows; u++) {
      let sum = 0;
      for (let at = X.indptr[u]; at < X.indptr[u + 1]; at++) sum += X.values[at] * y[X.indices[at]];
      for (let at = X.indptr[u]; at < X.indptr[u + 1]; at++) z[X.indices[at]] += X.values[at] * sum;
    }
    return Math.sqrt(z.reduce((off, value, i) => off + (value + lambda * y[i] - v[i]) ** 2, 0) / kernels.sumSquares(v, n));
  });
}

/** B[i, j] = -P[i, j] / P[j, j], and 0 on the diagonal; in place. */
function toWeights(P: Float32Array, n: number): void {
  const perColumn = Float32Array.from({ length: n }, (_, j) => -1 / P[j * n + j]);
  for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) P[at] = i === j ? 0 : P[at] * perColumn[j];
}
