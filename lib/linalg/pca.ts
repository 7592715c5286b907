import { TightrecError, describe } from '../errors.ts';
import { symmetricEigen } from './symmetricEigen.ts';

/** Components: the directions in which vectors differ most, and where each vector lies along them. */
export interface Components {
  /** Shape: (K). */
  readonly mean: Float64Array;
  /** Of length 1 and at right angles, that of the largest variance first. Shape: (C, K). */
  readonly directions: Float64Array;
  /** The variance along each of them, and of all K together. Shape: (C). */
  readonly variances: Float64Array;
  readonly total: number;
  /** <x - mean, direction> of each vector x. Shape: (n, C). */
  readonly coordinates: Float64Array;
}

/**
 * pca: principal component analysis: the C directions in which n vectors differ most.
 *
 *   S = Σ_x (x - mean)(x - mean)ᵀ / (n - 1)        directions: the eigenvectors of S with the largest eigenvalues, which are the variances along them
 *
 * Shapes: data (n, K), row-major. In float64: n K² operations for S and some 40 K³ for its eigenvectors. A direction's sign is such that its entry of the largest size is positive, so the same
 * vectors give the same directions. Fewer than two vectors have no variance: all of it is 0.
 * Errors: 'bad-shape' where data is not n vectors of K numbers; 'bad-setting' for more components than K; 'bad-input' for numbers that are not finite.
 *
 * Jolliffe, "Principal Component Analysis", 2002.
 */
export function pca({ data, shape }: { readonly data: Float32Array; readonly shape: readonly number[] }, C: number): Components {
  const [n, K] = shape;
  if (shape.length !== 2 || !Number.isInteger(n) || !Number.isInteger(K) || n * K !== data.length || !(K >= 1)) throw new TightrecError('bad-shape', `pca: expected n vectors of K numbers, got shape [${shape.join(', ')}] with ${data.length} numbers`);
  if (!(Number.isInteger(C) && C >= 1 && C <= K)) throw new TightrecError('bad-setting', `pca: expected 1 to ${K} components of vectors of ${K} numbers, got ${describe(C)}`);
  const mean = new Float64Array(K), S = new Float64Array(K * K), x = new Float64Array(K);
  for (let at = 0; at < data.length; at++) mean[at % K] += data[at];
  for (let k = 0; k < K; k++) mean[k] /= Math.max(n, 1);
  if (!mean.every(Number.isFinite)) throw new TightrecError('bad-input', 'pca: vectors must be finite numbers');

  for (let row = 0; row < n; row++) {
    for (let k = 0; k < K; k++) x[k] = data[row * K + k] - mean[k];
    for (let k = 0; k < K; k++) for (let j = 0; j <= k; j++) S[k * K + j] += x[k] * x[j];
  }
  for (let k = 0; k < K; k++) for (let j = 0; j <= k; j++) S[j * K + k] = S[k * K + j] /= Math.max(n - 1, 1);

  const { values, vectors } = symmetricEigen(S, K), coordinates = new Float64Array(n * C);
  for (let row = 0; row < n; row++) {
    for (let c = 0; c < C; c++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += (data[row * K + k] - mean[k]) * vectors[c * K + k];
      coordinates[row * C + c] = sum;
    }
  }
  return { mean, directions: vectors.slice(0, C * K), variances: values.slice(0, C).map((variance) => Math.max(variance, 0)), total: values.reduce((sum, variance) => sum + variance, 0), coordinates };
}
