import { type VectorModel, itemVectors } from '../retrieval/exactIndex.ts';
import { normalizeRows } from '../retrieval/vectors.ts';
import type { EmbeddingMap } from './embeddingMap.ts';
import type { MovieLens } from './movieLens.ts';

/** TELLING: a film has several genres; on a map it has the first of these that it has, rare and telling ones before those that half of all films are. */
const TELLING = ["Children's", 'Horror', 'Sci-Fi', 'Action', 'Comedy', 'Drama'];

/** LEAST: ratings of a film on a map: of fewer, nobody could say where it belongs. */
const LEAST = 20;

/** filmMap: the films as the item vectors of a fitted model place them, by genre and ratings. Errors: 'not-fitted'; 'unsupported' for a model without item vectors. */
export function filmMap(model: VectorModel, { ratings, items }: MovieLens, { id, title }: Pick<EmbeddingMap, 'id' | 'title'>): EmbeddingMap {
  const { ids, vectors: { data, shape: [, K] } } = itemVectors('filmMap', model), counts = new Int32Array(ratings.items.size);
  for (const item of ratings.matrix.indices) counts[item]++;
  const ratingsOf = (row: number): number => { const item = ratings.items.encode(ids[row]); return item < 0 ? 0 : counts[item]; };
  const rows = ids.map((_, row) => row).filter((row) => ratingsOf(row) >= LEAST), kept = new Float32Array(rows.length * K), cells = <Cell>(name: string): Cell[] => rows.map((row) => items.columns[name][items.position.get(ids[row])!] as Cell);
  rows.forEach((row, at) => kept.set(data.subarray(row * K, (row + 1) * K), at * K));
  normalizeRows(kept, K); // as similarItems compares them; else what differs most is how long they are
  return {
    id, title, about: `Films with ${LEAST} ratings or more, along the two directions in which their vectors, of length 1 each, differ most: films that the same people like are near each other. A film of several genres has the first that it has of ${TELLING.join(', ')}. Point at a film for its name, or at a genre to see it alone.`,
    vectors: { data: kept, shape: [rows.length, K] }, items: 'films', labels: cells<string>('title'), groups: cells<readonly string[]>('genres').map((genres) => TELLING.find((genre) => genres.includes(genre)) ?? ''), groupName: 'genre',
    sizes: rows.map(ratingsOf), sizeName: 'ratings',
  };
}
