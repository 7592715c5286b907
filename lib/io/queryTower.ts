import { QueryTower } from '../models/queryTower.ts';
import { decodeState, encodeState, saidOf } from './model.ts';

/** queryTowerToBytes: a query tower as a file of its own, of the same kind as a model's: where an index has the items' vectors, it is all that answers a query. */
export function queryTowerToBytes(tower: QueryTower): Uint8Array { return encodeState(tower.toState()); }

/** queryTowerFromBytes: back; its vectors are the same to the bit. Errors: 'file-damaged' for anything that is not a whole query tower. */
export function queryTowerFromBytes(bytes: Uint8Array, source = 'the query tower'): QueryTower {
  const { state } = decodeState(bytes, source, ['QueryTower']);
  return saidOf(source, () => QueryTower.fromState(state));
}
