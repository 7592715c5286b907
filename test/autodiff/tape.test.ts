import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { kernels } from '../../kernels/index.ts';
import { memoryUse, scope } from '../../kernels/memory.ts';
import { touchedRows } from '../../lib/autodiff/rowGrads.ts';
import { SGD, Tape, Tensor, checkGrad, clipGradNorm, denseGrad, distinct, ops } from '../../lib/autodiff/index.ts';
import { random } from '../../lib/random.ts';
import { floats, ids, maxAbsDiff } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';
import { forVariants } from '../helpers/variants.ts';

const tensors = suite('autodiff/tensor');

tensors('a tensor is its shape, its data and a gradient of zeros', () => {
  const x = new Tensor([2, 3]);
  assert.equal([x.shape, x.size, [...x.data], x.hasGrad], [[2, 3], 6, [0, 0, 0, 0, 0, 0], false]);
  assert.equal([...x.grad], [0, 0, 0, 0, 0, 0]);
  assert.ok(x.hasGrad);
  assert.equal([new Tensor([], [7]).size, new Tensor([0, 5]).size, new Tensor([0, 5]).data.length], [1, 0, 0]);
});

tensors('data that is given is copied', () => {
  const from = Float32Array.of(1, 2), x = new Tensor([2], from);
  from[0] = 9;
  assert.equal([...x.data], [1, 2]);
});

tensors('shapes are whole numbers from 0 up, and the data fills them', () => {
  for (const shape of [[-1], [1.5], [Number.NaN], [Infinity], [2, -3], [-2, -3]]) refuses(() => new Tensor(shape), 'bad-shape', 'whole numbers from 0 up', `[${shape}]`);
  refuses(() => new Tensor([2, 2], [1, 2, 3]), 'bad-shape', 'shape [2,2] needs 4 values, got 3');
  refuses(() => new Tensor([], []), 'bad-shape', 'needs 1 values, got 0');
});

tensors('zeroGrad forgets dense gradients and touched rows', () => {
  const table = new Tensor([3, 1], [1, 2, 3]), tape = new Tape();
  tape.backward(ops.sum(tape, ops.embedding(tape, table, Int32Array.of(1, 1))));
  table.grad[0] = 5;
  assert.equal([...denseGrad(table)], [5, 2, 0]);
  table.zeroGrad();
  assert.equal([[...denseGrad(table)], touchedRows(table)], [[0, 0, 0], null]);
});

tensors('a step\'s tensor is stale when the step has ended; a lasting one is not', () => {
  const { inside, lasting } = scope(() => ({ inside: new Tensor([4]), lasting: Tensor.lasting([4], [1, 2, 3, 4]) }));
  refuses(() => inside.data, 'stale', 'training step that has ended');
  assert.is(inside.open, false);
  assert.ok(lasting.open);
  assert.equal([...lasting.data], [1, 2, 3, 4]);
  refuses(() => ops.sum(null, inside), 'stale');
  refuses(() => scope(() => ops.multiply(null, lasting, inside)), 'stale');
});

tensors('a step\'s tensor is zeroed although the memory below it has been used', () => {
  for (let round = 0; round < 3; round++) {
    scope(() => {
      const x = new Tensor([999]);
      assert.ok(x.data.every((value) => value === 0) && x.grad.every((value) => value === 0));
      x.data.fill(round + 1);
      x.grad.fill(round + 1);
    });
  }
});

tensors('the gradient of a parameter lives as long as the step it was made in', () => {
  const w = Tensor.lasting([2], [1, 2]);
  scope(() => { w.grad.fill(3); assert.ok(w.hasGrad); });
  assert.is(w.hasGrad, false);
  scope(() => assert.equal([...w.grad], [0, 0]));
  assert.equal([...denseGrad(w)], [0, 0]);
});

tensors('free gives data and gradient back, once; what is freed is stale', () => {
  const before = memoryUse().inUse, w = new Tensor([1000]);
  w.grad[0] = 1;
  assert.is(memoryUse().inUse, before + 2 * 4032);
  w.free();
  w.free();
  assert.is(memoryUse().inUse, before);
  refuses(() => w.data, 'stale', 'a model that was freed');
});

tensors('a tensor that nobody holds gives its memory back', async () => {
  const before = await settled();
  (() => { for (let n = 0; n < 20; n++) new Tensor([1000]).grad[0] = 1; })();
  assert.is(memoryUse().inUse, before + 20 * 2 * 4032);
  assert.ok((await settled(before)) <= before);
});

tensors('models that are abandoned one after another do not pile up, though nobody asks for a collection', async () => {
  let most = 0;
  for (let n = 0; n < 200; n++) {
    Tensor.lasting([1_000_000]);
    most = Math.max(most, memoryUse().inUse);
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  assert.ok(most < 400e6, `${most} bytes at once, of 800 million in all`);
  await settled();
});

tensors.run();

forVariants('autodiff/tape', (test) => {
  test('backward runs the steps last to first, once, and leaves the tape empty', () => {
    const tape = new Tape(), ran: number[] = [], loss = new Tensor([], [3]);
    for (const step of [1, 2, 3]) tape.record(() => { ran.push(step); });
    tape.backward(loss);
    assert.equal([ran, loss.grad[0]], [[3, 2, 1], 1]);
    tape.backward(loss);
    assert.equal(ran, [3, 2, 1]);
  });

  test('a tape that was used once can be used again', () => {
    const x = new Tensor([2], [1, 2]), tape = new Tape();
    for (let round = 1; round <= 3; round++) {
      tape.backward(ops.sum(tape, ops.multiply(tape, x, x)));
      assert.equal([...x.grad], [2 * round, 4 * round], 'gradients add until they are zeroed');
    }
  });

  test('the loss must be one number', () => {
    refuses(() => new Tape().backward(new Tensor([2])), 'bad-shape', 'one number, got shape [2]');
    refuses(() => new Tape().backward(new Tensor([0])), 'bad-shape', 'got shape [0]');
    new Tape().backward(new Tensor([1, 1]));
  });

  test('no tape, no gradient: nothing is recorded and nothing allocated for it', () => {
    const U = new Tensor([4, 3], floats(12, random(1).uniform)), V = new Tensor([4, 3], floats(12, random(2).uniform)), c = new Tensor([4, 1]), three = Int32Array.of(1, 2, 1);
    const inputs = [U, V, c];
    const all = (tape: Tape | null): Tensor[] => {
      const x = ops.addBias(tape, ops.rowDot(tape, U, V, three, three), [c, three]);
      return [
        ops.logLoss(tape, x, Float32Array.of(1, 0, 1)), ops.bprLoss(tape, U, V, c, three, three, three), ops.l2(tape, ops.lookup(tape, U, distinct(three, 4))),
        ops.sum(tape, ops.sigmoid(tape, ops.multiply(tape, U, V))), ops.sum(tape, ops.embedding(tape, V, three)), ops.weightedSum(tape, [[2, ops.sum(tape, c)]]),
      ];
    };
    scope(() => {
      const made = all(null);
      assert.ok(inputs.every((w) => !w.hasGrad && w.rowGrads.length === 0) && made.every((L) => !L.hasGrad));
      const tape = new Tape();
      assert.equal(all(tape).map((L) => L.data[0]), made.map((L) => L.data[0]), 'the same numbers with a tape');
    });
  });

  test('an op that does not lead to the loss gets no gradient', () => {
    const x = new Tensor([2], [1, 2]), y = new Tensor([2], [3, 4]), tape = new Tape();
    ops.sum(tape, y);
    tape.backward(ops.sum(tape, x));
    assert.equal([[...x.grad], [...denseGrad(y)]], [[1, 1], [0, 0]]);
  });

  // touched rows

  test('touched rows are distinct and equal the dense gradient, whatever the lookups', () => {
    for (const [n, K, batches] of [[1, 1, [[0]]], [5, 3, [[1, 1, 4]]], [5, 7, [[2, 0], [0, 2, 2], [4]]], [40, 17, [[0, 39], [], [7, 7, 7, 39]]]] as [number, number, number[][]][]) {
      scope(() => {
        const next = random(n).uniform, table = Tensor.lasting([n, K], floats(n * K, next)), tape = new Tape(), want = new Float32Array(n * K);
        const parts = batches.map((batch) => ops.embedding(tape, table, Int32Array.from(batch)));
        tape.backward(ops.weightedSum(tape, parts.map((part, p) => [p + 1, ops.sum(tape, part)] as const)));
        batches.forEach((batch, p) => batch.forEach((id) => { for (let k = 0; k < K; k++) want[id * K + k] += p + 1; }));
        assert.is(table.rowGrads.length, batches.length);
        const touched = touchedRows(table)!, distinctIds = [...new Set(batches.flat())].sort((a, b) => a - b);
        assert.equal([...touched.ids].sort((a, b) => a - b), distinctIds, 'each row once');
        assert.is(table.hasGrad, false, 'no dense gradient is made');
        assert.equal(denseGrad(table), want);
        assert.is(touchedRows(table), touched, 'merging is done once');
        table.free();
      });
    }
  });

  test('a step that failed leaves no gradient for the next one', () => {
    const n = 6, K = 3, start = floats(n * K, random(3).uniform), which = Int32Array.of(4, 1, 4);
    const run = (failFirst: boolean): Float32Array => {
      const table = Tensor.lasting([n, K], start), whole = Tensor.lasting([2], [1, 2]), sgd = new SGD({ learningRate: 0.5 });
      const step = (batch: Int32Array, fail: boolean): void => scope(() => {
        const tape = new Tape();
        const L = ops.weightedSum(tape, [[1, ops.sum(tape, ops.embedding(tape, table, batch))], [1, ops.sum(tape, whole)]]);
        new Tensor([500]).data.fill(Number.NaN); // what a later step will find in its memory
        tape.backward(L);
        if (fail) throw new Error('in the middle of a step');
        sgd.step([table, whole]);
      });
      if (failFirst) assert.throws(() => step(Int32Array.of(0, 1, 2, 3), true), 'in the middle');
      step(which, false);
      return Float32Array.of(...table.data, ...whole.data);
    };
    assert.equal(run(true), run(false));
  });

  test('what comes after a failed step is not merged with what it left', () => {
    const table = Tensor.lasting([4, 1], [1, 1, 1, 1]);
    assert.throws(() => scope(() => { const tape = new Tape(); tape.backward(ops.sum(tape, ops.embedding(tape, table, Int32Array.of(3)))); throw new Error('stop'); }), 'stop');
    assert.is(touchedRows(table), null);
    assert.equal([...denseGrad(table)], [0, 0, 0, 0]);
  });

  test('distinct tells ids apart at awkward sizes', () => {
    for (const [B, n] of [[0, 0], [0, 5], [1, 1], [7, 1], [17, 3], [129, 16], [3, 1000]]) {
      for (const inside of [false, true]) {
        const batch = n === 0 ? new Int32Array(0) : ids(B, n, random(B * n + 1).uniform);
        const check = (): void => {
          const { ids: rows, slots, counts } = distinct(batch, n);
          assert.equal([...rows], [...new Set(batch)], 'in the order of first occurrence');
          assert.equal(Array.from(slots, (slot) => rows[slot]), [...batch]);
          assert.equal([...counts], Array.from(rows, (id) => batch.filter((other) => other === id).length));
        };
        if (inside) scope(() => { new Tensor([5000]).data.fill(Number.NaN); check(); }); else check();
      }
    }
  });

  // checkGrad finds what is wrong

  const x = new Tensor([3], [0.5, -1, 2]), y = new Tensor([3], [1, 2, -0.5]);
  /** multiply, with a backward to be spoiled. */
  const product = (tape: Tape | null, a: Tensor, b: Tensor, backward: (dOut: Float32Array, dx: Float32Array, dy: Float32Array) => void): Tensor => {
    const out = new Tensor(a.shape, a.data.map((value, at) => value * b.data[at]));
    tape?.record(() => backward(out.grad, a.grad, b.grad));
    return ops.sum(tape, out);
  };
  const right = (dOut: Float32Array, dx: Float32Array, dy: Float32Array): void => dOut.forEach((d, at) => { dx[at] += y.data[at] * d; dy[at] += x.data[at] * d; });

  test('checkGrad passes a right backward and says how near it was', () => {
    const found = checkGrad((tape) => product(tape, x, y, right), [x, y]);
    assert.ok(found.worst < 1e-4 && Number.isFinite(found.tape) && Number.isFinite(found.measured));
    assert.equal([...x.data, ...y.data], [0.5, -1, 2, 1, 2, -0.5], 'inputs are put back');
    assert.equal([...denseGrad(x), ...denseGrad(y)], [0, 0, 0, 0, 0, 0]);
  });

  const wrong: [string, (dOut: Float32Array, dx: Float32Array, dy: Float32Array) => void][] = [
    ['a sign', (dOut, dx, dy) => dOut.forEach((d, at) => { dx[at] += y.data[at] * d; dy[at] -= x.data[at] * d; })],
    ['an input forgotten', (dOut, dx) => dOut.forEach((d, at) => { dx[at] += y.data[at] * d; })],
    ['inputs exchanged', (dOut, dx, dy) => dOut.forEach((d, at) => { dx[at] += x.data[at] * d; dy[at] += y.data[at] * d; })],
    ['a factor', (dOut, dx, dy) => dOut.forEach((d, at) => { dx[at] += 1.02 * y.data[at] * d; dy[at] += x.data[at] * d; })],
    ['the gradient of the output left out', (_, dx, dy) => dx.forEach((_, at) => { dx[at] += y.data[at] + 0.1; dy[at] += x.data[at]; })],
    ['one entry short', (dOut, dx, dy) => dOut.subarray(0, 2).forEach((d, at) => { dx[at] += y.data[at] * d; dy[at] += x.data[at] * d; })],
    ['NaN in the first entry', (dOut, dx, dy) => { right(dOut, dx, dy); dx[0] = Number.NaN; }],
    ['NaN in the last entry', (dOut, dx, dy) => { right(dOut, dx, dy); dy[2] = Number.NaN; }],
    ['infinity', (dOut, dx, dy) => { right(dOut, dx, dy); dx[1] = Infinity; }],
    ['nothing at all', () => { /* forgot */ }],
  ];
  for (const [name, backward] of wrong) {
    test(`checkGrad goes red: ${name}`, () => refuses(() => checkGrad((tape) => product(tape, x, y, backward), [x, y]), 'bad-input', /entry \d of input \d has gradient .* on the tape and .* by differences/));
  }

  test('checkGrad goes red: = in place of +=', () => {
    const overwrites = (tape: Tape | null): Tensor => ops.weightedSum(tape, [[1, product(tape, x, x, (dOut, dx) => dOut.forEach((d, at) => { dx[at] = 2 * x.data[at] * d; }))], [1, ops.sum(tape, x)]]);
    refuses(() => checkGrad(overwrites, [x]), 'bad-input', 'entry', 'input 0');
  });

  test('checkGrad goes red: a lookup that forgets repeats', () => {
    const table = new Tensor([3, 2], [1, 2, 3, 4, 5, 6]), which = Int32Array.of(1, 1);
    const forgetful = (tape: Tape | null): Tensor => {
      const rows = new Tensor([1, 2], [3, 4]), out = new Tensor([2, 2]);
      kernels.gatherRows(out.data, table.data, which, 2, 2);
      tape?.record(() => { rows.grad.set(out.grad.subarray(2)); table.rowGrads.push({ ids: Int32Array.of(1), rows }); });
      return ops.sum(tape, out);
    };
    refuses(() => checkGrad(forgetful, [table]), 'bad-input', 'entry 2 of input 0 has gradient 1 on the tape and 2');
    checkGrad((tape) => ops.sum(tape, ops.embedding(tape, table, which)), [table]);
  });

  test('checkGrad names the worst entry', () => {
    const { input, at } = (() => {
      try {
        checkGrad((tape) => product(tape, x, y, (dOut, dx, dy) => { right(dOut, dx, dy); dx[0] += 0.1; dy[1] += 0.7; dy[2] += 0.2; }), [x, y]);
      } catch (error) {
        const [, at, input] = /entry (\d) of input (\d)/.exec((error as Error).message)!;
        return { input, at };
      }
      return { input: 'none', at: 'none' };
    })();
    assert.equal([input, at], ['1', '1']);
  });

  // memory

  test('three thousand training steps use no more memory than ten', () => {
    const n = 50, K = 8, B = 40, next = random(5);
    const U = Tensor.lasting([n, K], floats(n * K, next.uniform)), V = Tensor.lasting([n, K], floats(n * K, next.uniform)), c = Tensor.lasting([n, 1]), a = Tensor.lasting([1]);
    const parameters = [U, V, c, a], sgd = new SGD({ learningRate: 0.01 });
    const step = (): number => scope(() => {
      const tape = new Tape(), size = 1 + next.below(B), u = ids(size, n, next.uniform), i = ids(size, n, next.uniform), y = new Float32Array(size).fill(1);
      const byUser = distinct(u, n), byItem = distinct(i, n), rows = ops.lookup(tape, U, byUser), columns = ops.lookup(tape, V, byItem);
      const x = ops.addBias(tape, ops.rowDot(tape, rows, columns, byUser.slots, byItem.slots), [ops.lookup(tape, c, byItem), byItem.slots], [a]);
      const again = ops.sum(tape, ops.sigmoid(tape, ops.multiply(tape, ops.embedding(tape, V, i), ops.embedding(tape, V, u))));
      const L = ops.weightedSum(tape, [[1, ops.logLoss(tape, x, y)], [0.1, ops.l2(tape, rows)], [0.01, again]]);
      tape.backward(L);
      clipGradNorm(parameters, 1);
      sgd.step(parameters);
      return L.data[0];
    });
    for (let s = 0; s < 10; s++) step();
    const { inUse, size } = memoryUse();
    for (let s = 0; s < 3000; s++) assert.ok(Number.isFinite(step()));
    assert.equal([memoryUse().inUse, memoryUse().size], [inUse, size]);
    for (const w of parameters) w.free();
  });

  test('a loss goes down', () => {
    const n = 20, K = 4, U = Tensor.lasting([n, K], floats(n * K, random(6).uniform)), u = Int32Array.from({ length: n }, (_, at) => at), i = u.map((at) => (at + 1) % n);
    const y = Float32Array.from({ length: n }, (_, at) => at % 2), sgd = new SGD({ learningRate: 0.5 }), losses: number[] = [];
    for (let s = 0; s < 300; s++) {
      scope(() => {
        const tape = new Tape(), L = ops.logLoss(tape, ops.rowDot(tape, U, U, u, i), y);
        losses.push(L.data[0]);
        tape.backward(L);
        sgd.step([U]);
      });
    }
    assert.ok(losses[0] > 10 && losses.at(-1)! < 1, `${losses[0]} to ${losses.at(-1)}`);
  });

  test('the helper that compares keeps a NaN', () => {
    assert.ok(Number.isNaN(maxAbsDiff([Number.NaN, 0], [0, 1])) && Number.isNaN(maxAbsDiff([0, Number.NaN], [1, 0])));
    assert.is(maxAbsDiff([1, 5, 2], [1, 2, 2]), 3);
  });

  test.run();
});
