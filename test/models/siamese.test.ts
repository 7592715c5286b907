import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse } from '../../kernels/memory.ts';
import { type Interactions, type RawId, bucket, category, id, interactions, multi, readSideTable, selectEvents, sideTable } from '../../lib/data/index.ts';
import { type Checkpoint, type Checkpoints, Siamese, type SiameseSettings, checkpointFromBytes, checkpointToBytes, fromBytes, toBytes } from '../../lib/models.ts';
import { random } from '../../lib/random.ts';
import { movieLens, movieLensRatings, noMovieLens } from '../helpers/movielens.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { skip } from '../helpers/skip.ts';
import { slowVectors } from '../helpers/slowNets.ts';

const test = suite('models/siamese');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);

/** Users of three jobs, who like films of their job's genre, whatever else a film is. */
const JOBS = ['cook', 'nurse', 'pilot'], GENRES = ['drama', 'comedy', 'war'], OTHERS = ['long', 'short', 'silent'];
const jobOf = (user: number): number => user % 3, genreOf = (film: number): number => Math.floor(film / 3) % 3;
const people = (users: readonly number[]) => sideTable(users, { job: users.map((user) => JOBS[jobOf(user)]), age: users.map((user) => 20 + user % 40) });
const films = (items: readonly number[]) => sideTable(items, { kinds: items.map((film) => [GENRES[genreOf(film)], OTHERS[film % 3]]) });
const settings = { userFeatures: { job: category(), age: bucket({ edges: [30, 40] }) }, itemFeatures: { kinds: multi() }, layers: [8], embedding: 4, epochs: 15, batchSize: 100, learningRate: 0.02 } satisfies Partial<SiameseSettings>;

function ratings(users: readonly number[], items: readonly number[], seed = 1): Interactions {
  const next = random(seed), all = users.flatMap((user) => items.filter(() => next.below(3) === 0).map((film): [number, number, number] => [user, film, genreOf(film) === jobOf(user) ? 4 + next.below(2) : 1 + next.below(3)]));
  return interactions(all.map(([user]) => user), all.map(([, film]) => film), { values: all.map(([, , rating]) => rating) });
}
const fitted = (more: Partial<SiameseSettings> = {}, data = ratings(range(60), range(45))): Promise<Siamese> => new Siamese({ ...settings, ...more }).fit(data, { userTable: people(range(60)), itemTable: films(range(45)) });

/** How often an item that a user likes is scored above one that the user does not, the mean over users who have both: 0.5 by chance. */
function likedFirst(model: Siamese, { user, item, value, users, items }: Interactions): number {
  const x = model.score(Int32Array.from(user, (row) => model.users.encode(users.decode(row) as RawId)), Int32Array.from(item, (row) => model.items.encode(items.decode(row) as RawId)));
  const shares = range(users.size).flatMap((row) => {
    const of = (liked: boolean): number[] => [...x].filter((_, at) => user[at] === row && value![at] >= 4 === liked), likes = of(true), others = of(false);
    return likes.length === 0 || others.length === 0 ? [] : [likes.reduce((sum, a) => sum + others.reduce((won, b) => won + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0) / (likes.length * others.length)];
  });
  return shares.reduce((a, b) => a + b, 0) / shares.length;
}

test('x is <A(f), B(g)>, through the layers one by one', async () => {
  const model = await fitted({ layers: [8, 5] }), state = model.toState(), U = slowVectors(state, 'user'), V = slowVectors(state, 'item');
  const want = U.flatMap((a) => V.map((p) => a.reduce((sum, x, k) => sum + x * p[k], 0)));
  assert.ok(maxAbsDiff(model.scores(range(60)), want) < 1e-4 * Math.max(...want.map(Math.abs)));
  assert.equal(Object.keys(state.tensors).filter((name) => name.startsWith('item_bias')), ['item_bias_0', 'item_bias_1'], 'the last layer of items has none');
});

for (const more of [{ loss: 'bpr' }, { loss: 'triplet' }, { negatives: 'unseen' }, { negatives: 'both' }, { sampling: 'hard' }, { negatives: 'both', sampling: 'hard' }, { layers: [] }, { layers: [16, 8] }] as Partial<SiameseSettings>[]) {
  test(`${JSON.stringify(more)}: users and films never met are ranked by their features; the loss falls`, async () => {
    const losses: number[] = [], strangers = range(90).slice(60), premieres = range(60).slice(45), model = await new Siamese({ ...settings, ...more }).fit(ratings(range(60), range(45)), {
      userTable: people(range(60)), itemTable: films(range(45)), onEpoch: ({ loss }) => { losses.push(loss); },
    });
    assert.ok(losses.at(-1)! < 0.75 * losses[0], `${losses}`);
    model.addIds({ userTable: people(strangers), itemTable: films(premieres) });
    const share = likedFirst(model, ratings(strangers, premieres, 2));
    assert.ok(share > 0.95, `${share}, and by chance 0.5`);
    const [best] = model.recommendFor(61, { k: 1 });
    assert.is(genreOf(best.item as number), jobOf(61));
    assert.equal(fromBytes(toBytes(model)).scores([61, 89]), model.scores([61, 89]));
  });
}

test('hard: the disliked item nearest by cosine, of those whose features differ', async () => {
  const userTable = sideTable(['p', 'q'], { job: ['cook', 'nurse'] }), itemTable = sideTable(['A', 'B', 'C', 'D'], { kinds: [['x', 'y'], ['x', 'y'], ['x'], ['z']] });
  // q likes all and dislikes nothing, so is left out, but has events of what is in the tables
  const make = (disliked: string[]): Interactions => interactions(['p', ...disliked.map(() => 'p'), 'q', 'q', 'q'], ['A', ...disliked, 'B', 'C', 'D'], { values: [5, ...disliked.map(() => 1), 5, 5, 5] });
  const fit = (sampling: 'hard' | 'random', disliked: string[]): Promise<Siamese> => new Siamese({ ...settings, userFeatures: { job: category() }, sampling }).fit(make(disliked), { userTable, itemTable });
  const tensors = (model: Siamese): number[] => ['item_layer_0', 'item_layer_1', 'user_layer_0'].flatMap((name) => [...model.toState().tensors[name].data]);
  const hard = await fit('hard', ['D', 'C', 'B']), onlyC = await fit('random', ['C']), onlyD = await fit('random', ['D']), same = await fit('hard', ['B']), onlyB = await fit('random', ['B']);
  assert.ok(maxAbsDiff(tensors(hard), tensors(onlyC)) < 1e-6);
  assert.ok(maxAbsDiff(tensors(hard), tensors(onlyD)) > 1e-2);
  assert.ok(maxAbsDiff(tensors(same), tensors(onlyB)) < 1e-6, 'where all have the same features it is any of them');
});

test('users without a liked or a disliked film are left out and counted; a pair rated both ways is liked', async () => {
  const table = sideTable(['likes', 'hates', 'both', 'twice'], { job: ['cook', 'cook', 'pilot', 'pilot'] }), itemTable = sideTable(['x', 'y'], { kinds: [['a'], ['b']] });
  const data = (who: string[]): Interactions => { const all = ([['likes', 'x', 5], ['hates', 'x', 1], ['both', 'x', 4], ['both', 'y', 3], ['twice', 'x', 1], ['twice', 'x', 5]] as [string, string, number][]).filter(([user]) => who.includes(user)); return interactions(all.map(([u]) => u), all.map(([, i]) => i), { values: all.map(([, , r]) => r) }); };
  const fit = (more: Partial<SiameseSettings>, who = ['likes', 'hates', 'both', 'twice']): Promise<Siamese> => new Siamese({ ...settings, userFeatures: { job: category() }, ...more }).fit(data(who), { userTable: table, itemTable });
  assert.is((await fit({})).skippedUsers, 3);
  assert.is((await fit({ negatives: 'unseen' })).skippedUsers, 2, 'hates has nothing liked, both has seen all');
  assert.is((await fit({ negatives: 'both' })).skippedUsers, 1);
  await rejects(() => fit({ liked: 3 }), 'bad-input', 'rated 3 or more', 'got none among 4');
  assert.is((await fit({}, ['both'])).skippedUsers, 0);
});

test('nobody left: what is missing, and among how many', async () => {
  const userTable = sideTable(['a', 'b'], { job: ['cook', 'nurse'] }), itemTable = sideTable(['x', 'y'], { kinds: [['k'], []] }), make = (more: Partial<SiameseSettings> = {}): Siamese => new Siamese({ ...settings, userFeatures: { job: category() }, ...more });
  const tables = { userTable, itemTable }, all = (...values: number[]): Interactions => interactions(['a', 'b', 'a', 'b'], ['x', 'x', 'y', 'y'], { values });
  await rejects(() => make().fit(all(5, 5, 4, 4), tables), 'bad-input', "Siamese.fit: expected a user with an item that is liked, rated 4 or more, and one that is rated lower, got none among 2; set liked, or negatives, which are 'disliked'");
  await rejects(() => make({ liked: 6 }).fit(all(5, 1, 4, 2), tables), 'bad-input', 'rated 6 or more', 'got none among 2');
  await rejects(() => make({ negatives: 'unseen' }).fit(all(5, 1, 4, 2), tables), 'bad-input', 'and one that is not met, got none among 2');
  await rejects(() => make().fit(interactions(['a'], ['x']), tables), 'bad-input', 'Siamese.fit: expected a rating for each event');
  const model = await make().fit(all(5, 1, 1, 5), tables), before = toBytes(model);
  await rejects(() => model.partialFit(interactions(['a'], ['x'], { values: [5] })), 'bad-input', 'Siamese.partialFit: expected a user', 'got none among 1');
  assert.equal(toBytes(model), before);
});

test('features must be declared, and be in the tables', async () => {
  const data = ratings(range(60), range(45)), tables = { userTable: people(range(60)), itemTable: films(range(45)) };
  await rejects(() => new Siamese({} as SiameseSettings).fit(data, tables), 'bad-setting', 'Siamese: userFeatures must be an object of features by name');
  await rejects(() => new Siamese({ userFeatures: { job: category() } } as object as SiameseSettings).fit(data, tables), 'bad-setting', 'Siamese: itemFeatures must be an object of features by name');
  await rejects(() => new Siamese({ ...settings, userFeatures: { gender: category() } }).fit(data, tables), 'column-missing', 'Siamese.fit, userTable', 'a column "gender"');
  await rejects(() => new Siamese({ ...settings, itemFeatures: { genres: multi() } }).fit(data, tables), 'column-missing', 'Siamese.fit, itemTable', 'a column "genres"');
  await rejects(() => new Siamese(settings).fit(data, { userTable: people(range(59)), itemTable: films(range(45)) }), 'unknown-id', 'Siamese.fit, userTable: id 59');
  await rejects(() => new Siamese(settings).fit(data), 'bad-input', 'Siamese.fit, userTable');
  await rejects(() => new Siamese({ ...settings, negatives: 'unseen', sampling: 'hard' }).fit(data, tables), 'bad-setting', "sampling 'hard' chooses among the items that a user dislikes", "take negatives 'disliked' or 'both'");
  const model = await fitted();
  await rejects(() => model.partialFit(data, tables), 'bad-setting', 'leave the tables out');
  await rejects(() => model.partialFit(interactions([99], [0], { values: [5] })), 'unknown-id', 'user 99', 'addIds');
  refuses(() => model.addIds({ userTable: sideTable([99], { age: [20] }) }), 'column-missing', 'Siamese.addIds, userTable', '"job"');
  refuses(() => new Siamese(settings).addIds({}), 'not-fitted', 'Siamese');
  refuses(() => model.addIds({ users: 3 } as never), 'bad-setting', "there is no option 'users'");
});

test('a file whose tensors or numbers do not fit', async () => {
  const state = (await fitted()).toState(), { item_bias_0: _, ...without } = state.tensors, { features: __, ...plain } = state;
  refuses(() => Siamese.fromState({ ...state, tensors: without }), 'file-damaged', 'Siamese: expected a float32 tensor item_bias_0 of shape [1,8], got none');
  refuses(() => Siamese.fromState({ ...state, settings: { ...state.settings, layers: [9] } }), 'file-damaged', 'tensor user_layer_0');
  for (const skippedUsers of [-1, 0.5, undefined]) refuses(() => Siamese.fromState({ ...state, numbers: { epochs: 1, ...(skippedUsers !== undefined && { skippedUsers }) } }), 'file-damaged', 'the number skippedUsers must be a whole number from 0 up');
  refuses(() => Siamese.fromState(plain), 'file-damaged', 'Siamese');
});

test('ids among the features: one more column each, and new ids have none', async () => {
  const model = await fitted({ userFeatures: { id: id(), job: category() } });
  model.addIds({ userTable: people([60, 61]) });
  assert.equal(model.scores([60]).length, 45);
  assert.is(model.toState().tensors.user_layer_0.shape[0], 63);
  assert.ok(maxAbsDiff(model.scores([0]), model.scores([60])) > 1e-3, 'both are cooks, and one has been met');
});

test('ten thousand steps use as much memory as ten', async () => {
  const uses: number[] = [], sizes: number[] = [], data = selectEvents(ratings(range(60), range(45)), Int32Array.from(range(200)));
  let steps = 0;
  await new Siamese({ ...settings, batchSize: 1, epochs: 200, learningRate: 1e-3 }).fit(data, {
    userTable: people(range(60)), itemTable: films(range(45)), onStep: (report) => { steps = report.steps; }, onEpoch: () => { const { inUse, size } = memoryUse(); uses.push(inUse); sizes.push(size); },
  });
  assert.ok(steps * uses.length >= 10_000, `${steps} steps`);
  for (const of of [uses, sizes]) assert.ok(of.every((bytes, epoch) => epoch === 0 || bytes <= of[epoch - 1]), `${of}`);
});

test('a checkpoint of other side tables is refused', async () => {
  const data = ratings(range(60), range(45)), kept: Checkpoint[] = [], checkpoints: Checkpoints = { load: () => kept.length > 0 ? checkpointFromBytes(checkpointToBytes(kept.at(-1)!)) : null, save: (checkpoint) => { kept.push(checkpoint); } };
  const tables = { userTable: people(range(60)), itemTable: films(range(45)) }, turned = films(range(45).toReversed());
  await new Siamese({ ...settings, epochs: 2 }).fit(data, { ...tables, checkpoints });
  const other = sideTable(range(45), { kinds: Array.from(turned.columns.kinds) });
  await rejects(() => new Siamese({ ...settings, epochs: 3 }).fit(data, { ...tables, itemTable: other, checkpoints }), 'wrong-checkpoint', 'is of other side tables: its users or items had other features');
  assert.equal(toBytes(await new Siamese({ ...settings, epochs: 3 }).fit(data, { ...tables, checkpoints })), toBytes(await fitted({ epochs: 3 }, data)));
});

if (movieLens === null) skip('models/siamese: MovieLens 100k', noMovieLens);
else {
  test('MovieLens 100k: of users never met, by age, gender and job, liked films come before disliked ones far more often than by chance', async () => {
    const all = await movieLensRatings('u.data'), held = (user: number): boolean => Number(all.users.decode(user)) % 5 === 0, losses: number[] = [], genres = range(19).map((g) => `genre ${g}`);
    const part = (which: boolean): Interactions => { const at = range(all.user.length).filter((event) => held(all.user[event]) === which), of = (rows: Int32Array, encoder: typeof all.users): RawId[] => at.map((event) => encoder.decode(rows[event])); return interactions(of(all.user, all.users), of(all.item, all.items), { values: at.map((event) => all.value![event]) }); };
    const people = await readSideTable(`${movieLens}u.user`, 'id', { delimiter: '|', header: ['id', 'age', 'gender', 'job', 'zip'], columns: { age: 'number', gender: 'string', job: 'string' } } as never);
    const films = await readSideTable(`${movieLens}u.item`, 'id', { delimiter: '|', encoding: 'latin1', header: ['id', 'title', 'date', 'video', 'url', ...genres], columns: {}, flags: { genres } } as never);
    const model = await new Siamese({ userFeatures: { age: bucket({ edges: [18, 25, 35, 45, 50, 56] }), gender: category(), job: category() }, itemFeatures: { genres: multi() } })
      .fit(part(false), { userTable: people, itemTable: films, onEpoch: ({ loss }) => { losses.push(loss); } });
    model.addIds({ userTable: people, itemTable: films });
    const share = likedFirst(model, part(true));
    if (process.env.TIGHTREC_SHOW) console.log('Siamese, MovieLens', share, losses);
    assert.ok(share > 0.58, `${share}, and by chance 0.5`);
    assert.ok(losses.every((loss, epoch) => epoch === 0 || loss < losses[epoch - 1]), `${losses}`);
  });
}

test.run();
