import { kernels } from '../../kernels/index.ts';
import { scope } from '../../kernels/memory.ts';
import type { Tensor } from '../autodiff/tensor.ts';
import { type Interactions, isInteractions } from '../data/interactions.ts';
import { TightrecError, describe } from '../errors.ts';
import { evaluate } from '../metrics/index.ts';
import { encodeLike } from './catalogue.ts';
import type { Recommender } from './recommender.ts';
import { checkNames } from './settings.ts';

export interface EpochReport {
  /** 1 for the first; partialFit counts on. */
  readonly epoch: number;
  readonly epochs: number;
  /** Mean over the epoch's batches of each batch's mean loss (a short last batch counts as much as the others), regularisation left out; 0 for a model that learns in one go. */
  readonly loss: number;
  /** What `validation` gave after this epoch, or null without one. */
  readonly validation: number | null;
  /** Since fit began. */
  readonly seconds: number;
}

export interface StepReport {
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number; // of this epoch, from 1
  readonly steps: number;
  readonly loss: number;
}

export interface FitOptions {
  /** After each epoch; the model can recommend by then. */
  onEpoch?: (report: EpochReport) => void | Promise<void>;
  /** Now and then inside an epoch, for a progress bar. */
  onStep?: (report: StepReport) => void;
  /** Stops training; fit rejects with the signal's reason, and the model is that of the last whole epoch. */
  signal?: AbortSignal;
  /** Judges the model after each epoch, higher is better: a function, or held-out interactions (NDCG@10 of items not seen in training). */
  validation?: Interactions | ((model: Recommender) => number | Promise<number>);
  /** Stop when `validation` has not improved for this many epochs, and go back to the best. Needs `validation`. */
  patience?: number;
}

/** What a model gives the loop. */
export interface Plan {
  readonly model: Recommender;
  readonly epochs: number;
  /** Epochs done before, by fit or an earlier partialFit. */
  readonly epochsBefore: number;
  readonly steps: number; // of the epoch that has begun
  readonly parameters: readonly Tensor[];
  beginEpoch?(): void;
  /**
   * One training step, inside a scope of its own; returns the mean loss of a sample. Where the work takes its time (on a gpu), it returns the
   * rest of the work: a function that is called when the scope has ended, and so uses nothing made inside.
   */
  step(step: number): number | Later;
  /** After an epoch's last step: brings the parameters into their tensors, where steps have kept them elsewhere. */
  endEpoch?(): Promise<void>;
  /** The parameters now hold a whole epoch: from here on the model may be asked. */
  commit(epochsDone: number): void;
}

/** Later: the part of a training step that takes its time; resolves to the mean loss of a sample. */
export type Later = () => Promise<number>;

/**
 * Learner: what a model hands its batches to. The tape is a model's own; tightrec/gpu brings others. A batch's arrays belong to the step's scope:
 * what is needed later is copied.
 */
export interface Learner<Batch> {
  step(batch: Batch): number | Later;
  endEpoch?(): Promise<void>;
}

const YIELD_EVERY_MS = 30;

/** Sensible factors are of the order of 1; beyond this a model is noise, whatever its loss was a step ago. */
const MOST_RMS = 1e6;

/** The models that are learning now. */
const busy = new WeakSet<Recommender>();

/** checkIdle: refuses a call that would change a model under its own fit. */
export function checkIdle(model: Recommender, call: string): void {
  if (busy.has(model)) throw new TightrecError('bad-input', `${model.name}.${call}: this model is being fitted; await that fit, or abort it, first`);
}

/** alone: runs a fit, while which the model refuses another. */
async function alone(model: Recommender, options: FitOptions, work: () => Promise<void>): Promise<void> {
  checkIdle(model, 'fit');
  checkOptions(model, options);
  busy.add(model);
  try { await work(); } finally { busy.delete(model); }
}

/**
 * prepared: refuses at once what a fit refuses, and any other fit of the model while `prepare` gets ready, which may take its time (a device opens);
 * then fits.
 */
export async function prepared<Ready>(model: Recommender, options: FitOptions, prepare: () => Promise<Ready>, fit: (ready: Ready) => Promise<unknown>): Promise<void> {
  checkIdle(model, 'fit');
  checkOptions(model, options);
  busy.add(model);
  let ready: Ready;
  try { ready = await prepare(); } finally { busy.delete(model); }
  await fit(ready); // which marks the model again before anyone else has a turn
}

/**
 * train: the one training loop. Batches and steps are the model's; progress, validation, early stopping, cancellation and the check that
 * training has not diverged are here. It yields to the event loop every few steps.
 *
 * Errors: the signal's reason when aborted; 'diverged' when the loss is not finite or over 100 times that of the first step (100 at least), or when
 * the root mean square of a table reaches 1e6. Then the parameters are those of the last whole epoch; before the first, the model is as it was.
 */
export function train(plan: Plan, options: FitOptions): Promise<void> {
  return alone(plan.model, options, () => run(plan, options));
}

async function run(plan: Plan, options: FitOptions): Promise<void> {
  const { model, parameters } = plan, { signal, patience } = options, last = plan.epochsBefore + plan.epochs;
  const judge = judgeOf(model, options.validation);

  const began = performance.now();
  let yielded = began, firstLoss = Number.NaN;
  let whole: Float32Array[] | null = plan.epochsBefore > 0 ? copyOf(parameters) : null; // the last whole epoch
  let best: { epoch: number; value: number; parameters: Float32Array[] } | null = null;

  try {
    for (let epoch = plan.epochsBefore + 1; epoch <= last; epoch++) {
      plan.beginEpoch?.();
      const { steps } = plan; // epochs may differ: whole baskets come in other batches each time
      let total = 0;
      for (let step = 1; step <= steps; step++) {
        const made = scope(() => plan.step(step - 1)), loss = typeof made === 'number' ? made : await made();
        if (Number.isNaN(firstLoss)) firstLoss = loss;
        if (!Number.isFinite(loss) || loss > 100 * Math.max(firstLoss, 1)) throw diverged(model, epoch, step, loss);
        total += loss;
        if (performance.now() - yielded > YIELD_EVERY_MS) {
          options.onStep?.({ epoch, epochs: last, step, steps, loss });
          await breathe();
          signal?.throwIfAborted();
          yielded = performance.now();
        }
      }
      if (plan.endEpoch) await plan.endEpoch();
      const largest = Math.max(...parameters.map((w) => Math.sqrt(kernels.sumSquares(w.data, w.size) / w.size)));
      if (!(largest < MOST_RMS)) throw diverged(model, epoch, steps, largest, 'the size of the factors');

      whole = copyOf(parameters, whole);
      plan.commit(epoch);
      const validation = await judge();
      await options.onEpoch?.({ epoch, epochs: last, loss: total / steps, validation, seconds: (performance.now() - began) / 1000 });
      signal?.throwIfAborted();

      if (validation === null || patience === undefined) continue;
      if (best === null || validation > best.value) best = { epoch, value: validation, parameters: copyOf(parameters) };
      else if (epoch - best.epoch >= patience) break;
    }
  } catch (error) {
    if (whole !== null) restore(parameters, whole);
    throw error;
  }
  if (best !== null) { restore(parameters, best.parameters); plan.commit(best.epoch); }
}

function diverged(model: Recommender, epoch: number, step: number, value: number, what = 'the loss'): TightrecError {
  const rate = (model.settings as { learningRate?: number }).learningRate;
  return new TightrecError('diverged', `${model.name}: training diverged in epoch ${epoch}, step ${step}: ${what} became ${value}; lower learningRate${rate === undefined ? '' : `, which is ${rate}`}`);
}

const copyOf = (parameters: readonly Tensor[], into: Float32Array[] | null = null): Float32Array[] =>
  parameters.map((w, p) => { if (!into) return w.data.slice(); into[p].set(w.data); return into[p]; });

const restore = (parameters: readonly Tensor[], from: readonly Float32Array[]): void => parameters.forEach((w, p) => w.data.set(from[p]));

function checkOptions(model: Recommender, options: FitOptions): void {
  const where = `${model.name}.fit`, { patience, validation, signal } = options;
  checkNames(where, options, ['onEpoch', 'onStep', 'signal', 'validation', 'patience']);
  for (const name of ['onEpoch', 'onStep'] as const) if (options[name] !== undefined && typeof options[name] !== 'function') throw new TightrecError('bad-setting', `${where}: ${name} must be a function, got ${describe(options[name])}`);
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') throw new TightrecError('bad-setting', `${where}: signal must be an AbortSignal (the controller's .signal), got ${describe(signal)}`);
  if (validation !== undefined && typeof validation !== 'function' && !isInteractions(validation)) throw new TightrecError('bad-setting', `${where}: validation must be interactions or a function of the model, got ${describe(validation)}`);
  if (patience !== undefined && !(Number.isInteger(patience) && patience >= 1)) throw new TightrecError('bad-setting', `${model.name}: patience must be a whole number from 1 up, got ${patience}`);
  if (patience !== undefined && validation === undefined) throw new TightrecError('bad-setting', `${model.name}: patience needs validation: how else to tell that it does not improve?`);
  signal?.throwIfAborted();
}

/** judgeOf: what `validation` says of the model as it is now, or null without one. Held-out events are taken by their raw ids, whatever their encoders. */
export function judgeOf(model: Recommender, validation: FitOptions['validation']): () => Promise<number | null> {
  let held: Interactions | null = null;
  return async () => {
    if (validation === undefined) return null;
    if (typeof validation === 'function') {
      const value = await validation(model);
      if (!Number.isFinite(value)) throw new TightrecError('bad-input', `${model.name}: validation must give a number, got ${value}`);
      return value;
    }
    const { catalogue } = model.answers;
    held ??= encodeLike(`${model.name}, validation`, validation, catalogue, 'leave such events out of validation');
    return evaluate(model, held.matrix, { k: 10, exclude: catalogue.seen }).ndcg;
  };
}

/** Turn: what work that takes its time awaits between its steps: progress goes out, others get their turn, an abort comes in. */
export type Turn = (step: number, steps: number) => Promise<void>;

/** countOnce: fit's options for a model that learns in one go: that is its one epoch. What `learn` found counts only when it has returned. */
export function countOnce(model: Recommender, options: FitOptions, learn: (turn: Turn) => void | Promise<void>): Promise<void> {
  return alone(model, options, async () => {
    const began = performance.now(), { onStep, onEpoch, signal } = options;
    let yielded = began;
    await learn(async (step, steps) => {
      if (performance.now() - yielded <= YIELD_EVERY_MS) return;
      onStep?.({ epoch: 1, epochs: 1, step, steps, loss: 0 });
      await breathe();
      signal?.throwIfAborted();
      yielded = performance.now();
    });
    const validation = await judgeOf(model, options.validation)();
    await onEpoch?.({ epoch: 1, epochs: 1, loss: 0, validation, seconds: (performance.now() - began) / 1000 });
    signal?.throwIfAborted();
  });
}

/** Lets everything else that waits have its turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
