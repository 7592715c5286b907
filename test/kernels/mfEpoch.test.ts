import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

const one = Int32Array.of(0);

for (const [name, variant] of Object.entries(variants)) {
  if (variant === null) { skip(`kernels/mfEpoch/${name}`, backend().why); continue; }
  const test = suite(`kernels/mfEpoch/${name}`);

  test('one rating, worked by hand', () => {
    const U = Float32Array.of(1, 2), V = Float32Array.of(0.5, -1), b = Float32Array.of(0.25), c = Float32Array.of(0.5); // x = 3 + 0.75 - 1.5 = 2.25
    const L = variant.mfEpoch(U, V, b, c, one, one, Float32Array.of(4), 1, 2, 3, 0.1, 0.5); // e = 1.75, a step of 0.175; what l2 leaves is 0.95
    assert.ok(Math.abs(L - 1.75 ** 2) < 1e-6);
    assert.ok(maxAbsDiff(U, [0.95 + 0.175 * 0.5, 1.9 - 0.175]) < 1e-6);
    assert.ok(maxAbsDiff(V, [0.475 + 0.175, -0.95 + 0.35]) < 1e-6);
    assert.ok(maxAbsDiff([...b, ...c], [0.2375 + 0.175, 0.475 + 0.175]) < 1e-6);
  });

  for (const K of [1, 3, 4, 16, 23]) {
    test(`a short step goes against the gradient of half the loss and of l2 / 2 of the squares, by finite differences, K=${K}`, () => {
      const next = random(K).uniform, U = floats(2 * K, next), V = floats(3 * K, next), b = floats(2, next), c = floats(3, next), rate = 2 ** -6, l2 = 0.3;
      const f = (): number => {
        let x = 3 + b[1] + c[2], squares = b[1] ** 2 + c[2] ** 2;
        for (let k = 0; k < K; k++) { x += U[K + k] * V[2 * K + k]; squares += U[K + k] ** 2 + V[2 * K + k] ** 2; }
        return (4.5 - x) ** 2 / 2 + l2 / 2 * squares;
      };
      const tables = [U, V, b, c], gradients = tables.map((w) => numericGrad(f, w)), after = tables.map((w) => w.slice()) as [Float32Array, Float32Array, Float32Array, Float32Array];
      variant.mfEpoch(...after, Int32Array.of(1), Int32Array.of(2), Float32Array.of(4.5), 1, K, 3, rate, l2);
      for (const [at, before] of tables.entries()) assert.ok(maxAbsDiff(after[at].map((w, k) => (before[k] - w) / rate), gradients[at]) < 1e-3);
    });
  }

  test('a pass does what a slow program does', () => {
    const next = random(7), n = 300, K = 5, nUsers = 6, nItems = 9, rate = 0.05, l2 = 0.02, mu = 3.5;
    const U = floats(nUsers * K, next.uniform), V = floats(nItems * K, next.uniform), b = floats(nUsers, next.uniform), c = floats(nItems, next.uniform);
    const u = ids(n, nUsers, next.uniform), i = ids(n, nItems, next.uniform), r = Float32Array.from({ length: n }, () => 1 + next.below(5));
    const P = Float64Array.from(U), Q = Float64Array.from(V), B = Float64Array.from(b), C = Float64Array.from(c);
    let want = 0;
    for (let at = 0; at < n; at++) {
      const p = [...P.subarray(u[at] * K, u[at] * K + K)], q = [...Q.subarray(i[at] * K, i[at] * K + K)];
      const e = r[at] - (mu + B[u[at]] + C[i[at]] + p.reduce((sum, value, k) => sum + value * q[k], 0));
      want += e * e;
      for (let k = 0; k < K; k++) { P[u[at] * K + k] += rate * (e * q[k] - l2 * p[k]); Q[i[at] * K + k] += rate * (e * p[k] - l2 * q[k]); }
      B[u[at]] += rate * (e - l2 * B[u[at]]);
      C[i[at]] += rate * (e - l2 * C[i[at]]);
    }
    const L = variant.mfEpoch(U, V, b, c, u, i, r, n, K, mu, rate, l2);
    assert.ok(Math.abs(L - want) < 1e-3, `${L} ${want}`);
    for (const [got, right] of [[U, P], [V, Q], [b, B], [c, C]] as const) assert.ok(maxAbsDiff(got, right) < 5e-6);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [n, K] of pairs) {
        const next = random(n * 1000 + K), nUsers = 3, nItems = 5, tables = [nUsers * K, nItems * K, nUsers, nItems].map((length) => floats(length, next.uniform));
        const u = ids(n, nUsers, next.uniform), i = ids(n, nItems, next.uniform), r = floats(n, next.uniform);
        const run = (kernel: typeof loops.mfEpoch): (number | Float32Array | Int32Array)[] => inRoom(place, ({ input, output }) => {
          const [U, V, b, c] = tables.map(output);
          return [kernel(U, V, b, c, input(u), input(i), input(r), n, K, 0.25, 0.02, 0.1), U, V, b, c];
        });
        const [L, ...got] = run((...args) => variant.mfEpoch(...args)), [wantL, ...want] = run(loops.mfEpoch);
        assert.ok(Math.abs((L as number) - (wantL as number)) <= 1e-5 * (1 + (wantL as number)), `n=${n} K=${K}: ${L} ${wantL}`);
        for (const [at, table] of got.entries()) assert.ok(maxAbsDiff(table as Float32Array, want[at] as Float32Array) < 1e-5, `n=${n} K=${K}, table ${at}`);
      }
    });
  }

  test('NaN is seen in the loss', () => {
    for (const at of [0, 1, 2, 3]) {
      const tables: [Float32Array, Float32Array, Float32Array, Float32Array] = [Float32Array.of(1), Float32Array.of(1), Float32Array.of(0), Float32Array.of(0)];
      tables[at][0] = NaN;
      assert.ok(Number.isNaN(variant.mfEpoch(...tables, one, one, Float32Array.of(1), 1, 1, 0, 0.1, 0)));
    }
    assert.ok(Number.isNaN(variant.mfEpoch(Float32Array.of(1), Float32Array.of(1), Float32Array.of(0), Float32Array.of(0), one, one, Float32Array.of(NaN), 1, 1, 0, 0.1, 0)));
  });

  test.run();
}
