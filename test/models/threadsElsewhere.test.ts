import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumPath, launchChromium } from '../../bench/browser/chromium.ts';
import { skip } from '../helpers/skip.ts';

/** The built package on two threads in other runtimes: isolated pages, Bun and Deno, by name from npm where .ci/run has put them. */
const dist = new URL('../../dist/', import.meta.url);

/**
 * What each of them runs: whether one and two threads learn the same, and how many there are; then, when those workers have been told to end (two seconds after
 * their last use), products on new ones, a few of which would be wrong if an old one still took parts.
 */
const script = (root: string): string => `
  const { LogisticMF, backend, interactions, toBytes } = await import('${root}lib/index.js'), { holdThreads } = await import('${root}kernels/threads.js');
  const { allocate } = await import('${root}kernels/memory.js'), table = await import('${root}kernels/index.js');
  const users = [], items = [];
  for (let at = 0; at < 4000; at++) { users.push(at % 97); items.push((at * at) % 83); }
  const data = interactions(users, items), fit = (threads) => new LogisticMF({ factors: 64, epochs: 2, batchSize: 3000 }).fit(data, { threads });
  const one = toBytes(await fit(1)), two = toBytes(await fit(2));
  const M = 256, N = 1024, [C, P, Q] = [M * N, M * M, M * N].map((n) => allocate(n).floats()), product = () => table.kernels.matmul(C, P, Q, M, N, M);
  for (let at = 0; at < Q.length; at++) Q[at] = Math.cos(at);
  P.set(Q.subarray(0, P.length));
  product();
  const right = C.slice();
  let wrong = 0, runs = 0;
  for (const wait of [2050, 3100]) {
    await new Promise((resolve) => { setTimeout(resolve, wait); });
    const threads = holdThreads(2);
    await threads.start();
    for (const end = performance.now() + 700; performance.now() < end; runs++) {
      C.fill(0);
      threads.run(product);
      if (!C.every((x, at) => x === right[at])) wrong++;
    }
    threads.release();
  }
  const said = { wrong, runs, same: one.length === two.length && one.every((byte, at) => byte === two[at]), bytes: one.length, threads: backend().threads, why: backend().whyOneThread };`;

interface Said { same: boolean; bytes: number; threads: number; why: string | null; wrong: number; runs: number }

function check(name: string, { same, bytes, threads, why, wrong, runs }: Said): void {
  assert.ok(same, `${name}: the bytes differ`);
  assert.ok(bytes > 10_000 && runs > 10);
  assert.is(wrong, 0, `${name}: ${wrong} of ${runs} products are wrong`);
  assert.is(why, null, name);
  assert.ok(threads >= 2);
}

const test = suite('models/threadsElsewhere');

for (const [name, variable, flags] of [['Bun', 'TIGHTREC_BUN', ['run', '-']], ['Deno', 'TIGHTREC_DENO', ['run', '--allow-read', '--allow-env', '--allow-sys', '-']]] as const) {
  const program = process.env[variable];
  if (program === undefined) { skip(`models/threadsElsewhere, ${name}`, `${variable} does not name it`); continue; }
  test(`${name}: two threads learn the bytes of one, and the process ends by itself`, () => {
    const { status, stdout, stderr } = spawnSync(program, flags, { input: `${script(dist.href)}\nconsole.log(JSON.stringify(said));`, encoding: 'utf8', timeout: 60_000 });
    assert.is(status, 0, stderr);
    check(name, JSON.parse(stdout));
  });
}

if (chromiumPath(false) === undefined) skip('models/threadsElsewhere, a page', 'there is no chromium');
else {
  let server: Server, browser: Browser;
  const types: Record<string, string> = { js: 'text/javascript', html: 'text/html' };
  test.before(async () => {
    server = createServer(({ url = '/' }, response) => {
      if (!url.startsWith('/plain')) { response.setHeader('Cross-Origin-Opener-Policy', 'same-origin'); response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp'); }
      const file = new URL(`.${url}`, dist), page = url === '/isolated' || url === '/plain';
      if (!page && !(file.href.startsWith(dist.href) && existsSync(file))) { response.statusCode = 404; response.end(); return; }
      response.setHeader('Content-Type', types[page ? 'html' : 'js']);
      response.end(page ? '<!doctype html><link rel="icon" href="data:,">' : readFileSync(fileURLToPath(file)));
    });
    await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    browser = await launchChromium(false);
  });
  test.after(async () => { await browser?.close(); server?.close(); });

  const said = async (page: string): Promise<Said> => {
    const where = await browser.newPage(), address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await where.goto(`${address}/${page}`);
      return await where.evaluate(`(async () => { ${script('/')} return said; })()`) as Said;
    } finally { await where.close(); }
  };
  test('an isolated page: two threads learn the bytes of one', async () => check('page', await said('isolated')));
  test('a page that is not isolated: one thread does the work, and says why', async () => {
    const { same, threads, why } = await said('plain');
    assert.equal([same, threads, why], [true, 1, 'this runtime has no shared memory (a page must be cross-origin isolated for it)']);
  });
}

test.run();
