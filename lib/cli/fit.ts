import { stat } from 'node:fs/promises';
import type { Interactions } from '../data/interactions.ts';
import { type InteractionReadOptions, readInteractions } from '../data/readInteractions.ts';
import { checkpointFile } from '../io/checkpointFile.ts';
import { checkOutput, writeWhole } from '../io/files.ts';
import { toBytes } from '../io/model.ts';
import { AlternatingLeastSquares } from '../models/alternatingLeastSquares.ts';
import { AutoRec } from '../models/autoRec.ts';
import { BiasOnly } from '../models/biasOnly.ts';
import { BPR } from '../models/bpr.ts';
import { CDAE } from '../models/cdae.ts';
import type { Checkpoints } from '../models/checkpoint.ts';
import { EASE } from '../models/ease.ts';
import { HistoryToNext } from '../models/historyToNext.ts';
import { HybridMF } from '../models/hybridMF.ts';
import { ItemKNN } from '../models/itemKNN.ts';
import { LogisticMatrixFactorization } from '../models/logisticMatrixFactorization.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { NextItemLSTM } from '../models/nextItemLSTM.ts';
import { Popularity } from '../models/popularity.ts';
import { PurchaseHistory } from '../models/purchaseHistory.ts';
import { RatingMF } from '../models/ratingMF.ts';
import { SVDPlusPlus } from '../models/svdPlusPlus.ts';
import type { Recommender } from '../models/recommender.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import type { FitModelName } from '../study/models.ts';
import type { Task } from '../study/progress.ts';
import { Interruption, UsageError, optionOf } from './failure.ts';
import { checkTable } from './loadModel.ts';
import { checkKept, counted, sameFile } from './options.ts';
import { type Terminal, openTerminal, printable } from './terminal.ts';

export interface TableCommand { user: string; item: string; time?: string; value?: string; basket?: string; onBadRow: 'error' | 'skip'; sheet?: string; encoding?: string; delimiter?: string; header?: boolean; quiet?: boolean }

interface FitCommand extends TableCommand {
  model: FitModelName; out: string; checkpoint?: string; threads: ThreadsOption; set?: Record<string, unknown>;
  factors?: number; epochs?: number; learningRate?: number; l2?: number; halfLife?: number; seed?: number;
}

const models: Record<FitModelName, (settings: object) => Recommender> = {
  'als': (settings) => new AlternatingLeastSquares(settings),
  'auto-rec': (settings) => new AutoRec(settings),
  'bias-only': (settings) => new BiasOnly(settings),
  'bpr': (settings) => new BPR(settings),
  'cdae': (settings) => new CDAE(settings),
  'logistic-mf': (settings) => new LogisticMF(settings),
  'logistic-adagrad': (settings) => new LogisticMatrixFactorization(settings),
  'ease': (settings) => new EASE(settings),
  'history-to-next': (settings) => new HistoryToNext(settings),
  'hybrid-mf': (settings) => new HybridMF(settings),
  'item-knn': (settings) => new ItemKNN(settings),
  'lstm': (settings) => new NextItemLSTM(settings),
  'purchase-history': (settings) => new PurchaseHistory(settings),
  'rating-mf': (settings) => new RatingMF(settings),
  'svd-plus-plus': (settings) => new SVDPlusPlus(settings),
  'popularity': (settings) => new Popularity(settings),
};

/** fit: the command `tightrec fit`. */
export async function fit(file: string, options: FitCommand, signal: AbortSignal): Promise<void> {
  await checkOutput(options.out);
  await checkKept('--out', options.out, file);
  const model = models[options.model](settingsOf(options)), terminal = openTerminal(options), { checkpoint } = options;
  model.check(); // before a long file is read
  if (checkpoint !== undefined) await checkCheckpointOption(checkpoint, model, file, options.out);
  const data = await readEvents(file, options, terminal, signal);

  const seconds = await train(model, data, options, terminal, signal);
  await writeWhole(options.out, toBytes(model));
  const { size } = await stat(options.out);
  terminal.result(`${model.name} of ${counted(model.nUsers, 'user')} and ${counted(model.nItems, 'item')}, from ${counted(data.user.length, 'interaction')}, in ${seconds.toFixed(1)} s\n${printable(options.out)}: ${counted(size, 'byte')}\n`);
}

async function checkCheckpointOption(path: string, model: Recommender, file: string, out: string): Promise<void> {
  if (!('epochs' in model.settings)) throw new UsageError(`--checkpoint keeps what is learned epoch by epoch, and ${model.name} learns in one go; leave it out`);
  await checkOutput(path);
  await checkKept('--checkpoint', path, file);
  if (await sameFile(path, out)) throw new UsageError(`--out and --checkpoint would both write ${path}; name another file for one of them`);
}

/** Models with nothing random to seed. */
const COUNTED = new Set<FitModelName>(['popularity', 'purchase-history', 'item-knn', 'ease', 'bias-only']);

/** The settings that were given; the model has defaults for the others. */
function settingsOf({ model, set = {}, factors, epochs, learningRate, l2, halfLife, seed }: FitCommand): object {
  const random = !COUNTED.has(model);
  const given = Object.fromEntries(Object.entries({ factors, epochs, learningRate, l2, halfLife, ...(random && { seed }) }).filter(([, value]) => value !== undefined));
  const twice = Object.keys(given).find((name) => Object.hasOwn(set, name));
  if (twice !== undefined) throw new UsageError(`${twice} is given twice, by ${optionOf[twice]} and by --set ${twice}; leave one out`);
  return { ...given, ...set };
}

/** readEvents: interactions from a file, with progress, and a word on the rows left out. */
export async function readEvents(file: string, options: TableCommand, { progress, note }: Terminal, signal: AbortSignal): Promise<Interactions> {
  const { user, item, time, value, basket, onBadRow, sheet, encoding, delimiter, header } = options, columns = { user, item, ...(time && { time }), ...(value && { value }), ...(basket && { basket }) };
  const repeated = Object.values(columns).find((name, at, names) => names.indexOf(name) !== at);
  if (repeated !== undefined) throw new UsageError(`each of --user, --item, --time, --value and --basket needs a column of its own, got '${repeated}' twice`);

  await checkTable(file);
  const task = progress.begin(`reading ${file}`, 1);
  const reading: InteractionReadOptions = {
    onBadRow, signal, ...(sheet !== undefined && { sheet }), ...(encoding !== undefined && { encoding }), ...(delimiter !== undefined && { delimiter }), ...(header === false && { header }),
    onProgress: ({ bytes, totalBytes, rows }) => task.at(bytes / Math.max(1, totalBytes), counted(rows, 'row')),
  };
  const events = await readInteractions(file, columns, reading), { count, details: [first] } = events.skipped;
  task.end(counted(events.user.length, 'row'));
  if (first) note(`left out ${counted(count, 'bad row')}; the first: row ${first.row}${first.column && `, column ${first.column}`}: ${first.message}`);
  return events;
}

/** Fits, with progress; from a checkpoint on where there is one. Interrupted, it says what is kept. */
async function train(model: Recommender, data: Interactions, { checkpoint: path, threads }: Pick<FitCommand, 'checkpoint' | 'threads'>, { progress, note }: Terminal, signal: AbortSignal): Promise<number> {
  const { epochs = 1 } = model.settings as { epochs?: number }, began = performance.now();
  let last = '', kept = 0, task: Task | null = null; // kept: how many epochs the checkpoint has
  const keptOf = (): string => `${kept} of ${counted(epochs, 'epoch')}`;
  const training = (): Task => {
    if (task !== null) return task;
    if (kept > 0) note(`${path} has ${keptOf()}: ${kept < epochs ? 'going on from there' : 'nothing is left to learn'}`);
    return task = progress.begin(model.name, Number.isFinite(epochs) ? epochs : 1);
  };
  const checkpoints = path === undefined ? null : counting(checkpointFile(path), (epochs) => { kept = epochs; });
  try {
    await model.fit(data, {
      signal, threads, ...(checkpoints && { checkpoints }),
      onStep: ({ epoch, step, steps }) => training().at(epoch - 1 + step / steps, `epoch ${epoch} of ${epochs}${last}`),
      onEpoch: ({ epoch, loss }) => { last = `, loss ${loss.toFixed(4)}`; training().at(epoch, `epoch ${epoch} of ${epochs}${last}`); },
    });
    signal.throwIfAborted();
  } catch (error) {
    if (signal.reason instanceof Interruption && kept > 0) signal.reason.left = `${path} has ${keptOf()}, and the same command goes on from there`;
    throw error;
  }
  training().end(last === '' || epochs === 1 ? 'trained' : `trained${last}`);
  return (performance.now() - began) / 1000;
}

/** The same checkpoints; `tell` hears how many epochs are in them, when they are read and written. */
function counting(checkpoints: Checkpoints, tell: (epochs: number) => void): Checkpoints {
  return {
    ...checkpoints,
    async load() {
      const found = await checkpoints.load();
      if (found !== null) tell(found.last.epoch);
      return found;
    },
    async save(checkpoint) {
      await checkpoints.save(checkpoint);
      tell(checkpoint.last.epoch);
    },
  };
}
