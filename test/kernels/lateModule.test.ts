import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as answering from '../../kernels/answering.ts';
import { type Variant, backend, tables, useKernels } from '../../kernels/tables.ts';
import { AlternatingLeastSquares, BPR, LogisticMF, NextItemLSTM, fromBytes, interactions, toBytes } from '../../lib/index.ts';
import { skip } from '../helpers/skip.ts';

// A runtime that compiles WASM while a program starts, and not later, as edge workers do: what answers is quick, what learns runs as loops, and says so.

const test = suite('kernels/lateModule');
const data = interactions(Array.from({ length: 4000 }, (_, at) => at % 1999), Array.from({ length: 4000 }, (_, at) => (at * 7) % 1500)); // enough for kernels to be cut for several threads

/** The bytes that fits with these kernels come to. */
async function learned(kernels: Variant | 'auto', threads: number): Promise<Uint8Array[]> {
  useKernels(kernels);
  try {
    const settings = { factors: 32, epochs: 2, seed: 3 };
    const models = [new BPR({ ...settings, solver: 'sgd' }), new BPR({ ...settings, stepsPerEpoch: 2 }), new LogisticMF(settings), new AlternatingLeastSquares(settings), new NextItemLSTM({ ...settings, hidden: 32 })];
    const all: Uint8Array[] = [];
    for (const model of models) all.push(toBytes(await model.fit(data, { threads })));
    return all;
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
    const mixed = await learned('auto', 1), loops = await learned('loop', 1);
    assert.equal(await learned('auto', 2), mixed);
    assert.equal(await learned('simd', 2), mixed); // the same table, by its name
    assert.equal(mixed.map(({ length }) => length), loops.map(({ length }) => length));
    const model = fromBytes(mixed[0]);
    assert.is(model.recommendFor(7, { k: 3 }).length, 3);
    assert.equal(model.recommend([1, 2, 3], { threads: 2 }), model.recommend([1, 2, 3]));
  });

  test('backend() says so whatever was chosen, but for the loops, which are loops anyway', () => {
    useKernels('simd');
    assert.match(backend().why, /^asked for with useKernels\('simd'\); but what learns runs as plain loops: /);
    useKernels('loop');
    assert.is(backend().why, "asked for with useKernels('loop')");
    useKernels('auto');
  });

  test('fused multiply-add, which is a module too, is refused with the reason', () => {
    let said = '';
    try { useKernels('simd-fma'); } catch (error) { said = (error as Error).message; }
    assert.match(said, /^useKernels: 'simd-fma' cannot run here: .*; use 'simd' or 'auto'$/);
  });
}

test.run();
