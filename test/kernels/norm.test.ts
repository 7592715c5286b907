import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/norm/${name}`, backend().why); continue; }
  const test = suite(`kernels/norm/${name}`), { addScaled, clear, sumSquares, scale, l2Rows, l2RowsGrad } = kernels;

  test('worked by hand', () => {
    assert.is(sumSquares(Float32Array.of(1, -2, 3, 4, -5), 5), 55);
    assert.is(l2Rows(Float32Array.of(1, 2, 3, 4), Float32Array.of(2, 10), 2, 2), 2 * 5 + 10 * 25);
    const x = Float32Array.of(1, -2, 3, 4, -5);
    scale(x, -0.5, 5);
    assert.equal([...x], [-0.5, 1, -1.5, -2, 2.5]);
    const y = Float32Array.of(10, 20, 30, 40, 50);
    addScaled(y, x, 2, 5);
    assert.equal([...y], [9, 22, 27, 36, 55]);
    clear(y, 4); // four of the five
    assert.equal([...y], [0, 0, 0, 0, 55]);
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
    const { R, K, dL, s, ...numbers } = golden.norm, X = Float32Array.from(numbers.X), w = Float32Array.from(numbers.w), dX = new Float32Array(R * K);
    assertClose([l2Rows(X, w, R, K)], [numbers.L], 2 * EPS, 'L');
    assertClose([sumSquares(X, R * K)], [numbers.sumSquares], 1e-14, 'sumSquares'); // float64 throughout
    l2RowsGrad(dX, X, w, R, K, dL);
    assertClose(dX, numbers.dX, 2 * EPS, 'dX');
    scale(X, s, R * K);
    assertClose(X, numbers.scaled, EPS, 'scaled');
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const n of sizes) {
        const next = random(n).uniform, x = floats(n, next), y = floats(n, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const scaled = output(x), added = output(y), cleared = output(x);
          variant.scale(scaled, 0.7, n);
          variant.addScaled(added, input(x), 0.7, n);
          variant.clear(cleared, n);
          return [variant.sumSquares(input(x), n), scaled, added, cleared];
        }) as [number, Float32Array, Float32Array, Float32Array];
        const [sum, scaled, added, cleared] = run(kernels), [wantSum, wantScaled, wantAdded] = run(loops);
        assert.equal(cleared, new Float32Array(n), `clear, n=${n}`);
        assertClose(added, wantAdded, 2 * EPS, `addScaled, n=${n}`, y.map((before, at) => Math.abs(before) + Math.abs(0.7 * x[at])));
        assertClose([sum], [wantSum], n * 2 ** -52, `sumSquares, n=${n}`); // float64, in another order
        assertClose(scaled, wantScaled, 2 * EPS, `scale, n=${n}`); // 0.7 and the product are rounded to float32: twice half a unit and a half for the loop
      }
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

  test('numbers whose squares float32 cannot hold', () => {
    for (const n of [1, 4, 7]) {
      assertClose([sumSquares(new Float32Array(n).fill(1e30), n)], [n * 1e60], 1e-6, 'large');
      assertClose([sumSquares(new Float32Array(n).fill(1e-30), n)], [n * 1e-60], 1e-6, 'small');
      assert.ok(Number.isNaN(sumSquares(new Float32Array(n).fill(NaN, n - 1), n)));
    }
  });

  test('a million small numbers beside a large one are not lost', () => {
    const x = new Float32Array(2 ** 20 + 1).fill(1);
    x[0] = 4096; // its square, 2^24, swallows 1 in float32
    assert.is(sumSquares(x, x.length), 2 ** 24 + 2 ** 20);
  });

  test.run();
}
