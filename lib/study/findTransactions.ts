import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { TightrecError } from '../errors.ts';
import { readWhole, writeWhole } from '../io/files.ts';
import { type DownloadOptions, LARGEST, cacheFolder, download, filesInZip } from './download.ts';
import { generateTransactions } from './generate.ts';
import { type ReadTransactionsOptions, type Transactions, readTransactions } from './onlineRetail.ts';
import { packageRoot } from './packageRoot.ts';
import { type Progress, silent } from './progress.ts';

/** Where the data is published: a zip with the workbook in it (Chen, 2015, doi 10.24432/C5BW33, CC BY 4.0). */
export const PUBLIC_URL = 'https://archive.ics.uci.edu/static/public/352/online+retail.zip';
const WORKBOOK = 'Online Retail.xlsx';

export interface FindOptions extends Pick<DownloadOptions, 'connectSeconds' | 'stallSeconds'> {
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
    workbook = await workbookOf(await download(url, { ...options, expectedMiB: 23 }), url);
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

const workbookOf = async (zip: Uint8Array, name: string): Promise<Uint8Array> => (await filesInZip(zip, name, [WORKBOOK]))[0];
