import { readWhole } from '../io/files.ts';
import { fromBytes } from '../io/model.ts';
import type { Recommender } from '../models/recommender.ts';

/** loadModel: the model that `tightrec fit` wrote. */
export async function loadModel(path: string): Promise<Recommender> {
  return fromBytes(await readWhole(path), path);
}
