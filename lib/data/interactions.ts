import { TightrecError, describe } from '../errors.ts';
import { type Csr, countPairs } from './csr.ts';
import { type RawId, LabelEncoder, twinOf } from './labelEncoder.ts';

/**
 * Interactions: who met what, event by event, with the encoders that lead back to raw ids. Made by `interactions` or `readInteractions`.
 * Events keep their order and their repeats; `matrix` adds them up.
 */
export interface Interactions {
  readonly users: LabelEncoder;
  readonly items: LabelEncoder;
  readonly user: Int32Array; // (n) row of the user of each event
  readonly item: Int32Array; // (n) row of the item
  readonly value: Float32Array | null; // (n) how much: a quantity, a rating; null counts each event once
  readonly time: Float64Array | null; // (n) milliseconds since 1970
  /** (n) Which basket (order, visit, session) an event is of. A run of events of one basket is a sequence; see `sequencesOf`. */
  readonly basket: Int32Array | null;
  /** users x items, how often (or how much) each user met each item; made at first use. */
  readonly matrix: Csr;
}

export interface InteractionOptions {
  values?: ArrayLike<number>;
  /** The lowest and the highest value that a rating may have; another is an error. */
  ratingScale?: readonly [lowest: number, highest: number];
  /** Milliseconds since 1970. */
  times?: ArrayLike<number>;
  /** The basket of each event, by any id: the number of an order, of a visit. The events of a basket stand together, in their order. */
  baskets?: ArrayLike<RawId>;
  /** Encoders learned elsewhere, so that rows mean the same in train and test. An id they do not hold is an error. */
  users?: LabelEncoder;
  items?: LabelEncoder;
}

/**
 * interactions: events given as parallel arrays of raw ids. Shapes: users, items, values, times, baskets (n).
 * Errors: 'bad-input' when empty, of unequal length, or with a value or time that is not a finite number (a value in float32), or a value outside ratingScale, and from
 * `matrix` where the values of a pair add up to none; 'unknown-id' for an id outside an encoder that was given.
 */
export function interactions(users: ArrayLike<RawId>, items: ArrayLike<RawId>, options: InteractionOptions = {}): Interactions {
  return fromRows(encodeEvents(users, items, options));
}

/** encodeEvents: the checks of `interactions`, and the raw ids as rows. */
export function encodeEvents(users: ArrayLike<RawId>, items: ArrayLike<RawId>, options: InteractionOptions): Omit<Interactions, 'matrix'> {
  const n = users.length, { values, times, baskets } = options;
  if (n === 0) throw new TightrecError('bad-input', 'interactions: expected at least one event, got none');
  for (const [name, array] of Object.entries({ items, values, times, baskets })) {
    if (array && array.length !== n) throw new TightrecError('bad-input', `interactions: users and ${name} must be equally long, got ${n} and ${array.length}`);
  }
  for (const [name, array] of Object.entries({ values, times })) {
    if (!array) continue;
    for (let at = 0; at < n; at++) {
      if (!Number.isFinite(name === 'values' ? Math.fround(array[at]) : array[at])) throw new TightrecError('bad-input', `interactions: ${name} must be finite numbers, got ${array[at]} at position ${at}${Number.isFinite(array[at]) ? ', and float32 ends at 3.4e38' : ''}`);
    }
  }
  if (options.ratingScale) {
    const { ratingScale } = options, [lowest, highest] = Array.isArray(ratingScale) ? ratingScale : [Number.NaN, Number.NaN];
    if (!(Number.isFinite(lowest) && Number.isFinite(highest) && lowest <= highest)) throw new TightrecError('bad-setting', `interactions: ratingScale must be the lowest and the highest rating, such as [1, 5], got ${String(ratingScale)}`);
    if (!values) throw new TightrecError('bad-setting', 'interactions: ratingScale is of ratings; give them as values');
    for (let at = 0; at < n; at++) if (!(values[at] >= lowest && values[at] <= highest)) throw new TightrecError('bad-input', `interactions: ratings must be from ${lowest} to ${highest}, got ${values[at]} at position ${at}`);
  }
  const userEncoder = options.users ?? LabelEncoder.fit(Array.from(users)), itemEncoder = options.items ?? LabelEncoder.fit(Array.from(items));
  return {
    users: userEncoder, items: itemEncoder,
    user: rowsOf('user', users, userEncoder), item: rowsOf('item', items, itemEncoder),
    value: values ? Float32Array.from(values) : null, time: times ? Float64Array.from(times) : null,
    basket: baskets ? LabelEncoder.fit(Array.from(baskets)).encodeAll(baskets) : null, // which numbers does not matter, only which are equal
  };
}

function rowsOf(kind: string, ids: ArrayLike<RawId>, encoder: LabelEncoder): Int32Array {
  const rows = encoder.encodeAll(ids);
  const at = encoder.unknown ? -1 : rows.indexOf(-1);
  if (at >= 0) throw new TightrecError('unknown-id', `interactions: ${kind} ${describeId(ids[at])} at position ${at} is not among the ${encoder.size} that the given encoder knows`);
  return rows;
}

/** describeId: an id as an error shows it, so that 17850 and '17850' can be told apart. */
export const describeId = (id: unknown): string => typeof id === 'string' ? `'${id}'` : id === null || id === undefined ? String(id) : typeof id === 'object' ? describe(id) : `${String(id)} (a ${typeof id})`;

/** checkSums: refuses a matrix of users and items in which values have added up to what float32 does not hold. Errors: 'bad-input', naming the pair. */
export function checkSums(where: string, matrix: Csr, users: LabelEncoder, items: LabelEncoder): Csr {
  const at = matrix.values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return matrix;
  const user = users.labels[matrix.indptr.findLastIndex((start) => start <= at)], item = items.labels[matrix.indices[at]];
  throw new TightrecError('bad-input', `${where}: the values of user ${describeId(user)} and item ${describeId(item)} add up to ${matrix.values[at]}; float32 ends at 3.4e38: give smaller values`);
}

/** fromRows: interactions whose row numbers are known already; `matrix` is made at first use. */
export function fromRows<Events extends Omit<Interactions, 'matrix'>>(events: Events): Events & Interactions {
  let matrix: Csr | null = null;
  return {
    ...events,
    get matrix(): Csr {
      const { users, items } = events;
      return matrix ??= checkSums('interactions', countPairs(events.user, events.item, users.size, items.size, events.value ?? undefined), users, items);
    },
  };
}

/** selectEvents: the events at these positions, with the same encoders, so that rows mean the same. */
export function selectEvents(data: Interactions, at: Int32Array): Interactions {
  return fromRows({
    users: data.users, items: data.items,
    user: at.map((e) => data.user[e]), item: at.map((e) => data.item[e]),
    value: data.value && Float32Array.from(at, (e) => data.value![e]), time: data.time && Float64Array.from(at, (e) => data.time![e]),
    basket: data.basket && at.map((e) => data.basket![e]),
  });
}

/**
 * rowOrNone: the row of an id that need not be known, -1 for one that is not.
 * Errors: 'unknown-id' where a model knows the same as a number or as a text: ids of another type would all be strangers; 'bad-input' for what cannot be an id.
 */
export function rowOrNone(where: string, kind: string, id: RawId, encoder: LabelEncoder): number {
  if (encoder.has(id)) return encoder.encode(id);
  if (!['string', 'number', 'bigint'].includes(typeof id)) throw new TightrecError('bad-input', `${where}: expected the id of ${kind === 'item' ? 'an' : 'a'} ${kind}, got ${describe(id)}`);
  const twin = twinOf(id, (other) => encoder.has(other));
  if (twin !== null) throw new TightrecError('unknown-id', `${where}: ${kind} ${describeId(id)} is not known, but ${describeId(twin)} is: ids must be of one type`);
  return -1;
}

/** isInteractions: whether this was made by interactions() or readInteractions(), as far as its shape tells. */
export function isInteractions(data: unknown): data is Interactions {
  if (typeof data !== 'object' || data === null) return false;
  const { users, items, user, item } = data as Partial<Interactions>;
  return users instanceof LabelEncoder && items instanceof LabelEncoder && user instanceof Int32Array && item instanceof Int32Array && 'matrix' in data;
}

/** checkData: refuses what is not interactions. */
export function checkData(where: string, data: unknown): asserts data is Interactions {
  if (!isInteractions(data)) throw new TightrecError('bad-input', `${where}: expected interactions, made by interactions() or readInteractions(), got ${describe(data)}`);
}

/** sameIds: whether a row means the same id in both. */
export const sameIds = (a: LabelEncoder, b: LabelEncoder): boolean => a === b || (a.size === b.size && a.labels.every((id, row) => id === b.labels[row]));

/** otherIds: the error for interactions whose rows mean something else than a model's; `which` says what they were given for. */
export const otherIds = (where: string, which: string): TightrecError => new TightrecError('bad-input', `${where}: the interactions ${which} have other ids than the model: their rows mean something else; make them with the model's encoders, { users: model.users, items: model.items }`);
