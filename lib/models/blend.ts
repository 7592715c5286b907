import { kernels } from '../../kernels/index.ts';
import { type Block, allocate, free, memoryUse, scope, scratch, scratchCopy } from '../../kernels/memory.ts';
import { type Interactions, sameIds } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError, describe } from '../errors.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import type { Catalogue } from './catalogue.ts';
import { checkEvents, encodeLike } from './events.ts';
import type { ModelState } from './modelState.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { type Rule, checkSettings, withDefaults } from './settings.ts';
import { type FitOptions, type Pace, type StepReport, countOnce, judgeOf } from './train.ts';

export interface BlendSettings {
  /** What each model's score is multiplied by; null lets `fit` choose by its `validation`. */
  weights: readonly number[] | null;
}

/** What a weight is multiplied by to see whether that is better; a weight of zero is tried at these parts of the largest. */
const FACTORS = [0, 0.25, 0.5, 0.71, 0.84, 1.19, 1.41, 2, 4], PARTS_OF_LARGEST = [0.02, 0.1, 0.5];
const ROUNDS = 10;
const SAMPLE = 256; // users by whom the size of a model's scores is told
const MOST_KEPT = 2 ** 29; // bytes of scores to keep while choosing

interface Learned { weights: readonly number[]; catalogue: Catalogue }

/**
 * Blend: a weighted sum of other models' scores.
 *
 *   score(u, i) = Σ_m weights[m] · score_m(u, i)        the models' scores as they are, so a weight also brings them to one scale
 *
 * `fit` fits the models, one after another, on the same data. Without `weights` it then chooses them by `validation`, higher is better: from the
 * best model alone, and from all at equal strength (weight times the root mean square of the model's scores), one weight after another is
 * tried a little and much smaller and larger, and left out, until no such change is an improvement. No weight chosen is negative. `weights`
 * of the blend says which they are.
 * Models that are fitted already, on data of the same encoders, are blended as they are by `Blend.of`.
 * A fit that fails after the first model leaves the models as they are by then, and the blend not fitted.
 * Errors: 'bad-setting' from fit for no models, blends among them, or weights of another number, and for neither weights nor validation; those
 * of the models; 'not-fitted'; 'bad-input' for models with different encoders.
 */
export class Blend implements Recommender {
  readonly name = 'Blend';
  readonly models: readonly Recommender[];
  readonly settings: BlendSettings;
  #learned: Learned | null = null;
  #kept: KeptScores | null = null; // while weights are chosen

  constructor(models: readonly Recommender[], settings: Partial<BlendSettings> = {}) {
    this.models = Array.isArray(models) ? [...models] : models;
    this.settings = withDefaults({ weights: null }, settings);
  }

  /**
   * of: a blend of models that are fitted already. `weights` as in the settings.
   * Errors: 'not-fitted', 'bad-setting', 'bad-input'.
   */
  static of(models: readonly Recommender[], weights: readonly number[]): Blend {
    const blend = new Blend(models, { weights });
    blend.check();
    if (blend.settings.weights === null) throw new TightrecError('bad-setting', `${blend.name}.of: expected a weight for each model, got ${weights}; only fit can choose them`); // undefined as well
    blend.#learned = { weights: [...weights], catalogue: catalogueOfAll(models) };
    return blend;
  }

  check(): void {
    const { models } = this;
    if (!Array.isArray(models) || models.length === 0) throw new TightrecError('bad-setting', `${this.name}: models must be an array of at least one model, got ${Array.isArray(models) ? 'an empty one' : describe(models)}`);
    for (const [m, model] of models.entries()) {
      if (typeof model?.fit !== 'function' || typeof model.check !== 'function') throw new TightrecError('bad-setting', `${this.name}: model ${m} must be a model such as new EASE(), got ${describe(model)}`);
      if (model instanceof Blend) throw new TightrecError('bad-setting', `${this.name}: model ${m} must not be a blend itself; name its models here`);
      if (models.indexOf(model) < m) throw new TightrecError('bad-setting', `${this.name}: model ${m} must be a model of its own, it is the same object as model ${models.indexOf(model)}`);
    }
    checkSettings(this.name, this.settings, { weights: weightsRule(models.length) });
    for (const model of models) model.check();
  }

  fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    return this.#learn(options, () => {
      checkEvents(`${this.name}.fit`, data);
      if (this.settings.weights === null && options.validation === undefined) throw new TightrecError('bad-setting', `${this.name}: weights must be given, or chosen by fit's option validation; there is neither`);
    }, (model, more) => model.fit(data, more));
  }

  /** Goes on with each of the models; the weights stay. */
  partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    const before = this.#learned;
    if (before === null) return this.fit(data, options);
    return this.#learn(options, () => {
      checkEvents(`${this.name}.partialFit`, data);
      encodeLike(`${this.name}.partialFit`, data, before.catalogue); // before the first model changes
    }, (model, more) => model.partialFit(data, more), before.weights);
  }

  async #learn(
    options: FitOptions, checkFirst: () => void, fit: (model: Recommender, options: FitOptions) => Promise<unknown>, weights: readonly number[] | null = this.settings.weights,
  ): Promise<this> {
    this.check();
    checkFirst();
    const { models } = this, { signal, threads, onStep } = options, steps = 100 * (models.length + (weights === null ? 1 : 0)); // in hundredths of a model; to choose weights is one more
    await countOnce(this, options, async ({ turn }) => {
      for (const [m, model] of models.entries()) {
        const said = (of: StepReport): void => onStep!({ epoch: 1, epochs: 1, step: Math.ceil(100 * (m + (of.epoch - 1 + of.step / of.steps) / of.epochs)), steps, loss: 0 });
        await fit(model, { ...(signal && { signal }), ...(threads && { threads }), ...(onStep && { onStep: said }) });
        this.#learned = null; // from here on it is another blend
        signal?.throwIfAborted();
      }
      this.#learned = { weights: weights ?? [], catalogue: catalogueOfAll(models) };
      if (weights !== null) return;
      try { await this.#choose(judgeOf(this, options), (part) => turn(steps - 100 + Math.ceil(100 * part), steps), signal); } catch (error) { this.#learned = null; throw error; }
    });
    return this;
  }

  /** Coordinate ascent on what `judge` says; `turn` is told which part of the rounds is over, at most. */
  async #choose(judge: () => Promise<number | null>, turn: (part: number) => ReturnType<Pace['turn']>, signal: AbortSignal | undefined): Promise<void> {
    const { models } = this, { catalogue } = this.#learned!, sizes = sizesOf(models);
    const kept = this.#kept = new KeptScores(models);
    let round = 0;
    const judged = async (strengths: readonly number[]): Promise<number> => {
      this.#learned = { weights: strengths.map((strength, m) => strength / sizes[m]), catalogue };
      const value = (await judge())!;
      signal?.throwIfAborted();
      await turn(round / ROUNDS);
      return value;
    };
    try {
      let best = models.map(() => 1), most = await judged(best);
      const consider = async (strengths: number[]): Promise<boolean> => {
        if (strengths.every((strength) => strength === 0)) return false;
        const value = await judged(strengths);
        if (!(value > most)) return false;
        [best, most] = [strengths, value];
        return true;
      };
      if (models.length > 1) for (const m of models.keys()) await consider(models.map((_, other) => other === m ? 1 : 0));
      for (let better = models.length > 1; better && round < ROUNDS; round++) {
        better = false;
        for (const m of models.keys()) {
          const before = best, largest = Math.max(...before);
          for (const strength of before[m] === 0 ? PARTS_OF_LARGEST.map((part) => part * largest) : FACTORS.map((factor) => factor * before[m])) {
            if (await consider(before.map((same, other) => other === m ? strength : same))) better = true;
          }
        }
      }
      const first = best.findIndex((strength) => strength > 0), unit = best[first] / sizes[first];
      this.#learned = { weights: best.map((strength, m) => strength / sizes[m] / unit), catalogue }; // the first of them counts once: easier to read
    } finally {
      this.#kept = null;
      kept.free();
    }
  }

  get fitted(): boolean { return this.#learned !== null && this.models.every((model) => model.fitted); }
  get answers(): Answers {
    if (this.#learned === null) throw notFitted(this.name);
    const { weights, catalogue } = this.#learned, kept = this.#kept, parts = this.models.map((model) => model.answers), used = [...weights.keys()].filter((m) => weights[m] !== 0);
    checkIds(this.models, catalogue, 'than when it was blended');
    return {
      catalogue, likenessBlock: null,
      scoreBlock: (out, users) => {
        kernels.clear(out, out.length);
        if (kept?.add(out, users, weights)) return;
        const one = scratch(out.length).floats();
        for (const m of used) {
          parts[m].scoreBlock(one, users);
          kernels.addScaled(out, one, out.length, weights[m]);
        }
      },
      scorePairs: (users, items) => {
        const sums = new Float32Array(users.length);
        for (const m of used) parts[m].scorePairs(users, items).forEach((one, b) => { sums[b] += weights[m] * one; });
        return sums;
      },
      excludeSeen: parts.every(({ excludeSeen }) => excludeSeen), // one that repeats what the user has is there to be heard
    };
  }
  /** What each model's score is multiplied by. */
  get weights(): readonly number[] {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned.weights;
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
    const { weights, catalogue } = this.#learned;
    const numbers = Object.fromEntries(weights.map((weight, m) => [`weight_${m}`, weight]));
    return { model: this.name, settings: this.settings, tensors: {}, catalogue, numbers, parts: this.models.map((model) => model.toState()) };
  }

  static fromState(state: ModelState, models: readonly Recommender[]): Blend {
    const blend = new Blend(models, state.settings), weights = models.map((_, m) => state.numbers[`weight_${m}`]);
    blend.check();
    const missing = weights.findIndex((weight) => !Number.isFinite(weight));
    if (missing >= 0) throw new TightrecError('file-damaged', `${blend.name}: the number weight_${missing} must be a weight, got ${weights[missing] ?? 'none'}`);
    blend.#learned = { weights, catalogue: catalogueOfAll(models) };
    return blend;
  }

  /** Forgets what was learned, and so do its models. */
  free(): void {
    checkIdle(this, 'free');
    for (const model of this.models) model.free();
    this.#learned = null;
  }
}

const isWeight = (weight: unknown): boolean => typeof weight === 'number' && Number.isFinite(weight) && Math.abs(weight) < 1e30; // beyond that the sums would not be float32

const weightsRule = (n: number): Rule => (value) => value === null || (Array.isArray(value) && value.length === n && value.every(isWeight))
  ? null : `an array of ${n} finite number${n === 1 ? '' : 's'}, one for each model, or null`;

/** The catalogue of models that were fitted to the same users and items. Errors: 'not-fitted', 'bad-input'. */
function catalogueOfAll(models: readonly Recommender[]): Catalogue {
  const { catalogue } = models[0].answers;
  checkIds(models, catalogue, 'than model 0');
  return catalogue;
}

function checkIds(models: readonly Recommender[], { users, items }: Catalogue, others: string): void {
  for (const [m, model] of models.entries()) {
    if (!sameIds(model.users, users) || !sameIds(model.items, items)) throw new TightrecError('bad-input', `Blend: model ${m}, ${model.name}, knows other users or items ${others}: their rows mean something else; fit all models to data of the same encoders`);
  }
}

/** The root mean square of each model's scores, over some users and all items; 1 where all are zero. */
function sizesOf(models: readonly Recommender[]): number[] {
  const { nUsers, nItems } = models[0], n = Math.min(SAMPLE, nUsers), block = Math.max(1, Math.floor(2 ** 20 / nItems)), users = Int32Array.from({ length: n }, (_, at) => Math.floor(at * nUsers / n));
  return models.map(({ answers }) => {
    let squares = 0;
    for (let from = 0; from < n; from += block) {
      scope(() => {
        const some = scratchCopy(users.subarray(from, from + block)), all = scratch(some.length * nItems).floats();
        answers.scoreBlock(all, some);
        squares += kernels.sumSquares(all, all.length);
      });
    }
    return Math.sqrt(squares / (n * nItems)) || 1;
  });
}

/** KeptScores: every model's scores of the users that were asked for, so that other weights cost a sum and not the models. */
class KeptScores {
  readonly #models: readonly Recommender[];
  readonly #rows = new Map<number, Block>(); // (models, items) for each user
  #bytes = 0;

  constructor(models: readonly Recommender[]) { this.#models = models; }

  /** out[b] += Σ_m weights[m] · the scores of model m for users[b]; false where there is no room to keep them. Runs inside a scope. */
  add(out: Float32Array, users: Int32Array, weights: readonly number[]): boolean {
    const n = out.length / users.length, unknown = users.filter((user) => !this.#rows.has(user)), needed = unknown.length * this.#models.length * 4 * n;
    if (this.#bytes + needed > MOST_KEPT || needed > (memoryUse().limit - memoryUse().inUse) / 2 || !memoryUse().shared) return false; // unshared memory cannot grow in a scope
    if (unknown.length > 0) this.#keep(unknown, n);
    for (let b = 0; b < users.length; b++) {
      const row = this.#rows.get(users[b])!.floats();
      for (let m = 0; m < weights.length; m++) if (weights[m] !== 0) kernels.addScaled(out.subarray(b * n, (b + 1) * n), row.subarray(m * n, (m + 1) * n), n, weights[m]);
    }
    return true;
  }

  #keep(users: Int32Array, n: number): void {
    const some = scratchCopy(users), all = scratch(users.length * n).floats();
    for (const user of users) if (!this.#rows.has(user)) { this.#rows.set(user, allocate(this.#models.length * n)); this.#bytes += this.#models.length * 4 * n; }
    for (const [m, { answers }] of this.#models.entries()) {
      answers.scoreBlock(all, some);
      for (let b = 0; b < users.length; b++) this.#rows.get(users[b])!.floats().set(all.subarray(b * n, (b + 1) * n), m * n);
    }
  }

  free(): void { for (const block of this.#rows.values()) free(block); }
}
