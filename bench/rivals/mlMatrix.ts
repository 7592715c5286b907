import { Matrix } from 'ml-matrix';
import { type Rival, versionOf } from './works.ts';

export function open(): Rival {
  const version = versionOf('node_modules/ml-matrix');
  return {
    version,
    product({ A, B, M, N, K }) {
      const a = Matrix.from1DArray(M, K, A as unknown as number[]), b = Matrix.from1DArray(K, N, B as unknown as number[]);
      return { run: () => a.mmul(b), waits: false, answer: () => Float32Array.from(a.mmul(b).to1DArray()) };
    },
    ranking: 'it has no top-k and no sort of rows',
    rowDots({ U, V, u, i, nUsers, nItems, K }) {
      const left = Matrix.from1DArray(nUsers, K, U as unknown as number[]), right = Matrix.from1DArray(nItems, K, V as unknown as number[]);
      const users = [...u], items = [...i], run = (): number[] => left.subMatrixRow(users).mul(right.subMatrixRow(items)).sum('row');
      return { run, waits: false, answer: run };
    },
    training: 'it has no gradients',
  };
}
