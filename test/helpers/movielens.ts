import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Interactions, readInteractions } from '../../lib/data/index.ts';

/** MovieLens 100k, where it lies beside the project; null elsewhere. */
const folder = fileURLToPath(new URL('../../../shared/data/ml-100k/', import.meta.url));
export const movieLens: string | null = existsSync(`${folder}u.data`) ? folder : null;
export const noMovieLens = '../shared/data/ml-100k is not there';

/** The ratings of one of its files: u.data, or the two of a split. */
export const movieLensRatings = (name: 'u.data' | 'u1.base' | 'u1.test'): Promise<Interactions> =>
  readInteractions(`${movieLens}${name}`, { user: 1, item: 2, value: 3, time: 4 }, { header: false, ratingScale: [1, 5] });
