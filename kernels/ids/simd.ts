// AssemblyScript. What these do is in loop.ts. Only firstOutside has lanes; the others win by plain integer code without bounds checks.

export function firstOutside(ids: usize, B: i32, n: i32): i32 {
  const from = ids, limit = i32x4.splat(n);
  let b = 0;
  // as unsigned numbers, negative ids are large
  for (; b + 4 <= B; b += 4, ids += 16) if (v128.any_true(i32x4.ge_u(v128.load(ids), limit))) break;
  for (; b < B; b++) if (load<u32>(from + (<usize>b << 2)) >= <u32>n) return b;
  return -1;
}

export function distinctIds(ids: usize, slots: usize, counts: usize, place: usize, batch: usize, B: i32): i32 {
  let R = 0;
  for (let b = 0; b < B; b++, batch += 4, slots += 4) {
    const id = load<i32>(batch), at = place + (<usize>id << 2);
    let p = load<i32>(at);
    if (p == 0) {
      store<i32>(ids + (<usize>R << 2), id);
      store<f32>(counts + (<usize>R << 2), 0);
      p = ++R;
      store<i32>(at, p);
    }
    store<i32>(slots, p - 1);
    increment(counts + (<usize>(p - 1) << 2));
  }
  return R;
}

export function orderIds(order: usize, start: usize, ids: usize, B: i32, n: i32): void {
  for (let b = 0; b < B; b++) {
    const at = start + (<usize>load<i32>(ids + (<usize>b << 2)) << 2);
    store<i32>(at, load<i32>(at, 4) + 1, 4);
  }
  let sum = load<i32>(start);
  for (let id = 1; id <= n; id++) {
    const at = start + (<usize>id << 2);
    sum += load<i32>(at);
    store<i32>(at, sum);
  }
  for (let b = 0; b < B; b++, ids += 4) {
    const at = start + (<usize>load<i32>(ids) << 2), to = load<i32>(at);
    store<i32>(order + (<usize>to << 2), b);
    store<i32>(at, to + 1);
  }
}

export function gatherIds(out: usize, from: usize, at: usize, B: i32): void {
  for (let b = 0; b < B; b++, out += 4, at += 4) store<i32>(out, load<i32>(from + (<usize>load<i32>(at) << 2)));
}

export function countIds(counts: usize, ids: usize, B: i32): void {
  for (let b = 0; b < B; b++, ids += 4) increment(counts + (<usize>load<i32>(ids) << 2));
}

function increment(at: usize): void {
  store<f32>(at, load<f32>(at) + 1);
}
