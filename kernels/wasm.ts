import type { Kernels } from './index.ts';
import { type Block, isLinear, isShared, linearMemory, scope, scratch } from './memory.ts';
import { kernelModule } from './module.ts';

type Numeric = Float32Array | Int32Array;
type Argument = number | Numeric;

/**
 * loadSimd: the WASM module's kernels behind the loops' signatures, or null and the reason why this runtime cannot run them.
 * `loops` names the kernels; each must be an export of the module.
 */
export function loadSimd(loops: Kernels): { kernels: Kernels | null; why: string } {
  if (typeof WebAssembly === 'undefined') return { kernels: null, why: 'this runtime has no WebAssembly' };
  if (linearMemory === null) return { kernels: null, why: 'this runtime refused to make a WebAssembly memory' };
  let exports: WebAssembly.Exports;
  try {
    const bytes = Uint8Array.from(atob(kernelModule), (character) => character.charCodeAt(0));
    if (!isShared) importUnshared(bytes);
    exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: linearMemory } }).exports;
  } catch (error) {
    return { kernels: null, why: `this runtime refused the WASM SIMD module: ${(error as Error).message}` };
  }
  const names = Object.keys(loops) as (keyof Kernels)[];
  return {
    kernels: Object.fromEntries(names.map((name) => [name, inPlace(exports[name] as (...args: number[]) => number)])) as unknown as Kernels,
    why: 'this runtime runs WASM SIMD',
  };
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
function inPlace(kernel: (...args: number[]) => number): (...args: Argument[]) => number {
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

function copied(kernel: (...args: number[]) => number, args: Argument[]): number {
  return scope(() => {
    const copies = new Map<Numeric, Block>(); // the same array twice stays the same array
    const addresses = args.map((arg) => {
      if (typeof arg === 'number') return arg;
      if (!copies.has(arg)) copies.set(arg, scratch(arg.length));
      return copies.get(arg)!.at;
    });
    for (const [from, block] of copies) viewLike(from, block).set(from);
    const result = kernel(...addresses);
    for (const [from, block] of copies) from.set(viewLike(from, block));
    return result;
  }, false);
}

const viewLike = (array: Numeric, block: Block): Numeric => array instanceof Int32Array ? block.ints() : block.floats();
