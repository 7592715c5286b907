import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/softmax/${name}`, backend().why); continue; }
  const test = suite(`kernels/softmax/${name}`), { softmax, softmaxGrad } = kernels;

  test('worked by hand: ln of the logits are the odds', () => {
    const P = new Float32Array(6).fill(9), X = Float32Array.of(Math.log(1), Math.log(2), Math.log(5), 7, 7, 7);
    softmax(P, X, 2, 3);
    assertClose(P, [1 / 8, 2 / 8, 5 / 8, 1 / 3, 1 / 3, 1 / 3], 4 * EPS, 'P');
    softmax(X, X, 2, 3);
    assert.equal([...X], [...P], 'in place');
  });

  test('the gradient, worked by hand, on top of what was there', () => {
    const dX = Float32Array.of(10, 20);
    softmaxGrad(dX, Float32Array.of(0.25, 0.75), Float32Array.of(4, 8), 1, 2); // the mean of dP is 7
    assert.equal([...dX], [10 + 0.25 * -3, 20 + 0.75 * 1]);
  });

  test('huge logits do not overflow, and a class that cannot be has no share', () => {
    const P = new Float32Array(8), X = Float32Array.of(1e4, 1e4, -Infinity, -1e4, -3e38, -3e38, -Infinity, -3e38);
    softmax(P, X, 2, 4);
    assertClose(P, [0.5, 0.5, 0, 0, 1 / 3, 1 / 3, 0, 1 / 3], 4 * EPS, 'P');
    softmax(P, Float32Array.of(0, Number.NaN, 0, 0), 1, 4);
    assert.ok(P.subarray(0, 4).every(Number.isNaN));
  });

  for (const [B, N] of [[1, 1], [3, 3], [7, 5], [2, 19]]) {
    test(`agrees with finite differences, B=${B} N=${N}`, () => {
      const next = random(B * 100 + N).uniform, X = floats(B * N, next), dP = floats(B * N, next), P = new Float32Array(B * N), dX = new Float32Array(B * N);
      softmax(P, X, B, N);
      softmaxGrad(dX, P.slice(), dP, B, N);
      assert.ok(maxAbsDiff(dX, numericGrad(() => { softmax(P, X, B, N); return P.reduce((sum, p, at) => sum + p * dP[at], 0); }, X)) < 1e-4);
    });
  }

  test('agrees with torch', () => {
    const { B, N, ...numbers } = golden.softmax, P = new Float32Array(B * N), dX = new Float32Array(B * N);
    softmax(P, Float32Array.from(numbers.X), B, N);
    assertClose(P, numbers.P, 16 * EPS, 'P');
    softmaxGrad(dX, P, Float32Array.from(numbers.dP), B, N);
    assertClose(dX, numbers.dX, 16 * EPS, 'dX', 1);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [B, N] of pairs) {
        const next = random(B * 1000 + N).uniform, X = floats(B * N, next).map((x) => 16 * x), dP = floats(B * N, next), before = floats(B * N, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const P = output(before), dX = output(before);
          variant.softmax(P, input(X), B, N);
          variant.softmaxGrad(dX, P, input(dP), B, N);
          return [P, dX];
        }) as [Float32Array, Float32Array];
        const [P, dX] = run(kernels), [wantP, wantDX] = run(loops);
        assertClose(P, wantP, 16 * EPS, `P, B=${B} N=${N}`);
        assertClose(dX, wantDX, 4 * EPS, `dX, B=${B} N=${N}`, before.map((value, at) => Math.abs(value) + wantP[at] * 4));
      }
    });
  }

  test.run();
}
