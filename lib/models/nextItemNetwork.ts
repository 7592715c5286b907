import { embedding } from '../autodiff/ops/embedding.ts';
import { joinColumns } from '../autodiff/ops/joinColumns.ts';
import { linear } from '../autodiff/ops/linear.ts';
import { type LstmState, type LstmWeights, lstm } from '../autodiff/ops/lstm.ts';
import type { Tape } from '../autodiff/tape.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Catalogue } from './catalogue.ts';
import { tensorFrom } from './factors.ts';
import type { ModelState } from './modelState.ts';

/**
 * Network: what NextItemLSTM learns. A code is an item's row + 1, and 0 stands before every sequence.
 *
 *   x[t] = V[code before]  or  V[code before], P[user]     side by side
 *   h[t] = the layers, one above the other, over x[0 .. t]
 *   X[t] = h[t] W + b                                       a logit for every code
 *
 * Shapes: item V (codes, K); user P (nUsers, K) or null; layers: input (K or 2K, and H from the second on, 4H), hidden (H, 4H), bias (4H); output W (H,
 * codes); outputBias b (codes); codes = nItems + 1.
 */
export interface Network {
  readonly item: Tensor;
  readonly user: Tensor | null;
  readonly layers: readonly LstmWeights[];
  readonly output: Tensor;
  readonly outputBias: Tensor;
}

/** NetworkShape: the sizes of a network. */
export interface NetworkShape { readonly factors: number; readonly hidden: number; readonly layers: number; readonly user: boolean; readonly nUsers: number; readonly nItems: number }

/** shapeOf: that of a model's settings and the data it was fitted on. */
export const shapeOf = (settings: Omit<NetworkShape, 'nUsers' | 'nItems'>, { users, items }: Catalogue): NetworkShape => ({ ...settings, nUsers: users.size, nItems: items.size });

/** networkOf: every parameter by the name that a model file gives it, made by `make`. */
export function networkOf({ factors: K, hidden: H, layers, user, nUsers, nItems }: NetworkShape, make: (name: string, shape: readonly number[]) => Tensor): Network {
  const codes = nItems + 1, own = (name: string, of: number): Tensor => make(name, [of, K]);
  const width = (layer: number): number => layer > 0 ? H : user ? 2 * K : K;
  return {
    item: own('item_embedding', codes),
    user: user ? own('user_embedding', nUsers) : null,
    layers: Array.from({ length: layers }, (_, layer) => ({
      W: make(`lstm_${layer}_input`, [width(layer), 4 * H]), U: make(`lstm_${layer}_hidden`, [H, 4 * H]), bias: make(`lstm_${layer}_bias`, [4 * H]),
    })),
    output: make('output', [H, codes]),
    outputBias: make('output_bias', [codes]),
  };
}

/** networkFrom: back from a model file. Errors: 'file-damaged' when a tensor is missing or does not fit. */
export const networkFrom = (state: ModelState, shape: NetworkShape): Network => networkOf(shape, (name, sizes) => tensorFrom(state, name, sizes));

/** namedParameters: what training moves, by the names that a model file gives it. */
export const namedParameters = ({ item, user, layers, output, outputBias }: Network): Record<string, Tensor> => ({
  item_embedding: item,
  ...(user && { user_embedding: user }),
  ...Object.fromEntries(layers.flatMap(({ W, U, bias }, layer) => [[`lstm_${layer}_input`, W], [`lstm_${layer}_hidden`, U], [`lstm_${layer}_bias`, bias]])),
  output,
  output_bias: outputBias,
});

export const parametersOf = (network: Network): Tensor[] => Object.values(namedParameters(network));

/** CarriedState: the state of every layer between two stretches of the same sequences, kept outside of any step. */
export class CarriedState {
  readonly #layers: { h: Float32Array; c: Float32Array }[];
  readonly #H: number;

  constructor(layers: number, B: number, H: number) {
    this.#H = H;
    this.#layers = Array.from({ length: layers }, () => ({ h: new Float32Array(B * H), c: new Float32Array(B * H) }));
  }

  /** The state of the first B sequences, as tensors of the running step. */
  start(B: number): LstmState[] {
    const first = (x: Float32Array): Tensor => new Tensor([B, this.#H], x.subarray(0, B * this.#H));
    return this.#layers.map(({ h, c }) => ({ h: first(h), c: first(c) }));
  }

  keep(last: readonly LstmState[]): void {
    last.forEach(({ h, c }, layer) => { this.#layers[layer].h.set(h.data); this.#layers[layer].c.set(c.data); });
  }
}

/**
 * hiddenStates: what the topmost layer shows at every place of packed sequences, and the state of each layer at the end of each. `drop`, dropout while
 * learning, stands between the layers and after the last, not before the first. Shapes: inputs, users (R) -> h (R, H); start: null for zeros.
 */
export function hiddenStates(
  tape: Tape | null, { item, user, layers }: Network, inputs: Int32Array, users: Int32Array, sizes: Int32Array, start: readonly LstmState[] | null, drop: (x: Tensor) => Tensor = (x) => x,
): { h: Tensor; last: LstmState[] } {
  const before = embedding(tape, item, inputs), last: LstmState[] = [];
  let x = user ? joinColumns(tape, [before, embedding(tape, user, users)]) : before;
  layers.forEach((weights, layer) => {
    const out = lstm(tape, x, sizes, weights, start?.[layer] ?? null);
    last.push(out.last);
    x = drop(out.h);
  });
  return { h: x, last };
}

/** logits: one for every code. Shapes: h (R, H) -> (R, codes). */
export const logits = (tape: Tape | null, { output, outputBias }: Network, h: Tensor): Tensor => linear(tape, h, output, outputBias);
