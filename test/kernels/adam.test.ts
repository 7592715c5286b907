import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

type Settings = { rate: number; beta1: number; beta2: number; eps: number };
type Six = [number, number, number, number, number, number];

/** What a caller passes at step t: the settings and the two corrections. */
const settings = ({ rate, beta1, beta2, eps }: Settings, t: number): Six => [rate, beta1, beta2, eps, 1 / (1 - beta1 ** t), 1 / (1 - beta2 ** t)];
const usual: Settings = { rate: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8 };

/** Row of G for every row of the table, or -1. */
const slots = (rows: ArrayLike<number>, n: number): Int32Array => {
  const slot = new Int32Array(n).fill(-1);
  for (let r = 0; r < rows.length; r++) slot[rows[r]] = r;
  return slot;
};

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/adam/${name}`, backend().why); continue; }
  const test = suite(`kernels/adam/${name}`), { adam, adamTable, adamRows } = kernels;

  test('worked by hand', () => {
    const w = new Float32Array(5).fill(10), m = Float32Array.of(0, 4, 4, 0, 0), v = Float32Array.of(0, 0, 16, 0, 12);
    adam(w, m, v, Float32Array.of(2, 0, 8, -2, 2), 5, 3, 0.5, 0.75, 1, 2, 4);
    assert.equal([...m], [1, 2, 6, -1, 1]); // halfway to g
    assert.equal([...v], [1, 0, 28, 1, 10]); // a quarter of the way to g²
    assertClose(w, [10 - 3 * 2 / 3, 10 - 3 * 4 / 1, 10 - 3 * 12 / (Math.sqrt(112) + 1), 10 + 3 * 2 / 3, 10 - 3 * 2 / (Math.sqrt(40) + 1)], 2 * EPS, 'w', 10);
  });

  test('a table and its rows, worked by hand', () => {
    // row 0 has gradient 8, row 1 none; adamTable moves row 1 on its old moments, adamRows leaves it
    for (const K of [1, 4, 6]) {
      const fill = (a: number, b: number): Float32Array => new Float32Array(2 * K).fill(a, 0, K).fill(b, K), G = new Float32Array(K).fill(8);
      for (const lazy of [false, true]) {
        const W = fill(10, 10), M = fill(4, 4), V = fill(16, 16);
        if (lazy) adamRows(W, M, V, G, Int32Array.of(0), 1, K, 3, 0.5, 0.75, 1, 2, 4);
        else adamTable(W, M, V, G, Int32Array.of(0, -1), 2, K, 3, 0.5, 0.75, 1, 2, 4);
        assert.equal([...M], [...fill(6, lazy ? 4 : 2)]);
        assert.equal([...V], [...fill(28, lazy ? 16 : 12)]);
        assertClose(W, fill(10 - 3 * 12 / (Math.sqrt(112) + 1), lazy ? 10 : 10 - 3 * 4 / (Math.sqrt(48) + 1)), 2 * EPS, 'W', 10);
      }
    }
  });

  // numbers up to 3 that each step rounds to float32; no step is longer than a few times the rate
  const agree = (W: Float32Array, M: Float32Array, V: Float32Array, after: number[], last: { M: number[]; V: number[] } | null, what: string): void => {
    assertClose(W, after, 1e-6, `w, ${what}`, 3);
    if (last) {
      assertClose(M, last.M, 1e-6, `m, ${what}`, 1);
      assertClose(V, last.V, 1e-6, `v, ${what}`);
    }
  };

  test('agrees with torch.optim.Adam, several steps', () => {
    const { n, ...numbers } = golden.adam, w = Float32Array.from(numbers.w), m = new Float32Array(n), v = new Float32Array(n);
    for (const [t, g] of numbers.g.entries()) {
      adam(w, m, v, Float32Array.from(g), n, ...settings(numbers, t + 1));
      agree(w, m, v, numbers.after[t], t === numbers.g.length - 1 ? { M: numbers.m, V: numbers.v } : null, `step ${t + 1}`);
    }
  });

  test('adamTable agrees with torch.optim.Adam on gradients that are zero elsewhere', () => {
    const { n, K, ...numbers } = golden.adamTable, W = Float32Array.from(numbers.W), M = new Float32Array(n * K), V = new Float32Array(n * K);
    for (const [t, rows] of numbers.rows.entries()) {
      adamTable(W, M, V, Float32Array.from(numbers.G[t]), slots(rows, n), n, K, ...settings(numbers, t + 1));
      agree(W, M, V, numbers.after[t], t === numbers.rows.length - 1 ? numbers : null, `step ${t + 1}`);
    }
  });

  test('adamRows agrees with torch.optim.SparseAdam', () => {
    const { K, ...numbers } = golden.adamRows, W = Float32Array.from(numbers.W), M = new Float32Array(W.length), V = new Float32Array(W.length);
    for (const [t, rows] of numbers.rows.entries()) {
      adamRows(W, M, V, Float32Array.from(numbers.G[t]), Int32Array.from(rows), rows.length, K, ...settings(numbers, t + 1));
      agree(W, M, V, numbers.after[t], t === numbers.rows.length - 1 ? numbers : null, `step ${t + 1}`);
    }
  });

  test('a quadratic ends in its minimum', () => {
    const w = Float32Array.of(5, -3, 8, 0, 1), m = new Float32Array(5), v = new Float32Array(5), goal = [1, 2, 3, 4, 5];
    for (let t = 1; t <= 3000; t++) adam(w, m, v, w.map((value, k) => 2 * (value - goal[k])), 5, ...settings({ ...usual, rate: 0.05 }, t));
    assertClose(w, goal, 1e-3, 'w');
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      // elementwise: a handful of float32 roundings, each relative to what goes in; here no step is longer than 12 rates
      const check = ([w, m, v]: Float32Array[], [wantW, wantM, wantV]: Float32Array[], w0: Float32Array, what: string): void => {
        assertClose(m, wantM, 2e-6, `m, ${what}`, 0.5); // |m| and |g| are below 1/2
        assertClose(v, wantV, 2e-6, `v, ${what}`);
        assertClose(w, wantW, 2e-6, `w, ${what}`, w0.map((value) => Math.abs(value) + 12 * usual.rate));
      };
      for (const t of [1, 2, 1000]) {
        for (const n of sizes) {
          const next = random(n).uniform, w0 = floats(n, next), g = floats(n, next), fresh = t === 1;
          const m0 = fresh ? new Float32Array(n) : floats(n, next), v0 = fresh ? new Float32Array(n) : floats(n, next).map((value) => value * value + 0.01);
          const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
            const w = output(w0), m = output(m0), v = output(v0);
            variant.adam(w, m, v, input(g), n, ...settings(usual, t));
            return [w, m, v];
          }) as Float32Array[];
          check(run(kernels), run(loops), w0, `adam, n=${n} t=${t}`);
        }
      }
      for (const [R, K] of pairs) {
        const next = random(R * 1000 + K), n = R + 3, W0 = floats(n * K, next.uniform), M0 = floats(n * K, next.uniform);
        const V0 = floats(n * K, next.uniform).map((value) => value * value + 0.01), G = floats(R * K, next.uniform);
        const rows = next.shuffle(Int32Array.from({ length: n }, (_, row) => row)).subarray(0, R);
        const run = (variant: typeof loops, lazy: boolean) => inRoom(place, ({ input, output }) => {
          const W = output(W0), M = output(M0), V = output(V0);
          if (lazy) variant.adamRows(W, M, V, input(G), input(rows), R, K, ...settings(usual, 5));
          else variant.adamTable(W, M, V, input(G), input(slots(rows, n)), n, K, ...settings(usual, 5));
          return [W, M, V];
        }) as Float32Array[];
        check(run(kernels, true), run(loops, true), W0, `adamRows, R=${R} K=${K}`);
        check(run(kernels, false), run(loops, false), W0, `adamTable, R=${R} K=${K}`);
      }
    });
  }

  test('adamTable is adam on the table written out', () => {
    const n = 9, K = 7, next = random(1), rows = Int32Array.of(8, 0, 3), G = floats(rows.length * K, next.uniform), dense = new Float32Array(n * K);
    for (const [r, row] of rows.entries()) dense.set(G.subarray(r * K, (r + 1) * K), row * K);
    const W0 = floats(n * K, next.uniform), M0 = floats(n * K, next.uniform), V0 = floats(n * K, next.uniform).map(Math.abs);
    const one = [W0.slice(), M0.slice(), V0.slice()] as const, two = [W0.slice(), M0.slice(), V0.slice()] as const;
    adamTable(...one, G, slots(rows, n), n, K, ...settings(usual, 3));
    adam(...two, dense, n * K, ...settings(usual, 3));
    assert.equal(one, two);
  });

  test('v = 0 and g = 0: nothing moves, nothing is NaN', () => {
    for (const n of [1, 4, 7]) {
      const w = new Float32Array(n).fill(2), m = new Float32Array(n), v = new Float32Array(n), zero = new Float32Array(n);
      adam(w, m, v, zero, n, ...settings(usual, 1));
      adamTable(w, m, v, zero, Int32Array.of(-1), 1, n, ...settings(usual, 1));
      adamRows(w, m, v, zero, Int32Array.of(0), 1, n, ...settings(usual, 1));
      assert.equal([...w, ...m, ...v], [...new Array(n).fill(2), ...new Array(2 * n).fill(0)]);
    }
  });

  test('the first step is the rate, however large the gradient', () => {
    for (const size of [1e-15, 1e-6, 1, 1e6, 1e15]) {
      const w = new Float32Array(5), m = new Float32Array(5), v = new Float32Array(5);
      adam(w, m, v, Float32Array.of(size, -size, size, -size, size), 5, ...settings({ ...usual, eps: 1e-30 }, 1));
      assertClose(w, [-0.01, 0.01, -0.01, 0.01, -0.01], 2e-6, `gradient ${size}`);
    }
  });

  test('1 - beta keeps its digits', () => {
    // 0.9999 as a float32 is 0.99989998: taken from 1, that is off in the fourth digit, and v with it
    for (const beta2 of [0.999, 0.9999, 0.99999]) {
      const v = new Float32Array(5);
      adam(new Float32Array(5), new Float32Array(5), v, new Float32Array(5).fill(1), 5, ...settings({ ...usual, beta2 }, 1));
      assertClose(v, new Array(5).fill(1 - beta2), 2e-6, `beta2=${beta2}`);
    }
  });

  test.run();
}

agreeWithLoop('adam');
