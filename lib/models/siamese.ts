import { allOrNone, scratchCopy, scratchInts } from '../../kernels/memory.ts';
import { distinct } from '../autodiff/distinct.ts';
import * as ops from '../autodiff/ops/index.ts';
import { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { sampleUnseen } from '../data/negatives.ts';
import { TightrecError } from '../errors.ts';
import { Adam } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import { notFitted, recommend, recommendFor, score, scores, similarItems, similarTo } from './answer.ts';
import { checkIdle } from './busy.ts';
import { type Catalogue, catalogueOf } from './catalogue.ts';
import { encodeLike, withSeen } from './events.ts';
import { type Factors, factorAnswers, tensorsOf } from './factors.ts';
import { type ModelState, epochsFrom } from './modelState.ts';
import { checkFinite, freeFactors } from './newFactors.ts';
import { ratingsOf } from './ratings.ts';
import type { Answers, RecommendForOptions, RecommendOptions, Recommendation, Recommender, SimilarOptions, TopLists } from './recommender.ts';
import { checkSettings, listOf, notNegative, number, oneOf, positive, wholeNumber, withDefaults } from './settings.ts';
import { type FeatureFitOptions, type FeatureSettings, type SideTables, type Sides, NEW_ID, checkFeatureSettings, featureRules, learnSides, noTables, sidesFrom, sidesToState, withNewIds, withoutTables } from './sides.ts';
import { type Tower, type Widths, fill, newTower, passAll, towerFrom, towerRows, towerTensors } from './tower.ts';
import { type FitOptions, train } from './train.ts';

export interface SiameseSettings extends FeatureSettings {
  /** Units of the hidden layers, of users and of items each. */
  layers: readonly number[];
  /** K, the length of the vectors that come out. */
  embedding: number;
  /** 'bpr' for -ln σ(a·p - a·n), 'triplet' for max(0, margin - a·p + a·n). */
  loss: 'bpr' | 'triplet';
  /** Of 'triplet': how far an item that is liked must come before one that is not. */
  margin: number;
  /** The least rating of an item that is liked; one with a lower rating is disliked. */
  liked: number;
  /** What an item that is liked is held against: one disliked, one that the user has not met, or the one or the other by lot. */
  negatives: 'disliked' | 'unseen' | 'both';
  /** Which of those disliked: any of them, or always the one that is most like the item that is liked. */
  sampling: 'random' | 'hard';
  /** Passes over the events with a liked item. */
  epochs: number;
  /** Triples in a batch. */
  batchSize: number;
  learningRate: number;
  /** Weight of the squares of the layers' matrices. */
  l2: number;
  seed: number;
}

const defaults: SiameseSettings = {
  userFeatures: {}, itemFeatures: {}, layers: [64, 32], embedding: 16, loss: 'bpr', margin: 1, liked: 4, negatives: 'disliked', sampling: 'random', epochs: 10, batchSize: 1000, learningRate: 0.001, l2: 1e-4, seed: 1,
};

const rules = {
  ...featureRules, layers: listOf(wholeNumber(1)), embedding: wholeNumber(1), loss: oneOf('bpr', 'triplet'), margin: positive, liked: number, negatives: oneOf('disliked', 'unseen', 'both'), sampling: oneOf('random', 'hard'),
  epochs: wholeNumber(1), batchSize: wholeNumber(1), learningRate: positive, l2: notNegative, seed: number,
};

interface Towers { readonly user: Tower; readonly item: Tower }

interface LearnedSiamese {
  readonly towers: Towers;
  readonly sides: Sides;
  readonly catalogue: Catalogue;
  readonly optimizer: Adam;
  readonly random: Random;
  readonly epochs: number;
  readonly skippedUsers: number;
  readonly factors: Factors; // the vectors of all users and items, as of the last whole epoch
}

/** Triples: of each of n events with a liked item the user, the item, and where the user's disliked items are, in `disliked`; `hard` is the one to take, or -1. */
interface Triples {
  readonly user: Int32Array; // (n)
  readonly item: Int32Array; // (n)
  readonly start: Int32Array; // (nUsers + 1)
  readonly disliked: Int32Array;
  readonly hard: Int32Array; // (n)
  readonly skippedUsers: number;
}

/**
 * Siamese: a triplet network. From features alone it brings a user (the anchor) near the items that the user likes, and further from others, by their dot products.
 *
 *   a = A(f[u])     p = B(f[i])     n = B(f[j])        u liked i, and not j; i and j go through the same layers B
 *   x = <a, p> - <a, n>
 *   L = mean over a batch of -ln σ(x), or of max(0, margin - x), + l2 Σ |W|² over the matrices of A and B
 *
 * A and B are dense layers, ReLU between them, the last one linear (B's without a bias, which would cancel in x), over what `userFeatures` and `itemFeatures` declare, which has no default. An epoch takes each event whose value
 * is at least `liked`, in an order by lot, and draws j for it. With `sampling: 'hard'` j is that disliked item of the user whose features are nearest by cosine
 * to those of i without being the same (any disliked one where all are). A user without an item liked, or without one to hold it against, is left out:
 * `skippedUsers` counts them.
 *
 * It answers for users and items never met, once `addIds` has their features. `score` is <a, p>. The loss reported is the mean without the squares.
 * Errors: 'bad-setting' from fit for a setting out of range; 'bad-input' for interactions without values, and where nobody is left; as learnFeatures for
 * tables; 'not-fitted' from everything else before fit; 'diverged'.
 *
 * Schroff, Kalenichenko, Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering", 2015; Rendle et al., "BPR: Bayesian Personalized Ranking
 * from Implicit Feedback", 2009.
 */
export class Siamese implements Recommender {
  readonly name = 'Siamese';
  readonly settings: SiameseSettings;
  #learned: LearnedSiamese | null = null;

  constructor(settings: Partial<SiameseSettings> & FeatureSettings) { this.settings = withDefaults(defaults, settings); }

  check(): void {
    const { userFeatures, itemFeatures, negatives, sampling } = this.settings;
    checkSettings(this.name, this.settings, rules);
    checkFeatureSettings(this.name, { userFeatures, itemFeatures });
    if (negatives === 'unseen' && sampling === 'hard') throw new TightrecError('bad-setting', `${this.name}: sampling 'hard' chooses among the items that a user dislikes, and with negatives 'unseen' these play no part; take negatives 'disliked' or 'both'`);
  }

  async fit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    this.check();
    checkIdle(this, 'fit');
    const where = `${this.name}.fit`, { tables, options: others } = withoutTables(options), { learningRate, seed } = this.settings, next = random(seed);
    ratingsOf(where, data);
    const sides = learnSides(where, this.settings, data, tables), triples = this.#triplesOf(where, data, data.matrix, sides), widths = this.#widths;
    const towers = allOrNone(() => ({ user: newTower(sides.user.learned.columns, widths.user, next), item: newTower(sides.item.learned.columns, widths.item, next) }));
    await this.#train({ towers, sides, catalogue: catalogueOf(data), optimizer: new Adam({ learningRate }), random: next, epochs: 0, skippedUsers: triples.skippedUsers, factors: null }, triples, data, others);
    return this;
  }

  /** Goes on with the features as they were learned, from the events given. */
  async partialFit(data: Interactions, options: FeatureFitOptions = {}): Promise<this> {
    if (this.#learned === null) return this.fit(data, options);
    this.check();
    const where = `${this.name}.partialFit`, { tables, options: others } = withoutTables(options);
    noTables(where, tables);
    ratingsOf(where, data);
    const recoded = encodeLike(where, data, this.#learned.catalogue, NEW_ID), catalogue = withSeen(this.#learned.catalogue, recoded);
    const triples = this.#triplesOf(where, recoded, catalogue.seen, this.#learned.sides);
    await this.#train({ ...this.#learned, catalogue, skippedUsers: triples.skippedUsers }, triples, recoded, others);
    return this;
  }

  /** A bias of the items' last layer would cancel in x, and Adam would move it by the rounding of its gradient. */
  get #widths(): { user: Widths; item: Widths } {
    const widths = [...this.settings.layers, this.settings.embedding];
    return { user: { widths, lastBias: true }, item: { widths, lastBias: false } };
  }

  /** The events with a liked item, of users who have one to hold it against. Errors: 'bad-input' where there are none. */
  #triplesOf(where: string, { user, item, value, matrix }: Interactions, seen: Csr, sides: Sides): Triples {
    const { liked, negatives, sampling } = this.settings, { rows, columns } = matrix, likes = new Uint8Array(rows), start = new Int32Array(rows + 1), disliked: number[] = [];
    const isLiked = new Set<number>(); // a pair that was rated both ways is liked
    value!.forEach((rating, event) => { if (rating >= liked) { likes[user[event]] = 1; isLiked.add(user[event] * columns + item[event]); } });
    for (let u = 0; u < rows; u++) {
      for (let at = matrix.indptr[u]; at < matrix.indptr[u + 1]; at++) if (!isLiked.has(u * columns + matrix.indices[at])) disliked.push(matrix.indices[at]);
      start[u + 1] = disliked.length;
    }
    const dislikes = (u: number): boolean => start[u] < start[u + 1], leftUnseen = (u: number): boolean => seen.indptr[u + 1] - seen.indptr[u] < columns;
    const has = (u: number): boolean => likes[u] === 1 && (negatives === 'disliked' ? dislikes(u) : negatives === 'unseen' ? leftUnseen(u) : dislikes(u) || leftUnseen(u));
    const events = Int32Array.from(value!.keys()).filter((event) => value![event] >= liked && has(user[event]));
    let met = 0, kept = 0;
    for (let u = 0; u < rows; u++) if (matrix.indptr[u] < matrix.indptr[u + 1]) { met++; if (has(u)) kept++; }
    if (kept === 0) {
      const other = negatives === 'disliked' ? 'one that is rated lower' : negatives === 'unseen' ? 'one that is not met' : 'one that is rated lower or not met';
      throw new TightrecError('bad-input', `${where}: expected a user with an item that is liked, rated ${liked} or more, and ${other}, got none among ${met}; set liked, or negatives, which are '${negatives}'`);
    }
    const found = { user: events.map((event) => user[event]), item: events.map((event) => item[event]), start, disliked: Int32Array.from(disliked), skippedUsers: met - kept };
    return { ...found, hard: sampling === 'hard' ? nearestDisliked(found, sides.item.matrix) : new Int32Array(events.length).fill(-1) };
  }

  #train(start: Omit<LearnedSiamese, 'factors'> & { factors: Factors | null }, { user, item, start: from, disliked, hard }: Triples, data: Interactions, options: FitOptions): Promise<void> {
    const { towers, sides, catalogue, optimizer, random } = start, { epochs, batchSize, l2, loss, margin, negatives } = this.settings, n = user.length, order = new Int32Array(n);
    const parameters = { ...towerTensors('user', towers.user), ...towerTensors('item', towers.item) }, moved = Object.values(parameters), matrices = [...towers.user, ...towers.item].map(({ W }) => W);
    let { factors } = start;

    /** For each triple an item that the user does not like. */
    const draw = (u: Int32Array, triples: Int32Array): Int32Array => {
      const j = scratchInts(u.length);
      if (negatives !== 'disliked') sampleUnseen(j, u, catalogue.seen, random);
      if (negatives === 'unseen') return j;
      for (let b = 0; b < u.length; b++) {
        const first = from[u[b]], many = from[u[b] + 1] - first;
        if (many === 0 || (negatives === 'both' && catalogue.seen.indptr[u[b] + 1] - catalogue.seen.indptr[u[b]] < catalogue.items.size && random.below(2) === 0)) continue; // one that is not met
        j[b] = hard[triples[b]] >= 0 ? hard[triples[b]] : disliked[first + random.below(many)];
      }
      return j;
    };

    return train({
      model: this, data, features: [sides.user.matrix, sides.item.matrix], epochs, epochsBefore: start.epochs, steps: Math.ceil(n / batchSize), parameters, optimizer, random,
      beginEpoch() {
        for (let triple = 0; triple < n; triple++) order[triple] = triple; // so that an epoch depends on nothing but the generator
        random.shuffle(order);
      },
      step(batch) {
        const triples = scratchCopy(order.subarray(batch * batchSize, (batch + 1) * batchSize)), B = triples.length, u = scratchInts(B), both = scratchInts(2 * B);
        for (let b = 0; b < B; b++) { u[b] = user[triples[b]]; both[b] = item[triples[b]]; }
        both.set(draw(u, triples), B);

        // each user and each item of the batch passes its layers once
        const tape = new Tape(), anchors = distinct(u, catalogue.users.size), items = distinct(both, catalogue.items.size), i = items.slots.subarray(0, B), j = items.slots.subarray(B);
        const A = towerRows(tape, towers.user, ops.bagsOf(sides.user.matrix, anchors.ids)), P = towerRows(tape, towers.item, ops.bagsOf(sides.item.matrix, items.ids));
        const misfit = loss === 'bpr' ? ops.bprLoss(tape, A, P, new Tensor([items.ids.length, 1]), anchors.slots, i, j) : ops.tripletLoss(tape, A, P, anchors.slots, i, j, margin);
        tape.backward(ops.weightedSum(tape, [[1 / B, misfit], ...matrices.map((W): [number, Tensor] => [l2, ops.l2(tape, W)])]));
        optimizer.step(moved);
        return misfit.data[0] / B;
      },
      commit: (done) => {
        factors ??= this.#emptyFactors(catalogue);
        passSides(factors, towers, sides);
        this.#learned = { ...start, epochs: done, factors };
      },
    }, options);
  }

  #emptyFactors({ users, items }: Catalogue): Factors {
    const { embedding: K } = this.settings;
    return allOrNone(() => ({ user: Tensor.lasting([users.size, K]), item: Tensor.lasting([items.size, K]), userBias: null, itemBias: null, globalBias: null }));
  }

  /**
   * addIds: takes in the users and items of side tables that the model has not met, by their features; from then on every call knows them, and a model file holds
   * them. A feature's values not met in training count as none. Ids that it knows stay as they are. New rows come behind the others. Errors: as encodeFeatures; 'not-fitted'.
   */
  addIds(tables: SideTables): this {
    checkIdle(this, 'addIds');
    const learned = this.#known(), { catalogue, sides } = withNewIds(`${this.name}.addIds`, learned.catalogue, learned.sides, tables), factors = this.#emptyFactors(catalogue);
    passSides(factors, learned.towers, sides);
    this.#learned = { ...learned, catalogue, sides, factors };
    freeFactors(learned.factors);
    return this;
  }

  /** How many users the last fit has left out: those without an item that they like, or without one to hold it against. */
  get skippedUsers(): number { return this.#known().skippedUsers; }

  get fitted(): boolean { return this.#learned !== null; }
  get answers(): Answers {
    const known = this.#known(), { towers, sides } = known;
    return { ...factorAnswers(known), towers: { query: { tower: towers.user, features: [sides.user.learned] }, candidate: { tower: towers.item, features: [sides.item.learned] } } };
  }
  get users(): LabelEncoder { return this.answers.catalogue.users; }
  get items(): LabelEncoder { return this.answers.catalogue.items; }
  get nUsers(): number { return this.users.size; }
  get nItems(): number { return this.items.size; }

  #known(): LearnedSiamese {
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
    const { towers, sides, catalogue, epochs, skippedUsers } = this.#known(), { tensors, features } = sidesToState(sides, catalogue);
    return { model: this.name, settings: this.settings, tensors: { ...tensorsOf({ ...towerTensors('user', towers.user), ...towerTensors('item', towers.item) }), ...tensors }, catalogue, features, numbers: { epochs, skippedUsers } };
  }

  static fromState(state: ModelState): Siamese {
    const model = new Siamese(state.settings as SiameseSettings), { learningRate, seed } = model.settings, { catalogue, numbers: { skippedUsers } } = state;
    model.check();
    const sides = sidesFrom(state, model.settings), epochs = epochsFrom(state), towers = { user: towerFrom(state, 'user', sides.user.learned.columns, model.#widths.user), item: towerFrom(state, 'item', sides.item.learned.columns, model.#widths.item) };
    if (!(Number.isSafeInteger(skippedUsers) && skippedUsers >= 0)) throw new TightrecError('file-damaged', `${model.name}: the number skippedUsers must be a whole number from 0 up, got ${skippedUsers ?? 'none'}`);
    const factors = model.#emptyFactors(catalogue);
    passSides(factors, towers, sides);
    checkFinite(state, factors);
    model.#learned = { towers, sides, catalogue, optimizer: new Adam({ learningRate }), random: random(seed + epochs), epochs, skippedUsers, factors };
    return model;
  }

  /** Gives the tables' memory back at once; afterwards the model is as if never fitted. */
  free(): void {
    checkIdle(this, 'free');
    if (this.#learned === null) return;
    const { towers: { user, item }, factors, optimizer } = this.#learned;
    freeFactors(factors);
    release(Object.values({ ...towerTensors('user', user), ...towerTensors('item', item) }), optimizer);
    this.#learned = null;
  }
}

/** The vectors of all users and items, into `factors`. */
function passSides(factors: Factors, towers: Towers, sides: Sides): void {
  fill(factors.user, passAll(towers.user, sides.user.matrix));
  fill(factors.item, passAll(towers.item, sides.item.matrix));
}

/** A cosine from here on is that of the same features, but for rounding. */
const SAME = 1 - 1e-6;

/** For each triple the disliked item of its user that is nearest to its item by the cosine of their features, of those that are not the same; ties to the lower row; -1 for none. */
function nearestDisliked({ user, item, start, disliked }: Omit<Triples, 'hard'>, { rows, columns, indptr, indices, values }: Csr): Int32Array {
  const dense = new Float64Array(columns), lengths = new Float64Array(rows), hard = new Int32Array(user.length).fill(-1);
  for (let row = 0; row < rows; row++) for (let at = indptr[row]; at < indptr[row + 1]; at++) lengths[row] += values[at] ** 2;
  for (let triple = 0; triple < user.length; triple++) {
    const i = item[triple], u = user[triple];
    let best = -Infinity;
    for (let at = indptr[i]; at < indptr[i + 1]; at++) dense[indices[at]] = values[at];
    for (let place = start[u]; place < start[u + 1]; place++) {
      const j = disliked[place];
      let dot = 0;
      for (let at = indptr[j]; at < indptr[j + 1]; at++) dot += values[at] * dense[indices[at]];
      const cosine = dot === 0 ? 0 : dot / Math.sqrt(lengths[i] * lengths[j]);
      if (cosine > best && cosine < SAME) { best = cosine; hard[triple] = j; }
    }
    for (let at = indptr[i]; at < indptr[i + 1]; at++) dense[indices[at]] = 0;
  }
  return hard;
}
