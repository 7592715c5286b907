import { backend, useKernels, variants } from '../kernels/index.ts';
import type { Interactions } from '../lib/data/interactions.ts';
import { AlternatingLeastSquares } from '../lib/models/alternatingLeastSquares.ts';
import type { Row } from './results.ts';
import { shape, shapes } from './shapes.ts';

/** Whole passes of a solver at the shape of MovieLens's small and large data sets. With the loops a pass of the large one takes minutes: it is left out. */
const scales = {
  small: { data: () => shape(...shapes.small), size: '3,700 x 3,900, 200,000 pairs', passes: 30, loop: true },
  large: { data: () => shape(...shapes.large), size: '138,000 x 27,000, 5,000,000 pairs', passes: 4, loop: false },
} as const;

/** solverNames: what solverRows can do. */
export const solverNames = ['als'] as const;

/** solverRows: seconds a sweep of both sides of AlternatingLeastSquares with its own settings, on one thread and on two, after a sweep to warm up; only the small shape when `quick`. */
export async function* solverRows(name: typeof solverNames[number], quick: boolean): AsyncGenerator<Row> {
  for (const scale of quick ? ['small'] as const : ['small', 'large'] as const) {
    const { data, size, passes, loop } = scales[scale], pairs = data();
    for (const factors of [64, 128]) {
      let slow = Number.NaN;
      for (const [variant, threads] of [['loop', 1], ['simd', 1], ...(backend().threads > 1 ? [['simd', 2]] as const : [])] as const) {
        if (variants[variant] === null || (variant === 'loop' && !(loop && !quick))) continue;
        useKernels(variant);
        try {
          const sweeps = await sweepSeconds(new AlternatingLeastSquares({ factors, epochs: variant === 'loop' ? 2 : passes + 1 }), pairs, threads), at = (part: number): number => sweeps[Math.floor(part * (sweeps.length - 1))];
          if (variant === 'loop') slow = at(0.5);
          yield {
            group: 'solvers', kernel: name, name: 'AlternatingLeastSquares', scale, size: `${size}, ${factors} factors`, variant: threads === 1 ? variant : `${variant}, ${threads} threads`, unit: 's a sweep', median: at(0.5), low: at(0.75), high: at(0.25), milliseconds: 1000 * at(0.5), runs: sweeps.length,
            ...(sweeps.length === 1 && { once: true as const }), ...(!Number.isNaN(slow) && { overLoop: slow / at(0.5) }),
          };
        } finally { useKernels('auto'); }
      }
    }
  }
}

/** What each sweep but the first took, the quickest first. */
async function sweepSeconds(model: AlternatingLeastSquares, data: Interactions, threads: number): Promise<number[]> {
  const ends: number[] = [];
  try { await model.fit(data, { threads, onEpoch: ({ seconds }) => { ends.push(seconds); } }); } finally { model.free(); }
  return ends.slice(1).map((end, sweep) => end - ends[sweep]).sort((a, b) => a - b);
}
