import { fileURLToPath } from 'node:url';
import type { FitOptions, RawId, Recommendation, Recommender } from '../../lib/index.ts';
import { TightrecError } from '../../lib/errors.ts';
import { BPR, Popularity, checkpointToBytes, toBytes } from '../../lib/index.ts';
import { decodeSafetensors } from '../../lib/io/safetensors.ts';
import { shop } from './shop.ts';
import { smallModels } from './smallModels.ts';

/** Model files as tightrec once wrote them, v1 and so on by their version, and beside each what the model answered then. Written by test/fixtures/models.ts. */
export const fixtureFolder = fileURLToPath(new URL('../fixtures/models/', import.meta.url));

/** fileVersion: of the files that this tightrec writes. */
export const fileVersion = decodeSafetensors(toBytes(await new Popularity().fit(shop()))).metadata.get('version')!;

/** Answers of a model, as JSON holds them to the bit. */
export interface FixtureAnswers {
  readonly users: readonly RawId[];
  readonly items: readonly RawId[];
  readonly scores: readonly (readonly number[])[];
  readonly lists: readonly (readonly Recommendation[])[];
  /** Null for a model that knows no likeness. */
  readonly alike: readonly (readonly Recommendation[])[] | null;
  /** Of a checkpoint: the scores when the fit has gone on to its end. */
  readonly after?: readonly (readonly number[])[];
}

/** scoresOf: all scores of some users. */
export const scoresOf = (model: Recommender, users: readonly RawId[]): number[][] => users.map((user) => Array.from(model.scores([model.users.encode(user)])));

/** answersOf: scores and lists of three users, and what is like three items. */
export function answersOf(model: Recommender): FixtureAnswers {
  const some = (ids: readonly RawId[]): RawId[] => [ids[0], ids[5], ids[ids.length - 2]], users = some(model.users.known()), items = some(model.items.known());
  let alike: FixtureAnswers['alike'] = null;
  try { alike = items.map((item) => model.similarTo(item, { k: 4 })); } catch (error) {
    if (!(error instanceof TightrecError) || error.code !== 'unsupported') throw error;
  }
  return { users, items, scores: scoresOf(model, users), lists: users.map((user) => model.recommendFor(user, { k: 4 })), alike };
}

/** checkpointMakers: fits that are kept: one that goes back in the end to its best epoch, the first, which is in the file beside the last; and one with features. */
export const checkpointMakers: Record<string, { make: () => Recommender; options?: FitOptions }> = {
  BPR: { make: () => new BPR({ factors: 3, epochs: 3, stepsPerEpoch: 3, batchSize: 50 }), options: { patience: 9, validation: (model) => -model.toState().numbers.epochs } },
  Siamese: { make: smallModels.Siamese },
};

/** checkpointOf: the bytes of the checkpoint after the last epoch but one, and the scores at the end. */
export async function checkpointOf({ make, options }: (typeof checkpointMakers)[string]): Promise<{ bytes: Uint8Array; end: Recommender }> {
  const kept: Uint8Array[] = [], model = await make().fit(shop(), { ...options, checkpoints: { load: () => null, save: (checkpoint) => { kept.push(checkpointToBytes(checkpoint)); } } });
  return { bytes: kept[kept.length - 2], end: model };
}
