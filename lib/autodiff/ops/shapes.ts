import { TightrecError } from '../../errors.ts';
import type { Tensor } from '../tensor.ts';

/** The two sizes of a matrix, or a refusal in the op's name. */
export function matrix(op: string, tensor: Tensor): [rows: number, columns: number] {
  if (tensor.shape.length !== 2) throw new TightrecError('bad-shape', `${op}: expected a matrix (rows, columns), got shape [${tensor.shape}]`);
  return [tensor.shape[0], tensor.shape[1]];
}

/** Whether two tensors have the same sizes in the same order: equal numbers of entries are not enough. */
export const sameShape = (a: Tensor, b: Tensor): boolean => a.shape.length === b.shape.length && a.shape.every((n, d) => n === b.shape[d]);
