import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** staticGraph: the file and all that it imports before it runs, by paths relative to each other; what is imported when asked, and other packages, are left out. */
export function staticGraph(entry: string): string[] {
  const files = [entry];
  for (const file of files) {
    for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:^|[;}])\s*(?:import|export)(?:[\w\s{},*$]*from)?\s*["'](\.\/[^"']+)["']/gm)) {
      const target = join(dirname(file), path);
      if (!files.includes(target)) files.push(target);
    }
  }
  return files;
}

/** laterGraph: for each file that an entry imports when it is asked for, that and what it imports, but for what is there already. */
export function laterGraph(entry: string): string[][] {
  const first = staticGraph(entry), names = new Set(first.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\bimport\(["'](\.\/[^"']+)["']\)/g)].map(([, path]) => join(dirname(file), path))));
  return [...names].map((file) => staticGraph(file).filter((other) => !first.includes(other)));
}

/** gzipped: what a server sends for these files, in bytes: each by itself, as strong as gzip can. */
export const gzipped = (files: readonly string[]): number => files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
