import ndarray from 'ndarray';
import gemm from 'ndarray-gemm';
import { type Rival, versionOf } from './works.ts';

export function open(): Rival {
  const version = versionOf('node_modules/ndarray-gemm');
  return {
    version,
    product({ A, B, M, N, K }) {
      const out = new Float32Array(M * N), c = ndarray(out, [M, N]), a = ndarray(A, [M, K]), b = ndarray(B, [K, N]), run = (): void => gemm(c, a, b);
      return { run, waits: false, answer: () => { run(); return out; } };
    },
    ranking: 'it multiplies matrices and nothing else',
    rowDots: 'it multiplies matrices and nothing else',
    training: 'it multiplies matrices and nothing else',
  };
}
