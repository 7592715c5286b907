/** Measure: a figure of a section: its name, how many digits are shown, and which end is the better one. */
export interface Measure { readonly name: string; readonly digits: number; readonly best: 'high' | 'low' }

/** A point of a learning curve, in a section's first measure. */
export interface SectionPoint { readonly epoch: number; readonly loss: number; readonly value: number }

/** SectionRow: a model, and what came out. */
export interface SectionRow {
  readonly name: string;
  readonly figures: readonly (number | null)[]; // of the section's measures, in their order; null where the model has no such figure
  readonly published: number | null; // of the section's measure `publishedOf`; always null for generated data
  readonly publishedNote: string | null;
  readonly fitSeconds: number;
  readonly settings: Record<string, unknown>;
  readonly curve: readonly SectionPoint[];
  readonly note: string | null;
}

/** Section: models that are measured alike, and how. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly measures: readonly Measure[];
  readonly publishedOf: number; // which measure the published figures are of
  readonly curveOf: string; // what the curves show, with what it is measured on
  readonly rows: readonly SectionRow[];
}

/** sectionRow: a row, of which all but the name, the figures and the time may be left out. */
export const sectionRow = (name: string, more: Partial<SectionRow> & Pick<SectionRow, 'figures' | 'fitSeconds'>): SectionRow =>
  ({ name, published: null, publishedNote: null, settings: {}, curve: [], note: null, ...more });

/** bestRow: the row whose figure of this measure is the best; -1 where none has one. */
export function bestRow({ rows, measures }: Pick<Section, 'rows' | 'measures'>, measure: number): number {
  const sign = measures[measure].best === 'high' ? 1 : -1;
  return rows.reduce((best, { figures }, at) => (figures[measure] !== null && (best < 0 || sign * figures[measure]! > sign * rows[best].figures[measure]!) ? at : best), -1);
}

/** sayFigures: ends a task with what came out. */
export const sayFigures = (measures: readonly Measure[], figures: SectionRow['figures']): string => measures.flatMap(({ name, digits }, at) => (figures[at] === null ? [] : [`${name} ${figures[at]!.toFixed(digits)}`])).join(', ');

