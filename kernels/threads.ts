import { type Kernels, kernels } from './index.ts';

type Argument = number | Float32Array | Int32Array;

/** Part: a call of a kernel as plain data. */
export type Part = readonly [kernel: keyof Kernels, ...args: Argument[]];

/**
 * runParts: calls kernels that do not depend on one another; all are done when it returns. What each returned, in their order.
 * No two parts may write to the same numbers, nor one read what another writes.
 */
export function runParts(parts: readonly Part[]): number[] {
  return parts.map(([kernel, ...args]) => (kernels[kernel] as (...args: Argument[]) => number)(...args));
}

/** threadCount: how many parts can run at a time. */
export const threadCount = (): number => 1;
