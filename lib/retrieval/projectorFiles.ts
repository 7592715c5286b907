import type { RawId } from '../data/labelEncoder.ts';
import type { SideTable } from '../data/sideTable.ts';
import { TightrecError, checkNames } from '../errors.ts';
import { type VectorModel, cellsOf, itemVectors } from './exactIndex.ts';

export interface ProjectorOptions {
  /** More columns beside the ids; it must hold every item. */
  metadata?: SideTable;
}

/**
 * projectorFiles: the item vectors of a fitted model as the texts of two files for TensorBoard's embedding projector, which also loads them by itself.
 *
 *   vectors.tsv     K numbers a line, with tabs between, as many digits as a float32 has; no header
 *   metadata.tsv    the id; with metadata a header, the id and its cells, lists with ', ' between
 *
 * A line is an item, in both. The format knows no quotes, and its reader passes over blank lines, so white space in an id or a cell becomes one space, and an id without
 * anything else is written `(blank)`.
 * Errors: 'not-fitted'; 'unsupported' for a model without item vectors; 'unknown-id' for an item that the metadata does not hold; 'out-of-memory' where the text would be longer than one can be.
 * Source: the tensorboard guide "Visualizing Data using the Embedding Projector"; a file of one column has no header there.
 */
export function projectorFiles(model: VectorModel, options: ProjectorOptions = {}): { vectors: string; metadata: string } {
  const where = 'projectorFiles';
  checkNames(where, options, ['metadata']);
  const { ids, vectors: { data, shape: [, K] } } = itemVectors(where, model), { metadata } = options, names = metadata === undefined ? [] : Object.keys(metadata.columns ?? {});
  const cells = metadata === undefined ? null : cellsOf(where, ids, metadata), line = (row: number): string => Array.from(data.subarray(row * K, (row + 1) * K), (x) => Number(x.toPrecision(9))).join('\t');
  const said = ids.map((id, row) => [idText(id), ...names.map((name) => cellText(cells![row][name]))].join('\t'));
  try {
    return { vectors: lines(ids.map((_, row) => line(row))), metadata: lines(names.length === 0 ? said : [['id', ...names.map(cellText)].join('\t'), ...said]) };
  } catch (cause) {
    throw new TightrecError('out-of-memory', `${where}: the vectors of ${ids.length} items are too much for one text in this runtime; use fewer factors`, { cause });
  }
}

const lines = (all: readonly string[]): string => all.map((one) => `${one}\n`).join('');
const cellText = (cell: string | number | readonly string[]): string => (Array.isArray(cell) ? cell.join(', ') : String(cell)).replace(/\s+/g, ' ').trim();
const idText = (id: RawId): string => cellText(String(id)) || '(blank)';
