import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { type Csr, countPairs } from '../../lib/data/csr.ts';
import { transposeCsr } from '../../lib/data/csrTransforms.ts';
import { random } from '../../lib/random.ts';
import { floats, ids } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

/** A matrix with about `each` entries a row, some rows empty. */
function sparse(rows: number, columns: number, each: number, seed: number): Csr {
  const { uniform } = random(seed), n = columns === 0 ? 0 : Math.floor(rows * each);
  return countPairs(ids(n, rows, uniform), ids(n, columns, uniform), rows, columns, floats(n, uniform));
}

const dense = ({ rows, columns, indptr, indices, values }: Csr): Float64Array => {
  const all = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) for (let at = indptr[r]; at < indptr[r + 1]; at++) all[r * columns + indices[at]] = values[at];
  return all;
};

/** C + A B, and what was added up for each entry, by the definition. */
function slow(C: ArrayLike<number>, A: Float64Array, B: Float64Array, R: number, M: number, N: number): { want: Float64Array; size: Float64Array } {
  const want = Float64Array.from(C), size = want.map(Math.abs);
  for (let r = 0; r < R; r++) for (let n = 0; n < N; n++) for (let m = 0; m < M; m++) { want[r * N + n] += A[r * M + m] * B[m * N + n]; size[r * N + n] += Math.abs(A[r * M + m] * B[m * N + n]); }
  return { want, size };
}

const shapes = [[0, 0, 0], [1, 1, 1], [3, 0, 3], [3, 7, 1], [7, 3, 16], [16, 17, 17], [5, 129, 129], [129, 16, 7]];

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/sparseProduct/${name}`, backend().why); continue; }
  const test = suite(`kernels/sparseProduct/${name}`), { sparseProduct, sparseDenseProduct, sparseDenseProductGrad } = kernels;

  test('worked by hand, on top of what was there', () => {
    // A = [2 0 1; 0 0 0], B = [1 0; 0 5; 0 3]
    const a = [Int32Array.of(0, 2, 2), Int32Array.of(0, 2), Float32Array.of(2, 1)] as const, C = Float32Array.of(10, 20, 30, 40), D = C.slice();
    sparseProduct(C, ...a, Int32Array.of(0, 1, 2, 3), Int32Array.of(0, 1, 1), Float32Array.of(1, 5, 3), 2, 2);
    assert.equal([...C], [12, 23, 30, 40]);
    sparseDenseProduct(D, ...a, Float32Array.of(1, 0, 0, 5, 0, 3), 2, 2);
    assert.equal([...D], [12, 23, 30, 40]);
    const dB = new Float32Array(6).fill(100);
    sparseDenseProductGrad(dB, ...a, Float32Array.of(1, 2, 7, 8), 2, 2);
    assert.equal([...dB], [102, 104, 100, 100, 101, 102]);
  });

  for (const [R, M, N] of shapes) {
    test(`is the sum over all entries, and agrees with the loop: R=${R} M=${M} N=${N}`, () => {
      for (const place of places) {
        const A = sparse(R, M, 3, R + 1), B = sparse(M, N, 4, N + 2), full = floats(M * N, random(5).uniform), before = floats(R * N, random(6).uniform), dB0 = floats(M * N, random(7).uniform);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const C = output(before), D = output(before), dB = output(dB0), a = [input(A.indptr), input(A.indices), input(A.values)] as const;
          variant.sparseProduct(C, ...a, input(B.indptr), input(B.indices), input(B.values), R, N);
          variant.sparseDenseProduct(D, ...a, input(full), R, N);
          variant.sparseDenseProductGrad(dB, ...a, input(before), R, N);
          return [C, D, dB];
        }) as [Float32Array, Float32Array, Float32Array];
        const [C, D, dB] = run(kernels), [loopC, loopD, loopDB] = run(loops), sums = slow(before, dense(A), dense(B), R, M, N), others = slow(before, dense(A), Float64Array.from(full), R, M, N);
        const grads = slow(dB0, dense(transposeCsr(A)), Float64Array.from(before), M, R, N); // Aᵀ dC
        assertClose(C, sums.want, 4 * EPS, `C, ${place}`, sums.size);
        assertClose(D, others.want, 4 * EPS, `D, ${place}`, others.size);
        assertClose(C, loopC, 4 * EPS, `C against the loop, ${place}`, sums.size);
        assertClose(dB, grads.want, 4 * EPS, `dB, ${place}`, grads.size);
        assertClose(dB, loopDB, 4 * EPS, `dB against the loop, ${place}`, grads.size);
        assertClose(D, loopD, 4 * EPS, `D against the loop, ${place}`, others.size);
      }
    });
  }

  test('rows from the middle of a matrix: where a row begins is said from its start', () => {
    const A = sparse(9, 6, 3, 1), B = sparse(6, 5, 2, 2), C = new Float32Array(4 * 5);
    sparseProduct(C, A.indptr.subarray(3), A.indices, A.values, B.indptr, B.indices, B.values, 4, 5);
    const { want, size } = slow(new Float32Array(9 * 5), dense(A), dense(B), 9, 6, 5);
    assertClose(C, want.slice(15, 35), 4 * EPS, 'C', size.slice(15, 35));
  });

  test("Xᵀ X, by X's transposeCsr, is symmetric", () => {
    const X = sparse(40, 12, 5, 3), T = transposeCsr(X), G = new Float32Array(144);
    sparseProduct(G, T.indptr, T.indices, T.values, X.indptr, X.indices, X.values, 12, 12);
    for (let i = 0; i < 12; i++) for (let j = 0; j < 12; j++) assert.is(G[i * 12 + j], G[j * 12 + i]);
  });

  test.run();
}
