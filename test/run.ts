/**
 * Runs every *.test.ts below test/ (or those whose path holds one of the words given), one process a file, as many at a time as there are
 * cores. uvu exits with 0 when a file forgot `test.run()`; here a file in which no test ran is a failure.
 * The last line is `N passed, N failed` (`, N skipped` when any were), and the exit code says the same.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const words = process.argv.slice(2);
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => join('test', path))
  .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
  .sort();

const MINUTES = 8; // what waits for something that never comes, such as a browser that has died, must not wait for ever

interface Outcome { file: string; passed: number; failed: number; skipped: string[]; output: string; seconds: number }

function runFile(file: string): Promise<Outcome> {
  const began = performance.now();
  return new Promise((resolve) => {
    // the first flag lets tests of FinalizationRegistry ask for a collection
    const child = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', file], { cwd: root, env: { ...process.env, FORCE_COLOR: '0' }, timeout: MINUTES * 60_000, killSignal: 'SIGKILL' });
    let output = '';
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    child.stdout.on('data', (chunk) => { output += chunk; });
    child.stderr.on('data', (chunk) => { output += chunk; });
    child.on('close', (code, signal) => {
      const count = (label: string) => Number(new RegExp(`^ {2}${label}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? 0);
      const total = count('Total'), passed = count('Passed');
      let failed = total - passed - count('Skipped');
      if (code !== 0 && failed === 0) { failed = 1; output += `\n${file} ended with ${signal === 'SIGKILL' ? `${signal}, after ${MINUTES} minutes or for want of memory` : signal ?? `code ${code}`}\n`; }
      const skipped = [...output.matchAll(/^SKIPPED (.*)$/gm)].map((match) => match[1]);
      if (total === 0 && failed === 0 && skipped.length === 0) { failed = 1; output += `\n${file}: no test ran; does it call run()?\n`; }
      resolve({ file, passed, failed, skipped, output, seconds: (performance.now() - began) / 1000 });
    });
  });
}

const queue = [...files], outcomes: Outcome[] = [];
await Promise.all(Array.from({ length: availableParallelism() }, async () => {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const outcome = await runFile(file);
    outcomes.push(outcome);
    console.log(`${outcome.failed === 0 ? 'ok  ' : 'FAIL'} ${relative('test', file)} (${outcome.passed} passed, ${outcome.seconds.toFixed(1)} s)`);
    if (outcome.failed > 0) console.log(outcome.output);
  }
}));

const sum = (pick: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + pick(outcome), 0);
const passed = sum((o) => o.passed), skipped = outcomes.flatMap((o) => o.skipped);
let failed = sum((o) => o.failed);
if (passed === 0 && failed === 0) { failed = 1; console.log(`no test ran: ${files.length} files match ${words.join(' ') || '*'}`); }
for (const line of skipped) console.log(`skipped: ${line}`);
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1; // not exit(), which would cut off what a pipe has not taken yet
