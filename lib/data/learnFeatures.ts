import { TightrecError, describe } from '../errors.ts';
import type { Csr } from './csr.ts';
import { type Feature, type Features, checkFeatures, wrongEdges } from './features.ts';
import { describeId } from './interactions.ts';
import { type RawId, LabelEncoder, compareIds, twinOf } from './labelEncoder.ts';
import { type SideTable, checkSideTable } from './sideTable.ts';
import { listed, quoted, suggestion } from './tableBuilder.ts';

/** FeaturePart: the columns of one feature: from <= column < to. */
export interface FeaturePart { readonly name: string; readonly from: number; readonly to: number }

/** Learned: what one feature has learned of the training data; what is not of its kind is null. */
export interface LearnedFeature extends FeaturePart {
  readonly feature: Feature;
  readonly labels: LabelEncoder | null; // category, multi, text: a column for each
  readonly edges: readonly number[] | null; // bucket
  readonly mean: number | null; // number
  readonly deviation: number | null;
}

/** LearnedFeatures: vocabularies and statistics, of the training data alone. */
export interface LearnedFeatures {
  /** Those of the training data: each has a column of its own where `id` is declared. */
  readonly ids: LabelEncoder;
  readonly parts: readonly LearnedFeature[];
  readonly columns: number;
}

/** FeatureMatrix: ids x columns; entries are 1 for category, bucket, multi and id, 1 / n for each of n known words, and a number's normalised value. */
export interface FeatureMatrix extends Csr {
  readonly parts: readonly FeaturePart[];
  /** For each feature, how many of the ids have no column of it: a value, or words, not met in training, no value at all, or a new id. */
  readonly without: Readonly<Record<string, number>>;
}

/** LearnedFeaturesData: the same as plain data, as a model file keeps it beside the declaration and all the model's ids. */
export interface LearnedFeaturesData {
  /** How many of the model's ids, from the first, were there in training; or, where they are not the first ones, which: their rows. */
  readonly trained: number | readonly number[];
  readonly parts: readonly { readonly labels?: readonly RawId[]; readonly edges?: readonly number[]; readonly mean?: number; readonly deviation?: number }[];
}

/** Cells: those of a feature's column, and what an error says of where one stands. */
interface Cells { readonly values: ArrayLike<unknown>; readonly where: (at: number) => string }

/** Rows: columns of cells, what errors call them, and each row of them. */
interface Rows { readonly source: string; readonly columns: SideTable['columns']; rowName(row: number): string }

const rowsOf = (table: SideTable | null): Rows | null => table && { ...table, rowName: (row) => `id ${describeId(table.ids[row])}` };
const countingRows = (n: number): Int32Array => Int32Array.from({ length: n }, (_, row) => row);

/**
 * learnFeatures: the vocabularies and statistics of declared features, from the ids of the training data alone, whatever else the table holds; `ids` is
 * their encoder (`trainedIds` where one holds more). `where` begins the errors.
 * Errors: 'bad-setting' for a declaration that means nothing; 'column-missing'; 'unknown-id' for an id that the table lacks; 'bad-input' for a cell
 * that its feature cannot read, naming id and column, and for a number that is the same everywhere.
 */
export function learnFeatures(declared: Features, ids: LabelEncoder, table: SideTable | null = null, where = 'learnFeatures'): LearnedFeatures {
  checkFeatures(where, declared);
  return learnAt(declared, ids, positionsOf(ids.known(), declared, table, where), rowsOf(table), where);
}

/**
 * learnRows: the same of the rows of columns that stand beside something without ids, such as events; a feature of kind id has no place there.
 * Errors: as learnFeatures.
 */
export function learnRows(declared: Features, n: number, columns: SideTable['columns'], source: string, where: string): LearnedFeatures {
  checkFeatures(where, declared);
  return learnAt(declared, LabelEncoder.inOrder([]), countingRows(n), { source, columns, rowName: (row) => `row ${row}` }, where);
}

function learnAt(declared: Features, ids: LabelEncoder, at: Int32Array, rows: Rows | null, where: string): LearnedFeatures {
  const learned = Object.entries(declared).map(([name, feature]) => {
    const cells = cellsOf(name, feature, rows, where);
    return { name, feature, ...(cells === null ? nothingLearned : learn(name, feature, cells, at, where)) };
  });
  return inPlace(learned, ids);
}

/**
 * encodeFeatures: what the features say of ids, in the order given; null is a row that stands for unknown ids, of which nothing is known but, with `id`, that.
 * The matrix is sparse from here on: ids without a value, and new ids, just have fewer entries. Errors: as learnFeatures.
 */
export function encodeFeatures(learned: LearnedFeatures, ids: ArrayLike<RawId | null>, table: SideTable | null = null, where = 'encodeFeatures'): FeatureMatrix {
  const all = Array.from(ids), declared = Object.fromEntries(learned.parts.map(({ name, feature }) => [name, feature]));
  return encodeAt(learned, all, positionsOf(all, declared, table, where), rowsOf(table), where);
}

/**
 * encodeRows: what the features say of n rows of columns; `ids` says for each whose it is, null for nobody that is known. `rowName` is what errors call a row.
 * Errors: as learnFeatures.
 */
export function encodeRows(learned: LearnedFeatures, n: number, columns: SideTable['columns'], source: string, where: string, rowName: Rows['rowName'] = (row) => `row ${row}`, ids: readonly (RawId | null)[] | null = null): FeatureMatrix {
  return encodeAt(learned, ids, countingRows(n), { source, columns, rowName }, where, true);
}

function encodeAt(learned: LearnedFeatures, ids: readonly (RawId | null)[] | null, at: Int32Array, rows: Rows | null, where: string, namelessToo = false): FeatureMatrix {
  const { parts, columns } = learned, n = at.length, sources = parts.map(({ name, feature }) => cellsOf(name, feature, rows, where));
  const indptr = new Int32Array(n + 1), entries = new Entries(), without: Record<string, number> = Object.fromEntries(parts.map(({ name }) => [name, 0]));
  for (let row = 0; row < n; row++) {
    const id = ids === null ? null : ids[row];
    for (let p = 0; p < parts.length; p++) {
      const part = parts[p], before = entries.length;
      if (part.feature.kind === 'id') {
        const own = id === null ? (learned.ids.unknown ? 0 : -1) : learned.ids.encode(id);
        if (own >= 0) entries.push(part.from + own, 1);
      } else if (id !== null || namelessToo) encodeCell(entries, part, sources[p]!, at[row]);
      if (entries.length === before) without[part.name]++;
    }
    indptr[row + 1] = entries.length;
  }
  return { rows: n, columns, indptr, ...entries.take(), parts: parts.map(({ name, from, to }) => ({ name, from, to })), without };
}

/** featureName: what a column stands for: 'gender=F', 'age=25..35', 'title=star', 'id=196', or a number's own name. */
export function featureName({ parts, columns, ids }: LearnedFeatures, column: number): string {
  const part = parts.find(({ from, to }) => column >= from && column < to);
  if (part === undefined) throw new TightrecError('unknown-id', `featureName: column ${column} is outside 0..${columns - 1}`);
  const { name, feature, labels, edges } = part, at = column - part.from;
  if (feature.kind === 'number') return name;
  if (feature.kind === 'bucket') return `${name}=${at === 0 ? '' : edges![at - 1]}..${at === edges!.length ? '' : edges![at]}`;
  if (feature.kind === 'id') return `${name}=${ids.labels[at] ?? '(unknown)'}`;
  return `${name}=${at < labels!.size ? String(labels!.labels[at]) : '(rare)'}`;
}

/** trainedIds: an encoder of those ids whose row was met in training; the same one where that is all of them. Shape: met (rows). */
export function trainedIds(all: LabelEncoder, met: (row: number) => boolean): LabelEncoder {
  const first = all.unknown ? 1 : 0, known = all.known().filter((_, at) => met(first + at));
  return known.length === all.known().length ? all : LabelEncoder.inOrder(known, { unknown: all.unknown });
}

/** featuresToData: for a model file; `all` are the model's ids. */
export function featuresToData({ ids, parts }: LearnedFeatures, all: LabelEncoder): LearnedFeaturesData {
  const known = ids.known(), rows = known.map((id) => all.encode(id)), first = all.unknown ? 1 : 0;
  return {
    trained: rows.every((row, at) => row === first + at) ? known.length : rows,
    parts: parts.map(({ labels, edges, mean, deviation }) => ({ ...(labels && { labels: labels.known() }), ...(edges && { edges }), ...(mean !== null && { mean }), ...(deviation !== null && { deviation }) })),
  };
}

/**
 * featuresFromData: back, with the declaration from the model's settings and the ids from its catalogue. Nothing in `data` is trusted. `where` begins the errors.
 * Errors: 'file-damaged'.
 */
export function featuresFromData(declared: Features, all: LabelEncoder, data: unknown, where: string): LearnedFeatures {
  const damaged = (what: string): TightrecError => new TightrecError('file-damaged', `${where}: ${what}`);
  checkFeatures(where, declared);
  const { trained, parts } = (data ?? {}) as { trained?: unknown; parts?: unknown }, names = Object.keys(declared);
  const first = all.unknown ? 1 : 0, n = all.size - first, isCount = Number.isSafeInteger(trained) && (trained as number) >= 0 && (trained as number) <= n;
  const rows: number[] | null = Array.isArray(trained) ? trained : isCount ? Array.from({ length: trained as number }, (_, at) => first + at) : null;
  if (rows === null || !rows.every((row) => Number.isSafeInteger(row) && row >= first && row < all.size) || new Set(rows).size < rows.length) throw damaged(`expected trained, how many or which of ${n} ids were there in training, got ${describe(trained)}`);
  const ids = trained === n ? all : LabelEncoder.inOrder(rows.map((row) => all.decode(row)), { unknown: all.unknown });
  if (!Array.isArray(parts) || parts.length !== names.length) throw damaged(`expected what each of ${names.length} features has learned, got ${Array.isArray(parts) ? parts.length : describe(parts)}`);
  const learned = names.map((name, p) => {
    const feature = declared[name], { labels = null, edges = null, mean = null, deviation = null } = (parts[p] ?? {}) as Record<string, unknown>, bad = (what: string): TightrecError => damaged(`feature ${quoted(name)}: ${what}`);
    if (['category', 'multi', 'text'].includes(feature.kind) !== (labels !== null)) throw bad(`labels do not fit kind ${feature.kind}`);
    if ((feature.kind === 'bucket') !== (edges !== null)) throw bad(`edges do not fit kind ${feature.kind}`);
    if ((feature.kind === 'number') !== (mean !== null) || (feature.kind === 'number') !== (deviation !== null)) throw bad(`mean and deviation do not fit kind ${feature.kind}`);
    if (edges !== null && !(Array.isArray(edges) && wrongEdges(edges) === null)) throw bad(Array.isArray(edges) ? wrongEdges(edges)! : `edges must be a list, got ${describe(edges)}`);
    if (mean !== null && !Number.isFinite(mean)) throw bad(`mean must be a finite number, got ${describe(mean)}`);
    if (deviation !== null && !(Number.isFinite(deviation) && (deviation as number) > 0)) throw bad(`deviation must be a positive number, got ${describe(deviation)}`);
    if (labels !== null && !(Array.isArray(labels) && labels.every((label) => typeof label === 'string' || (feature.kind === 'category' && Number.isSafeInteger(label))) && new Set(labels).size === labels.length)) throw bad('labels must be distinct values of its kind');
    return { name, feature, labels: labels === null ? null : LabelEncoder.inOrder(labels as RawId[]), edges: edges as number[] | null, mean: mean as number | null, deviation: deviation as number | null };
  });
  return inPlace(learned, ids);
}

/** The features with their columns, one after another. */
function inPlace(learned: readonly Omit<LearnedFeature, 'from' | 'to'>[], ids: LabelEncoder): LearnedFeatures {
  let columns = 0;
  const parts = learned.map((part): LearnedFeature => {
    const { feature, labels, edges } = part, from = columns;
    columns += feature.kind === 'id' ? ids.size : feature.kind === 'number' ? 1 : feature.kind === 'bucket' ? edges!.length + 1 : labels!.size + ('rare' in feature && feature.rare > 0 ? 1 : 0);
    return { ...part, from, to: columns };
  });
  return { ids, parts, columns };
}

// Finding cells

/** Where each id stands in the table; nowhere (-1) where no feature asks. */
function positionsOf(ids: readonly (RawId | null)[], declared: Features, table: SideTable | null, where: string): Int32Array {
  const asking = Object.entries(declared).find(([, { kind }]) => kind !== 'id'), at = new Int32Array(ids.length).fill(-1);
  if (asking === undefined) return at;
  if (table === null) throw new TightrecError('bad-input', `${where}: expected a side table with column ${quoted(columnName(...asking))} for feature ${quoted(asking[0])}, got none; make one with sideTable() or readSideTable()`);
  checkSideTable(where, table);
  for (let row = 0; row < ids.length; row++) {
    const id = ids[row];
    if (id === null) continue;
    const found = table.position.get(id);
    if (found === undefined) {
      const twin = twinOf(id, (other) => table.position.has(other));
      throw new TightrecError('unknown-id', `${where}: id ${describeId(id)} is not among the ${table.ids.length} of ${table.source}${twin !== null ? `, which has ${describeId(twin)}: ids must be of one type` : '; give it a row there'}`);
    }
    at[row] = found;
  }
  return at;
}

/** columnName: the column that a feature reads. */
export const columnName = (name: string, feature: Feature): string => feature.kind === 'id' ? name : feature.column ?? name;

function cellsOf(name: string, feature: Feature, rows: Rows | null, where: string): Cells | null {
  if (feature.kind === 'id' || rows === null) return null;
  const column = columnName(name, feature), there = Object.keys(rows.columns);
  if (!Object.hasOwn(rows.columns, column)) throw new TightrecError('column-missing', `${where}: expected a column ${quoted(column)} for feature ${quoted(name)} in ${rows.source}, got ${listed(there)}${suggestion(column, there)}`);
  return { values: rows.columns[column], where: (at) => `${where}: ${rows.source}, ${rows.rowName(at)}, column ${quoted(column)}` };
}

// Reading cells: each kind's own

const notThis = ({ values, where }: Cells, at: number, expected: string): TightrecError => new TightrecError('bad-input', `${where(at)}: expected ${expected}, got ${Array.isArray(values[at]) ? 'a list' : describe(values[at])}`);

/** Beyond LARGEST squares and ranges would not be finite, and so many deviations off the mean (FAR) a vector would drown all others. */
const LARGEST = 1e100, FAR = 1e6;

function numberOf(cells: Cells, at: number): number {
  const value = cells.values[at];
  if (!Number.isFinite(value)) throw notThis(cells, at, `a finite number${typeof value === 'string' ? " (read the column as 'number')" : ''}`);
  if (Math.abs(value as number) > LARGEST) throw notThis(cells, at, `a number of at most ${LARGEST} in size`);
  return value as number;
}

/** A category's value; null for none. */
function labelOf(cells: Cells, at: number): RawId | null {
  const value = cells.values[at];
  if (typeof value !== 'string' && !Number.isSafeInteger(value)) throw notThis(cells, at, 'a text or a whole number');
  return value === '' ? null : value as RawId;
}

function labelsOf(cells: Cells, at: number, separator: string): string[] {
  const value = cells.values[at], labels = typeof value === 'string' ? value.split(separator).map((label) => label.trim()).filter((label) => label !== '') : value;
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === 'string')) throw notThis(cells, at, 'a list of texts, or one text with separators');
  const again = labels.find((label, place) => labels.indexOf(label) < place);
  if (again !== undefined) throw new TightrecError('bad-input', `${cells.where(at)}: expected each value once, got ${quoted(again as string)} twice`);
  return labels as string[];
}

function wordsOf(cells: Cells, at: number): string[] {
  const value = cells.values[at];
  if (typeof value !== 'string') throw notThis(cells, at, 'a text');
  return value.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}

// Learning from them

type Learned = Pick<LearnedFeature, 'labels' | 'edges' | 'mean' | 'deviation'>;

const nothingLearned: Learned = { labels: null, edges: null, mean: null, deviation: null };

/** From the cells of these rows. Shape: rows (n). */
function learn(name: string, feature: Feature, cells: Cells, rows: Int32Array, where: string): Learned {
  const allEqual = (value: number): TightrecError => new TightrecError('bad-input', `${where}: feature ${quoted(name)}, ${feature.kind}: expected values that differ, got ${rows.length === 0 ? 'none' : `${value} for all ${rows.length} ids`}; leave the feature out`);
  switch (feature.kind) {
    case 'id': return nothingLearned;
    case 'category': return { ...nothingLearned, labels: LabelEncoder.inOrder(frequent(Array.from(rows, (at) => { const label = labelOf(cells, at); return label === null ? [] : [label]; }), feature.rare)) };
    case 'multi': return { ...nothingLearned, labels: LabelEncoder.inOrder(frequent(Array.from(rows, (at) => labelsOf(cells, at, feature.separator)), feature.rare)) };
    case 'text': {
      const counts = countsOf(Array.from(rows, (at) => wordsOf(cells, at))), byCount = [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || compareIds(a, b));
      return { ...nothingLearned, labels: LabelEncoder.inOrder(byCount.slice(0, feature.words)) };
    }
    case 'number': {
      const values = Float64Array.from(rows, (at) => numberOf(cells, at)), mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
      if (!(deviation > 0) || values.every((x) => x === values[0])) throw allEqual(values[0]); // rounding of the mean alone may leave a deviation
      return { ...nothingLearned, mean, deviation };
    }
    case 'bucket': {
      const values = Float64Array.from(rows, (at) => numberOf(cells, at)).sort(), { edges, count, by } = feature, n = values.length, lowest = values[0], range = values[n - 1] - lowest;
      if (edges !== null) return { ...nothingLearned, edges };
      if (!(range > 0)) throw allEqual(lowest);
      const cuts = Array.from({ length: count! - 1 }, (_, at) => by === 'width' ? lowest + range * ((at + 1) / count!) : values[Math.floor(n * (at + 1) / count!)]);
      const distinct = cuts.filter((edge, at) => edge > (at === 0 ? lowest : cuts[at - 1]));
      return { ...nothingLearned, edges: distinct.length > 0 ? distinct : [values.find((x) => x > lowest)!] }; // nearly all are the lowest: it and the others
    }
  }
}

function countsOf<Label extends RawId>(lists: readonly (readonly Label[])[]): Map<Label, number> {
  const counts = new Map<Label, number>();
  for (const list of lists) for (const label of list) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** The values of at least `rare` ids, in the order of ids. */
const frequent = (lists: readonly (readonly RawId[])[], rare: number): RawId[] => [...countsOf(lists)].flatMap(([label, count]) => count >= rare ? [label] : []).sort(compareIds);

// Encoding them

function encodeCell(entries: Entries, { feature, from, labels, edges, mean, deviation }: LearnedFeature, cells: Cells, at: number): void {
  switch (feature.kind) {
    case 'id': return;
    case 'number': {
      const off = (numberOf(cells, at) - mean!) / deviation!;
      if (Math.abs(off) > FAR) throw notThis(cells, at, `a number within ${FAR} standard deviations of the mean of the training data, ${mean}`);
      entries.push(from, off);
      return;
    }
    case 'bucket': entries.push(from + edgesUpTo(edges!, numberOf(cells, at)), 1); return;
    case 'category': { const label = labelOf(cells, at); addLabels(entries, from, labels!, feature.rare > 0, label === null ? [] : [label], 1); return; }
    case 'multi': addLabels(entries, from, labels!, feature.rare > 0, labelsOf(cells, at, feature.separator), 1); return;
    case 'text': { const known = wordsOf(cells, at).filter((word) => labels!.has(word)); addLabels(entries, from, labels!, false, known, 1 / known.length); }
  }
}

/** An entry for each different label, ascending; the same one again adds to it, but all the rare and new ones are one column that counts once. */
function addLabels(entries: Entries, from: number, labels: LabelEncoder, rare: boolean, present: readonly RawId[], weight: number): void {
  const columns = Int32Array.from(present, (label) => labels.has(label) ? labels.encode(label) : rare ? labels.size : -1).sort();
  for (let at = 0; at < columns.length; at++) {
    if (columns[at] < 0) continue;
    if (at === 0 || columns[at] !== columns[at - 1]) entries.push(from + columns[at], weight);
    else if (columns[at] < labels.size) entries.addToLast(weight);
  }
}

/** How many edges are at most x. */
function edgesUpTo(edges: readonly number[], x: number): number {
  let low = 0, high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The entries of a sparse matrix, as they grow. */
class Entries {
  length = 0;
  #indices = new Int32Array(1024);
  #values = new Float64Array(1024);

  push(column: number, value: number): void {
    if (this.length === this.#indices.length) {
      const indices = new Int32Array(2 * this.length), values = new Float64Array(2 * this.length);
      indices.set(this.#indices);
      values.set(this.#values);
      this.#indices = indices;
      this.#values = values;
    }
    this.#indices[this.length] = column;
    this.#values[this.length++] = value;
  }

  addToLast(value: number): void { this.#values[this.length - 1] += value; }

  take(): { indices: Int32Array; values: Float32Array } { return { indices: this.#indices.slice(0, this.length), values: Float32Array.from(this.#values.subarray(0, this.length)) }; }
}
