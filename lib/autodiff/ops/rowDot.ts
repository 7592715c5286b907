import { kernels } from '../../../kernels/index.ts';
import { TightrecError } from '../../errors.ts';
import { checkIds } from '../distinct.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

/**
 * rowDot: the score of each pair of rows.
 *
 *   forward    x[b] = <U[u[b]], V[i[b]]>                                       U (m, K), V (n, K), u and i (B) -> x (B)
 *   backward   dU[u[b]] += dx[b] V[i[b]]     dV[i[b]] += dx[b] U[u[b]]
 */
export function rowDot(tape: Tape | null, U: Tensor, V: Tensor, u: Int32Array, i: Int32Array): Tensor {
  const [m, K] = matrix('rowDot', U), [n, width] = matrix('rowDot', V), B = u.length;
  if (K !== width) throw new TightrecError('bad-shape', `rowDot: rows of both matrices must be equally long, got ${K} and ${width}`);
  if (i.length !== B) throw new TightrecError('bad-shape', `rowDot: u and i must be equally long, got ${B} and ${i.length}`);
  checkIds('rowDot', u, m);
  checkIds('rowDot', i, n);

  const x = new Tensor([B]);
  kernels.rowDot(x.data, U.data, V.data, u, i, B, K);
  tape?.record(() => kernels.rowDotGrad(U.grad, V.grad, x.grad, U.data, V.data, u, i, B, K));
  return x;
}
