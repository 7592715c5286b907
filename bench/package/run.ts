/**
 * npm run bench:package: how large the packed package and its entries are, what installing it takes on the disk, and how long a new Node takes to import it. Writes
 * bench/results/package.json, from which `npm run docs` prints a table. Needs a registry, for what the package depends on.
 */
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipped, laterGraph, staticGraph } from './graph.ts';
import { installed, packed, said } from './packed.ts';
import { commit, machine, resultFile } from '../machine.ts';
import type { PackageResults } from '../results.ts';

const RUNS = 31; // new processes for each figure; the first of them, which finds the files not yet in the system's cache, does not count

const files = packed();
try {
  const npm = installed(files);
  if ('complaint' in npm) throw new Error(`npm could not install the tarball: ${npm.complaint}`);

  const importing = (name: string): number => {
    writeFileSync(join(npm.project, 'import.mjs'), `const began = performance.now(); await import('${name}'); console.log(performance.now() - began); process.exit();`);
    return said<number>(process.execPath, ['import.mjs'], npm.project);
  };
  const sizes = Object.entries(files.packageJson.exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return []; // package.json itself
    const graph = staticGraph(join(files.folder, target.default));
    return [{ name: path.replace('.', 'tightrec'), files: graph.length, bytes: graph.reduce((sum, file) => sum + statSync(file).size, 0), gzipped: gzipped(graph) }];
  });
  const rounds = Array.from({ length: RUNS }, () => sizes.map(({ name }) => importing(name))).slice(1); // all entries in turn, so that a slow phase of the machine strikes all of them
  const entries = sizes.map((size, entry) => {
    const all = rounds.map((round) => round[entry]).sort((a, b) => a - b), at = (share: number): number => all[Math.round(share * (all.length - 1))];
    return { ...size, milliseconds: { median: at(0.5), low: at(0.25), high: at(0.75) } };
  });
  const later = laterGraph(join(files.folder, 'dist', 'package', 'index.js')).sort((a, b) => gzipped(b) - gzipped(a))[0];
  const results: PackageResults = { machine: machine(), runtime: `Node ${process.versions.node}`, commit: commit(), tarball: statSync(files.tarball).size, installed: npm.bytes, learning: { files: later.length, gzipped: gzipped(later) }, entries };
  for (const { name, files, gzipped, milliseconds: { median, low, high } } of entries) console.log(`${name.padEnd(20)} ${String(files).padStart(3)} files ${(gzipped / 1000).toFixed(1).padStart(7)} kB gzipped ${median.toFixed(1).padStart(7)} ms (${low.toFixed(1)} .. ${high.toFixed(1)})`);
  console.log(`the first fit loads ${later.length} files more, ${(results.learning.gzipped / 1000).toFixed(1)} kB gzipped`);
  console.log(`tarball ${(results.tarball / 1000).toFixed(0)} kB, installed ${(results.installed / 1e6).toFixed(2)} MB`);
  writeFileSync(resultFile('package'), `${JSON.stringify(results, null, 2)}\n`);
} finally { files.remove(); }
