import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as answering from '../../kernels/answering.ts';
import { allocate, free } from '../../kernels/memory.ts';
import { type Variant, backend, chosenVariant, fusedTable, tableInUse, tables, useKernels } from '../../kernels/tables.ts';
import { holdThreads, runParts } from '../../kernels/threads.ts';
import { refuses } from '../helpers/refuses.ts';
import { skip } from '../helpers/skip.ts';

// The kernels come in two sets. This file imports those that answer, and then, test by test in this order, the others.

const test = suite('kernels/tables'), names = Object.keys(answering.answeringSet.loops).sort(), byDefault: Variant = tables().simd === null ? 'loop' : 'simd';
const { kernels: fusedEarly, why } = fusedTable(), elsewhere = process.env.TIGHTREC_NODE24; // before there are others

/** The workers that Node starts, as it tells of them. */
const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));

test('at first the tables have the kernels that answer, and no other', () => {
  for (const table of [tables().loop, tables().simd ?? tables().loop, answering.kernels]) assert.equal(Object.keys(table).sort(), names);
  assert.is(answering.kernels, tableInUse());
  assert.is(chosenVariant(), byDefault);
});

test('a pool of threads that was made before knows what comes later, by way of another pool', async () => {
  if (holdThreads(2).count === 1) return; // which test/kernels/threads.test.ts tells of
  const first = holdThreads(2), block = allocate(4096), x = block.floats().fill(2);
  await first.start();
  assert.equal(first.run(() => runParts([['sumSquares', x, 2], ['sumSquares', x, 3]])), [8, 12]);
  const before = Object.keys(tableInUse()).length;
  await import('../../kernels/index.ts');
  assert.ok(Object.keys(tableInUse()).length > 2 * before);

  const g = allocate(4096), parts = Array.from({ length: 64 }, (_, part) => ['sgd', x.subarray(64 * part), g.floats().subarray(64 * part), 64, 0.5] as const), second = holdThreads(2);
  g.floats().fill(1);
  first.run(() => runParts([['clear', g.floats(), 0], ...parts])); // its workers do not know the kernel of most: the main thread does it all
  assert.ok(x.every((value) => value === 1.5));
  const started = workers.length;
  await second.start();
  assert.is(workers.length, started + 1);
  second.run(() => runParts(parts));
  assert.ok(x.every((value) => value === 1));
  for (const threads of [first, second]) threads.release();
  for (const held of [block, g]) free(held);
});

test('what was chosen before holds for what comes later, and both tables follow from then on', async () => {
  const { kernels } = await import('../../kernels/index.ts');
  assert.is(kernels, answering.kernels);
  for (const name of ['loop', 'auto', 'loop'] as const) {
    useKernels(name);
    const { kernels } = await import('../../kernels/index.ts'); // its binding as it is now
    assert.is(kernels, answering.kernels);
    assert.is(kernels, tableInUse());
    assert.is(backend().kernels, name === 'auto' ? byDefault : 'loop');
  }
  useKernels('auto');
  refuses(() => useKernels('gpu' as Variant), 'bad-setting', /expected 'auto', 'simd', 'simd-fma' or 'loop'/);
});

if (fusedEarly !== null) test('fused multiply-add that was loaded before goes on with what comes later', () => {
  useKernels('simd-fma');
  assert.equal(Object.keys(tableInUse()).sort(), Object.keys(tables().loop).sort());
  assert.is.not(tableInUse().matmul, tables().simd!.matmul);
  assert.is(tableInUse().sgd, tables().simd!.sgd);
  useKernels('auto');
});
else if (elsewhere === undefined) skip('kernels/tables, simd-fma', why);
else test('all of this in a Node that has relaxed SIMD', () => {
  const { status, stdout } = spawnSync(elsewhere, ['--import', 'tsx', fileURLToPath(import.meta.url)], { encoding: 'utf8' });
  assert.is(status, 0, stdout);
  assert.ok(!stdout.includes('SKIPPED'), stdout);
});

test.run();
