import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { StudyResult } from '../../lib/study/study.ts';
import { fails, succeeds } from '../helpers/command.ts';
import { place } from '../helpers/place.ts';
import { retailCsv, smallShop } from '../helpers/retail.ts';

const { folder, file, table, remove } = place(), rows = smallShop(), shop = file('shop.csv', retailCsv(rows));
const report = join(folder, 'report.html'), json = join(folder, 'study.json');
const quick = ['--models', 'popularity,purchase-history'];

const test = suite('cli/study');
test.before.each(() => { rmSync(report, { force: true }); rmSync(json, { force: true }); });
test.after(remove);

test('a table, a report and a JSON with the same figures', async () => {
  const { stdout, stderr } = await succeeds(['study', '--data', shop, '--models', 'logistic-mf,popularity', '--seed', '5', '--json', json, '--report', report]);
  const { data, models, machine, versions, seed } = JSON.parse(readFileSync(json, 'utf8')) as StudyResult;
  assert.equal(models.map(({ name }) => name), ['popularity', 'logistic-mf']);
  assert.equal([seed, data.source, data.generated, models[1].curve.length, models[1].settings.seed], [5, shop, false, 10, 5]);
  assert.ok(machine.cores > 0 && versions.node === process.versions.node);
  for (const { name, validation, test: last } of models) {
    assert.match(stdout, new RegExp(`^${name} +${validation.toFixed(4)} +${last.toFixed(4)} `, 'm'));
    assert.match(readFileSync(report, 'utf8'), last.toFixed(4));
  }
  assert.ok(stdout.endsWith(`JSON: ${json}\nReport: ${report}\n`));
  assert.match(stderr, /reading .*shop\.csv: [\d,]+ rows/);
  assert.match(stderr, 'the whole study took');
});

test('--all takes every model, those of the next item in a table of their own; not together with --models', async () => {
  const tiny = file('tiny.csv', retailCsv(smallShop({ invoices: 60 })));
  const { stdout } = await succeeds(['study', '--data', tiny, '--all', '--json', json, '--report', report]), { models } = JSON.parse(readFileSync(json, 'utf8')) as StudyResult;
  assert.equal(models.map(({ name }) => name), [
    'popularity', 'purchase-history', 'purchase-history, half-life', 'item-knn', 'ease', 'blend', 'logistic-mf', 'logistic-adagrad', 'bpr', "bpr, chapter's settings", 'bpr-sgd', 'als', "als, chapter's settings",
    'sequential', 'lstm', "lstm, chapter's settings", 'user-lstm', "user-lstm, chapter's settings",
  ]);
  assert.ok(stdout.indexOf('accuracy@5 of the next item') > stdout.indexOf('precision@5 over invoices'));
  assert.match(readFileSync(report, 'utf8'), '<code>npx tightrec study --all --seed 1</code>');
  await fails(['study', '--data', tiny, '--all', '--models', 'bpr'], 2, ["'--all' cannot be used with", '--models']);
  await fails(['study', '--data', tiny, '--models', 'sequential,gru'], 2, ["There is no 'gru'", 'sequential, lstm, user-lstm']);
  await fails(['fit', tiny, '--user', 'CustomerID', '--item', 'StockCode', '--model', 'sequential', '--out', join(folder, 'x.safetensors')], 2, ['sequential']);
});

test('the report goes to report.html, --no-report makes none, another file of that name is left alone', async () => {
  await succeeds(['study', '--data', shop, ...quick], { cwd: folder });
  assert.match(readFileSync(report, 'utf8'), '<title>Online Retail');
  await succeeds(['study', '--data', shop, ...quick], { cwd: folder }); // over its own
  rmSync(report);
  const { stdout } = await succeeds(['study', '--data', shop, ...quick, '--no-report', '--quiet'], { cwd: folder });
  assert.not.ok(existsSync(report) || stdout.includes('Report'));
  writeFileSync(report, '<h1>Sales of March</h1>');
  await fails(['study', '--data', shop, ...quick], 2, ['report.html exists and is no report of tightrec', '--report FILE'], { cwd: folder });
  assert.is(readFileSync(report, 'utf8'), '<h1>Sales of March</h1>');
});

test('generated data is announced in the first line and in the title', async () => {
  const { stdout, stderr } = await succeeds(['study', '--data', 'generated', '--models', 'popularity', '--report', report]);
  assert.match(stderr.split('\n')[0], 'GENERATED');
  assert.match(stdout.trim().split('\n')[0], 'GENERATED DATA');
  assert.match(readFileSync(report, 'utf8'), 'These are generated data');
});

test('a file that ends before October, other columns, a bad date: nothing is written', async () => {
  const outputs = ['--json', json, '--report', report];
  const early = file('early.csv', retailCsv(rows.filter(({ date }) => date < '2011-10-01')));
  await fails(['study', '--data', early, ...outputs], 1, ['early.csv', 'no validation rows', '2011-10-09']);
  await fails(['study', '--data', table, ...outputs], 1, ['table.csv', '"InvoiceNo"', 'the eight columns of Online Retail']);
  const bad = file('bad.csv', retailCsv(rows).replace('2010-12-01 10:00:00', 'soon'));
  await fails(['study', '--data', bad, ...outputs], 1, ['row 2', '"InvoiceDate"', '"soon"', '--on-bad-row skip']);
  await fails(['study', '--data', join(folder, 'nowhere.xlsx'), ...outputs], 1, ['nowhere.xlsx']);
  assert.not.ok(existsSync(json) || existsSync(report));
  assert.match((await succeeds(['study', '--data', bad, ...quick, '--on-bad-row', 'skip', '--report', report])).stderr, 'left out 1 bad row; the first: row 2, column InvoiceDate');
});

test('one customer and one item', async () => {
  const one = file('one.csv', retailCsv([1, 10, 11].map((month) => ({ invoice: String(month), item: 'only', date: `2011-${String(month).padStart(2, '0')}-20`, customer: '1' }))));
  await succeeds(['study', '--data', one, '--models', 'popularity,purchase-history,item-knn,ease,blend,logistic-mf,logistic-adagrad', '--report', report]);
});

test.run();
