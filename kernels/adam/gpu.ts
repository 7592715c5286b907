import { gatherThread } from '../gather/gpu.ts';
import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Numbers, type Thread, keeping, rowsIn, setRows } from '../gpuDevice.ts';

// The formulas are in loop.ts. One thread makes one number, so an update of three arrays is three kernels.

/** m + (1 - beta1) (g - m); `rest` is 1 - beta1, which would lose its digits on the device */
export const adamFirstThread = function (this: Thread, m: Float32Array, g: Float32Array, rest: number): number {
  return m[this.thread.x] + rest * (g[this.thread.x] - m[this.thread.x]);
};

/** v + (1 - beta2) (g² - v); `rest` is 1 - beta2 */
export const adamSecondThread = function (this: Thread, v: Float32Array, g: Float32Array, rest: number): number {
  return v[this.thread.x] + rest * (g[this.thread.x] * g[this.thread.x] - v[this.thread.x]);
};

/** w - rate (c1 m) / (√(c2 v) + eps), m and v being the new ones */
export const adamThread = function (this: Thread, w: Float32Array, m: Float32Array, v: Float32Array, rate: number, eps: number, c1: number, c2: number): number {
  return w[this.thread.x] - rate * (c1 * m[this.thread.x]) / (Math.sqrt(c2 * v[this.thread.x]) + eps);
};

/** The gradient of a whole table from that of its touched rows: G[slot[row], k], or 0 where slot[row] is -1 */
const spreadThread = function (this: Thread, G: Float32Array, slot: Float32Array, K: number): number {
  const at = this.thread.x;
  const guess = Math.floor(at / K);
  const row = guess + ((guess + 1) * K <= at ? 1 : 0) - (guess * K > at ? 1 : 0);
  const r = slot[row];
  const k = at - row * K;
  const g = G[Math.max(r, 0) * K + k];
  return r < 0 ? 0 * K : g;
};

export function adamOn(gpu: GpuDevice): Pick<GpuKernels, 'adam' | 'adamTable' | 'adamRows'> {
  const first = gpu.resident('adam, m', adamFirstThread), second = gpu.resident('adam, v', adamSecondThread), update = gpu.resident('adam', adamThread);
  const gather = gpu.resident('adamRows, rows', gatherThread), spread = gpu.resident('adamTable, gradient', spreadThread);

  /** New w, m, v of `cells` numbers, brought back. */
  const step = (
    cells: number, w: Numbers, m: Numbers, v: Numbers, g: Numbers, rate: number, beta1: number, beta2: number, eps: number, c1: number, c2: number,
  ): Promise<Float32Array[]> => keeping(async (keep) => {
    const newM = await keep(first(cells, m, g, 1 - beta1)), newV = await keep(second(cells, v, g, 1 - beta2)), newW = await keep(update(cells, w, newM, newV, rate, eps, c1, c2));
    const read: Float32Array[] = [];
    for (const resident of [newW, newM, newV]) read.push(await resident.read());
    return read;
  });

  return {
    async adam(w, m, v, g, n, ...settings) {
      const made = await step(n, w, m, v, g, ...settings);
      for (const [at, array] of [w, m, v].entries()) array.set(made[at]);
    },
    adamTable: (W, M, V, G, slot, n, K, ...settings) => keeping(async (keep) => {
      const g = await keep(spread(n * K, G, gpu.ids(slot, n, rowsIn(G, K), true), K)), made = await step(n * K, W, M, V, g, ...settings);
      for (const [at, array] of [W, M, V].entries()) array.set(made[at]);
    }),
    adamRows: (W, M, V, G, rows, R, K, ...settings) => keeping(async (keep) => {
      const cells = R * K, ids = gpu.ids(rows, R, Math.min(...[W, M, V].map((table) => rowsIn(table, K))));
      const w = await keep(gather(cells, W, ids, K)), m = await keep(gather(cells, M, ids, K)), v = await keep(gather(cells, V, ids, K));
      const made = await step(cells, w, m, v, G, ...settings);
      for (const [at, table] of [W, M, V].entries()) setRows(table, made[at], rows, R, K);
    }),
  };
}
