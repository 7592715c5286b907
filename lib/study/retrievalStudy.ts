import { bucket, category, id, number, text } from '../data/features.ts';
import { type Interactions, interactions } from '../data/interactions.ts';
import { LabelEncoder, type RawId } from '../data/labelEncoder.ts';
import { splitRandom } from '../data/split.ts';
import { factorizedTopK } from '../metrics/index.ts';
import type { Query } from '../models/queryTower.ts';
import { breathe } from '../models/train.ts';
import { TwoTower, type TwoTowerSettings } from '../models/twoTower.ts';
import type { Vectors } from '../retrieval/vectors.ts';
import type { EmbeddingMap } from './embeddingMap.ts';
import { filmMap } from './filmMap.ts';
import { historyToNextStudy } from './historyToNextStudy.ts';
import { RETRIEVAL_MODELS, type RetrievalModelName } from './models.ts';
import type { MovieLens } from './movieLens.ts';
import { type FilmList, type MovieLensResult, resultOf } from './movieLensResult.ts';
import type { MovieLensOptions } from './movieLensStudy.ts';
import { type Measure, type Section, type SectionPoint, type SectionRow, sayFigures, sectionRow } from './sections.ts';
import { silent } from './progress.ts';

/** Places that are looked at, as TensorFlow Recommenders does. */
const PLACES = [1, 5, 10, 50, 100];

/** A curve has so many points. */
const POINTS = 10;

/** What the tutorial's towers are told: of people gender, age group and occupation; when it was, by one of 1,000 ranges and as it is; of films the title, and the words in it. */
const TOLD = {
  userFeatures: { gender: category(), age: bucket({ edges: [18, 25, 35, 45, 50, 56] }), occupation: category() },
  contextFeatures: { range: bucket({ count: 1000, by: 'width', column: 'time' }), time: number() },
  itemFeatures: { title: category(), words: text({ words: 10_000, column: 'title' }) },
} satisfies Partial<TwoTowerSettings>;

const NOTES = {
  tutorial: 'as in the tutorial: negatives as the batch has them, which pushes popular films down',
  published: 'top 100 after 50 epochs of a tutorial of TensorFlow Recommenders, its towers one layer of 32, without ids',
  corrected: 'corrected for how often a film is a negative, and without the film itself among the negatives',
};

/** The row that answers the tutorial's query, and the one whose films are drawn. */
const LISTED = 'two towers, 64-32', MAPPED = 'two towers, 64-32, user id';

/** The tutorial's query: occupation 17 of its data set is 'student'. */
const QUERY = { gender: 'M', age: 25, occupation: 'student', time: 879_024_327_000 } as const;
const LONG = 50;

interface Context {
  readonly data: MovieLens;
  readonly pieces: readonly [train: Interactions, test: Interactions];
  readonly options: MovieLensOptions & { readonly seed: number };
  readonly lists: FilmList[];
  map: EmbeddingMap | null;
}

type Known = Partial<Pick<SectionRow, 'published' | 'publishedNote' | 'note'>>;
type Row = (context: Context, measures: readonly Measure[]) => Promise<SectionRow>;

const ROWS: readonly { model: RetrievalModelName; row: Row }[] = [
  { model: 'popularity', row: popularityRow },
  { model: 'two-tower', row: twoTowerRow('two towers, 32, as in the tutorial', { layers: [32], samplingCorrection: false, removeHits: false }, { published: 0.16, publishedNote: NOTES.published, note: NOTES.tutorial }) },
  { model: 'two-tower', row: twoTowerRow('two towers, 64-32, as in the tutorial', { samplingCorrection: false, removeHits: false }, { note: NOTES.tutorial }) },
  { model: 'two-tower', row: twoTowerRow('two towers, 32', { layers: [32] }, { note: NOTES.corrected }) },
  { model: 'two-tower', row: twoTowerRow(LISTED, {}, { note: NOTES.corrected }) },
  { model: 'two-tower', row: twoTowerRow(MAPPED, { userFeatures: { id: id(), ...TOLD.userFeatures! } }, { note: NOTES.corrected }) },
];

const SECTION: Omit<Section, 'rows'> = {
  id: 'retrieval', title: 'Which film did they rate then?', publishedOf: 4, curveOf: 'top 100 on test',
  about: 'All ratings, in an order by lot: 80 in a hundred train, the others test. A query is who rated, by features, and when; how often is the film that was rated among the first 1, 5, 10, 50 and 100 of all films, with those that somebody has rated already? Films of one title are one, as in the tutorial. Chance would have 0.06 among the first 100.',
  measures: PLACES.map((k) => ({ name: `top ${k}`, digits: 4, best: 'high' })),
};

/** runRetrieval: the study of retrieval on MovieLens: fits the models asked for, measures them, and answers the tutorial's query. The same data and seed give the same figures. Errors: the signal's reason when aborted; those of the models. */
export async function runRetrieval(data: MovieLens, options: Omit<MovieLensOptions, 'models'> & { models?: readonly RetrievalModelName[] } = {}): Promise<MovieLensResult> {
  const { seed = 1, threads = 1, models = RETRIEVAL_MODELS, ...others } = options, films = byTitle(data), [train, test] = splitRandom(films.ratings, { share: 0.2, seed });
  const context: Context = { data: films, pieces: [train, test], options: { ...others, seed, threads }, lists: [], map: null }, rows: SectionRow[] = [];
  for (const { model, row } of ROWS) if (models.includes(model)) rows.push(await row(context, SECTION.measures));
  const sections = [...(rows.length > 0 ? [{ ...SECTION, rows }] : []), ...(models.includes('history-to-next') ? await historyToNextStudy(data, context.options) : [])];
  return resultOf('movielens-retrieval', data, sections, { lists: context.lists, map: context.map, threads, seed });
}

/** The ratings with films of one title as one film, as the tutorial has them: a few are in the data twice. */
function byTitle(data: MovieLens): MovieLens {
  const { users, user, items, item, value, time } = data.ratings, titles = data.items.columns.title as readonly string[], first = new Map<string, RawId>();
  const one = items.known().map((id) => { const title = titles[data.items.position.get(id)!]; if (!first.has(title)) first.set(title, id); return first.get(title)!; });
  return { ...data, ratings: interactions(Array.from(user, (row) => users.decode(row)), Array.from(item, (row) => one[row]), { users, items: LabelEncoder.fit([...first.values()]), values: value!, times: time! }) };
}

/** The share of test events whose film is among the first; vectors of queries beside those of all films, by row. */
const topOf = ({ pieces: [, test] }: Context, queries: Vectors, films: Vectors): number[] => {
  const shares = factorizedTopK(queries, test.item, films, PLACES);
  return PLACES.map((k) => shares[k]);
};

/** The same films for everybody: a vector of one number each. */
async function popularityRow(context: Context, measures: readonly Measure[]): Promise<SectionRow> {
  const { pieces: [train, test], options: { progress = silent } } = context, task = progress.begin('popularity', 1), began = performance.now(), counts = new Float32Array(train.items.size);
  for (const film of train.item) counts[film]++;
  const fitSeconds = (performance.now() - began) / 1000, n = test.user.length, figures = topOf(context, { data: new Float32Array(n).fill(1), shape: [n, 1] }, { data: counts, shape: [counts.length, 1] });
  task.end(sayFigures(measures, figures));
  return sectionRow('popularity', { figures, fitSeconds });
}

function twoTowerRow(name: string, settings: Partial<TwoTowerSettings>, known: Known): Row {
  return async (context, measures) => {
    const { data, pieces: [train, test], options: { seed, threads = 1, progress = silent, signal } } = context, model = new TwoTower({ ...TOLD, ...settings, seed }), { epochs } = model.settings;
    const queries = Array.from(test.user, (user, event): Query => ({ user: test.users.decode(user) as RawId, time: test.time![event] })), every = Math.ceil(epochs / POINTS);
    const task = progress.begin(name, epochs), curve: SectionPoint[] = [], began = performance.now();
    let aside = 0, figures: number[] = [];
    await model.fit(train, {
      userTable: data.users, itemTable: data.items, threads, ...(signal && { signal }),
      onEpoch: async ({ epoch, loss }) => {
        task.at(epoch, `loss ${loss.toFixed(3)}`);
        if (epoch > 1 && epoch % every !== 0 && epoch < epochs) return;
        const start = performance.now();
        figures = topOf(context, model.queryEmbeddings(queries), model.candidateEmbeddings());
        curve.push({ epoch, loss, value: figures[SECTION.publishedOf] });
        await breathe();
        aside += performance.now() - start;
      },
    });
    const fitSeconds = (performance.now() - began - aside) / 1000;
    task.end(sayFigures(measures, figures));
    if (name === LISTED) context.lists.push(answerOf(model, data));
    if (name === MAPPED) context.map = filmMap(model, data, { id: 'film-map', title: `The films of ${name}` });
    const row = sectionRow(name, { figures, fitSeconds, settings: { ...model.settings }, curve, ...known });
    model.free();
    return row;
  };
}

/** The films that a model names for the tutorial's query. */
function answerOf(model: TwoTower, { items }: MovieLens): FilmList {
  const films = model.recommendTo(QUERY, { k: LONG }).map(({ item, score }) => {
    const at = items.position.get(item)!;
    return { title: items.columns.title[at] as string, genres: items.columns.genres[at] as readonly string[], score };
  });
  return { title: `${films.length} films for a student of 25`, about: `What ${LISTED} names for the tutorial's query: a man of 25, occupation 17 of its data set (student), at second 879024327, which was the evening of 8 November 1997.`, films };
}
