import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { fails, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';

const { folder, out, table, csv, columns, file, remove } = place();
const small = ['fit', table, ...columns, '--model', 'bpr', '--factors', '4', '--epochs', '1', '--out', out];

const test = suite('cli/bad models');
test.before.each(() => rmSync(out, { force: true }));
test.after(remove);

test('a model file cut short, edited, or none', async () => {
  await succeeds(small);
  const bytes = readFileSync(out), edited = Buffer.from(bytes);
  edited[edited.length - 3] ^= 0x40;
  const broken = { cut: bytes.subarray(0, bytes.length - 20), short: bytes.subarray(0, 5), empty: Buffer.alloc(0), edited, longer: Buffer.concat([bytes, Buffer.from('more')]), other: Buffer.from(csv) };
  for (const [name, content] of Object.entries(broken)) await fails(['recommend', file(`${name}.model`, content), '--user', 'u1'], 1, [`${name}.model`]);
  const path = join(folder, 'cut.model');
  for (const args of [['similar', path, '--item', 'i1'], ['info', path], ['evaluate', path, table, ...columns]]) await fails(args, 1, ['cut.model']);
  await fails(['info', join(folder, 'nowhere.model')], 1, ['nowhere.model', 'no such file']);
  await fails(['info', folder], 1, ['a directory']);
});

test('a file that is no model: what it looks like', async () => {
  const others = { 'table.model': csv, 'text.model': 'Dear all\n', 'book.model': 'PK\x03\x04 and so on', 'none.model': '' };
  const says = { 'table.model': 'looks like a table', 'text.model': 'looks like text', 'book.model': 'looks like a workbook', 'none.model': 'is empty' };
  for (const [name, content] of Object.entries(others)) {
    const path = file(name, content), words = [name, 'is not a tightrec model', says[name as keyof typeof says], 'tightrec fit --out'];
    for (const args of [['info', path], ['recommend', path, '--user', 'u1']]) await fails(args, 1, words);
  }
});

test('a model of a later version', async () => {
  await succeeds(small);
  const later = readFileSync(out).toString('latin1').replace('"version":"1"', '"version":"7"');
  await fails(['info', file('later.model', Buffer.from(later, 'latin1'))], 1, ['later.model', 'a newer tightrec', 'version is 7', 'update tightrec']);
});

test('evaluate --k beyond the catalogue: as recommend', async () => {
  await succeeds(small);
  const { stdout, stderr } = await succeeds(['evaluate', out, table, ...columns, '--k', '1000000000', '--include-seen', '--metrics', 'recall']);
  assert.match(stderr, 'the model knows 7 items, so no list is longer than that');
  assert.match(stdout, /recall@7 +1\.0000/);
  assert.match((await succeeds(['recommend', out, '--user', 'u1', '--k', '1000000000'])).stderr, 'the model knows 7 items, so no list is longer than that');
});

test('an id with line breaks stays on one line', async () => {
  await succeeds(small);
  await fails(['recommend', out, '--user', 'a\nb\u2028c'], 1, ['a', 'among the 9']);
  const { stderr } = await fails(['recommend', out, '--user', 'u1', '--k', 'a\nb'], 2, ["'a b' is invalid"]);
  assert.not.match(stderr, 'a\nb');
});

test('ids never seen, lists longer than the catalogue', async () => {
  await succeeds(small);
  await fails(['recommend', out, '--user', 'nobody'], 1, ["'nobody'", 'among the 9', '--fallback popularity']);
  await fails(['similar', out, '--item', 'nothing'], 1, ["'nothing'", 'among the 7']);
  const popular = await succeeds(['recommend', out, '--user', 'nobody', '--fallback', 'popularity', '--json', '--k', '99']);
  assert.is((JSON.parse(popular.stdout) as unknown[]).length, 7);
  assert.match(popular.stderr, 'the most popular items');
  const similar = await succeeds(['similar', out, '--item', 'i1', '--k', '99', '--json']);
  assert.is((JSON.parse(similar.stdout) as unknown[]).length, 6);
  for (const k of ['0', '-1', '1.5', 'NaN', 'ten']) await fails(['recommend', out, '--user', 'u1', '--k', k], 2, ['--k', k]);
});

test('a model that knows no likeness', async () => {
  await succeeds(['fit', table, ...columns, '--model', 'popularity', '--out', out]);
  await fails(['similar', out, '--item', 'i1'], 1, ['no item vectors', '--model bpr or --model logistic-mf']);
});

test('held-out rows that the model does not know', async () => {
  await succeeds(small);
  const heldOut = file('held-out.csv', 'user,item\nu1,i2\nu1,new\nnew,i1\nnew,new\nu2,i1\n');
  const { stdout, stderr } = await succeeds(['evaluate', out, heldOut, ...columns, '--json', '--k', '3', '--metrics', 'precision,auc']);
  const measured = JSON.parse(stdout) as Record<string, number>;
  assert.equal([measured.rows, measured.users, measured.unknownUser, measured.unknownItem, measured.alreadySeen], [5, 2, 2, 1, 0]);
  assert.match(stderr, 'left out 2 rows of users and 1 of items');
  assert.ok(measured.precision >= 0 && measured.precision <= 1 && measured.auc >= 0);
  await fails(['evaluate', out, file('strangers.csv', 'user,item\nx,i1\nu1,y\n'), ...columns], 1, ['none of its 2 rows', '1 has an unknown user', '1 an unknown item']);
  await fails(['evaluate', out, heldOut, ...columns, '--metrics', 'precision,luck'], 2, ['luck', 'ndcg']);
});

test('held-out rows that were trained on: said, and missed', async () => {
  await succeeds(small);
  const { stdout, stderr } = await succeeds(['evaluate', out, table, ...columns, '--metrics', 'recall']);
  assert.match(stderr, '32 of 32 held-out pairs were in the training data too');
  assert.match(stdout, /recall@7 +0\.0000/);
  assert.match((await succeeds(['evaluate', out, table, ...columns, '--metrics', 'recall', '--include-seen'])).stdout, /recall@7 +1\.0000/);
});

test.run();
