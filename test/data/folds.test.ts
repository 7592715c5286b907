import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions, interactions, kFold, splitRandom } from '../../lib/data/index.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('data/folds');

const n = 103, range = Array.from({ length: n }, (_, at) => at);
const data = interactions(range.map((at) => at % 10), range.map((at) => (at * 7) % 13), { values: range, times: range.map((at) => at * 1000), baskets: range.map((at) => at >> 1) });
/** Which events are in a piece: each has a value of its own. */
const of = (piece: Interactions): number[] => [...piece.value!];

test('kFold: every event is in one fold, and in the train of all others; sizes differ by one at most', () => {
  for (const k of [2, 5, 10, n]) {
    const folds = kFold(data, { k, seed: 3 });
    assert.is(folds.length, k);
    assert.equal(folds.flatMap(({ test }) => of(test)).sort((a, b) => a - b), range);
    const sizes = folds.map(({ test }) => test.user.length);
    assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    for (const { train, test } of folds) assert.equal([...of(train), ...of(test)].sort((a, b) => a - b), range);
  }
});

test('kFold: events keep their order, and everything that is theirs; encoders are shared', () => {
  for (const { train, test } of kFold(data)) {
    for (const piece of [train, test]) {
      assert.ok(piece.users === data.users && piece.items === data.items);
      assert.equal(of(piece), of(piece).toSorted((a, b) => a - b));
      for (let at = 0; at < piece.user.length; at++) { const event = piece.value![at]; assert.equal([piece.user[at], piece.item[at], piece.time![at], piece.basket![at]], [data.user[event], data.item[event], data.time![event], data.basket![event]]); }
    }
  }
});

test('kFold and splitRandom: the seed decides, and nothing else; the events are drawn, not cut', () => {
  const tests = (seed?: number): number[][] => kFold(data, { k: 4, ...(seed !== undefined && { seed }) }).map(({ test }) => of(test)), held = (seed?: number): number[] => of(splitRandom(data, { ...(seed !== undefined && { seed }) })[1]);
  assert.equal([tests(1), held(1)], [tests(), held()]);
  assert.is.not(JSON.stringify(tests(1)), JSON.stringify(tests(2)));
  assert.is.not(JSON.stringify(held(1)), JSON.stringify(held(2)));
  const steps = held().slice(1).map((event, at) => event - held()[at]);
  assert.ok(new Set(steps).size > 2 && held()[0] < 40 && held().at(-1)! > 60, `${held()}`);
});

test('splitRandom: a share of the events', () => {
  for (const [share, count] of [[0.2, 21], [0.5, 52], [0.9, 93], [0.01, 1]] as const) {
    const [train, test] = splitRandom(data, { share });
    assert.equal([train.user.length, test.user.length], [n - count, count]);
    assert.equal([...of(train), ...of(test)].sort((a, b) => a - b), range);
    assert.ok(train.users === data.users && test.items === data.items);
    for (const piece of [train, test]) assert.equal(of(piece), of(piece).toSorted((a, b) => a - b));
  }
});

test('settings that make no sense', () => {
  for (const k of [1, 0, -2, 2.5, Number.NaN, n + 1, '5']) refuses(() => kFold(data, { k: k as number }), 'bad-setting', `kFold: k must be a whole number from 2 to ${n}, the number of events, got ${k}`);
  for (const share of [0, 1, -0.2, 1.5, Number.NaN, '0.2']) refuses(() => splitRandom(data, { share: share as number }), 'bad-setting', `splitRandom: share must be a number between 0 and 1, got ${share}`);
  for (const share of [0.001, 0.999]) refuses(() => splitRandom(data, { share }), 'bad-setting', 'leaves one piece of 103 events empty');
  for (const seed of [Number.NaN, Infinity]) { refuses(() => kFold(data, { seed }), 'bad-setting', 'kFold: seed must be a finite number'); refuses(() => splitRandom(data, { seed }), 'bad-setting', 'splitRandom: seed'); }
});

test('what is no data, and options that nobody reads', () => {
  for (const [name, cut] of [['kFold', kFold], ['splitRandom', splitRandom]] as const) {
    refuses(() => cut({} as Interactions), 'bad-input', `${name}: expected interactions, made by interactions() or readInteractions(), got another object`);
    refuses(() => cut(null as never), 'bad-input', 'got null');
    refuses(() => cut(data, { folds: 3 } as object), 'bad-setting', `${name}: there is no option 'folds'; the options are`);
    refuses(() => cut(data, 0.2 as never), 'bad-setting', `${name}: options must be an object`);
  }
});

test.run();
