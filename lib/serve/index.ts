/** tightrec/serve: a fitted model as a function from Request to Response. */
export { recommendHandler } from './handler.ts';
export type { HandlerOptions, RecommendHandler } from './handler.ts';
export type { Query } from '../models/queryTower.ts';
export type { QueryModel, ServedModel, SessionModel } from './served.ts';
