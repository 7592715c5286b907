import type { Tensor } from '../autodiff/tensor.ts';
import { type Csr, countPairs } from '../data/csr.ts';
import { columnsMet, rowsMet } from '../data/csrTransforms.ts';
import { type Interactions, rowOrNone } from '../data/interactions.ts';
import type { RawId } from '../data/labelEncoder.ts';
import { TightrecError, describe } from '../errors.ts';
import type { RatingOptions } from '../metrics/index.ts';
import { score } from './answer.ts';
import type { Catalogue } from './catalogue.ts';
import { checkEvents } from './events.ts';
import type { Factors } from './factors.ts';
import type { ModelState } from './modelState.ts';
import type { Recommender } from './recommender.ts';
import { checkNames, flag, orNull, positive, show } from './settings.ts';

// What all models of ratings share: where ratings come from, and how a score becomes one.

/** RatingRange: the lowest and the highest rating that was learned from. */
export interface RatingRange { readonly lowest: number; readonly highest: number }

/** Biases: what a rating is predicted from where one of the two is not known. */
export interface Biases { readonly mean: number; readonly user: ArrayLike<number>; readonly item: ArrayLike<number> }

/** Prediction: a rating, and whether the model has ratings of the user and of the item. Where it has none, the rating is the mean and the bias that there is. */
export interface Prediction { readonly rating: number; readonly known: { readonly user: boolean; readonly item: boolean } }

/** RatingModel: a recommender whose score is a rating. */
export interface RatingModel extends Recommender {
  /** The rating of each (user, item) pair of rows; -1 is a user or an item that the model does not have. Shapes: users, items (B) -> (B). */
  predict(users: ArrayLike<number>, items: ArrayLike<number>, options?: RatingOptions): Float32Array;
  /** The rating of one pair by raw ids, which need not be known. */
  predictFor(user: RawId, item: RawId, options?: RatingOptions): Prediction;
}

/** ratingsOf: the ratings of interactions; `orElse` ends the advice. Errors: 'bad-input' where there are none. */
export function ratingsOf(where: string, data: Interactions, orElse = ''): Float32Array {
  checkEvents(where, data);
  if (data.value === null) throw new TightrecError('bad-input', `${where}: expected a rating for each event, but these interactions have no values; give interactions() values, or readInteractions() a value column${orElse}`);
  return data.value;
}

/** countsOf: how many ratings each entry of the matrix is the sum of. */
export const countsOf = (data: Interactions): Float32Array => countPairs(data.user, data.item, data.users.size, data.items.size).values;

export const meanOf = (ratings: Float32Array): number => ratings.reduce((sum, r) => sum + r, 0) / ratings.length;

export function rangeOf(ratings: Float32Array): RatingRange {
  let lowest = Infinity, highest = -Infinity;
  for (const r of ratings) { lowest = Math.min(lowest, r); highest = Math.max(highest, r); }
  return { lowest, highest };
}

/** widened: the range of both. */
export const widened = (a: RatingRange, b: RatingRange): RatingRange => ({ lowest: Math.min(a.lowest, b.lowest), highest: Math.max(a.highest, b.highest) });

/** rangeFrom: the range back from a model file. Errors: 'file-damaged'. */
export function rangeFrom({ model, numbers: { lowest, highest } }: ModelState): RatingRange {
  if (![lowest, highest].every((rating) => Number.isFinite(Math.fround(rating))) || lowest > highest) throw new TightrecError('file-damaged', `${model}: expected the numbers lowest and highest, the range of the ratings, got ${lowest ?? 'none'} and ${highest ?? 'none'}`);
  return { lowest, highest };
}

/** clearUnmet: zeros in the vectors of rows that nothing is learned from, so that such a user or item is scored by the biases and not by where it started. */
export function clearUnmet({ user, item }: { user: Tensor; item: Tensor }, seen: Csr): void {
  for (const [table, met] of [[user, rowsMet(seen)], [item, columnsMet(seen)]] as const) {
    const [, K] = table.shape, { data } = table;
    met.forEach((is, row) => { if (is === 0) data.fill(0, row * K, (row + 1) * K); });
  }
}

/** biasesOf: those of a factor model with all three. */
export const biasesOf = ({ globalBias, userBias, itemBias }: Factors): Biases => ({ mean: globalBias!.data[0], user: userBias!.data, item: itemBias!.data });

const rules = { clip: flag, round: orNull(positive) };

/** predict: the ratings of pairs of rows, for every model of ratings. */
export function predict(model: Recommender, range: RatingRange, biases: Biases, users: ArrayLike<number>, items: ArrayLike<number>, options: RatingOptions): Float32Array {
  const where = `${model.name}.predict`;
  checkNames(where, options, Object.keys(rules));
  const { clip = true, round = null } = options;
  for (const [name, value] of Object.entries({ clip, round })) {
    const expected = rules[name as keyof typeof rules](value);
    if (expected !== null) throw new TightrecError('bad-setting', `${where}: ${name} must be ${expected}, got ${show(value)}`);
  }

  const known = (rows: ArrayLike<number>): Int32Array => Int32Array.from(rows, (row) => (row === -1 ? 0 : row)), none = (rows: ArrayLike<number>): boolean => Array.prototype.includes.call(rows, -1);
  for (const [name, rows] of Object.entries({ users, items })) if (typeof rows?.length !== 'number') throw new TightrecError('bad-input', `${where}, ${name}: expected an array of row numbers, got ${describe(rows)}`);
  const cold = none(users) || none(items), x = cold ? score(model, known(users), known(items)) : score(model, users, items);
  if (cold) {
    for (let at = 0; at < x.length; at++) {
      const user = users[at], item = items[at];
      if (user === -1 || item === -1) x[at] = biases.mean + (user === -1 ? 0 : biases.user[user]) + (item === -1 ? 0 : biases.item[item]);
    }
  }
  if (round !== null) for (let at = 0; at < x.length; at++) x[at] = Math.round(x[at] / round) * round;
  if (clip) for (let at = 0; at < x.length; at++) x[at] = Math.min(Math.max(x[at], range.lowest), range.highest);
  return x;
}

/** predictFor: the rating of one pair by raw ids, for every model of ratings. */
export function predictFor(model: RatingModel, user: RawId, item: RawId, options: RatingOptions): Prediction {
  const { catalogue } = model.answers, { users, items } = catalogue, where = `${model.name}.predictFor`;
  const u = rowOrNone(where, 'user', user, users), i = rowOrNone(where, 'item', item, items), [rating] = model.predict([u], [i], options), met = metBy(catalogue);
  return { rating, known: { user: u >= 0 && met.users[u] === 1, item: i >= 0 && met.items[i] === 1 } };
}

/** Which rows of a catalogue anything was learned from; counted once. */
function metBy({ seen }: Catalogue): { users: Uint8Array; items: Uint8Array } {
  let met = counted.get(seen);
  if (met === undefined) counted.set(seen, met = { users: rowsMet(seen), items: columnsMet(seen) });
  return met;
}
const counted = new WeakMap<Csr, { users: Uint8Array; items: Uint8Array }>();
