import { kernels } from '../../kernels/answering.ts';
import { scope, scratch, scratchCopy, scratchFloats, scratchInts } from '../../kernels/memory.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Adam } from '../optim/optimizers.ts';
import type { Random } from '../random.ts';
import type { Catalogue } from './catalogue.ts';
import { type ModelState, floatsFrom } from './modelState.ts';
import type { Answers } from './recommender.ts';

/**
 * Factors: what every matrix-factorisation model learns.
 *
 *   score(u, i) = <U[u], V[i]> + userBias[u] + itemBias[i] + globalBias        biases a model does not have count as zero
 *
 * Shapes: user (nUsers, K); item (nItems, K); userBias (nUsers, 1); itemBias (nItems, 1); globalBias (1).
 */
export interface Factors {
  readonly user: Tensor;
  readonly item: Tensor;
  readonly userBias: Tensor | null;
  readonly itemBias: Tensor | null;
  readonly globalBias: Tensor | null;
}

/** Learned: what training leaves, and what partialFit needs to go on. */
export interface Learned<Optimizer = Adam> {
  readonly factors: Factors;
  readonly catalogue: Catalogue;
  readonly optimizer: Optimizer;
  readonly random: Random;
  readonly epochs: number; // done so far
}

/** Known: the part of it that a model answers with. What comes from a file has no more than that: the optimiser begins anew, and so do the random numbers. */
export type Known = Pick<Learned, 'factors' | 'catalogue' | 'epochs'> & Partial<Pick<Learned, 'optimizer' | 'random'>>;

/** factorAnswers: how a factor model answers. */
export const factorAnswers = ({ factors, catalogue }: Pick<Learned, 'factors' | 'catalogue'>): Answers => ({
  catalogue,
  scoreBlock: (out, users) => scoreUsers(out, factors, users),
  scorePairs: (users, items) => scorePairs(factors, users, items),
  likenessBlock: (out, items) => likeItems(out, factors.item.data, factors.item.shape[1], items), // biases play no part
  dotBlock: (out, items) => dotItems(out, factors.item.data, factors.item.shape[1], items),
  vectors: factors,
  factors: () => factors,
  excludeSeen: true,
});

/** The names that a model file gives them: users of implicit know the first two. */
const names = { user: 'user_factors', item: 'item_factors', userBias: 'user_bias', itemBias: 'item_bias', globalBias: 'global_bias' } as const;
type Part = keyof typeof names;

/** namedParameters: what training moves, by the names that a model file gives it. */
export const namedParameters = (factors: Factors): Record<string, Tensor> =>
  Object.fromEntries((Object.keys(names) as Part[]).flatMap((part): [string, Tensor][] => { const tensor = factors[part]; return tensor ? [[names[part], tensor]] : []; }));

export const parametersOf = (factors: Factors): Tensor[] => Object.values(namedParameters(factors));

/** scoreUsers: out[b, n] = score(users[b], n). Shapes: users (B), out (B, nItems). Runs inside a scope. */
function scoreUsers(out: Float32Array, factors: Factors, users: Int32Array): void {
  const [nItems, K] = factors.item.shape, B = users.length, rows = scratch(B * K).floats();
  kernels.gatherRows(rows, factors.user.data, users, B, K);
  kernels.matmulTransposed(out, rows, factors.item.data, B, nItems, K);
  if (!factors.userBias && !factors.itemBias && !factors.globalBias) return;

  const { itemBias, userBias, globalBias } = factors, all = globalBias?.data[0] ?? 0, row = scratch(nItems).floats(), first = scratchInts(B).fill(0);
  for (let n = 0, c = itemBias?.data; n < nItems; n++) row[n] = all + (c ? c[n] : 0);
  kernels.gatherAdd(out, row, first, B, nItems); // the row is a table of one, which every user takes
  if (!userBias) return;
  const ones = row.fill(1), own = userBias.data;
  for (let b = 0; b < B; b++) kernels.addScaled(out.subarray(b * nItems, (b + 1) * nItems), ones, nItems, own[users[b]]);
}

/** scorePairs: the score of each (user, item) pair. Shapes: users, items (B) -> (B). */
function scorePairs(factors: Factors, users: Int32Array, items: Int32Array): Float32Array {
  return scope(() => {
    const B = users.length, x = scratchFloats(B), u = scratchCopy(users), i = scratchCopy(items);
    kernels.rowDot(x, factors.user.data, factors.item.data, u, i, B, factors.user.shape[1]);
    const perItem = factors.itemBias?.data, perUser = factors.userBias?.data, all = factors.globalBias?.data[0] ?? 0;
    return Float32Array.from(x, (dot, b) => dot + all + (perUser ? perUser[u[b]] : 0) + (perItem ? perItem[i[b]] : 0));
  });
}

/**
 * likeItems: out[b, n] = the cosine of the vectors of items[b] and n, zero where either is all zeros.
 * Shapes: V (nItems, K), items (B), out (B, nItems). Runs inside a scope.
 */
export function likeItems(out: Float32Array, V: Float32Array, K: number, items: Int32Array): void {
  const nItems = V.length / K, B = items.length, inverse = inverseNorms(V, K);
  dotItems(out, V, K, items);
  for (let b = 0; b < B; b++) {
    const row = out.subarray(b * nItems, (b + 1) * nItems), own = inverse[items[b]];
    for (let n = 0; n < nItems; n++) row[n] *= own * inverse[n];
  }
}

/** dotItems: out[b, n] = the dot product of the vectors of items[b] and n. Shapes: as of likeItems. Runs inside a scope. */
export function dotItems(out: Float32Array, V: Float32Array, K: number, items: Int32Array): void {
  const B = items.length, rows = scratch(B * K).floats();
  kernels.gatherRows(rows, V, items, B, K);
  kernels.matmulTransposed(out, rows, V, B, V.length / K, K);
}

/** 1 / |V[n]| for every row, in the scope's memory. Not kept from call to call: training moves V in place, and models may be asked meanwhile. */
function inverseNorms(V: Float32Array, K: number): Float32Array {
  const n = V.length / K, all = scratchInts(n), norms = scratchFloats(n);
  for (let row = 0; row < n; row++) all[row] = row;
  kernels.rowDot(norms, V, V, all, all, n, K);
  for (let row = 0; row < n; row++) { const square = norms[row]; norms[row] = square > 0 ? 1 / Math.sqrt(square) : 0; }
  return norms;
}

/** tensorsOf: parameters as a model file holds them. */
export const tensorsOf = (named: Readonly<Record<string, Tensor>>): ModelState['tensors'] => Object.fromEntries(Object.entries(named).map(([name, { shape, data }]) => [name, { shape, data }]));

/** factorsFrom: back from a model file. Errors: 'file-damaged' when a table is missing or does not fit the catalogue or the settings. */
export function factorsFrom(state: ModelState, K: number, biases: { userBias: boolean; itemBias: boolean; globalBias: boolean }): Factors {
  const nUsers = state.catalogue.users.size, nItems = state.catalogue.items.size;
  const part = (which: Part, wanted: boolean, shape: readonly number[]): Tensor | null => wanted ? tensorFrom(state, names[which], shape) : null;
  return {
    user: part('user', true, [nUsers, K])!,
    item: part('item', true, [nItems, K])!,
    userBias: part('userBias', biases.userBias, [nUsers, 1]),
    itemBias: part('itemBias', biases.itemBias, [nItems, 1]),
    globalBias: part('globalBias', biases.globalBias, [1]),
  };
}

/** tensorFrom: a parameter back from a model file. Errors: as floatsFrom. */
export const tensorFrom = (state: ModelState, name: string, shape: readonly number[]): Tensor => Tensor.lasting(shape, floatsFrom(state, name, shape));
