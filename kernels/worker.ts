import { Desk, type WasmKernel } from './desk.ts';

/**
 * What a thread beside the main one runs: it takes parts of the work from the desk and calls the kernels they name, until it is ended. It knows nothing
 * but kernels, and imports nothing but the desk, so that it starts in a few milliseconds. kernels/threads.ts is the other side.
 */

/** WorkerStart: the one message that a worker is sent. */
export interface WorkerStart {
  readonly memory: WebAssembly.Memory;
  /** The modules as they are compiled, so that a worker need not begin with slow code. */
  readonly modules: readonly WebAssembly.Module[];
  /** The address of matmul's workspace for this worker. */
  readonly workspace: number;
  /** The kernels that a part may name, by number. */
  readonly names: readonly string[];
  /** The address of the desk. */
  readonly desk: number;
}

/** WorkerWord: what a worker says. */
export type WorkerWord = 'ready' | 'ended';

interface Port { postMessage(message: string): void; once(event: 'message', hear: (start: WorkerStart) => void): void }
interface Global { process?: { getBuiltinModule?(name: string): { parentPort: Port | null } | undefined }; postMessage(message: string): void; close(): void; addEventListener(event: 'message', hear: (event: { data: WorkerStart }) => void): void }

// Node, Bun and Deno have node:worker_threads, a browser the worker's own global
const here = globalThis as unknown as Global, port = here.process?.getBuiltinModule?.('node:worker_threads')?.parentPort ?? null;
if (port) port.once('message', begin);
else here.addEventListener('message', ({ data }) => begin(data));

function begin({ memory, modules, workspace, names, desk }: WorkerStart): void {
  const kernels = modules.map((module) => {
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    (exports.workspace as WebAssembly.Global).value = workspace;
    return names.map((name) => exports[name] as WasmKernel);
  });
  const say = (word: WorkerWord): void => (port ?? here).postMessage(word);
  say('ready');
  new Desk(memory, desk, kernels).serve();
  say('ended'); // from here on it touches nothing; Node ends a worker that has nothing left to do
  if (!port) here.close();
}
