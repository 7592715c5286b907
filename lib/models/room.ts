import { memoryUse } from '../../kernels/memory.ts';
import { TightrecError } from '../errors.ts';

const MiB = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MiB`;

/**
 * checkRoom: refuses, before anything is done, what the memory could not hold: so many numbers of four bytes, for `what`; `advice` says what to do instead.
 * Errors: 'out-of-memory', saying how much is needed.
 */
export function checkRoom(where: string, what: string, numbers: number, advice = 'use fewer factors, or free() models that are no longer needed'): void {
  const needed = 4 * numbers, { inUse, limit } = memoryUse();
  if (limit === 0 || needed <= limit - inUse) return; // 0: no linear memory, and the runtime says when there is no more
  throw new TightrecError('out-of-memory', `${where}: ${what} need ${MiB(needed)} of tightrec's memory, and ${MiB(Math.max(0, limit - inUse))} of ${MiB(limit)} are free; ${advice}`);
}
