import { createGpuKernels } from '../../kernels/gpu.ts';
import type { GpuDevice } from '../../kernels/gpuDevice.ts';
import { loops } from '../../kernels/index.ts';

/** The most numbers that a device holds in one array: a position at its end and one more of anything are beyond what float32 counts. */
const most = 2 ** 24;
const few = 1000;

/** farPositions: kernels that make a position of other positions, at the end of an array as long as a device holds: what comes back wrong, in words. */
export async function farPositions(gpu: GpuDevice): Promise<string[]> {
  const table = createGpuKernels(gpu), long = new Float32Array(most), failures: string[] = [];
  for (let at = most - 2 * few; at < most; at++) long[at] = at % 7;
  const first = Int32Array.from({ length: few }, (_, at) => at), last = first.map((at) => most - few + (at ^ 1)); // odd sums, which are the ones that are lost
  const both = async (what: string, work: (on: Pick<typeof table | typeof loops, 'gatherRows' | 'gatherAdd' | 'rowDot' | 'adamTable'>, out: Float32Array) => void | Promise<void>): Promise<void> => {
    const [got, want] = [new Float32Array(few).fill(1), new Float32Array(few).fill(1)];
    await work(table, got);
    await work(loops, want);
    const wrong = got.findIndex((value, at) => !(Math.abs(value - want[at]) <= 1e-5));
    if (wrong >= 0) failures.push(`${what}: entry ${wrong} is ${got[wrong]}, the loop has ${want[wrong]}`);
  };

  const ones = new Float32Array(few).fill(1);
  await both('gatherRows', (on, out) => on.gatherRows(out, long, last, few, 1));
  await both('gatherAdd', (on, out) => on.gatherAdd(out, long, last, few, 1));
  await both('rowDot', (on, out) => on.rowDot(out, ones, long, first, last, few, 1));
  await both('adamTable', (on, out) => on.adamTable(out, new Float32Array(few), ones.slice(), long, last, few, 1, 0.5, 0.5, 0.5, 1, 1, 1));
  return failures;
}
