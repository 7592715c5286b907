import { setTimeout as sleep } from 'node:timers/promises';
import { memoryUse } from '../../kernels/memory.ts';

/**
 * settled: bytes in use once everything that nobody holds has been given back. Asks for collections until a few in a row find nothing, or
 * until no more than `hope` is left.
 */
export async function settled(hope = -1): Promise<number> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (!collect) throw new Error('run with --expose-gc, as test/run.ts does');
  let last = Number.NaN;
  for (let same = 0, round = 0; same < (hope < 0 ? 6 : 100) && !(last <= hope) && round < 400; round++) {
    collect();
    await sleep(3); // finalizers run between tasks
    const now = memoryUse().inUse;
    same = now === last ? same + 1 : 0;
    last = now;
  }
  return last;
}
