/** tightrec/serve/node: a model file over HTTP, on Node, Bun and Deno. */
export { serve } from './server.ts';
export type { RecommendServer, ServeOptions } from './server.ts';
