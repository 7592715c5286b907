import { kernels } from '../../../kernels/index.ts';
import { TightrecError } from '../../errors.ts';
import { checkIds } from '../distinct.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { relu, sum, weightedSum } from './arithmetic.ts';
import { rowDot } from './rowDot.ts';
import { matrix } from './shapes.ts';

/**
 * logLoss: binary cross-entropy of logits, summed over the batch.
 *
 *   forward    L = Σ_b -y ln σ(x) - (1 - y) ln(1 - σ(x))         x, y (B) -> L ()
 *   backward   dx[b] += dL (σ(x[b]) - y[b])
 */
export function logLoss(tape: Tape | null, x: Tensor, y: Float32Array): Tensor {
  const B = x.size;
  if (y.length !== B) throw new TightrecError('bad-shape', `logLoss: expected a label for each of ${B} logits, got ${y.length}`);

  const L = new Tensor([], [kernels.logLoss(x.data, y, B)]);
  tape?.record(() => kernels.logLossGrad(x.grad, x.data, y, B, L.grad[0]));
  return L;
}

/**
 * softmaxLoss: cross-entropy of N classes, from logits, summed over the rows. Rows whose label is negative are left out.
 *
 *   forward    L = Σ_r -ln p[r, y[r]]     p[r] = softmax(X[r])                X (R, N), y (R), below N -> L ()
 *   backward   dX[r, n] += dL (p[r, n] - [n = y[r]])
 */
export function softmaxLoss(tape: Tape | null, X: Tensor, y: Int32Array): Tensor {
  const [R, N] = matrix('softmaxLoss', X), beyond = y.findIndex((n) => n >= N);
  if (y.length !== R) throw new TightrecError('bad-shape', `softmaxLoss: expected a label for each of ${R} rows, got ${y.length}`);
  if (beyond >= 0) throw new TightrecError('unknown-id', `softmaxLoss: label ${y[beyond]} at position ${beyond} is not below ${N}, the number of classes`);

  const lse = new Tensor([R]), L = new Tensor([]);
  L.data[0] = kernels.softmaxLoss(lse.data, X.data, y, R, N);
  tape?.record(() => kernels.softmaxLossGrad(X.grad, lse.data, X.data, y, R, N, L.grad[0]));
  return L;
}

/**
 * bprLoss: Bayesian Personalised Ranking over triples (user, liked item, other item), summed over the batch.
 *
 *   forward    L = Σ_b -ln σ(x)      x = c[i] - c[j] + <U[u], V[i] - V[j]>        U (m, K), V (n, K), c (n, 1), u, i, j (B) -> L ()
 *   backward   g = -dL σ(-x)         dU[u] += g (V[i] - V[j])   dV[i] += g U[u]   dV[j] -= g U[u]   dc[i] += g   dc[j] -= g
 */
export function bprLoss(tape: Tape | null, U: Tensor, V: Tensor, c: Tensor, u: Int32Array, i: Int32Array, j: Int32Array): Tensor {
  const [m, K] = matrix('bprLoss', U), [n, width] = matrix('bprLoss', V), B = u.length;
  if (K !== width) throw new TightrecError('bad-shape', `bprLoss: rows of both matrices must be equally long, got ${K} and ${width}`);
  if (c.size !== n) throw new TightrecError('bad-shape', `bprLoss: expected a bias for each of ${n} items, got ${c.size}`);
  if (i.length !== B || j.length !== B) throw new TightrecError('bad-shape', `bprLoss: u, i and j must be equally long, got ${B}, ${i.length} and ${j.length}`);
  checkIds('bprLoss', u, m);
  checkIds('bprLoss', i, n);
  checkIds('bprLoss', j, n);

  const x = new Tensor([B]), L = new Tensor([]);
  L.data[0] = kernels.bprLoss(x.data, U.data, V.data, c.data, u, i, j, B, K);
  tape?.record(() => kernels.bprGrad(U.grad, V.grad, c.grad, x.data, U.data, V.data, u, i, j, B, K, L.grad[0]));
  return L;
}

/**
 * tripletLoss: the margin by which a liked item must come before another, over triples (anchor, liked item, other item), summed over the batch.
 *
 *   forward    L = Σ_b max(0, margin - x)     x = <U[u], V[i] - V[j]>        U (m, K), V (n, K), u, i, j (B) -> L ()
 *   backward   where x < margin: dU[u] -= dL (V[i] - V[j])   dV[i] -= dL U[u]   dV[j] += dL U[u]
 *
 * Schroff, Kalenichenko, Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering", 2015, with dot products for distances.
 */
export function tripletLoss(tape: Tape | null, U: Tensor, V: Tensor, u: Int32Array, i: Int32Array, j: Int32Array, margin: number): Tensor {
  if (j.length !== i.length) throw new TightrecError('bad-shape', `tripletLoss: i and j must be equally long, got ${i.length} and ${j.length}`);
  const B = u.length, margins = new Tensor([B]);
  margins.data.fill(margin);
  return sum(tape, relu(tape, weightedSum(tape, [[1, margins], [-1, rowDot(tape, U, V, u, i)], [1, rowDot(tape, U, V, u, j)]])));
}

/**
 * l2: the squared lengths of the rows a batch touched, each as often as the batch holds it (or once, without counts).
 *
 *   forward    L = Σ_r w[r] |X[r]|²            X (R, K), w (R) -> L ()
 *   backward   dX[r] += 2 dL w[r] X[r]
 */
export function l2(tape: Tape | null, X: Tensor, w?: Float32Array): Tensor {
  const [R, K] = matrix('l2', X), weights = w ?? new Float32Array(R).fill(1);
  if (weights.length !== R) throw new TightrecError('bad-shape', `l2: expected a weight for each of ${R} rows, got ${weights.length}`);

  const L = new Tensor([], [kernels.l2Rows(X.data, weights, R, K)]);
  tape?.record(() => kernels.l2RowsGrad(X.grad, X.data, weights, R, K, L.grad[0]));
  return L;
}
