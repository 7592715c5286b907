import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, access, constants, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { TightrecError } from '../errors.ts';

/**
 * writeWhole: puts `bytes` (a string as UTF-8) into the file at `path`, whole or not at all. They go to a new file in the same directory,
 * which takes the old one's place and mode once it is on the disk; until then the old file is untouched, and on failure the new one is
 * removed. A process killed while writing leaves the old file and one `.tightrec-*.tmp`. A symbolic link is followed, not replaced.
 * Throws TightrecError: 'file-missing' when the directory does not exist, else 'file-unreadable'.
 */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  let temporary: string | null = null;
  try {
    const target = await realpath(path).catch(() => path), old = await statOrNull(target);
    if (old?.isDirectory()) throw new TightrecError('file-unreadable', `cannot write ${path}: it is a directory; name a file`);
    if (old && !old.isFile()) throw new TightrecError('file-unreadable', `cannot write ${path}: it is a device or a pipe, not a regular file`);
    if (old) await (await open(target, 'r+')).close(); // may it be written? renaming over a file marked read-only would succeed

    const name = join(dirname(target), `.tightrec-${randomUUID()}.tmp`); // its own short name: the target's may be as long as names can be
    const file = await open(name, 'wx', old ? old.mode & 0o777 : 0o666);
    temporary = name;
    try {
      await file.writeFile(bytes);
      if (old) await file.chmod(old.mode & 0o777); // open took away what the umask forbids
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    temporary = null;
    await syncDirectory(dirname(target));
  } catch (error) {
    if (temporary !== null) await rm(temporary, { force: true }).catch(() => {}); // the first error is the one to tell
    throw asTightrecError(error, `cannot write ${path}`, writing);
  }
}

/**
 * readWhole: the bytes of the regular file at `path`, which may hold at most `maxBytes`.
 * Throws TightrecError: 'file-missing', 'file-too-large' (before anything is read), else 'file-unreadable'.
 */
export async function readWhole(path: string, maxBytes: number = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
  let file: FileHandle | null = null;
  try {
    const there = await stat(path); // before it is opened: to open a device may do something, and a pipe that nobody writes waits for ever
    if (there.isDirectory()) throw new TightrecError('file-unreadable', `cannot read ${path}: it is a directory; name a file`);
    if (!there.isFile()) throw new TightrecError('file-unreadable', `cannot read ${path}: it is a device or a pipe, not a regular file`);
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // it may have become a pipe since; Windows has no such flag
    const info = await file.stat();
    if (!(info.size <= maxBytes)) throw new TightrecError('file-too-large', `cannot read ${path}: expected at most ${maxBytes} bytes, it holds ${info.size}`);

    const bytes = allocate(path, info.size);
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await file.read(bytes, at, Math.min(bytes.length - at, 2 ** 24), at); // one call takes less than 2 GiB
      if (bytesRead === 0) throw new TightrecError('file-unreadable', `cannot read ${path}: it was cut from ${info.size} to ${at} bytes while being read`);
      at += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw asTightrecError(error, `cannot read ${path}`, reading);
  } finally {
    await file?.close();
  }
}

/**
 * checkOutput: whether a file could be written there, asked before the work begins and not after it.
 * Errors: 'file-missing' when its directory does not exist; 'file-unreadable' when it is there and no regular file, or its directory may not be written to.
 */
export async function checkOutput(path: string): Promise<void> {
  if (path === '') throw new TightrecError('file-missing', 'cannot write a file without a name; name one');
  const folder = dirname(resolve(path)), there = await stat(folder).catch(() => null);
  if (!there?.isDirectory()) throw new TightrecError('file-missing', `cannot write ${path}: the directory ${folder} does not exist; create it first`);
  const old = await stat(path).catch(() => null);
  if (old?.isDirectory()) throw new TightrecError('file-unreadable', `cannot write ${path}: it is a directory; name a file`);
  if (old && !old.isFile()) throw new TightrecError('file-unreadable', `cannot write ${path}: it is a device or a pipe, not a regular file`);
  // a file is written beside its place and then moved there
  await access(folder, constants.W_OK).catch((cause: NodeJS.ErrnoException) => { throw new TightrecError('file-unreadable', `cannot write ${path}: no permission to write into ${folder} (${cause.code})`, { cause }); });
}

async function statOrNull(path: string): Promise<Stats | null> {
  return await stat(path).catch((error) => { if (error.code === 'ENOENT') return null; throw error; });
}

function allocate(path: string, size: number): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch (cause) {
    throw new TightrecError('file-too-large', `cannot read ${path}: it holds ${size} bytes, more than fit into one array here`, { cause });
  }
}

/** So that the new name survives a power cut; some systems cannot, and the file is whole either way. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY).catch(() => null);
  await directory?.sync().catch(() => {});
  await directory?.close().catch(() => {});
}

const both: Record<string, string> = {
  ENOTDIR: 'a part of the path is a file, not a directory',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
};
const reading: Record<string, string> = { ...both, ENOENT: 'no such file' };
const writing: Record<string, string> = {
  ...both,
  ENOENT: 'the directory does not exist; create it first',
  ENOSPC: 'the disk is full; free some space or choose another place',
  EDQUOT: 'your share of the disk is used up; free some space or choose another place',
  EFBIG: 'the file would be larger than is allowed here',
  EROFS: 'the disk is read-only; choose another place',
};

function asTightrecError(error: unknown, what: string, sentences: Record<string, string>): TightrecError {
  if (error instanceof TightrecError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  const why = sentences[code] ? `${sentences[code]} (${code})` : message;
  return new TightrecError(missing ? 'file-missing' : 'file-unreadable', `${what}: ${why}`, { cause: error });
}
