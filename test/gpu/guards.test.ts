import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type GpuKernels, createGpuKernels } from '../../kernels/gpu.ts';
import { type GpuDevice, type GpuMode, type Resident, type Thread, openDevice } from '../../kernels/gpuDevice.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { type GpuFitOptions, fit, openGpu } from '../../lib/gpu/index.ts';
import { openWith } from '../../lib/gpu/open.ts';
import { BPR, type Interactions, LogisticMF, interactions, toBytes } from '../../lib/index.ts';
import { Adam } from '../../lib/optim/optimizers.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { shop } from '../helpers/shop.ts';
import { fakeGpuJs } from './fakeGpuJs.ts';

// What callers do that they should not, or that they may: arrays that change too early, devices that are gone, arguments of a wrong kind.

const double = function (this: Thread, x: Float32Array): number {
  return 2 * x[this.thread.x];
};
const plus = function (this: Thread, x: Float32Array, s: number): number {
  return x[this.thread.x] + s;
};

/** Runs `work` on a device of each mode that Node has, and on fakes of the others. */
async function everywhere(work: (gpu: GpuDevice) => Promise<void>): Promise<void> {
  for (const mode of ['cpu', 'webasm'] as const) { const gpu = await openGpu({ mode }); await work(gpu); await gpu.destroy(); }
  for (const mode of ['webgl2', 'webgpu'] as const) await work(await openDevice(fakeGpuJs().gpujs, mode));
}
const f = (...values: number[]): Float32Array => Float32Array.from(values), ints = (...values: number[]): Int32Array => Int32Array.from(values);

const given = suite('gpu/guards/arrays');

given('a call works on what the arrays held when it was made', () => everywhere(async (gpu) => {
  const k = createGpuKernels(gpu), w = f(1, 2), g = f(1, 2), step = k.sgd(w, g, 2, 0.5);
  g.fill(100);
  await step;
  assert.equal([...w], [0.5, 1], gpu.mode);

  const a = f(1, 2), upload = gpu.upload(a), doubled = gpu.kernel('double', double)(2, a);
  structuredClone(a.buffer, { transfer: [a.buffer] });
  assert.equal([...await (await upload).read()], [1, 2]);
  assert.equal([...await doubled], [2, 4]);
}));

given('so do kernels of several steps', () => everywhere(async (gpu) => {
  const k = createGpuKernels(gpu);
  const calls: [name: string, arrays: (Float32Array | Int32Array)[], call: (...arrays: never[]) => Promise<unknown>][] = [
    ['adagrad', [f(1, 2), f(3, 4), f(5, 6)], (w: Float32Array, s: Float32Array, g: Float32Array) => k.adagrad(w, s, g, 2, 0.5, 1e-8)],
    ['adagradRows', [f(1, 2), f(3, 4), f(5, 6), ints(1, 0)], (W: Float32Array, S: Float32Array, G: Float32Array, rows: Int32Array) => k.adagradRows(W, S, G, rows, 2, 1, 0.5, 1e-8)],
    ['adamRows', [f(1, 2), f(3, 4), f(5, 6), f(7, 8), ints(1, 0)], (W: Float32Array, M: Float32Array, V: Float32Array, G: Float32Array, rows: Int32Array) => k.adamRows(W, M, V, G, rows, 2, 1, 0.5, 0.9, 0.99, 1e-8, 1, 1)],
    ['bprLoss', [f(0), f(1, 2), f(3, 4), f(5, 6), ints(0), ints(1), ints(0)], (x: Float32Array, U: Float32Array, V: Float32Array, c: Float32Array, u: Int32Array, i: Int32Array, j: Int32Array) => k.bprLoss(x, U, V, c, u, i, j, 1, 1)],
    ['softmaxLoss', [f(0), f(1, 2), ints(1)], (lse: Float32Array, X: Float32Array, y: Int32Array) => k.softmaxLoss(lse, X, y, 1, 2)],
    ['topK', [ints(0, 0), f(0, 0), f(1, 2), ints(), ints(0, 0)], (ids: Int32Array, best: Float32Array, X: Float32Array, skip: Int32Array, start: Int32Array) => k.topK(ids, best, X, skip, start, 1, 2, 2)],
  ];
  for (const [name, arrays, call] of calls) {
    const calm = arrays.map((array) => array.slice()), wild = arrays.map((array) => array.slice());
    const expected = await call(...calm as never[]), running = call(...wild as never[]);
    for (const array of wild) array.fill(1);
    assert.is(await running, expected, `${gpu.mode} ${name}`);
    const writes = { adagrad: [0, 1], adagradRows: [0, 1], adamRows: [0, 1, 2], bprLoss: [0], softmaxLoss: [0], topK: [0, 1] }[name]!;
    for (const at of writes) assert.equal([...wild[at]], [...calm[at]], `${gpu.mode} ${name}, array ${at}`);
  }
}));

given('an array without memory is an error', async () => {
  const gpu = await openGpu({ mode: 'cpu' }), gone = f(1, 2);
  structuredClone(gone.buffer, { transfer: [gone.buffer] });
  await rejects(() => gpu.upload(gone), 'stale', 'lost its memory');
  await rejects(() => gpu.kernel('double', double)(2, gone), 'stale', 'lost its memory');
  await gpu.destroy();
});

given('tables that share rows: both gradients arrive', async () => {
  const k = createGpuKernels(await openDevice(fakeGpuJs().gpujs, 'cpu')), all = f(0, 0, 0), dU = all.subarray(0, 2), dV = all.subarray(1, 3);
  await k.rowDotGrad(dU, dV, f(1), f(2, 3), f(5, 7), ints(1), ints(0), 1, 1);
  assert.equal([...all], [0, 5 + 3, 0]); // dU[1] and dV[0] are one number
});

given('a device that fails in the middle of a kernel leaves its arrays as they were', async () => {
  const cases: [keyof GpuKernels, number, (k: GpuKernels, a: Float32Array[]) => Promise<unknown>][] = [
    ['adagrad', 2, (k, [a, b]) => k.adagrad(a, b, f(1), 1, 1, 1)],
    ['lstmCellGrad', 2, (k, [a, b]) => k.lstmCellGrad(b, a, f(1, 1, 1, 1), f(1), f(1), f(1), f(1), 1, 1)],
    ['bprLoss', 2, (k, [a]) => k.bprLoss(a, f(1), f(1), f(1), ints(0), ints(0), ints(0), 1, 1)],
    ['rowDotGrad', 2, (k, [a, b]) => k.rowDotGrad(a, b, f(1), f(1), f(1), ints(0), ints(0), 1, 1)],
    ['topK', 2, (k, [a]) => k.topK(ints(9, 9), a, f(1, 2), ints(), ints(0, 0), 1, 2, 2)],
  ];
  for (const [name, steps, call] of cases) {
    const failing = (failsAt: number): Promise<GpuDevice> => openDevice(fakeGpuJs({ failsAt, error: new Error('no more') }).gpujs, 'cpu');
    for (let at = 0; at < steps; at++) {
      const arrays = [f(9, 9, 9, 9), f(8, 8, 8, 8)], gpu = await failing(2 + at + 1); // two calls open it
      await rejects(() => call(createGpuKernels(gpu), arrays), 'unsupported', 'no more');
      assert.equal(arrays.map((array) => [...array]), [[9, 9, 9, 9], [8, 8, 8, 8]], name);
    }
  }
});

given('what a kernel made on the device goes back when it fails', async () => {
  const gpu = await openDevice(fakeGpuJs().gpujs, 'cpu');
  let live = 0;
  const counting: GpuDevice = {
    ...gpu,
    resident: (name, thread) => {
      const call = gpu.resident(name, thread) as (...args: unknown[]) => Promise<Resident>;
      return async (...args: unknown[]) => { const made = await call(...args); live++; return { ...made, length: made.length, read: async () => { throw new Error('no'); }, free: () => { live--; } }; };
    },
    kernel: () => async () => { throw new Error('no'); },
  };
  await createGpuKernels(counting).adagrad(f(1), f(1), f(1), 1, 1, 1).then(() => assert.unreachable(), () => {});
  assert.is(live, 0);
});

given.run();

const gone = suite('gpu/guards/destroyed');

gone('after destroy() every use is an error that says so', () => everywhere(async (gpu) => {
  const there = await gpu.upload(f(1, 2)), kernel = gpu.kernel('double', double), k = createGpuKernels(gpu), first = gpu.destroy();
  const words = [`gpu mode '${gpu.mode}': this device was given back by destroy(); open another`];
  await rejects(() => kernel(1, f(1)), 'stale', ...words);
  await rejects(() => kernel(0, f(1)), 'stale', ...words);
  await rejects(() => gpu.resident('double', double)(1, f(1)), 'stale', ...words);
  await rejects(() => gpu.upload(f(1)), 'stale', ...words);
  await rejects(() => gpu.upload(f()), 'stale', ...words);
  await rejects(() => there.read(), 'stale', ...words);
  await rejects(() => k.sgd(f(1), f(1), 1, 1), 'stale', ...words);
  there.free();
  assert.is(gpu.destroy(), first);
  await first;
}));

gone('a fit on it: refused before, ended in the middle', async () => {
  const gpu = await openGpu({ mode: 'cpu' }), model = new BPR({ factors: 3, epochs: 3 }), bytes: Uint8Array[] = [];
  await rejects(() => fit(model, shop(), { gpu, onEpoch: () => { bytes.push(toBytes(model)); void gpu.destroy(); } }), 'stale', 'given back by destroy()');
  assert.is(bytes.length, 1);
  assert.equal(toBytes(model), bytes[0]);
  let asked = 0;
  const never = new BPR({ factors: 3 });
  await rejects(() => fit(never, shop(), { gpu, onEpoch: () => { asked++; } }), 'stale', 'given back by destroy()');
  assert.is(asked, 0);
  assert.not(never.fitted);
});

gone.run();

const wrong = suite('gpu/guards/arguments');
const anything = (value: unknown): never => value as never;

wrong('what is no device', async () => {
  const promise = openGpu({ mode: 'cpu' });
  for (const [gpu, got] of [[5, 'got 5'], [{}, 'got another object'], [promise, 'got a promise'], [null, 'got null'], [openGpu, 'got a function'], ['cpu', 'got "cpu"']] as const) {
    await rejects(() => fit(new BPR(), shop(), { gpu: anything(gpu) }), 'bad-setting', 'gpu must be what openGpu gave (was it awaited?)', got);
    refuses(() => createGpuKernels(anything(gpu)), 'bad-setting', 'gpu must be what openGpu gave (was it awaited?)', got);
  }
  await (await promise).destroy();
});

wrong('a call of a device', () => everywhere(async (gpu) => {
  const add = gpu.kernel('plus', plus), resident = gpu.resident('plus', plus);
  for (const call of [add, resident]) {
    for (const cells of [1.5, -1, NaN, '2', null]) await rejects(() => call(anything(cells), f(1, 2), 1), 'bad-input', 'kernel plus', 'a whole number of cells');
    for (const arg of ['x', null, undefined, [1, 2], new Float64Array(2), ints(1), {}, double]) {
      await rejects(() => call(1, anything(arg), 1), 'bad-input', `gpu mode '${gpu.mode}', kernel plus`, 'numbers, Float32Arrays and arrays of this device');
      await rejects(() => call(1, f(1), anything(arg)), 'bad-input', 'kernel plus');
    }
    await rejects(() => (call as (...args: unknown[]) => Promise<unknown>)(1, f(1)), 'bad-input', '2 arguments');
  }
  for (const thread of [null, 'x', {}]) for (const make of [gpu.kernel, gpu.resident]) refuses(() => make('mine', anything(thread)), 'bad-input', 'kernel mine', 'a thread function');
  for (const values of [null, [1], new Float64Array(1), 'x']) await rejects(() => gpu.upload(anything(values)), 'bad-input', 'upload: expected a Float32Array');
  assert.equal([...await add(2, f(1, 2), 1)], [2, 3], 'it still runs');
}));

wrong('ids of a device', async () => {
  const gpu = await openDevice(fakeGpuJs({ textureSize: 4 }).gpujs, 'cpu'), refused: [unknown[], ErrorCode, string][] = [
    [[ints(1), 2], 'bad-input', 'at least 2'], [[ints(-2), 1], 'bad-input', 'id -2 at position 0'], [[[1], 1], 'bad-input', 'an Int32Array'], [[ints(1), 0.5], 'bad-input', 'whole number'],
    [[ints(0, 3), 2, 3], 'unknown-id', 'id 3 at position 1 is not one of the 3 rows'], [[ints(-1), 1, 3], 'unknown-id', 'id -1'], [[ints(3), 1, 3, true], 'unknown-id', 'id 3'],
    [[new Int32Array(17), 17], 'unsupported', 'an array of 17 numbers'],
  ];
  for (const [args, code, words] of refused) refuses(() => (gpu.ids as (...args: unknown[]) => unknown)(...args), code, words);
  assert.equal([...gpu.ids(ints(0, -1), 2)], [0, -1]);
  assert.equal([...gpu.ids(ints(2, -1, 9), 2, 3, true)], [2, -1]);
});

wrong('ids of the kernels: those of the tables, and -1 where a contract has it', async () => {
  const fake = fakeGpuJs(), k = createGpuKernels(await openDevice(fake.gpujs, 'cpu')), calls = fake.calls(), two = (): Float32Array => f(1, 1), settings = [0.1, 0.9, 0.99, 1e-8, 1, 1] as const, zero = ints(0);
  for (const id of [ints(2), ints(-1)]) {
    const refused: Partial<Record<keyof GpuKernels, () => Promise<unknown>>> = {
      gatherRows: () => k.gatherRows(two(), two(), id, 1, 1),
      gatherAdd: () => k.gatherAdd(two(), two(), id, 1, 1),
      gatherRowsGrad: () => k.gatherRowsGrad(two(), two(), id, 1, 1),
      rowDot: () => k.rowDot(two(), two(), two(), id, zero, 1, 1),
      rowDotGrad: () => k.rowDotGrad(two(), two(), two(), two(), two(), zero, id, 1, 1),
      bprLoss: () => k.bprLoss(two(), two(), two(), two(), zero, zero, id, 1, 1),
      bprGrad: () => k.bprGrad(two(), two(), two(), two(), two(), two(), zero, id, zero, 1, 1, 1),
      sgdRows: () => k.sgdRows(two(), two(), id, 1, 1, 1),
      adagradRows: () => k.adagradRows(two(), two(), two(), id, 1, 1, 1, 1),
      adamRows: () => k.adamRows(two(), two(), two(), two(), id, 1, 1, ...settings),
    };
    for (const [name, work] of Object.entries(refused)) await rejects(work, 'unknown-id', `id ${id[0]} at position 0`).catch((error) => { throw new Error(`${name}: ${error}`, { cause: error }); });
  }
  await rejects(() => k.adamTable(two(), two(), two(), two(), ints(2, -1), 2, 1, ...settings), 'unknown-id');
  await rejects(() => k.softmaxLoss(two(), two(), ints(2), 1, 2), 'unknown-id');
  await rejects(() => k.softmaxLossGrad(two(), two(), two(), ints(2), 1, 2, 1), 'unknown-id');
  assert.is(fake.calls(), calls);

  await k.adamTable(two(), two(), two(), two(), ints(-1, 1), 2, 1, ...settings);
  assert.is(await k.softmaxLoss(two(), two(), ints(-1), 1, 2), 0);
  assert.is(await k.precisionHits(ints(1, -1), ints(0, 1), ints(1), 1, 2), 1);
  assert.is(await k.accuracyHits(ints(1, -1), ints(1), 1, 2), 1);
});

wrong('arrays and sizes of the kernels', async () => {
  const fake = fakeGpuJs(), k = createGpuKernels(await openDevice(fake.gpujs, 'cpu')), calls = fake.calls(), one = f(1), zero = ints(0);
  await rejects(() => k.sgd(one, f(1, 2), 2, 1), 'bad-shape', 'gpu kernel sgd: w must hold at least 2 numbers', 'got 1');
  await rejects(() => k.matmul(f(0, 0, 0, 0), f(1, 2, 3, 4), f(1, 2, 3), 2, 2, 2), 'bad-shape', 'gpu kernel matmul: B must hold at least 4');
  await rejects(() => k.gatherRows(one, one, zero, 2, 1), 'bad-shape', 'gatherRows: out');
  await rejects(() => k.gatherRows(f(0, 0), one, zero, 2, 1), 'bad-shape', 'gatherRows: ids');
  await rejects(() => k.topK(zero, one, one, ints(), ints(0, 2), 1, 1, 1), 'bad-shape', 'topK: skip');
  await rejects(() => k.precisionHits(zero, ints(0, -1), zero, 1, 1), 'bad-shape', 'precisionHits: items');
  for (const n of [-1, 1.5, NaN, '1', undefined]) await rejects(() => k.sgd(one, one, anything(n), 1), 'bad-input', 'gpu kernel sgd: n must be a whole number');
  for (const array of [null, undefined, [1], zero, new Float64Array(1)]) await rejects(() => k.sgd(one, anything(array), 1, 1), 'bad-input', 'gpu kernel sgd: g must be a Float32Array');
  for (const array of [null, [0], one]) await rejects(() => k.topK(zero, one, one, zero, anything(array), 1, 1, 1), 'bad-input', 'topK: start must be an Int32Array');
  await rejects(() => k.sgd(one, one, 1, anything('x')), 'bad-input', 'numbers, Float32Arrays');
  assert.is(fake.calls(), calls);
});

wrong('threads', async () => {
  for (const threads of [0, 65, 1.5, '2']) await rejects(() => openGpu({ mode: 'webasm', threads: anything(threads) }), 'bad-setting', 'threads must be a whole number from 1 to 64');
  const page = globalThis as { crossOriginIsolated?: boolean };
  page.crossOriginIsolated = false;
  try {
    await rejects(() => openGpu({ mode: 'webasm', threads: 2 }), 'unsupported', "gpu mode 'webasm' cannot run here", '2 threads need shared memory', 'Cross-Origin-Opener-Policy');
    await (await openGpu({ mode: 'webasm' })).destroy();
  } finally { delete page.crossOriginIsolated; }
  const sizes: number[] = [], fake = fakeGpuJs({ sizes });
  await openDevice(fake.gpujs, 'webasm', 2);
  assert.ok(sizes.includes(8192), 'the workers were tried');
  await rejects(() => openDevice(fakeGpuJs({ failsFrom: 8192, error: new Error('no worker') }).gpujs, 'webasm', 2), 'unsupported', 'no worker', "use a runtime with WebAssembly");
});

wrong('models', async () => {
  await rejects(() => fit(BPR as never, shop()), 'unsupported', 'got the class BPR; make one with new BPR()');
  await rejects(() => fit({ name: Symbol('x') } as never, shop()), 'unsupported', 'got another object');
  await rejects(() => fit((() => {}) as never, shop()), 'unsupported', 'got a function');
  await rejects(() => fit(Symbol('x') as never, shop()), 'unsupported', 'got Symbol(x)');
});

wrong.run();

const before = suite('gpu/guards/before the device opens');
const mode: GpuMode = 'webgl2'; // which cannot be opened in Node

before('options, data and signal', async () => {
  const model = new BPR({ factors: 3 }), data = shop(), refused = (options: object, code: ErrorCode, words: string): Promise<void> => rejects(() => fit(model, data, { mode, ...options } as GpuFitOptions), code, words);
  await refused({ patience: -1, validation: () => 1 }, 'bad-setting', 'patience must be');
  await refused({ onEpoch: 5 }, 'bad-setting', 'onEpoch must be a function');
  await refused({ signal: {} }, 'bad-setting', 'signal must be');
  await rejects(() => fit(model, null as never, { mode }), 'bad-input', 'expected interactions');
  const reason = new Error('too late'), outcome: unknown = await fit(model, data, { mode, signal: AbortSignal.abort(reason) }).catch((error: unknown) => error);
  assert.is(outcome, reason);
});

before('one fit of a model at a time, while the device opens too', async () => {
  const model = new BPR({ factors: 3, epochs: 1 }), never = fit(model, shop(), { mode }).catch(() => {});
  await rejects(() => fit(model, shop(), { mode }), 'bad-input', 'BPR.fit: this model is being fitted');
  await never;
  const first = fit(model, shop(), { mode: 'cpu' });
  await rejects(() => model.fit(shop()), 'bad-input', 'being fitted');
  refuses(() => model.free(), 'bad-input', 'being fitted');
  await first;
  await rejects(() => fit(model, shop(), { mode }), 'unsupported');
  await model.fit(shop()); // a device that did not open leaves it free
});

before('tables and batches that the device cannot hold', async () => {
  const open = (textureSize: number): ReturnType<typeof openWith> => openWith(async () => fakeGpuJs({ textureSize }).gpujs, { mode: 'webgl2' });
  const many = (n: number, users: number): Interactions => interactions(Array.from({ length: n }, (_, e) => e % users), Array.from({ length: n }, (_, e) => e % 3));
  const refused = async (model: LogisticMF | BPR, data: Interactions, ...words: string[]): Promise<void> => {
    const gpu = await open(10);
    let drawn = 0;
    const kernel: typeof gpu.kernel = (...args) => { drawn++; return gpu.kernel(...args); };
    await rejects(() => fit(model as BPR, data, { gpu: { ...gpu, kernel } }), 'unsupported', ...words);
    assert.is(drawn, 0);
    assert.not(model.fitted);
  };
  await refused(new BPR({ factors: 8 }), many(20, 14), "BPR: the table of 14 users x 8 factors has 112 numbers; this device (gpu mode 'webgl2') holds at most 100; use fewer factors or train without the gpu");
  await refused(new LogisticMF({ factors: 40 }), many(20, 2), 'LogisticMF: the table of 3 items x 40 factors has 120 numbers');
  await refused(new LogisticMF({ factors: 2, batchSize: 20, negatives: 5 }), many(30, 2), 'LogisticMF: a batch of 120 pairs is more than this device', 'lower batchSize or negatives');
  await refused(new BPR({ factors: 2, batchSize: 60 }), many(90, 2), 'BPR: a batch of 60 triples is more than this device', 'lower batchSize');
  for (const kind of ['cpu', 'webasm'] as const) {
    const gpu = await openDevice(fakeGpuJs({ textureSize: 10 }).gpujs, kind);
    await rejects(() => gpu.upload(new Float32Array(101)), 'unsupported', 'upload would need an array of 101 numbers', 'at most 100');
  }
});

before.run();

const after = suite('gpu/guards/after an end before its time');

after("Adam's moments come along: partialFit goes on as the tape's does", async () => {
  const settings = { factors: 5, epochs: 3, learningRate: 0.05, seed: 2 };
  for (const make of [() => new LogisticMF({ ...settings, batchSize: 60, negatives: 2 }), () => new BPR({ ...settings, batchSize: 50, stepsPerEpoch: 5 })]) {
    for (const how of ['abort', 'throw']) {
      const run = async (train: (model: BPR, options: GpuFitOptions) => Promise<unknown>): Promise<BPR> => {
        const model = make() as BPR, controller = new AbortController(), reason = new Error('enough');
        const onEpoch = ({ epoch }: { epoch: number }): void => { if (epoch === 2) { if (how === 'abort') controller.abort(reason); else throw reason; } };
        const outcome: unknown = await train(model, { onEpoch, signal: controller.signal }).catch((error: unknown) => error);
        assert.is(outcome, reason);
        await model.partialFit(shop());
        return model;
      };
      const mine = (await run((model, options) => fit(model, shop(), { mode: 'cpu', ...options }))).toState().tensors;
      const theirs = (await run((model, options) => model.fit(shop(), options))).toState().tensors;
      for (const name of Object.keys(theirs)) assert.ok(theirs[name].data.every((value, at) => Math.abs(value - mine[name].data[at]) < 1e-4), `${how} ${name}`);
    }
  }
});

after('moments come along all of them or none', async () => {
  const gpu = await openGpu({ mode: 'cpu' }), { restore } = Adam.prototype;
  let reads = 0, restored = 0;
  const resident: typeof gpu.resident = (name, thread) => {
    const call = gpu.resident(name, thread) as (...args: unknown[]) => Promise<Resident>;
    return async (...args: unknown[]) => {
      const made = await call(...args), read = made.read.bind(made);
      if (/^adam, [mv]/.test(name)) made.read = async () => { if (++reads >= 3) throw new Error('no more'); return read(); };
      return made;
    };
  };
  Adam.prototype.restore = function (...args) { restored++; restore.apply(this, args); };
  try {
    const outcome: unknown = await fit(new BPR({ factors: 3, epochs: 1 }), shop(), { gpu: { ...gpu, resident } }).catch((error: unknown) => error);
    assert.is((outcome as Error).message, 'no more');
    assert.is(restored, 0);
    await fit(new BPR({ factors: 3, epochs: 1 }), shop(), { gpu });
    assert.is(restored, 3);
  } finally { Adam.prototype.restore = restore; }
  await gpu.destroy();
});

after.run();
