/**
 * npm run docs: prints the tables of README and docs from the result files, between `<!-- table: NAME -->` and `<!-- end -->`, and draws
 * docs/kernels.svg. The files are bench/results/latest.json (`npm run bench`), browser.json (`npm run bench:browser`), browser-gpu.json
 * (`npm run bench:browser -- --device`), rivals.json (`npm run bench:rivals`), approximate.json (`npm run bench:approximate`), package.json (`npm run bench:package`), native.json (measured once, elsewhere) and study.json
 * (`npm start -- --all --json bench/results/study.json`), movielens.json (`npm start -- movielens --json bench/results/movielens.json`), movielens-retrieval.json (the same of `movielens-retrieval`). Code comes from the sources: excerpts.ts.
 * serve.json is of `npm run bench:serve`.
 * With --check nothing is written; the exit code says whether the pages are up to date.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { overLoopChart } from './chart.ts';
import { withExcerpts } from './excerpts.ts';
import { resultFile } from './machine.ts';
import { type ServeResults, servingTable } from './serveTable.ts';
import type { Approximate, Native, PackageResults, Results } from './results.ts';
import { approximateTable, deviceTable, deviceTrainingTable, epochsTable, kernelTable, kernelsTable, limitsTable, metricsTable, packageTable, recommendationsTable, rivalsTable, solversTable, table, trainingTable } from './tables.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = <T>(name: string): T | null => (existsSync(resultFile(name)) ? JSON.parse(readFileSync(resultFile(name), 'utf8')) as T : null);

interface Study {
  data: { source: string };
  models: { name: string; metric: 'precision' | 'accuracy'; k: number; validation: number; test: number; published: number | null; fitSeconds: number; nextItem: Record<'known' | 'new' | 'none' | 'zeroState' | 'leaked', { validation: number | null }> | null }[];
}

interface MovieLens { lists: { films: { title: string; genres: string[]; score: number }[] }[]; sections: { id: string; measures: { name: string; digits: number }[]; publishedOf: number; rows: { name: string; figures: (number | null)[]; published: number | null; fitSeconds: number }[] }[] }

const bench = read<Results>('latest'), movieLens = read<MovieLens>('movielens'), retrieval = read<MovieLens>('movielens-retrieval'), browser = read<Results>('browser'), device = read<Results>('browser-gpu'), rivals = read<Results>('rivals'), study = read<Study>('study'), native = read<Native>('native')!, approximate = read<Approximate>('approximate'), packed = read<PackageResults>('package');
const serving = read<ServeResults>('serve');
const folders = readdirSync(join(root, 'kernels'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);

/** A table of one group, where there are rows of it. */
const of = (results: Results | null, group: Results['rows'][number]['group'], print: (results: Results) => string): string | null => (results?.rows.some((row) => row.group === group) ? print(results) : null);

/** What a page may ask for; null where there are no results yet, and the page stays as it is. */
const tables: Record<string, () => string | null> = {
  training: () => of(bench, 'training', trainingTable),
  solvers: () => of(bench, 'solvers', (results) => solversTable(results, native)),
  epochs: () => of(bench, 'epochs', (results) => epochsTable(results, native)),
  recommendations: () => of(bench, 'recommendations', (results) => recommendationsTable(results, native)),
  serving: () => serving && servingTable(serving),
  kernels: () => of(bench, 'kernels', kernelsTable),
  metrics: () => of(bench, 'metrics', metricsTable),
  limits: () => (bench?.limits ? limitsTable(bench) : null),
  browser: () => of(browser, 'kernels', kernelsTable),
  device: () => of(device, 'kernels', deviceTable),
  'device training': () => of(device, 'training', deviceTrainingTable),
  approximate: () => approximate && approximateTable(approximate),
  rivals: () => of(rivals, 'rivals', rivalsTable),
  package: () => packed && packageTable(packed),
  study: () => study && table(
    ['model', 'precision@5, validation', 'test', 'published', 'fit, seconds'],
    study.models.filter(({ metric }) => metric === 'precision').map(({ name, validation, test, published, fitSeconds }) => [
      name, validation.toFixed(4), test.toFixed(4), published === null ? '' : String(published), fitSeconds.toFixed(1),
    ]),
  ),
  'next item': () => study?.models.some(({ metric }) => metric === 'accuracy') ? table(
    ['model', 'accuracy@5, validation', 'test', 'known customer', 'new', 'none', 'zero state', 'fit, seconds'],
    study.models.filter(({ metric }) => metric === 'accuracy').map(({ name, validation, test, nextItem, fitSeconds }) => [
      name, validation.toFixed(4), test.toFixed(4), ...(['known', 'new', 'none', 'zeroState'] as const).map((part) => nextItem?.[part].validation?.toFixed(4) ?? ''), fitSeconds.toFixed(1),
    ]),
  ) : null,
  ...Object.fromEntries(['ratings', 'ranking', 'newcomers', 'retrieval', 'history-time', 'history-user', 'history-next'].map((id) => [`movielens ${id}`, () => sectionTable(id)])),
  'movielens films': () => retrieval && table(['', 'film', 'genres', 'score'], retrieval.lists[0].films.map(({ title, genres, score }, at) => [String(at + 1), title, genres.join(', '), score.toFixed(3)])),
  ...Object.fromEntries(folders.map((folder) => [`kernel ${folder}`, () => (bench?.rows.some(({ kernel }) => kernel === folder) ? kernelTable(bench, folder) : null)])),
};

/** A section of the studies of MovieLens. */
function sectionTable(id: string): string | null {
  const section = [movieLens, retrieval].flatMap((study) => study?.sections ?? []).find((one) => one.id === id);
  if (section === undefined) return null;
  const { measures, publishedOf, rows } = section, published = rows.some((row) => row.published !== null), withPublished = (cells: string[], cell: string): string[] => (published ? cells.toSpliced(1 + publishedOf, 0, cell) : cells);
  return table(['model', ...withPublished(measures.map(({ name }) => name), 'published'), 'fit, seconds'], rows.map((row) =>
    [row.name, ...withPublished(measures.map(({ digits }, at) => row.figures[at]?.toFixed(digits) ?? ''), row.published === null ? '' : String(row.published)), row.fitSeconds.toFixed(1)]));
}

const check = process.argv.includes('--check');
let stale = 0;
const put = (page: string, before: string, after: string): void => {
  if (after === before) return;
  stale++;
  if (check) console.error(`${page} is not what the result files say: run npm run docs`);
  else { writeFileSync(join(root, page), after); console.log(`${page}: printed`); }
};

const pages = ['README.md', ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => join('docs', name))];
for (const page of pages) {
  const before = readFileSync(join(root, page), 'utf8');
  put(page, before, withExcerpts(page, before.replace(/<!-- table: ([\w -]+?) -->\n[\s\S]*?<!-- end -->/g, (whole, name: string) => {
    if (!Object.hasOwn(tables, name)) throw new Error(`${page}: there is no table '${name}'; there are ${Object.keys(tables).join(', ')}`);
    const text = tables[name]();
    return text === null ? whole : `<!-- table: ${name} -->\n${text}\n<!-- end -->`;
  }), (file) => readFileSync(join(root, file), 'utf8')));
}
const chart = join('docs', 'kernels.svg');
if (bench?.rows.some(({ group }) => group === 'kernels')) put(chart, existsSync(join(root, chart)) ? readFileSync(join(root, chart), 'utf8') : '', overLoopChart(bench));
if (check && stale > 0) process.exit(1);
