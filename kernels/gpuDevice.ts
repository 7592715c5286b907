import { TightrecError } from '../lib/errors.ts';

/**
 * What the gpu.ts files run on: gpu.js, which turns a plain function into a shader and runs it once for each number of its output.
 *
 * A thread function must stay readable for gpu.js after tsc and after a minifier, so it is a `function` expression that uses its parameters and
 * Math alone, and nothing of the file around it. What else was found the hard way:
 * - every name is declared at the top level of the function: a minifier reuses names in inner blocks, which gpu.js takes for the outer ones;
 * - no `if` around an assignment: minified it becomes `condition && (x = y)`, which no shader can compile; `x = condition ? y : x` survives;
 * - a loop counts in a variable declared right before it, `let p = from; for (; p < end; p += 1)`: WebGPU's translation knows no other start
 *   (and a statement between the two would be moved there) and no ++ of what is not an integer;
 * - what is to hold a fraction or an id does not start from a literal such as 0, except a sum: WebGL takes it for an integer;
 * - outputs have one dimension, and a position is split into row and column with a correction, because a device may divide inexactly.
 */

/** GpuMode: 'webgpu' and 'webgl2' run on a graphics device; 'webasm' and 'cpu' are gpu.js without one. */
export type GpuMode = 'webgpu' | 'webgl2' | 'webasm' | 'cpu';

/** What a thread function finds in `this`: which number of the output it makes. */
export interface Thread { readonly thread: { readonly x: number } }

/** Resident: numbers that stay on the device between kernels. In the modes without a device it is an array. */
export interface Resident {
  readonly length: number;
  read(): Promise<Float32Array>;
  /** Gives the device's memory back; using it afterwards is an error. */
  free(): void;
}

export type Numbers = Float32Array | Resident;

/** A thread function's arguments as its caller gives them: an array may be resident. */
export type Given<A extends readonly (Float32Array | number)[]> = { [At in keyof A]: A[At] extends Float32Array ? Numbers : number };

export type ThreadFunction<A extends readonly (Float32Array | number)[]> = (this: Thread, ...args: A) => number;

export interface GpuDevice {
  readonly mode: GpuMode;
  /** The most numbers that one array may hold here. */
  readonly limit: number;
  /** kernel: a function that runs `thread` for each of `cells` numbers and brings them back. Compiled at its first call; the same name and thread function are the same kernel. */
  kernel<A extends readonly (Float32Array | number)[]>(name: string, thread: ThreadFunction<A>): (cells: number, ...args: Given<A>) => Promise<Float32Array>;
  /** resident: the same, but what it makes stays on the device. */
  resident<A extends readonly (Float32Array | number)[]>(name: string, thread: ThreadFunction<A>): (cells: number, ...args: Given<A>) => Promise<Resident>;
  /** upload: a copy on the device. */
  upload(values: Float32Array): Promise<Resident>;
  /** ids: the first `count` ids as devices hold them, float32. Errors: 'unsupported' for an id of 2^24 or more, which float32 cannot tell apart. */
  ids(ids: Int32Array, count: number): Float32Array;
  /** Gives everything back; afterwards nothing of it can be used. */
  destroy(): Promise<void>;
}

/** The part of gpu.js that is used, so that its types are needed nowhere. */
export interface GpuJs {
  GPU: new (settings: { mode: string }) => GpuJsInstance;
}
interface GpuJsInstance {
  createKernel(thread: unknown, settings: object): GpuJsKernel;
  destroy(): Promise<void>;
  context?: { isContextLost?: () => boolean } | null;
  Kernel?: { features?: { maxTextureSize?: number } | null } | null;
}
interface GpuJsKernel {
  (...args: unknown[]): unknown;
  setOutput(size: number[]): unknown;
  moduleCacheLimit?: number;
  readonly kernel: { readonly constructor: { readonly mode?: string }; readonly context?: { isContextLost?: () => boolean; isLost?: boolean } | null; readonly fallbackReason?: string | null };
}
interface GpuJsHandle { toArray(): unknown; delete(): void }

/** Float32 counts whole numbers up to here: beyond, ids and positions would run together. */
const COUNTABLE = 2 ** 24;

/** What gpu.js calls a kernel that really runs in this mode: it may fall back to the cpu without an error. */
const modeNames: Record<GpuMode, string> = { webgpu: 'webgpu', webgl2: 'gpu', webasm: 'webasm', cpu: 'cpu' };

class OnDevice implements Resident {
  readonly length: number;
  readonly owner: GpuJsInstance;
  #value: Float32Array | GpuJsHandle | null;
  readonly #check: (error?: unknown) => void;

  constructor(value: Float32Array | GpuJsHandle, length: number, owner: GpuJsInstance, check: (error?: unknown) => void = () => {}) {
    this.#value = value;
    this.length = length;
    this.owner = owner;
    this.#check = check;
  }

  get value(): Float32Array | GpuJsHandle {
    if (this.#value === null) throw new TightrecError('stale', 'this array of a device was freed');
    return this.#value;
  }

  async read(): Promise<Float32Array> {
    const { value } = this;
    if (value instanceof Float32Array) return value.slice();
    let read: unknown;
    try { read = await value.toArray(); } catch (error) { this.#check(error); throw error; }
    this.#check();
    return (read as Float32Array).subarray(0, this.length);
  }

  free(): void {
    const value = this.#value;
    this.#value = null;
    if (value !== null && !(value instanceof Float32Array)) value.delete();
  }
}

/** Whether code may be built from text, which gpu.js needs for 'cpu' alone. */
function buildsCode(): boolean {
  try { return typeof new Function('') === 'function'; } catch { return false; }
}

const nothing = new Float32Array(1); // what stands for an empty array, which a device cannot hold

/**
 * openDevice: gpu.js in one mode, tried out on a small sum. `threads` is for 'webasm': how many workers share a large output.
 * Errors: 'unsupported', naming the mode and why it does not run here.
 */
export async function openDevice(gpujs: GpuJs, mode: GpuMode, threads = 1): Promise<GpuDevice> {
  const cannot = (why: string, cause?: unknown): TightrecError => new TightrecError('unsupported', `gpu mode '${mode}' cannot run here: ${why}`, { cause });
  if (mode === 'cpu' && !buildsCode()) throw cannot('it builds code from text (new Function), which this runtime or page forbids; use another mode, or train without the gpu');
  let gpu: GpuJsInstance;
  try { gpu = new gpujs.GPU({ mode }); } catch (error) { throw cannot(`${messageOf(error)}; ${advice[mode]}`, error); }
  const limit = Math.min(COUNTABLE, (gpu.Kernel?.features?.maxTextureSize ?? Infinity) ** 2);
  const lost: { already: boolean } = { already: false };

  /** After each call: a device that was lost answers with zeros, or with an error of any kind. */
  const checkLost = (kernel: GpuJsKernel | null) => (error?: unknown): void => {
    const contexts = [gpu.context, kernel?.kernel.context] as ({ isContextLost?: () => boolean; isLost?: boolean } | null | undefined)[];
    if (lost.already || contexts.some((context) => context?.isLost === true || context?.isContextLost?.() === true) || (error !== undefined && /device (?:was|is) lost|context lost/i.test(messageOf(error)))) {
      lost.already = true;
      throw new TightrecError('device-lost', `gpu mode '${mode}': the device was lost (its driver was reset, or the machine slept); open it again, or train without it`, { cause: error });
    }
  };

  type Call = (cells: number, args: readonly (Numbers | number)[]) => Promise<OnDevice>;
  const calls = new Map<unknown, Map<string, Call>>(); // by thread function and name: whoever asks again, for another fit, gets what is compiled already

  function make(name: string, thread: unknown, stays: boolean): Call {
    const known = calls.get(thread) ?? new Map<string, Call>(), key = `${name}${stays ? ', stays' : ''}`, call = known.get(key) ?? makeNew(name, thread, stays);
    calls.set(thread, known.set(key, call));
    return call;
  }

  function makeNew(name: string, thread: unknown, stays: boolean): Call {
    // compiled for arrays or for what is on the device already, argument by argument: gpu.js confuses the two in one kernel
    const versions = new Map<string, GpuJsKernel>();
    let tail: Promise<unknown> = Promise.resolve();

    const run = async (cells: number, args: readonly (Numbers | number)[]): Promise<OnDevice> => {
      const values = args.map((arg) => {
        if (arg instanceof OnDevice && arg.owner !== gpu) throw new TightrecError('bad-input', `gpu mode '${mode}': kernel ${name} was given an array of another device; read it there and send it here`);
        return typeof arg === 'number' ? arg : arg instanceof OnDevice ? arg.value : arg;
      });
      const kinds = values.map((value) => (typeof value === 'number' || value instanceof Float32Array ? 'a' : 'r')).join('');
      let compiled = versions.get(kinds) ?? null, made: unknown;
      try {
        compiled ??= compile();
        versions.set(kinds, compiled);
        compiled.setOutput([cells]);
        made = await compiled(...values.map((value) => (value instanceof Float32Array && value.length === 0 ? nothing : value)));
      } catch (error) {
        checkLost(compiled)(error);
        throw cannot(`kernel ${name}: ${messageOf(error)}`, error);
      }
      checkLost(compiled)();
      const { kernel } = compiled;
      if (kernel.constructor.mode !== modeNames[mode]) throw cannot(`gpu.js ran kernel ${name} in mode '${kernel.constructor.mode}' instead${kernel.fallbackReason ? `: ${kernel.fallbackReason}` : ''}`);
      return new OnDevice(made as Float32Array | GpuJsHandle, cells, gpu, checkLost(compiled));
    };

    const compile = (): GpuJsKernel => {
      const kernel = gpu.createKernel(thread, {
        dynamicOutput: true, dynamicArguments: true, loopMaxIterations: COUNTABLE, precision: 'single', pipeline: stays, immutable: stays,
        // left to itself, WebGL takes coarse floats, of 10 bits on some devices, for outputs of less than 2^15 numbers, and when a later one is
        // larger it runs the coarse kernel again at its old size, without an error
        tactic: 'precision',
        asyncMode: mode !== 'webasm' || threads > 1, ...(mode === 'webasm' ? { poolSize: threads } : {}),
      });
      // it compiles for each size anew and keeps a memory for each, of which a browser allows some hundred: so one kernel is for few sizes
      if (mode === 'webasm') kernel.moduleCacheLimit = 2;
      return kernel;
    };

    return (cells, args) => {
      if (cells > limit) throw tooLarge(name, cells);
      for (const arg of args) if (typeof arg !== 'number' && arg.length > limit) throw tooLarge(name, arg.length);
      // one call of a kernel at a time: gpu.js keeps the size of the output in the kernel
      const result = tail.then(() => run(cells, args));
      tail = result.catch(() => {});
      return result;
    };
  }

  const tooLarge = (name: string, length: number): TightrecError => new TightrecError(
    'unsupported',
    `gpu mode '${mode}': kernel ${name} would need an array of ${length} numbers; this device holds at most ${limit} in one, because ${limit < COUNTABLE ? 'its textures end there' : 'float32 cannot count further'}; use fewer factors or a smaller batch, or train without the gpu`,
  );

  const device: GpuDevice = {
    mode, limit,
    kernel(name, thread) {
      const call = make(name, thread, false);
      return async (cells, ...args) => (cells === 0 ? new Float32Array(0) : (await call(cells, args)).value as Float32Array);
    },
    resident(name, thread) {
      const call = make(name, thread, true);
      return async (cells, ...args) => (cells === 0 ? new OnDevice(new Float32Array(0), 0, gpu) : call(cells, args));
    },
    upload: async (values) => (values.length === 0 || mode === 'webasm' || mode === 'cpu' ? new OnDevice(values.slice(), values.length, gpu) : copy(values.length, values)),
    ids(ids, count) {
      const floats = new Float32Array(count);
      for (let at = 0; at < count; at++) {
        if (ids[at] >= COUNTABLE) throw new TightrecError('unsupported', `gpu mode '${mode}': id ${ids[at]} at position ${at} is 2^24 or more; devices hold ids as float32, which cannot tell such ids apart; train without the gpu`);
        floats[at] = ids[at];
      }
      return floats;
    },
    destroy: () => gpu.destroy(),
  };

  const copy = device.resident('copy', copyThread), trial = device.kernel('trial', trialThread);
  try {
    const input = await copy(3, Float32Array.of(1, 2, COUNTABLE - 3)), output = await trial(2, input, 1);
    input.free();
    if (output[0] !== 3 || output[1] !== COUNTABLE - 1) throw cannot(`it adds 2 and ${COUNTABLE - 3} up to ${output[1]}: its numbers are not float32`);
  } catch (error) {
    await gpu.destroy().catch(() => {});
    throw error instanceof TightrecError && error.code === 'unsupported' ? new TightrecError('unsupported', `${error.message}; ${advice[mode]}`, { cause: error.cause }) : error;
  }
  return device;
}

const copyThread = function (this: Thread, x: Float32Array): number {
  return x[this.thread.x];
};

/** x[at] + x[at + s] */
const trialThread = function (this: Thread, x: Float32Array, s: number): number {
  return x[this.thread.x] + x[this.thread.x + s];
};

const advice: Record<GpuMode, string> = {
  webgpu: "use a browser with WebGPU and a graphics device, or mode 'webgl2' or 'auto'",
  webgl2: "use a browser with WebGL2 and float textures, or mode 'webasm' or 'auto'",
  webasm: "use a runtime with WebAssembly, mode 'cpu' or 'auto', or train without the gpu",
  cpu: 'train without the gpu',
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** setRows: table[rows[r]] = values[r]. Shapes: table (any, K), values (R, K), rows (R), distinct. */
export function setRows(table: Float32Array, values: Float32Array, rows: Int32Array, R: number, K: number): void {
  for (let r = 0; r < R; r++) table.set(values.subarray(r * K, r * K + K), rows[r] * K);
}
