import type { Context } from 'hono';
import { Hono } from 'hono/tiny';
import { bearerAuth } from 'hono/bearer-auth';
import { type ThreadsOption, checkThreads } from '../../kernels/onThreads.ts';
import { TightrecError, describe } from '../errors.ts';
import type { RawId } from '../data/labelEncoder.ts';
import type { Recommendation } from '../models/recommender.ts';
import { type Rule, checkSettings, wholeNumber, withDefaults } from '../models/settings.ts';
import { Blocks, busy } from './blocks.ts';
import { readBody } from './body.ts';
import { Metrics } from './metrics.ts';
import { openapi } from './openapi.ts';
import { Refusal, refusalOf } from './refusal.ts';
import { MOST_ENTRIES, MOST_LISTS, bodyChecker, schemasOf } from './schemas.ts';
import { type RecommendBody, Served, type ServedModel, type SimilarBody, type WantedList } from './served.ts';

/** HandlerOptions: the limits of a server, and who may ask. */
export interface HandlerOptions {
  /** What answers say of the model beside its name, so that a client can tell one from the next. Default ''. */
  version?: string;
  /** The longest list that may be asked for. Default 1000. */
  maxK?: number;
  /** The largest body, in bytes. Default 1 MiB. */
  maxBody?: number;
  /** How many requests may be under way before more are refused with 503; lists that wait may be a thousand more than that. Default 1000. */
  maxQueue?: number;
  /** What must come as `Authorization: Bearer TOKEN`, with everything but GET /health. Default: nothing need come. */
  token?: string | null;
  /** How many threads share the scoring of a block, or 'all' that the machine has. Default 1. */
  threads?: ThreadsOption;
  /**
   * Runs a function when what else has come meanwhile was heard: what waits until then is scored together. The default, queueMicrotask, joins the lists of one
   * request alone, as an edge worker must; a server whose requests may meet gives setImmediate.
   */
  later?: (run: () => void) => void;
  /** Hears of errors that are no client's fault; the client is told no more than status 500. */
  onError?: (error: unknown) => void;
}

/** RecommendHandler: answers requests. `export default` one, and it is an edge worker. */
export interface RecommendHandler {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Takes another model into service. Requests that began with the old one end with it; resolves when the last of them has. Errors: 'not-fitted'; 'bad-input' for what is no model; 'bad-setting'. */
  replace(model: ServedModel, options?: { version?: string }): Promise<void>;
  /** Counts a model that could not be taken, for GET /metrics. */
  refused(): void;
  /** Refuses what comes from now on, with 503; resolves when everything before has its answer. */
  close(): Promise<void>;
}

const ofType = (type: string): Rule => (value) => (value === undefined || typeof value === type ? null : `a ${type}`);
const TOKEN = /^[\w.~+/-]+=*$/;
const rules = {
  version: ofType('string'), maxK: wholeNumber(1, MOST_ENTRIES), maxBody: wholeNumber(1), maxQueue: wholeNumber(1), threads: () => null, later: ofType('function'), onError: ofType('function'),
  token: (value: unknown) => (value === null || (typeof value === 'string' && TOKEN.test(value)) ? null : 'of letters, digits and - . _ ~ + /, at least one, as RFC 6750 has it'),
};
const defaults = { version: '', maxK: 1000, maxBody: 2 ** 20, maxQueue: 1000, token: null, threads: 1 as ThreadsOption, later: (run: () => void) => queueMicrotask(run), onError: () => {} };

const ROUTES: Record<string, string | undefined> = { '/recommend': 'POST', '/similar': 'POST', '/health': 'GET', '/metrics': 'GET', '/openapi.json': 'GET' };

/**
 * recommendHandler: a fitted model as a function from Request to Response, for Node and for edge workers: POST /recommend, POST /similar, GET /health,
 * GET /metrics, GET /openapi.json. Whatever else comes, a status code and one sentence are the answer. Errors: 'not-fitted'; 'bad-input' for what is no model; 'bad-setting'.
 */
export function recommendHandler(model: ServedModel, options: HandlerOptions = {}): RecommendHandler {
  const settings = withDefaults(defaults as Required<HandlerOptions>, options);
  // a token in the error would be a token in a log
  if (rules.token(settings.token) !== null) throw new TightrecError('bad-setting', `recommendHandler: token must be ${rules.token(settings.token)}`);
  checkSettings('recommendHandler', settings, rules);
  checkThreads('recommendHandler', settings.threads);
  const { maxK, maxBody, maxQueue, token, threads } = settings, metrics = new Metrics(), schemas = schemasOf(maxK);
  const checkRecommend = bodyChecker(schemas.recommend), checkSimilar = bodyChecker(schemas.similar);
  const blocks = new Blocks({ most: maxQueue + MOST_LISTS, later: settings.later, scored: (lists) => metrics.scored(lists) });
  const description = (): string => JSON.stringify(openapi(schemas, { version: served.version, token: token !== null }));
  let served = taken(model, settings.version), closing = false, ended: () => void = () => {};
  const end = new Promise<void>((resolve) => { ended = resolve; });

  function taken(model: ServedModel, version: string): Served {
    if (typeof model?.fitted !== 'boolean' || typeof model.recommendFor !== 'function') throw new TightrecError('bad-input', `recommendHandler: expected a fitted model, such as fromBytes makes of a file, got ${describe(model)}`);
    if (typeof version !== 'string') throw new TightrecError('bad-setting', `recommendHandler: version must be ${rules.version(version)}, got ${describe(version)}`);
    if (!model.fitted) throw new TightrecError('not-fitted', `recommendHandler: ${model.name} has learned nothing yet; fit it, or load one that was`);
    metrics.loaded('loaded');
    return new Served(model, version, threads);
  }

  const app = new Hono<{ Variables: { served: Served } }>();

  app.use(async (c, next) => {
    const began = performance.now(), route = ROUTES[c.req.path] === undefined ? 'other' : c.req.path, mine = served;
    c.set('served', mine);
    mine.hold();
    metrics.inFlight++;
    try { await next(); } finally {
      mine.release();
      metrics.inFlight--;
      metrics.answered(route, c.res.status, (performance.now() - began) / 1000);
      if (closing && metrics.inFlight === 0) ended();
    }
  });
  app.use(async (_, next) => {
    if (closing) throw new Refusal(503, 'stopping', 'the server is stopping; ask another one, or try again in a second', { 'retry-after': '1' });
    await next();
  });
  app.on('GET', '/health', (c) => {
    const { model, version, catalogue: { users, items } } = c.get('served');
    return c.json({ status: 'ok', model: model.name, version, users: knownOf(users), items: knownOf(items) });
  });
  if (token !== null) {
    const missing = { error: 'this server wants a token: send Authorization: Bearer TOKEN', code: 'no-token' };
    app.use(bearerAuth({ token, realm: 'tightrec', noAuthenticationHeader: { message: missing }, invalidAuthenticationHeader: { message: missing }, invalidToken: { message: { error: 'the token is not the one of this server', code: 'wrong-token' } } }));
  }
  app.on('GET', '/metrics', (c) => c.text(metrics.text({ waiting: blocks.waiting, model: served.model.name, version: served.version }), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }));
  app.on('GET', '/openapi.json', (c) => c.body(description(), 200, { 'content-type': 'application/json' }));

  app.post('/recommend', async (c) => {
    const body = await bodyOf<RecommendBody>(c, checkRecommend), { model, version } = c.get('served'), k = body.k ?? Math.min(10, maxK), many = body.users ?? body.queries;
    if (many !== undefined && many.length * k > MOST_ENTRIES) throw new Refusal(400, 'bad-body', `a request may ask for ${MOST_ENTRIES} items in all, got ${many.length} lists of ${k}; ask for fewer at a time`);
    const lists = await listsOf(c.get('served').recommend(body), k);
    return c.json({ ...(many === undefined ? { items: lists[0] } : { lists: lists.map((items) => ({ items })) }), model: model.name, version });
  });
  app.post('/similar', async (c) => {
    const body = await bodyOf<SimilarBody>(c, checkSimilar), { model, version } = c.get('served');
    const [items] = await listsOf([c.get('served').similar(body)], body.k ?? Math.min(10, maxK));
    return c.json({ items, model: model.name, version });
  });

  app.notFound((c) => {
    const method = ROUTES[c.req.path], all = Object.entries(ROUTES).map(([path, method]) => `${method} ${path}`).join(', ');
    return refuse(c, method === undefined ? new Refusal(404, 'no-such-path', `there is nothing at this path; there are ${all}`) : new Refusal(405, 'wrong-method', `${c.req.path} is asked with ${method}, not with ${c.req.method}`, { allow: method === 'GET' ? 'GET, HEAD' : method }));
  });
  app.onError((error, c) => {
    if ('getResponse' in error) return (error as { getResponse(): Response }).getResponse(); // of bearerAuth
    const refusal = refusalOf(error);
    if (refusal === null) heard(settings.onError, error);
    return refuse(c, refusal ?? new Refusal(500, 'failed', 'the server failed to answer; what happened was reported to those who run it'));
  });

  async function bodyOf<Body>(c: Context, check: (body: unknown) => void): Promise<Body> {
    if (metrics.inFlight > maxQueue) throw busy(`${maxQueue} requests are under way already`);
    const body = await readBody(c.req.raw, maxBody);
    check(body);
    return body as Body;
  }

  const listsOf = async (wanted: readonly WantedList[], k: number): Promise<object[][]> =>
    (await blocks.ask(wanted, k)).map((list, at) => list.map((entry) => written(entry, wanted[at].mark)));

  return {
    fetch: async (request) => app.fetch(request),
    replace(model, { version = '' } = {}) {
      const old = served;
      served = taken(model, version);
      old.release();
      return old.idle;
    },
    refused: () => metrics.loaded('refused'),
    close() {
      closing = true;
      if (metrics.inFlight === 0) ended();
      return end;
    },
  };
}

/** Whoever hears of a fault may have one of their own, which changes no answer. */
function heard(onError: (error: unknown) => void, error: unknown): void { try { onError(error); } catch { /* theirs */ } }

const refuse = (c: Context, { status, code, message, headers }: Refusal): Response => c.json({ error: message, code }, status as 400, headers);
const knownOf = ({ size, unknown }: { size: number; unknown: boolean }): number => size - (unknown ? 1 : 0);

/** JSON has no bigint. */
const written = ({ item, score }: Recommendation, mark?: 'popularity'): { item: RawId; score: number; source?: string } => ({ item: typeof item === 'bigint' ? String(item) : item, score, ...(mark && { source: mark }) });
