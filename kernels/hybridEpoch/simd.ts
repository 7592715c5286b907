// AssemblyScript. The formulas are in loop.ts.
import { addScaledRow, dot, dotDifference, exp, lnProduct, log } from '../lanes.simd';
import { draw } from '../negatives.simd';

export function hybridWarpEpoch(
  U: usize, sU: usize, V: usize, sV: usize, c: usize, sc: usize, state: usize, scratch: usize,
  u: usize, i: usize, pool: usize, met: usize, start: usize, xStart: usize, xIds: usize, xValues: usize, zStart: usize, zIds: usize, zValues: usize,
  n: i32, m: i32, N: i32, K: i32, words: i32, draws: i32, rate: f32, l2U: f32, l2V: f32,
): f64 {
  if (n === 0) return 0;
  const bytes = <usize>K << 2, few = <u32>(0x100000000 % <u64>m), forP = scratch, forI = scratch + bytes, forJ = forI + bytes;
  let L: f64 = 0, done = 0;
  for (const end = u + (<usize>n << 2); u < end; u += 4, i += 4) {
    const user = load<i32>(u), liked = load<i32>(i), p = vectorOf(U, xStart, xIds, xValues, user, K, forP), qi = vectorOf(V, zStart, zIds, zValues, liked, K, forI);
    const ahead = dot(p, qi, K) + biasOf(c, zStart, zIds, zValues, liked);
    for (let t = 1; t <= draws; t++) {
      const other = draw(state, pool, m, few, met, start, words, 1, user, liked);
      if (other < 0) continue;
      const qj = vectorOf(V, zStart, zIds, zValues, other, K, forJ), x = ahead - (dot(p, qj, K) + biasOf(c, zStart, zIds, zValues, other));
      if (x >= 1) continue;

      const w = min<f32>(10, f32x4.extract_lane(log(f32x4.splat(<f32>max<i32>(1, (N - 1) / t))), 0));
      L += <f64>w * <f64>(1 - x);
      movePair(U, sU, V, sV, c, sc, xStart, xIds, xValues, zStart, zIds, zValues, user, liked, other, p, qi, qj, forP, forJ, -w, K, rate, l2U, l2V);
      done++;
      break;
    }
  }
  store<i32>(state, load<i32>(state, 16) + done, 16);
  return L;
}

export function hybridBprEpoch(
  U: usize, sU: usize, V: usize, sV: usize, c: usize, sc: usize, state: usize, scratch: usize,
  u: usize, i: usize, pool: usize, met: usize, start: usize, xStart: usize, xIds: usize, xValues: usize, zStart: usize, zIds: usize, zValues: usize,
  n: i32, m: i32, K: i32, words: i32, draws: i32, rate: f32, l2U: f32, l2V: f32,
): f64 {
  if (n === 0) return 0;
  const bytes = <usize>K << 2, few = <u32>(0x100000000 % <u64>m), forP = scratch, forI = scratch + bytes, forJ = forI + bytes;
  let L: f64 = 0, P: f64 = 1, done = 0; // L + ln P is the loss of the pairs so far
  for (const end = u + (<usize>n << 2); u < end; u += 4, i += 4) {
    const user = load<i32>(u), liked = load<i32>(i), other = draw(state, pool, m, few, met, start, words, draws, user, liked);
    if (other < 0) continue;
    const p = vectorOf(U, xStart, xIds, xValues, user, K, forP), qi = vectorOf(V, zStart, zIds, zValues, liked, K, forI), qj = vectorOf(V, zStart, zIds, zValues, other, K, forJ);
    const x = dotDifference(p, qi, qj, K) + biasOf(c, zStart, zIds, zValues, liked) - biasOf(c, zStart, zIds, zValues, other);

    // z = e^-|x|: then σ(-x) is 1 / (1 + z) or z / (1 + z), and -ln σ(x) = max(-x, 0) + ln(1 + z), of which the logarithm is taken of 512 factors at once
    const z = f32x4.extract_lane(exp(f32x4.splat(-abs<f32>(x))), 0);
    L += <f64>max<f32>(-x, 0);
    P *= 1 + <f64>z;
    if ((++done & 511) === 0) { L += lnProduct(P); P = 1; }
    movePair(U, sU, V, sV, c, sc, xStart, xIds, xValues, zStart, zIds, zValues, user, liked, other, p, qi, qj, forP, forJ, -(x > 0 ? z : 1) / (1 + z), K, rate, l2U, l2V);
  }
  store<i32>(state, load<i32>(state, 16) + done, 16);
  return L + lnProduct(P);
}

export function hybridLogisticEpoch(
  U: usize, sU: usize, b: usize, sb: usize, V: usize, sV: usize, c: usize, sc: usize, state: usize, scratch: usize,
  u: usize, i: usize, y: usize, pool: usize, met: usize, start: usize, xStart: usize, xIds: usize, xValues: usize, zStart: usize, zIds: usize, zValues: usize,
  n: i32, m: i32, K: i32, words: i32, negatives: i32, draws: i32, rate: f32, l2U: f32, l2V: f32,
): f64 {
  if (n === 0) return 0;
  const bytes = <usize>K << 2, few = <u32>(0x100000000 % <u64>m), forP = scratch, forQ = scratch + bytes;
  let L: f64 = 0, P: f64 = 1, done = 0;
  for (const end = u + (<usize>n << 2); u < end; u += 4, i += 4, y += 4) {
    const user = load<i32>(u), given = load<i32>(i), told = load<f32>(y);
    for (let t = 0, more = told > 0 ? negatives : 0; t <= more; t++) {
      const item = t === 0 ? given : draw(state, pool, m, few, met, start, words, draws, user, given), label: f32 = t === 0 ? told : 0;
      if (item < 0) continue;
      const p = vectorOf(U, xStart, xIds, xValues, user, K, forP), q = vectorOf(V, zStart, zIds, zValues, item, K, forQ);
      const s = dot(p, q, K) + biasOf(b, xStart, xIds, xValues, user) + biasOf(c, zStart, zIds, zValues, item);

      const z = f32x4.extract_lane(exp(f32x4.splat(-abs<f32>(s))), 0);
      L += <f64>max<f32>(label > 0 ? -s : s, 0);
      P *= 1 + <f64>z;
      if ((++done & 511) === 0) { L += lnProduct(P); P = 1; }
      const g = (s < 0 ? z : 1) / (1 + z) - label;
      if (p !== forP) memory.copy(forP, p, bytes); // as it was, for the item
      move(U, sU, xStart, xIds, xValues, user, g, q, K, rate, l2U);
      move(V, sV, zStart, zIds, zValues, item, g, forP, K, rate, l2V);
      moveBias(b, sb, xStart, xIds, xValues, user, g, rate, l2U);
      moveBias(c, sc, zStart, zIds, zValues, item, g, rate, l2V);
    }
  }
  store<i32>(state, load<i32>(state, 16) + done, 16);
  return L + lnProduct(P);
}

/** All that a pair (u, i) and an other item j move; g is the slope of the loss by the margin. The vectors may be rows of the tables, so what is needed of them later is copied first. */
function movePair(
  U: usize, sU: usize, V: usize, sV: usize, c: usize, sc: usize, xStart: usize, xIds: usize, xValues: usize, zStart: usize, zIds: usize, zValues: usize,
  user: i32, liked: i32, other: i32, p: usize, qi: usize, qj: usize, forP: usize, difference: usize, g: f32, K: i32, rate: f32, l2U: f32, l2V: f32,
): void {
  const bytes = <usize>K << 2;
  let k: usize = 0;
  for (; k + 16 <= bytes; k += 16) {
    v128.store(difference + k, f32x4.sub(v128.load(qi + k), v128.load(qj + k)));
    v128.store(forP + k, v128.load(p + k));
  }
  for (; k < bytes; k += 4) {
    store<f32>(difference + k, load<f32>(qi + k) - load<f32>(qj + k));
    store<f32>(forP + k, load<f32>(p + k));
  }
  move(U, sU, xStart, xIds, xValues, user, g, difference, K, rate, l2U);
  move(V, sV, zStart, zIds, zValues, liked, g, forP, K, rate, l2V);
  move(V, sV, zStart, zIds, zValues, other, -g, forP, K, rate, l2V);
  moveBias(c, sc, zStart, zIds, zValues, liked, g, rate, l2V);
  moveBias(c, sc, zStart, zIds, zValues, other, -g, rate, l2V);
}

/** Where the sum of a row's features is: in the table, where it has one feature of weight 1, else in `room`, where it is made. */
function vectorOf(W: usize, start: usize, ids: usize, values: usize, row: i32, K: i32, room: usize): usize {
  const bytes = <usize>K << 2, from = load<i32>(start + (<usize>row << 2)), to = load<i32>(start + (<usize>row << 2), 4);
  ids += <usize>from << 2;
  values += <usize>from << 2;
  if (to - from === 1 && load<f32>(values) === 1) return W + <usize>load<i32>(ids) * bytes;
  memory.fill(room, 0, bytes);
  for (const end = ids + (<usize>(to - from) << 2); ids < end; ids += 4, values += 4) addScaledRow(room, W + <usize>load<i32>(ids) * bytes, load<f32>(values), K);
  return room;
}

function biasOf(b: usize, start: usize, ids: usize, values: usize, row: i32): f32 {
  const from = load<i32>(start + (<usize>row << 2)), to = load<i32>(start + (<usize>row << 2), 4);
  ids += <usize>from << 2;
  values += <usize>from << 2;
  let sum: f32 = 0;
  for (const end = ids + (<usize>(to - from) << 2); ids < end; ids += 4, values += 4) sum += load<f32>(values) * load<f32>(b + (<usize>load<i32>(ids) << 2));
  return sum;
}

function move(W: usize, S: usize, start: usize, ids: usize, values: usize, row: i32, g: f32, v: usize, K: i32, rate: f32, l2: f32): void {
  const bytes = <usize>K << 2, from = load<i32>(start + (<usize>row << 2)), to = load<i32>(start + (<usize>row << 2), 4), rates = f32x4.splat(rate), l2s = f32x4.splat(l2);
  ids += <usize>from << 2;
  values += <usize>from << 2;
  for (const end = ids + (<usize>(to - from) << 2); ids < end; ids += 4, values += 4) {
    const g1 = g * load<f32>(values), gs = f32x4.splat(g1);
    let w = W + <usize>load<i32>(ids) * bytes, s = S + <usize>load<i32>(ids) * bytes, a = v, k = 0;
    for (; k + 8 <= K; k += 8, w += 32, s += 32, a += 32) {
      const w0 = v128.load(w), s0 = v128.load(s), d0 = f32x4.add(f32x4.mul(gs, v128.load(a)), f32x4.mul(l2s, w0));
      const w1 = v128.load(w, 16), s1 = v128.load(s, 16), d1 = f32x4.add(f32x4.mul(gs, v128.load(a, 16)), f32x4.mul(l2s, w1));
      v128.store(w, f32x4.sub(w0, f32x4.div(f32x4.mul(rates, d0), f32x4.sqrt(s0))));
      v128.store(w, f32x4.sub(w1, f32x4.div(f32x4.mul(rates, d1), f32x4.sqrt(s1))), 16);
      v128.store(s, f32x4.add(s0, f32x4.mul(d0, d0)));
      v128.store(s, f32x4.add(s1, f32x4.mul(d1, d1)), 16);
    }
    for (; k < K; k++, w += 4, s += 4, a += 4) {
      const w0 = load<f32>(w), s0 = load<f32>(s), d0 = g1 * load<f32>(a) + l2 * w0;
      store<f32>(w, w0 - rate * d0 / sqrt<f32>(s0));
      store<f32>(s, s0 + d0 * d0);
    }
  }
}

function moveBias(b: usize, s: usize, start: usize, ids: usize, values: usize, row: i32, g: f32, rate: f32, l2: f32): void {
  const from = load<i32>(start + (<usize>row << 2)), to = load<i32>(start + (<usize>row << 2), 4);
  ids += <usize>from << 2;
  values += <usize>from << 2;
  for (const end = ids + (<usize>(to - from) << 2); ids < end; ids += 4, values += 4) {
    const f = <usize>load<i32>(ids) << 2, d = g * load<f32>(values) + l2 * load<f32>(b + f);
    store<f32>(b + f, load<f32>(b + f) - rate * d / sqrt<f32>(load<f32>(s + f)));
    store<f32>(s + f, load<f32>(s + f) + d * d);
  }
}
