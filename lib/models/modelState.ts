import type { Csr } from '../data/csr.ts';
import { TightrecError } from '../errors.ts';
import type { Catalogue } from './catalogue.ts';

/** ModelState: a fitted model as plain data, and back by the class's `fromState`. */
export interface ModelState {
  readonly model: string;
  readonly settings: object;
  readonly tensors: Record<string, { shape: readonly number[]; data: Float32Array | Int32Array }>;
  readonly catalogue: Catalogue;
  readonly parts?: readonly ModelState[]; // of a model made of models, all of this catalogue
  /** Of a model with features: what they have learned, as JSON can hold it. What a file says here is not trusted. */
  readonly features?: unknown;
  readonly numbers: Record<string, number>; // what else a model must remember: epochs done, the time of the last event
}

/** csrTensors: a sparse matrix as a model file holds it; `csrFrom` reads it. */
export const csrTensors = (name: string, { indptr, indices, values }: Pick<Csr, 'indptr' | 'indices' | 'values'>): ModelState['tensors'] => ({
  [`${name}_indptr`]: { shape: [indptr.length], data: indptr },
  [`${name}_indices`]: { shape: [indices.length], data: indices },
  [`${name}_values`]: { shape: [values.length], data: values },
});

/** csrFrom: a users x items matrix back from a model file. Errors: 'file-damaged' when its parts do not fit. */
export function csrFrom(state: Pick<ModelState, 'model' | 'tensors'>, name: string, rows: number, columns: number): Csr {
  const part = (which: string) => state.tensors[`${name}_${which}`]?.data;
  const indptr = part('indptr'), indices = part('indices'), values = part('values');
  const damaged = (what: string) => new TightrecError('file-damaged', `${state.model}: the matrix ${name} is damaged: ${what}`);
  if (!(indptr instanceof Int32Array && indices instanceof Int32Array && values instanceof Float32Array)) throw damaged('expected int32 tensors indptr and indices and a float32 tensor values');
  if (indptr.length !== rows + 1 || indptr[0] !== 0 || indptr[rows] !== indices.length || indices.length !== values.length) throw damaged(`expected ${rows} rows, got pointers for ${indptr.length - 1} and ${indices.length} entries with ${values.length} values`);
  for (let r = 0; r < rows; r++) {
    if (indptr[r + 1] < indptr[r]) throw damaged(`row ${r} ends before it begins`);
    for (let at = indptr[r]; at < indptr[r + 1]; at++) {
      if (!(indices[at] >= 0 && indices[at] < columns) || (at > indptr[r] && indices[at] <= indices[at - 1])) throw damaged(`row ${r} holds column ${indices[at]} out of order or outside 0..${columns - 1}`);
    }
  }
  if (!values.every(Number.isFinite)) throw damaged('it holds numbers that are not finite');
  return { rows, columns, indptr, indices, values };
}

/** More than anyone has done: beyond 2^53 they could no longer be counted on. */
const MOST_EPOCHS = 1e12;

/** epochsFrom: how many epochs a model file says were done. Errors: 'file-damaged'. */
export function epochsFrom({ model, numbers: { epochs } }: ModelState): number {
  if (!(Number.isSafeInteger(epochs) && epochs >= 1)) throw new TightrecError('file-damaged', `${model}: the number epochs must be a whole number from 1 up, got ${epochs ?? 'none'}`);
  if (epochs > MOST_EPOCHS) throw new TightrecError('file-damaged', `${model}: the number epochs must be at most ${MOST_EPOCHS}, got ${epochs}`);
  return epochs;
}

/** floatsFrom: a tensor back from a model file. Errors: 'file-damaged' when it is missing or not of this shape, or holds what is no number. */
export function floatsFrom({ model, tensors }: ModelState, name: string, shape: readonly number[]): Float32Array {
  const found = tensors[name];
  if (!found || !(found.data instanceof Float32Array) || found.shape.length !== shape.length || found.shape.some((n, d) => n !== shape[d])) {
    throw new TightrecError('file-damaged', `${model}: expected a float32 tensor ${name} of shape [${shape}], got ${found ? `shape [${found.shape}]` : 'none'}`);
  }
  if (!found.data.every(Number.isFinite)) throw new TightrecError('file-damaged', `${model}: tensor ${name} holds numbers that are not finite`);
  return found.data;
}
