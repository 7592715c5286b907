/**
 * The desk, where the main thread and the workers meet: a place in the linear memory. Words of 32 bits, each with a cache line to itself, then a slot
 * of float64 a part.
 *
 *   claim    total << 7 | next: which part is taken next, of how many. Whoever raises it by one has that part. CLOSED when the workers are to end
 *   done     parts that are finished
 *   failed   1 + the number of a part that threw
 *   asleep   workers that wait to be woken
 *   never    nobody writes it: to wait for it is to sleep
 *   slot     the module, the kernel, how many arguments, then these; the result comes where the module was
 */
const CLAIM = 0, DONE = 16, FAILED = 32, ASLEEP = 48, NEVER = 63, WORDS = 64, SLOT = 40;
const CLOSED = -1;

/** MOST_THREADS: more would not help: a thread is meant for a processor of its own. */
export const MOST_THREADS = 32;

/** As many parts as the claim can count. */
export const MOST_PARTS = 127;

/** What a desk takes up, in numbers of four bytes. */
export const DESK_NUMBERS: number = WORDS + 2 * SLOT * MOST_PARTS;

export type WasmKernel = (...args: number[]) => number | undefined;

/** How often a worker that finds no part looks again before it sleeps, for half a millisecond or so: to be woken takes longer than most parts. */
const LOOKS = 100_000;

/** Desk: one thread's view of it. `kernels[module][kernel]` are that thread's own. */
export class Desk {
  readonly #words: Int32Array;
  readonly #slots: Float64Array;
  readonly #kernels: readonly (readonly WasmKernel[])[];

  constructor(memory: WebAssembly.Memory, at: number, kernels: readonly (readonly WasmKernel[])[]) {
    this.#words = new Int32Array(memory.buffer, at, WORDS);
    this.#slots = new Float64Array(memory.buffer, at + 4 * WORDS, SLOT * MOST_PARTS);
    this.#kernels = kernels;
  }

  /** Lays out a part, a kernel's name and its arguments; nobody sees it before `open`. */
  lay(part: number, module: number, kernel: number, call: readonly (string | number | ArrayBufferView)[]): void {
    const slots = this.#slots, at = part * SLOT;
    slots[at] = module;
    slots[at + 1] = kernel;
    slots[at + 2] = call.length - 1;
    for (let a = 1; a < call.length; a++) {
      const arg = call[a];
      slots[at + 2 + a] = typeof arg === 'number' ? arg : (arg as ArrayBufferView).byteOffset;
    }
  }

  /** Gives out the parts that were laid. All of those before are done. */
  open(parts: number): void {
    Atomics.store(this.#words, DONE, 0);
    Atomics.store(this.#words, FAILED, 0);
    Atomics.store(this.#words, CLAIM, parts << 7);
    if (Atomics.load(this.#words, ASLEEP) > 0) Atomics.notify(this.#words, CLAIM);
  }

  /** Takes the next part, if there is one left, and does it. */
  take(): boolean {
    const words = this.#words, slots = this.#slots;
    for (;;) {
      const claim = Atomics.load(words, CLAIM), part = claim & 127;
      if (part >= claim >> 7) return false;
      if (Atomics.compareExchange(words, CLAIM, claim, claim + 1) !== claim) continue; // another was quicker
      const at = part * SLOT, args: number[] = [];
      for (let a = 0, n = slots[at + 2]; a < n; a++) args.push(slots[at + 3 + a]);
      try { slots[at] = this.#kernels[slots[at]][slots[at + 1]](...args) ?? 0; } catch { Atomics.store(words, FAILED, 1 + part); }
      Atomics.add(words, DONE, 1);
      return true;
    }
  }

  /** A moment's sleep, so that a worker gets this thread's processor where there are too few; a browser's main thread may not sleep and goes on. */
  pause(): void {
    try { Atomics.wait(this.#words, NEVER, 0, 0.1); } catch { /* it may not */ }
  }

  get done(): number { return Atomics.load(this.#words, DONE); }
  /** The number of a part that threw, or -1. */
  get failed(): number { return Atomics.load(this.#words, FAILED) - 1; }
  result(part: number): number { return this.#slots[part * SLOT]; }

  /** What a worker does all its life, until the desk is closed. */
  serve(): void {
    const words = this.#words;
    for (let looks = 0; Atomics.load(words, CLAIM) !== CLOSED; looks++) {
      if (this.take()) looks = 0;
      if (looks < LOOKS) continue;
      Atomics.add(words, ASLEEP, 1);
      const claim = Atomics.load(words, CLAIM); // after ASLEEP, so that whoever opens later wakes us
      if (claim !== CLOSED && (claim & 127) >= claim >> 7) Atomics.wait(words, CLAIM, claim);
      Atomics.sub(words, ASLEEP, 1);
      looks = 0;
    }
  }

  /** Tells the workers to end. They do when they have finished what they are at; until each has said so, the desk is theirs. */
  close(): void {
    Atomics.store(this.#words, CLAIM, CLOSED);
    Atomics.notify(this.#words, CLAIM);
  }
}
