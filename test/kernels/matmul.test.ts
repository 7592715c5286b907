import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { floats } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, places, triples } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

const abs = (x: Float32Array): Float32Array => x.map(Math.abs);

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/matmul/${name}`, backend().why); continue; }
  const test = suite(`kernels/matmul/${name}`), { matmulTransposed } = kernels;

  test('two rows against three, worked by hand', () => {
    const A = Float32Array.of(1, 2, 3, 4), B = Float32Array.of(5, 6, 7, 8, 9, 10), C = new Float32Array(6).fill(99);
    matmulTransposed(C, A, B, 2, 3, 2);
    assert.equal([...C], [17, 23, 29, 39, 53, 67]);
  });

  test('whole numbers come out whole, at sizes that fill every path', () => {
    // 2 rows by 4 columns is a tile; each has rows, columns and numbers left over
    for (const [M, N, K] of [[2, 4, 16], [3, 5, 17], [5, 11, 35], [4, 9, 4], [1, 6, 50]]) {
      const A = Float32Array.from({ length: M * K }, (_, at) => (at * 7) % 11 - 5), B = Float32Array.from({ length: N * K }, (_, at) => (at * 5) % 13 - 6);
      const C = new Float32Array(M * N);
      matmulTransposed(C, A, B, M, N, K);
      for (let m = 0; m < M; m++) {
        for (let n = 0; n < N; n++) {
          let sum = 0;
          for (let k = 0; k < K; k++) sum += A[m * K + k] * B[n * K + k];
          assert.is(C[m * N + n], sum, `M=${M} N=${N} K=${K} at ${m}, ${n}`);
        }
      }
    }
  });

  test('agrees with numpy', () => {
    const { M, N, K, ...numbers } = golden.matmul, A = Float32Array.from(numbers.A), B = Float32Array.from(numbers.B);
    const C = new Float32Array(M * N), size = new Float32Array(M * N);
    matmulTransposed(C, A, B, M, N, K);
    loops.matmulTransposed(size, abs(A), abs(B), M, N, K);
    assertClose(C, numbers.C, 2 * EPS, 'C', size);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [M, N, K] of triples) {
        const next = random(M * 1e6 + N * 1000 + K).uniform, A = floats(M * K, next), B = floats(N * K, next);
        const run = (variant: typeof loops, of: (x: Float32Array) => Float32Array) => inRoom(place, ({ input, output }) => {
          const C = output(new Float32Array(M * N).fill(NaN));
          variant.matmulTransposed(C, input(of(A)), input(of(B)), M, N, K);
          return [C];
        }) as Float32Array[];
        const [C] = run(kernels, (array) => array), [want] = run(loops, (array) => array);
        // a float32 sum's rounding is proportional to the sum of its terms' magnitudes: the same product of absolute values
        const [size] = run(loops, abs);
        assertClose(C, want, 4 * EPS, `M=${M} N=${N} K=${K}`, size);
      }
    });
  }

  test('agrees with the loop where B is walked in several panels', () => {
    for (const [M, N, K] of [[3, 4099, 1], [5, 700, 33], [2, 37, 1500], [3, 9, 5000]]) {
      const next = random(N + K).uniform, A = floats(M * K, next), B = floats(N * K, next), C = new Float32Array(M * N), want = new Float32Array(M * N), size = new Float32Array(M * N);
      matmulTransposed(C, A, B, M, N, K);
      loops.matmulTransposed(want, A, B, M, N, K);
      loops.matmulTransposed(size, abs(A), abs(B), M, N, K);
      assertClose(C, want, 4 * EPS, `M=${M} N=${N} K=${K}`, size);
    }
  });

  test('a score does not depend on how many rows are scored with it', () => {
    // recommend() for one user and for many must rank alike: the same numbers to the bit, whichever path a row takes
    const M = 5, N = 23, K = 21, next = random(3).uniform, A = floats(M * K, next), B = floats(N * K, next);
    const all = new Float32Array(M * N), one = new Float32Array(N);
    matmulTransposed(all, A, B, M, N, K);
    for (let m = 0; m < M; m++) {
      matmulTransposed(one, A.subarray(m * K, (m + 1) * K), B, 1, N, K);
      assert.equal([...one], [...all.subarray(m * N, (m + 1) * N)], `row ${m}`);
    }
  });

  test('NaN and infinity reach their row and no other', () => {
    const M = 3, N = 9, K = 18, A = new Float32Array(M * K).fill(1), B = new Float32Array(N * K).fill(2), C = new Float32Array(M * N);
    A[1 * K + 17] = NaN;
    B[8 * K] = Infinity;
    matmulTransposed(C, A, B, M, N, K);
    for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) assert.equal(C[m * N + n], m === 1 ? NaN : n === 8 ? Infinity : 36);
  });

  test.run();
}
