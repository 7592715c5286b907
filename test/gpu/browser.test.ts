import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, type Page, chromium } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumArguments, chromiumPath } from '../../bench/browser/chromium.ts';
import type { GpuMode } from '../../kernels/gpuDevice.ts';
import { kernelCases } from '../helpers/kernelCases.ts';
import { skip } from '../helpers/skip.ts';
import { judge } from './compareFits.ts';
import type * as page from './page.ts';

// The kernels and both fits in headless Chromium: WebGL2 and WebGPU on SwiftShader, a graphics device in software; with TIGHTREC_DEVICE=1, on the machine's own.

const device = process.env.TIGHTREC_DEVICE === '1', executablePath = chromiumPath(device);

/** The page, as a bundler delivers it: everything in one script, gpu.js too. */
async function bundle(minify: boolean): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))], bundle: true, minify, write: false, format: 'iife', globalName: 'tightrec', platform: 'browser', logLevel: 'error',
  });
  return outputFiles[0].text;
}

/** Serves scripts by name on 127.0.0.1, isolated, so that memory may be shared; `strict` pages forbid code from text. */
async function serve(scripts: Record<string, string>): Promise<{ server: Server; address: string }> {
  const server = createServer(({ url = '/' }, response) => {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    const [, name, script] = /^\/(\w+)(\.js)?$/.exec(url) ?? [];
    if (scripts[name.replace('strict', '')] === undefined) { response.statusCode = 404; response.end(); return; }
    response.setHeader('Content-Type', script ? 'text/javascript' : 'text/html');
    if (name.startsWith('strict')) response.setHeader('Content-Security-Policy', "script-src 'self' 'wasm-unsafe-eval'");
    response.end(script ? scripts[name.replace('strict', '')] : `<!doctype html><link rel="icon" href="data:,"><script src="/${name}.js"></script>`);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** ask: calls a function of page.ts in the page; from a timer, because what a debugger evaluates is exempt from the page's rules. */
function ask<Name extends keyof typeof page>(where: Page, name: Name, ...args: Parameters<(typeof page)[Name]>): Promise<Awaited<ReturnType<(typeof page)[Name]>>> {
  return where.evaluate(([name, args]) => new Promise<void>((resolve) => { setTimeout(resolve); }).then(() => (globalThis as unknown as { tightrec: Record<string, (...args: unknown[]) => unknown> }).tightrec[name as string](...args as unknown[])), [name, args] as const) as never;
}

if (executablePath === undefined) {
  skip('gpu/browser', 'there is no chromium');
} else {
  const test = suite('gpu/browser');
  let server: Server, address: string, browser: Browser, without: Browser;
  const launch = (args: string[]): Promise<Browser> => chromium.launch({ executablePath, args });

  test.before(async () => {
    ({ server, address } = await serve({ plain: await bundle(false), minified: await bundle(true) }));
    browser = await launch(chromiumArguments(device));
    without = await launch(['--no-sandbox', '--disable-3d-apis', '--disable-gpu']);
  });
  test.after(async () => {
    await browser?.close();
    await without?.close();
    server?.close();
  });

  /** A fresh page, closed when `work` has ended. */
  async function inPage(name: string, work: (where: Page) => Promise<void>, which = browser): Promise<void> {
    const where = await which.newPage(), broken: string[] = [];
    where.on('pageerror', (error) => { broken.push(error.message); });
    try {
      await where.goto(`${address}/${name}`);
      await work(where);
      assert.equal(broken, []);
    } finally { await where.close(); }
  }

  test('the page is isolated', () => inPage('plain', async (where) => { assert.ok(await where.evaluate(() => globalThis.crossOriginIsolated)); }));

  for (const [script, modes] of [['plain', ['webgpu']], ['minified', ['webgl2', 'webgpu', 'webasm', 'cpu']]] as [string, GpuMode[]][]) {
    for (const mode of modes) {
      test(`every kernel agrees with its loop: ${mode}, ${script}`, () => inPage(script, async (where) => {
        const { ran, failures } = await ask(where, 'kernels', mode);
        assert.equal(failures, []);
        assert.is(ran, kernelCases.length);
      }));
    }
  }

  for (const mode of ['webgl2', 'webgpu'] as const) {
    test(`both models reach what the tape reaches: ${mode}, minified`, () => inPage('minified', async (where) => {
      const all = await ask(where, 'fits', mode, 3);
      if (process.env.TIGHTREC_SHOW) console.log(all.map(({ model, mode, gpu, tape, apart }) => ({ model, mode, gpu, tape, apart })));
      judge(all, mode, 3);
    }));

    test(`calls at the same time do not disturb each other: ${mode}`, () => inPage('plain', async (where) => {
      assert.equal(await ask(where, 'together', mode), [[0], [1, 1], [2, 2, 2]]);
    }));

    test(`sizes may grow and shrink from call to call: ${mode}, minified`, () => inPage('minified', async (where) => {
      assert.equal(await ask(where, 'changing', mode), []);
    }));

    test(`positions may add up to more than float32 counts: ${mode}, minified`, () => inPage('minified', async (where) => {
      assert.equal(await ask(where, 'far', mode), []);
    }));

    test(`steps leave nothing on the device: ${mode}`, () => inPage('plain', async (where) => {
      const counts = await ask(where, 'held', mode);
      assert.is(counts.length, 8);
      assert.ok(counts[1] > 10 && counts.slice(1, 4).every((count) => count === counts[1]) && counts.slice(5).every((count) => count === counts[5]), `${counts}`);
    }));

    test(`arrays may change once a call is made, and a device that was given back says so: ${mode}`, () => inPage('minified', async (where) => {
      const { made, ended } = await ask(where, 'guards', mode);
      assert.equal(made, [[0.5, 1], [1, 2], [3, 4]]);
      assert.is(ended.length, 3);
      for (const { code, message } of ended) {
        assert.is(code, 'stale', message);
        assert.match(message, `gpu mode '${mode}': this device was given back by destroy()`);
      }
    }));

    test(`a device that is really lost in the middle of a fit: ${mode}`, () => inPage('minified', async (where) => {
      const { code, message, epochs, kept } = await ask(where, 'lost', mode);
      assert.is(code, 'device-lost', message);
      assert.match(message, `gpu mode '${mode}': the device was lost`);
      assert.is(epochs, 2);
      assert.ok(kept, 'the model is that of the last whole epoch');
    }));
  }

  test("'auto' takes the best there is", async () => {
    await inPage('minified', async (where) => { assert.is((await ask(where, 'opening', 'auto') as { mode: string }).mode, 'webgpu'); });
    await inPage('minified', async (where) => {
      const { mode, why } = await ask(where, 'opening', 'auto') as { mode: string; why: string };
      assert.is(mode, 'webasm', why);
      assert.match(why, "gpu mode 'webgpu' cannot run here");
      assert.match(why, "gpu mode 'webgl2' cannot run here");
    }, without);
  });

  test('no gpu, no adapter, no WebGL2: an error that names the mode', () => inPage('minified', async (where) => {
    for (const mode of ['webgl2', 'webgpu'] as const) {
      const { code, message } = await ask(where, 'opening', mode) as { code: string; message: string };
      assert.is(code, 'unsupported', message);
      assert.match(message, `gpu mode '${mode}' cannot run here`);
      assert.match(message, mode === 'webgl2' ? 'use a browser with WebGL2' : 'use a browser with WebGPU');
    }
  }, without));

  test("a page that forbids code from text: 'cpu' says so, the others run", () => inPage('strictminified', async (where) => {
    const { code, message } = await ask(where, 'opening', 'cpu') as { code: string; message: string };
    assert.is(code, 'unsupported', message);
    assert.match(message, /gpu mode 'cpu' cannot run here: it builds code from text \(new Function\)/);
    for (const mode of ['webgl2', 'webgpu', 'webasm'] as const) assert.is((await ask(where, 'opening', mode) as { mode?: string; message?: string }).mode, mode);
  }));

  test('workers: on an isolated page, unless its rules forbid them', async () => {
    await inPage('minified', async (where) => { assert.is((await ask(where, 'opening', 'webasm', 2) as { mode?: string }).mode, 'webasm'); });
    const where = await browser.newPage(); // whose console says that a worker was blocked
    try {
      await where.goto(`${address}/strictminified`);
      const { code, message } = await ask(where, 'opening', 'webasm', 2) as { code: string; message: string };
      assert.is(code, 'unsupported', message);
      assert.match(message, "gpu mode 'webasm' cannot run here");
    } finally { await where.close(); }
  });

  test.run();
}
