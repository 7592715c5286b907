import { createGpuKernels } from '../../kernels/gpu.ts';
import type { GpuDevice, GpuMode } from '../../kernels/gpuDevice.ts';
import { type Argument, expectAgreement, kernelCases } from '../helpers/kernelCases.ts';

/**
 * How much wider than for a variant on the CPU the tolerance is, by mode: a device's exp, division and square root may be off by a few units in
 * the last place each, where IEEE's are off by half of one, and its sums of products are not fused or fused as it likes.
 */
export const slack: Readonly<Record<GpuMode, number>> = { cpu: 1, webasm: 1, webgl2: 1, webgpu: 1 };

export interface Outcome { ran: number; failures: string[] }

/** runCases: every case of every kernel on a device, against its loop. No module of Node and no test runner, so that a browser page can run it. */
export async function runCases(gpu: GpuDevice): Promise<Outcome> {
  const table = createGpuKernels(gpu) as Record<string, (...args: Argument[]) => Promise<unknown>>, failures: string[] = [];
  let ran = 0;
  for (const one of kernelCases) {
    const args = one.args();
    try {
      const result = await table[one.kernel](...args);
      expectAgreement(one, { result, args }, slack[gpu.mode]);
    } catch (error) { failures.push(error instanceof Error ? error.message : String(error)); }
    ran++;
  }
  return { ran, failures };
}
