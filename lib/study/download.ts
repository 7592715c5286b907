import { homedir } from 'node:os';
import { join } from 'node:path';
import { unzip } from 'unzipit';
import { TightrecError } from '../errors.ts';
import { type Progress, silent } from './progress.ts';

const MIB = 2 ** 20;

/** LARGEST: what a download, an archive or a file in it may have, in bytes. */
export const LARGEST: number = 256 * MIB;

/** cacheFolder: where this system keeps what can be had again. */
export function cacheFolder({ env, platform }: Pick<NodeJS.Process, 'env' | 'platform'> = process): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'tightrec');
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'tightrec', 'Cache');
  return platform === 'darwin' ? join(homedir(), 'Library', 'Caches', 'tightrec') : join(homedir(), '.cache', 'tightrec');
}

/**
 * filesInZip: the files of these names in an archive, in their order. unzipit ends in an error where the archive is cut short or does not match its directory.
 * Errors: 'file-damaged', 'file-too-large'.
 */
export async function filesInZip(zip: Uint8Array, name: string, wanted: readonly string[]): Promise<Uint8Array[]> {
  const { entries } = await unzip(zip as Uint8Array<ArrayBuffer>).catch((cause: unknown) => {
    throw new TightrecError('file-damaged', `expected a zip archive in ${name}, got something else, or a part of one`, { cause });
  });
  return Promise.all(wanted.map(async (file) => {
    const entry = entries[file];
    if (entry === undefined) throw new TightrecError('file-damaged', `expected '${file}' in ${name}, got ${Object.keys(entries).slice(0, 5).join(', ') || 'an empty archive'}`);
    if (entry.size > LARGEST) throw new TightrecError('file-too-large', `expected '${file}' in ${name} to expand to at most ${LARGEST} bytes, it says ${entry.size}`);
    return new Uint8Array(await entry.arrayBuffer().catch((cause: unknown) => {
      throw new TightrecError('file-damaged', `expected '${file}' in ${name} whole, got a part of it: ${(cause as Error).message}`, { cause });
    }));
  }));
}

export interface DownloadOptions {
  progress?: Progress;
  signal?: AbortSignal | undefined;
  /** How long to wait for an answer, and for more of a download that has stopped. */
  connectSeconds?: number;
  stallSeconds?: number;
  /** What the progress goes by where the answer does not say how much it is, in MiB. */
  expectedMiB?: number;
}

/** download: all of what the address holds. Errors: one whose message says why not, in a few words. */
export async function download(url: string, { progress = silent, signal, connectSeconds = 6, stallSeconds = 20, expectedMiB = 1 }: DownloadOptions): Promise<Uint8Array> {
  const impatience = new AbortController(), host = URL.canParse(url) ? new URL(url).host : url;
  let timer = setTimeout(() => impatience.abort(new Error(`${host} did not answer within ${connectSeconds} s`)), connectSeconds * 1000);
  const task = progress.begin(`downloading from ${host}`, 1), chunks: Uint8Array[] = [];
  let size = 0;
  try {
    const response = await fetch(url, { signal: signal ? AbortSignal.any([signal, impatience.signal]) : impatience.signal });
    if (!response.ok || response.body === null) throw new Error(`${host} answered ${response.status}`);
    const expected = Number(response.headers.get('content-length') ?? Number.NaN);
    for await (const chunk of response.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > LARGEST) throw new Error(`${host} sent more than ${LARGEST / MIB} MiB`);
      task.at(size / Math.max(expected || expectedMiB * MIB, size), `${(size / MIB).toFixed(1)} MiB`);
      clearTimeout(timer);
      timer = setTimeout(() => impatience.abort(new Error(`${host} stopped sending for ${stallSeconds} s`)), stallSeconds * 1000);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException };
    throw message === 'fetch failed' ? new Error(cause?.code ? `${cause.code} at ${host}` : `no connection to ${host}`, { cause: error }) : error;
  } finally {
    clearTimeout(timer);
    task.end();
  }
}
