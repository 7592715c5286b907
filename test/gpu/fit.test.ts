import gpujs from 'gpu.js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { GpuJs, GpuMode } from '../../kernels/gpuDevice.ts';
import { type Gpu, type GpuFitOptions, fit, openGpu } from '../../lib/gpu/index.ts';
import { openWith } from '../../lib/gpu/open.ts';
import { BPR, type Checkpoints, type EpochReport, LogisticMF, Popularity, checkpointFromBytes, checkpointToBytes, toBytes } from '../../lib/index.ts';
import { rejects } from '../helpers/refuses.ts';
import { shop } from '../helpers/shop.ts';
import { compareFits, judge } from './compareFits.ts';
import { fakeGpuJs } from './fakeGpuJs.ts';

const small = { factors: 5, epochs: 4, learningRate: 0.05, seed: 2 }, reason = new Error('enough');
const makes = [() => new LogisticMF({ ...small, batchSize: 60, negatives: 2 }), () => new BPR({ ...small, batchSize: 50, stepsPerEpoch: 5 })];
const faking = async (faults: Parameters<typeof fakeGpuJs>[0], mode: GpuMode = 'cpu'): Promise<Gpu> => openWith(async () => fakeGpuJs(faults).gpujs, { mode });
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at]);

const test = suite('gpu/fit');

for (const mode of ['cpu', 'webasm'] as const) {
  test(`both models reach what the tape reaches, mode ${mode}`, async () => {
    const all = await compareFits({ LogisticMF, BPR, fit }, { backend: 'gpu', mode });
    if (process.env.TIGHTREC_SHOW) console.log(all.map(({ model, gpu, tape, apart }) => ({ model, gpu, tape, apart })));
    judge(all, mode);
    assert.ok(all.every(({ why }) => why === `asked for with mode '${mode}'`));
    assert.ok(all.every(({ tape, losses }) => tape > 0.4 && losses.tape[11] < 0.8 * losses.tape[0]), 'the data had something to say');
  });
}

test("'auto' takes the first mode that runs, and says which and why", async () => {
  const { mode, why, model } = await fit(makes[0](), shop());
  assert.is(mode, 'webasm'); // in Node
  assert.match(why, 'the first of webgpu, webgl2, webasm, cpu that runs here');
  assert.match(why, "gpu mode 'webgpu' cannot run here");
  assert.match(why, "gpu mode 'webgl2' cannot run here");
  assert.ok(model.recommend([0]).items[0] >= 0);
});

test('a mode that was named is never another one', async () => {
  for (const mode of ['webgl2', 'webgpu'] as const) await rejects(() => fit(makes[0](), shop(), { mode }), 'unsupported', `gpu mode '${mode}' cannot run here`, 'use a browser with', "'auto'");
  await rejects(() => openWith(async () => fakeGpuJs({ without: ['webgpu', 'webgl2', 'webasm', 'cpu'] }).gpujs, {}), 'unsupported', "gpu mode 'auto': none of webgpu, webgl2, webasm, cpu runs here", 'there is no webgl2');
  const gpu = await openWith(async () => fakeGpuJs({ without: ['webgpu'] }).gpujs, { mode: 'auto' });
  assert.is(gpu.mode, 'webgl2');
  assert.match(gpu.why, 'there is no webgpu');
});

test('without gpu.js: an error that says what to install', async () => {
  const missing = new Error("Cannot find package 'gpu.js'");
  for (const mode of ['auto', 'webgl2'] as const) await rejects(() => openWith(async () => { throw missing; }, { mode }), 'unsupported', `gpu mode '${mode}' needs the package gpu.js`, missing.message, 'npm install gpu.js@2');
});

test('settings and options are checked, and the device is not opened for wrong ones', async () => {
  const data = shop(), model = makes[0](), wrong = (options: object): Promise<unknown> => fit(model, data, options as GpuFitOptions);
  await rejects(() => wrong({ backend: 'tape' }), 'bad-setting', "backend must be 'gpu'");
  await rejects(() => wrong({ mode: 'headlessgl' }), 'bad-setting', "mode must be 'auto', 'webgpu', 'webgl2', 'webasm', 'cpu', got \"headlessgl\"");
  await rejects(() => wrong({ threads: 0 }), 'bad-setting', 'threads must be a whole number');
  await rejects(() => wrong({ moed: 'cpu' }), 'bad-setting', "there is no option 'moed'");
  await rejects(() => wrong({ mode: 'cpu', patience: 2 }), 'bad-setting', 'patience needs validation');
  await rejects(() => fit(new LogisticMF({ factors: 0 }), data, { mode: 'webgpu' }), 'bad-setting', 'factors must be');
  await rejects(() => fit(new Popularity() as never, data, { mode: 'cpu' }), 'unsupported', 'expected a LogisticMF or a BPR, got Popularity', 'model.fit(data)');
  await rejects(() => fit(null as never, data), 'unsupported', 'expected a LogisticMF or a BPR');
  const gpu = await openGpu({ mode: 'cpu' });
  await rejects(() => fit(model, data, { gpu, mode: 'cpu' }), 'bad-setting', 'give it or mode and threads');
  await gpu.destroy();
  assert.not(model.fitted);
});

test('the loop is the one of model.fit: validation, patience, abort, reports', async () => {
  const gpu = await openGpu({ mode: 'cpu' }), reports: EpochReport[] = [];
  const scores = [1, 3, 2, 2], { model } = await fit(makes[1](), shop(), { gpu, validation: () => scores[reports.length], patience: 1, onEpoch: (report) => { reports.push(report); } });
  assert.equal(reports.map(({ epoch, validation }) => [epoch, validation]), [[1, 1], [2, 3], [3, 2]]);
  const two = new BPR({ ...model.settings, epochs: 2 });
  await fit(two, shop(), { gpu });
  assert.equal(model.toState().tensors, two.toState().tensors, 'it went back to the best epoch');

  const controller = new AbortController(), stopped = makes[0]();
  let outcome: unknown;
  try { await fit(stopped, shop(), { gpu, signal: controller.signal, onEpoch: ({ epoch }) => { if (epoch === 2) controller.abort(reason); } }); } catch (error) { outcome = error; }
  assert.is(outcome, reason);
  assert.is(stopped.toState().numbers.epochs, 2);
  await gpu.destroy();
});

test('a device that stays open: fits again, same numbers each time; partialFit goes on where the gpu stopped', async () => {
  const gpu = await openGpu({ mode: 'cpu' });
  for (const make of makes) {
    const first = await fit(make() as BPR, shop(), { gpu }), again = await fit(make() as BPR, shop(), { gpu });
    assert.ok(sameBytes(toBytes(first.model), toBytes(again.model)));

    // the tape's epochs after the gpu's, beside the tape's alone: moments and their age came along
    const tape = make() as BPR;
    await tape.fit(shop());
    await tape.partialFit(shop());
    await first.model.partialFit(shop());
    const mine = first.model.toState().tensors, theirs = tape.toState().tensors;
    for (const name of Object.keys(theirs)) assert.ok(theirs[name].data.every((value, at) => Math.abs(value - mine[name].data[at]) < 1e-4), `${tape.name} ${name}`);
  }
  await gpu.destroy();
});

test('checkpoints: stopped after any epoch it goes on to the same bytes', async () => {
  const gpu = await openGpu({ mode: 'cpu' });
  for (const make of makes) {
    const whole = toBytes((await fit(make() as BPR, shop(), { gpu })).model);
    for (const last of [1, 2, 4]) {
      let bytes: Uint8Array | null = null;
      const checkpoints: Checkpoints = { load: () => bytes && checkpointFromBytes(bytes), save: (checkpoint) => { bytes = checkpointToBytes(checkpoint); } }, controller = new AbortController();
      const outcome: unknown = await fit(make() as BPR, shop(), { gpu, checkpoints, signal: controller.signal, onEpoch: ({ epoch }) => { if (epoch === last) controller.abort(reason); } }).catch((error: unknown) => error);
      assert.is(outcome, reason);
      const { model } = await fit(make() as BPR, shop(), { gpu, checkpoints });
      assert.ok(sameBytes(toBytes(model), whole), `${model.name}, after epoch ${last}`);
    }
  }
  await gpu.destroy();
});

test('a device that is lost in the middle: an error that says so, and the model of the last whole epoch', async () => {
  const webgpu = new Error('WebGPU device was lost; call kernel.destroy() (or gpu.destroy()) and run again to rebuild on a fresh device');
  for (const make of makes) {
    // where the third epoch begins, in calls
    const counted = fakeGpuJs(), calls: number[] = [];
    await fit(make() as BPR, shop(), { gpu: await openWith(async () => counted.gpujs, { mode: 'cpu' }), onEpoch: () => { calls.push(counted.calls()); } });
    for (const faults of [{ failsAt: calls[1] + 7, error: webgpu }, { lostAt: calls[1] + 7 }]) {
      const model = make() as BPR, whole: Uint8Array[] = [];
      await rejects(
        async () => fit(model, shop(), { gpu: await faking(faults), onEpoch: () => { whole.push(toBytes(model)); } }),
        'device-lost', "gpu mode 'cpu': the device was lost", 'open it again, or train without it',
      );
      assert.is(whole.length, 2);
      assert.ok(sameBytes(toBytes(model), whole[1]), 'the model of the last whole epoch');
      await model.fit(shop()); // and it can be fitted again
    }

    const never = make() as BPR;
    await rejects(async () => fit(never, shop(), { gpu: await faking({ failsAt: 30, error: webgpu }) }), 'device-lost');
    assert.not(never.fitted, 'there was no whole epoch');
  }
});

test('other faults of a device: an error that names the mode and the kernel', async () => {
  const model = makes[0]();
  await rejects(async () => fit(model, shop(), { gpu: await faking({ failsAt: 20, error: new Error('shader too long') }) }), 'unsupported', "gpu mode 'cpu' cannot run here: kernel ", 'shader too long');
  assert.not(model.fitted);
});

test('tables that the device cannot hold are refused before it sees them', async () => {
  const fake = fakeGpuJs({ textureSize: 16 }), gpu = await openWith(async () => fake.gpujs, { mode: 'webgl2' }), model = new LogisticMF({ factors: 40, batchSize: 10 });
  await rejects(() => fit(model, shop(), { gpu }), 'unsupported', "gpu mode 'webgl2'", 'LogisticMF: the table of', 'at most 256', 'use fewer factors');
  assert.not(model.fitted);
});

test('training that diverges says so, as the tape does', async () => {
  await rejects(() => fit(new LogisticMF({ ...small, learningRate: 1e5 }), shop(), { mode: 'cpu' }), 'diverged', 'lower learningRate');
});

test('a device that was given stays open', async () => {
  let destroyed = 0;
  class Counting extends (gpujs as unknown as GpuJs).GPU { override async destroy(): Promise<void> { destroyed++; return super.destroy(); } }
  const gpu = await openWith(async () => ({ GPU: Counting }), { mode: 'cpu' });
  await fit(makes[0](), shop(), { gpu });
  assert.is(destroyed, 0);
  await gpu.destroy();
  assert.is(destroyed, 1);
});

test.run();
