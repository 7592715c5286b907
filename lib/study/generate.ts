import { type Random, random } from '../random.ts';
import type { Transactions } from './onlineRetail.ts';

/** What the generated shop has much like Online Retail. */
const ITEMS = 4000, THEMES = 20, CUSTOMERS = 5000, INVOICES = 24_500, DAY = 86_400_000;
const FIRST = Date.UTC(2010, 11, 1), DAYS = 374; // to 9 December 2011

/** Invoices of a day, month by month from December 2010: towards Christmas there are twice as many. */
const SEASON = [1.2, 0.8, 0.8, 1, 0.95, 1.1, 1, 1, 1, 1.3, 1.45, 1.9, 1.9];

/**
 * generateTransactions: made-up transactions of the shape of Online Retail, for where the real ones cannot be had: some 540,000 rows of a
 * year, the same split dates, cancelled invoices, rows without a customer. Items are bought by a power law, in themes; a customer has three
 * themes and comes back for what they bought lately. The same seed gives the same rows; `scale` makes fewer (or more) customers and invoices.
 */
export function generateTransactions(seed: number, scale = 1): Transactions {
  const next = random(seed), shop = makeItems(next), customers = makeCustomers(next, Math.max(3, Math.round(CUSTOMERS * scale)));
  const invoice: string[] = [], stockCode: string[] = [], description: string[] = [], date: number[] = [], customer: string[] = [];

  const moments = makeMoments(next, Math.max(30, Math.round(INVOICES * scale)));
  for (let number = 0; number < moments.length; number++) {
    const who = next.uniform() < 0.1 ? null : chooseCustomer(next, customers, moments[number]);
    const cancels = next.uniform() < 0.15, code = `${cancels ? 'C' : ''}${536365 + number}`;
    const size = cancels ? 1 + next.below(4) : Math.min(600, 1 + Math.floor(Math.exp(2.45 + 1.1 * next.normal()) * (who === null ? 3 : 1)));
    for (let line = 0; line < size; line++) {
      const item = chooseItem(next, shop, who, moments[number]);
      invoice.push(code);
      stockCode.push(shop.codes[item]);
      description.push(shop.descriptions[item]);
      date.push(moments[number]);
      customer.push(who?.id ?? '');
      if (who !== null && !cancels) who.bought.push(item);
    }
  }
  const nothing = { count: 0, details: [] };
  return { source: `generated data, seed ${seed}`, generated: true, rows: invoice.length, invoice, stockCode, description, date: Float64Array.from(date), customer, skipped: nothing };
}

interface Shop { codes: string[]; descriptions: string[]; peak: Float64Array; all: Choice; themes: Choice[] }
interface Customer { id: string; from: number; activity: number; themes: number[]; bought: number[] }

/** Choice: items, and the running sums of their weights. */
interface Choice { items: Int32Array; sums: Float64Array }

function makeItems(next: Random): Shop {
  const codes = new Set<string>();
  while (codes.size < ITEMS) codes.add(`${20_000 + next.below(66_000)}${next.uniform() < 0.28 ? 'ABCDEFGHLPSW'[next.below(12)] : ''}`);
  const descriptions = Array.from({ length: ITEMS }, () => `${pick(next, COLOURS)} ${pick(next, STYLES)} ${pick(next, THINGS)}`);
  // the weight of the item of rank r falls as 1 / (r + 40); ranks are dealt to the items, and items to the themes, at random
  const rank = next.shuffle(Int32Array.from({ length: ITEMS }, (_, item) => item)), theme = Int32Array.from(rank, () => next.below(THEMES));
  const choice = (items: Int32Array): Choice => {
    let sum = 0;
    return { items, sums: Float64Array.from(items, (item) => (sum += 1 / (rank[item] + 40))) };
  };
  const all = Int32Array.from(rank.keys());
  const peak = Float64Array.from(rank, () => FIRST + next.uniform() * DAYS * DAY); // when the item is in fashion
  return { codes: [...codes], descriptions, peak, all: choice(all), themes: Array.from({ length: THEMES }, (_, t) => choice(all.filter((item) => theme[item] === t))) };
}

function makeCustomers(next: Random, n: number): Customer[] {
  return Array.from({ length: n }, (_, at) => ({
    id: String(12_346 + at), from: FIRST + (next.uniform() < 0.3 ? 0 : next.uniform()) * DAYS * DAY, activity: Math.exp(1.1 * next.normal()),
    themes: [next.below(THEMES), next.below(THEMES), next.below(THEMES)], bought: [],
  }));
}

/** When the invoices were written, in order: by the season, Saturdays closed, from 8 to 18 o'clock. */
function makeMoments(next: Random, n: number): number[] {
  const moments: number[] = [];
  while (moments.length < n) {
    const day = FIRST + next.below(DAYS) * DAY, date = new Date(day), month = (date.getUTCFullYear() - 2010) * 12 + date.getUTCMonth() - 11;
    if (date.getUTCDay() === 6 || next.uniform() * 1.9 > SEASON[month]) continue;
    moments.push(day + (8 * 60 + next.below(600)) * 60_000);
  }
  return moments.sort((a, b) => a - b);
}

function chooseCustomer(next: Random, customers: Customer[], moment: number): Customer {
  for (;;) {
    const one = customers[next.below(customers.length)], most = 8;
    if (next.uniform() * most < one.activity && (one.from <= moment || next.uniform() < 0.02)) return one;
  }
}

/** What the customer bought lately, one of their themes, or anything; what is out of fashion is mostly put back. */
function chooseItem(next: Random, shop: Shop, who: Customer | null, moment: number): number {
  if (who !== null && who.bought.length > 0 && next.uniform() < 0.07) return who.bought[who.bought.length - 1 - next.below(Math.min(150, who.bought.length))];
  const theme = who === null || next.uniform() > 0.4 ? shop.all : shop.themes[who.themes[Math.min(2, Math.floor(-Math.log(1 - next.uniform())))]];
  for (;;) {
    const item = draw(next, theme), away = (moment - shop.peak[item]) / (90 * DAY);
    if (next.uniform() < 0.1 + Math.exp(-away * away)) return item;
  }
}

function draw(next: Random, { items, sums }: Choice): number {
  const target = next.uniform() * sums[sums.length - 1];
  let low = 0, high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > target) high = middle;
    else low = middle + 1;
  }
  return items[low];
}

const pick = (next: Random, words: readonly string[]): string => words[next.below(words.length)];

const COLOURS = ['RED', 'WHITE', 'BLUE', 'GREEN', 'PINK', 'IVORY', 'SILVER', 'BLACK', 'CREAM', 'ANTIQUE', 'PASTEL', 'GOLD', 'NATURAL', 'LILAC'];
const STYLES = ['RETROSPOT', 'VINTAGE', 'REGENCY', 'POLKADOT', 'WOODEN', 'ENAMEL', 'GLASS', 'CERAMIC', 'KNITTED', 'WICKER', 'METAL', 'PAPER', 'FLORAL', 'SKULL'];
const THINGS = [
  'LANTERN', 'CAKESTAND', 'LUNCH BAG', 'T-LIGHT HOLDER', 'BUNTING', 'TEACUP AND SAUCER', 'ALARM CLOCK', 'PHOTO FRAME', 'DOORMAT', 'CHOPPING BOARD', 'HEART DECORATION',
  'STORAGE TIN', 'MUG', 'CANDLE', 'COAT HANGER', 'GIFT WRAP', 'APRON', 'TEA TOWEL', 'TRINKET BOX', 'WALL CLOCK', 'PARASOL', 'HOT WATER BOTTLE', 'JAM JAR', 'NOTEBOOK',
];
