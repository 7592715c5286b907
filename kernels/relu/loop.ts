/** relu: out[at] = max(x[at], 0), the rectified linear unit. NaN stays. Shapes: out, x (n). Overwrites out. */
export function relu(out: Float32Array, x: Float32Array, n: number): void {
  for (let at = 0; at < n; at++) out[at] = Math.max(x[at], 0);
}

/** reluGrad: dx[at] += dOut[at] where x[at] > 0; where it is not, the gradient is 0, at 0 too. Shapes: dx, x, dOut (n). dx accumulates. */
export function reluGrad(dx: Float32Array, x: Float32Array, dOut: Float32Array, n: number): void {
  for (let at = 0; at < n; at++) if (x[at] > 0) dx[at] += dOut[at];
}
