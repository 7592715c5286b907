import { kernels } from '../../kernels/index.ts';
import { scope, scratch } from '../../kernels/memory.ts';
import { type Csr, csrEntry } from '../data/csr.ts';
import { transposeCsr } from '../data/csrTransforms.ts';
import { type Interactions, describeId } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { addSeen, checkEvents, encodeLike } from './events.ts';
import { type ModelState, csrFrom, csrTensors } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, fraction, notNegative, oneOf, positive, wholeNumber, withDefaults } from './settings.ts';
import { type Amounts, KeptCsr, amountsOf, rowsOf, sumOver } from './sparse.ts';
import { type FitOptions, type Pace, countOnce } from './train.ts';

export interface ItemKNNSettings {
  /** How alike two items are: the cosine of what users had of them, as it is or weighted by 'tf-idf', or the product of BM25 weights. */
  likeness: 'cosine' | 'tf-idf' | 'bm25';
  /** How many items each item keeps: those most like it. */
  neighbours: number;
  /** What stands in X: how often or how much the user had the item ('counts'), 1 for any ('binary'), or ln(1 + that) ('log'). */
  amounts: Amounts;
  /** A likeness that c users vouch for counts c / (c + shrinkage) of itself. */
  shrinkage: number;
  /** BM25: beyond about K1 it matters little how much more of an item a user has. */
  K1: number;
  /** BM25: how far items that everybody has count for less, from 0, not at all, to below 1. */
  B: number;
}

const defaults: ItemKNNSettings = { likeness: 'cosine', neighbours: 50, amounts: 'counts', shrinkage: 0, K1: 1.2, B: 0.75 };
const rules = { likeness: oneOf('cosine', 'tf-idf', 'bm25'), neighbours: wholeNumber(1, 2 ** 24), amounts: oneOf('binary', 'counts', 'log'), shrinkage: notNegative, K1: positive, B: fraction };

interface Learned { S: KeptCsr; X: Csr; catalogue: Catalogue }

/**
 * ItemKNN: what is most like the things a user has, by whoever has both.
 *
 *   score(u, j) = Σ_i X[u, i] S[i, j]        S[i, j] = Σ_u W[u, i] W[u, j] · c / (c + shrinkage), kept for the `neighbours` largest j of each i
 *
 *   cosine    W[u, i] = X[u, i] / |X[:, i]|
 *   tf-idf    W[u, i] = w / |w[:, i]|,  w = √X[u, i] · idf(u)
 *   bm25      W[u, i] = X (K1 + 1) / (X + K1 (1 - B + B l / mean l)) · idf(u),  l = Σ_u X[u, i], the mean over all items
 *
 * idf(u) = ln nItems - ln(1 + items of u): who has everything says little. c is how many users have both items. An item is no neighbour of its own.
 * Shapes: X (nUsers, nItems), S (nItems, nItems), both sparse. The weights are those of implicit's nearest neighbours, which counts an item among
 * its own. `similarItems` ranks by S[i, j]; beyond the neighbours all are 0.
 * Errors: 'bad-setting' from fit; 'bad-input' for a negative amount; 'not-fitted'.
 *
 * Sarwar, Karypis, Konstan, Riedl, "Item-based Collaborative Filtering Recommendation Algorithms", 2001; Robertson, Zaragoza, "The Probabilistic
 * Relevance Framework: BM25 and Beyond", 2009; Bell, Koren, "Improved Neighborhood-based Collaborative Filtering", 2007, for the shrinkage.
 */
export class ItemKNN implements Recommender {
  readonly name = 'ItemKNN';
  readonly settings: ItemKNNSettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<ItemKNNSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    checkEvents(`${this.name}.fit`, data);
    await this.#learn(`${this.name}.fit`, catalogueOf(data), options);
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    checkEvents(`${this.name}.partialFit`, data);
    await this.#learn(`${this.name}.partialFit`, addSeen(this.#learned.catalogue, encodeLike(`${this.name}.partialFit`, data, this.#learned.catalogue)), options);
    return this;
  }

  async #learn(where: string, catalogue: Catalogue, options: FitOptions): Promise<void> {
    const { seen } = catalogue, at = seen.values.findIndex((value) => value < 0);
    if (at >= 0) {
      const user = catalogue.users.labels[seen.indptr.findLastIndex((start) => start <= at)], item = catalogue.items.labels[seen.indices[at]];
      throw new TightrecError('bad-input', `${where}: user ${describeId(user)} has ${seen.values[at]} of item ${describeId(item)} in all; how alike items are is told by amounts from 0 up: leave returns out, or give no values`);
    }
    await countOnce(this, options, async (pace) => {
      const X = amountsOf(seen, this.settings.amounts);
      this.#learned = { S: new KeptCsr(await nearest(weightsOf(X, this.settings), this.settings, pace)), X, catalogue };
    });
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    if (this.#learned === null) throw notFitted(this.name);
    const { S, X, catalogue } = this.#learned, n = X.columns, csr = (): Csr => ({ rows: n, columns: n, indptr: S.start, indices: S.indices, values: S.values });
    return {
      catalogue, excludeSeen: true,
      scoreBlock: (out, users) => {
        const { start, indices, values } = rowsOf(X, users);
        kernels.clear(out, out.length);
        kernels.sparseProduct(out, start, indices, values, S.start, S.indices, S.values, users.length, n);
      },
      scorePairs: (users, items) => {
        const matrix = csr();
        return Float32Array.from(users, (user, b) => {
          let sum = 0;
          for (let at = X.indptr[user]; at < X.indptr[user + 1]; at++) sum += X.values[at] * csrEntry(matrix, X.indices[at], items[b]);
          return sum;
        });
      },
      contributions: (user, item) => {
        const matrix = csr();
        return sumOver(X, (i, j) => csrEntry(matrix, i, j))(user, item);
      },
      likenessBlock: (out, items) => {
        kernels.clear(out, out.length);
        for (let b = 0; b < items.length; b++) for (let at = S.start[items[b]]; at < S.start[items[b] + 1]; at++) out[b * n + S.indices[at]] = S.values[at];
      },
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
    const { S, catalogue } = this.#learned;
    return { model: this.name, settings: this.settings, tensors: csrTensors('neighbours', { indptr: S.start, indices: S.indices, values: S.values }), catalogue, numbers: {} };
  }

  static fromState(state: ModelState): ItemKNN {
    const model = new ItemKNN(state.settings), { items, seen } = state.catalogue;
    model.check();
    model.#learned = { S: new KeptCsr(csrFrom(state, 'neighbours', items.size, items.size)), X: amountsOf(seen, model.settings.amounts), catalogue: state.catalogue };
    return model;
  }

  /** Gives the neighbours' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    this.#learned?.S.free();
    this.#learned = null;
  }
}

/** W: the amounts as the likeness weights them. */
function weightsOf(X: Csr, { likeness, K1, B }: ItemKNNSettings): Csr {
  const { rows, columns, indptr, indices } = X, values = Float64Array.from(X.values);
  const perItem = (term: (value: number) => number): Float64Array => {
    const sums = new Float64Array(columns);
    for (let at = 0; at < indices.length; at++) sums[indices[at]] += term(values[at]);
    return sums;
  };

  if (likeness !== 'cosine') {
    const amounts = perItem((value) => value), mean = amounts.reduce((a, b) => a + b, 0) / columns;
    for (let u = 0; u < rows; u++) {
      const idf = Math.log(columns) - Math.log1p(indptr[u + 1] - indptr[u]);
      for (let at = indptr[u]; at < indptr[u + 1]; at++) {
        const x = values[at];
        values[at] = idf * (likeness === 'tf-idf' ? Math.sqrt(x) : x === 0 ? 0 : x * (K1 + 1) / (x + K1 * (1 - B + B * amounts[indices[at]] / mean)));
      }
    }
  }
  if (likeness !== 'bm25') {
    const squares = perItem((value) => value * value);
    for (let at = 0; at < indices.length; at++) if (values[at] !== 0) values[at] /= Math.sqrt(squares[indices[at]]);
  }
  return { ...X, values: Float32Array.from(values) };
}

/** S: for each item the products with all others, a few items at a time, of which the largest are kept. */
async function nearest(W: Csr, { neighbours, shrinkage }: ItemKNNSettings, { turn, run }: Pace): Promise<Csr> {
  const n = W.columns, k = Math.min(neighbours, n), block = Math.max(1, Math.floor(2 ** 20 / n)), steps = Math.ceil(n / block);
  const ones = (matrix: Csr): Csr => ({ ...matrix, values: matrix.values.map((value) => value === 0 ? 0 : 1) });
  const pairOf = (matrix: Csr): [KeptCsr, KeptCsr] => [new KeptCsr(transposeCsr(matrix)), new KeptCsr(matrix)];
  const weights = pairOf(W), both = shrinkage > 0 ? pairOf(ones(W)) : null;
  const indptr = new Int32Array(n + 1), pieces: { indices: Int32Array; values: Float32Array }[] = []; // as many as there are, which may be far fewer than n k
  try {
    for (let from = 0; from < n; from += block) {
      const R = Math.min(block, n - from);
      run(() => scope(() => {
        const likeness = productOf(weights, from, R);
        if (both !== null) {
          const c = productOf(both, from, R);
          for (let at = 0; at < R * n; at++) if (c[at] > 0) likeness[at] *= c[at] / (c[at] + shrinkage);
        }

        const best = scratch(R * k).ints(), scores = scratch(R * k).floats(), itself = scratch(R).ints(), start = scratch(R + 1).ints();
        for (let r = 0; r < R; r++) { itself[r] = from + r; start[r] = r; }
        start[R] = R;
        kernels.topK(best, scores, likeness, itself, start, R, n, k);
        const kept: number[] = [];
        for (let r = 0; r < R; r++) {
          const own: number[] = []; // by likeness; a matrix wants them by column
          for (let at = r * k; at < (r + 1) * k && best[at] >= 0 && scores[at] > 0; at++) own.push(at);
          for (const at of own.sort((a, b) => best[a] - best[b])) kept.push(at);
          indptr[from + r + 1] = indptr[from + r] + own.length;
        }
        pieces.push({ indices: Int32Array.from(kept, (at) => best[at]), values: Float32Array.from(kept, (at) => scores[at]) });
      }));
      await turn(from / block + 1, steps);
    }
  } finally { for (const matrix of [...weights, ...(both ?? [])]) matrix.free(); }
  const whole = { rows: n, columns: n, indptr, indices: new Int32Array(indptr[n]), values: new Float32Array(indptr[n]) };
  for (let p = 0, at = 0; p < pieces.length; at += pieces[p].indices.length, p++) {
    whole.indices.set(pieces[p].indices, at);
    whole.values.set(pieces[p].values, at);
  }
  return whole;
}

/** R rows of Aᵀ B, from `from` on, dense. Runs inside a scope. */
function productOf([transposed, matrix]: [KeptCsr, KeptCsr], from: number, R: number): Float32Array {
  const n = matrix.columns, product = scratch(R * n).floats();
  kernels.clear(product, R * n);
  kernels.sparseProduct(product, transposed.start.subarray(from), transposed.indices, transposed.values, matrix.start, matrix.indices, matrix.values, R, n);
  return product;
}
