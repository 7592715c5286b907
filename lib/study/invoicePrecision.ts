import { precisionAtK } from '../metrics/precisionAtK.ts';
import type { Recommender } from '../models/recommender.ts';
import type { OnlineRetail, Piece } from './onlineRetail.ts';

/** The study's k: five places in a list. */
export const PLACES = 5;

/**
 * invoicePrecision: precision@5 over the invoices of a piece, as the chapter measures it.
 *
 *   customer known from train    the model's five best items, whatever the customer has bought before
 *   no customer, or a new one    the five most bought items of train; for all invoices where there is no model (null)
 */
export function invoicePrecision(model: Recommender | null, piece: Piece, { ranking }: Pick<OnlineRetail, 'ranking'>): number {
  const G = piece.customer.length, lists = new Int32Array(G * PLACES).fill(-1), popular = ranking.subarray(0, PLACES);
  for (let g = 0; g < G; g++) lists.set(popular, g * PLACES);
  if (model !== null) {
    const customers = Int32Array.from(new Set(piece.customer.filter((row) => row >= 0))), place = new Map<number, number>();
    customers.forEach((row, at) => place.set(row, at));
    const { items } = model.recommend(customers, { k: PLACES });
    for (let g = 0; g < G; g++) {
      const at = place.get(piece.customer[g]);
      if (at !== undefined) lists.set(items.subarray(at * PLACES, at * PLACES + PLACES), g * PLACES);
    }
  }
  return precisionAtK(lists, piece.groups, PLACES);
}
