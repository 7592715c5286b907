import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions, interactions } from '../../lib/data/index.ts';
import { NextItemLSTM } from '../../lib/index.ts';
import { MODELS } from '../../lib/study/models.ts';
import { invoicesOf, nextItemAccuracy, withoutState } from '../../lib/study/nextItemAccuracy.ts';
import { type OnlineRetail, type Piece, onlineRetail, readTransactions } from '../../lib/study/onlineRetail.ts';
import { reportOf } from '../../lib/study/report.ts';
import { sequentialBaseline } from '../../lib/study/sequentialBaseline.ts';
import { type StudyResult, runStudy } from '../../lib/study/study.ts';
import { tableOf } from '../../lib/study/table.ts';
import { noRealData, realData, retailCsv, smallShop } from '../helpers/retail.ts';
import { skip } from '../helpers/skip.ts';

const prepare = async (rows = smallShop({ customers: 120, invoices: 250 })): Promise<OnlineRetail> => onlineRetail(await readTransactions(new TextEncoder().encode(retailCsv(rows))));
const shop = await prepare();

const test = suite('study/nextItem');

/** The invoices of a piece, one by one: the raw id of the customer where train has one, and the stock codes. */
function invoices({ customer, groups: { indptr, items } }: Piece): { kind: 'known' | 'new' | 'none'; customer: string | null; codes: string[] }[] {
  return Array.from(customer, (row, g) => ({
    kind: row >= 0 ? 'known' : row === -1 ? 'new' : 'none', customer: row >= 0 ? String(shop.customers.decode(row)) : null,
    codes: [...items.subarray(indptr[g], indptr[g + 1])].map((item) => String(shop.items.decode(item))),
  }));
}

const share = (hits: readonly boolean[]): number | null => (hits.length === 0 ? null : hits.filter(Boolean).length / hits.length);

/** Whether `codes`, a basket of its own, has its last item among the five expected there from the item before alone. */
function expected(model: NextItemLSTM, customer: string | null, codes: string[]): boolean {
  const user = customer ?? 'nobody', data: Interactions = interactions(codes.map(() => user), codes, { users: model.users, items: model.items, baskets: codes.map(() => 1) });
  const { items } = model.recommendNext(data, { k: 5, state: 'zero' });
  return [...items.subarray(5 * codes.length - 5)].includes(data.item[codes.length - 1]);
}

test('all invoices of train are baskets, in order; nobody and who is new are the unknown user', () => {
  for (const piece of [shop.train, shop.validation]) {
    const { users, items, user, item, basket } = invoicesOf(piece, shop);
    assert.is(items, shop.items);
    assert.is(users.size, shop.customers.size + 1);
    assert.equal(item, piece.groups.items);
    let row = 0;
    for (const [g, { customer, codes }] of invoices(piece).entries()) {
      for (const code of codes) {
        assert.equal([items.decode(item[row]), basket![row]], [code, g]);
        assert.is(customer === null ? 0 : users.encode(customer), user[row]);
        row++;
      }
    }
    assert.is(row, piece.rows.length);
  }
});

for (const user of [false, true]) {
  test(`accuracy, by kind of invoice, from zero and leaked: as asked one row at a time${user ? ', with the customer' : ''}`, async () => {
    const model = await new NextItemLSTM({ factors: 6, hidden: 8, layers: 2, epochs: 4, learningRate: 0.02, user }).fit(invoicesOf(shop.train, shop));
    for (const piece of [shop.validation, shop.test]) {
      const carried: { kind: string; hit: boolean }[] = [], zero: boolean[] = [], leaked: boolean[] = [];
      for (const { kind, customer, codes } of invoices(piece)) {
        const session = model.session(customer);
        for (const [at, code] of codes.entries()) {
          carried.push({ kind, hit: session.top(5).some(({ item }) => item === code) });
          session.add(code);
          zero.push(expected(model, customer, codes.slice(Math.max(0, at - 1), at + 1)));
          leaked.push(expected(model, customer, [code, code]));
        }
      }
      const of = (kind: string) => share(carried.filter((row) => row.kind === kind).map(({ hit }) => hit));
      assert.equal(nextItemAccuracy(model, piece, shop), { all: share(carried.map(({ hit }) => hit)), known: of('known'), new: of('new'), none: of('none') });
      assert.equal(withoutState(model, piece, shop), { zeroState: share(zero), leaked: share(leaked) });
      assert.ok(share(zero)! > 0 && (['known', 'new', 'none']).every((kind) => of(kind) !== null));
    }
  });
}

const both = await runStudy(shop, { models: ['user-lstm', 'popularity', 'sequential', 'lstm', 'logistic-mf'], seed: 3 });
const sequences = both.models.filter(({ metric }) => metric === 'accuracy');

test('the rows: the baseline, and each LSTM by its own settings and by the chapter\'s', () => {
  assert.equal(both.models.map(({ name, metric, k }) => [name, metric, k]), [
    ['popularity', 'precision', 5], ['logistic-mf', 'precision', 5], ['sequential', 'accuracy', 5], ['lstm', 'accuracy', 5], ["lstm, chapter's settings", 'accuracy', 5],
    ['user-lstm', 'accuracy', 5], ["user-lstm, chapter's settings", 'accuracy', 5],
  ]);
  const [sequential, ...learned] = sequences;
  assert.equal([sequential.validation, sequential.test], [sequentialBaseline(shop.validation, shop), sequentialBaseline(shop.test, shop)]);
  assert.equal(learned.map(({ settings: { preset, user, seed } }) => [preset, user, seed]), [[null, false, 3], ['chapter', false, 3], [null, true, 3], ['chapter', true, 3]]);
  assert.equal(learned.map(({ curve }) => curve.map(({ epoch }) => epoch)), [[1, 2, 3, 4, 5], [1], [1, 2, 3, 4, 5], [1]]);
  for (const { validation, curve } of learned) assert.is(validation, curve[curve.length - 1].validation, 'the table has the last epoch');
});

test('what an accuracy is made of stands beside it; published figures only with the leaked protocol', () => {
  assert.equal(both.models.map(({ nextItem }) => nextItem === null), [true, true, true, false, false, false, false]);
  assert.ok(sequences.every(({ published, publishedNote }) => published === null && publishedNote === null));
  assert.equal(sequences.slice(1).map(({ nextItem }) => nextItem!.leaked.published), [null, 0.0713, null, 0.2525]);
  assert.equal(sequences.slice(1).map(({ note }) => note === null), [false, true, false, true]);
  for (const { nextItem, validation, test: last } of sequences.slice(1)) {
    const { known, new: strangers, none, zeroState, leaked } = nextItem!;
    for (const [all, piece, data] of [[validation, 'validation', shop.validation], [last, 'test', shop.test]] as const) {
      const rows = { known: 0, new: 0, none: 0 }, by = { known: known[piece], new: strangers[piece], none: none[piece] };
      for (const { kind, codes } of invoices(data)) rows[kind] += codes.length;
      const sum = (['known', 'new', 'none'] as const).reduce((total, kind) => total + rows[kind] * (by[kind] ?? 0), 0);
      assert.ok(Math.abs(sum / data.rows.length - all) < 1e-12, 'the parts make up the whole');
      assert.equal((['known', 'new', 'none'] as const).map((kind) => by[kind] === null), [rows.known === 0, rows.new === 0, rows.none === 0]);
      assert.ok(zeroState[piece]! <= 1 && leaked[piece]! <= 1);
    }
  }
  assert.equal(JSON.parse(JSON.stringify(both)).models[3].nextItem, both.models[3].nextItem);
});

test('the table: each metric by itself, best of its own, the leaked figures as an artefact', () => {
  const painted = tableOf(both, { bold: (text) => `<b>${text}</b>`, dim: (text) => text }).replace(/ \[\d\]/g, '    '), text = tableOf(both).replace(/ \[\d\]/g, '    '), lines = text.split('\n');
  const precision = lines.indexOf('precision@5 over invoices'), accuracy = lines.indexOf('accuracy@5 of the next item'), parts = lines.findIndex((line) => line.startsWith('accuracy@5 by the customer'));
  assert.ok(precision > 0 && accuracy > precision && parts > accuracy, text);
  assert.equal(lines.slice(precision + 2, accuracy - 1).map((line) => line.split(/ {2,}/)[0]), ['popularity', 'logistic-mf']);
  assert.equal(lines.slice(accuracy + 2, parts - 1).map((line) => line.split(/ {2,}/).slice(0, 3)), sequences.map(({ name, validation, test: last }) => [name, validation.toFixed(4), last.toFixed(4)]));
  assert.not.match(lines[accuracy + 1], 'published');
  assert.is(lines.slice(parts + 2, parts + 10).filter((line) => / (validation|test) /.test(line)).length, 8);
  const bold = [...painted.matchAll(/<b>(.*?) {2,}/g)].map(([, name]) => name), best = (models: StudyResult['models']) => models.filter((model) => model.test === Math.max(...models.map((one) => one.test))).map(({ name }) => name);
  assert.equal(bold, [...best(both.models.slice(0, 2)), ...best(sequences)]);
  const artefact = lines.find((line) => line.startsWith('An artefact'))!;
  assert.match(artefact, '(published: 0.0713)');
  assert.is(text.match(/0\.0713|0\.2525/g)!.length, 2);
  assert.match(text, 'accuracy@5 is the share of the rows of invoices');
});

test('without one of the metrics there is no table of it', async () => {
  assert.not.match(tableOf({ ...both, models: sequences }), 'precision@5');
  assert.not.match(await reportOf({ ...both, models: sequences }), 'precision@5 over');
  assert.not.match(tableOf({ ...both, models: both.models.slice(0, 2) }), /accuracy|artefact/);
});

test('the report: a table a metric, curves that say which, and the command that measures the same', async () => {
  const html = await reportOf(both), charts = JSON.parse(/id="charts">(.*?)<\/script>/.exec(html)![1]) as { title: string; yLabel: string; top: number; marks: { label: string }[] }[];
  const [precision, accuracy] = ['precision', 'accuracy'].map((metric) => new RegExp(`<section aria-labelledby="results-${metric}">.*?</section>`, 's').exec(html)![0]);
  assert.ok(precision.includes('logistic-mf') && !precision.includes('lstm') && accuracy.includes('user-lstm') && !accuracy.includes('logistic-mf'));
  for (const section of [precision, accuracy]) assert.is(section.match(/<tr class="best">/g)!.length, 1);
  assert.match(accuracy, 'accuracy@5 is the share of the rows of invoices');
  assert.match(accuracy, /An artefact.*\(published: 0\.0713\)/);
  assert.equal(charts.slice(0, 5).map(({ title, yLabel }) => [title, yLabel]), [['logistic-mf', 'precision@5'], ...sequences.slice(1).map(({ name }) => [name, 'accuracy@5'])]);
  assert.match(html, 'Those of one metric are on one scale.');
  assert.match(charts[1].marks[0].label, /^sequential 0\.\d{4}$/);
  assert.match(html, 'npx tightrec study --models popularity,logistic-mf,sequential,lstm,user-lstm --seed 3');
  const as = (...names: string[]): Promise<string> => reportOf({ ...both, models: names.map((name) => ({ ...sequences[0], name })) });
  assert.match(await as(...MODELS), '<code>npx tightrec study --seed 3</code>');
  assert.match(await as(...MODELS, 'sequential', "lstm, chapter's settings", 'user-lstm'), '<code>npx tightrec study --all --seed 3</code>');
  assert.match(await as('user-lstm'), '<code>npx tightrec study --models user-lstm --seed 3</code>');
});

test('says loss, pace and time left, and stops when it is told to', async () => {
  const notes: string[] = [], ends: string[] = [], controller = new AbortController(), why = new Error('enough');
  const progress = { say() {}, begin: (name: string) => ({ at: (_: number, note = '') => { notes.push(note); }, end: (note = '') => { ends.push(`${name}: ${note}`); } }) };
  await runStudy(shop, { models: ['lstm'], progress });
  assert.ok(notes.some((note) => /^loss \d+\.\d{4}, \d+\.\d steps\/s, \d+ (s|min) left(, accuracy@5 0\.\d{4})?$/.test(note)), notes[0]);
  assert.match(ends[0], /^lstm: validation 0\.\d{4}, test 0\.\d{4}$/);
  const stopping = { say() {}, begin: () => ({ at() { controller.abort(why); }, end() {} }) };
  try { await runStudy(shop, { models: ['user-lstm'], progress: stopping, signal: controller.signal }); } catch (error) { assert.is(error, why); return; }
  assert.unreachable();
});

test('one customer, one item, and nobody who is new', async () => {
  const one = await prepare([1, 10, 11].map((month) => ({ invoice: String(month), item: 'only', date: `2011-${String(month).padStart(2, '0')}-20`, customer: '1' })));
  const { models: [model] } = await runStudy(one, { models: ['lstm'] });
  assert.equal([model.validation, model.test, model.nextItem!.known.test, model.nextItem!.new.test, model.nextItem!.none.test], [1, 1, 1, null, null]);
  assert.match(tableOf({ ...both, models: [model] }), /lstm +test +1\.0000 +- +- +1\.0000/);
});

if (realData === null) skip('study/nextItem, the baseline of the data', noRealData);
else {
  test('the real data: the sequential row', async () => {
    const { models } = await runStudy(await onlineRetail(await readTransactions(realData!)), { models: ['sequential'] });
    assert.equal(models.map(({ name, metric, validation }) => [name, metric, validation]), [['sequential', 'accuracy', 0.012705553831833695]]);
  });
}

test.run();
