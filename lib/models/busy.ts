import { TightrecError } from '../errors.ts';
import type { Recommender } from './recommender.ts';

/** The models that are learning now, or about to. */
const busy = new WeakSet<Recommender>();

/** checkIdle: refuses a call that would change a model under its own fit. */
export function checkIdle(model: Recommender, call: string): void {
  if (busy.has(model)) throw new TightrecError('bad-input', `${model.name}.${call}: this model is being fitted; await that fit, or abort it, first`);
}

/** alone: runs a fit, while which the model refuses another. */
export async function alone(model: Recommender, fit: () => Promise<void>): Promise<void> {
  checkIdle(model, 'fit');
  busy.add(model);
  try { await fit(); } finally { busy.delete(model); }
}

/**
 * whenReady: refuses any other fit of the model while `prepare` gets ready, which may take its time (what learns is loaded, a device opens); then fits.
 */
export async function whenReady<Ready>(model: Recommender, prepare: () => Promise<Ready>, fit: (ready: Ready) => Promise<unknown>): Promise<void> {
  checkIdle(model, 'fit');
  busy.add(model);
  let ready: Ready;
  try { ready = await prepare(); } finally { busy.delete(model); }
  await fit(ready); // which marks the model again before anyone else has a turn
}
