import * as assert from 'uvu/assert';
import { kernels } from '../../kernels/index.ts';
import { memoryUse, scope } from '../../kernels/memory.ts';
import { AdaGrad, Adam, type Optimizer, SGD, Tape, Tensor, clipGradNorm, denseGrad, ops } from '../../lib/autodiff/index.ts';
import { random } from '../../lib/random.ts';
import golden from '../fixtures/optim.json' with { type: 'json' };
import { floats, ids } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';
import { EPS, assertClose } from '../helpers/room.ts';
import { settled } from '../helpers/settled.ts';
import { forVariants } from '../helpers/variants.ts';

const { ROWS, K, N } = golden;
type Parameters = { w: Tensor; W: Tensor; late: Tensor };

const start = (): Parameters => ({ w: Tensor.lasting([N], golden.w), W: Tensor.lasting([ROWS, K], golden.W), late: Tensor.lasting([2], golden.late) });
const times = (tape: Tape, x: Tensor, g: readonly number[]): readonly [number, Tensor] => [1, ops.sum(tape, ops.multiply(tape, x, new Tensor(x.shape, g)))];

/** The steps of optim.py: the same losses, on the tape. */
function play({ w, W, late }: Parameters, optimizer: Optimizer, options: { clip?: number; scoped?: boolean } = {}): { after: { w: number[]; W: number[]; late: number[] }[]; norms: number[] } {
  const after: { w: number[]; W: number[]; late: number[] }[] = [], norms: number[] = [];
  for (const { g, lookups, h } of golden.steps) {
    const step = (): void => {
      const tape = new Tape(), terms: (readonly [number, Tensor])[] = lookups.map(({ ids, G }) => times(tape, ops.embedding(tape, W, Int32Array.from(ids)), G));
      if (g) terms.push(times(tape, w, g));
      if (h) terms.push(times(tape, late, h));
      tape.backward(ops.weightedSum(tape, terms));
      if (options.clip !== undefined) norms.push(clipGradNorm([w, W, late], options.clip));
      optimizer.step([w, W, late]);
    };
    if (options.scoped === false) step(); else scope(step);
    after.push({ w: [...w.data], W: [...W.data], late: [...late.data] });
  }
  return { after, norms };
}

forVariants('optim/optimizers', (test) => {
  const agrees = (got: ReturnType<typeof play>, want: { after: { w: number[]; W: number[]; late: number[] }[]; norms: number[] }): void => {
    for (const [t, { w, W, late }] of want.after.entries()) {
      assertClose(got.after[t].w, w, 1e-6, `w after step ${t + 1}`, 4); // numbers up to 4, each step rounded to float32
      assertClose(got.after[t].W, W, 1e-6, `W after step ${t + 1}`, 4);
      assertClose(got.after[t].late, late, 1e-6, `late after step ${t + 1}`, 4);
    }
    assertClose(got.norms, want.norms, 1e-6, 'norms');
  };

  const unusual = { learningRate: 0.02, beta1: 0.6, beta2: 0.95, eps: 1e-3 };
  const runs: [name: keyof typeof golden.runs, make: () => Optimizer, clip?: number][] = [
    ['sgd', () => new SGD({ learningRate: 0.1 })],
    ['adagrad', () => new AdaGrad({ learningRate: 0.1 })],
    ['adagradEps', () => new AdaGrad({ learningRate: 0.3, eps: 0.5 })],
    ['adam', () => new Adam({ learningRate: 0.05 })],
    ['adamUnusual', () => new Adam(unusual)],
    ['lazyAdam', () => new Adam({ learningRate: 0.05, rows: 'touched' })],
    ['lazyAdamUnusual', () => new Adam({ learningRate: 0.02, beta1: 0.6, beta2: 0.95, rows: 'touched' })],
    ['clipped', () => new SGD({ learningRate: 0.1 }), 2.5],
    ['hardlyClipped', () => new SGD({ learningRate: 0.1 }), 6.5],
    ['clippedAdam', () => new Adam({ learningRate: 0.05 }), 0.5],
  ];
  for (const [name, make, clip] of runs) {
    test(`${name} agrees with torch ${golden.torch}, step by step`, () => agrees(play(start(), make(), { clip }), golden.runs[name]));
    test(`${name}: the same outside of scopes`, () => agrees(play(start(), make(), { clip, scoped: false }), golden.runs[name]));
  }

  test('Adam with rows all is dense Adam on the same gradient', () => {
    const next = random(1).uniform, n = 9, K = 5, data = floats(n * K, next), table = Tensor.lasting([n, K], data), dense = Tensor.lasting([n, K], data);
    const one = new Adam({ learningRate: 0.03 }), other = new Adam({ learningRate: 0.03 });
    for (let t = 0; t < 40; t++) {
      scope(() => {
        const tape = new Tape(), batch = ids(4, n - 2, next), G = floats(4 * K, next); // the last two rows are touched once, at the start
        if (t === 0) batch[0] = n - 1;
        tape.backward(times(tape, ops.embedding(tape, table, batch), [...G])[1]);
        dense.grad.set(denseGrad(table));
        one.step([table]);
        other.step([dense]);
        assert.is(table.rowGrads.length, 0);
      });
      assert.equal([...table.data], [...dense.data], `step ${t}`);
    }
    assert.ok(table.data[(n - 1) * K] !== data[(n - 1) * K] && table.data[(n - 2) * K] === data[(n - 2) * K]);
  });

  test('Adam: the moments of a row that no batch touches any more become zero, never denormal', () => {
    const table = Tensor.lasting([2, 4], new Array(8).fill(1)), adam = new Adam({ learningRate: 0.1, beta2: 0.8 }), { adamTable } = kernels;
    let moments: Float32Array[] = [];
    kernels.adamTable = (W, M, V, ...rest) => { moments = [M, V]; adamTable(W, M, V, ...rest); };
    try {
      for (let t = 0; t < 1000; t++) { // 0.9^1000 is 2e-46: as a denormal float32 it would stay above zero for ever
        scope(() => { const tape = new Tape(); tape.backward(ops.sum(tape, ops.embedding(tape, table, Int32Array.of(t === 0 ? 0 : 1)))); adam.step([table]); });
        for (const moment of moments) assert.ok(moment.every((x) => x === 0 || Math.abs(x) >= 2 ** -126), `step ${t}`);
      }
    } finally { kernels.adamTable = adamTable; }
    assert.is(moments.length, 2);
    for (const moment of moments) assert.ok(moment.subarray(0, 4).every((x) => x === 0) && moment.subarray(4).every((x) => x > 0));
    assert.ok(table.data.every(Number.isFinite));
  });

  test('Adam with rows touched leaves the other rows alone; with all they move on', () => {
    for (const rows of ['all', 'touched'] as const) {
      const table = Tensor.lasting([3, 2], [1, 2, 3, 4, 5, 6]), adam = new Adam({ learningRate: 0.1, rows });
      const step = (id: number): void => scope(() => { const tape = new Tape(); tape.backward(ops.sum(tape, ops.embedding(tape, table, Int32Array.of(id)))); adam.step([table]); });
      step(0);
      const before = [...table.data];
      step(1);
      assert.is(table.data[0] === before[0], rows === 'touched');
      assert.ok(table.data[2] !== before[2] && table.data[4] === 5);
    }
  });

  for (const [name, make] of [['SGD', () => new SGD({ learningRate: 0.1 })], ['AdaGrad', () => new AdaGrad({ learningRate: 0.1 })], ['Adam', () => new Adam({ learningRate: 0.1 })], ['lazy Adam', () => new Adam({ learningRate: 0.1, rows: 'touched' })]] as [string, () => Optimizer][]) {
    test(`${name}: a table that is looked up and used whole has one gradient`, () => {
      const one = Tensor.lasting([2, 2], [1, 2, 3, 4]), both = Tensor.lasting([2, 2], [1, 2, 3, 4]), a = make(), b = make();
      for (let t = 0; t < 3; t++) {
        scope(() => {
          const tape = new Tape();
          tape.backward(ops.weightedSum(tape, [times(tape, one, [1, -2, 3, 0.5]), times(tape, one, [2, 2, 0, 0])]));
          a.step([one]);
          tape.backward(ops.weightedSum(tape, [times(tape, both, [1, -2, 3, 0.5]), times(tape, ops.embedding(tape, both, Int32Array.of(0)), [2, 2])]));
          b.step([both]);
        });
        assertClose(both.data, one.data, 4 * EPS, `step ${t}`, 4);
      }
    });

    test(`${name}: a step forgets the gradients, inside a scope and outside`, () => {
      for (const around of [scope, (work: () => void) => work()]) {
        const w = Tensor.lasting([2], [1, 2]), table = Tensor.lasting([2, 1], [1, 2]), optimizer = make();
        around(() => {
          const tape = new Tape();
          tape.backward(ops.weightedSum(tape, [[1, ops.sum(tape, w)], [1, ops.sum(tape, ops.embedding(tape, table, Int32Array.of(1)))]]));
          optimizer.step([w, table]);
          assert.equal([...denseGrad(w), ...denseGrad(table)], [0, 0, 0, 0]);
        });
      }
    });

    test(`${name}: from its state, put back here or elsewhere, it goes on to the same bytes`, () => {
      const steps = (w: Tensor, table: Tensor, optimizer: Optimizer, from: number, to: number): void => {
        for (let t = from; t < to; t++) {
          scope(() => {
            const tape = new Tape();
            tape.backward(ops.weightedSum(tape, [times(tape, w, [1, -2 / (t + 1)]), times(tape, ops.embedding(tape, table, Int32Array.of(t % 3)), [t - 5])]));
            optimizer.step([w, table]);
          });
        }
      };
      const w = Tensor.lasting([2], [1, 2]), table = Tensor.lasting([3, 1], [1, 2, 3]), one = make();
      assert.equal([one.state(w), one.state(table)], [null, null]);
      steps(w, table, one, 0, 10);
      const data = [w.data.slice(), table.data.slice()], states = [one.state(w), one.state(table)], asText = JSON.stringify(states);
      steps(w, table, one, 10, 40); // past settling
      const after = [...w.data, ...table.data];
      assert.is(JSON.stringify(states), asText, 'a copy');
      const others = [Tensor.lasting([2], data[0]), Tensor.lasting([3, 1], data[1])] as const, other = make();
      others.forEach((parameter, at) => { other.restore(parameter, states[at]); });
      steps(...others, other, 10, 40);
      w.data.set(data[0]); table.data.set(data[1]);
      [w, table].forEach((parameter, at) => { one.restore(parameter, states[at]); });
      steps(w, table, one, 10, 40);
      assert.equal([[...others[0].data, ...others[1].data], [...w.data, ...table.data]], [after, after]);
      one.restore(w, null);
      assert.is(one.state(w), null);
    });

    test(`${name}: the state of another optimiser or another parameter is refused, and its own stays`, () => {
      const w = Tensor.lasting([2], [1, 2]), optimizer = make(), five = new Float32Array(5), two = new Float32Array(2);
      scope(() => { const tape = new Tape(); tape.backward(ops.sum(tape, w)); optimizer.step([w]); });
      const before = JSON.stringify(optimizer.state(w));
      for (const arrays of [{ m: five, v: five }, { sums: five }, { m: two }, { m: two, sums: two }, { m: two, v: two, sums: two }, { m: [0, 0], v: [0, 0] }] as unknown as Record<string, Float32Array>[]) refuses(() => optimizer.restore(w, { steps: 1, arrays }), 'bad-shape', 'beside a parameter of shape [2]');
      if (/Adam/.test(name)) for (const count of [0, 1.5, Number.NaN]) refuses(() => optimizer.restore(w, { steps: count, arrays: { m: two, v: two } }), 'bad-shape', 'Adam: the steps behind moments');
      assert.is(JSON.stringify(optimizer.state(w)), before);
    });

    test(`${name}: what it keeps of a parameter goes with the parameter`, async () => {
      const optimizer = make(), before = await settled();
      (() => {
        const w = Tensor.lasting([1000]), table = Tensor.lasting([100, 10]);
        scope(() => {
          const tape = new Tape();
          tape.backward(ops.weightedSum(tape, [[1, ops.sum(tape, w)], [1, ops.sum(tape, ops.embedding(tape, table, Int32Array.of(1)))]]));
          optimizer.step([w, table]);
        });
        assert.ok(memoryUse().inUse >= before + 2 * 4000);
      })();
      assert.ok((await settled(before)) < before + 4000); // but for the chunk of steps, if this was the first
      assert.ok(optimizer.learningRate > 0);
    });
  }

  test('a learning rate that is changed counts from the next step', () => {
    const w = Tensor.lasting([1], [1]), sgd = new SGD({ learningRate: 0.5 });
    const step = (): number => { w.grad[0] = 1; sgd.step([w]); return w.data[0]; };
    assert.is(step(), 0.5);
    sgd.learningRate = 0.25;
    assert.is(step(), 0.25);
  });

  test('clipGradNorm: a gradient that is short enough stays as it is', () => {
    const w = Tensor.lasting([2]), table = Tensor.lasting([3, 1]);
    scope(() => {
      const tape = new Tape();
      tape.backward(ops.weightedSum(tape, [times(tape, w, [3, 0]), times(tape, ops.embedding(tape, table, Int32Array.of(2, 0, 2)), [1, 0, 3])]));
      assert.is(clipGradNorm([w, table], 5), 5); // √(3² + 4²): the repeated row counts 1 + 3 once
      assert.equal([...denseGrad(w), ...denseGrad(table)], [3, 0, 0, 0, 4]);
      assert.is(clipGradNorm([w, table], 2.5), 5);
      assert.equal([...denseGrad(w), ...denseGrad(table)], [1.5, 0, 0, 0, 2]);
      assert.is(clipGradNorm([w, table], Infinity), 2.5);
    });
    assert.is(clipGradNorm([w, table], 1), 0); // nothing there, nothing made
    assert.is(w.hasGrad, false);
    assert.is(clipGradNorm([], 1), 0);
  });

  test('clipGradNorm: lookups that are merged, and a table used whole as well', () => {
    const table = Tensor.lasting([2, 1]);
    scope(() => {
      const tape = new Tape();
      tape.backward(ops.weightedSum(tape, [times(tape, table, [1, 0]), times(tape, ops.embedding(tape, table, Int32Array.of(0, 1)), [1, 4]), times(tape, ops.embedding(tape, table, Int32Array.of(0)), [1])]));
      assert.is(clipGradNorm([table], 2.5), 5); // √((1 + 1 + 1)² + 4²)
      assertClose(denseGrad(table), [1.5, 2], EPS, 'clipped');
    });
  });

  test('settings that make no sense are refused, and named', () => {
    const bad = [Number.NaN, 0, -1, Infinity];
    for (const value of bad) {
      refuses(() => new SGD({ learningRate: value }), 'bad-setting', `SGD: learningRate must be a positive number, got ${value}`);
      refuses(() => new AdaGrad({ learningRate: value }), 'bad-setting', `AdaGrad: learningRate must be a positive number, got ${value}`);
      refuses(() => new AdaGrad({ learningRate: 1, eps: value }), 'bad-setting', `AdaGrad: eps must be a positive number, got ${value}`);
      refuses(() => new Adam({ learningRate: value }), 'bad-setting', `Adam: learningRate must be a positive number, got ${value}`);
      refuses(() => new Adam({ learningRate: 1, eps: value }), 'bad-setting', `Adam: eps must be a positive number, got ${value}`);
    }
    for (const value of [Number.NaN, 1, -0.1, Infinity]) {
      refuses(() => new Adam({ learningRate: 1, beta1: value }), 'bad-setting', `Adam: beta1 must be at least 0 and below 1, got ${value}`);
      refuses(() => new Adam({ learningRate: 1, beta2: value }), 'bad-setting', `Adam: beta2 must be at least 0 and below 1, got ${value}`);
    }
    for (const value of ['lazy', '', false]) refuses(() => new Adam({ learningRate: 1, rows: value as 'all' }), 'bad-setting', "rows must be 'all' or 'touched'");
    for (const value of [Number.NaN, 0, -1, -Infinity]) refuses(() => clipGradNorm([], value), 'bad-setting', `clipGradNorm: maxNorm must be a positive number, got ${value}`);
  });

  test.run();
});
