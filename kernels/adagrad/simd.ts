// AssemblyScript. The formulas are in loop.ts.

export function adagrad(w: usize, s: usize, g: usize, n: i32, rate: f32, eps: f32): void {
  const rates = f32x4.splat(rate), epss = f32x4.splat(eps);
  let at = 0;
  for (; at + 4 <= n; at += 4, w += 16, s += 16, g += 16) {
    const gs = v128.load(g), sum = f32x4.add(v128.load(s), f32x4.mul(gs, gs));
    v128.store(s, sum);
    v128.store(w, f32x4.sub(v128.load(w), f32x4.div(f32x4.mul(rates, gs), f32x4.add(f32x4.sqrt(sum), epss))));
  }
  for (; at < n; at++, w += 4, s += 4, g += 4) {
    const g1 = load<f32>(g), sum = load<f32>(s) + g1 * g1;
    store<f32>(s, sum);
    store<f32>(w, load<f32>(w) - rate * g1 / (sqrt<f32>(sum) + eps));
  }
}

export function adagradRows(W: usize, S: usize, G: usize, rows: usize, R: i32, K: i32, rate: f32, eps: f32): void {
  const bytes = <usize>K << 2;
  for (let r = 0; r < R; r++, rows += 4, G += bytes) {
    const row = <usize>load<i32>(rows) * bytes;
    adagrad(W + row, S + row, G, K, rate, eps);
  }
}
