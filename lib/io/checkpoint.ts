import { TightrecError } from '../errors.ts';
import type { Checkpoint, DataMark, Snapshot } from '../models/checkpoint.ts';
import type { ModelState } from '../models/modelState.ts';
import { decodeState, encodeState } from './model.ts';

type Tensors = ModelState['tensors'];

/** What the metadata `checkpoint` says of a snapshot; its arrays are tensors. NaN, for which JSON has no number, is null. */
interface Told { epoch: number; random: (number | null)[] | null; steps: Record<string, number> }

/**
 * checkpointToBytes: a checkpoint as one safetensors file. It is the file of its model as well: `fromBytes` gives the model of that epoch, and passes
 * over the rest. docs/file-format.md has the layout.
 */
export function checkpointToBytes({ state, data, firstLoss, last, best, notes }: Checkpoint): Uint8Array {
  const own = best !== null && best.at.epoch !== last.epoch ? best.at : null; // else its arrays are those of `last`
  const told = { firstLoss, data, last: toldOf(last), best: best && { value: best.value, at: own && toldOf(own) } };
  return encodeState({ ...state, tensors: { ...state.tensors, ...last.tensors } }, {
    tensors: { ...arraysOf('last', last), ...(own && { ...renamed(own.tensors, (name) => `checkpoint.best.${name}`), ...arraysOf('best', own) }) },
    metadata: { checkpoint: JSON.stringify(told), ...(notes !== undefined && { notes }) },
  });
}

/**
 * checkpointFromBytes: the checkpoint that checkpointToBytes wrote. `source` names the file in errors.
 * Errors: 'wrong-checkpoint' for a model file that is no checkpoint; 'file-damaged' for anything else.
 */
export function checkpointFromBytes(bytes: Uint8Array, source = 'the checkpoint'): Checkpoint {
  const { state: { tensors: all, ...rest }, metadata } = decodeState(bytes, source), text = metadata.get('checkpoint'), notes = metadata.get('notes');
  if (text === undefined) throw new TightrecError('wrong-checkpoint', `${source} is a ${rest.model} that was saved, not a checkpoint of a fit; name another file`);
  const need = (fine: boolean, what: string): void => { if (!fine) throw new TightrecError('file-damaged', `${source}: the metadata checkpoint must be JSON with ${what}`); };
  const count = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least;

  const snapshot = (which: 'last' | 'best', told: Partial<Told> | null | undefined, tensors: Tensors): Snapshot => {
    const { epoch, random, steps } = told ?? {};
    need(count(epoch, 1), `a whole number ${which} epoch`);
    need(random === null || (Array.isArray(random) && random.length === 5 && random.slice(0, 4).every((bits) => count(bits, 0)) && (random[4] === null || Number.isFinite(random[4]))), `the five numbers of the generator at the ${which} epoch`);
    need(typeof steps === 'object' && steps !== null && Object.values(steps).every((n) => count(n, 0)), `the optimiser's steps at the ${which} epoch`);
    const optimizer = Object.entries(steps!).map(([name, n]) => [name, { steps: n, arrays: under(all, `checkpoint.${which}.${name}.`) }]);
    return { epoch: epoch!, tensors, optimizer: Object.fromEntries(optimizer), random: random?.map((n) => n ?? Number.NaN) ?? null };
  };

  let told: { firstLoss?: unknown; data?: Partial<DataMark> | null; last?: Partial<Told>; best?: { value?: unknown; at?: Partial<Told> | null } | null } = {};
  try { told = JSON.parse(text) ?? {}; } catch { need(false, 'an object'); }
  const { firstLoss, data, best } = told, { events, user, item, value, time, basket, features = 0 } = data ?? {};
  need(Number.isFinite(firstLoss), 'a number firstLoss');
  need(count(events, 1) && [user, item, features].every((sum) => count(sum, 0)) && [value, time, basket].every((sum) => sum === null || count(sum, 0)), 'what the data are known by');
  const tensors: Tensors = Object.fromEntries(Object.entries(all).filter(([name]) => !/^(seen_|checkpoint\.)/.test(name))), last = snapshot('last', told.last, tensors);
  need(last.epoch === rest.numbers.epochs, `the model's own number of epochs, ${rest.numbers.epochs}`);
  need(best === null || Number.isFinite(best?.value), 'the best value of validation, or null');
  return {
    state: { ...rest, tensors }, data: data as DataMark, firstLoss: firstLoss as number, last,
    best: best ? { value: best.value as number, at: best.at === null ? last : snapshot('best', best.at, bestTensors(all, Object.keys(tensors))) } : null,
    ...(notes !== undefined && { notes }),
  };
}

const toldOf = ({ epoch, random, optimizer }: Snapshot): Told => ({
  epoch, random: random?.map((n) => (Number.isNaN(n) ? null : n)) ?? null, steps: Object.fromEntries(Object.entries(optimizer).map(([name, { steps }]) => [name, steps])),
});

/** What an optimiser keeps of each parameter: checkpoint.last.user_factors.m */
function arraysOf(which: 'last' | 'best', { optimizer }: Snapshot): Tensors {
  return Object.assign({}, ...Object.entries(optimizer).map(([parameter, { arrays }]): Tensors =>
    Object.fromEntries(Object.entries(arrays).map(([name, data]) => [`checkpoint.${which}.${parameter}.${name}`, { shape: [data.length], data }]))));
}

/** The arrays whose names begin so, by the rest of their names. */
const under = (all: Tensors, prefix: string): Record<string, Float32Array> => Object.fromEntries(Object.entries(all).flatMap(([name, { data }]) =>
  (name.startsWith(prefix) && data instanceof Float32Array ? [[name.slice(prefix.length), data]] : [])));

const renamed = (tensors: Tensors, to: (name: string) => string): Tensors => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [to(name), tensor]));

const bestTensors = (all: Tensors, names: readonly string[]): Tensors => Object.fromEntries(names.flatMap((name) => { const found = all[`checkpoint.best.${name}`]; return found ? [[name, found]] : []; }));
