import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { windows } from '../../lib/data/index.ts';
import { invoicePrecision } from '../../lib/study/invoicePrecision.ts';
import { type OnlineRetail, knownInvoices, onlineRetail, readTransactions } from '../../lib/study/onlineRetail.ts';
import { sequentialBaseline } from '../../lib/study/sequentialBaseline.ts';
import { PurchaseHistory } from '../../lib/models/purchaseHistory.ts';
import { rejects } from '../helpers/refuses.ts';
import { RETAIL_HEADER, type RetailRow, noRealData, realData, retailCsv } from '../helpers/retail.ts';
import { skip } from '../helpers/skip.ts';

const read = (csv: string) => readTransactions(new TextEncoder().encode(csv));
const prepare = async (rows: readonly RetailRow[]): Promise<OnlineRetail> => onlineRetail(await read(retailCsv(rows)));

const test = suite('study/onlineRetail');

/** Two items before, one invoice in each later month. */
const rows: RetailRow[] = [
  { invoice: '1', item: 'm', date: '2011-01-01', customer: '17850.0' },
  { invoice: '1', item: '85123A', date: '2011-01-01', customer: '17850.0' },
  { invoice: 'C2', item: 'POST', date: '2011-01-02', customer: '17850.0' },
  { invoice: '3', item: '85123A', date: '2011-01-03', customer: '12346' },
  { invoice: 'A4', item: 'gift', date: '2011-10-08', customer: '' },
  { invoice: '5', item: '85123A', date: '2011-10-09', customer: '17850' },
  { invoice: '5', item: '85123A', date: '2011-10-09', customer: '17850' },
  { invoice: '6', item: 'm', date: '2011-10-10', customer: '99999' },
  { invoice: '7', item: 'new', date: '2011-11-09', customer: '' },
];

test('splits by the wall clock, leaves cancelled invoices out, keeps others that begin with a letter', async () => {
  const data = await prepare(rows);
  assert.is(data.kept, 8);
  assert.equal([data.train, data.validation, data.test].map((piece) => piece.rows.length), [4, 3, 1]);
  assert.equal([data.train, data.validation, data.test].map((piece) => piece.customer.length), [3, 2, 1]);
  assert.equal(data.items.known(), ['85123A', 'gift', 'm', 'new'], 'by code point, POST of the cancelled invoice not among them');
});

test('17850.0 and 17850 are one customer, no text is none, and one that train does not know is new', async () => {
  const data = await prepare(rows);
  assert.equal(data.customers.known(), ['12346', '17850']);
  assert.equal([...data.train.customer], [1, 0, -2]);
  assert.equal([...data.validation.customer], [1, -1]);
  assert.equal(knownInvoices(data.validation), { known: 1, new: 1, none: 0 });
});

test('the matrix ends with the last item bought by a customer, popularity counts all rows', async () => {
  const data = await prepare(rows);
  assert.equal([data.training.users.size, data.training.items.size], [2, 3]);
  assert.equal([...data.counts], [2, 1, 1, 0]);
  assert.equal([...data.ranking], [0, 1, 2, 3]);
});

test('precision counts every row of an invoice and gives popular items to the unknown', async () => {
  const data = await prepare(rows), model = await new PurchaseHistory().fit(data.training);
  // lists hold all four items (five places): three rows of two invoices hit
  assert.is(invoicePrecision(null, data.validation, data), 3 / 10);
  assert.is(invoicePrecision(model, data.validation, data), 3 / 10);
  assert.is(invoicePrecision(null, data.test, data), 1 / 5);
});

test('the sequential baseline does not offer what the invoice holds already', async () => {
  // 85123A hits, 85123A again misses, m hits
  assert.is(sequentialBaseline((await prepare(rows)).validation, await prepare(rows)), 2 / 3);
});

test('other columns: says which eight the study reads', async () => {
  await rejects(() => read('user,item\n1,2\n'), 'column-missing', 'InvoiceNo', 'user', 'the eight columns of Online Retail');
  await rejects(() => read(`${RETAIL_HEADER.replace(',Country', '')}\n1,2,x,1,2011-01-01,1,1\n`), 'column-missing', 'Country');
});

test('nothing before, between or after the dates: says so, and which dates there are', async () => {
  await rejects(() => prepare(rows.slice(0, 5)), 'bad-input', 'no validation rows', '2011-10-09', '2011-01-01 to 2011-10-08');
  await rejects(() => prepare(rows.slice(0, 8)), 'bad-input', 'no test rows');
  await rejects(() => prepare(rows.slice(5)), 'bad-input', 'no training rows');
  await rejects(() => prepare(rows.slice(2, 3)), 'bad-input', 'cancelled');
  await rejects(() => prepare(rows.slice(4)), 'bad-input', 'CustomerID');
});

test('one customer and one item', async () => {
  const data = await prepare([1, 10, 11].map((month) => ({ invoice: String(month), item: 'only', date: `2011-${String(month).padStart(2, '0')}-20`, customer: '1' })));
  const model = await new PurchaseHistory().fit(data.training);
  assert.is(invoicePrecision(model, data.test, data), 1 / 5);
});

if (realData === null) skip('study/onlineRetail, the figures of the data', noRealData);
else {
  const data = await onlineRetail(await readTransactions(realData)), { train, validation, test: last } = data;

  test('the real data: rows, stock codes, pieces, invoices', () => {
    assert.is(data.transactions.rows, 541_909);
    assert.is(data.kept, 532_621);
    assert.is(data.items.size, 4059);
    assert.equal([train, validation, last].map((piece) => piece.rows.length), [378_470, 64_460, 89_691]);
    assert.equal([train, validation, last].map((piece) => piece.customer.length), [16_456, 2435, 3173]);
    assert.is(data.items.decode(data.items.size - 1), 'm');
  });

  test('the real data: customers and the matrix', () => {
    assert.is(data.customers.size, 3706);
    assert.equal(knownInvoices(validation), { known: 1664, new: 433, none: 338 });
    assert.is(data.training.user.length, 278_511);
    assert.is(data.training.matrix.indices.length, 196_850);
    assert.equal([data.training.matrix.rows, data.training.matrix.columns], [3706, 4052]);
  });

  test('the real data: the five most bought items', () => {
    const top = [...data.ranking.subarray(0, 5)];
    assert.equal(top, [3527, 3506, 1347, 2730, 180]);
    assert.equal(top.map((item) => data.items.decode(item)), ['85123A', '85099B', '22423', '47566', '20725']);
    assert.equal(top.map((item) => data.counts[item]), [1814, 1667, 1622, 1527, 1298]);
  });

  test('the real data: precision of the five most bought items, and the sequential baseline', () => {
    assert.is(invoicePrecision(null, validation, data), 782 / (2435 * 5));
    assert.is(invoicePrecision(null, last, data), 1000 / (3173 * 5));
    assert.is(sequentialBaseline(validation, data), 819 / 64_460);
  });

  test('the real data: windows of five places', () => assert.is(windows(train.groups, 5).from.length, 327_531));

  test('the real data: the first invoices, counted from 1', () => {
    const invoice = (g: number) => [...train.groups.items.subarray(train.groups.indptr[g], train.groups.indptr[g + 1])].map((item) => item + 1);
    assert.equal([...train.customer.subarray(0, 2)].map((row) => row + 1), [3439, 3439]);
    assert.equal(invoice(0), [3528, 2792, 3041, 2982, 2981, 1662, 800]);
    assert.equal(invoice(1), [1547, 1546]);
  });
}

test.run();
