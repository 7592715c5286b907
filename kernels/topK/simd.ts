// AssemblyScript. What is chosen, and how the heap works, is in loop.ts. Four scores at a time are held against the worst of the best.

export function topK(ids: usize, best: usize, scores: usize, skip: usize, start: usize, B: i32, N: i32, k: i32): void {
  for (let b = 0; b < B; b++, ids += <usize>k << 2, best += <usize>k << 2, scores += <usize>N << 2, start += 4) {
    for (let at: usize = 0; at < <usize>k << 2; at += 4) { store<i32>(ids + at, -1); store<f32>(best + at, -Infinity); }
    if (k == 0) continue;

    // between two skipped items lies a run that is looked at without asking again
    let from = 0;
    const last = skip + (<usize>load<i32>(start, 4) << 2);
    for (let next = skip + (<usize>load<i32>(start) << 2); next < last; next += 4) {
      const skipped = load<i32>(next);
      select(ids, best, scores, from, min(skipped, N), k);
      from = max(from, skipped + 1);
    }
    select(ids, best, scores, from, N, k);

    for (let size = k - 1; size > 0; size--) {
      const at = <usize>size << 2, id = load<i32>(ids + at), score = load<f32>(best + at);
      store<i32>(ids + at, load<i32>(ids));
      store<f32>(best + at, load<f32>(best));
      sink(ids, best, size, id, score);
    }
  }
}

function select(ids: usize, best: usize, scores: usize, from: i32, to: i32, k: i32): void {
  let n = from;
  let worst = load<f32>(best), bar = f32x4.splat(worst);
  let at = scores + (<usize>from << 2);
  for (; n + 8 <= to; n += 8, at += 32) {
    if (!v128.any_true(v128.or(f32x4.gt(v128.load(at), bar), f32x4.gt(v128.load(at, 16), bar)))) continue;
    for (let lane: usize = 0; lane < 8; lane++) {
      const score = load<f32>(at + (lane << 2));
      if (score > worst) { sink(ids, best, k, n + <i32>lane, score); worst = load<f32>(best); }
    }
    bar = f32x4.splat(worst);
  }
  for (; n < to; n++, at += 4) {
    const score = load<f32>(at);
    if (score > worst) { sink(ids, best, k, n, score); worst = load<f32>(best); }
  }
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
