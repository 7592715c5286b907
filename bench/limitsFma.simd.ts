// AssemblyScript. multiplyAdd of limits.simd.ts with fused multiply-add; a module of its own, because not every runtime takes relaxed SIMD.

/** n times thirteen chains x = x a + b of four lanes, all in registers: 104 n operations. */
export function multiplyAdd(n: i32): f32 {
  const a = f32x4.splat(0.999), b = f32x4.splat(0.001);
  let x0 = b, x1 = a, x2 = b, x3 = a, x4 = b, x5 = a, x6 = b, x7 = a, x8 = b, x9 = a, x10 = b, x11 = a, x12 = b;
  for (; n > 0; n--) {
    x0 = f32x4.relaxed_madd(x0, a, b); x1 = f32x4.relaxed_madd(x1, a, b); x2 = f32x4.relaxed_madd(x2, a, b); x3 = f32x4.relaxed_madd(x3, a, b);
    x4 = f32x4.relaxed_madd(x4, a, b); x5 = f32x4.relaxed_madd(x5, a, b); x6 = f32x4.relaxed_madd(x6, a, b); x7 = f32x4.relaxed_madd(x7, a, b);
    x8 = f32x4.relaxed_madd(x8, a, b); x9 = f32x4.relaxed_madd(x9, a, b); x10 = f32x4.relaxed_madd(x10, a, b); x11 = f32x4.relaxed_madd(x11, a, b);
    x12 = f32x4.relaxed_madd(x12, a, b);
  }
  const sum = f32x4.add(f32x4.add(f32x4.add(x0, x1), f32x4.add(x2, x3)), f32x4.add(f32x4.add(x4, x5), f32x4.add(x6, x7)));
  return f32x4.extract_lane(f32x4.add(sum, f32x4.add(f32x4.add(x8, x9), f32x4.add(f32x4.add(x10, x11), x12))), 0);
}
