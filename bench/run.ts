/**
 * npm run bench [-- --filter WORD[,WORD]] [--quick] [--json FILE]
 *
 * Measures what one thread of this machine can do, then, for every kernel, size and variant: checks it against the loop, warms up, times it
 * (tinybench), and prints the median with its quartiles and the ratio to the loop. Loop and SIMD, and training steps, are timed in two more rounds, and
 * each one's best round counts. The limits are measured again after every ten sizes and after every round; the shares of the best of them follow. Then the metrics
 * against the obvious ways, whole training steps, whole sweeps of ALS, whole epochs of stochastic gradient descent, and recommendations for all users. Searches in an index are timed where a word names them (-- --filter retrieval): their figures are those of `npm run bench:approximate`.
 * With nothing filtered, bench/results/latest.json is written, from which `npm run docs` prints the tables and the chart. Ends with code 1 when a variant was wrong. --quick takes less than a minute: each variant for a moment, in one round, and
 * with nothing filtered the chapter's sizes alone.
 */
import { parseArgs } from 'node:util';
import { DISAGREES } from './check.ts';
import { gpuVariants } from './gpuVariants.ts';
import { kernelRows, withShare } from './kernelRows.ts';
import { epochRow, epochs } from './epochs.ts';
import { type KernelSize, kernelSizes } from './kernelSizes.ts';
import { limitsMeter, sizeOf, spreadOf } from './limits.ts';
import { limitModules } from './limitsModule.ts';
import { commit, machine, resultFile, writeResults } from './machine.ts';
import { metricNames, metricRows } from './metrics.ts';
import { recommendationRows } from './recommendations.ts';
import { retrievalRows } from './retrieval.ts';
import { type Refusal, type Results, type Row, figure } from './results.ts';
import { solverNames, solverRows } from './solvers.ts';
import { paces } from './timing.ts';
import { memoryAfterSteps, modelNames, trainingRow, trainingVariants } from './training.ts';
import { cpuVariants } from './variants.ts';

const { values: flags } = parseArgs({ options: { filter: { type: 'string' }, quick: { type: 'boolean', default: false }, json: { type: 'string' } } });
const pace = flags.quick ? paces.quick : paces.full, filter = flags.filter?.toLowerCase() ?? '';
const wanted = (...words: string[]): boolean => filter.split(',').some((word) => words.join(' ').toLowerCase().includes(word));

/** The machine has slow phases, which would strike whichever variant is at work just then. */
const ROUNDS = 3;

const measure = limitsMeter(await limitModules());
let limits = measure(flags.quick);
printLimits();

const cpu = cpuVariants(), gpu = await gpuVariants(['cpu', 'webasm']);
const variants = [...cpu.variants, ...gpu.variants];
for (const { variant, why } of [...cpu.missing, ...gpu.missing]) console.log(`without ${variant}: ${why}`);

const rows: Row[] = [], refusals: Refusal[] = [];
let wrong = 0;
const checked = new Set<string>(), timedSizes: KernelSize[] = [];
for (const size of kernelSizes) {
  if (flags.quick && filter === '' && size.scale !== 'chapter') continue;
  // a word may also name a variant: then its row is timed beside the loop
  const these = variants.filter(({ name, kernel }) => wanted(size.folder, size.kernel, size.scale, name) && kernel(size.kernel) !== null);
  if (these.length === 0) continue;
  const withLoop = these.some(({ name }) => name === 'loop') ? these : [variants[0], ...these];
  if (timedSizes.length > 0 && timedSizes.length % 10 === 0) limits = measure(flags.quick);
  timedSizes.push(size);
  title(size.kernel, `${size.scale}: ${size.size}`);
  for await (const outcome of kernelRows(size, withLoop, pace, checked)) {
    if ('row' in outcome) keep(outcome.row);
    else { refusals.push(outcome.refusal); if (outcome.refusal.wrong) wrong++; console.log(`  ${outcome.refusal.variant.padEnd(16)} ${outcome.refusal.wrong ? 'WRONG' : 'refused'}: ${outcome.refusal.why}`); }
  }
}
for (const { close } of variants) close?.();
for (let round = 2; round <= (flags.quick ? 1 : ROUNDS); round++) {
  console.log(`\nround ${round}`);
  if (timedSizes.length > 0) limits = measure(flags.quick);
  for (const size of timedSizes) {
    const at = (variant: string): number => rows.findIndex((row) => sameSize(row, size) && row.variant === variant);
    const again = variants.filter(({ name, arrays }) => arrays === 'linear' && at(name) >= 0 && !rows[at(name)].once);
    for await (const outcome of kernelRows(size, again, pace, checked)) {
      if ('row' in outcome && outcome.row.milliseconds < rows[at(outcome.row.variant)].milliseconds) rows[at(outcome.row.variant)] = outcome.row;
    }
  }
}
if (timedSizes.length > 0) {
  limits = measure(flags.quick);
  console.log('');
  printLimits();
  console.log(`${spreadOf(limits)}\n\n${flags.quick ? '' : `the best of ${ROUNDS} rounds, and `}shares of the limit`);
  for (const size of timedSizes) {
    const shares: string[] = [], loop = rows.find((row) => sameSize(row, size) && row.variant === 'loop');
    for (const [at, row] of rows.entries()) {
      if (!sameSize(row, size)) continue;
      const { share, bound } = rows[at] = { ...withShare(row, size, limits), ...(loop && { overLoop: loop.milliseconds / row.milliseconds }) };
      shares.push(`${row.variant} ${figure(row.median)} ${row.unit}${share === undefined ? '' : `, ${(100 * share).toFixed(0)} % of ${bound}`}`);
    }
    console.log(`  ${`${size.kernel}, ${size.scale}: ${size.size}`.padEnd(72)} ${shares.join('; ')}`);
  }
}
for (const name of metricNames) {
  if (!wanted('metrics', name)) continue;
  title(name, 'the chapter\'s data');
  for await (const row of metricRows(name, pace)) keep(row);
}
const trained = modelNames.filter((name) => wanted('training', name)).flatMap((name) => trainingVariants(name).map((one) => ({ name, ...one })));
for (let round = 1; round <= (flags.quick ? 1 : ROUNDS); round++) {
  if (round > 1 && trained.length > 0) console.log(`\ntraining steps, round ${round}`);
  for (const [at, one] of trained.entries()) {
    if (round === 1 && trained[at - 1]?.name !== one.name) title(one.name, 'training steps');
    const row = await trainingRow(one.name, one, pace), same = rows.findIndex(({ group, name, variant }) => group === row.group && name === row.name && variant === row.variant);
    const loop = rows.find(({ group, name, variant }) => group === row.group && name === row.name && variant === 'loop') ?? row;
    const whole = { ...row, overLoop: loop.milliseconds / row.milliseconds };
    if (same < 0) keep(whole);
    else if (row.milliseconds < rows[same].milliseconds) rows[same] = whole;
  }
}
for (const name of solverNames) {
  if (!wanted('solvers', name)) continue;
  title(name, 'whole sweeps');
  await agreed(name, async () => { for await (const row of solverRows(name, flags.quick)) keep(row); });
}
for (const epoch of epochs) {
  const { kernel, scale, K } = epoch;
  if (!wanted('epochs', 'sgd', kernel, scale, `${K} factors`) || (flags.quick && scale === 'large')) continue;
  await agreed(kernel, async () => {
    const row = await epochRow(epoch, pace);
    if (rows.at(-1)?.size !== row.size) title(kernel, `${scale}: ${row.size}`);
    keep(row);
  });
}
if (wanted('recommend', 'recommendations')) {
  await agreed('recommend', async () => {
    for await (const row of recommendationRows(pace, flags.quick)) {
      if (rows.at(-1)?.size !== row.size) title(row.name, `the ten best of every user, ${row.scale}: ${row.size}`);
      keep(row);
    }
  });
}
if (filter !== '' && wanted('search', 'retrieval')) {
  await agreed('search', async () => {
    for await (const row of retrievalRows(pace, flags.quick)) {
      if (rows.at(-1)?.size !== row.size) title(row.name, `the ten nearest of each query, ${row.scale}: ${row.size}`);
      keep(row);
    }
  });
}
const memory = filter === '' ? await memoryAfterSteps(flags.quick ? [100, 300] : [100, 1000, 10_000]) : [];
for (const { steps, inUse, size, rss } of memory) console.log(`after ${steps} training steps: ${inUse} bytes in use, linear memory ${size}, process ${(rss / 2 ** 20).toFixed(0)} MiB`);
if (rows.length === 0 && refusals.length === 0) { console.error(`nothing to time: no kernel, metric, model, size or variant has '${flags.filter}' in its name`); process.exit(1); }

const results: Results = { machine: machine(), runtime: `Node ${process.versions.node}`, commit: commit(), threads: 1, limits, rows, refusals, memory };
if (flags.json) writeResults(flags.json, results);
if (filter === '' && !flags.quick) writeResults(resultFile('latest'), results);
process.exit(wrong === 0 ? 0 : 1);

/** Work that checks before it times: where it is wrong, that is counted and said, and the bench goes on. */
async function agreed(name: string, work: () => Promise<void>): Promise<void> {
  try { await work(); } catch (error) {
    const why = (error as Error).message;
    if (!why.startsWith(DISAGREES)) throw error;
    wrong++;
    refusals.push({ name, size: '', variant: 'simd', why, wrong: true });
    console.log(`  WRONG: ${why}`);
  }
}

function sameSize(row: Row, size: KernelSize): boolean { return row.name === size.kernel && row.scale === size.scale && row.size === size.size; }

function title(name: string, size: string): void { console.log(`\n${name}, ${size}`); }

function printLimits(): void {
  console.log(`one thread at most: ${figure(limits.multiplyAdd)} GFLOP/s, ${limits.fused === null ? 'no fused multiply-add in this runtime' : `${figure(limits.fused)} fused`}`);
  console.log(`${'GB/s at'.padStart(10)}${['read', 'copy', 'update', 'triad'].map((name) => name.padStart(8)).join('')}`);
  for (const { bytes, read, copy, update, triad } of limits.memory) console.log(`${sizeOf(bytes).padStart(10)}${[read, copy, update, triad].map((speed) => figure(speed).padStart(8)).join('')}`);
}

function keep(row: Row): void {
  rows.push(row);
  const cells = [
    `  ${row.variant}`.padEnd(18), figure(row.median).padStart(9), ` ${row.unit}`.padEnd(16),
    (row.once ? 'timed once' : `${figure(Math.min(row.low, row.high))} .. ${figure(Math.max(row.low, row.high))}`).padEnd(20),
    row.overLoop === undefined ? '' : `${figure(row.overLoop)} x loop`.padStart(15),
  ];
  console.log(cells.join(''));
}
