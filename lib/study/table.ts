import { PLACES } from './invoicePrecision.ts';
import type { ModelResult, StudyResult } from './study.ts';

/** TITLES: what each metric is over. Their figures are never put side by side: 0.2 of the one is not 0.2 of the other. */
export const TITLES: Record<ModelResult['metric'], string> = { precision: `precision@${PLACES} over invoices`, accuracy: `accuracy@${PLACES} of the next item` };

/** ACCURACY: what accuracy@5 says here. */
export const ACCURACY: string = `accuracy@${PLACES} is the share of the rows of invoices whose item is among the ${PLACES} named after the rows before it, the first row from nothing`;

/** LEAKED: what the published figures of the LSTMs are. */
export const LEAKED: string = 'An artefact, for comparison with the published figures alone: with the item to be predicted as its own and only input, as the published evaluation has it, accuracy on validation would be';

/** ofMetric: the models that a metric measures, in the order of the study. */
export const ofMetric = (models: readonly ModelResult[], metric: ModelResult['metric']): ModelResult[] => models.filter((model) => model.metric === metric);

/** partsOf: a row for each LSTM and piece: by the customer of the invoice, and from a zero state. */
export const partsOf = (models: readonly ModelResult[]): string[][] => models.flatMap(({ name, nextItem }) => (nextItem === null ? [] : (['validation', 'test'] as const).map((piece) =>
  [name, piece, ...[nextItem.known, nextItem.new, nextItem.none, nextItem.zeroState].map((figures) => figures[piece]?.toFixed(4) ?? '-')])));

/** leakedLine: what the published evaluation would give; null without an LSTM. */
export function leakedLine(models: readonly ModelResult[]): string | null {
  const figures = models.flatMap(({ name, nextItem }) => (nextItem === null ? [] : [`${name} ${nextItem.leaked.validation?.toFixed(4)}${nextItem.leaked.published === null ? '' : ` (published: ${nextItem.leaked.published})`}`]));
  return figures.length === 0 ? null : `${LEAKED}: ${figures.join('; ')}`;
}

/** Paint: how a terminal shows a text stronger or weaker; where there is none, the text as it is. */
export interface Paint { bold(text: string): string; dim(text: string): string }
/** plain: a paint that paints nothing. */
export const plain: Paint = { bold: (text) => text, dim: (text) => text };

/** tableOf: the study as text: the data, a table a metric, the settings, the notes. */
export function tableOf(result: StudyResult, paint: Paint = plain): string {
  const { data, models, title } = result, notes = notesOf(models), n = (value: number) => value.toLocaleString('en');
  const mark = (note: string | null) => (note === null ? '' : ` [${notes.indexOf(note) + 1}]`);
  const precision = ofMetric(models, 'precision'), accuracy = ofMetric(models, 'accuracy'), parts = partsOf(models), leaked = leakedLine(models);
  const table = (of: readonly ModelResult[], [head, ...rows]: string[][], left: readonly number[]): string[] => {
    const width = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at].length))), best = of.reduce((most, { test }) => Math.max(most, test), 0);
    const line = (row: string[]) => row.map((cell, at) => (left.includes(at) ? cell.padEnd(width[at]) : cell.padStart(width[at]))).join(' '.repeat(2)).replace(/ {2}( *)$/, '').trimEnd();
    return [paint.dim(line(head)), ...rows.map((row, at) => (of.length > 1 && of[at].test === best ? paint.bold(line(row)) : line(row)))];
  };

  return [
    paint.bold(title),
    `${n(data.rows)} rows of ${data.source}${data.cancelled > 0 ? `, ${n(data.cancelled)} of cancelled invoices left out` : ''}${data.skipped > 0 ? `, ${n(data.skipped)} bad rows left out` : ''}`,
    `train ${n(data.train.rows)} rows, ${n(data.train.invoices)} invoices; validation ${n(data.validation.rows)}, ${n(data.validation.invoices)}; test ${n(data.test.rows)}, ${n(data.test.invoices)}`,
    '',
    ...(precision.length === 0 ? [] : [
      paint.bold(TITLES.precision),
      ...table(precision, [['model', 'validation', 'test', 'published', '', 'fit'], ...precision.map((model) => [
        model.name + mark(model.note), model.validation.toFixed(4), model.test.toFixed(4), model.published === null ? '-' : String(model.published), mark(model.publishedNote).trim(), seconds(model.fitSeconds),
      ])], [0, 4]),
      '',
    ]),
    ...(accuracy.length === 0 ? [] : [
      paint.bold(TITLES.accuracy),
      ...table(accuracy, [['model', 'validation', 'test', 'fit'], ...accuracy.map((model) => [model.name + mark(model.note), model.validation.toFixed(4), model.test.toFixed(4), seconds(model.fitSeconds)])], [0]),
      '',
    ]),
    ...(parts.length === 0 ? [] : [
      paint.bold(`accuracy@${PLACES} by the customer of the invoice, and from the row before alone`),
      ...table([], [['model', 'on', 'known', 'new', 'none', 'zero state'], ...parts], [0, 1]),
      '',
    ]),
    ...models.filter(({ settings }) => Object.keys(settings).length > 0).map(({ name, settings }) => paint.dim(`${name}: ${settingsLine(settings)}`)),
    ...notes.map((note, at) => paint.dim(`[${at + 1}] ${note}`)),
    ...(accuracy.length === 0 ? [] : [paint.dim(ACCURACY)]),
    ...(leaked === null ? [] : [paint.dim(leaked)]),
    '',
  ].join('\n');
}

/** notesOf: the notes of all models, each once, in the order of the table. */
export const notesOf = (models: readonly ModelResult[]): string[] =>
  [...new Set(models.flatMap(({ note, publishedNote }) => [note, publishedNote]).filter((note) => note !== null))];

export const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** settingsLine: settings in a line. */
export const settingsLine = (settings: Record<string, unknown>): string => Object.entries(settings).map(([name, value]) => `${name} ${shown(value)}`).join(', ');

/** Of features their names, of a list its members. */
const shown = (value: unknown): string => (Array.isArray(value) ? value.join('-') : typeof value === 'object' && value !== null ? Object.keys(value).join('+') : String(value));
