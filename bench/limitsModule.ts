import { fileURLToPath } from 'node:url';
import { compile } from '../kernels/compile.ts';
import type { LimitModules } from './limits.ts';

/** limitModules: the probes of limits.simd.ts and limitsFma.simd.ts, compiled now. */
export async function limitModules(): Promise<LimitModules> {
  const here = fileURLToPath(new URL('.', import.meta.url)), memory = ['--initialMemory', '1', '--maximumMemory', '65536'];
  return {
    plain: await compile(['limits.simd.ts'], here, memory),
    fused: await compile(['limitsFma.simd.ts'], here, [...memory, '--enable', 'relaxed-simd']),
  };
}
