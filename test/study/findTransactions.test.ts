import { createServer, type RequestListener } from 'node:http';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheFolder } from '../../lib/study/download.ts';
import { type FindOptions, findTransactions } from '../../lib/study/findTransactions.ts';
import { packageRoot } from '../../lib/study/packageRoot.ts';
import { excelCell, joined, makeXlsx, zipOf } from '../helpers/makeXlsx.ts';
import { rejects } from '../helpers/refuses.ts';
import { retailCsv, smallShop } from '../helpers/retail.ts';

const csv = retailCsv(smallShop()), rows = csv.trimEnd().split('\n').length - 1;
const workbook = await makeXlsx(csv.trimEnd().split('\n').map((line) => line.replaceAll('"', '').split(',').map(excelCell)));
const zip = await joined(zipOf([{ name: 'Online Retail.xlsx', data: [workbook] }]));

/** A port where nobody listens: one that was free a moment ago. */
const deaf = await serving(() => {}, async (url) => Number(new URL(url).port));

const folder = mkdtempSync(join(tmpdir(), 'tightrec-find-'));
let number = 0;

/** A place with an empty cache, no data beside it and nobody at the address; and the lines that were said. */
function place(options: FindOptions = {}): { options: FindOptions; lines: string[]; cache: string } {
  const lines: string[] = [], cache = join(folder, `cache-${number++}`);
  return { lines, cache, options: { cache, shared: join(folder, 'nowhere'), url: `http://127.0.0.1:${deaf}/online+retail.zip`, scale: 0.02, progress: { say: (line) => lines.push(line), begin: () => ({ at() {}, end() {} }) }, ...options } };
}

async function serving<T>(answer: RequestListener, work: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/online+retail.zip`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const test = suite('study/findTransactions');
test.after(() => rmSync(folder, { recursive: true, force: true }));

test('the file that was named comes first: CSV, gzipped, a workbook, the published zip', async () => {
  for (const [name, bytes] of [['a.csv', csv], ['a.csv.gz', gzipSync(csv)], ['a.xlsx', workbook], ['a.zip', zip]] as const) {
    const file = join(folder, name), { options } = place();
    writeFileSync(file, bytes);
    const found = await findTransactions({ ...options, file });
    assert.equal([found.rows, found.generated], [rows, false], name);
    assert.equal(found.customer.slice(0, 3).map((id) => id.replace('.0', '')), csv.split('\n').slice(1, 4).map((line) => line.split(',')[6].replace('.0', '')), name);
  }
});

test('then the cache, then the data beside the project', async () => {
  const { options, cache } = place(), shared = join(folder, 'shared');
  mkdirSync(shared, { recursive: true });
  writeFileSync(join(shared, 'online-retail.csv.gz'), gzipSync(csv));
  const { source } = await findTransactions({ ...options, shared }); // in whatever folder the study was started
  assert.is(source, relative(packageRoot, join(shared, 'online-retail.csv.gz')));
  assert.is(join(packageRoot, source), join(shared, 'online-retail.csv.gz'));
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'online-retail.xlsx'), workbook);
  assert.is((await findTransactions({ ...options, shared })).source, join(cache, 'online-retail.xlsx'));
});

test('a copy in the cache that is damaged is an error that says what to do', async () => {
  const { options, cache } = place();
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'online-retail.csv.gz'), gzipSync(csv).subarray(0, 200));
  await rejects(() => findTransactions(options), 'file-damaged', 'online-retail.csv.gz', 'delete it to have it downloaded again');
});

test('then the download, which is kept whole', async () => {
  const { options, cache, lines } = place();
  await serving((_, response) => { response.end(zip); }, async (url) => {
    const found = await findTransactions({ ...options, url });
    assert.equal([found.rows, found.source, found.generated], [rows, url, false]);
  });
  assert.equal(readdirSync(cache), ['online-retail.xlsx']);
  assert.equal(new Uint8Array(readFileSync(join(cache, 'online-retail.xlsx'))), new Uint8Array(workbook));
  assert.match(lines[0], 'kept a copy');
});

test('a cache that cannot be written does not stop the study', async () => {
  const file = join(folder, 'a-file'), { options, lines } = place({ cache: join(file, 'cache') });
  writeFileSync(file, '');
  await serving((_, response) => { response.end(zip); }, async (url) => { assert.is((await findTransactions({ ...options, url })).rows, rows); });
  assert.match(lines[0], 'could not keep a copy');
});

const failures: Record<string, { answer: RequestListener; why: RegExp; options?: FindOptions }> = {
  'an error of the server': { answer: (_, response) => { response.writeHead(503).end('later'); }, why: /answered 503/ },
  'a page instead of the archive': { answer: (_, response) => { response.end('<html>log in</html>'); }, why: /expected a zip archive/ },
  'an archive without the workbook': { answer: async (_, response) => { response.end(await joined(zipOf([{ name: 'readme.txt', data: ['hello'] }]))); }, why: /expected 'Online Retail.xlsx'.*got readme.txt/ },
  'an archive cut short': { answer: (_, response) => { response.end(zip.subarray(0, zip.length >> 1)); }, why: /expected a zip archive/ },
  'a connection that breaks': { answer: (_, response) => { response.writeHead(200, { 'content-length': zip.length }); response.write(zip.subarray(0, 100)); setTimeout(() => response.destroy(), 50); }, why: /terminated|closed|connection/ },
  'a server that never answers': { answer: () => {}, why: /did not answer within 0.2 s/, options: { connectSeconds: 0.2 } },
  'a server that stops in the middle': { answer: (_, response) => { response.write(zip.subarray(0, 100)); }, why: /stopped sending for 0.3 s/, options: { stallSeconds: 0.3 } },
};

for (const [what, { answer, why, options: more }] of Object.entries(failures)) {
  test(`${what}: generated data, said before anything else, and nothing in the cache`, async () => {
    const { options, cache, lines } = place(more);
    await serving(answer, async (url) => { assert.ok((await findTransactions({ ...options, url })).generated); });
    assert.match(lines[0], why);
    assert.match(lines[0], 'GENERATED');
    assert.not.ok(existsSync(cache));
  });
}

test('no network: generated data, the same for the same seed', async () => {
  const { options, lines } = place(), one = await findTransactions(options), other = await findTransactions({ ...options, file: 'generated', seed: 2 });
  assert.match(lines[0], /ECONNREFUSED.*GENERATED/);
  assert.ok(one.generated && other.generated);
  assert.is.not(one.customer.slice(0, 100).join(), other.customer.slice(0, 100).join());
});

test('stops when it is told to', async () => {
  const { options } = place(), controller = new AbortController(), why = new Error('enough');
  setTimeout(() => controller.abort(why), 100);
  await serving(() => {}, async (url) => {
    try { await findTransactions({ ...options, url, signal: controller.signal }); } catch (error) { assert.is(error, why); return; }
    assert.unreachable();
  });
});

test('the cache folder of each system', () => {
  assert.is(cacheFolder({ env: { XDG_CACHE_HOME: '/x' }, platform: 'linux' }), join('/x', 'tightrec'));
  assert.match(cacheFolder({ env: {}, platform: 'linux' }), join('.cache', 'tightrec'));
  assert.match(cacheFolder({ env: {}, platform: 'darwin' }), join('Library', 'Caches', 'tightrec'));
  assert.is(cacheFolder({ env: { LOCALAPPDATA: 'L' }, platform: 'win32' }), join('L', 'tightrec', 'Cache'));
});

test.run();
