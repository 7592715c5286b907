import { type Interactions, LabelEncoder, interactions } from '../../lib/data/index.ts';

/**
 * checkerboard: n users and n items, named by numbers so that an id is its row. A user has every item of their own parity but one: their own
 * number. So that is what to recommend. (The idea is that of the tests of implicit.)
 */
export function checkerboard(n: number): Interactions {
  const users: number[] = [], items: number[] = [];
  for (let user = 0; user < n; user++) for (let item = user % 2; item < n; item += 2) if (item !== user) { users.push(user); items.push(item); }
  const ids = LabelEncoder.fit(Array.from({ length: n }, (_, id) => id));
  return interactions(users, items, { users: ids, items: ids, values: users.map(() => 1) });
}
