/**
 * npm run bench [-- --filter WORD] [--quick] [--json FILE]
 *
 * Checks every variant against the loop, warms up, times it (tinybench), prints medians with their spread, and writes what it saw to
 * bench/results/latest.json when nothing was filtered. `npm run docs` prints the tables of README and docs from that file.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Bench } from 'tinybench';
import type { Case, Results, Row } from './case.ts';
import { kernelCases } from './kernels.ts';
import { memoryAfterSteps, trainingCases } from './training.ts';

const { values: flags } = parseArgs({ options: { filter: { type: 'string' }, quick: { type: 'boolean' }, json: { type: 'string' } } });

async function time(item: Case): Promise<Omit<Row, 'overLoop'>> {
  const { run, done } = await item.prepare();
  const bench = new Bench({ retainSamples: true, ...(flags.quick ? { time: 100, warmupTime: 30, iterations: 3, warmupIterations: 1 } : { time: 1000, warmupTime: 200, iterations: 5, warmupIterations: 1 }) });
  bench.add(item.name, run);
  const [task] = await bench.run();
  done();
  if (task.result.state !== 'completed') throw new Error(`${item.name}, ${item.variant}: ${task.result.state}`, { cause: 'error' in task.result ? task.result.error : undefined });
  const { latency } = task.result, speed = (ms: number): number => item.work / (ms / 1000);
  const { group, name, size, variant, unit } = item;
  return { group, name, size, variant, unit, median: speed(latency.p50), low: speed(latency.p75), high: speed(latency.samples![latency.samples!.length >> 2]), runs: latency.samplesCount };
}

const cases = [...kernelCases(), ...trainingCases()].filter(({ group, name, variant }) => !flags.filter || `${group} ${name} ${variant}`.toLowerCase().includes(flags.filter.toLowerCase()));
const rows: Row[] = [];
const figure = (value: number): string => value.toPrecision(3);
console.log(`${'kernel or model'.padEnd(18)}${'size'.padEnd(52)}${'variant'.padEnd(9)}${'median'.padStart(9)} ${'(quartiles)'.padEnd(18)}${'unit'.padEnd(10)}${'over loop'.padStart(9)}`);
for (const item of cases) {
  const timed = await time(item);
  const loop = rows.find((row) => row.name === timed.name && row.size === timed.size && row.variant === 'loop');
  const row: Row = { ...timed, overLoop: loop ? timed.median / loop.median : 1 };
  rows.push(row);
  console.log(`${row.name.padEnd(18)}${row.size.padEnd(52)}${row.variant.padEnd(9)}${figure(row.median).padStart(9)} ${`(${figure(row.low)} .. ${figure(row.high)})`.padEnd(18)}${row.unit.padEnd(10)}${`${figure(row.overLoop)} x`.padStart(9)}`);
}

const memory = flags.filter ? [] : await memoryAfterSteps(flags.quick ? [100, 1000] : [100, 1000, 10_000]);
for (const { steps, inUse, size, rss } of memory) console.log(`after ${steps} training steps: ${inUse} bytes in use, linear memory ${size}, process ${(rss / 2 ** 20).toFixed(0)} MiB`);

const results: Results = {
  machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), platform: `${platform()} ${arch()}` },
  node: process.version, commit: commit(), threads: 1, rows, memory,
};
const text = `${JSON.stringify(results, null, 2)}\n`;
if (flags.json) writeFileSync(flags.json, text);
if (!flags.filter && !flags.quick) writeFileSync(fileURLToPath(new URL('results/latest.json', import.meta.url)), text);

function commit(): string {
  try { return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim(); } catch { return 'unknown'; }
}
