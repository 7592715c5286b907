import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { floats } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

/** A positive definite matrix: F Fᵀ + I. */
function definite(n: number): Float32Array {
  const F = floats(n * n, random(n + 1).uniform), A = new Float32Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) A[i * n + j] += (k === 0 && i === j ? 1 : 0) + F[i * n + k] * F[j * n + k];
  return A;
}

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/cholesky/${name}`, backend().why); continue; }
  const test = suite(`kernels/cholesky/${name}`), { cholesky, invertLower } = kernels;

  test('worked by hand', () => {
    // [2 0; 3 4] [2 3; 0 4] = [4 6; 6 25]; its inverse [1/2 0; -3/8 1/4]
    const A = Float32Array.of(4, 99, 6, 25), M = Float32Array.of(7, 7, 7, 7);
    assert.is(cholesky(A, 2), 2);
    assert.equal([...A], [2, 99, 3, 4], 'above the diagonal nothing is read or written');
    invertLower(M, A, 2);
    assert.equal([...M], [0.5, 0, -0.375, 0.25]);
  });

  test('the first column that has no root is named, and no more is done', () => {
    for (const [at, bad] of [[0, -1], [1, 1], [2, 0], [2, NaN], [1, -5]] as const) {
      const A = Float32Array.of(1, 0, 0, 1, 5, 0, 1, 1, 6); // roots of 1, 4, 5
      A[at * 4] = bad;
      assert.is(cholesky(A, 3), at, `${bad} at ${at}`);
      assert.ok(Object.is(A[at * 4], Math.fround(bad)));
    }
    assert.is(cholesky(Float32Array.of(1, 1, 1, 1), 2), 1, 'singular');
  });

  for (const n of sizes) {
    test(`L Lᵀ is A and M L is the identity; agrees with the loop: n=${n}`, () => {
      const A = definite(n);
      for (const place of places) {
        const run = (variant: typeof loops) => inRoom(place, ({ output }) => {
          const L = output(A), M = output(new Float32Array(n * n).fill(NaN));
          const done = variant.cholesky(L, n);
          variant.invertLower(M, L, n);
          return [done, L, M];
        }) as [number, Float32Array, Float32Array];
        const [done, L, M] = run(kernels), [, loopL, loopM] = run(loops);
        assert.is(done, n);
        const lower = (at: number): boolean => at % n <= Math.floor(at / n);
        assert.equal(L.filter((_, at) => !lower(at)), A.filter((_, at) => !lower(at)), 'above the diagonal');
        for (let i = 0; i < n; i++) {
          for (let j = 0; j <= i; j++) {
            let product = 0, identity = 0;
            for (let k = 0; k <= j; k++) product += L[i * n + k] * L[j * n + k];
            for (let k = j; k <= i; k++) identity += M[i * n + k] * L[k * n + j];
            assert.ok(Math.abs(product - A[i * n + j]) <= 4 * EPS * Math.sqrt(A[i * n + i] * A[j * n + j]), `L Lᵀ at ${i}, ${j}: ${product} and ${A[i * n + j]}`);
            assert.ok(Math.abs(identity - (i === j ? 1 : 0)) <= 64 * EPS, `M L at ${i}, ${j}: ${identity}`);
          }
          for (let j = i + 1; j < n; j++) assert.is(M[i * n + j], 0);
        }
        assertClose(L, loopL, 4 * EPS, `L, ${place}`, Math.max(1, ...A)); // rounding of one entry passes on to those below
        assertClose(M, loopM, 16 * EPS, `M, ${place}`, Math.max(1, ...M));
      }
    });
  }

  test.run();
}
