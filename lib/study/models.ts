/** MODELS: what the study trains unless told otherwise; 'purchase-history' and 'als' give two rows each, 'bpr' three. */
export const MODELS = ['popularity', 'purchase-history', 'item-knn', 'ease', 'blend', 'logistic-mf', 'logistic-adagrad', 'bpr', 'als'] as const;
export type ModelName = typeof MODELS[number];

/** FIT_MODELS: what `tightrec fit` trains: those that are one model, and what needs more than the study's data has. */
export const FIT_MODELS: readonly FitModelName[] = [...MODELS.filter((name) => name !== 'blend'), 'rating-mf', 'lstm'];
export type FitModelName = Exclude<ModelName, 'blend'> | 'rating-mf' | 'lstm';

/** STUDY_MODELS: all that the study may be asked for; after MODELS, those of the next item. 'lstm' and 'user-lstm' give two rows each. */
export const STUDY_MODELS: readonly StudyModelName[] = [...MODELS, 'sequential', 'lstm', 'user-lstm'];
export type StudyModelName = ModelName | 'sequential' | 'lstm' | 'user-lstm';
