import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Features, type Interactions, LabelEncoder, type RawId, type SideTable, bucket, category, id, interactions, multi, number, readSideTable, selectEvents, sideTable, text } from '../../lib/data/index.ts';
import { type Checkpoint, type Checkpoints, type EpochReport, type FeatureFitOptions, HybridMF, type HybridMFSettings, Popularity, type SideTables, checkpointFromBytes, checkpointToBytes, fromBytes, toBytes } from '../../lib/models.ts';
import { evaluate, meanAuc } from '../../lib/metrics/index.ts';
import { random, restoreRandom } from '../../lib/random.ts';
import { forged } from '../helpers/forged.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { SHOP_ITEMS, SHOP_USERS, shop } from '../helpers/shop.ts';
import { skip } from '../helpers/skip.ts';
import { parities } from '../helpers/withTables.ts';

const test = suite('models/hybridMF');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const losses = ['warp', 'bpr', 'logistic'] as const;
type Loss = HybridMFSettings['loss'];

/** Everything that can be declared. */
const everything: Features = { id: id(), parity: category(), row: bucket({ edges: [4, 9] }), size: number({ column: 'row' }), words: text({ words: 3, column: 'name' }), tags: multi() };
const tableOf = (encoder: LabelEncoder): SideTable => {
  const { ids, columns } = parities(encoder);
  return sideTable(ids, { ...columns, name: ids.map((name) => String(name)), tags: ids.map((_, row) => ['a', 'b', 'c'].filter((__, at) => (row >> at) % 2 === 1)) });
};
const tables = (data: Interactions): FeatureFitOptions => ({ userTable: tableOf(data.users), itemTable: tableOf(data.items) });
const small: Partial<HybridMFSettings> = { factors: 5, epochs: 4, learningRate: 0.1, userFeatures: everything, itemFeatures: everything };
const fitted = (settings: Partial<HybridMFSettings> = {}, data = shop()): Promise<HybridMF> => new HybridMF({ ...small, ...settings }).fit(data, tables(data));

// the formula

for (const normalizeFeatures of [true, false]) {
  test(`a score is the product of two weighted sums of vectors, and two of biases${normalizeFeatures ? '; weights are divided by the sum of their sizes' : ''}`, async () => {
    const model = await fitted({ loss: 'logistic', normalizeFeatures }), { tensors } = model.toState(), floats = (name: string): Float32Array => tensors[name].data as Float32Array, ints = (name: string): Int32Array => tensors[name].data as Int32Array, K = 5;
    const sumOf = (which: 'user' | 'item', row: number): { v: number[]; b: number } => {
      const from = ints(`${which}_features_indptr`)[row], to = ints(`${which}_features_indptr`)[row + 1], ids = [...ints(`${which}_features_indices`).subarray(from, to)], given = [...floats(`${which}_features_values`).subarray(from, to)];
      const total = normalizeFeatures ? given.reduce((sum, x) => sum + Math.abs(x), 0) : 1;
      return { v: range(K).map((k) => ids.reduce((sum, f, at) => sum + given[at] / total * floats(`${which}_feature_factors`)[f * K + k], 0)), b: ids.reduce((sum, f, at) => sum + given[at] / total * floats(`${which}_feature_biases`)[f], 0) };
    };
    const users = range(SHOP_USERS).map((row) => sumOf('user', row)), items = range(SHOP_ITEMS).map((row) => sumOf('item', row));
    const want = users.flatMap(({ v: p, b }) => items.map(({ v: q, b: c }) => p.reduce((dot, value, k) => dot + value * q[k], 0) + b + c)), got = model.scores(range(SHOP_USERS));
    assert.ok(maxAbsDiff(got, want) < 1e-5, `${maxAbsDiff(got, want)}`);
    assert.ok(Math.max(...want) - Math.min(...want) > 0.3);
  });
}

/** A plain matrix factorisation with AdaGrad, in float64, with the draws that HybridMF makes where it has one block. */
function plain(loss: Loss, data: Interactions, { factors: K, epochs, learningRate: rate, userL2, itemL2, initialScale, maxSampled, negatives, seed }: HybridMFSettings): { scores: Float64Array; losses: number[] } {
  const [nUsers, nItems] = [data.users.size, data.items.size], next = random(seed), table = (rows: number): Float64Array => Float64Array.from({ length: rows * K }, () => Math.fround(initialScale / K * (2 * next.uniform() - 1)));
  const U = table(nUsers), V = table(nItems), b = new Float64Array(nUsers), c = new Float64Array(nItems), sums = new Map([U, V, b, c].map((w) => [w, new Float64Array(w.length).fill(1)]));
  const met = range(nUsers).map(() => new Set<number>()), order = range(data.user.length).sort((x, y) => data.user[x] - data.user[y] || x - y);
  for (let e = 0; e < data.user.length; e++) met[data.user[e]].add(data.item[e]);
  const move = (w: Float64Array, at: number, gradient: number): void => { const s = sums.get(w)!; w[at] -= rate * gradient / Math.sqrt(s[at]); s[at] += gradient ** 2; };
  const dot = (u: number, i: number): number => range(K).reduce((sum, k) => sum + U[u * K + k] * V[i * K + k], 0), row = (W: Float64Array, at: number): Float64Array => W.slice(at * K, at * K + K);
  const ranks = (u: number, i: number, j: number, g: number): void => {
    const [p, qi, qj] = [row(U, u), row(V, i), row(V, j)];
    for (let k = 0; k < K; k++) { move(U, u * K + k, g * (qi[k] - qj[k]) + userL2 * p[k]); move(V, i * K + k, g * p[k] + itemL2 * qi[k]); move(V, j * K + k, -g * p[k] + itemL2 * qj[k]); }
    move(c, i, g + itemL2 * c[i]);
    move(c, j, -g + itemL2 * c[j]);
  };
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const draws = restoreRandom(range(4).map(() => next.uint32())), draw = (u: number, i: number, tries: number): number => {
      for (let t = 0; t < tries; t++) { const j = draws.below(nItems); if (j !== i && !met[u].has(j)) return j; }
      return -1;
    };
    let L = 0, n = 0;
    for (const e of order) {
      const u = data.user[e], i = data.item[e];
      if (loss === 'logistic') {
        const likes = data.value === null || data.value[e] > 0;
        for (let t = 0; t <= (likes ? negatives : 0); t++) {
          const item = t === 0 ? i : draw(u, i, maxSampled), y = t === 0 && likes ? 1 : 0;
          if (item < 0) continue;
          const x = dot(u, item) + b[u] + c[item], g = 1 / (1 + Math.exp(-x)) - y, [p, q] = [row(U, u), row(V, item)];
          L += Math.log1p(Math.exp(y === 1 ? -x : x));
          n++;
          for (let k = 0; k < K; k++) { move(U, u * K + k, g * q[k] + userL2 * p[k]); move(V, item * K + k, g * p[k] + itemL2 * q[k]); }
          move(b, u, g + userL2 * b[u]);
          move(c, item, g + itemL2 * c[item]);
        }
      } else if (loss === 'bpr') {
        const j = draw(u, i, maxSampled);
        if (j < 0) continue;
        const x = dot(u, i) + c[i] - dot(u, j) - c[j];
        L += Math.log1p(Math.exp(-x));
        n++;
        ranks(u, i, j, -1 / (1 + Math.exp(x)));
      } else {
        n++;
        for (let t = 1; t <= maxSampled; t++) {
          const j = draw(u, i, 1);
          if (j < 0) continue;
          const x = dot(u, i) + c[i] - dot(u, j) - c[j], w = Math.min(10, Math.log(Math.max(1, Math.floor((nItems - 1) / t))));
          if (x >= 1) continue;
          L += w * (1 - x);
          ranks(u, i, j, -w);
          break;
        }
      }
    }
    losses.push(L / n);
  }
  return { scores: Float64Array.from(range(nUsers * nItems), (at) => { const u = Math.floor(at / nItems), i = at % nItems; return dot(u, i) + b[u] + c[i]; }), losses };
}

for (const loss of losses) {
  test(`${loss}: with ids alone it is a plain matrix factorisation, draw by draw and step by step`, async () => {
    const { train } = planted({ users: 40, items: 30, each: 12 }), settings = { loss, factors: 6, epochs: 4, blocks: 1, userL2: 0.01, itemL2: 0.02, maxSampled: 4, negatives: 2, seed: 5 }, reported: number[] = [];
    const model = await new HybridMF(settings).fit(train, { onEpoch: ({ loss }: EpochReport) => { reported.push(loss); } }), want = plain(loss, train, model.settings as HybridMFSettings), got = model.scores(range(40));
    assert.ok(maxAbsDiff(got, want.scores) < 1e-4, `${maxAbsDiff(got, want.scores)}`);
    assert.ok(maxAbsDiff(reported, want.losses) < 1e-4, `${reported} ${want.losses}`);
    assert.ok(Math.max(...want.scores) - Math.min(...want.scores) > 0.3, `${Math.max(...want.scores) - Math.min(...want.scores)}`);
  });
}

test('logistic, with likes and dislikes and nothing drawn: as LightFM has it', async () => {
  const data = shop(), values = data.value!.map((value, event) => (event % 3 === 0 ? -1 : value)), told = interactions(Array.from(data.user, (row) => data.users.decode(row)), Array.from(data.item, (row) => data.items.decode(row)), { values });
  const model = await new HybridMF({ loss: 'logistic', negatives: 0, factors: 4, epochs: 6, seed: 2 }).fit(told), want = plain('logistic', told, model.settings as HybridMFSettings);
  assert.ok(maxAbsDiff(model.scores(range(SHOP_USERS)), want.scores) < 1e-4);
});

test('warp and bpr leave dislikes out, and do not draw them either', async () => {
  const data = shop(), at = Int32Array.from(range(data.user.length)).filter((event) => event % 3 !== 0), encoders = { users: data.users, items: data.items };
  const of = (events: readonly number[], value: (event: number) => number): Interactions => interactions(events.map((e) => data.users.decode(data.user[e])), events.map((e) => data.items.decode(data.item[e])), { ...encoders, values: events.map(value) });
  const mixed = of(range(data.user.length), (event) => (event % 3 === 0 ? 0 : 2)), likes = selectEvents(data, at);
  for (const loss of ['warp', 'bpr'] as const) {
    const model = await new HybridMF({ loss, factors: 4, epochs: 3 }).fit(mixed), [a, b] = [model, await new HybridMF({ loss, factors: 4, epochs: 3 }).fit(likes)].map((model) => model.toState());
    assert.equal(Object.keys(a.tensors), Object.keys(b.tensors));
    assert.equal([...a.catalogue.seen.indptr], [...mixed.matrix.indptr], 'they count as seen');
    assert.not.equal(a.tensors.item_feature_factors.data, b.tensors.item_feature_factors.data, 'a disliked item may be drawn where it is not known');
    assert.ok((a.tensors.user_feature_biases.data as Float32Array).every((bias) => bias === 0), 'where items are ranked, the bias of the user cancels');
    // b is the only item that could be drawn for u but for the dislike, and never is
    const few = await new HybridMF({ loss, factors: 2, epochs: 9 }).fit(interactions(['u', 'u', 'v', 'v'], ['a', 'b', 'a', 'b'], { values: [1, -1, 1, 1] }));
    assert.ok((few.toState().tensors.item_feature_factors_sums.data as Float32Array).every((sum) => sum === 1), 'nothing moved');
  }
});

// who was never seen

/** Users of three kinds and items of three genres; who is of a kind takes its genre with 0.8, and what is popular more often. The last third of the users is held back. */
function kinds(): { train: Interactions; held: Interactions; userTable: SideTable; itemTable: SideTable } {
  const next = random(5), nUsers = 240, nItems = 90, kind = range(nUsers).map(() => next.below(3)), train: [string, string][] = [], held: [string, string][] = [];
  for (let user = 0; user < nUsers; user++) {
    const own = new Set<number>();
    while (own.size < 12) { const genre = next.uniform() < 0.8 ? kind[user] : next.below(3); own.add(3 * Math.floor(30 * next.uniform() ** 2) + genre); }
    for (const item of own) (user < 160 ? train : held).push([`u${user}`, `i${item}`]);
  }
  const names = range(nItems).map((item) => `i${item}`), items = LabelEncoder.inOrder(names), of = (pairs: [string, string][]): Interactions => interactions(pairs.map(([user]) => user), pairs.map(([, item]) => item), { items });
  return {
    train: of(train), held: of(held), userTable: sideTable(range(nUsers).map((user) => `u${user}`), { kind: kind.map((k) => `kind ${k}`) }), itemTable: sideTable(names, { genre: range(nItems).map((item) => `genre ${item % 3}`) }),
  };
}

/** The mean AUC of a model's scores for the users of held-out events, with nothing left out. */
function aucOf(model: { readonly users: LabelEncoder; scores(users: ArrayLike<number>): Float32Array; readonly nItems: number }, held: Interactions, users: readonly RawId[] = held.users.known()): number {
  const rows = held.users.encodeAll(users), { indptr, indices } = held.matrix, lists = [...rows].map((row) => indices.subarray(indptr[row], indptr[row + 1]));
  const starts = new Int32Array(lists.length + 1);
  for (const [at, list] of lists.entries()) starts[at + 1] = starts[at] + list.length;
  return meanAuc(model.scores(users.map((user) => model.users.encode(user))), model.nItems, { indptr: starts, items: Int32Array.from(lists.flatMap((list) => [...list])) });
}
/** What is popular, to all. */
async function popularAuc(train: Interactions, held: Interactions, users?: readonly RawId[]): Promise<number> {
  const model = await new Popularity().fit(train), [row] = [model.scores([0])];
  return aucOf({ users: held.users, nItems: model.nItems, scores: (asked) => Float32Array.from({ length: asked.length * row.length }, (_, at) => row[at % row.length]) }, held, users);
}

for (const loss of losses) {
  test(`users never seen: their features rank what they take far better than popularity; without features they get what is popular, ${loss}`, async () => {
    const { train, held, userTable, itemTable } = kinds(), settings = { loss, factors: 8, epochs: 20 } as const;
    const told = await new HybridMF({ ...settings, userFeatures: { id: id(), kind: category() }, itemFeatures: { id: id(), genre: category() } }).fit(train, { userTable, itemTable }), untold = await new HybridMF(settings).fit(train);
    told.addIds({ userTable });
    untold.addIds({ userTable });
    const [own, none, counts] = [aucOf(told, held), aucOf(untold, held), await popularAuc(train, held)];
    assert.ok(own > counts + 0.15 && own > 0.8, `${own}, popularity ${counts}`);
    assert.ok(Math.abs(none - counts) < 0.05, `${none}, popularity ${counts}`);
  });
}

test('items never seen: their features rank them among the others of their genre', async () => {
  const { train, userTable, itemTable } = kinds(), fresh = new Set(range(30).map((at) => `i${3 * at + at % 3}`)), at = Int32Array.from(range(train.user.length)).filter((event) => !fresh.has(train.items.decode(train.item[event]) as string));
  const model = await new HybridMF({ factors: 8, epochs: 20, userFeatures: { id: id(), kind: category() }, itemFeatures: { id: id(), genre: category() } }).fit(selectEvents(train, at), { userTable, itemTable });
  const kindOf = (user: RawId): number => Number((userTable.columns.kind[userTable.position.get(user)!] as string).at(-1)), S = model.scores(range(model.nUsers)), rows = [...fresh].map((name) => model.items.encode(name));
  let right = 0, all = 0;
  for (const user of range(model.nUsers)) for (const a of rows) for (const b of rows) if ((a % 3 === kindOf(model.users.decode(user))) && (b % 3 !== kindOf(model.users.decode(user)))) { all++; if (S[user * model.nItems + a] > S[user * model.nItems + b]) right++; }
  assert.ok(right / all > 0.9, `${right / all}`);
});

test('addIds: new users and items answer every call, are saved, and go on learning', async () => {
  const data = shop(), model = await fitted(), before = model.scores(range(SHOP_USERS));
  const more = (name: string): SideTable => sideTable([name, 'item 00', 'user 00'], { parity: ['odd', 'even', 'even'], row: [5, 0, 0], name: ['user item', '', ''], tags: [['a', 'new'], [], []] });
  assert.is(model.addIds({ userTable: more('zoe'), itemTable: more('kite') }), model);
  assert.equal([model.nUsers, model.nItems, model.users.encode('zoe')], [SHOP_USERS + 2, SHOP_ITEMS + 2, SHOP_USERS + 1]); // each table names an id of the other side, which is new there
  const after = model.scores(range(SHOP_USERS));
  for (let user = 0; user < SHOP_USERS; user++) assert.equal(after.slice(user * (SHOP_ITEMS + 2), user * (SHOP_ITEMS + 2) + SHOP_ITEMS), before.slice(user * SHOP_ITEMS, (user + 1) * SHOP_ITEMS), 'whom it knew, it scores as before');
  assert.is(model.recommendFor('zoe', { k: 99 }).length, SHOP_ITEMS + 2);
  assert.is(model.similarTo('kite', { k: 3 }).length, 3);
  const same = fromBytes(toBytes(model)) as HybridMF;
  assert.equal(toBytes(same), toBytes(model));
  assert.equal(same.scores(range(model.nUsers)), model.scores(range(model.nUsers)));
  same.addIds({ userTable: sideTable(['yan'], { parity: ['even'], row: [1], name: [''], tags: [''] }) });
  assert.is(same.users.encode('yan'), SHOP_USERS + 2);
  await model.partialFit(interactions(['zoe', 'user 01'], ['kite', 'item 03'], { values: [3, 1] }));
  assert.equal(model.recommendFor('zoe', { k: 99 }).map(({ item }) => item).includes('kite'), false, 'it has that now');
  assert.equal([data.users.size, data.items.size], [SHOP_USERS, SHOP_ITEMS], "the data's own encoders stay");
});

test('a loaded model goes on with the sums of squares it had, whatever their size', async () => {
  const data = shop(), model = await fitted({ epochs: 20 }), bytes = toBytes(model), before = model.scores(range(SHOP_USERS)), all = ['user_feature_factors', 'item_feature_factors', 'item_feature_biases'];
  const sums = (model: HybridMF): number[] => all.flatMap((name) => [...model.toState().tensors[`${name}_sums`].data]);
  assert.equal(sums(fromBytes(bytes) as HybridMF), sums(model));
  assert.ok(sums(model).every((s) => s >= 1) && Math.max(...sums(model)) > 100);
  /** How far it goes from there, with these sums. */
  const moved = async (to: number | null): Promise<number> => {
    const same = fromBytes(forged(bytes, ({ tensors }) => { if (to !== null) for (const name of all) (tensors[`${name}_sums`].data as Float32Array).fill(to); })) as HybridMF;
    await same.partialFit(data);
    return maxAbsDiff(same.scores(range(SHOP_USERS)), before);
  };
  const [own, anew, tired] = [await moved(null), await moved(1), await moved(1e12)];
  assert.ok(own < anew / 2 && tired < own / 100, `${own}, ${anew}, ${tired}`); // sums of 1e12 are no sign of divergence
});

// one block where features are shared

test('features that are shared: any number of threads gives the same bytes, and blocks beyond one are refused', async () => {
  const data = shop();
  for (const order of ['users', 'random'] as const) {
    const bytes = toBytes(await fitted({ order }));
    for (const threads of [2, 3] as const) assert.equal(toBytes(await new HybridMF({ ...small, order }).fit(data, { ...tables(data), threads })), bytes);
    assert.equal((await fitted({ order, blocks: 1 })).scores(range(SHOP_USERS)), (await fitted({ order })).scores(range(SHOP_USERS)));
  }
  // so many items that they would be cut
  const { train } = planted({ users: 60, items: 600, each: 20 }), parity = { id: id(), parity: category() }, both = { userTable: parities(train.users), itemTable: parities(train.items) };
  const fit = (settings: Partial<HybridMFSettings>): Promise<HybridMF> => new HybridMF({ factors: 3, epochs: 1, ...settings }).fit(train, both), scores = async (settings: Partial<HybridMFSettings>): Promise<Float32Array> => (await fit(settings)).scores([0, 1]);
  for (const settings of [{ userFeatures: parity }, { itemFeatures: parity }]) assert.equal(await scores(settings), await scores({ ...settings, blocks: 1 }));
  assert.not.equal(await scores({}), await scores({ blocks: 1 }), 'with ids alone they are cut');
  await rejects(() => fitted({ blocks: 2 }), 'bad-setting', 'HybridMF.fit: blocks must be 1 or null where users or items share features, got 2');
  await rejects(() => new HybridMF({ factors: 2, blocks: 3, itemFeatures: { id: id(), parity: category() } }).fit(data, tables(data)), 'bad-setting', 'blocks must be 1 or null');
});

// bad input

test('tables and columns that are missing, and what they hold', async () => {
  const data = shop(), { userTable, itemTable } = tables(data), without = (name: string): SideTable => { const { [name]: _, ...rest } = itemTable!.columns; return sideTable(itemTable!.ids, rest); };
  const fit = (options: object, settings: Partial<HybridMFSettings> = {}): Promise<unknown> => new HybridMF({ ...small, ...settings }).fit(data, options as FeatureFitOptions);
  await rejects(() => fit({ itemTable }), 'bad-input', 'HybridMF.fit, userTable: expected a side table with column "parity" for feature "parity", got none');
  await rejects(() => fit({ userTable, itemTable: without('tags') }), 'column-missing', 'HybridMF.fit, itemTable: expected a column "tags" for feature "tags"');
  await rejects(() => fit({ userTable: itemTable, itemTable }), 'unknown-id', "HybridMF.fit, userTable: id 'user 00' is not among the 17");
  await rejects(() => fit({ userTable, itemTable, tables: 3 }), 'bad-setting', "there is no option 'tables'");
  await rejects(() => fit({ userTable, itemTable }, { userFeatures: { id: id(), again: id() } }), 'bad-setting', 'HybridMF: userFeatures: expected at most one feature of kind id');
  const model = await fitted(), before = toBytes(model);
  refuses(() => new HybridMF().addIds({}), 'not-fitted', 'HybridMF: call fit(data) first');
  refuses(() => model.addIds({ userTable: sideTable(['zoe'], { parity: ['odd'], row: [1], name: [''] }) }), 'column-missing', 'HybridMF.addIds, userTable: expected a column "tags" for feature "tags"');
  refuses(() => model.addIds({ users: 1 } as object), 'bad-setting', "there is no option 'users'; the options are userTable, itemTable");
  await rejects(() => model.partialFit(data, { userTable: userTable! }), 'bad-setting', 'HybridMF.partialFit: what is known of the ids is there from fit; leave the tables out');
  await rejects(() => model.partialFit(interactions(['zoe'], ['item 01'])), 'unknown-id', "HybridMF.partialFit: user 'zoe' was not there when the model was fitted; give it to addIds");
  assert.equal(toBytes(model), before);
});

test('features of which nobody has a value leave nothing to learn from', async () => {
  const data = shop(), { userTable } = tables(data), empty = sideTable(data.items.known(), { tags: data.items.known().map(() => '') });
  await rejects(() => new HybridMF({ ...small, itemFeatures: { tags: multi() } }).fit(data, { userTable, itemTable: empty }), 'bad-input', 'HybridMF.fit, itemTable: expected a value of tags for at least one of', 'ids, got none; declare { id: id() } beside it');
});

test('declarations that are no features at all', () => {
  for (const [features, got] of [[['age'], 'got an array'], [{}, 'got none'], [null, 'got null'], ['id', "got 'id'"]] as const) refuses(() => new HybridMF({ userFeatures: features as never }).check(), 'bad-setting', 'HybridMF: userFeatures must be an object of features by name', got);
  refuses(() => new HybridMF({ itemFeatures: { age: number as never } }).check(), 'bad-setting', 'HybridMF: itemFeatures: feature "age" must be of a kind among');
});

test('a checkpoint of other side tables is refused', async () => {
  const data = shop(), kept: Checkpoint[] = [], checkpoints: Checkpoints = { load: () => kept.length > 0 ? checkpointFromBytes(checkpointToBytes(kept.at(-1)!)) : null, save: (checkpoint) => { kept.push(checkpoint); } };
  await new HybridMF({ ...small, epochs: 2 }).fit(data, { ...tables(data), checkpoints });
  const { userTable, itemTable } = tables(data) as Required<SideTables>, turned = sideTable(userTable.ids, { ...userTable.columns, row: Array.from(userTable.columns.row as number[]).toReversed() });
  await rejects(() => new HybridMF({ ...small, epochs: 3 }).fit(data, { userTable: turned, itemTable, checkpoints }), 'wrong-checkpoint', 'is of other side tables: its users or items had other features');
  assert.equal(toBytes(await new HybridMF({ ...small, epochs: 3 }).fit(data, { userTable, itemTable, checkpoints })), toBytes(await fitted({ epochs: 3 })));
});

test('data without likes, or for logistic without dislikes', async () => {
  const dislikes = interactions(['a', 'b'], ['x', 'y'], { values: [0, -1] }), likes = interactions(['a', 'b'], ['x', 'y'], { values: [2, 1] });
  for (const loss of ['warp', 'bpr'] as const) await rejects(() => new HybridMF({ loss, factors: 2 }).fit(dislikes), 'bad-input', 'HybridMF.fit: there must be likes, events with a value above 0, and of 2 events none is; leave the values out');
  for (const data of [likes, interactions(['a'], ['x'])]) await rejects(() => new HybridMF({ loss: 'logistic', negatives: 0 }).fit(data), 'bad-input', 'HybridMF.fit: with negatives 0 there must be dislikes', 'set negatives to 1 or more');
  assert.ok((await new HybridMF({ loss: 'logistic', factors: 2 }).fit(dislikes)).scores([0, 1]).every(Number.isFinite));
});

test('a file whose sums of squares are not above 0, or that lacks a table', async () => {
  const bytes = toBytes(await fitted());
  refuses(() => fromBytes(forged(bytes, ({ tensors }) => { (tensors.item_feature_biases_sums.data as Float32Array)[1] = 0; })), 'file-damaged', 'tensor item_feature_biases_sums must hold sums of squares, which are above 0');
  for (const name of ['user_feature_factors', 'item_feature_biases', 'user_feature_factors_sums', 'item_features_indptr']) refuses(() => fromBytes(forged(bytes, ({ tensors }) => { delete tensors[name]; })), 'file-damaged', name.replace('_indptr', ''));
});

// MovieLens 100k

const movieLens = new URL('../../../shared/data/ml-100k/', import.meta.url), file = (name: string): string => fileURLToPath(new URL(name, movieLens));
if (!existsSync(movieLens)) skip('models/hybridMF: MovieLens 100k', '../shared/data/ml-100k is not there');
else {
  const events = readFileSync(file('u.data'), 'utf8').trim().split('\n').map((line) => line.split('\t')), users = LabelEncoder.fit(events.map(([user]) => user)), items = LabelEncoder.fit(events.map(([, item]) => item));
  const of = (some: string[][], encoder = users): Interactions => interactions(some.map(([user]) => user), some.map(([, item]) => item), { users: encoder, items });
  /** Ten events of each user, drawn at random, held out: the manner of GroupLens's ua and ub. */
  function tenEach(seed: number): { train: Interactions; held: Interactions } {
    const next = random(seed), byUser = new Map<string, number[]>(), out = new Set<number>();
    for (const [event, [user]] of events.entries()) { const own = byUser.get(user) ?? []; own.push(event); byUser.set(user, own); }
    for (const own of byUser.values()) for (const event of next.shuffle(Int32Array.from(own)).subarray(0, 10)) out.add(event);
    return { train: of(events.filter((_, event) => !out.has(event))), held: of(events.filter((_, event) => out.has(event))) };
  }

  test("MovieLens 100k by LightFM's own settings: its published precision and AUC (0.61, 0.11; 0.93, 0.90)", async () => {
    const { train, held } = tenEach(1), model = await new HybridMF({ factors: 10, epochs: 10, order: 'random' }).fit(train);
    const precision = (data: Interactions): number => evaluate(model, data.matrix, { k: 10 }).precision;
    const said = [precision(train), precision(held), aucOf(model, train), aucOf(model, held)];
    if (process.env.TIGHTREC_SHOW) console.log(said);
    for (const [at, published] of [0.61, 0.11, 0.93, 0.9].entries()) assert.ok(Math.abs(said[at] - published) < 0.02, `${said}`);
  });

  test('MovieLens 100k: users and films never seen, by age, gender and occupation, and by genre and year', async () => {
    const next = random(3), some = (encoder: LabelEncoder, n: number): Set<RawId> => new Set([...next.shuffle(Int32Array.from(range(encoder.size))).subarray(0, n)].map((row) => encoder.decode(row)));
    const people = some(users, 200), films = some(items, 300), known = LabelEncoder.fit(users.known().filter((user) => !people.has(user))), genres = readFileSync(file('u.genre'), 'utf8').trim().split('\n').map((line) => line.split('|')[0]);
    const userTable = await readSideTable(file('u.user'), 'user', { delimiter: '|', header: ['user', 'age', 'gender', 'occupation', 'zip'], columns: { age: 'number', gender: 'string', occupation: 'string' } });
    const itemTable = await readSideTable(file('u.item'), 'item', { delimiter: '|', encoding: 'iso-8859-1', header: ['item', 'title', 'released', 'video', 'url', ...genres], columns: { released: 'string' }, flags: { genres } });
    const told: Partial<HybridMFSettings> = { loss: 'logistic', epochs: 15, userFeatures: { id: id(), age: bucket({ edges: [18, 25, 35, 45, 50, 56] }), gender: category(), occupation: category() }, itemFeatures: { id: id(), genres: multi(), released: category() } };

    const held = of(events.filter(([user]) => people.has(user))), model = (await new HybridMF(told).fit(of(events.filter(([user]) => !people.has(user)), known), { userTable, itemTable })).addIds({ userTable });
    const own = aucOf(model, held, [...people]), counts = await popularAuc(of(events.filter(([user]) => !people.has(user))), held, [...people]);
    assert.ok(own > counts, `${own}, popularity ${counts}`);

    const without = await new HybridMF({ ...told, userFeatures: { id: id() }, loss: 'warp' }).fit(of(events.filter(([, item]) => !films.has(item))), { userTable, itemTable }), fresh = items.encodeAll([...films] as RawId[]), place = new Map([...fresh].map((row, at) => [row, at]));
    const S = without.scores(range(users.size)), { indptr, indices } = of(events.filter(([, item]) => films.has(item))).matrix;
    const among = meanAuc(Float32Array.from({ length: users.size * fresh.length }, (_, at) => S[Math.floor(at / fresh.length) * items.size + fresh[at % fresh.length]]), fresh.length, { indptr, items: indices.map((row) => place.get(row)!) });
    if (process.env.TIGHTREC_SHOW) console.log(own, counts, among);
    assert.ok(among > 0.7, `among films never seen: ${among}`);
  });
}

test.run();
