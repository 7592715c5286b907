// AssemblyScript. The formula is in loop.ts.
import { holds } from '../lanes.simd';

export function accuracyHits(top: usize, actual: usize, B: i32, k: i32): i32 {
  let hits = 0;
  for (let b = 0; b < B; b++, top += <usize>k << 2, actual += 4) hits += holds(top, k, load<i32>(actual));
  return hits;
}
