import { TightrecError } from '../lib/errors.ts';
import { DESK_NUMBERS, Desk, MOST_PARTS } from './desk.ts';
import type { Kernels } from './index.ts';
import { type Block, allocate, free, isLinear, linearMemory } from './memory.ts';
import type { Part } from './spread.ts';
import { type Thread, processors, startThread, whyOneThread } from './startThread.ts';
import { chosenVariant, cuts, exchange, tableInUse } from './tables.ts';
import { type Instance, instances, workspaceLength } from './wasm.ts';

/**
 * Several threads over one linear memory. The main thread cuts work into parts, calls of kernels that do not depend on one another, and lays them on
 * the desk; workers and the main thread take them one by one, so a thread that is slower, late or dead takes fewer, and nobody else's bits change.
 * Everything is synchronous: `runParts` returns when all parts are done. Where memory cannot be shared the same parts run in turn.
 */

/** Threads: a team at work; `release` it when the work is over. */
export interface Threads {
  /** How many, the main one among them. */
  readonly count: number;
  /** Starts them now, and not with the first work that is large enough; resolves when they have. Errors: 'thread-lost'. */
  start(): Promise<void>;
  /** Runs synchronous work, in which runParts and the large kernels use these threads. Errors: 'thread-lost', when one of them has ended. */
  run<T>(work: () => T): T;
  release(): void;
}

let atWork: Team | null = null;

/** threadCount: how many threads the running work has. */
export const threadCount = (): number => atWork?.count ?? 1;

/**
 * runParts: calls kernels that do not depend on one another; all are done when it returns. What each returned, in their order.
 * No two parts may write to the same numbers, nor one read what another writes.
 */
export function runParts(parts: readonly Part[]): number[] {
  if (atWork === null || !atWork.pool.alive || parts.length < 2 || !parts.every(isPlaced) || !atWork.pool.knows(parts)) return parts.map(([kernel, ...args]) => (tableInUse()[kernel] as (...args: unknown[]) => number)(...args));
  const { pool } = atWork;
  void pool.grow(atWork.count);
  if (parts.length <= MOST_PARTS) return pool.run(parts, 0, parts.length);
  const results: number[] = [];
  for (let from = 0; from < parts.length; from += MOST_PARTS) results.push(...pool.run(parts, from, Math.min(MOST_PARTS, parts.length - from)));
  return results;
}

/** Whether all of a part's arrays lie where every thread sees them. */
const isPlaced = (part: Part): boolean => part.every((arg) => typeof arg !== 'object' || isLinear(arg));

/**
 * holdThreads: a team of `count` threads; one thread where there cannot be more. Workers start with the first parts, no more than there are processors, and end
 * some time after the last release.
 */
export function holdThreads(count: number): Threads {
  if (count < 2 || chosenVariant() === 'loop' || whyOneThread() !== null) return alone; // a loop runs in JavaScript, which no other thread sees
  if (!(pool?.alive && pool.instances === instances.length)) pool = new Pool(); // one whose workers do not know all that is loaded by now ends when nobody holds it
  return new Team(pool, Math.min(count, processors()));
}

let spreadFrom: Kernels | null = null, spreadTable: Kernels | null = null;

/** The table `whole` in which large calls are cut. */
function spreadOf(whole: Kernels): Kernels {
  if (spreadFrom !== whole) { spreadFrom = whole; spreadTable = Object.assign({ ...whole }, ...cuts().map((cut) => cut(whole, { threadCount, runParts }))); }
  return spreadTable!;
}

const alone: Threads = { count: 1, start: async () => {}, run: (work) => work(), release() {} };

class Team implements Threads {
  readonly count: number;
  readonly pool: Pool;
  #held = true;

  constructor(pool: Pool, count: number) {
    this.pool = pool;
    this.count = count;
    pool.hold();
  }

  start(): Promise<void> { return this.pool.grow(this.count); }

  run<T>(work: () => T): T {
    if (!this.#held) throw new TightrecError('stale', 'threads that were released are asked to work; hold them anew');
    this.pool.check();
    if (atWork !== null || chosenVariant() === 'loop') return work(); // inside other threads' work, that of those; loops run on this one
    const whole = exchange(spreadOf(tableInUse()));
    atWork = this; // oxlint-disable-line typescript/no-this-alias
    try { return work(); } finally {
      atWork = null;
      exchange(whole);
    }
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    this.pool.letGo();
  }
}

const IDLE = 2000; // milliseconds after which workers that nobody holds are ended
const PATIENCE = 1; // milliseconds of looking for what others still do; after that in moments of sleep, which are longer than most parts
const LOST = 60_000; // milliseconds of waiting after which a part is given up: the longest takes seconds. A worker that dies inside a part is noticed only so
const LATE = 3000; // milliseconds that a worker has to finish its part when it is told to end

let pool: Pool | null = null;

/** Where the workers of a pool have a kernel: its number among the names, the module that has it, and the one that has it with fused multiply-add, else the same. */
interface Place { readonly number: number; readonly plain: number; readonly fused: number }

class Pool {
  alive = true;
  #holders = 0;
  #ready: Promise<void> = Promise.resolve();
  readonly #blocks: Block[] = [];
  readonly #instances: readonly Instance[] = instances.slice();
  readonly #names = [...new Set(instances.flatMap(({ exports }) => Object.keys(exports).filter((name) => typeof exports[name] === 'function')))];
  readonly #placeOf = new Map<string, Place>();
  readonly #at: number;
  readonly #desk: Desk;
  readonly #threads: Thread[] = [];
  readonly #ended: Promise<void>[] = []; // of each thread, when it touches nothing any more
  #lost: TightrecError | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    for (const [number, name] of this.#names.entries()) {
      const within = (fused: boolean): number => this.#instances.findIndex(({ fused: ofFused, exports }) => ofFused === fused && exports[name] !== undefined);
      this.#placeOf.set(name, { number, plain: within(false), fused: within(true) >= 0 ? within(true) : within(false) });
    }
    this.#at = this.#take(DESK_NUMBERS);
    this.#desk = new Desk(linearMemory!, this.#at, this.#instances.map(({ exports }) => this.#names.map((name) => exports[name])));
  }

  /** How many modules its workers know. */
  get instances(): number { return this.#instances.length; }

  /** Whether its workers know the kernels of these parts: where a module was refused they are loops. */
  knows(parts: readonly Part[]): boolean { return parts.every(([kernel]) => this.#placeOf.has(kernel)); }

  #take(length: number): number {
    const block = allocate(length);
    this.#blocks.push(block);
    return block.at;
  }

  hold(): void {
    this.#holders++;
    clearTimeout(this.#timer);
  }

  /** Starts workers until there are `count` threads. */
  grow(count: number): Promise<void> {
    while (this.#threads.length < count - 1 && whyOneThread() === null) {
      const workspace = this.#take(workspaceLength), thread = startThread();
      if (thread === null) break; // then the main thread does it all
      this.#threads.push(thread);
      const started = new Promise<void>((resolve, reject) => {
        this.#ended.push(new Promise((end) => {
          thread.hear((word) => { if (word === 'ready') resolve(); else end(); }, (why) => {
            this.#lose(why);
            reject(this.#lost ?? new TightrecError('thread-lost', 'the threads were ended before they had started'));
            end();
          });
        }));
      });
      started.catch(() => {}); // whoever waits is told
      this.#ready = this.#ready.then(() => started);
      this.#ready.catch(() => {});
      thread.tell({ memory: linearMemory!, modules: this.#instances.map(({ module }) => module), workspace, names: this.#names, desk: this.#at });
    }
    return this.#ready;
  }

  #lose(why: unknown): void {
    if (!this.alive) return; // it was told to end
    this.#lost = new TightrecError('thread-lost', `a worker thread has ended while it was needed (${why instanceof Error ? why.message : String(why)}); fit again, or with threads: 1`, { cause: why });
    this.end();
  }

  check(): void {
    if (this.#lost !== null) throw this.#lost;
  }

  run(parts: readonly Part[], from: number, n: number): number[] {
    const desk = this.#desk, fused = chosenVariant() === 'simd-fma';
    for (let part = 0; part < n; part++) {
      const call = parts[from + part], place = this.#placeOf.get(call[0])!;
      desk.lay(part, fused ? place.fused : place.plain, place.number, call);
    }
    desk.open(n);
    while (desk.take());
    for (let looks = 1, before = performance.now(), waited = 0; desk.done < n; looks++) {
      if (looks % 1000 > 0) continue;
      const now = performance.now();
      waited += Math.min(now - before, 50); // a process that was stopped has not waited
      before = now;
      if (waited > PATIENCE) desk.pause();
      if (waited > LOST) { this.#lose(`no answer for ${LOST / 1000} seconds`); throw this.#lost!; }
    }
    if (desk.failed >= 0) { this.#lose(`${parts[from + desk.failed][0]} failed`); throw this.#lost!; }
    const results: number[] = [];
    for (let part = 0; part < n; part++) results.push(desk.result(part));
    return results;
  }

  /** Held by nobody, its workers are ended, unless somebody comes soon. */
  letGo(): void {
    if (--this.#holders > 0) return;
    this.#timer = setTimeout(() => this.end(), IDLE);
    (this.#timer as { unref?(): void }).unref?.();
  }

  /** Its memory goes back when every worker has said that it has ended: until then one may still look at the desk, or write. */
  end(): void {
    this.alive = false;
    clearTimeout(this.#timer);
    this.#desk.close();
    const late = setTimeout(() => this.#threads.forEach((thread) => thread.kill()), LATE); // a browser does not say when such a one has ended: then its memory stays taken
    (late as { unref?(): void }).unref?.();
    void this.#giveBack(late);
  }

  async #giveBack(late: ReturnType<typeof setTimeout>): Promise<void> {
    await Promise.all(this.#ended);
    clearTimeout(late);
    for (const block of this.#blocks) free(block);
  }
}
