import type { Csr } from '../data/csr.ts';
import { type RawId, LabelEncoder } from '../data/labelEncoder.ts';
import { TightrecError } from '../errors.ts';
import { BPR } from '../models/bpr.ts';
import type { Catalogue } from '../models/catalogue.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { type ModelState, csrFrom } from '../models/modelState.ts';
import { NextItemLSTM } from '../models/nextItemLSTM.ts';
import { Popularity } from '../models/popularity.ts';
import { PurchaseHistory } from '../models/purchaseHistory.ts';
import { RatingMF } from '../models/ratingMF.ts';
import type { Recommender } from '../models/recommender.ts';
import { type SafeTensor, decodeSafetensors, encodeSafetensors } from './safetensors.ts';

const VERSION = '1';

/** Every model a file can hold, by the name it carries. Nothing else is ever constructed from a file. */
const models: Record<string, { fromState(state: ModelState): Recommender }> = { BPR, LogisticMF, NextItemLSTM, Popularity, PurchaseHistory, RatingMF };

/**
 * toBytes: a fitted model as one safetensors file: settings and counters in its metadata, tables as tensors, raw ids as JSON in the
 * tensors user_ids and item_ids, what the users have in seen_*. The same model gives the same bytes. docs/file-format.md has the layout.
 * Errors: 'not-fitted'.
 */
export function toBytes(model: Recommender): Uint8Array {
  const { model: name, settings, tensors, catalogue, numbers } = model.toState();
  const { users, items, seen } = catalogue;
  const all: Record<string, SafeTensor> = {
    user_ids: idTensor(users), item_ids: idTensor(items),
    seen_indptr: tensorOf([seen.indptr.length], seen.indptr), seen_indices: tensorOf([seen.indices.length], seen.indices), seen_values: tensorOf([seen.values.length], seen.values),
  };
  for (const [key, { shape, data }] of Object.entries(tensors)) all[key] = tensorOf(shape, data);
  const metadata = {
    format: 'tightrec', version: VERSION, model: name, settings: JSON.stringify(settings), numbers: JSON.stringify(numbers),
    unknown: JSON.stringify({ users: users.unknown, items: items.unknown }),
  };
  return encodeSafetensors(all, { ...metadata, checksum: checksum(Object.entries(metadata), Object.entries(all)) });
}

/**
 * fromBytes: the model that toBytes wrote; it scores exactly as the one that was saved. `source` names the file in errors.
 * Errors: 'file-damaged' for anything that is not a whole tightrec model; only known names are read, and nothing in a file is run.
 */
export function fromBytes(bytes: Uint8Array, source = 'the model'): Recommender {
  const { tensors, metadata } = decodeSafetensors(bytes, source);
  if (metadata.get('format') !== 'tightrec') throw damaged(source, `it is a safetensors file, but not a tightrec model: expected format 'tightrec' in its metadata, got ${show(metadata.get('format'))}`);
  const version = metadata.get('version') ?? '';
  if (/^\d{1,9}$/.test(version) && Number(version) > Number(VERSION)) throw damaged(source, `it was written by a newer tightrec: its file version is ${version}, and this tightrec reads version ${VERSION}; update tightrec to read it`);
  if (version !== VERSION) throw damaged(source, `expected file version ${VERSION}, got ${show(metadata.get('version'))}`);
  const name = metadata.get('model') ?? '';
  if (!Object.hasOwn(models, name)) throw damaged(source, `expected one of the models ${Object.keys(models).join(', ')}, got ${show(metadata.get('model'))}`);

  const { checksum: _, ...texts } = Object.fromEntries(metadata), sum = checksum(Object.entries(texts), [...tensors]);
  if (metadata.get('checksum') !== sum) throw damaged(source, `its contents have changed since it was written: the checksum is ${sum}, the file says ${show(metadata.get('checksum'))}`);
  const settings = parseObject(source, metadata, 'settings'), numbers = parseObject(source, metadata, 'numbers'), unknown = parseObject(source, metadata, 'unknown');
  for (const [key, value] of Object.entries(numbers)) if (!Number.isFinite(value)) throw damaged(source, `number ${key} is ${show(value)}`);
  const users = encoderFrom(source, tensors, 'user_ids', unknown.users === true), items = encoderFrom(source, tensors, 'item_ids', unknown.items === true);

  const found: ModelState['tensors'] = Object.create(null); // so that no name means anything but a tensor
  for (const [key, { shape, data }] of tensors) if (data instanceof Float32Array || data instanceof Int32Array) found[key] = { shape, data };
  try {
    const seen: Csr = csrFrom({ model: name, tensors: found }, 'seen', users.size, items.size), catalogue: Catalogue = { users, items, seen };
    return models[name].fromState({ model: name, settings, numbers: numbers as Record<string, number>, tensors: found, catalogue });
  } catch (error) {
    // what a model says of its settings or tables is here said of the file
    if (error instanceof TightrecError) throw new TightrecError('file-damaged', `${source}: ${error.message}`, { cause: error });
    throw error;
  }
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
  let crc = -1;
  for (const [key, value] of metadata.toSorted(byName)) crc = crc32(crc, text.encode(`${key}\n${value}\n`));
  for (const [name, { dtype, shape, data }] of tensors.toSorted(byName)) {
    crc = crc32(crc, text.encode(`${name}\n${dtype}\n${shape.join(' ')}\n`));
    crc = crc32(crc, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return (~crc >>> 0).toString(16).padStart(8, '0');
}

const crcTable: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

function crc32(crc: number, bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at++) crc = (crc >>> 8) ^ crcTable[(crc ^ bytes[at]) & 255];
  return crc;
}

function tensorOf(shape: readonly number[], data: Float32Array | Int32Array): SafeTensor {
  return data instanceof Int32Array ? { dtype: 'I32', shape, data } : { dtype: 'F32', shape, data };
}

/** Raw ids as a JSON array in UTF-8; a bigint, which JSON lacks, as {"bigint":"123"}. */
function idTensor(encoder: LabelEncoder): SafeTensor {
  const data = new TextEncoder().encode(JSON.stringify(encoder.known(), (_, id) => typeof id === 'bigint' ? { bigint: String(id) } : id));
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
  const encoder = LabelEncoder.fit(raw, { unknown });
  if (encoder.known().length !== raw.length || encoder.known().some((id, row) => id !== raw[row])) throw damaged(source, `the ids in the tensor ${name} are repeated or out of order`);
  return encoder;
}

function parseObject(source: string, metadata: ReadonlyMap<string, string>, key: string): Record<string, unknown> {
  let value: unknown;
  try { value = JSON.parse(metadata.get(key) ?? ''); } catch (cause) { throw new TightrecError('file-damaged', `${source}: ${key} in its metadata is not JSON, got ${show(metadata.get(key))}`, { cause }); }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(source, `${key} in its metadata must be a JSON object, got ${show(value)}`);
  return value as Record<string, unknown>;
}
