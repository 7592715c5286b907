import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { backend } from '../../kernels/answering.ts';
import { type ThreadsOption, checkThreads } from '../../kernels/onThreads.ts';
import { version } from './packageRoot.ts';

/** Machine: where a study ran. */
export interface Machine { cpu: string; cores: number; threads: number; memoryGiB: number; system: string; kernels: string }

/** machine: this one, with so many threads at work. */
export function machine(threads: ThreadsOption): Machine {
  const { kernels, why, whyOneThread } = backend();
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), threads: whyOneThread === null ? checkThreads('runStudy', threads) : 1, memoryGiB: Math.round(totalmem() / 2 ** 30), system: `${platform()} ${release()}`, kernels: `${kernels} (${why})` };
}

/** versions: tightrec's and the runtime's. */
export function versions(): Record<string, string> {
  const { node, bun, deno, v8 } = process.versions as Record<string, string | undefined>;
  return Object.fromEntries(Object.entries({ tightrec: version, node, bun, deno, v8 }).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
