import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type * as gpu from '../../lib/gpu/index.ts';
import type * as index from '../../lib/index.ts';
import { gzipped, staticGraph } from '../../bench/package/graph.ts';
import { type Packed, installed, packed, said } from '../../bench/package/packed.ts';
import { skip } from '../helpers/skip.ts';

// The packed package, as somebody finds it who installs it into an empty project.

const test = suite('package'), root = fileURLToPath(new URL('../..', import.meta.url)), kB = 1000;
let files: Packed;

test.before(() => { files = packed(); });
test.after(() => files?.remove());

/** The names by which a project imports the entries: tightrec, tightrec/models, ... */
const entryNames = (): string[] => Object.keys(files.packageJson.exports).filter((path) => path !== './package.json').map((path) => path.replace('.', 'tightrec'));

test('what is packed: the bundle, its types, the licences of what is bundled, and the manual', () => {
  const all = readdirSync(files.folder, { recursive: true, encoding: 'utf8' }).filter((path) => lstatSync(join(files.folder, path)).isFile()).map((path) => path.replaceAll('\\', '/'));
  const odd = all.filter((path) => !/^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|docs\/[\w-]+\.md|docs\/examples\/purchases\.csv|dist\/package\/(?:[\w-]+\.js|THIRD-PARTY\.txt|types\/.*\.d\.ts|carried\/uplot\/.*\.(?:js|css)))$/.test(path));
  assert.equal(odd, []);
  assert.ok(all.includes('dist/package/worker.js') && all.includes('dist/package/THIRD-PARTY.txt') && all.includes('dist/package/types/lib/index.d.ts'));
  assert.equal(all.filter((path) => path.endsWith('.js') && readFileSync(join(files.folder, path), 'utf8').includes(root)), [], 'a file names a folder of this machine');
});

test('every entry can be imported by its name, and has what its types say', () => {
  const script = `const all = {}; for (const name of ${JSON.stringify(entryNames())}) all[name] = Object.keys(await import(name)); console.log(JSON.stringify(all));`;
  writeFileSync(join(files.project, 'entries.mjs'), script);
  const all = said<Record<string, string[]>>(process.execPath, ['entries.mjs'], files.project);
  assert.equal(Object.keys(all), ['tightrec', 'tightrec/models', 'tightrec/data', 'tightrec/metrics', 'tightrec/retrieval', 'tightrec/approximate', 'tightrec/serve', 'tightrec/serve/node', 'tightrec/autodiff', 'tightrec/gpu', 'tightrec/onnx', 'tightrec/node']);
  assert.ok(Object.values(all).every((names) => names.length > 0));
  for (const name of ['BPR', 'AlternatingLeastSquares', 'LogisticMF', 'NextItemLSTM', 'Popularity', 'interactions', 'toBytes', 'fromBytes', 'TightrecError', 'backend', 'useKernels']) assert.ok(all.tightrec.includes(name), name);
  assert.equal(all.tightrec.filter((name) => !all['tightrec/models'].includes(name)), []);
});

for (const [moduleResolution, module] of [['nodenext', 'nodenext'], ['bundler', 'esnext']]) {
  test(`the types of every entry compile, strict, with moduleResolution ${moduleResolution}`, () => {
    const use = `import { BPR, type Recommendation, fromBytes, interactions, toBytes } from 'tightrec';
      const model: BPR = await new BPR({ factors: 8, seed: 1 }).fit(interactions(['a'], ['b']));
      const list: Recommendation[] = fromBytes(toBytes(model)).recommendFor('a', { k: 3 });
      // @ts-expect-error there is no such setting
      new BPR({ factor: 8 }); console.log(list);`;
    writeFileSync(join(files.project, 'use.mts'), `${entryNames().map((name, n) => `import * as entry${n} from '${name}'; console.log(entry${n});`).join('\n')}\n${use}\n`);
    const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc'), types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')];
    const { status, stdout } = spawnSync(process.execPath, [compiler, '--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2023', '--module', module, '--moduleResolution', moduleResolution, ...types, 'use.mts'], { cwd: files.project, encoding: 'utf8' });
    assert.is(status, 0, stdout);
  });
}

test('the command runs from the package', () => {
  const command = join(files.folder, files.packageJson.bin.tightrec), table = join(root, 'docs', 'examples', 'purchases.csv');
  const run = (...args: string[]): string => execFileSync(process.execPath, [command, ...args], { cwd: files.project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  assert.is(run('--version').trim(), files.packageJson.version);
  run('fit', table, '--user', 'customer', '--item', 'product', '--model', 'ease', '--out', 'shop.safetensors');
  assert.match(run('recommend', 'shop.safetensors', '--user', 'ana', '-k', '1'), /^item +score\n.+ +\d\.\d+\n$/);
  run('study', '--data', 'generated', '--models', 'popularity', '--report', 'report.html');
  assert.match(readFileSync(join(files.project, 'report.html'), 'utf8'), 'uPlot=');
});

test('tightrec says where a model is that it leaves out, and tightrec/models and tightrec/node read it', () => {
  writeFileSync(join(files.project, 'other.mjs'), `import * as small from 'tightrec'; import * as whole from 'tightrec/models'; import { load, save } from 'tightrec/node';
    const model = await new whole.ItemKNN().fit(small.interactions(['a', 'a', 'b'], ['x', 'y', 'x'])), bytes = small.toBytes(model);
    let said; try { small.fromBytes(bytes, 'shop.bin'); } catch (error) { said = [error.code, error.message, error instanceof whole.TightrecError]; }
    await save(model, 'other.safetensors');
    console.log(JSON.stringify([said, whole.fromBytes(bytes).name, (await load('other.safetensors')).name]));`);
  assert.equal(said(process.execPath, ['other.mjs'], files.project), [
    ['unsupported', "shop.bin: it holds ItemKNN, which 'tightrec' leaves out to stay small; import fromBytes from 'tightrec/models', or load from 'tightrec/node'", true], 'ItemKNN', 'ItemKNN',
  ]);
});

test('classes keep their names', () => {
  writeFileSync(join(files.project, 'names.mjs'), "import * as all from 'tightrec/models'; console.log(JSON.stringify(Object.entries(all).filter(([, value]) => /^class\\b/.test(String(value))).map(([name, { name: own }]) => [name, own])));");
  const names = said<[string, string][]>(process.execPath, ['names.mjs'], files.project);
  assert.ok(names.length > 15);
  assert.equal(names.filter(([name, own]) => name !== own), []);
});

for (const mode of ['cpu', 'webasm'] as const) {
  test(`tightrec/gpu: both models learn on gpu.js what the tape learns, mode ${mode}`, async () => { // gpu.js reads the source of the kernels, so it must be readable after the bundler and the minifier
    const beside = join(files.project, 'node_modules', 'gpu.js');
    if (!existsSync(beside)) symlinkSync(join(root, 'node_modules', 'gpu.js'), beside);
    const from = (name: string): Promise<unknown> => import(pathToFileURL(join(files.folder, 'dist', 'package', name)).href);
    const { BPR, LogisticMF, interactions } = await from('index.js') as typeof index, { fit } = await from('gpu.js') as typeof gpu, at = Array.from({ length: 600 }, (_, n) => n);
    const data = interactions(at.map((n) => n % 97), at.map((n) => (n * n) % 83)), settings = { factors: 9, epochs: 2, learningRate: 0.03, seed: 3 };
    for (const make of [() => new LogisticMF({ ...settings, batchSize: 300 }), () => new BPR({ ...settings, batchSize: 300, stepsPerEpoch: 3 })]) {
      const tape = await make().fit(data), fitted = await fit(make() as index.BPR, data, { mode }), theirs = tape.toState().tensors, mine = fitted.model.toState().tensors;
      const apart = Object.keys(theirs).flatMap((name) => Array.from(theirs[name].data, (value, k) => Math.abs(value - mine[name].data[k])));
      assert.is(fitted.mode, mode);
      assert.ok(apart.length > 500 && apart.every((by) => by < 1e-3), `${tape.name}: ${Math.max(...apart)}`);
    }
  });
}

// Sizes. docs/decisions.md says what makes them.

const entry = (name: string): string[] => staticGraph(join(files.folder, 'dist', 'package', name));

test('the default entry is small, whatever else there is, and imports few files', () => {
  const graph = entry('index.js'), size = gzipped(graph);
  assert.ok(graph.length < 12, `${graph.length} files`);
  assert.ok(size < 40 * kB, `${size} bytes`);
  const all = graph.map((file) => readFileSync(file, 'utf8')).join('\n');
  for (const name of ['EASE', 'Siamese', 'HybridMF', 'Adam', 'Tape']) assert.not.match(all, new RegExp(`class ${name}\\b`));
  assert.match(all, /class BPR\b/);
});

test('nothing of the default entry runs code made of strings, or needs another package', () => {
  for (const file of entry('index.js')) {
    const text = readFileSync(file, 'utf8');
    assert.not.match(text, /new Function|\beval\(/, file);
    assert.equal([...text.matchAll(/(?:from|import)\(?["']([^."'][^"']*)["']/g)].map(([, name]) => name), [], file);
  }
});

test('a bundler takes what is used and leaves the rest', async () => {
  const bundled = async (code: string): Promise<number> => {
    const { outputFiles: [{ contents }] } = await build({ stdin: { contents: code, resolveDir: files.project }, bundle: true, minify: true, format: 'esm', write: false, logLevel: 'error', platform: 'browser' });
    return gzipSync(contents, { level: 9 }).length;
  };
  const whole = await bundled("export * from 'tightrec'"), one = await bundled("export { BPR } from 'tightrec'"), data = await bundled("export { interactions } from 'tightrec'"), every = await bundled("export { BPR } from 'tightrec/models'");
  assert.ok(one < 0.8 * whole, `BPR alone is ${one} of ${whole} bytes`);
  assert.ok(data < 0.05 * whole, `interactions alone is ${data} of ${whole} bytes`);
  assert.ok(every < 1.01 * one, `BPR of tightrec/models is ${every} bytes, of tightrec ${one}`);
});

test('an empty project installs it with npm, and it works there: 3 MB at most, with what it needs', () => {
  const npm = installed(files);
  if ('complaint' in npm && /E(?:AI_AGAIN|NOTFOUND|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH)|ENOTCACHED/.test(npm.complaint)) { skip('package, npm install', 'there is no registry to be reached'); return; }
  if ('complaint' in npm) throw new Error(npm.complaint);
  assert.ok(npm.bytes < 3e6, `${npm.bytes} bytes`);
  assert.ok(existsSync(join(npm.project, 'node_modules', '.bin', 'tightrec')));
  writeFileSync(join(npm.project, 'work.mjs'), `${readFileSync(join(root, 'test', 'package', 'program.mjs'), 'utf8')}\nconsole.log(JSON.stringify((await work()).differ));\n`);
  assert.equal(said(process.execPath, ['work.mjs'], npm.project), []);
});

for (const [name, variable, args] of [['publint', 'TIGHTREC_PUBLINT', ['--strict']], ['arethetypeswrong', 'TIGHTREC_ATTW', ['--profile', 'esm-only']]] as const) {
  const program = process.env[variable];
  if (program === undefined) { skip(`package, ${name}`, `${variable} does not name it`); continue; }
  test(`${name} has nothing to say`, () => {
    const { status, stdout, stderr } = spawnSync(program, [files.tarball, ...args], { encoding: 'utf8' });
    assert.is(status, 0, `${stdout}${stderr}`);
  });
}

test.run();
