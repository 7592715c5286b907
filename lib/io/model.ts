import { allOrNone } from '../../kernels/memory.ts';
import { crc32 } from '../data/crc32.ts';
import { type RawId, LabelEncoder } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { type ModelState, csrFrom } from '../models/modelState.ts';
import type { Recommender } from '../models/recommender.ts';
import { idsAsJson } from './idsAsJson.ts';
import { type SafeTensor, decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const VERSION = '1';

/** MODEL_NAMES: every model a file can hold, by the name it carries. */
export const MODEL_NAMES: readonly string[] = [
  'AlternatingLeastSquares', 'AutoRec', 'BPR', 'BiasOnly', 'Blend', 'CDAE', 'EASE', 'FactorizationMachine', 'HistoryToNext', 'HybridMF', 'ItemKNN', 'LogisticMF', 'LogisticMatrixFactorization', 'NextItemLSTM', 'Popularity',
  'PurchaseHistory', 'RatingMF', 'SVDPlusPlus', 'Siamese', 'TwoTower',
];

/** ModelClasses: the classes of some of them, by their names. Nothing else is ever constructed from a file. */
export type ModelClasses = Readonly<Record<string, { fromState(state: ModelState, parts: readonly Recommender[]): Recommender }>>;

/** What stands before the names of a part's tensors and numbers. */
const prefixOf = (part: number): string => `part_${part}_`;
const MOST_PARTS = 100;

/**
 * toBytes: a fitted model as one safetensors file: settings and counters in its metadata, tables as tensors, raw ids as JSON in the
 * tensors user_ids and item_ids, what the users have in seen_*. The same model gives the same bytes. docs/file-format.md has the layout.
 * Errors: 'not-fitted'.
 */
export function toBytes(model: Recommender): Uint8Array { return encodeState(model.toState()); }

/** encodeState: the same of a model's state. What stands in `more` beside it, a reader of models passes over. */
export function encodeState({ model: name, settings, tensors, catalogue, numbers, features, parts }: ModelState, more: { tensors?: ModelState['tensors']; metadata?: Record<string, string> } = {}): Uint8Array {
  const { users, items, seen } = catalogue;
  const all: Record<string, SafeTensor> = {
    user_ids: idTensor(users), item_ids: idTensor(items),
    seen_indptr: tensorOf([seen.indptr.length], seen.indptr), seen_indices: tensorOf([seen.indices.length], seen.indices), seen_values: tensorOf([seen.values.length], seen.values),
  };
  for (const [key, { shape, data }] of [...Object.entries(tensors), ...Object.entries(more.tensors ?? {})]) all[key] = tensorOf(shape, data);
  const everyNumber = { ...numbers };
  for (const [p, part] of (parts ?? []).entries()) {
    for (const [key, { shape, data }] of Object.entries(part.tensors)) all[prefixOf(p) + key] = tensorOf(shape, data);
    for (const [key, value] of Object.entries(part.numbers)) everyNumber[prefixOf(p) + key] = value;
  }
  const metadata = {
    format: 'tightrec', version: VERSION, model: name, settings: JSON.stringify(settings), numbers: JSON.stringify(everyNumber),
    unknown: JSON.stringify({ users: users.unknown, items: items.unknown }),
    ...(features !== undefined && { features: JSON.stringify(features) }),
    ...(parts && { parts: JSON.stringify(parts.map(({ model, settings, features }) => ({ model, settings, ...(features !== undefined && { features }) }))) }), ...more.metadata,
  };
  return encodeSafetensors(all, { ...metadata, checksum: checksum(Object.entries(metadata), Object.entries(all)) });
}

/** modelFromBytes: the model that toBytes wrote, where it is of one of these classes. Errors: 'file-damaged'; 'unsupported' for a model of another class. */
export function modelFromBytes(classes: ModelClasses, bytes: Uint8Array, source: string): Recommender {
  const { state } = decodeState(bytes, source);
  for (const { model } of [state, ...state.parts ?? []]) {
    if (!Object.hasOwn(classes, model)) throw new TightrecError('unsupported', `${source}: it holds ${model}, which 'tightrec' leaves out to stay small; import fromBytes from 'tightrec/models', or load from 'tightrec/node'`);
  }
  const modelFrom = (state: ModelState): Recommender => classes[state.model].fromState(state, (state.parts ?? []).map(modelFrom)); // after its parts
  return saidOf(source, () => allOrNone(() => modelFrom(state)));
}

/**
 * decodeState: a model's state, as far as it can be checked without the model's class, and all the metadata. Its tensors are all of the file's but those
 * that hold the catalogue.
 * Errors: 'file-damaged'; 'unsupported' for a query tower by itself, where a model was asked for.
 */
export function decodeState(bytes: Uint8Array, source: string, names: readonly string[] = MODEL_NAMES): { state: ModelState; metadata: ReadonlyMap<string, string> } {
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  if (metadata.get('format') !== 'tightrec') throw damaged(source, `it is a safetensors file, but not a tightrec model: expected format 'tightrec' in its metadata, got ${show(metadata.get('format'))}`);
  const version = metadata.get('version') ?? '';
  if (/^\d{1,9}$/.test(version) && Number(version) > Number(VERSION)) throw damaged(source, `it was written by a newer tightrec: its file version is ${version}, and this tightrec reads version ${VERSION}; update tightrec to read it`);
  if (version !== VERSION) throw damaged(source, `expected file version ${VERSION}, got ${show(metadata.get('version'))}`);
  const name = metadata.get('model') ?? '';
  if (name === 'QueryTower' && !names.includes(name)) throw new TightrecError('unsupported', `${source}: it is a query tower by itself, which makes vectors and no lists; read it with queryTowerFromBytes of 'tightrec/models'`);
  if (!names.includes(name)) throw damaged(source, `expected ${names.length > 1 ? 'one of the models ' : 'a '}${names.join(', ')}, got ${show(metadata.get('model'))}`);

  const { checksum: _, ...texts } = Object.fromEntries(metadata), sum = checksum(Object.entries(texts), [...tensors]);
  if (metadata.get('checksum') !== sum) throw damaged(source, `its contents have changed since it was written: the checksum is ${sum}, the file says ${show(metadata.get('checksum'))}`);
  const settings = parseObject(source, metadata, 'settings'), numbers = parseObject(source, metadata, 'numbers'), unknown = parseObject(source, metadata, 'unknown');
  for (const [key, value] of Object.entries(numbers)) if (!Number.isFinite(value)) throw damaged(source, `number ${key} is ${show(value)}`);
  const users = encoderFrom(source, tensors, 'user_ids', unknown.users === true), items = encoderFrom(source, tensors, 'item_ids', unknown.items === true);

  const found: ModelState['tensors'] = Object.create(null); // so that no name means anything but a tensor
  for (const [key, { shape, data }] of tensors) if (data instanceof Float32Array || data instanceof Int32Array) found[key] = { shape, data };
  const seen = saidOf(source, () => csrFrom({ model: name, tensors: found }, 'seen', users.size, items.size));
  const features = metadata.has('features') ? { features: parseObject(source, metadata, 'features') } : {};
  const state: ModelState = { model: name, settings, numbers: numbers as Record<string, number>, tensors: found, catalogue: { users, items, seen }, ...features };
  return { state: name === 'Blend' ? { ...state, parts: partsFrom(source, metadata, state) } : state, metadata };
}

/** saidOf: what a model says of its settings or tables is here said of the file. */
export function saidOf<Made>(source: string, make: () => Made): Made {
  try { return make(); } catch (error) {
    if (error instanceof TightrecError) throw new TightrecError('file-damaged', `${source}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** The models of a blend: for each its settings, and the tensors and numbers that begin with its prefix. */
function partsFrom(source: string, metadata: ReadonlyMap<string, string>, { tensors, numbers, catalogue }: ModelState): ModelState[] {
  const parts = parse(source, metadata, 'parts');
  if (!Array.isArray(parts) || parts.length === 0 || parts.length > MOST_PARTS) throw damaged(source, `parts in its metadata must be a JSON array of 1 to ${MOST_PARTS} models, got ${show(parts)}`);
  return parts.map((part: unknown, p) => {
    const { model, settings, features } = (part ?? {}) as { model?: unknown; settings?: unknown; features?: unknown };
    if (typeof model !== 'string' || !MODEL_NAMES.includes(model) || model === 'Blend') throw damaged(source, `part ${p} must be one of the models ${MODEL_NAMES.filter((name) => name !== 'Blend').join(', ')}, got ${show(model)}`);
    if (!isObject(settings)) throw damaged(source, `the settings of part ${p} must be a JSON object, got ${show(settings)}`);
    const own = <T>(all: Record<string, T>): Record<string, T> => {
      const mine: Record<string, T> = Object.create(null);
      for (const [key, value] of Object.entries(all)) if (key.startsWith(prefixOf(p))) mine[key.slice(prefixOf(p).length)] = value;
      return mine;
    };
    return { model, settings, numbers: own(numbers), tensors: own(tensors), catalogue, ...(features !== undefined && { features }) };
  });
}

const damaged = (source: string, what: string): TightrecError => new TightrecError('file-damaged', `${source}: ${what}`);
/** A value as an error shows it: on one line, and not longer than a line. */
function show(value: unknown): string {
  const text = value === undefined ? 'none' : typeof value === 'object' && value !== null ? 'an object' : JSON.stringify(value); // objects may be too deep to print
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/** checksum: CRC-32 over all names, metadata and tensors, in order of name, as eight hexadecimal digits. It finds accidents, not forgers. */
function checksum(metadata: readonly (readonly [string, string])[], tensors: readonly (readonly [string, SafeTensor])[]): string {
  const text = new TextEncoder(), byName = (a: readonly [string, unknown], b: readonly [string, unknown]) => a[0] < b[0] ? -1 : 1;
  let crc = 0;
  for (const [key, value] of metadata.toSorted(byName)) crc = crc32(text.encode(`${key}\n${value}\n`), crc);
  for (const [name, { dtype, shape, data }] of tensors.toSorted(byName)) {
    crc = crc32(text.encode(`${name}\n${dtype}\n${shape.join(' ')}\n`), crc);
    crc = crc32(data, crc);
  }
  return crc.toString(16).padStart(8, '0');
}

function tensorOf(shape: readonly number[], data: Float32Array | Int32Array): SafeTensor {
  return data instanceof Int32Array ? { dtype: 'I32', shape, data } : { dtype: 'F32', shape, data };
}

/** Raw ids as a JSON array in UTF-8. */
function idTensor(encoder: LabelEncoder): SafeTensor {
  const data = new TextEncoder().encode(idsAsJson(encoder.known()));
  return { dtype: 'U8', shape: [data.length], data };
}

function encoderFrom(source: string, tensors: ReadonlyMap<string, SafeTensor>, name: string, unknown: boolean): LabelEncoder {
  const tensor = tensors.get(name);
  if (tensor?.dtype !== 'U8') throw damaged(source, `expected a tensor ${name} of type U8, got ${tensor ? tensor.dtype : 'none'}`);
  let ids: unknown;
  try { ids = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(tensor.data)); } catch (cause) { throw new TightrecError('file-damaged', `${source}: the tensor ${name} is not JSON`, { cause }); }
  if (!Array.isArray(ids)) throw damaged(source, `the tensor ${name} must hold a JSON array of ids`);
  const raw = ids.map((id): RawId => {
    if (typeof id === 'string' || Number.isFinite(id)) return id;
    if (typeof id?.bigint === 'string' && /^-?\d+$/.test(id.bigint)) return BigInt(id.bigint);
    throw damaged(source, `the tensor ${name} holds ${show(id)}, which is not an id`);
  });
  try { return LabelEncoder.inOrder(raw, { unknown }); } catch (cause) { throw new TightrecError('file-damaged', `${source}: the tensor ${name} is damaged: ${(cause as Error).message}`, { cause }); }
}

function parse(source: string, metadata: ReadonlyMap<string, string>, key: string): unknown {
  try { return JSON.parse(metadata.get(key) ?? ''); } catch (cause) { throw new TightrecError('file-damaged', `${source}: ${key} in its metadata is not JSON, got ${show(metadata.get(key))}`, { cause }); }
}

function parseObject(source: string, metadata: ReadonlyMap<string, string>, key: string): Record<string, unknown> {
  const value = parse(source, metadata, key);
  if (!isObject(value)) throw damaged(source, `${key} in its metadata must be a JSON object, got ${show(value)}`);
  return value;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
