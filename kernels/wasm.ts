import { TightrecError } from '../lib/errors.ts';
import type { WasmKernel } from './desk.ts';
import type { Kernels } from './index.ts';
import { type Block, allocate, isDetached, isLinear, isShared, linearMemory, scope, scratch } from './memory.ts';
import { moduleBytes } from './moduleText.ts';

type Numeric = Float32Array | Int32Array;
type Argument = number | Numeric;

/** loadKernels: a WASM module's kernels behind the loops' signatures, or null and the reason why this runtime cannot run them. `fused`: it has fused multiply-add. */
export function loadKernels(module: string, fused = false): { kernels: Partial<Kernels> | null; why: string } {
  const { exports, why } = load(module, fused);
  if (exports === null) return { kernels: null, why };
  const kernels = Object.entries(exports).flatMap(([name, kernel]) => (typeof kernel === 'function' ? [[name, inPlace(kernel as Kernel)]] : []));
  return { kernels: Object.fromEntries(kernels) as Partial<Kernels>, why: fused ? 'this runtime runs relaxed WASM SIMD' : 'this runtime runs WASM SIMD' };
}

type Kernel = (...args: number[]) => number;

/** Instance: a module that was loaded, and what another thread needs to load it too. */
export interface Instance { readonly module: WebAssembly.Module; readonly exports: Readonly<Record<string, WasmKernel>>; readonly fused: boolean }

/** The modules loaded so far. */
export const instances: Instance[] = [];

let workspaceAt: number | null = null;

/** How many numbers matmul takes beside its own, in whichever module it is called: a thread's modules share them, for as long as they are there, since no kernel calls one of another module. */
export let workspaceLength = 0;

function load(module: string, fused: boolean): { exports: WebAssembly.Exports | null; why: string } {
  if (typeof WebAssembly === 'undefined') return { exports: null, why: 'this runtime has no WebAssembly' };
  if (linearMemory === null) return { exports: null, why: 'this runtime refused to make a WebAssembly memory' };
  try {
    const bytes = moduleBytes(module);
    if (!isShared) importUnshared(bytes);
    if (fused && !WebAssembly.validate(bytes)) return { exports: null, why: 'this runtime has no relaxed WASM SIMD (Node has it from version 22 on)' };
    const compiled = new WebAssembly.Module(bytes), { exports } = new WebAssembly.Instance(compiled, { env: { memory: linearMemory } });
    const { workspace, WORKSPACE } = exports as Record<string, WebAssembly.Global>;
    workspaceLength = WORKSPACE.value / 4;
    workspace.value = workspaceAt ??= allocate(workspaceLength).at;
    instances.push({ module: compiled, exports: exports as Instance['exports'], fused });
    return { exports, why: '' };
  } catch (error) {
    if (error instanceof TightrecError) throw error; // no room for the workspace just now
    return { exports: null, why: `this runtime refused the WASM SIMD module: ${(error as Error).message}` };
  }
}

/**
 * The module is compiled for a shared memory. Where only an unshared one exists, the one byte that says so is changed: in the import of
 * "memory" the kind (2 = memory) is followed by the limits' flags, 3 = shared with a maximum, 1 = a maximum alone.
 */
function importUnshared(bytes: Uint8Array): void {
  const name = 'memory';
  for (let at = 0; at + name.length + 1 < bytes.length; at++) {
    if (bytes[at + name.length] !== 2 || bytes[at + name.length + 1] !== 3) continue;
    if ([...name].every((character, c) => bytes[at + c] === character.charCodeAt(0))) { bytes[at + name.length + 1] = 1; return; }
  }
}

/** Calls a WASM kernel with addresses in place of arrays. Arrays outside the linear memory are copied in, and back out when it is done. */
function inPlace(kernel: Kernel): (...args: Argument[]) => number {
  return (...args) => {
    let outside = false;
    const addresses = args as number[];
    for (let a = 0; a < args.length; a++) {
      const arg = args[a];
      if (typeof arg === 'number') continue;
      if (isLinear(arg)) addresses[a] = arg.byteOffset;
      else outside = true;
    }
    return outside ? copied(kernel, args) : kernel(...addresses);
  };
}

function copied(kernel: Kernel, args: Argument[]): number {
  return scope(() => {
    const copies = copiesFor(args.filter((arg) => typeof arg !== 'number'));
    const addresses = args.map((arg) => {
      if (typeof arg === 'number') return arg;
      const { block, from } = copies.find((copy) => copy.buffer === arg.buffer && copy.from <= arg.byteOffset && arg.byteOffset + arg.byteLength <= copy.to)!;
      return block.at + arg.byteOffset - from;
    });
    const bytesOf = ({ buffer, from, to }: Copy): Int32Array => new Int32Array(buffer, from, (to - from) / 4);
    for (const copy of copies) copy.block.ints().set(bytesOf(copy));
    const result = kernel(...addresses);
    for (const copy of copies) bytesOf(copy).set(copy.block.ints());
    return result;
  }, false);
}

/** A range of a buffer's bytes, and the block that stands for it while the kernel runs. */
interface Copy { readonly buffer: ArrayBufferLike; readonly from: number; to: number; block: Block }

/** One copy for arrays that share bytes, as views of one array do: what the kernel writes through one is then seen through the other. */
function copiesFor(arrays: readonly Numeric[]): Copy[] {
  const copies: Copy[] = [];
  for (const array of [...arrays].sort((a, b) => a.byteOffset - b.byteOffset)) {
    if (isDetached(array)) throw new TightrecError('stale', 'this array was left behind when the memory grew; ask its tensor for its data or grad again');
    const from = array.byteOffset, to = from + array.byteLength;
    const last = copies.findLast(({ buffer }) => buffer === array.buffer);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else copies.push({ buffer: array.buffer, from, to, block: scratch(0) });
  }
  for (const copy of copies) copy.block = scratch((copy.to - copy.from) / 4);
  return copies;
}
