import type { ModelResult, StudyResult } from './study.ts';

/** Paint: how a terminal shows a text stronger or weaker; where there is none, the text as it is. */
export interface Paint { bold(text: string): string; dim(text: string): string }
const plain: Paint = { bold: (text) => text, dim: (text) => text };

/** tableOf: the study as text: the data, a row a model, the settings, the notes. */
export function tableOf(result: StudyResult, paint: Paint = plain): string {
  const { data, models, title } = result, notes = notesOf(models), n = (value: number) => value.toLocaleString('en');
  const mark = (note: string | null) => (note === null ? '' : ` [${notes.indexOf(note) + 1}]`);
  const cells = models.map((model) => [
    model.name + mark(model.note), model.validation.toFixed(4), model.test.toFixed(4), model.published === null ? '-' : String(model.published), mark(model.publishedNote).trim(), seconds(model.fitSeconds),
  ]);
  const head = ['model', 'validation', 'test', 'published', '', 'fit'], width = head.map((name, at) => Math.max(name.length, ...cells.map((row) => row[at].length)));
  const line = (row: string[]) => row.map((cell, at) => (at === 0 || at === 4 ? cell.padEnd(width[at]) : cell.padStart(width[at]))).join(' '.repeat(2)).replace(/ {2}( *)$/, '').trimEnd();
  const best = models.reduce((most, { test }) => Math.max(most, test), 0);

  return [
    paint.bold(title),
    `${n(data.rows)} rows of ${data.source}${data.cancelled > 0 ? `, ${n(data.cancelled)} of cancelled invoices left out` : ''}${data.skipped > 0 ? `, ${n(data.skipped)} bad rows left out` : ''}`,
    `train ${n(data.train.rows)} rows, ${n(data.train.invoices)} invoices; validation ${n(data.validation.rows)}, ${n(data.validation.invoices)}; test ${n(data.test.rows)}, ${n(data.test.invoices)}`,
    '',
    paint.bold(`precision@${models[0].k} over invoices`),
    paint.dim(line(head)),
    ...cells.map((row, at) => (models[at].test === best && models.length > 1 ? paint.bold(line(row)) : line(row))),
    '',
    ...models.filter(({ settings }) => Object.keys(settings).length > 0).map(({ name, settings }) => paint.dim(`${name}: ${settingsLine(settings)}`)),
    ...notes.map((note, at) => paint.dim(`[${at + 1}] ${note}`)),
    '',
  ].join('\n');
}

/** notesOf: the notes of all models, each once, in the order of the table. */
export const notesOf = (models: readonly ModelResult[]): string[] =>
  [...new Set(models.flatMap(({ note, publishedNote }) => [note, publishedNote]).filter((note) => note !== null))];

export const seconds = (value: number): string => `${value.toFixed(1)} s`;

export const settingsLine = (settings: Record<string, unknown>): string => Object.entries(settings).map(([name, value]) => `${name} ${value}`).join(', ');
