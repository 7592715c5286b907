import { kernels } from '../../../kernels/index.ts';
import { allOrNone, scratchInts } from '../../../kernels/memory.ts';
import * as ops from '../../autodiff/ops/index.ts';
import { Tape } from '../../autodiff/tape.ts';
import type { Tensor } from '../../autodiff/tensor.ts';
import { orderByRow, wholeTable } from '../../autodiff/wholeTable.ts';
import type { Interactions } from '../../data/interactions.ts';
import { sampleUniform, sampleUnseen } from '../../data/negatives.ts';
import { Adam } from '../../optim/optimizers.ts';
import { random } from '../../random.ts';
import type { BPR } from '../bpr.ts';
import { catalogueOf } from '../catalogue.ts';
import { checkEvents } from '../events.ts';
import { type Known, type Learned, namedParameters, parametersOf } from '../factors.ts';
import { cutGrid, descend } from '../grid.ts';
import { metBefore } from '../met.ts';
import { checkTables, laidOut, normalTable, resumed, uniformTable } from '../newFactors.ts';
import { type FitOptions, type Learner, train } from '../train.ts';

/** TripleBatch: B triples, user by user: u met the first B of `items`, and not, or only by chance, the other B. Shapes: u (B), items (2B). */
export interface TripleBatch { readonly u: Int32Array; readonly items: Int32Array }

/** Draws of an other item for one event; when all were in vain the event is skipped. */
const TRIES = 10;

/** fit: BPR.fit. `keep` is given what was learned, after each epoch; `learner` takes the batches, the model's own for null. */
export async function fit(model: BPR, data: Interactions, options: FitOptions, keep: (learned: Learned) => void, learner: ((start: Learned) => Learner<TripleBatch>) | null): Promise<void> {
  model.check();
  checkEvents(`${model.name}.fit`, data);
  const { factors: K, learningRate, initialScale, initialBias, seed } = model.settings, next = random(seed);
  const start = (rows: number): Tensor => (initialScale === null ? uniformTable(rows, K, Math.sqrt(2 / K), next) : normalTable(rows, K, initialScale, next));
  checkTables(`${model.name}.fit`, data, K);
  const factors = allOrNone(() => ({
    user: start(data.users.size),
    item: start(data.items.size),
    userBias: null,
    itemBias: uniformTable(data.items.size, 1, initialBias, next),
    globalBias: null,
  }));
  await runEpochs(model, { factors, catalogue: catalogueOf(data), optimizer: new Adam({ learningRate }), random: next, epochs: 0 }, data, options, keep, learner);
}

/** goOn: BPR.partialFit of a model that has learned. */
export async function goOn(model: BPR, before: Known, data: Interactions, options: FitOptions, keep: (learned: Learned) => void): Promise<void> {
  const { start, events } = resumed(model, before, data);
  await runEpochs(model, start, events, options, keep, null);
}

/** weightsOf: of the squared lengths of the users' and of the items' rows. */
export const weightsOf = ({ settings: { l2, itemL2 } }: BPR): readonly [user: number, item: number] => [l2, itemL2 ?? l2];

/** A step by autodiff: lookups, loss, backward, Adam. */
function onTape(model: BPR, { factors, optimizer }: Learned): Learner<TripleBatch> {
  const [l2U, l2V] = weightsOf(model), parameters = parametersOf(factors), [nUsers] = factors.user.shape, [nItems] = factors.item.shape;
  return {
    step({ u, items }) {
      const B = u.length, tape = new Tape(), byUser = wholeTable(u, nUsers), byItem = wholeTable(items, nItems);
      const U = ops.lookup(tape, factors.user, byUser), V = ops.lookup(tape, factors.item, byItem), c = ops.lookup(tape, factors.itemBias!, byItem);
      const misfit = ops.bprLoss(tape, U, V, c, byUser.slots, byItem.slots.subarray(0, B), byItem.slots.subarray(B));
      tape.backward(ops.weightedSum(tape, [[1 / B, misfit], [l2U, ops.l2(tape, U, byUser.counts)], [l2V, ops.l2(tape, V, byItem.counts)]]));
      optimizer.step(parameters);
      return misfit.data[0] / B;
    },
  };
}

async function runEpochs(model: BPR, start: Learned, data: Interactions, options: FitOptions, keep: (learned: Learned) => void, learner: ((start: Learned) => Learner<TripleBatch>) | null): Promise<void> {
  if (model.settings.solver === 'sgd') return runSgd(model, start, data, options, keep);
  const { factors, optimizer, random } = start, { epochs, stepsPerEpoch, batchSize, verifyNegatives } = model.settings;
  const n = data.user.length, nUsers = data.users.size, nItems = data.items.size, B = Math.min(batchSize, n);
  const { step, endEpoch } = learner === null ? onTape(model, start) : learner(start);

  const draw = (): TripleBatch => {
    const event = scratchInts(B), user = scratchInts(B), liked = scratchInts(B), other = scratchInts(B);
    sampleUniform(event, n, random);
    for (let b = 0; b < B; b++) {
      user[b] = data.user[event[b]];
      liked[b] = data.item[event[b]];
    }
    if (verifyNegatives) sampleUnseen(other, user, start.catalogue.seen, random);
    else sampleUniform(other, nItems, random);

    // user by user, so that a user's row stays in the first-level cache while its triples pass
    const u = scratchInts(B), items = scratchInts(2 * B), sorted = orderByRow(user, nUsers);
    kernels.gatherIds(u, user, sorted, B);
    kernels.gatherIds(items.subarray(0, B), liked, sorted, B);
    kernels.gatherIds(items.subarray(B), other, sorted, B);
    return { u, items };
  };

  await train({
    model, data, epochs, epochsBefore: start.epochs, steps: stepsPerEpoch ?? Math.max(30, Math.ceil(n / B)), parameters: namedParameters(factors), optimizer, random,
    step: () => step(draw()),
    endEpoch,
    commit: (done) => keep({ ...start, epochs: done }),
  }, options);
}

/** Epochs by the fused kernel: no batches, no tape. */
async function runSgd(model: BPR, start: Learned, data: Interactions, options: FitOptions, keep: (learned: Learned) => void): Promise<void> {
  const { factors, catalogue, random } = start, { factors: K, epochs, learningRate, learningRateDecay, verifyNegatives, drawNegatives, order, blocks } = model.settings, [l2U, l2V] = weightsOf(model);
  const { grid, met } = laidOut(start, parametersOf(factors), () => ({ grid: cutGrid(data, { blocks, order }, K, `${model.name}.fit`), met: verifyNegatives ? metBefore(catalogue.seen) : null }));
  try {
    await descend({
      model, data, epochs, epochsBefore: start.epochs, parameters: namedParameters(factors), grid, random, learningRate, learningRateDecay,
      part({ n, u, i, items, state }, rate) {
        const pool = drawNegatives === 'uniform' ? items : i, [ids, start] = met ? [met.ids.ints(), met.start.ints()] : [u, u]; // which nobody reads
        return ['bprEpoch', factors.user.data, factors.item.data, factors.itemBias!.data, state, u, i, pool, ids, start, n, pool.length, K, met?.words ?? -1, TRIES, rate, l2U, l2V];
      },
      learnedFrom: ({ state }) => state[4],
      commit: (done) => keep({ ...start, epochs: done }),
    }, options);
  } finally {
    grid.free();
    met?.free();
  }
}
