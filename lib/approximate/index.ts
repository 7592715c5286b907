/** tightrec/approximate: items near to a query by a graph instead of by comparing all. Needs the package usearch. */
export { ApproximateIndex } from './approximateIndex.ts';
export type { ApproximateIndexOptions, Usearch, UsearchIndex } from './approximateIndex.ts';
export { loadUsearch } from './loadUsearch.ts';
