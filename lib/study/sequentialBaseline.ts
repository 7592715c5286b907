import { accuracyAtK } from '../metrics/accuracyAtK.ts';
import { PLACES } from './invoicePrecision.ts';
import type { OnlineRetail, Piece } from './onlineRetail.ts';

/**
 * sequentialBaseline: accuracy@5 of the next item of an invoice, where every position is offered the five most bought items of train that
 * the invoice does not hold yet. What a sequence model must beat.
 */
export function sequentialBaseline({ groups: { indptr, items } }: Piece, { ranking }: Pick<OnlineRetail, 'ranking'>): number {
  const lists = new Int32Array(items.length * PLACES).fill(-1);
  for (let g = 0; g + 1 < indptr.length; g++) {
    const held = new Set<number>();
    for (let row = indptr[g]; row < indptr[g + 1]; row++) {
      for (let rank = 0, n = 0; n < PLACES && rank < ranking.length; rank++) if (!held.has(ranking[rank])) lists[row * PLACES + n++] = ranking[rank];
      held.add(items[row]);
    }
  }
  return accuracyAtK(lists, items, PLACES);
}
