import { AlternatingLeastSquares } from '../models/alternatingLeastSquares.ts';
import { BPR } from '../models/bpr.ts';
import { LogisticMF } from '../models/logisticMF.ts';
import { NextItemLSTM } from '../models/nextItemLSTM.ts';
import { Popularity } from '../models/popularity.ts';
import type { Recommender } from '../models/recommender.ts';
import { modelFromBytes } from './model.ts';

/**
 * fromBytes: the model that toBytes wrote; it scores exactly as the one that was saved. `source` names the file in errors. This one, of 'tightrec', knows the models of that entry;
 * that of 'tightrec/models' knows all.
 * Errors: 'file-damaged' for anything that is not a whole tightrec model; only known names are read, and nothing in a file is run. 'unsupported' for a model of 'tightrec/models'.
 */
export function fromBytes(bytes: Uint8Array, source = 'the model'): Recommender {
  return modelFromBytes({ AlternatingLeastSquares, BPR, LogisticMF, NextItemLSTM, Popularity }, bytes, source);
}
