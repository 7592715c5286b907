import { kernels } from '../../kernels/answering.ts';
import { scope } from '../../kernels/memory.ts';
import { type ThreadsOption, checkThreads } from '../../kernels/onThreads.ts';
import { type Threads, holdThreads } from '../../kernels/threads.ts';
import type { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { type Interactions, isInteractions } from '../data/interactions.ts';
import { TightrecError, describe } from '../errors.ts';
import { release } from '../optim/release.ts';
import { alone, checkIdle } from './busy.ts';
import { type Checkpoint, type Checkpoints, type Moving, type Snapshot, checkCheckpoint, markOf, putBack, snapshotOf } from './checkpoint.ts';
import { encodeLike } from './events.ts';
import type { Recommender } from './recommender.ts';
import { checkNames } from './settings.ts';

export interface EpochReport {
  /** 1 for the first; partialFit counts on. */
  readonly epoch: number;
  readonly epochs: number;
  /**
   * Mean over the epoch's batches of each batch's mean loss (a short last batch counts as much as the others), regularisation left out; of
   * AlternatingLeastSquares the whole objective, as the model says; 0 for a model that learns in one go.
   */
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
  /**
   * How many threads share the work, or 'all' that the machine has; 1 unless told otherwise. The numbers are the same to the bit, unless a model says
   * otherwise. Where memory cannot be shared it is one, whatever is asked; `backend()` says why.
   */
  threads?: ThreadsOption;
  /** Stop when `validation` has not improved for this many epochs, and go back to the best. Needs `validation`. */
  patience?: number;
  /**
   * Where the fit is kept after each whole epoch, once `onEpoch` has returned; what is there already it goes on from, to the same bytes. Give the same
   * `validation` and `patience` again.
   */
  checkpoints?: Checkpoints;
}

/** What a model gives the loop. */
export interface Plan extends Moving {
  readonly model: Recommender;
  /** Which of the parameters must stay of a sensible size; all, unless told. */
  readonly sized?: readonly Tensor[] | undefined;
  readonly data: Interactions;
  /** What is known of users and of items beside it, of a model that is told. */
  readonly features?: readonly Csr[] | undefined;
  readonly epochs: number;
  /** Epochs done before, by fit or an earlier partialFit. */
  readonly epochsBefore: number;
  readonly steps: number; // of the epoch that has begun
  /** `threads` is how many its steps run on. What an epoch does depends on the number of the epoch, on the generator and on what training moves, and on nothing else that an epoch leaves behind. */
  beginEpoch?(epoch: number, threads: number): void;
  /**
   * One training step, inside a scope of its own; returns the mean loss of a sample. Where the work takes its time (on a gpu), it returns the
   * rest of the work: a function that is called when the scope has ended, and so uses nothing made inside.
   */
  step(step: number): number | Later;
  /** After an epoch's last step: brings the parameters into their tensors, where steps have kept them elsewhere. */
  endEpoch?(): Promise<void>;
  /** The loss of the epoch that has ended, where that is not the mean of its steps'. */
  epochLoss?(): number;
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

/** checkFit: refuses at once what a fit refuses, and a fit of a model that is being fitted. */
export function checkFit(model: Recommender, options: FitOptions): void {
  checkIdle(model, 'fit');
  checkOptions(model, options);
}

/**
 * train: the one training loop. Batches and steps are the model's; progress, validation, early stopping, cancellation and the check that
 * training has not diverged are here. It yields to the event loop every few steps.
 *
 * Errors: the signal's reason when aborted; 'diverged' when the loss is not finite or over 100 times that of the first step (100 at least), or when
 * the root mean square of a table reaches 1e6. Then parameters, optimiser and generator are those of the last whole epoch; before the first, the model
 * is as it was. 'wrong-checkpoint' for one of another model, other settings or other data.
 */
export function train(plan: Plan, options: FitOptions): Promise<void> {
  return alone(plan.model, () => {
    try { checkOptions(plan.model, options); } catch (error) {
      if (plan.epochsBefore === 0) release(Object.values(plan.parameters), plan.optimizer); // nobody has seen them
      throw error;
    }
    return run(plan, options);
  });
}

async function run(plan: Plan, options: FitOptions): Promise<void> {
  const { model } = plan, { signal, patience = Infinity, checkpoints } = options, last = plan.epochsBefore + plan.epochs, parameters = Object.values(plan.parameters);
  const began = performance.now();
  let yielded = began, firstLoss = Number.NaN, done = plan.epochsBefore, seen = done > 0;
  let whole: Snapshot | null = done > 0 ? snapshotOf(plan, done) : null; // the last whole epoch
  let best: Checkpoint['best'] = null, threads: Threads | null = null;

  try {
    if (checkpoints && done > 0) throw new TightrecError('bad-setting', `${model.name}.partialFit: checkpoints keep a fit from its beginning, and this goes on from what is in memory; leave them out, or call fit with more epochs`);
    const mark = checkpoints ? markOf(plan.data, plan.features) : null, found = await checkpoints?.load() ?? null;
    if (found !== null) {
      checkCheckpoint(`${model.name}.fit: ${checkpoints!.name ?? 'the checkpoint'}`, found, plan, mark!);
      ({ last: whole, firstLoss } = found);
      if (options.patience !== undefined) best = found.best;
      putBack(plan, whole);
      done = whole.epoch;
      plan.commit(done);
      seen = true;
    }

    const judge = judgeOf(model, options);
    threads = holdThreads(checkThreads(model.name, options.threads));
    while (done < last && !(best !== null && done - best.at.epoch >= patience)) {
      const epoch = done + 1;
      plan.beginEpoch?.(epoch, threads.count);
      const { steps } = plan; // epochs may differ: whole baskets come in other batches each time
      let total = 0;
      for (let step = 1; step <= steps; step++) {
        const made = threads.run(() => scope(() => plan.step(step - 1))), loss = typeof made === 'number' ? made : await made();
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
      const largest = Math.max(...(plan.sized ?? parameters).map((w) => Math.sqrt(kernels.sumSquares(w.data, w.size) / w.size)));
      if (!(largest < MOST_RMS)) throw diverged(model, epoch, steps, largest, 'the size of the factors');

      whole = null; // so that never two are held; what the parameters are now is a whole epoch too
      whole = snapshotOf(plan, epoch);
      done = epoch;
      plan.commit(epoch);
      seen = true;
      const validation = await judge();
      if (validation !== null && options.patience !== undefined && (best === null || validation > best.value)) best = { value: validation, at: whole };
      await options.onEpoch?.({ epoch, epochs: last, loss: plan.epochLoss?.() ?? total / steps, validation, seconds: (performance.now() - began) / 1000 });
      if (checkpoints) {
        const state = model.toState();
        await checkpoints.save({ state: { ...state, tensors: { ...state.tensors, ...whole.tensors } }, data: mark!, firstLoss, last: whole, best });
      }
      signal?.throwIfAborted();
    }
  } catch (error) {
    if (!seen) release(parameters, plan.optimizer); // nobody has seen them
    else if (whole !== null) putBack(plan, whole);
    throw error;
  } finally {
    threads?.release();
  }
  if (best !== null) { putBack(plan, best.at); plan.commit(best.at.epoch); }
}

function diverged(model: Recommender, epoch: number, step: number, value: number, what = 'the loss'): TightrecError {
  const { learningRate: rate, temperature = 1 } = model.settings as { learningRate?: number; temperature?: number };
  return new TightrecError('diverged', `${model.name}: training diverged in epoch ${epoch}, step ${step}: ${what} became ${value}; ${rate === undefined ? 'the numbers that go in are too large' : `lower learningRate, which is ${rate}${temperature < 1 ? `, or raise temperature, which is ${temperature}` : ''}`}`);
}

function checkOptions(model: Recommender, options: FitOptions): void {
  const where = `${model.name}.fit`;
  checkNames(where, options, ['onEpoch', 'onStep', 'signal', 'threads', 'validation', 'patience', 'checkpoints']);
  const { patience, validation, signal, threads, checkpoints } = options;
  for (const name of ['onEpoch', 'onStep'] as const) if (options[name] !== undefined && typeof options[name] !== 'function') throw new TightrecError('bad-setting', `${where}: ${name} must be a function, got ${describe(options[name])}`);
  if (signal !== undefined && typeof signal?.throwIfAborted !== 'function') throw new TightrecError('bad-setting', `${where}: signal must be an AbortSignal (the controller's .signal), got ${describe(signal)}`);
  checkThreads(where, threads);
  if (validation !== undefined && typeof validation !== 'function' && !isInteractions(validation)) throw new TightrecError('bad-setting', `${where}: validation must be interactions or a function of the model, got ${describe(validation)}`);
  if (patience !== undefined && !(Number.isInteger(patience) && patience >= 1)) throw new TightrecError('bad-setting', `${model.name}: patience must be a whole number from 1 up, got ${patience}`);
  if (patience !== undefined && validation === undefined) throw new TightrecError('bad-setting', `${model.name}: patience needs validation: how else to tell that it does not improve?`);
  if (checkpoints !== undefined && (typeof checkpoints?.load !== 'function' || typeof checkpoints.save !== 'function')) throw new TightrecError('bad-setting', `${where}: checkpoints must be an object with load and save, such as checkpointFile(path) of tightrec/node gives, got ${describe(checkpoints)}`);
  signal?.throwIfAborted();
}

/** judgeOf: what `validation` says of the model as it is now, or null without one. Held-out events are taken by their raw ids, whatever their encoders. */
export function judgeOf(model: Recommender, { validation, threads }: Pick<FitOptions, 'validation' | 'threads'>): () => Promise<number | null> {
  let held: Interactions | null = null;
  return async () => {
    if (validation === undefined) return null;
    if (typeof validation === 'function') {
      const value = await validation(model);
      if (!Number.isFinite(value)) throw new TightrecError('bad-input', `${model.name}: validation must give a number, got ${value}`);
      return value;
    }
    const { catalogue } = model.answers;
    const { evaluate } = await import('../metrics/evaluate.ts'); // when asked, so that who fits without validation need not load it
    held ??= encodeLike(`${model.name}, validation`, validation, catalogue, 'leave such events out of validation');
    return evaluate(model, held.matrix, { k: 10, exclude: catalogue.seen, ...(threads !== undefined && { threads }) }).ndcg;
  };
}

/** Pace: how work that takes its time shares the machine. */
export interface Pace {
  /** Awaited between its steps: progress goes out, others get their turn, an abort comes in. */
  turn(step: number, steps: number): Promise<void>;
  /** Does a step, which is synchronous, on the fit's threads. */
  run<T>(step: () => T): T;
}

/** countOnce: fit's options for a model that learns in one go: that is its one epoch. What `learn` found counts only when it has returned. */
export function countOnce(model: Recommender, options: FitOptions, learn: (pace: Pace) => void | Promise<void>): Promise<void> {
  return alone(model, async () => {
    checkOptions(model, options);
    if (options.checkpoints) throw new TightrecError('bad-setting', `${model.name}.fit: it learns in one go and has no epochs to come back to; leave checkpoints out`);
    const began = performance.now(), { onStep, onEpoch, signal } = options, threads = holdThreads(checkThreads(model.name, options.threads));
    let yielded = began;
    const turn = async (step: number, steps: number): Promise<void> => {
      if (performance.now() - yielded <= YIELD_EVERY_MS) return;
      onStep?.({ epoch: 1, epochs: 1, step, steps, loss: 0 });
      await breathe();
      signal?.throwIfAborted();
      yielded = performance.now();
    };
    try { await learn({ turn, run: threads.run.bind(threads) }); } finally { threads.release(); }
    const validation = await judgeOf(model, options)();
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
