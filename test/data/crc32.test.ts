import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crc32, crc32Loop } from '../../lib/data/crc32.ts';

const test = suite('data/crc32'), text = new TextEncoder().encode('123456789');

for (const [name, crc] of Object.entries({ crc32, crc32Loop })) {
  test(`${name}: the value that the standard gives, in one piece and in two`, () => {
    assert.is(crc(text), 0xcbf43926);
    assert.is(crc(text.subarray(4), crc(text.subarray(0, 4))), 0xcbf43926);
    assert.is(crc(new Uint8Array(0)), 0);
    for (const none of [new Uint8Array(0), new Uint8Array(new ArrayBuffer(0)), new Uint8Array(5).subarray(5), new Float32Array(new ArrayBuffer(16), 16, 0)]) assert.is(crc(none, 77), 77);
  });

  test(`${name}: numbers, shared memory and views that begin within it`, () => {
    const bytes = Uint8Array.from({ length: 4096 }, (_, at) => (at * at) >> 3), shared = new Uint8Array(new SharedArrayBuffer(4096));
    shared.set(bytes);
    assert.is(crc(new Float32Array(shared.buffer, 64, 777)), crc32Loop(bytes.subarray(64, 64 + 4 * 777)));
    assert.is(crc(new Int32Array(bytes.buffer, 4, 5)), crc32Loop(bytes.subarray(4, 24)));
    bytes[100] ^= 1;
    assert.is.not(crc(bytes), crc(shared));
  });
}

test.run();
