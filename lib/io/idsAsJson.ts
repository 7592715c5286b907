import type { RawId } from '../data/labelEncoder.ts';

/** idsAsJson: a JSON array of raw ids; a bigint, which JSON lacks, as {"bigint":"123"}, and null for the row of unknown ids. */
export const idsAsJson = (ids: readonly (RawId | null)[]): string => JSON.stringify(ids, (_, id) => typeof id === 'bigint' ? { bigint: String(id) } : id);
