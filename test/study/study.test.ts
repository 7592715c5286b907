import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generateTransactions } from '../../lib/study/generate.ts';
import { onlineRetail, readTransactions } from '../../lib/study/onlineRetail.ts';
import { runStudy } from '../../lib/study/study.ts';
import { tableOf } from '../../lib/study/table.ts';
import { retailCsv, smallShop } from '../helpers/retail.ts';

const shop = await onlineRetail(await readTransactions(new TextEncoder().encode(retailCsv(smallShop())))), made = await onlineRetail(generateTransactions(1, 0.05));

const test = suite('study/study');

test('each model asked for, in the order of the table, with its curve', async () => {
  const { models, data, seed } = await runStudy(shop, { models: ['logistic-mf', 'popularity', 'purchase-history'], seed: 3 });
  assert.equal(models.map(({ name }) => name), ['popularity', 'purchase-history', 'purchase-history, half-life', 'logistic-mf']);
  assert.equal(models.map(({ curve }) => curve.length), [0, 0, 6, 10]);
  assert.equal(models.map(({ published }) => published), [0.0642, null, null, 0.151]);
  for (const { metric, k, validation, test: last, fitSeconds, curve } of models) {
    assert.equal([metric, k], ['precision', 5]);
    for (const value of [validation, last, fitSeconds, ...curve.map((point) => point.validation)]) assert.ok(value >= 0 && value < 10, String(value));
  }
  const [, , halfLife, logistic] = models;
  assert.is(halfLife.validation, Math.max(...halfLife.curve.map((point) => point.validation)));
  assert.is(halfLife.settings.halfLife, halfLife.curve.find((point) => point.validation === halfLife.validation)!.halfLife);
  assert.is(logistic.validation, logistic.curve[9].validation, 'the table has the last epoch');
  assert.equal([logistic.settings.seed, seed], [3, 3]);
  assert.is(data.rows, data.train.rows + data.validation.rows + data.test.rows);
  assert.is(data.rowsRead, data.rows + data.cancelled);
  assert.is(data.shape.months.reduce((sum, month) => sum + month.train + month.validation + month.test, 0), data.rows);
  assert.is(data.shape.invoiceSizes.reduce((sum, bin) => sum + bin.invoices, 0), data.train.invoices + data.validation.invoices + data.test.invoices);
});

test('who buys the same things again is best served by what they bought', async () => {
  const { models: [popularity, history] } = await runStudy(shop, { models: ['popularity', 'purchase-history'] });
  assert.ok(history.test > 1.5 * popularity.test, `${history.test} and ${popularity.test}`);
});

test('the strong simple models: settings and weights beside them, and the best of all where people come back', async () => {
  const { models } = await runStudy(shop, { models: ['blend', 'ease', 'item-knn', 'logistic-adagrad', 'popularity'], seed: 2 }), [popularity, knn, ease, blend, logistic] = models;
  assert.equal(models.map(({ name }) => name), ['popularity', 'item-knn', 'ease', 'blend', 'logistic-adagrad']);
  assert.equal([knn.settings.likeness, ease.settings.amounts, logistic.settings.seed, logistic.settings.epochs], ['bm25', 'counts', 2, logistic.curve.at(-1)!.epoch]);
  assert.match(String(blend.settings.weights), /^[\d.e-]+( [\d.e-]+){2}$/);
  for (const word of ['x EASE (lambda', 'x PurchaseHistory (halfLife', 'x Popularity (halfLife', 'chosen on validation', 'flatters it']) assert.match(blend.note!, word);
  for (const { note } of [knn, ease, logistic]) assert.match(note!, 'settings chosen on validation');
  assert.ok(blend.validation >= ease.validation && blend.test > 1.5 * popularity.test, `${blend.validation} ${ease.validation} ${blend.test} ${popularity.test}`);
});

test('the same seed gives the same figures, another seed others', async () => {
  const figures = async (seed: number) => (await runStudy(shop, { models: ['logistic-mf'], seed })).models.map(({ validation, test: last, curve }) => [validation, last, curve]);
  assert.equal(await figures(1), await figures(1));
  assert.is.not(JSON.stringify(await figures(1)), JSON.stringify(await figures(2)));
});

test('generated data: the shape of the real, the same for the same seed, and no published figures beside them', async () => {
  const again = generateTransactions(1, 0.05), result = await runStudy(made, { models: ['popularity', 'purchase-history'] });
  assert.equal(again.invoice, made.transactions.invoice);
  assert.equal(again.stockCode, made.transactions.stockCode);
  assert.equal(again.date, made.transactions.date);
  assert.ok(result.models.every(({ published }) => published === null));
  assert.ok(result.models[1].test > result.models[0].test);
  assert.match(tableOf(result).split('\n')[0], 'GENERATED DATA');
  assert.ok(result.data.generated && result.data.cancelled > 0 && result.data.validation.new > 0 && result.data.validation.none > 0);
});

test('stops when it is told to', async () => {
  const why = new Error('enough'), controller = new AbortController();
  setTimeout(() => controller.abort(why), 50);
  try { await runStudy(shop, { models: ['bpr'], signal: controller.signal }); } catch (error) { assert.is(error, why); return; }
  assert.unreachable();
});

test('the table: figures under one another, each note once', async () => {
  const result = await runStudy(shop, { models: ['popularity', 'purchase-history'] });
  const [popularity, history, halfLife] = result.models;
  const same = { ...history, published: 0.154, publishedNote: 'could not be had' };
  const text = tableOf({ ...result, models: [{ ...popularity, fitSeconds: 12.34 }, same, { ...same, note: halfLife.note, name: 'one with a very long name indeed' }] });
  const lines = text.split('\n'), head = lines.findIndex((line) => line.startsWith('model'));
  assert.is(lines[head].indexOf('validation') + 'validation'.length, lines[head + 1].indexOf(popularity.validation.toFixed(4)) + 6);
  assert.ok(lines[head + 1].endsWith('12.3 s'));
  assert.ok(lines[head + 2].includes('0.154  [1]') && lines[head + 3].includes('0.154  [1]') && lines[head + 3].includes('indeed [2]'), text);
  assert.is(text.match(/could not be had/g)!.length, 1);
  assert.not.ok(text.includes('\u001b') || / \n/.test(text));
});

test.run();
