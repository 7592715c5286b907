import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import type { Pairs, Rival, Training } from './works.ts';

/** tidied: one run whose tensors are given back; the answer is read out. */
export const tidied = (make: () => tf.Tensor): { run: () => void; answer: () => ArrayLike<number>; waits: false } => ({
  run: () => { make().dispose(); },
  answer: () => { const made = make(), values = made.dataSync() as Float32Array; made.dispose(); return values; },
  waits: false,
});

/** Rows of a table: by gather, or as the product of a one-hot matrix and the table. */
export type Lookup = (table: tf.Tensor2D, ids: tf.Tensor1D) => tf.Tensor2D;
const gathered: Lookup = (table, ids) => tf.gather(table, ids);

/** LogisticMF's step, by tf.train.adam. */
export function training(lookup: Lookup): Rival['training'] {
  return (work: Training) => {
    const { nUsers, nItems, K } = work, u = tf.tensor1d(work.u, 'int32'), i = tf.tensor1d(work.i, 'int32'), y = tf.tensor1d(work.y);
    const U = tf.variable(tf.tensor2d(work.U, [nUsers, K])), V = tf.variable(tf.tensor2d(work.V, [nItems, K]));
    const b = tf.variable(tf.tensor2d(work.b, [nUsers, 1])), c = tf.variable(tf.tensor2d(work.c, [nItems, 1])), a = tf.variable(tf.scalar(0));
    const adam = tf.train.adam(work.learningRate);
    const loss = (): tf.Scalar => {
      const x = tf.sum(tf.mul(lookup(U as tf.Tensor2D, u), lookup(V as tf.Tensor2D, i)), 1);
      const biases = tf.add(tf.reshape(lookup(b as tf.Tensor2D, u), [-1]), tf.reshape(lookup(c as tf.Tensor2D, i), [-1])), logits = tf.add(tf.add(x, biases), a);
      // ln(1 + e^x) - x y, arranged so that the exponential cannot overflow
      return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, y)), tf.log1p(tf.exp(tf.neg(tf.abs(logits))))));
    };
    const run = (): number => { const value = adam.minimize(loss, true)!, [number] = value.dataSync(); value.dispose(); return number; };
    return { run, waits: false, answer: () => [run(), run(), run()] };
  };
}

export async function open(backend: 'wasm' | 'cpu' = 'wasm'): Promise<Rival> {
  if (backend === 'wasm') setThreadsCount(1);
  if (!await tf.setBackend(backend)) throw new Error(`tfjs does not start its backend ${backend}`);
  await tf.ready();
  return {
    version: tf.version.tfjs,
    product({ A, B, M, N, K }) {
      const a = tf.tensor2d(A, [M, K]), b = tf.tensor2d(B, [K, N]);
      return tidied(() => tf.matMul(a, b));
    },
    ranking({ scores, B, N, k }) {
      const x = tf.tensor2d(scores, [B, N]);
      return tidied(() => { const { values, indices } = tf.topk(x, k); indices.dispose(); return values; });
    },
    rowDots(work: Pairs) {
      const U = tf.tensor2d(work.U, [work.nUsers, work.K]), V = tf.tensor2d(work.V, [work.nItems, work.K]), u = tf.tensor1d(work.u, 'int32'), i = tf.tensor1d(work.i, 'int32');
      return tidied(() => tf.tidy(() => tf.sum(tf.mul(tf.gather(U, u), tf.gather(V, i)), 1)));
    },
    training: training(gathered),
  };
}
