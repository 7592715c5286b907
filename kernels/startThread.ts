import { MOST_THREADS } from './desk.ts';
import { isShared } from './memory.ts';
import { instances } from './wasm.ts';
import type { WorkerStart, WorkerWord } from './worker.ts';

/** processors: how many threads this machine can run at once, as far as it says. */
export const processors = (): number => Math.min(MOST_THREADS, Math.max(1, (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? builtin<{ availableParallelism(): number }>('node:os')?.availableParallelism() ?? 1));

/** whyOneThread: why this runtime has only one thread, or null where it can have more. */
export function whyOneThread(): string | null {
  if (instances.length === 0) return 'the kernels are plain loops here';
  if (!isShared || (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === false) return 'this runtime has no shared memory (a page must be cross-origin isolated for it)';
  return refusal ?? (starter() === null ? 'this runtime starts no workers' : processors() === 1 ? 'this machine has one processor' : null);
}

/** Thread: a worker, in the words of Node and of a browser alike. `lost` hears of one that ended or failed, told to or not. */
export interface Thread { tell(start: WorkerStart): void; hear(said: (word: WorkerWord) => void, lost: (why: unknown) => void): void; kill(): void }

function builtin<Module>(name: string): Module | undefined {
  return (globalThis as { process?: { getBuiltinModule?(name: string): Module | undefined } }).process?.getBuiltinModule?.(name);
}

interface NodeWorker { on(event: string, hear: (value: unknown) => void): void; postMessage(start: WorkerStart): void; terminate(): Promise<unknown>; unref(): void }
interface NodeThreads { Worker: new (url: URL, options: { execArgv: string[] }) => NodeWorker }

let refusal: string | null = null;

/** startThread: a new worker, or null where the runtime refuses one; then `whyOneThread` says why. */
export function startThread(): Thread | null {
  try { return starter()!(); } catch (error) {
    refusal = `this runtime refused to start a worker: ${(error as Error).message}`;
    return null;
  }
}

/** How this runtime starts a worker; null where it has none. */
function starter(): (() => Thread) | null {
  const node = builtin<NodeThreads>('node:worker_threads');
  if (node?.Worker) {
    return () => {
      // from source, the built worker: a thread of Node 20 reads no TypeScript
      const worker = new node.Worker(new URL('worker.js', import.meta.url.replace(/kernels\/startThread\.ts$/, 'dist/kernels/')), { execArgv: [] }); // flags such as --input-type are not for it
      return {
        tell: (start) => worker.postMessage(start),
        hear(said, lost) {
          worker.on('message', (word) => {
            worker.unref(); // once it is ready it keeps no process alive
            said(word as WorkerWord);
          });
          worker.on('error', lost);
          worker.on('exit', (code) => lost(`it ended with code ${code}`));
        },
        kill: () => { void worker.terminate(); },
      };
    };
  }
  if (typeof Worker === 'undefined') return null;
  return () => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }); // in this form, so that bundlers find it
    return {
      tell: (start) => worker.postMessage(start),
      hear(said, lost) {
        worker.addEventListener('message', ({ data }) => said(data as WorkerWord));
        worker.addEventListener('error', ({ message }) => lost(message || 'it could not be loaded'));
      },
      kill: () => worker.terminate(),
    };
  };
}
