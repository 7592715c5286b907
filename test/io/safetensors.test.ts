import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TightrecError } from '../../lib/errors.ts';
import { decodeSafetensors, encodeSafetensors, type SafeTensor } from '../../lib/io/safetensors.ts';
import { random } from '../../lib/random.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('io/safetensors');
const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const small: Record<string, SafeTensor> = {
  user_ids: { dtype: 'U8', shape: [9], data: utf8('["a","b"]') },
  item_factors: { dtype: 'F32', shape: [2, 3], data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25) },
  user_factors: { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -2.5, 0.1, 65504) },
  scalar: { dtype: 'F64', shape: [], data: Float64Array.of(1 / 3) },
  empty: { dtype: 'F32', shape: [0, 7], data: new Float32Array(0) },
};

/** A file around any header text and data, right or wrong. */
function fileOf(header: string | Uint8Array, data: ArrayLike<number> = [], length = (typeof header === 'string' ? utf8(header) : header).length): Uint8Array {
  const text = typeof header === 'string' ? utf8(header) : header, bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

const headerOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))));

function refusal(call: () => unknown): TightrecError {
  try { call(); } catch (error) {
    if (error instanceof TightrecError) return error;
    throw error;
  }
  throw new Error('expected a TightrecError, got none');
}

const same = (a: ReadonlyMap<string, SafeTensor>, b: ReadonlyMap<string, SafeTensor>): void => {
  assert.equal([...a.keys()], [...b.keys()]);
  for (const [name, tensor] of a) {
    const other = b.get(name)!;
    assert.equal([tensor.dtype, tensor.shape, tensor.data.constructor], [other.dtype, other.shape, other.data.constructor]);
    assert.equal(new Uint8Array(tensor.data.buffer), new Uint8Array(other.data.buffer), name); // bits, so that NaN and -0 count
  }
};

test('what is written is read back, bit for bit', () => {
  const odd = new Uint32Array([0x7fc00001, 0xff800000, 0x80000000, 0x00000001]); // a NaN with a payload, -Infinity, -0, the least positive
  const { tensors, metadata } = decodeSafetensors(encodeSafetensors({ ...small, odd: { dtype: 'F32', shape: [4, 1], data: new Float32Array(odd.buffer) } }, { b: '2', a: '1' }));
  assert.equal([...tensors.keys()], ['scalar', 'empty', 'item_factors', 'odd', 'user_factors', 'user_ids']);
  assert.equal(new Uint32Array(tensors.get('odd')!.data.buffer), odd);
  assert.equal(tensors.get('user_ids')!.data, utf8('["a","b"]'));
  assert.equal(tensors.get('scalar'), { dtype: 'F64', shape: [], data: Float64Array.of(1 / 3) });
  assert.equal(tensors.get('empty'), { dtype: 'F32', shape: [0, 7], data: new Float32Array(0) });
  assert.equal([...metadata], [['a', '1'], ['b', '2']]);
});

test('the bytes of a tiny file, by hand', () => {
  const bytes = encodeSafetensors({ x: { dtype: 'I16', shape: [2], data: Int16Array.of(1, -2) } }, { k: 'v' });
  const header = '{"__metadata__":{"k":"v"},"x":{"dtype":"I16","shape":[2],"data_offsets":[0,4]}}';
  assert.is(header.length, 79);
  assert.equal(bytes, Uint8Array.of(80, 0, 0, 0, 0, 0, 0, 0, ...utf8(`${header} `), 1, 0, 0xfe, 0xff));
  assert.equal(encodeSafetensors({}), Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0, ...utf8('{}      ')));
});

test('the same content gives the same bytes, in whatever order it comes', () => {
  const turned = Object.fromEntries(Object.entries(small).toReversed());
  assert.equal(encodeSafetensors(turned, { b: '2', a: '1', 10: 'x', 9: 'y' }), encodeSafetensors(small, { 9: 'y', 10: 'x', a: '1', b: '2' }));
  assert.match(headerOf(encodeSafetensors({}, { 9: 'y', 10: 'x', a: '1' })), '{"10":"x","9":"y","a":"1"}'); // text order, not an object's
});

test('the same tensors give the same bytes as the reference implementation', () => {
  const u8 = (value: number): SafeTensor => ({ dtype: 'U8', shape: [1], data: Uint8Array.of(value) });
  const bytes = encodeSafetensors({
    ...small,
    10: { dtype: 'I32', shape: [2], data: Int32Array.of(-1, 2) },
    9: { dtype: 'I32', shape: [3], data: Int32Array.of(1, 2, 3) },
    u32: { dtype: 'U32', shape: [1], data: Uint32Array.of(2 ** 32 - 1) },
    i64: { dtype: 'I64', shape: [1], data: BigInt64Array.of(-1n) },
    u64: { dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) },
    i16: { dtype: 'I16', shape: [1], data: Int16Array.of(-1) },
    u16: { dtype: 'U16', shape: [1], data: Uint16Array.of(65535) },
    i8: { dtype: 'I8', shape: [1], data: Int8Array.of(-1) },
    yes: { dtype: 'BOOL', shape: [1], data: Uint8Array.of(1) },
    'größe\t\u0001"😀': u8(1),
    'größe\t\u0001"\uff00': u8(2),
    'line\u2028\u007f': u8(3),
  }, { settings: '{"factors":2}' });
  assert.is(headerOf(bytes), headerOf(fixture('safetensors.reference.bin')));
  assert.equal(bytes, new Uint8Array(fixture('safetensors.reference.bin')));
});

test('a file by another writer: any order, no alignment, escapes, a tensor called __proto__', () => {
  const { tensors, metadata } = decodeSafetensors(fixture('safetensors.bin'));
  assert.equal([...metadata], [['format', 'np'], ['line', 'one\ntwo "three" \\ é']]);
  assert.equal([...tensors.keys()], ['user_ids', 'user_factors', 'größe 😀', 'empty', 'counts', '__proto__', '10', '9']);
  assert.equal(tensors.get('user_ids'), { dtype: 'U8', shape: [9], data: utf8('["a","b"]') });
  assert.equal(tensors.get('größe 😀'), { dtype: 'F64', shape: [], data: Float64Array.of(1 / 3) });
  assert.equal(tensors.get('empty'), { dtype: 'F32', shape: [0, 7], data: new Float32Array(0) });
  assert.equal(tensors.get('counts'), { dtype: 'I32', shape: [4], data: Int32Array.of(-(2 ** 31), -1, 0, 2 ** 31 - 1) });
  assert.equal(tensors.get('10'), { dtype: 'U16', shape: [2], data: Uint16Array.of(0, 65535) });
  assert.equal(tensors.get('9'), { dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) });
  const long = tensors.get('__proto__')!.data;
  assert.ok(long instanceof BigInt64Array && long[0] === -(2n ** 63n) && long[1] === 2n ** 53n + 1n);
  const { shape, data } = tensors.get('user_factors')!;
  assert.equal(shape, [2, 3]);
  assert.ok([1, -2.5, Math.fround(0.1), Number.NaN, Number.POSITIVE_INFINITY, -0].every((value, at) => Object.is(value, data[at])));
  assert.is(({} as Record<string, unknown>).dtype, undefined); // nothing reached Object.prototype
  same(tensors, decodeSafetensors(fixture('safetensors.bin')).tensors);
});

test('decoded arrays are copies, wherever the bytes lie', () => {
  const bytes = encodeSafetensors(small, { k: 'v' });
  const shifted = new Uint8Array(bytes.length + 3).subarray(3), shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  for (const place of [bytes.slice(), shifted, shared, Buffer.from(bytes)]) {
    place.set(bytes);
    const { tensors, metadata } = decodeSafetensors(place);
    place.fill(0xff);
    assert.is(metadata.get('k'), 'v');
    assert.equal(tensors.get('user_factors')!.data, Float32Array.of(1, -2.5, 0.1, 65504));
    assert.ok([...tensors.values()].every(({ data }) => data.buffer instanceof ArrayBuffer && data.byteOffset === 0 && data.buffer.byteLength === data.byteLength));
  }
});

test('arrays in shared memory and parts of larger ones are written as they are', () => {
  const memory = new SharedArrayBuffer(64), part = new Float32Array(memory, 8, 6);
  part.set([0, 0.25, 0.5, 0.75, 1, 1.25]);
  const moved: Record<string, SafeTensor> = {
    ...small, item_factors: { dtype: 'F32', shape: [2, 3], data: part }, user_ids: { dtype: 'U8', shape: [9], data: Buffer.from('["a","b"]') },
  };
  assert.equal(encodeSafetensors(moved), encodeSafetensors(small));
});

test('what cannot be a file is not written', () => {
  const refuse = (tensor: unknown, code: string, part: string, name = 'x', metadata = {}): void => {
    const error = refusal(() => encodeSafetensors({ [name]: tensor as SafeTensor }, metadata));
    assert.is(error.code, code, error.message);
    assert.ok(error.message.includes(part), error.message);
  };
  const data = new Float32Array(6), fine = { dtype: 'F32', shape: [2, 3], data };
  refuse({ ...fine, shape: [2, 2] }, 'bad-shape', '[2,2]');
  refuse({ ...fine, shape: [-2, -3] }, 'bad-shape', '[-2,-3]');
  refuse({ ...fine, shape: [1.5, 4] }, 'bad-shape', '[1.5,4]');
  refuse({ ...fine, shape: [2 ** 53, 0], data: new Float32Array(0) }, 'bad-shape', 'x');
  refuse({ ...fine, shape: [6, ...Array.from({ length: 64 }, () => 1)] }, 'bad-shape', 'x');
  refuse({ ...fine, dtype: 'F16' }, 'bad-input', 'F16');
  refuse({ ...fine, dtype: 'toString' }, 'bad-input', 'toString');
  refuse({ ...fine, data: new Float64Array(6) }, 'bad-input', 'Float64Array');
  refuse({ ...fine, data: [1, 2, 3, 4, 5, 6] }, 'bad-input', 'got object');
  refuse(fine, 'bad-input', '__metadata__', '__metadata__');
  refuse(fine, 'bad-input', 'half of one', 'half \ud83d');
  refuse(fine, 'bad-input', 'half of one', 'x', { key: '\ude00' });
  refuse(fine, 'bad-input', 'got number', 'x', { key: 1 });
  refuse(fine, 'bad-input', '100000000', 'x', { key: ' '.repeat(1e8) });
});

test('every cut is refused', () => {
  const bytes = encodeSafetensors(small, { k: 'v' });
  for (let length = 0; length < bytes.length; length++) {
    const error = refusal(() => decodeSafetensors(bytes.slice(0, length), 'model.safetensors'));
    assert.is(error.code, 'file-damaged');
    assert.match(error.message, /^model\.safetensors is not a whole safetensors file: expected .+, got .+$/);
  }
  for (const more of [1, 8, 1000]) assert.match(refusal(() => decodeSafetensors(new Uint8Array([...bytes, ...new Uint8Array(more)]))).message, `expected 57 bytes of tensor data, got ${57 + more}`);
});

test('every changed byte is refused or gives something whole', () => {
  const bytes = encodeSafetensors({ x: small.item_factors, id: small.user_ids, e: small.empty }, { k: 'v' }), headerEnd = bytes.length - 33;
  const bits = [1, 2, 4, 8, 16, 32, 64, 128], telling = utf8('\0\n "\\{}[],:019-.eEtn'); // each bit, and each character that JSON obeys
  let tried = 0, refused = 0;
  for (let at = 0; at < bytes.length; at++) {
    const right = bytes[at];
    for (const wrong of [...bits.map((bit) => right ^ bit), ...telling]) {
      if (wrong === right) continue;
      bytes[at] = wrong;
      if (at < headerEnd) tried++;
      if (!readsWhole(bytes)) refused++;
      else assert.ok(at >= 8, 'a changed length was accepted');
    }
    bytes[at] = right;
  }
  assert.ok(refused > 0.9 * tried && refused < tried, `${refused} of ${tried}`); // a name may change unseen, and every bit of the data
});

test('thousands of random wounds: refused or whole', () => {
  const next = random(7), original = encodeSafetensors(small, { settings: '{"factors":2}' }), pieces = ['{', '}', '[', ']', ',', ':', '"', '\\', '0', '9', '-', 'e', '\ud83d\ude00', '"shape":[2]', '"x":{}', '\0'].map(utf8);
  let whole = 0;
  for (let round = 0; round < 5000; round++) {
    const bytes = [...original];
    for (let wounds = 1 + next.below(3); wounds > 0; wounds--) {
      const at = next.below(bytes.length), count = next.below(12);
      const kind = next.below(4);
      if (kind === 0) bytes.splice(at, count);
      else if (kind === 1) bytes.splice(at, 0, ...pieces[next.below(pieces.length)]);
      else if (kind === 2) bytes.splice(at, 0, ...bytes.slice(next.below(bytes.length)).slice(0, count * 4));
      else bytes[at] ^= 1 << next.below(8);
    }
    const file = Uint8Array.from(bytes);
    if (next.below(2) === 0 && file.length >= 8) new DataView(file.buffer).setUint32(0, original[0] + 256 * original[1] + file.length - original.length, true); // a length that fits again
    if (readsWhole(file)) whole++;
  }
  assert.ok(whole > 30, `${whole}`); // bits of the numbers themselves
});

/** True: decoded, and all of the file is accounted for. False: refused as it should be. Anything else throws. */
function readsWhole(bytes: Uint8Array): boolean {
  let read;
  try { read = decodeSafetensors(bytes); } catch (error) {
    if (error instanceof TightrecError && error.code === 'file-damaged') return false;
    throw error;
  }
  let size = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  for (const { shape, data } of read.tensors.values()) {
    assert.is(shape.reduce((a, b) => a * b, 1), data.length);
    size += data.byteLength;
  }
  assert.is(size, bytes.length);
  const again = decodeSafetensors(encodeSafetensors(Object.fromEntries(read.tensors), Object.fromEntries(read.metadata)));
  assert.is(again.tensors.size, read.tensors.size);
  return true;
}

const tensor = (shape: string, offsets: string, dtype = '"U8"'): string => `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
const hostile: [name: string, header: string | Uint8Array, data: number, part: string][] = [
  ['no header', '', 0, 'expected { at character 0 of the header, got its end'],
  ['a header that is an array', '[]', 0, 'expected {'],
  ['a header that is a number', '1', 0, 'expected {'],
  ['a blank first', ' {}', 0, 'expected { at character 0'],
  ['a byte-order mark first', '\ufeff{}', 0, 'expected { at character 0'],
  ['zeros as padding', '{}\0\0', 0, 'nothing but spaces'],
  ['two objects', '{}{}', 0, 'nothing but spaces'],
  ['not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 0, 'a header in UTF-8'],
  ['an overlong encoding', Uint8Array.of(0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x7d), 0, 'a header in UTF-8'],
  ['a comma too many', `{"x":${tensor('[1]', '[0,1]')},}`, 1, 'expected "'],
  ['single quotes', "{'x':1}", 0, 'expected "'],
  ['an open string', '{"x', 0, 'expected "'],
  ['a string ending in its escape', '{"x\\', 0, 'expected "'],
  ['a wrong escape', '{"\\x":1}', 0, 'a JSON string'],
  ['a line break in a string', '{"a\nb":1}', 0, 'a JSON string'],
  ['half a character', '{"\\ud83d":1}', 0, 'whole characters'],
  ['a tensor twice', `{"x":${tensor('[1]', '[0,1]')},"x":${tensor('[1]', '[0,1]')}}`, 1, 'a key that was not there before'],
  ['a tensor twice, once escaped', `{"x":${tensor('[0]', '[0,0]')},"\\u0078":${tensor('[0]', '[0,0]')}}`, 0, 'not there before'],
  ['__proto__ twice', `{"__proto__":${tensor('[0]', '[0,0]')},"__proto__":${tensor('[0]', '[0,0]')}}`, 0, 'not there before'],
  ['metadata twice', '{"__metadata__":{},"__metadata__":{}}', 0, 'not there before'],
  ['a metadata key twice', '{"__metadata__":{"a":"1","a":"2"}}', 0, 'not there before'],
  ['a shape twice', '{"x":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', 1, 'not there before'],
  ['metadata that is null', '{"__metadata__":null}', 0, 'expected {'],
  ['metadata that is a list', '{"__metadata__":["a"]}', 0, 'expected {'],
  ['a metadata number', '{"__metadata__":{"a":1}}', 0, 'expected "'],
  ['a metadata object', '{"__metadata__":{"a":{}}}', 0, 'expected "'],
  ['a tensor that is a number', '{"x":1}', 0, 'expected {'],
  ['a tensor that is null', '{"x":null}', 0, 'expected {'],
  ['an empty tensor entry', '{"x":{}}', 0, 'a dtype among BOOL, U8'],
  ['no shape', '{"x":{"dtype":"U8","data_offsets":[0,1]}}', 1, 'a shape'],
  ['no offsets', '{"x":{"dtype":"U8","shape":[1]}}', 1, 'two data_offsets'],
  ['one offset', `{"x":${tensor('[1]', '[1]')}}`, 1, 'two data_offsets'],
  ['three offsets', `{"x":${tensor('[1]', '[0,1,1]')}}`, 1, 'two data_offsets'],
  ['a field of its own', '{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"run":"rm"}}', 1, 'only dtype'],
  ['an unknown dtype', `{"x":${tensor('[1]', '[0,2]', '"F16"')}}`, 2, 'a dtype among'],
  ['a dtype that every object has', `{"x":${tensor('[1]', '[0,1]', '"constructor"')}}`, 1, 'a dtype among'],
  ['a dtype __proto__', `{"x":${tensor('[1]', '[0,1]', '"__proto__"')}}`, 1, 'a dtype among'],
  ['a dtype in small letters', `{"x":${tensor('[1]', '[0,1]', '"u8"')}}`, 1, 'a dtype among'],
  ['a dtype that is a number', `{"x":${tensor('[1]', '[0,1]', '8')}}`, 1, 'expected "'],
  ['a shape that is a number', `{"x":${tensor('1', '[0,1]')}}`, 1, 'expected ['],
  ['a shape of texts', `{"x":${tensor('["1"]', '[0,1]')}}`, 1, 'a whole number'],
  ['a shape of shapes', `{"x":${tensor('[[1]]', '[0,1]')}}`, 1, 'a whole number'],
  ['a negative shape', `{"x":${tensor('[-1,-1]', '[0,1]')}}`, 1, 'a whole number'],
  ['a negative zero', `{"x":${tensor('[-0]', '[0,0]')}}`, 0, 'a whole number'],
  ['a fraction', `{"x":${tensor('[1.5]', '[0,1]')}}`, 1, 'a whole number'],
  ['a whole fraction', `{"x":${tensor('[1.0]', '[0,1]')}}`, 1, 'a whole number'],
  ['an exponent', `{"x":${tensor('[1e0]', '[0,1]')}}`, 1, 'a whole number'],
  ['a leading zero', `{"x":${tensor('[01]', '[0,1]')}}`, 1, 'a whole number'],
  ['a shape beyond 2^53', `{"x":${tensor('[9007199254740993]', '[0,1]')}}`, 1, 'a whole number'],
  ['a shape of a hundred digits', `{"x":${tensor(`[${'9'.repeat(100)}]`, '[0,1]')}}`, 1, 'a whole number'],
  ['a product that wraps to 0 in 64 bits', `{"x":${tensor('[4294967296,4294967296]', '[0,0]')}}`, 0, 'fewer than 2^53'],
  ['a product beyond 2^53, then 0', `{"x":${tensor('[4294967296,4294967296,0]', '[0,0]')}}`, 0, 'fewer than 2^53'],
  ['an infinite product', `{"x":${tensor(`[${Array(64).fill(9007199254740991)}]`, '[0,0]')}}`, 0, 'fewer than 2^53'],
  ['a size that wraps to 0 in 64 bits', `{"x":${tensor('[2305843009213693952]', '[0,0]', '"F64"')}}`, 0, 'a whole number'],
  ['a huge shape on few bytes', `{"x":${tensor('[9007199254740991]', '[0,1]')}}`, 1, 'got [0,1]'],
  ['a huge shape on huge offsets', `{"x":${tensor('[9007199254740991]', '[0,9007199254740991]')}}`, 1, 'expected 9007199254740991 bytes of tensor data, got 1'],
  ['65 dimensions', `{"x":${tensor(`[${Array(65).fill(1)}]`, '[0,1]')}}`, 1, 'at most 64 numbers'],
  ['offsets the wrong way round', `{"x":${tensor('[1]', '[1,0]')}}`, 1, 'got [1,0]'],
  ['offsets beyond the data', `{"x":${tensor('[2]', '[0,2]')}}`, 1, 'expected 2 bytes of tensor data, got 1'],
  ['a hole in front', `{"x":${tensor('[1]', '[1,2]')}}`, 2, '[0,1], got [1,2]'],
  ['a hole between', `{"x":${tensor('[1]', '[0,1]')},"y":${tensor('[1]', '[2,3]')}}`, 3, '[1,2], got [2,3]'],
  ['an overlap', `{"x":${tensor('[2]', '[0,2]')},"y":${tensor('[2]', '[1,3]')}}`, 3, '[2,4], got [1,3]'],
  ['the same bytes twice', `{"x":${tensor('[2]', '[0,2]')},"y":${tensor('[2]', '[0,2]')}}`, 2, '[2,4], got [0,2]'],
  ['an empty tensor off the edge', `{"x":${tensor('[1]', '[0,1]')},"y":${tensor('[0]', '[5,5]')}}`, 1, '[1,1], got [5,5]'],
  ['a shape that needs more', `{"x":${tensor('[2]', '[0,4]', '"F32"')}}`, 4, '[0,8], got [0,4]'],
  ['a shape that needs less', `{"x":${tensor('[1]', '[0,8]', '"F32"')}}`, 8, '[0,4], got [0,8]'],
  ['data that no tensor claims', '{}', 1, 'expected 0 bytes of tensor data, got 1'],
];

for (const [name, header, data, part] of hostile) {
  test(`refused: ${name}`, () => {
    const error = refusal(() => decodeSafetensors(fileOf(header, new Uint8Array(data)), 'evil.safetensors'));
    assert.is(error.code, 'file-damaged');
    assert.ok(error.message.startsWith('evil.safetensors is not a whole safetensors file: expected '), error.message);
    assert.ok(error.message.includes(part), error.message);
  });
}

test('lengths of the header that lie', () => {
  const from = (low: number, high: number, size: number): string => {
    const bytes = new Uint8Array(size), view = new DataView(bytes.buffer);
    view.setUint32(0, low, true);
    view.setUint32(4, high, true);
    return refusal(() => decodeSafetensors(bytes)).message;
  };
  assert.match(from(0xffffffff, 0xffffffff, 8), 'at most 100000000 bytes');
  assert.match(from(2, 1, 10), 'at most 100000000 bytes'); // 2^32 + 2: the high half counts
  assert.match(from(100_000_001, 0, 8), 'at most 100000000 bytes');
  assert.match(from(100_000_000, 0, 8), 'a header of 100000000 bytes, got 0 bytes after its length');
  assert.match(from(1, 0, 8), 'a header of 1 bytes, got 0');
});

test('what is allowed: blanks between tokens, tensors in any order, an empty one anywhere, 64 dimensions', () => {
  const { tensors, metadata } = decodeSafetensors(fileOf(
    `{ "b" :\t${tensor('[ 2 , 1 ]', '[ 2 , 4 ]')}\r\n, "a":${tensor('[2]', '[0,2]')}, "e":${tensor('[0,9007199254740991]', '[2,2]', '"F64"')}, "__metadata__": { }, "long":${tensor(`[${Array(64).fill(1)}]`, '[4,5]')} } \n`, [1, 2, 3, 4, 5]));
  assert.equal([...tensors].map(([name, { data }]) => [name, ...data]), [['a', 1, 2], ['e'], ['b', 3, 4], ['long', 5]]);
  assert.is(metadata.size, 0);
});

test('a hundred megabytes of spite end soon', () => {
  const began = performance.now(), size = 5_000_000; // a twentieth, to keep the test short
  for (const [start, filler] of [['{', '{"":'], ['', '['], ['{"x":{"shape":[', '1,'], ['{"', '\\\\'], ['{"', 'x'], ['{', ' '], ['{"x":{"shape":[', '1'], ['{"__metadata__":{"x":"', '\u00fc']]) {
    const error = refusal(() => decodeSafetensors(fileOf(start + filler.repeat(size / utf8(filler).length))));
    assert.ok(error.code === 'file-damaged' && error.message.length < 300, error.message.slice(0, 300));
  }
  const members = Array.from({ length: 200_000 }, (_, at) => `"${at}":""`).join(',');
  assert.is(decodeSafetensors(fileOf(`{"__metadata__":{${members}}}`)).metadata.size, 200_000);
  assert.ok(performance.now() - began < 60_000);
});

test('a message is short and holds nothing that a terminal obeys', () => {
  const { message } = refusal(() => decodeSafetensors(fileOf(`{"${'\\u001b[2J\u009b2J\u202e'.repeat(1000)}":${tensor('[1]', '[0,2]')}}`, [0, 0])));
  assert.ok(message.length < 2000 && /^[\x20-\x7e]*$/.test(message), message);
});

test('what is not bytes is refused, and so is a big-endian machine', () => {
  for (const wrong of [null, undefined, 'text', [1, 2]]) assert.is(refusal(() => decodeSafetensors(wrong as unknown as Uint8Array)).code, 'bad-input');
  const real = globalThis.Uint16Array;
  globalThis.Uint16Array = class extends real { static override of(): Uint16Array<ArrayBuffer> { return real.from([256]); } } as Uint16ArrayConstructor;
  try {
    assert.is(refusal(() => encodeSafetensors({})).code, 'unsupported');
    assert.is(refusal(() => decodeSafetensors(new Uint8Array(8))).code, 'unsupported');
  } finally { globalThis.Uint16Array = real; }
});

const python = (script: string, cwd: string) => spawnSync('python3', ['-c', script], { cwd, encoding: 'utf8' });
const inTemporary = (use: (folder: string) => void): void => {
  const folder = mkdtempSync(join(tmpdir(), 'tightrec-safetensors-'));
  try { use(folder); } finally { rmSync(folder, { recursive: true }); }
};

if (spawnSync('python3', ['--version']).status !== 0) skip('io/safetensors: Python reads what we wrote', 'python3 does not run here');
else test('Python reads what we wrote', () => inTemporary((folder) => {
  writeFileSync(join(folder, 'model.safetensors'), encodeSafetensors({ ...small, größe: { dtype: 'I32', shape: [2], data: Int32Array.of(-1, 7) } }, { format: 'tightrec', note: 'é "😀"' }));
  const { stdout, stderr } = python(`
import json, struct
raw = open("model.safetensors", "rb").read()
n = struct.unpack("<Q", raw[:8])[0]
assert n % 8 == 0 and raw[8:9] == b"{"
header, out, end = json.loads(raw[8:8 + n].decode()), {}, 0
for name, t in header.items():
    if name == "__metadata__": continue
    first, last = t["data_offsets"]
    code, size = {"F32": ("f", 4), "F64": ("d", 8), "I32": ("i", 4), "U8": ("B", 1)}[t["dtype"]]
    assert first == end and first % size == 0
    out[name], end = [t["dtype"], t["shape"], struct.unpack("<%d%s" % ((last - first) // size, code), raw[8 + n + first:8 + n + last])], last
assert end == len(raw) - 8 - n
print(json.dumps([header["__metadata__"], out]))`, folder);
  assert.is(stderr, '');
  assert.equal(JSON.parse(stdout), [{ format: 'tightrec', note: 'é "😀"' }, {
    scalar: ['F64', [], [1 / 3]],
    empty: ['F32', [0, 7], []],
    item_factors: ['F32', [2, 3], [0, 0.25, 0.5, 0.75, 1, 1.25]],
    user_factors: ['F32', [2, 2], [1, -2.5, Math.fround(0.1), 65504]],
    größe: ['I32', [2], [-1, 7]],
    user_ids: ['U8', [9], [...utf8('["a","b"]')]],
  }]);
}));

const page = readFileSync(new URL('../../docs/file-format.md', import.meta.url), 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page)![1];
const example = encodeSafetensors({
  user_factors: { dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, 0, 0, 1) },
  item_factors: { dtype: 'F32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
  item_bias: { dtype: 'F32', shape: [3], data: Float32Array.of(0.5, 0, -4) },
  user_ids: { dtype: 'U8', shape: [17], data: utf8('["17850","13047"]') },
  item_ids: { dtype: 'U8', shape: [26], data: utf8('["85123A","71053","22752"]') },
}, { format: 'tightrec', version: '1', model: 'BPR', settings: '{"factors":2}' });

test('the header that docs/file-format.md shows is the one we write', () => {
  assert.is(block('json').replace(/\n ?/g, ''), headerOf(example).trimEnd());
});

if (spawnSync('python3', ['-c', 'import numpy, safetensors']).status !== 0) skip('io/safetensors: the Python of docs/file-format.md runs', 'python3 has no numpy and safetensors here');
else test('the Python of docs/file-format.md runs and prints what the page says', () => inTemporary((folder) => {
  writeFileSync(join(folder, 'model.safetensors'), example);
  const { stdout, stderr } = python(block('python'), folder);
  assert.is(stderr, '');
  assert.is(stdout, block('text'));
}));

test.run();
