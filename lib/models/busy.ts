import { TightrecError } from '../errors.ts';
import type { Recommender } from './recommender.ts';

/** The models that are learning now, or about to. */
const busy = new WeakSet<Recommender>();

/** The model that got ready and goes on to fit, while it does so without a pause. */
let goingOn: Recommender | null = null;

/** checkIdle: refuses a call that would change a model under its own fit. */
export function checkIdle(model: Recommender, call: string): void {
  if (busy.has(model)) throw new TightrecError('bad-input', `${model.name}.${call}: this model is being fitted; await that fit, or abort it, first`);
}

async function marked(model: Recommender, fit: () => Promise<unknown>): Promise<void> {
  checkIdle(model, 'fit');
  busy.add(model);
  try { await fit(); } finally { busy.delete(model); }
}

/** alone: runs a fit, while which the model refuses another. */
export async function alone(model: Recommender, fit: () => Promise<unknown>): Promise<void> {
  if (goingOn !== model) return marked(model, fit);
  goingOn = null;
  await fit();
}

/** whenReady: refuses any other fit of the model while `prepare` gets ready, which may take its time (what learns is loaded, a device opens); then fits, by a function that comes to `alone` before its first pause. */
export function whenReady<Ready>(model: Recommender, prepare: () => Promise<Ready>, fit: (ready: Ready) => Promise<unknown>): Promise<void> {
  return marked(model, async () => {
    const ready = await prepare();
    goingOn = model;
    let fitted: Promise<unknown>;
    try { fitted = fit(ready); } finally { goingOn = null; }
    await fitted;
  });
}
