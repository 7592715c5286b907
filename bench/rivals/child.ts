/**
 * child.ts NAME FILE PACE FIRST: one library in a process of its own, from the work of that number on. Each work is announced, checked, timed;
 * each outcome is a line of JSON on standard output.
 */
import { useKernels } from '../../kernels/index.ts';
import type { Refusal, Row } from '../results.ts';
import { paces, timed } from '../timing.ts';
import { trainingStep } from './tightrec.ts';
import { type Prepared, type Rival, product, ranking, training } from './works.ts';

const [name, file, pace, from, only] = process.argv.slice(2) as [string, string, keyof typeof paces, string, string];
const say = (line: object): void => { process.stdout.write(`\n@@${JSON.stringify(line)}\n`); };

const { open } = await import(file) as { open: () => Rival | Promise<Rival> };
let rival: Rival;
try { rival = await open(); } catch (error) { say({ failed: (error as Error).message }); process.exit(0); }
say({ version: rival.version, note: rival.note });

/** What is done: in GFLOP/s, or in milliseconds where operations say little. */
interface Work { name: string; size: string; unit: Row['unit']; gflop: number; prepare: () => Promise<{ prepared: Prepared; want: ArrayLike<number> } | string | undefined> }

const works: Work[] = [
  ...([[100, 3900, 200], [512, 512, 512]] as const).map(([M, N, K]): Work => ({
    name: 'matrix product', size: `${M} x ${K} by ${K} x ${N}`, unit: 'GFLOP/s', gflop: 2 * M * N * K / 1e9,
    async prepare() { if (typeof rival.product !== 'function') return rival.product; const work = product(M, N, K); return { prepared: await rival.product(work), want: work.want }; },
  })),
  {
    name: 'LogisticMF step', size: '30,000 pairs, 128 factors, 3,706 x 4,052', unit: 'steps/s', gflop: 0,
    async prepare() {
      if (typeof rival.training !== 'function') return rival.training;
      const work = training(30_000, 3706, 4052, 128), prepared = await rival.training(work);
      const fma = name.includes('fma');
      useKernels('loop');
      const step = trainingStep(work), want = [step(), step(), step()];
      useKernels(fma ? 'simd-fma' : 'auto');
      return { prepared, want };
    },
  },
  {
    name: 'row dots', size: '30,000 pairs, 128', unit: 'GFLOP/s', gflop: 2 * 30_000 * 128 / 1e9,
    async prepare() { if (typeof rival.rowDots !== 'function') return rival.rowDots; const work = training(30_000, 3706, 4052, 128); return { prepared: await rival.rowDots(work), want: work.want }; },
  },
  {
    name: 'top-k', size: '10 of 256 x 4,052', unit: 'ms', gflop: 0,
    async prepare() { if (typeof rival.ranking !== 'function') return rival.ranking; const work = ranking(256, 4052, 10); return { prepared: await rival.ranking(work), want: work.want }; },
  },
];

for (const [at, work] of works.entries()) {
  if (at < Number(from) || (only && !only.split(',').includes(String(at)))) continue;
  say({ work: { at, name: work.name, size: work.size } });
  const refuse = (why: string): void => { const refusal: Refusal = { name: work.name, size: work.size, variant: name, why }; say({ refusal }); };
  try {
    const made = await work.prepare();
    if (made === undefined) continue;
    if (typeof made === 'string') { refuse(made); continue; }
    const { prepared: { run, answer, waits }, want } = made;
    check(await answer(), want);
    const began = performance.now();
    if (waits) await run(); else run();
    const { quartiles: [fast, slow], ...timing } = await timed(run, waits, performance.now() - began, paces[pace]);
    const inUnit = (milliseconds: number): number => (work.unit === 'ms' ? milliseconds : work.unit === 'steps/s' ? 1000 / milliseconds : 1000 * work.gflop / milliseconds);
    const row: Row = { group: 'rivals', kernel: work.name, name: work.name, scale: 'chapter', size: work.size, variant: name, unit: work.unit, median: inUnit(timing.milliseconds), low: inUnit(slow), high: inUnit(fast), ...timing };
    say({ row });
  } catch (error) { refuse((error as Error).message.split('\n')[0].slice(0, 300)); }
}
process.exit(0);

/** Enough to see that the same was computed: a thousandth of the usual number. */
function check(got: ArrayLike<number>, want: ArrayLike<number>): void {
  if (got.length !== want.length) throw new Error(`the answer has ${got.length} numbers, expected ${want.length}`);
  const usual = Math.sqrt(Array.prototype.reduce.call(want, (sum: unknown, value: unknown) => (sum as number) + (value as number) ** 2, 0) as number / want.length);
  for (let at = 0; at < want.length; at++) if (!(Math.abs(got[at] - want[at]) <= 1e-3 * usual)) throw new Error(`the answer is wrong: ${got[at]} at ${at}, expected ${want[at]}`);
}
