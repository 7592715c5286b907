import { kernels } from '../../../kernels/index.ts';
import { TightrecError } from '../../errors.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { sameShape } from './shapes.ts';

/**
 * weightedSum: tensors of one shape, each times a number, added. A loss is made of its terms this way.
 *
 *   forward    out = Σ_t s_t x_t
 *   backward   dx_t += s_t dOut
 */
export function weightedSum(tape: Tape | null, terms: readonly (readonly [weight: number, x: Tensor])[]): Tensor {
  if (terms.length === 0) throw new TightrecError('bad-shape', 'weightedSum: expected at least one term, got none');
  const shape = terms[0][1].shape;
  for (const [, x] of terms) {
    if (!sameShape(x, terms[0][1])) throw new TightrecError('bad-shape', `weightedSum: the terms must have one shape, got [${shape}] and [${x.shape}]`);
  }

  const out = new Tensor(shape);
  for (const [s, x] of terms) kernels.addScaled(out.data, x.data, out.size, s);
  tape?.record(() => {
    for (const [s, x] of terms) kernels.addScaled(x.grad, out.grad, out.size, s);
  });
  return out;
}

/**
 * sum: all entries of x, added in float64.
 *
 *   forward    L = Σ x[n]          x (any) -> L ()
 *   backward   dx[n] += dL
 */
export function sum(tape: Tape | null, x: Tensor): Tensor {
  let total = 0;
  for (const value of x.data) total += value;
  const L = new Tensor([], [total]);
  tape?.record(() => {
    const dL = L.grad[0], dx = x.grad;
    for (let at = 0; at < dx.length; at++) dx[at] += dL;
  });
  return L;
}

/**
 * multiply: two tensors of one shape, entry by entry.
 *
 *   forward    out = a b
 *   backward   da += b dOut     db += a dOut
 */
export function multiply(tape: Tape | null, a: Tensor, b: Tensor): Tensor {
  if (!sameShape(a, b)) throw new TightrecError('bad-shape', `multiply: expected one shape, got [${a.shape}] and [${b.shape}]`);
  const out = new Tensor(a.shape), o = out.data, x = a.data, y = b.data;
  for (let at = 0; at < o.length; at++) o[at] = x[at] * y[at];
  tape?.record(() => {
    const dOut = out.grad, dx = a.grad, dy = b.grad, x = a.data, y = b.data;
    for (let at = 0; at < dOut.length; at++) {
      dx[at] += y[at] * dOut[at];
      dy[at] += x[at] * dOut[at];
    }
  });
  return out;
}

/**
 * sigmoid: σ(x) = 1 / (1 + e^-x), entry by entry.
 *
 *   forward    out = σ(x)
 *   backward   dx += out (1 - out) dOut
 */
export function sigmoid(tape: Tape | null, x: Tensor): Tensor {
  const out = new Tensor(x.shape), o = out.data, from = x.data;
  for (let at = 0; at < o.length; at++) o[at] = 1 / (1 + Math.exp(-from[at]));
  tape?.record(() => {
    const dOut = out.grad, dx = x.grad, o = out.data;
    for (let at = 0; at < dOut.length; at++) dx[at] += o[at] * (1 - o[at]) * dOut[at];
  });
  return out;
}

/**
 * relu: the rectified linear unit, entry by entry.
 *
 *   forward    out = max(x, 0)
 *   backward   dx += dOut where x > 0
 */
export function relu(tape: Tape | null, x: Tensor): Tensor {
  const out = new Tensor(x.shape);
  kernels.relu(out.data, x.data, x.size);
  tape?.record(() => kernels.reluGrad(x.grad, x.data, out.grad, x.size));
  return out;
}
