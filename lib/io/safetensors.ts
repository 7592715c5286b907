import { TightrecError } from '../errors.ts';

interface Arrays {
  BOOL: Uint8Array; U8: Uint8Array; I8: Int8Array;
  I16: Int16Array; U16: Uint16Array;
  I32: Int32Array; U32: Uint32Array; F32: Float32Array;
  F64: Float64Array; I64: BigInt64Array; U64: BigUint64Array;
}

/** Dtype: the element types of safetensors for which JavaScript has an array; the format's half floats and packed types have none. */
export type Dtype = keyof Arrays;

/** SafeTensor: one named array of a file, row-major; `shape` [] is a single number, and a 0 in `shape` means no data. */
export type SafeTensor = { [D in Dtype]: { readonly dtype: D; readonly shape: readonly number[]; readonly data: Arrays[D] } }[Dtype];

/** SafeTensors: what a file holds; the tensors in the order of their data. Maps, because a name in a file may be `__proto__`. */
export interface SafeTensors { tensors: Map<string, SafeTensor>; metadata: Map<string, string> }

// in the order of the reference implementation, smallest alignment first: a file holds its tensors from the last dtype to the first
const arrays = {
  BOOL: Uint8Array, U8: Uint8Array, I8: Int8Array, I16: Int16Array, U16: Uint16Array, I32: Int32Array, U32: Uint32Array, F32: Float32Array,
  F64: Float64Array, I64: BigInt64Array, U64: BigUint64Array,
} as const;
const dtypes = Object.keys(arrays);
const maxHeader = 100_000_000, maxDimensions = 64; // the limits of the reference implementation and of numpy

/**
 * encodeSafetensors: the bytes of a safetensors file that holds `tensors` and `metadata`.
 *
 *   8 bytes    N, the length of the header, little-endian
 *   N bytes    JSON: {"__metadata__":{"key":"text"},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}, ...} and spaces up to 8 k
 *   the rest   the data of the tensors, little-endian, row-major, one after the other without gaps; offsets count from here
 *
 * Tensors are ordered by alignment, widest first, then by name, so that each lies aligned; metadata by key: the same content always
 * gives the same bytes. Source: github.com/huggingface/safetensors, README "Format" and `prepare` in src/tensor.rs.
 */
export function encodeSafetensors(tensors: Readonly<Record<string, SafeTensor>>, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  requireLittleEndian();
  const ordered = Object.entries(tensors).sort(([nameA, a], [nameB, b]) =>
    dtypes.indexOf(b.dtype) - dtypes.indexOf(a.dtype) || compareText(nameA, nameB));
  const texts = Object.entries(metadata).sort(([a], [b]) => compareText(a, b));

  // members are joined by hand: a JavaScript object would move names like "10" to the front
  const members: string[] = [];
  if (texts.length > 0) members.push(`"__metadata__":{${texts.map(([key, text]) => `${jsonText(key)}:${jsonText(text)}`).join(',')}}`);
  let size = 0;
  for (const [name, tensor] of ordered) {
    checkTensor(name, tensor);
    const { dtype, shape, data } = tensor, end = size + data.byteLength;
    members.push(`${jsonText(name)}:${JSON.stringify({ dtype, shape, data_offsets: [size, end] })}`);
    size = end;
  }
  const header = new TextEncoder().encode(`{${members.join(',')}}`), padded = Math.ceil(header.length / 8) * 8;
  if (padded > maxHeader) throw new TightrecError('bad-input', `encodeSafetensors: names, shapes and metadata may take ${maxHeader} bytes, got ${padded}`);

  const bytes = new Uint8Array(8 + padded + size);
  new DataView(bytes.buffer).setUint32(0, padded, true);
  bytes.set(header, 8);
  bytes.fill(0x20, 8 + header.length, 8 + padded);
  let at = 8 + padded;
  for (const [, { data }] of ordered) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * decodeSafetensors: the tensors and metadata of a safetensors file, copied out of `bytes`; `source` names the file in errors.
 * The file counts as hostile: every number is checked before it is used, nothing larger than the file is allocated, and whatever is not
 * exactly the format throws TightrecError 'file-damaged'. The values themselves are not looked at: a NaN stays a NaN.
 */
export function decodeSafetensors(bytes: Uint8Array, source = 'the input'): SafeTensors {
  requireLittleEndian();
  if (!ArrayBuffer.isView(bytes)) throw new TightrecError('bad-input', `decodeSafetensors: expected ${source} as a Uint8Array, got ${typeof bytes}`);
  const file = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength); // a Buffer or another view becomes the plain thing
  if (file.length < 8) throw damaged(source, 'at least 8 bytes', `${file.length}`);
  const view = new DataView(file.buffer, file.byteOffset, 8), length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > maxHeader) throw damaged(source, `a header of at most ${maxHeader} bytes`, `one of ${length}`);
  if (length > file.length - 8) throw damaged(source, `a header of ${length} bytes`, `${file.length - 8} bytes after its length`);

  const { entries, metadata } = readHeader(headerText(file, length, source), source);
  const data = file.subarray(8 + length);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let from = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    const to = from + countOf(shape) * arrays[dtype].BYTES_PER_ELEMENT;
    if (begin !== from || end !== to) {
      throw damaged(source, `tensor ${quote(name)}, ${dtype} of shape [${shape}], at data_offsets [${from},${to}]`, `[${begin},${end}]`);
    }
    from = to;
  }
  if (from !== data.length) throw damaged(source, `${from} bytes of tensor data`, `${data.length}`);

  const tensors = new Map<string, SafeTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const copy = new arrays[dtype](countOf(shape));
    new Uint8Array(copy.buffer).set(data.subarray(begin, end));
    tensors.set(name, { dtype, shape, data: copy } as SafeTensor);
  }
  return { tensors, metadata };
}

interface Entry { name: string; dtype: Dtype; shape: number[]; begin: number; end: number }

function headerText(file: Uint8Array, length: number, source: string): string {
  try {
    // the copy is for shared memory, which TextDecoder refuses; a byte-order mark is kept, so that it is seen and refused
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(new Uint8Array(file.subarray(8, 8 + length)));
  } catch (cause) {
    throw damaged(source, 'a header in UTF-8', 'bytes that are not', cause);
  }
}

/**
 * Reads the JSON of a header, and no other JSON. JSON.parse will not do: it keeps the last of two equal keys and says nothing, and it
 * builds whatever 100 MB of brackets ask for before anything can be checked.
 */
function readHeader(text: string, source: string): { entries: Entry[]; metadata: Map<string, string> } {
  const entries: Entry[] = [], metadata = new Map<string, string>();
  let at = 0;
  const fail = (expected: string, where = at): never => {
    throw damaged(source, `${expected} at character ${where} of the header`, where < text.length ? quote(text.slice(where, where + 80)) : 'its end');
  };
  const skipSpace = (): void => { while (at < text.length && ' \t\n\r'.includes(text[at])) at++; };
  const take = (token: string): boolean => {
    skipSpace();
    if (text[at] !== token) return false;
    at++;
    return true;
  };
  const need = (token: string): void => { if (!take(token)) fail(token); };

  const string = (): string => {
    need('"');
    const start = at - 1;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    need('"');
    let value = '\ud800';
    try { value = JSON.parse(text.slice(start, at)); } catch { /* a bad escape or a control character */ }
    return /\p{Surrogate}/u.test(value) ? fail('a JSON string of whole characters', start) : value;
  };
  const integer = (): number => {
    skipSpace();
    const digits = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
    digits.lastIndex = at;
    const value = Number(digits.exec(text)?.[0]); // NaN without a match
    if (!Number.isSafeInteger(value)) fail('a whole number below 2^53');
    at = digits.lastIndex;
    return value;
  };
  const integers = (): number[] => {
    const list: number[] = [];
    need('[');
    if (take(']')) return list;
    do {
      if (list.length === maxDimensions) fail(`at most ${maxDimensions} numbers`);
      list.push(integer());
    } while (take(','));
    need(']');
    return list;
  };
  const object = (readValue: (key: string) => void): void => {
    const seen = new Set<string>();
    need('{');
    if (take('}')) return;
    do {
      skipSpace();
      const start = at, key = string();
      if (seen.has(key)) fail('a key that was not there before', start);
      seen.add(key);
      need(':');
      skipSpace();
      readValue(key);
    } while (take(','));
    need('}');
  };

  const entry = (name: string): Entry => {
    const start = at;
    const found: { dtype?: string; shape?: number[]; data_offsets?: number[] } = {};
    object((key) => {
      if (key === 'dtype') found.dtype = string();
      else if (key === 'shape' || key === 'data_offsets') found[key] = integers();
      else fail('only dtype, shape and data_offsets', start);
    });
    const { dtype = '', shape = [Number.NaN], data_offsets: offsets = [] } = found;
    if (!dtypes.includes(dtype)) fail(`a dtype among ${dtypes.join(', ')}`, start);
    if (Number.isNaN(countOf(shape))) fail('a shape of fewer than 2^53 values', start);
    if (offsets.length !== 2) fail('two data_offsets', start);
    return { name, dtype: dtype as Dtype, shape, begin: offsets[0], end: offsets[1] };
  };

  if (text[0] !== '{') fail('{');
  object((key) => {
    if (key === '__metadata__') object((name) => { metadata.set(name, string()); });
    else entries.push(entry(key));
  });
  skipSpace();
  if (at < text.length) fail('nothing but spaces');
  return { entries, metadata };
}

function checkTensor(name: string, { dtype, shape, data }: SafeTensor): void {
  const what = `encodeSafetensors: tensor ${quote(name)}`;
  if (name === '__metadata__') throw new TightrecError('bad-input', `${what} has a name that the format keeps for metadata, which is the second argument`);
  if (!dtypes.includes(dtype)) throw new TightrecError('bad-input', `${what} must have a dtype among ${dtypes.join(', ')}, got ${dtype}`);
  const kind = data?.[Symbol.toStringTag], expected = arrays[dtype].name; // not instanceof: the array may come from another realm
  if (kind !== expected) throw new TightrecError('bad-input', `${what} of dtype ${dtype} must hold a ${expected}, got ${kind ?? typeof data}`);
  if (shape.length > maxDimensions || !shape.every((n) => Number.isSafeInteger(n) && n >= 0) || countOf(shape) !== data.length) {
    throw new TightrecError('bad-shape', `${what} must hold as many values as its shape [${shape}] says, got ${data.length}`);
  }
}

/** The product of a shape; NaN as soon as it is no longer exact, even if a 0 follows. */
function countOf(shape: readonly number[]): number {
  return shape.reduce((count, n) => (Number.isSafeInteger(count * n) ? count * n : Number.NaN), 1);
}

/** By code points, as the bytes of UTF-8 compare; `<` compares UTF-16, in which U+1F600 comes before U+FF00. */
function compareText(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  // inside a character both have the same first half, and the halves alone decide rightly
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

function jsonText(text: string): string {
  const what = 'encodeSafetensors: names and metadata must be';
  if (typeof text !== 'string') throw new TightrecError('bad-input', `${what} strings, got ${text === null ? 'null' : typeof text}`);
  if (/\p{Surrogate}/u.test(text)) throw new TightrecError('bad-input', `${what} whole characters, got half of one in ${quote(text)}`);
  return JSON.stringify(text);
}

/** A name or a piece of a file for a message: short, and nothing in it that a terminal would obey. */
function quote(text: string): string {
  const json = JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
  return json.replace(/\p{C}/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);
}

function damaged(source: string, expected: string, got: string, cause?: unknown): TightrecError {
  return new TightrecError('file-damaged', `${source} is not a whole safetensors file: expected ${expected}, got ${got}`, cause === undefined ? undefined : { cause });
}

function requireLittleEndian(): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] === 1) return;
  throw new TightrecError('unsupported', 'model files are little-endian and this machine is not: tightrec cannot read or write them here');
}
