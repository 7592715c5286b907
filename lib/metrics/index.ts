export { accuracyAtK } from './accuracyAtK.ts';
export { auc, meanAuc } from './auc.ts';
export { type EvaluateOptions, type Evaluation, type MetricAtK, type MetricName, type Ranker, evaluate } from './evaluate.ts';
export { precisionAtK } from './precisionAtK.ts';
export { hitRateAtK, mapAtK, mrrAtK, ndcgAtK, recallAtK, setPrecisionAtK } from './rankingAtK.ts';
