import type { Schema } from '@cfworker/json-schema';
import type { Schemas } from './schemas.ts';

const text = (description: string): Schema => ({ type: 'string', description });
const count = (description: string): Schema => ({ type: 'integer', minimum: 0, description });
const object = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({ type: 'object', properties, required, additionalProperties: false });

const items: Schema = {
  type: 'array', description: 'the best first; fewer than k where there are no more',
  items: object({ item: { type: ['string', 'number'], description: 'the id, as the model was fitted with it' }, score: { type: 'number' }, source: { type: 'string', enum: ['popularity'], description: 'there where the user is unknown and the list is that of the most popular items' } }, ['item', 'score']),
};
const by = { model: text('the name of the model that answered'), version: text('its version: of a model file, the beginning of its SHA-256') };

/** answers: the schemas of what is answered. */
export const answers: Readonly<Record<'Recommendations' | 'Similar' | 'Health' | 'Error', Schema>> = {
  Recommendations: { oneOf: [object({ items, ...by }), object({ lists: { type: 'array', description: 'for each of users or queries, in their order', items: object({ items }) }, ...by })] },
  Similar: object({ items, ...by }),
  Health: object({ status: { type: 'string', enum: ['ok'] }, ...by, users: count('how many the model knows'), items: count('how many the model knows') }),
  Error: object({ error: text('what was expected, what came and what to do, in one sentence'), code: text('the same for programs') }),
};

const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const json = (name: string, description: string): object => ({ description, content: { 'application/json': { schema: ref(name) } } });
const refusals = (...statuses: [number, string][]): object => Object.fromEntries(statuses.map(([status, description]) => [status, json('Error', description)]));
const common: [number, string][] = [
  [400, 'a body that is not JSON, or not of this shape, or of something that the model cannot do'], [401, 'no token, or another one'], [404, 'an id that the model does not know'], [408, 'the body did not come in time'],
  [413, 'a body that is too large'], [503, 'too much to do, or the server is stopping: try again after Retry-After seconds'],
];

/** openapi: the OpenAPI 3.1 description of a server with these schemas. */
export function openapi({ recommend, similar }: Schemas, { version, token }: { version: string; token: boolean }): object {
  const post = (summary: string, body: string, answer: string): object => ({
    post: { summary, requestBody: { required: true, content: { 'application/json': { schema: ref(body) } } }, responses: { 200: json(answer, 'the lists'), ...refusals(...common) } },
  });
  return {
    openapi: '3.1.0',
    info: { title: 'tightrec', description: 'Recommendations from one fitted model.', version },
    ...(token && { security: [{ token: [] }] }),
    paths: {
      '/recommend': post('The best items for a user, many users, a history, or queries by features.', 'Recommend', 'Recommendations'),
      '/similar': post('The items most like one.', 'Similar', 'SimilarItems'),
      '/health': { get: { summary: 'Which model is in service.', security: [], responses: { 200: json('Health', 'a model is in service'), ...refusals([503, 'the server is stopping']) } } },
      '/metrics': { get: { summary: 'What the server counts, for Prometheus.', responses: { 200: { description: 'the text format, version 0.0.4', content: { 'text/plain': { schema: { type: 'string' } } } } } } },
      '/openapi.json': { get: { summary: 'This description.', responses: { 200: { description: 'an OpenAPI 3.1 document', content: { 'application/json': { schema: { type: 'object' } } } } } } },
    },
    components: {
      schemas: { Recommend: recommend, Similar: similar, Recommendations: answers.Recommendations, SimilarItems: answers.Similar, Health: answers.Health, Error: answers.Error },
      ...(token && { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } }),
    },
  };
}
