import { type Csr, countPairs, csrEntry } from '../data/csr.ts';
import { addCsr } from '../data/csrTransforms.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf, itemTotals } from './catalogue.ts';
import { addSeen, checkEvents, encodeLike } from './events.ts';
import { fade, fadedValues, lastTime } from './fading.ts';
import { halfLifeRule, latestFrom } from './halfLife.ts';
import { type ModelState, csrFrom, csrTensors } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, withDefaults } from './settings.ts';
import { type FitOptions, countOnce } from './train.ts';

export interface PurchaseHistorySettings {
  /** Days after which a purchase counts half; null counts all alike. */
  halfLife: number | null;
}

const rules = { halfLife: halfLifeRule };

interface Learned { history: Csr; popularity: Float32Array; latest: number; catalogue: Catalogue }

/**
 * PurchaseHistory: recommends again what the user buys. Where people come back for the same things, hard to beat.
 *
 *   score(u, i) = Σ over the events e of u with i of value[e] · 2^(-(T - time[e]) / halfLife)   +   popularity[i]
 *
 * T is the time of the last event; popularity[i], between 0 and 1/1000, is the item's share of all events relative to the largest: it
 * settles ties and ranks what the user has not bought.
 * Errors: 'bad-setting' from fit; 'bad-input' when there is a half-life but the data has no times; 'not-fitted'.
 */
export class PurchaseHistory implements Recommender {
  readonly name = 'PurchaseHistory';
  readonly settings: PurchaseHistorySettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<PurchaseHistorySettings> = {}) { this.settings = withDefaults({ halfLife: null }, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    checkEvents(`${this.name}.fit`, data);
    const latest = lastTime(data);
    await countOnce(this, options, () => { this.#learn(this.#count(data, latest), latest, catalogueOf(data)); });
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    checkEvents(`${this.name}.partialFit`, data);
    const before = this.#learned, recoded = encodeLike(`${this.name}.partialFit`, data, before.catalogue), latest = Math.max(before.latest, lastTime(data));
    const left = fade(this.settings.halfLife, before.latest, latest), faded = { ...before.history, values: before.history.values.map((value) => value * left) };
    await countOnce(this, options, () => { this.#learn(addCsr(faded, this.#count(recoded, latest)), latest, addSeen(before.catalogue, recoded)); });
    return this;
  }

  /** users x items: the values of each pair's events, older ones for less. */
  #count(data: Interactions, latest: number): Csr {
    if (this.settings.halfLife === null) return data.matrix;
    return countPairs(data.user, data.item, data.users.size, data.items.size, fadedValues(this.name, data, this.settings.halfLife, latest));
  }

  #learn(history: Csr, latest: number, catalogue: Catalogue): void {
    const totals = itemTotals(catalogue.seen), most = totals.reduce((a, b) => Math.max(a, b), 0) || 1;
    this.#learned = { history, latest, catalogue, popularity: totals.map((total) => Math.max(0, total) / most / 1000) };
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    if (this.#learned === null) throw notFitted(this.name);
    const { history, popularity, catalogue } = this.#learned, nItems = popularity.length;
    return {
      catalogue, likenessBlock: null, excludeSeen: false,
      scoreBlock: (out, users) => {
        for (let b = 0; b < users.length; b++) {
          out.set(popularity, b * nItems);
          for (let at = history.indptr[users[b]]; at < history.indptr[users[b] + 1]; at++) out[b * nItems + history.indices[at]] += history.values[at];
        }
      },
      scorePairs: (users, items) => Float32Array.from(users, (user, b) => popularity[items[b]] + csrEntry(history, user, items[b])),
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
    const { history, latest, catalogue } = this.#learned;
    return { model: this.name, settings: this.settings, tensors: csrTensors('history', history), catalogue, numbers: { latest } };
  }

  static fromState(state: ModelState): PurchaseHistory {
    const model = new PurchaseHistory(state.settings);
    model.check();
    model.#learn(csrFrom(state, 'history', state.catalogue.users.size, state.catalogue.items.size), latestFrom(state), state.catalogue);
    return model;
  }

  /** Forgets what was learned; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    this.#learned = null;
  }
}
