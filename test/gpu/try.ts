import gpujs from 'gpu.js';
import { openDevice } from '../../kernels/gpuDevice.ts';
import { runCases } from './runCases.ts';
for (const mode of ['cpu', 'webasm'] as const) {
  const t = performance.now();
  const gpu = await openDevice(gpujs as never, mode);
  const { ran, failures } = await runCases(gpu);
  console.log(mode, ran, failures.length, performance.now() - t);
  for (const f of failures.slice(0, 25)) console.log('  ', f.slice(0, 300));
  await gpu.destroy();
}
