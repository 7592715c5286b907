import { type Interactions, fromRows } from '../data/interactions.ts';
import { LabelEncoder } from '../data/labelEncoder.ts';
import { accuracyAtK } from '../metrics/accuracyAtK.ts';
import type { NextItemLSTM } from '../models/nextItemLSTM.ts';
import type { ThreadsOption } from '../../kernels/onThreads.ts';
import { PLACES } from './invoicePrecision.ts';
import type { OnlineRetail, Piece } from './onlineRetail.ts';

type Encoders = Pick<OnlineRetail, 'items' | 'customers'>;

/** invoicesOf: every row of a piece, its invoices as baskets. Row 0 of the users is for customers whom train does not know, and for nobody. */
export function invoicesOf({ customer, groups: { indptr, items } }: Piece, encoders: Encoders): Interactions {
  const user = new Int32Array(items.length), basket = new Int32Array(items.length);
  for (let g = 0; g < customer.length; g++) {
    user.fill(Math.max(customer[g] + 1, 0), indptr[g], indptr[g + 1]);
    basket.fill(g, indptr[g], indptr[g + 1]);
  }
  return fromRows({ users: LabelEncoder.fit(encoders.customers.known(), { unknown: true }), items: encoders.items, user, item: items, value: null, time: null, basket });
}

/** NextItemAccuracy: over all rows, and by the customer of their invoice; null where there are no such rows. */
export interface NextItemAccuracy { all: number; known: number | null; new: number | null; none: number | null }

/**
 * nextItemAccuracy: accuracy@5 of the next item of an invoice, every row from all the rows before it: over all of them, over those of invoices whose
 * customer train knows, whose customer it does not know (new), and that have none.
 */
export function nextItemAccuracy(model: NextItemLSTM, piece: Piece, encoders: Encoders, threads: ThreadsOption = 1): NextItemAccuracy {
  const { customer, groups: { indptr, items } } = piece, lists = model.recommendNext(invoicesOf(piece, encoders), { k: PLACES, threads }).items;
  const part = (is: (row: number) => boolean): number | null => {
    const top: number[] = [], actual: number[] = [];
    for (let g = 0; g < customer.length; g++) {
      if (!is(customer[g])) continue;
      for (let at = indptr[g]; at < indptr[g + 1]; at++) {
        top.push(...lists.subarray(at * PLACES, at * PLACES + PLACES));
        actual.push(items[at]);
      }
    }
    return actual.length === 0 ? null : accuracyAtK(Int32Array.from(top), Int32Array.from(actual), PLACES);
  };
  return { all: accuracyAtK(lists, items, PLACES), known: part((row) => row >= 0), new: part((row) => row === -1), none: part((row) => row === -2) };
}

/**
 * withoutState: accuracy@5 of a model that remembers nothing between rows, by two protocols.
 *
 *   zeroState    each row from the row before it alone
 *   leaked       each row from itself: the item to be predicted is the only input, as in the published evaluation. An artefact: it measures how often
 *                an item follows itself
 *
 * What a row leads to is what is expected of the row after it; so the last row of each invoice is put there twice, and both come out of one pass.
 */
export function withoutState(model: NextItemLSTM, piece: Piece, encoders: Encoders, threads: ThreadsOption = 1): { zeroState: number; leaked: number } {
  const { users, items: codes, user, item, basket } = invoicesOf(piece, encoders), { indptr } = piece.groups, n = item.length, G = indptr.length - 1, source = new Int32Array(n + G);
  for (let g = 0; g < G; g++) for (let at = indptr[g]; at <= indptr[g + 1]; at++) source[at + g] = Math.min(at, indptr[g + 1] - 1);
  const again = fromRows({ users, items: codes, user: source.map((at) => user[at]), item: source.map((at) => item[at]), value: null, time: null, basket: source.map((at) => basket![at]) });
  const { items } = model.recommendNext(again, { k: PLACES, state: 'zero', threads }), before = new Int32Array(n * PLACES), itself = new Int32Array(n * PLACES);
  for (let g = 0; g < G; g++) {
    for (let at = indptr[g]; at < indptr[g + 1]; at++) {
      before.set(items.subarray((at + g) * PLACES, (at + g + 1) * PLACES), at * PLACES);
      itself.set(items.subarray((at + g + 1) * PLACES, (at + g + 2) * PLACES), at * PLACES);
    }
  }
  return { zeroState: accuracyAtK(before, item, PLACES), leaked: accuracyAtK(itself, item, PLACES) };
}
