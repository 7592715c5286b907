import type { Tensor } from '../autodiff/tensor.ts';
import { crc32 } from '../data/crc32.ts';
import type { Csr } from '../data/csr.ts';
import { type Interactions, describeId } from '../data/interactions.ts';
import type { LabelEncoder } from '../data/labelEncoder.ts';
import { TightrecError, describe } from '../errors.ts';
import type { Optimizer, OptimizerState } from '../optim/optimizers.ts';
import type { Random } from '../random.ts';
import type { ModelState } from './modelState.ts';
import type { Recommender } from './recommender.ts';
import { show } from './settings.ts';

/** Moving: all that an epoch moves and leaves to the next. */
export interface Moving {
  /** By the names that a model file gives them, in the order in which the optimiser takes them. */
  readonly parameters: Readonly<Record<string, Tensor>>;
  /** Null where training has none. */
  readonly optimizer: Optimizer | null;
  readonly random: Random | null;
}

/** Snapshot: a copy of it after an epoch. */
export interface Snapshot {
  readonly epoch: number;
  readonly tensors: ModelState['tensors'];
  readonly optimizer: Readonly<Record<string, OptimizerState>>; // of the parameters that it keeps something for
  readonly random: readonly number[] | null;
}

/** DataMark: by what the events of a fit are known again: how many they are, and the CRC-32 of each of their arrays; null for one they do not have. */
export interface DataMark {
  readonly events: number;
  readonly user: number;
  readonly item: number;
  readonly value: number | null;
  readonly time: number | null;
  readonly basket: number | null;
  /** The CRC-32 of what the users' and the items' features say, of a model that is told of them. */
  readonly features?: number;
}

/** Checkpoint: a fit after a whole epoch, as plain data: the model, and what goes on from it to the same bytes. */
export interface Checkpoint {
  /** The model of that epoch; its tensors are those of `last`. */
  readonly state: ModelState;
  /** What it learns from; the ids are in the catalogue of `state`. */
  readonly data: DataMark;
  /** The mean loss of the first step of all: divergence is measured by it. */
  readonly firstLoss: number;
  readonly last: Snapshot;
  /** With `patience`: the epoch that validation likes best, and what it said. */
  readonly best: { readonly value: number; readonly at: Snapshot } | null;
  /** What whoever keeps it adds. */
  readonly notes?: string;
}

/** Checkpoints: where a fit is kept. `checkpointFile` of tightrec/node is one; another needs no more than these. */
export interface Checkpoints {
  /** What errors call it. */
  readonly name?: string;
  /** What was saved last, or null. */
  load(): Promise<Checkpoint | null> | Checkpoint | null;
  /** Takes the place of what was saved before. Its arrays are never written to again. */
  save(checkpoint: Checkpoint): Promise<void> | void;
}

/** snapshotOf: a copy of everything, after this epoch. */
export function snapshotOf({ parameters, optimizer, random }: Moving, epoch: number): Snapshot {
  const entries = Object.entries(parameters), states = entries.map(([name, w]) => [name, optimizer?.state(w) ?? null]);
  return {
    epoch,
    tensors: Object.fromEntries(entries.map(([name, { shape, data }]) => [name, { shape, data: data.slice() }])),
    optimizer: Object.fromEntries(states.filter(([, state]) => state !== null)),
    random: random?.state() ?? null,
  };
}

/** putBack: everything as it was when the snapshot was taken. */
export function putBack({ parameters, optimizer, random }: Moving, snapshot: Snapshot): void {
  for (const [name, w] of Object.entries(parameters)) {
    w.data.set(snapshot.tensors[name].data);
    optimizer?.restore(w, snapshot.optimizer[name] ?? null);
  }
  if (random !== null && snapshot.random !== null) random.restore(snapshot.random);
}

/** markOf: the mark of a data set, and of the features beside it. */
export function markOf({ user, item, value, time, basket }: Interactions, features: readonly Csr[] = []): DataMark {
  const sum = features.flatMap(({ indptr, indices, values }) => [indptr, indices, values]).reduce((crc, array) => crc32(array, crc), 0);
  return { events: user.length, user: crc32(user), item: crc32(item), value: value && crc32(value), time: time && crc32(time), basket: basket && crc32(basket), ...(features.length > 0 && { features: sum }) };
}

/**
 * checkCheckpoint: refuses a checkpoint from which this fit could not go on to the bytes it would have come to by itself. Of the settings, `epochs` may
 * differ: what an epoch does depends on those before it, not on how many follow.
 * Errors: 'wrong-checkpoint', naming the first difference; 'bad-input' for what is no checkpoint.
 */
export function checkCheckpoint(where: string, found: Checkpoint, { model, data, epochs, parameters }: Moving & { model: Recommender; data: Interactions; epochs: number }, mark: DataMark): void {
  if (typeof found !== 'object' || !found.state || !found.last || !found.data) throw new TightrecError('bad-input', `${where}: load must give what save was given, or null, got ${describe(found)}`);
  const { state, last, best } = found, { catalogue } = state;
  const difference = settingsDiffer(state, model) ?? idsDiffer('user', catalogue.users, data.users) ?? idsDiffer('item', catalogue.items, data.items) ?? eventsDiffer(found.data, mark)
    ?? (last.epoch > epochs ? `has ${last.epoch} epochs done, and this model has epochs ${epochs}` : null);
  if (difference !== null) throw new TightrecError('wrong-checkpoint', `${where} ${difference}; fit with what it was made with, or keep this fit elsewhere`);
  for (const snapshot of [last, ...(best ? [best.at] : [])]) {
    const lacking = Object.entries(parameters).find(([name, { size }]) => !(snapshot.tensors[name]?.data instanceof Float32Array && snapshot.tensors[name].data.length === size));
    if (lacking) throw new TightrecError('wrong-checkpoint', `${where} holds no tensor ${lacking[0]} of shape [${lacking[1].shape}]; delete it, and fit from the start`);
  }
}

function settingsDiffer(was: ModelState, model: Recommender): string | null {
  if (was.model !== model.name) return `is of ${was.model}, and this model is ${model.name}`;
  const before = was.settings as Record<string, unknown>, now = model.settings as Record<string, unknown>;
  const name = Object.keys({ ...now, ...before }).find((name) => name !== 'epochs' && !sameSetting(before[name], now[name]));
  return name === undefined ? null : `is of ${was.model} with ${name} ${show(before[name])}, and this model has ${show(now[name])}`;
}

/** Settings are plain data: numbers, texts, and of features objects of them. */
const sameSetting = (a: unknown, b: unknown): boolean => a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));

function idsDiffer(kind: string, was: LabelEncoder, now: LabelEncoder): string | null {
  if (was.size !== now.size) return `is of other data: it has ${was.size} ${kind}s, and these have ${now.size}`;
  const row = was.labels.findIndex((id, row) => id !== now.labels[row]), named = (id: unknown): string => (id === null ? 'the unknown' : describeId(id));
  return row < 0 ? null : `is of other data: its ${kind} in row ${row} is ${named(was.labels[row])}, and in these ${named(now.labels[row])}`;
}

function eventsDiffer(was: DataMark, now: DataMark): string | null {
  if (was.events !== now.events) return `is of other data: it has ${was.events} events, and these are ${now.events}`;
  const name = (['user', 'item', 'value', 'time', 'basket'] as const).find((name) => was[name] !== now[name]);
  if (name === undefined) return was.features === now.features ? null : 'is of other side tables: its users or items had other features';
  if (was[name] === null || now[name] === null) return `is of other data: its events ${was[name] === null ? 'had no' : 'had'} ${name}s, and these have ${now[name] === null ? 'none' : 'them'}`;
  return `is of other data: its events had other ${name}s, or in another order`;
}
