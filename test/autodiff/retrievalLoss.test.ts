import * as assert from 'uvu/assert';
import { scope } from '../../kernels/memory.ts';
import { Tensor, checkGrad, ops } from '../../lib/autodiff/index.ts';
import { random } from '../../lib/random.ts';
import { floats, ids as someIds } from '../helpers/numeric.ts';
import { refuses } from '../helpers/refuses.ts';
import { forVariants } from '../helpers/variants.ts';

interface Case { Q: Tensor; C: Tensor; y: Int32Array; ids: Int32Array; counts: Float32Array; logQ: Float32Array; V: Float32Array; K: number }

/** A batch of B queries whose positives are of few items, so that some come again; C are the distinct ones, in the order they first occur. */
function batchOf(B: number, items: number, K: number): Case {
  const next = random(100 * B + 10 * items + K).uniform, V = floats(items * K, next).map((x) => 3 * x), ids = someIds(B, items, next), distinct = [...new Set(ids)];
  const Q = new Tensor([B, K], floats(B * K, next).map((x) => 3 * x)), C = new Tensor([distinct.length, K], distinct.flatMap((id) => [...V.subarray(id * K, id * K + K)]));
  const counts = Float32Array.from(distinct, (id) => ids.filter((other) => other === id).length), logQ = Float32Array.from(distinct, () => Math.log(0.05 + next()));
  return { Q, C, y: ids.map((id) => distinct.indexOf(id)), ids, counts, logQ, V, K };
}

/** The same the obvious way: B candidates, one for each query, those again that come again, each from its row of V. */
function slow({ Q, V, ids, y, logQ, K }: Case, { correct = false, removeHits = false, temperature = 1 }): number {
  let L = 0;
  for (let b = 0; b < ids.length; b++) {
    const logit = (n: number): number => {
      let x = 0;
      for (let k = 0; k < K; k++) x += Q.data[b * K + k] * V[ids[n] * K + k];
      return x / temperature - (correct ? logQ[y[n]] : 0);
    };
    let sum = 0;
    for (let n = 0; n < ids.length; n++) if (!(removeHits && n !== b && ids[n] === ids[b])) sum += Math.exp(logit(n));
    L += Math.log(sum) - logit(b);
  }
  return L;
}

forVariants('autodiff/retrievalLoss', (test) => {
  test('by hand: three queries, two of which have the same positive', () => scope(() => {
    const Q = new Tensor([3, 1], [1, 2, 0]), C = new Tensor([2, 1], [1, -1]), y = Int32Array.of(0, 0, 1), counts = Float32Array.of(2, 1), near = (L: Tensor, x: number): void => assert.ok(Math.abs(L.data[0] - x) < 1e-6, `got ${L.data[0]}, expected ${x}`);
    const e = Math.E, odds = (positive: number, all: number): number => -Math.log(positive / all);
    near(ops.retrievalLoss(null, Q, C, y), odds(e, e + 1 / e) + odds(e ** 2, e ** 2 + e ** -2) + Math.log(2));
    near(ops.retrievalLoss(null, Q, C, y, { counts }), odds(e, 2 * e + 1 / e) + odds(e ** 2, 2 * e ** 2 + e ** -2) + Math.log(3));
    near(ops.retrievalLoss(null, Q, C, y, { counts, removeHits: true }), odds(e, e + 1 / e) + odds(e ** 2, e ** 2 + e ** -2) + Math.log(3));
    near(ops.retrievalLoss(null, Q, C, y, { logQ: Float32Array.of(Math.log(2 / 3), Math.log(1 / 3)) }), odds(1.5 * e, 1.5 * e + 3 / e) + odds(1.5 * e ** 2, 1.5 * e ** 2 + 3 * e ** -2) + odds(3, 4.5));
    near(ops.retrievalLoss(null, Q, C, y, { temperature: 0.5 }), odds(e ** 2, e ** 2 + e ** -2) + odds(e ** 4, e ** 4 + e ** -4) + Math.log(2));
    near(ops.retrievalLoss(null, Q, new Tensor([1, 1], [5]), new Int32Array(3)), 0); // one candidate is no surprise
  }));

  for (const [B, items, K] of [[1, 1, 1], [1, 3, 2], [7, 3, 3], [9, 20, 16], [16, 5, 17], [33, 129, 7]]) {
    test(`agrees with candidates that come again, and with finite differences: B=${B}, of ${items} items, K=${K}`, () => scope(() => {
      const batch = batchOf(B, items, K), { Q, C, y, counts, logQ } = batch;
      for (const removeHits of [false, true]) for (const correct of [false, true]) for (const temperature of [1, 0.7]) {
        const options = { counts, removeHits, temperature, ...(correct && { logQ }) }, want = slow(batch, { correct, removeHits, temperature }), got = ops.retrievalLoss(null, Q, C, y, options).data[0];
        assert.ok(Math.abs(got - want) < 1e-5 * Math.max(1, want), `got ${got}, expected ${want}`);
        if (B <= 9) checkGrad((tape) => ops.weightedSum(tape, [[1 / B, ops.retrievalLoss(tape, Q, C, y, options)]]), [Q, C], { tolerance: 2e-3 });
      }
    }));
  }

  test('gradients add to what is there', () => scope(() => {
    const { Q, C, y, counts } = batchOf(7, 3, 3), f = (times: number) => checkGrad((tape) => ops.weightedSum(tape, Array.from({ length: times }, () => [0.1, ops.retrievalLoss(tape, Q, C, y, { counts })] as const)), [Q, C], { tolerance: 2e-3 });
    f(1);
    f(3);
  }));

  test('what does not fit', () => scope(() => {
    const Q = new Tensor([2, 3]), C = new Tensor([4, 3]), y = Int32Array.of(0, 3);
    refuses(() => ops.retrievalLoss(null, Q, new Tensor([4, 2]), y), 'bad-shape', 'retrievalLoss: queries and candidates must be equally long, got 3 and 2');
    refuses(() => ops.retrievalLoss(null, Q, C, Int32Array.of(0)), 'bad-shape', 'expected a positive for each of 2 queries, got 1');
    refuses(() => ops.retrievalLoss(null, Q, C, Int32Array.of(0, 4)), 'unknown-id', 'row 4 at position 1 is outside 0..3');
    refuses(() => ops.retrievalLoss(null, Q, C, y, { counts: new Float32Array(3) }), 'bad-shape', 'expected counts of 4 candidates, got 3');
    refuses(() => ops.retrievalLoss(null, Q, C, y, { logQ: new Float32Array(5) }), 'bad-shape', 'expected logQ of 4 candidates, got 5');
    refuses(() => ops.retrievalLoss(null, Q, C, y, { temperature: 0 }), 'bad-setting', 'temperature must be a positive number, got 0');
    for (const temperature of [0, -1, Infinity, Number.NaN, 1e-40, '2']) refuses(() => ops.retrievalLoss(null, Q, C, y, { temperature } as never), 'bad-setting', 'temperature must be a positive number');
    for (const count of [0, -1, Number.NaN, Infinity]) refuses(() => ops.retrievalLoss(null, Q, C, y, { counts: Float32Array.of(1, count, 1, 1) }), 'bad-input', `counts must be positive numbers, got ${count}`);
    refuses(() => ops.retrievalLoss(null, Q, C, y, { logQ: Float32Array.of(0, 0, -Infinity, 0) }), 'bad-input', 'logQ must be finite numbers, got -Infinity');
    for (const wrong of [undefined, [0, 1], Float32Array.of(0, 1)]) refuses(() => ops.retrievalLoss(null, Q, C, wrong as never), 'bad-input', 'y must be an Int32Array of positions');
    refuses(() => ops.retrievalLoss(null, new Tensor([3]), C, y), 'bad-shape', 'retrievalLoss: expected a matrix');
  }));

  test.run();
});
