import { TightrecError, checkNames } from '../errors.ts';
import type { Groups } from './csr.ts';
import { type Interactions, checkData, selectEvents } from './interactions.ts';
import { random } from '../random.ts';
import { parseDate } from './parse.ts';

/**
 * cutByTime: which positions fall before the first cut, from it to the second, and so on; a time equal to a cut falls after it.
 * Shapes: times (n); one array of positions more than there are cuts. Errors: 'bad-setting' unless the cuts ascend.
 */
export function cutByTime(times: ArrayLike<number>, cuts: readonly number[]): Int32Array[] {
  for (let c = 0; c < cuts.length; c++) {
    if (!(Number.isFinite(cuts[c]) && (c === 0 || cuts[c] > cuts[c - 1]))) throw new TightrecError('bad-setting', `cutByTime: the cuts must be finite and ascend, got [${cuts.join(', ')}]`);
  }
  const pieces: number[][] = Array.from({ length: cuts.length + 1 }, () => []);
  for (let at = 0; at < times.length; at++) {
    let piece = 0;
    while (piece < cuts.length && times[at] >= cuts[piece]) piece++;
    pieces[piece].push(at);
  }
  return pieces.map((piece) => Int32Array.from(piece));
}

/**
 * splitByTime: the events before a date, from it to the next, and so on. Dates are Date objects, milliseconds since 1970, or text as a
 * table holds it: '2011-10-09', '2011-10-09 12:30', '2011-10-09T12:30:00+02:00'; without an offset it is UTC, whatever this machine's time
 * zone. The pieces share the encoders, so a row means the same user in each.
 * Errors: 'bad-input' when the data has no times; 'bad-setting' for dates that do not parse or do not ascend.
 */
export function splitByTime(data: Interactions, ...dates: readonly (Date | number | string)[]): Interactions[] {
  if (data.time === null) throw new TightrecError('bad-input', 'splitByTime: these interactions have no times; give `times` or a time column');
  return cutByTime(data.time, dates.map(milliseconds)).map((positions) => selectEvents(data, positions));
}

function milliseconds(date: Date | number | string): number {
  const time = typeof date === 'string' ? parseDate(date) : Number(date);
  if (!Number.isFinite(time)) throw new TightrecError('bad-setting', `splitByTime: ${typeof date === 'string' ? `'${date}'` : String(date)} is not a date; write it as '2011-10-09'`);
  return time;
}

/**
 * splitRandom: the events in two pieces, `share` of them in the second, drawn at random; in each piece they keep their order. The pieces share the
 * encoders, so a row means the same user in each, and either piece may have users and items that the other has not.
 * Errors: 'bad-setting' for a share that is not between 0 and 1 or leaves a piece empty.
 */
export function splitRandom(data: Interactions, options: { share?: number; seed?: number } = {}): [train: Interactions, test: Interactions] {
  checkData('splitRandom', data);
  checkNames('splitRandom', options, ['share', 'seed']);
  const { share = 0.2, seed = 1 } = options, n = data.user.length, held = Math.round(share * n);
  if (!(typeof share === 'number' && share > 0 && share < 1)) throw new TightrecError('bad-setting', `splitRandom: share must be a number between 0 and 1, got ${String(share)}`);
  if (held === 0 || held === n) throw new TightrecError('bad-setting', `splitRandom: a share of ${share} leaves one piece of ${n} events empty; take another`);
  const order = shuffled('splitRandom', n, seed);
  return [selectEvents(data, order.slice(held).sort()), selectEvents(data, order.slice(0, held).sort())];
}

/** FoldPieces: all events but those of a fold, and those of the fold. */
export interface FoldPieces { readonly train: Interactions; readonly test: Interactions }

/**
 * kFold: the events dealt at random to k folds, whose sizes differ by one at most. Each fold is the test of one pair, and all others are its train; the
 * events keep their order, and all pieces share the encoders.
 * Errors: 'bad-setting' unless k is a whole number from 2 to the number of events.
 */
export function kFold(data: Interactions, options: { k?: number; seed?: number } = {}): FoldPieces[] {
  checkData('kFold', data);
  checkNames('kFold', options, ['k', 'seed']);
  const { k = 5, seed = 1 } = options, n = data.user.length;
  if (!(Number.isInteger(k) && k >= 2 && k <= n)) throw new TightrecError('bad-setting', `kFold: k must be a whole number from 2 to ${n}, the number of events, got ${String(k)}`);
  const order = shuffled('kFold', n, seed), foldOf = new Int32Array(n), all = Int32Array.from({ length: n }, (_, event) => event);
  for (let at = 0; at < n; at++) foldOf[order[at]] = at % k;
  return Array.from({ length: k }, (_, fold) => ({ train: selectEvents(data, all.filter((event) => foldOf[event] !== fold)), test: selectEvents(data, all.filter((event) => foldOf[event] === fold)) }));
}

/** 0 .. n - 1 at random. */
function shuffled(where: string, n: number, seed: number): Int32Array {
  if (!Number.isFinite(seed)) throw new TightrecError('bad-setting', `${where}: seed must be a finite number, got ${String(seed)}`);
  return random(seed).shuffle(Int32Array.from({ length: n }, (_, event) => event));
}

/**
 * groupRuns: runs of equal keys (the rows of an invoice), as CSR pointers. A key that comes back later starts a group of its own.
 * Shapes: keys (n) -> indptr (groups + 1).
 */
export function groupRuns(keys: ArrayLike<unknown>): Int32Array {
  const indptr: number[] = [];
  for (let at = 0; at < keys.length; at++) if (at === 0 || keys[at] !== keys[at - 1]) indptr.push(at);
  indptr.push(keys.length);
  return Int32Array.from(indptr);
}

/** groupItems: the groups with their items beside them. Shapes: keys, items (n). */
export function groupItems(keys: ArrayLike<unknown>, items: Int32Array): Groups {
  if (keys.length !== items.length) throw new TightrecError('bad-input', `groupItems: keys and items must be equally long, got ${keys.length} and ${items.length}`);
  return { indptr: groupRuns(keys), items };
}
