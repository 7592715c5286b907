import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { type Csr, countPairs } from '../../lib/data/csr.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

/** R rows of about three features each, some of none, of n. */
function sparse(R: number, n: number, seed: number): Csr {
  const { uniform } = random(seed), entries = 3 * R;
  return countPairs(ids(entries, R, uniform), ids(entries, n, uniform), R, n, floats(entries, uniform).map((value) => 2 * value));
}

/** The definition: a weight for each feature, and a product of vectors for each pair of them; and what was added up. */
function slow({ indptr, indices, values }: Csr, V: Float32Array, w: Float32Array, R: number, K: number): { c: Float64Array; size: Float64Array } {
  const c = new Float64Array(R), size = new Float64Array(R);
  const add = (r: number, x: number): void => { c[r] += x; size[r] += Math.abs(x); };
  for (let r = 0; r < R; r++) for (let p = indptr[r]; p < indptr[r + 1]; p++) {
    add(r, values[p] * w[indices[p]]);
    for (let k = 0; k < K; k++) size[r] += (values[p] * V[indices[p] * K + k]) ** 2; // which is added and taken away again
    for (let q = indptr[r]; q < p; q++) for (let k = 0; k < K; k++) add(r, values[p] * V[indices[p] * K + k] * values[q] * V[indices[q] * K + k]);
  }
  return { c, size };
}

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/fm/${name}`, backend().why); continue; }
  const test = suite(`kernels/fm/${name}`), { fmRows, fmRowsGrad } = kernels;

  test('worked by hand', () => {
    const V = Float32Array.of(1, 2, 3, 4, 5, 6), w = Float32Array.of(10, 20, 30), P = new Float32Array(4).fill(9), c = new Float32Array(2).fill(9);
    // row 0: feature 0 once and feature 2 twice; row 1: nothing
    fmRows(P, c, V, w, Int32Array.of(0, 2, 2), Int32Array.of(0, 2), Float32Array.of(1, 2), 2, 2);
    assert.equal([...P], [11, 14, 0, 0]);
    assert.equal([...c], [10 + 60 + 2 * (5 + 12), 0]);
  });

  test('the gradient, worked by hand, on top of what was there', () => {
    const V = Float32Array.of(1, 2, 3, 4, 5, 6), dV = new Float32Array(6).fill(100), dw = new Float32Array(3).fill(1000);
    fmRowsGrad(dV, dw, Float32Array.of(1, -1), Float32Array.of(3), Float32Array.of(11, 14), V, Int32Array.of(0, 2), Int32Array.of(0, 2), Float32Array.of(1, 2), 1, 2);
    // by feature 0: dP + 3 · (the other's vector, twice), by feature 2: 2 (dP + 3 · the first's)
    assert.equal([...dV], [100 + 1 + 30, 100 - 1 + 36, 100, 100, 100 + 2 * (1 + 3), 100 + 2 * (-1 + 6)]);
    assert.equal([...dw], [1003, 1000, 1006]);
  });

  test('of a row with one feature nothing is left but its weight, to the bit', () => {
    for (const K of [1, 3, 16, 37]) {
      const next = random(K).uniform, V = floats(5 * K, next), w = floats(5, next), P = new Float32Array(5 * K), c = new Float32Array(5);
      fmRows(P, c, V, w, Int32Array.of(0, 1, 2, 3, 4, 5), Int32Array.of(0, 1, 2, 3, 4), new Float32Array(5).fill(1), 5, K);
      assert.equal([...c], [...w]);
      assert.equal(P, V);
    }
  });

  for (const [R, K] of [[1, 1], [3, 3], [7, 5], [9, 17]]) {
    test(`agrees with finite differences, R=${R} K=${K}`, () => {
      const next = random(R * 100 + K).uniform, n = 4, { indptr, indices, values } = sparse(R, n, R + K), V = floats(n * K, next), w = floats(n, next), dP = floats(R * K, next), dc = floats(R, next);
      const P = new Float32Array(R * K), c = new Float32Array(R), dV = new Float32Array(n * K), dw = new Float32Array(n);
      const f = (): number => { fmRows(P, c, V, w, indptr, indices, values, R, K); return P.reduce((sum, p, at) => sum + p * dP[at], 0) + c.reduce((sum, x, r) => sum + x * dc[r], 0); };
      f();
      fmRowsGrad(dV, dw, dP, dc, P.slice(), V, indptr, indices, values, R, K);
      assert.ok(maxAbsDiff(dV, numericGrad(f, V)) < 2e-3);
      assert.ok(maxAbsDiff(dw, numericGrad(f, w)) < 2e-3);
    });
  }

  test('agrees with torch, which takes every pair by itself', () => {
    const { n, R, K, ...numbers } = golden.fm, [V, w, values, dP, dc] = (['V', 'w', 'values', 'dP', 'dc'] as const).map((letter) => Float32Array.from(numbers[letter])), start = Int32Array.from(numbers.start), indices = Int32Array.from(numbers.indices);
    const P = new Float32Array(R * K), c = new Float32Array(R), dV = new Float32Array(n * K), dw = new Float32Array(n);
    fmRows(P, c, V, w, start, indices, values, R, K);
    assertClose(P, numbers.P, 4 * EPS, 'P', 10);
    assertClose(c, numbers.c, 4 * EPS, 'c', 40);
    fmRowsGrad(dV, dw, dP, dc, P, V, start, indices, values, R, K);
    assertClose(dV, numbers.dV, 4 * EPS, 'dV', 40);
    assertClose(dw, numbers.dw, 4 * EPS, 'dw', 10);
  });

  for (const place of places) {
    test(`is the sum over all pairs, and agrees with the loop, ${place} memory`, () => {
      for (const [R, K] of pairs) {
        const n = 5, next = random(R * 1000 + K).uniform, f = sparse(R, n, R + K), V = floats(n * K, next), w = floats(n, next), dP = floats(R * K, next), dc = floats(R, next), dV0 = floats(n * K, next), dw0 = floats(n, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const P = output(dP), c = output(dc), dV = output(dV0), dw = output(dw0), table = input(V), bag = [input(f.indptr), input(f.indices), input(f.values)] as const;
          variant.fmRows(P, c, table, input(w), ...bag, R, K);
          variant.fmRowsGrad(dV, dw, input(dP), input(dc), P, table, ...bag, R, K);
          return [P, c, dV, dw];
        }) as Float32Array[];
        const got = run(kernels), want = run(loops), { c, size } = slow(f, V, w, R, K);
        assertClose(got[1], c, 4 * EPS, `c against all pairs, R=${R} K=${K}`, size);
        assertClose(got[1], want[1], 4 * EPS, `c, R=${R} K=${K}`, size);
        for (const [at, letter] of [[0, 'P'], [2, 'dV'], [3, 'dw']] as const) assertClose(got[at], want[at], 4 * EPS, `${letter}, R=${R} K=${K}`, 10 + 3 * R);
      }
    });
  }

  test.run();
}
