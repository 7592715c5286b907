import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface PackageJson { version: string; exports: Record<string, string | { types: string; default: string }>; bin: Record<string, string>; dependencies: Record<string, string> }

/** Packed: what `npm pack` makes of the built package, laid out in an empty project as npm would, without asking a registry. */
export interface Packed {
  readonly tarball: string;
  /** An empty project, of modules, in whose node_modules the package and what it depends on lie. */
  readonly project: string;
  /** The package in there. */
  readonly folder: string;
  readonly packageJson: PackageJson;
  remove(): void;
}

/** packed: packs the built package; `remove` it afterwards. */
export function packed(): Packed {
  const temporary = mkdtempSync(join(tmpdir(), 'tightrec-package-')), project = join(temporary, 'project'), folder = join(project, 'node_modules', 'tightrec');
  const [{ filename }] = JSON.parse(execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', temporary], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], shell: process.platform === 'win32' })) as { filename: string }[];
  const tarball = join(temporary, filename);
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', temporary]);
  renameSync(join(temporary, 'package'), folder);
  const packageJson = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageJson;
  for (const name of Object.keys(packageJson.dependencies)) cpSync(join(root, 'node_modules', name), join(project, 'node_modules', name), { recursive: true, dereference: true });
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module', dependencies: { tightrec: packageJson.version } }));
  return { tarball, project, folder, packageJson, remove: () => rmSync(temporary, { recursive: true, force: true }) };
}

/** said: what a program prints, as JSON. Throws what it complains of. */
export function said<Answer>(program: string, args: readonly string[], cwd: string): Answer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 120_000 });
  if (status !== 0) throw error ?? new Error(`${program} ended with ${status}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Answer;
}

/** Installed: a project into which npm has installed the tarball, and how many bytes its node_modules take on the disk; or what npm complained of. */
export type Installed = { readonly project: string; readonly bytes: number } | { readonly complaint: string };

/** installed: asks npm, and it a registry, to install the tarball into an empty project beside that of `packed`. */
export function installed({ tarball, project }: Packed): Installed {
  const empty = join(project, '..', 'installed'), modules = join(empty, 'node_modules');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{ "private": true }');
  const { status, stderr } = spawnSync('npm', ['install', '--omit=dev', '--no-audit', '--no-fund', '--fetch-retries=0', tarball], { cwd: empty, encoding: 'utf8', shell: process.platform === 'win32' });
  if (status !== 0) return { complaint: stderr };
  return { project: empty, bytes: readdirSync(modules, { recursive: true, encoding: 'utf8' }).reduce((sum, path) => sum + 512 * (lstatSync(join(modules, path)).blocks ?? 0), 0) };
}
