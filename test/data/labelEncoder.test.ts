import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, type RawId, compareIds, random } from '../../lib/data/index.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('data/labelEncoder');

test('rows 0 .. size - 1 in order of id, repeats once, and back', () => {
  const encoder = LabelEncoder.fit(['b', 'c', 'a', 'b']);
  assert.equal([encoder.size, encoder.unknown, encoder.labels, encoder.known()], [3, false, ['a', 'b', 'c'], ['a', 'b', 'c']]);
  assert.equal([...encoder.encodeAll(['c', 'a', 'b', 'c'])], [2, 0, 1, 2]);
  assert.equal([0, 1, 2].map((row) => encoder.decode(row)), ['a', 'b', 'c']);
  assert.equal([encoder.has('a'), encoder.has('d')], [true, false]);
});

test('an id that was not there is -1, and a row that is not there has no id', () => {
  const encoder = LabelEncoder.fit(['a', 'b']);
  assert.equal([encoder.encode('c'), encoder.encode(''), encoder.encode('A')], [-1, -1, -1]);
  for (const row of [-1, 2, 0.5, Number.NaN, Infinity]) refuses(() => encoder.decode(row), 'unknown-id', `row ${row} has no id`, '0..1');
});

test('extended: ids that come later stand after all others, sorted among themselves; no row changes its id', () => {
  for (const unknown of [false, true]) {
    const encoder = LabelEncoder.fit(['b', 'd'], { unknown }), more = encoder.extended(['c', 'b', 'a', 'c', 5]), head = unknown ? [null] : [];
    assert.equal([more.labels, more.unknown], [[...head, 'b', 'd', 5, 'a', 'c'], unknown]);
    assert.equal([...more.encodeAll(['b', 'd', 5, 'a', 'c'])], [0, 1, 2, 3, 4].map((row) => row + head.length));
    assert.equal(encoder.labels, [...head, 'b', 'd'], 'the one it came from stays as it is');
    assert.is(encoder.extended(['d', 'b']), encoder);
    assert.equal(LabelEncoder.inOrder(more.known(), { unknown }).labels, more.labels);
  }
});

test('inOrder: rows as given, each id once', () => {
  assert.equal(LabelEncoder.inOrder(['b', 'a', 3]).labels, ['b', 'a', 3]);
  refuses(() => LabelEncoder.inOrder(['b', 'a', 'b']), 'bad-input', 'must be distinct, got b again at position 2');
  refuses(() => LabelEncoder.inOrder(['b', Number.NaN]), 'bad-input', 'got NaN at position 1');
});

test('names that every object has are ids like any other', () => {
  const names = ['__proto__', 'constructor', 'hasOwnProperty', 'toString'];
  const encoder = LabelEncoder.fit(names);
  assert.equal(encoder.known(), [...names].sort());
  assert.equal(encoder.encode('valueOf'), -1);
});

test('strings go by code point, not by locale and not by UTF-16 unit', () => {
  const inOrder = ['', ' ', '!', '0', '10', '9', 'A', 'Z', '_', 'a', 'aa', 'm', 'z', 'z\u0000', '\u00e4', '\u0101', '\ud7ff', '\ue000', '\ufb01', '\uffff', '\u{10000}', '\u{1f600}', '\u{1f601}', '\u{10ffff}'];
  for (const seed of [1, 2, 3]) {
    const order = random(seed).shuffle(Int32Array.from(inOrder.keys()));
    assert.equal(LabelEncoder.fit(Array.from(order, (at) => inOrder[at])).known(), inOrder);
  }
  // the same by the bytes of UTF-8, which are in order of code point
  assert.equal([...inOrder].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))), inOrder);
  assert.equal(['\u{10000}', '\uffff'].sort(), ['\u{10000}', '\uffff'], 'where JavaScript says otherwise');
  assert.equal(['m', 'Z'].sort((a, b) => a.localeCompare(b)), ['m', 'Z'], 'where a locale says otherwise');
  assert.ok(compareIds('\uffff', '\u{10000}') < 0 && compareIds('Z', 'm') < 0);
});

test('strings beyond the first difference, and one at the start of another', () => {
  assert.ok(compareIds('a\u{1f600}b', 'a\u{1f600}c') < 0);
  assert.ok(compareIds('\u{1f600}', '\u{1f600}\u0000') < 0);
  assert.ok(compareIds('a\uffff', 'a\u{10000}') < 0 && compareIds('a\u{10000}', 'a\uffff') > 0);
  assert.is(compareIds('same', 'same'), 0);
});

test('compareIds is an order: antisymmetric and transitive', () => {
  const next = random(7), units = [0x41, 0x7a, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff];
  const ids: RawId[] = [0, -1, 1.5, 2n, -2n, '0', ''];
  for (let n = 0; n < 40; n++) ids.push(String.fromCharCode(...Array.from({ length: next.below(4) }, () => units[next.below(units.length)])));
  for (const a of ids) {
    for (const b of ids) {
      assert.is(Math.sign(compareIds(a, b)), 0 - Math.sign(compareIds(b, a)));
      assert.is(compareIds(a, b) === 0, a === b);
      for (const c of ids) if (compareIds(a, b) < 0 && compareIds(b, c) < 0) assert.ok(compareIds(a, c) < 0);
    }
  }
});

test('numbers, then bigints, then strings; numbers by value', () => {
  const encoder = LabelEncoder.fit(['10', 3, 10n, '9', 1e21, -1, 2n, 0.5, -(10n ** 30n), '']);
  assert.equal(encoder.known(), [-1, 0.5, 3, 1e21, -(10n ** 30n), 2n, 10n, '', '10', '9']);
});

test('1, 1n and \'1\' are three ids', () => {
  const encoder = LabelEncoder.fit([1n, '1', 1]);
  assert.equal([encoder.size, encoder.encode(1), encoder.encode(1n), encoder.encode('1')], [3, 0, 1, 2]);
  assert.is(LabelEncoder.fit(['1']).encode(1), -1);
  assert.is(LabelEncoder.fit([0, -0]).size, 1);
});

test('the same set gives the same rows whatever its order, and from any iterable', () => {
  const ids = ['x', 'y', 'z', 4, 3, 2n];
  const want = LabelEncoder.fit(ids).known();
  assert.equal(LabelEncoder.fit(ids.toReversed()).known(), want);
  assert.equal(LabelEncoder.fit(new Set([...ids, ...ids])).known(), want);
  assert.equal(LabelEncoder.fit((function* () { yield* ids; })()).known(), want);
});

test('with unknown: row 0 is for what was not there', () => {
  const encoder = LabelEncoder.fit(['b', 'a'], { unknown: true });
  assert.equal([encoder.size, encoder.unknown, encoder.labels, encoder.known()], [3, true, [null, 'a', 'b'], ['a', 'b']]);
  assert.equal([...encoder.encodeAll(['a', 'z', 'b', ''])], [1, 0, 2, 0]);
  assert.equal([encoder.has('z'), encoder.has('a')], [false, true]);
  assert.is(encoder.decode(1), 'a');
  refuses(() => encoder.decode(0), 'unknown-id', 'row 0 has no id', '1..2');
});

test('nothing in, nothing out', () => {
  assert.equal([LabelEncoder.fit([]).size, LabelEncoder.fit([], { unknown: true }).size, [...LabelEncoder.fit([]).encodeAll([])]], [0, 1, []]);
});

test('what is no id is refused, with its place', () => {
  for (const wrong of [Number.NaN, Infinity, -Infinity, null, undefined, true, {}, ['a']]) {
    refuses(() => LabelEncoder.fit(['a', 'b', wrong as RawId]), 'bad-input', `got ${String(wrong)} at position 2`, 'a string, a bigint or a finite number');
  }
  refuses(() => LabelEncoder.fit([Symbol('s') as unknown as RawId]), 'bad-input', 'Symbol(s)');
});

test('a hundred thousand ids', () => {
  const next = random(1), ids = Array.from({ length: 100_000 }, () => String(next.below(50_000)));
  const encoder = LabelEncoder.fit(ids), rows = encoder.encodeAll(ids);
  assert.ok(ids.every((id, at) => encoder.decode(rows[at]) === id));
});

test.run();
