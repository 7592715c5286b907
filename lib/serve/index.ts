/** tightrec/serve: a fitted model as a function from Request to Response. */
export { recommendHandler } from './handler.ts';
export type { HandlerOptions, RecommendHandler } from './handler.ts';
export type { Query, QueryModel, ServedModel, SessionModel } from './served.ts';
