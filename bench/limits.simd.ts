// AssemblyScript. What one thread of this machine can do at most with 128-bit lanes; limits.ts calls and times it. Sizes are in bytes.

/**
 * n times thirteen chains x = x a + b of four lanes, all in registers: 104 n operations. Thirteen, because a step of a chain waits for
 * the one before; with a and b they fill the fifteen registers that V8 has.
 */
export function multiplyAdd(n: i32): f32 {
  const a = f32x4.splat(0.999), b = f32x4.splat(0.001); // towards 1: neither infinite nor denormal
  let x0 = b, x1 = a, x2 = b, x3 = a, x4 = b, x5 = a, x6 = b, x7 = a, x8 = b, x9 = a, x10 = b, x11 = a, x12 = b;
  for (; n > 0; n--) {
    x0 = f32x4.add(f32x4.mul(x0, a), b); x1 = f32x4.add(f32x4.mul(x1, a), b); x2 = f32x4.add(f32x4.mul(x2, a), b);
    x3 = f32x4.add(f32x4.mul(x3, a), b); x4 = f32x4.add(f32x4.mul(x4, a), b); x5 = f32x4.add(f32x4.mul(x5, a), b);
    x6 = f32x4.add(f32x4.mul(x6, a), b); x7 = f32x4.add(f32x4.mul(x7, a), b); x8 = f32x4.add(f32x4.mul(x8, a), b);
    x9 = f32x4.add(f32x4.mul(x9, a), b); x10 = f32x4.add(f32x4.mul(x10, a), b); x11 = f32x4.add(f32x4.mul(x11, a), b);
    x12 = f32x4.add(f32x4.mul(x12, a), b);
  }
  const sum = f32x4.add(f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3)), f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7)));
  return f32x4.extract_lane(f32x4.add(sum, f32x4.add(f32x4.add(x8, x9), f32x4.add(f32x4.add(x10, x11), x12))), 0);
}

/** Where the arrays may lie. */
export function start(): usize { return (__heap_base + 63) & ~63; }

/** Σ of `bytes` at a, read once. */
export function read(a: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
  for (const end = a + bytes; a < end; a += 128) {
    s0 = f32x4.add(s0, v128.load(a)); s1 = f32x4.add(s1, v128.load(a, 16)); s2 = f32x4.add(s2, v128.load(a, 32)); s3 = f32x4.add(s3, v128.load(a, 48));
    s4 = f32x4.add(s4, v128.load(a, 64)); s5 = f32x4.add(s5, v128.load(a, 80)); s6 = f32x4.add(s6, v128.load(a, 96)); s7 = f32x4.add(s7, v128.load(a, 112));
  }
  return f32x4.extract_lane(f32x4.add(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), f32x4.add(f32x4.add(s4, s5), f32x4.add(s6, s7))), 0);
}

/** a = b */
export function copy(a: usize, b: usize, bytes: usize): void {
  for (const end = a + bytes; a < end; a += 64, b += 64) {
    v128.store(a, v128.load(b)); v128.store(a, v128.load(b, 16), 16); v128.store(a, v128.load(b, 32), 32); v128.store(a, v128.load(b, 48), 48);
  }
}

/** a += s b */
export function update(a: usize, b: usize, bytes: usize): void {
  const s = f32x4.splat(0.5);
  for (const end = a + bytes; a < end; a += 64, b += 64) {
    v128.store(a, f32x4.add(v128.load(a), f32x4.mul(s, v128.load(b))));
    v128.store(a, f32x4.add(v128.load(a, 16), f32x4.mul(s, v128.load(b, 16))), 16);
    v128.store(a, f32x4.add(v128.load(a, 32), f32x4.mul(s, v128.load(b, 32))), 32);
    v128.store(a, f32x4.add(v128.load(a, 48), f32x4.mul(s, v128.load(b, 48))), 48);
  }
}

/** a = b + s c */
export function triad(a: usize, b: usize, c: usize, bytes: usize): void {
  const s = f32x4.splat(0.5);
  for (const end = a + bytes; a < end; a += 64, b += 64, c += 64) {
    v128.store(a, f32x4.add(v128.load(b), f32x4.mul(s, v128.load(c))));
    v128.store(a, f32x4.add(v128.load(b, 16), f32x4.mul(s, v128.load(c, 16))), 16);
    v128.store(a, f32x4.add(v128.load(b, 32), f32x4.mul(s, v128.load(c, 32))), 32);
    v128.store(a, f32x4.add(v128.load(b, 48), f32x4.mul(s, v128.load(c, 48))), 48);
  }
}
