import { allOrNone, scratchCopy } from '../../../kernels/memory.ts';
import * as ops from '../../autodiff/ops/index.ts';
import { Tape } from '../../autodiff/tape.ts';
import { Tensor } from '../../autodiff/tensor.ts';
import type { Interactions } from '../../data/interactions.ts';
import { bucketed, windows } from '../../data/sequenceOrder.ts';
import { type SequenceBatch, type Sequences, batchRows, packed, sequencesOf } from '../../data/sequences.ts';
import { clipGradNorm } from '../../optim/clip.ts';
import { Adam, SGD } from '../../optim/optimizers.ts';
import { type Random, random } from '../../random.ts';
import { catalogueOf } from '../catalogue.ts';
import { checkEvents, encodeLike, withSeen } from '../events.ts';
import type { Known, Learned, NextItemLSTM, NextItemLSTMSettings } from '../nextItemLSTM.ts';
import { CarriedState, type Network, type NetworkShape, hiddenStates, logits, namedParameters, networkOf, parametersOf, shapeOf } from '../nextItemNetwork.ts';
import { type FitOptions, train } from '../train.ts';

/** fit: NextItemLSTM.fit. `keep` is given what was learned, after each epoch. */
export async function fit(model: NextItemLSTM, data: Interactions, options: FitOptions, keep: (learned: Learned) => void): Promise<void> {
  model.check();
  checkEvents(`${model.name}.fit`, data);
  const catalogue = catalogueOf(data), next = random(model.settings.seed), network = newNetwork(shapeOf(model.settings, catalogue), model.settings, next);
  await runEpochs(model, { network, catalogue, optimizer: optimizerOf(model), random: next, epochs: 0 }, data, options, keep);
}

/** goOn: NextItemLSTM.partialFit of a model that has learned. */
export async function goOn(model: NextItemLSTM, before: Known, data: Interactions, options: FitOptions, keep: (learned: Learned) => void): Promise<void> {
  model.check();
  checkEvents(`${model.name}.partialFit`, data);
  const recoded = encodeLike(`${model.name}.partialFit`, data, before.catalogue), { optimizer = optimizerOf(model), random: next = random(model.settings.seed + before.epochs) } = before;
  await runEpochs(model, { ...before, optimizer, random: next, catalogue: withSeen(before.catalogue, recoded) }, recoded, options, keep);
}

const optimizerOf = ({ settings }: NextItemLSTM): Adam | SGD => (settings.optimizer === 'adam' ? new Adam(settings) : new SGD(settings));

/** newNetwork: everything uniform in ±scale but the gates' biases, which are 0, and that of the forget gate `forgetBias`. */
export function newNetwork(shape: NetworkShape, { initialScale: scale, forgetBias }: { initialScale: number; forgetBias: number }, random: Random): Network {
  return allOrNone(() => networkOf(shape, (name, sizes) => {
    const made = Tensor.lasting(sizes), { data } = made;
    if (/^lstm_\d+_bias$/.test(name)) data.fill(forgetBias, shape.hidden, 2 * shape.hidden);
    else for (let at = 0; at < data.length; at++) data[at] = scale * (2 * random.uniform() - 1);
    return made;
  }));
}

async function runEpochs(model: NextItemLSTM, start: Learned, data: Interactions, options: FitOptions, keep: (learned: Learned) => void): Promise<void> {
  const { network, optimizer, random } = start, { epochs, learningRate, learningRateDecay, decayAfter } = model.settings;
  const sequences = sequencesOf(data), feed = feedOf(sequences, model.settings, random), step = stepper(model, start, sequences);
  await train({
    model, data, epochs, epochsBefore: start.epochs, parameters: namedParameters(network), optimizer, random,
    get steps() { return feed.steps; },
    beginEpoch: (epoch) => {
      optimizer.learningRate = learningRate * learningRateDecay ** Math.max(0, epoch - decayAfter);
      feed.begin();
    },
    step: (at) => step(feed.batch(at)),
    commit: (done) => keep({ ...start, epochs: done }),
  }, options);
}

/** A step of training: forward, loss, backward, clipping, the optimiser. The state goes on to the next where that goes on with the same sequences. */
function stepper({ settings }: NextItemLSTM, { network, optimizer, random }: Learned, sequences: Sequences): (batch: SequenceBatch) => number {
  const { layers, hidden, batches, batchSize, clipNorm, dropout: rate } = settings, parameters = parametersOf(network);
  const memory = batches === 'packed' ? new CarriedState(layers, Math.min(batchSize, sequences.user.length), hidden) : null; // a window begins from zero
  return (batch) => {
    const { inputs, targets, users } = batchRows(sequences, batch), R = inputs.length, { sequence: { length: B }, sizes } = batch, tape = new Tape();
    const { h, last } = hiddenStates(tape, network, scratchCopy(inputs), scratchCopy(users), sizes, memory && batch.goesOn ? memory.start(B) : null, (x) => ops.dropout(tape, x, rate, random));
    const misfit = ops.softmaxLoss(tape, logits(tape, network, h), scratchCopy(targets));
    tape.backward(ops.weightedSum(tape, [[1 / R, misfit]]));
    if (clipNorm !== null) clipGradNorm(parameters, clipNorm);
    optimizer.step(parameters);
    memory?.keep(last);
    return misfit.data[0] / R;
  };
}

/** Feed: the batches of an epoch, drawn anew by `begin`. */
interface Feed {
  begin(): void;
  readonly steps: number;
  batch(at: number): SequenceBatch;
}

function feedOf(sequences: Sequences, settings: NextItemLSTMSettings, random: Random): Feed {
  return settings.batches === 'packed' ? packedFeed(sequences, settings, random) : windowFeed(sequences, settings, random);
}

function packedFeed(sequences: Sequences, { batchSize, steps }: NextItemLSTMSettings, random: Random): Feed {
  let all: SequenceBatch[] = [];
  return { begin() { all = packed(sequences, bucketed(sequences, batchSize, random), batchSize, steps); }, get steps() { return all.length; }, batch: (at) => all[at] };
}

/** Windows in an order by lot; as in the chapter, those that do not fill a batch have to wait for another epoch. */
function windowFeed(sequences: Sequences, { batchSize, windowLength }: NextItemLSTMSettings, random: Random): Feed {
  const { sequence, from } = windows(sequences, windowLength), W = sequence.length, B = Math.min(batchSize, W), order = new Int32Array(W), sizes = new Int32Array(windowLength).fill(B);
  return {
    begin() {
      for (let w = 0; w < W; w++) order[w] = w; // so that an epoch depends on nothing but the generator
      random.shuffle(order);
    },
    steps: Math.floor(W / B),
    batch(at) {
      const some = order.subarray(at * B, at * B + B);
      return { sequence: some.map((w) => sequence[w]), from: some.map((w) => from[w]), sizes, goesOn: false };
    },
  };
}
