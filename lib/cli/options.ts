import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { MOST_THREADS } from '../../kernels/desk.ts';
import { type LabelEncoder, type RawId, knownId } from '../data/labelEncoder.ts';
import { UsageError } from './failure.ts';

/** METRICS: what --metrics takes: the metrics of `evaluate`. */
export const METRICS = ['precision', 'recall', 'map', 'ndcg', 'mrr', 'hitRate', 'auc'] as const;

/** What commander calls to read an option: each refuses with what it expects. */
export function numberOption(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('A number is expected.');
  return value;
}

export function wholeNumberOption(text: string): number {
  const value = numberOption(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('A whole number is expected.');
  return value;
}

export function countOption(text: string): number {
  const value = wholeNumberOption(text);
  if (value < 1) throw new InvalidArgumentError('A whole number from 1 up is expected.');
  return value;
}

/** threadsOption: how many threads, or all. */
export function threadsOption(text: string): number | 'all' {
  if (text === 'all') return 'all';
  const threads = Number(text);
  if (text.trim() === '' || !(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) throw new InvalidArgumentError(`A whole number from 1 to ${MOST_THREADS} is expected, or all.`);
  return threads;
}

/** listOption: names separated by commas, each one of `choices`. */
export const listOption = <Name extends string>(choices: readonly Name[]) => (text: string): Name[] => {
  const names = text.split(',').map((name) => name.trim()).filter((name) => name !== '');
  const wrong = names.find((name) => !(choices as readonly string[]).includes(name));
  if (wrong !== undefined || names.length === 0) throw new InvalidArgumentError(`${wrong === undefined ? 'Nothing is named' : `There is no '${wrong}'`}; allowed are ${choices.join(', ')}, separated by commas.`);
  return names as Name[];
};

/** settingOption: collects `--set name=value`. Values are numbers, true, false, null, lists of such in brackets, or else text. */
export function settingOption(text: string, before: Record<string, unknown> = {}): Record<string, unknown> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write it as name=value.');
  const name = text.slice(0, at).trim();
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return { ...before, [name]: valueOf(text.slice(at + 1).trim()) };
}

const words: Record<string, unknown> = { true: true, false: false, null: null, NaN: Number.NaN };

function valueOf(text: string): unknown {
  if (Object.hasOwn(words, text)) return words[text];
  if (/^\[.*\]$/.test(text)) return text === '[]' ? [] : text.slice(1, -1).split(',').map((one) => valueOf(one.trim()));
  return text === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

/** checkKept: refuses an output, named by `option`, that would take the place of a file that the command reads. */
export async function checkKept(option: string, output: string, input: string): Promise<void> {
  if (await sameFile(output, input)) throw new UsageError(`${option} would overwrite the input ${input}; name another file`);
}

/** sameFile: whether two paths lead to one file, by whatever links; one that is not there yet goes by its name and directory. */
export async function sameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => stat(path, { bigint: true }).catch(() => null)));
  if (one && other) return one.dev === other.dev && one.ino === other.ino;
  if (one || other) return false;
  const [placeOfOne, placeOfOther] = await Promise.all([a, b].map(async (path) => join(await realpath(dirname(path)).catch(() => resolve(dirname(path))), basename(path))));
  return placeOfOne === placeOfOther;
}

/** counted: how many of what: '1 row', '2,000 rows'. */
export const counted = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

/** idFrom: the id that a text on the command line names: the text itself, or the number it spells where the model knows only that. */
export const idFrom = (text: string, encoder: LabelEncoder): RawId => knownId(text, encoder) ?? text;

/** rowFrom: the row of the id that a text names, -1 where the encoder does not know it. */
export function rowFrom(text: string, encoder: LabelEncoder): number {
  const id = idFrom(text, encoder);
  return encoder.has(id) ? encoder.encode(id) : -1;
}

/** columnsOf: rows of texts under a head, in columns; numbers to the right. */
export function columnsOf(head: readonly string[], rows: readonly (readonly string[])[], right: readonly boolean[]): string {
  const width = head.map((name, at) => rows.reduce((most, row) => Math.max(most, row[at].length), name.length));
  return [head, ...rows].map((row) => `${row.map((cell, at) => (right[at] ? cell.padStart(width[at]) : cell.padEnd(width[at]))).join('  ').trimEnd()}\n`).join('');
}

/** csvCell: a cell of a CSV, quoted where it must be. */
export const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
