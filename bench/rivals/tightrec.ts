import { kernels } from '../../kernels/index.ts';
import { allocate, scope } from '../../kernels/memory.ts';
import * as ops from '../../lib/autodiff/ops/index.ts';
import { Tape } from '../../lib/autodiff/tape.ts';
import { Tensor } from '../../lib/autodiff/tensor.ts';
import { wholeTable } from '../../lib/autodiff/wholeTable.ts';
import { Adam } from '../../lib/optim/optimizers.ts';
import { type Rival, type Training, versionOf } from './works.ts';

/** A copy where the kernels read in place. */
const floats = (values: Float32Array): Float32Array => { const copy = allocate(values.length).floats(); copy.set(values); return copy; };
const ints = (values: Int32Array): Int32Array => { const copy = allocate(values.length).ints(); copy.set(values); return copy; };

/** A step as LogisticMF makes it, with the kernels in use. */
export function trainingStep(work: Training): () => number {
  const { nUsers, nItems, K, learningRate } = work, u = ints(work.u), i = ints(work.i), y = floats(work.y), B = work.B;
  const U = Tensor.lasting([nUsers, K], work.U), V = Tensor.lasting([nItems, K], work.V);
  const b = Tensor.lasting([nUsers, 1], work.b), c = Tensor.lasting([nItems, 1], work.c), a = Tensor.lasting([1]), adam = new Adam({ learningRate });
  return () => scope(() => {
    const tape = new Tape(), byUser = wholeTable(u, nUsers), byItem = wholeTable(i, nItems);
    const x = ops.rowDot(tape, ops.lookup(tape, U, byUser), ops.lookup(tape, V, byItem), byUser.slots, byItem.slots);
    const logits = ops.addBias(tape, x, [ops.lookup(tape, b, byUser), byUser.slots], [ops.lookup(tape, c, byItem), byItem.slots], [a]);
    const loss = ops.logLoss(tape, logits, y);
    tape.backward(ops.weightedSum(tape, [[1 / B, loss]]));
    adam.step([U, V, b, c, a]);
    return loss.data[0] / B;
  });
}

export function open(): Rival {
  const version = versionOf('../..');
  return {
    version,
    product({ A, B, M, N, K }) {
      const a = floats(A), b = floats(B), out = allocate(M * N).floats(), run = (): void => kernels.matmul(out, a, b, M, N, K);
      return { run, waits: false, answer: () => { run(); return out; } };
    },
    ranking({ scores, B, N, k }) {
      const ids = allocate(B * k).ints(), best = allocate(B * k).floats(), from = floats(scores), none = allocate(1).ints(), start = allocate(B + 1).ints();
      const run = (): void => kernels.topK(ids, best, from, none, start, B, N, k);
      return { run, waits: false, answer: () => { run(); return best; } };
    },
    rowDots(work) {
      const U = floats(work.U), V = floats(work.V), u = ints(work.u), i = ints(work.i), x = allocate(work.B).floats();
      const run = (): void => kernels.rowDot(x, U, V, u, i, work.B, work.K);
      return { run, waits: false, answer: () => { run(); return x; } };
    },
    training(work) {
      const run = trainingStep(work);
      return { run, waits: false, answer: () => [run(), run(), run()] };
    },
  };
}
