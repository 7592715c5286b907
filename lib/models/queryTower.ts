import type { Csr } from '../data/csr.ts';
import { emptyCsr } from '../data/csrTransforms.ts';
import { type Features, checkFeatures } from '../data/features.ts';
import { LabelEncoder, type RawId } from '../data/labelEncoder.ts';
import { type LearnedFeatures, columnName, encodeRows, featuresToData } from '../data/learnFeatures.ts';
import type { SideColumn } from '../data/sideTable.ts';
import { TightrecError, describe } from '../errors.ts';
import type { Vectors } from '../retrieval/vectors.ts';
import { unknownId } from './answer.ts';
import { type Context, contextFrom, contextToState, mixed } from './context.ts';
import { tensorsOf } from './factors.ts';
import { type ModelState, csrTensors } from './modelState.ts';
import { checkSettings } from './settings.ts';
import { type Side, sideFrom } from './sides.ts';
import { type Tower, type Widths, passAll, someLayers, towerFrom, towerTensors } from './tower.ts';

/**
 * Query: who asks, and when: a cell for each column that the features of users and of the context read, by name. `user` is the id of somebody whom the model knows: then the
 * features of users may be left out, and those of the context too, which are then those of the user's last event.
 */
export type Query = Readonly<Record<string, RawId | readonly string[] | undefined>>;

/** QueryParts: what a query passes through. */
export interface QueryParts {
  readonly model: string;
  readonly users: LabelEncoder;
  readonly user: Side;
  readonly context: Context | null;
  readonly tower: Tower;
}

/**
 * embedQueries: the vector of each query. Shape: (n, K).
 * Errors: 'bad-input' for what is no query, and for a cell that its feature cannot read; 'column-missing' for a feature that is not told; 'unknown-id' for a `user` whom the model does
 * not know and whose features are not told either.
 */
export function embedQueries(where: string, parts: QueryParts, queries: readonly Query[]): Vectors {
  const { user, context, tower, users } = parts, ofUser = columnsOf(user.learned), ofContext = context ? columnsOf(context.learned) : [];
  if (!Array.isArray(queries)) throw new TightrecError('bad-input', `${where}: expected a list of queries, such as [${exampleOf(ofUser, ofContext)}], got ${describe(queries)}`);
  const places = Array.from(queries, (query, q) => placeOf(`${where}: query ${q}`, query, parts, ofUser, ofContext));

  /** The rows that queries take of what the model has, and of what they tell. */
  const side = (which: 'user' | 'context', learned: LearnedFeatures, matrix: Csr, columns: readonly string[]): Csr => {
    const told = [...places.keys()].filter((q) => places[q][which] === null), ids = told.map((q) => (which === 'user' && users.has(queries[q].user as RawId) ? queries[q].user as RawId : null));
    const cells = Object.fromEntries(columns.map((name) => [name, told.map((q) => queries[q][name]) as SideColumn]));
    return mixed(matrix, places.map((place) => place[which]), encodeRows(learned, told.length, cells, 'the queries', where, (row) => `query ${told[row]}`, ids));
  };
  return passAll(tower, side('user', user.learned, user.matrix, ofUser), context && side('context', context.learned, context.matrix, ofContext));
}

/** Which rows of the model say what a query's features are; null where it tells them itself. */
function placeOf(where: string, query: Query, { model, users, context }: QueryParts, ofUser: readonly string[], ofContext: readonly string[]): { user: number | null; context: number | null } {
  const all = ['user', ...ofUser, ...ofContext], tells = (columns: readonly string[]): boolean => columns.some((name) => query[name] !== undefined);
  if (typeof query !== 'object' || query === null || Array.isArray(query)) throw new TightrecError('bad-input', `${where} must be an object of cells by column, such as ${exampleOf(ofUser, ofContext)}, got ${describe(query)}`);
  const wrong = Object.keys(query).find((name) => !all.includes(name));
  if (wrong !== undefined) throw new TightrecError('bad-input', `${where} has '${wrong}', which no feature of ${model} reads; the columns are ${all.join(', ')}`);
  const row = users.has(query.user as RawId) ? users.encode(query.user as RawId) : -1, missing = (columns: readonly string[]): string | undefined => columns.find((name) => query[name] === undefined);
  const ownFeatures = row >= 0 && !tells(ofUser), ownContext = context === null || (row >= 0 && !tells(ofContext));
  if (!ownFeatures && (ofUser.length === 0 || missing(ofUser) !== undefined)) {
    if (query.user !== undefined && row < 0) throw unknownId(where, 'user', query.user as RawId, users, ofUser.length > 0 ? `; tell ${ofUser.join(', ')}, and the model can answer by them` : '');
    const instead = ofUser.length === 0 ? '' : row < 0 ? ', or the id of a known user' : ', or none of the features of users';
    throw new TightrecError('column-missing', `${where} must have '${missing(ofUser) ?? 'user'}'${instead}; the columns are ${all.join(', ')}`);
  }
  if (!ownContext && missing(ofContext) !== undefined) throw new TightrecError('column-missing', `${where} must have '${missing(ofContext)!}'; the columns are ${all.join(', ')}`);
  return { user: ownFeatures ? row : null, context: ownContext ? Math.max(row, 0) : null };
}

/** The columns that features read, each once. */
const columnsOf = ({ parts }: LearnedFeatures): string[] => [...new Set(parts.flatMap(({ name, feature }) => feature.kind === 'id' ? [] : [columnName(name, feature)]))];

const exampleOf = (ofUser: readonly string[], ofContext: readonly string[]): string => `{ ${[...(ofUser.length > 0 ? ofUser : ['user']), ...ofContext].map((name) => `${name}: ...`).join(', ')} }`;

/** queryWidths: the layers of a query's tower, by its setting. */
export const queryWidths = (layers: readonly number[]): Widths => ({ widths: layers, lastBias: true });

/** QueryTowerSettings: those of a TwoTower that its query tower is made by. */
export interface QueryTowerSettings {
  readonly userFeatures: Features;
  readonly contextFeatures: Features | null;
  readonly layers: readonly number[];
}

/** queryTowerState: a query tower as plain data, for a file of its own. */
export function queryTowerState({ userFeatures, contextFeatures, layers }: QueryTowerSettings, { users, user, context, tower }: QueryParts): ModelState {
  const of = context && contextToState(context);
  return {
    model: 'QueryTower', settings: { userFeatures, contextFeatures, layers }, catalogue: { users, items: LabelEncoder.inOrder([]), seen: emptyCsr(users.size, 0) },
    tensors: { ...tensorsOf(towerTensors('query', tower)), ...csrTensors('user_features', user.matrix), ...of?.tensors }, features: { user: featuresToData(user.learned, users), ...of?.features }, numbers: {},
  };
}

/** QueryTower: the half of a TwoTower that makes vectors of queries, for where an index has those of the items. Of `model.queryTower()`, or of `queryTowerFromBytes`. */
export class QueryTower {
  readonly name = 'QueryTower';
  readonly settings: QueryTowerSettings;
  readonly #parts: QueryParts;

  private constructor(settings: QueryTowerSettings, parts: QueryParts) {
    this.settings = settings;
    this.#parts = parts;
  }

  /** The users whom a query may name. */
  get users(): LabelEncoder { return this.#parts.users; }

  /** queryEmbeddings: as of the TwoTower that it is of, to the same bits. Shape: (n, K). */
  queryEmbeddings(queries: readonly Query[]): Vectors { return embedQueries(`${this.name}.queryEmbeddings`, this.#parts, queries); }

  toState(): ModelState { return queryTowerState(this.settings, this.#parts); }

  static fromState(state: ModelState): QueryTower {
    const model = 'QueryTower', settings = state.settings as QueryTowerSettings, { userFeatures, contextFeatures, layers, ...others } = settings;
    checkSettings<object>(model, { layers, ...others }, { layers: someLayers });
    checkFeatures(`${model}: userFeatures`, userFeatures);
    if (contextFeatures !== null) checkFeatures(`${model}: contextFeatures`, contextFeatures);
    const user = sideFrom(state, 'user', userFeatures), context = contextFrom(state, contextFeatures);
    return new QueryTower(settings, { model, users: state.catalogue.users, user, context, tower: towerFrom(state, 'query', user.learned.columns + (context?.learned.columns ?? 0), queryWidths(layers)) });
  }
}
