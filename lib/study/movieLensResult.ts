import { type Interactions, fromRows, selectEvents } from '../data/interactions.ts';
import { splitRandom } from '../data/split.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import type { EmbeddingMap } from './embeddingMap.ts';
import { type Machine, machine, versions } from './machine.ts';
import { LIKED, type MovieLens } from './movieLens.ts';
import type { Section } from './sections.ts';

// What the studies of MovieLens have in common.

/** FilmList: the films that a model names, for a person to judge. */
export interface FilmList {
  readonly title: string;
  readonly about: string;
  readonly films: readonly { readonly title: string; readonly genres: readonly string[]; readonly score: number }[];
}

/** MovieLensResult: what a study of MovieLens shows and, but for the map, writes as JSON. */
export interface MovieLensResult {
  study: 'movielens' | 'movielens-retrieval';
  title: string;
  data: {
    source: string;
    generated: boolean;
    ratings: number;
    users: number;
    items: number;
    mean: number;
    stars: number[]; // how many ratings have 1, 2, 3, 4 and 5 stars
    perUser: { smallest: number; median: number; largest: number };
    popularity: { rank: number; ratings: number }[];
    split: { train: number; test: number };
    likes: { train: number; validation: number; test: number };
  };
  sections: Section[];
  lists: FilmList[];
  /** The films as a model places them; null where that was not asked for, or no film has ratings enough. */
  map: EmbeddingMap | null;
  machine: Machine;
  versions: Record<string, string>;
  seed: number;
}

/** resultOf: sections, and what they are of. Made-up data has no published figures. */
export function resultOf(study: MovieLensResult['study'], data: MovieLens, sections: readonly Section[], { lists = [], map, threads, seed }: { lists?: FilmList[]; map: EmbeddingMap | null; threads: ThreadsOption; seed: number }): MovieLensResult {
  return {
    study, title: data.generated ? 'GENERATED RATINGS of the shape of MovieLens 100k (made up: not the real ones)' : 'MovieLens 100k', data: describe(data, likesOf(data, seed)), lists, map: map?.labels.length ? map : null,
    sections: sections.map((section) => (data.generated ? { ...section, rows: section.rows.map((row) => ({ ...row, published: null, publishedNote: null })) } : section)), machine: machine(threads), versions: versions(), seed,
  };
}

/** Likes: ratings of LIKED stars and more, in three pieces at random: 70, 10 and 20 in a hundred. */
export interface Likes { readonly train: Interactions; readonly validation: Interactions; readonly test: Interactions; readonly known: Interactions } // known: train and validation

export function likesOf({ ratings }: MovieLens, seed: number): Likes {
  const likes = likedOf(ratings);
  const [known, test] = splitRandom(likes, { share: 0.2, seed }), [train, validation] = splitRandom(known, { share: 1 / 8, seed });
  return { train, validation, test, known };
}

/** likedOf: the likes among ratings. */
export const likedOf = (ratings: Interactions): Interactions => fromRows({ ...selectEvents(ratings, Int32Array.from(ratings.user.keys()).filter((event) => ratings.value![event] >= LIKED)), value: null });

/** What the data is like. */
function describe({ ratings, source, generated, split }: MovieLens, { train, validation, test }: Likes): MovieLensResult['data'] {
  const { indptr, columns, indices } = ratings.matrix, perUser = indptr.subarray(1).map((end, user) => end - indptr[user]).filter((n) => n > 0).sort(), perItem = new Int32Array(columns), stars = [0, 0, 0, 0, 0];
  for (const item of indices) perItem[item]++;
  for (const value of ratings.value!) stars[value - 1]++;
  const ranked = perItem.filter((n) => n > 0).sort((a, b) => b - a), ranks = ranked.length < 2 ? [1] : Array.from({ length: 120 }, (_, at) => Math.round(ranked.length ** (at / 119)));
  return {
    source, generated, ratings: ratings.user.length, users: perUser.length, items: ranked.length, mean: ratings.value!.reduce((sum, r) => sum + r, 0) / ratings.user.length, stars,
    perUser: { smallest: perUser[0], median: perUser[perUser.length >> 1], largest: perUser[perUser.length - 1] },
    popularity: [...new Set(ranks)].map((rank) => ({ rank, ratings: ranked[rank - 1] })),
    split: { train: split.train.user.length, test: split.test.user.length },
    likes: { train: train.user.length, validation: validation.user.length, test: test.user.length },
  };
}
