import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** packageRoot: the folder of tightrec's package.json, above the sources and above dist alike. */
export const packageRoot: string = find(dirname(fileURLToPath(import.meta.url)));

/** version: that of this tightrec. */
export const version: string = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

/** fileOf: a file of another package: the copy that tightrec carries (bench/package/bundle.ts), or, in its repository, wherever npm put it. */
export function fileOf(path: string): string {
  const carried = join(packageRoot, 'dist', 'package', 'carried', path);
  return existsSync(carried) ? carried : createRequire(import.meta.url).resolve(path);
}

function find(folder: string): string {
  const above = dirname(folder);
  return existsSync(join(folder, 'package.json')) || above === folder ? folder : find(above);
}
