import { TightrecError, describe } from '../errors.ts';

/** Vectors: n vectors of K numbers, row-major; a Tensor is such a thing. Shapes: data (n, K), shape [n, K]. */
export interface Vectors { readonly data: Float32Array; readonly shape: readonly number[] }

/** checkVectors: refuses what is not a matrix of finite numbers, K of them a row where K is given. Returns n and K. Errors: 'bad-input', 'bad-shape'. */
export function checkVectors(where: string, what: string, vectors: Vectors, K?: number): [n: number, K: number] {
  const { data, shape } = vectors ?? {};
  if (!(data instanceof Float32Array) || !Array.isArray(shape)) throw new TightrecError('bad-input', `${where}: ${what} must be { data, shape }, a Float32Array and the shape [n, K], got ${describe(vectors)}`);
  const [n, k] = shape;
  if (shape.length !== 2 || !(Number.isInteger(n) && n >= 0 && Number.isInteger(k) && k >= 1) || n * k !== data.length) throw new TightrecError('bad-shape', `${where}: ${what} must have a shape [n, K] of n K numbers, got [${shape.map(String).join(', ')}] with ${data.length} numbers`);
  if (K !== undefined && k !== K) throw new TightrecError('bad-shape', `${where}: ${what} must be vectors of ${K} numbers, as those of the items, got vectors of ${k}`);
  for (let at = 0; at < data.length; at++) if (!Number.isFinite(data[at])) throw new TightrecError('bad-input', `${where}: ${what} must be finite numbers, got ${data[at]} in vector ${Math.floor(at / k)} at position ${at % k}`);
  return [n, k];
}

/** normalizeRows: each vector divided by its length, in place; all zeros stay so. The sums are in float64, where no square of a float32 overflows. */
export function normalizeRows(data: Float32Array, K: number): void {
  for (let row = 0; row < data.length; row += K) {
    let square = 0;
    for (let k = 0; k < K; k++) square += data[row + k] * data[row + k];
    const length = Math.sqrt(square) || 1;
    for (let k = 0; k < K; k++) data[row + k] /= length;
  }
}
