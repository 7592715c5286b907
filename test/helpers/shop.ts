import { type Interactions, type RawId, interactions } from '../../lib/data/index.ts';
import { random } from '../../lib/random.ts';

export type IdKind = 'string' | 'number' | 'bigint';

/** In each kind the rows come out in the order of the numbers. */
export const idOf = (kind: IdKind, what: 'user' | 'item', n: number): RawId =>
  kind === 'string' ? `${what} ${String(n).padStart(2, '0')}` : kind === 'number' ? n + 0.5 : 10n ** 20n + BigInt(n);

export const SHOP_USERS = 23, SHOP_ITEMS = 17;

/**
 * shop: 23 users, 17 items, some 150 events with quantities from 1 to 3 and times in 2011. The last user has met everything, the one before
 * a single item; some events happen twice.
 */
export function shop(kind: IdKind = 'string', seed = 1): Interactions {
  const next = random(seed), events: [user: number, item: number][] = [];
  for (let user = 0; user < SHOP_USERS - 2; user++) {
    events.push([user, user % SHOP_ITEMS]);
    for (let n = next.below(10); n > 0; n--) events.push([user, Math.floor(SHOP_ITEMS * next.uniform() ** 2)]);
  }
  events.push([SHOP_USERS - 2, 3]);
  for (let item = 0; item < SHOP_ITEMS; item++) events.push([SHOP_USERS - 1, item]);
  const year = Date.UTC(2011, 0, 1);
  return interactions(events.map(([user]) => idOf(kind, 'user', user)), events.map(([, item]) => idOf(kind, 'item', item)), {
    values: events.map(() => 1 + next.below(3)), times: events.map(() => year + next.below(365) * 86_400_000),
  });
}
