import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Machine, Results } from './results.ts';

/** machine: where this runs. */
export function machine(): Machine {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), memoryGiB: Math.round(totalmem() / 2 ** 30), platform: `${platform()} ${arch()}` };
}

/** commit: what is checked out, with a plus where files differ from it. */
export function commit(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try { return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--', 'kernels', 'lib', 'bench', ':!bench/results') === '' ? '' : '+'); } catch { return 'unknown'; }
}

/** resultFile: where the results of that name lie. */
export const resultFile = (name: string): string => fileURLToPath(new URL(`results/${name}.json`, import.meta.url));

/** writeResults: as text, a row a line, so that a change can be read. */
export function writeResults(file: string, results: Results): void {
  const { rows, refusals, ...rest } = results, lines = (list: readonly unknown[]): string => list.map((row) => `\n    ${JSON.stringify(row)}`).join(',');
  writeFileSync(file, `${JSON.stringify(rest, null, 2).slice(0, -2)},\n  "rows": [${lines(rows)}\n  ],\n  "refusals": [${lines(refusals)}\n  ]\n}\n`);
}
