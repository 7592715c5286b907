import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random, restoreRandom } from '../../lib/random.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

const surprise = (x: number): number => Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x))); // -ln σ(x)
const nothing = new Int32Array(0), one = Int32Array.of(0);
const seeded = (seed: number): Int32Array => Int32Array.from([...random(seed).state().slice(0, 4), 0]);
const range = (n: number): Int32Array => Int32Array.from({ length: n }, (_, at) => at);

/** The same sets of met items, as sorted rows and as a bitmap. */
function metOf(rows: readonly (readonly number[])[], nItems: number): { start: Int32Array; sorted: Int32Array; bits: Int32Array; words: number } {
  const start = new Int32Array(rows.length + 1), words = Math.ceil(nItems / 32), bits = new Int32Array(rows.length * words);
  for (const [u, row] of rows.entries()) {
    start[u + 1] = start[u] + row.length;
    for (const item of row) bits[u * words + (item >> 5)] |= 1 << (item & 31);
  }
  return { start, sorted: Int32Array.from(rows.flat()), bits, words };
}

for (const [name, variant] of Object.entries(variants)) {
  if (variant === null) { skip(`kernels/bprEpoch/${name}`, backend().why); continue; }
  const test = suite(`kernels/bprEpoch/${name}`);

  test('one pair, worked by hand', () => {
    const U = Float32Array.of(1, 2), V = Float32Array.of(3, 0, 0, 1), c = Float32Array.of(0.25, 0.75); // x = -0.5 + <[1, 2], [3, -1]> = 0.5
    const state = seeded(1), L = variant.bprEpoch(U, V, c, state, one, one, Int32Array.of(1), nothing, nothing, 1, 1, 2, -1, 1, 0.1, 0.5, 0.2);
    const step = 0.1 * 0.37754066880; // 0.1 σ(-0.5); what l2 leaves is 1 - 0.1 · 0.5 of U, and 1 - 0.1 · 0.2 of V
    assert.ok(Math.abs(L - 0.47407698418) < 1e-6); // ln(1 + e^-0.5)
    assert.ok(maxAbsDiff(U, [0.95 + 3 * step, 1.9 - step]) < 1e-6);
    assert.ok(maxAbsDiff(V, [2.94 + step, 2 * step, -step, 0.98 - 2 * step]) < 1e-6);
    assert.ok(maxAbsDiff(c, [0.25 + step, 0.75 - step]) < 1e-6);
    assert.is(state[4], 1);
  });

  for (const K of [1, 3, 4, 16, 23]) {
    test(`a short step goes against the gradient of the loss and of the squares, each times l2 / 2, by finite differences, K=${K}`, () => {
      const next = random(K).uniform, U = floats(2 * K, next), V = floats(3 * K, next), c = floats(3, next), u = one, i = Int32Array.of(2), rate = 2 ** -6, l2U = 0.3, l2V = 0.7;
      const f = (): number => {
        let x = c[2] - c[1], squares = 0;
        for (let k = 0; k < K; k++) { x += U[k] * (V[2 * K + k] - V[K + k]); squares += l2U * U[k] ** 2 + l2V * (V[2 * K + k] ** 2 + V[K + k] ** 2); }
        return surprise(x) + squares / 2;
      };
      const gradients = [U, V, c].map((w) => numericGrad(f, w)), after = [U, V, c].map((w) => w.slice()) as [Float32Array, Float32Array, Float32Array];
      variant.bprEpoch(...after, seeded(2), u, i, Int32Array.of(1), nothing, nothing, 1, 1, K, -1, 1, rate, l2U, l2V);
      for (const [at, before] of [U, V, c].entries()) assert.ok(maxAbsDiff(after[at].map((w, k) => (before[k] - w) / rate), gradients[at]) < 1e-3);
    });
  }

  test('a pass does what a slow program does, with the same draws', () => {
    for (const kind of ['never asked', 'sorted', 'bitmap']) {
      const next = random(7), n = 200, K = 5, nUsers = 6, nItems = 40, rate = 0.05, l2U = 0.02, l2V = 0.07, tries = 3;
      const U = floats(nUsers * K, next.uniform), V = floats(nItems * K, next.uniform), c = floats(nItems, next.uniform), u = ids(n, nUsers, next.uniform), i = ids(n, nItems, next.uniform);
      const rows = Array.from({ length: nUsers }, (_, user) => [...new Set(Array.from(i).filter((_, e) => u[e] === user))].sort((a, b) => a - b)), { start, sorted, bits, words } = metOf(rows, nItems);
      const pool = Int32Array.from({ length: 70 }, () => next.below(nItems)), state = seeded(3), draws = restoreRandom(Array.from(state.subarray(0, 4)));

      const P = Float64Array.from(U), Q = Float64Array.from(V), d = Float64Array.from(c);
      let want = 0, made = 0;
      for (let e = 0; e < n; e++) {
        let j = -1;
        for (let t = 0; t < tries && j < 0; t++) { const item = pool[draws.below(pool.length)]; if (item !== i[e] && (kind === 'never asked' || !rows[u[e]].includes(item))) j = item; }
        if (j < 0) continue;
        made++;
        const a = [...P.subarray(u[e] * K, u[e] * K + K)], p = [...Q.subarray(i[e] * K, i[e] * K + K)], q = [...Q.subarray(j * K, j * K + K)];
        const x = d[i[e]] - d[j] + a.reduce((sum, value, k) => sum + value * (p[k] - q[k]), 0), g = 1 / (1 + Math.exp(x));
        want -= Math.log(1 / (1 + Math.exp(-x)));
        for (let k = 0; k < K; k++) {
          P[u[e] * K + k] += rate * (g * (p[k] - q[k]) - l2U * a[k]);
          Q[i[e] * K + k] += rate * (g * a[k] - l2V * p[k]);
          Q[j * K + k] += rate * (-g * a[k] - l2V * q[k]);
        }
        d[i[e]] += rate * g;
        d[j] -= rate * g;
      }
      const L = variant.bprEpoch(U, V, c, state, u, i, pool, kind === 'bitmap' ? bits : sorted, start, n, pool.length, K, { 'never asked': -1, sorted: 0, bitmap: words }[kind]!, tries, rate, l2U, l2V);
      assert.equal([...Uint32Array.from(state.slice(0, 4))], draws.state().slice(0, 4), `${kind}: other draws`);
      assert.is(state[4], made);
      assert.ok(kind === 'never asked' ? made === n : made < n && made > n / 2, `${kind}: ${made}`);
      assert.ok(Math.abs(L - want) < 1e-4, `${kind}: ${L} ${want}`);
      for (const [got, right] of [[U, P], [V, Q], [c, d]] as const) assert.ok(maxAbsDiff(got, right) < 2e-6, kind);
    }
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [n, K] of pairs) {
        const next = random(n * 1000 + K), nUsers = 3, nItems = 35; // more than 32: two words of a bitmap
        const rows = Array.from({ length: nUsers }, (_, user) => [...range(nItems)].filter((item) => (item * 7 + user) % [2, 5, 11][user] === 0)), { start, sorted, bits, words } = metOf(rows, nItems);
        const tables = [nUsers * K, nItems * K, nItems].map((length) => floats(length, next.uniform)), u = ids(n, nUsers, next.uniform), i = ids(n, nItems, next.uniform), pool = range(nItems);
        for (const wide of [-1, 0, words]) {
          const run = (kernel: typeof loops.bprEpoch): (number | Float32Array | Int32Array)[] => inRoom(place, ({ input, output }) => {
            const [U, V, c] = tables.map(output), state = output(seeded(n + K));
            const L = kernel(U, V, c, state, input(u), input(i), input(pool), input(wide > 0 ? bits : sorted), input(start), n, nItems, K, wide, 4, 0.05, 0.1, 0.3);
            return [L, state, U, V, c];
          });
          const [L, state, ...got] = run((...args) => variant.bprEpoch(...args)), [wantL, wantState, ...want] = run(loops.bprEpoch);
          assert.equal(state, wantState, 'integers are exact');
          assert.ok(Math.abs((L as number) - (wantL as number)) <= 1e-5 * (1 + (wantL as number)), `n=${n} K=${K}: ${L} ${wantL}`);
          for (const [at, table] of got.entries()) assert.ok(maxAbsDiff(table as Float32Array, want[at] as Float32Array) < 1e-5, `n=${n} K=${K} words ${wide}, table ${at}`);
        }
      }
    });
  }

  test('what the user has met is never the other item; everything else is, equally often', () => {
    const nItems = 70, n = 7000, rows = [[...range(nItems)].filter((item) => item % 3 !== 1)], { start, sorted, bits, words } = metOf(rows, nItems), c = new Float32Array(nItems);
    for (const wide of [0, words]) {
      c.fill(0);
      // with a rate so small that margins stay 0, each time an item is the other one its bias falls by half the rate
      const state = seeded(4);
      variant.bprEpoch(new Float32Array(1), new Float32Array(nItems), c, state, new Int32Array(n), new Int32Array(n), range(nItems), wide > 0 ? bits : sorted, start, n, nItems, 1, wide, 50, 2 ** -20, 0, 0);
      const times = c.map((bias) => -bias * 2 ** 21), free = [...range(nItems)].filter((item) => item % 3 === 1);
      for (const item of range(nItems)) if (item !== 0 && item % 3 !== 1) assert.is(times[item], 0, `item ${item}`);
      for (const item of free) assert.ok(Math.abs(times[item] - n / free.length) < 5 * Math.sqrt(n / free.length), `item ${item}: ${times[item]} of ${n / free.length}`);
      assert.is(state[4], n);
    }
  });

  test('a pair for which no other item can be found is skipped, after so many draws', () => {
    const everything = metOf([[0, 1, 2]], 3), before = floats(3, random(5).uniform);
    const cases: [string, Int32Array, Int32Array, number, number][] = [
      ['the pool holds the liked item alone', Int32Array.of(1), nothing, -1, 3], ['all is met, bitmap', range(3), everything.bits, everything.words, 7], ['all is met, sorted', range(3), everything.sorted, 0, 7], ['no draw is allowed', range(3), nothing, -1, 0],
    ];
    for (const [what, pool, met, words, tries] of cases) {
      const U = floats(1, random(6).uniform), V = before.slice(), c = new Float32Array(3), state = seeded(5), draws = restoreRandom(Array.from(state.subarray(0, 4)));
      assert.is(variant.bprEpoch(U, V, c, state, new Int32Array(4), new Int32Array(4).fill(1), pool, met, everything.start, 4, pool.length, 1, words, tries, 0.1, 0.1, 0.1), 0, what);
      assert.equal([V, c, state[4]], [before, new Float32Array(3), 0], what);
      for (let t = 0; t < 4 * tries; t++) draws.uint32();
      assert.equal([...Uint32Array.from(state.slice(0, 4))], draws.state().slice(0, 4), `${what}: other than ${tries} draws`);
    }
  });

  test('draws from a pool of any length: the high half of 64 bits', () => {
    for (const m of [1, 2, 3, 1000, 2 ** 21 + 1, 3_000_001]) {
      const pool = Int32Array.from({ length: m }, (_, at) => 1 + at % 251), state = seeded(m), draws = restoreRandom(Array.from(state.subarray(0, 4))), n = 50, c = new Float32Array(252), want = new Float32Array(252);
      variant.bprEpoch(new Float32Array(1), new Float32Array(252), c, state, new Int32Array(n), new Int32Array(n), pool, nothing, nothing, n, m, 1, -1, 1, 2 ** -20, 0, 0);
      for (let e = 0; e < n; e++) {
        let product = 0n;
        do product = BigInt(draws.uint32()) * BigInt(m); while (product % 2n ** 32n < 2n ** 32n % BigInt(m));
        want[pool[Number(product >> 32n)]] -= 2 ** -21;
      }
      assert.ok(maxAbsDiff(c.subarray(1), want.subarray(1)) < 2 ** -23, `m=${m}`); // a draw is 2^-21
    }
  });

  test('the loss of more pairs than are multiplied before a logarithm, of any margin', () => {
    for (const bias of [0, 1e-3, 3, -3, 20, -20, 90, -90, 1e4, -1e4]) {
      for (const n of [1, 511, 512, 513, 3000]) {
        const c = Float32Array.of(bias, 0), L = variant.bprEpoch(new Float32Array(1), new Float32Array(2), c, seeded(6), new Int32Array(n), new Int32Array(n), Int32Array.of(1), nothing, nothing, n, 1, 1, -1, 1, 1e-30, 0, 0);
        assert.ok(Math.abs(L - n * surprise(Math.fround(bias))) <= 1e-6 * n * (1e-3 + surprise(bias)), `margin ${bias}, ${n} pairs: ${L}`);
      }
    }
  });

  test('a huge margin moves nothing or by the whole rate; NaN is seen in the loss', () => {
    for (const [bias, moved] of [[88, 0], [89, 0], [104, 0], [1e4, 0], [-88, 1], [-104, 1], [-1e4, 1]]) {
      const U = Float32Array.of(0), V = Float32Array.of(1, 2), c = Float32Array.of(bias, 0);
      variant.bprEpoch(U, V, c, seeded(7), one, one, Int32Array.of(1), nothing, nothing, 1, 1, 1, -1, 1, 0.5, 0, 0);
      assert.ok(maxAbsDiff([...U, c[1]], [-0.5 * moved, -0.5 * moved]) < 1e-30);
    }
    for (const at of [0, 1, 2]) {
      const tables: [Float32Array, Float32Array, Float32Array] = [Float32Array.of(1), Float32Array.of(1, 2), Float32Array.of(0, 0)];
      tables[at][0] = NaN;
      for (const n of [1, 600]) assert.ok(Number.isNaN(variant.bprEpoch(...tables, seeded(8), new Int32Array(n), new Int32Array(n), Int32Array.of(1), nothing, nothing, n, 1, 1, -1, 1, 0.5, 0, 0)));
    }
  });

  test.run();
}
