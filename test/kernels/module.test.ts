import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { modules } from '../../kernels/compile.ts';
import * as answering from '../../kernels/answering.ts';
import * as table from '../../kernels/index.ts';
import { type Variant, backend, loops, useKernels, variants } from '../../kernels/index.ts';
import { isShared, memoryUse } from '../../kernels/memory.ts';
import { answeringModule } from '../../kernels/moduleAnswering.ts';
import { learningModule } from '../../kernels/moduleLearning.ts';
import { moduleBytes, moduleText } from '../../kernels/moduleText.ts';
import { TightrecError } from '../../lib/errors.ts';

const test = suite('kernels/module');
const folder = new URL('../../kernels/', import.meta.url);
const names = Object.keys(loops).sort();
const exportsOf = (source: string): string[] => [...source.matchAll(/^export function (\w+)/gm)].map((match) => match[1]);

test('the modules are what kernels/*/simd.ts compile to', async () => {
  const all = await modules();
  assert.equal(Object.keys(all).sort(), readdirSync(folder).filter((name) => /^module[A-Z]/.test(name) && name !== 'moduleText.ts').sort());
  for (const [file, source] of Object.entries(all)) assert.ok(source === readFileSync(new URL(file, folder), 'utf8'), `kernels/${file} is out of date: run npm run kernels, and commit it with the sources`);
});

test('a module as text is plain letters, and every byte comes back', () => {
  const bytes = Uint8Array.from({ length: 3 * 256 }, (_, at) => (at * at + at / 256) & 255), every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  for (const some of [bytes, every, every.slice(0, 1), every.slice(0, 0)]) assert.equal(moduleBytes(moduleText(some)), some);
  assert.match(moduleText(every), /^[ -~]+$/);
  assert.not.match(moduleText(every), /['"`\\$]/);
});

test('the modules take a memory and nothing else, and give the kernels of the table, each once', () => {
  const all = [answeringModule, learningModule].map((text) => new WebAssembly.Module(moduleBytes(text)));
  for (const module of all) assert.equal(WebAssembly.Module.imports(module), [{ module: 'env', name: 'memory', kind: 'memory' }]);
  const exported = all.map((module) => WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function').map(({ name }) => name).sort());
  assert.equal(exported.flat().sort(), names);
  assert.equal(exported[0], Object.keys(answering.answeringSet.loops).sort());
});

test('every kernel is in its loop.ts, in its simd.ts, in the table and in a test', () => {
  const seen: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const read = (file: URL): string => readFileSync(file, 'utf8'), loop = read(new URL(`${entry.name}/loop.ts`, folder)), simd = new URL(`${entry.name}/simd.ts`, folder);
    const kernels = exportsOf(loop);
    if (existsSync(simd)) assert.equal(exportsOf(read(simd)).sort(), kernels.sort(), `kernels/${entry.name}/simd.ts`);
    const proof = new URL(`${entry.name}.test.ts`, import.meta.url);
    assert.ok(existsSync(proof), `there is no test/kernels/${entry.name}.test.ts`);
    for (const kernel of kernels) assert.ok(read(proof).includes(`variant.${kernel}(`), `test/kernels/${entry.name}.test.ts does not hold ${kernel} against the loop`);
    seen.push(...kernels);
  }
  assert.equal(seen.sort(), names);
});

test('each variant has every kernel, and they are not the loops', () => {
  for (const [name, variant] of Object.entries(variants)) {
    if (variant === null) continue;
    assert.equal(Object.keys(variant).sort(), names, name);
    if (name !== 'loop') for (const kernel of names as (keyof typeof loops)[]) assert.is.not(variant[kernel], loops[kernel], `${name}: ${kernel}`);
  }
});

test('useKernels chooses, and the tables that lib calls follow', () => {
  for (const name of ['loop', 'auto'] as const) {
    useKernels(name);
    assert.is(answering.kernels, table.kernels, name);
  }
  useKernels('loop');
  assert.is(table.kernels, loops);
  assert.equal([backend().kernels, backend().why], ['loop', "asked for with useKernels('loop')"]);
  useKernels('auto');
  assert.is(table.kernels, variants.simd ?? loops);
  assert.not.match(backend().why, 'asked');
  if (variants.simd === null) return;
  useKernels('simd');
  assert.is(table.kernels, variants.simd);
  assert.equal([backend().kernels, backend().why], ['simd', "asked for with useKernels('simd')"]);
  useKernels('auto');
});

test('useKernels refuses what it does not know, and nothing changes', () => {
  for (const bad of ['gpu', 'SIMD', '', undefined, null, 1]) {
    const before = table.kernels;
    assert.throws(() => useKernels(bad as Variant), (error: unknown) => error instanceof TightrecError && error.code === 'bad-setting' && error.message.includes(String(JSON.stringify(bad))));
    assert.is(table.kernels, before);
  }
});

test('backend tells what there is', () => {
  const { kernels, sharedMemory, memoryLimit } = backend();
  assert.is(kernels, variants.simd ? 'simd' : 'loop');
  assert.is(sharedMemory, isShared);
  assert.is(memoryLimit, memoryUse().limit);
});

test.run();
