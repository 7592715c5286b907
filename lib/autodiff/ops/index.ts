export { multiply, sigmoid, sum, weightedSum } from './arithmetic.ts';
export { addBias } from './bias.ts';
export { embedding, lookup } from './embedding.ts';
export { bprLoss, l2, logLoss } from './losses.ts';
export { rowDot } from './rowDot.ts';
