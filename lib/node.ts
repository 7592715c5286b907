/** tightrec/node: files, on Node, Bun and Deno. */
import { join } from 'node:path';
import { fromBytes } from './io/anyFromBytes.ts';
import { toBytes } from './io/model.ts';
import { readWhole, writeWhole } from './io/files.ts';
import type { Recommender } from './models/recommender.ts';
import { type ProjectorOptions, projectorFiles } from './retrieval/projectorFiles.ts';

export { checkpointFile } from './io/checkpointFile.ts';

/**
 * save: writes a fitted model to a file, whole or not at all.
 * Errors: 'not-fitted'; 'file-missing' or 'file-unreadable' when it cannot be written, an older file left as it was.
 */
export async function save(model: Recommender, path: string): Promise<void> {
  await writeWhole(path, toBytes(model));
}

/** load: a model from a file that save wrote. Errors: 'file-missing', 'file-unreadable', 'file-damaged'. */
export async function load(path: string): Promise<Recommender> {
  return fromBytes(await readWhole(path), path);
}

/**
 * saveProjectorFiles: writes the item vectors of a fitted model, vectors.tsv and metadata.tsv, into a folder, for TensorBoard's embedding projector.
 * Errors: as projectorFiles; 'file-missing' or 'file-unreadable' when they cannot be written.
 */
export async function saveProjectorFiles(model: Recommender, folder: string, options: ProjectorOptions = {}): Promise<void> {
  const { vectors, metadata } = projectorFiles(model, options), encoder = new TextEncoder();
  await writeWhole(join(folder, 'vectors.tsv'), encoder.encode(vectors));
  await writeWhole(join(folder, 'metadata.tsv'), encoder.encode(metadata));
}
