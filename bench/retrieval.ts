import { variants } from '../kernels/index.ts';
import { random } from '../lib/random.ts';
import { ExactIndex, type Vectors } from '../lib/retrieval/index.ts';
import { agreeing } from './check.ts';
import type { Row } from './results.ts';
import { shapes } from './shapes.ts';
import { type Pace, timed } from './timing.ts';

const K = 64, B = 500;

/** retrievalRows: the ten nearest of all items of a shape by ExactIndex, in thousands of queries a second: one query at a time, and all in one call, on one thread. Only the small shape when `quick`. */
export async function* retrievalRows(pace: Pace, quick: boolean): AsyncGenerator<Row> {
  for (const scale of ['small', 'large'] as const) {
    if (quick && scale === 'large') continue;
    const [, n] = shapes[scale], next = random(n), drawn = (rows: number): Vectors => ({ data: Float32Array.from({ length: rows * K }, () => next.normal()), shape: [rows, K] });
    const V = drawn(n), Q = drawn(B), index = new ExactIndex(Int32Array.from({ length: n }, (_, row) => row), V), query = (b: number): Float32Array => Q.data.subarray(b * K, (b + 1) * K);
    try {
      agreeing(() => checkNearest(index, V, query(0)));
      const simd = variants.simd ? 'simd' : 'loop', eachAlone = (): void => { for (let b = 0; b < B; b++) index.searchFor(query(b)); };
      for (const [variant, run] of [[`${simd}, one by one`, eachAlone], [simd, () => index.search(Q)]] as const) {
        const began = performance.now();
        run();
        const { quartiles: [fast, slow], ...timing } = await timed(run, false, performance.now() - began, pace), rate = (milliseconds: number): number => B / milliseconds;
        yield {
          group: 'recommendations', kernel: 'search', name: 'search', scale, unit: 'k queries/s', variant,
          size: `ExactIndex, ${n.toLocaleString('en-US')} x ${K}`, median: rate(timing.milliseconds), low: rate(slow), high: rate(fast), ...timing,
        };
      }
    } finally { index.free(); }
  }
}

/** The nearest beside all dot products, sorted. Errors: one that says which differ. */
function checkNearest(index: ExactIndex, V: Vectors, query: Float32Array): void {
  const scores = Array.from({ length: index.size }, (_, row) => query.reduce((sum, one, k) => sum + one * V.data[row * K + k], 0));
  const want = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b).slice(0, 10), got = index.searchFor(query).map(({ id }) => id);
  if (got.join() !== want.join()) throw new Error(`ExactIndex gives ${got.join()}, and by sorting all scores ${want.join()}`);
}
