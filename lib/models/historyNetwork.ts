import { allOrNone } from '../../kernels/memory.ts';
import * as ops from '../autodiff/ops/index.ts';
import type { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Random } from '../random.ts';
import { corrupted } from './autoencoder.ts';
import { tensorFrom } from './factors.ts';
import type { ModelState } from './modelState.ts';
import { normalTable, uniformTable } from './newFactors.ts';

/**
 * HistoryNetwork: what HistoryToNext learns.
 *
 *   m = mean of E[i] over the items i of a history                 nothing of an empty one
 *   h_1 = m W_1 + Σ_j f[j] F[j] + b_1                              f: what is known of the user, side by side with m
 *   h_l = max(h_{l-1}, 0) W_l + b_l                                the last is q
 *   x[n] = <q, V[n]>                                               a logit for every item
 *
 * Shapes: items going in, E (nItems, factors); W_1 (factors, layers[0]), W_l (layers[l - 2], layers[l - 1]); b_l (1, layers[l - 1]); F (columns, layers[0]) or null;
 * items coming out, V (nItems, K), where K is the width of the last layer.
 */
export interface HistoryNetwork {
  readonly embedding: Tensor;
  readonly layers: readonly { readonly W: Tensor; readonly bias: Tensor }[];
  readonly features: Tensor | null;
  readonly output: Tensor;
}

/** HistoryShape: the sizes of a network; of `columns` features, 0 for none. */
export interface HistoryShape { readonly nItems: number; readonly factors: number; readonly layers: readonly number[]; readonly columns: number }

/** Every parameter by the name that a model file gives it, made by `make`. */
function networkOf({ nItems, factors, layers, columns }: HistoryShape, make: (name: string, shape: readonly [number, number]) => Tensor): HistoryNetwork {
  return {
    embedding: make('item_embedding', [nItems, factors]),
    layers: layers.map((width, at) => ({ W: make(`layer_${at}`, [at === 0 ? factors : layers[at - 1], width]), bias: make(`bias_${at}`, [1, width]) })),
    features: columns === 0 ? null : make('user_feature_layer', [columns, layers[0]]),
    output: make('item_factors', [nItems, layers.at(-1)!]),
  };
}

const START = 0.1;

/** newHistoryNetwork: items start normal with a deviation of 0.1, layers uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio, 2010), biases at 0. */
export const newHistoryNetwork = (shape: HistoryShape, random: Random): HistoryNetwork => allOrNone(() => networkOf(shape, (name, [rows, columns]) =>
  name.startsWith('item') ? normalTable(rows, columns, START, random) : name.startsWith('bias') ? Tensor.lasting([rows, columns]) : uniformTable(rows, columns, Math.sqrt(6 / (rows + columns)), random)));

/** historyNetworkFrom: back from a model file. Errors: 'file-damaged' when a tensor is missing or does not fit. */
export const historyNetworkFrom = (state: ModelState, shape: HistoryShape): HistoryNetwork => networkOf(shape, (name, sizes) => tensorFrom(state, name, sizes));

/** namedParameters: what training moves, by the names that a model file gives it. */
export const namedParameters = ({ embedding, layers, features, output }: HistoryNetwork): Record<string, Tensor> => ({
  item_embedding: embedding,
  ...Object.fromEntries(layers.flatMap(({ W, bias }, at) => [[`layer_${at}`, W], [`bias_${at}`, bias]])),
  ...(features && { user_feature_layer: features }),
  item_factors: output,
});

/**
 * queries: q for histories, and for what is known of whose they are; while learning (with `dropout`) items of a history are left out by lot, and the others count for more.
 * Shapes: B bags of items, B bags of features or null -> (B, K).
 */
export function queries(tape: Tape | null, { embedding, layers: [first, ...rest], features }: HistoryNetwork, history: ops.Bag, known: ops.Bag | null, dropout: { rate: number; random: Random } | null = null): Tensor {
  const read = dropout === null ? history : corrupted(history, dropout.rate, dropout.random), mean = tape === null ? ops.bagSum(null, embedding, read) : ops.embeddingBag(tape, embedding, read);
  let h = ops.linear(tape, mean, first.W, first.bias);
  if (features !== null && known !== null) h = ops.weightedSum(tape, [[1, h], [1, ops.bagSum(tape, features, known)]]);
  for (const { W, bias } of rest) h = ops.linear(tape, ops.relu(tape, h), W, bias);
  return h;
}
