import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle, whenReady } from './busy.ts';
import { type Catalogue, itemTotals } from './catalogue.ts';
import { halfLifeRule, latestFrom } from './halfLife.ts';
import { learningOf } from './learning.ts';
import { type ModelState, floatsFrom } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, withDefaults } from './settings.ts';
import type { FitOptions } from './train.ts';

export interface PopularitySettings {
  /** Days after which an event counts half; null counts all alike. */
  halfLife: number | null;
}

const rules = { halfLife: halfLifeRule };

/** Totals: how much each item was met, without a half-life over all that the users have; with one, as it counts at the time of the last event. */
export interface Totals { readonly totals: Float32Array; readonly latest: number; readonly catalogue: Catalogue }

/** What learns is loaded when it is asked for. */
const learning = () => learningOf('Popularity', () => import('./fit/popularity.ts'));

/**
 * Popularity: the same items for everybody, the most met first. The baseline that every model must beat.
 *
 *   score(u, i) = Σ over all events e with i of value[e] · 2^(-(T - time[e]) / halfLife)        each event counts 1 where the data has no values
 *
 * T is the time of the last event. With a half-life of some days it is what is popular now.
 * Errors: 'bad-setting' from fit; 'bad-input' when there is a half-life but the data has no times; 'not-fitted'.
 */
export class Popularity implements Recommender {
  readonly name = 'Popularity';
  readonly settings: PopularitySettings;
  #learned: Totals | null = null;

  constructor(settings: Partial<PopularitySettings> = {}) { this.settings = withDefaults({ halfLife: null }, settings); }

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

  readonly #keep = (learned: Totals): void => { this.#learned = learned; };

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
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    if (this.#learned === null) throw notFitted(this.name);
    const { totals, latest, catalogue } = this.#learned;
    const base = { model: this.name, settings: this.settings, catalogue };
    if (this.settings.halfLife === null) return { ...base, tensors: {}, numbers: {} };
    return { ...base, tensors: { item_totals: { shape: [totals.length], data: totals } }, numbers: { latest } };
  }

  static fromState(state: ModelState): Popularity {
    const model = new Popularity(state.settings), { catalogue } = state, { items, seen } = catalogue;
    model.check();
    model.#learned = model.settings.halfLife === null ? { totals: itemTotals(seen), latest: 0, catalogue } : { totals: floatsFrom(state, 'item_totals', [items.size]), latest: latestFrom(state), catalogue };
    return model;
  }

  /** Forgets what was learned; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    this.#learned = null;
  }
}
