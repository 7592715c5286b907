/** MODELS: what the study may be asked for; 'purchase-history' and 'bpr' give two rows each. */
export const MODELS = ['popularity', 'purchase-history', 'logistic-mf', 'bpr'] as const;
export type ModelName = typeof MODELS[number];
