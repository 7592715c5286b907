import { runtime } from '../helpers/webassembly.ts'; // first: it changes what the next lines find
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { kernels } from '../../kernels/index.ts';
import { allocate, free, isLinear, isShared, limitMemory, memoryUse, scope, scratch } from '../../kernels/memory.ts';
import { refuses } from '../helpers/refuses.ts';

/** A training step keeps plain arrays. Growing a shared memory leaves them good; an unshared one must not grow under them. */
const test = suite(`kernels/step/${runtime}`), M = 2 ** 20, most = memoryUse().limit;

test('a step has room although models have taken all there was', () => { // first, while nothing that was freed can serve
  scope(() => { scratch(10); }); // so that there is a chunk, in which a step begins
  const far = allocate(memoryUse().size / 8), rest = (memoryUse().size - far.at) / 4;
  free(far);
  const model = allocate(rest);
  scope(() => { const array = scratch(10).floats().fill(1), other = scratch(2 * M).floats().fill(2); assert.ok(array[9] === 1 && other[2 * M - 1] === 2); });
  free(model);
});

for (const [what, first] of [['something small', 10], ['something larger than the memory: all scores of many users', 12 * M]] as const) {
  test(`the arrays of a step stay where they are, however much it asks for; it begins with ${what}`, () => {
    scope(() => {
      const held: Float32Array[] = [];
      const cut = (length: number): void => { held.push(scratch(length).floats().fill(held.length + 1)); };
      const whole = (): boolean => held.every((array, n) => array.length > 0 && array[0] === n + 1 && array.at(-1) === n + 1 && isLinear(array));
      cut(first);
      for (let n = 0; n < 10; n++) {
        cut(M / 2);
        const state = allocate(M / 4); // what an optimiser keeps
        held.push(state.floats().fill(held.length + 1));
        cut(1000 + n);
      }
      assert.ok(whole());
      kernels.addScaled(held[1], new Float32Array(M / 2).fill(1), M / 2, 1); // one that has to be copied in
      assert.is(held[1][0], 3);
      kernels.addScaled(held[1], held[2], M / 4, -1 / 3);
      kernels.addScaled(held[1].subarray(M / 4), held[2], M / 4, -1 / 3);
      assert.ok(whole());
      if (isShared) return;
      refuses(() => { for (;;) cut(4 * M); }, 'out-of-memory', runtime === 'small' ? /MiB/ : /no shared memory, .*use a smaller batch/);
      assert.ok(whole());
    });
  });
}

test('what a step had to do without, the next one has: between steps the memory grows', () => {
  for (const length of [M, 2 * M, 4 * M]) {
    const table = allocate(length); // a model that grows
    scope(() => { const array = scratch(length).floats().fill(1), other = scratch(length).floats().fill(2); assert.ok(array[0] === 1 && other[length - 1] === 2); });
    free(table);
  }
});

test('where the memory may not grow, what there is must do', () => {
  limitMemory(memoryUse().size);
  scope(() => { const array = scratch(100).floats().fill(1); scratch(1000); assert.ok(array.every((value) => value === 1)); });
  limitMemory(most);
});

if (runtime === 'whole') {
  for (const other of ['unshared', 'small']) {
    test(`all of this again in a runtime where WebAssembly is ${other}`, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(import.meta.url)], { env: { ...process.env, TIGHTREC_TEST_WEBASSEMBLY: other, FORCE_COLOR: '0' }, encoding: 'utf8' });
      assert.ok(status === 0 && /^ {2}Passed: +5$/m.test(stdout), `${stdout}\n${stderr}`);
    });
  }
}

test.run();
