// AssemblyScript. What is chosen, and how the heap works, is in loop.ts. Scores are held against the worst of the best, 32 at a time.

// Up to so many, the best are kept as a list in order, not as a heap: SIMD moves them without a branch, and the processor has nothing to guess.
const SHORT = 32;

// A bar for the first items is found in so many of them: as many as the first-level cache keeps until they are gone through.
const SAMPLE = 4096;

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
  const least = below(reached(scores, next, last, N, k));
  let bar = f32x4.splat(max(least, worst(best, k)));
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
      if (!(score > max(least, worst(best, k)))) continue;
      while (next < last && load<i32>(next) < id) next += 4;
      if (next < last && load<i32>(next) == id) continue;
      if (k <= SHORT) insert(ids, best, k, id, score);
      else sink(ids, best, k, id, score);
    }
    bar = f32x4.splat(max(least, worst(best, k)));
  }
}

/**
 * A score that at least k items reach, so that only a few more than k must be put in order, or -Infinity where none is found cheaply. The first items are
 * dealt out to sixteen lanes, whose largest scores belong to sixteen items; those of them that are skipped do not count.
 */
function reached(scores: usize, next: usize, last: usize, N: i32, k: i32): f32 {
  if (k > 16 || N < 32 * k) return -Infinity;
  let a = f32x4.splat(-Infinity), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
  for (let at = scores, end = scores + (<usize>(min(N, SAMPLE) & ~31) << 2); at < end; at += 128) {
    a = f32x4.pmax(a, v128.load(at)); b = f32x4.pmax(b, v128.load(at, 16)); c = f32x4.pmax(c, v128.load(at, 32)); d = f32x4.pmax(d, v128.load(at, 48));
    e = f32x4.pmax(e, v128.load(at, 64)); f = f32x4.pmax(f, v128.load(at, 80)); g = f32x4.pmax(g, v128.load(at, 96)); h = f32x4.pmax(h, v128.load(at, 112));
  }
  a = f32x4.pmax(a, e); b = f32x4.pmax(b, f); c = f32x4.pmax(c, g); d = f32x4.pmax(d, h);
  const rankA = rank(a, a, b, c, d), rankB = rank(b, a, b, c, d), rankC = rank(c, a, b, c, d), rankD = rank(d, a, b, c, d);

  for (let wanted = k; wanted <= 16;) {
    const many = i32x4.splat(wanted);
    const score = largest(f32x4.pmax(f32x4.pmax(from(a, rankA, many), from(b, rankB, many)), f32x4.pmax(from(c, rankC, many), from(d, rankD, many))));
    let skipped = 0;
    for (let at = next; at < last; at += 4) skipped += <i32>(load<f32>(scores + (<usize>load<i32>(at) << 2)) >= score);
    if (skipped <= wanted - k) return score;
    wanted = k + skipped;
  }
  return -Infinity;
}

/** For each lane of x, how many of the sixteen lanes of a, b, c and d are at least as large. */
function rank(x: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  let less = i32x4.splat(0); // a comparison that holds is -1
  for (let turn = 0; turn < 4; turn++) {
    less = i32x4.add(less, i32x4.add(i32x4.add(f32x4.ge(a, x), f32x4.ge(b, x)), i32x4.add(f32x4.ge(c, x), f32x4.ge(d, x))));
    x = v128.shuffle<i32>(x, x, 1, 2, 3, 0);
    less = v128.shuffle<i32>(less, less, 1, 2, 3, 0);
  }
  return i32x4.neg(less);
}

/** The lanes of x whose rank is `wanted` or more, -Infinity for the others. */
function from(x: v128, rank: v128, wanted: v128): v128 {
  return v128.bitselect(x, f32x4.splat(-Infinity), i32x4.ge_s(rank, wanted));
}

function largest(x: v128): f32 {
  x = f32x4.pmax(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(x, v128.shuffle<i32>(x, x, 1, 0, 3, 2)), 0);
}

/** The number just below: what is above it is x or more. */
function below(x: f32): f32 {
  if (x == -Infinity) return x;
  if (x == 0) return reinterpret<f32>(0x80000001);
  const bits = reinterpret<i32>(x);
  return reinterpret<f32>(bits < 0 ? bits + 1 : bits - 1);
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
