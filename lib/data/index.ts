/** tightrec/data: files and arrays in, interactions out. */
export { addCsr, countPairs, csrEntry } from './csr.ts';
export type { Csr, Groups } from './csr.ts';
export { interactions, selectEvents } from './interactions.ts';
export type { InteractionOptions, Interactions } from './interactions.ts';
export { LabelEncoder, compareIds } from './labelEncoder.ts';
export type { RawId } from './labelEncoder.ts';
export { sampleUniform, sampleUnseen } from './negatives.ts';
export { readInteractions } from './readInteractions.ts';
export type { FileInteractions, InteractionColumns, InteractionReadOptions } from './readInteractions.ts';
export { readTable } from './readTable.ts';
export type { ColumnType, ReadOptions, SkippedRow, Table } from './readTable.ts';
export { batchRows, bucketed, packed, sequencesOf, windows } from './sequences.ts';
export type { BatchRows, SequenceBatch, Sequences } from './sequences.ts';
export { cutByTime, groupItems, groupRuns, kFold, splitByTime, splitRandom } from './split.ts';
export type { FoldPieces } from './split.ts';
export { random, restoreRandom } from '../random.ts';
export type { Random } from '../random.ts';
