import { type Interactions, fromRows } from '../lib/data/interactions.ts';
import { LabelEncoder } from '../lib/data/labelEncoder.ts';
import { type Random, random } from '../lib/random.ts';

// Training speed depends on the shape of the data alone, so the bench needs no data of anybody's.

/** shapes: users, items and pairs of the two shapes that solvers are timed at: about MovieLens's small and its large data set. */
export const shapes = { small: [3_700, 3_900, 200_000], large: [138_000, 27_000, 5_000_000] } as const;

/**
 * shapedLike: events of a given shape from a seeded generator; an item's popularity falls as 1 / (rank + 40), as in the Online Retail
 * data, whose shape is the default. A pair may occur again.
 */
export function shapedLike(nUsers = 3706, nItems = 4052, events = 278_511, seed = 1): Interactions {
  const next = random(seed), draw = byPopularity(nItems, next);
  return fromRows({
    users: numbers(nUsers), items: numbers(nItems),
    user: Int32Array.from({ length: events }, () => next.below(nUsers)), item: Int32Array.from({ length: events }, draw),
    value: null, time: null, basket: null,
  });
}

/**
 * shape: nnz distinct pairs of a user and an item from a seeded generator, user by user with items ascending; `matrix` is their CSR, all ones.
 * Every user has at least one; an item's popularity falls as 1 / (rank + 40). Errors: RangeError where so many distinct pairs do not exist.
 */
export function shape(nUsers: number, nItems: number, nnz: number, seed = 1): Interactions {
  if (!(nnz >= nUsers && nnz <= nUsers * nItems)) throw new RangeError(`shape: ${nUsers} x ${nItems} can have ${nUsers} to ${nUsers * nItems} pairs, got ${nnz}`);
  const next = random(seed), draw = byPopularity(nItems, next), indptr = new Int32Array(nUsers + 1).fill(1, 1);
  for (let more = nnz - nUsers; more > 0;) {
    const user = next.below(nUsers);
    if (indptr[user + 1] < nItems) { indptr[user + 1]++; more--; }
  }
  for (let user = 0; user < nUsers; user++) indptr[user + 1] += indptr[user];

  const user = new Int32Array(nnz), item = new Int32Array(nnz), takenBy = new Int32Array(nItems).fill(-1);
  for (let u = 0; u < nUsers; u++) {
    for (let at = indptr[u]; at < indptr[u + 1];) {
      const i = draw();
      if (takenBy[i] === u) continue;
      takenBy[i] = u;
      user[at] = u;
      item[at] = i;
      at++;
    }
    item.subarray(indptr[u], indptr[u + 1]).sort();
  }
  return {
    users: numbers(nUsers), items: numbers(nItems), user, item, value: null, time: null, basket: null,
    matrix: { rows: nUsers, columns: nItems, indptr, indices: item, values: new Float32Array(nnz).fill(1) },
  };
}

const numbers = (length: number): LabelEncoder => LabelEncoder.fit(Array.from({ length }, (_, row) => row));

/** Draws items, the one of each rank with a weight of 1 / (rank + 40); which item has which rank is drawn first. */
function byPopularity(nItems: number, next: Random): () => number {
  const cumulative = new Float64Array(nItems);
  for (let rank = 0, sum = 0; rank < nItems; rank++) cumulative[rank] = sum += 1 / (rank + 40);
  const itemOfRank = next.shuffle(Int32Array.from({ length: nItems }, (_, item) => item));
  return () => {
    const at = next.uniform() * cumulative[nItems - 1];
    let low = 0, high = nItems - 1;
    while (low < high) { const middle = (low + high) >> 1; if (cumulative[middle] < at) low = middle + 1; else high = middle; }
    return itemOfRank[low];
  };
}
