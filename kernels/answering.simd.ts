// AssemblyScript. What moduleAnswering.ts has: the kernels of answering.ts. All others are in moduleLearning.ts.

export { alsCholesky, choleskySolve } from './als/simd';
export { gatherAdd, gatherRows } from './gather/simd';
export { distinctIds, firstOutside } from './ids/simd';
export { lstmCell } from './lstm/simd';
export { WORKSPACE, matmul, matmulGradA, matmulGradB, matmulTransposed, product, workspace } from './matmul/simd';
export { rowDot } from './rowDot/simd';
export { topK } from './topK/simd';
export { addScaled, clear, sumSquares } from './vector/simd';
