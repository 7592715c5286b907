import { TightrecError } from '../errors.ts';

/** Learning: how the models of 'tightrec' learn, by their names. */
export interface Learning {
  readonly AlternatingLeastSquares: Pick<typeof import('./fit/alternatingLeastSquares.ts'), 'fit' | 'goOn' | 'foldIn'>;
  readonly BPR: Pick<typeof import('./fit/bpr.ts'), 'fit' | 'goOn'>;
  readonly LogisticMF: Pick<typeof import('./fit/logisticMF.ts'), 'fit' | 'goOn'>;
  readonly NextItemLSTM: Pick<typeof import('./fit/nextItemLSTM.ts'), 'fit' | 'goOn'>;
  readonly Popularity: Pick<typeof import('./fit/popularity.ts'), 'fit' | 'goOn'>;
}

let brought: Learning | null = null;

/** bringLearning: from now on nothing has to be loaded. */
export function bringLearning(all: Learning): void { brought = all; }

/**
 * learningOf: how a model learns, loaded by `load` when it is first asked for.
 * Errors: 'not-loaded', when the runtime does not find the file, or allows no import while it runs.
 */
export async function learningOf<Name extends keyof Learning>(name: Name, load: () => Promise<Learning[Name]>): Promise<Learning[Name]> {
  if (brought !== null) return brought[name];
  try { return await load(); } catch (cause) {
    throw new TightrecError('not-loaded', `${name}: the part of tightrec that learns, which is loaded when a model is first fitted, could not be loaded: ${(cause as Error | undefined)?.message ?? cause}; try again, or call loadLearning() of 'tightrec/models' when the program starts`, { cause });
  }
}
