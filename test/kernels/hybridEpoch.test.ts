import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Kernels, backend, loops, variants } from '../../kernels/index.ts';
import { type Random, random, restoreRandom } from '../../lib/random.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

type Loss = 'warp' | 'bpr' | 'logistic';
const losses: Loss[] = ['warp', 'bpr', 'logistic'];
const surprise = (x: number): number => Math.max(-x, 0) + Math.log1p(Math.exp(-Math.abs(x))); // -ln σ(x)
const one = Int32Array.of(0), nobody = new Int32Array(1), nothing = new Int32Array(100); // a user who has met nothing, as a bitmap of one word
const seeded = (seed: number): Int32Array => Int32Array.from([...random(seed).state().slice(0, 4), 0]);
const range = (n: number): Int32Array => Int32Array.from({ length: n }, (_, at) => at);

/** A matrix of features: what each row has, [feature, weight]. */
interface Features { readonly start: Int32Array; readonly ids: Int32Array; readonly values: Float32Array; readonly rows: readonly (readonly (readonly [number, number])[])[] }
function featuresOf(rows: readonly (readonly (readonly [number, number])[])[]): Features {
  const start = new Int32Array(rows.length + 1);
  for (const [r, row] of rows.entries()) start[r + 1] = start[r] + row.length;
  return { start, ids: Int32Array.from(rows.flat(), ([id]) => id), values: Float32Array.from(rows.flat(), ([, value]) => value), rows };
}
const own = (n: number): Features => featuresOf(Array.from({ length: n }, (_, row) => [[row, 1] as const]));

/** An id of its own, which not every row has, and some of five features that are shared. The last row has one feature, of a weight that is not 1. */
function mixed(n: number, next: Random): { features: Features; columns: number } {
  const rows = Array.from({ length: n }, (_, row): (readonly [number, number])[] => [
    ...(row % 4 === 3 ? [] : [[row, row % 3 === 0 ? 1 : Math.fround(0.5 + next.uniform())] as const]),
    ...[...range(5)].filter(() => next.below(3) === 0).map((feature) => [n + feature, Math.fround(2 * next.uniform() - 1)] as const),
  ]);
  rows[n - 1] = [[n - 1, 0.5]];
  return { features: featuresOf(rows), columns: n + 5 };
}

/** Everything a call takes. */
interface Pass {
  readonly loss: Loss;
  readonly U: Float32Array; readonly sU: Float32Array; readonly b: Float32Array; readonly sb: Float32Array;
  readonly V: Float32Array; readonly sV: Float32Array; readonly c: Float32Array; readonly sc: Float32Array;
  readonly state: Int32Array; readonly scratch: Float32Array;
  readonly u: Int32Array; readonly i: Int32Array; readonly y: Float32Array; readonly pool: Int32Array; readonly met: Int32Array; readonly start: Int32Array;
  readonly X: Features; readonly Z: Features;
  readonly N: number; readonly K: number; readonly words: number; readonly negatives: number; readonly draws: number; readonly rate: number; readonly l2U: number; readonly l2V: number;
}
type Written = 'U' | 'sU' | 'b' | 'sb' | 'V' | 'sV' | 'c' | 'sc';
const written: Written[] = ['U', 'sU', 'b', 'sb', 'V', 'sV', 'c', 'sc'];

function call(variant: Kernels, { loss, U, sU, b, sb, V, sV, c, sc, state, scratch, u, i, y, pool, met, start, X, Z, N, K, words, negatives, draws, rate, l2U, l2V }: Pass): number {
  const features = [X.start, X.ids, X.values, Z.start, Z.ids, Z.values] as const, n = u.length, m = pool.length;
  switch (loss) {
    case 'warp': return variant.hybridWarpEpoch(U, sU, V, sV, c, sc, state, scratch, u, i, pool, met, start, ...features, n, m, N, K, words, draws, rate, l2U, l2V);
    case 'bpr': return variant.hybridBprEpoch(U, sU, V, sV, c, sc, state, scratch, u, i, pool, met, start, ...features, n, m, K, words, draws, rate, l2U, l2V);
    case 'logistic': return variant.hybridLogisticEpoch(U, sU, b, sb, V, sV, c, sc, state, scratch, u, i, y, pool, met, start, ...features, n, m, K, words, negatives, draws, rate, l2U, l2V);
  }
}

/** The same in float64, as directly as it can be said; `draws` is its generator. */
function slow(pass: Pass, draws: Random): { L: number; updates: number } & Record<Written, Float64Array> {
  const { loss, u, i, y, pool, met, start, X, Z, N, K, words, negatives, rate, l2U, l2V } = pass;
  const at = Object.fromEntries(written.map((name) => [name, Float64Array.from(pass[name])])) as Record<Written, Float64Array>;
  const sum = (W: Float64Array, features: Features, row: number, width: number): number[] => Array.from({ length: width }, (_, k) => features.rows[row].reduce((total, [f, weight]) => total + weight * W[f * width + k], 0));
  const had = (user: number, item: number): boolean => (words > 0 ? (met[user * words + (item >> 5)] >> (item & 31) & 1) === 1 : met.subarray(start[user], start[user + 1]).includes(item));
  const find = (user: number, item: number): number => { const j = pool[draws.below(pool.length)]; return j === item || had(user, j) ? -1 : j; };
  const step = (W: Float64Array, S: Float64Array, features: Features, row: number, v: readonly number[], l2: number): void => {
    for (const [f, weight] of features.rows[row]) {
      for (let k = 0; k < v.length; k++) {
        const cell = f * v.length + k, d = weight * v[k] + l2 * W[cell];
        W[cell] -= rate * d / Math.sqrt(S[cell]);
        S[cell] += d * d;
      }
    }
  };
  let L = 0, updates = 0;
  const moveAll = (user: number, g: number, items: readonly (readonly [item: number, sign: number])[], withUserBias: boolean): void => {
    const p = sum(at.U, X, user, K), towards = range(K), q = items.map(([item]) => sum(at.V, Z, item, K));
    step(at.U, at.sU, X, user, [...towards].map((k) => g * items.reduce((total, [, sign], which) => total + sign * q[which][k], 0)), l2U);
    if (withUserBias) step(at.b, at.sb, X, user, [g], l2U);
    for (const [item, sign] of items) { step(at.V, at.sV, Z, item, p.map((value) => sign * g * value), l2V); step(at.c, at.sc, Z, item, [sign * g], l2V); }
    updates++;
  };
  const score = (user: number, item: number): number => sum(at.U, X, user, K).reduce((total, value, k) => total + value * sum(at.V, Z, item, K)[k], 0) + sum(at.c, Z, item, 1)[0];
  for (let e = 0; e < u.length; e++) {
    if (loss === 'logistic') {
      for (let t = 0; t <= (y[e] === 1 ? negatives : 0); t++) {
        let item = t === 0 ? i[e] : -1;
        for (let tries = 0; tries < pass.draws && item < 0; tries++) item = find(u[e], i[e]);
        if (item < 0) continue;
        const s = score(u[e], item) + sum(at.b, X, u[e], 1)[0], label = t === 0 ? y[e] : 0;
        L += surprise(label === 1 ? s : -s);
        moveAll(u[e], 1 / (1 + Math.exp(-s)) - label, [[item, 1]], true);
      }
    } else if (loss === 'bpr') {
      let j = -1;
      for (let tries = 0; tries < pass.draws && j < 0; tries++) j = find(u[e], i[e]);
      if (j < 0) continue;
      const x = score(u[e], i[e]) - score(u[e], j);
      L += surprise(x);
      moveAll(u[e], -1 / (1 + Math.exp(x)), [[i[e], 1], [j, -1]], false);
    } else {
      for (let t = 1; t <= pass.draws; t++) {
        const j = find(u[e], i[e]);
        if (j < 0) continue;
        const x = score(u[e], i[e]) - score(u[e], j);
        if (x >= 1) continue;
        const w = Math.min(10, Math.log(Math.max(1, Math.floor((N - 1) / t))));
        L += w * (1 - x);
        moveAll(u[e], -w, [[i[e], 1], [j, -1]], false);
        break;
      }
    }
  }
  return { L, updates, ...at };
}

/** A pass of n pairs with tables of random numbers. */
function passOf(loss: Loss, n: number, K: number, next: Random, shape: { nUsers: number; nItems: number; features: 'own' | 'mixed' }, more: Partial<Pass> = {}): Pass {
  const { nUsers, nItems, features } = shape, [X, Z] = [nUsers, nItems].map((rows) => (features === 'own' ? { features: own(rows), columns: rows } : mixed(rows, next)));
  const table = (length: number): Float32Array => floats(length, next.uniform), sums = (length: number): Float32Array => Float32Array.from({ length }, () => 1 + next.uniform());
  const rows = Array.from({ length: nUsers }, (_, user) => [...range(nItems)].filter((item) => (item * 7 + user) % [2, 5, 11][user % 3] === 0)), words = Math.ceil(nItems / 32), bits = new Int32Array(nUsers * words), start = new Int32Array(nUsers + 1);
  for (const [user, row] of rows.entries()) {
    start[user + 1] = start[user] + row.length;
    for (const item of row) bits[user * words + (item >> 5)] |= 1 << (item & 31);
  }
  return {
    loss, U: table(X.columns * K), sU: sums(X.columns * K), b: table(X.columns), sb: sums(X.columns), V: table(Z.columns * K), sV: sums(Z.columns * K), c: table(Z.columns), sc: sums(Z.columns),
    state: seeded(n + K), scratch: new Float32Array(3 * K).fill(NaN), u: ids(n, nUsers, next.uniform), i: ids(n, nItems, next.uniform), y: Float32Array.from({ length: n }, () => next.below(2)),
    pool: range(nItems), met: more.words === 0 ? Int32Array.from(rows.flat()) : bits, start, X: X.features, Z: Z.features, N: nItems, K, words, negatives: 2, draws: 4, rate: 0.05, l2U: 0.1, l2V: 0.02, ...more,
  };
}

const copyOf = (pass: Pass): Pass => ({ ...pass, ...Object.fromEntries(written.map((name) => [name, pass[name].slice()])) as Record<Written, Float32Array>, state: pass.state.slice(), scratch: pass.scratch.slice() });

for (const [name, variant] of Object.entries(variants)) {
  if (variant === null) { skip(`kernels/hybridEpoch/${name}`, backend().why); continue; }
  const test = suite(`kernels/hybridEpoch/${name}`);

  test('one pair, worked by hand', () => {
    // user 0 = feature 0 twice over plus feature 1, so p = [1, 2]; item 0 is one feature, item 1 another at half
    const pass: Pass = {
      loss: 'warp', U: Float32Array.of(0.25, 0.5, 0.5, 1), sU: new Float32Array(4).fill(4), b: Float32Array.of(0.5, -1), sb: Float32Array.of(1, 1), V: Float32Array.of(0.5, 0, 0, 1), sV: new Float32Array(4).fill(1),
      c: Float32Array.of(0.25, 0.5), sc: Float32Array.of(1, 4), state: seeded(1), scratch: new Float32Array(6), u: one, i: one, y: Float32Array.of(1), pool: Int32Array.of(1), met: nothing, start: nobody,
      X: featuresOf([[[0, 2], [1, 1]]]), Z: featuresOf([[[0, 1]], [[1, 0.5]]]), N: 9, K: 2, words: 1, negatives: 0, draws: 1, rate: 0.1, l2U: 0, l2V: 0,
    };
    // q[0] = [0.5, 0], q[1] = [0, 0.5]: s(0, 0) = 0.5 + 0.25, s(0, 1) = 1 + 0.25 without the user's bias, which is 0; x = -0.5
    const want = (g: number, difference: readonly number[]): Record<string, number[]> => ({
      U: [0.25 - 0.1 * 2 * g * difference[0] / 2, 0.5 - 0.1 * 2 * g * difference[1] / 2, 0.5 - 0.1 * g * difference[0] / 2, 1 - 0.1 * g * difference[1] / 2],
      sU: [4 + (2 * g * difference[0]) ** 2, 4 + (2 * g * difference[1]) ** 2, 4 + (g * difference[0]) ** 2, 4 + (g * difference[1]) ** 2],
    });
    for (const [loss, g, L] of [['warp', -Math.log(8), 1.5 * Math.log(8)], ['bpr', -0.62245933120, 0.97407698418]] as const) { // σ(0.5), ln(1 + e^0.5)
      const now = { ...copyOf(pass), loss }, { U, sU } = want(g, [0.5, -0.5]);
      assert.ok(Math.abs(call(variant, now) - L) < 1e-6, loss);
      assert.ok(maxAbsDiff(now.U, U) < 1e-6);
      assert.ok(maxAbsDiff(now.sU, sU) < 1e-5);
      assert.ok(maxAbsDiff(now.V, [0.5 - 0.1 * g, -0.2 * g, 0.05 * g, 1 + 0.1 * g]) < 1e-6); // of i, g p; of j, half of -g p
      assert.ok(maxAbsDiff(now.sV, [1 + g * g, 1 + 4 * g * g, 1 + g * g / 4, 1 + g * g]) < 1e-5);
      assert.ok(maxAbsDiff([...now.c, ...now.sc], [0.25 - 0.1 * g, 0.5 + 0.1 * 0.5 * g / 2, 1 + g * g, 4 + g * g / 4]) < 1e-5);
      assert.equal([now.b, now.sb], [pass.b, pass.sb], 'the bias of the user cancels');
      assert.is(now.state[4], 1);
    }
    const now: Pass = { ...copyOf(pass), loss: 'logistic' }, g = 0.67917869917 - 1, { U, sU } = want(g, [0.5, 0]); // σ(0.75)
    assert.ok(Math.abs(call(variant, now) - 0.38687100611) < 1e-6); // ln(1 + e^-0.75)
    assert.ok(maxAbsDiff(now.U, U) < 1e-6);
    assert.ok(maxAbsDiff(now.sU, sU) < 1e-6);
    assert.ok(maxAbsDiff(now.V, [0.5 - 0.1 * g, -0.2 * g, 0, 1]) < 1e-6);
    assert.ok(maxAbsDiff([...now.b, ...now.sb, ...now.c, ...now.sc], [0.5 - 0.2 * g, -1 - 0.1 * g, 1 + 4 * g * g, 1 + g * g, 0.25 - 0.1 * g, 0.5, 1 + g * g, 4]) < 1e-6);
  });

  for (const loss of losses) {
    for (const K of [1, 3, 4, 16, 23]) {
      test(`a short step goes against the gradient of the loss and of l2 / 2 of the squares, by finite differences, ${loss}, K=${K}`, () => {
        const next = random(K), rate = 2 ** -6, N = 30;
        const base = passOf(loss, 1, K, next, { nUsers: 2, nItems: 4, features: 'mixed' }, { u: Int32Array.of(1), i: Int32Array.of(2), y: Float32Array.of(1), pool: Int32Array.of(1), met: nothing, words: 1, negatives: 0, N, rate, l2U: 0.3, l2V: 0.2 });
        // items 2 and 1 without a feature in common, so that each number is in one gradient
        const pass: Pass = { ...base, X: featuresOf([[[0, 1]], [[1, 0.75], [3, -1.5]]]), Z: featuresOf([[[0, 1]], [[1, 1], [5, 0.5]], [[2, 0.25], [6, 2]], [[3, 1]]]) };
        for (const sums of [pass.sU, pass.sb, pass.sV, pass.sc]) sums.fill(1);
        const features = { U: pass.X.rows[1], b: pass.X.rows[1], V: [...pass.Z.rows[2], ...(loss === 'logistic' ? [] : pass.Z.rows[1])], c: [...pass.Z.rows[2], ...(loss === 'logistic' ? [] : pass.Z.rows[1])] };
        const f = (): number => {
          const score = (item: number): number => {
            let s = 0;
            for (const [g, v] of pass.Z.rows[item]) { s += v * pass.c[g]; for (const [h, x] of pass.X.rows[1]) for (let k = 0; k < K; k++) s += x * pass.U[h * K + k] * v * pass.V[g * K + k]; }
            return s;
          };
          let penalty = 0;
          for (const [h] of features.U) { for (let k = 0; k < K; k++) penalty += pass.l2U / 2 * pass.U[h * K + k] ** 2; if (loss === 'logistic') penalty += pass.l2U / 2 * pass.b[h] ** 2; }
          for (const [g] of features.V) { for (let k = 0; k < K; k++) penalty += pass.l2V / 2 * pass.V[g * K + k] ** 2; penalty += pass.l2V / 2 * pass.c[g] ** 2; }
          if (loss === 'logistic') return surprise(score(2) + pass.X.rows[1].reduce((sum, [h, x]) => sum + x * pass.b[h], 0)) + penalty;
          const x = score(2) - score(1);
          return (loss === 'bpr' ? surprise(x) : Math.log(N - 1) * Math.max(0, 1 - x)) + penalty;
        };
        if (loss === 'warp') for (const table of [pass.U, pass.c]) for (let at = 0; at < table.length; at++) table[at] /= 4 * K; // a margin well below 1, where the loss has a kink
        const tables = ['U', 'b', 'V', 'c'] as const, gradients = tables.map((name) => numericGrad(f, pass[name])), after = copyOf(pass);
        call(variant, after);
        assert.is(after.state[4], 1);
        for (const [at, name] of tables.entries()) assert.ok(maxAbsDiff(after[name].map((w, k) => (pass[name][k] - w) / rate), gradients[at]) < 5e-3, `${name}: ${maxAbsDiff(after[name].map((w, k) => (pass[name][k] - w) / rate), gradients[at])}`);
      });
    }

    for (const features of ['own', 'mixed'] as const) {
      test(`a pass does what a slow program does, with the same draws, ${loss}, ${features === 'own' ? 'ids alone' : 'features of several'}`, () => {
        for (const words of [0, 2]) {
          const pass = passOf(loss, 150, 5, random(7), { nUsers: 6, nItems: 40, features }, { words }), draws = restoreRandom(Array.from(pass.state.subarray(0, 4)));
          const want = slow(pass, draws), L = call(variant, pass);
          assert.equal([...Uint32Array.from(pass.state.slice(0, 4))], draws.state().slice(0, 4), 'other draws');
          assert.is(pass.state[4], want.updates);
          assert.ok(want.updates > 100, `${want.updates}`);
          assert.ok(Math.abs(L - want.L) < 1e-4 * want.L, `${L} ${want.L}`);
          for (const name of written) assert.ok(maxAbsDiff(pass[name], want[name]) < 1e-5 * Math.max(...want[name], 1), `${name}: ${maxAbsDiff(pass[name], want[name])}`);
        }
      });
    }

    for (const place of places) {
      test(`agrees with the loop, ${loss}, ${place} memory`, () => {
        for (const [n, K] of pairs) {
          for (const features of ['own', 'mixed'] as const) {
            for (const words of [0, 2]) {
              const base = passOf(loss, n, K, random(n * 1000 + K), { nUsers: 3, nItems: 35, features }, { words, rate: 0.01 });
              for (const name of ['U', 'V'] as const) for (let at = 0; at < base[name].length; at++) base[name][at] /= Math.sqrt(K); // margins of the order of 1, whatever K
              const run = (kernels: Kernels): (number | Float32Array | Int32Array)[] => inRoom(place, ({ input, output }) => {
                const held = ({ start, ids, values, rows }: Features): Features => ({ start: input(start), ids: input(ids), values: input(values), rows });
                const pass: Pass = {
                  ...base, ...Object.fromEntries(written.map((name) => [name, output(base[name])])) as Record<Written, Float32Array>, state: output(base.state), scratch: output(base.scratch),
                  u: input(base.u), i: input(base.i), y: input(base.y), pool: input(base.pool), met: input(base.met), start: input(base.start), X: held(base.X), Z: held(base.Z),
                };
                return [call(kernels, pass), pass.state, ...written.map((name) => pass[name])];
              });
              const [L, state, ...got] = run(variant), [wantL, wantState, ...want] = run(loops);
              assert.equal(state, wantState, `n=${n} K=${K} ${features}: integers are exact`);
              assert.ok(Math.abs((L as number) - (wantL as number)) <= 2e-5 * (1 + (wantL as number)), `n=${n} K=${K}: ${L} ${wantL}`);
              for (const [at, table] of got.entries()) assert.ok(maxAbsDiff(table as Float32Array, want[at] as Float32Array) < 1e-4, `n=${n} K=${K} ${features}, table ${written[at]}: ${maxAbsDiff(table as Float32Array, want[at] as Float32Array)}`);
            }
          }
        }
      });
    }

    test(`what the user has met is never drawn, and where nothing else can be found nothing is learned, ${loss}`, () => {
      const nItems = 70, met = [...range(nItems)].filter((item) => item % 3 !== 1), words = 3, bits = new Int32Array(words);
      for (const item of met) bits[item >> 5] |= 1 << (item & 31);
      const pass = passOf(loss, 900, 2, random(3), { nUsers: 1, nItems, features: 'own' }, { met: bits, start: Int32Array.of(0, met.length), words, i: new Int32Array(900), y: new Float32Array(900).fill(1), draws: 20, rate: 1e-6, l2U: 0, l2V: 0 });
      pass.sV.fill(1);
      call(variant, pass);
      for (const item of range(nItems)) assert.is(pass.sV[2 * item] !== 1, item === 0 || item % 3 === 1, `item ${item}`);

      const all = { ...pass, met: new Int32Array(words).fill(-1), state: seeded(9) }, before = copyOf(all), draws = restoreRandom(Array.from(all.state.subarray(0, 4)));
      const L = call(variant, { ...all, y: new Float32Array(900) });
      if (loss === 'logistic') return; // which then learns of the pairs alone
      assert.equal([L, all.U, all.V, all.c, all.state[4]], [0, before.U, before.V, before.c, 0]);
      for (let t = 0; t < 900 * 20; t++) draws.uint32();
      assert.equal([...Uint32Array.from(all.state.slice(0, 4))], draws.state().slice(0, 4), 'other than 20 draws');
    });

    test(`a huge margin stays finite; NaN is seen in the loss, ${loss}`, () => {
      for (const bias of [1e4, -1e4, 90, -90]) {
        const pass = passOf(loss, 1, 1, random(4), { nUsers: 1, nItems: 2, features: 'own' }, { u: one, i: one, y: Float32Array.of(1), pool: Int32Array.of(1), met: nothing, words: 1, draws: 1, negatives: 1 });
        pass.c[0] = bias;
        const L = call(variant, pass);
        assert.ok(Number.isFinite(L) && written.every((name) => pass[name].every(Number.isFinite)), `${bias}`);
        if (bias > 0 && loss !== 'logistic') assert.ok(L < 1e-20);
      }
      for (const name of ['U', 'V', 'c'] as const) {
        for (const n of [1, 600]) {
          const pass = passOf(loss, n, 1, random(5), { nUsers: 1, nItems: 2, features: 'own' }, { i: new Int32Array(n), pool: Int32Array.of(1), met: nothing, words: 1 });
          pass[name][0] = NaN;
          assert.ok(Number.isNaN(call(variant, pass)), `${name}, ${n}`);
        }
      }
    });
  }

  test('warp: the sooner a draw is found to be less than 1 behind, the more it counts', () => {
    const times = new Set<number>();
    for (const [N, seed] of [[1000, 11], [1000, 12], [1000, 13], [30_000_000, 11], [3, 13]]) {
      // item 0 itself is half of the pool, and is passed over
      const pool = Int32Array.of(0, 1), state = seeded(seed), next = restoreRandom(Array.from(state.subarray(0, 4)));
      let t = 1;
      while (pool[next.below(2)] === 0) t++;
      const pass = passOf('warp', 1, 1, random(6), { nUsers: 1, nItems: 2, features: 'own' }, { u: one, i: one, pool, met: nothing, words: 1, draws: 20, N, state });
      for (const table of [pass.U, pass.V, pass.c]) table.fill(0);
      times.add(t);
      assert.ok(Math.abs(call(variant, pass) - Math.min(10, Math.log(Math.max(1, Math.floor((N - 1) / t))))) < 1e-5, `N=${N}`);
    }
    assert.ok(times.size > 1, 'always the same draw');
  });

  test('bpr and logistic: the loss of more pairs than are multiplied before a logarithm', () => {
    for (const loss of ['bpr', 'logistic'] as const) {
      for (const bias of [0, 1e-3, 3, -3, 20, -20, 90, -90]) {
        for (const n of [1, 511, 512, 513, 3000]) {
          const pass = passOf(loss, n, 1, random(7), { nUsers: 1, nItems: 2, features: 'own' }, { i: new Int32Array(n), y: Float32Array.from({ length: n }, (_, at) => at % 2), pool: Int32Array.of(1), met: nothing, words: 1, negatives: 0, rate: 1e-30, l2U: 0, l2V: 0 });
          for (const table of [pass.U, pass.V, pass.b, pass.c]) table.fill(0);
          pass.c[0] = bias;
          const L = call(variant, pass), ones = loss === 'bpr' ? n : Math.floor(n / 2), want = ones * surprise(pass.c[0]) + (n - ones) * surprise(-pass.c[0]);
          assert.ok(Math.abs(L - want) <= 1e-6 * (1e-3 * n + want), `${loss}, score ${bias}, ${n} pairs: ${L} ${want}`);
        }
      }
    }
  });

  test.run();
}
