import { TightrecError, describe } from '../lib/errors.ts';
import type { GpuKernelName, GpuKernels } from './gpu.ts';
import { withoutMemory } from './gpuDevice.ts';
import type { Kernels } from './index.ts';

type Values = Float32Array | Int32Array;

/** What a call of a kernel must bring: whole numbers from 0 up as its sizes, and arrays that hold at least so many numbers. */
interface Contract {
  readonly sizes: Record<string, number>;
  readonly floats: Record<string, readonly [array: Float32Array, least: number]>;
  readonly ints?: Record<string, readonly [array: Int32Array, least: number]>;
  /** What it writes, and how much of it: its first numbers, these rows of K, or without a word all of it. */
  readonly writes: readonly { array: Values; first?: number; rows?: { ids: Int32Array; R: number; K: number } }[];
}

/** The shapes that the loops state, kernel by kernel. A table of `any` rows may have any length: its ids are checked against its rows. */
const contracts: { [Name in GpuKernelName]: (...args: Parameters<Kernels[Name]>) => Contract } = {
  accuracyHits: (top, actual, B, k) => ({ sizes: { B, k }, floats: {}, ints: { top: [top, B * k], actual: [actual, B] }, writes: [] }),
  adagrad: (w, s, g, n) => ({ sizes: { n }, floats: { w: [w, n], s: [s, n], g: [g, n] }, writes: [{ array: w, first: n }, { array: s, first: n }] }),
  adagradRows: (W, S, G, ids, R, K) => ({
    sizes: { R, K }, floats: { W: [W, 0], S: [S, 0], G: [G, R * K] }, ints: { rows: [ids, R] }, writes: [W, S].map((array) => ({ array, rows: { ids, R, K } })),
  }),
  adam: (w, m, v, g, n) => ({ sizes: { n }, floats: { w: [w, n], m: [m, n], v: [v, n], g: [g, n] }, writes: [w, m, v].map((array) => ({ array, first: n })) }),
  adamTable: (W, M, V, G, slot, n, K) => ({
    sizes: { n, K }, floats: { W: [W, n * K], M: [M, n * K], V: [V, n * K], G: [G, 0] }, ints: { slot: [slot, n] }, writes: [W, M, V].map((array) => ({ array, first: n * K })),
  }),
  adamRows: (W, M, V, G, ids, R, K) => ({
    sizes: { R, K }, floats: { W: [W, 0], M: [M, 0], V: [V, 0], G: [G, R * K] }, ints: { rows: [ids, R] }, writes: [W, M, V].map((array) => ({ array, rows: { ids, R, K } })),
  }),
  bprLoss: (x, U, V, c, u, i, j, B, K) => ({ sizes: { B, K }, floats: { x: [x, B], U: [U, 0], V: [V, 0], c: [c, 0] }, ints: { u: [u, B], i: [i, B], j: [j, B] }, writes: [{ array: x, first: B }] }),
  bprGrad: (dU, dV, dc, x, U, V, u, i, j, B, K) => ({
    sizes: { B, K }, floats: { dU: [dU, 0], dV: [dV, 0], dc: [dc, 0], x: [x, B], U: [U, 0], V: [V, 0] }, ints: { u: [u, B], i: [i, B], j: [j, B] },
    writes: [dU, dV, dc].map((array) => ({ array })),
  }),
  gatherRows: (out, table, ids, B, K) => ({ sizes: { B, K }, floats: { out: [out, B * K], table: [table, 0] }, ints: { ids: [ids, B] }, writes: [{ array: out, first: B * K }] }),
  gatherAdd: (out, table, ids, B, K) => ({ sizes: { B, K }, floats: { out: [out, B * K], table: [table, 0] }, ints: { ids: [ids, B] }, writes: [{ array: out, first: B * K }] }),
  gatherRowsGrad: (dTable, dOut, ids, B, K) => ({ sizes: { B, K }, floats: { dTable: [dTable, 0], dOut: [dOut, B * K] }, ints: { ids: [ids, B] }, writes: [{ array: dTable }] }),
  logLoss: (x, y, B) => ({ sizes: { B }, floats: { x: [x, B], y: [y, B] }, writes: [] }),
  logLossGrad: (dx, x, y, B) => ({ sizes: { B }, floats: { dx: [dx, B], x: [x, B], y: [y, B] }, writes: [{ array: dx, first: B }] }),
  lstmCell: (h, c, a, z, c0, B, H) => ({
    sizes: { B, H }, floats: { h: [h, B * H], c: [c, B * H], a: [a, 4 * B * H], z: [z, 4 * B * H], c0: [c0, B * H] },
    writes: [{ array: h, first: B * H }, { array: c, first: B * H }, { array: a, first: 4 * B * H }],
  }),
  lstmCellGrad: (dz, dc0, a, c, c0, dh, dc, B, H) => ({
    sizes: { B, H }, floats: { dz: [dz, 4 * B * H], dc0: [dc0, B * H], a: [a, 4 * B * H], c: [c, B * H], c0: [c0, B * H], dh: [dh, B * H], dc: [dc, B * H] },
    writes: [{ array: dz, first: 4 * B * H }, { array: dc0, first: B * H }],
  }),
  matmul: (C, A, B, M, N, K) => ({ sizes: { M, N, K }, floats: { C: [C, M * N], A: [A, M * K], B: [B, K * N] }, writes: [{ array: C, first: M * N }] }),
  matmulTransposed: (C, A, B, M, N, K) => ({ sizes: { M, N, K }, floats: { C: [C, M * N], A: [A, M * K], B: [B, N * K] }, writes: [{ array: C, first: M * N }] }),
  matmulGradA: (dA, dC, B, M, N, K) => ({ sizes: { M, N, K }, floats: { dA: [dA, M * K], dC: [dC, M * N], B: [B, K * N] }, writes: [{ array: dA, first: M * K }] }),
  matmulGradB: (dB, A, dC, M, N, K) => ({ sizes: { M, N, K }, floats: { dB: [dB, K * N], A: [A, M * K], dC: [dC, M * N] }, writes: [{ array: dB, first: K * N }] }),
  precisionHits: (top, indptr, items, G, k) => ({ sizes: { G, k }, floats: {}, ints: { top: [top, G * k], indptr: [indptr, G + 1], items: [items, indptr?.[G]] }, writes: [] }),
  rowDot: (x, U, V, u, i, B, K) => ({ sizes: { B, K }, floats: { x: [x, B], U: [U, 0], V: [V, 0] }, ints: { u: [u, B], i: [i, B] }, writes: [{ array: x, first: B }] }),
  rowDotGrad: (dU, dV, dx, U, V, u, i, B, K) => ({
    sizes: { B, K }, floats: { dU: [dU, 0], dV: [dV, 0], dx: [dx, B], U: [U, 0], V: [V, 0] }, ints: { u: [u, B], i: [i, B] }, writes: [{ array: dU }, { array: dV }],
  }),
  sgd: (w, g, n) => ({ sizes: { n }, floats: { w: [w, n], g: [g, n] }, writes: [{ array: w, first: n }] }),
  sgdRows: (W, G, ids, R, K) => ({ sizes: { R, K }, floats: { W: [W, 0], G: [G, R * K] }, ints: { rows: [ids, R] }, writes: [{ array: W, rows: { ids, R, K } }] }),
  softmaxLoss: (lse, X, y, B, N) => ({ sizes: { B, N }, floats: { lse: [lse, B], X: [X, B * N] }, ints: { y: [y, B] }, writes: [{ array: lse, first: B }] }),
  softmaxLossGrad: (dX, lse, X, y, B, N) => ({ sizes: { B, N }, floats: { dX: [dX, B * N], lse: [lse, B], X: [X, B * N] }, ints: { y: [y, B] }, writes: [{ array: dX, first: B * N }] }),
  topK: (ids, best, scores, skip, start, B, N, k) => ({
    sizes: { B, N, k }, floats: { best: [best, B * k], scores: [scores, B * N] }, ints: { ids: [ids, B * k], start: [start, B + 1], skip: [skip, start?.[B]] },
    writes: [{ array: ids, first: B * k }, { array: best, first: B * k }],
  }),
};

/**
 * checked: a kernel that looks at what it is given and works on copies. So its caller may do with the arrays what it likes while it runs, and
 * nothing is written unless all of it went well.
 * Errors: 'bad-input' for what is no size or no such array; 'bad-shape' for an array shorter than the sizes say; 'stale' for one without memory.
 */
export function checked<Name extends GpuKernelName>(name: Name, kernel: GpuKernels[Name]): GpuKernels[Name] {
  type Call = (...args: unknown[]) => Promise<unknown>;
  const contract = contracts[name] as (...args: unknown[]) => Contract;
  return (async (...args: unknown[]) => {
    const { sizes, floats, ints = {}, writes } = contract(...args), where = `gpu kernel ${name}`;
    for (const [size, value] of Object.entries(sizes)) if (!(Number.isSafeInteger(value) && value >= 0)) throw new TightrecError('bad-input', `${where}: ${size} must be a whole number from 0 up, got ${describe(value)}`);
    checkArrays(where, Float32Array, floats);
    checkArrays(where, Int32Array, ints);

    const copies = copiesOf([...Object.values(floats), ...Object.values(ints)].map(([array]) => array));
    const result = await (kernel as Call)(...args.map((arg) => copies.get(arg as Values) ?? arg));
    for (const { array, first = array.length, rows } of writes) {
      const copy = copies.get(array)!;
      if (rows === undefined) { array.set(copy.subarray(0, first)); continue; }
      const ids = copies.get(rows.ids)!, { R, K } = rows;
      for (let r = 0; r < R; r++) array.set(copy.subarray(ids[r] * K, ids[r] * K + K), ids[r] * K);
    }
    return result;
  }) as GpuKernels[Name];
}

function checkArrays(where: string, type: Float32ArrayConstructor | Int32ArrayConstructor, arrays: Record<string, readonly [array: Values, least: number]>): void {
  for (const [name, [array, least]] of Object.entries(arrays)) {
    if (!(array instanceof type)) throw new TightrecError('bad-input', `${where}: ${name} must be ${type === Float32Array ? 'a Float32Array' : 'an Int32Array'}, got ${typeof array === 'function' ? 'a function' : describe(array)}`);
    if (!(array.length >= least && least >= 0)) throw new TightrecError('bad-shape', `${where}: ${name} must hold at least ${least} numbers, as the sizes say, got ${array.length}`);
  }
}

/** copiesOf: each array as a copy; where arrays share bytes, so do their copies. */
function copiesOf(arrays: readonly Values[]): Map<Values, Values> {
  const copies = new Map<Values, Values>(), inOrder = [...new Set(arrays)].toSorted((a, b) => a.byteOffset - b.byteOffset);
  for (const buffer of new Set(inOrder.map((array) => array.buffer))) {
    let group: Values[] = [], end = 0;
    const close = (): void => {
      if (group.length === 0) return;
      const start = group[0].byteOffset, bytes = copyOfBytes(buffer, start, end);
      for (const array of group) copies.set(array, new (array instanceof Float32Array ? Float32Array : Int32Array)(bytes, array.byteOffset - start, array.length));
      group = [];
    };
    for (const array of inOrder) {
      if (array.buffer !== buffer) continue;
      if (array.byteOffset >= end) close();
      group.push(array);
      end = Math.max(end, array.byteOffset + array.byteLength);
    }
    close();
  }
  return copies;
}

function copyOfBytes(buffer: ArrayBufferLike, start: number, end: number): ArrayBuffer {
  try { return new Uint8Array(buffer, start, end - start).slice().buffer; } catch (cause) { throw withoutMemory(cause); }
}
