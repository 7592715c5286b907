import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as answering from '../../kernels/answering.ts';
import { type Variant, backend, tables, useKernels } from '../../kernels/tables.ts';
import { BPR, NextItemLSTM, interactions, toBytes } from '../../lib/index.ts';
import { skip } from '../helpers/skip.ts';

// A runtime that compiles WASM while a program starts, and not later, as edge workers do: what answers is quick, what learns runs as loops, and says so.

const test = suite('kernels/lateModule');
const data = interactions(Array.from({ length: 600 }, (_, at) => at % 31), Array.from({ length: 600 }, (_, at) => (at * at) % 47));

/** The bytes that a fit with these kernels comes to. */
async function learned(kernels: Variant | 'auto'): Promise<Uint8Array[]> {
  useKernels(kernels);
  try {
    const settings = { factors: 9, epochs: 2, seed: 3 };
    return [toBytes(await new BPR({ ...settings, solver: 'sgd' }).fit(data, { threads: 2 })), toBytes(await new NextItemLSTM({ ...settings, hidden: 7 }).fit(data, { threads: 2 }))];
  } finally { useKernels('auto'); }
}

if (tables().simd === null) skip('kernels/lateModule', backend().why);
else {
  const late = WebAssembly.Module;
  test.before(() => { WebAssembly.Module = class { constructor() { throw new Error('code generation is not allowed any more'); } } as unknown as typeof late; });
  test.after(() => { WebAssembly.Module = late; });

  test('the kernels that learn are loops, those that answer are not, and backend() says so', async () => {
    const { loops, variants } = await import('../../kernels/index.ts');
    assert.is(backend().kernels, 'simd');
    assert.match(backend().why, /^this runtime runs WASM SIMD; but what learns runs as plain loops: this runtime refused the WASM SIMD module: code generation is not allowed any more$/);
    assert.equal(Object.keys(loops).filter((name) => variants.simd![name as keyof typeof loops] !== loops[name as keyof typeof loops]).sort(), Object.keys(answering.answeringSet.loops).sort());
  });

  test('models learn with them, on several threads or one, and answer', async () => {
    const mixed = await learned('auto');
    assert.equal(mixed, await learned('simd')); // the same table, by its name
    const loops = await learned('loop');
    assert.equal(mixed.map(({ length }) => length), loops.map(({ length }) => length));
    for (const bytes of mixed) assert.ok(bytes.length > 1000);
    const model = await new BPR({ solver: 'sgd', factors: 9, epochs: 2 }).fit(data), list = model.recommendFor(7, { k: 3 });
    assert.is(list.length, 3);
    assert.ok(list.every(({ score }) => Number.isFinite(score)));
  });

  test('fused multiply-add, which is a module too, is refused with the reason', () => {
    let said = '';
    try { useKernels('simd-fma'); } catch (error) { said = (error as Error).message; }
    assert.match(said, /^useKernels: 'simd-fma' cannot run here: .*; use 'simd' or 'auto'$/);
  });
}

test.run();
