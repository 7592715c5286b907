/** What one thread of this machine can do at most, as the probes of limits.simd.ts measure it. */
export interface Limits {
  /** Multiplications and additions in registers, GFLOP/s. */
  readonly multiplyAdd: number;
  /** The same with fused multiply-add, or null where the runtime has none. */
  readonly fused: number | null;
  /** Bytes read and written, GB/s, over working sets from a first-level cache to memory. */
  readonly memory: readonly MemoryLimit[];
  /** How often all this was measured; each number is the best round's. */
  readonly rounds: number;
  /** By which part the worst round was below the best: in the median of the numbers above, and at most, and in which of them that was. */
  readonly spread: { readonly usual: number; readonly most: number; readonly at: string };
}

export interface MemoryLimit { readonly bytes: number; readonly read: number; readonly copy: number; readonly update: number; readonly triad: number }

/** How a kernel goes about its bytes: it reads only, writes what it does not read, changes arrays in place, or makes one of two. */
export type Traffic = 'read' | 'copy' | 'update' | 'triad';

export interface LimitModules { readonly plain: Uint8Array; readonly fused: Uint8Array }

interface Probes {
  memory: WebAssembly.Memory;
  start(): number;
  multiplyAdd(n: number): number;
  read(a: number, bytes: number): number;
  copy(a: number, b: number, bytes: number): void;
  update(a: number, b: number, bytes: number): void;
  triad(a: number, b: number, c: number, bytes: number): void;
}

const KiB = 1024, MiB = 1024 * KiB;
const levels = [16 * KiB, 32 * KiB, 128 * KiB, 512 * KiB, 2 * MiB, 8 * MiB, 32 * MiB, 128 * MiB, 256 * MiB];

/**
 * limitsMeter: a function that measures every limit once more and answers with the best of all rounds so far; a limit is what the machine can
 * do, not what it usually does, and a round may fall into a neighbour's busy time. A round takes about four seconds, `quick` less than two.
 */
export function limitsMeter(modules: LimitModules): (quick?: boolean) => Limits {
  const instance = (bytes: Uint8Array): Probes => new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource)).exports as unknown as Probes;
  const plain = instance(modules.plain), fused = WebAssembly.validate(modules.fused as BufferSource) ? instance(modules.fused) : null, largest = levels.at(-1)!;
  const start = plain.start();
  plain.memory.grow(Math.ceil((start + largest) / 65536));
  new Uint8Array(plain.memory.buffer).fill(0); // the system gives a page when it is first touched, which is not what is measured
  // runtimes compile twice, first fast and then well: without this the first level would be measured in code of the first kind
  for (const began = performance.now(); performance.now() - began < 150;) {
    const few = 16 * KiB;
    plain.read(start, few); plain.copy(start, start + few, few); plain.update(start, start + few, few); plain.triad(start, start + few, start + 2 * few, few);
  }

  const best = new Map<string, number>(), worst = new Map<string, number>(); // of the rounds, by what was measured
  let rounds = 0;
  const noted = (what: string, speed: number): number => {
    worst.set(what, Math.min(speed, worst.get(what) ?? Infinity));
    best.set(what, Math.max(speed, best.get(what) ?? 0));
    return best.get(what)!;
  };
  return (quick = false) => {
    rounds++;
    const flops = (what: string, probes: Probes): number => noted(what, fastest(quick ? 80 : 400, 104 * 2e5, () => { probes.multiplyAdd(2e5); }));
    const memory = levels.map((bytes): MemoryLimit => {
      const half = Math.floor(bytes / 2 / 128) * 128, third = Math.floor(bytes / 3 / 128) * 128, whole = Math.floor(bytes / 128) * 128;
      const many = Math.max(1, Math.round(4 * MiB / bytes));
      const speed = (traffic: Traffic, moved: number, probe: () => void): number => noted(`${traffic} at ${sizeOf(bytes)}`, fastest(quick ? 10 : 60, moved * many, () => { for (let at = 0; at < many; at++) probe(); }));
      return {
        bytes,
        read: speed('read', whole, () => { plain.read(start, whole); }),
        copy: speed('copy', 2 * half, () => plain.copy(start, start + half, half)),
        update: speed('update', 3 * half, () => plain.update(start, start + half, half)),
        triad: speed('triad', 3 * third, () => plain.triad(start, start + third, start + 2 * third, third)),
      };
    });
    const multiplyAdd = flops('multiply and add', plain), fusedMultiplyAdd = fused && flops('fused multiply-add', fused);
    const spreads = [...best].map(([what, speed]) => ({ what, part: 1 - worst.get(what)! / speed })).sort((a, b) => a.part - b.part);
    return { multiplyAdd, fused: fusedMultiplyAdd, memory, rounds, spread: { usual: spreads[spreads.length >> 1].part, most: spreads.at(-1)!.part, at: spreads.at(-1)!.what } };
  };
}

/** sizeOf: bytes, in words. */
export const sizeOf = (bytes: number): string => (bytes < MiB ? `${bytes / KiB} KiB` : `${bytes / MiB} MiB`);

/** spreadOf: how far the rounds were apart, in words; with a warning where that is far. */
export function spreadOf({ rounds, spread: { usual, most, at } }: Limits): string {
  const percent = (part: number): string => `${(100 * part).toFixed(0)} %`;
  return `The limits are the best of ${rounds} round${rounds === 1 ? '' : 's'}${rounds === 1 ? '' : `; the worst round was lower by ${percent(usual)} in the median, by ${percent(most)} at most (${at})`}.${most > 0.15 ? ' That is much: the machine was busy at times, so the figures are unsteady as well.' : ''}`;
}

/** Billions of `work` a second in the fastest of the runs that so many milliseconds hold, and of five at least. */
function fastest(milliseconds: number, work: number, run: () => void): number {
  let best = Infinity, now = performance.now(), runs = 0;
  for (const end = now + milliseconds; now < end || runs < 5 || best === Infinity; runs++) {
    const began = now;
    run();
    now = performance.now();
    if (now > began) best = Math.min(best, now - began); // a page's clock may stand still for a while
  }
  return work / best / 1e6;
}

/** What the memory gives at a working set of so many bytes, between the two measured sizes that it lies between. */
function bandwidth(limits: Limits, bytes: number, traffic: Traffic): number {
  const { memory } = limits, after = memory.findIndex((level) => level.bytes >= bytes);
  if (after <= 0) return memory.at(after)![traffic]; // smaller than all, or larger
  const low = memory[after - 1], high = memory[after], part = Math.log(bytes / low.bytes) / Math.log(high.bytes / low.bytes);
  return low[traffic] + part * (high[traffic] - low[traffic]);
}

export interface Work { readonly flops: number; readonly bytes: number; readonly workingSet: number; readonly traffic: Traffic }

/** leastSeconds: how long the work takes at the machine's limit, and which limit that is. */
export function leastSeconds(limits: Limits, work: Work, fused: boolean): { seconds: number; bound: 'arithmetic' | 'memory' } {
  const arithmetic = work.flops / (fused ? limits.fused ?? limits.multiplyAdd : limits.multiplyAdd) / 1e9;
  const memory = work.bytes / bandwidth(limits, work.workingSet, work.traffic) / 1e9;
  return memory > arithmetic ? { seconds: memory, bound: 'memory' } : { seconds: arithmetic, bound: 'arithmetic' };
}
