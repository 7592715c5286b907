/** sumSquares: Σ x[at]², over all n. Shape: x (n). Accumulates in float64. Returns the sum. */
export function sumSquares(x: Float32Array, n: number): number {
  let sum = 0;
  for (let at = 0; at < n; at++) sum += x[at] * x[at];
  return sum;
}

/** clear: x[at] = 0. Shape: x (n). Overwrites x. */
export function clear(x: Float32Array, n: number): void {
  for (let at = 0; at < n; at++) x[at] = 0;
}

/** settle: x[at] = 0 where |x[at]| < least, in place. NaN stays. Shape: x (n). */
export function settle(x: Float32Array, n: number, least: number): void {
  for (let at = 0; at < n; at++) if (Math.abs(x[at]) < least) x[at] = 0;
}

/** addScaled: y[at] += s · x[at]. Shapes: y, x (n). Accumulates in y. */
export function addScaled(y: Float32Array, x: Float32Array, n: number, s: number): void {
  for (let at = 0; at < n; at++) y[at] += s * x[at];
}

/** scale: x[at] *= s, in place. Shape: x (n). */
export function scale(x: Float32Array, n: number, s: number): void {
  for (let at = 0; at < n; at++) x[at] *= s;
}
