import { allOrNone, scope, scratchCopy, scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { distinct } from '../autodiff/distinct.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { growCsr, rowsMet } from '../data/csrTransforms.ts';
import { type Interactions, fromRows } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { sampleUnseen } from '../data/negatives.ts';
import { Adam } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { codesOf, corrupted, entryRows, someRows } from './autoencoder.ts';
import { counting } from './blocks.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf, recode } from './catalogue.ts';
import { checkEvents, encodeLike, idsOf, withSeen } from './events.ts';
import { type Factors, factorAnswers, tensorFrom, tensorsOf } from './factors.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { normalTable } from './newFactors.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, fraction, notNegative, number, oneOf, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FitOptions, train } from './train.ts';

export interface CDAESettings {
  /** H, the units of the hidden layer. */
  hidden: number;
  /** Passes over all users. */
  epochs: number;
  /** Users in a batch. */
  batchSize: number;
  learningRate: number;
  /** Weight of the squares of the three tables, beside the mean of the losses. */
  l2: number;
  /** q, how much of what the network reads of a user is left out while it learns. */
  corruption: number;
  /** Items that the user has not met, drawn for each one met. */
  negatives: number;
  /** 'log' for the log-loss, 'squared' for the squares of the errors. */
  loss: 'log' | 'squared';
  /** Standard deviation of what the tables start from. */
  initialScale: number;
  seed: number;
}

const defaults: CDAESettings = { hidden: 200, epochs: 50, batchSize: 50, learningRate: 0.002, l2: 1e-5, corruption: 0.2, negatives: 5, loss: 'log', initialScale: 0.05, seed: 1 };

const rules = {
  hidden: wholeNumber(1), epochs: wholeNumber(1), batchSize: wholeNumber(1), learningRate: positive, l2: notNegative, corruption: fraction, negatives: wholeNumber(1), loss: oneOf('log', 'squared'),
  initialScale: positive, seed: number,
};

/** The network. Shapes: encoder, decoder (nItems, H); own (nUsers, H); hiddenBias (1, H); outputBias (nItems, 1). */
interface Network { readonly encoder: Tensor; readonly own: Tensor; readonly hiddenBias: Tensor; readonly decoder: Tensor; readonly outputBias: Tensor }

interface Learned {
  readonly network: Network;
  readonly catalogue: Catalogue;
  /** 1 where a user met an item: what the network reads. */
  readonly met: Csr;
  readonly optimizer: Adam;
  readonly random: Random;
  readonly epochs: number;
}

/**
 * CDAE: ranks items by a collaborative denoising autoencoder: from a part of what a user met, and from a vector of the user's own, it predicts all of it.
 *
 *   h = σ(Σ_{j met} m[j] W[j] + V[u] + a)     m[j] = 0 with probability q, else 1 / (1 - q); 1 when it predicts
 *   x[i] = <W'[i], h> + b[i]                  p(u meets i) = σ(x[i])
 *   L = mean over the pairs of a batch of -y ln p - (1 - y) ln(1 - p), or of (y - p)², + l2 (|W|² + |W'|² + |V|²)
 *
 * The pairs of a user are all items met (y = 1) and `negatives` times as many drawn from those not met (y = 0). Batches of users in an order by lot, Adam over dense moments.
 * Tables start normal with deviation initialScale (V at 0 where nothing was met), biases at 0. How often an item was met plays no part. `score` is x.
 *
 * `partialFit` goes on with all that was met, before and now. `partialFitUsers` takes in new users, of whom the network knows what they met, with a V[u] of 0, and learns
 * nothing. The loss reported is that over the pairs.
 * Errors: 'bad-setting' from fit for a setting out of range; 'not-fitted' from everything else before fit; 'diverged'.
 *
 * Wu, DuBois, Zheng, Ester, "Collaborative Denoising Auto-Encoders for Top-N Recommender Systems", 2016.
 */
export class CDAE implements Recommender {
  readonly name = 'CDAE';
  readonly settings: CDAESettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<CDAESettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    checkEvents(`${this.name}.fit`, data);
    const { hidden: H, learningRate, initialScale, seed } = this.settings, next = random(seed), [nUsers, nItems] = [data.users.size, data.items.size];
    const table = (rows: number): Tensor => normalTable(rows, H, initialScale, next);
    const network = allOrNone(() => ({ encoder: table(nItems), own: table(nUsers), hiddenBias: Tensor.lasting([1, H]), decoder: table(nItems), outputBias: Tensor.lasting([nItems, 1]) })), own = network.own.data;
    rowsMet(data.matrix).forEach((met, user) => { if (met === 0) own.fill(0, user * H, (user + 1) * H); });
    await this.#train({ network, catalogue: catalogueOf(data), met: metOf(data.matrix), optimizer: new Adam({ learningRate }), random: next, epochs: 0 }, data, options);
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    checkEvents(`${this.name}.partialFit`, data);
    const recoded = encodeLike(`${this.name}.partialFit`, data, this.#learned.catalogue, 'take new users in by partialFitUsers, or fit it again with all the data'), catalogue = withSeen(this.#learned.catalogue, recoded);
    await this.#train({ ...this.#learned, catalogue, met: metOf(catalogue.seen) }, recoded, options);
    return this;
  }

  /**
   * partialFitUsers: takes in events of new and known users with known items. They are added to what was met. New users get rows after those there are, in the order of their
   * ids; no row number changes its id. After that `partialFit` learns their V[u] too; Adam's moments of V start anew.
   * Errors: 'not-fitted'; 'unknown-id' for an item that the model does not know; 'bad-input' as fit, and while it is being fitted.
   */
  async partialFitUsers(data: Interactions): Promise<this> {
    const where = `${this.name}.partialFitUsers`;
    checkIdle(this, 'partialFitUsers');
    const learned = this.#known(), { network, optimizer, catalogue: { users: before, items, seen } } = learned;
    checkEvents(where, data);
    const users = before.extended(idsOf(data.user, data.users));
    const events = fromRows({ ...data, users, items, user: recode(where, 'user', data.user, data.users, users, ''), item: recode(where, 'item', data.item, data.items, items, 'fit it again with all the data to take new items in') });
    const catalogue = withSeen({ users, items, seen: growCsr(seen, users.size, items.size) }, events);
    this.#learned = { ...learned, network: { ...network, own: grown(network.own, users.size, optimizer) }, catalogue, met: metOf(catalogue.seen) };
    return this;
  }

  /** Batches of users by autodiff: codes, logits, loss, backward, Adam. */
  #train(start: Learned, data: Interactions, options: FitOptions): Promise<void> {
    const { network, met, optimizer, random } = start, { encoder, own, decoder, outputBias } = network, { epochs, batchSize, l2, corruption, negatives, loss } = this.settings;
    const some = someRows(met), order = some.slice(), named = namedParameters(network), moved = Object.values(named);
    return train({
      model: this, data, epochs, epochsBefore: start.epochs, steps: Math.ceil(order.length / batchSize), parameters: named, optimizer, random,
      beginEpoch() {
        order.set(some); // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      step(batch) {
        const users = scratchCopy(order.subarray(batch * batchSize, (batch + 1) * batchSize)), bag = ops.bagsOf(met, users), n = bag.indices.length, B = n * (1 + negatives);
        const code = scratchInts(B), user = scratchInts(B), item = scratchInts(B), y = scratchFloats(B), of = entryRows(bag);
        for (let b = 0, at = 0; b < n; b++) { // user by user, as the kernels like it: the one met, then others
          for (let each = 0; each <= negatives; each++, at++) { code[at] = of[b]; user[at] = users[of[b]]; y[at] = each === 0 ? 1 : 0; }
        }
        sampleUnseen(item, user, met, random);
        for (let b = 0; b < n; b++) item[b * (1 + negatives)] = bag.indices[b];

        const tape = new Tape(), h = codesOf(tape, network, corrupted(bag, corruption, random), ops.embedding(tape, own, users)), x = ops.addBias(tape, ops.rowDot(tape, h, decoder, code, item), [outputBias, item]);
        const misfit = loss === 'log' ? ops.logLoss(tape, x, y) : squares(tape, x, y);
        tape.backward(ops.weightedSum(tape, [[1 / B, misfit], ...[encoder, decoder, own].map((table): [number, Tensor] => [l2, ops.l2(tape, table)])]));
        optimizer.step(moved);
        return misfit.data[0] / B;
      },
      commit: (done) => { this.#learned = { ...start, epochs: done }; },
    }, options);
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    const { network, catalogue, met } = this.#known(), { own, decoder, outputBias } = network;
    const factorsOf = (users: Int32Array): Factors => ({ user: codesOf(null, network, ops.bagsOf(met, users), ops.embedding(null, own, users)), item: decoder, userBias: null, itemBias: outputBias, globalBias: null });
    const of = (users: Int32Array): Answers => factorAnswers({ catalogue, factors: factorsOf(users) });
    return {
      ...factorAnswers({ catalogue, factors: { user: own, item: decoder, userBias: null, itemBias: outputBias, globalBias: null } }), // likeness is that of W'
      vectors: { user: null, item: decoder }, // a user's is what the network makes of its items
      factors: () => factorsOf(counting(catalogue.users.size)),
      scoreBlock: (out, users) => { of(users).scoreBlock(out, counting(users.length)); },
      scorePairs: (users, items) => scope(() => {
        const { ids, slots } = distinct(scratchCopy(users), catalogue.users.size);
        return of(ids).scorePairs(slots, items);
      }),
    };
  }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): Learned {
    if (this.#learned === null) throw notFitted(this.name);
    return this.#learned;
  }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    const { network, catalogue, epochs } = this.#known();
    return { model: this.name, settings: this.settings, tensors: tensorsOf(namedParameters(network)), catalogue, numbers: { epochs } };
  }

  static fromState(state: ModelState): CDAE {
    const model = new CDAE(state.settings), { hidden: H, learningRate, seed } = model.settings, { catalogue } = state, { users: { size: nUsers }, items: { size: nItems } } = catalogue;
    model.check();
    const part = (name: keyof Network, shape: readonly number[]): Tensor => tensorFrom(state, names[name], shape);
    const network = { encoder: part('encoder', [nItems, H]), own: part('own', [nUsers, H]), hiddenBias: part('hiddenBias', [1, H]), decoder: part('decoder', [nItems, H]), outputBias: part('outputBias', [nItems, 1]) }, epochs = epochsFrom(state);
    model.#learned = { network, catalogue, met: metOf(catalogue.seen), optimizer: new Adam({ learningRate }), random: random(seed + epochs), epochs };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    release(Object.values(this.#learned.network), this.#learned.optimizer);
    this.#learned = null;
  }
}

/** The names that a model file gives them. */
const names = { encoder: 'encoder', own: 'user_nodes', hiddenBias: 'hidden_bias', decoder: 'decoder', outputBias: 'output_bias' } as const;
const namedParameters = (network: Network): Record<string, Tensor> => Object.fromEntries((Object.keys(names) as (keyof Network)[]).map((part) => [names[part], network[part]]));

const metOf = (seen: Csr): Csr => ({ ...seen, values: new Float32Array(seen.values.length).fill(1) });

/** Σ (σ(x) - y)². Shapes: x, y (B) -> (). */
function squares(tape: Tape, x: Tensor, y: Float32Array): Tensor {
  const known = new Tensor([y.length, 1]);
  for (let b = 0, data = known.data; b < y.length; b++) data[b] = -y[b];
  const error = ops.addBias(tape, ops.sigmoid(tape, x), [known, counting(y.length)]);
  return ops.sum(tape, ops.multiply(tape, error, error));
}

/** grown: a table of more rows, zeros, in the place of this one; the optimiser forgets what it kept beside it. */
function grown(table: Tensor, rows: number, optimizer: Adam): Tensor {
  const [before, K] = table.shape;
  if (rows === before) return table;
  const now = Tensor.lasting([rows, K]);
  now.data.set(table.data);
  release([table], optimizer);
  return now;
}
