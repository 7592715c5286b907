import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { floats, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

/** Ratings user by user, and what each user rated: some of it, or all of it and more. */
function ratings(n: number, nUsers: number, nItems: number, seed: number): { u: Int32Array; i: Int32Array; r: Float32Array; start: Int32Array; ids: Int32Array } {
  const next = random(seed), u = Int32Array.from({ length: n }, () => next.below(nUsers)).sort(), i = Int32Array.from({ length: n }, () => next.below(nItems)), start = new Int32Array(nUsers + 1), ids: number[] = [];
  for (let user = 0; user < nUsers; user++) {
    const met = new Set([...i].filter((_, at) => u[at] === user));
    if (met.size > 0) met.add(next.below(nItems)); // one whose rating is not known
    ids.push(...[...met].sort((a, b) => a - b));
    start[user + 1] = ids.length;
  }
  return { u, i, r: Float32Array.from({ length: n }, () => 1 + next.below(5)), start, ids: Int32Array.from(ids) };
}

for (const [name, variant] of Object.entries(variants)) {
  if (variant === null) { skip(`kernels/svdppEpoch/${name}`, backend().why); continue; }
  const test = suite(`kernels/svdppEpoch/${name}`);

  test('one rating, worked by hand', () => {
    // N(u) has four items, so s is 1/2; z = (0.5 + 1.5 + 0 + 0, 1 + 1 + 1 - 1) / 2 = (1, 1); U[u] + z = (2, 3); x = 3 + 0.75 + 1 - 3 = 1.75
    const U = Float32Array.of(1, 2), V = Float32Array.of(0.5, -1, 7, 7, 7, 7, 7, 7), Y = Float32Array.of(0.5, 1, 1.5, 1, 0, 1, 0, -1), b = Float32Array.of(0.25), c = Float32Array.of(0.5, 7, 7, 7);
    const L = variant.svdppEpoch(U, V, Y, b, c, new Float32Array(4), Int32Array.of(0), Int32Array.of(0), Float32Array.of(4), Int32Array.of(0, 4), Int32Array.of(0, 1, 2, 3), 1, 2, 3, 0.1, 0.5);
    const step = 0.225; // of e = 2.25; what l2 leaves is 0.95
    assert.ok(Math.abs(L - 2.25 ** 2) < 1e-6);
    assert.ok(maxAbsDiff(U, [0.95 + step * 0.5, 1.9 - step]) < 1e-6);
    assert.ok(maxAbsDiff(V, [0.475 + step * 2, -0.95 + step * 3, 7, 7, 7, 7, 7, 7]) < 1e-6);
    assert.ok(maxAbsDiff(Y, [0.475, 0.95, 1.425, 0.95, 0, 0.95, 0, -0.95].map((y, at) => y + step / 2 * (at % 2 === 0 ? 0.5 : -1))) < 1e-6);
    assert.ok(maxAbsDiff([...b, ...c], [0.2375 + step, 0.475 + step, 7, 7, 7]) < 1e-6);
  });

  for (const K of [1, 3, 4, 16, 23]) {
    test(`a short step goes against the gradient of half the loss and of l2 / 2 of the squares, by finite differences, K=${K}`, () => {
      const next = random(K).uniform, U = floats(2 * K, next), V = floats(3 * K, next), Y = floats(3 * K, next), b = floats(2, next), c = floats(3, next), rate = 2 ** -6, l2 = 0.3, met = [0, 2];
      const f = (): number => {
        let x = 3 + b[1] + c[2], squares = b[1] ** 2 + c[2] ** 2;
        for (let k = 0; k < K; k++) {
          x += (U[K + k] + met.reduce((z, j) => z + Y[j * K + k], 0) / Math.SQRT2) * V[2 * K + k];
          squares += U[K + k] ** 2 + V[2 * K + k] ** 2 + met.reduce((sum, j) => sum + Y[j * K + k] ** 2, 0);
        }
        return (4.5 - x) ** 2 / 2 + l2 / 2 * squares;
      };
      const tables = [U, V, Y, b, c], gradients = tables.map((w) => numericGrad(f, w)), after = tables.map((w) => w.slice()) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
      variant.svdppEpoch(...after, new Float32Array(2 * K), Int32Array.of(1), Int32Array.of(2), Float32Array.of(4.5), Int32Array.of(0, 0, 2), Int32Array.of(0, 2), 1, K, 3, rate, l2);
      for (const [at, before] of tables.entries()) assert.ok(maxAbsDiff(after[at].map((w, k) => (before[k] - w) / rate), gradients[at]) < 1e-3, `table ${at}`);
    });
  }

  test('a pass does what a slow program does, which moves every row of N(u) at every rating', () => {
    const next = random(7), n = 300, K = 5, nUsers = 6, nItems = 9, rate = 0.05, l2 = 0.02, mu = 3.5, { u, i, r, start, ids } = ratings(n, nUsers, nItems, 3);
    const tables = [nUsers * K, nItems * K, nItems * K, nUsers, nItems].map((length) => floats(length, next.uniform)) as [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];
    const slow = tables.map((table) => Float64Array.from(table)), [U, V, Y, b, c] = slow;
    let want = 0;
    for (let at = 0; at < n; at++) {
      const met = [...ids.subarray(start[u[at]], start[u[at] + 1])], s = 1 / Math.sqrt(met.length), p: number[] = [], q = [...V.subarray(i[at] * K, i[at] * K + K)], z: number[] = [];
      for (let k = 0; k < K; k++) { p.push(U[u[at] * K + k]); z.push(s * met.reduce((sum, j) => sum + Y[j * K + k], 0)); }
      const e = r[at] - (mu + b[u[at]] + c[i[at]] + q.reduce((sum, value, k) => sum + value * (p[k] + z[k]), 0));
      want += e * e;
      for (let k = 0; k < K; k++) {
        U[u[at] * K + k] += rate * (e * q[k] - l2 * p[k]);
        V[i[at] * K + k] += rate * (e * (p[k] + z[k]) - l2 * q[k]);
        for (const j of met) Y[j * K + k] += rate * (e * s * q[k] - l2 * Y[j * K + k]);
      }
      b[u[at]] += rate * (e - l2 * b[u[at]]);
      c[i[at]] += rate * (e - l2 * c[i[at]]);
    }
    const L = variant.svdppEpoch(...tables, new Float32Array(2 * K), u, i, r, start, ids, n, K, mu, rate, l2);
    assert.ok(Math.abs(L - want) < 1e-3, `${L} ${want}`);
    for (const [at, right] of slow.entries()) assert.ok(maxAbsDiff(tables[at], right) < 2e-5, `table ${at}: ${maxAbsDiff(tables[at], right)}`);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [n, K] of pairs) {
        const next = random(n * 1000 + K), nUsers = 3, nItems = 5, tables = [nUsers * K, nItems * K, nItems * K, nUsers, nItems, 2 * K].map((length) => floats(length, next.uniform)), { u, i, r, start, ids } = ratings(n, nUsers, nItems, n + K);
        const run = (kernel: typeof loops.svdppEpoch): (number | Float32Array | Int32Array)[] => inRoom(place, ({ input, output }) => {
          const [U, V, Y, b, c, w] = tables.map(output);
          return [kernel(U, V, Y, b, c, w, input(u), input(i), input(r), input(start), input(ids), n, K, 2.75, 0.01, 0.1), U, V, Y, b, c];
        });
        const [L, ...got] = run((...args) => variant.svdppEpoch(...args)), [wantL, ...want] = run(loops.svdppEpoch);
        assert.ok(Math.abs((L as number) - (wantL as number)) <= 1e-5 * (1 + (wantL as number)), `n=${n} K=${K}: ${L} ${wantL}`);
        for (const [at, table] of got.entries()) assert.ok(maxAbsDiff(table as Float32Array, want[at] as Float32Array) < 3e-5, `n=${n} K=${K}, table ${at}: ${maxAbsDiff(table as Float32Array, want[at] as Float32Array)}`);
      }
    });
  }

  test('NaN is seen in the loss', () => {
    const at = Int32Array.of(0), start = Int32Array.of(0, 1);
    for (const bad of [0, 1, 2, 3, 4, 5]) {
      const [U, V, Y, b, c, r] = [1, 1, 1, 0, 0, 1].map((value, table) => Float32Array.of(table === bad ? NaN : value));
      assert.ok(Number.isNaN(variant.svdppEpoch(U, V, Y, b, c, new Float32Array(2), at, at, r, start, at, 1, 1, 0, 0.1, 0)), `table ${bad}`);
    }
  });

  test.run();
}
