/** MODELS: what the study trains unless told otherwise; 'purchase-history' gives two rows and 'bpr' three. */
export const MODELS = ['popularity', 'purchase-history', 'logistic-mf', 'bpr'] as const;
export type ModelName = typeof MODELS[number];

/** FIT_MODELS: what `tightrec fit` trains; the study's data has no ratings. */
export const FIT_MODELS: readonly FitModelName[] = [...MODELS, 'rating-mf'];
export type FitModelName = ModelName | 'rating-mf';

/** STUDY_MODELS: all that the study may be asked for; after MODELS, those of the next item. 'lstm' and 'user-lstm' give two rows each. */
export const STUDY_MODELS: readonly StudyModelName[] = [...MODELS, 'sequential', 'lstm', 'user-lstm'];
export type StudyModelName = ModelName | 'sequential' | 'lstm' | 'user-lstm';
