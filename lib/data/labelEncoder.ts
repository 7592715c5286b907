import { TightrecError } from '../errors.ts';

/** RawId: what callers name users and items by. 1 and '1' are different ids. */
export type RawId = string | number | bigint;

/**
 * LabelEncoder: raw ids to row numbers 0 .. size - 1 and back. Ids are sorted, so that the same set gives the same rows whatever its order:
 * numbers by value, then bigints by value, then strings by code point (not by locale: 'm' comes after 'Z'). Ids that come later (`extended`) get
 * rows after all those, so that no row changes its id.
 *
 * With `unknown: true` row 0 is kept for ids that were not there: `encode` gives 0 for them, and the known ids start at 1.
 */
export class LabelEncoder {
  /** Raw id of each row. With `unknown`, row 0 holds null. */
  readonly labels: readonly (RawId | null)[];
  readonly unknown: boolean;
  readonly #rows: Map<RawId, number>;

  private constructor(distinct: readonly RawId[], unknown: boolean) {
    this.labels = unknown ? [null, ...distinct] : distinct;
    this.unknown = unknown;
    this.#rows = new Map();
    for (let row = unknown ? 1 : 0; row < this.labels.length; row++) this.#rows.set(this.labels[row] as RawId, row);
  }

  /** Learns the distinct ids. Errors: 'bad-input' for an id that is not a string, bigint or finite number. */
  static fit(ids: Iterable<RawId>, options: { unknown?: boolean } = {}): LabelEncoder {
    const distinct = new Set<RawId>();
    let at = 0;
    for (const id of ids) { checkId(id, at); distinct.add(id); at++; }
    return new LabelEncoder([...distinct].sort(compareIds), options.unknown ?? false);
  }

  /** inOrder: the same with the rows in the order given, as `known()` gave them. Errors: as of fit, and 'bad-input' for an id that comes twice. */
  static inOrder(ids: Iterable<RawId>, options: { unknown?: boolean } = {}): LabelEncoder {
    const distinct = new Set<RawId>();
    let at = 0;
    for (const id of ids) {
      checkId(id, at);
      if (distinct.has(id)) throw new TightrecError('bad-input', `ids in order must be distinct, got ${String(id)} again at position ${at}`);
      distinct.add(id);
      at++;
    }
    return new LabelEncoder([...distinct], options.unknown ?? false);
  }

  /** extended: an encoder that has its rows, and after them one for each of these ids that it does not know, in the order of `fit`; itself where there is none. */
  extended(ids: Iterable<RawId>): LabelEncoder {
    const more = LabelEncoder.fit(ids).known().filter((id) => !this.has(id));
    return more.length === 0 ? this : new LabelEncoder([...this.known(), ...more], this.unknown);
  }

  /** Rows, the one for unknown ids included. */
  get size(): number { return this.labels.length; }

  has(id: RawId): boolean { return this.#rows.has(id); }

  /** The row of an id; -1 (or 0 with `unknown`) for an id that was not there. */
  encode(id: RawId): number { return this.#rows.get(id) ?? (this.unknown ? 0 : -1); }

  /** The row of each id. Shape: ids (n) -> (n). */
  encodeAll(ids: ArrayLike<RawId>): Int32Array {
    const rows = new Int32Array(ids.length);
    for (let at = 0; at < rows.length; at++) rows[at] = this.encode(ids[at]);
    return rows;
  }

  /** The id of a row. Errors: 'unknown-id' for a row that is not there, or that stands for unknown ids. */
  decode(row: number): RawId {
    const id = this.labels[row];
    if (id === undefined || id === null) throw new TightrecError('unknown-id', `row ${row} has no id: rows with an id are ${this.unknown ? 1 : 0}..${this.size - 1}`);
    return id;
  }

  /** The known ids, in order: what a file keeps. */
  known(): RawId[] { return this.labels.slice(this.unknown ? 1 : 0) as RawId[]; }
}

/** checkId: refuses what cannot be an id. Errors: 'bad-input'. */
export function checkId(id: unknown, at: number): void {
  if (typeof id === 'string' || typeof id === 'bigint' || (typeof id === 'number' && Number.isFinite(id))) return;
  throw new TightrecError('bad-input', `an id must be a string, a bigint or a finite number, got ${String(id)} at position ${at}`);
}

/** twinOf: the same id as a number or as a text, where that is among those known; an id that is neither known nor has a twin is just a new one. */
export function twinOf(id: unknown, has: (id: RawId) => boolean): RawId | null {
  const other = typeof id === 'string' && String(Number(id)) === id ? Number(id) : typeof id === 'number' ? String(id) : null;
  return other !== null && has(other) ? other : null;
}

/** knownId: the id that was meant, as the encoder knows it: the same, or the number that a text spells, or the text of a number; null where it knows none of them. */
export function knownId(id: RawId, encoder: LabelEncoder): RawId | null {
  const has = (one: RawId): boolean => encoder.has(one);
  if (has(id)) return id;
  return twinOf(id, has) ?? (typeof id === 'string' && /^-?\d{1,40}$/.test(id) && has(BigInt(id)) ? BigInt(id) : null);
}

const kinds = { number: 0, bigint: 1, string: 2 } as const;

/** compareIds: numbers before bigints before strings; numbers by value, strings by code point. */
export function compareIds(a: RawId, b: RawId): number {
  if (typeof a !== typeof b) return kinds[typeof a as keyof typeof kinds] - kinds[typeof b as keyof typeof kinds];
  if (typeof a === 'string') return compareCodePoints(a, b as string);
  return a < (b as number) ? -1 : a > (b as number) ? 1 : 0;
}

/** JavaScript compares strings by UTF-16 unit, in which a character beyond U+FFFF comes before U+E000 .. U+FFFF; by code point it comes after. */
function compareCodePoints(a: string, b: string): number {
  const n = Math.min(a.length, b.length);
  for (let at = 0; at < n; at++) {
    const x = a.charCodeAt(at), y = b.charCodeAt(at);
    if (x !== y) return lift(x) - lift(y);
  }
  return a.length - b.length;
}

const lift = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
