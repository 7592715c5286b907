import { useKernels } from '../../kernels/index.ts';
import { open as openPlain } from './tightrec.ts';
import type { Rival } from './works.ts';

/** tightrec as it is after useKernels('simd-fma'), where the runtime has relaxed SIMD. */
export function open(): Rival {
  useKernels('simd-fma');
  return openPlain();
}
