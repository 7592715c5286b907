import { existsSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { TightrecError } from '../errors.ts';
import { readWhole, writeWhole } from '../io/files.ts';
import { type DownloadOptions, LARGEST, cacheFolder, download, filesInZip } from './download.ts';
import { generateRatings } from './generateRatings.ts';
import { FILES, type MovieLens, readMovieLens } from './movieLens.ts';
import { packageRoot } from './packageRoot.ts';
import { silent } from './progress.ts';

/** Where the data is published (GroupLens; for research, not to be passed on). */
export const MOVIELENS_URL = 'https://files.grouplens.org/datasets/movielens/ml-100k.zip';
const FOLDER = 'ml-100k', PARTS = Object.keys(FILES) as (keyof typeof FILES)[];

export interface FindMovieLensOptions extends DownloadOptions {
  /** A folder with the files of MovieLens 100k, or the published .zip; 'generated' for made-up data. Without it, places are tried in turn. */
  file?: string | undefined;
  seed?: number;
  // for tests: where else to look
  cache?: string;
  shared?: string;
  url?: string;
}

/**
 * findMovieLens: the data from the folder or archive named, else from the cache folder, else from ../shared/data beside the project, else from the public
 * download (kept in the cache, whole or not at all), else made up, which it says before anything else.
 * Errors: as readMovieLens; 'file-missing'. That there is no network is none.
 */
export async function findMovieLens(options: FindMovieLensOptions = {}): Promise<MovieLens> {
  const { file, seed = 1, progress = silent, signal, cache = cacheFolder(), shared = join(packageRoot, '..', 'shared', 'data'), url = MOVIELENS_URL } = options;
  const made = (why: string): MovieLens => {
    progress.say(`${why}: these are GENERATED ratings of the shape of MovieLens 100k, made up, not the real ones.`);
    return generateRatings(seed);
  };
  if (file === 'generated') return made('Asked for');
  if (file !== undefined) return /\.zip$/i.test(file) ? unpacked(await readWhole(file, LARGEST), file, signal) : inFolder(file, file, signal);

  const kept = join(cache, `${FOLDER}.zip`);
  if (existsSync(kept)) {
    return unpacked(await readWhole(kept, LARGEST), kept, signal).catch((error: unknown) => {
      if (!(error instanceof TightrecError)) throw error;
      throw new TightrecError(error.code, `${error.message} (this is the copy that tightrec keeps: delete it to have it downloaded again)`, { cause: error });
    });
  }
  const beside = join(shared, FOLDER);
  if (existsSync(beside)) return inFolder(beside, relative(packageRoot, beside), signal); // named as it would be typed there, so that results say no machine's path

  let zip: Uint8Array, data: MovieLens;
  try {
    zip = await download(url, { ...options, expectedMiB: 5 });
    data = await unpacked(zip, url, signal);
  } catch (error) {
    signal?.throwIfAborted();
    return made(`No download (${(error as Error).message})`);
  }
  try {
    await mkdir(cache, { recursive: true });
    await writeWhole(kept, zip);
    progress.say(`kept a copy in ${kept}`);
  } catch (error) {
    progress.say(`could not keep a copy: ${(error as Error).message}`);
  }
  return data;
}

async function inFolder(folder: string, source: string, signal: AbortSignal | undefined): Promise<MovieLens> {
  const there = await stat(folder).catch(() => null), missing = there?.isDirectory() ? PARTS.find((part) => !existsSync(join(folder, FILES[part]))) : undefined;
  if (there === null) throw new TightrecError('file-missing', `expected a folder with the files of MovieLens 100k, or its ml-100k.zip, got ${folder}, which is not there`);
  if (!there.isDirectory()) throw new TightrecError('file-unreadable', `expected a folder with the files of MovieLens 100k, or its ml-100k.zip, got ${folder}, which is neither`);
  if (missing !== undefined) throw new TightrecError('file-missing', `expected the files of MovieLens 100k in ${folder}, but ${FILES[missing]} is not there`);
  return readMovieLens(source, Object.fromEntries(PARTS.map((part) => [part, join(folder, FILES[part])])) as Record<keyof typeof FILES, string>, { signal });
}

async function unpacked(zip: Uint8Array, name: string, signal: AbortSignal | undefined): Promise<MovieLens> {
  const files = await filesInZip(zip, name, PARTS.map((part) => `${FOLDER}/${FILES[part]}`));
  return readMovieLens(name, Object.fromEntries(PARTS.map((part, at) => [part, files[at]])) as Record<keyof typeof FILES, Uint8Array>, { signal });
}
