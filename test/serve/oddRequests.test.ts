import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BPR, interactions } from '../../lib/index.ts';
import { save } from '../../lib/node.ts';
import { serve } from '../../lib/serve/node.ts';
import { rejects } from '../helpers/refuses.ts';

/** Requests that a client library would not send, written out: each has a status and a sentence. */
const test = suite('serve/oddRequests'), folder = mkdtempSync(join(tmpdir(), 'tightrec-odd-')), file = join(folder, 'model.safetensors');
await save(await new BPR({ factors: 2, epochs: 1 }).fit(interactions(['a', 'b'], ['x', 'y'])), file);
const server = await serve(file, { port: 0, timeout: 0.75 }); // a quarter of which is no whole number of milliseconds
test.after(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What comes back for bytes as they are; `half` says no more after them. */
const answer = (request: string, half = false): Promise<{ status: number; body: { error?: string; code?: string; status?: string } }> => new Promise((resolve, reject) => {
  let got = '';
  const socket = connect(server.port, '127.0.0.1', () => { socket.write(request.replaceAll('\n', '\r\n')); if (half) socket.end(); });
  socket.on('error', reject).on('data', (data) => { got += String(data); }).on('close', () => {
    const body = /\{.*\}/s.exec(got.slice(got.indexOf('\r\n\r\n')));
    resolve({ status: Number(got.split(' ')[1]), body: body === null ? {} : JSON.parse(body[0]) as object });
  });
});

for (const head of ['GET /health HTTP/1.0\n\n', 'GET /health HTTP/1.1\nconnection: close\n\n']) {
  test(`${JSON.stringify(head)}: no host is needed`, async () => assert.equal((await answer(head)).body.status, 'ok'));
}

for (const [request, status, said] of [
  ['GET /health HTTP/1.1\nhost: [::\nconnection: close\n\n', 400, 'say in its Host header where it goes'], ['OPTIONS * HTTP/1.1\nhost: a\nconnection: close\n\n', 400, 'and ask for a path'],
  ['nonsense\n\n', 400, 'this is not HTTP/1.1'],
] as const) {
  test(`${JSON.stringify(request)}: ${status}`, async () => {
    const { status: got, body } = await answer(request);
    assert.is(got, status);
    assert.match(body.error!, said);
  });
}

test('a body that ends before it is whole', async () => {
  const { status, body } = await answer('POST /recommend HTTP/1.1\nhost: a\ncontent-length: 50\n\n{"user":', true);
  assert.equal([status, body], [400, { error: 'the request ended before it was whole', code: 'incomplete' }]);
});

test('timeouts that are none', async () => {
  for (const timeout of [0, -1, 1e-6, 1e7, Infinity, Number.NaN, '5']) await rejects(() => serve(file, { port: 0, timeout: timeout as number }), 'bad-setting', 'serve: timeout must be a number of seconds from 0.001 to 1000000');
  for (const timeout of [16.1, 0.07, 1.0005]) await (await serve(file, { port: 0, timeout })).close();
});

test.run();
