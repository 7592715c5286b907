import { type Kernels, loops } from '../../kernels/index.ts';
import { type Random, random } from '../../lib/random.ts';
import { floats } from './numeric.ts';

/**
 * Calls of every kernel of the design's table, on which any variant can be held against its loop: in Node, in a browser page, in the bench
 * before it times. So this file imports neither a module of Node nor a test runner.
 */

export type Argument = number | Float32Array | Int32Array;
type Numbers = ArrayLike<number>;

export interface KernelCase {
  readonly kernel: keyof Kernels;
  /** The sizes, for messages. */
  readonly label: string;
  /** args: fresh arrays, the same numbers every time. What the kernel overwrites holds NaN or an impossible id; where it adds, numbers. */
  readonly args: () => Argument[];
  /** Which arguments the kernel writes; all others must come back as they were. */
  readonly writes: readonly number[];
  /** The letters of these arguments, for messages. */
  readonly letters: readonly string[];
  readonly tolerance: Tolerance;
  /** Whether NaN or infinities are among the inputs. */
  readonly extreme: boolean;
  /** Whether two of the arguments are one array, where a kernel allows that. */
  readonly shared: boolean;
  /** magnitudes: the size of what was added up for each entry written (in the order of `writes`), and for the result: what rounding is proportional to. */
  readonly magnitudes: () => Magnitudes;
}

export type Tolerance = 'exact' | 'elementwise' | 'reduction';
interface Magnitudes { writes: readonly (Numbers | number)[]; result?: number }

const EPS = 2 ** -23; // one unit in the last place of a float32 in 1 .. 2

/**
 * How far a variant may be off, as a part of the magnitude. Ids, counts and copies are exact. An elementwise result takes a handful of
 * float32 operations, each off by half an EPS of what goes in; exp, log and tanh by one or two. In a sum of n terms of any order, rounding
 * grows like √n halves of an EPS of the sum of the terms' magnitudes, in a plain left-to-right sum of the sizes here up to three.
 */
export const tolerances: Readonly<Record<Tolerance, number>> = { exact: 0, elementwise: 8 * EPS, reduction: 4 * EPS };

/** The kernels of the design's table, each folder with what it exports; helper kernels (ids, vector, l2) are not in it. */
export const kernelTable = {
  accuracyAtK: ['accuracyHits'],
  adagrad: ['adagrad', 'adagradRows'],
  adam: ['adam', 'adamTable', 'adamRows'],
  bpr: ['bprLoss', 'bprGrad'],
  gather: ['gatherRows', 'gatherAdd', 'gatherRowsGrad'],
  logLoss: ['logLoss', 'logLossGrad'],
  lstm: ['lstmCell', 'lstmCellGrad'],
  matmul: ['matmul', 'matmulTransposed', 'matmulGradA', 'matmulGradB'],
  precision: ['precisionHits'],
  rowDot: ['rowDot', 'rowDotGrad'],
  sgd: ['sgd', 'sgdRows'],
  softmaxLoss: ['softmaxLoss', 'softmaxLossGrad'],
  topK: ['topK'],
} as const satisfies Record<string, readonly (keyof Kernels)[]>;

type Args<Name extends keyof Kernels> = Parameters<Kernels[Name]>;

interface Definition<Name extends keyof Kernels> {
  label: string;
  letters: string; // of the destinations, which come first, with spaces between
  tolerance: Tolerance;
  extreme?: boolean;
  shared?: boolean;
  draw: (next: Random) => Args<Name>;
  magnitudes: (args: Args<Name>) => Magnitudes;
}

function define<Name extends keyof Kernels>(kernel: Name, definition: Definition<Name>): KernelCase {
  const { label, tolerance, extreme = false, shared = false, draw, magnitudes } = definition, letters = definition.letters === '' ? [] : definition.letters.split(' ');
  let seed = 1;
  for (const character of `${kernel} ${label}`) seed = (Math.imul(seed, 31) + character.codePointAt(0)!) >>> 0;
  const args = () => draw(random(seed));
  return { kernel, label, letters, tolerance, extreme, shared, args, writes: letters.map((_, at) => at), magnitudes: () => magnitudes(args()) };
}

const call = (kernel: keyof Kernels, args: Argument[]): unknown => (loops[kernel] as (...args: Argument[]) => unknown)(...args);

/**
 * expectAgreement: throws an Error that names kernel, sizes, entry and both values unless `got` (what a variant returned for `one.args()`,
 * and the arguments as it left them) is what the loop gives. Infinities and NaN must be the same ones. `slack` widens the tolerance, for
 * devices whose exp and division are coarser than IEEE's.
 */
export function expectAgreement(one: KernelCase, got: { result: unknown; args: readonly Argument[] }, slack = 1): void {
  const before = one.args(), want = one.args(), result = call(one.kernel, want);
  const allowed = tolerances[one.tolerance] * slack, where = `${one.kernel}, ${one.label}`;
  if (got.args.length !== want.length) throw new Error(`${where}: ${got.args.length} arguments came back, expected ${want.length}`);

  let magnitudes: Magnitudes | null = null; // only where something differs: they cost as much as the loop
  const check = (what: string, a: number, b: number, magnitude: (all: Magnitudes) => number): void => {
    if (a === b || Object.is(a, b)) return;
    const size = allowed === 0 ? 0 : Math.abs(magnitude(magnitudes ??= one.magnitudes()));
    if (!(Math.abs(a - b) <= allowed * size)) throw new Error(`${where}: ${what} is ${a}, the loop says ${b}; off by ${Math.abs(a - b)}, allowed is ${allowed * size}`);
  };

  for (let at = 0; at < want.length; at++) {
    const mine = got.args[at], theirs = want[at], write = one.writes.indexOf(at), name = write < 0 ? `argument ${at}` : one.letters[write];
    if (typeof theirs === 'number') continue;
    if (typeof mine === 'number' || mine.constructor !== theirs.constructor) throw new Error(`${where}: ${name} came back as another kind of value`);
    if (mine.length !== theirs.length) throw new Error(`${where}: ${name} came back with ${mine.length} entries, expected ${theirs.length}`);
    for (let k = 0; k < theirs.length; k++) {
      if (write >= 0) check(`${name}[${k}]`, mine[k], theirs[k], ({ writes }) => { const size = writes[write]; return typeof size === 'number' ? size : size[k]; });
      else if (!Object.is(mine[k], (before[at] as Numbers)[k])) throw new Error(`${where}: ${name}, an input, was changed at ${k}: it held ${(before[at] as Numbers)[k]}, now ${mine[k]}`);
    }
  }
  if (typeof result !== 'number') return;
  if (typeof got.result !== 'number') throw new Error(`${where}: returned ${String(got.result)}, the loop says ${result}`);
  check('the result', got.result, result, (all) => all.result ?? 0);
}

// What the cases are made of

const abs = (x: Float32Array): Float32Array => x.map(Math.abs);
const unset = (n: number): Float32Array => new Float32Array(n).fill(NaN);
const rowIds = (n: number, rows: number, next: Random): Int32Array => Int32Array.from({ length: n }, () => next.below(rows));
const distinctRows = (R: number, n: number, next: Random): Int32Array => next.shuffle(Int32Array.from({ length: n }, (_, row) => row)).slice(0, R);
const sum = (values: Iterable<number>): number => { let total = 0; for (const value of values) total += value; return total; };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Of a kernel that is linear in its arrays: the same kernel on absolute values. */
const absolute = <Name extends keyof Kernels>(kernel: Name, writes: number) => (args: Args<Name>): Magnitudes => {
  const seen = new Map<Argument, Float32Array>(); // one array stays one array
  const sizes = (args as Argument[]).map((arg) => {
    if (!(arg instanceof Float32Array)) return arg;
    if (!seen.has(arg)) seen.set(arg, abs(arg));
    return seen.get(arg)!;
  });
  call(kernel, sizes);
  return { writes: sizes.slice(0, writes) as Float32Array[] };
};

const nUsers = 3, nItems = 5; // few, so that ids repeat, and liked and other are the same about every fifth time

/** Tables and pairs of rows of them. */
function pairsOf(B: number, K: number, next: Random): [U: Float32Array, V: Float32Array, u: Int32Array, i: Int32Array] {
  return [floats(nUsers * K, next.uniform), floats(nItems * K, next.uniform), rowIds(B, nUsers, next), rowIds(B, nItems, next)];
}

/** Logits within ±spread/2, or the ones at which exp overflows and underflows in float32. */
const logits = (B: number, spread: number, next: Random): Float32Array => Float32Array.from({ length: B }, (_, b) => (spread === Infinity ? huge[b % huge.length] : (next.uniform() - 0.5) * spread));
const huge = [88, -88, 89, -89, 104, -104, 1e4, -1e4, 0];
const spreadLabel = (spread: number): string => (spread === Infinity ? 'huge logits' : `logits within ±${spread / 2}`);

/** Moments of Adam as earlier steps leave them, or zero as they start. */
const adamNumbers = (t: number): [rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number] => [0.01, 0.9, 0.999, 1e-8, 1 / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)];
const firstMoment = (n: number, t: number, next: Random): Float32Array => (t === 1 ? new Float32Array(n) : floats(n, next.uniform));
const secondMoment = (n: number, t: number, next: Random): Float32Array => (t === 1 ? new Float32Array(n) : floats(n, next.uniform).map((value) => value * value + 0.01));

/** m and v are sums of two terms; a step is as far off as m is, on v's root. */
function adamMagnitudes(W: Float32Array, M: Float32Array, V: Float32Array, g: (at: number) => number | null, numbers: ReturnType<typeof adamNumbers>): Magnitudes {
  const [rate, beta1, beta2, eps, c1, c2] = numbers, w = abs(W), m = abs(M), v = abs(V);
  for (let at = 0; at < w.length; at++) {
    const gradient = g(at);
    if (gradient === null) continue;
    m[at] += (1 - beta1) * Math.abs(gradient - M[at]);
    v[at] += (1 - beta2) * gradient * gradient;
    w[at] += rate * c1 * m[at] / (Math.sqrt(c2 * (V[at] + (1 - beta2) * (gradient * gradient - V[at]))) + eps);
  }
  return { writes: [w, m, v] };
}

/** The gradient of entry `at` of a table when R rows of K of it were touched, null where it was not. */
function touched(G: Float32Array, rows: Int32Array, K: number, n: number): (at: number) => number | null {
  const slot = slots(rows, n);
  return (at) => { const r = slot[Math.floor(at / K)]; return r < 0 ? null : G[r * K + at % K]; };
}

function slots(rows: Int32Array, n: number): Int32Array {
  const slot = new Int32Array(n).fill(-1);
  for (const [r, row] of rows.entries()) slot[row] = r;
  return slot;
}

/** Lists of `k` items below n, some of them padded. */
const lists = (B: number, k: number, n: number, next: Random): Int32Array => Int32Array.from({ length: B * k }, () => next.below(n + 1) - 1);

/** Where each of B groups of a CSR matrix begins. */
function starts(lengths: readonly number[]): Int32Array {
  const indptr = new Int32Array(lengths.length + 1);
  for (const [g, length] of lengths.entries()) indptr[g + 1] = indptr[g] + length;
  return indptr;
}

/** caseOf: one call of a kernel at given sizes; in the bench too, where they are large. */
export const caseOf = {
  gatherRows: (B: number, K: number, n = 5, extreme = false): KernelCase => define('gatherRows', {
    label: `B=${B} K=${K} n=${n}${extreme ? ' with NaN, infinities and -0' : ''}`, letters: 'out', tolerance: 'exact', extreme,
    draw: (next) => [unset(B * K), extreme ? Float32Array.from({ length: n * K }, (_, at) => [NaN, Infinity, -Infinity, -0, 1, 2][at % 6]) : floats(n * K, next.uniform), rowIds(B, n, next), B, K],
    magnitudes: () => ({ writes: [0] }),
  }),
  gatherAdd: (B: number, K: number, n = 5): KernelCase => define('gatherAdd', {
    label: `B=${B} K=${K} n=${n}`, letters: 'out', tolerance: 'elementwise',
    draw: (next) => [floats(B * K, next.uniform), floats(n * K, next.uniform), rowIds(B, n, next), B, K],
    magnitudes: absolute('gatherAdd', 1),
  }),
  gatherRowsGrad: (B: number, K: number, n = 5): KernelCase => define('gatherRowsGrad', {
    label: `B=${B} K=${K} n=${n}`, letters: 'dTable', tolerance: 'reduction',
    draw: (next) => [floats(n * K, next.uniform), floats(B * K, next.uniform), rowIds(B, n, next), B, K],
    magnitudes: absolute('gatherRowsGrad', 1),
  }),

  rowDot: (B: number, K: number): KernelCase => define('rowDot', {
    label: `B=${B} K=${K}`, letters: 'x', tolerance: 'reduction',
    draw: (next) => [unset(B), ...pairsOf(B, K, next), B, K],
    magnitudes: absolute('rowDot', 1),
  }),
  rowDotGrad: (B: number, K: number, shared = false): KernelCase => define('rowDotGrad', {
    label: `B=${B} K=${K}${shared ? ', rows of one table' : ''}`, letters: 'dU dV', tolerance: 'reduction', shared,
    draw: (next) => {
      const dx = floats(B, next.uniform), [, V, u, i] = pairsOf(B, K, next), dV = floats(nItems * K, next.uniform);
      return shared ? [dV, dV, dx, V, V, u, i, B, K] : [floats(nUsers * K, next.uniform), dV, dx, floats(nUsers * K, next.uniform), V, u, i, B, K];
    },
    magnitudes: absolute('rowDotGrad', 2),
  }),

  logLoss: (B: number, spread = 8): KernelCase => define('logLoss', {
    label: `B=${B}, ${spreadLabel(spread)}`, letters: '', tolerance: 'reduction',
    draw: (next) => [logits(B, spread, next), labels(B, next), B],
    // max(x, 0), x y and the logarithm of a sum that is 1 at least
    magnitudes: ([x, y]) => ({ writes: [], result: sum(x.map((value, b) => Math.max(value, 0) + Math.abs(value) * y[b] + 1)) }),
  }),
  logLossGrad: (B: number, spread = 8): KernelCase => define('logLossGrad', {
    label: `B=${B}, ${spreadLabel(spread)}`, letters: 'dx', tolerance: 'elementwise',
    draw: (next) => [floats(B, next.uniform), logits(B, spread, next), labels(B, next), B, 0.7],
    magnitudes: ([dx, x, y, , dL]) => ({ writes: [dx.map((before, b) => Math.abs(before) + dL * (sigmoid(x[b]) + y[b]))] }),
  }),

  bprLoss: (B: number, K: number, spread = 1): KernelCase => define('bprLoss', {
    label: `B=${B} K=${K}, tables within ±${spread / 2}`, letters: 'x', tolerance: 'reduction',
    draw: (next) => {
      const [U, V, u, i] = pairsOf(B, K, next);
      return [unset(B), U.map((value) => value * spread), V, floats(nItems, next.uniform), u, i, rowIds(B, nItems, next), B, K];
    },
    magnitudes: ([, U, V, c, u, i, j]) => {
      const size = Float64Array.from({ length: B }, (_, b) => {
        let total = Math.abs(c[i[b]]) + Math.abs(c[j[b]]);
        for (let k = 0; k < K; k++) total += Math.abs(U[u[b] * K + k]) * (Math.abs(V[i[b] * K + k]) + Math.abs(V[j[b] * K + k]));
        return total;
      });
      return { writes: [size], result: 2 * sum(size) + B }; // |dL/dx| <= 1 carries the error of x over; ln of a sum that is 1 at least
    },
  }),
  bprGrad: (B: number, K: number, spread = 8): KernelCase => define('bprGrad', {
    label: `B=${B} K=${K}, ${spreadLabel(spread)}`, letters: 'dU dV dc', tolerance: 'reduction',
    draw: (next) => {
      const [U, V, u, i] = pairsOf(B, K, next), before = [nUsers * K, nItems * K, nItems].map((n) => floats(n, next.uniform)) as [Float32Array, Float32Array, Float32Array];
      return [...before, logits(B, spread, next), U, V, u, i, rowIds(B, nItems, next), B, K, 0.7];
    },
    magnitudes: ([dU0, dV0, dc0, x, U, V, u, i, j, , , dL]) => {
      const dU = abs(dU0), dV = abs(dV0), dc = abs(dc0);
      for (let b = 0; b < B; b++) {
        const g = dL * sigmoid(-x[b]);
        for (let k = 0; k < K; k++) {
          dU[u[b] * K + k] += g * (Math.abs(V[i[b] * K + k]) + Math.abs(V[j[b] * K + k]));
          dV[i[b] * K + k] += g * Math.abs(U[u[b] * K + k]);
          dV[j[b] * K + k] += g * Math.abs(U[u[b] * K + k]);
        }
        dc[i[b]] += g;
        dc[j[b]] += g;
      }
      return { writes: [dU, dV, dc] };
    },
  }),

  sgd: (n: number): KernelCase => define('sgd', {
    label: `n=${n}`, letters: 'w', tolerance: 'elementwise',
    draw: (next) => [floats(n, next.uniform), floats(n, next.uniform), n, 0.07],
    magnitudes: ([w, g, , rate]) => { const size = abs(w); loops.sgd(size, abs(g), n, -rate); return { writes: [size] }; },
  }),
  sgdRows: (R: number, K: number): KernelCase => define('sgdRows', {
    label: `R=${R} K=${K}`, letters: 'W', tolerance: 'elementwise',
    draw: (next) => [floats((R + 3) * K, next.uniform), floats(R * K, next.uniform), distinctRows(R, R + 3, next), R, K, 0.07],
    magnitudes: ([W, G, rows, , , rate]) => { const size = abs(W); loops.sgdRows(size, abs(G), rows, R, K, -rate); return { writes: [size] }; },
  }),

  adagrad: (n: number): KernelCase => define('adagrad', {
    label: `n=${n}`, letters: 'w s', tolerance: 'elementwise',
    draw: (next) => [floats(n, next.uniform), Float32Array.from({ length: n }, (_, at) => (at % 3 === 0 ? 0 : next.uniform())), floats(n, next.uniform), n, 0.07, 1e-6],
    magnitudes: ([w, s, g, , rate]) => ({ writes: [abs(w).map((value) => value + rate), s.map((value, at) => value + g[at] * g[at])] }), // no step is longer than the rate
  }),
  adagradRows: (R: number, K: number): KernelCase => define('adagradRows', {
    label: `R=${R} K=${K}`, letters: 'W S', tolerance: 'elementwise',
    draw: (next) => [floats((R + 3) * K, next.uniform), abs(floats((R + 3) * K, next.uniform)), floats(R * K, next.uniform), distinctRows(R, R + 3, next), R, K, 0.07, 1e-6],
    magnitudes: ([W, S, G, rows, , , rate]) => { const gradient = touched(G, rows, K, R + 3); return { writes: [abs(W).map((value) => value + rate), S.map((value, at) => value + (gradient(at) ?? 0) ** 2)] }; },
  }),

  adam: (n: number, t = 5): KernelCase => define('adam', {
    label: `n=${n}, step ${t}`, letters: 'w m v', tolerance: 'elementwise',
    draw: (next) => [floats(n, next.uniform), firstMoment(n, t, next), secondMoment(n, t, next), floats(n, next.uniform), n, ...adamNumbers(t)],
    magnitudes: ([w, m, v, g, , ...numbers]) => adamMagnitudes(w, m, v, (at) => g[at], numbers),
  }),
  adamTable: (R: number, K: number, t = 5): KernelCase => define('adamTable', {
    label: `R=${R} K=${K}, step ${t}`, letters: 'W M V', tolerance: 'elementwise',
    draw: (next) => {
      const n = R + 3;
      return [floats(n * K, next.uniform), firstMoment(n * K, t, next), secondMoment(n * K, t, next), floats(R * K, next.uniform), slots(distinctRows(R, n, next), n), n, K, ...adamNumbers(t)];
    },
    magnitudes: ([W, M, V, G, slot, , , ...numbers]) => adamMagnitudes(W, M, V, (at) => { const r = slot[Math.floor(at / K)]; return r < 0 ? 0 : G[r * K + at % K]; }, numbers),
  }),
  adamRows: (R: number, K: number, t = 5): KernelCase => define('adamRows', {
    label: `R=${R} K=${K}, step ${t}`, letters: 'W M V', tolerance: 'elementwise',
    draw: (next) => {
      const n = R + 3;
      return [floats(n * K, next.uniform), firstMoment(n * K, t, next), secondMoment(n * K, t, next), floats(R * K, next.uniform), distinctRows(R, n, next), R, K, ...adamNumbers(t)];
    },
    magnitudes: ([W, M, V, G, rows, , , ...numbers]) => adamMagnitudes(W, M, V, touched(G, rows, K, R + 3), numbers),
  }),

  lstmCell: (B: number, H: number, spread = 8, shared = false): KernelCase => define('lstmCell', {
    label: `B=${B} H=${H}, ${spreadLabel(spread)}${shared ? ', in place' : ''}`, letters: shared ? 'h c a z c0' : 'h c a', tolerance: 'elementwise', shared,
    draw: (next) => {
      const z = logits(4 * B * H, spread, next), c0 = floats(B * H, next.uniform);
      return [unset(B * H), shared ? c0 : unset(B * H), shared ? z : unset(4 * B * H), z, c0, B, H];
    },
    // σ may lose what 1 + e^-z loses, and tanh, made of two exponentials, what their difference does: the size of the gates is 1
    magnitudes: ([, , , , c0]) => { const c = abs(c0).map((value) => value + 1); return { writes: [c.map((value) => value + 1), c, 1, 1, c] }; },
  }),
  lstmCellGrad: (B: number, H: number): KernelCase => define('lstmCellGrad', {
    label: `B=${B} H=${H}`, letters: 'dz dc0', tolerance: 'elementwise',
    draw: (next) => {
      const a = Float32Array.from({ length: 4 * B * H }, (_, at) => (Math.floor(at / H) % 4 === 2 ? 2 * next.uniform() - 1 : next.uniform())); // g is a tanh, the others are σ
      const [dz, dc0, c, c0, dh, dc] = [4 * B * H, B * H, B * H, B * H, B * H, B * H].map((n) => floats(n, next.uniform));
      return [dz, dc0, a, c, c0, dh, dc, B, H];
    },
    magnitudes: ([dz0, dc00, a, , c0, dh, dc]) => {
      const dz = abs(dz0), dc0 = abs(dc00);
      for (let at = 0; at < B * H; at++) {
        const i = Math.floor(at / H) * 4 * H + at % H, f = i + H, g = f + H, o = g + H, s = Math.abs(dc[at]) + Math.abs(dh[at]) * a[o];
        dz[i] += s * Math.abs(a[g]) * a[i];
        dz[f] += s * Math.abs(c0[at]) * a[f];
        dz[g] += s * a[i];
        dz[o] += Math.abs(dh[at]) * a[o];
        dc0[at] += s * a[f];
      }
      return { writes: [dz, dc0] };
    },
  }),

  softmaxLoss: (B: number, N: number, spread = 8, extreme = false): KernelCase => define('softmaxLoss', {
    label: `B=${B} N=${N}, ${spreadLabel(spread)}${extreme ? ', some -Infinity' : ''}`, letters: 'lse', tolerance: 'reduction', extreme,
    draw: (next) => [unset(B), ...classes(B, N, spread, extreme, next), B, N],
    // the sum is off by a part of itself that the average of |X - max| under p says, which is ln N at most
    magnitudes: ([, X, y]) => {
      const size = Float64Array.from({ length: B }, (_, b) => 1 + Math.log(Math.max(N, 1)) + Math.abs(Math.max(...X.subarray(b * N, b * N + N))));
      return { writes: [size], result: sum(size.map((value, b) => (y[b] < 0 ? 0 : value + Math.abs(X[b * N + y[b]])))) };
    },
  }),
  softmaxLossGrad: (B: number, N: number, spread = 8, extreme = false): KernelCase => define('softmaxLossGrad', {
    label: `B=${B} N=${N}, ${spreadLabel(spread)}${extreme ? ', some -Infinity, NaN in rows left out' : ''}`, letters: 'dX', tolerance: 'elementwise', extreme,
    draw: (next) => {
      const [X, y] = classes(B, N, spread, extreme, next), lse = new Float32Array(B);
      loops.softmaxLoss(lse, X, y, B, N);
      if (extreme) for (let b = 0; b < B; b++) if (y[b] < 0) { X.fill(NaN, b * N, (b + 1) * N); lse[b] = NaN; } // padding may hold anything
      return [floats(B * N, next.uniform), lse, X, y, B, N, 0.7];
    },
    magnitudes: ([dX, lse, X, y, , , dL]) => ({
      writes: [dX.map((before, at) => {
        const b = Math.floor(at / N), n = at % N, p = Math.exp(X[at] - lse[b]);
        if (y[b] < 0) return Math.abs(before);
        return Math.abs(before) + dL * ((p === 0 ? 0 : p * (1 + Math.abs(X[at] - lse[b]))) + (n === y[b] ? 1 : 0)); // what X - lse rounds away, exp makes a part of p
      })],
    }),
  }),

  matmul: (M: number, N: number, K: number): KernelCase => define('matmul', {
    label: `M=${M} N=${N} K=${K}`, letters: 'C', tolerance: 'reduction',
    draw: (next) => [unset(M * N), floats(M * K, next.uniform), floats(K * N, next.uniform), M, N, K],
    magnitudes: absolute('matmul', 1),
  }),
  matmulGradA: (M: number, N: number, K: number): KernelCase => define('matmulGradA', {
    label: `M=${M} N=${N} K=${K}`, letters: 'dA', tolerance: 'reduction',
    draw: (next) => [floats(M * K, next.uniform), floats(M * N, next.uniform), floats(K * N, next.uniform), M, N, K],
    magnitudes: absolute('matmulGradA', 1),
  }),
  matmulGradB: (M: number, N: number, K: number): KernelCase => define('matmulGradB', {
    label: `M=${M} N=${N} K=${K}`, letters: 'dB', tolerance: 'reduction',
    draw: (next) => [floats(K * N, next.uniform), floats(M * K, next.uniform), floats(M * N, next.uniform), M, N, K],
    magnitudes: absolute('matmulGradB', 1),
  }),
  matmulTransposed: (M: number, N: number, K: number): KernelCase => define('matmulTransposed', {
    label: `M=${M} N=${N} K=${K}`, letters: 'C', tolerance: 'reduction',
    draw: (next) => [unset(M * N), floats(M * K, next.uniform), floats(N * K, next.uniform), M, N, K],
    magnitudes: absolute('matmulTransposed', 1),
  }),

  topK: (B: number, N: number, k: number, extreme = false): KernelCase => define('topK', {
    label: `B=${B} N=${N} k=${k}${extreme ? ' with NaN and infinities' : ''}`, letters: 'ids best', tolerance: 'exact', extreme,
    draw: (next) => {
      // few levels, so that many tie
      const score = (): number => { const kind = next.below(extreme ? 11 : 8); return kind < 4 ? next.below(5) - 2 : kind < 8 ? next.normal() : [NaN, -Infinity, Infinity][kind - 8]; };
      const scores = Float32Array.from({ length: B * N }, score);
      const left = Array.from({ length: B }, (_, b) => Array.from({ length: N }, (_, n) => n).filter(() => next.below(10) < [0, 3, 9, 10][b % 4])); // none, some, most, all
      return [new Int32Array(B * k).fill(77), unset(B * k), scores, Int32Array.from(left.flat()), starts(left.map((list) => list.length)), B, N, k];
    },
    magnitudes: () => ({ writes: [0, 0] }),
  }),

  precisionHits: (G: number, k: number): KernelCase => define('precisionHits', {
    label: `G=${G} k=${k}`, letters: '', tolerance: 'exact',
    draw: (next) => {
      const n = Math.max(4, 2 * k), top = lists(G, k, n, next), indptr = starts(Array.from({ length: G }, () => [0, 1, 2, 9][next.below(4)]));
      return [top, indptr, rowIds(indptr[G], n, next), G, k];
    },
    magnitudes: () => ({ writes: [], result: 0 }),
  }),
  accuracyHits: (B: number, k: number): KernelCase => define('accuracyHits', {
    label: `B=${B} k=${k}`, letters: '', tolerance: 'exact',
    draw: (next) => { const n = Math.max(4, 2 * k); return [lists(B, k, n, next), rowIds(B, n, next), B, k]; },
    magnitudes: () => ({ writes: [], result: 0 }),
  }),
};

/** Labels: mostly 0 and 1, some between. */
function labels(B: number, next: Random): Float32Array {
  return Float32Array.from({ length: B }, (_, b) => (b % 3 === 2 ? next.uniform() : b % 2));
}

/**
 * Logits of N classes, where asked for with a class in three that cannot be, and the class that came in each row, which always can. Every
 * fourth row is padding, and all of them where there are no classes.
 */
function classes(B: number, N: number, spread: number, extreme: boolean, next: Random): [X: Float32Array, y: Int32Array] {
  const X = logits(B * N, spread, next), y = Int32Array.from({ length: B }, (_, b) => (N === 0 || b % 4 === 3 ? -1 : next.below(N)));
  if (extreme) for (let at = 0; at < X.length; at++) if (at % N > 0 && at % N !== y[Math.floor(at / N)] && next.below(3) === 0) X[at] = -Infinity;
  return [X, y];
}

/** Where loops go wrong: nothing, one, a tail alone, whole blocks, blocks and a tail. */
const sizes = [0, 1, 3, 7, 16, 17, 129];
/** Each size in each place, beside small, equal and large ones; not every combination, because a variant may take milliseconds a call. */
const pairs: readonly [number, number][] = [[0, 0], [0, 3], [3, 0], [1, 1], [1, 7], [3, 1], [7, 3], [16, 16], [17, 7], [7, 17], [3, 129], [129, 3], [129, 16], [17, 129]];
const triples: readonly [number, number, number][] = [
  [0, 0, 0], [0, 3, 7], [3, 0, 7], [3, 7, 0], [1, 1, 1], [1, 7, 3], [3, 1, 16], [7, 3, 1], [7, 16, 17], [16, 16, 16], [17, 17, 17], [17, 3, 129], [3, 129, 7], [129, 7, 16], [16, 129, 129],
];

const ofPairs = (...makers: ((a: number, b: number) => KernelCase)[]): KernelCase[] => makers.flatMap((make) => pairs.map(([a, b]) => make(a, b)));
const ofSizes = (...makers: ((n: number) => KernelCase)[]): KernelCase[] => makers.flatMap((make) => sizes.map((n) => make(n)));
const ofTriples = (...makers: ((a: number, b: number, c: number) => KernelCase)[]): KernelCase[] => makers.flatMap((make) => triples.map(([a, b, c]) => make(a, b, c)));

/** Every kernel of the table at awkward sizes. */
export const kernelCases: readonly KernelCase[] = [
  ...ofPairs(caseOf.gatherRows, caseOf.gatherAdd, caseOf.gatherRowsGrad), caseOf.gatherRows(17, 7, 1), caseOf.gatherRows(9, 5, 5, true), caseOf.gatherAdd(17, 7, 1), caseOf.gatherRowsGrad(129, 3, 1), caseOf.gatherRowsGrad(3, 7, 129),
  ...ofPairs(caseOf.rowDot, (B, K) => caseOf.rowDotGrad(B, K)), caseOf.rowDotGrad(7, 17, true),
  ...ofSizes(...[8, 600, Infinity].flatMap((spread) => [(B: number) => caseOf.logLoss(B, spread), (B: number) => caseOf.logLossGrad(B, spread)])),
  ...ofPairs(caseOf.bprLoss, caseOf.bprGrad), caseOf.bprLoss(17, 7, 1e4), caseOf.bprGrad(17, 7, Infinity),
  ...ofSizes(caseOf.sgd), ...ofPairs(caseOf.sgdRows),
  ...ofSizes(caseOf.adagrad), ...ofPairs(caseOf.adagradRows),
  ...ofSizes(...[1, 5, 1000].map((t) => (n: number) => caseOf.adam(n, t))), ...ofPairs(caseOf.adamTable, caseOf.adamRows), caseOf.adamTable(7, 17, 1), caseOf.adamRows(7, 17, 1),
  ...ofPairs(caseOf.lstmCell, caseOf.lstmCellGrad), caseOf.lstmCell(3, 7, Infinity), caseOf.lstmCell(7, 17, 8, true),
  ...ofPairs(caseOf.softmaxLoss, caseOf.softmaxLossGrad), caseOf.softmaxLoss(7, 17, 4000), caseOf.softmaxLoss(7, 17, 8, true), caseOf.softmaxLossGrad(7, 17, 4000), caseOf.softmaxLossGrad(7, 17, 8, true),
  ...ofTriples(caseOf.matmul, caseOf.matmulGradA, caseOf.matmulGradB, caseOf.matmulTransposed),
  caseOf.matmul(5, 9, 300), caseOf.matmulTransposed(5, 9, 300), caseOf.matmulGradA(5, 300, 9), caseOf.matmulGradB(300, 5, 9), // deeper than simd.ts packs at once
  ...ofTriples(caseOf.topK), ...ofTriples((B, N, k) => caseOf.topK(B, N, k, true)),
  ...ofPairs(caseOf.precisionHits, caseOf.accuracyHits),
];

/** casesOf: those of one folder of the table. */
export function casesOf(folder: keyof typeof kernelTable): KernelCase[] {
  return kernelCases.filter(({ kernel }) => (kernelTable[folder] as readonly string[]).includes(kernel));
}
