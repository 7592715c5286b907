import { TightrecError } from '../errors.ts';
import type { Usearch } from './approximateIndex.ts';

/** loadUsearch: the package usearch, an optional peer, imported only here and only when asked. Errors: 'unsupported' where it is not installed, or has no build for this machine. */
export const loadUsearch = (): Promise<Usearch> => loadWith(() => import('usearch'));

/** loadWith: the same with a way to load of one's own. */
export async function loadWith(load: () => Promise<unknown>): Promise<Usearch> {
  try {
    const loaded = await load() as Partial<Usearch> & { default?: Usearch };
    return loaded.Index === undefined ? loaded.default! : loaded as Usearch;
  } catch (cause) {
    throw new TightrecError('unsupported', `an approximate index needs the package usearch, which could not be loaded (${cause instanceof Error ? cause.message : String(cause)}); run npm install usearch@2, or use ExactIndex of tightrec/retrieval`, { cause });
  }
}
