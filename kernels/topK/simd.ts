// AssemblyScript. What is chosen, and how the heap works, is in loop.ts. Scores are held against the worst of the best, 32 at a time.

// Up to so many, the best are kept as a list in order, not as a heap: where a new one goes is counted with SIMD, and the processor has nothing to guess.
const SHORT = 32;

export function topK(ids: usize, best: usize, scores: usize, skip: usize, start: usize, B: i32, N: i32, k: i32): void {
  for (let b = 0; b < B; b++, ids += <usize>k << 2, best += <usize>k << 2, scores += <usize>N << 2, start += 4) {
    for (let at: usize = 0; at < <usize>k << 2; at += 4) { store<i32>(ids + at, -1); store<f32>(best + at, -Infinity); }
    if (k == 0) continue;
    select(ids, best, scores, skip + (<usize>load<i32>(start) << 2), skip + (<usize>load<i32>(start, 4) << 2), N, k);
    if (k <= SHORT) continue;

    for (let size = k - 1; size > 0; size--) {
      const at = <usize>size << 2, id = load<i32>(ids + at), score = load<f32>(best + at);
      store<i32>(ids + at, load<i32>(ids));
      store<f32>(best + at, load<f32>(best));
      sink(ids, best, size, id, score);
    }
  }
}

/** The best of one row; its skipped items lie from `next` to before `last`. Whether an item is skipped is asked only of those that would enter. */
function select(ids: usize, best: usize, scores: usize, next: usize, last: usize, N: i32, k: i32): void {
  let bar = f32x4.splat(worst(best, k));
  let n = 0;
  for (let at = scores; n < N; n += 32, at += 128) {
    let bits: u32;
    if (n + 32 <= N) {
      // pmax, with the number so far in first place, passes over NaN; most runs of 32 are dismissed by this one branch
      const first = f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(bar, v128.load(at)), v128.load(at, 16)), v128.load(at, 32)), v128.load(at, 48));
      const second = f32x4.pmax(f32x4.pmax(f32x4.pmax(f32x4.pmax(first, v128.load(at, 64)), v128.load(at, 80)), v128.load(at, 96)), v128.load(at, 112));
      if (i32x4.bitmask(f32x4.gt(second, bar)) == 0) continue;
      bits = above(at, bar) | (above(at + 64, bar) << 16);
    } else bits = (<u32>1 << (N - n)) - 1; // the last few, fewer than 32

    for (; bits != 0; bits &= bits - 1) {
      const id = n + ctz(bits), score = load<f32>(scores + (<usize>id << 2));
      if (!(score > worst(best, k))) continue;
      while (next < last && load<i32>(next) < id) next += 4;
      if (next < last && load<i32>(next) == id) continue;
      if (k <= SHORT) insert(ids, best, k, id, score);
      else sink(ids, best, k, id, score);
    }
    bar = f32x4.splat(worst(best, k));
  }
}

/** One bit for each of sixteen scores: whether it is above the bar. */
function above(at: usize, bar: v128): u32 {
  const low = i16x8.narrow_i32x4_s(f32x4.gt(v128.load(at), bar), f32x4.gt(v128.load(at, 16), bar));
  const high = i16x8.narrow_i32x4_s(f32x4.gt(v128.load(at, 32), bar), f32x4.gt(v128.load(at, 48), bar));
  return i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

function worst(best: usize, k: i32): f32 {
  return load<f32>(k <= SHORT ? best + (<usize>(k - 1) << 2) : best);
}

/** Puts (id, score) where it belongs in a list in descending order, behind equal scores; the last of the list falls out. */
function insert(ids: usize, best: usize, k: i32, id: i32, score: f32): void {
  let place = 0, c = 0; // place = how many are at least as good, counted without a branch
  for (const scores = f32x4.splat(score); c + 4 <= k; c += 4) place += popcnt(i32x4.bitmask(f32x4.ge(v128.load(best + (<usize>c << 2)), scores)));
  for (; c < k; c++) place += <i32>(load<f32>(best + (<usize>c << 2)) >= score);
  const to = <usize>place << 2;
  for (let at = <usize>(k - 1) << 2; at > to; at -= 4) {
    store<i32>(ids + at, load<i32>(ids + at - 4));
    store<f32>(best + at, load<f32>(best + at - 4));
  }
  store<i32>(ids + to, id);
  store<f32>(best + to, score);
}

function sink(ids: usize, best: usize, size: i32, id: i32, score: f32): void {
  let at = 0;
  for (let child = 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && worse(ids, best, child + 1, load<i32>(ids + (<usize>child << 2)), load<f32>(best + (<usize>child << 2)))) child++;
    if (!worse(ids, best, child, id, score)) break;
    store<i32>(ids + (<usize>at << 2), load<i32>(ids + (<usize>child << 2)));
    store<f32>(best + (<usize>at << 2), load<f32>(best + (<usize>child << 2)));
    at = child;
  }
  store<i32>(ids + (<usize>at << 2), id);
  store<f32>(best + (<usize>at << 2), score);
}

function worse(ids: usize, best: usize, at: i32, id: i32, score: f32): bool {
  const held = load<f32>(best + (<usize>at << 2));
  if (held != score) return held < score;
  return load<i32>(ids + (<usize>at << 2)) > id;
}
