import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Adam, type Distinct, Tape, Tensor, distinct, ops, scope, wholeTable } from '../../lib/autodiff/index.ts';
import { random } from '../../lib/random.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('autodiff/wholeTable');

/** Three steps of a small log-loss model; returns the bits of both tables. */
function trained(tell: (batch: Int32Array, n: number) => Distinct, B: number): Uint8Array[] {
  const next = random(3), numbers = (length: number) => Float32Array.from({ length }, () => next.uniform() - 0.5);
  const U = new Tensor([5, 7], numbers(35)), V = new Tensor([4, 7], numbers(28)), adam = new Adam({ learningRate: 0.05 });
  for (let step = 0; step < 3; step++) {
    const u = Int32Array.from({ length: B }, () => next.below(4)), i = Int32Array.from({ length: B }, () => next.below(4)); // user 4 never occurs
    const y = Float32Array.from({ length: B }, () => next.below(2));
    scope(() => {
      const tape = new Tape(), byUser = tell(u, 5), byItem = tell(i, 4), rowsU = ops.lookup(tape, U, byUser), rowsV = ops.lookup(tape, V, byItem);
      const misfit = ops.logLoss(tape, ops.rowDot(tape, rowsU, rowsV, byUser.slots, byItem.slots), y);
      tape.backward(ops.weightedSum(tape, [[1 / B, misfit], [0.01, ops.l2(tape, rowsU, byUser.counts)], [0.01, ops.l2(tape, rowsV, byItem.counts)]]));
      adam.step([U, V]);
    });
  }
  return [U, V].map((table) => new Uint8Array(table.data.slice().buffer));
}

test('a large batch takes the table itself, and the same bytes come out', () => {
  const table = new Tensor([5, 7]), batch = Int32Array.from({ length: 20 }, (_, b) => b % 4), whole = wholeTable(batch, 5);
  assert.is(whole.ids, null);
  assert.is(ops.lookup(null, table, whole), table);
  assert.equal([...whole.counts], [5, 5, 5, 5, 0]);
  assert.equal(trained(wholeTable, 40), trained(distinct, 40));
});

test('a small batch is told apart', () => {
  assert.equal([...wholeTable(Int32Array.of(3, 1, 3), 5).ids!], [3, 1]);
  assert.equal(trained(wholeTable, 6), trained(distinct, 6));
});

test('an id that is no row is refused', () => {
  refuses(() => wholeTable(new Int32Array(40).fill(5), 5), 'unknown-id', 'row 5 at position 0 is outside 0..4');
});

test.run();
