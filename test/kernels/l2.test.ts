import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/l2/${name}`, backend().why); continue; }
  const test = suite(`kernels/l2/${name}`), { l2Rows, l2RowsGrad } = kernels;

  test('worked by hand', () => {
    assert.is(l2Rows(Float32Array.of(1, 2, 3, 4), Float32Array.of(2, 10), 2, 2), 2 * 5 + 10 * 25);
  });

  test('the gradient, worked by hand, on top of what was there', () => {
    const dX = Float32Array.of(100, 0, 0, 1000);
    l2RowsGrad(dX, Float32Array.of(1, 2, 3, 4), Float32Array.of(2, 10), 2, 2, 0.5);
    assert.equal([...dX], [100 + 2, 4, 30, 1000 + 40]);
  });

  for (const [R, K] of [[1, 1], [3, 3], [7, 5], [9, 17]]) {
    test(`agrees with finite differences, R=${R} K=${K}`, () => {
      const next = random(R * 100 + K).uniform, X = floats(R * K, next), w = Float32Array.from({ length: R }, (_, r) => r % 3), dX = new Float32Array(R * K);
      l2RowsGrad(dX, X, w, R, K, 1);
      assert.ok(maxAbsDiff(dX, numericGrad(() => l2Rows(X, w, R, K), X)) < 1e-3);
    });
  }

  test('agrees with torch', () => {
    const { R, K, dL, ...numbers } = golden.norm, X = Float32Array.from(numbers.X), w = Float32Array.from(numbers.w), dX = new Float32Array(R * K);
    assertClose([l2Rows(X, w, R, K)], [numbers.L], 2 * EPS, 'L');
    l2RowsGrad(dX, X, w, R, K, dL);
    assertClose(dX, numbers.dX, 2 * EPS, 'dX');
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [R, K] of pairs) {
        const next = random(R * 1000 + K).uniform, X = floats(R * K, next), w = Float32Array.from({ length: R }, (_, r) => r % 4), dX0 = floats(R * K, next), dL = 0.3;
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const dX = output(dX0), rows = input(X), counts = input(w);
          variant.l2RowsGrad(dX, rows, counts, R, K, dL);
          return [variant.l2Rows(rows, counts, R, K), dX];
        }) as [number, Float32Array];
        const [L, dX] = run(kernels), [wantL, wantDX] = run(loops);
        assertClose([L], [wantL], 4 * EPS, `L, R=${R} K=${K}`); // all terms are positive: L is the sum of their magnitudes
        assertClose(dX, wantDX, 2 * EPS, `dX, R=${R} K=${K}`, dX0.map((before, at) => Math.abs(before) + Math.abs(2 * dL * w[Math.floor(at / K)] * X[at])));
      }
    });
  }

  test.run();
}
