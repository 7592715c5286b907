import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { inRoom, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/relu/${name}`, backend().why); continue; }
  const test = suite(`kernels/relu/${name}`), { relu, reluGrad } = kernels;

  test('worked by hand; NaN stays', () => {
    const x = Float32Array.of(-1, 0, 2, Number.NaN, -0, -Infinity, Infinity), out = new Float32Array(7).fill(9), dx = new Float32Array(7).fill(100);
    relu(out, x, 7);
    assert.equal([...out], [0, 0, 2, Number.NaN, 0, 0, Infinity]);
    relu(out, new Float32Array(5).fill(-0), 5);
    assert.ok(out.subarray(0, 5).every((value) => Object.is(value, 0)), 'of -0 comes 0, as of Math.max');
    reluGrad(dx, x, Float32Array.of(1, 2, 3, 4, 5, 6, 7), 7);
    assert.equal([...dx], [100, 100, 103, 100, 100, 100, 107]);
  });

  test('agrees with finite differences', () => {
    const next = random(1).uniform, n = 23, x = floats(n, next).map((value) => value + Math.sign(value) * 0.1), dOut = floats(n, next), out = new Float32Array(n), dx = new Float32Array(n);
    reluGrad(dx, x, dOut, n);
    assert.ok(maxAbsDiff(dx, numericGrad(() => { relu(out, x, n); return out.reduce((sum, value, at) => sum + value * dOut[at], 0); }, x)) < 1e-4);
  });

  for (const place of places) {
    test(`agrees with the loop to the bit, ${place} memory`, () => {
      for (const n of sizes) {
        const next = random(n).uniform, x = floats(n, next), dOut = floats(n, next), before = floats(n, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const out = output(before), dx = output(before), from = input(x);
          variant.relu(out, from, n);
          variant.reluGrad(dx, from, input(dOut), n);
          return [out, dx];
        });
        assert.equal(run(kernels), run(loops), `n=${n}`);
      }
    });
  }

  test.run();
}
