import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { shape } from '../../bench/shapes.ts';
import { linearMemory, limitMemory, memoryUse } from '../../kernels/memory.ts';
import { type Csr, type Interactions, LabelEncoder, interactions } from '../../lib/data/index.ts';
import { fromRows } from '../../lib/data/interactions.ts';
import { AlternatingLeastSquares, type AlternatingLeastSquaresSettings, type Recommender, fromBytes, toBytes } from '../../lib/models.ts';
import { random } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';
import { SHOP_ITEMS, SHOP_USERS, shop } from '../helpers/shop.ts';
import { skip } from '../helpers/skip.ts';

const test = suite('models/alternatingLeastSquares');

type Table = Float32Array | Float64Array;
const small: Partial<AlternatingLeastSquaresSettings> = { factors: 5, epochs: 3, l2: 1.5, alpha: 2, base: 1, seed: 7 };
const table = (model: Recommender, name: 'user_factors' | 'item_factors'): Float32Array => model.toState().tensors[name].data as Float32Array;
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const dot = (a: Table, b: Table): number => { let sum = 0; for (let k = 0; k < a.length; k++) sum += a[k] * b[k]; return sum; };
const row = (X: Table, r: number, K: number): Table => X.subarray(r * K, r * K + K);

// the same slowly: over all pairs, in float64, with nothing of the kernels

/** p and c of every pair. */
function dense({ rows, columns, indptr, indices, values }: Csr, { alpha, base }: { alpha: number; base: number }): { p: Float64Array; c: Float64Array } {
  const p = new Float64Array(rows * columns), c = new Float64Array(rows * columns).fill(1);
  for (let u = 0; u < rows; u++) for (let at = indptr[u]; at < indptr[u + 1]; at++) if (values[at] > 0) { p[u * columns + indices[at]] = 1; c[u * columns + indices[at]] = base + alpha * values[at]; }
  return { p, c };
}

const turned = (X: Float64Array, columns: number): Float64Array => Float64Array.from(X, (_, at) => X[(at % (X.length / columns)) * columns + Math.floor(at / (X.length / columns))]);

/** A x = b by Gauss. */
function solve(A: Float64Array[], b: Float64Array): Float64Array {
  const n = b.length, x = b.slice();
  for (let m = 0; m < n; m++) for (let r = m + 1; r < n; r++) { const by = A[r][m] / A[m][m]; for (let k = m; k < n; k++) A[r][k] -= by * A[m][k]; x[r] -= by * x[m]; }
  for (let m = n - 1; m >= 0; m--) { for (let k = m + 1; k < n; k++) x[m] -= A[m][k] * x[k]; x[m] /= A[m][m]; }
  return x;
}

/** The normal equations of a row that has these p and c, and what solves them. */
function normal(p: Float64Array, c: Float64Array, V: Table, K: number, l2: number): { A: Float64Array[]; b: Float64Array } {
  const A = range(K).map((m) => Float64Array.from({ length: K }, (_, n) => (m === n ? l2 : 0))), b = new Float64Array(K);
  for (let i = 0; i < c.length; i++) for (let m = 0; m < K; m++) { b[m] += c[i] * p[i] * V[i * K + m]; for (let n = 0; n < K; n++) A[m][n] += c[i] * V[i * K + m] * V[i * K + n]; }
  return { A, b };
}
const bestRow = (p: Float64Array, c: Float64Array, V: Table, K: number, l2: number): Float64Array => { const { A, b } = normal(p, c, V, K, l2); return solve(A, b); };

function objective({ p, c }: { p: Float64Array; c: Float64Array }, U: Table, V: Table, K: number, l2: number): number {
  const nItems = V.length / K;
  let L = l2 * (dot(U, U) + dot(V, V));
  for (let u = 0; u < U.length / K; u++) for (let i = 0; i < nItems; i++) L += c[u * nItems + i] * (p[u * nItems + i] - dot(row(U, u, K), row(V, i, K))) ** 2;
  return L;
}

for (const base of [0, 1]) {
  for (const settings of [{ solver: 'cholesky' }, { solver: 'cg', cgSteps: 12 }] as const) {
    test(`does what a slow program does, ${settings.solver}, base ${base}`, async () => {
      const data = shop(), all = { ...small, ...settings, base } as Required<typeof small>, { factors: K, l2, epochs } = all, losses: number[] = [];
      const model = await new AlternatingLeastSquares(all).fit(data, { onEpoch: ({ loss }) => { losses.push(loss); } });
      const { p, c } = dense(data.matrix, all), nUsers = SHOP_USERS, nItems = SHOP_ITEMS, pT = turned(p, nItems), cT = turned(c, nItems);
      const next = random(all.seed), bound = Math.sqrt(2 / K), start = (n: number) => Float64Array.from({ length: n * K }, () => Math.fround(bound * (2 * next.uniform() - 1)));
      const U = start(nUsers), V = start(nItems), total = c.reduce((sum, value, at) => sum + (p[at] === 1 ? value : 0), 0);
      for (let epoch = 0; epoch < epochs; epoch++) {
        for (let u = 0; u < nUsers; u++) U.set(bestRow(p.subarray(u * nItems, (u + 1) * nItems), c.subarray(u * nItems, (u + 1) * nItems), V, K, l2), u * K);
        for (let i = 0; i < nItems; i++) V.set(bestRow(pT.subarray(i * nUsers, (i + 1) * nUsers), cT.subarray(i * nUsers, (i + 1) * nUsers), U, K, l2), i * K);
        const L = objective({ p, c }, U, V, K, l2) / total;
        assert.ok(Math.abs(losses[epoch] / L - 1) < 1e-5, `epoch ${epoch}: ${losses[epoch]}, expected ${L}`);
      }
      for (const [name, want] of [['user_factors', U], ['item_factors', V]] as const) assert.ok(maxAbsDiff(table(model, name), want) < 1e-4, `${name}: ${maxAbsDiff(table(model, name), want)}`);
    });
  }
}

test('the loss never rises, by either solver, and is the objective of the tables', async () => {
  for (const settings of [{ solver: 'cholesky' }, { solver: 'cg', cgSteps: 1 }, {}] as const) {
    const data = shop('string', 3), losses: number[] = [], all = { ...small, ...settings, l2: 0.3, epochs: 40 } as Required<typeof small>, model = await new AlternatingLeastSquares(all).fit(data, { onEpoch: ({ loss }) => { losses.push(loss); } });
    losses.forEach((loss, at) => assert.ok(at === 0 || loss <= losses[at - 1] * (1 + 1e-6), `epoch ${at + 1}: ${losses[at - 1]}, then ${loss}`));
    assert.ok(losses[39] < 0.9 * losses[0]);
    const { p, c } = dense(data.matrix, all), total = c.reduce((sum, value, at) => sum + p[at] * value, 0);
    assert.ok(Math.abs(losses[39] * total / objective({ p, c }, table(model, 'user_factors'), table(model, 'item_factors'), 5, 0.3) - 1) < 1e-5);
  }
});

test('the same where the Gram matrix is made of several parts and a half sweep of several steps', async () => {
  const data = shape(2500, 30, 9000), settings = { ...small, factors: 100, epochs: 1, solver: 'cholesky' } as Required<typeof small>, steps = new Set<number>(), losses: number[] = [];
  const model = await new AlternatingLeastSquares(settings).fit(data, { onStep: (report) => { steps.add(report.steps); }, onEpoch: ({ loss }) => { losses.push(loss); } });
  const { p, c } = dense(data.matrix, settings), total = c.reduce((sum, value, at) => sum + p[at] * value, 0), V = table(model, 'item_factors'), U = table(model, 'user_factors');
  assert.ok([...steps].every((n) => n > 2), `${[...steps]}`);
  assert.ok(Math.abs(losses[0] * total / objective({ p, c }, U, V, 100, 1.5) - 1) < 1e-5);
  const pT = turned(p, 30), cT = turned(c, 30);
  for (const i of [0, 29]) assert.ok(maxAbsDiff(row(V, i, 100), bestRow(pT.subarray(i * 2500, (i + 1) * 2500), cT.subarray(i * 2500, (i + 1) * 2500), U, 100, 1.5)) < 1e-4);
});

test("the defaults, and preset 'chapter'", () => {
  const own = { preset: null, factors: 128, epochs: 15, l2: 5, alpha: 2, base: 0, solver: 'cg', cgSteps: 3, seed: 1 };
  assert.equal(new AlternatingLeastSquares().settings, own);
  assert.equal(new AlternatingLeastSquares({ preset: 'chapter', factors: 3 }).settings, { ...own, preset: 'chapter', factors: 3, l2: 1e-6, alpha: 1 });
});

test('repeated events add up, as their values do', async () => {
  const bytes = async (data: Interactions): Promise<string> => JSON.stringify([...table(await new AlternatingLeastSquares(small).fit(data), 'item_factors')]);
  const repeated = await bytes(interactions(['a', 'b', 'a', 'a', 'c'], ['x', 'x', 'x', 'y', 'z']));
  assert.is(await bytes(interactions(['a', 'b', 'a', 'c'], ['x', 'x', 'y', 'z'], { values: [2, 1, 1, 1] })), repeated);
  assert.is.not(await bytes(interactions(['a', 'b', 'a', 'c'], ['x', 'x', 'y', 'z'])), repeated);
});

// bad input

test('a pair whose values add up to less than nothing, or to no number, is refused by name; one that adds up to nothing was not met', async () => {
  const of = (values: number[]): Interactions => interactions(['ana', 'ana', 'ben'], ['tea', 'tea', 'jam'], { values }), model = new AlternatingLeastSquares(small);
  await rejects(() => model.fit(of([1, -3, 1])), 'bad-input', "AlternatingLeastSquares.fit: the confidence of user 'ana' in item 'tea' is 1 + 2 · -2", 'leave returns out');
  for (const value of [Number.NaN, Infinity]) await rejects(() => model.fit(fromRows({ ...of([1, 1, 1]), value: Float32Array.of(1, 1, value) })), 'bad-input', `user 'ben' and item 'jam' add up to ${value}`);
  await rejects(() => new AlternatingLeastSquares({ ...small, alpha: 1e38 }).fit(of([50, 1, 1])), 'bad-input', "user 'ana' in item 'tea'");
  assert.not(model.fitted);
  await model.fit(of([1, -1, 1]));
  assert.equal([...row(table(model, 'user_factors'), 0, 5)], [0, 0, 0, 0, 0]);
  const before = toBytes(model);
  await rejects(() => model.partialFit(interactions(['ben'], ['jam'], { values: [-5] })), 'bad-input', 'AlternatingLeastSquares.partialFit', "user 'ben'");
  await rejects(() => model.partialFitUsers(interactions(['cy'], ['jam'], { values: [-5] })), 'bad-input', 'AlternatingLeastSquares.partialFitUsers', "user 'cy'");
  assert.equal(toBytes(model), before);
});

test('users and items that nobody met get zeros, and answers', async () => {
  const data = interactions(['b', 'b', 'd'], [1, 2, 1], { users: LabelEncoder.fit(['a', 'b', 'c', 'd']), items: LabelEncoder.fit([0, 1, 2, 3]) });
  for (const solver of ['cg', 'cholesky'] as const) {
    const model = await new AlternatingLeastSquares({ ...small, solver }).fit(data), U = table(model, 'user_factors'), V = table(model, 'item_factors');
    assert.ok([row(U, 0, 5), row(U, 2, 5), row(V, 0, 5), row(V, 3, 5)].every((x) => x.every((value) => value === 0)));
    assert.ok([row(U, 1, 5), row(V, 1, 5)].every((x) => x.some((value) => value !== 0)));
    assert.is(model.recommendFor('a').length, 4);
    assert.equal(model.explain('a', 1), { by: 'contribution', score: 0, items: [] });
  }
});

test('confidences that float32 cannot square end as diverged, and nothing is learned', async () => {
  for (const solver of ['cg', 'cholesky'] as const) {
    const model = new AlternatingLeastSquares({ ...small, alpha: 1e37, solver });
    await rejects(() => model.fit(shop()), 'diverged', 'AlternatingLeastSquares: training diverged in epoch 1', 'the numbers that go in are too large');
    assert.not(model.fitted);
  }
});

if (linearMemory === null) skip('models/alternatingLeastSquares, memory', 'there is no WebAssembly memory to limit');
else test('data that the memory could not hold is refused before anything is done, saying how much it takes', async () => {
  const { size, limit } = memoryUse(), data = shape(3000, 200, 30_000), model = new AlternatingLeastSquares({ factors: 2000, epochs: 1 });
  limitMemory(Math.max(size, 2 ** 26));
  try {
    await rejects(() => model.fit(data), 'out-of-memory', 'AlternatingLeastSquares.fit: 3000 x 200 with 30000 pairs, and 2000 factors, need 320 MiB', /and \d+ MiB of \d+ MiB are free/, 'use fewer factors');
    assert.not(model.fitted);
  } finally { limitMemory(limit); }
});

// fold-in

/** What must not move when others come. */
const others = (X: Table, moved: readonly number[], K: number): Table[] => range(X.length / K).filter((r) => !moved.includes(r)).map((r) => row(X, r, K).slice());

test('partialFitUsers: new users get rows after the others, new and changed ones their best row, and nothing else moves', async () => {
  const model = await new AlternatingLeastSquares(small).fit(shop()), K = 5, U = table(model, 'user_factors').slice(), V = table(model, 'item_factors').slice(), before = model.users.labels.slice();
  const more = interactions(['zoe', 'user 21', 'adam', 'zoe', 'zoe'], ['item 04', 'item 09', 'item 01', 'item 07', 'item 04'], { values: [1, 2, 1, 3, 1] });
  assert.is(await model.partialFitUsers(more), model);
  assert.equal(model.users.labels, [...before, 'adam', 'zoe'], 'new rows in the order of their ids, after those that were there');
  const now = table(model, 'user_factors'), { seen } = model.toState().catalogue, { p, c } = dense(seen, small as Required<typeof small>), n = SHOP_ITEMS;
  assert.equal(others(now, [21, 23, 24], K), others(U, [21], K));
  assert.equal(table(model, 'item_factors'), V);
  for (const u of [21, 23, 24]) assert.ok(maxAbsDiff(row(now, u, K), bestRow(p.subarray(u * n, (u + 1) * n), c.subarray(u * n, (u + 1) * n), V, K, 1.5)) < 1e-5, `user ${u}`);
  assert.equal([seen.rows, [...seen.indices.subarray(seen.indptr[24])], [...seen.values.subarray(seen.indptr[24])], [...seen.indices.subarray(seen.indptr[21], seen.indptr[22])]], [25, [4, 7], [2, 3], [3, 9]]);
  assert.ok(model.recommendFor('zoe', { k: 99 }).every(({ item }) => item !== 'item 04' && item !== 'item 07'));

  const same = fromBytes(toBytes(model)) as AlternatingLeastSquares;
  assert.equal([same.users.labels, toBytes(same)], [model.users.labels, toBytes(model)], 'a file keeps the order of the rows');
  for (const one of [model, same]) await one.partialFit(interactions(['zoe'], ['item 02']));
  assert.equal(toBytes(same), toBytes(model));
  assert.is(model.nUsers, 25);
});

test('partialFitItems: the same for items', async () => {
  const model = await new AlternatingLeastSquares(small).fit(shop()), K = 5, U = table(model, 'user_factors').slice(), V = table(model, 'item_factors').slice(), before = model.items.labels.slice();
  await model.partialFitItems(interactions(['user 01', 'user 02', 'user 05'], ['cake', 'cake', 'item 16']));
  assert.equal(model.items.labels, [...before, 'cake']);
  const now = table(model, 'item_factors'), { seen } = model.toState().catalogue, all = dense(seen, small as Required<typeof small>), p = turned(all.p, 18), c = turned(all.c, 18), n = SHOP_USERS;
  assert.equal(others(now, [16, 17], K), others(V, [16], K));
  assert.equal(table(model, 'user_factors'), U);
  for (const i of [16, 17]) assert.ok(maxAbsDiff(row(now, i, K), bestRow(p.subarray(i * n, (i + 1) * n), c.subarray(i * n, (i + 1) * n), U, K, 1.5)) < 1e-5, `item ${i}`);
  assert.ok(model.recommendFor('user 03', { k: 99 }).some(({ item }) => item === 'cake') && !model.recommendFor('user 01', { k: 99 }).some(({ item }) => item === 'cake'));
  assert.is(model.similarTo('cake', { k: 99 }).length, 17);
  await model.partialFitUsers(interactions(['new'], ['cake']));
  assert.is(model.scores([23]).length, 18);
});

test('fold-in: the same events as before count once, row by row as in one call, and no memory is left behind', async () => {
  const data = shop(), model = await new AlternatingLeastSquares({ ...small, solver: 'cholesky' }).fit(data), inUse = await settled();
  await model.partialFitUsers(data);
  assert.equal(model.toState().catalogue.seen.values, data.matrix.values);
  assert.is(memoryUse().inUse, inUse);
  const folded = table(model, 'user_factors').slice(), { p, c } = dense(data.matrix, small as Required<typeof small>), V = table(model, 'item_factors'), n = SHOP_ITEMS;
  for (let u = 0; u < SHOP_USERS; u++) assert.ok(maxAbsDiff(row(folded, u, 5), bestRow(p.subarray(u * n, (u + 1) * n), c.subarray(u * n, (u + 1) * n), V, 5, 1.5)) < 1e-5);
  const [a, b] = [fromBytes(toBytes(model)), fromBytes(toBytes(model))] as AlternatingLeastSquares[];
  await a.partialFitUsers(interactions(['p', 'q', 'q'], ['item 01', 'item 02', 'item 03']));
  await b.partialFitUsers(interactions(['p'], ['item 01']));
  await b.partialFitUsers(interactions(['q', 'q'], ['item 02', 'item 03']));
  assert.equal(toBytes(a), toBytes(b));
});

test('fold-in: calls that do not wait for one another are done one after another', async () => {
  const [side, turn] = [await new AlternatingLeastSquares(small).fit(shop()), await new AlternatingLeastSquares(small).fit(shop())];
  const baskets = ['p', 'q', 'r'].map((user) => interactions([user], ['item 01']));
  await Promise.all([...baskets.map((basket) => side.partialFitUsers(basket)), side.partialFitItems(interactions(['p'], ['cake']))]);
  for (const basket of baskets) await turn.partialFitUsers(basket);
  await turn.partialFitItems(interactions(['p'], ['cake']));
  assert.equal(toBytes(side), toBytes(turn));
});

test('fold-in: what is refused, and changes nothing', async () => {
  const model = await new AlternatingLeastSquares(small).fit(shop()), before = toBytes(model);
  await rejects(() => new AlternatingLeastSquares(small).partialFitUsers(shop()), 'not-fitted', 'call fit(data) first');
  await rejects(() => model.partialFitUsers(interactions(['zoe'], ['cake'])), 'unknown-id', "AlternatingLeastSquares.partialFitUsers: item 'cake' was not there", 'partialFitItems first');
  await rejects(() => model.partialFitItems(interactions(['zoe'], ['cake'])), 'unknown-id', "AlternatingLeastSquares.partialFitItems: user 'zoe' was not there", 'partialFitUsers first');
  await rejects(() => model.partialFitUsers([] as unknown as Interactions), 'bad-input', 'partialFitUsers: expected interactions');
  await rejects(() => model.partialFit(interactions(['zoe'], ['item 01'])), 'unknown-id', 'partialFitUsers');
  assert.equal(toBytes(model), before);
  await rejects(() => model.fit(shop(), { onEpoch: async () => { await model.partialFitUsers(shop()); } }), 'bad-input', 'partialFitUsers: this model is being fitted');
});

test('fold-in: where a row stands for the unknown, a new id still gets a row of its own', async () => {
  const users = LabelEncoder.fit(['a', 'b'], { unknown: true }), data = interactions(['a', 'b', 'stranger'], ['x', 'y', 'x'], { users }), model = await new AlternatingLeastSquares(small).fit(data);
  await model.partialFitUsers(interactions(['stranger', 'c'], ['y', 'y']));
  assert.equal([model.users.labels, model.users.unknown], [[null, 'a', 'b', 'c', 'stranger'], true]);
  assert.equal(fromBytes(toBytes(model)).users.labels, model.users.labels);
});

// explain

test('explain: the contributions of all that a user has are the score, each of them c <V[i], A⁻¹ V[j]>', async () => {
  const data = shop(), model = await new AlternatingLeastSquares(small).fit(data), K = 5, n = SHOP_ITEMS, V = table(model, 'item_factors'), { p, c } = dense(data.matrix, small as Required<typeof small>);
  await model.partialFitUsers(data); // so that every row is exact
  for (const u of [0, 4, 21, 22]) {
    const pu = p.subarray(u * n, (u + 1) * n), cu = c.subarray(u * n, (u + 1) * n), { A } = normal(pu, cu, V, K, 1.5), z = solve(A, Float64Array.from(row(V, 9, K)));
    const { score, items } = model.explain(model.users.decode(u), 'item 09', { k: 99 });
    assert.ok(Math.abs(score - model.score([u], [9])[0]) < 1e-5);
    assert.ok(Math.abs(score - items.reduce((sum, { value }) => sum + value, 0)) < 1e-9);
    assert.equal(new Set(items.map(({ item }) => item)), new Set(range(n).filter((j) => pu[j] === 1).map((j) => data.items.decode(j))));
    for (const [at, { item, value }] of items.entries()) {
      const j = data.items.encode(item);
      assert.ok(Math.abs(value - cu[j] * dot(z, row(V, j, K))) < 1e-5, `user ${u}, item ${j}`);
      assert.ok(at === 0 || value <= items[at - 1].value);
    }
    assert.equal(model.explain(model.users.decode(u), 'item 09', { k: 1 }).items, items.slice(0, 1));
  }
  refuses(() => model.explain('nobody', 'item 09'), 'unknown-id', "AlternatingLeastSquares.explain: user 'nobody' is not among the 23");
  refuses(() => model.explain('user 01', 'nothing'), 'unknown-id', "item 'nothing' is not among the 17");
  refuses(() => model.explain('user 01', 'item 09', { K: 3 } as object), 'bad-setting', "no option 'K'");
  refuses(() => model.explain('user 01', 'item 09', { k: 0 }), 'bad-setting', 'k must be a whole number');
  refuses(() => new AlternatingLeastSquares().explain('user 01', 'item 09'), 'not-fitted');
});

test.run();
