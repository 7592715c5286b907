import { type Kernels, backend, fma, variants as own } from '../kernels/index.ts';
import { ndarrayKernels } from '../kernels/ndarray.ts';
import type { Kernel } from './check.ts';

/** A way to run the kernels. */
export interface BenchVariant {
  readonly name: string;
  /** Where its arrays lie: in the memory that SIMD reads in place, or wherever JavaScript puts them. */
  readonly arrays: 'linear' | 'plain';
  /** Whether a call answers with a promise. */
  readonly waits: boolean;
  readonly kernel: (name: keyof Kernels) => Kernel | null;
  readonly close?: () => void;
}

export interface Found { readonly variants: readonly BenchVariant[]; readonly missing: readonly { variant: string; why: string }[] }

/** cpuVariants: what needs no device: loop, simd, simd-fma where the runtime has it, ndarray. */
export function cpuVariants(): Found {
  const variants: BenchVariant[] = [], missing: { variant: string; why: string }[] = [];
  const add = (name: string, table: Partial<Kernels>, arrays: BenchVariant['arrays']): void => { variants.push({ name, arrays, waits: false, kernel: (kernel) => (table[kernel] as Kernel | undefined) ?? null }); };
  add('loop', own.loop!, 'linear');
  if (own.simd) add('simd', own.simd, 'linear'); else missing.push({ variant: 'simd', why: backend().why });
  const fused = fma();
  // only what it does otherwise than simd
  if (fused.kernels) add('simd-fma', Object.fromEntries(Object.entries(fused.kernels).filter(([name, kernel]) => kernel !== own.simd?.[name as keyof Kernels])), 'linear');
  else missing.push({ variant: 'simd-fma', why: fused.why });
  add('ndarray', ndarrayKernels, 'plain');
  return { variants, missing };
}
