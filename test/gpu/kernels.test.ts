import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GpuKernels, createGpuKernels } from '../../kernels/gpu.ts';
import { type GpuMode, type Thread, openDevice } from '../../kernels/gpuDevice.ts';
import { type Gpu, openGpu } from '../../lib/gpu/index.ts';
import { kernelCases } from '../helpers/kernelCases.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { skip } from '../helpers/skip.ts';
import { changeSizes } from './changeSizes.ts';
import { fakeGpuJs } from './fakeGpuJs.ts';
import { farPositions } from './farPositions.ts';
import { runCases } from './runCases.ts';

// Every kernel of the table as gpu.js kernels. What needs a browser is in browser.test.ts.

const kernels = [...new Set(kernelCases.map(({ kernel }) => kernel))];

const open = new Map<GpuMode, Gpu>(); // before the first suite runs: uvu sums up what was queued by then
for (const mode of ['cpu', 'webasm', 'webgl2', 'webgpu'] as const) {
  try { open.set(mode, await openGpu({ mode })); } catch (error) { skip(`gpu/kernels/${mode}`, (error as Error).message); }
}

for (const [mode, gpu] of open) {
  const test = suite(`gpu/kernels/${mode}`), table = createGpuKernels(gpu);
  test.after(() => gpu.destroy());

  for (const kernel of kernels) {
    test(`${kernel} agrees with the loop`, async () => {
      const { ran, failures } = await runCases(table, kernel);
      assert.ok(ran > 5);
      assert.equal(failures, []);
    });
  }

  test('calls at the same time do not disturb each other', async () => {
    const w = [1, 2, 3].map((n) => Float32Array.from({ length: n }, (_, at) => n + at)), g = Float32Array.of(1, 2, 3);
    await Promise.all(w.map((one) => table.sgd(one, g, one.length, 1)));
    assert.equal(w.map((one) => [...one]), [[0], [1, 1], [2, 2, 2]]);
  });

  test('sizes may grow and shrink from call to call', async () => { assert.equal(await changeSizes(gpu), []); });

  test('positions may add up to more than float32 counts', async () => { assert.equal(await farPositions(gpu), []); });

  test('more than a small loop: a hundred thousand additions to one row', async () => {
    const B = 100_000, dTable = new Float32Array(2);
    await table.gatherRowsGrad(dTable, new Float32Array(B).fill(1), new Int32Array(B).fill(1), B, 1);
    assert.equal([...dTable], [0, B]);
  });

  test('ids up to 2^24 - 1 are told apart; from 2^24 on they are refused', async () => {
    const last = 2 ** 24 - 1;
    assert.is(await table.accuracyHits(Int32Array.of(last, last - 1), Int32Array.of(last, last), 2, 1), 1);
    await rejects(() => table.accuracyHits(Int32Array.of(0), Int32Array.of(2 ** 24), 1, 1), 'unsupported', `gpu mode '${mode}'`, 'id 16777216 at position 0', '2^24 or more');
  });

  test.run();
}

const test = suite('gpu/kernels/refused');

test('the table of the gpu is the table of the cases', async () => {
  const fake = fakeGpuJs();
  assert.equal(Object.keys(createGpuKernels(await openDevice(fake.gpujs, 'cpu'))).sort(), [...kernels].sort());
});

test('ids of 2^24 or more: every kernel that takes ids refuses them before the device sees anything', async () => {
  const fake = fakeGpuJs(), table = createGpuKernels(await openDevice(fake.gpujs, 'cpu')), calls = fake.calls(), tooHigh = Int32Array.of(2 ** 24), zero = new Int32Array(1), one = Float32Array.of(1);
  const settings = [0.1, 0.9, 0.99, 1e-8, 1, 1] as const;
  const refused: Partial<Record<keyof GpuKernels, () => Promise<unknown>>> = {
    gatherRows: () => table.gatherRows(one, one, tooHigh, 1, 1),
    gatherAdd: () => table.gatherAdd(one, one, tooHigh, 1, 1),
    gatherRowsGrad: () => table.gatherRowsGrad(one, one, tooHigh, 1, 1),
    rowDot: () => table.rowDot(one, one, one, zero, tooHigh, 1, 1),
    rowDotGrad: () => table.rowDotGrad(one, one, one, one, one, zero, tooHigh, 1, 1),
    bprLoss: () => table.bprLoss(one, one, one, one, zero, zero, tooHigh, 1, 1),
    bprGrad: () => table.bprGrad(one, one, one, one, one, one, zero, zero, tooHigh, 1, 1, 1),
    sgdRows: () => table.sgdRows(one, one, tooHigh, 1, 1, 1),
    adagradRows: () => table.adagradRows(one, one, one, tooHigh, 1, 1, 1, 1),
    adamRows: () => table.adamRows(one, one, one, one, tooHigh, 1, 1, ...settings),
    adamTable: () => table.adamTable(one, one, one, one, tooHigh, 1, 1, ...settings),
    softmaxLoss: () => table.softmaxLoss(one, one, tooHigh, 1, 1),
    softmaxLossGrad: () => table.softmaxLossGrad(one, one, one, tooHigh, 1, 1, 1),
    precisionHits: () => table.precisionHits(zero, Int32Array.of(0, 1), tooHigh, 1, 1),
    accuracyHits: () => table.accuracyHits(tooHigh, zero, 1, 1),
  };
  for (const work of Object.values(refused)) await rejects(work, 'unsupported', '2^24 or more', 'train without the gpu');
  assert.is(fake.calls(), calls);
});

test('arrays of more than 2^24 numbers, or than a texture holds, are refused before the device sees them', async () => {
  for (const [textureSize, limit, why] of [[16384, 2 ** 24, 'float32 cannot count further'], [64, 4096, 'its textures end there']] as const) {
    const fake = fakeGpuJs({ textureSize }), device = await openDevice(fake.gpujs, 'cpu'), table = createGpuKernels(device), calls = fake.calls(), n = limit + 1;
    assert.is(device.limit, limit);
    const words = [`an array of ${n} numbers`, `at most ${limit}`, why, 'use fewer factors or a smaller batch'];
    const large = new Float32Array(n), small = Float32Array.of(1);
    await rejects(() => table.sgd(large, large, n, 1), 'unsupported', ...words); // output
    await rejects(() => table.gatherRows(small, large, Int32Array.of(0), 1, 1), 'unsupported', 'kernel gatherRows', ...words); // input
    await rejects(() => table.matmul(large, small, small, n, 1, 0), 'unsupported', 'kernel matmul', ...words);
    assert.is(fake.calls(), calls);
  }
});

test('a kernel that gpu.js quietly runs on the cpu is an error', async () => {
  await rejects(() => openDevice(fakeGpuJs({ kind: 'cpu', why: 'no float textures' }).gpujs, 'webgl2'), 'unsupported', "gpu mode 'webgl2' cannot run here", "in mode 'cpu' instead: no float textures", "mode 'webasm' or 'auto'");
});

test('several workers give the same numbers, and end with their device', async () => {
  const gpu = await openGpu({ mode: 'webasm', threads: 2 }), n = 3 * 4096 + 1, w = Float32Array.from({ length: n }, (_, at) => at), g = new Float32Array(n).fill(1);
  await createGpuKernels(gpu).sgd(w, g, n, 1);
  assert.ok(w.every((value, at) => value === at - 1));
  await gpu.destroy();
});

test('a device that computes something else is an error', async () => {
  await rejects(() => openDevice(fakeGpuJs({ off: 1 }).gpujs, 'cpu'), 'unsupported', "gpu mode 'cpu' cannot run here", 'its numbers are not float32');
});

test('an array of a device that was freed, or of another one, is an error', async () => {
  const gpu = await openGpu({ mode: 'cpu' }), kept = await gpu.upload(Float32Array.of(1, 2));
  assert.equal([...await kept.read()], [1, 2]);
  kept.free();
  kept.free();
  await rejects(() => kept.read(), 'stale', 'freed');
  const other = await openGpu({ mode: 'cpu' }), there = await other.upload(Float32Array.of(1));
  const double = gpu.kernel('double', function (this: Thread, x: Float32Array): number { return 2 * x[this.thread.x]; });
  await rejects(() => double(1, there), 'bad-input', 'another device');
  assert.equal([...await double(1, await there.read())], [2]);
  await other.destroy();
  await gpu.destroy();
  refuses(() => gpu.ids(Int32Array.of(2 ** 24), 1), 'unsupported');
});

test.run();
