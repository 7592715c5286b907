import { type Stats, unwatchFile, watchFile } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { TightrecError } from '../errors.ts';
import { readWhole } from '../io/files.ts';
import { fromBytes } from '../io/anyFromBytes.ts';
import { checkSettings, flag, wholeNumber, withDefaults } from '../models/settings.ts';
import { type HandlerOptions, type RecommendHandler, recommendHandler } from './handler.ts';
import type { ServedModel } from './served.ts';

/** ServeOptions: where a server listens, and its limits. */
export interface ServeOptions extends Omit<HandlerOptions, 'version' | 'later'> {
  /** 0 takes one that is free. Default 8080. */
  port?: number;
  /** The address to listen at. Default '127.0.0.1', which this machine alone reaches. */
  host?: string;
  /** How many seconds a client has to send its request. Default 10. */
  timeout?: number;
  /** Whether a model file that changes is taken into service. Default false: `reload` does it. */
  watch?: boolean;
  /** The model in the bytes of the file. Default: `fromBytes`. */
  open?: (bytes: Uint8Array, path: string) => ServedModel;
  /** Hears of each reload: what is in service now, and, where the file could not be taken and the old model stays, why. */
  onReload?: (served: { model: string; version: string }, error?: unknown) => void;
}

/** RecommendServer: a server that listens. */
export interface RecommendServer {
  readonly url: string;
  readonly port: number;
  /** The model in service: its name, and the beginning of the SHA-256 of its file. */
  readonly served: { readonly model: string; readonly version: string };
  /** Reads the file again. Requests that began with the old model end with it; a file that is damaged is refused, and the old model stays: onReload hears how it went. Errors: those of onReload. */
  reload(): Promise<void>;
  /** Takes no more connections, answers what has come, and ends; what is not answered after `timeout` seconds is cut off. */
  close(): Promise<void>;
}

/** MOST_SECONDS: timers of Node hold a few weeks. */
const MOST_SECONDS = 1_000_000;
const own = { port: 8080, host: '127.0.0.1', timeout: 10, watch: false };
const rules = { port: (value: unknown) => wholeNumber(0, 65535)(value), host: (value: unknown) => (typeof value === 'string' && value !== '' ? null : 'a name or an address'), timeout: (value: unknown) => (typeof value === 'number' && value >= 0.001 && value <= MOST_SECONDS ? null : `a number of seconds from 0.001 to ${MOST_SECONDS}`), watch: flag };

/**
 * serve: a model file over HTTP, on Node, Bun and Deno. Requests that wait are scored together.
 * Errors: as recommendHandler; 'file-missing', 'file-unreadable', 'file-damaged'; 'unsupported' where it cannot listen: a port in use, an address that this machine has not.
 */
export async function serve(file: string, options: ServeOptions = {}): Promise<RecommendServer> {
  const { port, host, timeout, watch, open = fromBytes, onReload = () => {}, ...limits } = withDefaults(own as typeof own & ServeOptions, options);
  checkSettings('serve', { port, host, timeout, watch }, rules);
  const read = async (): Promise<{ model: ServedModel; version: string }> => {
    const bytes = await readWhole(file);
    const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>); // on another thread
    return { model: open(bytes, file), version: Buffer.from(digest).toString('hex').slice(0, 16) };
  };

  let current = await read();
  const handler = recommendHandler(current.model, { ...limits, version: current.version, later: setImmediate }), { server, end } = newServer(handler, Math.round(timeout * 1000));
  try { await listening(server, port, host); } catch (error) { current.model.free(); throw error; }
  const address = server.address() as { port: number; family: string; address: string };

  const reloadOnce = async (): Promise<void> => {
    let next: typeof current;
    try {
      next = await read();
      if (next.version === current.version) next.model.free();
      else {
        const old = current.model, idle = handler.replace(next.model, next);
        void idle.then(() => old.free());
        current = next;
      }
    } catch (error) {
      handler.refused();
      onReload(said(), error);
      return;
    }
    onReload(said());
  };
  const said = (): { model: string; version: string } => ({ model: current.model.name, version: current.version });
  let reloading = Promise.resolve(), waiting: Promise<void> | null = null, closing = false;
  /** One after another, and whoever asks while one waits gets that one: the last file to be written is the last to be read, however often it was said. */
  const reload = (): Promise<void> => closing ? reloading : waiting ??= reloading = reloading.catch(() => {}).then(() => { waiting = null; return reloadOnce(); });
  const changed = (now: Stats, before: Stats): void => { if (now.mtimeMs !== before.mtimeMs || now.size !== before.size || now.ino !== before.ino) reload().catch(() => {}); }; // what its hearer threw is its own
  if (watch) watchFile(file, { interval: 500, persistent: false }, changed);

  return {
    url: `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    port: address.port,
    get served() { return said(); },
    reload,
    async close() {
      closing = true;
      unwatchFile(file, changed);
      await reloading.catch(() => {});
      await end();
      await handler.close();
      current.model.free();
    },
  };
}

/** A server, and what ends it: it listens no more, and each connection ends with the answer that is under way, or is cut off after `timeout` milliseconds. */
function newServer(handler: RecommendHandler, timeout: number): { server: Server; end(): Promise<void> } {
  // of what no Request can be made of; a request without a host, as HTTP/1.0 has them, can do without
  const errorHandler = (): Response => new Response(JSON.stringify(said('HOST', timeout)[1]), { status: 400, headers: { 'content-type': 'application/json', connection: 'close' } });
  const listener = getRequestListener(handler.fetch, { hostname: 'localhost', errorHandler }), answering = new WeakMap<Duplex, ServerResponse>(), underWay = new Set<ServerResponse>();
  const server = createServer({ requireHostHeader: false, requestTimeout: timeout, headersTimeout: timeout, connectionsCheckingInterval: Math.ceil(Math.min(1000, timeout / 4)), keepAliveTimeout: 60_000 }, (incoming: IncomingMessage, outgoing: ServerResponse) => {
    answering.set(incoming.socket, outgoing);
    underWay.add(outgoing);
    outgoing.on('close', () => underWay.delete(outgoing));
    void listener(incoming, outgoing);
  });
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => { server.emit('request', incoming, outgoing); }); // whatever else is expected is not done, which RFC 9110 allows
  server.setTimeout(2 * timeout); // of a client that does not read its answer
  // what Node would answer with a bare status
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const last = answering.get(socket);
    if (!socket.writable || (last?.headersSent && !(last.writableFinished && last.req.complete))) { socket.destroy(); return; } // what it answers has an answer, or half of one
    const [status, body] = said(error.code ?? '', timeout), text = JSON.stringify(body);
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  });
  const end = (): Promise<void> => new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), timeout);
    for (const outgoing of underWay) outgoing.shouldKeepAlive = false;
    server.close(() => { clearTimeout(cut); resolve(); });
  });
  return { server, end };
}

function said(code: string, timeout: number): [status: string, body: { error: string; code: string }] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return ['408 Request Timeout', { error: `the request must come whole within ${timeout / 1000} seconds, and has not`, code: 'incomplete' }];
  if (code === 'HPE_INVALID_EOF_STATE') return ['400 Bad Request', { error: 'the request ended before it was whole', code: 'incomplete' }];
  if (code === 'HPE_HEADER_OVERFLOW') return ['431 Request Header Fields Too Large', { error: 'the head of the request must be at most 16 KiB; send fewer headers', code: 'head-too-large' }];
  if (code === 'HOST') return ['400 Bad Request', { error: 'the request must say in its Host header where it goes, such as localhost:8080, and ask for a path', code: 'bad-http' }];
  return ['400 Bad Request', { error: 'this is not HTTP/1.1 as a server can read it', code: 'bad-http' }];
}

function listening(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const why: Record<string, string> = { EADDRINUSE: `another program listens at port ${port} of ${host} already; give another port, or 0 for any that is free`, EACCES: `no permission to listen at port ${port}; give one from 1024 up`, EADDRNOTAVAIL: `this machine has no address ${host}`, ENOTFOUND: `there is no host ${host}` };
      reject(new TightrecError('unsupported', `serve: ${why[cause.code ?? ''] ?? cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
}
