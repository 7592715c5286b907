import { Bench } from 'tinybench';
import type { Row } from './results.ts';

export interface Pace {
  /** Milliseconds of timing and of warming up. */
  readonly time: number;
  readonly warmup: number;
  /** A first run of more milliseconds than this is followed by only one more, which is timed; */
  readonly patience: number;
  /** and of more than this by none. */
  readonly limit: number;
  /** Runs, at least. */
  readonly iterations: number;
  /** Training steps in a run. */
  readonly steps: number;
}

export const paces: { readonly full: Pace; readonly quick: Pace } = {
  full: { time: 500, warmup: 100, patience: 2000, limit: 8000, iterations: 3, steps: 56 },
  quick: { time: 15, warmup: 5, patience: 60, limit: 250, iterations: 1, steps: 3 },
};

export type Timing = Pick<Row, 'milliseconds' | 'runs' | 'once'> & { readonly quartiles: readonly [fast: number, slow: number] };

const BATCH = 0.2; // milliseconds
const TICKS = 200; // a clock is then off by half a percent

/**
 * timed: the median time of a run, and its quartiles, in milliseconds. `first` is how long a run has taken already. A run much shorter than
 * the clock can tell is timed many at a time.
 */
export async function timed(run: () => unknown, waits: boolean, first: number, pace: Pace): Promise<Timing> {
  if (first > pace.patience) {
    const again = performance.now();
    if (first <= pace.limit) { if (waits) await run(); else run(); }
    const milliseconds = first <= pace.limit ? performance.now() - again : first;
    return { milliseconds, runs: 1, once: true, quartiles: [milliseconds, milliseconds] };
  }
  const many = waits ? 1 : manyOf(run, first, pace);
  // an async function by name: tinybench would otherwise call it once to find out, and not wait for it
  const work = waits ? async () => { await run(); } : many === 1 ? () => { run(); } : () => { for (let at = 0; at < many; at++) run(); };
  const bench = new Bench({ retainSamples: true, time: pace.time, warmupTime: pace.warmup, iterations: pace.iterations, warmupIterations: 1 });
  bench.add('run', work);
  const [task] = await bench.run();
  if (task.result.state !== 'completed') throw new Error(`timing ended as ${task.result.state}`, { cause: 'error' in task.result ? task.result.error : undefined });
  const { p50, p75, samples, samplesCount } = task.result.latency;
  return { milliseconds: p50 / many, runs: samplesCount * many, quartiles: [samples![samples!.length >> 2] / many, p75 / many] };
}

/** How many runs fill a batch, by what they take when warm: the code is run for the warm-up's time before anything is counted. */
function manyOf(run: () => unknown, first: number, pace: Pace): number {
  if (first > pace.warmup) return 1;
  for (const end = performance.now() + pace.warmup; performance.now() < end;) run();
  const batch = Math.max(BATCH, TICKS * (tick ??= clockTick()));
  const filled = (many: number): boolean => {
    const began = performance.now();
    for (let at = 0; at < many; at++) run();
    return performance.now() - began > batch;
  };
  let many = 1;
  while (!(filled(many) && filled(many))) many *= 2; // one may have been interrupted
  return many;
}

let tick: number | undefined;

/** By how many milliseconds the clock moves when it moves, in the median. */
function clockTick(): number {
  const steps = Array.from({ length: 25 }, () => {
    const before = performance.now();
    let after = before;
    while (after === before) after = performance.now();
    return after - before;
  });
  return steps.sort((a, b) => a - b)[steps.length >> 1];
}
