/** tightrec/retrieval: the items whose vectors are nearest to a query. */
export { ExactIndex } from './exactIndex.ts';
export type { Cells, ExactIndexOptions, Neighbour, SearchOptions, VectorModel } from './exactIndex.ts';
export type { TopLists } from './select.ts';
export type { Vectors } from './vectors.ts';
