import { LIKED } from './movieLens.ts';
import type { MovieLensResult } from './movieLensResult.ts';
import { type Section, bestRow } from './sections.ts';
import { type Paint, plain, seconds, settingsLine } from './table.ts';

/** movieLensNotes: the notes of a section, each once, in the order of its rows. */
export const movieLensNotes = ({ rows }: Section): string[] => [...new Set(rows.flatMap(({ note, publishedNote }) => [note, publishedNote]).filter((note) => note !== null))];

/** movieLensTable: the study as text: the data, a table a section with its notes, the settings. */
export function movieLensTable({ study, title, data, sections, lists }: MovieLensResult, paint: Paint = plain): string {
  const n = (value: number): string => value.toLocaleString('en');
  return [
    paint.bold(title),
    `${n(data.ratings)} ratings of ${n(data.items)} films by ${n(data.users)} users, ${data.source}`,
    ...(study === 'movielens' ? [`published split: train ${n(data.split.train)}, test ${n(data.split.test)}; likes (${LIKED} stars and more): train ${n(data.likes.train)}, validation ${n(data.likes.validation)}, test ${n(data.likes.test)}`] : []),
    '',
    ...sections.flatMap((section) => {
      const notes = movieLensNotes(section), mark = (note: string | null): string => (note === null ? '' : ` [${notes.indexOf(note) + 1}]`), { measures, publishedOf } = section, best = measures.map((_, at) => bestRow(section, at));
      const published = section.rows.some((row) => row.published !== null);
      const head = ['model', ...measures.map(({ name }) => name), ...(published ? [`${measures[publishedOf].name}, published`, ''] : []), 'fit'];
      const rows = section.rows.map((row) => [
        row.name + mark(row.note), ...measures.map(({ digits }, at) => row.figures[at]?.toFixed(digits) ?? '-'), ...(published ? [row.published === null ? '-' : String(row.published), mark(row.publishedNote).trim()] : []), seconds(row.fitSeconds),
      ]);
      const width = head.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at].length))), left = (at: number): boolean => at === 0 || head[at] === '';
      const cells = (row: readonly string[], ofRow: number): string => row.map((cell, at) => {
        const padded = left(at) ? cell.padEnd(width[at]) : cell.padStart(width[at]);
        return ofRow >= 0 && at > 0 && section.rows.length > 1 && best[at - 1] === ofRow ? paint.bold(padded) : padded;
      }).join('  ').trimEnd();
      return [paint.bold(section.title), paint.dim(cells(head, -1)), ...rows.map(cells), ...notes.map((note, at) => paint.dim(`[${at + 1}] ${note}`)), ''];
    }),
    ...lists.flatMap(({ title: heading, about, films }) => [
      paint.bold(heading), paint.dim(about), ...films.map((film, at) => `${String(at + 1).padStart(3)}  ${film.score.toFixed(3)}  ${film.title}  ${paint.dim(film.genres.join(', '))}`.trimEnd()), '',
    ]),
    ...new Set(sections.flatMap(({ rows }) => rows).filter(({ settings }) => Object.keys(settings).length > 0).map(({ name, settings }) => paint.dim(`${name}: ${settingsLine(settings)}`))),
    '',
  ].join('\n');
}
