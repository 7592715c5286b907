import type { Interactions } from '../data/interactions.ts';
import { kFold } from '../data/split.ts';
import { TightrecError, checkNames, describe } from '../errors.ts';
import { type Rater, evaluateRatings } from './evaluateRatings.ts';

/** Fittable: what crossValidate asks of a model. */
export interface Fittable { fit(data: Interactions, options?: object): Promise<unknown>; free?(): void }

/** Measures: numbers by name; what else a measure returns beside them is passed over. */
export type Measures = Readonly<Record<string, unknown>>;

export interface CrossValidateOptions<Model extends Fittable> {
  /** How many folds; 5 by default. */
  k?: number;
  /** Which folds; 1 by default. */
  seed?: number;
  /** What is measured of a fitted model: numbers by name. By default `rmse` and `mae` of the ratings, so another kind of model needs one. */
  measure?: (model: Model, test: Interactions, train: Interactions) => Measures | Promise<Measures>;
  /** After each fold. */
  onFold?: (fold: Fold) => void;
  /** What else fit is given, such as the side tables of a model with features. */
  fitOptions?: object;
  /** Handed to fit. */
  threads?: number | 'all';
  /** Ends it; it rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** Fold: what was measured of one fold, 1 to k; `fitSeconds` and `testSeconds` are what fit and measure took. */
export type Fold = { readonly fold: number; readonly fitSeconds: number; readonly testSeconds: number } & { readonly [name: string]: number };

/** CrossValidation: the folds, and of each number the mean and the standard deviation over them. */
export interface CrossValidation {
  readonly folds: readonly Fold[];
  readonly mean: Readonly<Record<string, number>>;
  readonly deviation: Readonly<Record<string, number>>;
}

/**
 * crossValidate: fits a new model on all but one of k pieces of the data and measures it on the one left out, for each of them in turn.
 *
 *   mean = 1/k Σ_f value[f]     deviation = (1/k Σ_f (value[f] - mean)²)^1/2
 *
 * `make` gives a model for each fold, 1 to k. The folds are those of kFold. A model is freed once it has been measured.
 * Errors: 'bad-setting' for options that make no sense, 'bad-input' for a measure that gives no number; as of kFold, fit and the measure.
 */
export async function crossValidate<Model extends Fittable>(make: (fold: number) => Model, data: Interactions, options: CrossValidateOptions<Model> = {}): Promise<CrossValidation> {
  if (typeof make !== 'function') throw new TightrecError('bad-setting', `crossValidate: expected a function that makes a model, such as () => new RatingMF(), got ${describe(make)}`);
  checkNames('crossValidate', options, ['k', 'seed', 'measure', 'onFold', 'fitOptions', 'threads', 'signal']);
  const { k = 5, seed = 1, onFold, fitOptions, threads, signal } = options, measure = options.measure ?? ((model: Model, test: Interactions): Measures => ratingErrors(model, test));
  for (const [name, value] of Object.entries({ measure, onFold })) if (value !== undefined && typeof value !== 'function') throw new TightrecError('bad-setting', `crossValidate: ${name} must be a function, got ${describe(value)}`);
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') throw new TightrecError('bad-setting', `crossValidate: signal must be an AbortSignal (the controller's .signal), got ${describe(signal)}`);

  const folds: Fold[] = [];
  for (const [at, { train, test }] of kFold(data, { k, seed }).entries()) {
    signal?.throwIfAborted();
    const model = make(at + 1), began = performance.now();
    if (typeof model?.fit !== 'function') throw new TightrecError('bad-input', `crossValidate: expected make to give a model for each fold, got ${describe(model)} for fold ${at + 1}`);
    await model.fit(train, { ...fitOptions, ...(threads !== undefined && { threads }), ...(signal && { signal }) });
    const fitted = performance.now(), numbers = numbersOf(await measure(model, test, train));
    const fold: Fold = { ...numbers, fold: at + 1, fitSeconds: (fitted - began) / 1000, testSeconds: (performance.now() - fitted) / 1000 };
    const lacking = Object.keys({ ...folds[0], ...numbers }).find((name) => folds.length > 0 && (!Object.hasOwn(fold, name) || !Object.hasOwn(folds[0], name)));
    if (lacking !== undefined) throw new TightrecError('bad-input', `crossValidate: measure must give the same numbers for each fold, but ${lacking} is not there for fold ${Object.hasOwn(fold, lacking) ? 1 : at + 1}`);
    model.free?.();
    folds.push(fold);
    onFold?.(fold);
  }
  const names = Object.keys(folds[0]).filter((name) => name !== 'fold'), over = (of: (name: string) => number): Record<string, number> => Object.fromEntries(names.map((name) => [name, of(name)]));
  const mean = over((name) => folds.reduce((sum, fold) => sum + fold[name], 0) / k);
  return { folds, mean, deviation: over((name) => Math.sqrt(folds.reduce((sum, fold) => sum + (fold[name] - mean[name]) ** 2, 0) / k)) };
}

function ratingErrors(model: Fittable, test: Interactions): Measures {
  const { rmse, mae } = evaluateRatings(model as unknown as Rater, test);
  return { rmse, mae };
}

function numbersOf(measures: Measures): Record<string, number> {
  const numbers = Object.entries(measures ?? {}).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  if (numbers.length === 0) throw new TightrecError('bad-input', `crossValidate: measure must give numbers by name, such as { rmse: 0.93 }, got ${describe(measures)}`);
  for (const [name, value] of numbers) if (!Number.isFinite(value)) throw new TightrecError('bad-input', `crossValidate: measure must give finite numbers, got ${value} for ${name}`);
  return Object.fromEntries(numbers);
}
