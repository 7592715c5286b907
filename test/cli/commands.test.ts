import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { version } from '../../lib/study/packageRoot.ts';
import { command, fails, run, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';
import { skip } from '../helpers/skip.ts';

const { folder, out, table, columns, file, remove } = place();
const fit = (model: string, ...more: string[]) => ['fit', table, ...columns, '--model', model, '--out', out, ...more];
const tiny = fit('bpr', '--factors', '4', '--epochs', '3');

const test = suite('cli/commands');
test.before.each(() => rmSync(out, { force: true }));
test.after(remove);

test('--version and --help, everywhere', async () => {
  assert.is((await succeeds(['--version'])).stdout, `${version}\n`);
  assert.match((await succeeds(['--help'])).stdout, /Commands:[^]*study[^]*fit[^]*recommend[^]*similar[^]*evaluate[^]*info[^]*Examples:/);
  for (const name of ['study', 'fit', 'recommend', 'similar', 'evaluate']) assert.match((await succeeds([name, '--help'])).stdout, /Options:[^]*Examples?:/, name);
});

test('called wrongly: code 2, and how it is called', async () => {
  const nothing = await run([]);
  assert.is(nothing.code, 2);
  assert.match(nothing.stderr, 'Commands:');
  await fails(['fly'], 2, ['fly']);
  await fails(['fit'], 2, [/missing required argument|required option/]);
  await fails(['fit', table], 2, ['--user']);
  await fails(['fit', table, ...columns, '--out', out], 2, ['--model']);
  await fails([...tiny, '--speed', '9'], 2, ['--speed']);
  await fails([...tiny, 'another.csv'], 2, [/too many arguments/]);
  await fails(['study', '--models', 'svd'], 2, ["no 'svd'", 'popularity']);
  await fails(['study', '--seed', 'x'], 2, ['--seed']);
  await succeeds(tiny);
  await fails(['recommend', out], 2, ['--user ID or --all']);
  await fails(['recommend', out, '--user', 'u1', '--all'], 2, ['--user ID or --all']);
  await fails(['recommend', out, '--user', 'u1', '--out', 'x'], 2, ['--out goes with --all']);
  await fails(['recommend', out, '--all', '--explain'], 2, ['--explain goes with --user']);
});

test('fit, and what it made: recommend, similar, info', async () => {
  const fitted = await succeeds(tiny);
  assert.match(fitted.stdout, /^BPR of 9 users and 7 items, from 32 interactions, in \d+\.\d s\n.*model\.safetensors: [\d,]+ bytes\n$/);
  assert.match(fitted.stderr, /reading .*table\.csv: 32 rows/);

  const seen = new Set(['i0', 'i2', 'i4', 'i6']), list = JSON.parse((await succeeds(['recommend', out, '--user', 'u0', '--json'])).stdout) as { item: string; score: number }[];
  assert.equal(list.map(({ item }) => item).sort(), ['i1', 'i3', 'i5'], 'what u0 has already is left out');
  assert.ok(list[0].score >= list[1].score && list[1].score >= list[2].score);
  const all = JSON.parse((await succeeds(['recommend', out, '--user', 'u0', '--json', '--include-seen', '--k', '7'])).stdout) as { item: string }[];
  assert.ok([...seen].every((item) => all.some((entry) => entry.item === item)));
  const text = (await succeeds(['recommend', out, '--user', 'u0', '--k', '2'])).stdout.split('\n');
  assert.match(text[0], /^item +score$/);
  assert.is(text[1], `${list[0].item.padEnd(4)}  ${list[0].score.toFixed(4).padStart(Math.max(...text.slice(1, 3).map((line) => line.length - 6)))}`);

  const reasons = JSON.parse((await succeeds(['recommend', out, '--user', 'u0', '--json', '--explain'])).stdout) as { item: string; because: { item: string; by: string; value: number }[] }[];
  assert.equal(reasons.map(({ item, because }) => [item, because.length, because[0].by, seen.has(because[0].item)]), list.map(({ item }) => [item, 1, 'cosine', true]));
  const because = (await succeeds(['recommend', out, '--user', 'u0', '--k', '2', '--explain'])).stdout.split('\n');
  assert.match(because[0], /^item +score +because of +cosine$/);
  assert.ok(because[1].startsWith(text[1]) && because[1].includes(reasons[0].because[0].item) && because[1].endsWith(reasons[0].because[0].value.toFixed(4)));
  assert.not.match((await succeeds(['recommend', out, '--user', 'nobody', '--fallback', 'popularity', '--explain'])).stdout, /because/);

  const similar = JSON.parse((await succeeds(['similar', out, '--item', 'i1', '--json', '--k', '3'])).stdout) as { item: string }[];
  assert.ok(similar.length === 3 && similar.every(({ item }) => item !== 'i1'));

  const info = JSON.parse((await succeeds(['info', out, '--json'])).stdout) as Record<string, unknown>;
  assert.equal([info.model, info.users, info.items, info.pairs, info.bytes], ['BPR', 9, 7, 32, readFileSync(out).length]);
  assert.equal((info.settings as Record<string, unknown>).factors, 4);
  assert.match((await succeeds(['info', out])).stdout, /^model +BPR\nusers +9, such as u0, u1, u2\n[^]*user_factors +9 x 4\n/);
});

test('--set reaches the model, and so do the other options', async () => {
  await succeeds(fit('logistic-mf', '--factors', '3', '--epochs', '2', '--learning-rate', '0.01', '--l2', '0', '--seed', '7', '--set', 'negatives=2', '--set', 'batchSize=10'));
  const { settings } = JSON.parse((await succeeds(['info', out, '--json'])).stdout) as { settings: Record<string, number> };
  for (const [name, value] of Object.entries({ factors: 3, epochs: 2, learningRate: 0.01, l2: 0, seed: 7, negatives: 2, batchSize: 10 })) assert.is(settings[name], value, name);
  await succeeds(fit('purchase-history', '--half-life', '30', '--time', 'when', '--value', 'much', '--seed', '9'));
  assert.match((await succeeds(['info', out])).stdout, /halfLife +30\n[^]*latest +2011-07-09T/);
});

test('the same command twice gives the same bytes, another seed others', async () => {
  const bytesOf = async (...more: string[]) => { await succeeds([...tiny, ...more]); return readFileSync(out).toString('base64'); };
  const first = await bytesOf('--seed', '3');
  assert.is(await bytesOf('--seed', '3'), first);
  assert.is.not(await bytesOf('--seed', '4'), first);
});

test('recommend --all: CSV for everybody, to stdout or a file', async () => {
  await succeeds(['fit', file('odd.csv', 'user,item\n"a,b",i1\n"a,b","i ""2"""\nc,i1\nc,i3\n'), ...columns, '--model', 'popularity', '--out', out]);
  const { stdout } = await succeeds(['recommend', out, '--all', '--k', '2']), lists = join(folder, 'lists.csv');
  assert.is(stdout, 'user,rank,item,score\n"a,b",1,i3,1\nc,1,"i ""2""",1\n');
  assert.match((await succeeds(['recommend', out, '--all', '--k', '2', '--out', lists])).stdout, 'lists.csv: 2 items for each of 2 users');
  assert.is(readFileSync(lists, 'utf8'), stdout);
});

test('--quiet says nothing but the result; nothing is coloured when it is not a terminal', async () => {
  assert.is((await succeeds([...tiny, '--quiet'])).stderr, '');
  const { stdout, stderr } = await run(tiny, { env: { FORCE_COLOR: '1' } });
  assert.not.ok((stdout + stderr).includes('\u001b'));
});

test('a reader that goes away, as with | head, is no failure', async () => {
  await succeeds(['fit', file('many.csv', `user,item\n${Array.from({ length: 30_000 }, (_, n) => `user-with-a-long-name-${n},i${n % 50}`).join('\n')}\n`), ...columns, '--model', 'popularity', '--out', out]);
  const child = spawn(process.execPath, [...command, 'recommend', out, '--all', '--quiet'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => { stderr += chunk; });
  child.stdout.once('data', () => child.stdout.destroy());
  const code = await new Promise<number | null>((resolve) => { child.on('close', resolve); });
  assert.equal([code, stderr], [0, '']);
});

// `script` of util-linux lends a terminal
if (spawnSync('script', ['--version']).status !== 0 || process.platform !== 'linux') skip('cli/commands on a terminal', 'there is no script(1) of util-linux');
else {
  test('on a terminal: a bar that goes away, and no colours with NO_COLOR', () => {
    const quoted = [process.execPath, ...command, ...fit('bpr', '--factors', '16', '--epochs', '20')].map((word) => `'${word}'`).join(' ');
    const { stdout, status } = spawnSync('script', ['-qec', quoted, '/dev/null'], { encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', TERM: 'xterm', FORCE_COLOR: undefined } });
    assert.is(status, 0);
    assert.match(stdout, /BPR.*━.*%/);
    assert.not.ok(stdout.split('\u001b[').slice(1).some((after) => /^[0-9;]*m/.test(after)), 'a colour');
    assert.ok(stdout.lastIndexOf('\u001b[?25h') > stdout.lastIndexOf('\u001b[?25l'), 'the cursor is back');
  });
}

test('TIGHTREC_DEBUG=1 shows where', async () => {
  const { code, stderr } = await run(['info', join(folder, 'nowhere')], { env: { TIGHTREC_DEBUG: '1' } });
  assert.is(code, 1);
  assert.match(stderr, /\n +at /);
});

test.run();
