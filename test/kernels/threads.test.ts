import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Kernels, backend, fma, kernels, useKernels, variants } from '../../kernels/index.ts';
import { type Block, allocate, free, memoryUse } from '../../kernels/memory.ts';
import type { Part } from '../../kernels/spread.ts';
import { holdThreads, runParts, threadCount } from '../../kernels/threads.ts';
import { random } from '../../lib/random.ts';
import { refuses } from '../helpers/refuses.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('kernels/threads');
const { whyOneThread } = backend();

/** Arrays where every thread sees them; all are given back at the end. */
const blocks: Block[] = [];
const placed = (length: number): Block => { blocks.push(allocate(length)); return blocks.at(-1)!; };
const next = random(1);
const floats = (n: number): Float32Array => { const x = placed(n).floats(); for (let at = 0; at < n; at++) x[at] = next.uniform() - 0.5; return x; };
const ints = (n: number, below: number): Int32Array => { const x = placed(n).ints(); for (let at = 0; at < n; at++) x[at] = next.below(below); return x; };

/** The workers that Node starts, as it tells of them. */
const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));

if (whyOneThread !== null) skip('kernels/threads', whyOneThread);
else {
  test('alone, parts run in turn, and what they return comes in their order', () => {
    const x = Float32Array.of(1, 2, 3);
    assert.is(threadCount(), 1);
    assert.equal(runParts([['sumSquares', x, 1], ['clear', x.subarray(0, 1), 1], ['sumSquares', x, 3]]), [1, undefined, 13]);
    assert.equal(runParts([]), []);
    assert.is(holdThreads(1).run(() => 7), 7);
  });

  for (const count of [2, 3]) {
    test(`${count} threads: every part once, in any number of them`, async () => {
      const threads = holdThreads(count);
      await threads.start();
      threads.run(() => {
        assert.is(threadCount(), Math.min(count, backend().threads)); // no more than there are processors
        for (const n of [1, 2, 126, 127, 128, 600]) {
          const x = floats(n).fill(1), parts = Array.from({ length: n }, (_, at): Part => ['addScaled', x.subarray(at), x.subarray(at), 1, at]); // x += at x
          runParts(parts);
          assert.equal([...x], Array.from({ length: n }, (_, at) => 1 + at));
          assert.equal(runParts(parts.map((_, at) => ['sumSquares', x.subarray(at), 1])), Array.from({ length: n }, (_, at) => (1 + at) ** 2));
        }
      });
      assert.is(threadCount(), 1);
      threads.release();
      threads.release(); // a second time does nothing
    });
  }

  test('arrays that other threads do not see: the main thread does those parts', () => {
    const threads = holdThreads(2), x = Float32Array.of(3), y = floats(1).fill(2);
    assert.equal(threads.run(() => runParts([['sumSquares', x, 1], ['sumSquares', y, 1]])), [9, 4]);
    threads.release();
  });

  test('workers start with the first parts, not before', () => {
    const before = workers.length, threads = holdThreads(2), x = floats(2);
    threads.run(() => runParts([['sumSquares', x, 1]]));
    assert.is(workers.length, before);
    threads.release();
  });

  test('work inside work, and work that throws', () => {
    const threads = holdThreads(2), table = kernels;
    assert.is(threads.run(() => threads.run(() => threadCount())), 2);
    assert.throws(() => threads.run(() => { throw new Error('mine'); }), 'mine');
    assert.is(threadCount(), 1);
    assert.is(kernels, table);
    threads.release();
  });

  // every kernel that is cut, at sizes that leave something over; `writes`: which arguments it writes
  const adam = [0.01, 0.9, 0.999, 1e-8, 1.3, 1.7] as const;
  const calls: [name: keyof Kernels, writes: number[], args: () => unknown[]][] = [
    ['matmul', [0], () => [placed(37 * 1999).floats(), floats(37 * 131), floats(131 * 1999), 37, 1999, 131]],
    ['matmul', [0], () => [placed(1001 * 13).floats(), floats(1001 * 131), floats(131 * 13), 1001, 13, 131]],
    ['matmul', [0], () => [placed(3 * 2500).floats(), floats(3 * 131), floats(131 * 2500), 3, 2500, 131]],
    ['matmulTransposed', [0], () => [placed(37 * 999).floats(), floats(37 * 131), floats(131 * 999), 37, 999, 131]],
    ['matmulTransposed', [0], () => [placed(2001 * 7).floats(), floats(2001 * 131), floats(131 * 7), 2001, 7, 131]],
    ['matmulGradA', [0], () => [floats(37 * 131), floats(37 * 999), floats(131 * 999), 37, 999, 131]],
    ['matmulGradA', [0], () => [floats(701 * 5), floats(701 * 999), floats(5 * 999), 701, 999, 5]],
    ['matmulGradB', [0], () => [floats(131 * 999), floats(37 * 131), floats(37 * 999), 37, 999, 131]],
    ['matmulGradB', [0], () => [floats(1301 * 9), floats(137 * 1301), floats(137 * 9), 137, 9, 1301]],
    ['product', [0], () => [floats(41 * 1100), floats(41 * 150), floats(999 * 140), 41, 999, 133, 1100, 150, 1, 1, 140, 1]],
    ['lstmCell', [0, 1, 2], () => [floats(33 * 97), floats(33 * 97), floats(33 * 4 * 97), floats(33 * 4 * 97), floats(33 * 97), 33, 97]],
    ['lstmCellGrad', [0, 1], () => [floats(77 * 4 * 97), floats(77 * 97), floats(77 * 4 * 97), floats(77 * 97), floats(77 * 97), floats(77 * 97), floats(77 * 97), 77, 97]],
    ['softmaxLoss', [0], () => [floats(67), floats(67 * 501), ints(67, 501), 67, 501]],
    ['softmaxLossGrad', [0], () => [floats(67 * 501), floats(67).fill(7), floats(67 * 501), ints(67, 501), 67, 501, 0.3]],
    ['sgd', [0], () => [floats(100_003), floats(100_003), 100_003, 0.1]],
    ['adagrad', [0, 1], () => [floats(100_003), floats(100_003).fill(1), floats(100_003), 100_003, 0.1, 1e-10]],
    ['adam', [0, 1, 2], () => [floats(100_003), floats(100_003), floats(100_003).fill(1), floats(100_003), 100_003, ...adam]],
    ['adamTable', [0, 1, 2], () => [floats(1003 * 51), floats(1003 * 51), floats(1003 * 51).fill(1), floats(9 * 51), ints(1003, 9), 1003, 51, ...adam]],
    ['clear', [0], () => [floats(1_000_003), 1_000_003]],
    ['scale', [0], () => [floats(300_003), 300_003, 1.7]],
    ['topK', [0, 1], () => [ints(501 * 5, 3), floats(501 * 5), floats(501 * 777), ints(501, 777), Int32Array.from({ length: 502 }, (_, b) => b), 501, 777, 5].map((arg) => (arg instanceof Int32Array && arg.length === 502 ? Object.assign(placed(502).ints(), arg) : arg))],
  ];
  for (const variant of ['simd', 'simd-fma'] as const) {
    if (variant === 'simd-fma' && fma().kernels === null) { skip('kernels/threads/simd-fma', fma().why); continue; }
    for (const [at, [name, writes, make]] of calls.entries()) {
      test(`${name}, cut (${at}), ${variant}: the bits of one thread`, async () => {
        useKernels(variant);
        const args = make(), before = args.map((arg) => (typeof arg === 'number' ? arg : (arg as Float32Array).slice())), call = (): unknown => (kernels[name] as (...all: unknown[]) => unknown)(...args);
        const result = call(), alone = writes.map((w) => (args[w] as Float32Array).slice());
        for (const count of [2, 3, 7]) {
          const threads = holdThreads(count);
          await threads.start();
          for (const w of writes) (args[w] as Float32Array).set(before[w] as Float32Array);
          const table = threads.run(() => kernels);
          assert.is.not(table[name], kernels[name], 'it is one of those that are cut');
          assert.is(threads.run(call), result);
          for (const [n, w] of writes.entries()) assert.ok(Buffer.compare(Buffer.from((args[w] as Float32Array).slice().buffer), Buffer.from(alone[n].buffer)) === 0, `${count} threads: argument ${w}`);
          for (const [a, arg] of args.entries()) if (typeof arg !== 'number' && !writes.includes(a)) assert.equal(arg, before[a]);
          threads.release();
        }
        useKernels('auto');
      });
    }
  }

  test('with the loops one thread works, whatever was asked', () => {
    useKernels('loop');
    const threads = holdThreads(2);
    assert.equal([threads.count, backend().threads, backend().whyOneThread], [1, 1, 'the kernels are plain loops']);
    useKernels('auto');
    assert.ok(backend().threads >= 1 && backend().whyOneThread === null);
  });

  test('a worker that ends: nothing hangs, the next piece of work is refused, and new threads serve', async () => {
    const threads = holdThreads(2), x = floats(640).fill(1);
    await threads.start();
    const parts = Array.from({ length: 64 }, (_, at): Part => ['sumSquares', x.subarray(at * 10), 10]);
    await workers.at(-1)!.terminate();
    await new Promise((resolve) => { setTimeout(resolve, 20); });
    refuses(() => threads.run(() => runParts(parts)), 'thread-lost', 'a worker thread has ended while it was needed', 'it ended with code 1', 'threads: 1');
    threads.release();
    const again = holdThreads(2);
    await again.start();
    assert.equal(again.run(() => runParts(parts)), Array.from({ length: 64 }, () => 10));
    again.release();
  });

  test('a worker that ends just before the work: the main thread does it all', async () => {
    const threads = holdThreads(2), x = floats(1270).fill(1);
    await threads.start();
    const ended = workers.at(-1)!.terminate(); // not awaited: the main thread does not know yet
    for (const start = performance.now(); performance.now() - start < 100;);
    assert.equal(threads.run(() => runParts(Array.from({ length: 127 }, (_, at): Part => ['sumSquares', x.subarray(at * 10), 10]))), Array.from({ length: 127 }, () => 10));
    await ended;
    threads.release();
  });

  test('threads that were released, and kernels that change between two pieces of work', () => {
    const threads = holdThreads(2), C = placed(300 * 300).floats(), A = floats(300 * 300), B = floats(300 * 300);
    useKernels('loop');
    threads.run(() => kernels.matmul(C, A, B, 300, 300, 300));
    const loop = C.slice();
    useKernels('auto');
    variants.loop!.matmul(C, A, B, 300, 300, 300);
    assert.equal(C, loop);
    threads.release();
    refuses(() => threads.run(() => 1), 'stale', 'threads that were released are asked to work');
  });

  test('a part that fails: an error that names the kernel', async () => {
    const threads = holdThreads(2), x = floats(8);
    await threads.start();
    refuses(() => threads.run(() => runParts([['sumSquares', x, 8], ['clear', x, 2 ** 29]])), 'thread-lost', 'clear failed');
    threads.release();
  });

  test('workers end some time after the last release, and their memory comes back', async () => {
    await new Promise((resolve) => { setTimeout(resolve, 2500); });
    const { inUse } = memoryUse(), threads = holdThreads(2);
    await threads.start();
    const started = workers.slice(-1);
    assert.ok(memoryUse().inUse > inUse + 384 * 1024);
    threads.release();
    const waiting = setInterval(() => {}, 100); // they keep no process alive
    await Promise.all(started.map((worker) => new Promise((resolve) => { worker.once('exit', resolve); })));
    clearInterval(waiting);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    assert.is(memoryUse().inUse, inUse);
  });

  test('a process ends by itself while its threads are held', () => {
    const script = `const { holdThreads } = await import('${new URL('../../dist/kernels/threads.js', import.meta.url)}');
      const threads = holdThreads(2); await threads.start(); console.log('held');`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8', timeout: 20_000 });
    assert.equal([status, stdout], [0, 'held\n'], stderr);
  });

  test.after(() => blocks.forEach(free));
}
if (variants.simd === null) skip('kernels/threads', backend().why);

test.run();
