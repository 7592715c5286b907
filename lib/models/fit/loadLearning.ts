import { bringLearning } from '../learning.ts';
import { fit as fitALS, foldIn, goOn as goOnALS } from './alternatingLeastSquares.ts';
import { fit as fitBPR, goOn as goOnBPR } from './bpr.ts';
import { fit as fitLogisticMF, goOn as goOnLogisticMF } from './logisticMF.ts';
import { fit as fitNextItemLSTM, goOn as goOnNextItemLSTM } from './nextItemLSTM.ts';
import { fit as fitPopularity, goOn as goOnPopularity } from './popularity.ts';

/**
 * loadLearning: brings all that the five models of 'tightrec' learn with at once, instead of with the first fit. For a program that learns where nothing can be loaded later:
 * an edge worker (which compiles WASM only while it starts), a service worker, a page that must work without a network. Call it when the program starts.
 */
export function loadLearning(): void {
  bringLearning({
    AlternatingLeastSquares: { fit: fitALS, goOn: goOnALS, foldIn }, BPR: { fit: fitBPR, goOn: goOnBPR }, LogisticMF: { fit: fitLogisticMF, goOn: goOnLogisticMF },
    NextItemLSTM: { fit: fitNextItemLSTM, goOn: goOnNextItemLSTM }, Popularity: { fit: fitPopularity, goOn: goOnPopularity },
  });
}
