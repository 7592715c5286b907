import { TightrecError, describe } from '../errors.ts';
import { quoted } from './tableBuilder.ts';

/**
 * Feature: what a model is told of one thing that is known of a user or an item, as plain data: it is a setting, and so it travels in the model file.
 * `column` is the column of the side table that it reads; null for the one of its own name.
 */
export type Feature =
  | { readonly kind: 'id' }
  | { readonly kind: 'category'; readonly rare: number; readonly column: string | null }
  | { readonly kind: 'bucket'; readonly edges: readonly number[] | null; readonly count: number | null; readonly by: 'width' | 'quantile' | null; readonly column: string | null }
  | { readonly kind: 'number'; readonly column: string | null }
  | { readonly kind: 'text'; readonly words: number; readonly column: string | null }
  | { readonly kind: 'multi'; readonly rare: number; readonly separator: string; readonly column: string | null };

/** Features: those of users, or of items, by name, in the order of their columns. */
export type Features = Readonly<Record<string, Feature>>;

interface FromColumn { column?: string }

/** id: a column for each id of the training data. An id met later has none of them, and is told by its other features alone. */
export const id = (): Feature => ({ kind: 'id' });

/**
 * category: a column for each value of the training data, texts or whole numbers. A value not met in training has no column, and an empty text is no value.
 * With `rare`, values of fewer ids than that share one column, and values not met in training take it too.
 */
export const category = ({ rare = 0, column }: { rare?: number } & FromColumn = {}): Feature => ({ kind: 'category', rare, column: column ?? null });

/**
 * bucket: a column for each range of a number. `edges`, ascending, cut it: below the first, from each to below the next, from the last up. Or `count` ranges
 * of the training data's values, `by` equal 'width' or by 'quantile' (equally many ids in each; fewer ranges where many values are equal).
 */
export const bucket = ({ edges, count, by, column }: { edges?: readonly number[]; count?: number; by?: 'width' | 'quantile' } & FromColumn): Feature =>
  ({ kind: 'bucket', edges: edges ?? null, count: count ?? null, by: by ?? (count === undefined ? null : 'quantile'), column: column ?? null });

/** number: one column, whose entry is (value - mean) / deviation, by the mean and the standard deviation of the training data. */
export const number = ({ column }: FromColumn = {}): Feature => ({ kind: 'number', column: column ?? null });

/**
 * text: a column for each of the `words` most frequent words of the training data (ties by code point): runs of letters and digits, in lower case. Each of the n known
 * words of a text counts 1 / n, so that vectors of words are averaged. A text without a known word has no column.
 */
export const text = ({ words, column }: { words: number } & FromColumn): Feature => ({ kind: 'text', words, column: column ?? null });

/**
 * multi: several values at once, such as genres: a column for each value of the training data. A cell is a list of texts, or one text with the values
 * between separators. No values are a case like any other; the same one twice is an error. `rare` as for category.
 */
export const multi = ({ rare = 0, separator = '|', column }: { rare?: number; separator?: string } & FromColumn = {}): Feature => ({ kind: 'multi', rare, separator, column: column ?? null });

const isWhole = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least;
const wrongRare = ({ rare }: Record<string, unknown>): string | null => isWhole(rare, 0) ? null : `rare must be a whole number from 0 up, got ${describe(rare)}`;

/** What each kind must be given: null where all is well. */
const wrong: Record<Feature['kind'], (feature: Record<string, unknown>) => string | null> = {
  id: () => null,
  category: wrongRare,
  number: () => null,
  text: ({ words }) => isWhole(words, 1) ? null : `words must be a whole number from 1 up, got ${describe(words)}`,
  multi: (feature) => wrongRare(feature) ?? (typeof feature.separator === 'string' && feature.separator !== '' ? null : `separator must be a text that is not empty, got ${describe(feature.separator)}`),
  bucket({ edges, count, by }) {
    if ((edges === null) === (count === null)) return `it must be given either edges or a count, got ${edges === null ? 'neither' : 'both'}`;
    if (edges === null) {
      if (!isWhole(count, 2)) return `count must be a whole number from 2 up, got ${describe(count)}`;
      return by === 'width' || by === 'quantile' ? null : `by must be 'width' or 'quantile', got ${describe(by)}`;
    }
    if (by !== null) return `by is for a count, and these are edges; leave it out`;
    return Array.isArray(edges) ? wrongEdges(edges) : `edges must be a list of numbers, got ${describe(edges)}`;
  },
};

/** wrongEdges: what is wrong with the edges of buckets; null where all is well. */
export function wrongEdges(edges: readonly unknown[]): string | null {
  if (edges.length === 0) return 'edges must hold at least one number, got none';
  for (const [at, edge] of edges.entries()) {
    if (typeof edge !== 'number' || !Number.isFinite(edge)) return `edges must be finite numbers, got ${describe(edge)} at position ${at}`;
    if (at > 0 && !(edge > (edges[at - 1] as number))) return `edges must ascend, got ${edge} after ${String(edges[at - 1])} at position ${at}`;
  }
  return null;
}

/** checkFeatures: refuses a declaration that means nothing. `where` begins the error. Errors: 'bad-setting', naming the feature. */
export function checkFeatures(where: string, features: unknown): asserts features is Features {
  const made = 'an object of features by name, such as { id: id(), age: bucket({ edges: [18, 35] }) }';
  if (typeof features !== 'object' || features === null || Array.isArray(features)) throw new TightrecError('bad-setting', `${where} must be ${made}, got ${describe(features)}`);
  if (Object.keys(features).length === 0) throw new TightrecError('bad-setting', `${where} must be ${made}, got none; { id: id() } tells ids apart and no more`);
  let ids = 0;
  for (const [name, feature] of Object.entries(features as Record<string, unknown>)) {
    const { kind, column = null } = (typeof feature === 'object' && feature !== null ? feature : {}) as { kind?: unknown; column?: unknown };
    if (typeof kind !== 'string' || !Object.hasOwn(wrong, kind)) throw new TightrecError('bad-setting', `${where}: feature ${quoted(name)} must be of a kind among ${Object.keys(wrong).join(', ')}, got ${kind === undefined ? describe(feature) : describe(kind)}`);
    const expected = column !== null && typeof column !== 'string' ? `column must be the name of a column, got ${describe(column)}` : wrong[kind as Feature['kind']](feature as Record<string, unknown>);
    if (expected !== null) throw new TightrecError('bad-setting', `${where}: feature ${quoted(name)}, ${kind}: ${expected}`);
    if (kind === 'id' && ++ids > 1) throw new TightrecError('bad-setting', `${where}: expected at most one feature of kind id, got a second one, ${quoted(name)}`);
  }
}
