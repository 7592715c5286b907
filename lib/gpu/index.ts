/** tightrec/gpu: training on a graphics device, and the kernels it is made of. Needs the package gpu.js. */
export { createGpuKernels } from '../../kernels/gpu.ts';
export type { GpuKernels } from '../../kernels/gpu.ts';
export type { GpuDevice, GpuMode, Numbers, Resident, Thread } from '../../kernels/gpuDevice.ts';
export { fit } from './fit.ts';
export type { GpuFit, GpuFitOptions } from './fit.ts';
export { openGpu } from './open.ts';
export type { Gpu, GpuOptions } from './open.ts';
