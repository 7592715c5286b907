/** The worker of docs/serving.md, bundled from the built package and run in workerd, where TIGHTREC_WORKERD names it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BPR, type Recommendation, interactions, toBytes } from '../../lib/index.ts';
import { random } from '../../lib/random.ts';
import { skip } from '../helpers/skip.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)), workerd = process.env.TIGHTREC_WORKERD;
const folder = mkdtempSync(join(tmpdir(), 'tightrec-edge-'));

const test = suite('serve/workerd');
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** The worker as one module that imports its model and nothing else. */
async function bundled(): Promise<string> {
  const [, worker] = /## At the edge[\s\S]*?```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/serving.md'), 'utf8'))!;
  writeFileSync(join(folder, 'worker.js'), worker);
  const { outputFiles: [{ text }] } = await build({
    entryPoints: [join(folder, 'worker.js')], bundle: true, write: false, minify: true, format: 'esm', platform: 'neutral', mainFields: ['module', 'main'], nodePaths: [join(root, 'node_modules')], external: ['./shop.safetensors'], logLevel: 'silent',
    alias: { 'tightrec/serve': join(root, 'dist/lib/serve/index.js'), tightrec: join(root, 'dist/lib/index.js') },
  });
  return text;
}

test('the worker imports its model and nothing else, and makes no code from text', async () => {
  const text = await bundled();
  assert.equal([...text.matchAll(/\bfrom\s*"([^"]+)"|\bimport\s*\(?\s*"([^"]+)"/g)].map(([, a, b]) => a ?? b), ['./shop.safetensors']);
  assert.not.match(text, /\bnew Function\b|\beval\(/);
});

if (workerd === undefined) skip('serve/workerd', 'TIGHTREC_WORKERD does not name workerd');
else {
  const next = random(4), users: string[] = [], items: string[] = [];
  for (let n = 0; n < 300; n++) { users.push(`u${Math.floor(next.uniform() * 20)}`); items.push(`i${Math.floor(next.uniform() ** 2 * 40)}`); }
  const model = await new BPR({ factors: 9, epochs: 3 }).fit(interactions(users, items));
  let child: ChildProcess | null = null;
  test.after.each(() => { child?.kill(); });

  for (const [date, kernels, tolerance] of [['2025-06-01', 'SIMD', 0], ['2025-05-05', 'loops', 1e-6]] as const) {
    test(`in workerd, as of ${date} with ${kernels}: the answers are the model's`, async () => {
      writeFileSync(join(folder, 'shop.safetensors'), toBytes(model));
      writeFileSync(join(folder, 'bundle.js'), await bundled());
      writeFileSync(join(folder, 'config.capnp'), `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "bundle.js", esModule = embed "bundle.js"), (name = "shop.safetensors", data = embed "shop.safetensors")],
    compatibilityDate = "${date}",
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`);
      const started = child = spawn(workerd, ['serve', '--control-fd=3', join(folder, 'config.capnp')], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
      const port = await new Promise<number>((resolve, reject) => {
        let said = '', failed = '';
        (started.stdio[3] as Readable).on('data', (chunk) => { said += chunk; const listens = /"port":(\d+)/.exec(said); if (listens) resolve(Number(listens[1])); });
        started.stderr!.on('data', (chunk) => { failed += chunk; });
        started.on('close', () => reject(new Error(`workerd ended: ${failed}`)));
      });
      const ask = async (path: string, body: unknown): Promise<{ status: number; body: { items: Recommendation[]; lists: { items: Recommendation[] }[]; error: string } }> => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: JSON.stringify(body) });
        return { status: response.status, body: await response.json() };
      };
      const same = (got: Recommendation[], want: Recommendation[]): void => {
        assert.equal(got.map(({ item }) => item), want.map(({ item }) => item));
        got.forEach(({ score }, at) => assert.ok(Math.abs(score - want[at].score) <= tolerance * Math.max(1, Math.abs(want[at].score)), `${score} and ${want[at].score}`));
      };
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask('/recommend', { user: `u${n}`, k: 7 })));
      for (const [n, { status, body }] of answers.entries()) { assert.is(status, 200); same(body.items, model.recommendFor(`u${n}`, { k: 7 })); }
      const { lists } = (await ask('/recommend', { users: ['u3', 'u4'], k: 2 })).body;
      for (const [at, user] of ['u3', 'u4'].entries()) same(lists[at].items, model.recommendFor(user, { k: 2 }));
      same((await ask('/similar', { item: 'i1', k: 4 })).body.items, model.similarTo('i1', { k: 4 }));
      const wrong = await ask('/recommend', { user: 'u1', k: 0 });
      assert.equal([wrong.status, wrong.body.error], [400, 'k must be a whole number from 1 to 1000, got 0']);
      assert.is((await ask('/recommend', { user: 'nobody' })).status, 404);
      assert.is((await (await fetch(`http://127.0.0.1:${port}/health`)).json()).items, model.nItems);
    });
  }
}

test.run();
