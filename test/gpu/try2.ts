import gpujs from 'gpu.js';
import { openDevice } from '../../kernels/gpuDevice.ts';
import { runCases } from './runCases.ts';
for (const mode of ['webasm', 'webgl2', 'webgpu', 'cpu'] as const) {
  try {
  const gpu = await openDevice(gpujs as never, mode);
  const { ran, failures } = await runCases(gpu);
  console.log(mode, ran, failures.length);
  for (const f of failures.slice(0, 5)) console.log('  ', f.slice(0, 300));
  await gpu.destroy();
  } catch (e) { console.log(mode, (e as Error).message); }
}
