import { TightrecError } from '../errors.ts';
import type { Groups } from './csr.ts';
import { type Interactions, selectEvents } from './interactions.ts';
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
