import { fromRows, type Interactions } from '../lib/data/interactions.ts';
import { LabelEncoder } from '../lib/data/labelEncoder.ts';
import { random } from '../lib/random.ts';

/**
 * shapedLike: interactions of a given shape from a seeded generator; an item's popularity falls as 1 / (rank + 40), as in the Online Retail
 * data, whose shape is the default. Training speed depends on the shape alone, so the bench needs no data of anybody's.
 */
export function shapedLike(nUsers = 3706, nItems = 4052, events = 278_511, seed = 1): Interactions {
  const next = random(seed), cumulative = new Float64Array(nItems);
  for (let rank = 0, sum = 0; rank < nItems; rank++) cumulative[rank] = sum += 1 / (rank + 40);
  const itemOfRank = next.shuffle(Int32Array.from({ length: nItems }, (_, item) => item));
  const draw = (): number => {
    const at = next.uniform() * cumulative[nItems - 1];
    let low = 0, high = nItems - 1;
    while (low < high) { const middle = (low + high) >> 1; if (cumulative[middle] < at) low = middle + 1; else high = middle; }
    return itemOfRank[low];
  };
  const numbers = (length: number) => LabelEncoder.fit(Array.from({ length }, (_, row) => row));
  return fromRows({
    users: numbers(nUsers), items: numbers(nItems),
    user: Int32Array.from({ length: events }, () => next.below(nUsers)), item: Int32Array.from({ length: events }, draw),
    value: null, time: null, basket: null,
  });
}
