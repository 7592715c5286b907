import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTable } from '../../lib/data/readTable.ts';
import { makeXlsx } from '../helpers/makeXlsx.ts';
import { rejects } from '../helpers/refuses.ts';

const test = suite('data/readTable: gzip');
const folder = mkdtempSync(join(tmpdir(), 'tightrec-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Text that does not compress to nothing, so that a cut falls into data. */
const noise = randomBytes(300_000).toString('hex').replace(/.{30}/g, '$&\n'), text = `hex\n${noise}\n`, packed = gzipSync(text);
const rows = text.split('\n').filter((line) => line !== '').length - 1;

/** Once with node:zlib and once as in a browser. */
async function bothWays(work: () => Promise<void>): Promise<void> {
  await work();
  const builtin = process.getBuiltinModule;
  process.getBuiltinModule = undefined as unknown as typeof builtin;
  try {
    await work();
  } finally {
    process.getBuiltinModule = builtin;
  }
}

test('whatever it is called', async () => {
  const path = join(folder, 'sales.csv');
  writeFileSync(path, packed);
  assert.is((await readTable(path)).rows, rows);
  await bothWays(async () => {
    for (const file of [packed, new Blob([packed])]) assert.is((await readTable(file)).rows, rows);
  });
});

test('several members in a row', async () => {
  const table = await readTable(Buffer.concat([gzipSync('a,b\n1,2\n3'), gzipSync(',4\n'), gzipSync('5,6')]));
  assert.equal(table.columns, { a: ['1', '3', '5'], b: ['2', '4', '6'] });
});

test('cut short', async () => {
  await bothWays(async () => {
    for (const length of [packed.length - 1, packed.length - 8, packed.length - 9, packed.length >> 1, 1000, 12, 5, 2]) {
      await rejects(() => readTable(packed.subarray(0, length)), 'file-damaged', 'expected a whole gzip file in the bytes');
    }
  });
  await rejects(() => readTable(packed.subarray(0, 5000)), 'file-damaged', 'cut short');
});

test('garbage behind the end', async () => {
  const garbage = Buffer.concat([packed, Buffer.from('garbage that is no gzip')]);
  await bothWays(() => rejects(() => readTable(garbage), 'file-damaged', 'the bytes'));
  const padded = Buffer.concat([packed, Buffer.alloc(512)]); // zeros are padding, as on tapes
  assert.is((await readTable(padded)).rows, rows);
});

test('a wrong byte in the middle', async () => {
  const wrong = Buffer.from(packed);
  wrong[packed.length >> 1] ^= 0x10;
  await bothWays(() => rejects(() => readTable(wrong), 'file-damaged', 'the bytes'));
});

test('gzip of nothing, of a header, of something else', async () => {
  await rejects(() => readTable(gzipSync('')), 'bad-input', 'an empty file');
  await rejects(() => readTable(gzipSync('a,b\n')), 'bad-input', 'alone');
  await rejects(() => readTable(gzipSync(packed)), 'file-unreadable', 'a gzip file', 'unpack it first');
  await rejects(async () => readTable(gzipSync(await makeXlsx([['a'], [1]]))), 'file-unreadable', 'a zip file', 'unpack it first');
  await rejects(() => readTable(gzipSync(Buffer.alloc(1000))), 'file-unreadable', 'binary data');
});

test('a bomb is refused, unless it is asked for', async () => {
  const block = gzipSync(`${'0'.repeat(999)}\n`.repeat(8000)); // 8 MB in a few kB
  const bomb = Buffer.concat([gzipSync('zeros\n'), ...Array.from({ length: 35 }, () => block)]);
  assert.ok(100 * bomb.length < 2 ** 28);
  await bothWays(() => rejects(() => readTable(bomb, { maxBytes: 1e6 }), 'file-too-large', 'at most 1000000 bytes', 'maxBytes'));
  const began = performance.now();
  await rejects(() => readTable(bomb), 'file-too-large', 'at most 268435456 bytes', 'zip bomb');
  assert.ok(performance.now() - began < 10_000);
  assert.is((await readTable(bomb, { maxBytes: 1e9 })).rows, 280_000);
});

test('an aborted reading closes the file and rejects with the reason', async () => {
  const path = join(folder, 'abort.csv.gz'), reason = new Error('enough');
  writeFileSync(path, packed);
  for (const file of [path, packed]) {
    const controller = new AbortController();
    const outcome = await readTable(file, { signal: controller.signal, onProgress: ({ bytes }) => { if (bytes > 0) controller.abort(reason); } }).then(null, (error: unknown) => error);
    assert.is(outcome, reason);
  }
});

test('an error of onProgress comes through as it is', async () => {
  const mine = new Error('mine');
  await bothWays(async () => { assert.is(await readTable(packed, { onProgress: () => { throw mine; } }).then(null, (error: unknown) => error), mine); });
});

test('more than a string can hold: 2^29 characters', async () => {
  const cells = `,${'x'.repeat(1000)},${'y'.repeat(1000)}\n`, block = gzipSync(Array.from({ length: 4000 }, (_, k) => k + cells).join(''));
  const file = Buffer.concat([gzipSync('n,x,y\n'), ...Array.from({ length: 70 }, () => block)]), size = 70 * 4000 * 2007;
  assert.ok(size > 2 ** 29);
  const table = await readTable(file, { columns: { n: 'number' }, maxBytes: 1e9 });
  assert.is(table.rows, 280_000);
  assert.is(table.columns.n[279_999], 3999);
});

test.run();
