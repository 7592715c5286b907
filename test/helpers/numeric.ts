export const floats = (n: number, next: () => number): Float32Array => Float32Array.from({ length: n }, () => next() - 0.5);
export const ids = (n: number, max: number, next: () => number): Int32Array => Int32Array.from({ length: n }, () => Math.floor(next() * max));

/** Central difference of f along every entry of x; x is put back as it was. */
export function numericGrad(f: () => number, x: Float32Array, h = 1e-2): Float64Array {
  return Float64Array.from(x, (at, k) => {
    x[k] = at + h; const xHigh = x[k], high = f();
    x[k] = at - h; const xLow = x[k], low = f();
    x[k] = at;
    return (high - low) / (xHigh - xLow); // the step as float32 rounded it
  });
}

export function maxAbsDiff(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`lengths differ: ${a.length} and ${b.length}`);
  let worst = 0;
  for (let k = 0; k < a.length; k++) {
    const d = Math.abs(a[k] - b[k]);
    if (d > worst || Number.isNaN(d)) worst = d; // a NaN stays: nothing is above it
  }
  return worst;
}
