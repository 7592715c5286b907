import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Kernels, backend, fma, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, places, triples } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

const abs = (x: Float32Array): Float32Array => x.map(Math.abs);

/** The (columns, rows) matrix that a (rows, columns) matrix is when turned over. */
function turned(x: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: x.length }, (_, at) => x[(at % rows) * columns + Math.floor(at / rows)]);
}

/** One product, X Y with X (M, K) and Y (K, N), asked of each kernel in its own orientation; adds where the kernel adds. */
type Product = (table: Kernels, out: Float32Array, X: Float32Array, Y: Float32Array, M: number, N: number, K: number) => void;
const products: Record<string, { adds: boolean; run: (variant: Kernels, out: Float32Array, X: Float32Array, Y: Float32Array, M: number, N: number, K: number) => void; turns: 'X' | 'Y' | null }> = {
  matmul: { adds: false, turns: null, run: (variant, out, X, Y, M, N, K) => variant.matmul(out, X, Y, M, N, K) },
  matmulTransposed: { adds: false, turns: 'Y', run: (variant, out, X, Y, M, N, K) => variant.matmulTransposed(out, X, Y, M, N, K) },
  matmulGradA: { adds: true, turns: 'Y', run: (variant, out, X, Y, M, N, K) => variant.matmulGradA(out, X, Y, M, K, N) },
  matmulGradB: { adds: true, turns: 'X', run: (variant, out, X, Y, M, N, K) => variant.matmulGradB(out, X, Y, K, N, M) },
};

const other = process.env.TIGHTREC_NODE24, fused = fma();
const tables: [string, Kernels | null, string][] = [...Object.entries(variants).map(([name, table]): [string, Kernels | null, string] => [name, table, backend().why]), ['simd-fma', fused.kernels, fused.why]];
for (const [name, kernels, why] of tables) {
  if (kernels === null) {
    if (name !== 'simd-fma' || other === undefined) { skip(`kernels/matmul/${name}`, why); continue; }
    const elsewhere = suite('kernels/matmul/simd-fma');
    elsewhere('all of this, in a Node that has relaxed SIMD', () => {
      const { status, stdout } = spawnSync(other, ['--import', 'tsx', fileURLToPath(import.meta.url)], { encoding: 'utf8' });
      assert.is(status, 0, stdout);
      assert.match(stdout, /simd-fma[ •]*\((\d+) \/ \1\)/);
    });
    elsewhere.run();
    continue;
  }
  const test = suite(`kernels/matmul/${name}`), { matmul, matmulGradA, matmulGradB, matmulTransposed } = kernels;

  test('worked by hand', () => {
    const A = Float32Array.of(1, 2, 3, 4), B = Float32Array.of(5, 6, 7, 8, 9, 10), C = new Float32Array(6).fill(99);
    matmulTransposed(C, A, B, 2, 3, 2); // B is three rows of two
    assert.equal([...C], [17, 23, 29, 39, 53, 67]);
    matmul(C, A, B, 2, 3, 2); // two rows of three
    assert.equal([...C], [21, 24, 27, 47, 54, 61]);
    const dC = Float32Array.of(1, 0, -1, 2, 1, 0), dA = Float32Array.of(100, 0, 0, 1000), dB = new Float32Array(6).fill(10);
    matmulGradA(dA, dC, B, 2, 3, 2);
    assert.equal([...dA], [100 - 2, -2, 16, 1000 + 25]);
    matmulGradB(dB, A, dC, 2, 3, 2);
    assert.equal([...dB], [17, 13, 9, 20, 14, 8]);
  });

  for (const [M, N, K] of [[1, 1, 1], [3, 2, 5], [4, 8, 3], [5, 9, 6]]) {
    test(`the gradients agree with finite differences, M=${M} N=${N} K=${K}`, () => {
      const next = random(M * 100 + N).uniform, A = floats(M * K, next), B = floats(K * N, next), dC = floats(M * N, next), C = new Float32Array(M * N);
      const L = (): number => { loops.matmul(C, A, B, M, N, K); return C.reduce((sum, c, at) => sum + c * dC[at], 0); };
      const dA = new Float32Array(M * K), dB = new Float32Array(K * N);
      matmulGradA(dA, dC, B, M, N, K);
      matmulGradB(dB, A, dC, M, N, K);
      assert.ok(maxAbsDiff(dA, numericGrad(L, A)) < 1e-3);
      assert.ok(maxAbsDiff(dB, numericGrad(L, B)) < 1e-3);
    });
  }

  for (const [kernel, { adds, turns, run }] of Object.entries(products)) {
    const product: Product = (table, out, X, Y, M, N, K) => run(table, out, turns === 'X' ? turned(X, M, K) : X, turns === 'Y' ? turned(Y, K, N) : Y, M, N, K);

    test(`${kernel}: whole numbers come out whole, at sizes that fill every path`, () => {
      // a tile is 4 rows by 8 columns, a packed piece 128 rows or columns by 256 deep; each has some left over
      for (const [M, N, K] of [[4, 8, 16], [3, 5, 17], [5, 11, 35], [4, 9, 4], [1, 6, 50], [9, 130, 3], [131, 9, 5], [6, 17, 259], [2, 5, 513]]) {
        const X = Float32Array.from({ length: M * K }, (_, at) => (at * 7) % 11 - 5), Y = Float32Array.from({ length: K * N }, (_, at) => (at * 5) % 13 - 6);
        const out = new Float32Array(M * N).fill(adds ? 3 : NaN);
        product(kernels, out, X, Y, M, N, K);
        for (let m = 0; m < M; m++) {
          for (let n = 0; n < N; n++) {
            let sum = adds ? 3 : 0;
            for (let k = 0; k < K; k++) sum += X[m * K + k] * Y[k * N + n];
            assert.is(out[m * N + n], sum, `M=${M} N=${N} K=${K} at ${m}, ${n}`);
          }
        }
      }
    });

    test(`${kernel} agrees with numpy`, () => {
      const { M, N, K, ...numbers } = golden.matmul, X = Float32Array.from(numbers.A), Y = turned(Float32Array.from(numbers.B), N, K);
      const out = new Float32Array(M * N), size = new Float32Array(M * N);
      product(kernels, out, X, Y, M, N, K);
      loops.matmul(size, abs(X), abs(Y), M, N, K);
      assertClose(out, numbers.C, 3 * EPS, 'C', size);
    });

    for (const place of places) {
      test(`${kernel} agrees with the loop, ${place} memory`, () => {
        for (const [M, N, K] of triples) {
          const next = random(M * 1e6 + N * 1000 + K).uniform, X = floats(M * K, next), Y = floats(K * N, next), before = floats(M * N, next);
          const got = (variant: Kernels, of: (x: Float32Array) => Float32Array) => (inRoom(place, ({ input, output }) => {
            const out = output(adds ? of(before) : new Float32Array(M * N).fill(NaN)), x = of(X), y = of(Y);
            run(variant, out, input(turns === 'X' ? turned(x, M, K) : x), input(turns === 'Y' ? turned(y, K, N) : y), M, N, K);
            return [out];
          }) as Float32Array[])[0];
          // a float32 sum's rounding is proportional to the sum of its terms' magnitudes: the same product of absolute values
          assertClose(got(kernels, (array) => array), got(loops, (array) => array), 6 * EPS, `M=${M} N=${N} K=${K}`, got(loops, abs));
        }
      });
    }

    test(`${kernel}: an entry does not depend on how many rows and columns there are with it`, () => {
      // recommend() for one user and for many must rank alike, and equal items score equally wherever they stand: the same numbers to the bit
      const M = 9, N = 139, K = 270, next = random(3).uniform, X = floats(M * K, next), Y = floats(K * N, next);
      const all = new Float32Array(M * N), one = new Float32Array(N), column = new Float32Array(M);
      product(kernels, all, X, Y, M, N, K);
      for (let m = 0; m < M; m++) {
        product(kernels, one.fill(0), X.subarray(m * K, (m + 1) * K), Y, 1, N, K);
        assert.equal([...one], [...all.subarray(m * N, (m + 1) * N)], `row ${m}`);
      }
      for (const n of [0, 7, 8, 127, 128, 138]) {
        product(kernels, column.fill(0), X, Float32Array.from({ length: K }, (_, k) => Y[k * N + n]), M, 1, K);
        assert.equal([...column], Array.from(column, (_, m) => all[m * N + n]), `column ${n}`);
      }
    });

    test(`${kernel}: NaN and infinity reach their row and column and no other`, () => {
      const M = 7, N = 19, K = 18, X = new Float32Array(M * K).fill(1), Y = new Float32Array(K * N).fill(2), out = new Float32Array(M * N);
      X[1 * K + 17] = NaN;
      Y[0 * N + 18] = Infinity;
      product(kernels, out, X, Y, M, N, K);
      for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) assert.equal(out[m * N + n], m === 1 ? NaN : n === 18 ? Infinity : 36, `${m}, ${n}`);
    });
  }

  for (const place of places) {
    test(`product: any piece of matrices that lie anywhere, ${place} memory, and nothing beside it`, () => {
      for (const [M, N, K] of [[1, 1, 1], [3, 5, 7], [5, 9, 6], [4, 8, 300], [9, 139, 17], [0, 3, 2], [2, 0, 3], [2, 9, 0], [6, 3, 0]]) {
        for (const [pTurned, qTurned, add] of [[false, false, 0], [false, true, 1], [true, false, 1], [true, true, 0]] as const) {
          const next = random(M * 1e6 + N * 1000 + K).uniform, cRow = N + 3, pRow = pTurned ? 1 : K + 2, pStep = pTurned ? M + 1 : 1, qStep = qTurned ? 1 : N + 5, qColumn = qTurned ? K + 4 : 1;
          const P = floats((M + 1) * (K + 2), next), Q = floats((N + 5) * (K + 4), next), before = floats((M + 1) * cRow, next);
          const run = (variant: Kernels, of: (x: Float32Array) => Float32Array): Float32Array => (inRoom(place, ({ input, output }) => {
            const C = output(of(before));
            variant.product(C, input(of(P)), input(of(Q)), M, N, K, cRow, pRow, pStep, qStep, qColumn, add);
            return [C];
          }) as Float32Array[])[0];
          const got = run(kernels, (x) => x);
          assertClose(got, run(loops, (x) => x), 6 * EPS, `M=${M} N=${N} K=${K} ${pTurned} ${qTurned}`, run(loops, abs));
          for (const [at, value] of got.entries()) if (at % cRow >= N || at >= M * cRow) assert.is(value, before[at]);
        }
      }
    });
  }

  test('no depth: a product is zero, a gradient adds nothing', () => {
    const C = Float32Array.of(NaN, 1), none = new Float32Array(0);
    matmul(C, none, none, 1, 2, 0);
    assert.equal([...C], [0, 0]);
    matmulTransposed(C.fill(5), none, none, 2, 1, 0);
    assert.equal([...C], [0, 0]);
    matmulGradA(C.fill(5), none, none, 1, 0, 2);
    matmulGradB(C, none, none, 0, 1, 2);
    assert.equal([...C], [5, 5]);
  });

  test.run();
}

agreeWithLoop('matmul');
