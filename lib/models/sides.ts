import type { Csr } from '../data/csr.ts';
import { growCsr, stackCsr } from '../data/csrTransforms.ts';
import { type Features, checkFeatures, id } from '../data/features.ts';
import type { Interactions } from '../data/interactions.ts';
import type { LabelEncoder } from '../data/labelEncoder.ts';
import { type LearnedFeatures, type LearnedFeaturesData, encodeFeatures, featuresFromData, featuresToData, learnFeatures, trainedIds } from '../data/learnFeatures.ts';
import { type SideTable, checkSideTable } from '../data/sideTable.ts';
import { TightrecError } from '../errors.ts';
import type { Catalogue } from './catalogue.ts';
import { type ModelState, csrFrom, csrTensors } from './modelState.ts';
import { type Rule, checkNames } from './settings.ts';
import type { FitOptions } from './train.ts';

// What models with features of users and items have in common.

/** FeatureSettings: the settings of a model with features; see tightrec/data for what can be declared. */
export interface FeatureSettings {
  userFeatures: Features;
  itemFeatures: Features;
}

/** SideTables: what is known of users and of items, beside what they did. A table is needed where a feature other than `id` is declared. */
export interface SideTables {
  userTable?: SideTable;
  itemTable?: SideTable;
}

/** FeatureFitOptions: what fit takes of a model with features. */
export type FeatureFitOptions = FitOptions & SideTables;

/** Side: the features of users, or of items: what they have learned, and a row for each row of the catalogue. */
export interface Side { readonly learned: LearnedFeatures; readonly matrix: Csr }
export interface Sides { readonly user: Side; readonly item: Side }

/** Who is who, and no more: what a model with features has unless told otherwise. */
export const idsAlone: FeatureSettings = { userFeatures: { id: id() }, itemFeatures: { id: id() } };

/** What is wrong with an object, checkFeatureSettings says. */
const someFeatures: Rule = (value) => typeof value === 'object' && value !== null ? null : 'an object of features by name, such as { id: id() }';
export const featureRules: Record<keyof FeatureSettings, Rule> = { userFeatures: someFeatures, itemFeatures: someFeatures };

/** checkFeatureSettings: refuses declarations that mean nothing; `checkSettings` comes first. Errors: 'bad-setting'. */
export function checkFeatureSettings(model: string, { userFeatures, itemFeatures }: FeatureSettings): void {
  checkFeatures(`${model}: userFeatures`, userFeatures);
  checkFeatures(`${model}: itemFeatures`, itemFeatures);
}

/** withoutTables: the tables among fit's options, and the other options, as the training loop takes them. */
export function withoutTables(given: FeatureFitOptions): { tables: SideTables; options: FitOptions } {
  if (typeof given !== 'object' || given === null) return { tables: {}, options: given }; // which the loop refuses
  const { userTable, itemTable, ...options } = given;
  return { tables: { ...(userTable && { userTable }), ...(itemTable && { itemTable }) }, options };
}

/** learnSides: features learned of the ids that have events, and the rows of all ids of the encoders. Errors: as learnFeatures. */
export function learnSides(where: string, { userFeatures, itemFeatures }: FeatureSettings, data: Interactions, { userTable = undefined, itemTable = undefined }: SideTables): Sides {
  return { user: learnSide(`${where}, userTable`, userFeatures, data.users, data.user, userTable ?? null), item: learnSide(`${where}, itemTable`, itemFeatures, data.items, data.item, itemTable ?? null) };
}

/** learnSide: one of them; `rows` are those of the events. Errors: as learnFeatures; 'bad-input' where nobody has a value. */
export function learnSide(where: string, declared: Features, ids: LabelEncoder, rows: Int32Array, table: SideTable | null): Side {
  const met = new Uint8Array(ids.size);
  for (const row of rows) met[row] = 1;
  const trained = trainedIds(ids, (row) => met[row] === 1), learned = learnFeatures(declared, trained, table, where);
  if (learned.columns === 0) throw new TightrecError('bad-input', `${where}: expected a value of ${Object.keys(declared).join(' or ')} for at least one of ${trained.known().length} ids, got none; declare { id: id() } beside it`);
  return { learned, matrix: encodeFeatures(learned, ids.labels, table, where) };
}

/** noTables: partialFit has no use for side tables. Errors: 'bad-setting'. */
export function noTables(where: string, tables: SideTables): void {
  if (Object.keys(tables).length > 0) throw new TightrecError('bad-setting', `${where}: what is known of the ids is there from fit; leave the tables out, and give those of new ids to addIds`);
}

/** NEW_ID: what to do with an id that partialFit does not know. */
export const NEW_ID = 'give it to addIds with its features, or fit again with all the data';

/**
 * withNewIds: catalogue and sides with the ids of the tables that were not there, in rows behind the others; they are known by their features alone. Ids that
 * were there stay as they are. Errors: as encodeFeatures.
 */
export function withNewIds(where: string, catalogue: Catalogue, sides: Sides, tables: SideTables): { catalogue: Catalogue; sides: Sides } {
  checkNames(where, tables, ['userTable', 'itemTable']);
  const grown = (which: 'userTable' | 'itemTable', ids: LabelEncoder, side: Side): [LabelEncoder, Side] => {
    const table = tables[which];
    if (table === undefined) return [ids, side];
    checkSideTable(`${where}, ${which}`, table);
    const all = ids.extended(table.ids), more = all.labels.slice(ids.size);
    return [all, { ...side, matrix: stackCsr(side.matrix, encodeFeatures(side.learned, more, table, `${where}, ${which}`)) }];
  };
  const [users, user] = grown('userTable', catalogue.users, sides.user), [items, item] = grown('itemTable', catalogue.items, sides.item);
  return { catalogue: { users, items, seen: growCsr(catalogue.seen, users.size, items.size) }, sides: { user, item } };
}

/** sidesToState: what a model file holds of them: sparse matrices, and as plain data what was learned. */
export function sidesToState({ user, item }: Sides, { users, items }: Catalogue): { tensors: ModelState['tensors']; features: { user: LearnedFeaturesData; item: LearnedFeaturesData } } {
  return {
    tensors: { ...csrTensors('user_features', user.matrix), ...csrTensors('item_features', item.matrix) },
    features: { user: featuresToData(user.learned, users), item: featuresToData(item.learned, items) },
  };
}

/** sidesFrom: back from a model file. Errors: 'file-damaged'. */
export function sidesFrom(state: ModelState, { userFeatures, itemFeatures }: FeatureSettings): Sides {
  return { user: sideFrom(state, 'user', userFeatures), item: sideFrom(state, 'item', itemFeatures) };
}

/** sideFrom: one of them. Errors: 'file-damaged'. */
export function sideFrom(state: ModelState, which: 'user' | 'item', declared: Features): Side {
  const ids = state.catalogue[`${which}s`], learned = featuresFromData(declared, ids, (state.features as Record<string, unknown> | undefined)?.[which], `${state.model}: ${which} features`);
  return { learned, matrix: csrFrom(state, `${which}_features`, ids.size, learned.columns) };
}
