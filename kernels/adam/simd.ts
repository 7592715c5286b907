// AssemblyScript. The formulas are in loop.ts. The numbers arrive in float64: 1 - 0.999 from a float32 0.999 would be off in its fifth digit.

export function adam(
  w: usize, m: usize, v: usize, g: usize, n: i32,
  rate: f64, beta1: f64, beta2: f64, eps: f64, c1: f64, c2: f64,
): void {
  const k1 = <f32>(1 - beta1), k2 = <f32>(1 - beta2), rc1 = <f32>(rate * c1), c2f = <f32>c2, epsf = <f32>eps;
  const k1s = f32x4.splat(k1), k2s = f32x4.splat(k2), rc1s = f32x4.splat(rc1), c2s = f32x4.splat(c2f), epss = f32x4.splat(epsf);
  let at = 0;
  for (; at + 8 <= n; at += 8, w += 32, m += 32, v += 32, g += 32) {
    const g0 = v128.load(g), m0 = v128.load(m), v0 = v128.load(v);
    const mNext0 = f32x4.add(m0, f32x4.mul(k1s, f32x4.sub(g0, m0))), vNext0 = f32x4.add(v0, f32x4.mul(k2s, f32x4.sub(f32x4.mul(g0, g0), v0)));
    v128.store(m, mNext0);
    v128.store(v, vNext0);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.div(f32x4.mul(rc1s, mNext0), f32x4.add(f32x4.sqrt(f32x4.mul(c2s, vNext0)), epss))));
    const g1 = v128.load(g, 16), m1 = v128.load(m, 16), v1 = v128.load(v, 16);
    const mNext1 = f32x4.add(m1, f32x4.mul(k1s, f32x4.sub(g1, m1))), vNext1 = f32x4.add(v1, f32x4.mul(k2s, f32x4.sub(f32x4.mul(g1, g1), v1)));
    v128.store(m, mNext1, 16);
    v128.store(v, vNext1, 16);
    v128.store(w, f32x4.sub(v128.load(w, 16), f32x4.div(f32x4.mul(rc1s, mNext1), f32x4.add(f32x4.sqrt(f32x4.mul(c2s, vNext1)), epss))), 16);
  }
  for (; at + 4 <= n; at += 4, w += 16, m += 16, v += 16, g += 16) {
    const g0 = v128.load(g), m0 = v128.load(m), v0 = v128.load(v);
    const mNext0 = f32x4.add(m0, f32x4.mul(k1s, f32x4.sub(g0, m0))), vNext0 = f32x4.add(v0, f32x4.mul(k2s, f32x4.sub(f32x4.mul(g0, g0), v0)));
    v128.store(m, mNext0);
    v128.store(v, vNext0);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.div(f32x4.mul(rc1s, mNext0), f32x4.add(f32x4.sqrt(f32x4.mul(c2s, vNext0)), epss))));
  }
  for (; at < n; at++, w += 4, m += 4, v += 4, g += 4) {
    const g1 = load<f32>(g), m1 = load<f32>(m), v1 = load<f32>(v);
    const mNext = m1 + k1 * (g1 - m1), vNext = v1 + k2 * (g1 * g1 - v1);
    store<f32>(m, mNext);
    store<f32>(v, vNext);
    store<f32>(w, load<f32>(w) - rc1 * mNext / (sqrt<f32>(c2f * vNext) + epsf));
  }
}

export function adamTable(
  W: usize, M: usize, V: usize, G: usize, slot: usize, n: i32, K: i32,
  rate: f64, beta1: f64, beta2: f64, eps: f64, c1: f64, c2: f64,
): void {
  const bytes = <usize>K << 2;
  for (let row = 0; row < n; row++, W += bytes, M += bytes, V += bytes, slot += 4) {
    const s = load<i32>(slot);
    if (s >= 0) adam(W, M, V, G + <usize>s * bytes, K, rate, beta1, beta2, eps, c1, c2);
    else coast(W, M, V, K, rate, beta1, beta2, eps, c1, c2);
  }
}

/** One adam step whose gradient is zero. */
function coast(w: usize, m: usize, v: usize, n: i32, rate: f64, beta1: f64, beta2: f64, eps: f64, c1: f64, c2: f64): void {
  const k1 = <f32>(1 - beta1), k2 = <f32>(1 - beta2), rc1 = <f32>(rate * c1), c2f = <f32>c2, epsf = <f32>eps;
  const k1s = f32x4.splat(k1), k2s = f32x4.splat(k2), rc1s = f32x4.splat(rc1), c2s = f32x4.splat(c2f), epss = f32x4.splat(epsf);
  let at = 0;
  for (; at + 4 <= n; at += 4, w += 16, m += 16, v += 16) {
    const ms = v128.load(m), vs = v128.load(v);
    const mNext = f32x4.sub(ms, f32x4.mul(k1s, ms)), vNext = f32x4.sub(vs, f32x4.mul(k2s, vs));
    v128.store(m, mNext);
    v128.store(v, vNext);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.div(f32x4.mul(rc1s, mNext), f32x4.add(f32x4.sqrt(f32x4.mul(c2s, vNext)), epss))));
  }
  for (; at < n; at++, w += 4, m += 4, v += 4) {
    const m1 = load<f32>(m), v1 = load<f32>(v);
    const mNext = m1 - k1 * m1, vNext = v1 - k2 * v1;
    store<f32>(m, mNext);
    store<f32>(v, vNext);
    store<f32>(w, load<f32>(w) - rc1 * mNext / (sqrt<f32>(c2f * vNext) + epsf));
  }
}

export function adamRows(
  W: usize, M: usize, V: usize, G: usize, rows: usize, R: i32, K: i32,
  rate: f64, beta1: f64, beta2: f64, eps: f64, c1: f64, c2: f64,
): void {
  const bytes = <usize>K << 2;
  for (let r = 0; r < R; r++, rows += 4, G += bytes) {
    const row = <usize>load<i32>(rows) * bytes;
    adam(W + row, M + row, V + row, G, K, rate, beta1, beta2, eps, c1, c2);
  }
}
