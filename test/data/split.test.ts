import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cutByTime, groupItems, groupRuns, interactions, splitByTime } from '../../lib/data/index.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('data/split');
const lists = (pieces: ArrayLike<number>[]): number[][] => pieces.map((piece) => Array.from(piece));

test('cutByTime: before the first cut, from it to the second, and so on', () => {
  assert.equal(lists(cutByTime([5, 1, 3, 9, 7], [3, 7])), [[1], [0, 2], [3, 4]]);
});

test('cutByTime: a time equal to a cut falls after it', () => {
  assert.equal(lists(cutByTime([9.999, 10, 10.001], [10])), [[0], [1, 2]]);
  assert.equal(lists(cutByTime([1, 2, 3], [1, 2, 3])), [[], [0], [1], [2]]);
});

test('cutByTime: no cuts, no times, everything on one side', () => {
  assert.equal(lists(cutByTime([3, 1], [])), [[0, 1]]);
  assert.equal(lists(cutByTime([], [1, 2])), [[], [], []]);
  assert.equal(lists(cutByTime([3, 1], [100])), [[0, 1], []]);
  assert.equal(lists(cutByTime([-3, -1], [-100])), [[], [0, 1]]);
});

test('cutByTime: cuts must be finite and ascend', () => {
  for (const cuts of [[2, 1], [1, 1], [1, 2, 2], [Number.NaN], [1, Number.NaN], [Infinity]]) refuses(() => cutByTime([1], cuts), 'bad-setting', 'must be finite and ascend', `[${cuts.join(', ')}]`);
});

const at = (text: string): number => Date.parse(text);
const times = ['2011-10-08T23:59:59.999Z', '2011-10-09T00:00:00Z', '2011-11-08T10:00:00Z', '2011-11-09T00:00:00Z', '2011-12-01T00:00:00Z'].map(at);
const data = interactions(['a', 'b', 'a', 'c', 'b'], ['x', 'y', 'z', 'x', 'y'], { times, values: [1, 2, 3, 4, 5] });

test('splitByTime: pieces share encoders; midnight belongs to its day', () => {
  const [train, validation, rest] = splitByTime(data, '2011-10-09', '2011-11-09');
  assert.equal([train, validation, rest].map(({ user }) => [...user]), [[0], [1, 0], [2, 1]]);
  assert.equal([train, validation, rest].map(({ value }) => [...value!]), [[1], [2, 3], [4, 5]]);
  assert.ok([train, validation, rest].every((piece) => piece.users === data.users && piece.items === data.items && piece.matrix.rows === 3));
});

test('splitByTime: the same moment as a Date, a number or a text, with an offset or without', () => {
  const want = splitByTime(data, at('2011-10-09')).map(({ user }) => [...user]);
  for (const date of [new Date('2011-10-09'), '2011-10-09', '2011-10-09 00:00', '2011-10-09T00:00:00', '2011-10-09 00:00:00.000', '2011-10-09T00:00Z', '2011-10-09T02:00+02:00', '2011-10-08T19:00:00-05:00']) {
    assert.equal(splitByTime(data, date).map(({ user }) => [...user]), want, String(date));
  }
  assert.equal(splitByTime(data, '2011-10-08T23:59:59.999Z').map(({ user }) => user.length), [0, 5]);
});

if (process.env.TIGHTREC_TEST_ZONE === undefined) {
  for (const zone of ['Pacific/Kiritimati', 'America/Los_Angeles']) {
    test(`all of this again in ${zone}`, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url)], { env: { ...process.env, TZ: zone, TIGHTREC_TEST_ZONE: zone, FORCE_COLOR: '0' }, encoding: 'utf8' });
      assert.ok(status === 0 && /^ {2}Passed: +1\d$/m.test(stdout), `${stdout}\n${stderr}`);
    });
  }
} else {
  test('the zone is the one that was asked for', () => assert.is.not(new Date(2011, 9, 9).getTime(), Date.UTC(2011, 9, 9)));
}

test('splitByTime: what is no date, and dates that do not ascend', () => {
  for (const date of ['yesterday', '', '2011-13-01', '2011-02-29', '09/10/2011', 'Oct 9, 2011']) refuses(() => splitByTime(data, date), 'bad-setting', `'${date}' is not a date`, "write it as '2011-10-09'");
  for (const date of [new Date('nonsense'), Number.NaN, Infinity]) refuses(() => splitByTime(data, date), 'bad-setting', 'is not a date');
  refuses(() => splitByTime(data, '2011-11-09', '2011-10-09'), 'bad-setting', 'ascend');
  refuses(() => splitByTime(data, '2011-11-09', '2011-11-09'), 'bad-setting', 'ascend');
});

test('splitByTime: data without times', () => {
  refuses(() => splitByTime(interactions(['a'], ['x']), '2011-10-09'), 'bad-input', 'no times');
});

test('groupRuns: runs of equal keys; a key that comes back starts a group of its own', () => {
  assert.equal([...groupRuns(['a', 'a', 'b', 'a', 'a', 'c'])], [0, 2, 3, 5, 6]);
  assert.equal([...groupRuns([1, 1, 1])], [0, 3]);
  assert.equal([...groupRuns([1])], [0, 1]);
  assert.equal([...groupRuns([1, '1', 1n])], [0, 1, 2, 3]);
});

test('groupRuns: no keys, no groups', () => assert.equal([...groupRuns([])], [0]));

test('groupItems puts the items beside the groups', () => {
  const items = Int32Array.of(5, 6, 7), groups = groupItems(['i', 'i', 'j'], items);
  assert.equal([[...groups.indptr], groups.items], [[0, 2, 3], items]);
  refuses(() => groupItems(['i'], items), 'bad-input', 'equally long, got 1 and 3');
});

test.run();
