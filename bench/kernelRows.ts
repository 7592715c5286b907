import { type Block, allocate, free } from '../kernels/memory.ts';
import { type Answer, DISAGREES, type Kernel, answerOf, checkLarge, checkSmall } from './check.ts';
import type { Argument, KernelSize } from './kernelSizes.ts';
import { type Limits, leastSeconds } from './limits.ts';
import type { Refusal, Row } from './results.ts';
import { type Pace, timed } from './timing.ts';
import type { BenchVariant } from './variants.ts';

export type Outcome = { row: Row } | { refusal: Refusal };

/** kernelRows: a size with every variant that has the kernel: checked against the loop, then timed. What fails becomes a refusal. Shares come after: withShare. */
export async function* kernelRows(size: KernelSize, variants: readonly BenchVariant[], pace: Pace, checked = new Set<string>()): AsyncGenerator<Outcome> {
  const inputs = Array.from({ length: size.inputs }, (_, input) => size.args(input)), wants = inputs.map((args) => answerOf(size, args));
  let loop = Number.NaN;
  for (const variant of variants) {
    const kernel = variant.kernel(size.kernel), about = { name: size.kernel, size: size.size, variant: variant.name };
    if (kernel === null) continue;
    try {
      const once = `${variant.name} ${size.kernel}`;
      if (variant.name !== 'loop' && !checked.has(once)) { await checkSmall(size.kernel, kernel, variant.name); checked.add(once); }
      const row = await kernelRow(size, variant, kernel, inputs, wants, pace);
      if (variant.name === 'loop') loop = row.milliseconds;
      yield { row: { ...row, ...(Number.isNaN(loop) ? {} : { overLoop: loop / row.milliseconds }) } };
    } catch (error) {
      const why = (error as Error).message;
      yield { refusal: { ...about, why, ...(why.startsWith(DISAGREES) ? { wrong: true } : {}) } };
    }
  }
}

async function kernelRow(size: KernelSize, variant: BenchVariant, kernel: Kernel, inputs: readonly (readonly Argument[])[], wants: readonly Answer[], pace: Pace): Promise<Row> {
  const blocks: Block[] = [];
  try {
    const lists = variant.arrays === 'plain' ? inputs.map((list) => list.map((arg) => (typeof arg === 'number' ? arg : arg.slice()))) : linear(inputs, size.workingSet, blocks);
    let first = 0, turn = 0;
    for (const [input, args] of lists.entries()) {
      const began = performance.now(), answer = kernel(...args), result = variant.waits ? await answer : answer;
      if (input === 0) first = performance.now() - began;
      checkLarge(size, variant.name, { args, result }, wants[input]);
    }
    const [args] = lists, run = lists.length === 1 ? () => kernel(...args) : () => { turn = (turn + 1) % lists.length; return kernel(...lists[turn]); };
    const { quartiles, ...timing } = await timed(run, variant.waits, first, pace);
    const work = (size.unit === 'GB/s' ? size.bytes : size.flops) / 1e6;
    return {
      group: 'kernels', kernel: size.folder, name: size.kernel, scale: size.scale, size: size.size, variant: variant.name, unit: size.unit,
      median: work / timing.milliseconds, low: work / quartiles[1], high: work / quartiles[0], ...timing,
    };
  } finally { blocks.forEach(free); }
}

/** withShare: a row with its share of these limits. A graphics device is not bound by what a thread can do. */
export function withShare(row: Row, size: KernelSize, limits: Limits): Row {
  if (/webgl|webgpu/.test(row.variant)) return row;
  const { seconds, bound } = leastSeconds(limits, size, row.variant === 'simd-fma');
  return { ...row, share: 1000 * seconds / row.milliseconds, bound };
}

/** Copies in the linear memory, given back by whoever holds `blocks`. */
function linear(inputs: readonly (readonly Argument[])[], bytes: number, blocks: Block[]): Argument[][] {
  free(allocate(bytes / 4 + 64 * inputs.length * inputs[0].length)); // grown now, not while arrays are held: where it is not shared, growing takes them away
  return inputs.map((list) => list.map((arg) => {
    if (typeof arg === 'number') return arg;
    const block = allocate(arg.length), array = arg instanceof Int32Array ? block.ints() : block.floats();
    blocks.push(block);
    array.set(arg);
    return array;
  }));
}
