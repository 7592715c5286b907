import { type Csr, countPairs, findEntry } from '../data/csr.ts';
import { type Interactions, interactions } from '../data/interactions.ts';
import type { LabelEncoder, RawId } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { type MetricName, evaluate } from '../metrics/evaluate.ts';
import { type Rater, evaluateRatings } from '../metrics/evaluateRatings.ts';
import type { Recommender } from '../models/recommender.ts';
import { UsageError } from './failure.ts';
import { type TableCommand, readEvents } from './fit.ts';
import { loadModel } from './loadModel.ts';
import { columnsOf, counted, rowFrom } from './options.ts';
import { type Terminal, openTerminal } from './terminal.ts';

interface EvaluateCommand extends TableCommand { k: number; metrics: MetricName[]; includeSeen?: boolean; json?: boolean }

/** evaluateCommand: the command `tightrec evaluate`. */
export async function evaluateCommand(file: string, heldOut: string, options: EvaluateCommand, signal: AbortSignal): Promise<void> {
  const terminal = openTerminal(options), model = await loadModel(file), k = Math.min(options.k, model.nItems);
  if (options.value !== undefined && !('predict' in model)) throw new UsageError(`${model.name} predicts no ratings that --value could be compared with; leave it out`);
  if (options.k > k && options.value === undefined) terminal.note(`the model knows ${counted(k, 'item')}, so no list is longer than that`);
  const events = await readEvents(heldOut, options, terminal, signal);
  if (options.value !== undefined) { judgeRatings(model, events, options, terminal); return; }

  // the rows of the file in the numbers of the model; what the model does not know cannot be judged
  const userOf = events.users.labels.map((id) => rowFrom(String(id), model.users)), itemOf = events.items.labels.map((id) => rowFrom(String(id), model.items));
  const user: number[] = [], item: number[] = [];
  let unknownUser = 0, unknownItem = 0;
  for (let e = 0; e < events.user.length; e++) {
    const u = userOf[events.user[e]], i = itemOf[events.item[e]];
    if (u < 0) unknownUser++;
    else if (i < 0) unknownItem++;
    else { user.push(u); item.push(i); }
  }
  const rows = events.user.length, n = (value: number) => value.toLocaleString('en');
  if (user.length === 0) throw new TightrecError('bad-input', `${heldOut}: the model knows the user and the item of none of its ${counted(rows, 'row')}: ${n(unknownUser)} ${unknownUser === 1 ? 'has' : 'have'} an unknown user, ${n(unknownItem)} an unknown item; do the columns and the ids match those it was trained on?`);
  if (unknownUser + unknownItem > 0) terminal.note(`left out ${counted(unknownUser, 'row')} of users and ${n(unknownItem)} of items that the model does not know, of ${n(rows)}`);

  const test = countPairs(Int32Array.from(user), Int32Array.from(item), model.nUsers, model.nItems), { seen } = model.answers.catalogue;
  const exclude = !options.includeSeen && model.answers.excludeSeen ? seen : null;
  const alreadySeen = exclude === null ? 0 : common(test, exclude);
  if (alreadySeen > 0) terminal.note(`${n(alreadySeen)} of ${n(test.indices.length)} held-out pairs were in the training data too and count as missed, as lists leave out what a user has; --include-seen lets them count`);

  const measured = evaluate(model, test, { k, exclude, metrics: options.metrics });
  if (options.json) {
    terminal.result(`${JSON.stringify({ model: model.name, k, rows, users: measured.users, pairs: test.indices.length, unknownUser, unknownItem, alreadySeen, ...Object.fromEntries(options.metrics.map((name) => [name, measured[name]])) }, null, 2)}\n`);
    return;
  }
  const label = (name: MetricName) => (name === 'auc' ? 'auc' : `${name}@${k}`);
  terminal.result(`${model.name} on ${counted(test.indices.length, 'pair')} of ${counted(measured.users, 'user')}\n${columnsOf(['metric', 'mean'], options.metrics.map((name) => [label(name), measured[name].toFixed(4)]), [false, true])}`);
}

/** Of a model of ratings: how far they are from those of the file. */
function judgeRatings(model: Recommender, events: Interactions, { json }: EvaluateCommand, terminal: Terminal): void {
  const idsOf = (rows: Int32Array, from: LabelEncoder, to: LabelEncoder): RawId[] => { // text, as the model has it
    const ids = from.labels.map((id) => { const row = rowFrom(String(id), to); return row < 0 ? id! : to.decode(row); });
    return Array.from(rows, (row) => ids[row]);
  };
  const held = interactions(idsOf(events.user, events.users, model.users), idsOf(events.item, events.items, model.items), { values: events.value! }), { rmse, mae, n, cold } = evaluateRatings(model as Recommender & Rater, held);
  if (json) { terminal.result(`${JSON.stringify({ model: model.name, ratings: n, cold, rmse, mae }, null, 2)}\n`); return; }
  if (cold.pairs > 0) terminal.note(`of ${counted(n, 'rating')} ${cold.pairs.toLocaleString('en')} are predicted from what else the model knows: it has no rating of ${counted(cold.users, 'user')} and ${counted(cold.items, 'item')}`);
  terminal.result(`${model.name} on ${counted(n, 'rating')}\n${columnsOf(['metric', 'value'], [['rmse', rmse.toFixed(4)], ['mae', mae.toFixed(4)]], [false, true])}`);
}

/** How many pairs two matrices share. */
function common(a: Csr, b: Csr): number {
  let pairs = 0;
  for (let row = 0; row < a.rows; row++) {
    for (let at = a.indptr[row]; at < a.indptr[row + 1]; at++) if (findEntry(b, row, a.indices[at]) >= 0) pairs++;
  }
  return pairs;
}
