import type { GpuMode } from '../../kernels/gpuDevice.ts';
import type { Interactions } from '../data/interactions.ts';
import { TightrecError, describe } from '../errors.ts';
import { BPR } from '../models/bpr.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { checkNames } from '../models/settings.ts';
import type { FitOptions } from '../models/train.ts';
import { type GpuLearner, pairLearner, tripleLearner } from './learners.ts';
import { type Gpu, type GpuOptions, openGpu } from './open.ts';

export interface GpuFitOptions extends FitOptions, GpuOptions {
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
 * so the fitted model is as good, not the same bytes. Tables and moments stay on the device; an epoch's end brings the tables back.
 * Errors: those of openGpu and of model.fit; 'unsupported' for another kind of model and for tables that the device cannot hold; 'device-lost'
 * when the device goes away in the middle: the model is then that of the last whole epoch.
 */
export async function fit<Model extends LogisticMF | BPR>(model: Model, data: Interactions, options: GpuFitOptions = {}): Promise<GpuFit<Model>> {
  checkNames('fit on a gpu', options, ['backend', 'gpu', 'mode', 'threads', 'onEpoch', 'onStep', 'signal', 'validation', 'patience']);
  const { backend = 'gpu', gpu: open, mode, threads, ...rest } = options;
  if (backend !== 'gpu') throw new TightrecError('bad-setting', `fit on a gpu: backend must be 'gpu', got ${describe(backend)}; model.fit(data) trains without one`);
  if (open !== undefined && (mode !== undefined || threads !== undefined)) throw new TightrecError('bad-setting', `fit on a gpu: gpu is open in mode '${open.mode}' already; give it or mode and threads, not both`);
  if (!(model instanceof LogisticMF || model instanceof BPR)) throw new TightrecError('unsupported', `fit on a gpu: expected a LogisticMF or a BPR, got ${(model as { name?: string } | null)?.name ?? describe(model)}; train it with model.fit(data)`);
  model.check();

  const gpu = open ?? await openGpu({ mode, threads });
  let learner: GpuLearner<never> | null = null;
  try {
    if (model instanceof LogisticMF) await model.fitOn(data, rest, (start) => learner = pairLearner(gpu, start, model.settings.l2));
    else await model.fitOn(data, rest, (start) => learner = tripleLearner(gpu, start, model.settings.l2));
    await (learner as GpuLearner<never> | null)?.finish();
  } finally {
    (learner as GpuLearner<never> | null)?.free();
    if (open === undefined) await gpu.destroy().catch(() => {}); // of a device that was lost
  }
  return { model, mode: gpu.mode, why: gpu.why };
}
