import { stat } from 'node:fs/promises';
import type { Interactions } from '../data/interactions.ts';
import { readInteractions } from '../data/readInteractions.ts';
import type { ReadOptions } from '../data/readTable.ts';
import { writeWhole } from '../io/files.ts';
import { toBytes } from '../io/model.ts';
import { BPR } from '../models/bpr.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { Popularity } from '../models/popularity.ts';
import { PurchaseHistory } from '../models/purchaseHistory.ts';
import { RatingMF } from '../models/ratingMF.ts';
import type { Recommender } from '../models/recommender.ts';
import type { FitModelName } from '../study/models.ts';
import type { Progress } from '../study/progress.ts';
import { UsageError, optionOf } from './failure.ts';
import { checkTable } from './loadModel.ts';
import { checkKept, checkOutput, counted } from './options.ts';
import { type Terminal, openTerminal, printable } from './terminal.ts';

export interface TableCommand { user: string; item: string; time?: string; value?: string; onBadRow: 'error' | 'skip'; sheet?: string; encoding?: string; quiet?: boolean }

interface FitCommand extends TableCommand {
  model: FitModelName; out: string; set?: Record<string, unknown>;
  factors?: number; epochs?: number; learningRate?: number; l2?: number; halfLife?: number; seed?: number;
}

const models: Record<FitModelName, (settings: object) => Recommender> = {
  'bpr': (settings) => new BPR(settings),
  'logistic-mf': (settings) => new LogisticMF(settings),
  'purchase-history': (settings) => new PurchaseHistory(settings),
  'rating-mf': (settings) => new RatingMF(settings),
  'popularity': (settings) => new Popularity(settings as Record<string, never>),
};

/** fit: the command `tightrec fit`. */
export async function fit(file: string, options: FitCommand, signal: AbortSignal): Promise<void> {
  await checkOutput(options.out);
  await checkKept('--out', options.out, file);
  const model = models[options.model](settingsOf(options)), terminal = openTerminal(options);
  model.check(); // before a long file is read
  const data = await readEvents(file, options, terminal, signal);

  const seconds = await train(model, data, terminal.progress, signal);
  await writeWhole(options.out, toBytes(model));
  const { size } = await stat(options.out);
  terminal.result(`${model.name} of ${counted(model.nUsers, 'user')} and ${counted(model.nItems, 'item')}, from ${counted(data.user.length, 'interaction')}, in ${seconds.toFixed(1)} s\n${printable(options.out)}: ${counted(size, 'byte')}\n`);
}

/** The settings that were given; the model has defaults for the others. */
function settingsOf({ model, set = {}, factors, epochs, learningRate, l2, halfLife, seed }: FitCommand): object {
  const random = model === 'bpr' || model === 'logistic-mf' || model === 'rating-mf'; // the others have nothing random to seed
  const given = Object.fromEntries(Object.entries({ factors, epochs, learningRate, l2, halfLife, ...(random && { seed }) }).filter(([, value]) => value !== undefined));
  const twice = Object.keys(given).find((name) => Object.hasOwn(set, name));
  if (twice !== undefined) throw new UsageError(`${twice} is given twice, by ${optionOf[twice]} and by --set ${twice}; leave one out`);
  return { ...given, ...set };
}

/** readEvents: interactions from a file, with progress, and a word on the rows left out. */
export async function readEvents(file: string, options: TableCommand, { progress, note }: Terminal, signal: AbortSignal): Promise<Interactions> {
  const { user, item, time, value, onBadRow, sheet, encoding } = options, columns = { user, item, ...(time && { time }), ...(value && { value }) };
  const repeated = Object.values(columns).find((name, at, names) => names.indexOf(name) !== at);
  if (repeated !== undefined) throw new UsageError(`each of --user, --item, --time and --value needs a column of its own, got '${repeated}' twice`);

  await checkTable(file);
  const task = progress.begin(`reading ${file}`, 1);
  const reading: Omit<ReadOptions, 'columns' | 'optional'> = {
    onBadRow, signal, ...(sheet !== undefined && { sheet }), ...(encoding !== undefined && { encoding }),
    onProgress: ({ bytes, totalBytes, rows }) => task.at(bytes / Math.max(1, totalBytes), counted(rows, 'row')),
  };
  const events = await readInteractions(file, columns, reading), { count, details: [first] } = events.skipped;
  task.end(counted(events.user.length, 'row'));
  if (first) note(`left out ${counted(count, 'bad row')}; the first: row ${first.row}${first.column && `, column ${first.column}`}: ${first.message}`);
  return events;
}

async function train(model: Recommender, data: Interactions, progress: Progress, signal: AbortSignal): Promise<number> {
  const { epochs = 1 } = model.settings as { epochs?: number }, task = progress.begin(model.name, Number.isFinite(epochs) ? epochs : 1), began = performance.now();
  let last = '';
  await model.fit(data, {
    signal,
    onStep: ({ epoch, step, steps }) => task.at(epoch - 1 + step / steps, `epoch ${epoch} of ${epochs}${last}`),
    onEpoch: ({ epoch, loss }) => { last = `, loss ${loss.toFixed(4)}`; task.at(epoch, `epoch ${epoch} of ${epochs}${last}`); },
  });
  signal.throwIfAborted();
  task.end(last === '' || epochs === 1 ? 'trained' : `trained${last}`);
  return (performance.now() - began) / 1000;
}

