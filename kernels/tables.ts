import { TightrecError, describe } from '../lib/errors.ts';
import type { Kernels } from './index.ts';
import { isShared, linearMemory, memoryUse } from './memory.ts';
import { fmaModule } from './moduleFma.ts';
import type { Cut } from './spread.ts';
import { processors, whyOneThread } from './startThread.ts';
import { loadKernels } from './wasm.ts';

/**
 * The tables of kernels, one a variant, and which of them is in use. Kernels come in sets: those of answering.ts at first, all others with index.ts; where that was
 * not imported, no table has the others, and no type says that it has: `Kernels` here means as many as are loaded.
 */

export type Variant = 'loop' | 'simd' | 'simd-fma';

/** KernelSet: kernels that come together: the loops, the WASM module that has the same names, as text, and how their large calls are cut for several threads. */
export interface KernelSet { readonly loops: Partial<Kernels>; readonly module: string; readonly cut: Cut }

const loaded: KernelSet[] = [], cuttable: Cut[] = [], followers: ((table: Kernels) => void)[] = [];
let loop = {} as Kernels, simd: Kernels | null = null, whySimd = '', whyMixed = '';
let fused: { kernels: Partial<Kernels> | null; why: string } | null = null, withFused: Kernels | null = null;

let inUse: Kernels, variant: Variant = 'loop';
let asked = false;

/** addKernels: puts these sets, where they are not there yet, into every table. `follow` hears of each table that comes into use from now on; the one in use now is returned. */
export function addKernels(sets: readonly KernelSet[], follow: (table: Kernels) => void): Kernels {
  for (const set of sets) if (!loaded.includes(set)) add(set);
  exchange(tableOf(variant)!);
  followers.push(follow);
  return inUse;
}

function add(set: KernelSet): void {
  const first = loaded.length === 0;
  loaded.push(set);
  loop = { ...loop, ...set.loops };
  if (!first && simd === null) return; // where WASM was refused once there are loops
  const { kernels, why } = loadKernels(set.module);
  if (kernels !== null) cuttable.push(set.cut); // a part of a call is given by addresses, which are nothing to a loop
  if (first) { whySimd = why; variant = kernels === null ? 'loop' : 'simd'; }
  else if (kernels === null) whyMixed = `; but what learns runs as plain loops: ${why}`;
  if (!first || kernels !== null) simd = { ...simd!, ...(kernels ?? set.loops) };
  withFused = null;
}

const tableOf = (name: Variant): Kernels | null => (name === 'loop' ? loop : name === 'simd' ? simd : fusedTable().kernels);

/** tables: those that agree to the bit from machine to machine; null for one that cannot run here. */
export const tables = (): { loop: Kernels; simd: Kernels | null } => ({ loop, simd });

/** fusedTable: 'simd' with the kernels replaced that gain by fused multiply-add, or null and the reason why not. The module is loaded when first asked for. */
export function fusedTable(): { kernels: Kernels | null; why: string } {
  if (simd === null) return { kernels: null, why: whySimd };
  if (fused === null || fused.kernels === null) fused = loadKernels(fmaModule, true);
  if (fused.kernels !== null) withFused ??= { ...simd, ...fused.kernels };
  return { kernels: withFused, why: fused.why };
}

/** cuts: how large calls of the kernels are cut, of those that other threads know. */
export const cuts = (): readonly Cut[] => cuttable;

/**
 * useKernels: chooses the variant for everything that follows. 'auto' takes the fastest that gives the same bits on every machine. 'simd-fma'
 * has fused multiply-adds in matmul: quicker, and not the same bits.
 * Errors: 'bad-setting' for an unknown name, 'unsupported' when this runtime cannot run it (the message says why).
 */
export function useKernels(name: Variant | 'auto'): void {
  if (!['auto', 'loop', 'simd', 'simd-fma'].includes(name as string)) throw new TightrecError('bad-setting', `useKernels: expected 'auto', 'simd', 'simd-fma' or 'loop', got ${describe(name)}`);
  const chosen: Variant = name === 'auto' ? (simd === null ? 'loop' : 'simd') : name, table = tableOf(chosen);
  if (table === null) throw new TightrecError('unsupported', `useKernels: '${name}' cannot run here: ${name === 'simd-fma' ? fusedTable().why : whySimd}; use ${name === 'simd-fma' && simd !== null ? "'simd'" : "'loop'"} or 'auto'`);
  asked = name !== 'auto';
  variant = chosen;
  exchange(table);
}

/** chosenVariant: the variant that was chosen. */
export const chosenVariant = (): Variant => variant;

/** tableInUse: what `kernels` is now, for those who call kernels by name. */
export const tableInUse = (): Kernels => inUse;

/** exchange: puts another table of the same kernels to use, for a while; returns the one before. */
export function exchange(table: Kernels): Kernels {
  const before = inUse;
  inUse = table;
  for (const follow of followers) follow(table);
  return before;
}

export interface Backend {
  /** Which variant of the kernels runs. */
  kernels: Variant;
  /** Why that one. */
  why: string;
  /** Whether worker threads can see the same arrays. */
  sharedMemory: boolean;
  /** How many threads `threads: 'all'` takes, and where it is one for another reason than the machine's, why. */
  threads: number;
  whyOneThread: string | null;
  /** What the memory may grow to, in bytes; 0 where there is no WebAssembly. */
  memoryLimit: number;
}

/** backend: what runs underneath and why. */
export function backend(): Backend {
  const oneThread = variant === 'loop' ? 'the kernels are plain loops' : whyOneThread();
  return {
    kernels: variant, why: `${asked ? `asked for with useKernels('${variant}')` : whySimd}${variant === 'loop' ? '' : whyMixed}`, sharedMemory: isShared, threads: oneThread === null ? processors() : 1, whyOneThread: oneThread,
    memoryLimit: linearMemory === null ? 0 : memoryUse().limit,
  };
}
