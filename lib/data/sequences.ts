import { TightrecError } from '../errors.ts';
import type { Groups } from './csr.ts';
import type { Interactions } from './interactions.ts';

/**
 * Sequences: events in the order in which they happened, basket by basket (or user by user). Sequence s holds `items[at]` for indptr[s] <= at <
 * indptr[s + 1]. None is empty.
 */
export interface Sequences extends Groups {
  readonly user: Int32Array; // (sequences) whose it is
  readonly event: Int32Array; // (n) which event of the data stands at this place
}

/**
 * sequencesOf: the sequences in a data set: runs of one basket, which end as well where the user changes; without baskets all events of a user,
 * in the order of time, those of one moment (or all, without times) as they were given. Users without events have none.
 */
export function sequencesOf({ user, item, time, basket }: Pick<Interactions, 'user' | 'item' | 'time' | 'basket'>): Sequences {
  const event = Int32Array.from(user, (_, at) => at);
  if (!basket) event.sort((a, b) => user[a] - user[b] || (time ? time[a] - time[b] : 0) || a - b);

  const starts: number[] = [], owner: number[] = [];
  for (let at = 0; at < event.length; at++) {
    const e = event[at], before = event[at - 1];
    if (at > 0 && user[e] === user[before] && (!basket || basket[e] === basket[before])) continue;
    starts.push(at);
    owner.push(user[e]);
  }
  return { indptr: Int32Array.from([...starts, event.length]), items: event.map((e) => item[e]), user: Int32Array.from(owner), event };
}

/**
 * SequenceBatch: stretches of sequences side by side, as the op `lstm` takes them. Stretch b begins at place `from[b]` of `sequence[b]`; `sizes[t]` of
 * the stretches, never more than at the step before, are still running at step t. A place below 0 is padding.
 */
export interface SequenceBatch {
  readonly sequence: Int32Array; // (B)
  readonly from: Int32Array; // (B)
  readonly sizes: Int32Array; // (T)
  readonly goesOn: boolean; // the first B stretches of the batch before, further on: the state is carried over
}

/**
 * BatchRows: what a batch feeds the model and asks of it, step after step. Shapes: (R), R = Σ sizes. A code is an item's row + 1. Code 0 stands
 * before every sequence, so a sequence of n items is n predictions: inputs 0, i1, ..., i(n-1), targets i1, ..., in.
 */
export interface BatchRows {
  readonly inputs: Int32Array; // the code before
  readonly targets: Int32Array; // the code that came
  readonly users: Int32Array; // the user's row
  readonly places: Int32Array; // where the target stands in `items`; -1 for padding, whose input and target are 0
}

/** batchRows: the rows of a batch. */
export function batchRows({ indptr, items, user }: Sequences, { sequence, from, sizes }: SequenceBatch): BatchRows {
  const R = sizes.reduce((sum, n) => sum + n, 0), inputs = new Int32Array(R), targets = new Int32Array(R), users = new Int32Array(R), places = new Int32Array(R);
  for (let t = 0, r = 0; t < sizes.length; t++) {
    for (let b = 0; b < sizes[t]; b++, r++) {
      const s = sequence[b], place = from[b] + t, at = indptr[s] + place;
      users[r] = user[s];
      places[r] = place < 0 ? -1 : at;
      if (place >= 0) targets[r] = items[at] + 1;
      if (place > 0) inputs[r] = items[at - 1] + 1;
    }
  }
  return { inputs, targets, users, places };
}

/**
 * packed: whole sequences side by side, `batchSize` at a time in the given order, the longest of a batch first (equally long ones as they come). Those
 * longer than `steps` go on in the next batch, then in the one after it: no place twice, no padding.
 */
export function packed({ indptr }: Groups, order: Int32Array, batchSize: number, steps: number): SequenceBatch[] {
  checkWhole('packed', 'batchSize', batchSize);
  checkWhole('packed', 'steps', steps);
  const lengthOf = (s: number): number => indptr[s + 1] - indptr[s], batches: SequenceBatch[] = [];
  for (let first = 0; first < order.length; first += batchSize) {
    const all = order.slice(first, first + batchSize).sort((a, b) => lengthOf(b) - lengthOf(a)); // stable
    for (let place = 0; place < lengthOf(all[0]); place += steps) {
      const running = (t: number): number => { const ended = all.findIndex((s) => lengthOf(s) <= t); return ended < 0 ? all.length : ended; };
      const B = running(place), T = Math.min(steps, lengthOf(all[0]) - place);
      batches.push({
        sequence: all.slice(0, B), from: new Int32Array(B).fill(place), sizes: Int32Array.from({ length: T }, (_, t) => running(place + t)), goesOn: place > 0,
      });
    }
  }
  return batches;
}

/** checkWhole: refuses a setting that is no whole number from 1 up. Errors: 'bad-setting'. */
export function checkWhole(where: string, name: string, value: number): void {
  if (!(Number.isInteger(value) && value >= 1)) throw new TightrecError('bad-setting', `${where}: ${name} must be a whole number from 1 up, got ${value}`);
}
