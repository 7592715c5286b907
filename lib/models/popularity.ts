import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { type Catalogue, addSeen, catalogueOf, checkEvents, encodeLike, itemTotals } from './catalogue.ts';
import type { ModelState } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, TopLists } from './recommender.ts';
import { checkSettings } from './settings.ts';
import { type FitOptions, checkIdle, countOnce } from './train.ts';

/**
 * Popularity: the same items for everybody, the most met first. The baseline that every model must beat.
 *
 *   score(u, i) = Σ of the values of item i over all events        each event counts 1 where the data has no values
 */
export class Popularity implements Recommender {
  readonly name = 'Popularity';
  readonly settings: Record<string, never>;
  #learned: { totals: Float32Array; catalogue: Catalogue } | null = null;

  constructor(settings: Record<string, never> = {}) { this.settings = settings; }

  check(): void { checkSettings(this.name, this.settings, {}); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    checkEvents(`${this.name}.fit`, data);
    await countOnce(this, options, () => { this.#learned = { totals: itemTotals(data.matrix), catalogue: catalogueOf(data) }; });
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    checkEvents(`${this.name}.partialFit`, data);
    const catalogue = addSeen(this.#learned.catalogue, encodeLike(`${this.name}.partialFit`, data, this.#learned.catalogue));
    await countOnce(this, options, () => { this.#learned = { totals: itemTotals(catalogue.seen), catalogue }; });
    return this;
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    if (this.#learned === null) throw notFitted(this.name);
    const { totals, catalogue } = this.#learned;
    return {
      catalogue, likenessBlock: null, excludeSeen: true,
      scoreBlock: (out, users) => { for (let b = 0; b < users.length; b++) out.set(totals, b * totals.length); },
      scorePairs: (_, items) => Float32Array.from(items, (item) => totals[item]),
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
  similarItems(items: ArrayLike<number>, options: { k?: number } = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: { k?: number } = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    if (this.#learned === null) throw notFitted(this.name);
    return { model: this.name, settings: this.settings, tensors: {}, catalogue: this.#learned.catalogue, numbers: {} };
  }

  static fromState(state: ModelState): Popularity {
    const model = new Popularity(state.settings as Record<string, never>);
    model.check();
    model.#learned = { totals: itemTotals(state.catalogue.seen), catalogue: state.catalogue };
    return model;
  }

  /** Forgets what was learned; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    this.#learned = null;
  }
}
