import { bucket, category, id, number } from '../../lib/data/index.ts';
import { AlternatingLeastSquares, AutoRec, BPR, BiasOnly, Blend, CDAE, EASE, FactorizationMachine, HistoryToNext, HybridMF, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, Popularity, PurchaseHistory, RatingMF, SVDPlusPlus, Siamese, TwoTower } from '../../lib/models.ts';
import { withTables } from './withTables.ts';

/** smallModels: one of each model that a file can hold, under settings with which it learns the small shop in a moment. */
export const smallModels = {
  Popularity: () => new Popularity({ halfLife: 30 }),
  PurchaseHistory: () => new PurchaseHistory({ halfLife: 30 }),
  ItemKNN: () => new ItemKNN({ neighbours: 4 }),
  EASE: () => new EASE({ lambda: 5 }),
  Blend: () => new Blend([new ItemKNN({ neighbours: 4 }), new PurchaseHistory({ halfLife: 30 }), new BPR({ factors: 2, epochs: 2, stepsPerEpoch: 3, batchSize: 50 })], { weights: [1, 0.5, 0.1] }),
  LogisticMatrixFactorization: () => new LogisticMatrixFactorization({ factors: 3, epochs: 2 }),
  LogisticMF: () => new LogisticMF({ factors: 3, epochs: 2, batchSize: 50 }),
  BPR: () => new BPR({ factors: 3, epochs: 2, stepsPerEpoch: 3, batchSize: 50 }),
  RatingMF: () => new RatingMF({ factors: 3, epochs: 2 }),
  SVDPlusPlus: () => new SVDPlusPlus({ factors: 3, epochs: 2 }),
  BiasOnly: () => new BiasOnly({ sweeps: 2 }),
  FactorizationMachine: () => withTables(new FactorizationMachine({
    factors: 3, epochs: 2, batchSize: 50, userFeatures: { id: id(), parity: category(), row: bucket({ count: 3 }) }, itemFeatures: { id: id(), row: number() },
  })),
  HistoryToNext: () => withTables(new HistoryToNext({ factors: 3, layers: [4, 3], history: 3, userFeatures: { id: id(), parity: category() }, exampleAge: 60, epochs: 2, batchSize: 50 })),
  HybridMF: () => withTables(new HybridMF({ factors: 3, epochs: 2, userFeatures: { id: id(), parity: category(), row: bucket({ count: 3 }) }, itemFeatures: { id: id(), row: number() } })),
  AutoRec: () => new AutoRec({ hidden: 3, epochs: 2, batchSize: 5 }),
  CDAE: () => new CDAE({ hidden: 3, epochs: 2, batchSize: 5 }),
  Siamese: () => withTables(new Siamese({ userFeatures: { id: id(), parity: category() }, itemFeatures: { row: number(), parity: category() }, layers: [4], embedding: 3, liked: 2, epochs: 2, batchSize: 50 })),
  TwoTower: () => withTables(new TwoTower({ userFeatures: { id: id(), parity: category() }, itemFeatures: { row: number(), parity: category() }, contextFeatures: { when: bucket({ count: 3, column: 'time' }), time: number() }, layers: [4, 3], epochs: 2, batchSize: 50 })),
  AlternatingLeastSquares: () => new AlternatingLeastSquares({ factors: 3, epochs: 2 }),
  NextItemLSTM: () => new NextItemLSTM({ factors: 3, hidden: 4, layers: 2, user: true, epochs: 2, batchSize: 5, steps: 4 }),
};
