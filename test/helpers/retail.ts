import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { random } from '../../lib/random.ts';

/** The real data, where it lies beside the project; null elsewhere. */
const shared = fileURLToPath(new URL('../../../shared/data/online-retail/online-retail.csv.gz', import.meta.url));
export const realData: string | null = existsSync(shared) ? shared : null;
export const noRealData = '../shared/data/online-retail is not there';

export const RETAIL_HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

export interface RetailRow { invoice: string; item: string; date: string; customer?: string; description?: string }

/** retailCsv: a file with the columns of Online Retail. */
export function retailCsv(rows: readonly RetailRow[]): string {
  const line = ({ invoice, item, date, customer = '', description = `THING ${item}` }: RetailRow) => `${invoice},${item},"${description.replaceAll('"', '""')}",1,${date} 10:00:00,1.25,${customer},United Kingdom`;
  return `${[RETAIL_HEADER, ...rows.map(line)].join('\n')}\n`;
}

/** smallShop: a year of a small shop, in which customers come back for their own few items. */
export function smallShop({ customers = 40, items = 30, invoices = 400, seed = 1 } = {}): RetailRow[] {
  const next = random(seed), rows: RetailRow[] = [], first = Date.UTC(2010, 11, 1), days = 373;
  for (let number = 0; number < invoices; number++) {
    const customer = next.below(customers), date = new Date(first + Math.floor((number * days) / invoices) * 86_400_000).toISOString().slice(0, 10);
    const lines = 1 + next.below(6), cancels = number % 25 === 24;
    for (let line = 0; line < lines; line++) {
      const item = next.uniform() < 0.7 ? (customer * 3 + next.below(4)) % items : next.below(items);
      rows.push({ invoice: `${cancels ? 'C' : ''}${536365 + number}`, item: String(20000 + item), date, customer: number % 10 === 9 ? '' : `${12346 + customer}.0` });
    }
  }
  return rows;
}
