import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, category, id, interactions, number } from '../../lib/data/index.ts';
import { BPR, type Recommender, LogisticMF, Siamese, fromBytes, toBytes } from '../../lib/models.ts';
import { encodeOnnx } from '../../lib/io/onnxFile.ts';
import { type OnnxOptions, toOnnx } from '../../lib/onnx.ts';
import { forged } from '../helpers/forged.ts';
import { type Value, readOnnx, runOnnx } from '../helpers/onnxReader.ts';
import { onnxRun, whyNoOnnxRuntime } from '../helpers/onnxRuntime.ts';
import { refuses } from '../helpers/refuses.ts';
import { shop } from '../helpers/shop.ts';
import { skip } from '../helpers/skip.ts';
import { smallModels } from '../helpers/smallModels.ts';
import { withTables } from '../helpers/withTables.ts';

const test = suite('io/onnx');

const data = shop(), exported = ['AlternatingLeastSquares', 'BPR', 'CDAE', 'FactorizationMachine', 'HistoryToNext', 'HybridMF', 'LogisticMF', 'LogisticMatrixFactorization', 'RatingMF', 'SVDPlusPlus', 'Siamese', 'TwoTower'] as const;
const fitted: Record<string, Recommender> = {};
for (const name of exported) fitted[name] = await (smallModels[name]() as Recommender).fit(data);
const tower = { userFeatures: { id: id(), parity: category() }, itemFeatures: { row: number(), id: id() }, liked: 2, epochs: 2, batchSize: 50 };
fitted['Siamese, two layers'] = await withTables(new Siamese({ ...tower, layers: [13, 7], embedding: 5 })).fit(data);
fitted['Siamese, no hidden layer'] = await withTables(new Siamese({ ...tower, layers: [], embedding: 1 })).fit(data);
fitted['BPR, 129 factors'] = await new BPR({ factors: 129, epochs: 2, stepsPerEpoch: 3, batchSize: 50, initialBias: 0.5 }).fit(data);
const hasTowers = (name: string): boolean => fitted[name].answers.towers !== undefined;

type Feeds = Record<string, { data: Float32Array | BigInt64Array; shape: readonly number[] }>;
type Run = (file: Uint8Array, feeds: Feeds) => Promise<Record<string, Value>>;
const numbers = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);
const runs: Record<string, Run> = {
  'a reader by the words of the format': async (file, feeds) => runOnnx(readOnnx(file), Object.fromEntries(Object.entries(feeds).map(([name, { shape, data }]) => [name, { shape, data: numbers(data) }]))),
};
if (whyNoOnnxRuntime === null) runs.onnxruntime = async (file, feeds) => Object.fromEntries(Object.entries(await onnxRun(file, feeds)).map(([name, { dims, data }]) => [name, { shape: dims, data: numbers(data) }]));
else skip('io/onnx, onnxruntime', whyNoOnnxRuntime);

const int64 = (values: readonly number[]): Feeds[string] => ({ data: BigInt64Array.from(values, BigInt), shape: [values.length] });

/** What goes into a tower for rows of users, or of items: what their features say, dense, and beside it, where a user has one, their context. */
function denseRows(model: Recommender, side: 'user' | 'item', rows: readonly number[]): Feeds[string] {
  const { tensors } = model.toState(), { query, candidate } = model.answers.towers!, matrices = [`${side}_features`, ...(side === 'user' && 'user_context_indptr' in tensors ? ['user_context'] : [])];
  const widths = (side === 'user' ? query : candidate).features.map(({ columns }) => columns), columns = widths.reduce((sum, width) => sum + width, 0), data = new Float32Array(rows.length * columns);
  for (const [m, name] of matrices.entries()) {
    const [indptr, indices, values] = ['indptr', 'indices', 'values'].map((part) => tensors[`${name}_${part}`].data), before = m === 0 ? 0 : widths[0];
    for (const [b, row] of rows.entries()) for (let at = indptr[row]; at < indptr[row + 1]; at++) data[b * columns + before + indices[at]] = values[at];
  }
  return { data, shape: [rows.length, columns] };
}

/** What each output would be if no term of any sum were negative: what rounding is relative to. */
function sizes(file: Uint8Array, feeds: Feeds): Record<string, Value> {
  const read = readOnnx(file), sized = ({ shape, data }: Value): Value => ({ shape, data: Array.from(data, Math.abs) });
  const all = (values: Record<string, Value>): Record<string, Value> => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, sized(value)]));
  return runOnnx({ ...read, constants: all(read.constants) }, all(Object.fromEntries(Object.entries(feeds).map(([name, { shape, data }]) => [name, { shape, data: numbers(data) }]))));
}

/**
 * The same numbers: they differ by at most 1e-6 of the sizes of the terms that they are sums of. Of the sum itself that cannot be asked where its terms cancel: float32 rounds each at 6e-8 of its
 * own size, and the two sides add them up in different orders.
 */
function same(got: Value, expected: ArrayLike<number>, size: ArrayLike<number>, what: string): void {
  assert.is(got.data.length, expected.length, what);
  let worst = 0;
  for (let at = 0; at < expected.length; at++) {
    const off = got.data[at] === expected[at] ? 0 : Math.abs(got.data[at] - expected[at]) / size[at];
    if (!(off <= worst)) worst = off;
  }
  if (process.env.TIGHTREC_SHOW) console.log(what, worst);
  assert.ok(worst <= 1e-6, `${what}: ${worst}`);
}

const batches = [[5], [22, 0, 5, 5, 17, 21, 1]];

for (const [reader, run] of Object.entries(runs)) {
  for (const [name, model] of Object.entries(fitted)) {
    const check = async (file: Uint8Array, users: readonly number[], given: Feeds, k: number): Promise<void> => {
      const feeds = { ...given, k: int64([k]) }, { scores, items, top_scores } = await run(file, feeds), lists = model.recommend(users, { k: Math.min(k, model.nItems) });
      assert.equal([scores.shape, items.shape, top_scores.shape], [[users.length, 17], [users.length, Math.min(k, 17)], [users.length, Math.min(k, 17)]]);
      assert.equal(numbers(items.data), numbers(lists.items), `k ${k}`);
      const size = sizes(file, feeds).scores.data;
      same(scores, model.scores(users), size, `${name}, ${reader}, scores of ${users.length}`);
      same(top_scores, lists.scores, numbers(lists.items).map((item, at) => size[Math.floor(at / lists.items.length * users.length) * 17 + item]), `${name}, ${reader}, top scores of ${users.length}`);
    };

    test(`${name}, ${reader}: scores and lists of users by row`, async () => {
      for (const users of batches) for (const k of [1, 5, 17, 40]) await check(toOnnx(model), users, { user: int64(users) }, k);
    });

    if (!hasTowers(name)) continue;

    test(`${name}, ${reader}: scores and lists by the features of users`, async () => {
      for (const users of batches) for (const k of [1, 5, 40]) await check(toOnnx(model, { part: 'retrieval' }), users, { features: denseRows(model, 'user', users) }, k);
    });

    for (const [part, side, rows] of [['query', 'user', batches], ['candidate', 'item', [[5], [16, 0, 5, 5, 11, 2, 1]]]] as const) {
      test(`${name}, ${reader}: embeddings of part '${part}'`, async () => {
        const { shape: [, K], data: vectors } = model.answers.vectors![side]!;
        for (const some of rows) {
          const file = toOnnx(model, { part }), feeds = { features: denseRows(model, side, some) }, { embeddings, ...others } = await run(file, feeds);
          assert.equal([embeddings.shape, others], [[some.length, K], {}]);
          same(embeddings, some.flatMap((row) => numbers(vectors.subarray(row * K, (row + 1) * K))), sizes(file, feeds).embeddings.data, `${name}, ${reader}, ${part} of ${some.length}`);
        }
      });
    }
  }

  test(`${reader}: equal scores go to the lower row`, async () => {
    const model = fromBytes(forged(toBytes(fitted.BPR), ({ tensors }) => {
      for (const name of ['item_factors', 'item_bias']) { // items 2, 7 and 16 are one
        const { shape: [, K = 1], data } = tensors[name];
        for (const row of [7, 16]) for (let k = 0; k < K; k++) data[row * K + k] = data[2 * K + k];
      }
    }));
    const { items } = await run(toOnnx(model), { user: int64([3, 4]), k: int64([17]) });
    assert.equal(numbers(items.data), numbers(model.recommend([3, 4], { k: 17 }).items));
    for (const list of [items.data, numbers(items.data).slice(17)]) assert.equal(numbers(list).slice(0, 17).filter((item) => [2, 7, 16].includes(item)), [2, 7, 16]);
  });

  test(`${reader}: the row for unknown items has scores, and no place in a list`, async () => {
    const items = LabelEncoder.fit([1, 2, 3], { unknown: true }), users = LabelEncoder.fit(['a', 'b'], { unknown: true });
    const learned = await new LogisticMF({ factors: 2, epochs: 1 }).fit(interactions(['a', 'b', 'zzz', 'a'], [1, 2, 3, 9], { users, items }));
    const model = fromBytes(forged(toBytes(learned), ({ tensors }) => { tensors.item_bias.data[0] = 9; })), file = toOnnx(model); // the best of all, if it were one
    assert.equal([readOnnx(file).metadata.user_ids, readOnnx(file).metadata.item_ids], ['[null,"a","b"]', '[null,1,2,3]']);
    const found = await run(file, { user: int64([0, 1, 2]), k: int64([10]) });
    assert.equal([found.scores.shape, found.items.shape], [[3, 4], [3, 3]]);
    assert.equal(numbers(found.items.data), numbers(model.recommend([0, 1, 2], { k: 3 }).items));
    same(found.scores, model.scores([0, 1, 2]), sizes(file, { user: int64([0, 1, 2]), k: int64([10]) }).scores.data, 'scores');
  });
}

for (const [name, model] of Object.entries(fitted)) {
  test(`${name}: the same bytes again, and after save and load`, () => {
    for (const part of hasTowers(name) ? (['scores', 'retrieval', 'query', 'candidate'] as const) : (['scores'] as const)) {
      const bytes = toOnnx(model, { part });
      assert.equal(toOnnx(model, { part }), bytes);
      assert.equal(toOnnx(fromBytes(toBytes(model)), { part }), bytes);
    }
  });
}

test('the file says what it is, and what goes in and comes out', () => {
  const { irVersion, producer, opset, name, inputs, outputs, metadata } = readOnnx(toOnnx(fitted.BPR));
  assert.equal([irVersion, producer, opset, name], [7, 'tightrec', { domain: '', version: 13 }, 'BPR, scores']);
  assert.equal(inputs, { user: { type: 7, shape: ['B'] }, k: { type: 7, shape: [1] } });
  assert.equal(outputs, { scores: { type: 1, shape: ['B', 17] }, items: { type: 7, shape: ['B', 'list'] }, top_scores: { type: 1, shape: ['B', 'list'] } });
  assert.equal(metadata, { model: 'BPR', part: 'scores', user_ids: JSON.stringify(data.users.labels), item_ids: JSON.stringify(data.items.labels) });
});

test('the metadata names the columns of features', () => {
  const model = fitted.Siamese, names = (part: OnnxOptions['part']): Record<string, string> => readOnnx(toOnnx(model, { part })).metadata;
  assert.equal(JSON.parse(names('candidate').feature_names), ['row', 'parity=even', 'parity=odd']);
  assert.equal(JSON.parse(names('query').feature_names), [...data.users.known().map((user) => `id=${user}`), 'parity=even', 'parity=odd']);
  assert.equal([Object.keys(names('query')), Object.keys(names('retrieval'))], [['model', 'part', 'features', 'feature_names'], ['model', 'part', 'features', 'feature_names', 'item_ids']]);
  assert.equal(JSON.parse(names('candidate').features), [{ name: 'row', kind: 'number', from: 0, to: 1, mean: 8, deviation: Math.sqrt(24) }, { name: 'parity', kind: 'category', from: 1, to: 3 }]); // of 0 to 16
  assert.equal(JSON.parse(names('query').features), [{ name: 'id', kind: 'id', from: 0, to: 23 }, { name: 'parity', kind: 'category', from: 23, to: 25 }]);
  assert.equal(readOnnx(toOnnx(model, { part: 'query' })).inputs.features.shape, ['B', 25]);
});

test('ids that JSON lacks, or would not hold', async () => {
  const ids = [7n, 0.5, '\ud800', '"', '😀'], model = await new BPR({ factors: 1, epochs: 1, stepsPerEpoch: 1 }).fit(interactions(ids, ids));
  assert.equal(JSON.parse(readOnnx(toOnnx(model)).metadata.user_ids), [0.5, { bigint: '7' }, '"', '\ud800', '😀']);
});

test('models without such scores, and without towers', async () => {
  for (const [name, make] of Object.entries(smallModels)) {
    refuses(() => toOnnx(make() as Recommender), 'not-fitted', name);
    if (!(exported as readonly string[]).includes(name)) {
      const model = await (make() as Recommender).fit(data);
      refuses(() => toOnnx(model), 'unsupported', `a model whose scores are products of vectors, one of ${exported.join(', ')}, got ${name}`);
    }
    if (name in fitted && !hasTowers(name)) for (const part of ['retrieval', 'query', 'candidate'] as const) refuses(() => toOnnx(fitted[name], { part }), 'unsupported', `a model with towers for part '${part}', such as TwoTower, got ${name}`);
  }
});

test('wrong options, and what is no model', () => {
  for (const part of ['users', '', null, 1, {}, 'toString']) refuses(() => toOnnx(fitted.BPR, { part } as object), 'bad-setting', 'toOnnx: part must be one of scores, retrieval, query, candidate, got');
  refuses(() => toOnnx(fitted.BPR, { parts: 'query' } as object), 'bad-setting', "there is no option 'parts'");
  for (const wrong of [null, undefined, {}, 'BPR', toBytes(fitted.BPR)]) refuses(() => toOnnx(wrong as unknown as Recommender), 'bad-input', 'toOnnx: expected a model, got');
});

test('2 GiB and more are refused before anything is copied', () => {
  const table = { shape: [2 ** 19, 2 ** 10], data: new Float32Array(2 ** 29) }; // the system gives pages to what is written, and nothing is
  refuses(() => encodeOnnx({ name: 'large', nodes: [], inputs: {}, outputs: {}, constants: { table } }), 'unsupported', /at most 2147483647 bytes, and this graph takes 21474837\d\d/);
});

test('a file cut short is none', async () => {
  const file = toOnnx(fitted.BPR);
  for (const length of [1, 100, file.length - 1]) {
    assert.throws(() => readOnnx(file.subarray(0, length)));
    if (whyNoOnnxRuntime !== null) continue;
    let said = '';
    try { await onnxRun(file.subarray(0, length), {}); } catch (error) { said = String(error); }
    assert.match(said, /create a session/);
  }
});

test.run();
