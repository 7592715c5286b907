/** Writes purchases.csv beside it: the small shop of README's example, 60 customers with tastes. `node --import tsx docs/examples/makePurchases.ts` */
import { writeFileSync } from 'node:fs';
import { random } from '../../lib/random.ts';

const shelves = [
  ['espresso beans', 'filter papers', 'milk frother', 'moka pot', 'cold brew jar', 'descaler'],
  ['green tea', 'earl grey', 'teapot', 'infuser', 'honey', 'matcha whisk'],
  ['bread flour', 'yeast', 'proofing basket', 'baking stone', 'rye flour', 'dough scraper'],
  ['olive oil', 'spaghetti', 'tinned tomatoes', 'capers', 'basil plant', 'parmesan'],
];
const names = ['ana', 'ben', 'chloe', 'dev', 'eli', 'fay', 'gus', 'hana', 'ivo', 'june', 'kai', 'lena'];
const customers = Array.from({ length: 60 }, (_, c) => (c < names.length ? names[c] : `customer${c}`));

const next = random(2024), rows: string[] = ['customer,product,date'];
for (const [c, customer] of customers.entries()) {
  const favourite = c % shelves.length, other = next.below(shelves.length);
  for (let purchase = 0, count = 8 + next.below(8); purchase < count; purchase++) {
    const shelf = shelves[next.uniform() < 0.85 ? favourite : other], product = shelf[Math.min(next.below(6), next.below(8))];
    const day = new Date(Date.UTC(2026, 0, 1 + next.below(180)));
    rows.push(`${customer},${product},${day.toISOString().slice(0, 10)}`);
  }
}
writeFileSync(new URL('purchases.csv', import.meta.url), `${rows.join('\n')}\n`);
