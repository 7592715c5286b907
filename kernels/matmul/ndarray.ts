import ndarray, { type NdArray } from 'ndarray';
import ops from 'ndarray-ops';
import { vector } from '../rows.ndarray.ts';

/**
 * The same with ndarray. It buys all orientations with one function: a transposed matrix is a view with its strides exchanged, and a column
 * is picked as a row is. It costs two views and two calls for each number of C, and what a stride costs the cache; ndarray-ops has no
 * product of matrices.
 *
 *   C += A B
 */
function addProduct(C: NdArray<Float32Array>, A: NdArray<Float32Array>, B: NdArray<Float32Array>): void {
  const [M, N] = C.shape, products = vector(A.shape[1]);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      ops.mul(products, A.pick(m, null), B.pick(null, n));
      C.set(m, n, C.get(m, n) + ops.sum(products));
    }
  }
}

/** matmul: C = A B, as in loop.ts. */
export function matmul(C: Float32Array, A: Float32Array, B: Float32Array, M: number, N: number, K: number): void {
  const product = ndarray(C, [M, N]);
  ops.assigns(product, 0);
  addProduct(product, ndarray(A, [M, K]), ndarray(B, [K, N]));
}

/** matmulTransposed: C = A Bᵀ, as in loop.ts. */
export function matmulTransposed(C: Float32Array, A: Float32Array, B: Float32Array, M: number, N: number, K: number): void {
  const product = ndarray(C, [M, N]);
  ops.assigns(product, 0);
  addProduct(product, ndarray(A, [M, K]), ndarray(B, [N, K]).transpose(1, 0));
}

/** matmulGradA: dA += dC Bᵀ, as in loop.ts. */
export function matmulGradA(dA: Float32Array, dC: Float32Array, B: Float32Array, M: number, N: number, K: number): void {
  addProduct(ndarray(dA, [M, K]), ndarray(dC, [M, N]), ndarray(B, [K, N]).transpose(1, 0));
}

/** matmulGradB: dB += Aᵀ dC, as in loop.ts. */
export function matmulGradB(dB: Float32Array, A: Float32Array, dC: Float32Array, M: number, N: number, K: number): void {
  addProduct(ndarray(dB, [K, N]), ndarray(A, [M, K]).transpose(1, 0), ndarray(dC, [M, N]));
}
