import type { GpuKernels } from '../../kernels/gpu.ts';
import { type Argument, expectAgreement, kernelCases } from '../helpers/kernelCases.ts';

export interface Outcome { ran: number; failures: string[] }

/**
 * runCases: every case of every kernel, or of one, against its loop, within the tolerance that every variant must keep. No module of Node and no
 * test runner, so that a browser page can run it.
 */
export async function runCases(table: GpuKernels, kernel?: string): Promise<Outcome> {
  const functions = table as Record<string, (...args: Argument[]) => Promise<unknown>>, failures: string[] = [];
  let ran = 0;
  for (const one of kernelCases) {
    if (kernel !== undefined && one.kernel !== kernel) continue;
    const args = one.args();
    try { expectAgreement(one, { result: await functions[one.kernel](...args), args }); } catch (error) { failures.push(error instanceof Error ? error.message : String(error)); }
    ran++;
  }
  return { ran, failures };
}
