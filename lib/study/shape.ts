import type { OnlineRetail, Piece } from './onlineRetail.ts';

/** Shape: what the data looks like. */
export interface Shape {
  /** Rows by calendar month and piece. */
  months: { month: string; train: number; validation: number; test: number }[];
  /** Rows of train of the most bought item, the second, and so on; ranks 1, 2, 3, then some 40 for each power of ten. */
  popularity: { rank: number; rows: number }[];
  /** Invoices by how many rows they have: from `from` to before `to`. */
  invoiceSizes: { from: number; to: number; invoices: number }[];
  /** The middle one of all invoice sizes, and the largest. */
  invoiceRows: { median: number; mean: number; largest: number };
  /** The share of train's rows that the most bought tenth of its items takes. */
  topTenth: number;
  top: { stockCode: string; description: string; rows: number }[];
}

/** shapeOf: counts for the report. */
export function shapeOf(data: OnlineRetail): Shape {
  const pieces = [data.train, data.validation, data.test], sizes = pieces.flatMap(sizesOf).sort((a, b) => a - b), counts = Array.from(data.ranking, (item) => data.counts[item]).filter((count) => count > 0);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    months: months(data), invoiceSizes: histogram(sizes),
    popularity: ranks(counts.length).map((rank) => ({ rank, rows: counts[rank - 1] })),
    invoiceRows: { median: sizes[sizes.length >> 1], mean: sum(sizes) / sizes.length, largest: sizes[sizes.length - 1] },
    topTenth: sum(counts.slice(0, Math.ceil(counts.length / 10))) / sum(counts),
    top: Array.from(data.ranking.subarray(0, 10), (item) => ({ stockCode: String(data.items.decode(item)), description: describe(data, item), rows: data.counts[item] })).filter(({ rows }) => rows > 0),
  };
}

const sizesOf = ({ groups: { indptr } }: Piece): number[] => Array.from(indptr.subarray(1), (end, g) => end - indptr[g]);

function months({ transactions: { date }, train, validation, test }: OnlineRetail): Shape['months'] {
  const found = new Map<string, { month: string; train: number; validation: number; test: number }>();
  for (const piece of [train, validation, test]) {
    for (const row of piece.rows) {
      const month = new Date(date[row]).toISOString().slice(0, 7);
      if (!found.has(month)) found.set(month, { month, train: 0, validation: 0, test: 0 });
      found.get(month)![piece.name]++;
    }
  }
  return [...found.values()].sort((a, b) => (a.month < b.month ? -1 : 1));
}

/** Bins that double: 1, 2, 3-4, 5-8, ... */
function histogram(sizes: readonly number[]): Shape['invoiceSizes'] {
  const bins: Shape['invoiceSizes'] = [];
  for (let from = 1, to = 2, at = 0; at < sizes.length; from = to, to = 2 * (to - 1) + 1) {
    let invoices = 0;
    for (; at < sizes.length && sizes[at] < to; at++) invoices++;
    bins.push({ from, to, invoices });
  }
  return bins;
}

function ranks(n: number): number[] {
  const some = new Set<number>();
  for (let log = 0; 10 ** log <= n; log += 1 / 40) some.add(Math.round(10 ** log));
  return [...some.add(n)].filter((rank) => rank >= 1 && rank <= n).sort((a, b) => a - b);
}

/** The first description of an item that is not empty. */
function describe({ transactions: { description, stockCode }, items, train }: OnlineRetail, item: number): string {
  const code = items.decode(item);
  for (const row of train.rows) if (stockCode[row] === code && description[row].trim() !== '') return description[row].trim();
  return '';
}
