import { createGpuKernels } from '../../kernels/gpu.ts';
import type { GpuDevice, Resident, Thread } from '../../kernels/gpuDevice.ts';

/** Up and down again: what was compiled for one size must serve the next. 2^15 lies between, up to where WebGL may take coarse floats. */
const sizes = [21, 40_000, 5, 16_641, 100_000, 85, 85, 33_000], largeFirst = sizes.toReversed();

const doubleThread = function (this: Thread, x: Float32Array): number {
  return 2 * x[this.thread.x];
};

/** n, n + 1 ...: whole numbers, so that every device gives exactly the same. */
const ramp = (n: number): Float32Array => Float32Array.from({ length: n }, (_, at) => n + at);

/** changeSizes: kernels of one device at changing sizes, one after the other: what comes back wrong, in words. */
export async function changeSizes(gpu: GpuDevice): Promise<string[]> {
  const table = createGpuKernels(gpu), failures: string[] = [];
  const check = (what: string, order: readonly number[], at: number, got: Float32Array, length: number, want: (at: number) => number): void => {
    const where = `${what}, size ${order[at]} after ${at === 0 ? 'none' : order[at - 1]}`;
    if (got.length !== length) { failures.push(`${where}: ${got.length} numbers came back, expected ${length}`); return; }
    const wrong = got.findIndex((value, k) => value !== want(k));
    if (wrong >= 0) failures.push(`${where}: entry ${wrong} is ${got[wrong]}, expected ${want(wrong)}`);
  };

  for (const [at, n] of sizes.entries()) {
    const w = ramp(n), g = new Float32Array(n).fill(2);
    try { await table.sgd(w, g, n, 1); } catch (error) { failures.push(String(error)); }
    check('output and inputs', sizes, at, w, n, (k) => n + k - 2);
  }
  for (const [at, n] of largeFirst.entries()) {
    const out = new Float32Array(n), ids = Int32Array.from({ length: n }, (_, k) => k % 3);
    try { await table.gatherRows(out, Float32Array.of(7, 8, 9), ids, n, 1); } catch (error) { failures.push(String(error)); }
    check('output, from one small table', largeFirst, at, out, n, (k) => 7 + k % 3);
  }
  for (const [at, n] of sizes.entries()) {
    const out = new Float32Array(3), ones = new Float32Array(n).fill(1);
    try { await table.rowDot(out, ones, ones, new Int32Array(3), new Int32Array(3), 3, n); } catch (error) { failures.push(String(error)); }
    check('inputs, of a small output', sizes, at, out, 3, () => n);
  }

  // all of them are kept until the end: none may be written over by the next
  const double = gpu.resident('double', doubleThread), bring = gpu.kernel('double', doubleThread), kept: Resident[][] = [];
  for (const n of sizes) {
    const sent = await gpu.upload(ramp(n)), once = await double(n, ramp(n));
    kept.push([sent, once, await double(n, once)]);
  }
  for (const [at, n] of sizes.entries()) {
    for (const [times, resident] of kept[at].entries()) {
      check(`resident, doubled ${times} times`, sizes, at, await resident.read(), n, (k) => 2 ** times * (n + k));
      check(`resident, doubled ${times} times, then brought back doubled`, sizes, at, await bring(n, resident), n, (k) => 2 ** (times + 1) * (n + k));
    }
  }
  for (const resident of kept.flat()) resident.free();
  return failures;
}
