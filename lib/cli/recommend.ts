import type { RawId } from '../data/labelEncoder.ts';
import { checkOutput, writeWhole } from '../io/files.ts';
import { explain } from '../models/explain.ts';
import type { Recommendation, Recommender } from '../models/recommender.ts';
import { breathe } from '../models/train.ts';
import { UsageError } from './failure.ts';
import { loadModel } from './loadModel.ts';
import { checkKept, columnsOf, counted, csvCell, idFrom } from './options.ts';
import { type Terminal, openTerminal, printable } from './terminal.ts';

interface RecommendCommand { user?: string; all?: boolean; out?: string; k: number; includeSeen?: boolean; explain?: boolean; fallback?: 'popularity'; json?: boolean; quiet?: boolean }

/** recommendCommand: the command `tightrec recommend`. */
export async function recommendCommand(file: string, options: RecommendCommand, signal: AbortSignal): Promise<void> {
  const { user, all, out, json, fallback } = options, terminal = openTerminal(options);
  if ((user === undefined) === (all === undefined)) throw new UsageError('say for whom: either --user ID or --all');
  if (options.explain && all) throw new UsageError('--explain goes with --user');
  if (out !== undefined && !all) throw new UsageError('--out goes with --all');
  if (json && all) throw new UsageError('--json goes with --user; --all writes CSV');
  if (out !== undefined) { await checkOutput(out); await checkKept('--out', out, file); }

  const model = await loadModel(file), k = Math.min(options.k, model.nItems), excludeSeen = !options.includeSeen && model.answers.excludeSeen;
  if (options.k > k) terminal.note(`the model knows ${counted(k, 'item')}, so no list is longer than that`);
  if (all) return recommendAll(model, { k, excludeSeen, out, signal }, terminal);

  const id = idFrom(user!, model.users), list = model.recommendFor(id, { k, excludeSeen, ...(fallback && { fallback }) });
  if (list[0]?.source === 'popularity') terminal.note(`the model does not know user ${user}: these are the most popular items`);
  if (list.length === 0) terminal.note(`user ${user} has every item already; --include-seen lists them`);
  if (options.explain && list[0]?.source !== 'popularity') return terminal.result(explained(model, id, list, json));
  terminal.result(json ? `${JSON.stringify(list.map(forJson), null, 2)}\n` : listed(list));
}

/** explained: recommendations, each with the user's own item that speaks most for it. */
function explained(model: Recommender, user: RawId, list: readonly Recommendation[], json: boolean | undefined): string {
  const reasons = list.map(({ item }) => explain(model, user, item, { k: 1 }));
  if (json) return `${JSON.stringify(list.map((entry, at) => ({ ...forJson(entry), because: reasons[at].items.map((own) => ({ ...forJson(own), by: reasons[at].by })) })), null, 2)}\n`;
  return columnsOf(['item', 'score', 'because of', reasons[0]?.by ?? ''], list.map(({ item, score }, at) => {
    const [own] = reasons[at].items;
    return [printable(String(item)), score.toFixed(4), ...(own === undefined ? ['', ''] : [printable(String(own.item)), own.value.toFixed(4)])];
  }), [false, true, false, true]);
}

/** listed: recommendations as columns. */
export function listed(list: readonly Recommendation[]): string {
  return columnsOf(['item', 'score'], list.map(({ item, score }) => [printable(String(item)), score.toFixed(4)]), [false, true]);
}

/** JSON has no bigint. */
export const forJson = (entry: { item: RawId }): object => ({ ...entry, item: typeof entry.item === 'bigint' ? String(entry.item) : entry.item });

const BLOCK = 1000; // users at a time

async function recommendAll(model: Recommender, { k, excludeSeen, out, signal }: { k: number; excludeSeen: boolean; out: string | undefined; signal: AbortSignal }, { progress, result }: Terminal): Promise<void> {
  const rows = Array.from({ length: model.nUsers }, (_, row) => row).filter((row) => model.users.labels[row] !== null), task = progress.begin('recommending', rows.length);
  const pieces: Uint8Array[] = [], write = (text: string) => { if (out === undefined) result(text); else pieces.push(Buffer.from(text)); };
  write('user,rank,item,score\n');
  for (let from = 0; from < rows.length; from += BLOCK) {
    const users = rows.slice(from, from + BLOCK), { items, scores } = model.recommend(users, { k, exclude: excludeSeen ? model.answers.catalogue.seen : null });
    write(users.map((user, b) => linesOf(model, user, items.subarray(b * k, b * k + k), scores.subarray(b * k, b * k + k))).join(''));
    task.at(from + users.length);
    await breathe();
    signal.throwIfAborted();
  }
  task.end(counted(rows.length, 'user'));
  if (out === undefined) return;
  await writeWhole(out, Buffer.concat(pieces));
  result(`${printable(out)}: ${counted(k, 'item')} for each of ${counted(rows.length, 'user')}\n`);
}

function linesOf(model: Recommender, user: number, items: Int32Array, scores: Float32Array): string {
  const id = csvCell(String(model.users.decode(user)));
  let lines = '';
  for (let at = 0; at < items.length && items[at] >= 0; at++) lines += `${id},${at + 1},${csvCell(String(model.items.decode(items[at])))},${Number(scores[at].toPrecision(7))}\n`;
  return lines;
}
