import { backend, variants } from '../kernels/index.ts';
import { AlternatingLeastSquares } from '../lib/models/alternatingLeastSquares.ts';
import type { Row } from './results.ts';
import { shape, shapes } from './shapes.ts';
import { type Pace, timed } from './timing.ts';

const works = [['small', 64], ['small', 128], ['large', 64]] as const;

/**
 * recommendationRows: the ten best items of every user, what the user has left out, in thousands of users a second: one user at a time, and all of them in one call, on one thread and on two. Vectors are those of
 * a sweep of AlternatingLeastSquares; other models of vectors do the same. Only the small shape when `quick`.
 */
export async function* recommendationRows(pace: Pace, quick: boolean): AsyncGenerator<Row> {
  for (const [scale, factors] of works) {
    if (quick && scale === 'large') continue;
    const [nUsers, nItems, nnz] = shapes[scale], pairs = shape(nUsers, nItems, nnz), users = Int32Array.from({ length: nUsers }, (_, user) => user);
    const model = await new AlternatingLeastSquares({ factors, epochs: 1 }).fit(pairs);
    try {
      const simd = variants.simd ? 'simd' : 'loop', some = scale === 'large' ? 500 : nUsers;
      const all = (threads: number) => (): unknown => model.recommend(users, { k: 10, exclude: pairs, threads });
      const eachAlone = (): void => { for (let user = 0; user < some; user++) model.recommend([user], { k: 10, exclude: pairs }); };
      for (const [variant, run, count] of [[`${simd}, one by one`, eachAlone, some], [simd, all(1), nUsers], ...(backend().threads > 1 ? [[`${simd}, 2 threads`, all(2), nUsers]] as const : [])] as const) {
        const began = performance.now();
        run();
        const { quartiles: [fast, slow], ...timing } = await timed(run, false, performance.now() - began, pace), rate = (milliseconds: number): number => count / milliseconds;
        yield {
          group: 'recommendations', kernel: 'recommend', name: 'recommend', scale, unit: 'k users/s', variant,
          size: `${nUsers.toLocaleString('en-US')} x ${nItems.toLocaleString('en-US')}, ${factors} factors`, median: rate(timing.milliseconds), low: rate(slow), high: rate(fast), ...timing,
        };
      }
    } finally { model.free(); }
  }
}
