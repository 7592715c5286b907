import { TightrecError, describe } from '../lib/errors.ts';

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
 * - outputs have one dimension, and a position is split into row and column with a correction, because a device may divide inexactly;
 * - nothing on the way to a position goes beyond the arrays, so the difference of two positions is made before it is added to a third: float32
 *   ends at 2^24, and an array may.
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
  /**
   * ids: the first `count` ids as devices hold them, float32. With `rows`, each must be one of 0 .. rows - 1; -1 stands for none where it is `padded`,
   * as it is without `rows`.
   * Errors: 'unsupported' for an id of 2^24 or more, which float32 cannot tell apart; 'unknown-id' for one that is no row; 'bad-input'.
   */
  ids(ids: Int32Array, count: number, rows?: number, padded?: boolean): Float32Array;
  /** Gives everything back; afterwards every use of it is an error, 'stale'. Called again, it gives the same promise. */
  destroy(): Promise<void>;
}

/** isDevice: whether this is what openDevice, or openGpu, gave. */
export function isDevice(gpu: unknown): gpu is GpuDevice {
  if (typeof gpu !== 'object' || gpu === null) return false;
  const device = gpu as GpuDevice;
  return typeof device.mode === 'string' && typeof device.limit === 'number' && (['kernel', 'resident', 'upload', 'ids', 'destroy'] as const).every((name) => typeof device[name] === 'function');
}

/** copyOf: what a call is given is copied before it returns: it runs later, when its caller may have changed the array. */
export function copyOf(values: Float32Array): Float32Array {
  try { return values.slice(); } catch (cause) { throw withoutMemory(cause); }
}

/** withoutMemory: the error for an array that can no longer be read. */
export const withoutMemory = (cause: unknown): TightrecError => new TightrecError('stale', 'this array has lost its memory: its buffer was handed to a worker, or the memory that it lay in has grown', { cause });

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

/** An output of so many numbers is shared between two workers: gpu.js gives each 4096 at least. */
const FOR_WORKERS = 8192;

/** What gpu.js calls a kernel that really runs in this mode: it may fall back to the cpu without an error. */
const modeNames: Record<GpuMode, string> = { webgpu: 'webgpu', webgl2: 'gpu', webasm: 'webasm', cpu: 'cpu' };

/** What a device and the arrays on it know of each other. */
interface Owner { destroyed: Promise<void> | null; lost: boolean }

class OnDevice implements Resident {
  readonly length: number;
  readonly owner: Owner;
  #value: Float32Array | GpuJsHandle | null;
  readonly #check: (error?: unknown) => void;

  constructor(value: Float32Array | GpuJsHandle, length: number, owner: Owner, check: (error?: unknown) => void) {
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
    this.#check();
    if (value instanceof Float32Array) return value.slice();
    let read: unknown;
    try { read = await value.toArray(); } catch (error) { this.#check(error); throw error; }
    this.#check();
    return (read as Float32Array).subarray(0, this.length);
  }

  free(): void {
    const value = this.#value;
    this.#value = null;
    if (value !== null && !(value instanceof Float32Array) && this.owner.destroyed === null) value.delete();
  }
}

/** Whether code may be built from text, which gpu.js needs for 'cpu' alone. */
function buildsCode(): boolean {
  try { return typeof new Function('') === 'function'; } catch { return false; }
}

/** Whether workers can see one memory: a page must be isolated for it. */
function sharesMemory(): boolean {
  return typeof SharedArrayBuffer === 'function' && (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false;
}

const nothing = new Float32Array(1); // what stands for an empty array, which a device cannot hold

/**
 * openDevice: gpu.js in one mode, tried out on a small sum. `threads` is for 'webasm': how many workers share a large output.
 * Errors: 'unsupported', naming the mode and why it does not run here.
 */
export async function openDevice(gpujs: GpuJs, mode: GpuMode, threads = 1): Promise<GpuDevice> {
  const cannot = (why: string, cause?: unknown): TightrecError => new TightrecError('unsupported', `gpu mode '${mode}' cannot run here: ${why}`, { cause });
  if (mode === 'webasm' && threads > 1 && !sharesMemory()) throw cannot(`its ${threads} threads need shared memory, which this runtime or page does not give; serve the page isolated (Cross-Origin-Opener-Policy: same-origin, Cross-Origin-Embedder-Policy: require-corp), or leave threads at 1`);
  if (mode === 'cpu' && !buildsCode()) throw cannot('it builds code from text (new Function), which this runtime or page forbids; use another mode, or train without the gpu');
  let gpu: GpuJsInstance;
  try { gpu = new gpujs.GPU({ mode }); } catch (error) { throw cannot(`${messageOf(error)}; ${advice[mode]}`, error); }
  const limit = Math.min(COUNTABLE, (gpu.Kernel?.features?.maxTextureSize ?? Infinity) ** 2);
  const owner: Owner = { destroyed: null, lost: false };

  /** Before and after each call: a device that was lost answers with zeros, or with an error of any kind. */
  const checkLost = (kernel: GpuJsKernel | null) => (error?: unknown): void => {
    if (owner.destroyed !== null) throw new TightrecError('stale', `gpu mode '${mode}': this device was given back by destroy(); open another`, { cause: error });
    const contexts = [gpu.context, kernel?.kernel.context] as ({ isContextLost?: () => boolean; isLost?: boolean } | null | undefined)[];
    if (owner.lost || contexts.some((context) => context?.isLost === true || context?.isContextLost?.() === true) || (error !== undefined && /device (?:was|is) lost|context lost/i.test(messageOf(error)))) {
      owner.lost = true;
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
      checkLost(null)();
      const values = args.map((arg) => (arg instanceof OnDevice ? arg.value : arg as Float32Array | number));
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
      return new OnDevice(made as Float32Array | GpuJsHandle, cells, owner, checkLost(compiled));
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
      // one call of a kernel at a time: gpu.js keeps the size of the output in the kernel
      const given = args.map((arg) => (arg instanceof Float32Array ? copyOf(arg) : arg)), result = tail.then(() => run(cells, given));
      tail = result.catch(() => {});
      return result;
    };
  }

  const wrong = (name: string, expected: string, got: unknown): TightrecError => new TightrecError('bad-input', `gpu mode '${mode}', ${name}: expected ${expected}, got ${typeof got === 'function' ? 'a function' : describe(got)}`);

  /** Refuses what gpu.js would not survive, before anything is queued. */
  function checkCall(name: string, thread: (...args: never) => number, cells: number, args: readonly (Numbers | number)[]): void {
    checkLost(null)();
    if (!(Number.isSafeInteger(cells) && cells >= 0)) throw wrong(name, 'a whole number of cells from 0 up', cells);
    if (args.length < thread.length) throw wrong(name, `${thread.length} arguments after the number of cells`, args.length);
    if (cells > limit) throw tooLarge(name, cells);
    for (const arg of args) {
      if (typeof arg === 'number') continue;
      if (!(arg instanceof Float32Array || arg instanceof OnDevice)) throw wrong(name, 'numbers, Float32Arrays and arrays of this device', arg);
      if (arg instanceof OnDevice && arg.owner !== owner) throw new TightrecError('bad-input', `gpu mode '${mode}', ${name}: this is an array of another device; read it there and send it here`);
      if (arg.length > limit) throw tooLarge(name, arg.length);
    }
  }

  const checkThread = (name: string, thread: unknown): void => { if (typeof thread !== 'function') throw wrong(`kernel ${name}`, 'a thread function', thread); };

  const tooLarge = (name: string, length: number): TightrecError => new TightrecError(
    'unsupported',
    `gpu mode '${mode}': ${name} would need an array of ${length} numbers; this device holds at most ${limit} in one, because ${limit < COUNTABLE ? 'its textures end there' : 'float32 cannot count further'}; use fewer factors or a smaller batch, or train without the gpu`,
  );

  const onHost = (values: Float32Array): OnDevice => new OnDevice(values, values.length, owner, checkLost(null));

  const device: GpuDevice = {
    mode, limit,
    kernel(name, thread) {
      checkThread(name, thread);
      const call = make(name, thread, false);
      return async (cells, ...args) => {
        checkCall(`kernel ${name}`, thread, cells, args);
        return cells === 0 ? new Float32Array(0) : (await call(cells, args)).value as Float32Array;
      };
    },
    resident(name, thread) {
      checkThread(name, thread);
      const call = make(name, thread, true);
      return async (cells, ...args) => {
        checkCall(`kernel ${name}`, thread, cells, args);
        return cells === 0 ? onHost(new Float32Array(0)) : call(cells, args);
      };
    },
    async upload(values) {
      checkLost(null)();
      if (!(values instanceof Float32Array)) throw wrong('upload', 'a Float32Array', values);
      if (values.length > limit) throw tooLarge('upload', values.length);
      return values.length === 0 || mode === 'webasm' || mode === 'cpu' ? onHost(copyOf(values)) : copy(values.length, values);
    },
    ids(ids, count, rows, padded = rows === undefined) {
      if (!(ids instanceof Int32Array)) throw wrong('ids', 'an Int32Array', ids);
      if (!(Number.isSafeInteger(count) && count >= 0)) throw wrong('ids', 'a whole number of them from 0 up', count);
      if (ids.length < count) throw wrong('ids', `at least ${count} of them`, ids.length);
      if (count > limit) throw tooLarge('ids', count);
      const floats = new Float32Array(count), least = padded ? -1 : 0;
      for (let at = 0; at < count; at++) {
        const id = ids[at];
        if (id >= COUNTABLE) throw new TightrecError('unsupported', `gpu mode '${mode}': id ${id} at position ${at} is 2^24 or more; devices hold ids as float32, which cannot tell such ids apart; train without the gpu`);
        if (id < -1) throw new TightrecError('bad-input', `gpu mode '${mode}': id ${id} at position ${at}: an id is a row number from 0 up, or -1 for none`);
        if (id < least || (rows !== undefined && id >= rows)) throw new TightrecError('unknown-id', `gpu mode '${mode}': id ${id} at position ${at} is not one of the ${rows} rows (0 to ${rows! - 1})`);
        floats[at] = id;
      }
      return floats;
    },
    destroy: () => (owner.destroyed ??= gpu.destroy()),
  };

  const copy = device.resident('copy', copyThread), trial = device.kernel('trial', trialThread);
  try {
    const input = await copy(3, Float32Array.of(1, 2, COUNTABLE - 3)), output = await trial(2, input, 1);
    input.free();
    if (output[0] !== 3 || output[1] !== COUNTABLE - 1) throw cannot(`it adds 2 and ${COUNTABLE - 3} up to ${output[1]}: its numbers are not float32`);
    if (mode === 'webasm' && threads > 1) {
      const large = await trial(FOR_WORKERS, new Float32Array(FOR_WORKERS + 1).fill(1), 1); // a page may forbid workers
      if (large.length !== FOR_WORKERS || large.some((value) => value !== 2)) throw cannot(`its ${threads} workers do not share their work`);
    }
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

/** keeping: gives `work` a `keep` for what it makes on a device, which goes back when the work ends, well or not. */
export async function keeping<Result>(work: (keep: (made: Promise<Resident>) => Promise<Resident>) => Promise<Result>): Promise<Result> {
  const kept: Resident[] = [];
  try {
    return await work(async (made) => { const resident = await made; kept.push(resident); return resident; });
  } finally { for (const resident of kept) resident.free(); }
}

/** rowsIn: how many rows of K numbers a table has; a row of none is in every table. */
export const rowsIn = (table: Float32Array, K: number): number => (K === 0 ? COUNTABLE : Math.floor(table.length / K));

/** setRows: table[rows[r]] = values[r]. Shapes: table (any, K), values (R, K), rows (R), distinct. */
export function setRows(table: Float32Array, values: Float32Array, rows: Int32Array, R: number, K: number): void {
  for (let r = 0; r < R; r++) table.set(values.subarray(r * K, r * K + K), rows[r] * K);
}
