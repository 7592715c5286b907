import { selectRowsCsr } from '../data/csr.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle, whenReady } from './busy.ts';
import { confidencesOf, contributions, pairOf } from './contributions.ts';
import { type ExplainOptions, type Explanation, explain } from './explain.ts';
import { type Known, factorAnswers, factorsFrom, namedParameters, parametersOf, tensorsOf } from './factors.ts';
import { learningOf } from './learning.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, number, oneOf, orNull, positive, wholeNumber, withDefaults } from './settings.ts';
import type { FitOptions } from './train.ts';

export interface AlternatingLeastSquaresSettings {
  /** 'chapter' takes the settings of the chapter that the study repeats, for whatever is not given beside it; null takes tightrec's own. */
  preset: 'chapter' | null;
  /** K, the length of a user's and an item's vector. */
  factors: number;
  /** Sweeps: in each all users are solved for, then all items. */
  epochs: number;
  /** Weight of the rows' squared lengths, each row once, however much it has met. */
  l2: number;
  /** How much a pair's confidence grows with what was met. */
  alpha: number;
  /** What it grows from: 1, as in the paper, or 0, as in the library implicit. */
  base: number;
  /** 'cg' goes a few steps of conjugate gradient from where a row is; 'cholesky' solves each row exactly, which takes many times as long. */
  solver: 'cg' | 'cholesky';
  /** Steps of conjugate gradient a row and sweep. */
  cgSteps: number;
  seed: number;
}

const defaults: AlternatingLeastSquaresSettings = { preset: null, factors: 128, epochs: 15, l2: 5, alpha: 2, base: 0, solver: 'cg', cgSteps: 3, seed: 1 };
const chapter: AlternatingLeastSquaresSettings = { ...defaults, preset: 'chapter', l2: 1e-6, alpha: 1 };

const rules = {
  preset: orNull(oneOf('chapter')), factors: wholeNumber(1), epochs: wholeNumber(1), l2: positive, alpha: positive, base: notNegative, solver: oneOf('cg', 'cholesky'), cgSteps: wholeNumber(1),
  seed: number,
};

/** Sweeps: what they leave. */
export type Sweeps = Pick<Known, 'factors' | 'catalogue' | 'epochs'>;

/** What learns is loaded when it is asked for. */
const learning = () => learningOf('AlternatingLeastSquares', () => import('./fit/alternatingLeastSquares.ts'));

/**
 * AlternatingLeastSquares: factors whose products are near 1 where a user met an item and near 0 elsewhere, the more so the more confident the data is.
 *
 *   L = Σ_u Σ_i c[u, i] (p[u, i] - <U[u], V[i]>)² + l2 (Σ_u |U[u]|² + Σ_i |V[i]|²)        over all pairs, met or not
 *
 *   p = 1, c = base + alpha r    where u met i: r is how often, or the sum of the events' values
 *   p = 0, c = 1                 elsewhere, and where the values add up to 0
 *
 * With base 1 that is the paper's confidence; with base 0 that of the library implicit, which takes alpha r, or in its early versions the matrix as it is,
 * for c. A sweep solves for all users while the items stand still, then the other way round; no step can raise L when `solver` is 'cholesky', and
 * but for rounding none does with 'cg' either. The loss reported is L over the sum of c of the pairs met: 1 where all factors are zero. Tables start
 * uniform in ±√(2/K). `score` is <U[u], V[i]>.
 *
 * `partialFit` makes more sweeps over all events, old and new, of known ids. `partialFitUsers` and `partialFitItems` take in new ids: see there.
 *
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for a pair whose values add up to less than 0; 'out-of-memory', before
 * anything is done, for data that the memory could not hold; 'not-fitted' from everything else before fit; 'diverged' where confidences are beyond float32.
 *
 * Hu, Koren, Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", 2008; Takács, Pilászy, Tikk, "Applications of the Conjugate
 * Gradient Method for Implicit Feedback Collaborative Filtering", 2011.
 */
export class AlternatingLeastSquares implements Recommender {
  readonly name = 'AlternatingLeastSquares';
  readonly settings: AlternatingLeastSquaresSettings;
  #learned: Sweeps | null = null;

  constructor(settings: Partial<AlternatingLeastSquaresSettings> = {}) { this.settings = withDefaults(settings?.preset === 'chapter' ? chapter : defaults, settings); }

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

  /**
   * partialFitUsers: takes in events of new and known users with known items. They are added to what was seen; each user in them gets the row that is best
   * for all that the user has met, solved exactly, while the items stand still. New users get rows after those there are, in the order of their ids; no
   * row number changes its id, and no row of another user changes.
   * Errors: 'not-fitted'; 'unknown-id' for an item that the model does not know; 'bad-input' as fit, and while it is being fitted.
   */
  async partialFitUsers(data: Interactions): Promise<this> { return this.#foldIn('partialFitUsers', 'user', data); }

  /** partialFitItems: the same for new and known items with known users, who stand still. */
  async partialFitItems(data: Interactions): Promise<this> { return this.#foldIn('partialFitItems', 'item', data); }

  async #foldIn(call: string, side: 'user' | 'item', data: Interactions): Promise<this> {
    const { foldIn } = await learning();
    checkIdle(this, call);
    this.#learned = foldIn(this, call, side, this.#known(), data);
    return this;
  }

  readonly #keep = (learned: Sweeps): void => { this.#learned = learned; };

  /** explain: what a user's own items contribute to the score of an item: it is a sum over them (section 5 of the paper), with the user's row solved exactly. As explain(model, user, item, options), with its errors. */
  explain(user: RawId, item: RawId, options: ExplainOptions = {}): Explanation { return explain(this, user, item, options); }

  #known(): Sweeps {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    const { factors, catalogue } = this.#known(), { l2 } = this.settings;
    return {
      ...factorAnswers({ factors, catalogue }),
      contributions: (user, item) => {
        const met = confidencesOf(`${this.name}.explain`, selectRowsCsr(catalogue.seen, Int32Array.of(user)), this.settings, (_, other) => pairOf(catalogue, user, other));
        return { items: met.indices, values: met.indices.length === 0 ? new Float64Array(0) : contributions(factors.item, met, item, l2) };
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
    const { factors, catalogue, epochs } = this.#known();
    return { model: this.name, settings: this.settings, tensors: tensorsOf(namedParameters(factors)), catalogue, numbers: { epochs } };
  }

  static fromState(state: ModelState): AlternatingLeastSquares {
    const model = new AlternatingLeastSquares(state.settings);
    model.check();
    model.#learned = { factors: factorsFrom(state, model.settings.factors, { userBias: false, itemBias: false, globalBias: false }), catalogue: state.catalogue, epochs: epochsFrom(state) };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    for (const table of parametersOf(this.#learned.factors)) table.free();
    this.#learned = null;
  }
}
