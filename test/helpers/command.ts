import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url)), built = join(root, 'dist/lib/cli/main.js'), source = join(root, 'lib/cli/main.ts');

/** What TIGHTREC_BIN names; else what `npm run build` made, which starts faster, if no source is newer; else the sources. */
export const command: string[] = process.env.TIGHTREC_BIN ? [process.env.TIGHTREC_BIN] : existsSync(built) && newest('dist') > newest('lib', 'kernels') ? [built] : ['--import', import.meta.resolve('tsx'), source];

function newest(...folders: string[]): number {
  const files = folders.flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(root, folder, name)));
  return files.reduce((latest, file) => Math.max(latest, statSync(file).mtimeMs), 0);
}

export interface Outcome { code: number | null; stdout: string; stderr: string }
export interface RunOptions { cwd?: string; env?: Record<string, string>; during?: (child: ChildProcess, stderr: string) => void }

/** run: `tightrec ...args` in a process of its own. `during` hears of everything that comes on stderr. */
export function run(args: readonly string[], { cwd, env, during }: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...command, ...args], { cwd, env: { ...process.env, XDG_CACHE_HOME: '/nonexistent', ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => { outcome.stdout += chunk; });
    child.stderr.on('data', (chunk) => { outcome.stderr += chunk; during?.(child, outcome.stderr); });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}

/** succeeds: exit code 0 and nothing on stderr that looks like a failure. */
export async function succeeds(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  const outcome = await run(args, options);
  assert.is(outcome.code, 0, `tightrec ${args.join(' ')}: ${outcome.stderr}`);
  assert.not.match(outcome.stderr, /^tightrec: /m);
  return outcome;
}

/** fails: this exit code, nothing on stdout, and one sentence on stderr that holds all the words; no stack trace. */
export async function fails(args: readonly string[], code: number, words: readonly (string | RegExp)[], options?: RunOptions): Promise<Outcome> {
  const outcome = await run(args, options), said = outcome.stderr.split('\n').filter((line) => line.startsWith('tightrec: '));
  assert.is(outcome.code, code, `tightrec ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`);
  assert.is(outcome.stdout, '');
  assert.is(said.length, 1, outcome.stderr);
  for (const word of words) assert.match(said[0], word);
  assert.not.match(outcome.stderr, /^\s+at |node:internal|onBadRow|readTable/m);
  return outcome;
}
