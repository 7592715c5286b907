import * as np from 'numpy-ts';
import { type Rival, versionOf } from './works.ts';

const matrix = (values: Float32Array, shape: number[]): np.NDArray => np.array(values as unknown as number[], 'float32').reshape(...shape) as np.NDArray;

export function open(): Rival {
  const version = versionOf('node_modules/numpy-ts');
  return {
    version,
    product({ A, B, M, N, K }) {
      const a = matrix(A, [M, K]), b = matrix(B, [K, N]), multiply = (): np.NDArray => np.matmul(a, b) as np.NDArray;
      return { run: multiply, waits: false, answer: () => multiply().data as Float32Array };
    },
    ranking({ scores, B, N, k }) {
      // numpy's way: the k largest to the end, then these in order
      const x = matrix(scores, [B, N]), best = (): np.NDArray => np.sort(np.partition(x, N - k, 1).slice(':', `${N - k}:`), 1) as np.NDArray;
      return {
        run: best, waits: false,
        answer: () => { const ascending = best().tolist() as number[][]; return Float32Array.from(ascending.flatMap((row) => row.toReversed())); },
      };
    },
    rowDots({ U, V, u, i, nUsers, nItems, K }) {
      const left = matrix(U, [nUsers, K]), right = matrix(V, [nItems, K]), users = [...u], items = [...i];
      const dots = (): np.NDArray => np.einsum('bk,bk->b', np.take(left, users, 0), np.take(right, items, 0)) as np.NDArray;
      return { run: dots, waits: false, answer: () => dots().data as Float32Array };
    },
    training: 'it has no gradients',
  };
}
