import ndarray, { type NdArray } from 'ndarray';

/** rows: a table of rows of K as an ndarray over the same memory, for kernels that are not told how many rows there are. Nothing is copied. */
export const rows = (table: Float32Array, K: number): NdArray<Float32Array> => ndarray(table, [K === 0 ? 0 : table.length / K, K]);

/** vector: room for n numbers, where an expression needs a place for its parts: ndarray-ops has one operation a call. */
export const vector = (n: number): NdArray<Float32Array> => ndarray(new Float32Array(n), [n]);
