import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import { unzip } from 'unzipit';
import { TightrecError } from '../errors.ts';
import { readWhole, writeWhole } from '../io/files.ts';
import { generateTransactions } from './generate.ts';
import { type ReadTransactionsOptions, type Transactions, readTransactions } from './onlineRetail.ts';
import { packageRoot } from './packageRoot.ts';
import { type Progress, silent } from './progress.ts';

/** Where the data is published: a zip with the workbook in it (Chen, 2015, doi 10.24432/C5BW33, CC BY 4.0). */
export const PUBLIC_URL = 'https://archive.ics.uci.edu/static/public/352/online+retail.zip';
const WORKBOOK = 'Online Retail.xlsx', MIB = 2 ** 20, LARGEST = 256 * MIB;

export interface FindOptions {
  /** A .csv, .csv.gz, .xlsx, or the published .zip; 'generated' for made-up data. Without it, places are tried in turn. */
  file?: string | undefined;
  seed?: number;
  onBadRow?: 'error' | 'skip';
  progress?: Progress;
  signal?: AbortSignal | undefined;
  // for tests: where else to look
  cache?: string;
  shared?: string;
  url?: string;
  /** How long to wait for an answer, and for more of a download that has stopped. */
  connectSeconds?: number;
  stallSeconds?: number;
  /** Of generated data: how much of it. */
  scale?: number;
}

/**
 * findTransactions: the study's data from the file named, else from the cache folder, else from ../shared/data beside the project, else from
 * the public download (kept in the cache, whole or not at all), else made up, which it says before anything else.
 * Errors: as readTransactions. That there is no network is none.
 */
export async function findTransactions(options: FindOptions = {}): Promise<Transactions> {
  const { file, seed = 1, progress = silent, signal, onBadRow, cache = cacheFolder(), shared = join(packageRoot, '..', 'shared', 'data', 'online-retail'), url = PUBLIC_URL, scale = 1 } = options;
  const reading = { progress, onBadRow, signal };
  if (file === 'generated') return generated(seed, scale, progress, 'Asked for');
  if (file !== undefined) return read(file, /\.zip$/i.test(file) ? await workbookOf(await readWhole(file, LARGEST), file) : file, reading);

  const kept = ['csv.gz', 'csv', 'xlsx'].map((ending) => join(cache, `online-retail.${ending}`)).find((path) => existsSync(path));
  if (kept !== undefined) {
    return read(kept, kept, reading).catch((error: unknown) => {
      if (!(error instanceof TightrecError)) throw error;
      throw new TightrecError(error.code, `${error.message} (this is the copy that tightrec keeps: delete it to have it downloaded again)`, { cause: error });
    });
  }
  const beside = join(shared, 'online-retail.csv.gz');
  if (existsSync(beside)) { // named as it would be typed there, so that results say no machine's path
    const source = relative(packageRoot, beside);
    return { ...await read(source, beside, reading), source };
  }

  let workbook: Uint8Array;
  try {
    workbook = await workbookOf(await download(url, options), url);
  } catch (error) {
    signal?.throwIfAborted();
    return generated(seed, scale, progress, `No download (${(error as Error).message})`);
  }
  const copy = join(cache, 'online-retail.xlsx');
  try {
    await mkdir(cache, { recursive: true });
    await writeWhole(copy, workbook);
    progress.say(`kept a copy in ${copy}`);
  } catch (error) {
    progress.say(`could not keep a copy: ${(error as Error).message}`);
  }
  return { ...await read(url, workbook, reading), source: url };
}

/** cacheFolder: where this system keeps what can be had again. */
export function cacheFolder({ env, platform }: Pick<NodeJS.Process, 'env' | 'platform'> = process): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'tightrec');
  if (platform === 'win32') return join(env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'tightrec', 'Cache');
  return platform === 'darwin' ? join(homedir(), 'Library', 'Caches', 'tightrec') : join(homedir(), '.cache', 'tightrec');
}

function generated(seed: number, scale: number, progress: Progress, why: string): Transactions {
  progress.say(`${why}: these are GENERATED data of the shape of Online Retail, made up, not the real transactions.`);
  return generateTransactions(seed, scale);
}

async function read(name: string, file: string | Uint8Array, { progress, ...options }: Omit<ReadTransactionsOptions, 'onProgress' | 'signal'> & { progress: Progress; signal: AbortSignal | undefined }): Promise<Transactions> {
  const task = progress.begin(`reading ${name}`, 1);
  const transactions = await readTransactions(file, {
    ...(options.onBadRow && { onBadRow: options.onBadRow }), ...(options.signal && { signal: options.signal }),
    onProgress: ({ bytes, totalBytes, rows }) => task.at(bytes / totalBytes, `${rows.toLocaleString('en')} rows`),
  });
  task.end(`${transactions.rows.toLocaleString('en')} rows`);
  const { count, details: [first] } = transactions.skipped;
  if (first) progress.say(`left out ${count} bad row${count === 1 ? '' : 's'}; the first: row ${first.row}${first.column && `, column ${first.column}`}: ${first.message}`);
  return transactions;
}

/** The workbook in the published zip. unzipit ends in an error where the archive is cut short or does not match its directory. */
async function workbookOf(zip: Uint8Array, name: string): Promise<Uint8Array> {
  const { entries } = await unzip(zip as Uint8Array<ArrayBuffer>).catch((cause: unknown) => {
    throw new TightrecError('file-damaged', `expected a zip archive in ${name}, got something else, or a part of one`, { cause });
  });
  const entry = entries[WORKBOOK];
  if (entry === undefined) throw new TightrecError('file-damaged', `expected '${WORKBOOK}' in ${name}, got ${Object.keys(entries).slice(0, 5).join(', ') || 'an empty archive'}`);
  if (entry.size > LARGEST) throw new TightrecError('file-too-large', `expected '${WORKBOOK}' in ${name} to expand to at most ${LARGEST} bytes, it says ${entry.size}`);
  return new Uint8Array(await entry.arrayBuffer().catch((cause: unknown) => {
    throw new TightrecError('file-damaged', `expected '${WORKBOOK}' in ${name} whole, got a part of it: ${(cause as Error).message}`, { cause });
  }));
}

/** All of what the address holds. Errors: one whose message says why not, in a few words. */
async function download(url: string, { progress = silent, signal, connectSeconds = 6, stallSeconds = 20 }: FindOptions): Promise<Uint8Array> {
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
      task.at(size / Math.max(expected || 23 * MIB, size), `${(size / MIB).toFixed(1)} MiB`);
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
