// AssemblyScript. The formulas are in loop.ts. In float64 there are two lanes to a vector.

export function cholesky(A: usize, n: i32): i32 {
  const bytes = <usize>n << 2;
  for (let j = 0; j < n; j++) {
    const row = A + <usize>j * bytes, pivot = row + (<usize>j << 2), root = <f64>load<f32>(pivot) - wideDot(row, row, j);
    if (!(root > 0)) return j;
    store<f32>(pivot, <f32>sqrt<f64>(root));
    const divisor = <f64>load<f32>(pivot);
    for (let i = j + 1, other = row + bytes; i < n; i++, other += bytes) {
      const at = other + (<usize>j << 2);
      store<f32>(at, <f32>((<f64>load<f32>(at) - wideDot(other, row, j)) / divisor));
    }
  }
  return n;
}

export function invertLower(M: usize, L: usize, n: i32): void {
  const bytes = <usize>n << 2;
  for (let j = 0; j < n; j++) {
    const column = M + (<usize>j << 2);
    for (let i = 0; i < j; i++) store<f32>(column + <usize>i * bytes, 0);
    store<f32>(column + <usize>j * bytes, 1 / load<f32>(L + <usize>j * (bytes + 4)));
    for (let i = j + 1; i < n; i++) {
      let sum: f64 = 0, l = L + <usize>i * bytes + (<usize>j << 2), m = column + <usize>j * bytes;
      for (let k = j; k < i; k++, l += 4, m += bytes) sum -= <f64>load<f32>(l) * <f64>load<f32>(m);
      store<f32>(column + <usize>i * bytes, <f32>(sum / <f64>load<f32>(l)));
    }
  }
}

/** Σ_k a[k] b[k] in float64, two partial sums at a time. */
function wideDot(a: usize, b: usize, n: i32): f64 {
  let even = f64x2.splat(0), odd = even;
  let k = 0;
  for (; k + 4 <= n; k += 4, a += 16, b += 16) {
    even = f64x2.add(even, f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(a)), f64x2.promote_low_f32x4(v128.load64_zero(b))));
    odd = f64x2.add(odd, f64x2.mul(f64x2.promote_low_f32x4(v128.load64_zero(a, 8)), f64x2.promote_low_f32x4(v128.load64_zero(b, 8))));
  }
  const both = f64x2.add(even, odd);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; k < n; k++, a += 4, b += 4) sum += <f64>load<f32>(a) * <f64>load<f32>(b);
  return sum;
}
