import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, type RawId, interactions } from '../../lib/data/index.ts';
import { TightrecError } from '../../lib/errors.ts';
import { BPR, type Blend, LogisticMF, Popularity, type Recommender, fromBytes, toBytes } from '../../lib/models.ts';
import { type SafeTensor, decodeSafetensors, encodeSafetensors } from '../../lib/io/safetensors.ts';
import { load, save } from '../../lib/node.ts';
import { random } from '../../lib/random.ts';
import { type Parts, forged } from '../helpers/forged.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';
import { type IdKind, shop } from '../helpers/shop.ts';
import { smallModels as makers } from '../helpers/smallModels.ts';

const test = suite('io/model');
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const rows = (n: number): number[] => Array.from({ length: n }, (_, row) => row);

type Name = keyof typeof makers;
const names = Object.keys(makers) as Name[];
const fitted = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await (makers[name]() as Recommender).fit(shop())]))) as Record<Name, Recommender>;

/** The file of a model, changed by someone who can make checksums. */
const forge = (model: Recommender, change: (parts: Parts) => void): Uint8Array => forged(toBytes(model), change);

const f32 = (shape: number[], values: ArrayLike<number>): SafeTensor => ({ dtype: 'F32', shape, data: Float32Array.from(values) });
const i32 = (values: ArrayLike<number>, shape = [values.length]): SafeTensor => ({ dtype: 'I32', shape, data: Int32Array.from(values) });
const text = (json: string): SafeTensor => ({ dtype: 'U8', shape: [utf8(json).length], data: utf8(json) });
const edited = (tensor: SafeTensor, at: number, value: number): SafeTensor => { const data = tensor.data.slice() as Float32Array; data[at] = value; return { ...tensor, data } as SafeTensor; };

const damaged = (bytes: Uint8Array, ...words: (string | RegExp)[]): void => {
  refuses(() => fromBytes(bytes, 'shop.safetensors'), 'file-damaged', /^shop\.safetensors\b/, ...words);
  try { fromBytes(bytes, 'shop.safetensors'); } catch (error) { assert.ok((error as Error).message.length < 600 && !(error as Error).message.includes('\n'), (error as Error).message); }
};

for (const name of names) {
  test(`${name}: there and back`, () => {
    const model = fitted[name], bytes = toBytes(model), same = fromBytes(bytes);
    assert.is(same.constructor, model.constructor);
    assert.equal([same.settings, same.users.labels, same.items.labels, same.scores(rows(23))], [model.settings, model.users.labels, model.items.labels, model.scores(rows(23))]);
    assert.equal([same.answers.vectors?.user?.data, same.answers.vectors?.item.data], [model.answers.vectors?.user?.data, model.answers.vectors?.item.data], 'vectors, to the bit');
    assert.equal(toBytes(same), bytes);
    assert.equal(forge(model, () => {}), bytes, 'the forger of this test makes the same file');
  });

  test(`${name}: the bytes may lie anywhere, and are not kept`, () => {
    const bytes = toBytes(fitted[name]), around = new Uint8Array(bytes.length + 13).fill(7);
    around.set(bytes, 5);
    const view = around.subarray(5, 5 + bytes.length), model = fromBytes(view), shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    view.fill(0);
    assert.equal(toBytes(model), bytes);
    shared.set(bytes);
    assert.equal(toBytes(fromBytes(shared)), bytes);
    assert.equal(toBytes(fromBytes(Buffer.from(bytes))), bytes);
  });

  test(`${name}: cut short anywhere, or with something after it`, () => {
    const bytes = toBytes(fitted[name]);
    for (let length = 0; length < bytes.length; length += length < 2000 ? 1 : 7) damaged(bytes.subarray(0, length));
    for (const extra of [1, 8, 4096]) damaged(Uint8Array.from([...bytes, ...new Uint8Array(extra)]));
  });

  test(`${name}: one byte changed: the same model, or an error that says so`, () => {
    const bytes = toBytes(fitted[name]), next = random(1), scores = fitted[name].scores(rows(23));
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      const copy = bytes.slice();
      copy[at] ^= 1 << next.below(8);
      if (at % 3 === 0) copy[at] = next.below(256);
      try {
        assert.equal(fromBytes(copy).scores(rows(23)), scores, `byte ${at}`);
      } catch (error) {
        if (!(error instanceof TightrecError)) throw error;
        assert.is(error.code, 'file-damaged', `byte ${at}: ${error.message}`);
        refused++;
      }
    }
    assert.ok(refused > 0.99 * bytes.length, `${refused} of ${bytes.length}`);
  });

  test(`${name}: one byte changed by someone who can make checksums: something consistent, or an error`, () => {
    const next = random(2), model = fitted[name];
    let loaded = 0;
    for (let n = 0; n < 600; n++) {
      const bytes = forge(model, ({ tensors, metadata }) => {
        if (n % 3 === 0) {
          const keys = Object.keys(metadata).filter((key) => key !== 'checksum'), key = keys[next.below(keys.length)], chars = [...metadata[key]];
          chars[next.below(chars.length)] = String.fromCharCode(32 + next.below(95));
          metadata[key] = chars.join('');
        } else {
          const keys = Object.keys(tensors), key = keys[next.below(keys.length)], tensor = tensors[key], copy = new Uint8Array(tensor.data.slice().buffer);
          copy[next.below(copy.length)] ^= 1 << next.below(8);
          const data = tensor.dtype === 'U8' ? copy : tensor.dtype === 'I32' ? new Int32Array(copy.buffer) : new Float32Array(copy.buffer);
          tensors[key] = { ...tensor, data } as SafeTensor;
        }
      });
      try {
        const got = fromBytes(bytes);
        assert.ok(got.scores(rows(got.nUsers)).length === 23 * 17);
        got.recommendFor(got.users.known()[0]);
        assert.equal(toBytes(fromBytes(toBytes(got))), toBytes(got));
        loaded++;
      } catch (error) {
        if (!(error instanceof TightrecError)) throw error;
        assert.is(error.code, 'file-damaged', error.message);
      }
    }
    assert.ok(loaded > 40 && loaded < 560, `${loaded}`);
  });

  test(`${name}: a missing, misshapen or mistyped tensor`, () => {
    const model = fitted[name], { tensors } = decodeSafetensors(toBytes(model));
    for (const [key, tensor] of tensors) {
      const own = key.replace(/^part_\d+_/, ''); // as the part itself says it
      damaged(forge(model, ({ tensors }) => { delete tensors[key]; }), new RegExp(own.replace(/_[^_]*$/, '')));
      damaged(forge(model, ({ tensors }) => { tensors[key] = text('[]'); }));
      damaged(forge(model, ({ tensors }) => { tensors[key] = i32([]); }));
      damaged(forge(model, ({ tensors }) => { tensors[key] = f32([0], []); }));
      if (tensor.dtype === 'F32') {
        for (const bad of [Number.NaN, Infinity, -Infinity]) damaged(forge(model, ({ tensors }) => { tensors[key] = edited(tensor, 1 % tensor.data.length, bad); }), 'not finite');
        damaged(forge(model, ({ tensors }) => { tensors[key] = f32([tensor.data.length + 1], [...Array.from(tensor.data as Float32Array), 0]); }));
        if (!/values/.test(key)) damaged(forge(model, ({ tensors }) => { tensors[key] = f32([...tensor.shape, 1], tensor.data as Float32Array); }), `expected a float32 tensor ${own} of shape [${tensor.shape}], got shape [${tensor.shape},1]`);
      }
    }
  });

  test(`${name}: ids that are repeated, or no ids`, () => {
    const model = fitted[name], ids = model.users.known() as string[];
    const users = (list: unknown[] | string) => forge(model, ({ tensors }) => { tensors.user_ids = text(typeof list === 'string' ? list : JSON.stringify(list)); });
    damaged(users([ids[0], ids[0], ...ids.slice(2)]), 'user_ids', `must be distinct, got ${ids[0]} again at position 1`);
    assert.equal(fromBytes(users([...ids.slice(1), 5])).users.known(), [...ids.slice(1), 5], 'in any order: ids that came later stand last');
    damaged(users(ids.slice(1)), '22 rows');
    damaged(users([...ids, 'zzz']));
    damaged(users([]));
    damaged(users('not JSON'), 'user_ids is not JSON');
    damaged(users('{"a":1}'), 'must hold a JSON array');
    damaged(users('"text"'), 'must hold a JSON array');
    damaged(users('null'));
    for (const wrong of [null, true, [], {}, { bigint: 5 }, { bigint: '1.5' }, { bigint: '0x10' }, { bigint: '' }, { toString: 1 }]) damaged(users([wrong, ...ids.slice(1)]), 'user_ids', 'which is not an id');
    damaged(users(`[1e999,${JSON.stringify(ids.slice(1)).slice(1)}`), 'which is not an id');
    damaged(users(`[${'['.repeat(200_000)}${']'.repeat(200_000)},${JSON.stringify(ids.slice(1)).slice(1)}`), 'which is not an id');
    damaged(forge(model, ({ tensors }) => { tensors.item_ids = { dtype: 'U8', shape: [2], data: Uint8Array.of(0xff, 0xfe) }; }), 'item_ids is not JSON');
  });

  test(`${name}: metadata that is not ours`, () => {
    const model = fitted[name], meta = (key: string, value: string | null) => forge(model, ({ metadata }) => { if (value === null) delete metadata[key]; else metadata[key] = value; });
    damaged(meta('format', null), 'not a tightrec model', 'got none');
    damaged(meta('format', 'pt'), 'not a tightrec model', '"pt"');
    damaged(meta('version', null), 'expected file version 1, got none');
    damaged(meta('version', '2'), 'written by a newer tightrec', 'version is 2', 'reads version 1', 'update tightrec');
    damaged(meta('version', 'x'), 'expected file version 1, got "x"');
    damaged(meta('version', '1.0'), 'expected file version 1');
    for (const wrong of ['', 'ALS', 'constructor', '__proto__', 'toString', 'hasOwnProperty', name.toLowerCase(), `${name} `]) damaged(meta('model', wrong), 'expected one of the models AlternatingLeastSquares, AutoRec, BPR, BiasOnly, Blend, CDAE, EASE, FactorizationMachine, HistoryToNext, HybridMF, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, Popularity, PurchaseHistory, RatingMF, SVDPlusPlus, Siamese, TwoTower', JSON.stringify(wrong));
    damaged(meta('model', null), 'got none');
    damaged(meta('model', names[(names.indexOf(name) + 1) % names.length]));
    damaged(meta('checksum', '00000000'), 'changed since it was written', '00000000');
    damaged(meta('checksum', null), 'the file says none');
    for (const key of ['settings', 'numbers', 'unknown']) {
      damaged(meta(key, null), `${key} in its metadata is not JSON, got none`);
      for (const wrong of ['', '{', 'undefined', '{"a":NaN}']) damaged(meta(key, wrong), `${key} in its metadata is not JSON`);
      for (const wrong of ['null', '[]', '1', '"text"', 'true', `${'['.repeat(100_000)}${']'.repeat(100_000)}`]) damaged(meta(key, wrong), `${key} in its metadata must be a JSON object`);
    }
    damaged(meta('model', 'x'.repeat(100_000)), 'expected one of the models');
  });

  test(`${name}: settings of a file are checked like any others`, () => {
    const model = fitted[name], settings = (more: string) => forge(model, ({ metadata }) => { metadata.settings = JSON.stringify(model.settings).replace(/\}$/, `${Object.keys(model.settings).length > 0 ? ',' : ''}${more}}`); });
    damaged(settings('"colour":"red"'), `there is no setting 'colour'`);
    damaged(settings('"__proto__":{"factors":3}'), `there is no setting '__proto__'`);
    damaged(settings('"constructor":1'), `there is no setting 'constructor'`);
    for (const key of Object.keys(model.settings)) {
      for (const wrong of ['"8x"', '-1.5e300', '{}', '[]', '[1]', '{"toString":1,"valueOf":1}', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'true', '1e999']) {
        if (['seed', 'forgetBias', 'liked'].includes(key) && wrong === '-1.5e300') continue;
        if (['verifyNegatives', 'user', 'normalizeFeatures', 'removeHits', 'samplingCorrection'].includes(key) && wrong === 'true') continue;
        if (key === 'layers' && ['[]', '[1]'].includes(wrong)) continue;
        const feature = /^(user|item|context)Features$/.test(key) && wrong.startsWith('{"') ? ': feature "toString"' : ''; // an object of features: what is wrong is in it
        damaged(settings(`"${key}":${wrong}`), `${name}: ${key}${feature} must be`);
      }
    }
  });

  test(`${name}: numbers of a file are checked`, () => {
    const model = fitted[name], numbers = (json: string) => forge(model, ({ metadata }) => { metadata.numbers = json; });
    damaged(numbers('{"more":"x"}'), 'number more is "x"');
    damaged(numbers('{"more":null}'), 'number more is null');
    damaged(numbers('{"more":1e999}'), 'number more is');
    damaged(numbers(`{"more":${'['.repeat(50_000)}${']'.repeat(50_000)}}`), 'number more is an object');
    if (name === 'EASE' || name === 'ItemKNN') return;
    if (name === 'BiasOnly') {
      damaged(numbers('{}'), 'BiasOnly: expected the number mean, the mean of the ratings, got none');
      damaged(numbers('{"mean":3,"lowest":5,"highest":1}'), 'the range of the ratings, got 5 and 1');
      return;
    }
    const timed = name === 'PurchaseHistory' || name === 'Popularity';
    if (name === 'Blend') {
      damaged(numbers('{}'), 'the number latest must be a time, got none'); // of its second part
      damaged(numbers('{"part_1_latest":0,"part_2_epochs":1,"weight_0":1,"weight_2":1}'), 'Blend: the number weight_1 must be a weight, got none');
      return;
    }
    damaged(numbers('{}'), timed ? 'the number latest must be a time, got none' : 'the number epochs must be a whole number from 1 up, got none');
    if (!timed) for (const wrong of ['0', '-1', '1.5', '1e300']) damaged(numbers(`{"epochs":${wrong}}`), `epochs must be a whole number from 1 up, got ${Number(wrong)}`);
  });

  test(`${name}: a matrix whose parts do not fit`, () => {
    const model = fitted[name], { seen } = model.toState().catalogue, nnz = seen.indices.length;
    const part = (which: string, tensor: SafeTensor) => forge(model, ({ tensors }) => { tensors[`seen_${which}`] = tensor; });
    damaged(part('indptr', edited(i32(seen.indptr), 0, 1)), 'the matrix seen is damaged');
    damaged(part('indptr', edited(i32(seen.indptr), 23, nnz + 1)), 'the matrix seen is damaged');
    damaged(part('indptr', edited(i32(seen.indptr), 5, nnz + 7)), 'the matrix seen is damaged');
    damaged(part('indptr', edited(i32(seen.indptr), 5, -7)), 'ends before it begins');
    damaged(part('indptr', i32([...seen.indptr, nnz])), 'expected 23 rows, got pointers for 24');
    damaged(part('indices', edited(i32(seen.indices), 3, 17)), 'outside 0..16');
    damaged(part('indices', edited(i32(seen.indices), 3, -1)), 'outside 0..16');
    damaged(part('indices', i32([...seen.indices].map(() => 4))), 'out of order');
    damaged(part('indices', i32([...seen.indices].slice(1))), 'the matrix seen is damaged');
    damaged(part('values', f32([nnz - 1], seen.values.subarray(1))), 'the matrix seen is damaged');
  });

  test(`${name}: tensors and metadata that we do not know are left alone`, () => {
    const bytes = forge(fitted[name], ({ tensors, metadata }) => {
      for (const key of ['__proto__', 'constructor', 'toState', 'shape', 'user_factors ', 'größe', 'a/../b']) Object.defineProperty(tensors, key, { value: f32([2], [1, 2]), enumerable: true });
      tensors.wide = { dtype: 'I64', shape: [1], data: BigInt64Array.of(1n) };
      Object.defineProperty(metadata, '__proto__', { value: 'x', enumerable: true });
      metadata.note = 'mine';
    });
    assert.equal(toBytes(fromBytes(bytes)), toBytes(fitted[name]));
    assert.is(({} as { shape?: unknown }).shape, undefined);
  });
}

test('the parts of a blend: one of ours each, with settings, and no blends', () => {
  const parts = (json: string | null) => forge(fitted.Blend, ({ metadata }) => { if (json === null) delete metadata.parts; else metadata.parts = json; });
  const [knn, history, bpr] = (fitted.Blend as Blend).models.map(({ name, settings }) => JSON.stringify({ model: name, settings }));
  assert.equal(toBytes(fromBytes(parts(`[${knn},${history},${bpr}]`))), toBytes(fitted.Blend));
  damaged(parts(null), 'parts in its metadata is not JSON, got none');
  for (const wrong of ['', '[', 'NaN']) damaged(parts(wrong), 'parts in its metadata is not JSON');
  for (const wrong of ['{}', '[]', '5', 'null', '"text"', `[${Array.from({ length: 101 }, () => history).join(',')}]`]) damaged(parts(wrong), 'parts in its metadata must be a JSON array of 1 to 100 models');
  for (const wrong of ['null', '5', '{}', '{"model":"Blend","settings":{}}', '{"model":"ALS","settings":{}}', '{"model":"__proto__","settings":{}}', '{"model":["BPR"],"settings":{}}']) damaged(parts(`[${knn},${wrong},${bpr}]`), 'part 1 must be one of the models AlternatingLeastSquares, AutoRec, BPR, BiasOnly, CDAE, EASE,');
  for (const wrong of ['', ',"settings":null', ',"settings":[]', ',"settings":"x"']) damaged(parts(`[${knn},{"model":"PurchaseHistory"${wrong}},${bpr}]`), 'the settings of part 1 must be a JSON object');
  damaged(parts(`[${knn},{"model":"PurchaseHistory","settings":{"halfLife":-1}},${bpr}]`), 'PurchaseHistory: halfLife must be a positive number');
  damaged(parts(`[${knn},${history}]`), 'Blend: weights must be an array of 2 finite numbers');
  damaged(parts(`[${history},${knn},${bpr}]`), 'PurchaseHistory: the matrix history is damaged');
});

test('a table of another width than the settings say', () => {
  for (const name of ['LogisticMF', 'BPR'] as const) {
    const model = fitted[name];
    damaged(forge(model, ({ metadata }) => { metadata.settings = metadata.settings.replace('"factors":3', '"factors":4'); }), 'expected a float32 tensor user_factors of shape [23,4], got shape [23,3]');
    damaged(forge(model, ({ tensors }) => { tensors.user_factors = f32([23, 0], []); tensors.item_factors = f32([17, 0], []); }), 'of shape [23,3], got shape [23,0]');
    damaged(forge(model, ({ tensors }) => { tensors.item_factors = f32([17, 2], new Float32Array(34)); }), 'item_factors of shape [17,3]');
  }
});

test('a refused file leaves no memory behind', async () => {
  const model = fitted.BPR, bytes = forge(model, ({ tensors }) => { delete tensors.item_bias; });
  const before = await settled();
  for (let n = 0; n < 50; n++) damaged(bytes);
  assert.ok((await settled(before)) <= before);
});

test('what is not a model file at all', () => {
  damaged(new Uint8Array(0), 'at least 8 bytes');
  damaged(utf8('{"a":1}      '));
  damaged(encodeSafetensors({}), 'not a tightrec model');
  damaged(encodeSafetensors({}, { format: 'tightrec', version: '1', model: 'BPR' }), 'checksum');
  damaged(utf8('PK\u0003\u0004 a zip file, perhaps'));
  for (const wrong of [null, undefined, 'text', {}, [1, 2]]) refuses(() => fromBytes(wrong as unknown as Uint8Array), 'bad-input', 'Uint8Array');
});

test('a model that was not fitted has no bytes', () => {
  for (const name of names) refuses(() => toBytes(makers[name]()), 'not-fitted', name);
});

test('ids of every kind and of every shape come back', async () => {
  const odd: RawId[] = ['', ' ', '"', '\\', '\u0000', '\n', 'null', '__proto__', '{"bigint":"5"}', 'é', '\u{1f600}', '\uffff', '\ud800', 0, -1, 1.5, 5e-324, 1.7976931348623157e308, 2 ** 53, 0n, -5n, 10n ** 40n];
  const data = interactions(odd, odd.toReversed());
  for (const name of ['Popularity', 'BPR'] as const) {
    const model = await (name === 'BPR' ? new BPR({ factors: 2, epochs: 1, stepsPerEpoch: 1 }) : new Popularity()).fit(data), same = fromBytes(toBytes(model));
    assert.equal(same.users.labels, model.users.labels);
    assert.ok(odd.every((id) => same.users.encode(id) === model.users.encode(id) && same.users.encode(id) >= 0));
    assert.equal(toBytes(same), toBytes(model));
  }
});

test('encoders with a row for the unknown come back', async () => {
  const users = LabelEncoder.fit(['a', 'b'], { unknown: true }), items = LabelEncoder.fit([1, 2]);
  const model = await new LogisticMF({ factors: 2, epochs: 1 }).fit(interactions(['a', 'zzz', 'b'], [1, 2, 2], { users, items })), same = fromBytes(toBytes(model));
  assert.equal([same.users.unknown, same.users.labels, same.items.unknown, same.items.labels], [true, [null, 'a', 'b'], false, [1, 2]]);
  assert.equal(same.scores([0, 1, 2]), model.scores([0, 1, 2]));
});

test('save and load: whole, or not at all', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tightrec-model-'));
  try {
    const path = join(folder, 'shop.safetensors');
    for (const name of names) {
      await save(fitted[name], path);
      assert.equal(new Uint8Array(readFileSync(path)), toBytes(fitted[name]));
      assert.equal(toBytes(await load(path)), toBytes(fitted[name]));
    }
    const before = readFileSync(path);
    await rejects(() => save(new BPR(), path), 'not-fitted');
    await rejects(() => save(fitted.BPR, join(folder, 'nowhere', 'x')), 'file-missing');
    assert.equal(readFileSync(path), before);
    writeFileSync(path, before.subarray(0, 500));
    await rejects(() => load(path), 'file-damaged', path);
    await rejects(() => load(join(folder, 'none')), 'file-missing', 'none');
    await rejects(() => load(folder), 'file-unreadable');
  } finally { rmSync(folder, { recursive: true }); }
});

test('what is learned does not depend on the kind of the ids', async () => {
  const kinds: IdKind[] = ['string', 'number', 'bigint'];
  const bytes = await Promise.all(kinds.map(async (kind) => toBytes(await makers.BPR().fit(shop(kind)))));
  const factors = bytes.map((file) => decodeSafetensors(file).tensors.get('item_factors'));
  assert.equal(factors[0], factors[1]);
  assert.equal(factors[0], factors[2]);
});

test.run();
