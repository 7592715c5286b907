import { type Kernels, variants } from '../kernels/index.ts';
import { allocate, free, type Block } from '../kernels/memory.ts';
import { random } from '../lib/random.ts';
import type { Case } from './case.ts';

type Numeric = Float32Array | Int32Array;
type Argument = Numeric | number;

/** A kernel at a size: its arguments, what it costs, and which of the arguments it writes. */
interface Shape {
  kernel: keyof Kernels;
  size: string;
  unit: 'GFLOP/s' | 'GB/s';
  /** Floating-point operations, or bytes read and written. */
  work: number;
  /** Arguments in order: [kind, length, below] for arrays, numbers as they are. */
  args: readonly (number | readonly ['floats' | 'zeros', number] | readonly ['ids', number, number])[];
  writes: readonly number[];
}

const users = 3706, items = 4052, K = 128, pairs = 30_000, triples = 15_000;

const shapes: readonly Shape[] = [
  { kernel: 'gatherRows', size: `${items} of ${items} x ${K}`, unit: 'GB/s', work: 8 * items * K, args: [['zeros', items * K], ['floats', items * K], ['ids', items, items], items, K], writes: [0] },
  { kernel: 'gatherRowsGrad', size: `${items} into ${items} x ${K}`, unit: 'GB/s', work: 12 * items * K, args: [['zeros', items * K], ['floats', items * K], ['ids', items, items], items, K], writes: [0] },
  { kernel: 'rowDot', size: `${pairs} pairs, ${K}`, unit: 'GFLOP/s', work: 2 * pairs * K, args: [['zeros', pairs], ['floats', users * K], ['floats', items * K], ['ids', pairs, users], ['ids', pairs, items], pairs, K], writes: [0] },
  { kernel: 'rowDotGrad', size: `${pairs} pairs, ${K}`, unit: 'GFLOP/s', work: 4 * pairs * K, args: [['zeros', users * K], ['zeros', items * K], ['floats', pairs], ['floats', users * K], ['floats', items * K], ['ids', pairs, users], ['ids', pairs, items], pairs, K], writes: [0, 1] },
  { kernel: 'matmulTransposed', size: `256 x ${items} x ${K}`, unit: 'GFLOP/s', work: 2 * 256 * items * K, args: [['zeros', 256 * items], ['floats', 256 * K], ['floats', items * K], 256, items, K], writes: [0] },
  { kernel: 'logLoss', size: `${pairs}`, unit: 'GB/s', work: 8 * pairs, args: [['floats', pairs], ['floats', pairs], pairs], writes: [] },
  { kernel: 'logLossGrad', size: `${pairs}`, unit: 'GB/s', work: 16 * pairs, args: [['zeros', pairs], ['floats', pairs], ['floats', pairs], pairs, 1], writes: [0] },
  { kernel: 'bprLoss', size: `${triples} triples, ${K}`, unit: 'GFLOP/s', work: 3 * triples * K, args: [['zeros', triples], ['floats', users * K], ['floats', items * K], ['floats', items], ['ids', triples, users], ['ids', triples, items], ['ids', triples, items], triples, K], writes: [0] },
  { kernel: 'bprGrad', size: `${triples} triples, ${K}`, unit: 'GFLOP/s', work: 7 * triples * K, args: [['zeros', users * K], ['zeros', items * K], ['zeros', items], ['floats', triples], ['floats', users * K], ['floats', items * K], ['ids', triples, users], ['ids', triples, items], ['ids', triples, items], triples, K, 1], writes: [0, 1, 2] },
  { kernel: 'sgd', size: `${items * K}`, unit: 'GB/s', work: 12 * items * K, args: [['zeros', items * K], ['floats', items * K], items * K, 1e-3], writes: [0] },
  { kernel: 'adagrad', size: `${items * K}`, unit: 'GB/s', work: 20 * items * K, args: [['zeros', items * K], ['zeros', items * K], ['floats', items * K], items * K, 1e-3, 1e-10], writes: [0, 1] },
  { kernel: 'adam', size: `${items * K}`, unit: 'GB/s', work: 28 * items * K, args: [['zeros', items * K], ['zeros', items * K], ['zeros', items * K], ['floats', items * K], items * K, 1e-3, 0.9, 0.999, 1e-8, 10, 1000], writes: [0, 1, 2] },
  { kernel: 'topK', size: `256 x ${items}, k 10`, unit: 'GB/s', work: 4 * 256 * items, args: [['zeros', 2560], ['zeros', 2560], ['floats', 256 * items], ['ids', 0, 1], ['ids', 257, 1], 256, items, 10], writes: [1] },
  { kernel: 'accuracyHits', size: '64,460 lists of 5', unit: 'GB/s', work: 24 * 64_460, args: [['ids', 5 * 64_460, items], ['ids', 64_460, items], 64_460, 5], writes: [] },
];

/** Arrays in the linear memory, filled by the generator; the same for every variant. */
function argumentsOf(shape: Shape, blocks: Block[]): Argument[] {
  const next = random(7);
  return shape.args.map((arg) => {
    if (typeof arg === 'number') return arg;
    const [kind, length, below] = arg, block = allocate(length);
    blocks.push(block);
    if (kind === 'ids') { const ids = block.ints(); for (let at = 0; at < length; at++) ids[at] = next.below(below!); return ids; }
    const floats = block.floats();
    if (kind === 'floats') for (let at = 0; at < length; at++) floats[at] = next.uniform() - 0.5;
    return floats;
  });
}

/** Every kernel, at the sizes of the Online Retail study, with every variant of this runtime. */
export function kernelCases(): Case[] {
  return shapes.flatMap((shape) => Object.entries(variants).flatMap(([variant, table]): Case[] => table === null ? [] : [{
    group: 'kernels', name: shape.kernel, size: shape.size, variant, unit: shape.unit, work: shape.work / 1e9,
    prepare() {
      const blocks: Block[] = [], args = argumentsOf(shape, blocks), expected = argumentsOf(shape, blocks);
      const kernel = table[shape.kernel] as (...args: Argument[]) => unknown, loop = variants.loop![shape.kernel] as (...args: Argument[]) => unknown;
      const result = kernel(...args), wanted = loop(...expected);
      if (typeof wanted === 'number') check(shape.kernel, variant, [result as number], [wanted]);
      for (const at of shape.writes) check(shape.kernel, variant, args[at] as Numeric, expected[at] as Numeric);
      return Promise.resolve({ run: () => kernel(...args), done: () => blocks.forEach(free) });
    },
  }]));
}

/** Refuses to time a variant that is wrong. The tests hold the exact tolerances; this catches what is simply broken. */
function check(kernel: string, variant: string, got: ArrayLike<number>, wanted: ArrayLike<number>): void {
  for (let at = 0; at < wanted.length; at++) {
    if (!(Math.abs(got[at] - wanted[at]) <= 1e-3 * Math.max(1, Math.abs(wanted[at])))) throw new Error(`${kernel}, ${variant}: entry ${at} is ${got[at]}, the loop has ${wanted[at]}`);
  }
}
