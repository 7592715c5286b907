import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { minify } from 'terser';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { kernelCases } from '../helpers/kernelCases.ts';
import { type Comparison, judge } from './compareFits.ts';
import type { Outcome } from './runCases.ts';

// gpu.js reads the source of a thread function, so it must be readable after the compiler and after each minifier. Built here, run by a bare Node.

const root = fileURLToPath(new URL('../..', import.meta.url)), folder = mkdtempSync(join(tmpdir(), 'tightrec-gpu-')), page = join(root, 'test', 'gpu', 'page.ts');
const dist = join(folder, 'built'), shrunk = join(folder, 'terser', 'dist'), withTerser = join(folder, 'terser', 'page.mjs'), withEsbuild = join(folder, 'esbuild', 'page.mjs');

/** What page.ts answers, in a Node of its own. */
function ask<Answer>(path: string, call: string, flags: string[] = []): Answer {
  const script = `const { kernels, fits, opening } = await import(${JSON.stringify(pathToFileURL(path).href)}); process.stdout.write('\\n' + JSON.stringify(await ${call}));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, '--input-type=module', '-e', script], { encoding: 'utf8', cwd: folder, timeout: 120_000 });
  assert.is(status, 0, stderr);
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n'))) as Answer;
}

const test = suite('gpu/build');

test.before(async () => {
  const { status, stdout } = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(root, 'lib'), '--outDir', dist], { encoding: 'utf8' });
  assert.is(status, 0, stdout);
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.js'));
  for (const path of files) {
    const { code } = await minify(readFileSync(join(dist, path), 'utf8'), { module: true, compress: { passes: 2 }, mangle: true });
    mkdirSync(dirname(join(shrunk, path)), { recursive: true });
    writeFileSync(join(shrunk, path), code!);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const sub of ['terser', 'esbuild']) { mkdirSync(join(folder, sub), { recursive: true }); symlinkSync(join(root, 'node_modules'), join(folder, sub, 'node_modules')); }

  const settings: BuildOptions = { entryPoints: [page], bundle: true, format: 'esm', platform: 'node', logLevel: 'error', external: ['gpu.js'] };
  await build({ ...settings, minify: true, outfile: withEsbuild });
  // here the tests are bundled, and what they import of the library are the files that terser has made
  await build({
    ...settings, outfile: withTerser,
    plugins: [{
      name: 'the built files',
      setup({ onResolve }) {
        onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
          const within = relative(root, resolve(resolveDir, path));
          return /^(lib|kernels)\b/.test(within) ? { path: `./dist/${within.split(sep).join('/').replace(/\.ts$/, '.js')}`, external: true } : undefined;
        });
      },
    }],
  });
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

for (const [name, path] of [['esbuild', withEsbuild], ['terser', withTerser]]) {
  for (const mode of ['cpu', 'webasm']) {
    test(`minified by ${name}: every kernel agrees with its loop, mode ${mode}`, () => {
      const { ran, failures } = ask<Outcome>(path, `kernels('${mode}')`);
      assert.equal(failures, []);
      assert.is(ran, kernelCases.length);
    });
  }

  test(`minified by ${name}: both models reach what the tape reaches`, () => judge(ask<Comparison[]>(path, "fits('webasm', 4)"), 'webasm', 4));
}

test('what was minified was minified', () => {
  const [before, after] = [dist, shrunk].map((where) => readFileSync(join(where, 'kernels', 'bpr', 'gpu.js'), 'utf8'));
  assert.ok(after.length < 0.6 * before.length && !after.includes('\n'), `${after.length} of ${before.length}`);
});

test('where code may not be built from text: webasm runs, cpu says why it cannot, auto takes webasm', () => {
  const flags = ['--disallow-code-generation-from-strings'];
  assert.is(ask<{ mode: string }>(withTerser, "opening('webasm')", flags).mode, 'webasm');
  assert.is(ask<{ mode: string }>(withTerser, "opening('auto')", flags).mode, 'webasm');
  const { code, message } = ask<{ code: string; message: string }>(withTerser, "opening('cpu')", flags);
  assert.is(code, 'unsupported');
  assert.match(message, "gpu mode 'cpu' cannot run here: it builds code from text (new Function)");
  assert.equal(ask<Outcome>(withTerser, "kernels('webasm')", flags).failures, []);
});

test('gpu.js is not installed: the entry loads, and opening says what to install', () => {
  const script = `const { openGpu, fit } = await import(${JSON.stringify(pathToFileURL(join(dist, 'lib', 'gpu', 'index.js')).href)});
    for (const mode of ['auto', 'cpu', 'webgl2']) await openGpu({ mode }).then(() => console.log('it opened'), (error) => console.log(error.code, error.message));`;
  const { stdout, status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', cwd: folder });
  assert.is(status, 0, stderr);
  const lines = stdout.trim().split('\n');
  assert.is(lines.length, 3);
  for (const [at, mode] of ['auto', 'cpu', 'webgl2'].entries()) {
    assert.match(lines[at], `unsupported gpu mode '${mode}' needs the package gpu.js`);
    assert.match(lines[at], 'npm install gpu.js@2');
  }
});

test.run();
