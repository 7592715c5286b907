import { scope } from '../../kernels/memory.ts';
import * as ops from '../autodiff/ops/index.ts';
import type { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Random } from '../random.ts';
import { counting } from './autoencoder.ts';
import { tensorFrom, uniformTable } from './factors.ts';
import type { ModelState } from './modelState.ts';
import type { Side } from './sides.ts';

/** Layer: a matrix and a bias, or none. Shapes: W (inputs, outputs), bias (1, outputs). */
interface Layer { readonly W: Tensor; readonly bias: Tensor | null }

/** Tower: dense layers over the features of a row; a ReLU stands between two of them, and the last is linear. */
export type Tower = readonly Layer[];

/** Widths: the outputs of each layer; `lastBias` is whether the last one has a bias. */
export interface Widths { readonly widths: readonly number[]; readonly lastBias: boolean }

const hasBias = ({ widths, lastBias }: Widths, at: number): boolean => lastBias || at < widths.length - 1;

/** newTower: layers over so many features, uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio, 2010), biases at 0. */
export function newTower(features: number, shape: Widths, random: Random): Tower {
  const { widths } = shape;
  return widths.map((outputs, at) => {
    const inputs = at === 0 ? features : widths[at - 1];
    return { W: uniformTable(inputs, outputs, Math.sqrt(6 / (inputs + outputs)), random), bias: hasBias(shape, at) ? Tensor.lasting([1, outputs]) : null };
  });
}

/**
 * towerRows: the vectors of rows of features. The first layer sums the rows of W that belong to the features that are there; nothing is as wide as all of them.
 *
 *   h_1 = Σ_j f[j] W_1[j] + b_1     h_l = max(h_{l-1}, 0) W_l + b_l        f: sparse, (B, features) -> (B, outputs of the last)
 */
export function towerRows(tape: Tape | null, [first, ...rest]: Tower, bag: ops.Bag): Tensor {
  let h = ops.bagSum(tape, first.W, bag);
  if (first.bias) h = ops.addRow(tape, h, first.bias);
  for (const { W, bias } of rest) h = ops.linear(tape, ops.relu(tape, h), W, bias);
  return h;
}

/** Rows that pass a tower at a time. */
const BLOCK = 1024;

/** passAll: the vectors of all rows of a side, into `out`. Shapes: out (rows, outputs of the last layer). */
export function passAll(out: Tensor, tower: Tower, { matrix }: Side): void {
  const [rows, K] = out.shape;
  for (let from = 0; from < rows; from += BLOCK) scope(() => out.data.set(towerRows(null, tower, ops.bagsOf(matrix, counting(Math.min(BLOCK, rows - from), from))).data, from * K));
}

/** towerTensors: the parameters of a tower, by the names that a model file gives them: of 'user' user_layer_0 and user_bias_0, and so on. */
export const towerTensors = (side: string, tower: Tower): Record<string, Tensor> => Object.fromEntries(tower.flatMap(({ W, bias }, at): [string, Tensor][] => [[`${side}_layer_${at}`, W], ...(bias ? [[`${side}_bias_${at}`, bias] as [string, Tensor]] : [])]));

/** towerFrom: a tower back from a model file. Errors: as tensorFrom. */
export const towerFrom = (state: ModelState, side: string, features: number, shape: Widths): Tower =>
  shape.widths.map((outputs, at) => ({ W: tensorFrom(state, `${side}_layer_${at}`, [at === 0 ? features : shape.widths[at - 1], outputs]), bias: hasBias(shape, at) ? tensorFrom(state, `${side}_bias_${at}`, [1, outputs]) : null }));
