/**
 * npm run docs: prints the tables of README and docs from the result files, between `<!-- table: NAME -->` and `<!-- end -->`.
 * The files come from `npm run bench` (bench/results/latest.json) and `npm start -- --json bench/results/study.json`.
 * With --check nothing is written; the exit code says whether the pages are up to date.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Results, Row } from './case.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = <T>(name: string): T | null => {
  const file = join(root, 'bench', 'results', name);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as T : null;
};

interface Study {
  data: { source: string };
  models: { name: string; k: number; validation: number; test: number; published: number | null; fitSeconds: number }[];
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const where = ({ machine, node, threads, commit }: Results): string =>
  `${machine.cpu}, ${machine.cores} cores, Node ${node.slice(1)}, ${threads} thread; medians; commit ${commit}.`;

function timings(rows: readonly Row[], results: Results): string {
  const sizes = [...new Set(rows.map(({ name, size }) => `${name}\n${size}`))];
  const of = (key: string, variant: string) => rows.find(({ name, size, variant: v }) => `${name}\n${size}` === key && v === variant);
  const body = sizes.map((key) => {
    const [name, size] = key.split('\n'), loop = of(key, 'loop'), simd = of(key, 'simd');
    return [`\`${name}\``, size, loop?.median.toPrecision(3) ?? '', simd?.median.toPrecision(3) ?? '', simd ? `${simd.overLoop.toPrecision(2)} x` : '', (loop ?? simd)!.unit];
  });
  return `${table(['', 'size', 'loop', 'SIMD', 'SIMD over loop', 'unit'], body)}\n\n${where(results)}`;
}

const bench = read<Results>('latest.json'), study = read<Study>('study.json');
const tables: Record<string, () => string | null> = {
  training: () => bench && timings(bench.rows.filter(({ group }) => group === 'training'), bench),
  kernels: () => bench && timings(bench.rows.filter(({ group }) => group === 'kernels'), bench),
  study: () => study && table(
    ['model', 'precision@5, validation', 'test', 'published', 'fit, seconds'],
    study.models.map(({ name, validation, test, published, fitSeconds }) => [name, validation.toFixed(4), test.toFixed(4), published === null ? '' : String(published), fitSeconds.toFixed(1)]),
  ),
};

const check = process.argv.includes('--check');
let stale = 0;
for (const page of ['README.md', ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => join('docs', name))]) {
  const file = join(root, page), before = readFileSync(file, 'utf8');
  const after = before.replace(/<!-- table: (\w+) -->\n[\s\S]*?<!-- end -->/g, (whole, name: string) => {
    if (!Object.hasOwn(tables, name)) throw new Error(`${page}: there is no table '${name}'; there are ${Object.keys(tables).join(', ')}`);
    const text = tables[name]();
    return text === null ? whole : `<!-- table: ${name} -->\n${text}\n<!-- end -->`;
  });
  if (after === before) continue;
  stale++;
  if (check) console.error(`${page} is not what the result files say: run npm run docs`);
  else { writeFileSync(file, after); console.log(`${page}: tables printed`); }
}
if (check && stale > 0) process.exit(1);
