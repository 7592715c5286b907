import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Features, type Interactions, LabelEncoder, type SideTable, bucket, category, id, interactions, multi, number, sideTable, text } from '../../lib/data/index.ts';
import { Blend, type Checkpoint, type Checkpoints, FactorizationMachine, type FactorizationMachineSettings, type FeatureFitOptions, Popularity, RatingMF, type SideTables, checkpointFromBytes, checkpointToBytes, fromBytes, toBytes } from '../../lib/models.ts';
import { auc } from '../../lib/metrics/index.ts';
import { random } from '../../lib/random.ts';
import { type Parts, forged } from '../helpers/forged.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { SHOP_ITEMS, SHOP_USERS, shop } from '../helpers/shop.ts';
import { parities } from '../helpers/withTables.ts';

const test = suite('models/factorizationMachine');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);

/** Everything that can be declared. */
const everything: Features = { id: id(), parity: category(), third: category({ column: 'parity', rare: 100 }), row: bucket({ edges: [4, 9] }), size: number({ column: 'row' }), words: text({ words: 3, column: 'name' }), tags: multi() };
const tableOf = (encoder: LabelEncoder): SideTable => {
  const { ids, columns } = parities(encoder);
  return sideTable(ids, { ...columns, name: ids.map((name) => String(name)), tags: ids.map((_, row) => ['a', 'b', 'c'].filter((__, at) => (row >> at) % 2 === 1)) });
};
const small: Partial<FactorizationMachineSettings> = { factors: 5, epochs: 4, batchSize: 40, learningRate: 0.05, l2: 1e-3, initialScale: 0.2, userFeatures: everything, itemFeatures: everything };
const tables = (data: Interactions): FeatureFitOptions => ({ userTable: tableOf(data.users), itemTable: tableOf(data.items) });
const fitted = (settings: Partial<FactorizationMachineSettings> = {}, data = shop()): Promise<FactorizationMachine> => new FactorizationMachine({ ...small, ...settings }).fit(data, tables(data));

// the formula

for (const task of ['rating', 'click'] as const) {
  test(`${task}: x is w0, a weight for each feature, and a product of vectors for each pair of features`, async () => {
    const model = await fitted({ task }), { tensors } = model.toState(), floats = (name: string): Float32Array => tensors[name].data as Float32Array, ints = (name: string): Int32Array => tensors[name].data as Int32Array, K = 5;
    /** The features of a row: value, weight, vector. */
    const features = (which: string, row: number): [f: number, w: number, v: Float32Array][] => {
      const start = ints(`${which}_features_indptr`), indices = ints(`${which}_features_indices`), values = floats(`${which}_features_values`);
      return range(start[row + 1] - start[row]).map((at) => { const j = indices[start[row] + at]; return [values[start[row] + at], floats(`${which}_feature_weights`)[j], floats(`${which}_feature_factors`).subarray(j * K, j * K + K)]; });
    };
    const want = range(SHOP_USERS).flatMap((u) => range(SHOP_ITEMS).map((i) => {
      const all = [...features('user', u), ...features('item', i)];
      return all.reduce((x, [f, w, v], at) => x + f * w + all.slice(0, at).reduce((sum, [g, , q]) => sum + f * g * range(K).reduce((dot, k) => dot + v[k] * q[k], 0), 0), floats('global_bias')[0]);
    }));
    const got = model.scores(range(SHOP_USERS));
    assert.ok(maxAbsDiff(got, want) < 1e-5, `${maxAbsDiff(got, want)}`);
    assert.ok(Math.max(...want) - Math.min(...want) > 0.5);
    const pairs = range(SHOP_USERS * SHOP_ITEMS), predicted = model.predict(pairs.map((at) => Math.floor(at / SHOP_ITEMS)), pairs.map((at) => at % SHOP_ITEMS));
    assert.ok(maxAbsDiff(predicted, want.map((x) => task === 'click' ? 1 / (1 + Math.exp(-x)) : Math.min(Math.max(x, 1), 3))) < 1e-5); // ratings of 1 to 3
  });
}

test('with ids alone and squared errors it is biased matrix factorisation, step by step', async () => {
  const data = shop(), settings = { factors: 6, epochs: 8, learningRate: 0.02, l2: 0.05, initialScale: 0.3, batchSize: 10_000, seed: 3 }; // a batch of all, so that every row is touched
  const machine = await new FactorizationMachine({ ...settings, optimizer: 'adam' }).fit(data), factorisation = await new RatingMF({ ...settings, solver: 'adam' }).fit(data);
  const users = range(SHOP_USERS), got = machine.scores(users), want = factorisation.scores(users);
  assert.ok(maxAbsDiff(got, want) < 2e-4, `${maxAbsDiff(got, want)}`);
  const start = await new FactorizationMachine({ ...settings, optimizer: 'adam', learningRate: 1e-30 }).fit(data);
  assert.ok(maxAbsDiff(got, start.scores(users)) > 0.3, 'both have moved');
  assert.ok(machine.similarItems([3]).scores.every((score, at) => Math.abs(score - factorisation.similarItems([3]).scores[at]) < 1e-3));
});

test('the mean rating stays; of clicks w0 starts at the share of clicks and is learned', async () => {
  const data = shop(), w0 = async (settings: Partial<FactorizationMachineSettings>): Promise<number> => ((await fitted(settings)).toState().tensors.global_bias.data as Float32Array)[0];
  assert.ok(Math.abs(await w0({}) - data.value!.reduce((a, b) => a + b, 0) / data.value!.length) < 1e-6);
  assert.ok(Math.abs(await w0({ task: 'click', negatives: 3, learningRate: 1e-30 }) - Math.log(1 / 3)) < 1e-6);
  assert.ok(Math.abs(await w0({ task: 'click', negatives: 3 }) - Math.log(1 / 3)) > 0.05);
});

// who was never seen

/** Users of three kinds and items of three genres; who is of a kind takes its genre with 0.8, and what is popular more often. The last third of the users is held back. */
function kinds(): { train: Interactions; held: Map<string, Int32Array>; userTable: SideTable; itemTable: SideTable } {
  const next = random(5), nUsers = 240, nItems = 90, kind = range(nUsers).map(() => next.below(3)), users: string[] = [], items: string[] = [], held = new Map<string, Int32Array>();
  for (let user = 0; user < nUsers; user++) {
    const own = new Set<number>();
    while (own.size < 12) { const genre = next.uniform() < 0.8 ? kind[user] : next.below(3); own.add(3 * Math.floor(30 * next.uniform() ** 2) + genre); }
    if (user >= 160) held.set(`u${user}`, Int32Array.from(own));
    else for (const item of own) { users.push(`u${user}`); items.push(`i${item}`); }
  }
  const names = range(nItems).map((item) => `i${item}`), encoder = LabelEncoder.inOrder(names);
  return {
    train: interactions(users, items, { items: encoder, values: users.map(() => 5) }), held,
    userTable: sideTable(range(nUsers).map((user) => `u${user}`), { kind: kind.map((k) => `kind ${k}`) }), itemTable: sideTable(names, { genre: range(nItems).map((item) => `genre ${item % 3}`) }),
  };
}

test('users never seen: their features rank what they take far better than popularity; without features they get what is popular', async () => {
  const { train, held, userTable, itemTable } = kinds(), settings = { task: 'click', factors: 8, epochs: 20, batchSize: 200 } as const;
  const told = await new FactorizationMachine({ ...settings, userFeatures: { id: id(), kind: category() }, itemFeatures: { id: id(), genre: category() } }).fit(train, { userTable, itemTable });
  const untold = await new FactorizationMachine(settings).fit(train), popular = await new Popularity().fit(train);
  assert.is(told.users.encode('u200'), -1);
  told.addIds({ userTable });
  untold.addIds({ userTable });
  const mean = (score: (user: string) => Float32Array): number => [...held].reduce((sum, [user, items]) => sum + auc(score(user), items) / held.size, 0);
  const [own, none, counts] = [mean((user) => told.scores([told.users.encode(user)])), mean((user) => untold.scores([untold.users.encode(user)])), mean(() => popular.scores([0]))];
  assert.ok(own > counts + 0.15 && own > 0.8, `${own}, popularity ${counts}`);
  assert.ok(Math.abs(none - counts) < 0.03, `${none}, popularity ${counts}`);
});

test('ratings of users never seen', async () => {
  const { train, held, userTable, itemTable } = kinds(), next = random(2), at = range(2 * train.user.length).map((event) => event % train.user.length), genre = (item: number): number => item % 3, { columns, position } = userTable;
  const kindOf = (user: string): number => Number((columns.kind[position.get(user)!] as string).at(-1)), rate = (user: string, item: number): number => (genre(item) === kindOf(user) ? 4.5 : 2) + 0.3 * next.normal();
  const people = at.map((event) => train.users.decode(train.user[event]) as string), films = at.map(() => next.below(90)), data = interactions(people, films.map((item) => `i${item}`), { values: people.map((user, event) => rate(user, films[event])), items: train.items });
  const model = await new FactorizationMachine({ factors: 8, epochs: 20, batchSize: 200, userFeatures: { id: id(), kind: category() }, itemFeatures: { id: id(), genre: category() } }).fit(data, { userTable, itemTable });
  model.addIds({ userTable });
  const errors = [...held.keys()].flatMap((user) => range(90).map((item) => (model.predict([model.users.encode(user)], [item])[0] - (genre(item) === kindOf(user) ? 4.5 : 2)) ** 2));
  const rmse = Math.sqrt(errors.reduce((a, b) => a + b, 0) / errors.length);
  assert.ok(rmse < 0.7, `${rmse}`); // all at the mean rating would be off by 1.2
});

test('addIds: new users and items answer every call, are saved, and go on learning', async () => {
  const data = shop(), model = await fitted(), before = model.scores(range(SHOP_USERS));
  const more = (name: string): SideTable => sideTable([name, 'item 00', 'user 00'], { parity: ['odd', 'even', 'even'], row: [5, 0, 0], name: ['user item', '', ''], tags: [['a', 'new'], [], []] });
  assert.is(model.addIds({ userTable: more('zoe'), itemTable: more('kite') }), model);
  assert.equal([model.nUsers, model.nItems], [SHOP_USERS + 2, SHOP_ITEMS + 2]); // each table names an id of the other side, which is new there
  assert.is(model.users.encode('zoe'), SHOP_USERS + 1);
  const after = model.scores(range(SHOP_USERS)), { items } = model;
  for (let user = 0; user < SHOP_USERS; user++) assert.equal(after.slice(user * (SHOP_ITEMS + 2), user * (SHOP_ITEMS + 2) + SHOP_ITEMS), before.slice(user * SHOP_ITEMS, (user + 1) * SHOP_ITEMS), 'whom it knew, it scores as before');
  assert.is(model.recommendFor('zoe', { k: 99 }).length, SHOP_ITEMS + 2);
  assert.is(model.similarTo('kite', { k: 3 }).length, 3);
  assert.ok(model.recommendFor('user 03', { k: 99 }).some(({ item }) => item === 'kite'));
  const same = fromBytes(toBytes(model)) as FactorizationMachine;
  assert.equal(toBytes(same), toBytes(model));
  assert.equal(same.scores(range(model.nUsers)), model.scores(range(model.nUsers)));
  same.addIds({ userTable: sideTable(['yan'], { parity: ['even'], row: [1], name: [''], tags: [''] }) });
  assert.equal([same.nUsers, same.users.encode('yan')], [SHOP_USERS + 3, SHOP_USERS + 2]);
  await model.partialFit(interactions(['zoe', 'user 01'], ['kite', 'item 03'], { values: [3, 1] }));
  assert.equal(model.recommendFor('zoe', { k: 99 }).map(({ item }) => item).includes('kite'), false, 'it has that now');
  assert.is(items.encode('kite'), model.items.encode('kite'));
  assert.equal([data.users.size, data.items.size], [SHOP_USERS, SHOP_ITEMS], "the data's own encoders stay");
});

test('addIds: a new id scores as its features alone say', async () => {
  const model = await fitted({ userFeatures: { id: id(), parity: category() }, itemFeatures: { id: id() } }), { tensors } = model.toState(), floats = (name: string): Float32Array => tensors[name].data as Float32Array;
  model.addIds({ userTable: sideTable(['even', 'odd', 'neither'], { parity: ['even', 'odd', 'prime'] }) });
  const K = 5, [V, w, Q, c] = ['user_feature_factors', 'user_feature_weights', 'item_feature_factors', 'item_feature_weights'].map(floats), got = model.scores([SHOP_USERS, SHOP_USERS + 1, SHOP_USERS + 2].map((_, at) => model.users.encode(['even', 'odd', 'neither'][at])));
  const want = [SHOP_USERS, SHOP_USERS + 1, null].flatMap((j) => range(SHOP_ITEMS).map((i) => floats('global_bias')[0] + c[i] + (j === null ? 0 : w[j] + range(K).reduce((dot, k) => dot + V[j * K + k] * Q[i * K + k], 0))));
  assert.ok(maxAbsDiff(got, want) < 1e-5);
});

test('addIds: what it cannot take', async () => {
  const model = await fitted(), before = toBytes(model), wrong = (columns: Record<string, (string | number | string[])[]>): SideTable => sideTable(['zoe'], columns);
  refuses(() => new FactorizationMachine().addIds({}), 'not-fitted', 'FactorizationMachine: call fit(data) first');
  refuses(() => model.addIds({ userTable: wrong({ parity: ['odd'], row: [1], name: [''] }) }), 'column-missing', 'FactorizationMachine.addIds, userTable: expected a column "tags" for feature "tags"');
  refuses(() => model.addIds({ itemTable: wrong({ parity: ['odd'], row: [Number.NaN], name: [''], tags: [''] }) }), 'bad-input', `FactorizationMachine.addIds, itemTable: the side table, id 'zoe', column "row": expected a finite number, got NaN`);
  refuses(() => model.addIds({ userTable: { zoe: 3 } as unknown as SideTable }), 'bad-input', 'FactorizationMachine.addIds, userTable: expected a side table');
  refuses(() => model.addIds({ users: wrong({}) } as object), 'bad-setting', "there is no option 'users'; the options are userTable, itemTable");
  assert.equal(toBytes(model), before);
});

// tables and fit

test('ids that are in the encoders and have no events have no column of their own', async () => {
  const data = shop(), users = LabelEncoder.fit([...data.users.known(), 'user 99']), some = interactions(Array.from(data.user, (row) => data.users.decode(row)), Array.from(data.item, (row) => data.items.decode(row)), { users, items: data.items, values: data.value! });
  const model = await new FactorizationMachine({ ...small, userFeatures: { id: id() }, itemFeatures: { id: id() } }).fit(some), { tensors } = model.toState(), start = tensors.user_features_indptr.data;
  assert.equal([...tensors.user_feature_factors.shape], [SHOP_USERS, 5]);
  assert.is(start[SHOP_USERS + 1] - start[SHOP_USERS], 0);
  assert.equal(toBytes(fromBytes(toBytes(model))), toBytes(model));
  const told = await fitted({}, some);
  assert.equal(toBytes(fromBytes(toBytes(told))), toBytes(told));
  assert.ok(told.scores([SHOP_USERS]).every(Number.isFinite));
});

test('tables that fit cannot take', async () => {
  const data = shop(), model = new FactorizationMachine(small), { userTable, itemTable } = tables(data), less = sideTable(['user 00'], { parity: [''], row: [1], name: [''], tags: [''] });
  await rejects(() => model.fit(data), 'bad-input', 'FactorizationMachine.fit, userTable: expected a side table with column "parity" for feature "parity", got none');
  await rejects(() => model.fit(data, { userTable }), 'bad-input', 'FactorizationMachine.fit, itemTable: expected a side table');
  await rejects(() => model.fit(data, { userTable: less, itemTable }), 'unknown-id', "FactorizationMachine.fit, userTable: id 'user 01' is not among the 1 of the side table");
  await rejects(() => model.fit(data, { userTable: parities(data.users), itemTable }), 'column-missing', 'expected a column "name" for feature "words"');
  await rejects(() => new FactorizationMachine({ userFeatures: { age: { kind: 'old' } as never } }).fit(data), 'bad-setting', 'FactorizationMachine: userFeatures: feature "age" must be of a kind among');
  await rejects(() => new FactorizationMachine({ userFeatures: { age: bucket({ count: 0 }) } }).fit(data), 'bad-setting', 'FactorizationMachine: userFeatures: feature "age", bucket: count must be a whole number from 2 up, got 0');
  await rejects(() => model.fit(data, { usersTable: userTable } as object), 'bad-input', 'userTable: expected a side table');
  assert.not.ok(model.fitted);
  await model.fit(data, { userTable, itemTable });
  await rejects(() => model.fit(data, { userTable, itemTable, colour: 'red' } as object), 'bad-setting', "FactorizationMachine.fit: there is no option 'colour'");
  await rejects(() => model.partialFit(data, { userTable }), 'bad-setting', 'FactorizationMachine.partialFit: what is known of the ids is there from fit');
});

test('features of which nobody has a value leave nothing to learn from', async () => {
  const data = shop(), { userTable } = tables(data), empty = sideTable(data.items.known(), { tags: data.items.known().map(() => '') });
  await rejects(() => new FactorizationMachine({ ...small, itemFeatures: { tags: multi() } }).fit(data, { userTable, itemTable: empty }), 'bad-input', 'FactorizationMachine.fit, itemTable: expected a value of tags for at least one of', 'ids, got none; declare { id: id() } beside it');
});

test('declarations that are no features at all', () => {
  for (const [features, got] of [[['age'], 'got an array'], [{}, 'got none'], [null, 'got null'], ['id', "got 'id'"]] as const) refuses(() => new FactorizationMachine({ userFeatures: features as never }).check(), 'bad-setting', 'FactorizationMachine: userFeatures must be an object of features by name', got);
  refuses(() => new FactorizationMachine({ itemFeatures: { age: number as never } }).check(), 'bad-setting', 'FactorizationMachine: itemFeatures: feature "age" must be of a kind among');
});

test('a checkpoint of other side tables is refused', async () => {
  const data = shop(), kept: Checkpoint[] = [], checkpoints: Checkpoints = { load: () => kept.length > 0 ? checkpointFromBytes(checkpointToBytes(kept.at(-1)!)) : null, save: (checkpoint) => { kept.push(checkpoint); } };
  await new FactorizationMachine({ ...small, epochs: 2 }).fit(data, { ...tables(data), checkpoints });
  const { userTable, itemTable } = tables(data) as Required<SideTables>, turned = sideTable(userTable.ids, { ...userTable.columns, row: Array.from(userTable.columns.row as number[]).toReversed() });
  await rejects(() => new FactorizationMachine({ ...small, epochs: 3 }).fit(data, { userTable: turned, itemTable, checkpoints }), 'wrong-checkpoint', 'is of other side tables: its users or items had other features');
  assert.equal(toBytes(await new FactorizationMachine({ ...small, epochs: 3 }).fit(data, { userTable, itemTable, checkpoints })), toBytes(await fitted({ epochs: 3 })));
});

test('clicks are predicted without options', async () => {
  const model = await fitted({ task: 'click', epochs: 1 });
  refuses(() => model.predict([0], [0], { round: 1 }), 'bad-setting', "FactorizationMachine.predict: there is no option 'round'; it has none");
});

test('ratings without values are refused, clicks need none', async () => {
  const { user, item, users, items } = shop(), bare = interactions(Array.from(user, (row) => users.decode(row)), Array.from(item, (row) => items.decode(row)));
  await rejects(() => new FactorizationMachine().fit(bare), 'bad-input', 'FactorizationMachine.fit: expected a rating for each event', "or take task 'click'");
  const clicks = await new FactorizationMachine({ task: 'click', epochs: 2 }).fit(bare), rated = await new FactorizationMachine({ task: 'click', epochs: 2 }).fit(shop());
  assert.equal(clicks.scores([3]), rated.scores([3]), 'values play no part');
  await rejects(() => rated.partialFit(interactions(['user 00'], ['item 00'])).then(() => new FactorizationMachine({ epochs: 1 }).fit(shop())).then((model) => model.partialFit(bare)), 'bad-input', 'partialFit: expected a rating');
});

test('any number of threads gives the same bytes', async () => {
  const bytes = toBytes(await fitted());
  for (const threads of [2, 3] as const) {
    const data = shop(), model = await new FactorizationMachine(small).fit(data, { ...tables(data), threads });
    assert.equal(toBytes(model), bytes, `${threads} threads`);
    assert.equal(model.recommend(range(SHOP_USERS), { threads }), model.recommend(range(SHOP_USERS)));
  }
});

// files

test('what a file says of features is not trusted', async () => {
  const model = await fitted(), damaged = (change: (parts: Parts) => void, ...words: string[]): void => refuses(() => fromBytes(forged(toBytes(model), change), 'the file'), 'file-damaged', 'the file: ', ...words);
  const features = (change: (data: { user: { trained: unknown; parts: Record<string, unknown>[] }; item?: unknown }) => void): ((parts: Parts) => void) => ({ metadata }) => { const data = JSON.parse(metadata.features); change(data); metadata.features = JSON.stringify(data); };
  damaged(({ metadata }) => { delete metadata.features; }, 'user features: expected trained');
  damaged(({ metadata }) => { metadata.features = '[]'; }, 'features in its metadata must be a JSON object');
  damaged(({ metadata }) => { metadata.features = 'x'; }, 'features in its metadata is not JSON');
  damaged(features((data) => { delete data.item; }), 'item features: expected trained');
  damaged(features((data) => { data.user.trained = 99; }), 'user features: expected trained, how many or which of 23');
  damaged(features((data) => { data.user.trained = 3; }), 'user_features is damaged');
  damaged(features((data) => { data.user.parts[3].edges = [9, 4]; }), 'feature "row": edges must ascend');
  damaged(features((data) => { data.user.parts[1].labels = ['even']; }), 'user_features is damaged');
  damaged(({ tensors }) => { tensors.user_features_indices = { ...tensors.user_features_indices, data: (tensors.user_features_indices.data as Int32Array).map((column) => column + 1000) } as never; }, 'user_features is damaged');
  damaged(({ metadata }) => { const settings = JSON.parse(metadata.settings); settings.userFeatures.row.kind = 'constructor'; metadata.settings = JSON.stringify(settings); }, 'feature "row" must be of a kind among');
  damaged(({ metadata }) => { metadata.numbers = metadata.numbers.replace('"lowest":1', '"lowest":9'); }, 'expected the numbers lowest and highest');
});

test('as a part of a blend, there and back; a blend that fits its models has no tables to give', async () => {
  const data = shop(), blend = Blend.of([await fitted({}, data), await new Popularity().fit(data)], [1, 0.1]), same = fromBytes(toBytes(blend));
  assert.equal(toBytes(same), toBytes(blend));
  assert.equal(same.scores([1, 2]), blend.scores([1, 2]));
  await rejects(() => new Blend([new FactorizationMachine(small)], { weights: [1] }).fit(data), 'bad-input', 'expected a side table');
});

test.run();
