import { bucket, category, id, multi } from '../data/features.ts';
import { type Interactions, selectEvents } from '../data/interactions.ts';
import { type Rater, auc, crossValidate, evaluate, evaluateRatings } from '../metrics/index.ts';
import { AlternatingLeastSquares } from '../models/alternatingLeastSquares.ts';
import { AutoRec } from '../models/autoRec.ts';
import { BiasOnly } from '../models/biasOnly.ts';
import { BPR } from '../models/bpr.ts';
import { CDAE } from '../models/cdae.ts';
import { EASE } from '../models/ease.ts';
import { FactorizationMachine } from '../models/factorizationMachine.ts';
import { HybridMF } from '../models/hybridMF.ts';
import { ItemKNN } from '../models/itemKNN.ts';
import { Popularity } from '../models/popularity.ts';
import { RatingMF } from '../models/ratingMF.ts';
import type { Recommender } from '../models/recommender.ts';
import { Siamese } from '../models/siamese.ts';
import type { FeatureFitOptions, FeatureSettings, SideTables } from '../models/sides.ts';
import { SVDPlusPlus } from '../models/svdPlusPlus.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import { breathe } from '../models/train.ts';
import { random } from '../random.ts';
import type { EmbeddingMap } from './embeddingMap.ts';
import { filmMap } from './filmMap.ts';
import { MeanRating } from './meanRating.ts';
import { MOVIELENS_MODELS, type MovieLensModelName } from './models.ts';
import { LIKED, type MovieLens } from './movieLens.ts';
import { type Likes, type MovieLensResult, likedOf, likesOf, resultOf } from './movieLensResult.ts';
import { type Progress, silent } from './progress.ts';
import { type Measure, type Section, type SectionPoint, type SectionRow, sayFigures, sectionRow } from './sections.ts';

/** Folds of the cross-validation, and places in a list. */
const FOLDS = 5, PLACES = 10;

/** The row of ranking whose films are drawn: it is told ids alone, so what its map shows of genres it has found in the likes. */
const MAPPED = 'hybrid-mf, ids';

/** A curve has so many points at most. */
const POINTS = 30;

/** Settings chosen on the validation pieces of this study. */
const TUNED = {
  ratingMF: { factors: 100, epochs: 80, learningRate: 0.02, learningRateDecay: 0.97, l2: 0.09, initialScale: 0.01 },
  svdPlusPlus: { factors: 100, epochs: 80, learningRate: 0.012, learningRateDecay: 0.98, l2: 0.085, initialScale: 0.01 },
  knn: { likeness: 'cosine', neighbours: 100 },
  ease: { lambda: 200, amounts: 'binary' },
  als: { factors: 32, l2: 5, alpha: 1 },
  small: { factors: 10, initialScale: 0.001, batchSize: 50_000, verifyNegatives: true, epochs: 60 },
} as const;

const NOTES = {
  chosen: 'settings chosen on validation, so its validation figure flatters it a little; the test figure does not',
  surprise: 'settings of the library Surprise, whose manual has the published figure (five folds of its own)',
  tuned: 'settings chosen on another fold and on this split',
  goodreads: 'as one trains on Goodreads: few factors, vectors that start normal with deviation 0.001, batches of 50,000 (here all there is), other items that the user has not met',
  features: 'age, gender and occupation of the user, genres and year of the film, and the ids',
};

/** What models with features are told of users and films, the ids among it. */
const WITH_FEATURES: FeatureSettings = {
  userFeatures: { id: id(), age: bucket({ edges: [18, 25, 35, 45, 50, 56] }), gender: category(), occupation: category() },
  itemFeatures: { id: id(), genres: multi(), year: bucket({ count: 20, by: 'quantile' }) },
};

/** What the siamese network of the lecture is told: of users age, gender and occupation, of films the genres. */
const LECTURE: FeatureSettings = {
  userFeatures: { age: bucket({ edges: [18, 25, 35, 45, 50, 56] }), gender: category(), occupation: category() },
  itemFeatures: { genres: multi() },
};

export interface MovieLensOptions {
  models?: readonly MovieLensModelName[];
  seed?: number;
  /** How many threads share the work, or 'all' that the machine has. Default 1. The figures are the same. */
  threads?: ThreadsOption;
  progress?: Progress;
  signal?: AbortSignal;
}

/** runMovieLens: fits the models asked for and measures them, section by section. The same data and seed give the same figures. Errors: the signal's reason when aborted; those of the models. */
export async function runMovieLens(data: MovieLens, options: MovieLensOptions = {}): Promise<MovieLensResult> {
  const { seed = 1, threads = 1, progress = silent, signal, models = MOVIELENS_MODELS } = options, pieces = likesOf(data, seed);
  const context: Context = { data, pieces, seed, threads, progress, signal, map: null };
  const sections: Section[] = [];
  for (const { rows, ...section } of SECTIONS) {
    const done: SectionRow[] = [];
    for (const { model, row } of rows) if (models.includes(model)) done.push(await row(context, section.measures));
    if (done.length > 0) sections.push({ ...section, rows: done });
  }
  return resultOf('movielens', data, sections, { map: context.map, threads, seed });
}

interface Context { data: MovieLens; pieces: Likes; seed: number; threads: ThreadsOption; progress: Progress; signal: AbortSignal | undefined; map: EmbeddingMap | null }
interface RowOf { model: MovieLensModelName; row: (context: Context, measures: readonly Measure[]) => Promise<SectionRow> }
type Known = Partial<Pick<SectionRow, 'published' | 'publishedNote' | 'note'>>;

const SECTIONS: readonly (Omit<Section, 'rows'> & { rows: readonly RowOf[] })[] = [
  {
    id: 'ratings', title: 'How many stars?', publishedOf: 0, curveOf: 'RMSE on the test piece of the published split',
    about: 'RMSE and MAE of predicted stars, held to 1 to 5: the mean over five random folds, and on the first of the five splits that are published with the data (u1.base, u1.test). Lower is better. Users and films without a rating in train are predicted from the biases that there are.',
    measures: [{ name: 'RMSE', digits: 4, best: 'low' }, { name: 'MAE', digits: 4, best: 'low' }, { name: 'RMSE, u1', digits: 4, best: 'low' }, { name: 'MAE, u1', digits: 4, best: 'low' }],
    rows: [
      { model: 'means', row: meansRow('mean of all', 'all') },
      { model: 'means', row: meansRow('mean of the user', 'user') },
      { model: 'means', row: meansRow('mean of the film', 'item') },
      { model: 'bias-only', row: ratingRow('bias-only', () => new BiasOnly(), { published: 0.944, publishedNote: NOTES.surprise }) },
      { model: 'rating-mf', row: ratingRow('rating-mf', (seed) => new RatingMF({ seed }), { published: 0.934, publishedNote: NOTES.surprise }) },
      { model: 'rating-mf', row: ratingRow('rating-mf, small start', (seed) => new RatingMF({ ...TUNED.ratingMF, seed }), { note: NOTES.tuned }) },
      { model: 'svd-plus-plus', row: ratingRow('svd++', (seed) => new SVDPlusPlus({ seed }), { published: 0.92, publishedNote: NOTES.surprise }) },
      { model: 'svd-plus-plus', row: ratingRow('svd++, small start', (seed) => new SVDPlusPlus({ ...TUNED.svdPlusPlus, seed }), { note: NOTES.tuned }) },
      { model: 'fm', row: ratingRow('fm, ids', (seed) => new FactorizationMachine({ seed })) },
      { model: 'fm', row: ratingRow('fm, features', (seed) => new FactorizationMachine({ ...WITH_FEATURES, seed }), { note: NOTES.features }) },
      { model: 'auto-rec', row: ratingRow('auto-rec, films', (seed) => new AutoRec({ seed })) },
      { model: 'auto-rec', row: ratingRow('auto-rec, users', (seed) => new AutoRec({ by: 'user', seed })) },
    ],
  },
  {
    id: 'ranking', title: 'Which films will they like?', publishedOf: 0, curveOf: `NDCG@${PLACES} on validation`,
    about: `Ratings of ${LIKED} stars and more are likes, 70 in a hundred of them train, 10 validation, 20 test, at random. Every user gets ${PLACES} films that are not among their likes of train (for test: nor of validation). NDCG@${PLACES}, recall@${PLACES} and precision@${PLACES} are means over the users with likes in the piece; AUC is the chance that a film they like ranks above another one.`,
    measures: [{ name: `NDCG@${PLACES}, validation`, digits: 4, best: 'high' }, { name: `NDCG@${PLACES}, test`, digits: 4, best: 'high' }, { name: 'recall, test', digits: 4, best: 'high' }, { name: 'precision, test', digits: 4, best: 'high' }, { name: 'AUC, test', digits: 4, best: 'high' }],
    rows: [
      { model: 'popularity', row: rankingRow('popularity', () => new Popularity()) },
      { model: 'item-knn', row: rankingRow('item-knn', () => new ItemKNN(TUNED.knn), { note: NOTES.chosen }) },
      { model: 'ease', row: rankingRow('ease', () => new EASE(TUNED.ease), { note: NOTES.chosen }) },
      { model: 'als', row: rankingRow('als', (seed) => new AlternatingLeastSquares({ ...TUNED.als, seed }), { note: NOTES.chosen }) },
      { model: 'bpr', row: rankingRow('bpr, by sgd', (seed) => new BPR({ solver: 'sgd', seed })) },
      { model: 'bpr', row: rankingRow('bpr, small normal start', (seed) => new BPR({ ...TUNED.small, seed }), { note: NOTES.goodreads }) },
      { model: 'fm', row: rankingRow('fm, clicks', (seed) => new FactorizationMachine({ task: 'click', seed })) },
      { model: 'hybrid-mf', row: rankingRow(MAPPED, (seed) => new HybridMF({ blocks: 1, seed })) },
      { model: 'hybrid-mf', row: rankingRow('hybrid-mf, features', (seed) => new HybridMF({ ...WITH_FEATURES, seed }), { note: NOTES.features }) },
      { model: 'cdae', row: rankingRow('cdae', (seed) => new CDAE({ seed }), { note: NOTES.chosen }) },
    ],
  },
  {
    id: 'newcomers', title: 'And people of whom nothing is known but age, gender and occupation?', publishedOf: 0, curveOf: `NDCG@${PLACES} for people held out`,
    about: `A fifth of the people, drawn at random, is held out with all their ratings; what they like is told by features alone, or, by popularity and bias-only, by no more than what others like. AUC: the chance that a film they like (${LIKED} stars and more) ranks above any other; and, among the films they rated, above one they do not like. The former is nearly all popularity: people rate what is known.`,
    measures: [{ name: 'AUC, liked over others', digits: 4, best: 'high' }, { name: `NDCG@${PLACES}`, digits: 4, best: 'high' }, { name: 'AUC, liked over disliked', digits: 4, best: 'high' }],
    rows: [
      { model: 'popularity', row: newcomerRow('popularity', 'likes', () => new Popularity()) },
      { model: 'bias-only', row: newcomerRow('bias-only', 'ratings', () => new BiasOnly()) },
      { model: 'fm', row: newcomerRow('fm, ratings', 'ratings', (seed) => new FactorizationMachine({ ...WITH_FEATURES, seed })) },
      { model: 'fm', row: newcomerRow('fm, clicks', 'likes', (seed) => new FactorizationMachine({ ...WITH_FEATURES, task: 'click', seed })) },
      { model: 'hybrid-mf', row: newcomerRow('hybrid-mf, logistic', 'likes', (seed) => new HybridMF({ ...WITH_FEATURES, loss: 'logistic', seed })) },
      { model: 'hybrid-mf', row: newcomerRow('hybrid-mf, warp', 'likes', (seed) => new HybridMF({ ...WITH_FEATURES, seed })) },
      { model: 'siamese', row: newcomerRow('siamese', 'ratings', (seed) => new Siamese({ ...LECTURE, seed })) },
      { model: 'siamese', row: newcomerRow('siamese, hard negatives', 'ratings', (seed) => new Siamese({ ...LECTURE, sampling: 'hard', seed })) },
      { model: 'siamese', row: newcomerRow('siamese, unseen films too', 'ratings', (seed) => new Siamese({ ...LECTURE, negatives: 'both', seed })) },
    ],
  },
];

/** A model of ratings, over the folds and on the published split; a curve on the way of the latter, where it learns in epochs. */
function ratingRow(name: string, make: (seed: number) => Recommender & Rater, known: Known = {}): RowOf['row'] {
  return async ({ data, seed, threads, progress, signal }, measures) => {
    const task = progress.begin(name, FOLDS + 1), { epochs = 0 } = make(seed).settings as { epochs?: number }, tables = tablesFor(make(seed), data);
    const { mean } = await crossValidate(() => make(seed), data.ratings, { k: FOLDS, seed, threads, fitOptions: tables, ...(signal && { signal }), onFold: ({ fold, rmse }) => task.at(fold, `fold ${fold}: RMSE ${rmse.toFixed(4)}`) });
    const model = make(seed), curve = await fitWithCurve(model, data.split.train, epochs, () => evaluateRatings(model, data.split.test).rmse, { ...tables, threads, signal });
    const { rmse, mae } = evaluateRatings(model, data.split.test), figures = [mean.rmse, mean.mae, rmse, mae];
    task.end(sayFigures(measures, figures));
    const row = sectionRow(name, { figures, fitSeconds: mean.fitSeconds, settings: { ...model.settings }, curve, ...known });
    model.free();
    return row;
  };
}

function meansRow(name: string, by: MeanRating['by']): RowOf['row'] {
  return async ({ data, seed, progress }, measures) => {
    const task = progress.begin(name, 1), { mean } = await crossValidate(() => new MeanRating(by), data.ratings, { k: FOLDS, seed }), { rmse, mae } = evaluateRatings(await new MeanRating(by).fit(data.split.train), data.split.test);
    const figures = [mean.rmse, mean.mae, rmse, mae];
    task.end(sayFigures(measures, figures));
    return sectionRow(name, { figures, fitSeconds: mean.fitSeconds });
  };
}

/** A model of likes; a curve on validation, where it learns in epochs. */
function rankingRow(name: string, make: (seed: number) => Recommender, known: Known = {}): RowOf['row'] {
  return async (context, measures) => {
    const { data, pieces, seed, threads, progress, signal } = context, model = make(seed), { epochs = 0 } = model.settings as { epochs?: number }, task = progress.begin(name, Math.max(1, epochs)), options = { k: PLACES, threads };
    const judged = (): number => evaluate(model, pieces.validation, { ...options, exclude: pieces.train, metrics: ['ndcg'] }).ndcg;
    const began = performance.now();
    let aside = 0;
    const curve = await fitWithCurve(model, pieces.train, epochs, (epoch) => {
      const start = performance.now(), ndcg = judged();
      aside += performance.now() - start;
      task.at(epoch, `NDCG@${PLACES} ${ndcg.toFixed(4)}`);
      return ndcg;
    }, { ...tablesFor(model, data), threads, signal });
    const fitSeconds = (performance.now() - began - aside) / 1000;
    const { ndcg, recall, precision, auc } = evaluate(model, pieces.test, { ...options, exclude: pieces.known, metrics: ['ndcg', 'recall', 'precision', 'auc'] }), figures = [judged(), ndcg, recall, precision, auc];
    task.end(sayFigures(measures, figures));
    const row = sectionRow(name, { figures, fitSeconds, settings: { ...model.settings }, curve, ...known });
    if (name === MAPPED) context.map = filmMap(model, data, { id: 'film-map', title: `The films of ${name}` });
    model.free();
    return row;
  };
}

/** A model that has learned nothing of a fifth of the people but their features. */
function newcomerRow(name: string, from: 'likes' | 'ratings', make: (seed: number) => Recommender): RowOf['row'] {
  return async ({ data, seed, threads, progress, signal }, measures) => {
    const task = progress.begin(name, 1), { ratings } = data, { train, held } = newcomersOf(ratings, seed), model = make(seed), began = performance.now();
    await model.fit(from === 'likes' ? likedOf(train) : train, { ...tablesFor(model, data), threads, ...(signal && { signal }) });
    const fitSeconds = (performance.now() - began) / 1000, { auc, ndcg } = evaluate(model, likedOf(held), { k: PLACES, threads, metrics: ['auc', 'ndcg'] }), figures = [auc, ndcg, overDisliked(model, held)];
    task.end(sayFigures(measures, figures));
    const row = sectionRow(name, { figures, fitSeconds, settings: { ...model.settings } });
    model.free();
    return row;
  };
}

/** All ratings of four fifths of the people, and of the others. */
function newcomersOf(ratings: Interactions, seed: number): { train: Interactions; held: Interactions } {
  const people = random(seed).shuffle(Int32Array.from({ length: ratings.users.size }, (_, user) => user)), isNew = new Uint8Array(ratings.users.size);
  for (const user of people.subarray(0, Math.round(people.length / 5))) isNew[user] = 1;
  const events = Int32Array.from(ratings.user.keys()), of = (one: number): Interactions => selectEvents(ratings, events.filter((event) => isNew[ratings.user[event]] === one));
  return { train: of(0), held: of(1) };
}

/** The mean over people with films that they like and films that they do not: the chance that one of the former scores above one of the latter. */
function overDisliked(model: Recommender, held: Interactions): number {
  const { indptr, indices, values, rows, columns } = held.matrix, aucs: number[] = [];
  for (let user = 0; user < rows; user++) {
    const rated = new Set(indices.subarray(indptr[user], indptr[user + 1])), liked = indices.subarray(indptr[user], indptr[user + 1]).filter((_, at) => values[indptr[user] + at] >= LIKED);
    if (liked.length > 0 && liked.length < rated.size) aucs.push(auc(model.scores([user]), liked, Int32Array.from({ length: columns }, (_, item) => item).filter((item) => !rated.has(item))));
  }
  return aucs.reduce((sum, value) => sum + value, 0) / aucs.length;
}

/** The side tables, for a model that declares features; others refuse them. */
const tablesFor = ({ settings }: Recommender, { users, items }: MovieLens): SideTables => ('userFeatures' in settings ? { userTable: users, itemTable: items } : {});

/** Fits, and measures on the way: after every epoch where there are few, else after every so many. No curve of a model that learns in one go. */
async function fitWithCurve(model: Pick<Recommender, 'fit'>, train: Interactions, epochs: number, value: (epoch: number) => number, { signal, ...options }: Pick<FeatureFitOptions, 'threads' | 'signal' | 'userTable' | 'itemTable'>): Promise<SectionPoint[]> {
  const every = Math.ceil(epochs / POINTS), curve: SectionPoint[] = [];
  await model.fit(train, {
    ...options, ...(signal && { signal }),
    onEpoch: async ({ epoch, loss }) => {
      if (epochs === 0 || (epoch > 1 && epoch % every !== 0 && epoch < epochs)) return;
      curve.push({ epoch, loss, value: value(epoch) });
      await breathe();
    },
  });
  return curve;
}
