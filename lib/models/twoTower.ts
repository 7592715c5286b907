import { kernels } from '../../kernels/index.ts';
import { allOrNone, scratch, scratchCopy, scratchInts } from '../../kernels/memory.ts';
import { type ThreadsOption, onThreads } from '../../kernels/onThreads.ts';
import { distinct } from '../autodiff/distinct.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import { growCsr } from '../data/csrTransforms.ts';
import { type Features, checkFeatures } from '../data/features.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { encodeFeatures } from '../data/learnFeatures.ts';
import { type SideColumn, type SideTable, checkSideTable } from '../data/sideTable.ts';
import { TightrecError, describe } from '../errors.ts';
import { AdaGrad } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { ascending, checkK, selectRows, skipsOf } from '../retrieval/select.ts';
import type { Vectors } from '../retrieval/vectors.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo, toRecommendations, unknownId } from './answer.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { type Context, contextColumns, contextFrom, contextToState, encodeContext, lastContext, learnContext } from './context.ts';
import { checkEvents, encodeLike, sharesOf, withSeen } from './events.ts';
import { type Factors, factorAnswers, tensorsOf } from './factors.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { checkFinite, freeFactors } from './newFactors.ts';
import { type Query, type QueryParts, QueryTower, embedQueries, queryTowerState, queryWidths } from './queryTower.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkNames, checkSettings, flag, notNegative, number, orNull, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FeatureFitOptions, type FeatureSettings, type SideTables, type Sides, NEW_ID, checkFeatureSettings, featureRules, learnSides, noTables, sidesFrom, sidesToState, withNewIds, withoutTables } from './sides.ts';
import { type Tower, type Widths, besideOf, fill, newTower, passAll, someLayers, towerFrom, towerRows, towerTensors } from './tower.ts';
import { type FitOptions, train } from './train.ts';

export interface TwoTowerSettings extends FeatureSettings {
  /** Features of the event, on the side of the query: when it was (column `time`), or what else `context` tells fit; null for none. */
  contextFeatures: Features | null;
  /** Units of each layer, of both towers; the last one is K, the length of the vectors. */
  layers: readonly number[];
  /** Whether another event of the batch with the same item is no negative (accidental hits removed). */
  removeHits: boolean;
  /** Whether logits are corrected for how often an item is a negative, by ln of its share of the events: without it, popular items are pushed down. */
  samplingCorrection: boolean;
  /** τ, what dot products are divided by. */
  temperature: number;
  /** Passes over the events. */
  epochs: number;
  /** Events in a batch, whose items are each other's negatives. */
  batchSize: number;
  /** Of AdaGrad. */
  learningRate: number;
  /** Weight of the squares of the layers' matrices. */
  l2: number;
  seed: number;
}

const defaults: TwoTowerSettings = {
  userFeatures: {}, itemFeatures: {}, contextFeatures: null, layers: [64, 32], removeHits: true, samplingCorrection: true, temperature: 1, epochs: 50, batchSize: 2048, learningRate: 0.1, l2: 0, seed: 1,
};

const rules = {
  ...featureRules, contextFeatures: orNull(featureRules.userFeatures), layers: someLayers, removeHits: flag, samplingCorrection: flag, temperature: positive, epochs: wholeNumber(1), batchSize: wholeNumber(2), learningRate: positive, l2: notNegative, seed: number,
};

/** TwoTowerFitOptions: what fit takes beside the interactions. */
export type TwoTowerFitOptions = FeatureFitOptions & {
  /** Columns for the features of the context, with a cell for each event, in the order of the interactions; the column `time` is there from them. */
  context?: Readonly<Record<string, SideColumn>>;
};

export interface RecommendQueriesOptions {
  /** How many items a query. Default 10. */
  k?: number;
  /** Leave out what a `user` of the model met in the training data. Default true. */
  excludeSeen?: boolean;
  /** Items that no list may hold. */
  exclude?: Iterable<RawId>;
  /** The only items that lists may hold. */
  only?: Iterable<RawId>;
  /** How many threads share the work, or 'all' that the machine has. Default 1. The lists are the same. */
  threads?: ThreadsOption;
}

interface Towers { readonly query: Tower; readonly candidate: Tower }

interface LearnedTwoTower {
  readonly towers: Towers;
  readonly sides: Sides;
  readonly context: Context | null;
  readonly catalogue: Catalogue;
  readonly optimizer: AdaGrad;
  readonly random: Random;
  readonly epochs: number;
  readonly factors: Factors; // the vectors of all users, at their last events, and items, as of the last whole epoch
}

/**
 * TwoTower: a network for queries and one for candidates, by their features, whose vectors a dot product compares: retrieval.
 *
 *   q = A(f[u], g[e])   c = B(f[i])      for an event e of user u and item i, in a batch with items n = 1 .. N
 *   x[n] = <q, c[n]> / τ - ln p[n]
 *   L = mean over a batch of -ln (e^x[i] / Σ_n e^x[n])   + l2 Σ |W|² over the matrices of A and B
 *
 * A and B are dense layers, ReLU between them, the last one linear (B's without a bias, which would cancel in L), over what `userFeatures` and `contextFeatures` (the event's: when it was),
 * and `itemFeatures` declare. The items of a batch are the candidates, as often as it holds them. ln p, the log of an item's share of all events, is there with `samplingCorrection`;
 * with `removeHits` another event's candidate that is the same item is no negative. AdaGrad moves the rows of the features that a batch holds (with l2, all rows).
 *
 * It answers for users and items never met: `recommendTo` takes a query by its features, and `addIds` new ids by theirs. A user of the training data stands at the context of
 * their last event. `score` is <q, c>, without τ.
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' where all events are of one item, which has no negative; as learnFeatures for tables and context; 'not-fitted' from
 * everything else before fit; 'diverged'.
 *
 * Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", 2019; the retrieval task of TensorFlow Recommenders.
 */
export class TwoTower implements Recommender {
  readonly name = 'TwoTower';
  readonly settings: TwoTowerSettings;
  #learned: LearnedTwoTower | null = null;

  constructor(settings: Partial<TwoTowerSettings> & FeatureSettings) { this.settings = withDefaults(defaults, settings); }

  check(): void {
    const { userFeatures, itemFeatures, contextFeatures } = this.settings;
    checkSettings(this.name, this.settings, rules);
    checkFeatureSettings(this.name, { userFeatures, itemFeatures });
    if (contextFeatures !== null) checkFeatures(`${this.name}: contextFeatures`, contextFeatures);
  }

  async fit(data: Interactions, options: TwoTowerFitOptions = {}): Promise<this> {
    this.check();
    checkIdle(this, 'fit');
    const where = `${this.name}.fit`, { given, tables, others } = apart(where, options), { learningRate, seed, contextFeatures } = this.settings, next = random(seed);
    checkTwoItems(where, data);
    const sides = learnSides(where, this.settings, data, tables), columns = contextColumns(where, data, given), learned = contextFeatures && learnContext(where, contextFeatures, data, columns);
    const events = learned && encodeContext(where, learned, data, columns), context = learned && { learned, matrix: lastContext(events!, data) };
    const towers = allOrNone(() => ({ query: newTower(sides.user.learned.columns + (learned?.columns ?? 0), this.#widths.query, next), candidate: newTower(sides.item.learned.columns, this.#widths.candidate, next) }));
    await this.#train({ towers, sides, context, catalogue: catalogueOf(data), optimizer: new AdaGrad({ learningRate }), random: next, epochs: 0, factors: null }, events, data, others);
    return this;
  }

  /** Goes on with the features as they were learned, from the events given. */
  async partialFit(data: Interactions, options: TwoTowerFitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    const where = `${this.name}.partialFit`, { given, tables, others } = apart(where, options), { context: before } = this.#learned;
    noTables(where, tables);
    checkEvents(where, data);
    const recoded = encodeLike(where, data, this.#learned.catalogue, NEW_ID), catalogue = withSeen(this.#learned.catalogue, recoded);
    checkTwoItems(where, recoded);
    const events = before && encodeContext(where, before.learned, recoded, contextColumns(where, recoded, given)), context = before && { ...before, matrix: lastContext(events!, recoded, before.matrix) };
    await this.#train({ ...this.#learned, catalogue, context }, events, recoded, others);
    return this;
  }

  /** A bias of the candidates' last layer would cancel in L, and AdaGrad would move it by the rounding of its gradient. */
  get #widths(): { query: Widths; candidate: Widths } {
    const { layers: widths } = this.settings;
    return { query: queryWidths(widths), candidate: { widths, lastBias: false } };
  }

  #train(start: Omit<LearnedTwoTower, 'factors'> & { factors: Factors | null }, events: Csr | null, data: Interactions, options: FitOptions): Promise<void> {
    const { towers, sides, context, catalogue, optimizer, random } = start, { epochs, batchSize, l2, removeHits, samplingCorrection, temperature } = this.settings;
    const n = data.user.length, order = new Int32Array(n), parameters = towersTensors(towers), moved = Object.values(parameters), matrices = [...towers.query, ...towers.candidate].map(({ W }) => W);
    const logShares = samplingCorrection ? sharesOf(data).map(Math.log) : null, steps = Math.max(1, Math.ceil((n - 1) / batchSize)); // the last batch takes an event that would be alone
    let { factors } = start;

    return train({
      model: this, data, features: [sides.user.matrix, sides.item.matrix, ...(events ? [events] : [])], epochs, epochsBefore: start.epochs, steps, parameters, optimizer, random,
      beginEpoch() {
        for (let event = 0; event < n; event++) order[event] = event; // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      step(batch) {
        const chosen = order.subarray(batch * batchSize, batch === steps - 1 ? n : (batch + 1) * batchSize), B = chosen.length, e = scratchCopy(chosen), u = scratchInts(B), i = scratchInts(B);
        for (let b = 0; b < B; b++) { u[b] = data.user[e[b]]; i[b] = data.item[e[b]]; }

        // each item of the batch passes its layers once, however many events have it
        const tape = new Tape(), items = distinct(i, catalogue.items.size);
        const Q = towerRows(tape, towers.query, besideOf(sides.user.matrix, u, events, e), ops.embeddingBag), C = towerRows(tape, towers.candidate, ops.bagsOf(sides.item.matrix, items.ids), ops.embeddingBag);
        const logQ = logShares && Float32Array.from(items.ids, (item) => logShares[item]);
        const loss = ops.retrievalLoss(tape, Q, C, items.slots, { counts: items.counts, removeHits, temperature, ...(logQ && { logQ }) });
        tape.backward(ops.weightedSum(tape, [[1 / B, loss], ...(l2 > 0 ? matrices.map((W): [number, Tensor] => [l2, ops.l2(tape, W)]) : [])]));
        optimizer.step(moved);
        return loss.data[0] / B;
      },
      commit: (done) => {
        factors ??= this.#emptyFactors(catalogue);
        passSides(factors, towers, sides, context);
        this.#learned = { ...start, epochs: done, factors };
      },
    }, options);
  }

  #emptyFactors({ users, items }: Catalogue): Factors {
    const K = this.settings.layers.at(-1)!;
    return allOrNone(() => ({ user: Tensor.lasting([users.size, K]), item: Tensor.lasting([items.size, K]), userBias: null, itemBias: null, globalBias: null }));
  }

  /**
   * addIds: takes in the users and items of side tables that the model has not met, by their features; from then on every call knows them, and a model file holds
   * them. A feature's values not met in training count as none, and a new user has no context. Ids that it knows stay as they are. New rows come behind the others. Errors: as encodeFeatures; 'not-fitted'.
   */
  addIds(tables: SideTables): this {
    checkIdle(this, 'addIds');
    const learned = this.#known(), { catalogue, sides } = withNewIds(`${this.name}.addIds`, learned.catalogue, learned.sides, tables), factors = this.#emptyFactors(catalogue);
    const context = learned.context && { ...learned.context, matrix: growCsr(learned.context.matrix, catalogue.users.size, learned.context.learned.columns) };
    passSides(factors, learned.towers, sides, context);
    this.#learned = { ...learned, catalogue, sides, context, factors };
    freeFactors(learned.factors);
    return this;
  }

  /** queryEmbeddings: the vector of each query. Shape: (n, K). Errors: 'bad-input', 'column-missing' and 'unknown-id' for a query that says too little, or what no feature reads; 'not-fitted'. */
  queryEmbeddings(queries: readonly Query[]): Vectors { return embedQueries(`${this.name}.queryEmbeddings`, this.#queryParts(), queries); }

  /** queryTower: the half that makes vectors of queries, by itself: a copy of what it has learned now. `queryTowerToBytes` writes it. Errors: 'not-fitted'. */
  queryTower(): QueryTower { return QueryTower.fromState(queryTowerState(this.settings, this.#queryParts())); }

  /** candidateEmbeddings: the vectors of all items, by row; or of those that a side table describes, whether the model has met them or not. Shape: (n, K). Errors: as encodeFeatures; 'not-fitted'. */
  candidateEmbeddings(table?: SideTable): Vectors {
    const { sides: { item }, towers: { candidate }, factors } = this.#known();
    if (table === undefined) return { data: factors.item.data.slice(), shape: [factors.item.shape[0], factors.item.shape[1]] };
    const where = `${this.name}.candidateEmbeddings`;
    checkSideTable(where, table);
    return passAll(candidate, encodeFeatures(item.learned, table.ids, table, where));
  }

  /**
   * recommendQueries: the best items of each query, by row numbers; where fewer than k are left, the rest is -1 with score -Infinity. Shape: (n, k).
   * Errors: as queryEmbeddings; 'bad-setting' for k; 'unknown-id' in `exclude` and `only`.
   */
  recommendQueries(queries: readonly Query[], options: RecommendQueriesOptions = {}): TopLists { return this.#lists(`${this.name}.recommendQueries`, queries, options); }

  /** recommendTo: the best items for one query, by raw ids. Errors: as recommendQueries. */
  recommendTo(query: Query, options: RecommendQueriesOptions = {}): Recommendation[] {
    const { items, scores } = this.#lists(`${this.name}.recommendTo`, [query], options);
    return toRecommendations(this.items, items, scores);
  }

  #lists(where: string, queries: readonly Query[], options: RecommendQueriesOptions): TopLists {
    checkNames(where, options, ['k', 'excludeSeen', 'exclude', 'only', 'threads']);
    const { k = 10, excludeSeen = true, exclude = [], only, threads } = options, { factors, catalogue: { users, items, seen } } = this.#known(), [nItems, K] = factors.item.shape;
    checkK(where, k);
    if (typeof excludeSeen !== 'boolean') throw new TightrecError('bad-setting', `${where}: excludeSeen must be true or false, got ${describe(excludeSeen)}`);
    const allowed = new Uint8Array(nItems).fill(only === undefined ? 1 : 0), vectors = embedQueries(where, this.#queryParts(), queries);
    for (const row of only === undefined ? [] : rowsIn(where, 'only', only, items)) allowed[row] = 1;
    for (const row of rowsIn(where, 'exclude', exclude, items)) allowed[row] = 0;
    if (items.unknown) allowed[0] = 0;
    const never = Int32Array.from(allowed.keys()).filter((row) => allowed[row] === 0);
    const leftOut = ({ user }: Query): Int32Array => {
      const row = excludeSeen && users.has(user as RawId) ? users.encode(user as RawId) : -1;
      return row < 0 ? never : ascending(never, seen.indices.subarray(seen.indptr[row], seen.indptr[row + 1]));
    };
    return onThreads(where, threads, () => selectRows(where, Int32Array.from(queries.keys()), nItems, k, (some) => skipsOf(Array.from(some, (q) => leftOut(queries[q]))), (out, some) => {
      const Q = scratch(some.length * K).floats();
      Q.set(vectors.data.subarray(some[0] * K, (some[0] + some.length) * K)); // a block's rows follow one another
      kernels.matmulTransposed(out, Q, factors.item.data, some.length, nItems, K);
    }));
  }

  #queryParts(): QueryParts {
    const { towers, sides, context, catalogue } = this.#known();
    return { model: this.name, users: catalogue.users, user: sides.user, context, tower: towers.query };
  }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    const known = this.#known(), { towers, sides, context } = known;
    return { ...factorAnswers(known), towers: { query: { tower: towers.query, features: [sides.user.learned, ...(context ? [context.learned] : [])] }, candidate: { tower: towers.candidate, features: [sides.item.learned] } } };
  }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): LearnedTwoTower {
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
    const { towers, sides, context, catalogue, epochs } = this.#known(), { tensors, features } = sidesToState(sides, catalogue);
    return {
      model: this.name, settings: this.settings, tensors: { ...tensorsOf(towersTensors(towers)), ...tensors, ...(context && contextToState(context).tensors) }, catalogue,
      features: { ...features, ...(context && contextToState(context).features) }, numbers: { epochs },
    };
  }

  static fromState(state: ModelState): TwoTower {
    const model = new TwoTower(state.settings as TwoTowerSettings), { learningRate, seed, contextFeatures } = model.settings, { catalogue } = state;
    model.check();
    const sides = sidesFrom(state, model.settings), epochs = epochsFrom(state), context = contextFrom(state, contextFeatures);
    const towers = { query: towerFrom(state, 'query', sides.user.learned.columns + (context?.learned.columns ?? 0), model.#widths.query), candidate: towerFrom(state, 'candidate', sides.item.learned.columns, model.#widths.candidate) };
    const factors = model.#emptyFactors(catalogue);
    passSides(factors, towers, sides, context);
    checkFinite(state, factors);
    model.#learned = { towers, sides, context, catalogue, optimizer: new AdaGrad({ learningRate }), random: random(seed + epochs), epochs, factors };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    const { towers, factors, optimizer } = this.#learned;
    freeFactors(factors);
    release(Object.values(towersTensors(towers)), optimizer);
    this.#learned = null;
  }
}

const towersTensors = ({ query, candidate }: Towers): Record<string, Tensor> => ({ ...towerTensors('query', query), ...towerTensors('candidate', candidate) });

/** The vectors of all users, at the context of their last event, and of all items, into `factors`. */
function passSides(factors: Factors, towers: Towers, sides: Sides, context: Context | null): void {
  fill(factors.user, passAll(towers.query, sides.user.matrix, context && context.matrix));
  fill(factors.item, passAll(towers.candidate, sides.item.matrix));
}

/** fit's options apart: columns of the context, side tables, and what the training loop takes. */
function apart(where: string, all: TwoTowerFitOptions): { given: TwoTowerFitOptions['context']; tables: SideTables; others: FitOptions } {
  if (typeof all !== 'object' || all === null) throw new TightrecError('bad-setting', `${where}: options must be an object, got ${describe(all)}`);
  const { context: given, ...options } = all, { tables, options: others } = withoutTables(options);
  return { given, tables, others };
}

/** The rows of items that an option names. Errors: 'bad-input', 'unknown-id'. */
function rowsIn(where: string, option: string, ids: Iterable<RawId>, items: LabelEncoder): number[] {
  if (typeof ids === 'string' || typeof ids?.[Symbol.iterator] !== 'function') throw new TightrecError('bad-input', `${where}: ${option} must be a list or a set of items, got ${describe(ids)}`);
  return Array.from(ids, (id) => {
    const row = items.has(id) ? items.encode(id) : -1;
    if (row < 0) throw unknownId(where, 'item', id, items);
    return row;
  });
}

/** An item has no negatives but others. */
function checkTwoItems(where: string, data: Interactions): void {
  checkEvents(where, data);
  if (data.item.every((item) => item === data.item[0])) throw new TightrecError('bad-input', `${where}: expected events of at least two items, which are each other's negatives, got ${data.item.length} of one`);
}
