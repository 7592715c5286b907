import type { GpuDevice } from './gpuDevice.ts';
import { orderIds } from './ids/loop.ts';

/** ScatterPlan: the positions of a batch, row by row: those of `row` are order[start[row]] .. order[start[row + 1] - 1]. Float32, for a device. */
export interface ScatterPlan {
  readonly order: Float32Array; // (B)
  readonly start: Float32Array; // (n + 1)
}

/**
 * scatterPlan: turns a scatter round. Threads cannot add to each other's numbers, so instead of a thread for each entry of the batch, which
 * would add to a row of the table, there is one for each number of the table, which adds up what belongs to it. The positions are put in order
 * of row by a counting sort here, on the host; equal rows stay in the order of the batch, so that a sum has the order of the loop.
 */
export function scatterPlan(gpu: GpuDevice, ids: Int32Array, B: number, n: number): ScatterPlan {
  gpu.ids(ids, B, n); // refuses what is no row, and what a device cannot hold
  const order = new Int32Array(B), ends = new Int32Array(n + 1), start = new Float32Array(n + 1);
  orderIds(order, ends, ids, B, n);
  for (let row = 0; row < n; row++) start[row + 1] = ends[row];
  return { order: gpu.ids(order, B), start };
}
