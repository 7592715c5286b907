import { runtime, runtimes } from '../helpers/webassembly.ts'; // first: it changes what the next lines find
import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, kernels, loops, useKernels, variants } from '../../kernels/index.ts';
import { type Block, allocate, free, insideScope, isLinear, isShared, limitMemory, linearMemory, memoryUse, scope, scratch } from '../../kernels/memory.ts';
import { TightrecError } from '../../lib/errors.ts';
import { random } from '../../lib/random.ts';
import { assertClose } from '../helpers/room.ts';

const PAGE = 65536, MiB = 2 ** 20; // bytes
const M = MiB / 4; // as many numbers of four bytes
const linear = linearMemory !== null; // where there is none, each block is an ArrayBuffer of its own
const limitAtFirst = memoryUse().limit, workspace = memoryUse().inUse; // the kernels' workspace
const collect = (globalThis as { gc?: () => void }).gc;
const test = suite(`kernels/memory/${runtime}`);

const fails = (work: () => unknown, code: string, ...words: (string | RegExp)[]): void => {
  assert.throws(work, (error: unknown) => {
    if (!(error instanceof TightrecError) || error.code !== code) throw error;
    for (const word of words) assert.match(error.message, word);
    return true;
  });
};

test.after.each(() => { if (linear) limitMemory(limitAtFirst); });

/** Whether there is room to double the memory; where the runtime allows little, the tests before may have used it up. */
const canDouble = (): boolean => !linear || 2 * memoryUse().size + 8 * MiB < limitAtFirst;

/** Whether the block holds this number and no other. */
function holds(block: Block, value: number): boolean {
  for (const at of block.ints()) if (at !== value) return false;
  return true;
}

/** Whether no two of the open blocks share a byte. */
const apart = (blocks: Block[]): boolean => {
  const sorted = [...blocks].sort((a, b) => a.at - b.at);
  return !linear || sorted.every((block, b) => b === 0 || sorted[b - 1].at + sorted[b - 1].bytes <= block.at);
};

test('a block is as long as was asked, zeroed, and starts at a cache line that is not address 0', () => {
  for (const length of [0, 1, 15, 16, 17, 1000, 3 * M + 1]) {
    const block = allocate(length);
    assert.ok(block.bytes >= 4 * length && block.at % 64 === 0 && (!linear || block.at > 0));
    assert.equal([block.length, block.floats().length, block.ints().length], [length, length, length]);
    assert.is(block.floats().buffer, block.ints().buffer);
    assert.is(isLinear(block.floats()), linear);
    assert.ok(holds(block, 0));
    block.ints().fill(0x5a5a5a5a); // whoever gets these bytes next must find zeros
    free(block);
  }
});

test('free gives back, once', () => {
  const before = memoryUse().inUse, block = allocate(250);
  assert.is(memoryUse().inUse, before + 1024); // whole cache lines
  free(block);
  free(block);
  assert.is(memoryUse().inUse, before);
  fails(() => block.floats(), 'stale');
  fails(() => block.ints(), 'stale', /given back/);
});

test('neighbours that are freed become one again, in any order', () => {
  for (const order of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
    const before = memoryUse().inUse, three = [160, 320, 480].map((length) => allocate(length)), last = allocate(16);
    for (const b of order) free(three[b]);
    const whole = allocate(160 + 320 + 480);
    if (linear) assert.is(whole.at, three[0].at, `freed in order ${order}`);
    assert.ok(holds(whole, 0));
    free(whole);
    free(last);
    assert.is(memoryUse().inUse, before);
  }
});

test('a thousand blocks, made and freed at random, never touch', () => {
  const next = random(1), before = memoryUse().inUse, open = new Map<Block, number>();
  let bytes = 0;
  for (let n = 1; n <= 1000; n++) {
    if (open.size > 30 || (open.size > 0 && next.below(5) < 2)) {
      const [block, tag] = [...open][next.below(open.size)];
      assert.ok(holds(block, tag), 'another block wrote here');
      free(block);
      open.delete(block);
      bytes -= block.bytes;
    } else {
      const block = allocate(next.below(5000));
      assert.ok(holds(block, 0), 'not zeroed');
      block.ints().fill(n);
      open.set(block, n);
      bytes += block.bytes;
    }
    assert.is(memoryUse().inUse, before + bytes);
    assert.ok(apart([...open.keys()]));
  }
  for (const [block, tag] of open) { assert.ok(holds(block, tag)); free(block); }
  assert.is(memoryUse().inUse, before);
});

test('a scope gives back what was made inside, and returns what the work returned', () => {
  let kept: Block | null = null;
  assert.is(insideScope(), false);
  const result = scope(() => {
    assert.is(insideScope(), true);
    kept = scratch(25);
    kept.floats().fill(7);
    return kept.floats().reduce((sum, value) => sum + value, 0);
  });
  assert.is(insideScope(), false);
  assert.is(result, 7 * 25);
  fails(() => kept!.floats(), 'stale', /training step that has ended/);
  fails(() => scratch(1), 'stale', /scope\(\(\) => /);
});

test('scopes nest: the inner one gives back its own, the outer one keeps its own', () => {
  const blocks: Block[] = [];
  scope(() => {
    const before = scratch(1000);
    before.ints().fill(1);
    for (let round = 0; round < 3; round++) {
      scope(() => {
        const inner = scratch(1000);
        inner.ints().fill(2);
        scope(() => { const innermost = scratch(1000); innermost.ints().fill(3); assert.ok(apart([before, inner, innermost])); blocks.push(innermost); });
        fails(() => blocks.at(-1)!.ints(), 'stale');
        assert.ok(holds(inner, 2));
        blocks.push(inner);
      });
      fails(() => blocks.at(-1)!.ints(), 'stale');
    }
    const after = scratch(1000);
    after.ints().fill(4);
    assert.ok(holds(before, 1));
    blocks.push(before, after);
  });
  assert.is(blocks.filter((block) => block.open).length, 0);
});

test('a thousand scopes inside one use the memory of ten', () => {
  scope(() => {
    const outer = scratch(M - 1000), inner = (): number => scope(() => { // needs a chunk of its own
      const block = scratch(M / 2);
      scope(() => { scratch(M / 2).floats()[0] = 2; });
      return block.at;
    });
    outer.ints().fill(5);
    assert.is(inner(), inner()); // the same place again
    for (let n = 0; n < 10; n++) inner();
    const { inUse } = memoryUse();
    for (let n = 0; n < 1000; n++) inner();
    assert.is(memoryUse().inUse, inUse);
    assert.ok(holds(outer, 5));
  });
});

test('a step may keep plain arrays: what it asks for later does not take them away', () => {
  scope(() => {
    const early = scratch(1000).floats(), more = (): Block => scratch(memoryUse().size / 4);
    early.fill(3);
    if (isShared || !linear) more();
    else fails(more, 'out-of-memory', 'no shared memory', 'smaller batch'); // it could only grow by detaching `early`
    assert.ok(early.length === 1000 && early.every((value) => value === 3));
  });
});

test('a scope whose work throws gives back too, and passes the error on', () => {
  let kept: Block | null = null;
  const inUse = (): number => memoryUse().inUse;
  scope(() => scratch(16));
  const before = inUse();
  assert.throws(() => scope(() => scope(() => { kept = scratch(16); throw new Error('in the middle'); })), 'in the middle');
  assert.is(insideScope(), false);
  fails(() => kept!.floats(), 'stale');
  assert.is(inUse(), before);
});

test('work that is not finished when it returns is refused', async () => {
  let kept: Block | null = null;
  fails(() => scope(async () => { kept = scratch(16); }), 'stale', /promise/);
  fails(() => kept!.floats(), 'stale');
  fails(() => scope(() => Promise.resolve(1)), 'stale', /promise/);
  // what such work does afterwards fails as well; that must not end the process as an unhandled rejection
  fails(() => scope(async () => { const block = scratch(16); await null; block.floats(); }), 'stale', /promise/);
  fails(() => scope(() => ({ then() { /* a promise of somebody else's making */ } })), 'stale', /promise/);
  await sleep(5);
  assert.is(insideScope(), false);
});

test('ten thousand scopes use the memory of ten', () => {
  const step = (): void => scope(() => { for (let b = 0; b < 20; b++) scratch(250 * b + 1).floats()[0] = b; scope(() => { scratch(12_500).floats()[0] = 1; }); });
  for (let n = 0; n < 10; n++) step();
  const { inUse, size } = memoryUse();
  for (let n = 0; n < 10_000; n++) step();
  assert.is(memoryUse().inUse, inUse);
  if (linear) assert.is(memoryUse().size, size);
});

test('a scope that outgrows its chunk keeps what it holds, and the next one needs one chunk', () => {
  const large = (): void => scope(() => {
    const blocks: Block[] = [];
    for (let n = 0; n < 12; n++) {
      const block = scratch(M / 2 + n);
      block.ints().fill(n);
      blocks.push(block);
      scope(() => { const inner = scratch(M); inner.ints().fill(-1); assert.ok(apart([...blocks, inner])); });
    }
    assert.ok(apart(blocks));
    for (const [n, block] of blocks.entries()) assert.ok(holds(block, n));
  });
  for (let n = 0; n < 3; n++) large();
  const { inUse, size } = memoryUse();
  for (let n = 0; n < 20; n++) large();
  assert.is(memoryUse().inUse, inUse);
  if (linear) assert.is(memoryUse().size, size);
});

test('growing leaves earlier arrays right', () => {
  if (!canDouble()) return;
  const next = random(2), early = allocate(10_000), view = early.floats(), values = Float32Array.from(view, () => next.uniform());
  view.set(values);
  const size = memoryUse().size, late = allocate(size / 4 + 3 * M);
  assert.ok(memoryUse().size > size);
  assert.equal(early.floats(), values);
  if (isShared || !linear) { // the view itself is as good as it was, in both directions
    assert.is(early.floats(), view);
    view[3] = 42;
    assert.is(early.floats()[3], 42);
    assert.is(isLinear(view), linear);
  } else { // the view is detached: whoever keeps an array across allocations keeps its block
    assert.is(view.length, 0);
    assert.is(early.floats().length, values.length);
    assert.ok(early.floats() === early.floats() && early.ints() === early.ints());
  }
  late.floats()[late.floats().length - 1] = 1; // the last of the new memory is there
  free(late);
  free(early);
});

test('a kernel call may grow the memory under its own arrays', () => {
  if (!canDouble()) return;
  const n = 100, block = allocate(n), w = block.floats().fill(1);
  const outside = new Float32Array(memoryUse().size / 4 + n).fill(2); // must be copied in: more than there is
  kernels.sgd(w, outside, n, 0.25);
  assert.equal(block.floats(), new Float32Array(n).fill(0.5));
  free(block);
});

test('a view that growth has detached is an error in a kernel, not a wrong number', () => {
  if (isShared || !linear || !canDouble()) return;
  const block = allocate(100), view = block.floats(), gone = allocate(memoryUse().size / 4 + M);
  assert.is(view.length, 0);
  if (variants.simd) assert.throws(() => kernels.sgd(view, gone.floats(), 100, 1));
  free(block);
  free(gone);
});

test('an abandoned owner gives its block back', async () => {
  if (!collect) throw new Error('run with --expose-gc');
  const before = memoryUse().inUse, kept = allocate(16_000, {});
  const abandon = (): void => { for (let n = 0; n < 10; n++) allocate(16_000, { owner: n }); };
  const owner = { model: true }, owned = allocate(16_000, owner);
  abandon();
  for (let attempt = 0; attempt < 200 && memoryUse().inUse > before + 64_000; attempt++) { collect(); await sleep(5); }
  assert.is(memoryUse().inUse, before + 64_000);
  fails(() => kept.floats(), 'stale');
  assert.ok(owned.open && owned.floats().length > 0 && owner.model);
  free(owned);
  for (let attempt = 0; attempt < 5; attempt++) { collect(); await sleep(2); } // freed by hand: not a second time
  assert.is(memoryUse().inUse, before);
});

test('limitMemory says what it takes', () => {
  for (const bytes of [0, -1, PAGE - 1, Number.NaN, Infinity, 65535 * PAGE + 1]) fails(() => limitMemory(bytes), 'bad-setting', String(bytes));
});

test('more than there is is an error that names the request and the limit', () => {
  const { size, limit } = memoryUse();
  if (!linear) { fails(() => allocate(1e15 / 4), 'out-of-memory', '953674316.4 MiB'); return; }
  fails(() => allocate(5 * 2 ** 30 / 4), 'out-of-memory', '5120.0 MiB', `at most ${(limitAtFirst / MiB).toFixed(1)} MiB`);
  const gap = allocate(160), after = allocate(16);
  free(gap); // so that there is something to give
  for (const length of [Number.NaN, Infinity]) fails(() => allocate(length), 'out-of-memory');
  const again = allocate(160);
  assert.ok(again.at === gap.at && again.floats().length === 160);
  free(again);
  free(after);
  assert.equal([memoryUse().size, memoryUse().limit], [size, limit]);
});

test('at the limit: a clear error, and everything works after it', () => {
  if (!linear) return;
  for (const extra of [0, 1, PAGE - 1, 1.5 * PAGE, 3 * PAGE + 64.5]) { // a limit need not be whole pages
    const limit = memoryUse().size + 4 * MiB + extra;
    limitMemory(limit);
    assert.ok(memoryUse().limit <= limit);
    const most = allocate(Math.floor(memoryUse().size / 4 * 0.9)), held: Block[] = [];
    let failure: unknown = null;
    while (failure === null) {
      try {
        held.push(allocate(75_000));
        held.at(-1)!.ints().fill(held.length); // all of it must be there
      } catch (error) { failure = error; }
    }
    assert.ok(failure instanceof TightrecError && failure.code === 'out-of-memory', String(failure));
    for (const word of ['0.286 MiB', `${(memoryUse().inUse / MiB).toFixed(1)} MiB of at most`, `at most ${(memoryUse().limit / MiB).toFixed(1)} MiB`]) assert.match(failure.message, word);
    assert.ok(held.length >= 12 && memoryUse().size <= limit);
    for (const [b, block] of held.entries()) assert.ok(holds(block, b + 1));
    for (const block of held.splice(0, held.length / 2)) free(block);
    held.push(allocate(125_000)); // two of the freed became one
    scope(() => scratch(250).floats().fill(1));
    smoke();
    for (const block of [most, ...held]) free(block);
  }
});

test('a step that has ended does not stand in the way of a model', () => {
  if (!linear) return;
  for (let n = 0; n < 2; n++) scope(() => { scratch(4 * M); });
  assert.ok(memoryUse().inUse >= 4 * MiB); // kept for the next step
  limitMemory(memoryUse().size);
  const model = allocate((memoryUse().size - workspace - 64) / 4); // all there is
  model.floats().fill(1);
  free(model);
  assert.is(memoryUse().inUse, workspace);
  scope(() => scratch(16).floats().fill(1));
});

test('a step takes what is left, even where twice its chunk is more than there is', () => {
  if (!linear) return;
  limitMemory(memoryUse().size);
  free(allocate((memoryUse().size - workspace - 64) / 4)); // no step has left anything
  limitMemory(memoryUse().size + 6 * MiB);
  scope(() => {
    const most = scratch((memoryUse().limit - 3 * MiB) / 4);
    most.ints().fill(1);
    scratch(M).ints().fill(2); // fits, though twice the chunk before it would not
    fails(() => scratch(4 * M), 'out-of-memory', '4.0 MiB');
    assert.ok(holds(most, 1));
  });
  smoke();
  scope(() => scratch(16));
});

/** A few kernels of every kind on arrays inside and outside, against the loops. */
function smoke(): void {
  const n = 21, next = random(9), values = Float32Array.from({ length: n }, () => next.normal()), other = Float32Array.from({ length: n }, () => next.normal());
  const block = allocate(n), inside = block.floats(), outside = new Float32Array(n), want = values.slice();
  loops.sgd(want, other, n, 0.1);
  for (const w of [inside, outside]) {
    w.set(values);
    kernels.sgd(w, other, n, 0.1);
    assertClose(w, want, 1e-6, 'sgd', 3);
  }
  assertClose([kernels.sumSquares(values, n)], [loops.sumSquares(values, n)], 1e-12, 'sumSquares');
  const ids = new Int32Array(3), best = new Float32Array(3);
  kernels.topK(ids, best, inside, Int32Array.of(2), Int32Array.of(0, 1), 1, n, 3);
  assert.equal([...ids], Array.from(inside.keys()).filter((at) => at !== 2).sort((a, b) => inside[b] - inside[a]).slice(0, 3));
  free(block);
}

test('kernels work', () => smoke());

test('arrays outside that share bytes go in and come back as one, whatever the order of the arguments', () => {
  const all = Float32Array.of(1, 2, 3, 4, 0, 0);
  kernels.gatherRows(all.subarray(4), all, Int32Array.of(1), 1, 2); // the destination is a part of what is read
  assert.equal([...all], [1, 2, 3, 4, 3, 4]);
  const bytes = new ArrayBuffer(16), dU = new Float32Array(bytes, 0, 2), dV = new Float32Array(bytes, 0, 2), U = Float32Array.of(1, 2), V = Float32Array.of(3, 4);
  kernels.rowDotGrad(dU, dV, Float32Array.of(1), U, V, Int32Array.of(0), Int32Array.of(0), 1, 2); // one table's gradient, through two views
  assert.equal([...dU], [4, 6]);
  const apart = new Float32Array(new ArrayBuffer(32), 16, 3), other = new Float32Array(apart.buffer, 0, 3).fill(2); // one buffer, no byte in common
  kernels.addScaled(apart, other, 3, 0.5);
  assert.equal([...new Float32Array(apart.buffer)], [2, 2, 2, 0, 1, 1, 1, 0]);
});

test('an array that a growing memory has left behind is refused', () => {
  if (!linear || isShared) return;
  const old = allocate(8).floats();
  const model: Block[] = [];
  try { while (old.length > 0) model.push(allocate(M)); } catch { /* all there is */ }
  for (const block of model) free(block);
  if (old.length > 0) { assert.is(runtime, 'small'); return; } // the tests before have used this memory up: it cannot grow
  fails(() => kernels.scale(old, 8, 2), 'stale', 'left behind');
});

test('backend says what runs and why', () => {
  const simd = { whole: true, unshared: true, small: true, refused: false, nosimd: false, missing: false }[runtime];
  const why = {
    whole: /^this runtime runs WASM SIMD$/, unshared: /^this runtime runs WASM SIMD$/, small: /^this runtime runs WASM SIMD$/,
    refused: /^this runtime refused .*memory/i, nosimd: /refused the WASM SIMD module: .*disallowed by embedder/, missing: /^this runtime has no WebAssembly$/,
  }[runtime];
  const said = backend();
  assert.is(said.kernels, simd ? 'simd' : 'loop');
  assert.match(said.why, why);
  assert.is(said.sharedMemory, runtime === 'whole' || runtime === 'nosimd');
  assert.is(said.memoryLimit, { whole: 65535 * PAGE, unshared: 65535 * PAGE, small: 128 * MiB, refused: 0, nosimd: 65535 * PAGE, missing: 0 }[runtime]);
  assert.is(variants.simd === null, !simd);
  if (!simd) fails(() => useKernels('simd'), 'unsupported', said.why);
  useKernels('loop');
  smoke();
  assert.equal([backend().kernels, backend().why], ['loop', "asked for with useKernels('loop')"]);
  useKernels('auto');
  assert.is(backend().kernels, said.kernels);
});

if (runtime === 'whole') {
  for (const other of runtimes) {
    test(`all of this again in a runtime where WebAssembly is ${other}`, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', '--import', 'tsx', fileURLToPath(import.meta.url)], {
        env: { ...process.env, TIGHTREC_TEST_WEBASSEMBLY: other, FORCE_COLOR: '0' }, encoding: 'utf8',
      });
      assert.ok(status === 0 && /^ {2}Passed: +2\d$/m.test(stdout), `${stdout}\n${stderr}`.replace(/^/gm, '| '));
    });
  }
}

test.run();
