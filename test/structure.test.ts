import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

/**
 * The direction of imports, read from the import lines (`a <- b`: b imports a):
 *
 *   kernels <- autodiff <- nn, optim, linalg <- models <- io <- serve, study, cli        data, metrics, retrieval, approximate sit beside them; gpu beside io
 */
const below: Record<string, readonly string[]> = {
  kernels: [],
  data: [],
  autodiff: ['kernels'],
  retrieval: ['kernels', 'data'],
  approximate: ['kernels', 'data', 'retrieval'], // an entry of its own: a bundler that meets import('usearch') would want that package's native code
  metrics: ['kernels', 'data', 'retrieval'],
  nn: ['kernels', 'autodiff'],
  optim: ['kernels', 'autodiff'],
  linalg: ['kernels', 'autodiff'],
  models: ['kernels', 'data', 'autodiff', 'metrics', 'retrieval', 'nn', 'optim', 'linalg'],
  gpu: ['kernels', 'data', 'autodiff', 'metrics', 'retrieval', 'nn', 'optim', 'linalg', 'models'],
  io: ['kernels', 'data', 'autodiff', 'metrics', 'retrieval', 'nn', 'optim', 'linalg', 'models'],
  serve: ['kernels', 'data', 'metrics', 'retrieval', 'models', 'io'],
  study: ['kernels', 'data', 'autodiff', 'metrics', 'retrieval', 'nn', 'optim', 'linalg', 'models', 'io'],
  cli: ['kernels', 'data', 'autodiff', 'metrics', 'retrieval', 'nn', 'optim', 'linalg', 'models', 'io', 'study', 'serve'], // `tightrec study` runs the study, `tightrec serve` the server
};

/** Anyone may import these; they import nothing of ours. */
const leaves = ['lib/errors.ts', 'lib/random.ts'];

/** What package.json exports: these only re-export, and these are the folders they may reach. */
const entries: Record<string, readonly string[]> = {
  'lib/index.ts': ['io', ...below.io],
  'lib/models.ts': ['io', 'lib', ...below.io],
  'lib/node.ts': ['io', ...below.io],
  'lib/onnx.ts': ['io', ...below.io],
  'lib/serve/index.ts': ['serve'],
  'lib/serve/node.ts': ['serve'],
  'lib/data/index.ts': ['data', ...below.data],
  'lib/metrics/index.ts': ['metrics', ...below.metrics],
  'lib/retrieval/index.ts': ['retrieval', ...below.retrieval],
  'lib/approximate/index.ts': ['approximate', ...below.approximate],
  'lib/gpu/index.ts': ['gpu', ...below.gpu],
  'lib/autodiff/index.ts': ['autodiff', 'nn', 'optim', ...below.optim], // 'tightrec/autodiff' gives the optimisers too
};

/** Where there are no rules but that nobody imports them. */
const outside = ['bench', 'test', 'docs'];

type Files = ReadonlyMap<string, string>; // path from the root, with / -> source
interface Import { from: string; typeOnly: boolean }

/** A source without its comments. */
const code = (source: string): string => source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');

function importsOf(source: string): Import[] {
  const text = code(source), found: Import[] = [];
  for (const [, type, from] of text.matchAll(/^\s*(?:import|export)\b(\s+type\b(?!\s+from))?[^;'"`]*?\bfrom\s*['"]([^'"]+)['"]/gm)) found.push({ from, typeOnly: type !== undefined });
  for (const [, from] of text.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)) found.push({ from, typeOnly: false });
  for (const [, from] of text.matchAll(/\b(?:import|require|resolve)\s*\(\s*['"`]([^'"`]+)['"`]/g)) found.push({ from, typeOnly: false });
  return found;
}

/** The path that a relative import means; simd.ts files leave out the .ts. */
function target(path: string, from: string, files: Files): string | null {
  if (!from.startsWith('.')) return null;
  const to = posix.join(posix.dirname(path), from);
  return [to, `${to}.ts`, `${to}/index.ts`].find((candidate) => files.has(candidate)) ?? to;
}

/** kernels, a folder of lib, or bench, test, docs. */
function levelOf(path: string): string {
  const [first, second, third] = path.split('/');
  return first === 'lib' && third !== undefined ? second : first;
}

/** Every import that goes the wrong way, as a sentence. */
function wrongImports(files: Files): string[] {
  const wrong: string[] = [];
  for (const [path, source] of files) {
    const level = levelOf(path), imports = importsOf(source);
    if (/^kernels\/[^/]+\/loop\.ts$/.test(path)) {
      if (imports.length > 0) wrong.push(`${path} imports '${imports[0].from}': a loop.ts imports nothing at all`);
      continue;
    }
    if (outside.includes(level)) continue;
    if (level === 'lib' && !leaves.includes(path) && !(path in entries)) { wrong.push(`${path} is neither a leaf nor an entry of the package: put it into a folder, or name it in test/structure.test.ts`); continue; }
    if (level !== 'lib' && !(level in below)) { wrong.push(`${path}: the design knows no folder '${level}': say in test/structure.test.ts what it may import`); continue; }
    const allowed = entries[path] ?? (leaves.includes(path) ? [] : [level, ...below[level]]);
    for (const { from } of imports) {
      if (/^tightrec\b/.test(from)) wrong.push(`${path} imports '${from}': inside the package, import the file`);
      const to = target(path, from, files);
      if (to === null) continue;
      if (leaves.includes(to) && !leaves.includes(path)) continue;
      if (!allowed.includes(levelOf(to))) wrong.push(`${path} imports ${to}: ${levelOf(path) === 'lib' ? path : level} may import ${allowed.length > 0 ? allowed.join(', ') : 'nothing of ours'}`);
    }
  }
  return wrong;
}

/** What an entry of the package holds besides `export ... from '...'`. */
const notReexports = (source: string): string => code(source).replace(/\bexport\s+(?:type\s+)?(?:\*(?:\s+as\s+\w+)?|\{[^}]*\})\s*from\s*'[^']+'\s*;/g, '').trim();

/** Rings of imports (types aside), each as its files in order. */
function cycles(files: Files): string[] {
  const state = new Map<string, 'open' | 'done'>(), trail: string[] = [], found: string[] = [];
  const visit = (path: string): void => {
    if (state.get(path) === 'done' || !files.has(path)) return;
    if (state.get(path) === 'open') { found.push([...trail.slice(trail.indexOf(path)), path].join(' -> ')); return; }
    state.set(path, 'open');
    trail.push(path);
    for (const { from, typeOnly } of importsOf(files.get(path)!)) {
      const to = target(path, from, files);
      if (to !== null && !typeOnly) visit(to);
    }
    trail.pop();
    state.set(path, 'done');
  };
  for (const path of files.keys()) if (!outside.includes(levelOf(path))) visit(path);
  return found;
}

/** Every file that loading `entry` can load, and the packages they name. */
function reachable(entry: string, files: Files): { paths: string[]; packages: string[] } {
  const paths = [entry], packages = new Set<string>();
  for (const path of paths) {
    for (const { from, typeOnly } of importsOf(files.get(path) ?? '')) {
      const to = target(path, from, files);
      if (typeOnly) continue;
      if (to === null) packages.add(from);
      else if (!paths.includes(to)) paths.push(to);
    }
  }
  return { paths, packages: [...packages] };
}

const buildsCode = (source: string): boolean => /\bnew\s+Function\b|[^.\w]Function\s*\(|\beval\s*\(|\beval\)/.test(code(source));
const rollsDice = (source: string): boolean => /\bMath\s*(?:\?\.|\.|\[\s*['"`])\s*rando[m]/.test(code(source)) || /\bconst\s*\{[^}]*\brando[m]\b[^}]*\}\s*=\s*Math\b/.test(code(source));

// The tree as it is

const root = fileURLToPath(new URL('..', import.meta.url));
const tree: Files = new Map(['kernels', 'lib', ...outside].flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
  .filter((path) => /\.[cm]?[jt]sx?$/.test(path) && !path.includes('node_modules/'))
  .map((path): [string, string] => [path, readFileSync(join(root, path), 'utf8')])));
const ours = [...tree.keys()].filter((path) => !outside.includes(levelOf(path)));

const test = suite('structure');

test('the tree was read', () => {
  for (const path of ['kernels/bpr/loop.ts', 'kernels/index.ts', ...leaves, 'test/structure.test.ts']) assert.ok(tree.has(path), path);
  assert.ok(ours.reduce((sum, path) => sum + importsOf(tree.get(path)!).length, 0) > 30);
  assert.ok(ours.every((path) => importsOf(tree.get(path)!).every(({ from }) => { const to = target(path, from, tree); return to === null || tree.has(to); })), 'an import leads nowhere');
});

test('imports go one way', () => assert.equal(wrongImports(tree), []));

test('no file imports itself by a detour', () => assert.equal(cycles(tree), []));

test('the entries of the package only re-export', () => {
  for (const path of Object.keys(entries)) {
    if (!tree.has(path) || path === 'lib/node.ts') continue; // which holds save and load, the few lines between io's bytes and a file
    assert.is(notReexports(tree.get(path)!), '', path);
  }
});

test('no generator but ours', () => assert.equal([...tree].filter(([, source]) => rollsDice(source)).map(([path]) => path), []));

test('nothing that the default entry can load builds code from text', () => {
  for (const entry of Object.keys(entries)) {
    if (!tree.has(entry)) continue;
    const { paths, packages } = reachable(entry, tree);
    if (entry === 'lib/gpu/index.ts') { assert.equal(packages, ['gpu.js']); continue; } // which builds code in mode 'cpu'; imported when asked
    assert.equal(packages.includes('usearch'), entry === 'lib/approximate/index.ts', entry); // an optional peer, for those who ask for it
    assert.equal(paths.filter((path) => buildsCode(tree.get(path) ?? '')), [], entry);
    if (entry !== 'lib/node.ts') assert.equal(packages.filter((name) => /^(ndarray|gpu\.js|cwise)/.test(name)), [], entry); // these build code
    assert.equal(paths.filter((path) => /^kernels\/(gpu|.*\/gpu\.ts)/.test(path)), [], entry);
  }
  assert.ok(reachable('kernels/index.ts', tree).paths.length > 10);
});

/** What is loaded with a file: all that it imports, but for types and for what is imported when it is asked for. */
function loadedWith(path: string, files: Files): string[] {
  const paths = [path];
  for (const path of paths) {
    const source = (files.get(path) ?? '').replace(/\bimport\s*\(/g, 'asked(');
    for (const { from, typeOnly } of importsOf(source)) {
      const to = target(path, from, files);
      if (to !== null && !typeOnly && !paths.includes(to)) paths.push(to);
    }
  }
  return paths;
}

test('who imports the default entry loads what answers; what learns is loaded by the first fit', () => {
  const loaded = loadedWith('lib/index.ts', tree), learns = (path: string): boolean => /^lib\/(?:models\/(?:fit\/|train\.ts)|optim\/optimizers\.ts|autodiff\/tape\.ts)|^kernels\/(?:index|moduleLearning)\.ts/.test(path);
  assert.equal(loaded.filter(learns), []);
  assert.ok(loaded.includes('lib/models/bpr.ts') && loaded.includes('kernels/moduleAnswering.ts'));
  const asked = [...tree.keys()].filter((path) => path.startsWith('lib/models/fit/') && path !== 'lib/models/fit/loadLearning.ts'); // which is for those who ask for it at the start
  assert.ok(asked.length > 4);
  for (const path of asked) assert.ok(reachable('lib/index.ts', tree).paths.includes(path), path);
  assert.ok(['kernels/moduleLearning.ts', 'lib/autodiff/tape.ts'].every((path) => loadedWith('lib/models.ts', tree).includes(path))); // so that an edge worker compiles all kernels while it starts
});

/** The variants that build code from text, as a file that loads `path` would find them. */
function codeBuilders(path: string, files: Files): string[] {
  const { paths, packages } = reachable(path, files);
  return [...paths.filter((other) => /^kernels\/(?:.*\/)?(?:ndarray|gpu\w*|\w+\.ndarray)\.ts$/.test(other)), ...packages.filter((name) => /^(?:ndarray|gpu\.js|cwise)/.test(name))];
}

test('ndarray and gpu.js are for those who ask for them', () => {
  const others = [...tree.keys()].filter((path) => (path.startsWith('lib/') && !path.startsWith('lib/gpu/')) || path === 'kernels/index.ts');
  assert.ok(others.length > 30);
  for (const path of others) assert.equal(codeBuilders(path, tree), [], path);
  assert.ok(codeBuilders('kernels/ndarray.ts', tree).includes('ndarray-ops')); // which is what those would find
});

// The rules themselves, on trees that break them

const made = (files: Record<string, string>): Files => new Map(Object.entries({ 'lib/errors.ts': '', 'lib/random.ts': '', 'kernels/index.ts': '', ...files }));
const imports = (from: string): string => `import { x } from '${from}';`;

const wrong: Record<string, Record<string, string>> = {
  'a loop imports a helper': { 'kernels/bpr/loop.ts': imports('../memory.ts') },
  'a loop imports a type': { 'kernels/bpr/loop.ts': "import type { x } from '../index.ts';" },
  'a loop imports a leaf': { 'kernels/bpr/loop.ts': imports('../../lib/random.ts') },
  'a loop imports for the effect': { 'kernels/bpr/loop.ts': "import '../index.ts';" },
  'a loop requires': { 'kernels/bpr/loop.ts': "const x = require('node:fs');" },
  'a loop imports a package': { 'kernels/bpr/loop.ts': imports('ndarray') },
  'a kernel imports data': { 'kernels/memory.ts': imports('../lib/data/csr.ts') },
  'a leaf imports a kernel': { 'lib/random.ts': imports('../kernels/index.ts') },
  'a leaf imports a leaf': { 'lib/random.ts': imports('./errors.ts') },
  'data imports a kernel': { 'lib/data/csr.ts': imports('../../kernels/index.ts') },
  'data imports a kernel on several lines': { 'lib/data/csr.ts': "import {\n  a,\n  b,\n} from '../../kernels/index.ts';" },
  'data imports a kernel when asked': { 'lib/data/csr.ts': "const { a } = await import('../../kernels/index.ts');" },
  'data re-exports a metric': { 'lib/data/csr.ts': "export * from '../metrics/index.ts';" },
  'autodiff imports an optimiser': { 'lib/autodiff/tape.ts': imports('../optim/adam.ts') },
  'autodiff imports data': { 'lib/autodiff/tape.ts': imports('../data/csr.ts') },
  'nn imports optim': { 'lib/nn/lstm.ts': imports('../optim/adam.ts') },
  'optim imports nn': { 'lib/optim/adam.ts': imports('../nn/lstm.ts') },
  'optim imports a model': { 'lib/optim/adam.ts': imports('../models/bpr.ts') },
  'metrics import a model': { 'lib/metrics/auc.ts': imports('../models/bpr.ts') },
  'metrics import a type of a model': { 'lib/metrics/auc.ts': "import type { BPR } from '../models/bpr.ts';" },
  'retrieval imports a model': { 'lib/retrieval/index.ts': imports('../models/bpr.ts') },
  'a model imports io': { 'lib/models/bpr.ts': imports('../io/model.ts') },
  'a model imports an entry that holds io': { 'lib/models/bpr.ts': imports('../index.ts') },
  'io imports the study': { 'lib/io/model.ts': imports('../study/study.ts') },
  'the study imports the command line': { 'lib/study/study.ts': imports('../cli/progress.ts') },
  'a model imports the bench': { 'lib/models/bpr.ts': imports('../../bench/run.ts') },
  'a model imports a test': { 'lib/models/bpr.ts': imports('../../test/helpers/numeric.ts') },
  'the command line imports the docs': { 'lib/cli/main.ts': imports('../../docs/tour.ts') },
  'an entry imports the study': { 'lib/index.ts': "export { x } from './study/study.ts';" },
  'the package imports itself by name': { 'lib/models/bpr.ts': imports('tightrec/data') },
  'a new folder': { 'lib/telemetry/send.ts': '' },
  'a file beside the entries': { 'lib/helpers.ts': '' },
};

for (const [what, files] of Object.entries(wrong)) {
  test(`goes red where ${what}`, () => assert.is(wrongImports(made(files)).length, 1, wrongImports(made(files)).join('; ')));
}

test('stays green where all is as designed', () => {
  assert.equal(wrongImports(made({
    'kernels/bpr/loop.ts': '// import nothing\nexport function f(): void {}', 'kernels/bpr/simd.ts': "import { dot } from '../lanes.simd';", 'kernels/lanes.simd.ts': '', 'kernels/memory.ts': imports('../lib/errors.ts'),
    'lib/data/csr.ts': imports('../errors.ts') + imports('../random.ts'), 'lib/autodiff/tape.ts': imports('../../kernels/index.ts'), 'lib/nn/lstm.ts': imports('../autodiff/tape.ts'),
    'lib/models/bpr.ts': ['../data/csr.ts', '../metrics/index.ts', '../retrieval/index.ts', '../nn/lstm.ts', '../optim/adam.ts', 'node:fs'].map(imports).join('\n'),
    'lib/io/model.ts': imports('../models/bpr.ts'), 'lib/study/study.ts': imports('../io/model.ts'), 'lib/cli/main.ts': imports('../io/model.ts'), 'lib/cli/more/help.ts': imports('../../models/bpr.ts'),
    'lib/index.ts': "export { BPR } from './models/bpr.ts';\nexport { toBytes } from './io/model.ts';", 'lib/autodiff/index.ts': "export { Adam } from '../optim/adam.ts';",
    'test/x.test.ts': imports('../lib/study/study.ts'), 'bench/run.ts': imports('../kernels/index.ts'),
  })), []);
});

test('goes red on a ring, and not on a ring of types', () => {
  const ring = (b: string): Files => made({ 'lib/models/a.ts': imports('./b.ts'), 'lib/models/b.ts': b });
  assert.equal(cycles(ring(imports('./a.ts'))), ['lib/models/a.ts -> lib/models/b.ts -> lib/models/a.ts']);
  assert.is(cycles(ring("export * from './a.ts';")).length, 1);
  assert.equal(cycles(ring("import type { A } from './a.ts';")), []);
});

test('goes red where an entry does more than re-export', () => {
  for (const source of ["export { a } from './a.ts';", "export * from './a.ts';\n/** Ops. */\nexport * as ops from './ops/index.ts';", "export type { A, B } from './a.ts';", "export {\n  type A, b,\n} from './a.ts'; // both"]) assert.is(notReexports(source), '');
  for (const source of ['export const a = 1;', "import { a } from './a.ts';\nexport { a };", "import './a.ts';", "export { a } from './a.ts';\nconsole.log();"]) assert.is.not(notReexports(source), '');
});

test('goes red on other generators and on code from text', () => {
  for (const source of ['const x = Math.rando' + 'm();', 'Math["rando' + 'm"]()', 'const { floor, rando' + 'm } = Math;', 'Math\n  .rando' + 'm()']) assert.ok(rollsDice(source), source);
  for (const source of ["import { random } from '../lib/random.ts';", '// never Math.rando' + 'm', 'const { floor } = Math; random(1)']) assert.not.ok(rollsDice(source), source);
  for (const source of ["new Function('return 1')", 'const f = Function("a")', "eval('1')", '(0, eval)("1")']) assert.ok(buildsCode(source), source);
  for (const source of ['// no new Function here', 'evaluate(1)', 'class Function2 {}', 'model.evaluate()', 'type F = (x: Function) => void']) assert.not.ok(buildsCode(source), source);
  const found = (from: string): string[] => codeBuilders('lib/index.ts', made({ 'lib/index.ts': "export { a } from './models/a.ts';", 'lib/models/a.ts': imports(from) }));
  for (const from of ['../../kernels/ndarray.ts', '../../kernels/bpr/ndarray.ts', '../../kernels/rows.ndarray.ts', '../../kernels/gpu.ts', '../../kernels/bpr/gpu.ts', '../../kernels/gpuDevice.ts', 'ndarray', 'ndarray-ops', 'gpu.js']) assert.is(found(from).length, 1, from);
  for (const from of ['../../kernels/bpr/loop.ts', '../../kernels/wasm.ts', 'saxen']) assert.equal(found(from), [], from);
  const files = made({ 'lib/index.ts': "export { a } from './models/a.ts';", 'lib/models/a.ts': "const b = await import('./b.ts');", 'lib/models/b.ts': imports('ndarray') });
  assert.equal(reachable('lib/index.ts', files), { paths: ['lib/index.ts', 'lib/models/a.ts', 'lib/models/b.ts'], packages: ['ndarray'] });
});

test.run();
