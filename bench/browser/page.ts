import { gpuVariants } from '../gpuVariants.ts';
import { type Outcome, kernelRows, withShare } from '../kernelRows.ts';
import { type KernelSize, kernelSizes } from '../kernelSizes.ts';
import { type Limits, leastSeconds, limitsMeter } from '../limits.ts';
import { type Row, figure } from '../results.ts';
import { paces } from '../timing.ts';
import { type gpuModelNames, gpuTraining, trainingRow } from '../training.ts';
import { type BenchVariant, cpuVariants } from '../variants.ts';

// The page: choose, check, time, draw. bench:browser drives it through `globalThis.bench`.

const colours: Record<string, string> = { 'loop': 'loop', 'simd': 'simd', 'simd-fma': 'fma', 'gpu webasm': 'webasm', 'gpu webgl2': 'webgl2', 'gpu webgpu': 'webgpu' };
const element = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;

function make(name: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** So that what was drawn is seen before the next variant holds the page up. */
const drawn = (): Promise<void> => new Promise((resolve) => { requestAnimationFrame(() => { setTimeout(resolve); }); });

interface Setup { measure: (quick?: boolean) => Limits; limits: Limits; variants: readonly BenchVariant[]; missing: readonly { variant: string; why: string }[]; devices: Record<string, string> }
let setup: Promise<Setup> | null = null;

/** Once, when it is first needed: what this machine can do, and which variants run here. `device`: of gpu.js, the modes on a graphics device alone. */
async function prepare(device = false): Promise<Setup> {
  const [plain, fused] = await Promise.all(['limits.wasm', 'limitsFma.wasm'].map(async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer())));
  const measure = limitsMeter({ plain, fused }), limits = measure(), cpu = cpuVariants(), gpu = await gpuVariants(device ? ['webgl2', 'webgpu'] : ['webasm', 'webgl2', 'webgpu']);
  return { measure, limits, variants: [...cpu.variants.filter(({ name }) => name in colours), ...gpu.variants], missing: [...cpu.missing, ...gpu.missing], devices: await devices() };
}

/** The graphics devices' own names: a device in software is no device to speak of. */
async function devices(): Promise<Record<string, string>> {
  const found: Record<string, string> = {}, gl = document.createElement('canvas').getContext('webgl2'), info = gl?.getExtension('WEBGL_debug_renderer_info');
  if (gl) found.webgl2 = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl?.getExtension('WEBGL_lose_context')?.loseContext(); // a page has few contexts
  const adapter = await (navigator as { gpu?: { requestAdapter(): Promise<{ info?: { vendor: string; architecture: string; description: string } } | null> } }).gpu?.requestAdapter();
  if (adapter) found.webgpu = [adapter.info?.vendor, adapter.info?.architecture, adapter.info?.description].filter(Boolean).join(' ') || 'unnamed';
  return found;
}

/** run: one size with every variant; `hear` is told each outcome as it comes. */
async function run(size: KernelSize, quick: boolean, hear: (outcome: Outcome, limits: Limits) => void | Promise<void>): Promise<void> {
  const { limits, variants } = await (setup ??= prepare());
  for await (const outcome of kernelRows(size, variants, quick ? paces.quick : { ...paces.full, time: 300 })) await hear(outcome, limits);
}

/** trainingOnDevice: training steps of a model by the tape with SIMD, then in each mode on a graphics device. */
async function trainingOnDevice(name: (typeof gpuModelNames)[number], quick: boolean): Promise<Outcome[]> {
  const pace = quick ? paces.quick : paces.full, outcomes: Outcome[] = [];
  outcomes.push({ row: await trainingRow(name, { variant: 'simd', threads: 1 }, pace) });
  for (const mode of ['webgl2', 'webgpu'] as const) outcomes.push(await gpuTraining(name, mode, pace));
  return outcomes;
}

/** again: the limits measured once more, and the best of all rounds from now on. */
async function again(quick: boolean): Promise<Limits> {
  const ready = await (setup ??= prepare());
  return ready.limits = ready.measure(quick);
}

const sizesOf = (kernel: string): KernelSize[] => kernelSizes.filter((size) => size.kernel === kernel);

/** draw: a bar a variant, as long as it is fast; a refusal in words. */
function draw(outcomes: readonly Outcome[]): void {
  const most = Math.max(...outcomes.map((outcome) => ('row' in outcome ? outcome.row.median : 0)));
  element('bars').replaceChildren(...outcomes.map((outcome) => {
    const item = document.createElement('li');
    if ('refusal' in outcome) {
      item.className = 'refused';
      item.append(make('span', 'name', outcome.refusal.variant), make('span', 'speed', outcome.refusal.wrong ? 'wrong' : 'refused'), make('span', 'note', outcome.refusal.why));
      return item;
    }
    const { row } = outcome, bar = make('div', 'bar'), track = make('div', 'track');
    item.style.setProperty('--colour', `var(--${colours[row.variant]})`);
    bar.style.width = `${100 * row.median / most}%`;
    track.append(bar);
    item.append(make('span', 'name', row.variant), make('span', 'speed', `${figure(row.median)} ${row.unit}`), track, make('span', 'note', noteOn(row)));
    return item;
  }));
}

const noteOn = (row: Row): string => [
  row.variant === 'loop' ? 'the reference' : 'agrees with the loop',
  row.variant === 'loop' || row.overLoop === undefined ? '' : row.overLoop < 1 ? `${figure(1 / row.overLoop)} times slower` : `${figure(row.overLoop)} times faster`,
  row.once ? 'timed once' : `quartiles ${figure(row.low)} to ${figure(row.high)}`,
  row.share === undefined ? '' : `${Math.round(100 * row.share)} % of one thread's limit`,
].filter((part) => part !== '').join(' · ');

/** What a person does. */
async function choose(): Promise<void> {
  const kernel = element<HTMLSelectElement>('kernel').value, chosen = element<HTMLSelectElement>('size').value, button = element<HTMLButtonElement>('run'), status = element('status');
  const size = sizesOf(kernel).find((one) => one.size === chosen)!, outcomes: Outcome[] = [];
  button.disabled = true;
  status.textContent = setup ? 'Checking and timing' : 'Measuring what one thread of this machine can do, then checking and timing';
  element('title').textContent = `${kernel}, ${size.size}`;
  element('result').hidden = false;
  element('limit').textContent = '';
  draw([]);
  await drawn();
  try {
    await again(true);
    await run(size, false, async (outcome, limits) => {
      outcomes.push('row' in outcome ? { row: withShare(outcome.row, size, limits) } : outcome);
      draw(outcomes);
      const least = leastSeconds(limits, size, false), work = size.unit === 'GB/s' ? size.bytes : size.flops;
      element('limit').textContent = `One thread with 128-bit lanes could do ${figure(work / least.seconds / 1e9)} ${size.unit} of this at most: ${least.bound} holds it there.`;
      await drawn();
    });
    status.textContent = 'Done.';
    const { missing, devices } = await setup!;
    element('where').replaceChildren(...[navigator.userAgent, ...Object.entries(devices).map(([mode, name]) => `${mode}: ${name}`), ...missing.map(({ variant, why }) => `without ${variant}: ${why}`)].map((line) => make('div', '', line)));
  } catch (error) {
    setup = null;
    status.textContent = `It failed: ${(error as Error).message}`;
  } finally { button.disabled = false; }
}

function fill(): void {
  const kernels = element<HTMLSelectElement>('kernel'), sizes = element<HTMLSelectElement>('size');
  const option = (value: string, text: string): HTMLOptionElement => { const made = document.createElement('option'); made.value = value; made.textContent = text; return made; };
  for (const folder of new Set(kernelSizes.map(({ folder }) => folder))) {
    const group = document.createElement('optgroup');
    group.label = folder;
    group.append(...[...new Set(kernelSizes.filter((size) => size.folder === folder).map(({ kernel }) => kernel))].map((kernel) => option(kernel, kernel)));
    kernels.append(group);
  }
  const fillSizes = (): void => {
    const wanted = sizes.selectedOptions[0]?.textContent.split(':')[0] ?? 'chapter', these = sizesOf(kernels.value);
    sizes.replaceChildren(...these.map(({ scale, size }) => option(size, `${scale}: ${size}`)));
    sizes.value = these.find(({ scale }) => scale === wanted)!.size;
  };
  kernels.value = 'bprGrad';
  fillSizes();
  kernels.addEventListener('change', fillSizes);
  element('choice').addEventListener('submit', (event) => { event.preventDefault(); choose().catch(() => {}); });
  element('status').textContent = globalThis.crossOriginIsolated ? '' : 'This page is not isolated, so memory is not shared; SIMD runs all the same.';
}

fill();

/** What bench:browser asks for, as values that travel between processes. */
export const bench = {
  async setup(device: boolean): Promise<Omit<Setup, 'variants' | 'measure'>> {
    const { limits, missing, devices } = await (setup ??= prepare(device));
    return { limits, missing, devices };
  },
  again,
  /** Rows without shares: the limits may still rise. */
  async run(kernel: string, size: string, quick: boolean): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    await run(sizesOf(kernel).find((one) => one.size === size)!, quick, (outcome) => { outcomes.push(outcome); });
    return outcomes;
  },
  train: trainingOnDevice,
};
