import { TightrecError } from '../errors.ts';

/** Source: bytes that can be read anywhere: a file on disk, a Blob, or bytes in memory. */
export interface Source {
  readonly name: string; // for messages
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>; // fewer bytes only where the source ends
  close(): Promise<void>;
}

const PIECE = 1 << 18; // bytes read, and inflated, at a time

/** LONGEST: so many bytes or characters may pass without an end of row (or of an XML tag). */
export const LONGEST: number = 1 << 24;

/** openSource: gets at the bytes of whatever readTable was given. */
export async function openSource(file: string | URL | Uint8Array | ArrayBuffer | Blob): Promise<Source> {
  if (file instanceof Blob) {
    const read = async (offset: number, length: number) => new Uint8Array(await file.slice(offset, offset + length).arrayBuffer());
    return { name: (file as { name?: string }).name || 'the blob', size: file.size, read, close: async () => {} };
  }
  if (file instanceof Uint8Array || file instanceof ArrayBuffer) return sourceOfBytes(file instanceof ArrayBuffer ? new Uint8Array(file) : file);
  if (typeof file === 'string' || file instanceof URL) {
    const protocol = /^([a-z][a-z0-9+.-]+):\/\//i.exec(String(file))?.[1];
    if (protocol !== undefined && protocol !== 'file') {
      throw new TightrecError('unsupported', `readTable: expected a path or a file: URL, got ${String(file)}; fetch it and pass the blob of the response`);
    }
    return openFile(file);
  }
  throw new TightrecError('bad-input', `readTable: expected a path, a URL, a Uint8Array, an ArrayBuffer or a Blob, got ${file === null ? 'null' : typeof file}`);
}

function sourceOfBytes(bytes: Uint8Array): Source {
  let rested = performance.now();
  const read = async (offset: number, length: number) => {
    if (performance.now() - rested > 15) { // so that a page stays alive and an AbortSignal is heard
      await new Promise((resolve) => { (globalThis.setImmediate ?? setTimeout)(resolve); });
      rested = performance.now();
    }
    return bytes.subarray(offset, offset + length) as Uint8Array<ArrayBuffer>;
  };
  return { name: 'the bytes', size: bytes.length, read, close: async () => {} };
}

async function openFile(path: string | URL): Promise<Source> {
  // not import('node:fs'): a bundler for the browser would stumble over it
  const fs = globalThis.process?.getBuiltinModule?.('node:fs');
  if (fs === undefined) throw new TightrecError('unsupported', 'readTable: this runtime has no files; pass a Uint8Array or a Blob instead of a path');
  let name = String(path), handle;
  try {
    if (path instanceof URL) name = decodeURIComponent(path.pathname);
    const there = await fs.promises.stat(path); // before it is opened: opening a pipe that nobody writes waits for ever
    if (!there.isFile()) throw new TightrecError('file-unreadable', `readTable: expected a file at ${name}, got ${there.isDirectory() ? 'a directory; name a file in it' : 'a device or pipe; pass its bytes instead'}`);
    handle = await fs.promises.open(path, 'r');
    return sourceOfHandle(name, (await handle.stat()).size, handle);
  } catch (error) {
    if (error instanceof TightrecError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new TightrecError('file-missing', `readTable: expected a file at ${name}, got nothing there (relative paths begin at ${process.cwd()})`, { cause: error });
    }
    throw new TightrecError('file-unreadable', `readTable: expected to read ${name}, got ${code === 'EACCES' || code === 'EPERM' ? 'no permission to' : (error as Error).message}`, { cause: error });
  }
}

interface Handle { read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>; close(): Promise<void> }

function sourceOfHandle(name: string, size: number, handle: Handle): Source {
  const read = async (offset: number, length: number) => {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    let filled = 0;
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled).catch((error: Error) => {
        throw new TightrecError('file-unreadable', `readTable: expected to read ${name}, got ${error.message}`, { cause: error });
      });
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  };
  return { name, size, read, close: () => handle.close() };
}

/** chunksOf: the source from beginning to end. */
export async function* chunksOf(source: Source): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < source.size; at += PIECE) yield await source.read(at, PIECE);
}

/** gunzipped: what a gzip file holds, at most `limit` bytes of it. By node:zlib where there is one: it is faster, and takes several members in a row. */
export async function* gunzipped(source: Source, limit: number): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const chunk of inflated(source)) {
      size += chunk.length;
      if (size > limit) throw tooLarge(source, limit);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof TightrecError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'Z_BUF_ERROR' || message === 'unexpected end of file' ? 'one that is cut short' : `one that does not inflate (${message || 'wrong data'})`;
    throw new TightrecError('file-damaged', `readTable: expected a whole gzip file in ${source.name}, got ${reason} after ${size} bytes; fetch or write it again`, { cause: error });
  }
}

async function* inflated(source: Source): AsyncGenerator<Uint8Array> {
  const zlib = globalThis.process?.getBuiltinModule?.('node:zlib'), stream = globalThis.process?.getBuiltinModule?.('node:stream');
  if (zlib !== undefined && stream !== undefined) {
    // errors of either end reach the reader of the last stream, so the callback has nothing to do
    yield* stream.pipeline(chunksOf(source), zlib.createGunzip({ chunkSize: PIECE }), () => {});
    return;
  }
  if (typeof DecompressionStream === 'undefined') throw new TightrecError('unsupported', 'readTable: this runtime cannot inflate gzip (it has no DecompressionStream); pass the CSV itself');
  const chunks = chunksOf(source);
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  yield* streamed(packed.pipeThrough(new DecompressionStream('gzip')));
}

/** streamed: the chunks of a web stream (Safari cannot iterate it). */
export async function* streamed(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) { ended = true; return; }
      yield value;
    }
  } finally {
    if (!ended) await reader.cancel().catch(() => {});
  }
}

export function tooLarge(source: Source, limit: number): TightrecError {
  return new TightrecError('file-too-large', `readTable: expected ${source.name} (${source.size} bytes) to expand to at most ${limit} bytes, got more, as from a zip bomb; raise maxBytes if the file is to be trusted`);
}

/** How `decoded` cuts, and what it throws. */
export interface DecodeOptions {
  cut(bytes: Uint8Array): number; // where the last whole token ends, 0 if nowhere
  encoding?: string; // when no byte order mark says it; default utf-8
  invalid(encoding: string): Error; // for bytes that the encoding does not have; called after all text before them was passed on
  tooLong(): Error;
}

/**
 * decoded: bytes as texts that end where a token ends, so that the parsers find whole tokens and need not glue strings together (saxen
 * is a quarter faster for it).
 */
export async function* decoded(chunks: AsyncIterable<Uint8Array>, options: DecodeOptions): AsyncGenerator<string> {
  let decoder: TextDecoder | null = null, first = true;
  let held: Uint8Array[] = [], size = 0, enough = PIECE; // bytes that wait for the end of their token, or for company: small pieces cost time

  function* decode(bytes: Uint8Array, stream: boolean): Generator<string> {
    const encoding = decoder!.encoding;
    let text, wrong = false;
    try {
      text = decoder!.decode(bytes, { stream });
    } catch {
      wrong = true;
      text = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
      text = text.slice(0, text.indexOf('\uFFFD'));
    }
    if (first && text.startsWith('\uFEFF')) text = text.slice(1);
    if (text !== '') { first = false; yield text; }
    if (wrong) throw options.invalid(encoding);
  }

  for await (const chunk of chunks) {
    held.push(chunk);
    size += chunk.length;
    if (size < enough) continue;
    const bytes = joined(held, size);
    decoder ??= decoderFor(bytes, options.encoding);
    // a newline or '>' is never part of another character in UTF-8, but may be in others
    const inPieces = decoder.encoding === 'utf-8', end = inPieces ? options.cut(bytes) : bytes.length;
    const tail = bytes.slice(end);
    held = [tail];
    size = tail.length;
    enough = size + PIECE;
    if (size > LONGEST) throw options.tooLong();
    if (end > 0) yield* decode(bytes.subarray(0, end), !inPieces);
  }
  const last = joined(held, size);
  decoder ??= decoderFor(last, options.encoding);
  yield* decode(last, false);
}

function decoderFor(bytes: Uint8Array, encoding = 'utf-8'): TextDecoder {
  return new TextDecoder(encodingOfMark(bytes) ?? encoding, { fatal: true, ignoreBOM: true });
}

function joined(chunks: Uint8Array[], size: number): Uint8Array {
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function encodingOfMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 'utf-8' : undefined;
}
