export { accuracyAtK } from './accuracyAtK.ts';
export { auc, meanAuc, sampledAuc } from './auc.ts';
export { type CrossValidateOptions, type CrossValidation, type Fittable, type Fold, type Measures, crossValidate } from './crossValidate.ts';
export { type EvaluateOptions, type Evaluation, type MetricAtK, type MetricName, type Ranker, evaluate } from './evaluate.ts';
export { type Rater, type RatingEvaluation, type RatingOptions, evaluateRatings } from './evaluateRatings.ts';
export { factorizedTopK } from './factorizedTopK.ts';
export { precisionAtK } from './precisionAtK.ts';
export { mae, mse, rmse } from './ratingErrors.ts';
export { hitRateAtK, mapAtK, mrrAtK, ndcgAtK, recallAtK, setPrecisionAtK } from './rankingAtK.ts';
