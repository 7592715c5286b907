import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/layerNorm/${name}`, backend().why); continue; }
  const test = suite(`kernels/layerNorm/${name}`), { layerNorm, layerNormGrad } = kernels;

  test('worked by hand', () => {
    const Y = new Float32Array(4).fill(9), m = new Float32Array(2), r = new Float32Array(2);
    layerNorm(Y, m, r, Float32Array.of(1, 5, 7, 7), Float32Array.of(2, 3), Float32Array.of(10, 20), 2, 2, 0); // deviations -2 and 2 of variance 4; then none of all
    assert.equal([...Y.subarray(0, 2)], [10 - 2, 20 + 3]);
    assert.equal([m[0], r[0], m[1], r[1]], [3, 0.5, 7, Infinity]);
    layerNorm(Y, m, r, Float32Array.of(1, 5, 7, 7), Float32Array.of(2, 3), Float32Array.of(10, 20), 2, 2, 1e-5);
    assert.equal([...Y.subarray(2)], [10, 20], 'a row without variance is the shift: eps keeps it finite');
  });

  test('the gradient, worked by hand, on top of what was there', () => {
    const dX = Float32Array.of(100, 200, 300), dGain = Float32Array.of(1, 2, 3), dShift = Float32Array.of(4, 5, 6);
    // z = -1, 0, 1 with r = 1/2; g = 2, 6, 4, its mean 4, the mean of g z 2/3
    layerNormGrad(dX, dGain, dShift, Float32Array.of(5), Float32Array.of(0.5), Float32Array.of(3, 5, 7), Float32Array.of(1, 2, 1), Float32Array.of(2, 3, 4), 1, 3);
    assertClose(dX, [100 + 0.5 * (2 - 4 + 2 / 3), 200 + 0.5 * (6 - 4), 300 + 0.5 * (4 - 4 - 2 / 3)], 2 * EPS, 'dX');
    assert.equal([...dGain, ...dShift], [1 - 2, 2, 3 + 4, 6, 8, 10]);
  });

  for (const [B, N] of [[1, 2], [3, 3], [7, 5], [2, 19]]) {
    test(`agrees with finite differences, B=${B} N=${N}`, () => {
      const next = random(B * 100 + N).uniform, X = floats(B * N, next).map((x) => 4 * x), gain = floats(N, next), shift = floats(N, next), dY = floats(B * N, next);
      const Y = new Float32Array(B * N), m = new Float32Array(B), r = new Float32Array(B), [dX, dGain, dShift] = [B * N, N, N].map((n) => new Float32Array(n));
      const f = (): number => { layerNorm(Y, m, r, X, gain, shift, B, N, 0.1); return Y.reduce((sum, y, at) => sum + y * dY[at], 0); };
      f();
      layerNormGrad(dX, dGain, dShift, m, r, X, gain, dY, B, N);
      for (const [got, w] of [[dX, X], [dGain, gain], [dShift, shift]] as const) assert.ok(maxAbsDiff(got, numericGrad(f, w)) < 1e-3);
    });
  }

  test('agrees with torch', () => {
    const { B, N, eps, ...numbers } = golden.layerNorm, X = Float32Array.from(numbers.X), gain = Float32Array.from(numbers.gain);
    const Y = new Float32Array(B * N), m = new Float32Array(B), r = new Float32Array(B), [dX, dGain, dShift] = [B * N, N, N].map((n) => new Float32Array(n));
    layerNorm(Y, m, r, X, gain, Float32Array.from(numbers.shift), B, N, eps);
    assertClose(Y, numbers.Y, 8 * EPS, 'Y', 4);
    layerNormGrad(dX, dGain, dShift, m, r, X, gain, Float32Array.from(numbers.dY), B, N);
    assertClose(dX, numbers.dX, 8 * EPS, 'dX', 4);
    assertClose(dGain, numbers.dGain, 8 * EPS, 'dGain', 8);
    assertClose(dShift, numbers.dShift, 8 * EPS, 'dShift', 8);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [B, N] of pairs) {
        const next = random(B * 1000 + N).uniform, X = floats(B * N, next), gain = floats(N, next), shift = floats(N, next), dY = floats(B * N, next), before = floats(B * N, next), sums = floats(N, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const Y = output(before), m = output(new Float32Array(B)), r = output(new Float32Array(B)), dX = output(before), dGain = output(sums), dShift = output(sums), x = input(X), a = input(gain);
          variant.layerNorm(Y, m, r, x, a, input(shift), B, N, 0.01);
          variant.layerNormGrad(dX, dGain, dShift, m, r, x, a, input(dY), B, N);
          return [Y, m, r, dX, dGain, dShift];
        }) as Float32Array[];
        const got = run(kernels), want = run(loops), size = [4, 1, 10, 40, 4 * B, 4 * B]; // gains and gradients are within 1/2, r within 10, z within 4
        for (const [at, letter] of ['Y', 'm', 'r', 'dX', 'dGain', 'dShift'].entries()) assertClose(got[at], want[at], 8 * EPS, `${letter}, B=${B} N=${N}`, size[at]);
      }
    });
  }

  test.run();
}
