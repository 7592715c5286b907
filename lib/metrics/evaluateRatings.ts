import type { Csr } from '../data/csr.ts';
import { rowsMet, columnsMet } from '../data/csrTransforms.ts';
import { type Interactions, isInteractions, rowOrNone } from '../data/interactions.ts';
import type { LabelEncoder } from '../data/labelEncoder.ts';
import { TightrecError, describe } from '../errors.ts';
import { mae, mse } from './ratingErrors.ts';

/** RatingOptions: how a rating is brought into the form of those that were given. */
export interface RatingOptions {
  /** Hold it to the lowest and the highest rating that was learned from. Default true. */
  clip?: boolean;
  /** Round it to the nearest multiple of this, before it is held to the range: 1 for whole stars, 0.5 for half ones. Default null, no rounding. */
  round?: number | null;
}

/** Rater: what `evaluateRatings` asks of a model. `predict` takes -1 for a row that the model does not have; `seen` holds what it learned from. */
export interface Rater {
  readonly users: LabelEncoder;
  readonly items: LabelEncoder;
  readonly answers: { readonly catalogue: { readonly seen: Csr } };
  predict(users: Int32Array, items: Int32Array, options: RatingOptions): Float32Array;
}

/** RatingEvaluation: the errors over n ratings; `cold` are the users and items among them that the model has no rating of, and the pairs with one of these. */
export interface RatingEvaluation {
  readonly rmse: number;
  readonly mse: number;
  readonly mae: number;
  readonly n: number;
  readonly cold: { readonly users: number; readonly items: number; readonly pairs: number };
}

/**
 * evaluateRatings: how far a model's ratings are from the values of held-out interactions: `rmse`, `mse` and `mae` over all of them.
 *
 * Users and items are known by their raw ids, whatever encoders the interactions have. Where the model has no rating of one it predicts from what else it
 * knows, biases or features, and the pair counts all the same: `cold` says how many there are.
 * Errors: 'bad-input' for interactions without values or without events; 'unsupported' for a model that predicts no ratings; 'unknown-id' for ids that the model
 * knows as another type, numbers or texts; as of `predict`.
 */
export function evaluateRatings(model: Rater, held: Interactions, options: RatingOptions = {}): RatingEvaluation {
  if (typeof (model as Partial<Rater> | null)?.predict !== 'function') throw new TightrecError('unsupported', `evaluateRatings: expected a model that predicts ratings, such as RatingMF, got ${(model as { name?: string } | null)?.name ?? describe(model)}; evaluate judges lists`);
  if (!isInteractions(held)) throw new TightrecError('bad-input', `evaluateRatings: expected interactions, got ${describe(held)}`);
  if (held.value === null) throw new TightrecError('bad-input', 'evaluateRatings: expected a rating for each event, but these interactions have no values');
  if (held.user.length === 0) throw new TightrecError('bad-input', 'evaluateRatings: needs at least one rating, got none');

  const { seen } = model.answers.catalogue, users = rowsOf('user', model.users, held.users, held.user), items = rowsOf('item', model.items, held.items, held.item);
  const predicted = model.predict(users, items, options), knowsUser = rowsMet(seen), knowsItem = columnsMet(seen), coldUsers = new Set<number>(), coldItems = new Set<number>();
  let pairs = 0;
  for (let at = 0; at < users.length; at++) {
    const user = users[at] >= 0 && knowsUser[users[at]] === 1, item = items[at] >= 0 && knowsItem[items[at]] === 1;
    if (!user) coldUsers.add(held.user[at]);
    if (!item) coldItems.add(held.item[at]);
    if (!user || !item) pairs++;
  }
  const squared = mse(predicted, held.value);
  return { rmse: Math.sqrt(squared), mse: squared, mae: mae(predicted, held.value), n: users.length, cold: { users: coldUsers.size, items: coldItems.size, pairs } };
}

/** The rows of one encoder as rows of a model's, -1 for an id that the model does not know. */
function rowsOf(kind: string, to: LabelEncoder, from: LabelEncoder, rows: Int32Array): Int32Array {
  if (to === from) return rows;
  const table = Int32Array.from(from.labels, (id) => (id === null ? -1 : rowOrNone('evaluateRatings', kind, id, to)));
  return rows.map((row) => table[row]);
}
