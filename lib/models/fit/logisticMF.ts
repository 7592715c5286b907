import { kernels } from '../../../kernels/index.ts';
import { allOrNone, scratchFloats, scratchInts } from '../../../kernels/memory.ts';
import * as ops from '../../autodiff/ops/index.ts';
import { Tape } from '../../autodiff/tape.ts';
import { Tensor } from '../../autodiff/tensor.ts';
import { orderByRow, wholeTable } from '../../autodiff/wholeTable.ts';
import type { Interactions } from '../../data/interactions.ts';
import { sampleUniform } from '../../data/negatives.ts';
import { Adam } from '../../optim/optimizers.ts';
import { random } from '../../random.ts';
import { catalogueOf } from '../catalogue.ts';
import { checkEvents } from '../events.ts';
import { type Known, type Learned, namedParameters, parametersOf } from '../factors.ts';
import type { LogisticMF } from '../logisticMF.ts';
import { checkTables, resumed, uniformTable } from '../newFactors.ts';
import { type FitOptions, type Learner, train } from '../train.ts';

/** PairBatch: B pairs of a user and an item, user by user; y is 1 for an event and 0 for a random pair. Shapes: u, i, y (B). */
export interface PairBatch { readonly u: Int32Array; readonly i: Int32Array; readonly y: Float32Array }

/** fit: LogisticMF.fit. `keep` is given what was learned, after each epoch; `learner` takes the batches, the model's own for null. */
export async function fit(model: LogisticMF, data: Interactions, options: FitOptions, keep: (learned: Learned) => void, learner: ((start: Learned) => Learner<PairBatch>) | null): Promise<void> {
  model.check();
  checkEvents(`${model.name}.fit`, data);
  const { factors: K, learningRate, seed } = model.settings, next = random(seed), bound = Math.sqrt(2 / K);
  checkTables(`${model.name}.fit`, data, K);
  const factors = allOrNone(() => ({
    user: uniformTable(data.users.size, K, bound, next),
    item: uniformTable(data.items.size, K, bound, next),
    userBias: uniformTable(data.users.size, 1, Math.SQRT2, next), // the chapter starts a bias as it would a factor of length 1
    itemBias: uniformTable(data.items.size, 1, Math.SQRT2, next),
    globalBias: Tensor.lasting([1]),
  }));
  await runEpochs(model, { factors, catalogue: catalogueOf(data), optimizer: new Adam({ learningRate }), random: next, epochs: 0 }, data, options, keep, learner);
}

/** goOn: LogisticMF.partialFit of a model that has learned. */
export async function goOn(model: LogisticMF, before: Known, data: Interactions, options: FitOptions, keep: (learned: Learned) => void): Promise<void> {
  const { start, events } = resumed(model, before, data);
  await runEpochs(model, start, events, options, keep, null);
}

/** A step by autodiff: lookups, logits, loss, backward, Adam. */
function onTape({ settings: { l2 } }: LogisticMF, { factors, optimizer }: Learned): Learner<PairBatch> {
  const parameters = parametersOf(factors), [nUsers] = factors.user.shape, [nItems] = factors.item.shape;
  return {
    step({ u, i, y }) {
      const B = u.length, tape = new Tape(), byUser = wholeTable(u, nUsers), byItem = wholeTable(i, nItems);
      const U = ops.lookup(tape, factors.user, byUser), V = ops.lookup(tape, factors.item, byItem);
      const b = ops.lookup(tape, factors.userBias!, byUser), c = ops.lookup(tape, factors.itemBias!, byItem);
      const x = ops.addBias(tape, ops.rowDot(tape, U, V, byUser.slots, byItem.slots), [b, byUser.slots], [c, byItem.slots], [factors.globalBias!]);

      const misfit = ops.logLoss(tape, x, y);
      tape.backward(ops.weightedSum(tape, [[1 / B, misfit], [l2, ops.l2(tape, U, byUser.counts)], [l2, ops.l2(tape, V, byItem.counts)]]));
      optimizer.step(parameters);
      return misfit.data[0] / B;
    },
  };
}

async function runEpochs(model: LogisticMF, start: Learned, data: Interactions, options: FitOptions, keep: (learned: Learned) => void, learner: ((start: Learned) => Learner<PairBatch>) | null): Promise<void> {
  const { factors, optimizer, random } = start, { epochs, batchSize, negatives } = model.settings;
  const n = data.user.length, nUsers = data.users.size, nItems = data.items.size;
  const order = new Int32Array(n), { step, endEpoch } = learner === null ? onTape(model, start) : learner(start);

  const draw = (batch: number): PairBatch => {
    const positives = Math.min(batchSize, n - batch * batchSize), B = positives * (1 + negatives);
    const user = scratchInts(B), item = scratchInts(B);
    for (let b = 0; b < positives; b++) {
      const event = order[batch * batchSize + b];
      user[b] = data.user[event];
      item[b] = data.item[event];
    }
    sampleUniform(user.subarray(positives), nUsers, random);
    sampleUniform(item.subarray(positives), nItems, random);

    // user by user, so that a user's row stays in the first-level cache while its pairs pass
    const u = scratchInts(B), i = scratchInts(B), y = scratchFloats(B), sorted = orderByRow(user, nUsers);
    kernels.gatherIds(u, user, sorted, B);
    kernels.gatherIds(i, item, sorted, B);
    for (let b = 0; b < B; b++) y[b] = sorted[b] < positives ? 1 : 0;
    return { u, i, y };
  };

  await train({
    model, data, epochs, epochsBefore: start.epochs, steps: Math.ceil(n / batchSize), parameters: namedParameters(factors), optimizer, random,
    step: (batch) => step(draw(batch)),
    endEpoch,
    beginEpoch: () => {
      for (let event = 0; event < n; event++) order[event] = event; // so that an epoch depends on nothing but the generator
      random.shuffle(order);
    },
    commit: (done) => keep({ ...start, epochs: done }),
  }, options);
}
