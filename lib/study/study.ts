import type { Interactions } from '../data/interactions.ts';
import { TightrecError } from '../errors.ts';
import { AlternatingLeastSquares } from '../models/alternatingLeastSquares.ts';
import { Blend } from '../models/blend.ts';
import { BPR } from '../models/bpr.ts';
import type { Checkpoint, Checkpoints } from '../models/checkpoint.ts';
import { EASE } from '../models/ease.ts';
import { ItemKNN } from '../models/itemKNN.ts';
import { LogisticMatrixFactorization } from '../models/logisticMatrixFactorization.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { NextItemLSTM, type NextItemLSTMSettings } from '../models/nextItemLSTM.ts';
import { Popularity } from '../models/popularity.ts';
import { PurchaseHistory } from '../models/purchaseHistory.ts';
import type { Recommender } from '../models/recommender.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import { type FitOptions, breathe } from '../models/train.ts';
import { PLACES, invoicePrecision } from './invoicePrecision.ts';
import { type Machine, machine, versions } from './machine.ts';
import { MODELS, STUDY_MODELS, type StudyModelName } from './models.ts';
import { type NextItemAccuracy, invoicesOf, nextItemAccuracy, withoutState } from './nextItemAccuracy.ts';
import { type OnlineRetail, type Piece, knownInvoices } from './onlineRetail.ts';
import { type Progress, type Task, silent } from './progress.ts';
import { sequentialBaseline } from './sequentialBaseline.ts';
import { type Shape, shapeOf } from './shape.ts';
import { settingsLine } from './table.ts';

/** Half-lives, in days, among which validation chooses. */
const HALF_LIVES = [60, 90, 125, 180, 270, 365];

/** Settings chosen on validation. */
const KNN = { likeness: 'bm25' } as const;
const SHALLOW = { lambda: 100, amounts: 'counts' } as const;
const BLENDED = { ease: { lambda: 300, amounts: 'counts' }, history: { halfLife: 250 }, popularity: { halfLife: 7 } } as const;
const PAPER = { factors: 62, epochs: 60, l2: 2 };

/** A curve has so many points at most, and the first epoch: measuring an epoch takes a third of the time of training it. */
const POINTS = 30;

const FLATTERS = 'so its validation figure flatters it a little; the test figure does not';
const NOTES = {
  chosen: `settings chosen on validation, ${FLATTERS}`,
  bpr: 'published for the chapter\'s settings; an independent PyTorch run of just those (75 x 30 steps of 15,000, rate 0.0005) gives 0.141, still rising, so 0.154 could not be had by them',
};

export interface StudyOptions {
  models?: readonly StudyModelName[];
  seed?: number;
  /** How many threads share the work, or 'all' that the machine has. Default 1. The figures are the same. */
  threads?: ThreadsOption;
  progress?: Progress;
  signal?: AbortSignal;
  /** Where the row of this name, if it learns in epochs, is kept while it learns. A study that was interrupted goes on from there to the same figures. */
  checkpoints?: (row: string) => Checkpoints;
}

/** A point of a validation curve: after an epoch, or for a half-life in days. */
export interface CurvePoint { epoch?: number; halfLife?: number; loss?: number; validation: number }

/** ModelResult: a row of the table. */
export interface ModelResult {
  name: string;
  metric: 'precision' | 'accuracy'; // over invoices, or over the rows of invoices; they do not compare
  k: number;
  validation: number;
  test: number;
  published: number | null; // on validation; always null for generated data
  publishedNote: string | null;
  fitSeconds: number; // without the time that the curve took; with that before an interruption
  settings: Record<string, unknown>;
  curve: CurvePoint[];
  note: string | null;
  nextItem: NextItemResult | null; // what an LSTM's accuracy is made of
}

/** Figures: of one metric, on both pieces; null where a piece has no such rows. */
export interface Figures { validation: number | null; test: number | null }

/** NextItemResult: accuracy by the customer of the invoice, with the state carried; from a zero state; and by the published evaluation, an artefact. */
export interface NextItemResult {
  known: Figures;
  new: Figures;
  none: Figures;
  zeroState: Figures;
  leaked: Figures & { published: number | null }; // on validation; always null for generated data
}

export interface PieceResult { rows: number; invoices: number; known: number; new: number; none: number } // invoices by their customer, as train knows them

/** StudyResult: what `tightrec study` shows and writes as JSON. */
export interface StudyResult {
  title: string;
  data: {
    source: string;
    generated: boolean;
    rows: number; // those of train, validation and test together
    rowsRead: number; // with those of cancelled invoices
    cancelled: number;
    skipped: number; // bad rows, left out of all the above
    items: number;
    customers: number; // of train
    train: PieceResult & { rowsWithCustomer: number; pairs: number; matrix: [number, number] };
    validation: PieceResult;
    test: PieceResult;
    sequentialBaseline: { metric: 'accuracy'; k: number; validation: number; test: number };
    shape: Shape;
  };
  models: ModelResult[];
  machine: Machine;
  versions: Record<string, string>;
  seed: number;
}

/**
 * runStudy: fits the models asked for on train and measures them on validation and test. The same data and seed give the same figures.
 * Errors: the signal's reason when aborted; those of the models.
 */
export async function runStudy(data: OnlineRetail, options: StudyOptions = {}): Promise<StudyResult> {
  const { seed = 1, threads = 1, progress = silent, signal, checkpoints, models: asked = MODELS } = options, models: ModelResult[] = [];
  for (const name of STUDY_MODELS) {
    if (!asked.includes(name)) continue;
    for (const row of rows[name]) models.push(await row({ data, seed, threads, progress, signal, checkpoints }));
  }
  return { ...describe(data), models, machine: machine(threads), versions: versions(), seed };
}

interface Context { data: OnlineRetail; seed: number; threads: ThreadsOption; progress: Progress; signal: AbortSignal | undefined; checkpoints: StudyOptions['checkpoints'] }
type Row = (context: Context) => Promise<ModelResult>;

const rows: Record<StudyModelName, Row[]> = {
  'popularity': [popularityRow],
  'purchase-history': [(context) => trainedRow('purchase-history', new PurchaseHistory(), {}, context), halfLifeRow],
  'item-knn': [(context) => trainedRow('item-knn', new ItemKNN(KNN), { note: NOTES.chosen }, context)],
  'ease': [(context) => trainedRow('ease', new EASE(SHALLOW), { note: NOTES.chosen }, context)],
  'blend': [blendRow],
  'logistic-mf': [(context) => trainedRow('logistic-mf', new LogisticMF({ seed: context.seed }), { published: 0.151 }, context)],
  'logistic-adagrad': [(context) => trainedRow('logistic-adagrad', new LogisticMatrixFactorization({ ...PAPER, seed: context.seed }), { note: NOTES.chosen }, context)],
  'bpr': [
    (context) => trainedRow('bpr', new BPR({ seed: context.seed }), { published: 0.154, publishedNote: NOTES.bpr, note: NOTES.chosen }, context),
    (context) => trainedRow("bpr, chapter's settings", new BPR({ preset: 'chapter', seed: context.seed }), { published: 0.154, publishedNote: NOTES.bpr }, context),
  ],
  'bpr-sgd': [(context) => trainedRow('bpr-sgd', new BPR({ solver: 'sgd', seed: context.seed }), { note: NOTES.chosen }, context)],
  'als': [
    (context) => trainedRow('als', new AlternatingLeastSquares({ l2: 20, seed: context.seed }), { published: 0.1385, note: NOTES.chosen }, context),
    (context) => trainedRow("als, chapter's settings", new AlternatingLeastSquares({ preset: 'chapter', seed: context.seed }), { published: 0.1385 }, context),
  ],
  'sequential': [sequentialRow],
  'lstm': [(context) => nextItemRow('lstm', {}, null, context), (context) => nextItemRow("lstm, chapter's settings", { preset: 'chapter' }, 0.0713, context)],
  'user-lstm': [
    (context) => nextItemRow('user-lstm', { user: true }, null, context),
    (context) => nextItemRow("user-lstm, chapter's settings", { preset: 'chapter', user: true }, 0.2525, context),
  ],
};

const row = (name: string, more: Partial<ModelResult> & Pick<ModelResult, 'validation' | 'test' | 'fitSeconds'>): ModelResult =>
  ({ name, metric: 'precision', k: PLACES, published: null, publishedNote: null, settings: {}, curve: [], note: null, nextItem: null, ...more });

/** The five most bought items of train for everybody; counting them is part of preparing the data. */
async function popularityRow({ data, progress }: Context): Promise<ModelResult> {
  const began = performance.now(), validation = invoicePrecision(null, data.validation, data), test = invoicePrecision(null, data.test, data);
  progress.begin('popularity', 1).end(figures(validation, test));
  return row('popularity', { validation, test, published: data.transactions.generated ? null : 0.0642, fitSeconds: (performance.now() - began) / 1000 });
}

/** The baseline of the next item: the five most bought items of train that the invoice does not hold yet. */
async function sequentialRow({ data, progress }: Context): Promise<ModelResult> {
  const began = performance.now(), validation = sequentialBaseline(data.validation, data), test = sequentialBaseline(data.test, data);
  progress.begin('sequential', 1).end(figures(validation, test));
  return row('sequential', { metric: 'accuracy', validation, test, fitSeconds: (performance.now() - began) / 1000 });
}

/** Fits a model to the rows with a customer and measures precision over invoices. */
function trainedRow(name: string, model: Trained, known: Partial<Pick<ModelResult, 'published' | 'publishedNote' | 'note'>>, context: Context): Promise<ModelResult> {
  const { data } = context, published = data.transactions.generated ? { published: null, publishedNote: null } : {};
  return fittedRow(name, model, data.training, { metric: 'precision', measure: (piece) => invoicePrecision(model, piece, data), more: async () => ({ ...known, ...published }) }, context);
}

/** EASE, what the customer bought and what everybody buys lately, with the weights that are best on validation. */
async function blendRow({ data, threads, progress, signal }: Context): Promise<ModelResult> {
  const task = progress.begin('blend', 1), began = performance.now(), measure = (model: Recommender) => invoicePrecision(model, data.validation, data);
  const models = [new EASE(BLENDED.ease), new PurchaseHistory(BLENDED.history), new Popularity(BLENDED.popularity)], blend = new Blend(models);
  let tried = 0, best = 0;
  await blend.fit(data.training, {
    signal, threads,
    onStep: ({ step, steps }) => task.at(step / steps / 2),
    validation: async (model) => {
      const validation = measure(model);
      best = Math.max(best, validation);
      task.at(0.5 + 0.5 * (1 - 1 / ++tried), `${tried} sets of weights tried, precision@5 ${best.toFixed(4)}`);
      await breathe();
      return validation;
    },
  });
  const fitSeconds = (performance.now() - began) / 1000, weights = blend.weights.map((weight) => Number(weight.toPrecision(3))), validation = measure(blend), test = invoicePrecision(blend, data.test, data);
  task.end(figures(validation, test));
  const said = models.map((model, m) => `${weights[m]} x ${model.name} (${settingsLine(model.settings as unknown as Record<string, unknown>)})`);
  blend.free();
  return row('blend', { validation, test, fitSeconds, settings: { weights: weights.join(' ') }, note: `${said.join(' + ')}; weights and ${NOTES.chosen}` });
}

/** Fits an LSTM to all invoices of train, with or without a customer, and measures the accuracy of the next item; `published` is by the leaked protocol. */
function nextItemRow(name: string, settings: Partial<NextItemLSTMSettings>, published: number | null, context: Context): Promise<ModelResult> {
  const { data, seed, threads, signal } = context, model = new NextItemLSTM({ ...settings, seed }), carried: Partial<Record<Piece['name'], NextItemAccuracy>> = {};
  const measure = (piece: Piece): number => (carried[piece.name] = nextItemAccuracy(model, piece, data, threads)).all;
  const stateless = async (piece: Piece): Promise<ReturnType<typeof withoutState>> => {
    await breathe(); // it takes its time
    signal?.throwIfAborted();
    return withoutState(model, piece, data, threads);
  };
  const more = async (): Promise<Partial<ModelResult>> => {
    const v = { ...carried.validation!, ...await stateless(data.validation) }, t = { ...carried.test!, ...await stateless(data.test) };
    const of = (part: 'known' | 'new' | 'none' | 'zeroState' | 'leaked'): Figures => ({ validation: v[part], test: t[part] });
    return { note: settings.preset === 'chapter' ? null : NOTES.chosen, nextItem: { known: of('known'), new: of('new'), none: of('none'), zeroState: of('zeroState'), leaked: { ...of('leaked'), published: data.transactions.generated ? null : published } } };
  };
  return fittedRow(name, model, invoicesOf(data.train, data), { metric: 'accuracy', measure, more }, context);
}

type Trained = Recommender & { fit(data: Interactions, options: FitOptions): Promise<unknown>; free?(): void };

/** Judge: how a row is measured; `more` is what else it says, asked after the last measure. */
interface Judge { metric: ModelResult['metric']; measure(piece: Piece): number; more(): Promise<Partial<ModelResult>> }

/** Fits a model and measures it; one that learns in epochs is measured on the way too, and goes on from its checkpoint where there is one. */
async function fittedRow(name: string, model: Trained, training: Interactions, { metric, measure, more }: Judge, { data, threads, progress, signal, checkpoints }: Context): Promise<ModelResult> {
  const { epochs = 0 } = model.settings as { epochs?: number }, every = Math.ceil(epochs / POINTS), kept = epochs > 0 ? checkpoints?.(name) : undefined, began = performance.now();
  let earlier: Learned = { epochs: 0, seconds: 0, curve: [] }, curve: CurvePoint[] = [], aside = 0; // aside: what measuring and keeping took
  let before = 0, stepsNow = 0, validation = Number.NaN, begun: Task | null = null; // before, stepsNow: the steps of the epochs done, and of this one
  const task = (): Task => {
    if (begun === null && earlier.epochs > 0) progress.say(`${name}: ${earlier.epochs} of ${epochs} epochs are in ${kept!.name ?? 'its checkpoint'}${earlier.epochs < epochs ? '; going on from there' : ''}`);
    return begun ??= progress.begin(name, Math.max(1, epochs));
  };
  const away = async <Result>(work: () => Promise<Result> | Result): Promise<Result> => {
    const start = performance.now();
    try { return await work(); } finally { aside += performance.now() - start; }
  };
  const seconds = (): number => earlier.seconds + (performance.now() - began - aside) / 1000;
  const said = () => (Number.isNaN(validation) ? '' : `, ${metric}@${PLACES} ${validation.toFixed(4)}`);

  await model.fit(training, {
    signal, threads,
    ...(kept && { checkpoints: {
      ...kept,
      load: () => away(async () => {
        const found = await kept.load();
        if (found !== null) ({ curve } = earlier = learnedBy(found, kept.name ?? name));
        return found;
      }),
      save: (checkpoint: Checkpoint) => away(() => kept.save({ ...checkpoint, notes: JSON.stringify({ seconds: seconds(), curve }) })),
    } }),
    onStep: ({ epoch, step, steps, loss }) => {
      const done = epoch - 1 + step / steps, took = (performance.now() - began - aside) / 1000;
      stepsNow = steps;
      task().at(done, `loss ${loss.toFixed(4)}, ${((before + step) / took).toFixed(1)} steps/s, ${timeLeft((took / (done - earlier.epochs)) * (epochs - done))} left${said()}`);
    },
    onEpoch: async ({ epoch, loss }) => {
      before += stepsNow;
      if (epochs === 0 || (epoch > 1 && epoch % every !== 0 && epoch < epochs)) return;
      validation = await away(() => measure(data.validation));
      curve.push({ epoch, loss, validation });
      task().at(epoch, `loss ${loss.toFixed(4)}${said()}`);
    },
  });
  const fitSeconds = seconds();
  if (Number.isNaN(validation)) validation = measure(data.validation); // no epoch was learned here
  const test = measure(data.test), rest = await more();
  task().end(figures(validation, test));
  model.free?.();
  return row(name, { metric, validation, test, fitSeconds, settings: { ...model.settings }, curve, ...rest });
}

/** Learned: what a study that was interrupted has of a row. */
interface Learned { epochs: number; seconds: number; curve: CurvePoint[] }

/** Errors: 'wrong-checkpoint' for one that no study has kept. */
function learnedBy({ last: { epoch }, notes = '{}' }: Checkpoint, where: string): Learned {
  let told: { seconds?: unknown; curve?: unknown } = {};
  try { told = JSON.parse(notes); } catch { /* told below */ }
  const { seconds, curve } = told, number = (value: unknown): boolean => Number.isFinite(value);
  if (!number(seconds) || !Array.isArray(curve) || !curve.every((point) => number(point?.epoch) && number(point.loss) && number(point.validation))) {
    throw new TightrecError('wrong-checkpoint', `${where} was not kept by a study: it does not say how its validation went; name another folder`);
  }
  return { epochs: epoch, seconds: seconds as number, curve };
}

/** '48 s', '5 min'. */
const timeLeft = (seconds: number): string => (seconds < 99.5 ? `${Math.ceil(seconds)} s` : `${Math.round(seconds / 60)} min`);

/** The half-life that is best on validation. */
async function halfLifeRow({ data, progress, signal }: Context): Promise<ModelResult> {
  const task = progress.begin('purchase-history, half-life', HALF_LIVES.length), curve: CurvePoint[] = [];
  let best: { model: PurchaseHistory; halfLife: number; validation: number } | null = null, fitSeconds = 0;
  for (const halfLife of HALF_LIVES) {
    const began = performance.now(), model = await new PurchaseHistory({ halfLife }).fit(data.training, { signal });
    fitSeconds += (performance.now() - began) / 1000;
    const validation = invoicePrecision(model, data.validation, data);
    curve.push({ halfLife, validation });
    if (best === null || validation > best.validation) best = { model, halfLife, validation };
    task.at(curve.length, `${halfLife} days: precision@5 ${validation.toFixed(4)}`);
  }
  const { model, halfLife, validation } = best!, test = invoicePrecision(model, data.test, data);
  task.end(figures(validation, test));
  return row('purchase-history, half-life', {
    validation, test, fitSeconds, curve, settings: { ...model.settings },
    note: `a half-life of ${halfLife} days, chosen on validation among ${HALF_LIVES.join(', ')}, ${FLATTERS}`,
  });
}

const figures = (validation: number, test: number): string => `validation ${validation.toFixed(4)}, test ${test.toFixed(4)}`;

function describe(data: OnlineRetail): Pick<StudyResult, 'title' | 'data'> {
  const { transactions, training } = data, { generated, source } = transactions;
  const piece = (one: Piece): PieceResult => ({ rows: one.rows.length, invoices: one.customer.length, ...knownInvoices(one) });
  return {
    title: generated ? 'GENERATED DATA of the shape of Online Retail (made up: not the real transactions)' : 'Online Retail',
    data: {
      source, generated, rows: data.kept, rowsRead: transactions.rows, cancelled: transactions.rows - data.kept, skipped: transactions.skipped.count,
      items: data.items.size, customers: data.customers.size,
      train: { ...piece(data.train), rowsWithCustomer: training.user.length, pairs: training.matrix.indices.length, matrix: [training.users.size, training.items.size] },
      validation: piece(data.validation), test: piece(data.test),
      sequentialBaseline: { metric: 'accuracy', k: PLACES, validation: sequentialBaseline(data.validation, data), test: sequentialBaseline(data.test, data) },
      shape: shapeOf(data),
    },
  };
}
