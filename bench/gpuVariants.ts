import { createGpuKernels } from '../kernels/gpu.ts';
import { type GpuDevice, type GpuJs, type GpuMode, openDevice } from '../kernels/gpuDevice.ts';
import type { Kernel } from './check.ts';
import type { BenchVariant, Found } from './variants.ts';

/** gpuVariants: the kernels of gpu.js in these modes, where the mode runs here. Their arrays are copied to the device and back in every call. */
export async function gpuVariants(modes: readonly GpuMode[]): Promise<Found> {
  const variants: BenchVariant[] = [], missing: { variant: string; why: string }[] = [];
  let gpujs: GpuJs;
  try { gpujs = await import('gpu.js') as unknown as GpuJs; } catch (error) {
    return { variants, missing: modes.map((mode) => ({ variant: `gpu ${mode}`, why: `gpu.js does not load: ${(error as Error).message}` })) };
  }
  for (const mode of modes) {
    let device: GpuDevice;
    try { device = await openDevice(gpujs, mode); } catch (error) { missing.push({ variant: `gpu ${mode}`, why: (error as Error).message }); continue; }
    const kernels = createGpuKernels(device);
    variants.push({
      name: `gpu ${mode}`, arrays: 'plain', waits: true,
      kernel: (name) => (name in kernels ? kernels[name as keyof typeof kernels] as unknown as Kernel : null),
      close: () => { device.destroy().catch(() => {}); }, // it is the end of the run either way
    });
  }
  return { variants, missing };
}
