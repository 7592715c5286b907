/** tightrec: recommenders, and what runs underneath. */
export { backend, useKernels } from '../kernels/index.ts';
export type { Backend, Variant } from '../kernels/index.ts';
export { limitMemory, memoryUse } from '../kernels/memory.ts';
export type { MemoryUse } from '../kernels/memory.ts';
export { interactions } from './data/interactions.ts';
export type { InteractionOptions, Interactions } from './data/interactions.ts';
export type { RawId } from './data/labelEncoder.ts';
export { TightrecError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export { BPR } from './models/bpr.ts';
export type { BPRSettings } from './models/bpr.ts';
export { LogisticMF } from './models/logisticMF.ts';
export type { LogisticMFSettings } from './models/logisticMF.ts';
export { Popularity } from './models/popularity.ts';
export { PurchaseHistory } from './models/purchaseHistory.ts';
export type { PurchaseHistorySettings } from './models/purchaseHistory.ts';
export type { RecommendForOptions, RecommendOptions, Recommendation, Recommender, TopLists } from './models/recommender.ts';
export type { EpochReport, FitOptions, StepReport } from './models/train.ts';
