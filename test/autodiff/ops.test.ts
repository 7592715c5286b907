import * as assert from 'uvu/assert';
import { scope } from '../../kernels/memory.ts';
import { Tape, Tensor, checkGrad, denseGrad, distinct, ops } from '../../lib/autodiff/index.ts';
import { random } from '../../lib/random.ts';
import { gradients, weighted } from '../helpers/gradients.ts';
import { floats, ids, maxAbsDiff } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';
import { forVariants } from '../helpers/variants.ts';

const sizes: [B: number, K: number][] = [[1, 1], [1, 3], [3, 7], [7, 4], [16, 1], [17, 5], [5, 17], [9, 16]];

forVariants('autodiff/ops', (test) => {
  const near = (got: ArrayLike<number>, want: ArrayLike<number>, tolerance = 1e-6): void => assert.ok(maxAbsDiff(got, want) <= tolerance, `got ${Array.from(got)}, expected ${Array.from(want)}`);

  /** checkGrad at every size, with inputs and weights of its own. */
  const checks = (name: string, inputs: (B: number, K: number, next: () => number) => Tensor[], f: (tape: Tape | null, inputs: Tensor[], B: number, K: number, next: () => number) => Tensor): void => {
    test(`${name}: gradient by differences`, () => {
      for (const [B, K] of sizes) {
        const start = random(100 * B + K).uniform, tensors = inputs(B, K, start);
        // the weights and ids that f draws must be the same at each call
        const { worst } = checkGrad((tape) => f(tape, tensors, B, K, random(B + 100 * K).uniform), tensors, { tolerance: 1e-3 });
        assert.ok(worst < 1e-3);
        for (const tensor of tensors) assert.ok(denseGrad(tensor).every((g) => g === 0), 'checkGrad leaves no gradient behind');
      }
    });

    test(`${name}: gradients add to what is there`, () => {
      for (const [B, K] of sizes) {
        const tensors = inputs(B, K, random(100 * B + K).uniform), once = (tape: Tape): Tensor => f(tape, tensors, B, K, random(B + 100 * K).uniform);
        const single = gradients(once, ...tensors), twice = gradients((tape) => ops.weightedSum(tape, [[1, once(tape)], [1, once(tape)]]), ...tensors);
        near(twice.flat(), single.flat().map((g) => 2 * g), 1e-5);
      }
    });
  };
  const matrix = (B: number, K: number, next: () => number): Tensor => new Tensor([B, K], floats(B * K, next).map((x) => 2 * x));

  // weightedSum

  test('weightedSum, by hand', () => {
    const a = new Tensor([2], [1, 2]), b = new Tensor([2], [10, 20]);
    near(ops.weightedSum(null, [[2, a], [-1, b], [3, a]]).data, [-5, -10]);
    near(gradients((tape) => weighted(tape, ops.weightedSum(tape, [[2, a], [-1, b], [3, a]]), Float32Array.of(1, 7)), a, b).flat(), [5, 35, -1, -7]);
  });

  checks('weightedSum', (B, K, next) => [matrix(B, K, next), matrix(B, K, next)],
    (tape, [a, b], B, K, next) => weighted(tape, ops.weightedSum(tape, [[0.5, a], [-2, b], [0.25, a]]), floats(B * K, next)));

  // sum

  test('sum, by hand', () => {
    const x = new Tensor([2, 2], [1, 2, 3, 4]);
    const L = ops.sum(null, x);
    assert.equal([L.shape, [...L.data]], [[], [10]]);
    near(gradients((tape) => ops.weightedSum(tape, [[-3, ops.sum(tape, x)]]), x).flat(), [-3, -3, -3, -3]);
    assert.is(ops.sum(null, new Tensor([0])).data[0], 0);
  });

  test('sum adds in float64', () => {
    const x = new Tensor([1001], new Float32Array(1001).fill(1));
    x.data[0] = 2 ** 24; // to which a float32 cannot add 1
    assert.is(ops.sum(null, x).data[0], 2 ** 24 + 1000);
  });

  checks('sum', (B, K, next) => [matrix(B, K, next)], (tape, [x]) => ops.sum(tape, x));

  // multiply

  test('multiply, by hand', () => {
    const a = new Tensor([3], [1, 2, 3]), b = new Tensor([3], [4, 5, -6]);
    near(ops.multiply(null, a, b).data, [4, 10, -18]);
    near(gradients((tape) => weighted(tape, ops.multiply(tape, a, b), Float32Array.of(1, 10, 100)), a, b).flat(), [4, 50, -600, 1, 20, 300]);
    near(gradients((tape) => ops.sum(tape, ops.multiply(tape, a, a)), a).flat(), [2, 4, 6]); // d a² = 2a
  });

  checks('multiply', (B, K, next) => [matrix(B, K, next), matrix(B, K, next)],
    (tape, [a, b], B, K, next) => weighted(tape, ops.multiply(tape, a, ops.multiply(tape, a, b)), floats(B * K, next)));

  // sigmoid

  test('sigmoid, by hand, and far out', () => {
    const x = new Tensor([5], [0, Math.log(3), -Math.log(3), 200, -200]);
    near(ops.sigmoid(null, x).data, [0.5, 0.75, 0.25, 1, 0]);
    near(gradients((tape) => weighted(tape, ops.sigmoid(tape, x), Float32Array.of(1, 2, 4, 1, 1)), x).flat(), [0.25, 0.375, 0.75, 0, 0]);
  });

  checks('sigmoid', (B, K, next) => [matrix(B, K, next)], (tape, [x], B, K, next) => weighted(tape, ops.sigmoid(tape, x), floats(B * K, next)));

  // embedding and lookup

  test('embedding, by hand: a row seen twice collects both', () => {
    const table = new Tensor([3, 2], [1, 2, 3, 4, 5, 6]), which = Int32Array.of(2, 0, 2);
    const out = ops.embedding(null, table, which);
    assert.equal([out.shape, [...out.data]], [[3, 2], [5, 6, 1, 2, 5, 6]]);
    near(gradients((tape) => weighted(tape, ops.embedding(tape, table, which), Float32Array.of(1, 2, 10, 20, 100, 200)), table).flat(), [10, 20, 0, 0, 101, 202]);
  });

  test('lookup, by hand: each row once, in the order of first occurrence', () => {
    const table = new Tensor([4, 1], [1, 2, 3, 4]), batch = distinct(Int32Array.of(3, 1, 3, 3), 4);
    assert.equal([batch.n, [...batch.ids], [...batch.slots], [...batch.counts]], [4, [3, 1], [0, 1, 0, 0], [3, 1]]);
    near(ops.lookup(null, table, batch).data, [4, 2]);
    near(gradients((tape) => weighted(tape, ops.lookup(tape, table, batch), Float32Array.of(5, 7)), table).flat(), [0, 7, 0, 5]);
  });

  checks('embedding', (_, K, next) => [matrix(6, K, next)],
    (tape, [table], B, K, next) => { const which = ids(B, 6, next); return weighted(tape, ops.embedding(tape, table, which), floats(B * K, next)); });
  checks('lookup', (_, K, next) => [matrix(6, K, next)], (tape, [table], B, K, next) => {
    const batch = distinct(ids(B, 6, next), 6);
    return weighted(tape, ops.lookup(tape, table, batch), floats(batch.ids.length * K, next));
  });

  test('several lookups of one table in a step are added up', () => {
    for (const [B, K] of sizes) {
      const next = random(B * K).uniform, n = 5, table = matrix(n, K, next);
      const batches = [ids(B, n, next), ids(3, n, next), Int32Array.of(n - 1)], weights = batches.map((batch) => floats(batch.length * K, next));
      // by hand: every use of a row adds its weight
      const want = new Float64Array(n * K);
      for (const [p, batch] of batches.entries()) for (let b = 0; b < batch.length; b++) for (let k = 0; k < K; k++) want[batch[b] * K + k] += weights[p][b * K + k];
      const f = (tape: Tape | null): Tensor => ops.weightedSum(tape, batches.map((batch, p) => [1, weighted(tape, ops.embedding(tape, table, batch), weights[p])] as const));
      near(gradients(f, table).flat(), want);
      checkGrad(f, [table], { tolerance: 1e-3 });
    }
  });

  test('a table looked up by rows and used whole in one step', () => {
    for (const [B, K] of sizes) {
      const next = random(7 * B + K).uniform, n = 4, table = matrix(n, K, next), which = ids(B, n, next), w = floats(B * K, next), all = floats(n * K, next);
      const f = (tape: Tape | null): Tensor => ops.weightedSum(tape, [[1, weighted(tape, ops.embedding(tape, table, which), w)], [1, weighted(tape, table, all)]]);
      checkGrad(f, [table], { tolerance: 1e-3 });
    }
  });

  // rowDot

  test('rowDot, by hand', () => {
    const U = new Tensor([2, 2], [1, 2, 3, 4]), V = new Tensor([3, 2], [1, 0, 0, 1, 5, 6]), u = Int32Array.of(0, 1, 0), i = Int32Array.of(2, 1, 2);
    near(ops.rowDot(null, U, V, u, i).data, [17, 4, 17]);
    near(gradients((tape) => weighted(tape, ops.rowDot(tape, U, V, u, i), Float32Array.of(1, 2, 10)), U, V).flat(), [55, 66, 0, 2, 0, 0, 6, 8, 11, 22]);
  });

  checks('rowDot', (_, K, next) => [matrix(4, K, next), matrix(5, K, next)],
    (tape, [U, V], B, _, next) => { const u = ids(B, 4, next), i = ids(B, 5, next); return weighted(tape, ops.rowDot(tape, U, V, u, i), floats(B, next)); });
  checks('rowDot of a table with itself', (_, K, next) => [matrix(4, K, next)],
    (tape, [U], B, _, next) => { const u = ids(B, 4, next), i = ids(B, 4, next); return weighted(tape, ops.rowDot(tape, U, U, u, i), floats(B, next)); });

  // addBias

  test('addBias, by hand', () => {
    const x = new Tensor([3], [1, 2, 3]), b = new Tensor([2, 1], [10, 20]), c = new Tensor([2], [100, 200]), a = new Tensor([1], [0.5]);
    const f = (tape: Tape | null): Tensor => ops.addBias(tape, x, [b, Int32Array.of(0, 1, 1)], [c, Int32Array.of(1, 1, 0)], [a]);
    near(f(null).data, [211.5, 222.5, 123.5]);
    assert.equal([...x.data], [1, 2, 3], 'x stays as it was');
    near(gradients((tape) => weighted(tape, f(tape), Float32Array.of(1, 10, 100)), x, b, c, a).flat(), [1, 10, 100, 1, 110, 100, 11, 111]);
    near(ops.addBias(null, x).data, [1, 2, 3]);
  });

  checks('addBias', (B, _, next) => [new Tensor([B], floats(B, next)), matrix(3, 1, next), new Tensor([4], floats(4, next)), new Tensor([1], [0.3])],
    (tape, [x, b, c, a], B, _, next) => { const u = ids(B, 3, next), i = ids(B, 4, next); return weighted(tape, ops.addBias(tape, x, [b, u], [c, i], [a]), floats(B, next)); });

  test('addRow, by hand', () => {
    const x = new Tensor([2, 3], [1, 2, 3, 4, 5, 6]), row = new Tensor([1, 3], [10, 20, 30]);
    near(ops.addRow(null, x, row).data, [11, 22, 33, 14, 25, 36]);
    assert.equal([...x.data], [1, 2, 3, 4, 5, 6], 'x stays as it was');
    near(gradients((tape) => weighted(tape, ops.addRow(tape, x, row), Float32Array.of(1, 2, 3, 10, 20, 30)), x, row).flat(), [1, 2, 3, 10, 20, 30, 11, 22, 33]);
  });

  checks('addRow', (B, K, next) => [matrix(B, K, next), new Tensor([K], floats(K, next))], (tape, [x, row], B, K, next) => weighted(tape, ops.addRow(tape, x, row), floats(B * K, next)));

  // losses

  test('logLoss, by hand', () => {
    const x = new Tensor([3], [0, Math.log(3), Math.log(3)]), y = Float32Array.of(1, 1, 0);
    near(ops.logLoss(null, x, y).data, [Math.log(2) + Math.log(4 / 3) + Math.log(4)]);
    near(gradients((tape) => ops.weightedSum(tape, [[2, ops.logLoss(tape, x, y)]]), x).flat(), [-1, -0.5, 1.5]);
  });

  checks('logLoss', (B, _, next) => [new Tensor([B], floats(B, next).map((x) => 6 * x))],
    (tape, [x], B, _, next) => ops.weightedSum(tape, [[1, ops.logLoss(tape, x, Float32Array.from({ length: B }, () => (next() < 0.5 ? 0 : 1)))]]));

  test('bprLoss, by hand', () => {
    const U = new Tensor([1, 2], [1, 2]), V = new Tensor([2, 2], [3, 0, 0, 1]), c = new Tensor([2, 1], [0.25, 0.75]); // x = -0.5 + <[1, 2], [3, -1]> = 0.5
    const f = (tape: Tape | null): Tensor => ops.bprLoss(tape, U, V, c, Int32Array.of(0), Int32Array.of(0), Int32Array.of(1));
    near(f(null).data, [0.47407698418]); // ln(1 + e^-0.5)
    const g = -0.3775406688; // -σ(-0.5)
    near(gradients(f, U, V, c).flat(), [3 * g, -g, g, 2 * g, -g, -2 * g, g, -g]);
    near(gradients((tape) => ops.weightedSum(tape, [[-4, f(tape)]]), c).flat(), [-4 * g, 4 * g]);
  });

  test('tripletLoss, by hand', () => {
    const U = new Tensor([2, 2], [1, 2, 1, 0]), V = new Tensor([3, 2], [3, 0, 0, 1, 2, 5]);
    const f = (tape: Tape | null): Tensor => ops.tripletLoss(tape, U, V, Int32Array.of(0, 1), Int32Array.of(0, 0), Int32Array.of(1, 2), 1.5); // x = 3 - 2 and 3 - 2
    near(f(null).data, [1]);
    near(gradients(f, U, V).flat(), [-3, 1, -1, 5, -2, -2, 1, 2, 1, 0]);
    near(ops.tripletLoss(null, U, V, Int32Array.of(0), Int32Array.of(0), Int32Array.of(1), 1).data, [0], 0);
    near(gradients((tape) => ops.tripletLoss(tape, U, V, Int32Array.of(0), Int32Array.of(0), Int32Array.of(1), 0.5), U, V).flat(), new Array(10).fill(0), 0);
  });

  checks('tripletLoss', (_, K, next) => [matrix(3, K, next), matrix(4, K, next)],
    (tape, [U, V], B, _, next) => ops.weightedSum(tape, [[0.5, ops.tripletLoss(tape, U, V, ids(B, 3, next), ids(B, 4, next), ids(B, 4, next), 0.7)]]));

  checks('bprLoss', (_, K, next) => [matrix(3, K, next), matrix(4, K, next), matrix(4, 1, next)],
    (tape, [U, V, c], B, _, next) => ops.weightedSum(tape, [[0.5, ops.bprLoss(tape, U, V, c, ids(B, 3, next), ids(B, 4, next), ids(B, 4, next))]]));

  test('l2, by hand', () => {
    const X = new Tensor([2, 2], [1, 2, 3, 4]);
    near(ops.l2(null, X).data, [30]);
    near(ops.l2(null, X, Float32Array.of(2, 0.5)).data, [22.5]);
    near(gradients((tape) => ops.weightedSum(tape, [[10, ops.l2(tape, X, Float32Array.of(2, 0.5))]]), X).flat(), [40, 80, 30, 40]);
    near(gradients((tape) => ops.l2(tape, X), X).flat(), [2, 4, 6, 8]);
  });

  checks('l2', (B, K, next) => [matrix(B, K, next).data.map((x) => x / 4)].map((data) => new Tensor([B, K], data)), (tape, [X], B, _, next) => ops.l2(tape, X, floats(B, next)));

  // together

  checks('logistic matrix factorisation, whole', (_, K, next) => [matrix(4, K, next), matrix(5, K, next), matrix(4, 1, next), matrix(5, 1, next), new Tensor([1], [0.1])],
    (tape, [U, V, b, c, a], B, _, next) => {
      const byUser = distinct(ids(B, 4, next), 4), byItem = distinct(ids(B, 5, next), 5), y = Float32Array.from({ length: B }, () => (next() < 0.5 ? 0 : 1));
      const u = ops.lookup(tape, U, byUser), v = ops.lookup(tape, V, byItem);
      const x = ops.addBias(tape, ops.rowDot(tape, u, v, byUser.slots, byItem.slots), [ops.lookup(tape, b, byUser), byUser.slots], [ops.lookup(tape, c, byItem), byItem.slots], [a]);
      return ops.weightedSum(tape, [[2 / B, ops.logLoss(tape, x, y)], [0.1, ops.l2(tape, u, byUser.counts)], [0.1, ops.l2(tape, v, byItem.counts)]]);
    });
  checks('Bayesian personalised ranking, whole', (_, K, next) => [matrix(4, K, next), matrix(5, K, next), matrix(5, 1, next)],
    (tape, [U, V, c], B, _, next) => {
      const byUser = distinct(ids(B, 4, next), 4), byItem = distinct(ids(2 * B, 5, next), 5);
      const u = ops.lookup(tape, U, byUser), v = ops.lookup(tape, V, byItem);
      const misfit = ops.bprLoss(tape, u, v, ops.lookup(tape, c, byItem), byUser.slots, byItem.slots.subarray(0, B), byItem.slots.subarray(B));
      return ops.weightedSum(tape, [[2 / B, misfit], [0.1, ops.l2(tape, u, byUser.counts)], [0.1, ops.l2(tape, v, byItem.counts)]]);
    });
  checks('one tensor used many times', (B, K, next) => [matrix(B, K, next)], (tape, [x], B, K, next) => {
    const s = ops.sigmoid(tape, x);
    return weighted(tape, ops.weightedSum(tape, [[1, ops.multiply(tape, s, s)], [-0.5, s], [1, x]]), floats(B * K, next));
  });

  test('an empty batch is no batch: nothing goes wrong and nothing is learned', () => {
    const U = new Tensor([2, 3], new Float32Array(6).fill(1)), V = new Tensor([2, 3], new Float32Array(6).fill(1)), c = new Tensor([2, 1], [1, 1]), none = new Int32Array(0);
    for (const f of [
      (tape: Tape) => ops.sum(tape, ops.embedding(tape, U, none)),
      (tape: Tape) => ops.sum(tape, ops.rowDot(tape, U, V, none, none)),
      (tape: Tape) => ops.logLoss(tape, ops.addBias(tape, ops.rowDot(tape, U, V, none, none), [c, none]), new Float32Array(0)),
      (tape: Tape) => ops.bprLoss(tape, U, V, c, none, none, none),
      (tape: Tape) => ops.l2(tape, ops.lookup(tape, U, distinct(none, 2)), new Float32Array(0)),
    ]) {
      assert.is(scope(() => f(new Tape()).data[0]), 0);
      assert.ok(gradients(f, U, V, c).flat().every((g) => g === 0));
    }
  });

  // refusals

  const vector = new Tensor([3]), table = new Tensor([3, 2]), wide = new Tensor([3, 4]), one = new Tensor([1]), three = new Int32Array(3), two = new Int32Array(2);
  const bad = (id: number): Int32Array => Int32Array.of(0, id, 0);

  test('shapes that do not fit', () => {
    refuses(() => ops.weightedSum(null, []), 'bad-shape', 'at least one term');
    refuses(() => ops.weightedSum(null, [[1, vector], [1, table]]), 'bad-shape', 'got [3] and [3,2]');
    refuses(() => ops.weightedSum(null, [[1, new Tensor([2, 3])], [1, table]]), 'bad-shape', 'got [2,3] and [3,2]');
    refuses(() => ops.multiply(null, vector, table), 'bad-shape', 'got [3] and [3,2]');
    refuses(() => ops.multiply(null, new Tensor([2, 3]), table), 'bad-shape', 'got [2,3] and [3,2]');
    refuses(() => ops.embedding(null, vector, three), 'bad-shape', 'embedding: expected a matrix (rows, columns), got shape [3]');
    refuses(() => ops.lookup(null, vector, distinct(three, 3)), 'bad-shape', 'lookup: expected a matrix');
    refuses(() => ops.lookup(null, table, distinct(three, 4)), 'bad-shape', 'a table of 4 rows, this one has 3');
    refuses(() => ops.rowDot(null, table, wide, three, three), 'bad-shape', 'equally long, got 2 and 4');
    refuses(() => ops.rowDot(null, table, table, three, two), 'bad-shape', 'equally long, got 3 and 2');
    refuses(() => ops.rowDot(null, vector, table, three, three), 'bad-shape', 'got shape [3]');
    refuses(() => ops.rowDot(null, table, vector, three, three), 'bad-shape', 'got shape [3]');
    refuses(() => ops.addBias(null, vector, [table]), 'bad-shape', 'without ids a bias is one number, got shape [3,2]');
    refuses(() => ops.addBias(null, vector, [vector, two]), 'bad-shape', 'an id for each of 3 scores, got 2');
    refuses(() => ops.logLoss(null, vector, new Float32Array(2)), 'bad-shape', 'a label for each of 3 logits, got 2');
    refuses(() => ops.bprLoss(null, table, wide, vector, three, three, three), 'bad-shape', 'equally long, got 2 and 4');
    refuses(() => ops.bprLoss(null, table, table, one, three, three, three), 'bad-shape', 'a bias for each of 3 items, got 1');
    refuses(() => ops.bprLoss(null, table, table, vector, three, two, three), 'bad-shape', 'got 3, 2 and 3');
    refuses(() => ops.bprLoss(null, table, table, vector, three, three, two), 'bad-shape', 'got 3, 3 and 2');
    refuses(() => ops.bprLoss(null, vector, table, vector, three, three, three), 'bad-shape', 'expected a matrix');
    refuses(() => ops.addRow(null, vector, vector), 'bad-shape', 'addRow: expected a matrix');
    refuses(() => ops.addRow(null, table, vector), 'bad-shape', 'addRow: expected a number for each of 2 columns, got shape [3]');
    refuses(() => ops.tripletLoss(null, table, table, three, three, two, 1), 'bad-shape', 'tripletLoss: i and j must be equally long, got 3 and 2');
    refuses(() => ops.tripletLoss(null, table, table, three, two, two, 1), 'bad-shape', 'equally long, got 3 and 2');
    refuses(() => ops.l2(null, vector), 'bad-shape', 'expected a matrix');
    refuses(() => ops.l2(null, table, new Float32Array(2)), 'bad-shape', 'a weight for each of 3 rows, got 2');
  });

  test('an addBias table that is wider than one number a row', () => {
    refuses(() => ops.addBias(null, vector, [table, three]), 'bad-shape', 'one number a row', '[3,2]');
  });

  test('ids that are no rows', () => {
    for (const id of [-1, 3, 2 ** 31 - 1, -(2 ** 31)]) {
      refuses(() => distinct(bad(id), 3), 'unknown-id', `row ${id} at position 1`, '0..2');
      refuses(() => ops.embedding(null, table, bad(id)), 'unknown-id', String(id), '0..2');
      refuses(() => ops.rowDot(null, table, table, bad(id), three), 'unknown-id', `rowDot: row ${id} at position 1 is outside 0..2`);
      refuses(() => ops.rowDot(null, table, table, three, bad(id)), 'unknown-id', String(id));
      refuses(() => ops.addBias(null, vector, [vector, bad(id)]), 'unknown-id', `addBias: row ${id}`);
      refuses(() => ops.bprLoss(null, table, table, vector, bad(id), three, three), 'unknown-id', `bprLoss: row ${id}`);
      refuses(() => ops.bprLoss(null, table, table, vector, three, bad(id), three), 'unknown-id', `bprLoss: row ${id}`);
      refuses(() => ops.bprLoss(null, table, table, vector, three, three, bad(id)), 'unknown-id', `bprLoss: row ${id}`);
    }
    refuses(() => distinct(Int32Array.of(0), 0), 'unknown-id');
  });

  test.run();
});
