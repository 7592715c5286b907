import { readWhole } from '../io/files.ts';
import { modelOf } from './loadModel.ts';
import { columnsOf } from './options.ts';
import { openTerminal, printable } from './terminal.ts';

/** info: the command `tightrec info`. */
export async function info(file: string, { json }: { json?: boolean }): Promise<void> {
  const bytes = await readWhole(file), model = modelOf(bytes, file), { tensors, numbers } = model.toState(), { seen } = model.answers.catalogue;
  const shapes = Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, [...shape]]));
  const facts = { model: model.name, users: model.nUsers, items: model.nItems, pairs: seen.indices.length, settings: model.settings, numbers, tensors: shapes, bytes: bytes.length };
  const { result } = openTerminal();
  if (json) { result(`${JSON.stringify(facts, null, 2)}\n`); return; }

  const n = (value: number) => value.toLocaleString('en'), example = (ids: readonly unknown[]) => printable(ids.slice(0, 3).map(String).join(', '));
  const lines = [
    ['model', model.name],
    ['users', `${n(model.nUsers)}, such as ${example(model.users.known())}`],
    ['items', `${n(model.nItems)}, such as ${example(model.items.known())}`],
    ['pairs', `${n(facts.pairs)} of a user and an item in the training data`],
    ...Object.entries(model.settings).map(([name, value]) => [name, isPlain(value) ? printable(JSON.stringify(value)) : String(value)]),
    ...Object.entries(numbers).map(([name, value]) => [name === 'epochs' ? 'epochs done' : name, name === 'latest' ? new Date(value).toISOString() : String(value)]),
    ...Object.entries(shapes).map(([name, shape]) => [name, shape.join(' x ')]),
    ['file', `${n(bytes.length)} bytes`],
  ];
  result(columnsOf(['', ''], lines, [false, false]).trimStart());
}

const isPlain = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value); // features by name
