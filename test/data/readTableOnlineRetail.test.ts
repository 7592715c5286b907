import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type ColumnType, type Table, readTable } from '../../lib/data/readTable.ts';
import { csvToXlsx } from '../helpers/makeXlsx.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('data/readTable: Online Retail');
const file = fileURLToPath(new URL('../../../shared/data/online-retail/online-retail.csv.gz', import.meta.url));

// customers as numbers: the CSV writes them as 17850.0, the workbook as 17850
const columns: Record<string, ColumnType> = {
  InvoiceNo: 'string', StockCode: 'string', Description: 'string', Quantity: 'number', InvoiceDate: 'date', UnitPrice: 'number', CustomerID: 'number', Country: 'string',
};

/** The figures that shared/data/README.md gives, and sums as Python's csv finds them. */
function figures({ columns: { InvoiceNo, StockCode, Quantity, UnitPrice, InvoiceDate, CustomerID, Country }, rows }: Table): unknown {
  const items = new Set<string>(), from = (day: string) => Date.parse(`${day}T00:00Z`);
  let kept = 0, train = 0, validation = 0, quantity = 0, pence = 0, customers = 0, invoices = 0, last = '';
  for (let k = 0; k < rows; k++) {
    quantity += Quantity[k] as number;
    pence += Math.round((UnitPrice[k] as number) * 1000);
    if ((InvoiceNo[k] as string).startsWith('C')) continue;
    kept++;
    items.add(StockCode[k] as string);
    if ((InvoiceDate[k] as number) < from('2011-10-09')) {
      train++;
      if (!Number.isNaN(CustomerID[k])) customers++;
      if (InvoiceNo[k] !== last) invoices++;
      last = InvoiceNo[k] as string;
    } else if ((InvoiceDate[k] as number) < from('2011-11-09')) validation++;
  }
  return { rows, kept, items: items.size, train, validation, test: kept - train - validation, customers, invoices, quantity, price: pence / 1000, countries: new Set(Country as string[]).size };
}

if (!existsSync(file)) skip('data/readTable: Online Retail', `${file} is not here`);
else {
  let csv: Table;
  test('the CSV holds what it is known to hold', async () => {
    csv = await readTable(file, { columns, optional: ['CustomerID'] });
    assert.equal(csv.names, Object.keys(columns));
    assert.equal(figures(csv), { rows: 541_909, kept: 532_621, items: 4059, train: 378_470, validation: 64_460, test: 89_691, customers: 278_511, invoices: 16_456, quantity: 5_176_450, price: 2_498_803.974, countries: 38 });
  });

  test('a workbook of the same rows has the same columns', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tightrec-'));
    try {
      await csvToXlsx(file, join(folder, 'retail.xlsx'), { level: 1 });
      const workbook = await readTable(join(folder, 'retail.xlsx'), { columns, optional: ['CustomerID'] });
      assert.is(workbook.rows, csv.rows);
      for (const name of Object.keys(columns)) {
        const a = csv.columns[name], b = workbook.columns[name];
        for (let k = 0; k < csv.rows; k++) {
          if (!Object.is(a[k], b[k])) assert.unreachable(`row ${k + 2}, ${name}: ${a[k]} in the CSV, ${b[k]} in the workbook`);
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
  test.run();
}
