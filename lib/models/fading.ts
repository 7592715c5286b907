import type { Interactions } from '../data/interactions.ts';
import { TightrecError } from '../errors.ts';

// Events that count for less the older they are.

/** DAY: of milliseconds, as times are. */
export const DAY = 86_400_000;

/** lastTime: T, the time of the last event; 0 without times. */
export const lastTime = (data: Interactions): number => data.time === null ? 0 : data.time.reduce((a, b) => Math.max(a, b), -Infinity);

/** fade: what is left at `latest` of what counted 1 at `time`: 2^(-(latest - time) / halfLife). */
export const fade = (halfLife: number | null, time: number, latest: number): number => halfLife === null ? 1 : 2 ** (-(latest - time) / (halfLife * DAY));

/**
 * fadedValues: the value of each event as it counts at `latest`, 1 where the data has no values.
 * Errors: 'bad-input' when the data has no times.
 */
export function fadedValues(model: string, data: Interactions, halfLife: number, latest: number): Float64Array {
  if (data.time === null) throw new TightrecError('bad-input', `${model}: halfLife is ${halfLife} days but these interactions have no times; give times, or halfLife: null`);
  return Float64Array.from(data.time, (time, e) => (data.value ? data.value[e] : 1) * fade(halfLife, time, latest));
}
