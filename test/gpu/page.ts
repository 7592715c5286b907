import { type GpuMode, createGpuKernels, fit, openGpu } from '../../lib/gpu/index.ts';
import { BPR, type Interactions, LogisticMF, TightrecError, interactions, toBytes } from '../../lib/index.ts';
import { random } from '../../lib/random.ts';
import { changeSizes } from './changeSizes.ts';
import { type Comparison, compareFits } from './compareFits.ts';
import { farPositions } from './farPositions.ts';
import { type Outcome, runCases } from './runCases.ts';

// Bundled for a browser page, and minified for Node: what a test asks of it, as plain values that travel between processes.

/** Every kernel in one mode. */
export async function kernels(mode: GpuMode): Promise<Outcome> {
  const gpu = await openGpu({ mode });
  try { return await runCases(createGpuKernels(gpu)); } finally { await gpu.destroy(); }
}

/** Kernels at sizes that grow and shrink, in one mode. */
export async function changing(mode: GpuMode): Promise<string[]> {
  const gpu = await openGpu({ mode });
  try { return await changeSizes(gpu); } finally { await gpu.destroy(); }
}

/** Kernels in arrays almost as long as a device holds, in one mode. */
export async function far(mode: GpuMode): Promise<string[]> {
  const gpu = await openGpu({ mode });
  try { return await farPositions(gpu); } finally { await gpu.destroy(); }
}

/** Three calls of a kernel at once, each for a size of its own, before it is compiled. */
export async function together(mode: GpuMode): Promise<number[][]> {
  const gpu = await openGpu({ mode }), table = createGpuKernels(gpu), w = [1, 2, 3].map((n) => Float32Array.from({ length: n }, (_, at) => n + at)), g = Float32Array.of(1, 2, 3);
  await Promise.all(w.map((one) => table.sgd(one, g, one.length, 1)));
  await gpu.destroy();
  return w.map((one) => [...one]);
}

/** Both models in one mode, beside the tape. */
export const fits = (mode: GpuMode | 'auto', epochs: number): Promise<Comparison[]> => compareFits({ LogisticMF, BPR, fit }, { mode }, epochs);

/** How opening a mode ends. */
export async function opening(mode: GpuMode | 'auto', threads?: number): Promise<{ mode: string; why: string } | { code: string; message: string }> {
  try {
    const gpu = await openGpu({ mode, threads });
    await gpu.destroy();
    return { mode: gpu.mode, why: gpu.why };
  } catch (error) { return described(error); }
}

const described = (error: unknown): { code: string; message: string } => ({ code: error instanceof TightrecError ? error.code : 'none', message: error instanceof Error ? error.message : String(error) });

/** What is made of arrays that change before a call has ended, and how calls end once the device was given back. */
export async function guards(mode: GpuMode): Promise<{ made: number[][]; ended: { code: string; message: string }[] }> {
  const gpu = await openGpu({ mode }), table = createGpuKernels(gpu), w = Float32Array.of(1, 2), g = Float32Array.of(1, 2), a = Float32Array.of(1, 2), b = Float32Array.of(3, 4);
  const step = table.sgd(w, g, 2, 0.5), uploads = [gpu.upload(a), gpu.upload(b)];
  g.fill(100);
  a.fill(100);
  structuredClone(b.buffer, { transfer: [b.buffer] });
  await step;
  const [there, detached] = await Promise.all(uploads), made = [[...w], [...await there.read()], [...await detached.read()]];
  await gpu.destroy();
  await gpu.destroy();
  const ended = await Promise.all([() => table.sgd(w, g, 2, 0.5), () => gpu.upload(a), () => there.read()].map((work) => work().then(() => ({ code: 'none', message: 'it went well' }), described)));
  there.free();
  return { made, ended };
}

/** 400 events of 30 users and 20 items, with nothing to learn from. */
function anyData(): Interactions {
  const next = random(5), ids = (n: number): number[] => Array.from({ length: 400 }, () => next.below(n));
  return interactions(ids(30), ids(20));
}

/** A fit whose device goes away after the second epoch: how it ends, and whether the model is that of two epochs. */
export async function lost(mode: GpuMode): Promise<{ code: string; message: string; epochs: number; kept: boolean }> {
  const settings = { factors: 5, batchSize: 100, negatives: 2 };
  const data = anyData(), lose = rememberDevices();
  const model = new LogisticMF({ ...settings, epochs: 6 }), whole: Uint8Array[] = [];
  let ended = { code: 'none', message: 'it went well' };
  try {
    await fit(model, data, { mode, onEpoch: ({ epoch }) => { whole.push(toBytes(model)); if (epoch === 2) lose(); } });
  } catch (error) { ended = described(error); }
  const now = model.fitted ? toBytes(model) : new Uint8Array(0);
  return { ...ended, epochs: whole.length, kept: now.length > 0 && now.every((byte, at) => byte === whole[1]?.[at]) };
}

/** How many textures or buffers there are after each epoch of a fit. */
export async function held(mode: GpuMode): Promise<number[]> {
  const live = new Set<object>(), scope = globalThis as unknown as Record<string, { prototype: Record<string, (...args: unknown[]) => object> } | undefined>;
  const count = (type: string, make: string, drop: string, ofArgument: boolean, dropType = type): void => {
    const makes = scope[type]?.prototype, drops = scope[dropType]?.prototype;
    if (!makes || !drops) return;
    const made = makes[make], dropped = drops[drop];
    makes[make] = function (this: unknown, ...args) { const one = made.apply(this, args); live.add(one); return one; };
    drops[drop] = function (this: object, ...args) { live.delete(ofArgument ? args[0] as object : this); return dropped.apply(this, args); };
  };
  count('WebGL2RenderingContext', 'createTexture', 'deleteTexture', true);
  count('GPUDevice', 'createBuffer', 'destroy', false, 'GPUBuffer');
  const data = anyData(), counts: number[] = [];
  for (const make of [() => new LogisticMF({ factors: 5, batchSize: 150, negatives: 2, epochs: 4 }), () => new BPR({ factors: 5, batchSize: 150, stepsPerEpoch: 4, epochs: 4 })]) {
    await fit(make() as BPR, data, { mode, onEpoch: () => { counts.push(live.size); } });
  }
  return counts;
}

/** From here on, contexts and devices are remembered; the answer takes all of them away. */
function rememberDevices(): () => void {
  const losers: (() => void)[] = [], canvas = globalThis.HTMLCanvasElement?.prototype as { getContext: (...args: unknown[]) => { getExtension?: (name: string) => { loseContext(): void } | null } | null } | undefined;
  if (canvas) {
    const { getContext } = canvas;
    canvas.getContext = function (this: unknown, ...args) {
      const context = getContext.apply(this, args);
      losers.push(() => context?.getExtension?.('WEBGL_lose_context')?.loseContext());
      return context;
    };
  }
  const adapter = (globalThis as { GPUAdapter?: { prototype: { requestDevice: (...args: unknown[]) => Promise<{ destroy(): void }> } } }).GPUAdapter?.prototype;
  if (adapter) {
    const { requestDevice } = adapter;
    adapter.requestDevice = async function (this: unknown, ...args) {
      const device = await requestDevice.apply(this, args);
      losers.push(() => device.destroy());
      return device;
    };
  }
  return () => { for (const lose of losers) lose(); };
}
