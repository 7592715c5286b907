import { scratchFloats, scratchInts } from '../../kernels/memory.ts';
import * as ops from '../autodiff/ops/index.ts';
import type { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Csr } from '../data/csr.ts';
import type { Random } from '../random.ts';
import type { Vectors } from '../retrieval/vectors.ts';
import { inBlocks } from './blocks.ts';
import { tensorFrom } from './factors.ts';
import type { ModelState } from './modelState.ts';
import { uniformTable } from './newFactors.ts';
import { type Rule, listOf, wholeNumber } from './settings.ts';

/** Layer: a matrix and a bias, or none. Shapes: W (inputs, outputs), bias (1, outputs). */
interface Layer { readonly W: Tensor; readonly bias: Tensor | null }

/** Tower: dense layers over the features of a row; a ReLU stands between two of them, and the last is linear. */
export type Tower = readonly Layer[];

/** Widths: the outputs of each layer; `lastBias` is whether the last one has a bias. */
export interface Widths { readonly widths: readonly number[]; readonly lastBias: boolean }

const hasBias = ({ widths, lastBias }: Widths, at: number): boolean => lastBias || at < widths.length - 1;

/** Of a tower that has nothing but the layers of a setting: the last of them is the length of its vectors. */
export const someLayers: Rule = (value) => listOf(wholeNumber(1))(value) ?? ((value as unknown[]).length > 0 ? null : 'a list of at least one width');

/** newTower: layers over so many features, uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio, 2010), biases at 0. */
export function newTower(features: number, shape: Widths, random: Random): Tower {
  const { widths } = shape;
  return widths.map((outputs, at) => {
    const inputs = at === 0 ? features : widths[at - 1];
    return { W: uniformTable(inputs, outputs, Math.sqrt(6 / (inputs + outputs)), random), bias: hasBias(shape, at) ? Tensor.lasting([1, outputs]) : null };
  });
}

/**
 * towerRows: the vectors of rows of features. The first layer sums the rows of W that belong to the features that are there; no dense row of all features is made.
 * With `ops.embeddingBag` for `sum` the gradient of these rows is all that a step makes of that layer, for an optimiser that leaves the others alone.
 *
 *   h_1 = Σ_j f[j] W_1[j] + b_1     h_l = max(h_{l-1}, 0) W_l + b_l        f: sparse, (B, features) -> (B, outputs of the last)
 */
export function towerRows(tape: Tape | null, [first, ...rest]: Tower, bag: ops.Bag, sum: typeof ops.bagSum = ops.bagSum): Tensor {
  let h = sum(tape, first.W, bag);
  if (first.bias) h = ops.addRow(tape, h, first.bias);
  for (const { W, bias } of rest) h = ops.linear(tape, ops.relu(tape, h), W, bias);
  return h;
}

/** besideOf: the rows of two matrices side by side, those of the second one's columns behind those of the first, in the memory of the running step. Shapes: rows (B). */
export function besideOf(a: Csr, aRows: Int32Array, b: Csr | null, bRows: Int32Array): ops.Bag {
  const B = aRows.length, indptr = scratchInts(B + 1);
  indptr[0] = 0;
  for (let r = 0; r < B; r++) indptr[r + 1] = indptr[r] + a.indptr[aRows[r] + 1] - a.indptr[aRows[r]] + (b === null ? 0 : b.indptr[bRows[r] + 1] - b.indptr[bRows[r]]);
  const indices = scratchInts(indptr[B]), values = scratchFloats(indptr[B]);
  for (let r = 0, to = 0; r < B; r++) {
    for (let at = a.indptr[aRows[r]]; at < a.indptr[aRows[r] + 1]; at++, to++) { indices[to] = a.indices[at]; values[to] = a.values[at]; }
    if (b !== null) for (let at = b.indptr[bRows[r]]; at < b.indptr[bRows[r] + 1]; at++, to++) { indices[to] = a.columns + b.indices[at]; values[to] = b.values[at]; }
  }
  return { indptr, indices, values };
}

/** passAll: the vectors of all rows of a matrix of features, and, where there is one, of the matrix beside it. Shape: (rows, outputs of the last layer). */
export function passAll(tower: Tower, features: Csr, beside: Csr | null = null): Vectors {
  const { rows } = features, K = tower.at(-1)!.W.shape[1], data = new Float32Array(rows * K);
  inBlocks(rows, (some, from) => data.set(towerRows(null, tower, besideOf(features, some, beside, some)).data, from * K));
  return { data, shape: [rows, K] };
}

/** fill: vectors into a lasting table; what makes them may have moved the memory, so the table is asked for afterwards. */
export function fill(table: Tensor, { data }: Vectors): void { table.data.set(data); }

/** towerTensors: the parameters of a tower, by the names that a model file gives them: of 'user' user_layer_0 and user_bias_0, and so on. */
export const towerTensors = (side: string, tower: Tower): Record<string, Tensor> => Object.fromEntries(tower.flatMap(({ W, bias }, at): [string, Tensor][] => [[`${side}_layer_${at}`, W], ...(bias ? [[`${side}_bias_${at}`, bias] as [string, Tensor]] : [])]));

/** towerFrom: a tower back from a model file. Errors: as tensorFrom. */
export const towerFrom = (state: ModelState, side: string, features: number, shape: Widths): Tower =>
  shape.widths.map((outputs, at) => ({ W: tensorFrom(state, `${side}_layer_${at}`, [at === 0 ? features : shape.widths[at - 1], outputs]), bias: hasBias(shape, at) ? tensorFrom(state, `${side}_bias_${at}`, [1, outputs]) : null }));
