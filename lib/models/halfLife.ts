import { TightrecError } from '../errors.ts';
import type { ModelState } from './modelState.ts';
import { type Rule, orNull, positive } from './settings.ts';

// The setting halfLife, and what a file says of it; fading.ts counts.

/** Days after which an event counts half; null counts all alike. */
export const halfLifeRule: Rule = orNull(positive);

/** latestFrom: the time of the last event, from a model file. Errors: 'file-damaged'. */
export function latestFrom({ model, numbers: { latest } }: ModelState): number {
  if (!Number.isFinite(latest)) throw new TightrecError('file-damaged', `${model}: the number latest must be a time, got ${latest ?? 'none'}`);
  return latest;
}
