/** tightrec/node: model files, on Node, Bun and Deno. */
import { fromBytes, toBytes } from './io/model.ts';
import { readWhole, writeWhole } from './io/files.ts';
import type { Recommender } from './models/recommender.ts';

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
