import { type Interactions, LabelEncoder, interactions } from '../../lib/data/index.ts';
import { random } from '../../lib/random.ts';

export interface Planted { train: Interactions; test: Interactions }

/**
 * planted: data whose answer is known. A user and an item have hidden vectors of `factors` normal deviates; a user takes `each` different
 * items, the likelier the better the vectors agree, and a quarter of them are held out. `noise`, 0 to 1, is the share of items that are taken
 * by lot instead: at 1 there is nothing to learn.
 */
export function planted({ users = 200, items = 120, factors = 4, each = 24, noise = 0, seed = 1 } = {}): Planted {
  const next = random(seed), vectors = (n: number): number[][] => Array.from({ length: n }, () => Array.from({ length: factors }, () => next.normal()));
  const P = vectors(users), Q = vectors(items), train: [number, number][] = [], test: [number, number][] = [];
  for (let user = 0; user < users; user++) {
    // the largest of score + Gumbel noise are a draw without replacement in which an item's weight is e^score
    const taste = Q.map((q) => 2 * q.reduce((sum, value, k) => sum + value * P[user][k], 0) + gumbel(next.uniform()));
    const liked = [...taste.keys()].sort((a, b) => taste[b] - taste[a]), byLot = [...next.shuffle(Int32Array.from(liked))], taken = new Set<number>();
    while (taken.size < each) {
      const from = next.uniform() < noise ? byLot : liked;
      for (let item = from.shift(); item !== undefined; item = from.shift()) if (!taken.has(item)) { taken.add(item); break; }
    }
    for (const [at, item] of [...next.shuffle(Int32Array.from(taken))].entries()) (at % 4 === 0 ? test : train).push([user, item]);
  }
  const encoders = { users: LabelEncoder.fit(P.keys()), items: LabelEncoder.fit(Q.keys()) };
  const data = (pairs: [number, number][]): Interactions => interactions(pairs.map(([user]) => user), pairs.map(([, item]) => item), { ...encoders, values: pairs.map(() => 1) });
  return { train: data(train), test: data(test) };
}

const gumbel = (uniform: number): number => -Math.log(-Math.log(uniform + 2 ** -26));
