import { type OutputUnit, type Schema, Validator } from '@cfworker/json-schema';
import { Refusal } from './refusal.ts';

// The schemas by which bodies are checked are those of the OpenAPI description. A description says what is expected, and a refusal repeats it.

const id: Schema = { type: ['string', 'number'], description: 'an id, as text or as a number' };
const list = (items: Schema, most: number, of: string, least = 1): Schema => ({ type: 'array', items, minItems: least, maxItems: most, description: `a list of ${least} to ${most} ${of}` });
const wholeNumber = (least: number, most: number, usual: number): Schema => ({ type: 'integer', minimum: least, maximum: most, default: usual, description: `a whole number from ${least} to ${most}` });
const oneOf = (...words: string[]): Schema => ({ type: 'string', enum: words, description: words.map((word) => JSON.stringify(word)).join(' or ') });
const flag: Schema = { type: 'boolean', description: 'true or false' };
const object = (properties: Record<string, Schema>, required: string[], description = 'a JSON object'): Schema => ({ type: 'object', properties, required, additionalProperties: false, description });
const query: Schema = {
  type: 'object', minProperties: 1, description: 'an object of cells by column, each text, a number, or a list of texts', properties: { user: id },
  additionalProperties: { type: ['string', 'number', 'array'], items: { type: 'string', description: 'a text' }, description: 'text, a number, or a list of texts' },
};

/** MOST_LISTS: how many users or queries a request may ask for. */
export const MOST_LISTS = 1000;
/** MOST_ENTRIES: how many items a request may ask for in all. */
export const MOST_ENTRIES = 100_000;
const MOST_IDS = 10_000; // in exclude and only
const MOST_HISTORY = 200; // which a model follows item by item while others wait

const WHO = ['user', 'users', 'history', 'query', 'queries'];
const only = (name: string, ...beside: string[]): Schema => ({ required: [name], not: { anyOf: [...WHO, 'fallback'].filter((other) => other !== name && !beside.includes(other)).map((other) => ({ required: [other] })) } });

/** Schemas: of the bodies, with the limits of one server. */
export interface Schemas { readonly recommend: Schema; readonly similar: Schema }

export const schemasOf = (maxK: number): Schemas => ({
  recommend: {
    ...object({
      user: id, users: list(id, MOST_LISTS, 'ids'), history: list(id, MOST_HISTORY, 'ids, the last one last', 0), query, queries: list(query, MOST_LISTS, 'queries'),
      k: wholeNumber(1, maxK, Math.min(10, maxK)), excludeSeen: flag, exclude: list(id, MOST_IDS, 'ids'), only: list(id, MOST_IDS, 'ids'), fallback: oneOf('popularity'),
    }, []),
    oneOf: [only('user', 'fallback'), only('users', 'fallback'), only('history', 'user'), only('query'), only('queries')],
  },
  similar: object({ item: id, k: wholeNumber(1, maxK, Math.min(10, maxK)), similarity: oneOf('cosine', 'dot') }, ['item']),
});

/** bodyChecker: a function that refuses what is not as the schema says, in a sentence. Errors: Refusal 400. */
export function bodyChecker(schema: Schema): (body: unknown) => void {
  const validator = new Validator(schema, '2020-12');
  return (body) => {
    const { valid, errors } = checked(validator, body);
    if (!valid) throw new Refusal(400, 'bad-body', sentence(schema, body, errors));
  };
}

function checked(validator: Validator, body: unknown): ReturnType<Validator['validate']> {
  try { return validator.validate(body); } catch (error) {
    if (!(error instanceof URIError)) throw error; // names are URIs in its errors
    throw new Refusal(400, 'bad-body', 'the name of a field holds half a character: a surrogate without its other half');
  }
}

/** Keywords that only say that something inside is wrong. */
const OUTER = new Set(['properties', 'additionalProperties', 'items']);

/** What is wrong with a body, by the first error that is about a value itself: what was expected, and what came. */
function sentence(schema: Schema, body: unknown, errors: readonly OutputUnit[]): string {
  const { keyword, instanceLocation } = errors.find((error) => !OUTER.has(error.keyword))!, trail = instanceLocation.split('/').slice(1).map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'));
  const names = Object.keys(schema.properties!);
  if (trail.length === 0) {
    if (keyword === 'type') return `the body must be a JSON object, such as ${schema.required!.length > 0 ? `{ "${schema.required![0]}": "an id" }` : '{ "user": "an id" }'}, got ${show(body)}`;
    if (keyword === 'required') { const missing = schema.required!.find((name) => !Object.hasOwn(body as object, name))!; return `${missing} is missing: give ${(schema.properties![missing] as Schema).description}`; }
    const given = WHO.filter((name) => Object.hasOwn(body as object, name)); // oneOf
    if (Object.hasOwn(body as object, 'fallback') && (given.length === 1 || given.join() === 'user,history')) return `fallback is for user and users, whom a model may not know, got it beside ${given.at(-1)}; leave it out`;
    return `expected exactly one of ${WHO.join(', ')} (a user may stand beside a history), got ${given.length === 0 ? 'none' : given.join(', ')}`;
  }
  if (trail.length === 1 && !names.includes(trail[0])) return `there is no field ${show(trail[0])}; the fields are ${names.join(', ')}`;
  let expected = schema, got = body;
  for (const part of trail) {
    expected = (Array.isArray(got) ? expected.items : Object.hasOwn(expected.properties ?? {}, part) ? expected.properties![part] : expected.additionalProperties) as Schema;
    got = (got as Record<string, unknown>)[part];
  }
  return `${trail.map((part, at) => (/^\d+$/.test(part) ? `[${part}]` : at === 0 ? part : `.${part}`)).join('')} must be ${expected.description}, got ${show(got)}`;
}

/** A value as a sentence shows it: no longer than a line. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
