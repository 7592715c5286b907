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
  if (kernels === null) { skip(`kernels/adagrad/${name}`, backend().why); continue; }
  const test = suite(`kernels/adagrad/${name}`), { adagrad, adagradRows } = kernels;

  test('worked by hand', () => {
    const w = Float32Array.of(1, 1, 1, 1, 1), s = Float32Array.of(16, 0, 0, 0, 5);
    adagrad(w, s, Float32Array.of(3, -3, 0, 1, 2), 5, 0.5, 1);
    assert.equal([...s], [25, 9, 0, 1, 9]);
    assertClose(w, [1 - 0.5 * 3 / 6, 1 + 0.5 * 3 / 4, 1, 1 - 0.5 / 2, 1 - 0.5 * 2 / 4], EPS, 'w');
  });

  test('rows, worked by hand: the second is not touched', () => {
    const W = Float32Array.of(1, 2, 3, 4, 5, 6), S = Float32Array.of(0, 0, 7, 7, 16, 0);
    adagradRows(W, S, Float32Array.of(3, 1, 2, 4), Int32Array.of(2, 0), 2, 2, 1, 0);
    assert.equal([...S], [4, 16, 7, 7, 25, 1]);
    assertClose(W, [1 - 1, 2 - 1, 3, 4, 5 - 3 / 5, 6 - 1], EPS, 'W');
  });

  test('agrees with torch.optim.Adagrad, several steps', () => {
    const { n, rate, eps, ...numbers } = golden.adagrad, w = Float32Array.from(numbers.w), s = new Float32Array(n);
    for (const [t, g] of numbers.g.entries()) {
      adagrad(w, s, Float32Array.from(g), n, rate, eps);
      assertClose(w, numbers.after[t], 1e-6, `step ${t + 1}`, 2); // numbers up to 2, each step rounds to float32
    }
    assertClose(s, numbers.s, 1e-6, 's');
  });

  test('agrees with torch.optim.Adagrad on sparse gradients', () => {
    const { K, rate, eps, first, ...numbers } = golden.adagradRows, W = Float32Array.from(numbers.W), S = new Float32Array(W.length).fill(first);
    for (const [t, rows] of numbers.rows.entries()) {
      adagradRows(W, S, Float32Array.from(numbers.G[t]), Int32Array.from(rows), rows.length, K, rate, eps);
      assertClose(W, numbers.after[t], 1e-6, `step ${t + 1}`, 2);
    }
    assertClose(S, numbers.S, 1e-6, 'S');
  });

  test('a quadratic ends in its minimum', () => {
    const w = Float32Array.of(5, -3, 8, 0, 1), s = new Float32Array(5), goal = [1, 2, 3, 4, 5];
    for (let t = 0; t < 2000; t++) adagrad(w, s, w.map((value, k) => 2 * (value - goal[k])), 5, 1, 1e-10);
    assertClose(w, goal, 1e-4, 'w');
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      const rate = 0.07, eps = 1e-6;
      for (const n of sizes) {
        const next = random(n).uniform, w0 = floats(n, next), g = floats(n, next), s0 = Float32Array.from({ length: n }, (_, at) => (at % 3 === 0 ? 0 : next()));
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const w = output(w0), s = output(s0);
          variant.adagrad(w, s, input(g), n, rate, eps);
          return [w, s];
        }) as Float32Array[];
        const [w, s] = run(kernels), [wantW, wantS] = run(loops);
        // elementwise: a handful of float32 roundings, each relative to what goes in; no step is longer than the rate
        assertClose(s, wantS, 2 * EPS, `s, n=${n}`);
        assertClose(w, wantW, 2e-6, `w, n=${n}`, w0.map((value) => Math.abs(value) + rate));
      }
      for (const [R, K] of pairs) {
        const next = random(R * 1000 + K), n = R + 3, W0 = floats(n * K, next.uniform), S0 = floats(n * K, next.uniform).map(Math.abs), G = floats(R * K, next.uniform);
        const rows = next.shuffle(Int32Array.from({ length: n }, (_, row) => row)).subarray(0, R);
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const W = output(W0), S = output(S0);
          variant.adagradRows(W, S, input(G), input(rows), R, K, rate, eps);
          return [W, S];
        }) as Float32Array[];
        const [W, S] = run(kernels), [wantW, wantS] = run(loops);
        assertClose(S, wantS, 2 * EPS, `S, R=${R} K=${K}`);
        assertClose(W, wantW, 2e-6, `W, R=${R} K=${K}`, W0.map((value) => Math.abs(value) + rate));
      }
    });
  }

  test('no gradient yet: nothing moves', () => {
    for (const n of [1, 4, 7]) {
      const w = new Float32Array(n).fill(2), s = new Float32Array(n);
      adagrad(w, s, new Float32Array(n), n, 0.1, 1e-10);
      assert.equal([...w, ...s], [...new Array(n).fill(2), ...new Array(n).fill(0)]);
    }
  });

  test('tiny and huge gradients: the first step is the rate', () => {
    for (const size of [1e-15, 1e-6, 1, 1e6, 1e18]) {
      const w = new Float32Array(5), s = new Float32Array(5);
      adagrad(w, s, Float32Array.of(size, -size, size, -size, size), 5, 0.1, 1e-30);
      assertClose(w, [-0.1, 0.1, -0.1, 0.1, -0.1], 2e-6, `gradient ${size}`);
    }
  });

  test.run();
}

agreeWithLoop('adagrad');
