import { backend, variants } from '../kernels/index.ts';
import { AlternatingLeastSquares } from '../lib/models/alternatingLeastSquares.ts';
import type { Row } from './results.ts';
import { shape, shapes } from './shapes.ts';
import { type Pace, timed } from './timing.ts';

const works = [['small', 64], ['small', 128], ['large', 64]] as const;

/**
 * recommendationRows: the ten best items of every user, what the user has left out, in thousands of users a second, on one thread and on two. Vectors are those of
 * a sweep of AlternatingLeastSquares; other models of vectors do the same. Only the small shape when `quick`.
 */
export async function* recommendationRows(pace: Pace, quick: boolean): AsyncGenerator<Row> {
  for (const [scale, factors] of works) {
    if (quick && scale === 'large') continue;
    const [nUsers, nItems, nnz] = shapes[scale], pairs = shape(nUsers, nItems, nnz), users = Int32Array.from({ length: nUsers }, (_, user) => user);
    const model = await new AlternatingLeastSquares({ factors, epochs: 1 }).fit(pairs);
    try {
      for (const threads of [1, ...(backend().threads > 1 ? [2] : [])]) {
        const run = (): unknown => model.recommend(users, { k: 10, exclude: pairs, threads }), began = performance.now();
        run();
        const { quartiles: [fast, slow], ...timing } = await timed(run, false, (performance.now() - began) / (scale === 'large' ? 10 : 1), pace), rate = (milliseconds: number): number => nUsers / milliseconds;
        yield {
          group: 'recommendations', kernel: 'recommend', name: 'recommend', scale, unit: 'k users/s', variant: `${variants.simd ? 'simd' : 'loop'}${threads === 1 ? '' : `, ${threads} threads`}`,
          size: `${nUsers.toLocaleString('en-US')} x ${nItems.toLocaleString('en-US')}, ${factors} factors`, median: rate(timing.milliseconds), low: rate(slow), high: rate(fast), ...timing,
        };
      }
    } finally { model.free(); }
  }
}
