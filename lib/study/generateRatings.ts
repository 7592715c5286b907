import { interactions, selectEvents } from '../data/interactions.ts';
import { LabelEncoder } from '../data/labelEncoder.ts';
import { sideTable } from '../data/sideTable.ts';
import { random } from '../random.ts';
import { GENRES, type MovieLens, withYears } from './movieLens.ts';

const USERS = 943, FILMS = 1682, RATINGS = 100_000, TASTES = 6, SECOND = 1000;
const OCCUPATIONS = ['student', 'educator', 'engineer', 'programmer', 'writer', 'librarian', 'artist', 'lawyer', 'retired', 'other'];

/**
 * generateRatings: made-up ratings of the shape of MovieLens 100k, for where the real ones cannot be had: as many users, films and ratings, at least twenty a user. A
 * user's taste for genres comes in part from age, gender and occupation, a film's appeal from its genres. The same seed gives the same ratings.
 */
export function generateRatings(seed: number): MovieLens {
  const next = random(seed), normals = (n: number): number[] => Array.from({ length: n }, () => next.normal()), pick = <T>(of: readonly T[]): T => of[next.below(of.length)];
  const ofGenre = GENRES.map(() => normals(TASTES)), ofOccupation = OCCUPATIONS.map(() => normals(TASTES)), ofGender = { F: normals(TASTES), M: normals(TASTES) }, ofAge = normals(TASTES);
  const people = Array.from({ length: USERS }, () => {
    const age = 12 + next.below(56), gender = next.uniform() < 0.3 ? 'F' as const : 'M' as const, work = next.below(OCCUPATIONS.length), own = normals(TASTES);
    return { age, gender, occupation: OCCUPATIONS[work], bias: 0.4 * next.normal(), taste: own.map((x, t) => 0.4 * x + 0.3 * ofOccupation[work][t] + 0.3 * ofGender[gender][t] + 0.3 * ofAge[t] * (age - 40) / 16) };
  });
  const films = Array.from({ length: FILMS }, (_, film) => {
    const genres = [...new Set(Array.from({ length: 1 + next.below(3) }, () => 1 + next.below(GENRES.length - 1)))].sort((a, b) => a - b), own = normals(TASTES);
    const appeal = own.map((x, t) => 0.4 * x + genres.reduce((sum, genre) => sum + 0.6 * ofGenre[genre][t], 0) / genres.length);
    return { title: `${pick(ADJECTIVES)} ${pick(NOUNS)} ${film + 1} (${1930 + next.below(68)})`, genres: genres.map((genre) => GENRES[genre] as string), bias: 0.4 * next.normal(), appeal };
  });

  const weights = films.map((_, film) => 1 / (film + 60)), sums: number[] = [];
  weights.reduce((sum, weight, film) => (sums[film] = sum + weight), 0);
  const drawFilm = (): number => {
    const target = next.uniform() * sums[FILMS - 1];
    let low = 0, high = FILMS - 1;
    while (low < high) { const middle = (low + high) >> 1; if (sums[middle] < target) low = middle + 1; else high = middle; }
    return low;
  };
  const user: string[] = [], item: string[] = [], stars: number[] = [], times: number[] = [];
  const shares = people.map(() => Math.exp(next.normal())), whole = shares.reduce((sum, share) => sum + share, 0), began = Date.UTC(1997, 8, 20);
  for (const [u, { bias, taste }] of people.entries()) {
    const rated = new Set<number>(), many = Math.min(700, 20 + Math.round((RATINGS - 20 * USERS) * shares[u] / whole));
    while (rated.size < many) rated.add(drawFilm());
    let time = began + Math.round(next.uniform() * 200 * 86_400) * SECOND;
    for (const film of next.shuffle(Int32Array.from(rated))) {
      const x = 3.53 + bias + films[film].bias + 0.5 * films[film].appeal.reduce((sum, appeal, t) => sum + appeal * taste[t], 0) + 0.8 * next.normal();
      user.push(String(u + 1));
      item.push(String(film + 1));
      stars.push(Math.min(5, Math.max(1, Math.round(x))));
      times.push(time += (1 + next.below(90)) * SECOND);
    }
  }
  const ids = (n: number): string[] => Array.from({ length: n }, (_, at) => String(at + 1)), source = `generated ratings, seed ${seed}`;
  const ratings = interactions(user, item, { users: LabelEncoder.fit(ids(USERS)), items: LabelEncoder.fit(ids(FILMS)), values: stars, times });
  const fold = stars.map(() => next.below(5)), events = (held: boolean): Int32Array => Int32Array.from(stars.keys()).filter((event) => (fold[event] === 0) === held);
  return {
    source, generated: true, ratings, split: { train: selectEvents(ratings, events(false)), test: selectEvents(ratings, events(true)) },
    users: sideTable(ids(USERS), { age: people.map(({ age }) => age), gender: people.map(({ gender }) => gender), occupation: people.map(({ occupation }) => occupation) }, { source }),
    items: withYears(sideTable(ids(FILMS), { title: films.map(({ title }) => title), genres: films.map(({ genres }) => genres) }, { source })),
  };
}

const ADJECTIVES = ['Silent', 'Golden', 'Broken', 'Last', 'Secret', 'Distant', 'Paper', 'Crimson', 'Endless', 'Northern', 'Restless', 'Borrowed'];
const NOUNS = ['River', 'Promise', 'City', 'Stranger', 'Summer', 'Empire', 'Garden', 'Letter', 'Harbour', 'Mirror', 'Journey', 'Witness'];
