import * as assert from 'uvu/assert';
import { memoryUse, scope } from '../../kernels/memory.ts';
import { AdaGrad, Adam, Tape, Tensor, checkGrad, denseGrad, ops } from '../../lib/autodiff/index.ts';
import { type Csr, countPairs } from '../../lib/data/csr.ts';
import { random } from '../../lib/random.ts';
import { golden } from '../helpers/golden.ts';
import { gradients, weighted } from '../helpers/gradients.ts';
import { floats, ids, maxAbsDiff } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';
import { forVariants } from '../helpers/variants.ts';

/** The ops of sparse features and of dense layers. */
const sizes: [B: number, K: number][] = [[1, 1], [1, 3], [3, 7], [7, 4], [16, 2], [17, 5], [5, 17]];

/** B bags of about three of n ids, some empty. */
function bags(B: number, n: number, seed: number): Csr {
  const { uniform } = random(seed), entries = 3 * B;
  return countPairs(ids(entries, B, uniform), ids(entries, n, uniform), B, n, floats(entries, uniform).map((value) => 2 * value));
}

forVariants('autodiff/featureOps', (test) => {
  const matrix = (B: number, K: number, next: () => number, spread = 2): Tensor => new Tensor([B, K], floats(B * K, next).map((x) => spread * x));
  const close = (got: ArrayLike<number>, want: ArrayLike<number>, tolerance = 1e-6): void => assert.ok(maxAbsDiff(got, want) <= tolerance, `got ${Array.from(got)}, expected ${Array.from(want)}`);

  /** checkGrad of a weighted sum of the outputs, and twice the gradient where f is recorded twice. */
  const checks = (name: string, inputs: (B: number, K: number, next: () => number) => Tensor[], f: (tape: Tape | null, inputs: Tensor[], B: number, K: number) => Tensor[]): void => {
    test(`${name}: gradient by differences, and gradients add`, () => {
      for (const [B, K] of sizes) {
        const tensors = inputs(B, K, random(100 * B + K).uniform);
        const loss = (tape: Tape | null): Tensor => {
          const { uniform } = random(B + 100 * K);
          return ops.weightedSum(tape, f(tape, tensors, B, K).map((out): [number, Tensor] => [1 / Math.sqrt(B), weighted(tape, out, floats(out.size, uniform))]));
        };
        checkGrad(loss, tensors, { tolerance: 2e-3 });
        const once = gradients(loss, ...tensors), twice = gradients((tape) => ops.weightedSum(tape, [[1, loss(tape)], [1, loss(tape)]]), ...tensors);
        close(twice.flat(), once.flat().map((g) => 2 * g), 1e-5);
      }
    });
  };
  checks('relu', (B, K, next) => [new Tensor([B, K], floats(B * K, next).map((x) => x + Math.sign(x) * 0.05))], (tape, [x]) => [ops.relu(tape, x)]);
  checks('softmax', (B, K, next) => [matrix(B, K, next)], (tape, [X]) => [ops.softmax(tape, X)]);
  checks('layerNorm', (B, K, next) => [matrix(B, K + 2, next, 6), matrix(1, K + 2, next), matrix(1, K + 2, next)], (tape, [X, gain, shift]) => [ops.layerNorm(tape, X, gain, shift)]);
  checks('bagSum', (_, K, next) => [matrix(4, K, next)], (tape, [X], B, K) => [ops.bagSum(tape, X, bags(B, 4, B + K))]);
  checks('embeddingBag', (_, K, next) => [matrix(9, K, next)], (tape, [table], B, K) => [ops.embeddingBag(tape, table, bags(B, 9, B + K))]);
  checks('fmRows', (_, K, next) => [matrix(4, K, next, 1), matrix(4, 1, next)], (tape, [V, w], B, K) => { const { P, c } = ops.fmRows(tape, V, w, bags(B, 4, B + K)); return [P, c]; });

  test('embeddingBag agrees with torch', () => scope(() => {
    const { n, B, K, table, ids: indices, weights, start, out, dOut, dTable } = golden.bags, W = new Tensor([n, K], table), tape = new Tape();
    const bag = ops.embeddingBag(tape, W, { indptr: Int32Array.from(start), indices: Int32Array.from(indices), values: Float32Array.from(weights) });
    assert.equal([...bag.shape], [B, K]);
    close(bag.data, out);
    tape.backward(weighted(tape, bag, Float32Array.from(dOut)));
    close(denseGrad(W), dTable);
  }));

  test('weights of 1 / n are a mean, and an empty bag is zeros', () => scope(() => {
    const out = ops.embeddingBag(null, new Tensor([3, 2], [1, 2, 3, 4, 5, 6]), { indptr: Int32Array.of(0, 2, 2), indices: Int32Array.of(0, 2), values: Float32Array.of(0.5, 0.5) });
    assert.equal([...out.data], [3, 4, 0, 0]);
  }));

  test('bags of some rows, in any order, again and again', () => scope(() => {
    const all = { indptr: Int32Array.of(0, 2, 2, 3), indices: Int32Array.of(4, 5, 6), values: Float32Array.of(1, 2, 3) }, some = ops.bagsOf(all, Int32Array.of(2, 0, 1, 2));
    assert.equal([[...some.indptr], [...some.indices], [...some.values]], [[0, 1, 3, 3, 4], [6, 4, 5, 6], [3, 1, 2, 3]]);
    assert.is(ops.bagsOf(all, new Int32Array(0)).indices.length, 0);
    refuses(() => ops.bagsOf(all, Int32Array.of(3)), 'unknown-id', 'bagsOf: row 3 at position 0 is outside 0..2');
  }));

  for (const [name, optimizer] of [['AdaGrad', () => new AdaGrad({ learningRate: 0.1 })], ['Adam, touched rows', () => new Adam({ learningRate: 0.1, rows: 'touched' })]] as const) {
    test(`a table of a million rows: gradient and step are of the rows touched, ${name}`, () => {
      const n = 1_000_000, K = 4, table = new Tensor([n, K]), bag = { indptr: Int32Array.of(0, 2, 3), indices: Int32Array.of(999_999, 5, 5), values: Float32Array.of(1, 2, 3) }, by = optimizer(), step = (): void => scope(() => {
        const tape = new Tape();
        tape.backward(ops.sum(tape, ops.embeddingBag(tape, table, bag)));
        assert.not.ok(table.hasGrad, 'no gradient of the whole table');
        assert.is(table.rowGrads.length, 1);
        assert.equal([...table.rowGrads[0].ids], [999_999, 5]);
        assert.equal([...table.rowGrads[0].rows.shape], [2, K]);
        by.step([table]);
      });
      for (let first = 0; first < 3; first++) step(); // after which the arena of the steps is as large as it gets
      const before = memoryUse().inUse, moved = table.data.reduce((rows, w, at) => rows + (w !== 0 && at % K === 0 ? 1 : 0), 0);
      assert.is(moved, 2);
      for (let again = 0; again < 20; again++) step();
      assert.is(memoryUse().inUse, before);
      by.forget([table]);
      table.free();
    });
  }

  test('what does not fit', () => scope(() => {
    const X = new Tensor([3, 2]), of = (indptr: number[], indices: number[], values: number[]) => ({ indptr: Int32Array.from(indptr), indices: Int32Array.from(indices), values: Float32Array.from(values) });
    refuses(() => ops.bagSum(null, X, of([0, 1], [3], [1])), 'unknown-id', 'bagSum: row 3 at position 0 is outside 0..2');
    refuses(() => ops.bagSum(null, X, of([0, 1], [0], [1, 2])), 'bad-shape', 'got 1 ids, 2 weights and 2 places');
    refuses(() => ops.bagSum(null, X, of([0, 2, 1], [0, 1], [1, 2])), 'bad-shape', 'bag 1 is from 2 to 1: it ends before it begins');
    refuses(() => ops.bagSum(null, X, of([0, 3], [0, 1], [1, 2])), 'bad-shape', 'the bags end at 3, and there are 2 ids');
    refuses(() => ops.bagSum(null, X, of([-1, 1], [0], [1])), 'bad-shape', 'bag 0 is from -1 to 1');
    refuses(() => ops.embeddingBag(null, X, of([0, 1], [-1], [1])), 'unknown-id', 'row -1 at position 0');
    refuses(() => ops.embeddingBag(null, new Tensor([3]), of([0], [], [])), 'bad-shape', 'embeddingBag: expected a matrix');
    refuses(() => ops.fmRows(null, X, new Tensor([2, 1]), of([0], [], [])), 'bad-shape', 'fmRows: expected a weight for each of 3 features, got shape [2,1]');
    refuses(() => ops.layerNorm(null, X, new Tensor([3]), new Tensor([2])), 'bad-shape', 'layerNorm: expected a gain for each of 2 columns of X, got shape [3]');
    refuses(() => ops.layerNorm(null, X, new Tensor([2]), new Tensor([1])), 'bad-shape', 'layerNorm: expected a shift for each of 2 columns');
    refuses(() => ops.softmax(null, new Tensor([3])), 'bad-shape', 'softmax: expected a matrix');
  }));

  test.run();
});
