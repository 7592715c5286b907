import { allOrNone } from '../../kernels/memory.ts';
import { Tensor } from '../autodiff/tensor.ts';
import type { Interactions } from '../data/interactions.ts';
import { TightrecError } from '../errors.ts';
import { Adam } from '../optim/optimizers.ts';
import { release } from '../optim/release.ts';
import { type Random, random } from '../random.ts';
import type { Catalogue } from './catalogue.ts';
import { checkEvents, encodeLike, withSeen } from './events.ts';
import { type Factors, type Known, type Learned, parametersOf } from './factors.ts';
import type { ModelState } from './modelState.ts';
import type { Recommender } from './recommender.ts';
import { checkRoom } from './room.ts';

/** What models begin with, or go on from, and what becomes of it where they cannot: factors.ts has what is asked of those that have learned. */

/** checkTables: refuses, before the first is made, tables that the memory could not hold. Errors: 'out-of-memory', saying how much they alone need. */
export function checkTables(where: string, { users, items }: Interactions, K: number): void {
  checkRoom(where, `tables of ${users.size.toLocaleString('en-US')} users and ${items.size.toLocaleString('en-US')} items, with ${K} factors,`, (users.size + items.size) * K);
}

/** emptyFactors: tables of zeros with both biases; of K numbers a row. */
export const emptyFactors = ({ users, items }: Catalogue, K: number, globalBias: Tensor | null): Factors =>
  allOrNone(() => ({ user: Tensor.lasting([users.size, K]), userBias: Tensor.lasting([users.size, 1]), item: Tensor.lasting([items.size, K]), itemBias: Tensor.lasting([items.size, 1]), globalBias }));

/** freeFactors: gives back what is not the parameters' own: all but the one bias of everything. */
export function freeFactors(factors: Factors): void {
  for (const tensor of parametersOf({ ...factors, globalBias: null })) tensor.free();
}

/** uniformTable: entries drawn from [-bound, bound). */
export function uniformTable(rows: number, columns: number, bound: number, random: Random): Tensor {
  const table = Tensor.lasting([rows, columns]), data = table.data;
  for (let at = 0; at < data.length; at++) data[at] = bound * (2 * random.uniform() - 1);
  return table;
}

/** normalTable: entries drawn from a normal distribution around 0, of this standard deviation. */
export function normalTable(rows: number, columns: number, deviation: number, random: Random): Tensor {
  const table = Tensor.lasting([rows, columns]), data = table.data;
  for (let at = 0; at < data.length; at++) data[at] = deviation * random.normal();
  return table;
}

/** laidOut: what a fit needs beside its tables. Where there is no room for it, the tables of a fit that has not begun go back: nobody has seen them. */
export function laidOut<Made>({ epochs }: { readonly epochs: number }, tables: readonly Tensor[], make: () => Made): Made {
  try { return allOrNone(make); } catch (error) {
    if (epochs === 0) release(tables, null);
    throw error;
  }
}

/**
 * resumed: what a model that learns by Adam goes on from with more events, and these by the rows that it knows. Of a model from a file the optimiser begins anew, and so do
 * the random numbers.
 * Errors: 'bad-setting'; 'bad-input' for no events; 'unknown-id'.
 */
export function resumed(model: Recommender & { readonly settings: { readonly learningRate: number; readonly seed: number } }, before: Known, data: Interactions): { start: Learned; events: Interactions } {
  const where = `${model.name}.partialFit`, { learningRate, seed } = model.settings;
  model.check();
  checkEvents(where, data);
  const events = encodeLike(where, data, before.catalogue), { optimizer = new Adam({ learningRate }), random: next = random(seed + before.epochs) } = before;
  return { events, start: { ...before, optimizer, random: next, catalogue: withSeen(before.catalogue, events) } };
}

/** checkFinite: refuses vectors that overflow, as those of a file may whose parameters are finite. Errors: 'file-damaged'. */
export function checkFinite({ model }: ModelState, { user, item }: Factors): void {
  for (const table of [user, item]) if (!table.data.every(Number.isFinite)) throw new TightrecError('file-damaged', `${model}: its parameters are so large that the vectors made of them are not finite`);
}
