import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BPR, Popularity, type Recommender, fromBytes, interactions, toBytes } from '../../lib/models.ts';
import { random } from '../../lib/random.ts';
import { type RecommendServer, type ServeOptions, serve } from '../../lib/serve/node.ts';
import { rejects } from '../helpers/refuses.ts';

const test = suite('serve/server');

const next = random(5), users: string[] = [], items: string[] = [];
for (let n = 0; n < 400; n++) { users.push(`u${Math.floor(next.uniform() * 30)}`); items.push(`i${Math.floor(next.uniform() ** 2 * 50)}`); }
const data = interactions(users, items), model = await new BPR({ factors: 8, epochs: 4 }).fit(data), other = await new Popularity().fit(data);

const folder = mkdtempSync(join(tmpdir(), 'tightrec-serve-')), file = join(folder, 'model.safetensors');
test.before.each(() => writeFileSync(file, toBytes(model)));
test.after(() => rmSync(folder, { recursive: true, force: true }));

/** with a server at a free port, for the time of `use`. */
async function served(options: ServeOptions, use: (server: RecommendServer) => Promise<void>): Promise<void> {
  const server = await serve(file, { port: 0, ...options });
  try { await use(server); } finally { await server.close(); }
}

async function ask(server: RecommendServer, body: unknown, path = '/recommend'): Promise<{ status: number; body: { items: unknown; model: string; version: string; error: string; code: string } }> {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

/** raw: a connection, and all that comes on it until it ends. */
function raw(server: RecommendServer): { socket: Socket; all: Promise<string> } {
  const socket = connect(server.port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => { text += chunk; });
  return { socket, all: new Promise((resolve) => { socket.on('error', () => {}); socket.on('close', () => resolve(text)); }) };
}

/** atOnce: the statuses of requests that come at the same time, each on its own connection. */
async function atOnce(server: RecommendServer, bodies: readonly object[]): Promise<{ status: number; body: { items: unknown; error: string } }[]> {
  const clients = bodies.map(() => raw(server));
  await Promise.all(clients.map(({ socket }) => new Promise((resolve) => { socket.once('connect', resolve); })));
  await pause(50); // until the server has taken them all
  for (const [at, { socket }] of clients.entries()) { const text = JSON.stringify(bodies[at]); socket.write(head(text.length, 'connection: close\r\n') + text); }
  return (await Promise.all(clients.map(({ all }) => all))).map((text) => ({ status: Number(text.slice(9, 12)), body: JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) }));
}

const head = (length: number | string, more = ''): string => `POST /recommend HTTP/1.1\r\nhost: x\r\n${typeof length === 'number' ? `content-length: ${length}` : length}\r\n${more}\r\n`;

/** refusal: what a server said on a connection before it ended it: one status and one sentence. */
function refusal(text: string): { status: number; error: string; code: string } {
  assert.is(text.match(/^HTTP\/1\.1 \d/gm)?.length, 1, text);
  const body = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
  assert.equal(Object.keys(body).sort(), ['code', 'error']);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)![1]), ...body };
}

const goesOn = async (server: RecommendServer): Promise<void> => assert.equal((await ask(server, { user: 'u1', k: 3 })).body.items, model.recommendFor('u1', { k: 3 }));

test('the same ids and numbers as from the model; what comes together is scored together', () => served({}, async (server) => {
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.match(server.served.version, /^[0-9a-f]{16}$/);
  const answers = await atOnce(server, Array.from({ length: 60 }, (_, n) => ({ user: `u${n % 30}`, k: 9 + (n % 8) })));
  for (const [n, { status, body }] of answers.entries()) {
    assert.is(status, 200);
    assert.equal(body, { items: model.recommendFor(`u${n % 30}`, { k: 9 + (n % 8) }), ...server.served });
  }
  assert.equal((await ask(server, { item: 'i2', k: 4 }, '/similar')).body.items, model.similarTo('i2', { k: 4 }));
  const text = await (await fetch(`${server.url}/metrics`)).text(), count = (name: string): number => Number(new RegExp(`^tightrec_block_lists_${name} (\\d+)$`, 'm').exec(text)![1]);
  assert.is(count('sum'), 61);
  assert.ok(count('count') <= 30, `${count('count')} blocks`);
}));

test('a client that is slow to send: 408 and a sentence, be it the head or the body, and the server goes on', () => served({ timeout: 0.4 }, async (server) => {
  const slowHead = raw(server), slowBody = raw(server), dribble = raw(server);
  slowHead.socket.write('POST /recommend HTT');
  slowBody.socket.write(`${head(30)}{ "user":`);
  dribble.socket.write(`${head('transfer-encoding: chunked')}1\r\n{\r\n`);
  const drops = setInterval(() => dribble.socket.write('1\r\n \r\n'), 50);
  await goesOn(server);
  const second = raw(server); // whose first request was answered
  second.socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
  await new Promise((resolve) => { second.socket.once('data', resolve); });
  second.socket.write('GET /hea');
  assert.match(await second.all, /^HTTP\/1\.1 200 [\s\S]*\nHTTP\/1\.1 408 |\}HTTP\/1\.1 408 /);
  for (const text of await Promise.all([slowHead.all, slowBody.all, dribble.all])) {
    const { status, error, code } = refusal(text);
    assert.equal([status, code], [408, 'incomplete']);
    assert.match(error, 'within 0.4 seconds');
  }
  clearInterval(drops);
  await goesOn(server);
}));

test('a client that was refused already and does not send the rest is told nothing twice', () => served({ timeout: 0.4, maxBody: 10 }, async (server) => {
  const { socket, all } = raw(server);
  socket.write(`${head(30)}{`);
  assert.is(refusal(await all).code, 'body-too-large');
}));

test('clients that hang up: in the head, in the body, before the answer', () => served({}, async (server) => {
  for (const text of ['POST /recom', `${head(30)}{ "user":`, `${head(15)}{ "user": "u1" }`, `${head('transfer-encoding: chunked')}5\r\n{ "us\r\n`]) {
    for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
      const { socket, all } = raw(server);
      await new Promise<void>((resolve) => { socket.write(text, () => resolve()); });
      socket[how]();
      await all;
    }
  }
  await goesOn(server);
  const text = await (await fetch(`${server.url}/metrics`)).text();
  assert.match(text, /^tightrec_requests_in_flight 1$/m); // this one: nothing is left of the others
}));

test('a body that is too large: 413, said beforehand or found out', () => served({ maxBody: 100 }, async (server) => {
  const said = raw(server), found = raw(server), piece = `32\r\n${' '.repeat(50)}\r\n`;
  said.socket.write(head(101, 'connection: close\r\n') + 'x'.repeat(101));
  found.socket.write(head('transfer-encoding: chunked', 'connection: close\r\n') + piece.repeat(3) + '0\r\n\r\n');
  for (const text of await Promise.all([said.all, found.all])) assert.is(refusal(text).code, 'body-too-large');
  const large = await fetch(`${server.url}/recommend`, { method: 'POST', body: 'x'.repeat(2 ** 22) }).catch(() => null); // the server need not read all of it
  assert.ok(large === null || large.status === 413);
  await goesOn(server);
}));

test('what is not HTTP, and a head that is too large', () => served({}, async (server) => {
  const noise = raw(server), large = raw(server), twice = raw(server);
  noise.socket.write('\x16\x03\x01 hello\r\n\r\n');
  large.socket.write(head(0, `x: ${'y'.repeat(20_000)}\r\n`));
  twice.socket.write(head('content-length: 3\r\ntransfer-encoding: chunked') + '0\r\n\r\n'); // request smuggling
  assert.equal([refusal(await noise.all).status, refusal(await large.all).status, refusal(await twice.all).status], [400, 431, 400]);
  for (const text of ['GET /health HTTP/1.1\r\nhost: a b[\r\n\r\n', 'GET /health HTTP/1.1\r\nhost: x/y?z\r\n\r\n', 'GET http://[/health HTTP/1.1\r\nhost: x\r\n\r\n', 'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n']) {
    const nowhere = raw(server);
    nowhere.socket.write(text);
    const { status, error, code } = refusal(await nowhere.all);
    assert.equal([status, code], [400, 'bad-http'], text);
    assert.match(error, 'Host header');
  }
  const expecting = raw(server), body = '{ "user": "u1" }';
  expecting.socket.write(head(body.length, 'expect: a miracle\r\nconnection: close\r\n') + body);
  assert.match(await expecting.all, /^HTTP\/1\.1 200 /);
  await goesOn(server);
}));

test('a flood: 200 or 503 for each, and the server goes on', () => served({ maxQueue: 20 }, async (server) => {
  const answers = await atOnce(server, Array.from({ length: 300 }, () => ({ user: 'u1', k: 3 })));
  const refused = answers.filter(({ status }) => status === 503);
  assert.is(refused.length + answers.filter(({ status }) => status === 200).length, 300);
  assert.ok(refused.length > 0 && refused.length < 300, String(refused.length));
  for (const { body } of refused) assert.match(body.error, 'the server is busy');
  await goesOn(server);
  const slow = Array.from({ length: 20 }, () => raw(server));
  for (const { socket } of slow) socket.write(`${head(20)}{ "user":`);
  await pause(100);
  const crowded = await ask(server, { user: 'u1' });
  assert.equal([crowded.status, crowded.body.error], [503, 'the server is busy: 20 requests are under way already; try again in a second']);
  for (const { socket, all } of slow) { socket.destroy(); await all; }
  await goesOn(server);
}));

test('a reload under load loses no request; each is answered by one model', async () => {
  const opened: Recommender[] = [], open = (bytes: Uint8Array): Recommender => { const one = fromBytes(bytes); opened.push(one); return one; };
  await served({ open }, async (server) => {
    const first = server.served, versions = new Map<string, number>();
    const stop = new AbortController();
    const client = async (n: number): Promise<void> => {
      for (let at = 0; !stop.signal.aborted; at++) {
        const user = `u${(n + at) % 30}`, { status, body } = await ask(server, { user, k: 5 });
        assert.is(status, 200);
        assert.equal(body.items, (body.version === first.version ? model : other).recommendFor(user, { k: 5 }));
        assert.is(body.model, body.version === first.version ? 'BPR' : 'Popularity');
        versions.set(body.version, (versions.get(body.version) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 8 }, (_, n) => client(n));
    await pause(150);
    writeFileSync(file, toBytes(other));
    await server.reload();
    assert.is(server.served.model, 'Popularity');
    await pause(150);
    stop.abort();
    await Promise.all(clients);
    assert.equal([...versions.keys()], [first.version, server.served.version]);
    for (const n of versions.values()) assert.ok(n > 10, String(n));
    assert.equal(opened.map(({ fitted }) => fitted), [false, true]); // the memory of the old one went back
  });
  assert.equal(opened.map(({ fitted }) => fitted), [false, false]);
});

test('a file that is damaged, of another kind, or gone: the old model stays', async () => {
  const heard: [string, string | undefined][] = [];
  await served({ onReload: ({ model }, error) => heard.push([model, error === undefined ? undefined : (error as { code: string }).code]) }, async (server) => {
    writeFileSync(file, toBytes(other).subarray(0, 300));
    await server.reload();
    writeFileSync(file, 'user,item\nu1,i1\n');
    await server.reload();
    rmSync(file);
    await server.reload();
    await goesOn(server);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(text, /^tightrec_model_loads_total\{outcome="refused"\} 3$/m);
    writeFileSync(file, toBytes(other));
    await server.reload();
    assert.is((await ask(server, { user: 'u1' })).body.model, 'Popularity');
  });
  assert.equal(heard, [['BPR', 'file-damaged'], ['BPR', 'file-damaged'], ['BPR', 'file-missing'], ['Popularity', undefined]]);
});

test('watch: a file that changes is taken into service', () => served({ watch: true }, async (server) => {
  await pause(20);
  writeFileSync(file, toBytes(other));
  for (let tries = 0; server.served.model === 'BPR' && tries < 100; tries++) await pause(50);
  assert.is((await ask(server, { user: 'u1' })).body.model, 'Popularity');
}));

test('watch: a file that goes and comes back', async () => {
  const heard: [string, string | undefined][] = [], until = async (n: number): Promise<void> => { for (let tries = 0; heard.length < n && tries < 100; tries++) await pause(50); };
  await served({ watch: true, onReload: ({ model }, error) => heard.push([model, (error as { code: string } | undefined)?.code]) }, async (server) => {
    await pause(20);
    rmSync(file);
    await until(1);
    await goesOn(server);
    writeFileSync(file, toBytes(other));
    await until(2);
    assert.is((await ask(server, { user: 'u1' })).body.model, 'Popularity');
  });
  assert.equal(heard, [['BPR', 'file-missing'], ['Popularity', undefined]]);
});

test('many reloads at once: one at a time, the last file is in service, and the memory of the others went back', async () => {
  const opened: Recommender[] = [], heard: string[] = [];
  const open = (bytes: Uint8Array): Recommender => { const one = fromBytes(bytes); opened.push(one); return one; };
  let over: RecommendServer | null = null;
  await served({ open, onReload: ({ model }) => heard.push(model) }, async (server) => {
    over = server;
    const first = server.reload(), storm: Promise<void>[] = [];
    await new Promise(setImmediate); // the first is being read
    for (let n = 0; n < 50; n++) {
      writeFileSync(file, toBytes(n % 2 === 0 ? model : other));
      storm.push(server.reload());
    }
    await Promise.all([first, ...storm]);
    assert.is(heard.length, 2); // the one that was under way, and one for all that came meanwhile
    assert.is((await ask(server, { user: 'u1' })).body.model, 'Popularity');
    assert.is(opened.filter(({ fitted }) => fitted).length, 1);
  });
  await over!.reload(); // after the end nobody would give back what it took
  assert.equal([heard.length, opened.some(({ fitted }) => fitted)], [2, false]);
});

test('a connection that stays open: it goes on after refusals of all kinds', () => served({ maxBody: 100 }, async (server) => {
  const { socket, all } = raw(server), good = '{ "user": "u1", "k": 3 }';
  const sent = [
    head(3) + 'no!', head(18) + '{ "user": "none" }', 'GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n', 'GET /recommend HTTP/1.1\r\nhost: x\r\n\r\n', 'HEAD /health HTTP/1.1\r\nhost: x\r\n\r\n',
    'OPTIONS /recommend HTTP/1.1\r\nhost: x\r\n\r\n', `${head('transfer-encoding: chunked')}5\r\n{ "us\r\n0\r\n\r\n`, head(good.length, 'connection: close\r\n') + good,
  ];
  for (const text of sent) { socket.write(text); await pause(30); }
  const text = await all;
  assert.equal(text.match(/^(?:.*\})?HTTP\/1\.1 \d+/gm)?.map((line) => line.slice(-3)), ['400', '404', '404', '405', '200', '405', '400', '200']);
  assert.is(text.match(/\r\nallow: POST\r\n/gi)?.length, 2);
  assert.ok(text.endsWith(JSON.stringify({ items: model.recommendFor('u1', { k: 3 }), ...server.served })), text);
}));

test('close: what has come is answered, and the connection ends; who never ends is cut off', async () => {
  const server = await serve(file, { port: 0, timeout: 1 }), half = raw(server), never = raw(server), idle = raw(server);
  half.socket.write(`${head(16)}{ "user":`);
  never.socket.write(`${head(16)}{ "user":`);
  idle.socket.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n'); // and then it waits
  await pause(100);
  const closed = server.close();
  await idle.all;
  half.socket.write(' "u1" }');
  const text = await half.all;
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.match(text, /\r\nconnection: close\r\n/i);
  assert.match(text, JSON.stringify(model.recommendFor('u1')).slice(0, 40));
  assert.is(await fetch(`${server.url}/health`).then(() => 'answered', () => 'refused'), 'refused');
  assert.is(await never.all, '');
  await closed;
});

test('a port in use, settings out of range, a file that is none', async () => {
  await served({}, async (server) => { await rejects(() => serve(file, { port: server.port }), 'unsupported', `port ${server.port} of 127.0.0.1`, 'another port'); });
  await rejects(() => serve(file, { port: 0, host: '203.0.113.7' }), 'unsupported', '203.0.113.7');
  await rejects(() => serve(file, { port: 65536 }), 'bad-setting', 'port must be a whole number from 0 to 65535');
  await rejects(() => serve(file, { timeout: 0 }), 'bad-setting', 'timeout must be');
  await rejects(() => serve(file, { maxK: 0 }), 'bad-setting', 'maxK must be');
  await rejects(() => serve(join(folder, 'nowhere')), 'file-missing', 'nowhere');
  writeFileSync(file, 'no model');
  await rejects(() => serve(file, { port: 0 }), 'file-damaged');
});

test.run();
