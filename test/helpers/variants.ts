import type { Test } from 'uvu';
import { suite } from 'uvu';
import { backend, useKernels, variants } from '../../kernels/index.ts';
import { skip } from './skip.ts';

/** forVariants: one suite a kernel variant that this runtime has, in which everything runs on that variant; `fill` ends with test.run(). */
export function forVariants(name: string, fill: (test: Test, variant: keyof typeof variants) => void): void {
  for (const variant of Object.keys(variants) as (keyof typeof variants)[]) {
    if (variants[variant] === null) { skip(`${name}/${variant}`, backend().why); continue; }
    const test = suite(`${name}/${variant}`);
    test.before(() => useKernels(variant));
    test.after(() => useKernels('auto'));
    fill(test, variant);
  }
}
