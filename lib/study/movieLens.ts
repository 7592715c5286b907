import { type Interactions, interactions } from '../data/interactions.ts';
import { LabelEncoder } from '../data/labelEncoder.ts';
import { readTable } from '../data/readTable.ts';
import { readSideTable } from '../data/readSideTable.ts';
import { type SideTable, sideTable } from '../data/sideTable.ts';
import { TightrecError } from '../errors.ts';

/** FILES: those of MovieLens 100k that the study reads. */
export const FILES = { ratings: 'u.data', users: 'u.user', items: 'u.item', base: 'u1.base', test: 'u1.test' } as const;

/** GENRES: the flags of u.item, in their order. */
export const GENRES = [
  'unknown', 'Action', 'Adventure', 'Animation', "Children's", 'Comedy', 'Crime', 'Documentary', 'Drama', 'Fantasy', 'Film-Noir', 'Horror', 'Musical', 'Mystery', 'Romance', 'Sci-Fi', 'Thriller', 'War', 'Western',
] as const;

/** LIKED: from so many stars on a film is liked. */
export const LIKED = 4;

/** MovieLens: ratings of films, and what is known of who gave them and of the films. All interactions share their encoders, which hold every user and film of the tables. */
export interface MovieLens {
  readonly source: string;
  readonly generated: boolean; // made up by generateRatings
  readonly ratings: Interactions;
  readonly users: SideTable; // age, gender, occupation
  readonly items: SideTable; // title, genres, year; a film without a year in its title has that of the middle one
  /** The first of the five published splits, which others report on. */
  readonly split: { readonly train: Interactions; readonly test: Interactions };
}

/** A file as readTable takes it: a path, or what is in it. */
type File = string | Uint8Array;

/** readMovieLens: the five files of MovieLens 100k; `source` names them all. Errors: as readTable and interactions; 'bad-row' for a rating that is no whole number of stars from 1 to 5; 'unknown-id' for one of a user or film that the tables lack. */
export async function readMovieLens(source: string, files: Readonly<Record<keyof typeof FILES, File>>, options: { signal?: AbortSignal | undefined } = {}): Promise<MovieLens> {
  const given = options.signal ? { signal: options.signal } : {}, table = { ...given, delimiter: '|', encoding: 'iso-8859-1' };
  const users = await readSideTable(files.users, 'user', { ...table, header: ['user', 'age', 'gender', 'occupation', 'zip'], columns: { age: 'number', gender: 'string', occupation: 'string' } });
  const items = withYears(await readSideTable(files.items, 'item', { ...table, header: ['item', 'title', 'released', 'video', 'url', ...GENRES], columns: { title: 'string' }, flags: { genres: GENRES } }));
  const encoders = { users: LabelEncoder.fit(users.ids as string[]), items: LabelEncoder.fit(items.ids as string[]) };
  const ratingsOf = async (file: File): Promise<Interactions> => {
    const { columns, source: name, rows } = await readTable(file, { ...given, delimiter: '\t', header: ['user', 'item', 'stars', 'seconds'], columns: { user: 'string', item: 'string', stars: 'number', seconds: 'number' } });
    for (let row = 0; row < rows; row++) if (!STARS.has(columns.stars[row])) throw new TightrecError('bad-row', `${name}: expected 1, 2, 3, 4 or 5 stars in row ${row + 1}, got ${columns.stars[row]}`);
    for (const [column, of, table] of [['user', encoders.users, users], ['item', encoders.items, items]] as const) {
      const row = columns[column].findIndex((id) => !of.has(id));
      if (row >= 0) throw new TightrecError('unknown-id', `${name}: expected ids of ${table.source}, got ${column} '${columns[column][row]}' in row ${row + 1}`);
    }
    return interactions(columns.user, columns.item, { ...encoders, values: columns.stars, times: columns.seconds.map((seconds) => 1000 * seconds) });
  };
  return { source, generated: false, users, items, ratings: await ratingsOf(files.ratings), split: { train: await ratingsOf(files.base), test: await ratingsOf(files.test) } };
}

const STARS = new Set([1, 2, 3, 4, 5]);

/** withYears: films with the year that stands in brackets at the end of each title, in a column of its own; where there is none, with that of the middle film. */
export function withYears({ ids, columns, source }: SideTable): SideTable {
  const found = Array.from(columns.title as string[], (title) => Number(/\((\d{4})\)\s*$/.exec(title)?.[1] ?? Number.NaN)), known = found.filter((year) => year > 0).sort((a, b) => a - b), middle = known[known.length >> 1] ?? 0;
  return sideTable(ids, { ...columns, year: found.map((year) => (year > 0 ? year : middle)) }, { source });
}
