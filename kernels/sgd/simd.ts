// AssemblyScript. The formulas are in loop.ts.

export function sgd(w: usize, g: usize, n: i32, rate: f32): void {
  const by = f32x4.splat(rate);
  let at = 0;
  for (; at + 4 <= n; at += 4, w += 16, g += 16) v128.store(w, f32x4.sub(v128.load(w), f32x4.mul(by, v128.load(g))));
  for (; at < n; at++, w += 4, g += 4) store<f32>(w, load<f32>(w) - rate * load<f32>(g));
}

export function sgdRows(W: usize, G: usize, rows: usize, R: i32, K: i32, rate: f32): void {
  const bytes = <usize>K << 2;
  for (let r = 0; r < R; r++, rows += 4, G += bytes) sgd(W + <usize>load<i32>(rows) * bytes, G, K, rate);
}
