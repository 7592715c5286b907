import { notDevice } from '../../kernels/gpu.ts';
import { type GpuMode, isDevice } from '../../kernels/gpuDevice.ts';
import type { Interactions } from '../data/interactions.ts';
import { TightrecError, describe } from '../errors.ts';
import { BPR } from '../models/bpr.ts';
import { checkEvents } from '../models/events.ts';
import { weightsOf } from '../models/fit/bpr.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { checkNames } from '../models/settings.ts';
import { type FitOptions, checkFit } from '../models/train.ts';
import { type GpuLearner, checkRoom, pairLearner, tripleLearner } from './learners.ts';
import { type Gpu, type GpuOptions, openGpu } from './open.ts';

export interface GpuFitOptions extends Omit<FitOptions, 'threads'>, GpuOptions {
  /** What trains: 'gpu', the only one here. */
  backend?: 'gpu';
  /** A device that is open already, in place of `mode`; it stays open. */
  gpu?: Gpu;
}

export interface GpuFit<Model> {
  readonly model: Model;
  /** Which mode trained it. */
  readonly mode: GpuMode;
  /** Why that one. */
  readonly why: string;
}

/**
 * fit: model.fit(data), trained by gpu kernels. Settings, batches, seed and the training loop are the model's own; the numbers differ by rounding,
 * so the fitted model is as good, not the same bytes. Tables and moments stay on the device; an epoch's end brings them back.
 * Errors: those of openGpu and of model.fit, these before a device is opened; 'unsupported' for another kind of model and for tables and batches that
 * the device cannot hold; 'device-lost' when the device goes away in the middle, and 'stale' when it was given back: the model is then that of the last
 * whole epoch.
 */
export async function fit<Model extends LogisticMF | BPR>(model: Model, data: Interactions, options: GpuFitOptions = {}): Promise<GpuFit<Model>> {
  checkNames('fit on a gpu', options, ['backend', 'gpu', 'mode', 'threads', 'onEpoch', 'onStep', 'signal', 'validation', 'patience', 'checkpoints']);
  const { backend = 'gpu', gpu: open, mode, threads, ...rest } = options;
  if (backend !== 'gpu') throw new TightrecError('bad-setting', `fit on a gpu: backend must be 'gpu', got ${describe(backend)}; model.fit(data) trains without one`);
  if (open !== undefined && !isDevice(open)) throw notDevice('fit on a gpu', open);
  if (open !== undefined && (mode !== undefined || threads !== undefined)) throw new TightrecError('bad-setting', `fit on a gpu: gpu is open in mode '${open.mode}' already; give it or mode and threads, not both`);
  if (!(model instanceof LogisticMF || model instanceof BPR)) throw new TightrecError('unsupported', `fit on a gpu: expected a LogisticMF or a BPR, got ${whatIs(model)}`);
  model.check();
  if (model instanceof BPR && model.settings.solver !== 'adam') throw new TightrecError('unsupported', `fit on a gpu: a device trains in batches, with solver 'adam', got '${model.settings.solver}'; model.fit(data) trains with it`);
  checkEvents(`${model.name}.fit`, data);

  let gpu = open ?? null, trained = null as GpuLearner<never> | null;
  const learner = <Own extends GpuLearner<never>>(own: Own): Own => { trained = own; return own; };
  const prepare = async (): Promise<Gpu> => {
    gpu ??= await openGpu({ mode, threads });
    await gpu.upload(new Float32Array(0)); // is it still there?
    checkRoom(gpu, model, data);
    return gpu;
  };
  try {
    checkFit(model, rest);
    if (model instanceof LogisticMF) await model.fitOn(data, rest, async () => { const on = await prepare(); return (start) => learner(pairLearner(on, start, model.settings.l2)); });
    else await model.fitOn(data, rest, async () => { const on = await prepare(); return (start) => learner(tripleLearner(on, start, ...weightsOf(model))); });
  } finally {
    trained?.free();
    if (open === undefined) await gpu?.destroy().catch(() => {}); // of a device that was lost
  }
  return { model, mode: gpu!.mode, why: gpu!.why };
}

/** What came in a model's place, for an error. */
function whatIs(model: unknown): string {
  const name = (model as { name?: unknown } | null | undefined)?.name, named = typeof name === 'string' && name !== '' ? name : null;
  if (typeof model === 'function') return named === null ? 'a function' : `the class ${named}; make one with new ${named}()`;
  return `${named ?? describe(model)}; train it with model.fit(data)`;
}
