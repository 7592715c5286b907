import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { load } from '../../lib/node.ts';
import { command, fails, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';
import { skip } from '../helpers/skip.ts';

const { out, table, columns, file, folder, remove } = place();
const fit = (model: string, to = out): Promise<unknown> => succeeds(['fit', table, ...columns, '--model', model, '--out', to]);

const test = suite('serve/command');
test.before(async () => { await fit('popularity'); });
test.after(remove);

interface Running { child: ChildProcess; url: string; output: { stdout: string; stderr: string }; ended: Promise<number | null>; until(words: RegExp): Promise<void> }

/** `tightrec serve` in a process of its own, once it listens. */
async function started(args: readonly string[], env: Record<string, string> = {}): Promise<Running> {
  const child = spawn(process.execPath, [...command, 'serve', '--port', '0', ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }), output = { stdout: '', stderr: '' };
  const until = (words: RegExp): Promise<void> => new Promise((resolve, reject) => {
    const look = (): void => { if (words.test(output.stdout + output.stderr)) resolve(); };
    for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', look);
    child.on('close', () => reject(new Error(`it ended: ${output.stdout}${output.stderr}`)));
    look();
  });
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (chunk) => { output[stream] += chunk; });
  const ended = new Promise<number | null>((resolve) => { child.on('close', resolve); });
  await until(/ at http\S+/);
  return { child, url: / at (http:\/\/[^\s,]+)/.exec(output.stdout)![1], output, ended, until };
}

const ask = async (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> => fetch(`${url}/recommend`, { method: 'POST', body: JSON.stringify(body), headers });

if (process.platform === 'win32') skip('serve/command', 'its signals are those of Unix');
else {
  test('it listens, answers, reloads at SIGHUP, keeps the old model where the new file is damaged, and ends in order', async () => {
    const { child, url, output, ended, until } = await started([out]), model = await load(out);
    assert.match(output.stdout, /^\S+model\.safetensors: Popularity, version [0-9a-f]{16}, at http:\/\/127\.0\.0\.1:\d+\n$/);
    assert.equal((await (await ask(url, { user: 'u1', k: 2 })).json()).items, model.recommendFor('u1', { k: 2 }));

    await fit('ease');
    child.kill('SIGHUP');
    await until(/EASE, version [0-9a-f]{16}, is in service/);
    assert.is((await (await ask(url, { user: 'u1' })).json()).model, 'EASE');

    writeFileSync(out, 'user,item\nu1,i1\n');
    child.kill('SIGHUP');
    await until(/looks like a table/);
    assert.match(output.stderr, /^tightrec: \S+model\.safetensors is not a tightrec model: it looks like a table; .*; EASE, version [0-9a-f]{16}, stays in service$/m);
    assert.is((await (await ask(url, { user: 'u1' })).json()).model, 'EASE');

    child.kill('SIGTERM');
    assert.is(await ended, 0);
    assert.match(output.stderr, /^stopping: /m);
    await fit('popularity');
  });

  test('--watch and --quiet', async () => {
    const to = join(folder, 'watched.safetensors');
    await fit('popularity', to);
    const { child, url, output, ended } = await started([to, '--watch', '--quiet']);
    await fit('ease', to);
    let name = '';
    for (let tries = 0; name !== 'EASE' && tries < 100; tries++) {
      name = (await (await ask(url, { user: 'u1' })).json()).model;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    assert.is(name, 'EASE');
    child.kill('SIGINT');
    assert.is(await ended, 0);
    assert.is(output.stderr, '');
  });

  test('an address that others reach: who may ask', async () => {
    for (const [env, told] of [[{}, true], [{ TIGHTREC_TOKEN: 'abc' }, false]] as const) {
      const { child, output, ended } = await started([out, '--host', '0.0.0.0'], env);
      child.kill('SIGTERM');
      assert.is(await ended, 0);
      assert.is(/whoever reaches this machine may ask; TIGHTREC_TOKEN/.test(output.stderr), told);
    }
  });

  test('the options are limits, and TIGHTREC_TOKEN is the token', async () => {
    const { child, url, output, ended } = await started([out, '--max-k', '3', '--max-body', '100', '--timeout', '2', '--max-queue', '5', '--threads', '2'], { TIGHTREC_TOKEN: 'abc123' }), headers = { authorization: 'Bearer abc123' };
    assert.match(output.stdout, 'for those who have the token');
    assert.not.match(output.stdout, 'abc123');
    assert.is((await ask(url, { user: 'u1' })).status, 401);
    assert.is((await ask(url, { user: 'u1' }, headers)).status, 200);
    assert.match((await (await ask(url, { user: 'u1', k: 4 }, headers)).json()).error, 'from 1 to 3');
    assert.is((await ask(url, { user: 'u1'.padEnd(100) }, headers)).status, 413);
    child.kill('SIGTERM');
    assert.is(await ended, 0);
  });
}

test('a model that is none, a port in use, options out of range: one sentence', async () => {
  await fails(['serve', join(folder, 'nowhere.safetensors')], 1, ['nowhere.safetensors', 'no such file']);
  await fails(['serve', table], 1, ['table.csv', 'is not a tightrec model', 'looks like a table']);
  await fails(['serve', file('cut.safetensors', new Uint8Array(20))], 1, ['cut.safetensors']);
  const taken = createServer();
  await new Promise<void>((resolve) => { taken.listen(0, '127.0.0.1', resolve); });
  const { port } = taken.address() as { port: number };
  await fails(['serve', out, '--port', String(port)], 1, [/^tightrec: another program listens at port \d+ of 127\.0\.0\.1 already; give another port/]);
  taken.close();
  await fails(['serve', out, '--port', '70000'], 2, [/^tightrec: --port must be a whole number from 0 to 65535, got 70000$/]);
  await fails(['serve', out, '--timeout', '0'], 2, [/^tightrec: --timeout must be a number of seconds from 0.001 to 1000000, got 0$/]);
  await fails(['serve', out, '--max-k', '1000000'], 2, [/^tightrec: --max-k must be a whole number from 1 to 100000, got 1000000$/]);
  await fails(['serve', out, '--host', '203.0.113.7', '--port', '0'], 1, ['this machine has no address 203.0.113.7']);
  const { stderr } = await fails(['serve', out, '--port', '0'], 2, [/^tightrec: TIGHTREC_TOKEN must be of letters/], { env: { TIGHTREC_TOKEN: 'two words' } });
  assert.not.match(stderr, 'two words');
  await fails(['serve', out, '--port', '0'], 2, [/^tightrec: TIGHTREC_TOKEN must be of letters/], { env: { TIGHTREC_TOKEN: '' } });
});

test.run();
