/** tightrec/autodiff: tensors, the tape, its operations, and the optimisers. */
export { scope } from '../../kernels/memory.ts';
export { AdaGrad, Adam, SGD } from '../optim/optimizers.ts';
export type { Optimizer, OptimizerState } from '../optim/optimizers.ts';
export { clipGradNorm } from '../optim/clip.ts';
export { checkGrad } from './checkGrad.ts';
export type { GradCheck } from './checkGrad.ts';
export { distinct } from './distinct.ts';
export type { Distinct } from './distinct.ts';
export * as ops from './ops/index.ts';
export { denseGrad } from './rowGrads.ts';
export { Tape } from './tape.ts';
export { Tensor } from './tensor.ts';
export { wholeTable } from './wholeTable.ts';
export type { RowGrad } from './tensor.ts';
