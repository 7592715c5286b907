import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse, scope } from '../../kernels/memory.ts';
import { LabelEncoder, interactions } from '../../lib/data/index.ts';
import { CDAE, type CDAESettings, fromBytes, toBytes } from '../../lib/models.ts';
import { corrupted } from '../../lib/models/autoencoder.ts';
import { random } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { SHOP_ITEMS, SHOP_USERS, shop } from '../helpers/shop.ts';

const test = suite('models/cdae');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at), H = 6;
const small: Partial<CDAESettings> = { hidden: H, epochs: 5, batchSize: 6, learningRate: 0.05, l2: 1e-4, initialScale: 0.2, negatives: 2 };

/** <W', σ(Σ W[met] + V[u] + a)> + b, slowly, of a user's items and the user's own vector. */
function slowScores(model: CDAE, items: readonly number[], own: ArrayLike<number>): number[] {
  const { encoder: { data: W }, hidden_bias: { data: a }, decoder: { data: D }, output_bias: { data: b } } = model.toState().tensors;
  const h = range(H).map((k) => 1 / (1 + Math.exp(-items.reduce((sum, i) => sum + W[i * H + k], a[k] + own[k]))));
  return range(b.length).map((i) => h.reduce((sum, x, k) => sum + x * D[i * H + k], b[i]));
}
const ownOf = (model: CDAE, user: number): Float32Array => (model.toState().tensors.user_nodes.data as Float32Array).slice(user * H, user * H + H);

test('x is <W\', σ(Σ W + V[u] + a)> + b over all that the user met, nothing left out, however often', async () => {
  const data = shop(), model = await new CDAE({ ...small, corruption: 0.5 }).fit(data), { indptr, indices } = data.matrix;
  const want = range(SHOP_USERS).flatMap((user) => slowScores(model, [...indices.subarray(indptr[user], indptr[user + 1])], ownOf(model, user)));
  assert.ok(maxAbsDiff(model.scores(range(SHOP_USERS)), want) < 1e-5);
  const once = interactions([...indices.keys()].map((at) => data.users.decode(indptr.findIndex((start) => start > at) - 1)), [...indices].map((i) => data.items.decode(i)));
  assert.equal((await new CDAE({ ...small, corruption: 0.5 }).fit(once)).scores([3]), model.scores([3]));
});

test('corrupted: a part q of the entries is left out, and the others make up for it', () => scope(() => {
  const n = 20_000, bag = { indptr: Int32Array.of(0, n), indices: Int32Array.from(range(n)), values: new Float32Array(n).fill(2) };
  assert.is(corrupted(bag, 0, random(1)), bag);
  for (const q of [0.2, 0.5, 0.9]) {
    const { indptr, indices, values } = corrupted(bag, q, random(1)), out = values.filter((x) => x === 0).length / n;
    assert.equal([indptr, indices], [bag.indptr, bag.indices]);
    assert.ok(Math.abs(out - q) < 0.02, `${out} of ${q}`);
    assert.ok(values.every((x) => x === 0 || Math.abs(x - 2 / (1 - q)) < 1e-5));
    assert.ok(bag.values.every((x) => x === 2), 'the bags are as they were');
  }
}));

test('a user without events starts and stays at 0', async () => {
  const data = interactions(['a', 'a', 'b'], ['x', 'y', 'z'], { users: LabelEncoder.fit(['a', 'b', 'never']) }), model = await new CDAE(small).fit(data);
  assert.equal([...ownOf(model, 2)], new Array(H).fill(0));
  assert.ok(maxAbsDiff(model.scores([2]), slowScores(model, [], new Array(H).fill(0))) < 1e-6);
});

test('partialFitUsers: who is new is known by what they met; nothing else changes but what was met', async () => {
  const data = shop(), model = await new CDAE(small).fit(data), before = model.scores([0, 1, 2]), item = (n: number): string => `item ${String(n).padStart(2, '0')}`;
  await model.partialFitUsers(interactions(['new b', 'new a', 'new b', 'user 02'], [item(1), item(4), item(7), item(9)]));
  assert.equal([model.nUsers, model.users.encode('new a'), model.users.encode('new b'), model.users.encode('user 02')], [SHOP_USERS + 2, SHOP_USERS, SHOP_USERS + 1, 2]);
  const zeros = new Array(H).fill(0);
  assert.ok(maxAbsDiff(model.scores([SHOP_USERS, SHOP_USERS + 1]), [...slowScores(model, [4], zeros), ...slowScores(model, [1, 7], zeros)]) < 1e-5);
  assert.equal(model.scores([0, 1]), before.slice(0, 2 * SHOP_ITEMS));
  const { indptr, indices } = model.toState().catalogue.seen, mine = [...indices.subarray(indptr[2], indptr[3])];
  assert.ok(mine.includes(9) && maxAbsDiff(model.scores([2]), slowScores(model, mine, ownOf(model, 2))) < 1e-5);
  assert.ok(model.recommendFor('new b', { k: 99 }).every(({ item: id }) => id !== item(1) && id !== item(7)));
  assert.equal(fromBytes(toBytes(model)).scores([SHOP_USERS]), model.scores([SHOP_USERS]));

  await model.partialFit(interactions(['new a'], [item(2)])); // which learns of the new ones
  assert.ok(ownOf(model, SHOP_USERS).some((x) => x !== 0) && model.scores(range(SHOP_USERS + 2)).every(Number.isFinite));
  const known = model.nUsers;
  await model.partialFitUsers(interactions(['user 03'], [item(2)]));
  assert.is(model.nUsers, known);
});

test('tastes of new users: their own items tell, nearly as well as those of users who were there', async () => {
  const { train } = planted({ users: 300, items: 60, each: 24, factors: 3, noise: 0, seed: 4 }), { matrix } = train, known = 240, met = (user: number): number[] => [...matrix.indices.subarray(matrix.indptr[user], matrix.indptr[user + 1])];
  const events = (users: number[], of: (user: number) => number[]) => users.flatMap((user) => of(user).map((item): [number, number] => [user, item]));
  const make = (pairs: [number, number][]) => interactions(pairs.map(([user]) => user), pairs.map(([, item]) => item));
  const model = await new CDAE({ hidden: 16, epochs: 40, batchSize: 60, learningRate: 0.02, l2: 1e-4 }).fit(make(events(range(known), met)));
  const half = (user: number): number[] => met(user).filter((_, at) => at % 2 === 0), strangers = range(300).slice(known);
  await model.partialFitUsers(make(events(strangers, half)));
  const hits = strangers.map((user) => { const top = model.recommendFor(user, { k: 10 }), rest = new Set(met(user)); return top.filter(({ item }) => rest.has(item as number)).length / 10; });
  const precision = hits.reduce((a, b) => a + b, 0) / hits.length, chance = strangers.reduce((sum, user) => sum + (met(user).length - half(user).length) / (60 - half(user).length), 0) / strangers.length;
  if (process.env.TIGHTREC_SHOW) console.log('CDAE, new users', precision, chance);
  assert.ok(precision > chance + 0.2, `${precision} against ${chance}`);
});

test('partialFitUsers: what is refused', async () => {
  await rejects(() => new CDAE().partialFitUsers(shop()), 'not-fitted', 'CDAE: call fit(data) first');
  const model = await new CDAE(small).fit(shop()), before = toBytes(model);
  await rejects(() => model.partialFitUsers(interactions(['new'], ['nothing'])), 'unknown-id', "CDAE.partialFitUsers: item 'nothing' was not there when the model was fitted");
  await rejects(() => model.partialFitUsers(null as never), 'bad-input', 'CDAE.partialFitUsers: expected interactions');
  await rejects(() => model.partialFit(interactions(['new'], ['item 00'])), 'unknown-id', 'partialFitUsers');
  assert.equal(toBytes(model), before);
  const fit = model.fit(shop());
  await rejects(() => model.partialFitUsers(shop()), 'bad-input', 'CDAE.partialFitUsers: this model is being fitted');
  await fit;
});

test('a file whose tables do not fit', async () => {
  const state = (await new CDAE(small).fit(shop())).toState(), { user_nodes: _, ...without } = state.tensors;
  refuses(() => CDAE.fromState({ ...state, tensors: without }), 'file-damaged', `CDAE: expected a float32 tensor user_nodes of shape [${SHOP_USERS},6], got none`);
  refuses(() => CDAE.fromState({ ...state, settings: { ...state.settings, hidden: 5 } }), 'file-damaged', `tensor encoder of shape [${SHOP_ITEMS},5], got shape [${SHOP_ITEMS},6]`);
});

test('ten thousand steps use as much memory as ten', async () => {
  const uses: number[] = [], sizes: number[] = [];
  await new CDAE({ ...small, batchSize: 1, epochs: 440 }).fit(shop(), { onEpoch: () => { const { inUse, size } = memoryUse(); uses.push(inUse); sizes.push(size); } });
  assert.is(uses.length * SHOP_USERS >= 10_000, true);
  for (const of of [uses, sizes]) assert.ok(of.every((bytes, epoch) => epoch === 0 || bytes <= of[epoch - 1]), `${of}`);
});

test.run();
