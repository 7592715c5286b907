import { AlternatingLeastSquares } from '../models/alternatingLeastSquares.ts';
import { AutoRec } from '../models/autoRec.ts';
import { BiasOnly } from '../models/biasOnly.ts';
import { Blend } from '../models/blend.ts';
import { BPR } from '../models/bpr.ts';
import { CDAE } from '../models/cdae.ts';
import { EASE } from '../models/ease.ts';
import { FactorizationMachine } from '../models/factorizationMachine.ts';
import { HistoryToNext } from '../models/historyToNext.ts';
import { HybridMF } from '../models/hybridMF.ts';
import { ItemKNN } from '../models/itemKNN.ts';
import { LogisticMatrixFactorization } from '../models/logisticMatrixFactorization.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { NextItemLSTM } from '../models/nextItemLSTM.ts';
import { Popularity } from '../models/popularity.ts';
import { PurchaseHistory } from '../models/purchaseHistory.ts';
import { RatingMF } from '../models/ratingMF.ts';
import { Siamese } from '../models/siamese.ts';
import { SVDPlusPlus } from '../models/svdPlusPlus.ts';
import { TwoTower } from '../models/twoTower.ts';
import type { Recommender } from '../models/recommender.ts';
import { type ModelClasses, modelFromBytes } from './model.ts';

const classes: ModelClasses = {
  AlternatingLeastSquares, AutoRec, BPR, BiasOnly, Blend, CDAE, EASE, FactorizationMachine, HistoryToNext, HybridMF, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, Popularity, PurchaseHistory, RatingMF,
  SVDPlusPlus, Siamese, TwoTower,
};

/**
 * fromBytes: the model that toBytes wrote, whichever it is; it scores exactly as the one that was saved. `source` names the file in errors.
 * Errors: 'file-damaged' for anything that is not a whole tightrec model; only known names are read, and nothing in a file is run.
 */
export function fromBytes(bytes: Uint8Array, source = 'the model'): Recommender { return modelFromBytes(classes, bytes, source); }
