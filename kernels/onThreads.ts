import { MOST_THREADS } from './desk.ts';
import { processors } from './startThread.ts';
import { holdThreads } from './threads.ts';
import { TightrecError, describe } from '../lib/errors.ts';

/** ThreadsOption: how many threads may share the work of a call, or 'all' that the machine has. */
export type ThreadsOption = number | 'all';

/** checkThreads: how many that is. Errors: 'bad-setting'. */
export function checkThreads(where: string, threads: ThreadsOption = 1): number {
  if (threads === 'all') return processors();
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) throw new TightrecError('bad-setting', `${where}: threads must be a whole number from 1 to ${MOST_THREADS}, or 'all', got ${describe(threads)}`);
  return threads;
}

/** onThreads: runs synchronous work on so many threads. Errors: 'bad-setting', 'thread-lost'. */
export function onThreads<T>(where: string, threads: ThreadsOption | undefined, work: () => T): T {
  const team = holdThreads(checkThreads(where, threads));
  try { return team.run(work); } finally { team.release(); }
}
