import { type GpuDevice, type GpuJs, type GpuMode, openDevice } from '../../kernels/gpuDevice.ts';
import { TightrecError, describe } from '../errors.ts';
import { checkNames } from '../models/settings.ts';

/** What 'auto' tries, in this order. */
const modes: readonly GpuMode[] = ['webgpu', 'webgl2', 'webasm', 'cpu'];

export interface GpuOptions {
  /** Default 'auto': the first of 'webgpu', 'webgl2', 'webasm' and 'cpu' that runs here. The last two are gpu.js without a gpu, and slow. */
  mode?: GpuMode | 'auto';
  /** For 'webasm': how many workers share a large output, 1 (the default) to 64. More than one needs shared memory: a page must be isolated. */
  threads?: number;
}

/** Gpu: a device that was opened. Its `destroy` gives everything back. */
export interface Gpu extends GpuDevice {
  /** Why this mode, and with 'auto' what kept it from the ones before. */
  readonly why: string;
}

/**
 * openGpu: gpu.js on this machine's graphics device. A mode that is named is that mode or an error, never a slower one; 'auto' says in `mode` and
 * `why` what it took.
 * Errors: 'unsupported' when gpu.js is not installed, when there is no gpu, no adapter, no WebGL2 or no `new Function`; the message names the mode
 * and what to do.
 */
export function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  return openWith(loadGpuJs, options);
}

/** Imported only here and only when asked: it is an optional peer. */
async function loadGpuJs(): Promise<GpuJs> {
  const loaded = await import('gpu.js') as unknown as Partial<GpuJs> & { default?: GpuJs };
  return loaded.default ?? loaded as GpuJs;
}

/** openWith: openGpu with a gpu.js of one's own. */
export async function openWith(load: () => Promise<GpuJs>, options: GpuOptions): Promise<Gpu> {
  checkNames('openGpu', options, ['mode', 'threads']);
  const { mode = 'auto', threads = 1 } = options;
  if (mode !== 'auto' && !modes.includes(mode)) throw new TightrecError('bad-setting', `openGpu: mode must be 'auto', ${modes.map((name) => `'${name}'`).join(', ')}, got ${describe(mode)}`);
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= 64)) throw new TightrecError('bad-setting', `openGpu: threads must be a whole number from 1 to 64, got ${describe(threads)}`);

  let gpujs: GpuJs;
  try { gpujs = await load(); } catch (cause) {
    throw new TightrecError('unsupported', `gpu mode '${mode}' needs the package gpu.js, which could not be loaded (${cause instanceof Error ? cause.message : String(cause)}); run npm install gpu.js@2, or train without the gpu`, { cause });
  }
  if (mode !== 'auto') return { ...await openDevice(gpujs, mode, threads), why: `asked for with mode '${mode}'` };

  const refused: string[] = [];
  for (const next of modes) {
    try {
      const device = await openDevice(gpujs, next, threads);
      return { ...device, why: `the first of ${modes.join(', ')} that runs here${refused.length > 0 ? `; ${refused.join('; ')}` : ''}` };
    } catch (error) { refused.push(error instanceof Error ? error.message : String(error)); }
  }
  throw new TightrecError('unsupported', `gpu mode 'auto': none of ${modes.join(', ')} runs here: ${refused.join('; ')}`);
}
