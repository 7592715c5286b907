/** tightrec/retrieval: the items whose vectors are nearest to a query, and files that show them. */
export { ExactIndex } from './exactIndex.ts';
export type { Cells, ExactIndexOptions, Neighbour, RankOptions, SearchOptions, VectorModel } from './exactIndex.ts';
export { projectorFiles } from './projectorFiles.ts';
export type { ProjectorOptions } from './projectorFiles.ts';
export type { TopLists } from './select.ts';
export type { Vectors } from './vectors.ts';
