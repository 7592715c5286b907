import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumPath, launchChromium } from '../../bench/browser/chromium.ts';
import { laterGraph } from '../../bench/package/graph.ts';
import { type Packed, packed, said } from '../../bench/package/packed.ts';
import type { Backend } from '../../kernels/index.ts';
import { skip } from '../helpers/skip.ts';

// The packed package, in every runtime: test/package/program.mjs fits, recommends, saves and loads, and what it learns is the same to the last bit everywhere.

interface Worked { sums: Record<string, number>; differ: string[]; backend: Backend }

const test = suite('package/runtimes'), program = fileURLToPath(new URL('program.mjs', import.meta.url)), print = `import { work } from './program.mjs';\nconsole.log(JSON.stringify(await work()));\n`;
let files: Packed, here: Worked;

test.before(() => {
  files = packed();
  copyFileSync(program, join(files.project, 'program.mjs'));
  writeFileSync(join(files.project, 'print.mjs'), print);
  here = said(process.execPath, ['print.mjs'], files.project);
});
test.after(() => files?.remove());

/** The program, which imports the package from there. */
const programOf = (from: string): string => readFileSync(program, 'utf8').replace("from 'tightrec'", `from '${from}'`);

/** The same sums as in this Node, and by the SIMD kernels. */
function check(worked: Worked): void {
  assert.equal(worked.differ, []);
  assert.equal(worked.sums, here.sums);
  assert.is(worked.backend.kernels, 'simd', worked.backend.why);
}

const several = ({ backend: { threads, whyOneThread } }: Worked): void => assert.ok(threads > 1 || whyOneThread === 'this machine has one processor', String(whyOneThread));

test('this Node: seven fits, all different, on several threads too', () => {
  assert.is(new Set(Object.values(here.sums)).size, 7);
  check(here);
  several(here);
});

for (const [name, variable, args] of [
  ['Node 20', 'TIGHTREC_NODE20', ['print.mjs']], ['Node 22', 'TIGHTREC_NODE22', ['print.mjs']], ['Node 24', 'TIGHTREC_NODE24', ['print.mjs']], ['Bun', 'TIGHTREC_BUN', ['run', 'print.mjs']],
  ['Deno', 'TIGHTREC_DENO', ['run', '--node-modules-dir=manual', '--allow-read', '--allow-env', '--allow-sys', 'print.mjs']],
] as const) {
  const runtime = process.env[variable], version = /Node (\d+)/.exec(name)?.[1];
  if (runtime === undefined && version === process.versions.node.split('.')[0]) continue; // that is this one
  if (runtime === undefined) { skip(`package/runtimes, ${name}`, `${variable} does not name it`); continue; }
  test(`${name}: the same bytes, on several threads too`, () => {
    if (version !== undefined) assert.is(said<string>(runtime, ['-p', 'JSON.stringify(process.versions.node.split(".")[0])'], files.project), version);
    const worked = said<Worked>(runtime, args, files.project);
    check(worked);
    several(worked);
  });
}

test('CommonJS: this Node requires the package', () => {
  writeFileSync(join(files.project, 'require.cjs'), "const { Popularity } = require('tightrec'), { EASE } = require('tightrec/models'); console.log(JSON.stringify([Popularity.name, EASE.name]));");
  assert.equal(said(process.execPath, ['--no-warnings', 'require.cjs'], files.project), ['Popularity', 'EASE']);
});

// workerd, what Cloudflare's workers run on

const workerd = process.env.TIGHTREC_WORKERD;
if (workerd === undefined) skip('package/runtimes, workerd', 'TIGHTREC_WORKERD does not name it');
else {
  /** What a worker made of these modules, the first of which is its own, answers. */
  const answerOf = async (modules: Record<string, string>): Promise<Worked> => {
    const folder = mkdtempSync(join(files.project, 'workerd-')), embedded = Object.entries(modules).map(([name, code], n) => {
      writeFileSync(join(folder, `${n}.js`), code);
      return `(name = "${name}", esModule = embed "${n}.js")`;
    });
    writeFileSync(join(folder, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .worker)], sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]);
const worker :Workerd.Worker = (modules = [${embedded.join(', ')}], compatibilityDate = "2025-11-01");\n`);
    const child: ChildProcess = spawn(workerd, ['serve', 'config.capnp', '--control-fd=3'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    try {
      const port = await new Promise<number>((resolve, reject) => {
        let complaint = '';
        child.stderr!.on('data', (text) => { complaint += text; });
        (child.stdio[3] as Readable).on('data', (line) => { const { event, port } = JSON.parse(String(line)) as { event: string; port: number }; if (event === 'listen') resolve(port); });
        child.on('error', reject);
        child.on('close', (code) => reject(new Error(`workerd ended with ${code}: ${complaint}`)));
      });
      const response = await fetch(`http://127.0.0.1:${port}/`), text = await response.text();
      assert.is(response.status, 200, text);
      return JSON.parse(text) as Worked;
    } finally { child.kill(); }
  };

  /** The worker, with the program and the package as modules beside it. */
  const beside = (worker: string, entry: 'index' | 'models'): Record<string, string> => {
    const code = join(files.folder, 'dist', 'package'), chunks = readdirSync(code).filter((name) => /^(?:index|models|chunk-.*)\.js$/.test(name));
    return { 'worker.mjs': worker, 'program.mjs': programOf(`./package/${entry}.js`), ...Object.fromEntries(chunks.map((name) => [`package/${name}`, readFileSync(join(code, name), 'utf8')])) };
  };
  const fetching = (body: string): string => `export default { async fetch() { try { ${body} return Response.json(await work()); } catch (error) { return new Response(error.stack, { status: 500 }); } } };`;
  test('workerd: tightrec/models imported when the worker starts, the same bytes by SIMD, on one thread, which it says', async () => {
    const worked = await answerOf(beside(`import { work } from './program.mjs'; ${fetching('')}`, 'models'));
    check(worked);
    assert.equal([worked.backend.threads, worked.backend.whyOneThread], [1, 'this runtime starts no workers']);
  });
  test('workerd: bundled into one file, with loadLearning(), the same bytes by SIMD', async () => { // without it the bundler may leave what learns for later
    const contents = `import { loadLearning } from 'tightrec/models'; import { work } from './program.mjs'; loadLearning(); ${fetching('')}`;
    const { outputFiles: [{ text }] } = await build({ stdin: { contents, resolveDir: files.project }, bundle: true, format: 'esm', write: false, logLevel: 'error', platform: 'browser' });
    check(await answerOf({ 'worker.mjs': text }));
  });
  test('workerd: tightrec imported when the worker starts, it answers by SIMD; a fit then comes too late for WASM, loops do the work, and it says so', async () => {
    const { differ, sums, backend } = await answerOf(beside(`import { work } from './program.mjs'; ${fetching('')}`, 'index'));
    assert.equal([differ, backend.kernels], [[], 'simd']);
    assert.match(backend.why, /^this runtime runs WASM SIMD; but what learns runs as plain loops: this runtime refused the WASM SIMD module/);
    assert.equal(Object.keys(sums), Object.keys(here.sums));
    assert.is(sums['5 Popularity'], here.sums['5 Popularity']); // which sums up whole numbers
  });
  test('workerd: imported while it answers, it refuses WASM; the loops do the work, and it says so', async () => {
    const { differ, sums, backend } = await answerOf(beside(fetching("const { work } = await import('./program.mjs');"), 'index'));
    assert.equal([differ, backend.kernels], [[], 'loop']);
    assert.match(backend.why, 'this runtime refused the WASM SIMD module');
    assert.equal(Object.keys(sums), Object.keys(here.sums));
    assert.is(sums['5 Popularity'], here.sums['5 Popularity']); // which sums up whole numbers
  });
}

if (chromiumPath(false) === undefined) skip('package/runtimes, a page', 'there is no chromium');
else {
  let server: Server, browser: Browser;
  const missing = new Set<string>(); // files that the server does not find, for now
  test.before(async () => {
    const page = '<!doctype html><link rel="icon" href="data:,"><script type="importmap">{ "imports": { "tightrec": "/package/index.js" } }</script>';
    server = createServer(({ url = '/' }, response) => {
      if (!url.startsWith('/plain')) { response.setHeader('Cross-Origin-Opener-Policy', 'same-origin'); response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp'); }
      if (url === '/plain' || url === '/isolated') { response.setHeader('Content-Type', 'text/html'); response.end(page); return; }
      if (missing.has(basename(url))) { response.statusCode = 404; response.end(); return; }
      const worker = /^\/service-(index|models)\.mjs$/.exec(url)?.[1]; // a module of its own, for which no import map holds
      if (worker !== undefined) {
        const learning = worker === 'models' ? "import { loadLearning } from '/package/models.js'; loadLearning();" : '';
        response.setHeader('Content-Type', 'text/javascript');
        response.end(`${programOf(`/package/${worker}.js`)}\n${learning}\naddEventListener('message', ({ data, ports: [port] }) => work().then((worked) => port.postMessage({ worked }), ({ code, message }) => port.postMessage({ code, message })));`);
        return;
      }
      const file = url === '/program.mjs' ? join(files.project, 'program.mjs') : join(files.folder, 'dist', 'package', basename(url));
      response.setHeader('Content-Type', 'text/javascript');
      response.end(readFileSync(file));
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    browser = await launchChromium(false);
  });
  test.after(async () => { await browser?.close(); server?.close(); });

  const inPage = async (page: string): Promise<Worked> => {
    const where = await browser.newPage(), address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await where.goto(`${address}/${page}`);
      return await where.evaluate("import('/program.mjs').then(({ work }) => work())") as Worked;
    } finally { await where.close(); }
  };
  test('an isolated page of Chromium: the same bytes, on several threads too', async () => {
    const worked = await inPage('isolated');
    check(worked);
    several(worked);
  });
  test('a page that is not isolated: the same bytes, on one thread, which it says', async () => {
    const worked = await inPage('plain');
    check(worked);
    assert.equal([worked.backend.threads, worked.backend.whyOneThread], [1, 'this runtime has no shared memory (a page must be cross-origin isolated for it)']);
  });
  test('a page that cannot load what learns says so, and fits as soon as it can', async () => {
    const where = await browser.newPage(), address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`, code = join(files.folder, 'dist', 'package');
    const late = laterGraph(join(code, 'index.js')).map(([file]) => basename(file));
    assert.ok(late.length > 4);
    const fit = (): Promise<unknown> => where.evaluate(`(async () => {
      const { BPR, interactions } = await import('tightrec'), model = (window.model ??= new BPR({ factors: 2, epochs: 1 }));
      try { await model.fit(interactions(['a', 'b'], ['x', 'y'])); return model.recommendFor('a').length; } catch ({ code, message }) { return [code, message]; }
    })()`);
    for (const name of late) missing.add(name);
    try {
      await where.goto(`${address}/plain`);
      const [said, message] = await fit() as string[];
      assert.is(said, 'not-loaded');
      assert.match(message, /^BPR: the part of tightrec that learns, which is loaded when a model is first fitted, could not be loaded: Failed to fetch .*; try again, or call loadLearning\(\) of 'tightrec\/models' when the program starts$/);
      missing.clear();
      assert.is(await fit(), 1);
    } finally { missing.clear(); await where.close(); }
  });
  for (const entry of ['index', 'models'] as const) {
    test(`a service worker, which may import nothing later: ${entry === 'index' ? 'tightrec says that it cannot learn there' : 'with loadLearning(), the same bytes'}`, async () => {
      const where = await browser.newPage(), address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      try {
        await where.goto(`${address}/plain`);
        const { worked, code, message } = await where.evaluate(`(async () => {
          const registration = await navigator.serviceWorker.register('/service-${entry}.mjs', { type: 'module', scope: '/${entry}' }), worker = registration.installing ?? registration.waiting ?? registration.active;
          return new Promise((resolve, reject) => {
            const channel = new MessageChannel();
            channel.port1.onmessage = ({ data }) => { registration.unregister(); resolve(data); };
            worker.onerror = () => reject(new Error('the worker failed'));
            worker.postMessage(null, [channel.port2]);
          });
        })()`) as { worked?: Worked; code?: string; message?: string };
        if (entry === 'models') { check(worked!); return; }
        assert.is(code, 'not-loaded');
        assert.match(message!, /import\(\) is disallowed on ServiceWorkerGlobalScope/);
      } finally { await where.close(); }
    });
  }
}

test.run();
