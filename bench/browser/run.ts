/**
 * npm run bench:browser [-- --open] [--device] [--filter WORD] [--scale SCALE ...] [--quick] [--json FILE]
 *
 * The kernels in headless Chromium: loop, SIMD, and gpu.js in webasm, webgl2 and webgpu, checked, then timed. The graphics devices are software,
 * which every machine has; --device takes the machine's own and nothing else, leaves webasm out, and times whole training steps on it. With nothing
 * left out, bench/results/browser.json is written, or browser-gpu.json, from which `npm run docs` prints the tables. --open serves the page for a
 * person, and waits.
 */
import { parseArgs } from 'node:util';
import { type Outcome, withShare } from '../kernelRows.ts';
import { type KernelSize, kernelSizes, scales } from '../kernelSizes.ts';
import { spreadOf } from '../limits.ts';
import { commit, machine, resultFile, writeResults } from '../machine.ts';
import { type Refusal, type Results, type Row, figure } from '../results.ts';
import { gpuModelNames } from '../training.ts';
import { launchChromium, notOnDevice } from './chromium.ts';
import type { bench } from './page.ts';
import { serve } from './server.ts';

const { values: flags } = parseArgs({ options: { open: { type: 'boolean' }, port: { type: 'string', default: '8808' }, device: { type: 'boolean', default: false }, filter: { type: 'string' }, scale: { type: 'string', multiple: true }, quick: { type: 'boolean', default: false }, json: { type: 'string' } } });

if (flags.open) {
  const { address } = await serve(Number(flags.port));
  console.log(`${address}\nOpen it in a browser of this machine; Ctrl+C ends it.`);
} else await drive();

type Bench = typeof bench;
declare const page: { bench: Bench }; // in the page

async function drive(): Promise<void> {
  const { device, quick, filter: word = '', scale: asked } = flags, filter = word.toLowerCase(), wantedScales = asked ?? (quick ? ['chapter'] : scales);
  const unknown = wantedScales.filter((scale) => !(scales as readonly string[]).includes(scale));
  if (unknown.length > 0) { console.error(`--scale is one of ${scales.join(', ')}, got ${unknown.join(', ')}`); process.exit(1); }
  const browser = await launchChromium(device).catch((error: Error) => { console.error(error.message); process.exit(1); });
  const { server, address } = await serve(), timedSizes: { row: Row; size: KernelSize }[] = [], training: Row[] = [], refusals: Refusal[] = [];
  let sizes = 0;
  try {
    const where = await browser.newPage();
    where.setDefaultTimeout(0);
    await where.goto(address);
    const { missing, devices, limits: first } = await where.evaluate((device) => page.bench.setup(device), device);
    const why = device ? notOnDevice(devices) : null;
    if (why !== null) { console.error(why); process.exitCode = 1; return; }
    let limits = first;
    const runtime = `Chromium ${browser.version()}${Object.entries(devices).map(([mode, name]) => `, ${mode} on ${name}`).join('')}`;
    const finished = (): Row[] => [...timedSizes.map(({ row, size }) => withShare(row, size, limits)), ...training];
    const results = (): Results => ({ machine: machine(), runtime, commit: commit(), threads: 1, limits, rows: finished(), refusals });
    console.log(`${runtime}\none thread at most: ${figure(limits.multiplyAdd)} GFLOP/s, ${limits.fused === null ? 'no fused multiply-add' : `${figure(limits.fused)} fused`}`);
    for (const { variant, why } of missing) { console.log(`without ${variant}: ${why}`); refusals.push({ name: 'start', size: '', variant, why }); }

    const hear = (outcomes: readonly Outcome[], keep: (row: Row) => void): void => {
      for (const outcome of outcomes) {
        if ('refusal' in outcome) { refusals.push(outcome.refusal); console.log(`  ${outcome.refusal.variant.padEnd(16)} ${outcome.refusal.wrong ? 'WRONG' : 'refused'}: ${outcome.refusal.why}`); if (outcome.refusal.wrong) process.exitCode = 1; continue; }
        const { row } = outcome;
        keep(row);
        console.log(`  ${row.variant.padEnd(16)}${figure(row.median).padStart(9)} ${row.unit.padEnd(10)}${(row.once ? 'timed once' : `${figure(row.low)} .. ${figure(row.high)}`).padEnd(20)}${row.overLoop === undefined ? '' : `${figure(row.overLoop)} x loop`.padStart(15)}`);
      }
    };
    for (const name of gpuModelNames) {
      if (!device || !`training ${name}`.toLowerCase().includes(filter)) continue;
      console.log(`\n${name}, training steps`);
      hear(await where.evaluate(([name, quick]) => page.bench.train(name, quick), [name, quick] as const), (row) => { training.push(row); });
    }
    for (const wanted of wantedScales) {
      for (const one of kernelSizes) {
        const { kernel, scale, size, folder } = one;
        if (scale !== wanted || !`${folder} ${kernel} ${scale}`.toLowerCase().includes(filter)) continue;
        if (sizes > 0 && sizes % 10 === 0) limits = await where.evaluate((quick) => page.bench.again(quick), quick);
        sizes++;
        console.log(`\n${kernel}, ${scale}: ${size}`);
        hear(await where.evaluate(([kernel, size, quick]) => page.bench.run(kernel, size, quick), [kernel, size, quick] as const), (row) => { timedSizes.push({ row, size: one }); });
      }
      if (flags.json) writeResults(flags.json, results()); // a run that is cut short leaves its whole scales
    }
    limits = await where.evaluate((quick) => page.bench.again(quick), quick);
    console.log(`\n${spreadOf(limits)}\n\nshares of the limit`);
    for (const { name, scale, size, variant, share, bound } of finished()) if (share !== undefined) console.log(`  ${`${name}, ${scale}: ${size}`.padEnd(72)} ${variant.padEnd(16)}${(100 * share).toFixed(0).padStart(6)} % of ${bound}`);
    if (flags.json) writeResults(flags.json, results());
    if (filter === '' && asked === undefined && !quick) writeResults(resultFile(device ? 'browser-gpu' : 'browser'), results());
  } finally { await browser.close(); server.close(); }
}
