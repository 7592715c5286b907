import * as assert from 'uvu/assert';
import { scope } from '../../kernels/memory.ts';
import { Tape, Tensor, checkGrad, ops } from '../../lib/autodiff/index.ts';
import { random } from '../../lib/random.ts';
import { gradients, weighted } from '../helpers/gradients.ts';
import { floats, maxAbsDiff } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';
import { forVariants } from '../helpers/variants.ts';

type Next = () => number;
const make = (shape: number[], next: Next, size = 2): Tensor => new Tensor(shape, floats(shape.reduce((a, b) => a * b, 1), next).map((x) => size * x));

/** One sequence, one step, one of each; all as long as the others; all different; a long one beside short ones. */
const packings: number[][] = [[1], [3], [1, 1, 1], [2, 2, 2], [4, 3, 2, 1], [3, 3, 1, 1, 1], [5, 2, 2]];
const widths: [D: number, H: number][] = [[1, 1], [3, 2], [2, 5], [5, 4]];

/** A layer, what goes into it and a state to start from. */
function layerOf(sizes: readonly number[], D: number, H: number, seed = 1): { x: Tensor; weights: ops.LstmWeights; start: ops.LstmState; R: number } {
  const next = random(seed + 10 * sizes.length + 100 * D + 1000 * H).uniform, R = sizes.reduce((a, b) => a + b, 0);
  const weights = { W: make([D, 4 * H], next), U: make([H, 4 * H], next), bias: make([4 * H], next) };
  return { x: make([R, D], next), weights, start: { h: make([sizes[0], H], next), c: make([sizes[0], H], next) }, R };
}

/** The rows of sequence b, in its own order: row b of each step that it is in. */
function rowsOf(sizes: readonly number[], b: number): number[] {
  const rows: number[] = [];
  let from = 0;
  for (const n of sizes) { if (b < n) rows.push(from + b); from += n; }
  return rows;
}

/** Some rows of a matrix, copied. */
const pick = (x: Tensor, rows: readonly number[]): Tensor => new Tensor([rows.length, x.shape[1]], rows.flatMap((r) => [...x.data.subarray(r * x.shape[1], (r + 1) * x.shape[1])]));

forVariants('autodiff/sequenceOps', (test, variant) => {
  const near = (got: ArrayLike<number>, want: ArrayLike<number>, tolerance = 1e-6): void => assert.ok(maxAbsDiff(got, want) <= tolerance, `got ${Array.from(got)}, expected ${Array.from(want)}`);

  // linear

  test('linear, by hand', () => {
    const x = new Tensor([2, 2], [1, 2, 3, 4]), W = new Tensor([2, 3], [1, 0, -1, 0, 1, 2]), bias = new Tensor([3], [10, 20, 30]);
    const out = ops.linear(null, x, W, bias);
    assert.equal([out.shape, [...out.data]], [[2, 3], [11, 22, 33, 13, 24, 35]]);
    near(ops.linear(null, x, W, null).data, [1, 2, 3, 3, 4, 5]);
    const d = Float32Array.of(1, 10, 100, 2, 20, 200);
    near(gradients((tape) => weighted(tape, ops.linear(tape, x, W, bias), d), x, W, bias).flat(), [-99, 210, -198, 420, 7, 70, 700, 10, 100, 1000, 3, 30, 300]);
    near(gradients((tape) => weighted(tape, ops.linear(tape, x, W, null), d), x, W).flat(), [-99, 210, -198, 420, 7, 70, 700, 10, 100, 1000]);
  });

  test('linear: gradient by differences, and added to what is there', () => {
    for (const [B, D, M] of [[1, 1, 1], [1, 3, 2], [3, 1, 7], [4, 5, 1], [7, 2, 9], [5, 9, 4]]) {
      const next = random(B + 10 * D + 100 * M).uniform, inputs = [make([B, D], next), make([D, M], next), make([M], next)], d = floats(B * M, next);
      const f = (tape: Tape | null): Tensor => weighted(tape, ops.linear(tape, inputs[0], inputs[1], inputs[2]), d);
      checkGrad(f, inputs, { tolerance: 1e-3 });
      checkGrad((tape) => weighted(tape, ops.linear(tape, inputs[0], inputs[1], null), d), inputs.slice(0, 2), { tolerance: 1e-3 });
      near(gradients((tape) => ops.weightedSum(tape, [[1, f(tape)], [1, f(tape)]]), ...inputs).flat(), gradients(f, ...inputs).flat().map((g) => 2 * g), 1e-5);
    }
  });

  // lstm

  test('lstm, by hand: two steps of one unit', () => {
    const σ = (x: number): number => 1 / (1 + Math.exp(-x));
    const weights = { W: new Tensor([1, 4], [0.5, -0.25, 1, 0.75]), U: new Tensor([1, 4], [0.25, 0.5, -0.5, 1]), bias: new Tensor([4], [0.1, 1, -0.2, 0.3]) };
    const { h, last } = ops.lstm(null, new Tensor([2, 1], [2, -1]), [1, 1], weights, null);
    const c1 = σ(1.1) * Math.tanh(1.8), h1 = σ(1.8) * Math.tanh(c1);
    const c2 = σ(1.25 + 0.5 * h1) * c1 + σ(-0.4 + 0.25 * h1) * Math.tanh(-1.2 - 0.5 * h1), h2 = σ(-0.45 + h1) * Math.tanh(c2);
    near(h.data, [h1, h2]);
    near([...last.h.data, ...last.c.data], [h2, c2]);
  });

  for (const from of ['zeros', 'a start'] as const) {
    test(`lstm from ${from}: gradient by differences`, () => {
      for (const sizes of packings) {
        for (const [D, H] of widths) {
          const { x, weights, start, R } = layerOf(sizes, D, H), d = floats(R * H, random(R).uniform), { W, U, bias } = weights;
          const f = (tape: Tape | null): Tensor => weighted(tape, ops.lstm(tape, x, sizes, weights, from === 'zeros' ? null : start).h, d);
          checkGrad(f, [x, W, U, bias], { tolerance: 1e-3 });
          assert.ok(gradients(f, start.h, start.c).flat().every((g) => g === 0), 'no gradient flows into the start');
        }
      }
    });

    test(`lstm from ${from}: packed as one by one`, () => {
      for (const sizes of packings) {
        const { x, weights, start, R } = layerOf(sizes, 3, 5), { W, U, bias } = weights, d = make([R, 5], random(R).uniform);
        const all = ops.lstm(null, x, sizes, weights, from === 'zeros' ? null : start);
        const together = gradients((tape) => weighted(tape, ops.lstm(tape, x, sizes, weights, from === 'zeros' ? null : start).h, d.data), x, W, U, bias);
        const apart = together.map((g) => g.map(() => 0));
        for (let b = 0; b < sizes[0]; b++) {
          const rows = rowsOf(sizes, b), own = pick(x, rows), ones = rows.map(() => 1), begin = from === 'zeros' ? null : { h: pick(start.h, [b]), c: pick(start.c, [b]) };
          const one = ops.lstm(null, own, ones, weights, begin);
          near(pick(all.h, rows).data, one.h.data, variant === 'simd' ? 0 : 1e-6); // to the bit: a product's row does not depend on the others
          near(pick(all.last.h, [b]).data, one.last.h.data);
          near(pick(all.last.c, [b]).data, one.last.c.data);
          near(one.last.h.data, pick(one.h, [rows.length - 1]).data);
          const [dx, ...others] = gradients((tape) => weighted(tape, ops.lstm(tape, own, ones, weights, begin).h, pick(d, rows).data), own, W, U, bias);
          rows.forEach((r, t) => { for (let k = 0; k < 3; k++) apart[0][r * 3 + k] += dx[t * 3 + k]; });
          others.forEach((g, p) => g.forEach((value, at) => { apart[p + 1][at] += value; }));
        }
        near(together.flat(), apart.flat(), 1e-5);
      }
    });
  }

  test('lstm: what one call leaves, the next goes on from', () => {
    const D = 3, H = 5, sizes = [3, 3, 3, 3, 3], { x, weights, R } = layerOf(sizes, D, H);
    const whole = ops.lstm(null, x, sizes, weights, null);
    for (let cut = 1; cut < sizes.length; cut++) {
      const r = 3 * cut, first = ops.lstm(null, new Tensor([r, D], x.data.slice(0, r * D)), sizes.slice(0, cut), weights, null);
      const second = ops.lstm(null, new Tensor([R - r, D], x.data.slice(r * D)), sizes.slice(cut), weights, first.last);
      assert.equal([...first.h.data, ...second.h.data], [...whole.h.data]);
      assert.equal([[...second.last.h.data], [...second.last.c.data]], [[...whole.last.h.data], [...whole.last.c.data]]);
    }
  });

  test('lstm: the state may be written over before the way back, and sizes may be ids', () => {
    const sizes = [2, 2, 1], { x, weights, start } = layerOf(sizes, 2, 3), { W, U, bias } = weights, d = floats(15, random(3).uniform), kept = [start.h.data.slice(), start.c.data.slice()];
    const f = (after: () => void) => (tape: Tape): Tensor => { const { h } = ops.lstm(tape, x, Int32Array.from(sizes), weights, start), L = weighted(tape, h, d); after(); return L; };
    const want = gradients(f(() => {}), x, W, U, bias), got = gradients(f(() => { start.h.data.fill(7); start.c.data.fill(7); }), x, W, U, bias);
    [start.h, start.c].forEach((s, at) => s.data.set(kept[at]));
    assert.equal(got, want);
  });

  test('lstm: gradients add to what is there', () => {
    const sizes = [4, 3, 1], { x, weights, R } = layerOf(sizes, 3, 4), inputs = [x, weights.W, weights.U, weights.bias], d = floats(R * 4, random(8).uniform);
    const f = (tape: Tape): Tensor => weighted(tape, ops.lstm(tape, x, sizes, weights, null).h, d);
    near(gradients((tape) => ops.weightedSum(tape, [[1, f(tape)], [1, f(tape)]]), ...inputs).flat(), gradients(f, ...inputs).flat().map((g) => 2 * g), 1e-5);
  });

  test('no sequences at all are none afterwards', () => {
    const { weights } = layerOf([1], 2, 3), none = new Tensor([0, 2]);
    const { h, last } = ops.lstm(null, none, [], weights, null);
    assert.equal([h.shape, last.h.shape, last.c.shape], [[0, 3], [0, 3], [0, 3]]);
    assert.ok(gradients((tape) => ops.sum(tape, ops.lstm(tape, none, [], weights, null).h), weights.W, weights.U, weights.bias).flat().every((g) => g === 0));
    assert.is(ops.softmaxLoss(null, new Tensor([0, 4]), new Int32Array(0)).data[0], 0);
    assert.equal(ops.linear(null, none, new Tensor([2, 3]), new Tensor([3])).shape, [0, 3]);
    assert.equal(ops.joinColumns(null, [none, new Tensor([0, 1])]).shape, [0, 3]);
  });

  // softmaxLoss

  test('softmaxLoss, by hand: a row without a label is left out', () => {
    const X = new Tensor([3, 3], [0, 0, Math.log(2), 5, 5, 5, 100, 0, 0]), y = Int32Array.of(2, -1, 1);
    near(ops.softmaxLoss(null, X, y).data, [Math.log(2) + 100], 1e-5);
    near(gradients((tape) => ops.weightedSum(tape, [[2, ops.softmaxLoss(tape, X, y)]]), X).flat(), [0.5, 0.5, -1, 0, 0, 0, 2, -2, 0]);
  });

  test('softmaxLoss: gradient by differences, and added to what is there', () => {
    for (const [R, N] of [[1, 1], [1, 5], [4, 3], [3, 17], [7, 2]]) {
      const next = random(R + 10 * N).uniform, X = make([R, N], next, 6), y = Int32Array.from({ length: R }, () => Math.floor(next() * (N + 1)) - 1);
      const f = (tape: Tape | null): Tensor => ops.weightedSum(tape, [[1 / R, ops.softmaxLoss(tape, X, y)]]);
      checkGrad(f, [X], { tolerance: 1e-3 });
      near(gradients((tape) => ops.weightedSum(tape, [[1, f(tape)], [1, f(tape)]]), X).flat(), gradients(f, X).flat().map((g) => 2 * g));
    }
  });

  // dropout

  test('dropout keeps the mean, drops as often as asked, and drops the same on the way back', () => {
    for (const rate of [0.1, 0.5, 0.9]) {
      const n = 20_000, x = new Tensor([n / 10, 10], new Float32Array(n).fill(3)), tape = new Tape(), out = ops.dropout(tape, x, rate, random(5)), kept = out.data.filter((value) => value !== 0);
      assert.equal(out.shape, x.shape);
      near(kept, kept.map(() => 3 / (1 - rate)), 1e-5);
      const sd = Math.sqrt(rate * (1 - rate) / n);
      assert.ok(Math.abs(1 - kept.length / n - rate) < 4 * sd, `${n - kept.length} of ${n} dropped at rate ${rate}`);
      assert.ok(Math.abs(out.data.reduce((a, b) => a + b, 0) / n - 3) < 4 * sd * 3 / (1 - rate));
      tape.backward(ops.sum(tape, out));
      near(x.grad, out.data.map((value) => value / 3), 1e-6);
    }
  });

  test('dropout: gradient by differences; a seed repeats, and the next draw differs', () => {
    for (const [B, K] of [[1, 1], [3, 7], [9, 4]]) {
      const next = random(B * K).uniform, x = make([B, K], next), d = floats(B * K, next);
      checkGrad((tape) => weighted(tape, ops.dropout(tape ?? new Tape(), x, 0.4, random(B)), d), [x], { tolerance: 1e-3 });
    }
    const x = make([8, 8], random(1).uniform), next = random(2), draw = (from = next): number[] => [...ops.dropout(new Tape(), x, 0.5, from).data];
    const first = draw();
    assert.equal(draw(random(2)), first);
    assert.not.equal(draw(), first);
  });

  test('dropout leaves out nothing when nobody learns, or at rate 0, and draws nothing then', () => {
    const x = new Tensor([3], [1, 2, 3]), next = random(4), before = next.state();
    assert.is(ops.dropout(null, x, 0.5, next), x);
    assert.is(ops.dropout(new Tape(), x, 0, next), x);
    assert.equal(next.state(), before);
  });

  // joinColumns

  test('joinColumns, by hand', () => {
    const a = new Tensor([2, 1], [1, 2]), b = new Tensor([2, 2], [10, 20, 30, 40]);
    const out = ops.joinColumns(null, [a, b, a]);
    assert.equal([out.shape, [...out.data]], [[2, 4], [1, 10, 20, 1, 2, 30, 40, 2]]);
    near(gradients((tape) => weighted(tape, ops.joinColumns(tape, [a, b, a]), Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8)), a, b).flat(), [5, 13, 2, 3, 6, 7]);
  });

  test('joinColumns: gradient by differences', () => {
    for (const [R, ...Ks] of [[1, 1], [1, 2, 3], [4, 3, 1], [3, 5, 2, 7], [2, 0, 4]]) {
      const next = random(R + 10 * Ks.length).uniform, parts = Ks.map((K) => make([R, K], next)), d = floats(R * Ks.reduce((a, b) => a + b), next);
      checkGrad((tape) => weighted(tape, ops.joinColumns(tape, parts), d), parts, { tolerance: 1e-3 });
    }
  });

  test('dropout and joinColumns: gradients add to what is there', () => {
    const next = random(6).uniform, a = make([4, 3], next), b = make([4, 2], next), d = floats(20, next);
    const drop = (tape: Tape): Tensor => weighted(tape, ops.dropout(tape, a, 0.4, random(3)), d.slice(0, 12)), join = (tape: Tape): Tensor => weighted(tape, ops.joinColumns(tape, [a, b]), d);
    for (const f of [drop, join]) near(gradients((tape) => ops.weightedSum(tape, [[1, f(tape)], [1, f(tape)]]), a, b).flat(), gradients(f, a, b).flat().map((g) => 2 * g));
  });

  // together

  test('a network of all of them: gradient by differences', () => {
    const sizes = [3, 2, 2, 1], R = 8, E = 3, H = 4, N = 6, next = random(77).uniform;
    const table = make([N, E], next), users = make([2, 2], next), output = make([H, N], next), bias = make([N], next);
    const below = layerOf(sizes, E + 2, H, 2).weights, above = layerOf(sizes, H, H, 3).weights;
    const items = Int32Array.of(1, 0, 3, 2, 2, 5, 1, 4), user = Int32Array.of(0, 1, 1, 0, 1, 0, 1, 0), y = Int32Array.of(2, -1, 5, 5, 1, 0, -1, 3);
    const f = (tape: Tape | null): Tensor => {
      const x = ops.joinColumns(tape, [ops.embedding(tape, table, items), ops.embedding(tape, users, user)]), draws = random(9);
      const first = ops.dropout(tape ?? new Tape(), ops.lstm(tape, x, sizes, below, null).h, 0.3, draws), second = ops.lstm(tape, first, sizes, above, null).h;
      return ops.weightedSum(tape, [[1 / R, ops.softmaxLoss(tape, ops.linear(tape, second, output, bias), y)]]);
    };
    checkGrad(f, [table, users, output, bias, below.W, below.U, below.bias, above.W, above.U, above.bias], { tolerance: 1e-3 });
  });

  test('without a tape nothing is recorded, and the numbers are the same', () => {
    const sizes = [2, 1], { x, weights, start } = layerOf(sizes, 2, 3), output = make([3, 4], random(1).uniform), y = Int32Array.of(1, 0, 3);
    const f = (tape: Tape | null): number[] => scope(() => {
      const { h, last } = ops.lstm(tape, ops.joinColumns(tape, [x]), sizes, weights, start), X = ops.linear(tape, h, output, null);
      return [...h.data, ...last.h.data, ...last.c.data, ...X.data, ...ops.softmaxLoss(tape, X, y).data];
    });
    let steps = 0;
    const tape = new Tape();
    tape.record = () => { steps++; };
    assert.equal(f(null), f(tape));
    assert.ok(steps >= 5);
    for (const w of [x, weights.W, weights.U, weights.bias, output, start.h]) assert.not(w.hasGrad);
  });

  // refusals

  test('shapes that do not fit', () => {
    const vector = new Tensor([3]), two = new Tensor([2, 2]), three = new Tensor([2, 3]);
    refuses(() => ops.linear(null, vector, two, null), 'bad-shape', 'linear: expected a matrix (rows, columns), got shape [3]');
    refuses(() => ops.linear(null, two, vector, null), 'bad-shape', 'linear: expected a matrix');
    refuses(() => ops.linear(null, three, three, null), 'bad-shape', 'linear: expected a row of W for each of 3 columns of x, got shape [2,3]');
    refuses(() => ops.linear(null, two, three, new Tensor([2])), 'bad-shape', 'linear: expected a bias for each of 3 columns of W, got shape [2]');
    refuses(() => ops.joinColumns(null, []), 'bad-shape', 'joinColumns: expected at least one matrix, got none');
    refuses(() => ops.joinColumns(null, [two, vector]), 'bad-shape', 'joinColumns: expected a matrix');
    refuses(() => ops.joinColumns(null, [two, new Tensor([3, 2])]), 'bad-shape', 'joinColumns: the matrices must have equally many rows, got shapes [2,2] and [3,2]');
    refuses(() => ops.softmaxLoss(null, vector, new Int32Array(3)), 'bad-shape', 'softmaxLoss: expected a matrix');
    refuses(() => ops.softmaxLoss(null, two, new Int32Array(3)), 'bad-shape', 'softmaxLoss: expected a label for each of 2 rows, got 3');
  });

  test('layers and states that do not fit', () => {
    const sizes = [2, 1], { x, weights, start } = layerOf(sizes, 2, 3), { W, U, bias } = weights, run = (...[changed, from = null]: [Partial<ops.LstmWeights>, (ops.LstmState | null)?]) => () => ops.lstm(null, x, sizes, { ...weights, ...changed }, from);
    refuses(() => ops.lstm(null, new Tensor([3]), sizes, weights, null), 'bad-shape', 'lstm: expected a matrix (rows, columns), got shape [3]');
    refuses(run({ U: bias }), 'bad-shape', 'lstm: expected a matrix', '[12]');
    refuses(run({ U: new Tensor([3, 11]) }), 'bad-shape', 'lstm: expected four columns of U for each of its rows, got shape [3,11]');
    refuses(run({ W: bias }), 'bad-shape', 'lstm: expected a matrix', '[12]');
    refuses(run({ W: new Tensor([2, 8]) }), 'bad-shape', 'lstm: W and U must have equally many columns, got shapes [2,8] and [3,12]');
    refuses(run({ W: U }), 'bad-shape', 'a row of W for each of 2 columns of x, got shape [3,12]');
    refuses(run({ bias: new Tensor([3]) }), 'bad-shape', 'a bias for each of 12 columns', '[3]');
    refuses(run({}, { h: W, c: start.c }), 'bad-shape', 'lstm: expected a start of shape [2,3], got [2,12]');
    refuses(run({}, { h: start.h, c: new Tensor([1, 3]) }), 'bad-shape', 'lstm: expected a start of shape [2,3], got [1,3]');
    refuses(run({}, { h: new Tensor([6]), c: start.c }), 'bad-shape', 'lstm: expected a start of shape [2,3], got [6]');
  });

  test('sizes that are no packing', () => {
    const { x, weights } = layerOf([2, 1], 2, 3), run = (...sizes: number[]) => () => ops.lstm(null, x, sizes, weights, null), whole = 'lstm: sizes must be whole numbers from 1 up that never increase';
    refuses(run(1, 2), 'bad-shape', `${whole}, got 2 after 1 at step 1`);
    refuses(run(3, 0), 'bad-shape', `${whole}, got 0 after 3 at step 1`);
    refuses(run(-1, 4), 'bad-shape', `${whole}, got -1 at step 0`);
    refuses(run(1.5, 1.5), 'bad-shape', `${whole}, got 1.5 at step 0`);
    refuses(run(NaN), 'bad-shape', `${whole}, got NaN at step 0`);
    refuses(run(2), 'bad-shape', 'lstm: expected the 2 rows that the sizes add up to, got 3');
    refuses(run(2, 2), 'bad-shape', 'lstm: expected the 4 rows that the sizes add up to, got 3');
    refuses(run(), 'bad-shape', 'lstm: expected the 0 rows that the sizes add up to, got 3');
  });

  test('labels that are no classes, rates that are no fractions', () => {
    const X = new Tensor([3, 4]), x = new Tensor([2]);
    for (const label of [4, 2 ** 31 - 1]) refuses(() => ops.softmaxLoss(null, X, Int32Array.of(0, -1, label)), 'unknown-id', `softmaxLoss: label ${label} at position 2 is not below 4`);
    for (const rate of [-0.1, 1, NaN, Infinity]) for (const tape of [null, new Tape()]) refuses(() => ops.dropout(tape, x, rate, random(1)), 'bad-setting', `dropout: rate must be at least 0 and below 1, got ${rate}`);
  });

  test.run();
});
