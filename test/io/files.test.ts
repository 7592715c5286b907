import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync, closeSync, existsSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TightrecError } from '../../lib/errors.ts';
import { readWhole, writeWhole } from '../../lib/io/files.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('io/files');
const root = fileURLToPath(new URL('../..', import.meta.url)), posix = process.platform !== 'win32';
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

let folder = '', model = '';
test.before.each(() => {
  folder = mkdtempSync(join(tmpdir(), 'tightrec-files-'));
  model = join(folder, 'model.safetensors');
  writeFileSync(model, 'old');
});
test.after.each(() => rmSync(folder, { recursive: true, force: true }));

async function refusal(work: Promise<unknown>): Promise<TightrecError> {
  const error = await work.then(() => { throw new Error('expected a TightrecError, got none'); }, (reason: unknown) => reason);
  if (error instanceof TightrecError) return error;
  throw error;
}

/** The old file is as it was, and nothing lies beside it. */
function untouched(): void {
  assert.is(readFileSync(model, 'utf8'), 'old');
  assert.equal(readdirSync(folder), ['model.safetensors']);
}

/** Runs `work` without the rights of root, which permissions do not bind. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const user = process.geteuid!();
  if (user === 0) process.seteuid!(65534);
  try { await work(); } finally { if (user === 0) process.seteuid!(user); }
}

test('writes bytes, text and shared memory, over an old file and anew', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 3);
  shared.set([1, 2, 3]);
  for (const path of [model, join(folder, 'new')]) {
    await writeWhole(path, Uint8Array.of(0, 255, 10));
    assert.equal(await readWhole(path), Uint8Array.of(0, 255, 10));
    await writeWhole(path, 'größe 😀');
    assert.equal(await readWhole(path), utf8('größe 😀'));
    await writeWhole(path, shared);
    assert.equal(await readWhole(path), Uint8Array.of(1, 2, 3));
    await writeWhole(path, new Uint8Array(0));
    assert.is((await readWhole(path)).length, 0);
  }
  assert.equal(readdirSync(folder).sort(), ['model.safetensors', 'new']);
});

test('a file of many chunks comes back as it went', async () => {
  const bytes = Uint8Array.from({ length: 2 ** 24 + 5 }, (_, at) => (at % 251) + 1);
  await writeWhole(model, bytes);
  assert.ok(Buffer.compare(bytes, await readWhole(model)) === 0);
});

test('a name as long as names can be', async () => {
  const path = join(folder, 'x'.repeat(255));
  await writeWhole(path, 'new');
  assert.is(readFileSync(path, 'utf8'), 'new');
  assert.match((await refusal(writeWhole(`${path}x`, 'new'))).message, 'the name is too long');
  assert.match((await refusal(readWhole(`${path}x`))).message, 'the name is too long');
});

test('ten writers at once: one of them wins whole', async () => {
  const texts = Array.from({ length: 10 }, (_, at) => `${at}`.repeat(100_000));
  await Promise.all(texts.map((text) => writeWhole(model, text)));
  assert.ok(texts.includes(readFileSync(model, 'utf8')));
  assert.equal(readdirSync(folder), ['model.safetensors']);
});

if (posix) {
  test('keeps the mode of the old file, gives a new one the usual mode', async () => {
    const before = process.umask(0o027);
    try {
      for (const mode of [0o600, 0o666, 0o755]) {
        chmodSync(model, mode);
        await writeWhole(model, 'new');
        assert.is(statSync(model).mode & 0o777, mode);
      }
      await writeWhole(join(folder, 'new'), 'new');
      assert.is(statSync(join(folder, 'new')).mode & 0o777, 0o640);
    } finally { process.umask(before); }
  });

  test('who reads the old file while it is replaced reads the old file to its end', async () => {
    const reader = openSync(model, 'r');
    await writeWhole(model, 'new');
    assert.is(readFileSync(reader, 'utf8'), 'old');
    closeSync(reader);
    assert.is(readFileSync(model, 'utf8'), 'new');
  });

  test('follows a symbolic link and leaves it a link', async () => {
    mkdirSync(join(folder, 'there'));
    symlinkSync(model, join(folder, 'there', 'link'));
    await writeWhole(join(folder, 'there', 'link'), 'new');
    assert.is(readFileSync(model, 'utf8'), 'new');
    assert.ok(lstatSync(join(folder, 'there', 'link')).isSymbolicLink());
    symlinkSync('circle', join(folder, 'circle'));
    assert.match((await refusal(writeWhole(join(folder, 'circle'), 'new'))).message, 'lead in a circle');
    assert.match((await refusal(readWhole(join(folder, 'circle')))).message, 'lead in a circle');
  });

  test('devices and pipes are neither replaced nor waited for', async () => {
    const pipe = join(folder, 'pipe');
    assert.is(spawnSync('mkfifo', [pipe]).status, 0);
    for (const path of [pipe, '/dev/null']) {
      for (const work of [() => writeWhole(path, 'new'), () => readWhole(path)]) {
        const error = await refusal(work());
        assert.is(error.code, 'file-unreadable');
        assert.match(error.message, 'a device or a pipe');
      }
    }
    assert.ok(lstatSync(pipe).isFIFO() && lstatSync('/dev/null').isCharacterDevice());
  });

  test('no permission: in the directory, on the old file, to read', async () => {
    chmodSync(folder, 0o755);
    chmodSync(model, 0o666);
    await asNobody(async () => {
      if (statSync(folder).uid === process.geteuid!()) chmodSync(folder, 0o555);
      for (const path of [model, join(folder, 'new')]) {
        const error = await refusal(writeWhole(path, 'new'));
        assert.is(error.code, 'file-unreadable');
        assert.is(error.message, `cannot write ${path}: no permission (EACCES)`);
      }
    });
    untouched();

    chmodSync(folder, 0o777);
    chmodSync(model, 0o444); // the directory would let it be renamed over
    await asNobody(async () => assert.match((await refusal(writeWhole(model, 'new'))).message, 'no permission'));
    untouched();

    chmodSync(model, 0o200);
    await asNobody(async () => {
      const error = await refusal(readWhole(model));
      assert.is(error.code, 'file-unreadable');
      assert.is(error.message, `cannot read ${model}: no permission (EACCES)`);
    });
    chmodSync(model, 0o600);
    untouched();
  });
} else skip('io/files: modes, links, devices, permissions', 'Windows has others');

test('no such directory, or a file where a directory should be', async () => {
  for (const [path, reason] of [[join(folder, 'no', 'model'), 'the directory does not exist; create it first'], [join(model, 'model'), 'a part of the path is a file, not a directory']]) {
    const error = await refusal(writeWhole(path, 'new'));
    assert.is(error.code, 'file-missing');
    assert.ok(error.message.startsWith(`cannot write ${path}: ${reason}`), error.message);
    assert.is((error.cause as NodeJS.ErrnoException).syscall !== undefined, true);
  }
  untouched();
});

test('a directory is neither written nor read', async () => {
  for (const [work, verb] of [[() => writeWhole(folder, 'new'), 'write'], [() => readWhole(folder), 'read']] as const) {
    const error = await refusal(work());
    assert.is(error.code, 'file-unreadable');
    assert.is(error.message, `cannot ${verb} ${folder}: it is a directory; name a file`);
  }
  untouched();
});

test('what no system call takes ends in a TightrecError as well', async () => {
  for (const path of ['', 'a\0b', `${folder}/no/`]) {
    await refusal(writeWhole(path, 'new'));
    await refusal(readWhole(path));
  }
  await refusal(writeWhole(model, 7 as unknown as string));
  untouched();
});

test('reading: no such file, and too large a one', async () => {
  const missing = await refusal(readWhole(join(folder, 'no')));
  assert.is(missing.code, 'file-missing');
  assert.match(missing.message, `cannot read ${join(folder, 'no')}: no such file (ENOENT)`);

  assert.equal(await readWhole(model, 3), utf8('old'));
  const large = await refusal(readWhole(model, 2));
  assert.is(large.code, 'file-too-large');
  assert.is(large.message, `cannot read ${model}: expected at most 2 bytes, it holds 3`);
  assert.is((await refusal(readWhole(model, Number.NaN))).code, 'file-too-large');

  if (!posix) return;
  truncateSync(model, 2 ** 43); // 8 TiB of nothing: a file may have holes
  const huge = await refusal(readWhole(model));
  assert.is(huge.code, 'file-too-large');
  assert.match(huge.message, 'more than fit into one array here');
});

const shorter = '/sys/kernel/mm/transparent_hugepage/enabled'; // the kernel says 4096 bytes and gives fewer, like a file that is cut while it is read
if (!existsSync(shorter)) skip('io/files: a file shorter than it says', `there is no ${shorter} here`);
else test('a file shorter than it says', async () => {
  const error = await refusal(readWhole(shorter));
  assert.is(error.code, 'file-unreadable');
  assert.match(error.message, /was cut from 4096 to \d+ bytes while being read$/);
});

/** A script that ends with what writeWhole said: `code: message`, or `written`. */
const writing = (path: string, size: number): string => `
  import { writeWhole } from './lib/io/files.ts';
  await writeWhole(${JSON.stringify(path)}, new Uint8Array(${size}).fill(7)).then(() => console.log('written'), (error) => console.log(error.code + ': ' + error.message));`;
const node = (script: string): string[] => [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', script];
const shell = (command: string, script: string) => spawnSync('bash', ['-c', `${command} && exec "$@"`, 'bash', ...node(script)], { cwd: root, encoding: 'utf8' });

// a private namespace of mounts: no rights needed where users may have them, and it is gone when the process is
const mounts = spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs none /mnt'], { encoding: 'utf8' });
if (mounts.status !== 0) skip('io/files: a full disk, a read-only disk', `no private mounts here: ${(mounts.stderr || mounts.error?.message || '').trim()}`);
else {
  const inTinyDisk = (prepare: string, size: number): string => {
    const command = `cd ${folder} && mkdir disk && mount -t tmpfs -o size=64k none disk && printf old > disk/model && ${prepare} && cd ${root}`;
    const script = `${writing(join(folder, 'disk', 'model'), size)}
      import { readFileSync, readdirSync } from 'node:fs';
      console.log(readFileSync(${JSON.stringify(join(folder, 'disk', 'model'))}).length, readdirSync(${JSON.stringify(join(folder, 'disk'))}).join());`;
    const { stdout, stderr } = spawnSync('unshare', ['-rm', 'bash', '-c', `${command} && exec "$@"`, 'bash', ...node(script)], { cwd: root, encoding: 'utf8' });
    assert.is(stderr, '');
    rmSync(join(folder, 'disk'), { recursive: true });
    return stdout.replaceAll(folder, '');
  };

  test('a disk that is really full, at once and half-way', () => {
    assert.is(inTinyDisk('true', 30_000), 'written\n30000 model\n');
    const full = 'file-unreadable: cannot write /disk/model: the disk is full; free some space or choose another place (ENOSPC)\n3 model\n';
    assert.is(inTinyDisk('true', 100_000), full);
    assert.is(inTinyDisk('head -c 60k /dev/zero > disk/more && rm disk/more && true', 61_441), full); // room for the old or the new, not both
    assert.is(inTinyDisk('mount -o remount,bind,ro disk', 10), 'file-unreadable: cannot write /disk/model: the disk is read-only; choose another place (EROFS)\n3 model\n');
  });
}

if (posix) test('a limit on the size of files', () => {
  const { stdout, stderr } = shell('ulimit -f 1024', writing(model, 2_000_000)); // in units of 1 KiB; tsx, too, may want to write a little
  assert.is(stderr, '');
  assert.is(stdout, `file-unreadable: cannot write ${model}: the file would be larger than is allowed here (EFBIG)\n`);
  untouched();
});
else skip('io/files: a limit on the size of files', 'Windows has no ulimit');

test('killed in the middle of writing: the old file is intact', async () => {
  const size = 200_000_000;
  chmodSync(model, 0o600);
  for (let attempt = 1; ; attempt++) {
    const [command, ...rest] = node(writing(model, size)), child = spawn(command, rest, { cwd: root, stdio: 'ignore' });
    const ended = new Promise((resolve) => { child.on('close', resolve); });
    const temporary = (): string | undefined => readdirSync(folder).find((name) => name.endsWith('.tmp'));
    while (child.exitCode === null && (temporary() === undefined || statSync(join(folder, temporary()!)).size === 0)) await wait(1);
    child.kill('SIGKILL');
    await ended;

    const left = temporary();
    if (left === undefined && attempt < 5) { // the machine was too quick for us: what stands there must then be the whole new file
      assert.is(statSync(model).size, size);
      writeFileSync(model, 'old');
      continue;
    }
    assert.ok(left !== undefined && statSync(join(folder, left)).size > 0, 'never caught it writing');
    assert.is(readFileSync(model, 'utf8'), 'old');
    if (posix) assert.is(statSync(join(folder, left)).mode & 0o077, 0); // a secret stays one while it is written
    rmSync(join(folder, left));
    await writeWhole(model, 'new'); // what the dead one left is in nobody's way
    assert.ok(existsSync(model) && readdirSync(folder).length === 1);
    return;
  }
});

test.run();
