import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { random, restoreRandom } from '../lib/random.ts';
import { golden } from './helpers/golden.ts';

const test = suite('random');
const list = (n: number, next: () => number): number[] => Array.from({ length: n }, next);

/** Σ (seen - expected)² / expected over `cells` equally likely outcomes: about `cells`, give or take sqrt(2 cells). */
function chiSquare(draws: number[], cells: number): number {
  const seen = new Array<number>(cells).fill(0), expected = draws.length / cells;
  for (const draw of draws) seen[draw]++;
  return seen.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Six standard deviations above the mean of chi-square: one honest generator in a thousand million fails. */
const most = (cells: number): number => cells - 1 + 6 * Math.sqrt(2 * (cells - 1));

test('is xoshiro128**: the numbers of its authors for state 1, 2, 3, 4', () => {
  assert.equal(list(10, restoreRandom([1, 2, 3, 4]).uint32), [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804]);
  assert.equal(golden.random.state1234, list(10, restoreRandom([1, 2, 3, 4]).uint32)); // and the fixture's Python is too
});

for (const { seed, ...numbers } of golden.random.seeds) {
  test(`seed ${seed} gives what the same arithmetic gives in Python`, () => {
    assert.equal(list(6, random(seed).uint32), numbers.uint32);
    assert.equal(list(3, random(seed).uniform), numbers.uniform);
    for (const [n, draws] of Object.entries(numbers.below)) {
      const source = random(seed);
      assert.equal(list(5, () => source.below(Number(n))), draws, `below(${n})`);
    }
    for (const [at, value] of list(4, random(seed).normal).entries()) assert.ok(Math.abs(value - numbers.normal[at]) < 1e-14, `normal: ${value} and ${numbers.normal[at]}`);
    assert.equal([...random(seed).shuffle(Int32Array.from({ length: 12 }, (_, at) => at))], numbers.shuffle);
  });
}

test('different seeds, different numbers: small, large, negative, fractional', () => {
  const seeds = [...Array.from({ length: 1000 }, (_, seed) => seed), -1, -2, -1000, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 33, 2 ** 53 - 1, 0.5, 0.25, 1.5, -0.5, Math.PI, 1e-9];
  assert.is(new Set(seeds.map((seed) => random(seed).uint32())).size, seeds.length); // from the first number on
  assert.is(new Set(seeds.map((seed) => random(seed).state().join())).size, seeds.length);
});

test('neighbouring seeds have nothing in common', () => {
  // the first number of seeds 0 .. 65535: as even as the numbers of one seed
  assert.ok(chiSquare(Array.from({ length: 65536 }, (_, seed) => random(seed).uint32() >>> 24), 256) < most(256));
});

test('uint32 covers its range evenly, top and bottom bits alike', () => {
  const source = random(1), draws = list(200_000, source.uint32);
  assert.ok(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < 2 ** 32));
  assert.ok(chiSquare(draws.map((draw) => draw >>> 24), 256) < most(256));
  assert.ok(chiSquare(draws.map((draw) => draw & 255), 256) < most(256));
});

test('below is even, also where 2^32 is no multiple of n', () => {
  for (const n of [1, 2, 3, 7, 10, 100, 1000]) {
    const source = random(n), draws = list(200_000, () => source.below(n));
    assert.ok(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < n));
    if (n > 1) assert.ok(chiSquare(draws, n) < most(n), `below(${n})`);
  }
  // a remainder or a plain product would make the lower, or every second or third, result twice as likely here
  for (const n of [3 * 2 ** 30, 2 ** 31 + 1, 2 ** 21 - 1, 2 ** 21, 2 ** 21 + 1, 2 ** 32]) {
    const source = random(n), draws = list(100_000, () => source.below(n));
    assert.ok(draws.every((draw) => Number.isInteger(draw) && draw >= 0 && draw < n));
    assert.ok(chiSquare(draws.map((draw) => Math.floor(draw / n * 12)), 12) < most(12), `below(${n}), twelfths`);
    assert.ok(chiSquare(draws.map((draw) => draw % 3), 3) < most(3), `below(${n}), thirds`);
  }
});

test('below draws again where keeping every draw would favour some results', () => {
  for (const n of [2 ** 21 - 2, 2 ** 21 - 1000, 1_898_000, 1_500_007, 2 ** 21 + 1, 2 ** 31 + 1, 3 * 2 ** 30]) {
    const source = random(n), twin = random(n), many = new Int32Array(20_000);
    random(n).fillBelow(many, n);
    let again = 0;
    for (let at = 0; at < many.length; at++) {
      for (;;) { // in whole numbers of any size: n fits 2^32 / n times, rounded down, and what is left over is not used
        const x = BigInt(twin.uint32()), wide = BigInt(n), leftOver = 2n ** 32n % wide, want = n <= 2 ** 21 ? (x * wide) >> 32n : x % wide;
        if (n <= 2 ** 21 ? (x * wide) % 2n ** 32n < leftOver : x >= 2n ** 32n - leftOver) { again++; continue; }
        assert.is(source.below(n), Number(want), `below(${n}), draw ${at}`);
        assert.is(many[at], Number(want) | 0, `fillBelow(${n}), draw ${at}`);
        break;
      }
    }
    if (n > 2 ** 22 || 2 ** 32 % n > n / 2) assert.ok(again > 0, `below(${n}) was never put to the test`);
  }
});

test('fillBelow is below, many times, and leaves the same state', () => {
  for (const n of [1, 2, 3, 1000, 2 ** 21 - 1, 2 ** 21, 2 ** 21 + 1, 3 * 2 ** 29]) {
    for (const length of [0, 1, 1000]) {
      const one = random(n), many = random(n), out = new Int32Array(length).fill(-1);
      many.fillBelow(out, n);
      assert.equal([...out], list(length, () => one.below(n)), `n=${n}`);
      assert.equal(many.state(), one.state(), `n=${n}`);
    }
  }
});

test('an n that makes no sense gives no number, but an end', () => {
  const out = Int32Array.of(5, 5);
  assert.is(random(1).below(0), 0);
  assert.ok(Number.isNaN(random(1).below(Number.NaN)));
  for (const n of [0, Number.NaN]) random(1).fillBelow(out, n);
  assert.equal([...out], [0, 0]);
});

test('uniform: 24 bits in [0, 1), exact in float32', () => {
  const source = random(2), draws = list(200_000, source.uniform);
  assert.ok(draws.every((draw) => draw >= 0 && draw < 1 && Math.fround(draw) === draw));
  assert.ok(chiSquare(draws.map((draw) => Math.floor(draw * 100)), 100) < most(100));
});

test('normal: the moments and the tails of a standard normal', () => {
  const source = random(3), n = 400_000, draws = list(n, source.normal);
  const moment = (power: number): number => draws.reduce((sum, draw) => sum + draw ** power, 0) / n;
  // six standard errors of each
  assert.ok(Math.abs(moment(1)) < 6 / Math.sqrt(n));
  assert.ok(Math.abs(moment(2) - 1) < 6 * Math.sqrt(2 / n));
  assert.ok(Math.abs(moment(3)) < 6 * Math.sqrt(15 / n));
  assert.ok(Math.abs(moment(4) - 3) < 6 * Math.sqrt(96 / n));
  for (const [beyond, share] of [[1, 0.3173105], [2, 0.0455003], [3, 0.0026998]]) {
    assert.ok(Math.abs(draws.filter((draw) => Math.abs(draw) > beyond).length / n - share) < 6 * Math.sqrt(share / n), `beyond ${beyond}`);
  }
  const pairs = draws.reduce((sum, draw, at) => sum + (at % 2 ? draw * draws[at - 1] : 0), 0) / (n / 2); // the two of one pair
  assert.ok(Math.abs(pairs) < 6 / Math.sqrt(n / 2));
});

test('shuffle: a permutation, in place, every order equally likely', () => {
  const source = random(4);
  for (const n of [0, 1, 2, 17, 1000]) {
    const ids = Int32Array.from({ length: n }, (_, at) => at), same = source.shuffle(ids);
    assert.is(same, ids);
    assert.equal([...ids].sort((a, b) => a - b), Array.from({ length: n }, (_, at) => at));
  }
  const orders = list(24_000, () => { const [a, b, c] = source.shuffle(Int32Array.of(0, 1, 2, 3)); return 6 * a + 2 * (b - Number(b > a)) + Number(c > [0, 1, 2, 3].filter((id) => id !== a && id !== b)[0]); });
  assert.ok(chiSquare(orders, 24) < most(24));
});

test('state and restoreRandom: goes on exactly here, between the two of a normal pair too', () => {
  for (const before of [0, 1, 2, 3]) {
    const source = random(5);
    for (let draw = 0; draw < before; draw++) source.normal();
    const kept = source.state(), written = JSON.parse(JSON.stringify(kept)) as number[]; // as a checkpoint would: NaN becomes null
    const want = [source.normal(), source.normal(), source.uint32(), source.below(10), source.uniform()];
    for (const state of [kept, written]) {
      const again = restoreRandom(state), other = random(6);
      other.normal();
      other.restore(state);
      for (const one of [again, other]) assert.equal([one.normal(), one.normal(), one.uint32(), one.below(10), one.uniform()], want);
    }
    assert.is(kept.length, 5);
  }
});

test('the functions stand alone', () => {
  const { uint32, uniform } = random(6), source = random(6);
  assert.equal([uint32(), uniform()], [source.uint32(), source.uniform()]);
});

test('two generators do not know each other', () => {
  const a = random(7), b = random(7);
  a.uint32();
  assert.is(b.uint32(), random(7).uint32());
});

test.run();
