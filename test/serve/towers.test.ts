import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Interactions, LabelEncoder, bucket, category, interactions, number, sideTable, text } from '../../lib/data/index.ts';
import { type Query, type Recommendation, TwoTower, fromBytes, queryTowerFromBytes, queryTowerToBytes, toBytes } from '../../lib/models.ts';
import { toOnnx } from '../../lib/onnx.ts';
import { ExactIndex, type Neighbour } from '../../lib/retrieval/index.ts';
import { recommendHandler } from '../../lib/serve/index.ts';
import { random } from '../../lib/random.ts';
import { readOnnx, runOnnx } from '../helpers/onnxReader.ts';

/** One model, asked in all ways that there are: by itself, from a file, its query tower beside an index, as an ONNX graph, over HTTP. */
const test = suite('serve/towers'), next = random(7), range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const people = range(60).map((at) => `u${at}`), films = range(50).map((at) => `f${at}`), jobs = ['cook', 'nurse', 'pilot'], words = ['red', 'blue', 'old', 'new', 'moon'];
const userTable = sideTable(people, { job: people.map((_, at) => jobs[at % 3]), age: people.map((_, at) => 18 + at) }), itemTable = sideTable(films, { title: films.map((_, at) => `The ${words[at % 5]} ${words[(3 * at + 1) % 5]} ${at}`) });
const data: Interactions = interactions(range(900).map(() => people[next.below(60)]), range(900).map(() => films[next.below(50)]), { times: range(900).map((at) => 1000 * at) });
const model = await new TwoTower({
  userFeatures: { job: category(), age: bucket({ edges: [30, 50] }) }, contextFeatures: { range: bucket({ count: 20, by: 'width', column: 'time' }), time: number() }, itemFeatures: { title: category(), words: text({ words: 50, column: 'title' }) },
  layers: [16, 8], epochs: 3, batchSize: 128,
}).fit(data, { userTable, itemTable });

const queries: Query[] = [{ job: 'nurse', age: 25, time: 450_000 }, { user: 'u7' }, { user: 'u9', time: 10_000 }, { job: 'captain', age: 70, time: 899_000 }];
const alone = queries.map((query) => model.recommendTo(query, { k: 6 }));

/** The same items, and numbers within 1e-6 of each other. */
function same(lists: readonly (readonly Recommendation[])[], expected = alone): void {
  assert.equal(lists.map((list) => list.map(({ item }) => item)), expected.map((list) => list.map(({ item }) => item)));
  for (const [q, list] of lists.entries()) for (const [at, { score }] of list.entries()) assert.ok(Math.abs(score - expected[q][at].score) <= 1e-6 * Math.max(1, Math.abs(expected[q][at].score)), `${score}, expected ${expected[q][at].score}`);
}

test('from its file, and its query tower beside an index', () => {
  const again = fromBytes(toBytes(model)) as TwoTower, tower = queryTowerFromBytes(queryTowerToBytes(model.queryTower())), index = ExactIndex.of(again);
  same(queries.map((query) => again.recommendTo(query, { k: 6 })));
  const Q = tower.queryEmbeddings(queries), seen = (query: Query): string[] => (query.user === undefined ? [] : [...data.item].filter((_, at) => data.users.decode(data.user[at]) === query.user).map((row) => data.items.decode(row) as string));
  same(queries.map((query, q) => index.searchFor(Q.data.subarray(8 * q, 8 * q + 8), { k: 6, exclude: new Set(seen(query)) }).map(({ id, score }) => ({ item: id, score }))));
});

test('as a graph, from features', () => {
  const file = readOnnx(toOnnx(model, { part: 'query' })), columns = JSON.parse(file.metadata.feature_names) as string[], row = new Array<number>(columns.length).fill(0);
  const parts = JSON.parse(file.metadata.features) as { name: string; kind: string; from: number; mean?: number; deviation?: number; edges?: number[] }[], [, , when, time] = parts;
  row[columns.indexOf('job=nurse')] = 1;
  row[columns.indexOf('age=..30')] = 1;
  row[when.from + when.edges!.filter((edge) => edge <= 450_000).length] = 1;
  row[time.from] = (450_000 - time.mean!) / time.deviation!;
  const { data: q } = runOnnx(file, { features: { shape: [1, columns.length], data: row } }).embeddings, own = model.queryEmbeddings([queries[0]]).data;
  for (const [k, x] of own.entries()) assert.ok(Math.abs(q[k] - x) <= 1e-6 * Math.max(1, Math.abs(x)), `${q[k]}, expected ${x}`);
});

test('over HTTP: a query, several at once, what a query lacks', async () => {
  const { fetch } = recommendHandler(model), ask = async (body: object): Promise<{ status: number; json: { items?: Recommendation[]; lists?: { items: Recommendation[] }[]; error?: string } }> => {
    const response = await fetch(new Request('http://localhost/recommend', { method: 'POST', body: JSON.stringify({ k: 6, ...body }) }));
    return { status: response.status, json: await response.json() as never };
  };
  same((await Promise.all(queries.map((query) => ask({ query })))).map(({ json }) => json.items!));
  same((await ask({ queries })).json.lists!.map(({ items }) => items));
  same([(await ask({ query: { user: 'u7' } })).json.items!], [model.recommendFor('u7', { k: 6 })]);
  const { status, json } = await ask({ query: { job: 'nurse', age: 25 } });
  assert.equal([status, json.error], [400, "query must have 'time'; the columns are user, job, age, time"]);
  for (const [query, code, said] of [[{ user: 'nobody' }, 404, "query.user: user 'nobody' is not among the 60 users that the model knows; tell job, age instead, and the model can answer by them"], [{ job: 'nurse', age: 'old', time: 1 }, 400, 'query.age must be a finite number, got "old"'], [{ job: 'nurse', age: 25, time: 1, shoe: 43 }, 400, 'shoe']] as const) {
    const refused = await ask({ query });
    assert.is(refused.status, code, refused.json.error);
    assert.match(refused.json.error!, said);
  }
});

test('the worker of docs/serving.md: its query tower and an index answer as the model does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tightrec-tower-')), root = fileURLToPath(new URL('../..', import.meta.url)), [, worker] = /## A query tower at the edge[^]*?```js\n([^]*?)```/.exec(readFileSync(join(root, 'docs/serving.md'), 'utf8'))!;
  try {
    for (const [name, bytes] of Object.entries({ 'worker.js': worker, 'tower.safetensors': queryTowerToBytes(model.queryTower()), 'items.bin': new Uint8Array(model.candidateEmbeddings().data.buffer), 'items.json': JSON.stringify(model.items.known()) })) writeFileSync(join(folder, name), bytes);
    await build({
      entryPoints: [join(folder, 'worker.js')], outfile: join(folder, 'bundle.mjs'), bundle: true, format: 'esm', platform: 'neutral', target: 'es2022', mainFields: ['module', 'main'], nodePaths: [join(root, 'node_modules')], loader: { '.safetensors': 'binary', '.bin': 'binary' }, logLevel: 'silent',
      alias: { 'tightrec/models': join(root, 'lib/models.ts'), 'tightrec/retrieval': join(root, 'lib/retrieval/index.ts') },
    });
    const { default: { fetch } } = await import(pathToFileURL(join(folder, 'bundle.mjs')).href) as { default: { fetch(request: Request): Promise<Response> } };
    const ask = async (body: object): Promise<{ status: number; json: { items: Neighbour[]; error?: string } }> => { const response = await fetch(new Request('http://localhost/', { method: 'POST', body: JSON.stringify(body) })); return { status: response.status, json: await response.json() as never }; };
    const lists = await Promise.all(queries.map((query) => ask({ query, k: 6 })));
    same(lists.map(({ json }) => json.items.map(({ id, score }) => ({ item: id, score }))), queries.map((query) => model.recommendTo(query, { k: 6, excludeSeen: false })));
    assert.is((await ask({ query: queries[0] })).json.items.length, 10);
    const { status, json } = await ask({ query: { job: 'nurse', age: 25 } });
    assert.is(status, 400);
    assert.match(json.error!, "must have 'time'");
  } finally { rmSync(folder, { recursive: true, force: true }); }
});

test('a user that is no id, names of fields that JSON Schema would choke on', async () => {
  const { fetch } = recommendHandler(model), ask = async (text: string): Promise<[number, string]> => {
    const response = await fetch(new Request('http://localhost/recommend', { method: 'POST', body: text }));
    return [response.status, ((await response.json()) as { error: string }).error];
  };
  for (const user of ['["u1"]', '{}', 'true', 'null']) {
    const [status, said] = await ask(`{"query":{"user":${user}}}`);
    assert.is(status, 400);
    assert.match(said, /^query\.user must be /);
    assert.not.match(said, 'u0');
  }
  for (const body of ['{"query":{"a#b":{}}}', '{"query":{"#":[1]}}', '{"query":{"%25/~1":null}}', '{"\\ud800":1,"user":"u1"}', '{"query":{"\\ud800":{}}}', '{"a#":1,"user":"u1"}']) assert.is((await ask(body))[0], 400, body);
  assert.match((await ask('{"a#":1,"user":"u1"}'))[1], '"a#"');
});

test('a stranger who is described gets all items, where the encoders have a row for the unknown', async () => {
  const users = LabelEncoder.fit(['a', 'b'], { unknown: true }), items = LabelEncoder.fit(['x', 'y']), table = sideTable(['a', 'b'], { job: ['cook', 'nurse'] });
  const towers = await new TwoTower({ userFeatures: { job: category() }, itemFeatures: { title: category() }, layers: [4], epochs: 1 }).fit(interactions(['a', 'b', 'zzz'], ['x', 'y', 'x'], { users, items }), { userTable: table, itemTable: sideTable(['x', 'y'], { title: ['X', 'Y'] }) });
  const response = await recommendHandler(towers).fetch(new Request('http://localhost/recommend', { method: 'POST', body: '{ "query": { "user": "nobody", "job": "cook" } }' })), { items: list } = (await response.json()) as { items: Recommendation[] };
  assert.equal(list.map(({ item }) => item).sort(), ['x', 'y']);
});

test('close again while a request is under way: both resolve', async () => {
  const handler = recommendHandler(model), asked = handler.fetch(new Request('http://localhost/recommend', { method: 'POST', body: '{"user":"u1"}' }));
  await Promise.all([handler.close(), handler.close()]);
  assert.is((await asked).status, 200);
});

test('a hearer that throws changes no answer', async () => {
  const broken = fromBytes(toBytes(model)), { answers } = broken;
  Object.defineProperty(broken, 'answers', { get: () => ({ ...answers, scoreBlock: () => { throw new Error('no scores'); } }) });
  const { fetch } = recommendHandler(broken, { onError: () => { throw new Error('mine'); } });
  assert.is((await fetch(new Request('http://localhost/recommend', { method: 'POST', body: '{"user":"u1"}' }))).status, 500);
});

test.run();
