import { kernels } from '../../kernels/index.ts';
import { allOrNone, scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { transposeCsr } from '../data/csrTransforms.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { AdaGrad } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { catalogueOf } from './catalogue.ts';
import { checkEvents, encodeLike, withSeen } from './events.ts';
import { type Factors, type Learned as Trained, factorAnswers, factorsFrom, namedParameters, parametersOf, tensorsOf } from './factors.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { checkTables, uniformTable } from './newFactors.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, notNegative, number, oneOf, positive, wholeNumber, withDefaults } from './settings.ts';
import { type Amounts, amountsOf } from './sparse.ts';
import { type FitOptions, train } from './train.ts';

export interface LogisticMatrixFactorizationSettings {
  /** K, the length of a user's and an item's vector. */
  factors: number;
  epochs: number;
  /** γ, AdaGrad's: the first step moves every number by about this much. */
  learningRate: number;
  /** λ, the weight of the vectors' squared lengths, halved; biases are left out. */
  l2: number;
  /** α: an event counts as much as so many items that the user has not met. */
  alpha: number;
  /** r, what a pair of a user and an item counts for: how often or how much ('counts'), 1 ('binary'), or ln(1 + that) ('log'). */
  amounts: Amounts;
  seed: number;
}

const defaults: LogisticMatrixFactorizationSettings = { factors: 30, epochs: 30, learningRate: 1, l2: 0.6, alpha: 1, amounts: 'counts', seed: 1 };
const rules = {
  factors: wholeNumber(1), epochs: wholeNumber(1), learningRate: positive, l2: notNegative, alpha: positive, amounts: oneOf('binary', 'counts', 'log'), seed: number,
};

/** Rows of a step are as many as fit: their logits against everything on the other side are 4 MiB. */
const STEP_FLOATS = 2 ** 20;

/** Side: users, whose rows move while the items' stand still, or the other way round. `r` (n, others) holds what each has of the others. */
interface Side { readonly rows: Tensor; readonly bias: Tensor; readonly others: Tensor; readonly othersBias: Tensor; readonly r: Csr }
type Learned = Trained<AdaGrad>;

/**
 * LogisticMatrixFactorization: how likely it is that a user meets an item, after Johnson, over every pair of a user and an item.
 *
 *   x = <U[u], V[i]> + b[u] + c[i]        p = σ(x)
 *   L = Σ_u Σ_i [(1 + α r[u, i]) ln(1 + e^x) - α r[u, i] x] + λ/2 (Σ_u |U[u]|² + Σ_i |V[i]|²)        r is 0 where they never met
 *
 * An epoch is the paper's: one AdaGrad step on all of U and b with V and c held, then one on all of V and c with U and b held, each by the
 * exact gradient, so that nothing is drawn but the start: U and V uniform in ±√(2/K), the biases at 0. (implicit draws `neg_prop` random
 * items instead of taking all.) The time of an epoch goes with nUsers · nItems · K, whatever the events. `score` is x, the logit.
 * LogisticMF, the chapter's, is another model: minibatches with random pairs as negatives, no α, Adam.
 * Errors: 'bad-setting' from fit for a setting out of range; 'not-fitted' from everything else before fit; 'diverged'.
 *
 * Johnson, "Logistic Matrix Factorization for Implicit Feedback Data", 2014.
 */
export class LogisticMatrixFactorization implements Recommender {
  readonly name = 'LogisticMatrixFactorization';
  readonly settings: LogisticMatrixFactorizationSettings;
  #learned: Learned | null = null;

  constructor(settings: Partial<LogisticMatrixFactorizationSettings> = {}) { this.settings = withDefaults(defaults, settings); }

  check(): void { checkSettings(this.name, this.settings, rules); }

  async fit(data: Interactions, options: FitOptions = {}): Promise<this> {
    this.check();
    checkEvents(`${this.name}.fit`, data);
    const { factors: K, learningRate, seed } = this.settings, next = random(seed), bound = Math.sqrt(2 / K), nUsers = data.users.size, nItems = data.items.size;
    checkTables(`${this.name}.fit`, data, K);
    const factors = allOrNone(() => ({
      user: uniformTable(nUsers, K, bound, next), item: uniformTable(nItems, K, bound, next),
      userBias: Tensor.lasting([nUsers, 1]), itemBias: Tensor.lasting([nItems, 1]), globalBias: null,
    }));
    await this.#train({ factors, catalogue: catalogueOf(data), optimizer: new AdaGrad({ learningRate }), random: next, epochs: 0 }, data, options);
    return this;
  }

  async partialFit(data: Interactions, options: FitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    checkEvents(`${this.name}.partialFit`, data);
    const recoded = encodeLike(`${this.name}.partialFit`, data, this.#learned.catalogue);
    await this.#train({ ...this.#learned, catalogue: withSeen(this.#learned.catalogue, recoded) }, recoded, options);
    return this;
  }

  async #train(start: Learned, data: Interactions, options: FitOptions): Promise<void> {
    const { factors, optimizer, random } = start, { user, item, userBias, itemBias } = factors as Factors & { userBias: Tensor; itemBias: Tensor };
    const r = amountsOf(start.catalogue.seen, this.settings.amounts);
    const sides: Side[] = [
      { rows: user, bias: userBias, others: item, othersBias: itemBias, r },
      { rows: item, bias: itemBias, others: user, othersBias: userBias, r: transposeCsr(r) },
    ];
    const steps = sides.flatMap((side) => {
      const [n] = side.rows.shape, most = Math.max(1, Math.floor(STEP_FLOATS / side.others.shape[0]));
      return Array.from({ length: Math.ceil(n / most) }, (_, step) => ({ side, from: step * most, B: Math.min(most, n - step * most) }));
    });
    let loss = 0; // Σ over the users' pairs, which are all there are: measured by the users' half of an epoch, not again by the items'
    await train({
      model: this, data, epochs: this.settings.epochs, epochsBefore: start.epochs, steps: steps.length, parameters: namedParameters(factors), optimizer, random,
      beginEpoch: () => { loss = 0; },
      step: (at) => {
        const { side, from, B } = steps[at], own = this.#step(side, from, B, optimizer, side === sides[0]);
        loss += own;
        return side === sides[0] ? own / (B * item.shape[0]) : loss / (user.shape[0] * item.shape[0]);
      },
      commit: (done) => { this.#learned = { ...start, epochs: done }; },
    }, options);
  }

  /**
   * Moves B rows of one side, from `from` on. A row's gradient depends on no other row of its side, so a step is a part of the paper's step.
   * Returns the loss of its pairs before that where `measured`, else 0: the logarithms cost as much as all the rest.
   *
   *   dx = dL/dx = (1 + α r) σ(x) - α r        dU[u] = Σ_i dx V[i] + λ U[u]        db[u] = Σ_i dx
   */
  #step({ rows, bias, others, othersBias, r }: Side, from: number, B: number, optimizer: AdaGrad, measured: boolean): number {
    const { alpha, l2 } = this.settings, [, K] = rows.shape, [N] = others.shape, W = K + 2, pairs = B * N;
    // with its bias and a 1 in each row, and the other way round in the others', a product has the biases in it, and so has its gradient
    const mine = withBias(rows.data.subarray(from * K, (from + B) * K), bias.data.subarray(from, from + B), K, true), theirs = withBias(others.data, othersBias.data, K, false);
    const x = scratchFloats(pairs), dx = scratchFloats(pairs), never = scratchFloats(pairs), dMine = scratchFloats(B * W);
    kernels.matmulTransposed(x, mine, theirs, B, N, W);
    kernels.clear(never, pairs);
    kernels.clear(dx, pairs);
    let loss = measured ? kernels.logLoss(x, never, pairs) : 0;
    kernels.logLossGrad(dx, x, never, pairs, 1); // σ(x): as if nobody had met anything
    for (let b = 0; b < B; b++) {
      for (let at = r.indptr[from + b]; at < r.indptr[from + b + 1]; at++) {
        const pair = b * N + r.indices[at], a = alpha * Math.max(0, r.values[at]), p = dx[pair];
        if (measured) loss += a * (Math.max(-x[pair], 0) + Math.log1p(Math.exp(-Math.abs(x[pair]))));
        dx[pair] = p - a * (1 - p);
      }
    }
    kernels.matmul(dMine, dx, theirs, B, W, N);

    const ids = scratchInts(B), dRows = new Tensor([B, K]), dBias = new Tensor([B, 1]), { grad } = dRows;
    for (let b = 0; b < B; b++) {
      ids[b] = from + b;
      grad.set(dMine.subarray(b * W, b * W + K), b * K);
      dBias.grad[b] = dMine[b * W + K];
    }
    kernels.addScaled(grad, rows.data.subarray(from * K, (from + B) * K), B * K, l2);
    rows.rowGrads.push({ ids, rows: dRows });
    bias.rowGrads.push({ ids, rows: dBias });
    optimizer.step([rows, bias]);
    return loss;
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    if (this.#learned === null) throw notFitted(this.name);
    return factorAnswers(this.#learned);
  }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  score(users: ArrayLike<number>, items: ArrayLike<number>): Float32Array { return score(this, users, items); }
  scores(users: ArrayLike<number>): Float32Array { return scores(this, users); }
  recommend(users: ArrayLike<number>, options: RecommendOptions = {}): TopLists { return recommend(this, users, options); }
  recommendFor(user: RawId, options: RecommendForOptions = {}): Recommendation[] { return recommendFor(this, user, options); }
  similarItems(items: ArrayLike<number>, options: SimilarOptions = {}): TopLists { return similarItems(this, items, options); }
  similarTo(item: RawId, options: SimilarOptions = {}): Recommendation[] { return similarTo(this, item, options); }

  toState(): ModelState {
    if (this.#learned === null) throw notFitted(this.name);
    return { model: this.name, settings: this.settings, tensors: tensorsOf(namedParameters(this.#learned.factors)), catalogue: this.#learned.catalogue, numbers: { epochs: this.#learned.epochs } };
  }

  static fromState(state: ModelState): LogisticMatrixFactorization {
    const model = new LogisticMatrixFactorization(state.settings), { factors: K, learningRate, seed } = model.settings;
    model.check();
    const factors = factorsFrom(state, K, { userBias: true, itemBias: true, globalBias: false }), epochs = epochsFrom(state);
    model.#learned = { factors, catalogue: state.catalogue, optimizer: new AdaGrad({ learningRate }), random: random(seed), epochs };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    release(parametersOf(this.#learned.factors), this.#learned.optimizer);
    this.#learned = null;
  }
}

/** Each row with two numbers more: its bias and 1, or 1 and its bias. Shapes: rows (n, K), bias (n) -> (n, K + 2). Runs inside a scope. */
function withBias(rows: Float32Array, bias: Float32Array, K: number, biasFirst: boolean): Float32Array {
  const n = bias.length, W = K + 2, joined = scratchFloats(n * W);
  for (let row = 0; row < n; row++) {
    joined.set(rows.subarray(row * K, (row + 1) * K), row * W);
    joined[row * W + K] = biasFirst ? bias[row] : 1;
    joined[row * W + K + 1] = biasFirst ? 1 : bias[row];
  }
  return joined;
}
