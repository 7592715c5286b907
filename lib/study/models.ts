/** MODELS: what the study trains unless told otherwise; 'purchase-history', 'bpr' and 'als' give two rows each. */
export const MODELS = ['popularity', 'purchase-history', 'item-knn', 'ease', 'blend', 'logistic-mf', 'logistic-adagrad', 'bpr', 'bpr-sgd', 'als'] as const;
export type ModelName = typeof MODELS[number];

/** FIT_MODELS: what `tightrec fit` trains: the models of the study that are classes of their own, and what needs more than the study's data has. */
export const FIT_MODELS: readonly FitModelName[] = [...MODELS.filter((name) => name !== 'blend' && name !== 'bpr-sgd'), 'auto-rec', 'bias-only', 'cdae', 'rating-mf', 'svd-plus-plus', 'hybrid-mf', 'lstm', 'history-to-next'];
export type FitModelName = Exclude<ModelName, 'blend' | 'bpr-sgd'> | 'auto-rec' | 'bias-only' | 'cdae' | 'rating-mf' | 'svd-plus-plus' | 'hybrid-mf' | 'lstm' | 'history-to-next';

/** STUDY_MODELS: all that the study may be asked for; after MODELS, those of the next item. 'lstm' and 'user-lstm' give two rows each. */
export const STUDY_MODELS: readonly StudyModelName[] = [...MODELS, 'sequential', 'lstm', 'user-lstm'];
export type StudyModelName = ModelName | 'sequential' | 'lstm' | 'user-lstm';

/** MOVIELENS_MODELS: what the study of MovieLens trains; some give several rows, or rows in several sections. */
export const MOVIELENS_MODELS = ['means', 'bias-only', 'rating-mf', 'svd-plus-plus', 'fm', 'auto-rec', 'popularity', 'item-knn', 'ease', 'als', 'bpr', 'hybrid-mf', 'cdae', 'siamese'] as const;
export type MovieLensModelName = typeof MOVIELENS_MODELS[number];

/** RETRIEVAL_MODELS: what the study of retrieval on MovieLens trains; 'two-tower' gives several rows, 'history-to-next' three sections of its own. */
export const RETRIEVAL_MODELS = ['popularity', 'two-tower', 'history-to-next'] as const;
export type RetrievalModelName = typeof RETRIEVAL_MODELS[number];
