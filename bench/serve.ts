/**
 * npm run bench:serve: `tightrec serve`, as it is published, as a process of its own, asked for the ten best of 27,000 items by a model of 64 factors, by clients in this process on the same
 * machine: as many requests a second as are due, whatever the server does (a wait counts from when a request was due), with another model taken into service
 * halfway; and then as many as so many clients can, each of which waits for its answer. Every list is compared with that of the model whose version the answer names. `--seconds N` for the first, `--rate N` for its requests a second.
 * The results go to bench/results/serve.json.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { BPR, type Interactions, type Recommendation, interactions } from '../lib/index.ts';
import { save } from '../lib/node.ts';
import { random } from '../lib/random.ts';
import { commit, machine, resultFile } from './machine.ts';
import type { ServeResults, ServeRow } from './serveTable.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' }, rate: { type: 'string', default: '2000' } } });
const seconds = Number(values.seconds), rate = Number(values.rate);
if (!(seconds >= 1 && rate >= 1)) throw new Error(`--seconds and --rate are numbers from 1 up, got ${values.seconds} and ${values.rate}`);
const USERS = 20_000, ITEMS = 27_000, EVENTS = 400_000, K = 64, k = 10, CONNECTIONS = 32, CLIENTS = 16;

/** Events of every item and every user, the first items more often. */
function drawn(): Interactions {
  const next = random(7), users = new Int32Array(EVENTS), items = new Int32Array(EVENTS);
  for (let at = 0; at < EVENTS; at++) {
    users[at] = at % USERS;
    items[at] = at < ITEMS ? at : Math.floor(ITEMS * next.uniform() ** 2);
  }
  return interactions(Array.from(users, (user) => `user ${user}`), Array.from(items, (item) => `item ${item}`));
}

/** Client: asks one server over connections that stay open. */
interface Client { ask(body: object): Promise<{ items: Recommendation[]; version: string }>; text(path: string): Promise<string>; end(): void }

function clientOf(url: string): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const send = (method: string, path: string, body = ''): Promise<string> => new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { agent, method, headers: { 'content-length': Buffer.byteLength(body) } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => { text += chunk; });
      answer.on('error', reject);
      answer.on('end', () => { if (answer.statusCode === 200) resolve(text); else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`)); });
    });
    sent.on('error', reject);
    sent.end(body);
  });
  return { ask: async (body) => JSON.parse(await send('POST', '/recommend', JSON.stringify(body))), text: (path) => send('GET', path), end: () => agent.destroy() };
}

/** The server's url, once it listens. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk) => { text += chunk; const url = / at (http:\S+)/.exec(text)?.[1]; if (url) resolve(url); });
    child.on('exit', () => reject(new Error('tightrec serve ended')));
  });
}

/** Whether a list is that of the user by the model of this version, to the last bit. */
type Check = (user: string, items: readonly Recommendation[], version: string) => boolean;

/** Run: what a stretch of requests was like. */
class Run {
  readonly #waits: number[] = [];
  readonly versions = new Set<string>();
  readonly #began = performance.now();
  readonly #wrong: unknown[] = [];
  readonly #right: Check;

  constructor(right: Check) { this.#right = right; }

  /** One request; `due` is when it should have gone. */
  async ask(client: Client, user: string, due: number): Promise<void> {
    try {
      const { items, version } = await client.ask({ user, k });
      this.#waits.push(performance.now() - due);
      this.versions.add(version);
      if (!this.#right(user, items, version)) this.#wrong.push(`a list of ${user} that is not that of the model of version ${version}`);
    } catch (error) { this.#wrong.push(error); }
  }

  row(name: string, lists: number, blocks: number): ServeRow {
    const sorted = Float64Array.from(this.#waits).sort(), at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))], spent = (performance.now() - this.#began) / 1000;
    if (this.#wrong.length > 0) console.error('the first error:', this.#wrong[0]);
    return { name, seconds: spent, requests: sorted.length, rate: sorted.length / spent, p50: at(0.5), p99: at(0.99), max: sorted[sorted.length - 1], errors: this.#wrong.length, block: lists / blocks };
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tightrec-bench-')), file = join(folder, 'model.safetensors'), other = join(folder, 'other.safetensors'), data = drawn();
const models = await Promise.all([1, 2].map((seed) => new BPR({ solver: 'sgd', factors: K, epochs: 2, seed }).fit(data)));
await save(models[0], file);
await save(models[1], other);
/** The lists of all users by each model, by the version that the server gives its file. */
const lists = new Map([file, other].map((path, m) => [createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 16), models[m].recommend(Int32Array.from({ length: USERS }, (_, row) => row), { k, exclude: data })]));
const right: Check = (user, items, version) => {
  const all = lists.get(version), from = k * data.users.encode(user);
  return all !== undefined && items.length === k && items.every(({ item, score }, at) => item === data.items.decode(all.items[from + at]) && score === all.scores[from + at]);
};
const server = spawn(process.execPath, [fileURLToPath(new URL('../dist/package/cli.js', import.meta.url)), 'serve', file, '--port', '0', '--quiet'], { stdio: ['ignore', 'pipe', 'inherit'] });
try {
  const client = clientOf(await listening(server)), user = (n: number): string => `user ${(n * 7919) % USERS}`;
  const counts = async (): Promise<[lists: number, blocks: number]> => { const text = await client.text('/metrics'); return [Number(/^tightrec_block_lists_sum (\d+)/m.exec(text)![1]), Number(/^tightrec_block_lists_count (\d+)/m.exec(text)![1])]; };
  for (let n = 0; n < 200; n++) {
    const { items, version } = await client.ask({ user: user(n), k });
    if (!right(user(n), items, version)) throw new Error(`the server's list of ${user(n)} is not the model's`);
  }
  for (let n = 0; n < 2000; n += 20) await Promise.all(Array.from({ length: 20 }, (_, at) => client.ask({ user: user(n + at), k }))); // warm

  const rows: ServeRow[] = [];
  {
    const before = await counts(), run = new Run(right), began = performance.now(), asked: Promise<void>[] = [], most = Math.round(seconds * rate);
    let reloaded = false;
    for (let n = 0; n < most;) {
      const now = performance.now() - began;
      for (; n < most && n * 1000 / rate <= now; n++) asked.push(run.ask(client, user(n), began + n * 1000 / rate));
      if (!reloaded && now > seconds * 500) { reloaded = true; renameSync(other, file); server.kill('SIGHUP'); }
      await pause(1);
    }
    await Promise.all(asked);
    const after = await counts();
    if (run.versions.size !== 2) throw new Error(`expected answers of both models, got ${run.versions.size}`);
    rows.push(run.row(`${rate.toLocaleString('en-US')} requests a second are due, another model halfway`, after[0] - before[0], after[1] - before[1]));
  }
  {
    const before = await counts(), run = new Run(right), end = performance.now() + seconds * 250;
    await Promise.all(Array.from({ length: CLIENTS }, async (_, n) => { for (; performance.now() < end; n += CLIENTS) await run.ask(client, user(n), performance.now()); }));
    const after = await counts();
    rows.push(run.row(`${CLIENTS} clients, each as fast as it gets answers`, after[0] - before[0], after[1] - before[1]));
  }
  client.end();
  const results: ServeResults = { machine: machine(), runtime: `Node ${process.versions.node}`, commit: commit(), items: ITEMS, factors: K, k, rows };
  writeFileSync(resultFile('serve'), `${JSON.stringify(results, null, 2)}\n`);
  console.log(results);
  if (rows.some(({ errors }) => errors > 0)) process.exitCode = 1;
} finally {
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
