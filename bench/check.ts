import { loops } from '../kernels/index.ts';
import { expectAgreement, kernelCases, tolerances } from '../test/helpers/kernelCases.ts';
import { type Argument, type KernelSize, type Numeric } from './kernelSizes.ts';

/** A kernel of any variant: those of gpu.js answer with a promise. */
export type Kernel = (...args: Argument[]) => unknown;

/** Devices have coarser exponentials and divisions than IEEE 754 asks of a processor. */
const slackOf = (variant: string): number => (variant.startsWith('gpu') ? 16 : 1);

/** What an error's message begins with when a variant ran and was wrong; other errors are refusals. */
export const DISAGREES = 'disagrees with the loop: ';

/** agreeing: does a check; its error begins with DISAGREES. */
export function agreeing(check: () => void): void {
  try { check(); } catch (error) { throw new Error(DISAGREES + (error as Error).message, { cause: error }); }
}

/** checkSmall: a third of the tests' own cases of this kernel, at awkward sizes, so that timing soon begins; throws where the variant is not the loop. */
export async function checkSmall(name: string, kernel: Kernel, variant: string): Promise<void> {
  for (const one of kernelCases.filter((one) => one.kernel === name && !one.extreme).filter((_, at) => at % 3 === 2)) {
    const args = one.args(), result = await kernel(...args);
    agreeing(() => expectAgreement(one, { result, args }, slackOf(variant)));
  }
}

/** What the loop makes of a size. */
export interface Answer { readonly args: readonly Argument[]; readonly result: unknown }

/** answerOf: it, from copies of `inputs`. */
export function answerOf(size: KernelSize, inputs: readonly Argument[]): Answer {
  const args = inputs.map((arg) => (typeof arg === 'number' ? arg : arg.slice()));
  return { args, result: (loops[size.kernel] as Kernel)(...args) };
}

/**
 * checkLarge: the tests' tolerances at a size too large for their way of finding magnitudes. There a sum of so many terms of either sign is
 * held to the size of such a sum, which is about the root mean square of what came out, times the root of their number.
 */
export function checkLarge(size: KernelSize, variant: string, got: Answer, want: Answer): void {
  const family = kernelCases.find((one) => one.kernel === size.kernel)!.tolerance;
  const tolerance = tolerances[family] * slackOf(variant) * (family === 'reduction' ? Math.sqrt(size.terms) : 1);
  agreeing(() => {
    if (typeof want.result === 'number') compare('the result', [got.result as number], [want.result], tolerance);
    for (const at of size.writes) compare(`argument ${at}`, got.args[at] as Numeric, want.args[at] as Numeric, tolerance);
  });

  function compare(what: string, mine: ArrayLike<number>, theirs: ArrayLike<number>, tolerance: number): void {
    let squares = 0, finite = 0;
    for (let k = 0; k < theirs.length; k++) if (Number.isFinite(theirs[k])) { squares += theirs[k] * theirs[k]; finite++; }
    const usual = Math.sqrt(squares / Math.max(finite, 1));
    for (let k = 0; k < theirs.length; k++) {
      if (mine[k] === theirs[k] || Object.is(mine[k], theirs[k])) continue;
      const off = Math.abs(mine[k] - theirs[k]), allowed = tolerance * (usual + Math.abs(theirs[k]));
      if (!(off <= allowed)) throw new Error(`${what} is ${mine[k]} at ${k}, the loop has ${theirs[k]}: off by ${off.toPrecision(3)}, allowed is ${allowed.toPrecision(3)}`);
    }
  }
}
