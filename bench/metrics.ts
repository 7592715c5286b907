import { kernels, loops } from '../kernels/index.ts';
import { allocate, free } from '../kernels/memory.ts';
import { ndarrayKernels } from '../kernels/ndarray.ts';
import { random } from '../lib/random.ts';
import type { Row } from './results.ts';
import { type Pace, timed } from './timing.ts';

/** Lists of k items and what came: rows of invoices (in CSR), or one item a list. */
interface Lists { readonly top: Int32Array; readonly indptr: Int32Array; readonly items: Int32Array; readonly G: number; readonly k: number }
type Way = (lists: Lists) => number;

/** The ways of counting hits that come to mind, beside the kernel's variants. They answer the same. */
const precision: Record<string, Way> = {
  loop: ({ top, indptr, items, G, k }) => loops.precisionHits(top, indptr, items, G, k),
  simd: ({ top, indptr, items, G, k }) => kernels.precisionHits(top, indptr, items, G, k),
  'Array.includes': ({ top, indptr, items, G, k }) => {
    let hits = 0;
    for (let g = 0; g < G; g++) {
      const list = top.subarray(g * k, g * k + k);
      for (const item of items.subarray(indptr[g], indptr[g + 1])) if (list.includes(item)) hits++;
    }
    return hits;
  },
  'Set per group': ({ top, indptr, items, G, k }) => {
    let hits = 0;
    for (let g = 0; g < G; g++) {
      const list = new Set(top.subarray(g * k, g * k + k));
      for (const item of items.subarray(indptr[g], indptr[g + 1])) if (list.has(item)) hits++;
    }
    return hits;
  },
  'Map per group': ({ top, indptr, items, G, k }) => {
    let hits = 0;
    for (let g = 0; g < G; g++) {
      const rows = new Map<number, number>(); // how often an item came
      for (const item of items.subarray(indptr[g], indptr[g + 1])) rows.set(item, (rows.get(item) ?? 0) + 1);
      for (const item of new Set(top.subarray(g * k, g * k + k))) hits += rows.get(item) ?? 0;
    }
    return hits;
  },
  ndarray: ({ top, indptr, items, G, k }) => ndarrayKernels.precisionHits(top, indptr, items, G, k),
};

const accuracy: Record<string, Way> = {
  loop: ({ top, items, G, k }) => loops.accuracyHits(top, items, G, k),
  simd: ({ top, items, G, k }) => kernels.accuracyHits(top, items, G, k),
  'Array.includes': ({ top, items, G, k }) => {
    let hits = 0;
    for (let b = 0; b < G; b++) if (top.subarray(b * k, b * k + k).includes(items[b])) hits++;
    return hits;
  },
  'Set per group': ({ top, items, G, k }) => {
    let hits = 0;
    for (let b = 0; b < G; b++) if (new Set(top.subarray(b * k, b * k + k)).has(items[b])) hits++;
    return hits;
  },
  'Map per group': ({ top, items, G, k }) => {
    let hits = 0;
    for (let b = 0; b < G; b++) {
      const places = new Map<number, number>();
      for (let at = 0; at < k; at++) places.set(top[b * k + at], at);
      if (places.has(items[b])) hits++;
    }
    return hits;
  },
  ndarray: ({ top, items, G, k }) => ndarrayKernels.accuracyHits(top, items, G, k),
};

/** What is timed: the chapter's invoices with their rows, its positions with one item each. */
const metrics = {
  precisionAtK: { ways: precision, G: 2578, each: 25, k: 5, size: '64,450 rows of 2,578 invoices, k 5' },
  accuracyAtK: { ways: accuracy, G: 64_460, each: 1, k: 5, size: '64,460 positions, k 5' },
};

/** metricNames: what metricRows can do. */
export const metricNames = Object.keys(metrics) as (keyof typeof metrics)[];

/** metricRows: the metric by every way, checked against the loop; nanoseconds a row of the data. */
export async function* metricRows(name: keyof typeof metrics, pace: Pace): AsyncGenerator<Row> {
  const { ways, G, each, k, size } = metrics[name], blocks = [G * k, G + 1, G * each].map((length) => allocate(length));
  try {
    const [top, indptr, items] = blocks.map((block) => block.ints()), next = random(7);
    // a list holds different items, and what came is among the popular ones, so that a third of it is hit
    for (let at = 0; at < top.length; at++) top[at] = 3 * (at % k) + next.below(3);
    for (let g = 0; g <= G; g++) indptr[g] = g * each;
    for (let at = 0; at < items.length; at++) items[at] = next.below(k * 3);
    const lists: Lists = { top, indptr, items, G, k }, want = ways.loop(lists);
    let loop = Number.NaN;
    for (const [variant, way] of Object.entries(ways)) {
      const began = performance.now(), hits = way(lists), first = performance.now() - began;
      if (hits !== want) throw new Error(`${name}, ${variant}: ${hits} hits, the loop finds ${want}`);
      const { quartiles: [fast, slow], ...timing } = await timed(() => way(lists), false, first, pace), nanoseconds = 1e6 / items.length;
      if (variant === 'loop') loop = timing.milliseconds;
      yield {
        group: 'metrics', kernel: name, name, scale: 'chapter', size, variant, unit: 'ns an element',
        median: timing.milliseconds * nanoseconds, low: slow * nanoseconds, high: fast * nanoseconds, ...timing, overLoop: loop / timing.milliseconds,
      };
    }
  } finally { blocks.forEach(free); }
}
