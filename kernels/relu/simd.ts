// AssemblyScript. The formulas are in loop.ts.

export function relu(out: usize, x: usize, n: i32): void {
  const zero = f32x4.splat(0);
  let at = 0;
  for (; at + 4 <= n; at += 4, out += 16, x += 16) v128.store(out, f32x4.max(v128.load(x), zero)); // max, not pmax, which leaves -0
  for (; at < n; at++, out += 4, x += 4) store<f32>(out, max<f32>(load<f32>(x), 0));
}

export function reluGrad(dx: usize, x: usize, dOut: usize, n: i32): void {
  const zero = f32x4.splat(0);
  let at = 0;
  for (; at + 4 <= n; at += 4, dx += 16, x += 16, dOut += 16) v128.store(dx, f32x4.add(v128.load(dx), v128.and(v128.load(dOut), f32x4.gt(v128.load(x), zero))));
  for (; at < n; at++, dx += 4, x += 4, dOut += 4) if (load<f32>(x) > 0) store<f32>(dx, load<f32>(dx) + load<f32>(dOut));
}
