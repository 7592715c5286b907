import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Csr, countPairs } from '../../lib/data/csr.ts';
import { TightrecError, type ErrorCode } from '../../lib/errors.ts';
import * as metrics from '../../lib/metrics/index.ts';
import { type MetricName, type Ranker, evaluate } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';

const test = suite('metrics/evaluate');

const near = (got: number, expected: number): void => assert.ok(Math.abs(got - expected) < 1e-12, `got ${got}, expected ${expected}`);
const throws = (run: () => unknown, code: ErrorCode, message: RegExp): void => assert.throws(run, (error: unknown) => {
  assert.instance(error, TightrecError);
  assert.is((error as TightrecError).code, code);
  assert.match((error as TightrecError).message, message);
  return true;
});

/** A model that is a table of scores. It notes the sizes of the batches it was asked for. */
function tableModel(scores: Float32Array, nItems: number): Ranker & { batches: number[] } {
  const rowOf = (user: number) => scores.subarray(user * nItems, (user + 1) * nItems);
  const batches: number[] = [];
  return {
    nItems, batches,
    recommend(users, { k, exclude }) {
      batches.push(users.length);
      const items = new Int32Array(users.length * k).fill(-1), best = new Float32Array(users.length * k).fill(Number.NEGATIVE_INFINITY);
      for (const [b, user] of users.entries()) {
        const skip = new Set(exclude?.indices.subarray(exclude.indptr[user], exclude.indptr[user + 1]));
        const order = Array.from({ length: nItems }, (_, item) => item).filter((item) => !skip.has(item)).sort((i, j) => rowOf(user)[j] - rowOf(user)[i] || i - j);
        for (const [p, item] of order.slice(0, k).entries()) { items[b * k + p] = item; best[b * k + p] = rowOf(user)[item]; }
      }
      return { items, scores: best };
    },
    scores: (users) => Float32Array.from([...users].flatMap((user) => [...rowOf(user)])),
  };
}

function generated(nUsers: number, nItems: number, seed: number): { model: ReturnType<typeof tableModel>; test: Csr; train: Csr } {
  const source = random(seed), scores = Float32Array.from({ length: nUsers * nItems }, () => source.below(50));
  const pairs = (n: number) => countPairs(Int32Array.from({ length: n }, () => source.below(nUsers)), Int32Array.from({ length: n }, () => source.below(nItems)), nUsers, nItems);
  return { model: tableModel(scores, nItems), test: pairs(2 * nUsers), train: pairs(3 * nUsers) };
}

test('by hand: three users, one without test items', () => {
  // the model ranks 0 1 2 3 for everyone
  const model = tableModel(Float32Array.from([4, 3, 2, 1, 4, 3, 2, 1, 4, 3, 2, 1]), 4);
  const matrix = countPairs(Int32Array.of(0, 0, 2, 2), Int32Array.of(0, 3, 1, 1), 3, 4);
  const result = evaluate(model, matrix, { k: 2 });
  assert.equal(Object.keys(result), ['k', 'users', 'precision', 'recall', 'map', 'ndcg', 'mrr', 'hitRate']);
  assert.is(result.k, 2);
  assert.is(result.users, 2);
  near(result.precision, (1 / 2 + 1 / 2) / 2);
  near(result.recall, (1 / 2 + 1) / 2);
  near(result.map, (1 / 2 + 1 / 2) / 2);
  near(result.ndcg, (1 / (1 + 1 / Math.log2(3)) + 1 / Math.log2(3)) / 2);
  near(result.mrr, (1 + 1 / 2) / 2);
  near(result.hitRate, 1);
});

test('k is 10 unless asked', () => {
  const { model, test: matrix } = generated(5, 12, 1);
  assert.is(evaluate(model, matrix).k, 10);
});

for (const excluding of [false, true]) {
  test(`equals the functions over all users at once, ${excluding ? 'with' : 'without'} exclusions, several blocks`, () => {
    const nUsers = 2500, nItems = 40, k = 5, { model, test: matrix, train } = generated(nUsers, nItems, 2), exclude = excluding ? train : null;
    const result = evaluate(model, matrix, { k, exclude, metrics: ['precision', 'recall', 'map', 'ndcg', 'mrr', 'hitRate', 'auc'] });
    assert.ok(model.batches.length > 1 && Math.max(...model.batches) <= 1024, `batches ${model.batches}`);

    const everyone = Int32Array.from({ length: nUsers }, (_, user) => user), groups = { indptr: matrix.indptr, items: matrix.indices };
    const { items } = model.recommend(everyone, { k, exclude });
    assert.is(result.users, everyone.filter((user) => matrix.indptr[user] < matrix.indptr[user + 1]).length);
    assert.ok(result.users < nUsers);
    assert.is(result.precision, metrics.setPrecisionAtK(items, groups, k));
    assert.is(result.recall, metrics.recallAtK(items, groups, k));
    assert.is(result.map, metrics.mapAtK(items, groups, k));
    assert.is(result.ndcg, metrics.ndcgAtK(items, groups, k));
    assert.is(result.mrr, metrics.mrrAtK(items, groups, k));
    assert.is(result.hitRate, metrics.hitRateAtK(items, groups, k));
    assert.is(result.auc, metrics.meanAuc(model.scores!(everyone), nItems, groups, exclude));
  });
}

test('a large catalogue is asked for in small blocks', () => {
  const nItems = 2 ** 20, sizes: number[] = [];
  const model: Ranker = { nItems, recommend: (users, { k }) => { sizes.push(users.length); return { items: new Int32Array(users.length * k), scores: new Float32Array(users.length * k) }; } };
  const users = Int32Array.from({ length: 10 }, (_, user) => user);
  assert.is(evaluate(model, countPairs(users, new Int32Array(10), 10, nItems), { k: 1 }).hitRate, 1);
  assert.equal(sizes, [4, 4, 2]);
});

test('only the metrics asked for, a name given twice counted once, nothing recommended for AUC alone', () => {
  const { model, test: matrix } = generated(9, 12, 3), whole = evaluate(model, matrix, { k: 3 });
  assert.equal(evaluate(model, matrix, { k: 3, metrics: ['map', 'map'] }), { k: 3, users: whole.users, map: whole.map });
  model.batches.length = 0;
  const alone = evaluate(model, matrix, { metrics: ['auc'] });
  assert.equal(Object.keys(alone), ['k', 'users', 'auc']);
  assert.equal(model.batches, []);
  const typed: number = alone.auc;
  assert.ok(typed > 0 && typed < 1);
});

test('an excluded test item and an unknown one are misses that stay in the set', () => {
  const model = tableModel(Float32Array.of(3, 2, 1), 3), matrix = countPairs(Int32Array.of(0, 0, 0), Int32Array.of(0, 1, 7), 1, 8);
  const exclude = countPairs(Int32Array.of(0), Int32Array.of(0), 1, 3);
  near(evaluate(model, matrix, { k: 2, exclude }).recall, 1 / 3);
  throws(() => evaluate(model, matrix, { metrics: ['auc'] }), 'unknown-id', /test.indices must hold ids between 0 and 2, got 7 at position 2/);
});

test('short lists: more places than items', () => {
  const model = tableModel(Float32Array.of(3, 2, 1), 3), matrix = countPairs(Int32Array.of(0), Int32Array.of(2), 1, 3);
  const result = evaluate(model, matrix, { k: 10 });
  near(result.precision, 1 / 10);
  near(result.mrr, 1 / 3);
});

test('bad input is refused in one sentence', () => {
  const { model, test: matrix, train } = generated(9, 12, 5), { scores: _, ...scoreless } = model;
  throws(() => evaluate(model, matrix, { k: 0 }), 'bad-setting', /evaluate: k must be a positive integer, got 0/);
  throws(() => evaluate(model, matrix, { metrics: ['nDCG' as MetricName] }), 'bad-setting', /metrics must be among precision, recall, map, ndcg, mrr, hitRate and auc, got nDCG/);
  throws(() => evaluate(model, matrix, { metrics: ['toString' as MetricName] }), 'bad-setting', /got toString/);
  throws(() => evaluate(scoreless, matrix, { metrics: ['auc'] }), 'bad-setting', /auc needs a model with scores\(users\)/);
  throws(() => evaluate({ ...model, nItems: 0 }, matrix), 'bad-input', /model.nItems must be a positive integer, got 0/);
  throws(() => evaluate(model, countPairs(new Int32Array(0), new Int32Array(0), 9, 12)), 'bad-input', /all 9 rows of test are empty/);
  throws(() => evaluate(model, { ...matrix, rows: 8 }), 'bad-shape', /test.indptr must hold rows \+ 1 = 9 numbers, got 10/);
  throws(() => evaluate(model, matrix, { exclude: { ...train, rows: 3, indptr: Int32Array.of(0, 0, 0, train.indices.length) } }), 'bad-shape', /exclude must have as many rows as test, 9, got 3/);
  throws(() => evaluate({ ...model, recommend: () => ({ items: Int32Array.of(1), scores: Float32Array.of(1) }) }, matrix, { k: 3 }), 'bad-shape', /lists of model.recommend: top must hold \d+ lists of 3 = \d+ ids, got 1/);
  throws(() => evaluate({ ...model, scores: () => Float32Array.of(1) }, matrix, { metrics: ['auc'] }), 'bad-shape', /model.scores\(users\) must hold \d+ x 12/);
  throws(() => evaluate({ ...model, scores: (users) => new Float32Array(users.length * 12).fill(Number.NaN) }, matrix, { metrics: ['auc'] }), 'bad-input', /user \d+: scores must be numbers, got NaN for item 0/);
  throws(() => evaluate(tableModel(Float32Array.of(1), 1), countPairs(Int32Array.of(0), Int32Array.of(0), 1, 1), { metrics: ['auc'] }), 'bad-input', /auc needs a user with a liked item and another/);
});

test.run();
