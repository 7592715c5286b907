import type { GpuJs, Thread } from '../../kernels/gpuDevice.ts';

export interface Fake { gpujs: GpuJs; calls: () => number }

interface Faults {
  /** The largest texture it speaks of. */
  textureSize?: number;
  /** The mode its kernels say they ran in, and why. */
  kind?: string;
  why?: string;
  /** What it adds to every number. */
  off?: number;
  /** The call from which on each one ends so. */
  failsAt?: number;
  error?: Error;
  /** The size of an output from which on it ends so too. */
  failsFrom?: number;
  /** Where it notes the size of each output. */
  sizes?: number[];
  /** From that call on its context says that it is lost, and the numbers are zeros, as WebGL does it. */
  lostAt?: number;
  /** Modes that cannot be opened. */
  without?: readonly string[];
}

/** fakeGpuJs: a gpu.js that runs thread functions in a plain loop, counts its calls, and has faults. */
export function fakeGpuJs({ textureSize, kind, why, off = 0, failsAt = Infinity, error = new Error('failed'), failsFrom = Infinity, sizes, lostAt = Infinity, without = [] }: Faults = {}): Fake {
  let calls = 0;
  const context = { isContextLost: () => calls >= lostAt };
  class GPU {
    readonly Kernel = { features: textureSize === undefined ? null : { maxTextureSize: textureSize } };
    readonly context = context;
    readonly mode: string;

    constructor({ mode }: { mode: string }) {
      if (without.includes(mode)) throw new Error(`there is no ${mode}`);
      this.mode = mode;
    }

    createKernel(thread: unknown) {
      let size = 0;
      const run = async (...args: unknown[]): Promise<Float32Array> => {
        calls++;
        sizes?.push(size);
        if (calls >= failsAt || size >= failsFrom) throw error;
        return Float32Array.from({ length: size }, (_, x) => (calls >= lostAt ? 0 : off + (thread as (this: Thread, ...args: unknown[]) => number).apply({ thread: { x } }, args)));
      };
      const names: Record<string, string> = { webgl2: 'gpu' };
      return Object.assign(run, { setOutput: ([length]: number[]) => { size = length; }, kernel: { constructor: { mode: kind ?? names[this.mode] ?? this.mode }, context, fallbackReason: why ?? null } });
    }

    async destroy(): Promise<void> { /* there is nothing */ }
  }
  return { gpujs: { GPU } as unknown as GpuJs, calls: () => calls };
}
