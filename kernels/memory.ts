import { TightrecError } from '../lib/errors.ts';

/**
 * Where arrays live: one linear memory, so that a WASM kernel reads them in place. It is shared (workers see the same tables) where the
 * runtime allows; growing a shared memory leaves older views as good as they were. Where only unshared memory exists, growing detaches
 * older views, so whoever keeps an array across allocations keeps its `Block` and asks `floats()` or `ints()` again. Where there is no
 * WebAssembly at all, a plain ArrayBuffer per block serves, and the loops with it.
 *
 * Two lifetimes. `allocate` is for parameters: a block lives until `free`, or until its owner is garbage. `scope` is for one training
 * step: everything made inside goes back when the step ends, so ten thousand steps use as much memory as ten. A step may keep plain arrays:
 * an unshared memory grows before a step, by enough for it, and not while the step holds arrays.
 */

const PAGE = 65536;
const ALIGN = 64; // a cache line
const ROOM = 64 * 2 ** 20; // what an unshared memory keeps free for a step, at least
const MAX_PAGES = 65535; // nearly all that 32-bit addresses reach: the address behind the last byte is one too. Only what is used is ever backed by real memory

/** A piece of the memory, `length` numbers of four bytes. `open` turns false when it is given back: using it after that is an error, not a wrong number. */
export class Block {
  readonly at: number; // byte address
  readonly length: number;
  readonly bytes: number; // what it takes up, a whole number of cache lines
  readonly heap: boolean; // given back one by one, not with its scope
  open = true;
  #buffer: ArrayBufferLike;
  #floats: Float32Array | null = null;
  #ints: Int32Array | null = null;

  constructor(at: number, length: number, buffer: ArrayBufferLike, heap: boolean) {
    this.at = at;
    this.length = length;
    this.bytes = roundUp(length * 4);
    this.heap = heap;
    this.#buffer = buffer;
  }

  floats(): Float32Array {
    this.#check();
    return this.#floats ??= new Float32Array(this.#buffer, this.at, this.length);
  }

  ints(): Int32Array {
    this.#check();
    return this.#ints ??= new Int32Array(this.#buffer, this.at, this.length);
  }

  #check(): void {
    if (!this.open) throw new TightrecError('stale', 'this array was given back to the memory: it belonged to a training step that has ended, or to a model that was freed; copy what you need before that');
    if (memory !== null && this.#buffer.byteLength < this.at + this.bytes) { // detached: an unshared memory has grown since
      this.#buffer = memory.buffer;
      this.#floats = this.#ints = null;
    }
  }
}

function createMemory(): { memory: WebAssembly.Memory | null; shared: boolean; maxPages: number } {
  if (typeof WebAssembly === 'undefined') return { memory: null, shared: false, maxPages: 0 };
  // some runtimes refuse a large reservation, some refuse shared memory: ask for less until one agrees
  for (const shared of [true, false]) {
    for (const maximum of [MAX_PAGES, 16384, 2048]) {
      try {
        return { memory: new WebAssembly.Memory({ initial: 16, maximum, shared }), shared, maxPages: maximum };
      } catch { /* the next one */ }
    }
  }
  return { memory: null, shared: false, maxPages: 0 };
}

const created = createMemory();
const memory = created.memory;

/** @internal linearMemory: the memory that the WASM modules are linked with, or null where there is none. */
export const linearMemory: WebAssembly.Memory | null = memory;
export const isShared: boolean = created.shared;

/** Buffers of a shared linear memory: growing makes a new buffer object over the same bytes, and views of the old stay good. */
const buffers = new WeakSet<ArrayBufferLike>();
/** Former buffers of an unshared one. */
const detached = new WeakSet<ArrayBufferLike>();
let latest: ArrayBufferLike | null = null;

function currentBuffer(): ArrayBufferLike {
  const buffer = memory!.buffer;
  if (buffer !== latest) {
    if (created.shared) buffers.add(buffer);
    else if (latest !== null) detached.add(latest);
    latest = buffer;
  }
  return buffer;
}

/** isDetached: whether this array was in the linear memory before an unshared one grew: it has no numbers and no address any more. */
export const isDetached = (array: Float32Array | Int32Array): boolean => detached.has(array.buffer);

/** isLinear: whether this array lies in the linear memory, so that its byteOffset is an address there. */
export function isLinear(array: Float32Array | Int32Array): boolean {
  return array.buffer === latest || buffers.has(array.buffer);
}

// The heap: free ranges by address. A model has a handful of blocks, so a sorted list is all it takes.
interface Range { at: number; bytes: number }
const freeRanges: Range[] = [];
let top = ALIGN; // address 0 stays unused
let limit = created.maxPages * PAGE;
let inUse = 0;

const roundUp = (bytes: number): number => Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);

function take(length: number): Block {
  const bytes = roundUp(length * 4);
  if (memory === null) {
    const block = new Block(0, length, plainBuffer(bytes), true);
    inUse += bytes;
    return block;
  }
  for (let r = 0; r < freeRanges.length; r++) {
    const range = freeRanges[r];
    if (!(range.bytes >= bytes)) continue;
    const at = range.at;
    range.at += bytes;
    range.bytes -= bytes;
    if (range.bytes === 0) freeRanges.splice(r, 1);
    inUse += bytes;
    return new Block(at, length, currentBuffer(), true);
  }
  try { growTo(top + bytes, bytes); } catch (error) {
    if (depth > 0 || chunks.length === 0) throw error;
    releaseChunks(); // no step is running: what the last one left for the next is better used now
    return take(length);
  }
  const at = top;
  top = at + bytes;
  inUse += bytes;
  return new Block(at, length, currentBuffer(), true);
}

function growTo(end: number, asked: number): void {
  const have = memory!.buffer.byteLength;
  if (end <= have) return; // never so for NaN
  if (!(end <= limit)) throw outOfMemory(asked);
  if (!created.shared && keeping > 0 && cut.length > 0) throw noRoom(asked);
  // grow by a quarter at least, so that many small requests do not each grow the memory
  const least = Math.ceil((end - have) / PAGE), room = created.shared || keeping === 0 ? 0 : ROOM / PAGE; // for what the step asks for next
  const wish = Math.min(Math.max(least + room, Math.ceil(have / 4 / PAGE)), Math.floor((limit - have) / PAGE));
  try { memory!.grow(wish); } catch {
    try { memory!.grow(least); } catch (cause) { throw outOfMemory(asked, cause); }
  }
}

/** Where there is no linear memory, each block is a buffer of its own, and the runtime says when there is no more. */
function plainBuffer(bytes: number): ArrayBuffer {
  try { return new ArrayBuffer(bytes); } catch (cause) { throw outOfMemory(bytes, cause); }
}

function outOfMemory(asked: number, cause?: unknown): TightrecError {
  const most = memory === null ? '' : ` of at most ${megabytes(limit)}`;
  return new TightrecError(
    'out-of-memory',
    `tightrec's memory cannot hold another ${megabytes(asked)}: ${megabytes(inUse)}${most} are in use; use fewer factors, a smaller batch, or free() models that are no longer needed`,
    { cause },
  );
}

function noRoom(asked: number): TightrecError {
  return new TightrecError(
    'out-of-memory',
    `a training step asks for another ${megabytes(asked)}, for which the memory would have to grow; this runtime has no shared memory, which alone can grow in the middle of a step; use a smaller batch`,
  );
}

/** Before a step: room for it, where the memory cannot grow under it. Four times what is in use holds gradients and an optimiser's state. */
function makeRoom(): void {
  if (memory === null || created.shared) return;
  for (let room = Math.max(ROOM, 4 * inUse); room >= PAGE; room /= 2) {
    const pages = Math.ceil((Math.min(top + room, limit) - memory.buffer.byteLength) / PAGE);
    if (pages <= 0) return;
    try { memory.grow(pages); currentBuffer(); return; } catch { /* less, then */ }
  }
}

const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 3 : 1)} MiB`;

function giveBack(at: number, bytes: number): void {
  inUse -= bytes;
  if (memory === null) return;
  let r = 0;
  while (r < freeRanges.length && freeRanges[r].at < at) r++;
  freeRanges.splice(r, 0, { at, bytes });
  if (r + 1 < freeRanges.length && at + bytes === freeRanges[r + 1].at) {
    freeRanges[r].bytes += freeRanges[r + 1].bytes;
    freeRanges.splice(r + 1, 1);
  }
  if (r > 0 && freeRanges[r - 1].at + freeRanges[r - 1].bytes === at) {
    freeRanges[r - 1].bytes += freeRanges[r].bytes;
    freeRanges.splice(r, 1);
    r--;
  }
  const last = freeRanges[r];
  if (last.at + last.bytes === top) { top = last.at; freeRanges.splice(r, 1); }
}

const abandoned = new FinalizationRegistry<Block>((block) => free(block));

/**
 * What an owner's blocks weigh, as buffers that nobody touches (so nothing real stands behind them). The garbage collector does not see the
 * linear memory: without this it takes an abandoned model for a few bytes and lets hundreds of them lie.
 */
const weights = new WeakMap<object, Map<Block, ArrayBuffer>>(), owners = new WeakMap<Block, WeakRef<object>>();

function weigh(owner: object, block: Block): void {
  if (block.bytes < PAGE || memory === null) return; // too little to matter, or a buffer that the collector sees
  const all = weights.get(owner) ?? new Map<Block, ArrayBuffer>();
  weights.set(owner, all);
  owners.set(block, new WeakRef(owner));
  try { all.set(block, new ArrayBuffer(block.bytes)); } catch { /* then without */ }
}

function unweigh(block: Block): void {
  const owner = owners.get(block)?.deref();
  if (owner) weights.get(owner)?.delete(block);
}

let trial: Block[] | null = null; // what the running allOrNone has allocated

/** allOrNone: runs `work`; where it throws, all that it has allocated goes back at once. `work` must not be asynchronous. */
export function allOrNone<T>(work: () => T): T {
  const before = trial, made: Block[] = trial = [];
  try {
    const result = work();
    before?.push(...made);
    return result;
  } catch (error) {
    for (const block of made) free(block);
    throw error;
  } finally { trial = before; }
}

/** allocate: a block of `length` numbers, zeroed, that goes back when `owner` is garbage or at once by `free`. */
export function allocate(length: number, owner?: object): Block {
  const block = take(length);
  trial?.push(block);
  block.floats().fill(0);
  if (owner) { abandoned.register(owner, block, block); weigh(owner, block); }
  return block;
}

/** free: gives the block back now. A second time does nothing; a block of a scope goes back with its scope. */
export function free(block: Block): void {
  if (!block.open || !block.heap) return;
  block.open = false;
  abandoned.unregister(block);
  unweigh(block);
  giveBack(block.at, block.bytes);
}

// The step arena: blocks cut one after another from a few chunks, all given back together.
interface Chunk { block: Block; used: number }
let chunks: Chunk[] = [];
let chunkBytes = 2 ** 20; // how large the first chunk of the next step will be
const cut: Block[] = []; // what the open scopes hold, oldest first
let depth = 0;
let keeping = 0; // open scopes that keep plain arrays

/** insideScope: whether arrays made now belong to a step. */
export const insideScope = (): boolean => depth > 0;

/** scratch: a block of `length` numbers in the running scope; its contents are whatever was there before. */
export function scratch(length: number): Block {
  if (depth === 0) throw new TightrecError('stale', 'scratch: there is no open scope; wrap the work in scope(() => ...)');
  const size = roundUp(length * 4);
  if (memory === null) { const block = new Block(0, length, plainBuffer(size), false); cut.push(block); return block; }
  let chunk = chunks.at(-1);
  if (!chunk || chunk.used + size > chunk.block.bytes) {
    chunk = { block: takeChunk(size, chunk ? 2 * chunk.block.bytes : chunkBytes), used: 0 };
    chunks.push(chunk);
  }
  const block = new Block(chunk.block.at + chunk.used, length, currentBuffer(), false);
  chunk.used += size;
  cut.push(block);
  return block;
}

/** scratchInts, scratchFloats: arrays of the running step, or plain ones outside of any; their contents are whatever was there before. */
export const scratchInts = (length: number): Int32Array => depth > 0 ? scratch(length).ints() : new Int32Array(length);
export const scratchFloats = (length: number): Float32Array => depth > 0 ? scratch(length).floats() : new Float32Array(length);

/** scratchCopy: ids where the kernels read them in place. Runs inside a scope. */
export function scratchCopy(ids: Int32Array): Int32Array {
  const copy = scratch(ids.length).ints();
  copy.set(ids);
  return copy;
}

/** A chunk of `wish` bytes, or of just what is asked for where the memory has no room for that. */
function takeChunk(size: number, wish: number): Block {
  if (wish > size) try { return take(wish / 4); } catch { /* the memory is nearly full */ }
  return take(size / 4);
}

function releaseChunks(): void {
  const all = chunks;
  chunks = [];
  for (const chunk of all) free(chunk.block);
}

/**
 * scope: runs `work`, then gives back every array made inside, whether it returned or threw. `work` must not be asynchronous: other work
 * could run in between and would share the scope. Scopes nest. `keepsArrays` is false for work that asks its blocks for their arrays after
 * the last allocation, so that the memory may grow in between.
 */
export function scope<T>(work: () => T, keepsArrays = true): T {
  if (depth === 0 && keepsArrays) makeRoom();
  const blocks = cut.length, chunk = chunks.length - 1, used = chunk < 0 ? 0 : chunks[chunk].used;
  depth++;
  if (keepsArrays) keeping++;
  try {
    const result = work();
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
      Promise.resolve(result).catch(() => {}); // this error is the one to report, not what the unfinished work then runs into
      throw new TightrecError('stale', 'scope: the work must finish before it returns; it returned a promise');
    }
    return result;
  } finally {
    depth--;
    if (keepsArrays) keeping--;
    for (let b = blocks; b < cut.length; b++) cut[b].open = false;
    cut.length = blocks;
    if (depth === 0 && chunks.length > 1) {
      // the step outgrew its chunk: the next one starts with a chunk that holds all of it
      chunkBytes = chunks.reduce((sum, c) => sum + c.block.bytes, 0);
      releaseChunks();
    } else {
      for (let c = chunk + 1; c < chunks.length; c++) chunks[c].used = 0;
      if (chunk >= 0) chunks[chunk].used = used;
    }
  }
}

export interface MemoryUse { inUse: number; size: number; limit: number; shared: boolean }

/** memoryUse: bytes handed out now, bytes the linear memory spans, bytes it may span at most. */
export function memoryUse(): MemoryUse {
  return { inUse, size: memory === null ? inUse : memory.buffer.byteLength, limit, shared: created.shared };
}

/** limitMemory: lowers (or raises) what the memory may grow to, in bytes, rounded down to pages of 64 KiB; at most 4 GiB. */
export function limitMemory(bytes: number): void {
  if (!(bytes >= PAGE && bytes <= MAX_PAGES * PAGE)) throw new TightrecError('bad-setting', `limitMemory: bytes must be between ${PAGE} and ${MAX_PAGES * PAGE}, got ${bytes}`);
  limit = Math.min(Math.floor(bytes / PAGE), created.maxPages) * PAGE;
}
