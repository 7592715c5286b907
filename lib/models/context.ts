import { type Csr, selectRowsCsr } from '../data/csr.ts';
import { emptyCsr } from '../data/csrTransforms.ts';
import type { Features } from '../data/features.ts';
import type { Interactions } from '../data/interactions.ts';
import { LabelEncoder } from '../data/labelEncoder.ts';
import { type LearnedFeatures, type LearnedFeaturesData, encodeRows, featuresFromData, featuresToData, learnRows } from '../data/learnFeatures.ts';
import type { SideColumn } from '../data/sideTable.ts';
import { TightrecError, describe } from '../errors.ts';
import { type ModelState, csrFrom, csrTensors } from './modelState.ts';

/** Context: the features of events, and those of each user's last event. */
export interface Context { readonly learned: LearnedFeatures; readonly matrix: Csr } // users x columns

/** contextColumns: the columns that features of the context may read: `time`, where events have one, and those given. Errors: 'bad-shape' for one that is not as long as there are events. */
export function contextColumns(where: string, data: Interactions, given: Readonly<Record<string, SideColumn>> = {}): Record<string, SideColumn> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new TightrecError('bad-input', `${where}: context must be an object of columns by name, with a cell for each event, got ${describe(given)}`);
  for (const [name, column] of Object.entries(given)) {
    if (typeof column === 'string' || column?.length !== data.user.length) throw new TightrecError('bad-shape', `${where}, context: expected a cell for each of ${data.user.length} events in column '${name}', got ${typeof column?.length === 'number' ? column.length : describe(column)}`);
  }
  return { ...(data.time && { time: data.time }), ...given };
}

/** learnContext: the features of events. Errors: as learnFeatures. */
export function learnContext(where: string, declared: Features, data: Interactions, columns: Record<string, SideColumn>): LearnedFeatures {
  const wrong = Object.entries(declared).find(([, { kind }]) => kind === 'id');
  if (wrong !== undefined) throw new TightrecError('bad-setting', `${where}: contextFeatures: feature '${wrong[0]}' is of kind id, and events have none; declare ids in userFeatures`);
  return learnRows(declared, data.user.length, columns, 'the context of events', `${where}, context`);
}

/** encodeContext: a row for each event. Errors: as learnFeatures. */
export const encodeContext = (where: string, learned: LearnedFeatures, data: Interactions, columns: Record<string, SideColumn>): Csr =>
  encodeRows(learned, data.user.length, columns, 'the context of events', `${where}, context`, (row) => `event ${row}`);

/**
 * lastContext: for each user the features of their last event, by time where there are times (of equal ones the later row), else by row; of a user without events
 * those of `before`, or none. Shape: users x columns.
 */
export function lastContext(events: Csr, { user, time, users }: Interactions, before?: Csr): Csr {
  const last = new Array<number | null>(users.size).fill(null);
  for (let event = 0; event < user.length; event++) {
    const found = last[user[event]];
    if (found === null || time === null || time[event] >= time[found]) last[user[event]] = event;
  }
  return mixed(events, last, selectRowsCsr(before ?? emptyCsr(users.size, events.columns), Int32Array.from(last.keys()).filter((row) => last[row] === null)));
}

/** mixed: rows of the matrix, and where there is none the rows of `told`, one after another. Shapes: rows (n) -> n x columns. */
export function mixed(matrix: Csr, rows: readonly (number | null)[], told: Csr): Csr {
  let next = 0;
  const from = rows.map((row): [Csr, number] => (row === null ? [told, next++] : [matrix, row])), indptr = new Int32Array(rows.length + 1);
  from.forEach(([part, row], at) => { indptr[at + 1] = indptr[at] + part.indptr[row + 1] - part.indptr[row]; });
  const indices = new Int32Array(indptr[rows.length]), values = new Float32Array(indptr[rows.length]);
  from.forEach(([part, row], at) => {
    indices.set(part.indices.subarray(part.indptr[row], part.indptr[row + 1]), indptr[at]);
    values.set(part.values.subarray(part.indptr[row], part.indptr[row + 1]), indptr[at]);
  });
  return { rows: rows.length, columns: matrix.columns, indptr, indices, values };
}

/** contextToState: what a model file holds of it. */
export const contextToState = ({ learned, matrix }: Context): { tensors: ModelState['tensors']; features: { context: LearnedFeaturesData } } =>
  ({ tensors: csrTensors('user_context', matrix), features: { context: featuresToData(learned, learned.ids) } });

/** contextFrom: back from a model file. Errors: 'file-damaged'. */
export function contextFrom(state: ModelState, declared: Features | null): Context | null {
  if (declared === null) return null;
  const learned = featuresFromData(declared, LabelEncoder.inOrder([]), (state.features as { context?: unknown } | undefined)?.context, `${state.model}: context features`);
  return { learned, matrix: csrFrom(state, 'user_context', state.catalogue.users.size, learned.columns) };
}
