import { adamFirstThread, adamSecondThread, adamThread } from '../../kernels/adam/gpu.ts';
import { bprLossThread, bprMarginThread, bprUserThread, bprWeightThread, twoOf } from '../../kernels/bpr/gpu.ts';
import { scatterThread } from '../../kernels/gather/gpu.ts';
import type { GpuDevice, Numbers, Resident, Thread } from '../../kernels/gpuDevice.ts';
import { scatterPlan } from '../../kernels/gpuScatter.ts';
import { logLossGradThread, logLossThread, total } from '../../kernels/logLoss/gpu.ts';
import { rowDotGradThread, rowDotThread } from '../../kernels/rowDot/gpu.ts';
import type { Tensor } from '../autodiff/tensor.ts';
import type { Interactions } from '../data/interactions.ts';
import { TightrecError } from '../errors.ts';
import { BPR } from '../models/bpr.ts';
import type { Learned } from '../models/factors.ts';
import type { TripleBatch } from '../models/fit/bpr.ts';
import type { PairBatch } from '../models/fit/logisticMF.ts';
import type { LogisticMF } from '../models/logisticMF.ts';
import type { Learner } from '../models/train.ts';
import type { Adam } from '../optim/optimizers.ts';

/**
 * The training steps of LogisticMF and BPR as gpu kernels. The tables and Adam's moments stay on the device; a step sends it the batch and brings
 * back the terms of the loss, and an epoch's end brings back tables and moments: there a checkpoint is made, and partialFit goes on. Batches, settings
 * and order are the tape's: see the models.
 */
export interface GpuLearner<Batch> extends Learner<Batch> {
  endEpoch(): Promise<void>;
  free(): void;
}

/**
 * checkRoom: refuses what the device cannot hold, before anything is drawn.
 * Errors: 'unsupported', naming the table or the batch.
 */
export function checkRoom({ mode, limit }: GpuDevice, model: LogisticMF | BPR, data: Interactions): void {
  const { factors: K, batchSize } = model.settings, events = Math.min(batchSize, data.user.length);
  const { most, what, advice } = model instanceof BPR
    ? { most: 2 * events, what: `${events} triples`, advice: 'lower batchSize' }
    : { most: events * (1 + model.settings.negatives), what: `${events * (1 + model.settings.negatives)} pairs`, advice: 'lower batchSize or negatives' };
  for (const [kind, { size }] of [['users', data.users], ['items', data.items]] as const) {
    if (size * K > limit) throw new TightrecError('unsupported', `${model.name}: the table of ${size} ${kind} x ${K} factors has ${size * K} numbers; this device (gpu mode '${mode}') holds at most ${limit}; use fewer factors or train without the gpu`);
  }
  if (most > limit) throw new TightrecError('unsupported', `${model.name}: a batch of ${what} is more than this device (gpu mode '${mode}') holds: at most ${limit} numbers; ${advice}`);
}

/** A parameter and its moments on the device. */
interface Trained { readonly tensor: Tensor; readonly move: (parameter: Trained, g: Numbers) => Promise<void>; w: Resident; m: Resident; v: Resident }

/** What both models' steps are made of. Each parameter has kernels of its own, for its own size: mode 'webasm' compiles them for one. */
function trainer(gpu: GpuDevice, optimizer: Adam, tensors: readonly Tensor[]) {
  let trained: Trained[] | null = null, steps = 0, made: Resident[] = [];

  /** Moves a parameter along its gradient. */
  function mover(at: number): Trained['move'] {
    const first = gpu.resident(`adam, m, parameter ${at}`, adamFirstThread), second = gpu.resident(`adam, v, parameter ${at}`, adamSecondThread);
    const update = gpu.resident(`adam, parameter ${at}`, adamThread);
    return async (parameter, g) => {
      const { w, m, v } = parameter, n = w.length, c1 = 1 / (1 - optimizer.beta1 ** steps), c2 = 1 / (1 - optimizer.beta2 ** steps);
      parameter.m = await first(n, m, g, 1 - optimizer.beta1);
      made.push(m);
      parameter.v = await second(n, v, g, 1 - optimizer.beta2);
      made.push(v);
      parameter.w = await update(n, w, parameter.m, parameter.v, optimizer.learningRate, optimizer.eps, c1, c2);
      made.push(w);
    };
  }

  return {
    /** A step's work: `forward` gives the loss and the gradients, in the order of the tensors; what it keeps goes back when the step ends. */
    async step(forward: (tables: readonly Resident[], keep: (resident: Promise<Resident>) => Promise<Resident>) => Promise<{ loss: number; gradients: Resident[] }>): Promise<number> {
      if (trained === null) {
        trained = [];
        for (const [at, tensor] of tensors.entries()) {
          const before = optimizer.state(tensor), zeros = new Float32Array(tensor.size);
          steps = before?.steps ?? 0; // those of a checkpoint; every step moves all the tables
          trained.push({ tensor, move: mover(at), w: await gpu.upload(tensor.data), m: await gpu.upload(before?.arrays.m ?? zeros), v: await gpu.upload(before?.arrays.v ?? zeros) });
        }
      }
      try {
        const { loss, gradients } = await forward(trained.map(({ w }) => w), async (resident) => { const kept = await resident; made.push(kept); return kept; });
        steps++;
        for (const [at, parameter] of trained.entries()) await parameter.move(parameter, gradients[at]);
        return loss;
      } finally {
        for (const resident of made) resident.free();
        made = [];
      }
    },
    async endEpoch(): Promise<void> {
      const read: { w: Float32Array; m: Float32Array; v: Float32Array }[] = [];
      for (const { w, m, v } of trained ?? []) read.push({ w: await w.read(), m: await m.read(), v: await v.read() });
      for (const [at, { tensor }] of (trained ?? []).entries()) { // all at once: the model may be asked meanwhile
        const { w, ...arrays } = read[at];
        tensor.data.set(w);
        optimizer.restore(tensor, { steps, arrays });
      }
    },
    free(): void {
      for (const { w, m, v } of trained ?? []) for (const resident of [w, m, v]) resident.free();
      trained = null;
    },
  };
}

/** pairLearner: LogisticMF's step. */
export function pairLearner(gpu: GpuDevice, { factors, optimizer }: Learned, l2: number): GpuLearner<PairBatch> {
  const { user, item, userBias, itemBias, globalBias } = factors, [nUsers, K] = user.shape, [nItems] = item.shape;
  const { step, ...rest } = trainer(gpu, optimizer, [user, item, userBias!, itemBias!, globalBias!]);
  const dot = gpu.resident('rowDot', rowDotThread), logits = gpu.resident('logits', logitsThread), terms = gpu.kernel('logLoss', logLossThread);
  const weights = gpu.resident('logLossGrad', logLossGradThread), partial = gpu.resident('sums', sumsThread), sum = gpu.resident('sum', sumsThread);
  const penaltyU = gpu.resident('l2, users', l2Thread), gradU = gpu.resident('rowDotGrad, users', rowDotGradThread), gradB = gpu.resident('biases, users', scatterThread);
  const penaltyV = gpu.resident('l2, items', l2Thread), gradV = gpu.resident('rowDotGrad, items', rowDotGradThread), gradC = gpu.resident('biases, items', scatterThread);

  return {
    ...rest,
    step(batch) {
      const B = batch.u.length, users = gpu.ids(batch.u, B), items = gpu.ids(batch.i, B), labels = batch.y.slice();
      const forUsers = scatterPlan(gpu, batch.u, B, nUsers), forItems = scatterPlan(gpu, batch.i, B, nItems);
      return () => step(async ([U, V, b, c, a], keep) => {
        const send = (values: Float32Array): Promise<Resident> => keep(gpu.upload(values));
        const u = await send(users), i = await send(items), y = await send(labels);
        const byUser = { order: await send(forUsers.order), start: await send(forUsers.start) }, byItem = { order: await send(forItems.order), start: await send(forItems.start) };

        const x = await keep(logits(B, await keep(dot(B, U, V, u, i, K)), b, c, a, u, i));
        const loss = total(await terms(B, x, y)) / B;

        const dx = await keep(weights(B, new Float32Array(B), x, y, 1 / B)), perRoot = Math.ceil(Math.sqrt(B));
        return {
          loss,
          gradients: [
            await keep(gradU(nUsers * K, await keep(penaltyU(nUsers * K, U, byUser.start, K, 2 * l2)), dx, V, i, byUser.order, byUser.start, K)),
            await keep(gradV(nItems * K, await keep(penaltyV(nItems * K, V, byItem.start, K, 2 * l2)), dx, U, u, byItem.order, byItem.start, K)),
            await keep(gradB(nUsers, new Float32Array(nUsers), dx, byUser.order, byUser.start, 1)),
            await keep(gradC(nItems, new Float32Array(nItems), dx, byItem.order, byItem.start, 1)),
            await keep(sum(1, await keep(partial(perRoot, dx, B, perRoot)), perRoot, 1)),
          ],
        };
      });
    },
  };
}

/** tripleLearner: BPR's step. */
export function tripleLearner(gpu: GpuDevice, { factors, optimizer }: Learned, l2U: number, l2V: number): GpuLearner<TripleBatch> {
  const { user, item, itemBias } = factors, [nUsers, K] = user.shape, [nItems] = item.shape;
  const { step, ...rest } = trainer(gpu, optimizer, [user, item, itemBias!]);
  const margins = gpu.resident('bprLoss, margins', bprMarginThread), terms = gpu.kernel('bprLoss', bprLossThread), weights = gpu.resident('bprGrad, weights', bprWeightThread);
  const penaltyU = gpu.resident('l2, users', l2Thread), gradU = gpu.resident('bprGrad, dU', bprUserThread);
  const penaltyV = gpu.resident('l2, items', l2Thread), gradV = gpu.resident('bprGrad, dV', rowDotGradThread), gradC = gpu.resident('bprGrad, dc', scatterThread);

  return {
    ...rest,
    step(batch) {
      const B = batch.u.length, users = gpu.ids(batch.u, B), twice = gpu.ids(twoOf(batch.u, batch.u, B), 2 * B);
      const liked = gpu.ids(batch.items, B), others = gpu.ids(batch.items.subarray(B), B);
      const forUsers = scatterPlan(gpu, batch.u, B, nUsers), forItems = scatterPlan(gpu, batch.items, 2 * B, nItems);
      return () => step(async ([U, V, c], keep) => {
        const send = (values: Float32Array): Promise<Resident> => keep(gpu.upload(values));
        const i = await send(liked), j = await send(others);
        const startOfUser = await send(forUsers.start), startOfItem = await send(forItems.start), orderOfItem = await send(forItems.order);

        const x = await keep(margins(B, U, V, c, users, i, j, K));
        const loss = total(await terms(B, x)) / B;

        const g = await keep(weights(2 * B, x, B, 1 / B));
        return {
          loss,
          gradients: [
            await keep(gradU(nUsers * K, await keep(penaltyU(nUsers * K, U, startOfUser, K, 2 * l2U)), g, V, i, j, forUsers.order, startOfUser, K)),
            await keep(gradV(nItems * K, await keep(penaltyV(nItems * K, V, startOfItem, K, 2 * l2V)), g, U, twice, orderOfItem, startOfItem, K)),
            await keep(gradC(nItems, new Float32Array(nItems), g, orderOfItem, startOfItem, 1)),
          ],
        };
      });
    },
  };
}

/** x + b[u] + c[i] + a */
const logitsThread = function (this: Thread, x: Float32Array, b: Float32Array, c: Float32Array, a: Float32Array, u: Float32Array, i: Float32Array): number {
  return x[this.thread.x] + b[u[this.thread.x]] + c[i[this.thread.x]] + a[0];
};

/** The gradient of l2 Σ_b |W[row]|²: s is 2 l2, and a row counts as often as the batch holds it, which a scatter's plan tells */
const l2Thread = function (this: Thread, W: Float32Array, start: Float32Array, K: number, s: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const row = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  return s * (start[row + 1] - start[row]) * W[at];
};

/** Every stride-th of n numbers, from this thread's own on, added up; called twice, it adds up all of them */
const sumsThread = function (this: Thread, x: Float32Array, n: number, stride: number): number {
  let sum = 0;
  let p = this.thread.x + stride - stride;
  for (; p < n; p += stride) sum += x[p];
  return sum;
};
