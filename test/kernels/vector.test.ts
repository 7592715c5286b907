import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { floats } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/vector/${name}`, backend().why); continue; }
  const test = suite(`kernels/vector/${name}`), { addScaled, clear, scale, settle, sumSquares } = kernels;

  test('worked by hand', () => {
    assert.is(sumSquares(Float32Array.of(1, -2, 3, 4, -5), 5), 55);
    const x = Float32Array.of(1, -2, 3, 4, -5);
    scale(x, 5, -0.5);
    assert.equal([...x], [-0.5, 1, -1.5, -2, 2.5]);
    const y = Float32Array.of(10, 20, 30, 40, 50);
    addScaled(y, x, 5, 2);
    assert.equal([...y], [9, 22, 27, 36, 55]);
    clear(y, 4); // four of the five
    assert.equal([...y], [0, 0, 0, 0, 55]);
  });

  test('settle zeroes what is smaller than the least, on either side, and leaves NaN and the rest', () => {
    const mixed = [0.5, -0.5, 1, -1, 0.999, -0.999, 0, NaN, Infinity, -Infinity, 1e-45, 2];
    const settled = [0, 0, 1, -1, 0, 0, 0, NaN, Infinity, -Infinity, 0, 2];
    for (const n of sizes.filter((n) => n <= mixed.length)) {
      const x = Float32Array.from(mixed);
      settle(x, n, 1);
      assert.equal([...x], [...settled.slice(0, n), ...Float32Array.from(mixed.slice(n))], `n=${n}`);
    }
  });

  test('agrees with torch', () => {
    const { R, K, s, ...numbers } = golden.norm, X = Float32Array.from(numbers.X);
    assertClose([sumSquares(X, R * K)], [numbers.sumSquares], 1e-14, 'sumSquares'); // float64 throughout
    scale(X, R * K, s);
    assertClose(X, numbers.scaled, EPS, 'scaled');
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const n of sizes) {
        const next = random(n).uniform, x = floats(n, next), y = floats(n, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const scaled = output(x), added = output(y), cleared = output(x), settled = output(x);
          variant.scale(scaled, n, 0.7);
          variant.addScaled(added, input(x), n, 0.7);
          variant.clear(cleared, n);
          variant.settle(settled, n, 0.5);
          return [variant.sumSquares(input(x), n), scaled, added, cleared, settled];
        }) as [number, Float32Array, Float32Array, Float32Array, Float32Array];
        const [sum, scaled, added, cleared, settled] = run(kernels), [wantSum, wantScaled, wantAdded, , wantSettled] = run(loops);
        assert.equal(cleared, new Float32Array(n), `clear, n=${n}`);
        assert.equal(settled, wantSettled, `settle, n=${n}`);
        assertClose(added, wantAdded, 2 * EPS, `addScaled, n=${n}`, y.map((before, at) => Math.abs(before) + Math.abs(0.7 * x[at])));
        assertClose([sum], [wantSum], n * 2 ** -52, `sumSquares, n=${n}`); // float64, in another order
        assertClose(scaled, wantScaled, 2 * EPS, `scale, n=${n}`); // 0.7 and the product are rounded to float32: twice half a unit and a half for the loop
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
