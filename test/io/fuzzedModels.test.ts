import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { useKernels } from '../../kernels/index.ts';
import { bucket, category, id, interactions, multi, number, sideTable, text } from '../../lib/data/index.ts';
import { TightrecError } from '../../lib/errors.ts';
import { fromBytes } from '../../lib/io/anyFromBytes.ts';
import { toBytes } from '../../lib/io/model.ts';
import { BiasOnly } from '../../lib/models/biasOnly.ts';
import { FactorizationMachine } from '../../lib/models/factorizationMachine.ts';
import { HybridMF } from '../../lib/models/hybridMF.ts';
import { RatingMF } from '../../lib/models/ratingMF.ts';
import type { RatingModel } from '../../lib/models/ratings.ts';
import type { Recommender } from '../../lib/models/recommender.ts';
import { SVDPlusPlus } from '../../lib/models/svdPlusPlus.ts';
import { random } from '../../lib/random.ts';
import { type Parts, forged } from '../helpers/forged.ts';

// Whatever a file says, with checksums that are right: it is refused in one sentence that names it, or the model answers like any other.

const users = ['ana', 'ana', 'ben', 'ben', 'cy', 'cy'], items = ['x', 'y', 'x', 'z', 'y', 'z'], data = interactions(users, items, { values: [5, 1, 4, 2, 1, 5] });
const tables = {
  userTable: sideTable(['ana', 'ben', 'cy'], { age: [20, 30, 40], job: ['cook', 'nurse', 'cook'] }),
  itemTable: sideTable(['x', 'y', 'z'], { genres: ['A|B', 'B', 'C'], year: [1990, 2000, 2010], title: ['one', 'two', 'one two'] }),
};
const features = { userFeatures: { id: id(), age: number(), job: category({ rare: 2 }) }, itemFeatures: { id: id(), genres: multi(), year: bucket({ count: 2 }), title: text({ words: 2 }) } };
const small = { factors: 4, epochs: 2 };
const fitted: Record<string, () => Promise<Recommender>> = {
  BiasOnly: () => new BiasOnly().fit(data),
  RatingMF: () => new RatingMF(small).fit(data),
  SVDPlusPlus: () => new SVDPlusPlus(small).fit(data),
  'FactorizationMachine of ratings': () => new FactorizationMachine({ ...small, ...features }).fit(data, tables),
  'FactorizationMachine of clicks': () => new FactorizationMachine({ ...small, ...features, task: 'click' }).fit(data, tables),
  HybridMF: () => new HybridMF({ ...small, ...features }).fit(data, tables),
};

/** Every part of a JSON value, as the way to it. */
function* ways(value: unknown, way: (string | number)[] = []): Generator<(string | number)[]> {
  yield way;
  if (typeof value === 'object' && value !== null) for (const key of Object.keys(value)) yield* ways((value as Record<string, unknown>)[key], [...way, key]);
}

function changed(value: unknown, [key, ...rest]: (string | number)[], to: unknown): unknown {
  if (key === undefined) return to;
  const copy = structuredClone(value) as Record<string, unknown>;
  if (rest.length === 0 && to === undefined) delete copy[key];
  else copy[key] = changed(copy[key], rest, to);
  return copy;
}

const junk: readonly unknown[] = [undefined, null, true, -1, 0, 0.5, 7, 2 ** 31, 1e300, '', 'text', 'id', [], [1], [[1]], {}, { length: 3 }, { kind: 'zz' }, { kind: 'id' }];
const numbers = [Number.NaN, Infinity, -Infinity, -1, 0, 3, 1e30, 2 ** 31 - 1];

/** The changes that are tried: each part of the JSON in the metadata, each tensor. */
function* changes(bytes: Uint8Array, next: ReturnType<typeof random>): Generator<[string, (parts: Parts) => void]> {
  const whole: Parts[] = [];
  forged(bytes, (parts) => { whole.push(structuredClone(parts)); });
  const [{ metadata, tensors }] = whole;
  for (const key of ['settings', 'numbers', 'features', 'unknown'].filter((key) => key in metadata)) {
    const before: unknown = JSON.parse(metadata[key]);
    for (const way of ways(before)) for (const to of junk) yield [`${key}.${way.join('.')} = ${JSON.stringify(to)}`, (parts) => { parts.metadata[key] = JSON.stringify(changed(before, way, to)) ?? ''; }];
  }
  for (const [name, { data, shape }] of Object.entries(tensors)) {
    yield [`without ${name}`, (parts) => { delete parts.tensors[name]; }];
    yield [`${name} of shape [${data.length}, 1, 1]`, (parts) => { parts.tensors[name] = { ...parts.tensors[name], shape: [data.length, 1, 1] }; }];
    if (data.length > 1) yield [`${name} cut short`, (parts) => { parts.tensors[name] = { ...parts.tensors[name], shape: [data.length - 1], data: data.slice(0, -1) } as Parts['tensors'][string]; }];
    if (data instanceof Uint8Array || data.length === 0) continue;
    for (const to of numbers) {
      const at = next.below(data.length);
      yield [`${name} of [${shape}], position ${at} = ${to}`, (parts) => { (parts.tensors[name].data as Float32Array)[at] = to; }];
    }
  }
}

/** All that a model is asked. A loop that reads what is not there gives NaN. */
async function use(model: Recommender, finite: boolean): Promise<void> {
  const user = model.users.known()[0], [item] = model.items.known(), pairs = model.score([0, 0, 0], [0, 1, 2]);
  const ratings = 'predict' in model ? (model as RatingModel).predict([0, -1], [0, 0]) : [];
  if (finite) assert.ok([...model.scores([0]), ...pairs, ...ratings].every(Number.isFinite), 'a score that is no number');
  model.recommendFor(user, { k: 2, excludeSeen: false });
  if ('predictFor' in model) for (const known of [user, 'new']) (model as RatingModel).predictFor(known, item);
  if (model.name !== 'BiasOnly') model.similarTo(item, { k: 2 });
  fromBytes(toBytes(model));
  if ('addIds' in model) (model as HybridMF).addIds({ userTable: sideTable(['new'], { age: [31], job: ['pilot'] }) });
  if (['epochs', 'sweeps', 'negatives', 'maxSampled'].every((name) => ((model.settings as Record<string, number>)[name] ?? 1) < 50)) await model.partialFit(data);
}

const test = suite('io fuzzed models');
test.before(() => { useKernels('loop'); });

for (const [name, make] of Object.entries(fitted)) {
  test(`${name}: a file changed anywhere is refused, or serves`, async () => {
    const bytes = toBytes(await make());
    let tried = 0, refused = 0;
    for (const [what, change] of changes(bytes, random(1))) {
      tried++;
      let model: Recommender;
      try { model = fromBytes(forged(bytes, change), 'the file'); } catch (error) {
        if (!(error instanceof TightrecError && error.code === 'file-damaged' && error.message.startsWith('the file: '))) assert.unreachable(`${what}: ${(error as Error).stack}`);
        refused++;
        continue;
      }
      try { await use(model, !what.endsWith('e+30')); } catch (error) {
        if (!(error instanceof TightrecError)) assert.unreachable(`${what}: ${(error as Error).stack}`);
      }
      model.free();
    }
    assert.ok(tried > 100 && refused > tried / 3, `${refused} of ${tried} were refused`);
  });
}

test.run();
