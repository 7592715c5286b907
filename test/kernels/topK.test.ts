import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Kernels, backend, loops, variants } from '../../kernels/index.ts';
import { type Random, random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { inRoom, places, triples } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

/** The obvious way: every item that may be chosen, sorted. */
function sorted(scores: Float32Array, skipped: ArrayLike<number>, k: number): { ids: number[]; best: number[] } {
  const left = new Set(skipped as number[]), ids = Array.from(scores.keys())
    .filter((n) => !left.has(n) && scores[n] > -Infinity)
    .sort((a, b) => scores[b] - scores[a] || a - b)
    .slice(0, k);
  const missing = k - ids.length;
  return { ids: [...ids, ...new Array(missing).fill(-1)], best: [...ids.map((n) => scores[n]), ...new Array(missing).fill(-Infinity)] };
}

/** One row, with nothing of the row before it left in the arrays. */
function choose(topK: Kernels['topK'], scores: ArrayLike<number>, k: number, skipped: ArrayLike<number> = []): { ids: number[]; best: number[] } {
  const ids = new Int32Array(k).fill(77), best = new Float32Array(k).fill(1e9);
  topK(ids, best, Float32Array.from(scores), Int32Array.from(skipped), Int32Array.of(0, skipped.length), 1, scores.length, k);
  return { ids: [...ids], best: [...best] };
}

/** Which items to leave out, by kinds that touch the corners. */
const skips: ((N: number, next: Random) => number[])[] = [
  () => [],
  (N) => Array.from({ length: N }, (_, n) => n),
  (N) => [0, N - 1].filter((n, at, all) => n >= 0 && n < N && all.indexOf(n) === at),
  (N, next) => Array.from({ length: N }, (_, n) => n).filter(() => next.below(3) === 0),
  (N, next) => Array.from({ length: N }, (_, n) => n).filter(() => next.below(10) > 0),
];

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/topK/${name}`, backend().why); continue; }
  const test = suite(`kernels/topK/${name}`), { topK } = kernels;

  test('worked by hand', () => {
    const ids = new Int32Array(6), best = new Float32Array(6);
    const scores = Float32Array.of(1, 5, 3, 5, 2, 2, 9, 2, 9, 0), skipped = Int32Array.of(1, 0, 4), start = Int32Array.of(0, 1, 3); // row 0 without 1, row 1 without 0 and 4
    topK(ids, best, scores, skipped, start, 2, 5, 3);
    assert.equal([...ids], [3, 2, 4, 1, 3, 2]);
    assert.equal([...best], [5, 3, 2, 9, 9, 2]);
  });

  test('equal scores go to the lower id', () => {
    for (const N of [2, 8, 9, 20, 100]) {
      for (const k of [1, 2, 5, 9]) {
        assert.equal(choose(topK, new Array(N).fill(0.5), k).ids, Array.from({ length: k }, (_, at) => (at < N ? at : -1)), `N=${N} k=${k}`);
        assert.equal(choose(topK, Array.from({ length: N }, (_, n) => (n % 2)), k), sorted(Float32Array.from({ length: N }, (_, n) => n % 2), [], k), `two levels, N=${N} k=${k}`);
      }
    }
    assert.equal(choose(topK, [0, -0, 0, -0], 4).ids, [0, 1, 2, 3]); // zero is zero, whatever its sign
  });

  test('rising, falling and flat-then-rising rows', () => {
    for (const N of [7, 8, 16, 17, 129]) {
      for (const f of [(n: number) => n, (n: number) => -n, (n: number) => Math.max(0, n - N / 2), (n: number) => (n * 37) % N]) {
        const scores = Float32Array.from({ length: N }, (_, n) => f(n));
        for (const k of [1, 2, 3, 10]) assert.equal(choose(topK, scores, k), sorted(scores, [], k), `N=${N} k=${k} ${f}`);
      }
    }
  });

  test('agrees with numpy', () => {
    for (const { B, N, k, ...numbers } of golden.topK) {
      const ids = new Int32Array(B * k), best = new Float32Array(B * k), infinite = (values: (number | null)[]) => Float32Array.from(values, (value) => value ?? -Infinity);
      topK(ids, best, infinite(numbers.scores), Int32Array.from(numbers.skip), Int32Array.from(numbers.start), B, N, k);
      assert.equal([...ids], numbers.ids, `N=${N} k=${k}`);
      assert.equal([...best], [...infinite(numbers.best)], `N=${N} k=${k}`);
    }
  });

  for (const place of places) {
    test(`agrees with the loop and with sorting, to the bit, ${place} memory`, () => {
      for (const [B, N, k] of triples) {
        const next = random(B * 1e6 + N * 1000 + k);
        // few levels, so that many tie; some scores that are never chosen
        const scores = Float32Array.from({ length: B * N }, () => [next.below(5) - 2, next.normal(), NaN, -Infinity, Infinity][[0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 4][next.below(11)]]);
        const lists = Array.from({ length: B }, () => skips[next.below(skips.length)](N, next)), start = new Int32Array(B + 1);
        for (let b = 0; b < B; b++) start[b + 1] = start[b] + lists[b].length;
        const run = (variant: Kernels) => inRoom(place, ({ input, output }) => {
          const ids = output(new Int32Array(B * k).fill(77)), best = output(new Float32Array(B * k).fill(1e9));
          variant.topK(ids, best, input(scores), input(Int32Array.from(lists.flat())), input(start), B, N, k);
          return [ids, best];
        });
        const got = run(kernels);
        assert.equal(got, run(loops), `B=${B} N=${N} k=${k}`);
        const rows = lists.map((list, b) => sorted(scores.subarray(b * N, (b + 1) * N), list, k));
        assert.equal([...got[0] as Int32Array], rows.flatMap((row) => row.ids), `B=${B} N=${N} k=${k}`);
        assert.equal([...got[1] as Float32Array], rows.flatMap((row) => row.best), `B=${B} N=${N} k=${k}`);
      }
    });
  }

  test('skip lists: none, all, first, last, runs, each alone', () => {
    const N = 35, scores = Float32Array.from({ length: N }, (_, n) => (n * 13) % 10), all = Array.from({ length: N }, (_, n) => n);
    const cases = [[], all, [0], [N - 1], [0, N - 1], all.slice(1), all.slice(0, -1), all.slice(8, 16), all.filter((n) => n % 2), ...all.map((n) => [n]), ...all.map((n) => all.filter((other) => other !== n))];
    for (const skipped of cases) for (const k of [1, 3, 8, N, N + 5]) assert.equal(choose(topK, scores, k, skipped), sorted(scores, skipped, k), `k=${k}, without ${skipped}`);
  });

  test('NaN and -Infinity are never chosen, Infinity is', () => {
    for (const N of [1, 4, 8, 9, 17, 40]) {
      assert.equal(choose(topK, new Array(N).fill(NaN), 3), sorted(new Float32Array(0), [], 3));
      assert.equal(choose(topK, new Array(N).fill(-Infinity), 3), sorted(new Float32Array(0), [], 3));
      for (let at = 0; at < N; at++) {
        const scores = new Float32Array(N).fill(NaN);
        scores[at] = -1;
        assert.equal(choose(topK, scores, 2), { ids: [at, -1], best: [-1, -Infinity] });
        scores[at] = Infinity;
        assert.equal(choose(topK, scores, 1), { ids: [at], best: [Infinity] });
      }
    }
  });

  test('k of 0, no items, no rows', () => {
    assert.equal(choose(topK, [1, 2, 3], 0), { ids: [], best: [] });
    assert.equal(choose(topK, [], 3), { ids: [-1, -1, -1], best: [-Infinity, -Infinity, -Infinity] });
    topK(new Int32Array(0), new Float32Array(0), new Float32Array(0), new Int32Array(0), Int32Array.of(0), 0, 5, 3);
  });

  test('long rows, in which a bar is found before anything is put in order', () => {
    const next = random(6), levels: Record<string, () => number> = {
      normal: () => next.normal(), two: () => next.below(2), five: () => next.below(5) - 2, zeros: () => (next.below(2) ? 0 : -0), negative: () => -1 - next.below(3),
      tiny: () => (next.below(9) - 4) * 2 ** -149, ends: () => [NaN, -Infinity, Infinity, 3.4028234663852886e38, -3.4028234663852886e38][next.below(5)], few: () => (next.below(300) ? -Infinity : next.normal()),
    };
    for (const N of [513, 9000]) {
      for (const [kind, level] of Object.entries(levels)) {
        const scores = Float32Array.from({ length: N }, level), byScore = sorted(scores, [], N).ids.filter((id) => id >= 0);
        // the best ones are skipped, or every other of them, or anything; so that the bar of the others is asked for
        for (const skipped of [[], byScore.slice(0, 1), byScore.slice(0, 7), byScore.slice(0, 40), byScore.filter((_, at) => at % 2 && at < 14), byScore.slice(3, 9), byScore.slice(0, -5), skips[3](N, next)]) {
          const list = skipped.toSorted((a, b) => a - b);
          for (const k of [1, 5, 10, 16, 17]) assert.equal(choose(topK, scores, k, list), sorted(scores, list, k), `N=${N} k=${k} ${kind}, without ${list.length}`);
        }
      }
    }
  });

  test('a whole catalogue, sorted', () => {
    const N = 5000, next = random(5), scores = Float32Array.from({ length: N }, () => Math.round(next.normal() * 100));
    assert.equal(choose(topK, scores, N), sorted(scores, [], N));
    assert.equal(choose(topK, scores, 100), sorted(scores, [], 100));
  });

  test.run();
}

agreeWithLoop('topK');
