/** MODELS: what the study trains unless told otherwise; 'purchase-history' and 'bpr' give two rows each. */
export const MODELS = ['popularity', 'purchase-history', 'item-knn', 'ease', 'blend', 'logistic-mf', 'logistic-adagrad', 'bpr'] as const;

/** FIT_MODELS: what `tightrec fit` trains: those that are one model. */
export const FIT_MODELS = ['popularity', 'purchase-history', 'item-knn', 'ease', 'logistic-mf', 'logistic-adagrad', 'bpr'] as const;
export type ModelName = typeof FIT_MODELS[number];

/** STUDY_MODELS: all that the study may be asked for; after MODELS, those of the next item. 'lstm' and 'user-lstm' give two rows each. */
export const STUDY_MODELS: readonly StudyModelName[] = [...MODELS, 'sequential', 'lstm', 'user-lstm'];
export type StudyModelName = typeof MODELS[number] | 'sequential' | 'lstm' | 'user-lstm';
