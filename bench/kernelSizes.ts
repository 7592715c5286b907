import type { Kernels } from '../kernels/index.ts';
import { type Random, random } from '../lib/random.ts';
import type { Work } from './limits.ts';

/** A kernel at a size: its arguments, which of them it writes, and what its work is. */
export interface KernelSize extends Work {
  /** The kernel's folder, and the function. */
  readonly folder: string;
  readonly kernel: keyof Kernels;
  readonly scale: Scale;
  /** The sizes, in words. */
  readonly size: string;
  readonly unit: 'GFLOP/s' | 'GB/s';
  readonly writes: readonly number[];
  /** The longest sum behind one number that it writes: rounding grows with its root. */
  readonly terms: number;
  /** How many inputs the runs go through in turn. */
  readonly inputs: number;
  /** args: fresh arrays, the same numbers every time; others for each of the inputs. */
  args(input?: number): Argument[];
}

/** tiny: what a call costs. chapter: the Online Retail study. large: more than the caches hold. odd: nothing divides evenly. */
export type Scale = 'tiny' | 'chapter' | 'large' | 'odd';
export const scales: readonly Scale[] = ['tiny', 'chapter', 'large', 'odd'];

export type Numeric = Float32Array | Int32Array;
export type Argument = number | Numeric;

/** How to fill an argument that is an array. */
interface Fill { readonly length: number; readonly make: (next: Random) => Numeric }

const zeros = (length: number): Fill => ({ length, make: () => new Float32Array(length) });
const zeroIds = (length: number): Fill => ({ length, make: () => new Int32Array(length) });
const filled = (length: number, value: number): Fill => ({ length, make: () => new Float32Array(length).fill(value) });
const floats = (length: number): Fill => ({
  length, make(next) { const array = new Float32Array(length); for (let at = 0; at < length; at++) array[at] = next.uniform() - 0.5; return array; },
});
const labels = (length: number): Fill => ({
  length, make(next) { const array = new Float32Array(length); for (let at = 0; at < length; at++) array[at] = next.below(2); return array; },
});
const ids = (length: number, below: number): Fill => ({
  length, make(next) { const array = new Int32Array(length); for (let at = 0; at < length; at++) array[at] = next.below(below); return array; },
});
/** Groups of `each` entries: where each begins, and at the end where the last one ends. */
const starts = (groups: number, each: number): Fill => ({
  length: groups + 1, make() { const array = new Int32Array(groups + 1); for (let at = 0; at <= groups; at++) array[at] = at * each; return array; },
});
/** For each of so many groups `each` ids, ascending. */
const ascending = (groups: number, each: number, below: number): Fill => ({
  length: groups * each,
  make(next) {
    const array = new Int32Array(groups * each), step = Math.floor(below / each);
    for (let at = 0; at < array.length; at++) array[at] = (at % each) * step + next.below(step);
    return array;
  },
});
/** R different rows of n, in no order; and, for each row of n, which of these it is, or -1. */
const rowsOf = (R: number, n: number): Fill => ({
  length: R, make(next) { const array = new Int32Array(R); array.set(next.shuffle(Int32Array.from({ length: n }, (_, row) => row)).subarray(0, R)); return array; },
});
const slots = (n: number, R: number): Fill => ({
  length: n,
  make(next) {
    const array = new Int32Array(n).fill(-1), rows = next.shuffle(Int32Array.from({ length: n }, (_, row) => row));
    for (let r = 0; r < R; r++) array[rows[r]] = r;
    return array;
  },
});

/** What an exponential, a logarithm or a tangent counts as: the operations of the polynomials in kernels/lanes.simd.ts, about. */
const FUNCTION = 20;

interface Cost { flops?: number; bytes: number; terms?: number; inputs?: number; of: Work['traffic']; unit: KernelSize['unit'] }

/** One function of a folder at one scale. */
function at(folder: string, kernel: keyof Kernels, scale: Scale, size: string, args: readonly (number | Fill)[], writes: readonly number[], cost: Cost): KernelSize {
  const inputs = cost.inputs ?? 1, workingSet = 4 * inputs * args.reduce<number>((sum, arg) => sum + (typeof arg === 'number' ? 0 : arg.length), 0);
  return {
    folder, kernel, scale, size, writes, unit: cost.unit, flops: cost.flops ?? 0, bytes: cost.bytes, workingSet, traffic: cost.of, terms: cost.terms ?? 1, inputs,
    args(input = 0) { const next = random(7 + input); return args.map((arg) => (typeof arg === 'number' ? arg : arg.make(next))); },
  };
}

const count = (value: number): string => value.toLocaleString('en-US');

// B ids of a table of n rows, K numbers a row
const lookups = { tiny: [16, 10, 8], chapter: [4052, 4052, 128], large: [100_000, 200_000, 128], odd: [997, 211, 37] } as const;
// B pairs or triples of rows of two tables
const pairs = { tiny: [16, 10, 10, 8], chapter: [30_000, 3706, 4052, 128], large: [100_000, 100_000, 50_000, 128], odd: [997, 211, 307, 37] } as const;
const triples = { ...pairs, chapter: [15_000, 3706, 4052, 128] } as const;
const logits = { tiny: [16], chapter: [30_000], large: [4_000_000], odd: [997] } as const;
// a table of n rows of K, R of them touched
const tables = { tiny: [10, 8, 5], chapter: [4052, 128, 3000], large: [100_000, 128, 20_000], odd: [307, 37, 211] } as const;
// the chapter's is its LSTM's last layer: a batch of 100 with 200 hidden units, 3,900 items
const products = { tiny: [8, 8, 8], chapter: [100, 3900, 200], large: [512, 512, 512], odd: [37, 53, 129] } as const;
const scoring = { ...products, chapter: [256, 4052, 128] } as const;
const cells = { tiny: [4, 8], chapter: [100, 200], large: [512, 1024], odd: [13, 37] } as const;
const classes = { tiny: [4, 10], chapter: [100, 3900], large: [256, 50_000], odd: [13, 1009] } as const;
// B rows of N scores, the k best, so many left out
const rankings = { tiny: [4, 50, 3, 2], chapter: [256, 4052, 10, 75], large: [64, 100_000, 100, 200], odd: [33, 1009, 7, 11] } as const;
// groups, rows a group, k, items
const invoices = { tiny: [4, 3, 5, 50], chapter: [2578, 25, 5, 4052], large: [100_000, 25, 10, 50_000], odd: [101, 7, 3, 307] } as const;
const positions = { tiny: [16, 5, 50], chapter: [64_460, 5, 4052], large: [2_000_000, 10, 50_000], odd: [997, 3, 307] } as const;

/** kernelSizes: every function of the design's table, at each scale. */
export const kernelSizes: readonly KernelSize[] = scales.flatMap((scale) => [
  ...gather(scale), ...rowDot(scale), ...logLoss(scale), ...bpr(scale), ...optimisers(scale), ...matmul(scale), ...lstm(scale), ...softmaxLoss(scale), ...ranking(scale), ...hits(scale),
]);

function gather(scale: Scale): KernelSize[] {
  const [B, n, K] = lookups[scale], size = `${count(B)} of ${count(n)} x ${K}`, again = Math.ceil(B / n);
  return [
    at('gather', 'gatherRows', scale, size, [zeros(B * K), floats(n * K), ids(B, n), B, K], [0], { bytes: 8 * B * K, of: 'copy', unit: 'GB/s' }),
    at('gather', 'gatherAdd', scale, size, [zeros(B * K), floats(n * K), ids(B, n), B, K], [0], { flops: B * K, bytes: 12 * B * K, of: 'update', unit: 'GB/s' }),
    at('gather', 'gatherRowsGrad', scale, size, [zeros(n * K), floats(B * K), ids(B, n), B, K], [0], { flops: B * K, bytes: 12 * B * K, of: 'update', unit: 'GB/s', terms: 8 * again }),
  ];
}

function rowDot(scale: Scale): KernelSize[] {
  const [B, users, items, K] = pairs[scale], size = `${count(B)} pairs of ${count(users)} x ${count(items)}, ${K}`, again = Math.ceil(B / Math.min(users, items));
  return [
    at('rowDot', 'rowDot', scale, size, [zeros(B), floats(users * K), floats(items * K), ids(B, users), ids(B, items), B, K], [0], { flops: 2 * B * K, bytes: 8 * B * K, of: 'read', unit: 'GFLOP/s', terms: K }),
    at('rowDot', 'rowDotGrad', scale, size, [zeros(users * K), zeros(items * K), floats(B), floats(users * K), floats(items * K), ids(B, users), ids(B, items), B, K], [0, 1],
      { flops: 4 * B * K, bytes: 24 * B * K, of: 'update', unit: 'GFLOP/s', terms: 8 * again }),
  ];
}

function logLoss(scale: Scale): KernelSize[] {
  const [B] = logits[scale];
  return [
    at('logLoss', 'logLoss', scale, count(B), [floats(B), labels(B), B], [], { flops: (2 * FUNCTION + 5) * B, bytes: 8 * B, of: 'read', unit: 'GB/s' }),
    at('logLoss', 'logLossGrad', scale, count(B), [zeros(B), floats(B), labels(B), B, 1], [0], { flops: (FUNCTION + 5) * B, bytes: 16 * B, of: 'update', unit: 'GB/s' }),
  ];
}

function bpr(scale: Scale): KernelSize[] {
  const [B, users, items, K] = triples[scale], size = `${count(B)} triples of ${count(users)} x ${count(items)}, ${K}`, again = Math.ceil(2 * B / Math.min(users, items));
  const rows = [ids(B, users), ids(B, items), ids(B, items), B, K];
  return [
    at('bpr', 'bprLoss', scale, size, [zeros(B), floats(users * K), floats(items * K), floats(items), ...rows], [0], { flops: (3 * K + 2 * FUNCTION) * B, bytes: 12 * B * K, of: 'read', unit: 'GFLOP/s', terms: K }),
    at('bpr', 'bprGrad', scale, size, [zeros(users * K), zeros(items * K), zeros(items), floats(B), floats(users * K), floats(items * K), ...rows, 1], [0, 1, 2],
      { flops: (6 * K + FUNCTION) * B, bytes: 36 * B * K, of: 'update', unit: 'GFLOP/s', terms: 8 * again }),
  ];
}

function optimisers(scale: Scale): KernelSize[] {
  const [n, K, R] = tables[scale], whole = n * K, part = R * K, size = `${count(n)} x ${K}`, touched = `${count(R)} of ${size}`;
  const adagrad = [1e-3, 1e-10], adam = [1e-3, 0.9, 0.999, 1e-8, 10, 1000];
  return [
    at('sgd', 'sgd', scale, size, [floats(whole), floats(whole), whole, 1e-3], [0], { flops: 2 * whole, bytes: 12 * whole, of: 'update', unit: 'GB/s' }),
    at('sgd', 'sgdRows', scale, touched, [floats(whole), floats(part), rowsOf(R, n), R, K, 1e-3], [0], { flops: 2 * part, bytes: 12 * part, of: 'update', unit: 'GB/s' }),
    at('adagrad', 'adagrad', scale, size, [floats(whole), zeros(whole), floats(whole), whole, ...adagrad], [0, 1], { flops: 7 * whole, bytes: 20 * whole, of: 'update', unit: 'GB/s' }),
    at('adagrad', 'adagradRows', scale, touched, [floats(whole), zeros(whole), floats(part), rowsOf(R, n), R, K, ...adagrad], [0, 1], { flops: 7 * part, bytes: 20 * part, of: 'update', unit: 'GB/s' }),
    at('adam', 'adam', scale, size, [floats(whole), zeros(whole), zeros(whole), floats(whole), whole, ...adam], [0, 1, 2], { flops: 14 * whole, bytes: 28 * whole, of: 'update', unit: 'GB/s' }),
    at('adam', 'adamTable', scale, touched, [floats(whole), zeros(whole), zeros(whole), floats(part), slots(n, R), n, K, ...adam], [0, 1, 2], { flops: 14 * whole, bytes: 24 * whole + 4 * part, of: 'update', unit: 'GB/s' }),
    at('adam', 'adamRows', scale, touched, [floats(whole), zeros(whole), zeros(whole), floats(part), rowsOf(R, n), R, K, ...adam], [0, 1, 2], { flops: 14 * part, bytes: 28 * part, of: 'update', unit: 'GB/s' }),
  ];
}

function matmul(scale: Scale): KernelSize[] {
  const [M, N, K] = products[scale], cost = (terms: number): Cost => ({ flops: 2 * M * N * K, bytes: 4 * (M * K + K * N + M * N), of: 'triad', unit: 'GFLOP/s', terms });
  const scores = ([rows, items, factors]: readonly [number, number, number]): KernelSize =>
    at('matmul', 'matmulTransposed', scale, `${rows} x ${factors} by ${factors} x ${items}`, [zeros(rows * items), floats(rows * factors), floats(items * factors), rows, items, factors], [0],
      { flops: 2 * rows * items * factors, bytes: 4 * (rows * items + rows * factors + items * factors), of: rows === 1 ? 'read' : 'triad', unit: 'GFLOP/s', terms: factors });
  return [
    at('matmul', 'matmul', scale, `${M} x ${K} by ${K} x ${N}`, [zeros(M * N), floats(M * K), floats(K * N), M, N, K], [0], cost(K)),
    scores(scoring[scale]),
    ...(scale === 'chapter' ? [scores([1, 4052, 128])] : []), // one user's
    at('matmul', 'matmulGradA', scale, `${M} x ${N} by ${N} x ${K}`, [zeros(M * K), floats(M * N), floats(K * N), M, N, K], [0], cost(N)),
    at('matmul', 'matmulGradB', scale, `${K} x ${M} by ${M} x ${N}`, [zeros(K * N), floats(M * K), floats(M * N), M, N, K], [0], cost(M)),
  ];
}

function lstm(scale: Scale): KernelSize[] {
  const [B, H] = cells[scale], n = B * H, size = `${B} x ${H}`;
  return [
    at('lstm', 'lstmCell', scale, size, [zeros(n), zeros(n), zeros(4 * n), floats(4 * n), floats(n), B, H], [0, 1, 2], { flops: (5 * FUNCTION + 15) * n, bytes: 44 * n, of: 'triad', unit: 'GB/s' }),
    at('lstm', 'lstmCellGrad', scale, size, [zeros(4 * n), zeros(n), floats(4 * n), floats(n), floats(n), floats(n), floats(n), B, H], [0, 1], { flops: (FUNCTION + 30) * n, bytes: 72 * n, of: 'update', unit: 'GB/s' }),
  ];
}

function softmaxLoss(scale: Scale): KernelSize[] {
  const [B, N] = classes[scale], size = `${B} x ${count(N)}`;
  return [
    at('softmaxLoss', 'softmaxLoss', scale, size, [zeros(B), floats(B * N), ids(B, N), B, N], [0], { flops: (FUNCTION + 3) * B * N, bytes: 4 * B * N, of: 'read', unit: 'GB/s', terms: 4 }),
    at('softmaxLoss', 'softmaxLossGrad', scale, size, [zeros(B * N), filled(B, Math.log(N)), floats(B * N), ids(B, N), B, N, 1], [0], { flops: (FUNCTION + 4) * B * N, bytes: 12 * B * N, of: 'update', unit: 'GB/s', terms: 4 }),
  ];
}

/** Where the way through the code depends on the data, and the data are few, a processor learns them by heart: such sizes have several inputs. */
function inputsAt(scale: Scale): number { return scale === 'tiny' || scale === 'odd' ? 8 : 1; }

function ranking(scale: Scale): KernelSize[] {
  const [B, N, k, left] = rankings[scale];
  return [at('topK', 'topK', scale, `${k} of ${B} x ${count(N)}`, [zeroIds(B * k), zeros(B * k), floats(B * N), ascending(B, left, N), starts(B, left), B, N, k], [0, 1], { flops: B * N, bytes: 4 * B * N, of: 'read', unit: 'GB/s', inputs: inputsAt(scale) })];
}

function hits(scale: Scale): KernelSize[] {
  const [G, each, k, items] = invoices[scale], [B, listed, of] = positions[scale];
  return [
    at('precision', 'precisionHits', scale, `${count(G)} x ${each} rows, lists of ${k}`, [ids(G * k, items), starts(G, each), ids(G * each, items), G, k], [], { flops: G * each * k, bytes: 4 * G * (each + k), of: 'read', unit: 'GB/s', inputs: inputsAt(scale) }),
    at('accuracyAtK', 'accuracyHits', scale, `${count(B)} lists of ${listed}`, [ids(B * listed, of), ids(B, of), B, listed], [], { flops: B * listed, bytes: 4 * B * (listed + 1), of: 'read', unit: 'GB/s', inputs: inputsAt(scale) }),
  ];
}
