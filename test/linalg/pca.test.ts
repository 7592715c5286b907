import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pca } from '../../lib/linalg/pca.ts';
import { symmetricEigen } from '../../lib/linalg/symmetricEigen.ts';
import { random } from '../../lib/random.ts';
import golden from '../fixtures/pca.json' with { type: 'json' };
import { maxAbsDiff } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('linalg/pca');

const of = (K: number, ...data: number[]): { data: Float32Array; shape: number[] } => ({ data: Float32Array.from(data), shape: [data.length / K, K] });

test('by hand: points on a line, and one beside it', () => {
  const line = pca(of(2, 1, 1, 2, 2, 3, 3), 2), r = Math.SQRT1_2;
  assert.equal([...line.mean], [2, 2]);
  assert.ok(maxAbsDiff(line.directions.subarray(0, 2), [r, r]) < 1e-15);
  assert.ok(maxAbsDiff(line.variances, [2, 0]) < 1e-15 && Math.abs(line.total - 2) < 1e-15); // 1 along each axis, all of it along the line
  assert.ok(maxAbsDiff(line.coordinates, [-2 * r, 0, 0, 0, 2 * r, 0]) < 1e-15);
  const cross = pca(of(2, 3, 0, -3, 0, 0, 1, 0, -1), 2); // variances 18 / 3 and 2 / 3
  assert.equal([...cross.directions], [1, 0, 0, 1]);
  assert.ok(maxAbsDiff(cross.variances, [6, 2 / 3]) < 1e-15);
  assert.equal([...cross.coordinates], [3, 0, -3, 0, 0, 1, 0, -1]);
});

test('by hand: eigenvectors', () => {
  const { values, vectors } = symmetricEigen(Float64Array.of(2, -1, -1, 2), 2), r = Math.SQRT1_2;
  assert.ok(maxAbsDiff(values, [3, 1]) < 1e-15 && maxAbsDiff(vectors, [r, -r, r, r]) < 1e-15); // the first of the entries of equal size is positive
  assert.equal(symmetricEigen(Float64Array.of(5), 1), { values: Float64Array.of(5), vectors: Float64Array.of(1), sweeps: 0 });
  assert.equal(symmetricEigen(new Float64Array(9), 3).values, new Float64Array(3));
});

for (const { n, K, C, data, directions, variances, total, coordinates } of golden) {
  test(`numpy has the same, ${n} x ${K}`, () => {
    const got = pca({ data: Float32Array.from(data), shape: [n, K] }, C), size = Math.sqrt(total);
    assert.ok(maxAbsDiff(got.directions, directions) < 1e-10);
    assert.ok(maxAbsDiff(got.variances, variances) < 1e-12 * total && Math.abs(got.total - total) < 1e-12 * total);
    assert.ok(maxAbsDiff(got.coordinates, coordinates) < 1e-9 * size);
  });
}

for (const n of [2, 3, 31, 128]) {
  test(`eigenvectors are at right angles and make up the matrix, n=${n}`, () => {
    const next = random(n), A = new Float64Array(n * n);
    for (let p = 0; p < n; p++) for (let q = 0; q <= p; q++) A[p * n + q] = A[q * n + p] = next.normal();
    const { values, vectors, sweeps } = symmetricEigen(A, n), sum = (of: (c: number) => number): number => Array.from({ length: n }, (_, c) => of(c)).reduce((a, b) => a + b, 0);
    assert.ok(sweeps >= 1 && sweeps <= 12, `it stopped after ${sweeps} sweeps`);
    for (let p = 0; p < n; p++) {
      assert.ok(p === 0 || values[p] <= values[p - 1]);
      for (let q = 0; q <= p; q++) {
        assert.ok(Math.abs(sum((c) => values[c] * vectors[c * n + p] * vectors[c * n + q]) - A[p * n + q]) < 1e-12 * n);
        assert.ok(Math.abs(sum((k) => vectors[p * n + k] * vectors[q * n + k]) - Number(p === q)) < 1e-13 * n);
      }
      const row = vectors.subarray(p * n, (p + 1) * n);
      assert.ok(Math.max(...row) >= -Math.min(...row));
    }
  });
}

test('vectors that do not differ, one vector, none', () => {
  for (const vectors of [of(3, 1, 2, 3, 1, 2, 3), of(3, 1, 2, 3), of(3)]) {
    const { variances, total, coordinates } = pca(vectors, 2);
    assert.equal([[...variances], total, coordinates.every((x) => x === 0)], [[0, 0], 0, true]);
  }
});

test('what has no components is refused, in a sentence', () => {
  refuses(() => pca(of(2, 1, 2), 3), 'bad-setting', 'pca: expected 1 to 2 components of vectors of 2 numbers, got 3');
  for (const C of [0, 1.5, Number.NaN]) refuses(() => pca(of(2, 1, 2), C), 'bad-setting', 'expected 1 to 2 components');
  refuses(() => pca({ data: new Float32Array(5), shape: [2, 2] }, 1), 'bad-shape', 'pca: expected n vectors of K numbers, got shape [2, 2] with 5 numbers');
  refuses(() => pca({ data: new Float32Array(0), shape: [0, 0] }, 1), 'bad-shape', 'got shape [0, 0]');
  for (const wrong of [Number.NaN, Infinity]) refuses(() => pca(of(2, 1, wrong), 1), 'bad-input', 'pca: vectors must be finite numbers');
});

test.run();
