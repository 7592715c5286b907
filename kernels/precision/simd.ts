// AssemblyScript. The formula is in loop.ts. Each row of a group is held against four list entries at a time.
import { holds } from '../lanes.simd';

export function precisionHits(top: usize, indptr: usize, items: usize, G: i32, k: i32): i32 {
  let hits = 0;
  for (let g = 0; g < G; g++, top += <usize>k << 2, indptr += 4) {
    const end = items + (<usize>load<i32>(indptr, 4) << 2);
    for (let item = items + (<usize>load<i32>(indptr) << 2); item < end; item += 4) hits += holds(top, k, load<i32>(item));
  }
  return hits;
}
