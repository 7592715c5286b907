import type { Kernels } from './index.ts';
import { type Block, allocate, isLinear, isShared, linearMemory, scope, scratch } from './memory.ts';
import { kernelModule } from './module.ts';
import { fmaModule } from './moduleFma.ts';

type Numeric = Float32Array | Int32Array;
type Argument = number | Numeric;

/**
 * loadSimd: the WASM module's kernels behind the loops' signatures, or null and the reason why this runtime cannot run them.
 * `loops` names the kernels; each must be an export of the module.
 */
export function loadSimd(loops: Kernels): { kernels: Kernels | null; why: string } {
  const { exports, why } = load(kernelModule);
  if (exports === null) return { kernels: null, why };
  const names = Object.keys(loops) as (keyof Kernels)[];
  return { kernels: Object.fromEntries(names.map((name) => [name, inPlace(exports[name] as Kernel)])) as unknown as Kernels, why: 'this runtime runs WASM SIMD' };
}

/** loadFma: the kernels of loadSimd with those replaced that gain by fused multiply-add, or null and the reason why not. */
export function loadFma(simd: { kernels: Kernels | null; why: string }): { kernels: Kernels | null; why: string } {
  if (simd.kernels === null) return simd;
  const { exports, why } = load(fmaModule);
  if (exports === null) return { kernels: null, why };
  const fused = Object.entries(exports).flatMap(([name, kernel]) => typeof kernel === 'function' ? [[name, inPlace(kernel as Kernel)]] : []);
  return { kernels: { ...simd.kernels, ...Object.fromEntries(fused) as Partial<Kernels> }, why: 'this runtime runs relaxed WASM SIMD' };
}

type Kernel = (...args: number[]) => number;

function load(module: string): { exports: WebAssembly.Exports | null; why: string } {
  if (typeof WebAssembly === 'undefined') return { exports: null, why: 'this runtime has no WebAssembly' };
  if (linearMemory === null) return { exports: null, why: 'this runtime refused to make a WebAssembly memory' };
  try {
    const bytes = Uint8Array.from(atob(module), (character) => character.charCodeAt(0));
    if (!isShared) importUnshared(bytes);
    if (module === fmaModule && !WebAssembly.validate(bytes)) return { exports: null, why: 'this runtime has no relaxed WASM SIMD (Node has it from version 22 on)' };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory: linearMemory } });
    const { workspace, WORKSPACE } = exports as Record<string, WebAssembly.Global>;
    workspace.value = allocate(WORKSPACE.value / 4).at; // matmul's, for as long as the module is there
    return { exports, why: '' };
  } catch (error) {
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
