/**
 * npm run bench:browser [-- --open] [--filter WORD] [--quick] [--json FILE]
 *
 * The kernels in headless Chromium: loop, SIMD, and gpu.js in webasm, webgl2 and webgpu, checked, then timed. With nothing filtered,
 * bench/results/browser.json is written, from which `npm run docs` prints its table. --open serves the page for a person, and waits.
 */
import { parseArgs } from 'node:util';
import { withShare } from '../kernelRows.ts';
import { type KernelSize, kernelSizes } from '../kernelSizes.ts';
import { spreadOf } from '../limits.ts';
import { commit, machine, resultFile, writeResults } from '../machine.ts';
import { type Refusal, type Results, type Row, figure } from '../results.ts';
import { launchChromium } from './chromium.ts';
import type { bench } from './page.ts';
import { serve } from './server.ts';

const { values: flags } = parseArgs({ options: { open: { type: 'boolean' }, port: { type: 'string', default: '8808' }, filter: { type: 'string' }, quick: { type: 'boolean', default: false }, json: { type: 'string' } } });

if (flags.open) {
  const { address } = await serve(Number(flags.port));
  console.log(`${address}\nOpen it in a browser of this machine; Ctrl+C ends it.`);
} else await drive();

type Bench = typeof bench;
declare const page: { bench: Bench }; // in the page

async function drive(): Promise<void> {
  const browser = await launchChromium().catch((error: Error) => { console.error(error.message); process.exit(1); });
  const { server, address } = await serve(), timedSizes: { row: Row; size: KernelSize }[] = [], refusals: Refusal[] = [];
  let sizes = 0;
  try {
    const where = await browser.newPage();
    where.setDefaultTimeout(0);
    await where.goto(address);
    const { missing, devices, limits: first } = await where.evaluate(() => page.bench.setup());
    let limits = first;
    const runtime = `Chromium ${browser.version()}${Object.entries(devices).map(([mode, name]) => `, ${mode} on ${name}`).join('')}`;
    console.log(`${runtime}\none thread at most: ${figure(limits.multiplyAdd)} GFLOP/s, ${limits.fused === null ? 'no fused multiply-add' : `${figure(limits.fused)} fused`}`);
    for (const { variant, why } of missing) { console.log(`without ${variant}: ${why}`); refusals.push({ name: 'start', size: '', variant, why }); }

    const filter = flags.filter?.toLowerCase() ?? '';
    for (const one of kernelSizes) {
      const { kernel, scale, size, folder } = one;
      if (!`${folder} ${kernel} ${scale}`.toLowerCase().includes(filter) || (flags.quick && scale !== 'chapter')) continue;
      if (sizes > 0 && sizes % 10 === 0) limits = await where.evaluate((quick) => page.bench.again(quick), flags.quick);
      sizes++;
      console.log(`\n${kernel}, ${scale}: ${size}`);
      for (const outcome of await where.evaluate(([kernel, size, quick]) => page.bench.run(kernel, size, quick), [kernel, size, flags.quick] as const)) {
        if ('refusal' in outcome) { refusals.push(outcome.refusal); console.log(`  ${outcome.refusal.variant.padEnd(16)} ${outcome.refusal.wrong ? 'WRONG' : 'refused'}: ${outcome.refusal.why}`); if (outcome.refusal.wrong) process.exitCode = 1; continue; }
        const { row } = outcome;
        timedSizes.push({ row, size: one });
        console.log(`  ${row.variant.padEnd(16)}${figure(row.median).padStart(9)} ${row.unit.padEnd(10)}${(row.once ? 'timed once' : `${figure(row.low)} .. ${figure(row.high)}`).padEnd(20)}${row.overLoop === undefined ? '' : `${figure(row.overLoop)} x loop`.padStart(15)}`);
      }
    }
    limits = await where.evaluate((quick) => page.bench.again(quick), flags.quick);
    console.log(`\n${spreadOf(limits)}\n\nshares of the limit`);
    const rows = timedSizes.map(({ row, size }) => withShare(row, size, limits));
    for (const { name, scale, size, variant, share, bound } of rows) if (share !== undefined) console.log(`  ${`${name}, ${scale}: ${size}`.padEnd(72)} ${variant.padEnd(16)}${(100 * share).toFixed(0).padStart(6)} % of ${bound}`);
    const results: Results = { machine: machine(), runtime, commit: commit(), threads: 1, limits, rows, refusals };
    if (flags.json) writeResults(flags.json, results);
    if (filter === '' && !flags.quick) writeResults(resultFile('browser'), results);
  } finally { await browser.close(); server.close(); }
}
