import { type Interactions, LabelEncoder, type SideTable, sideTable } from '../../lib/data/index.ts';
import type { FeatureFitOptions } from '../../lib/models.ts';

/** parities: a side table in which every other id is odd. */
export const parities = (encoder: LabelEncoder): SideTable => sideTable(encoder.known(), { parity: encoder.known().map((_, row) => row % 2 === 0 ? 'even' : 'odd'), row: encoder.known().map((_, row) => row) });

/** withTables: a model with features whose fit is given tables of parities where it is not given others. */
export function withTables<Model extends { fit(data: Interactions, options?: FeatureFitOptions): Promise<unknown> }>(model: Model): Model {
  const fit = model.fit.bind(model);
  model.fit = (data: Interactions, options: FeatureFitOptions = {}) => fit(data, { ...(data?.users instanceof LabelEncoder && { userTable: parities(data.users), itemTable: parities(data.items) }), ...options });
  return model;
}
