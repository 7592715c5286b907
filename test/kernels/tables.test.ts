import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as answering from '../../kernels/answering.ts';
import { allocate, free } from '../../kernels/memory.ts';
import { type Variant, backend, chosenVariant, tableInUse, tables, useKernels } from '../../kernels/tables.ts';
import { holdThreads, runParts } from '../../kernels/threads.ts';
import { refuses } from '../helpers/refuses.ts';

// The kernels come in two sets. This file imports those that answer, and then, test by test in this order, the others.

const test = suite('kernels/tables'), names = Object.keys(answering.answeringSet.loops).sort(), byDefault: Variant = tables().simd === null ? 'loop' : 'simd';

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
  first.run(() => runParts(parts)); // its workers do not know the kernel: the main thread does it all
  assert.ok(x.every((value) => value === 1.5));
  await second.start();
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

test.run();
