import { type Schema, Validator } from '@cfworker/json-schema';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LabelEncoder, type RawId } from '../../lib/data/labelEncoder.ts';
import { multi, number, sideTable } from '../../lib/data/index.ts';
import { BPR, EASE, HistoryToNext, NextItemLSTM, Popularity, type Recommendation, type Recommender, TwoTower, interactions } from '../../lib/models.ts';
import { random } from '../../lib/random.ts';
import { type HandlerOptions, type RecommendHandler, type ServedModel, recommendHandler } from '../../lib/serve/index.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('serve/handler');

const next = random(3), users: string[] = [], items: string[] = [];
for (let n = 0; n < 400; n++) { users.push(`u${Math.floor(next.uniform() * 30)}`); items.push(`i${Math.floor(next.uniform() ** 2 * 50)}`); }
const data = interactions(users, items), model = await new BPR({ factors: 8, epochs: 4 }).fit(data);

interface Answer { status: number; headers: Headers; body: { items?: Recommendation[]; lists?: { items: Recommendation[] }[]; model?: string; version?: string; error?: string; code?: string } }

async function ask(handler: RecommendHandler, path: string, body: unknown, init: RequestInit = {}): Promise<Answer> {
  const response = await handler.fetch(new Request(`http://host${path}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), ...init }));
  return { status: response.status, headers: response.headers, body: await response.json() };
}

/** refused: this status and one sentence that holds all the words. */
function refused({ status, body }: Answer, expected: number, words: readonly string[], code?: string): void {
  assert.is(status, expected, JSON.stringify(body));
  assert.equal(Object.keys(body).sort(), ['code', 'error']);
  if (code !== undefined) assert.is(body.code, code);
  for (const word of words) assert.ok(body.error!.includes(word), `${body.error} does not hold ${word}`);
  assert.not.match(body.error!, /\n|\bat .*:\d+:\d+|undefined|\[object/);
}

const handlerOf = (served: ServedModel = model, options: HandlerOptions = {}): RecommendHandler => recommendHandler(served, options);

// What is answered

test('a user: what the model answers, to the last bit', async () => {
  const handler = handlerOf(model, { version: 'v1' });
  for (const user of ['u0', 'u7', 'u29']) {
    const { status, body } = await ask(handler, '/recommend', { user, k: 7 });
    assert.is(status, 200);
    assert.equal(body, { items: model.recommendFor(user, { k: 7 }), model: 'BPR', version: 'v1' });
  }
  assert.is((await ask(handler, '/recommend', { user: 'u1' })).body.items!.length, 10);
  assert.equal((await ask(handler, '/recommend', { user: 'u1', k: 5, excludeSeen: false })).body.items, model.recommendFor('u1', { k: 5, excludeSeen: false }));
  assert.equal((await ask(handler, '/recommend', { user: 'u1', k: 1000 })).body.items, model.recommendFor('u1', { k: 1000 })); // all there are
});

test('many users, in their order, unknown ones among them', async () => {
  const { body } = await ask(handlerOf(), '/recommend', { users: ['u3', 'nobody', 'u1', 'u3'], k: 4, fallback: 'popularity' });
  assert.equal(body.lists, ['u3', 'nobody', 'u1', 'u3'].map((user) => ({ items: model.recommendFor(user, { k: 4, fallback: 'popularity' }) })));
  assert.is(body.lists![1].items[0].source, 'popularity');
});

test('exclude and only: the same list without those, and of those alone', async () => {
  const handler = handlerOf(), all = model.recommendFor('u2', { k: 1000 }), out = all.slice(0, 3).map(({ item }) => item), within = [all[1].item, all[5].item, all[9].item];
  assert.equal((await ask(handler, '/recommend', { user: 'u2', k: 5, exclude: out })).body.items, all.slice(3, 8));
  assert.equal((await ask(handler, '/recommend', { user: 'u2', k: 5, only: within })).body.items, [all[1], all[5], all[9]]);
  assert.equal((await ask(handler, '/recommend', { user: 'u2', k: 5, only: within, exclude: out })).body.items, [all[5], all[9]]);
  const met = model.recommendFor('u2', { k: 1000, excludeSeen: false }).find(({ item }) => !all.some((one) => one.item === item))!;
  assert.equal((await ask(handler, '/recommend', { user: 'u2', only: [met.item] })).body.items, []);
  assert.equal((await ask(handler, '/recommend', { user: 'u2', only: [met.item], excludeSeen: false })).body.items, [met]);
  const ties = await new Popularity().fit(data), half = data.items.known().filter((_, row) => row % 2 === 0); // equal scores: the lower row is first
  assert.equal((await ask(handlerOf(ties), '/recommend', { user: 'u2', k: 40, only: [...half, ...half.toReversed()] })).body.items, ties.recommendFor('u2', { k: 50 }).filter(({ item }) => half.includes(item)));
});

test('much to leave out for many: what each has beside it', async () => {
  const handler = handlerOf(), every = model.users.known(), out = ['i7', 'i1', 'i30', 'i7', 'i1'], { body } = await ask(handler, '/recommend', { users: every, k: 60, exclude: out });
  assert.equal(body.lists!.map(({ items }) => items), every.map((user) => model.recommendFor(user, { k: 60 }).filter(({ item }) => !out.includes(String(item)))));
  const chosen = await ask(handler, '/recommend', { users: every, k: 60, only: model.items.known(), exclude: out });
  assert.equal(chosen.body, body);
});

test('similar items, by cosine and by dot product', async () => {
  const handler = handlerOf();
  for (const similarity of ['cosine', 'dot'] as const) {
    const { body } = await ask(handler, '/similar', { item: 'i3', k: 6, similarity });
    assert.equal(body.items, model.similarTo('i3', { k: 6, similarity }));
  }
  assert.equal((await ask(handler, '/similar', { item: 'i3' })).body.items, model.similarTo('i3'));
  const ease = await new EASE().fit(data);
  assert.equal((await ask(handlerOf(ease), '/similar', { item: 'i3' })).body.items, ease.similarTo('i3'));
  for (const similarity of ['cosine', 'dot']) refused(await ask(handlerOf(ease), '/similar', { item: 'i3', similarity }), 400, ['leave similarity out'], 'unsupported');
});

test('encoders that keep a row for the unknown: it is in no list', async () => {
  const known = interactions(users, items, { users: LabelEncoder.fit(users, { unknown: true }), items: LabelEncoder.fit(items, { unknown: true }) }), model = await new BPR({ factors: 8, epochs: 4 }).fit(known), handler = handlerOf(model);
  assert.equal((await ask(handler, '/recommend', { user: 'u1', k: 100 })).body.items, model.recommendFor('u1', { k: 100 }));
  assert.equal((await ask(handler, '/recommend', { user: 'u1', k: 100, exclude: ['i1'] })).body.items, model.recommendFor('u1', { k: 100 }).filter(({ item }) => item !== 'i1'));
  assert.equal((await ask(handler, '/recommend', { user: 'u1', k: 100, only: ['i1', 'i40'], excludeSeen: false })).body.items!.map(({ item }) => item).sort(), ['i1', 'i40']);
  assert.equal((await ask(handler, '/similar', { item: 'i3', k: 100 })).body.items, model.similarTo('i3', { k: 100 }));
  refused(await ask(handler, '/recommend', { user: 'nobody' }), 404, ["'nobody'", '30 users'], 'unknown-id');
});

test('ids that are numbers or bigints may be asked for as text, and text that spells a number as a number', async () => {
  const big = 2n ** 60n, mixed = await new Popularity().fit(interactions([1, 1, 2, 2], [10, big, 10, 11n])), handler = handlerOf(mixed);
  assert.equal((await ask(handler, '/recommend', { user: '1', excludeSeen: false })).body.items!.map(({ item }) => item), [10, '11', String(big)]);
  assert.equal((await ask(handler, '/recommend', { user: 1, exclude: [String(big), 11], excludeSeen: false })).body.code, 'unknown-id'); // 11 is there as a bigint, which a JSON number is not
  assert.equal((await ask(handler, '/recommend', { user: 1, exclude: [String(big)], excludeSeen: false })).body.items!.map(({ item }) => item), [10, '11']);
  const texts = await new Popularity().fit(interactions(['7', '8'], ['1', '2']));
  assert.is((await ask(handlerOf(texts), '/recommend', { user: 7 })).status, 200);
});

test('a history: what a session of the model says', async () => {
  const lstm = await new NextItemLSTM({ factors: 8, hidden: 8, layers: 1, epochs: 2 }).fit(data), handler = handlerOf(lstm), history = ['i1', 'i4', 'i1'];
  const session = (k: number): Recommendation[] => { const basket = lstm.session(); for (const item of history) basket.add(item); return basket.top(k); };
  assert.equal((await ask(handler, '/recommend', { history, k: 6 })).body.items, session(6));
  assert.equal((await ask(handler, '/recommend', { history, user: 'u1', k: 6 })).body.items, session(6)); // a model that does not look at users
  assert.equal((await ask(handler, '/recommend', { history, k: 6, exclude: ['i2', 'i3'] })).body.items, session(50).filter(({ item }) => !['i2', 'i3'].includes(String(item))).slice(0, 6));
  assert.equal((await ask(handler, '/recommend', { history, k: 50, excludeSeen: true, exclude: ['i2'] })).body.items, session(50).filter(({ item }) => !['i1', 'i4', 'i2'].includes(String(item))));
  assert.equal((await ask(handler, '/recommend', { history, k: 6, only: ['i9', 'i8'] })).body.items, session(50).filter(({ item }) => ['i8', 'i9'].includes(String(item))));
  refused(await ask(handler, '/recommend', { history: ['i1', 'gone'] }), 404, ['history[1]', "'gone'"], 'unknown-id');
  refused(await ask(handler, '/recommend', { history, user: 'nobody' }), 404, ["'nobody'"], 'unknown-id');
  const ofUsers = await new NextItemLSTM({ factors: 4, hidden: 4, layers: 1, epochs: 1, user: true }).fit(data);
  refused(await ask(handlerOf(ofUsers), '/recommend', { history }), 404, ['looks at the user', 'name a user'], 'unknown-id');
  assert.equal((await ask(handlerOf(ofUsers), '/recommend', { history: ['i1'], user: 'u4', k: 3 })).body.items, ofUsers.session('u4').add('i1').top(3));
  const next = await new HistoryToNext({ factors: 4, layers: [4], epochs: 1 }).fit(data);
  assert.equal((await ask(handlerOf(next), '/recommend', { history, user: 'u3', k: 50 })).body.items, history.reduce((basket, item) => basket.add(item), next.session('u3')).top(50));
  for (const [within, k] of [[data.items.known().slice(5), 3], [['i0', 'i49'], 2], [['i9'], 7], [data.items.known(), 60], [session(50).slice(25).map(({ item }) => item), 1]] as [RawId[], number][]) {
    assert.equal((await ask(handler, '/recommend', { history, k, only: within, exclude: ['i9', 'i30'] })).body.items, session(50).filter(({ item }) => within.some((one) => one === item) && !['i9', 'i30'].includes(String(item))).slice(0, k));
  }
  for (const one of [lstm, next]) assert.equal((await ask(handlerOf(one), '/recommend', { history: [], k: 6 })).body.items, one.session().top(6)); // nothing yet
});

const ages = (n: number): number[] => Array.from({ length: n }, (_, at) => 20 + at);
const towers = await new TwoTower({ userFeatures: { age: number(), words: multi() }, itemFeatures: { year: number() }, layers: [4], epochs: 2 }).fit(data, {
  userTable: sideTable(data.users.known(), { age: ages(30), words: ages(30).map((age) => [age % 2 ? 'odd' : 'even']) }), itemTable: sideTable(data.items.known(), { year: ages(50) }),
});

/** altered: the same model but for this. */
const altered = <Model extends ServedModel>(served: Model, own: Partial<Model>): Model => new Proxy(served, { get: (target, name) => (name in own ? own[name as keyof Model] : Reflect.get(target, name, target)) });

test('queries by features, one and many: what the model answers', async () => {
  const handler = handlerOf(towers), queries = [{ age: 30, words: ['odd'] }, { age: 70, words: [] }, { user: 'u1' }, { user: 'nobody', age: 21, words: 'odd' }, { user: 'u2', age: 44, words: ['even', 'odd'] }];
  const lists = (await ask(handler, '/recommend', { queries, k: 50 })).body.lists!.map(({ items }) => items);
  for (const [at, query] of queries.entries()) {
    const alone = towers.recommendTo(query, { k: 50 });
    assert.equal((await ask(handler, '/recommend', { query, k: 50 })).body.items, alone);
    assert.equal(lists[at].map(({ item }) => item), alone.map(({ item }) => item));
    for (const excludeSeen of [undefined, true, false]) {
      const all = towers.recommendTo(query, { k: 50, ...(excludeSeen !== undefined && { excludeSeen }) }), out = [all[0].item, all[3].item], within = ['i3', 'i40', 'i7', all[0].item, 'i11'];
      assert.equal((await ask(handler, '/recommend', { query, k: 6, excludeSeen })).body.items, all.slice(0, 6));
      assert.equal((await ask(handler, '/recommend', { query, k: 6, excludeSeen, exclude: out })).body.items, all.filter(({ item }) => !out.includes(item)).slice(0, 6));
      for (const k of [2, 50]) assert.equal((await ask(handler, '/recommend', { query, k, excludeSeen, only: within, exclude: out })).body.items, all.filter(({ item }) => within.includes(item) && !out.includes(item)).slice(0, k));
    }
  }
  assert.equal((await ask(handlerOf(towers, { threads: 2 }), '/recommend', { queries, k: 50 })).body.lists!.map(({ items }) => items), lists);
});

test('encoders that keep a row for the unknown: queries and histories as well', async () => {
  const known = interactions(users, items, { users: LabelEncoder.fit(users, { unknown: true }), items: LabelEncoder.fit(items, { unknown: true }) }), query = { user: 'u1', age: 33 };
  const one = await new TwoTower({ userFeatures: { age: number() }, itemFeatures: { year: number() }, layers: [4], epochs: 1 }).fit(known, { userTable: sideTable(data.users.known(), { age: ages(30) }), itemTable: sideTable(data.items.known(), { year: ages(50) }) }), handler = handlerOf(one);
  assert.equal((await ask(handler, '/recommend', { query, k: 100 })).body.items, one.recommendTo(query, { k: 100 }));
  assert.equal((await ask(handler, '/recommend', { query, k: 100, only: data.items.known() })).body.items, one.recommendTo(query, { k: 100 }));
  assert.equal((await ask(handler, '/recommend', { query: { user: 'nobody', age: 33 } })).body.items, one.recommendTo({ user: 'nobody', age: 33 }));
});

test('a query that says too little, too much or something else: one sentence that says where', async () => {
  const handler = handlerOf(towers), cases: [body: object, status: number, error: string][] = [
    [{ query: { words: ['odd'] } }, 400, "query must have 'age', or the id of a known user; the columns are user, age, words"],
    [{ queries: [{ age: 1, words: [] }, { words: ['odd'] }] }, 400, "queries[1] must have 'age', or the id of a known user; the columns are user, age, words"],
    [{ query: { age: '60', words: [] } }, 400, 'query.age must be a finite number, got "60"'],
    [{ queries: [{ user: 'u1' }, { age: 1, words: [] }, { age: ['1'], words: [] }], exclude: ['i1'] }, 400, 'queries[2].age must be a finite number, got a list'],
    [{ query: { age: 1e200, words: [] } }, 400, 'query.age must be a number of at most 1e+100 in size, got 1e+200'],
    [{ query: { age: 60, words: ['odd', 'odd'] } }, 400, 'query.words: expected each value once, got "odd" twice'],
    [{ query: { age: 60, words: [], shoe: 43 } }, 400, "query has 'shoe', which no feature of TwoTower reads; the columns are user, age, words"],
    [{ query: { user: 'nobody' } }, 404, "query.user: user 'nobody' is not among the 30 users that the model knows; tell age, words instead, and the model can answer by them"],
    [{ queries: [{ user: 'u1' }, { user: "; tell 'x' is" }] }, 404, "queries[1].user: user '; tell 'x' is' is not among the 30 users that the model knows; tell age, words instead, and the model can answer by them"],
    [{ query: { user: ['u1'] } }, 400, 'query.user must be an id, as text or as a number, got a list of 1'],
    [{ query: {} }, 400, 'query must be an object of cells by column, each text, a number, or a list of texts, got an object'],
    [{ query: { age: null } }, 400, 'query.age must be text, a number, or a list of texts, got null'],
    [{ queries: [{ age: 1 }, { words: ['a', 1] }] }, 400, 'queries[1].words[1] must be a text, got 1'],
  ];
  for (const [body, status, error] of cases) {
    const answer = await ask(handler, '/recommend', body);
    refused(answer, status, []);
    assert.is(answer.body.error, error);
  }
  const long = await ask(handler, '/recommend', { query: { age: 1, words: [], ['z'.repeat(5000)]: 1 } });
  refused(long, 400, ["query has 'zzz", '...']);
  assert.ok(long.body.error!.length < 1100);
  refused(await ask(handler, '/recommend', { query: { user: 'u1' }, exclude: ['nothing'] }), 404, ['exclude[0]', "'nothing'"]);
});

test('fallback is for users: beside anything else it is refused', async () => {
  const handler = handlerOf(towers);
  for (const [body, beside] of [[{ query: { user: 'u1' } }, 'query'], [{ queries: [{ user: 'u1' }] }, 'queries'], [{ history: ['i1'] }, 'history'], [{ history: ['i1'], user: 'u1' }, 'history']] as const) {
    const answer = await ask(handler, '/recommend', { ...body, fallback: 'popularity' });
    assert.equal([answer.status, answer.body.error], [400, `fallback is for user and users, whom a model may not know, got it beside ${beside}; leave it out`]);
  }
});

test('one bad query spoils no other that comes with it; what fails for one row is computed for each by itself', async () => {
  const handler = handlerOf(towers, { later: setImmediate });
  const [good, bad] = await Promise.all([ask(handler, '/recommend', { query: { user: 'u1' } }), ask(handler, '/recommend', { query: { words: [] } })]);
  assert.equal(good.body.items, towers.recommendTo({ user: 'u1' }));
  refused(bad, 400, ["query must have 'age'"]);

  const calls: number[] = [], { answers } = model, wrong = model.users.encode('u2');
  const failing = altered<ServedModel>(model, { answers: { ...answers, scoreBlock(out, rows) { calls.push(rows.length); if (rows.includes(wrong)) throw new Error('no such row'); answers.scoreBlock(out, rows); } } });
  const spoilt = handlerOf(failing, { later: setImmediate }), [right, failed] = await Promise.all(['u1', 'u2'].map((user) => ask(spoilt, '/recommend', { user })));
  assert.equal(right.body.items, model.recommendFor('u1'));
  assert.is(failed.status, 500);
  assert.equal(calls, [2, 1, 1]); // together, and then each for itself
});

test('what a model does not do', async () => {
  const handler = handlerOf();
  refused(await ask(handler, '/recommend', { query: { age: 1 } }), 400, ['BPR is none', 'ask for a user'], 'unsupported');
  refused(await ask(handler, '/recommend', { queries: [{ age: 1 }] }), 400, ['BPR is none'], 'unsupported');
  refused(await ask(handler, '/recommend', { history: ['i1'] }), 400, ['BPR is none'], 'unsupported');
  refused(await ask(handlerOf(await new Popularity().fit(data)), '/similar', { item: 'i1' }), 400, ['Popularity learns no item vectors'], 'unsupported');
  refused(await ask(handlerOf(await new EASE().fit(data)), '/similar', { item: 'i1', similarity: 'dot' }), 400, ['EASE'], 'unsupported');
});

// Bad requests

const wrong: [what: string, body: unknown, status: number, words: string[]][] = [
  ['no JSON', '{"user": u1}', 400, ['is not JSON', 'begins with', '{\\"user\\"']],
  ['nothing', '', 400, ['is not JSON', 'empty']],
  ['a list', [1], 400, ['must be a JSON object', 'a list of 1']],
  ['a text', '"u1"', 400, ['must be a JSON object', '"u1"']],
  ['null', 'null', 400, ['must be a JSON object', 'null']],
  ['nobody to recommend to', { k: 3 }, 400, ['exactly one of user, users, history, query, queries', 'got none']],
  ['two at once', { user: 'u1', users: ['u2'] }, 400, ['exactly one of', 'got user, users']],
  ['a history and a query', { history: ['i1'], query: { a: 1 } }, 400, ['exactly one of', 'got history, query']],
  ['a field that nobody reads', { user: 'u1', top: 3 }, 400, ['no field "top"', 'excludeSeen']],
  ['a field of every object', '{"user": "u1", "__proto__": {"k": 3}}', 400, ['no field "__proto__"']],
  ['a field with odd characters', { user: 'u1', 'a/b~c%20 ü': 3 }, 400, ['no field "a/b~c%20 ü"']],
  ['a field as long as a page', { user: 'u1', ['z'.repeat(4000)]: 3 }, 400, ['no field "zzz', '...']],
  ['a user that is an object', { user: { id: 1 } }, 400, ['user must be an id', 'an object']],
  ['a user that is null', { user: null }, 400, ['user must be an id', 'null']],
  ['users that are no list', { users: 'u1' }, 400, ['users must be a list of 1 to 1000 ids', '"u1"']],
  ['no users', { users: [] }, 400, ['users must be a list of 1 to 1000 ids', 'a list of 0']],
  ['too many users', { users: Array.from({ length: 1001 }, () => 'u1') }, 400, ['users must be a list of 1 to 1000 ids', 'a list of 1001']],
  ['too much in all', { users: Array.from({ length: 1000 }, () => 'u1'), k: 1000 }, 400, ['100000 items in all', '1000 lists of 1000']],
  ['a user among them that is no id', { users: ['u1', true] }, 400, ['users[1] must be an id', 'true']],
  ['k of 0', { user: 'u1', k: 0 }, 400, ['k must be a whole number from 1 to 1000', 'got 0']],
  ['k of a million', { user: 'u1', k: 1_000_000 }, 400, ['k must be a whole number from 1 to 1000', 'got 1000000']],
  ['k below 0', { user: 'u1', k: -1 }, 400, ['k must be', 'got -1']],
  ['k of a half', { user: 'u1', k: 1.5 }, 400, ['k must be', 'got 1.5']],
  ['k as text', { user: 'u1', k: '5' }, 400, ['k must be', 'got "5"']],
  ['k beyond all numbers', '{"user": "u1", "k": 1e999}', 400, ['k must be']],
  ['a history that is too long', { history: Array.from({ length: 201 }, () => 'i1') }, 400, ['history must be a list of 0 to 200 ids', 'a list of 201']],
  ['too much to leave out', { user: 'u1', exclude: Array.from({ length: 10_001 }, () => 'i1') }, 400, ['exclude must be a list of 1 to 10000 ids', 'a list of 10001']],
  ['excludeSeen as text', { user: 'u1', excludeSeen: 'yes' }, 400, ['excludeSeen must be true or false', '"yes"']],
  ['exclude as text', { user: 'u1', exclude: 'i1' }, 400, ['exclude must be a list', '"i1"']],
  ['another fallback', { user: 'u1', fallback: 'random' }, 400, ['fallback must be "popularity"', '"random"']],
  ['a user as long as a page', { user: 'z'.repeat(4000) }, 404, ["'zzz", "...' is not among the 30 users"]],
  ['a user of several lines', { user: 'a\nb\u0000"' }, 404, ["'a\\nb\\u0000\"'"]],
  ['half a character', '{ "user": "\\ud800" }', 404, ["'\\ud800'"]],
  ['a field of half a character', '{ "user": "u1", "\\ud800": 1 }', 400, ['half a character']],
  ['a column of half a character', '{ "query": { "\\ud800": null } }', 400, ['half a character']],
  ['lists in lists', `{ "user": ${'['.repeat(100_000)}${']'.repeat(100_000)} }`, 400, ['user must be an id', 'a list of 1']],
  ['objects in objects', `{ "query": { "a": ${'{ "a": '.repeat(20_000)}1${' }'.repeat(20_000)} } }`, 400, ['query.a must be text, a number, or a list of texts, got an object']],
  ['a user nobody knows', { user: 'nobody' }, 404, ["'nobody'", '30 users', '"fallback": "popularity"']],
  ['a user nobody knows, among users', { users: ['u1', 'nobody'] }, 404, ['users[1]', "'nobody'"]],
  ['a user that is a number', { user: 12.5 }, 404, ['12.5 (a number)']],
  ['an item to exclude that nobody knows', { user: 'u1', exclude: ['i1', 'gone'] }, 404, ['exclude[1]', "'gone'", '50 items']],
  ['an item to choose that nobody knows', { user: 'u1', only: ['gone'] }, 404, ['only[0]', "'gone'"]],
];

for (const [what, body, status, words] of wrong) {
  test(`POST /recommend, ${what}: ${status}`, async () => {
    const handler = handlerOf();
    refused(await ask(handler, '/recommend', body), status, words);
    assert.is((await ask(handler, '/recommend', { user: 'u1' })).status, 200); // and it goes on
  });
}

const wrongSimilar: typeof wrong = [
  ['no item', {}, 400, ['item is missing', 'an id']],
  ['an item that is a list', { item: ['i1'] }, 400, ['item must be an id', 'a list of 1']],
  ['a user', { item: 'i1', user: 'u1' }, 400, ['no field "user"', 'item, k, similarity']],
  ['another similarity', { item: 'i1', similarity: 'euclid' }, 400, ['similarity must be "cosine" or "dot"', '"euclid"']],
  ['k of 0', { item: 'i1', k: 0 }, 400, ['k must be a whole number from 1 to 1000', 'got 0']],
  ['an item nobody knows', { item: 'gone' }, 404, ["item 'gone'", '50 items']],
  ['no JSON', 'item=i1', 400, ['is not JSON', 'item=i1']],
];
for (const [what, body, status, words] of wrongSimilar) test(`POST /similar, ${what}: ${status}`, async () => refused(await ask(handlerOf(), '/similar', body), status, words));

test('bodies by lot: an answer or a refusal, and no fault of ours', async () => {
  const draw = random(11), some = <T>(of: readonly T[]): T => of[draw.below(of.length)], statuses = new Set<number>();
  const values: unknown[] = ['u1', 'i1', 'nobody', '', 0, 7, -1.5, 1e300, null, true, [], {}, ['i1'], ['i2', 'i2', 'gone'], ['i1', null], [[]], { age: 30, words: ['odd'] }, { user: 'u1' }, { user: 'nobody' }, { age: '3' }, [{ user: 'u2' }, { user: 'u2', age: 3, words: '' }], [{}], 'popularity', 'cosine', '\ud800', '__proto__', 'x'.repeat(300)];
  const fields = ['user', 'users', 'history', 'query', 'queries', 'k', 'excludeSeen', 'exclude', 'only', 'fallback', 'item', 'similarity', '__proto__', 'constructor', '\ud800'], heard: unknown[] = [];
  const served = [model, towers, await new NextItemLSTM({ factors: 4, hidden: 4, layers: 1, epochs: 1 }).fit(data), await new HistoryToNext({ factors: 4, layers: [4], epochs: 1 }).fit(data)].map((one) => handlerOf(one, { onError: (error) => heard.push(error) }));
  const fitting: Record<string, unknown> = { user: 'u1', users: ['u1', 'u3'], history: ['i1'], query: { user: 'u1' }, queries: [{ user: 'u2' }], k: 3, excludeSeen: true, exclude: ['i3'], only: ['i1', 'i4'], fallback: 'popularity', item: 'i1', similarity: 'dot' };
  for (let n = 0; n < 3000; n++) {
    const body = Object.fromEntries(Array.from({ length: 1 + draw.below(4) }, () => some(fields)).map((field) => [field, draw.below(3) > 0 && Object.hasOwn(fitting, field) ? fitting[field] : some(values)]));
    const { status, body: said } = await ask(some(served), some(['/recommend', '/recommend', '/similar']), body);
    statuses.add(status);
    assert.ok(status === 200 ? Array.isArray(said.items ?? said.lists) : (status === 400 || status === 404) && typeof said.error === 'string', `${status} for ${JSON.stringify(body)}: ${String(heard[0])}`);
  }
  assert.equal([...statuses].sort(), [200, 400, 404]);
});

test('a refusal names no id but those that came', async () => {
  const { body } = await ask(handlerOf(), '/recommend', { user: 'nobody' });
  for (const user of model.users.known()) assert.not.ok(body.error!.includes(`'${String(user)}'`));
});

test('a body that is too large, said beforehand or not', async () => {
  const handler = handlerOf(model, { maxBody: 200 }), large = JSON.stringify({ user: 'u1', exclude: Array.from({ length: 60 }, () => 'i1') });
  const announced = await ask(handler, '/recommend', large, { headers: { 'content-length': String(large.length) } });
  refused(announced, 413, ['at most 200 bytes', `got ${large.length} bytes`], 'body-too-large');
  const pieces = (text: string) => new ReadableStream({ start(controller) { for (let at = 0; at < text.length; at += 50) controller.enqueue(new TextEncoder().encode(text.slice(at, at + 50))); controller.close(); } });
  refused(await ask(handler, '/recommend', '', { body: pieces(large), duplex: 'half' } as RequestInit), 413, ['at most 200 bytes', 'got more'], 'body-too-large');
  assert.is((await ask(handler, '/recommend', '', { body: pieces('{ "user": "u1", "k": 2 }'.padEnd(200)), duplex: 'half' } as RequestInit)).status, 200);
  const split = await ask(handlerOf(), '/recommend', '', { body: new ReadableStream({ start(controller) { const bytes = new TextEncoder().encode('{ "user": "ü" }'); controller.enqueue(bytes.slice(0, 12)); controller.enqueue(bytes.slice(12)); controller.close(); } }), duplex: 'half' } as RequestInit);
  refused(split, 404, ["'ü'"]); // a character that came in two pieces
});

test('a body that breaks off: 408', async () => {
  const broken = new ReadableStream({ start(controller) { controller.enqueue(new TextEncoder().encode('{ "user":')); controller.error(new Error('the client is gone')); } });
  refused(await ask(handlerOf(), '/recommend', '', { body: broken, duplex: 'half' } as RequestInit), 408, ['did not come whole'], 'incomplete');
});

test('other paths and methods', async () => {
  const handler = handlerOf();
  refused(await ask(handler, '/recommendations', {}), 404, ['nothing at this path', 'POST /recommend', 'GET /health'], 'no-such-path');
  refused(await ask(handler, '/__proto__', {}), 404, ['nothing at this path']);
  for (const [path, method, allow] of [['/recommend', 'GET', 'POST'], ['/similar', 'DELETE', 'POST'], ['/health', 'POST', 'GET, HEAD'], ['/recommend', 'OPTIONS', 'POST'], ['/metrics', 'OPTIONS', 'GET, HEAD'], ['/similar', 'PUT', 'POST']]) {
    const response = await handler.fetch(new Request(`http://host${path}`, { method })), body = await response.json();
    refused({ status: response.status, headers: response.headers, body }, 405, [path, method], 'wrong-method');
    assert.is(response.headers.get('allow'), allow);
  }
  const posts = await handler.fetch(new Request('http://host/recommend', { method: 'HEAD' }));
  assert.equal([posts.status, posts.headers.get('allow'), await posts.text()], [405, 'POST', '']);
  const head = await handler.fetch(new Request('http://host/health', { method: 'HEAD' }));
  assert.is(head.status, 200);
  assert.is(await head.text(), '');
});

test('a token: who has none, another, and the right one', async () => {
  const handler = handlerOf(model, { token: 's3cret-token' }), having = (authorization: string) => ({ headers: { authorization } });
  const none = await ask(handler, '/recommend', { user: 'u1' });
  refused(none, 401, ['Authorization: Bearer TOKEN'], 'no-token');
  assert.match(none.headers.get('www-authenticate')!, 'Bearer');
  const other = await ask(handler, '/recommend', { user: 'u1' }, having('Bearer s3cret-tokem'));
  refused(other, 401, ['is not the one of this server'], 'wrong-token');
  assert.match(other.headers.get('www-authenticate')!, 'invalid_token');
  refused(await ask(handler, '/recommend', { user: 'u1' }, having('Basic dTpw')), 400, ['Authorization: Bearer TOKEN']);
  assert.is((await ask(handler, '/recommend', { user: 'u1' }, having('Bearer s3cret-token'))).status, 200);
  const status = async (path: string, init?: RequestInit): Promise<number> => (await handler.fetch(new Request(`http://host${path}`, init))).status;
  assert.equal([await status('/health'), await status('/metrics'), await status('/openapi.json'), await status('/nowhere')], [200, 401, 401, 401]);
  assert.is(await status('/metrics', having('Bearer s3cret-token')), 200);
});

test('settings out of range, and a model that has learned nothing', () => {
  refuses(() => recommendHandler(new BPR()), 'not-fitted', 'BPR has learned nothing');
  for (const [none, got] of [[null, 'null'], [undefined, 'undefined'], [{}, 'another object'], ['shop.safetensors', '"shop.safetensors"'], [new BPR().fit(data), 'another object'], [towers.queryTower(), 'another object']] as const) {
    refuses(() => recommendHandler(none as never), 'bad-input', 'expected a fitted model', `got ${got}`);
  }
  refuses(() => void handlerOf().replace(null as never), 'bad-input', 'expected a fitted model', 'got null');
  refuses(() => void handlerOf().replace(model, { version: 2 as never }), 'bad-setting', 'version must be a string', 'got 2');
  const bad: [HandlerOptions, string][] = [[{ maxK: 0 }, 'maxK must be'], [{ maxBody: 1.5 }, 'maxBody must be'], [{ maxQueue: 0 }, 'maxQueue must be'], [{ threads: 0 }, 'threads must be'], [{ later: 1 as never }, 'later must be a function'], [{ version: 1 as never }, 'version must be a string'], [{ port: 1 } as never, "no setting 'port'"]];
  for (const [options, words] of bad) refuses(() => recommendHandler(model, options), 'bad-setting', words);
  for (const token of ['', 'two words', 'ümlaut']) {
    let said = '';
    try { recommendHandler(model, { token }); } catch (error) { said = (error as Error).message; }
    assert.match(said, 'token must be of letters');
    if (token !== '') assert.not.ok(said.includes(token)); // it may end in a log
  }
});

test('an error that is no client\'s fault: 500, and whoever runs the server hears of it', async () => {
  const heard: unknown[] = [], failing = altered<ServedModel>(towers, { queryEmbeddings() { throw new Error('the secret path /srv/models'); } }), handler = handlerOf(failing, { onError: (error) => heard.push(error) });
  const answer = await ask(handler, '/recommend', { query: { age: 1 } });
  refused(answer, 500, ['failed to answer'], 'failed');
  assert.not.match(answer.body.error!, 'secret');
  assert.match((heard[0] as Error).message, 'secret path');
});

// Blocks, models that change, counts

test('requests that come together are scored as one block, and each gets its own list', async () => {
  const handler = handlerOf(model, { later: setImmediate }), wanted = Array.from({ length: 40 }, (_, n) => ({ user: `u${n % 30}`, k: 1 + (n % 9), ...(n % 3 === 0 && { exclude: [`i${n % 10}`] }) }));
  const answers = await Promise.all(wanted.map((body) => ask(handler, '/recommend', body)));
  for (const [at, { user, k, exclude = [] }] of wanted.entries()) {
    assert.equal(answers[at].body.items, model.recommendFor(user, { k: 50 }).filter(({ item }) => !(exclude as RawId[]).includes(item)).slice(0, k));
  }
  const [eight, five] = await Promise.all([8, 5].map((k) => ask(handler, '/recommend', { user: 'u1', k })));
  assert.equal([eight.body.items, five.body.items], [8, 5].map((k) => model.recommendFor('u1', { k })));
  const text = await (await handler.fetch(new Request('http://host/metrics'))).text(), blocks = Number(/^tightrec_block_lists_count (\d+)$/m.exec(text)![1]);
  assert.match(text, /^tightrec_block_lists_sum 42$/m);
  assert.ok(blocks <= 6, `${blocks} blocks`); // one for k of 1, 2, to 4, to 8 and to 16, and one for the two
});

test('too many at once: 503 and when to come again, and the server goes on', async () => {
  const handler = handlerOf(model, { maxQueue: 10, later: setImmediate });
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(handler, '/recommend', { user: 'u1', k: 3 })));
  assert.is(answers.filter(({ status }) => status === 200).length, 10);
  for (const answer of answers.filter(({ status }) => status !== 200)) {
    refused(answer, 503, ['busy', '10 ', 'try again'], 'busy');
    assert.is(answer.headers.get('retry-after'), '1');
  }
  const many = { users: Array.from({ length: 1000 }, (_, n) => `u${n % 30}`), k: 3 }, [first, second, third] = await Promise.all([ask(handler, '/recommend', many), ask(handler, '/recommend', many), ask(handler, '/similar', { item: 'i1' })]);
  for (const { body } of [first, second]) assert.equal(body.lists!.map(({ items }) => items), many.users.map((user) => model.recommendFor(user, { k: 3 }))); // in several blocks
  refused(third, 503, ['1010 lists wait'], 'busy');
});

test('another model: requests under way end with the one they began with', async () => {
  const other = await new Popularity().fit(data), handler = handlerOf(model, { version: '1', later: setImmediate });
  let send: (text: string) => void = () => {}, idle = false;
  const slow = ask(handler, '/recommend', '', { body: new ReadableStream({ start(controller) { send = (text) => { controller.enqueue(new TextEncoder().encode(text)); controller.close(); }; } }), duplex: 'half' } as RequestInit);
  const before = Array.from({ length: 5 }, () => ask(handler, '/recommend', { user: 'u1', k: 3 }));
  const replace = async (): Promise<void> => { await handler.replace(other, { version: '2' }); idle = true; }, replaced = replace();
  const after = ask(handler, '/recommend', { user: 'u1', k: 3 });
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  assert.is(idle, false);
  for (const { body } of await Promise.all(before)) assert.equal(body, { items: model.recommendFor('u1', { k: 3 }), model: 'BPR', version: '1' });
  assert.equal((await after).body, { items: other.recommendFor('u1', { k: 3 }), model: 'Popularity', version: '2' });
  await new Promise((resolve) => { setTimeout(resolve, 20); });
  assert.is(idle, false); // one that began with it has not ended
  send('{ "user": "u1", "k": 3 }');
  assert.is((await slow).body.version, '1');
  await replaced;
  refuses(() => void handler.replace(new BPR()), 'not-fitted', 'BPR');
  assert.is((await ask(handler, '/recommend', { user: 'u1', k: 3 })).body.model, 'Popularity');
});

test('close: what has come is answered, what comes is not', async () => {
  const handler = handlerOf(model, { later: setImmediate }), before = ask(handler, '/recommend', { user: 'u1' });
  const closed = handler.close();
  const late = await ask(handler, '/recommend', { user: 'u1' });
  refused(late, 503, ['stopping'], 'stopping');
  assert.is((await before).status, 200);
  await closed;
  await handlerOf().close(); // nothing is under way
});

test('GET /health and GET /metrics', async () => {
  const handler = handlerOf(model, { version: 'a"b\\c' }), get = async (path: string) => handler.fetch(new Request(`http://host${path}`));
  assert.equal(await (await get('/health')).json(), { status: 'ok', model: 'BPR', version: 'a"b\\c', users: 30, items: 50 });
  await ask(handler, '/recommend', { user: 'u1' });
  await ask(handler, '/recommend', { user: 'nobody' });
  await ask(handler, '/nowhere/u1', {});
  assert.ok((await (await get('/metrics')).text()).includes('tightrec_model_info{model="BPR",version="a\\"b\\\\c"} 1\n'));
  await handler.replace(model, { version: '2' });
  handler.refused();
  const response = await get('/metrics'), text = await response.text(), values = new Map<string, number>();
  assert.is(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  // the text format: comments of a family before its samples, and a line a sample
  let family = '';
  for (const line of text.trimEnd().split('\n')) {
    const comment = /^# (HELP|TYPE) (\w+) (.+)$/.exec(line), sample = /^(\w+)(\{(?:\w+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (\S+)$/.exec(line);
    if (comment) { family = comment[2]; continue; }
    assert.ok(sample && sample[1].startsWith(family) && Number.isFinite(Number(sample[3])), line);
    values.set(sample![1] + (sample![2] ?? ''), Number(sample![3]));
  }
  const value = (name: string): number | undefined => values.get(name);
  assert.is(value('tightrec_requests_total{route="/recommend",status="200"}'), 1);
  assert.is(value('tightrec_requests_total{route="/recommend",status="404"}'), 1);
  assert.is(value('tightrec_requests_total{route="other",status="404"}'), 1);
  assert.is(value('tightrec_request_seconds_count{route="/recommend"}'), 2);
  assert.is(value('tightrec_request_seconds_bucket{route="/recommend",le="+Inf"}'), 2);
  assert.is(value('tightrec_block_lists_sum'), 1);
  assert.is(value('tightrec_requests_in_flight'), 1); // this one
  assert.is(value('tightrec_model_loads_total{outcome="loaded"}'), 2);
  assert.is(value('tightrec_model_loads_total{outcome="refused"}'), 1);
  assert.is(value('tightrec_model_info{model="BPR",version="2"}'), 1);
  const cumulative = [...values].filter(([name]) => name.startsWith('tightrec_request_seconds_bucket{route="/recommend"')).map(([, n]) => n);
  assert.equal(cumulative, cumulative.toSorted((a, b) => a - b));
});

test('the OpenAPI description: every answer is as it says, and every body is checked by its schema', async () => {
  const handler = handlerOf(towers, { maxK: 77, version: 'v3', token: 'abc' }), init = { headers: { authorization: 'Bearer abc' } };
  const document = await (await handler.fetch(new Request('http://host/openapi.json', init))).json() as { openapi: string; security: unknown; paths: Record<string, Record<string, { responses: Record<string, unknown> }>>; components: { schemas: Record<string, Schema> } };
  assert.is(document.openapi, '3.1.0');
  assert.equal(document.security, [{ token: [] }]);
  const { schemas } = document.components, fits = (name: string, value: unknown): boolean => new Validator(schemas[name], '2020-12').validate(value).valid;
  assert.equal((schemas.Recommend.properties as Record<string, { maximum: number }>).k.maximum, 77);
  const told = (path: string, method: string, { status }: Answer): boolean => Object.hasOwn(document.paths[path][method].responses, String(status));
  for (const body of [{ user: 'u1' }, { users: ['u1', 'new'], fallback: 'popularity' }, { query: { user: 'u1' } }, { queries: [{ age: 10, words: [] }], k: 2 }, { query: { age: 10 } }, { query: { user: [] } }, { query: { user: 'u1' }, fallback: 'popularity' }, { user: 'u1', k: 78 }, { user: 'nobody' }, {}, { user: 'u1', query: { age: 1 } }]) {
    const answer = await ask(handler, '/recommend', body, init);
    assert.ok(told('/recommend', 'post', answer), String(answer.status));
    assert.ok(fits(answer.status === 200 ? 'Recommendations' : 'Error', answer.body), JSON.stringify(answer.body));
    assert.is(fits('Recommend', body), answer.body.code !== 'bad-body', JSON.stringify(body));
  }
  for (const body of [{ item: 'i1' }, { item: 'i1', similarity: 'dot' }, { item: [] }]) {
    const answer = await ask(handler, '/similar', body, init);
    assert.ok(fits(answer.status === 200 ? 'SimilarItems' : 'Error', answer.body));
    assert.is(fits('Similar', body), answer.status === 200);
  }
  assert.ok(fits('Health', await (await handler.fetch(new Request('http://host/health'))).json()));
  assert.not.ok(fits('Health', { status: 'ok' }));
  // every reference leads somewhere
  for (const [, name] of JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)) assert.ok(name in schemas, name);
});

test('threads: the same lists', async () => {
  const handler = handlerOf(model, { threads: 2 }), answers = await ask(handler, '/recommend', { users: model.users.known(), k: 9 });
  assert.equal(answers.body.lists!.map(({ items }) => items), model.users.known().map((user) => model.recommendFor(user, { k: 9 })));
});

test('every model can be served', async () => {
  const values = interactions(users, items, { values: users.map((_, n) => 1 + (n % 5)) }), served: Recommender[] = [await new Popularity().fit(data), await new EASE().fit(data), await new BPR({ factors: 4, epochs: 1, solver: 'sgd' }).fit(values)];
  for (const one of served) assert.equal((await ask(handlerOf(one), '/recommend', { user: 'u4' })).body.items, one.recommendFor('u4'));
});

test.run();
