import { suite } from 'uvu';
import { type Kernels, backend, fma, variants } from '../../kernels/index.ts';
import { type Argument, type kernelTable, casesOf, expectAgreement } from './kernelCases.ts';
import { inRoom, places } from './room.ts';
import { skip } from './skip.ts';

/** A variant that runs when it is called (those of the GPU answer later), or why this runtime has none. */
type Runnable = Partial<Kernels> | { why: string };

const synchronous: Record<string, Runnable> = {
  simd: variants.simd ?? { why: backend().why },
  'simd-fma': fma().kernels ?? { why: fma().why }, // only matmul has a version of its own
  ndarray: await withNdarray(),
};

async function withNdarray(): Promise<Runnable> {
  try { return (await import('../../kernels/ndarray.ts')).ndarrayKernels; } catch (error) { // where code may not be built from text
    return { why: (error as Error).message };
  }
}

/** agreeWithLoop: a suite for each variant of a kernel's folder, in which all its cases run and are held against the loop; skipped variants are named. */
export function agreeWithLoop(folder: keyof typeof kernelTable): void {
  const cases = casesOf(folder);
  for (const [name, kernels] of Object.entries(synchronous)) {
    if (name === 'simd-fma' && folder !== 'matmul') continue;
    const title = `kernels/${folder}/${name} beside the loop`;
    if ('why' in kernels) { skip(title, kernels.why); continue; }
    const test = suite(title);
    for (const place of places) {
      for (const kernel of new Set(cases.map((one) => one.kernel))) {
        test(`${kernel} agrees, ${place} memory`, () => {
          for (const one of cases.filter((each) => each.kernel === kernel)) {
            inRoom(place, ({ input, output }) => {
              const arrays = new Map<Argument, Argument>(); // one array stays one array
              const args = one.args().map((arg, at) => {
                if (typeof arg === 'number') return arg;
                if (!arrays.has(arg)) arrays.set(arg, one.writes.includes(at) ? output(arg) : input(arg));
                return arrays.get(arg)!;
              });
              const run = kernels[kernel] as ((...args: unknown[]) => unknown) | undefined;
              if (run === undefined) throw new Error(`${name} has no ${kernel}`);
              expectAgreement(one, { result: run(...args), args });
              return [];
            });
          }
        });
      }
    }
    test.run();
  }
}
