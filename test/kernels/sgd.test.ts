import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/sgd/${name}`, backend().why); continue; }
  const test = suite(`kernels/sgd/${name}`), { sgd, sgdRows } = kernels;

  test('worked by hand', () => {
    const w = Float32Array.of(1, 2, 3, 4, 5), W = Float32Array.of(1, 2, 3, 4, 5, 6);
    sgd(w, Float32Array.of(1, -2, 4, 0, 8), 5, 0.5);
    assert.equal([...w], [0.5, 3, 1, 4, 1]);
    sgdRows(W, Float32Array.of(10, 20, 1, 2), Int32Array.of(2, 0), 2, 2, 0.5);
    assert.equal([...W], [0.5, 1, 3, 4, 0, -4]); // the middle row was not touched
  });

  test('agrees with torch.optim.SGD, several steps', () => {
    const { n, rate, ...numbers } = golden.sgd, w = Float32Array.from(numbers.w);
    for (const [t, g] of numbers.g.entries()) {
      sgd(w, Float32Array.from(g), n, rate);
      assertClose(w, numbers.after[t], 1e-6, `step ${t + 1}`, 3); // numbers up to 3, each step rounds to float32
    }
  });

  test('agrees with torch.optim.SGD on sparse gradients', () => {
    const { K, rate, ...numbers } = golden.sgdRows, W = Float32Array.from(numbers.W);
    for (const [t, rows] of numbers.rows.entries()) {
      sgdRows(W, Float32Array.from(numbers.G[t]), Int32Array.from(rows), rows.length, K, rate);
      assertClose(W, numbers.after[t], 1e-6, `step ${t + 1}`, 3);
    }
  });

  test('a quadratic ends in its minimum', () => {
    const w = Float32Array.of(5, -3, 8, 0, 1), goal = [1, 2, 3, 4, 5];
    for (let t = 0; t < 200; t++) sgd(w, w.map((value, k) => 2 * (value - goal[k])), 5, 0.1);
    assertClose(w, goal, 1e-5, 'w');
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      const rate = 0.07;
      for (const n of sizes) {
        const next = random(n).uniform, w0 = floats(n, next), g = floats(n, next);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const w = output(w0);
          variant.sgd(w, input(g), n, rate);
          return [w];
        }) as Float32Array[];
        // elementwise: the rate, the product and the difference are rounded to float32, each relative to what goes in
        assertClose(run(kernels)[0], run(loops)[0], 2 * EPS, `n=${n}`, w0.map((value, at) => Math.abs(value) + Math.abs(rate * g[at])));
      }
      for (const [R, K] of pairs) {
        const next = random(R * 1000 + K), n = R + 3, W0 = floats(n * K, next.uniform), G = floats(R * K, next.uniform);
        const rows = next.shuffle(Int32Array.from({ length: n }, (_, row) => row)).subarray(0, R);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const W = output(W0);
          variant.sgdRows(W, input(G), input(rows), R, K, rate);
          return [W];
        }) as Float32Array[];
        assertClose(run(kernels)[0], run(loops)[0], 2 * EPS, `R=${R} K=${K}`, W0.map((value) => Math.abs(value) + rate / 2));
      }
    });
  }

  test.run();
}

agreeWithLoop('sgd');
