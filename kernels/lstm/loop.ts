/**
 * lstmCell: one step of a long short-term memory, for B sequences at once.
 *
 *   i = σ(z_i)   f = σ(z_f)   g = tanh(z_g)   o = σ(z_o)        input gate, forget gate, what may be written, output gate
 *   c = f c0 + i g                                              the memory: what is kept of the old one, what is written anew
 *   h = o tanh(c)                                               what the cell shows of it
 *
 * z holds the gates' sums x W + h0 U + bias, which matrix products have made; a row of it is z_i, z_f, z_g, z_o, one after another
 * (torch's order), and a row of a is i, f, g, o in the same places: the backward step wants them.
 * Shapes: h, c, c0 (B, H); a, z (B, 4H). Row-major. Overwrites h, c and a. c may be c0 and a may be z, where nobody needs the old one any
 * more (prediction); otherwise no two arrays may overlap.
 *
 * Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; the forget gate is from Gers, Schmidhuber and Cummins, "Learning to Forget:
 * Continual Prediction with LSTM", 2000.
 */
export function lstmCell(
  h: Float32Array, c: Float32Array, a: Float32Array, z: Float32Array, c0: Float32Array, B: number, H: number,
): void {
  for (let b = 0; b < B; b++) {
    for (let k = 0; k < H; k++) {
      const at = b * H + k, i = b * 4 * H + k, f = i + H, g = f + H, o = g + H;
      a[i] = 1 / (1 + Math.exp(-z[i]));
      a[f] = 1 / (1 + Math.exp(-z[f]));
      a[g] = Math.tanh(z[g]);
      a[o] = 1 / (1 + Math.exp(-z[o]));
      c[at] = a[f] * c0[at] + a[i] * a[g];
      h[at] = a[o] * Math.tanh(c[at]);
    }
  }
}

/**
 * lstmCellGrad: the gradients of that step. dh and dc come in; dc is what later steps say about c, before this step's own h.
 *
 *   s = dc + dh o (1 - tanh² c)           all that is known of the gradient of c
 *   dz_i += s g i (1 - i)     dz_f += s c0 f (1 - f)     dz_g += s i (1 - g²)     dz_o += dh tanh(c) o (1 - o)
 *   dc0  += s f
 *
 * (σ' = σ (1 - σ) and tanh' = 1 - tanh². The gradients of x, h0, W, U and the bias are matrix products with dz.)
 * Shapes: dz, a (B, 4H), a as lstmCell left it; dc0, c, c0, dh, dc (B, H). dz and dc0 accumulate: the caller zeroes them; neither may
 * overlap another array, so dc0 is not dc.
 */
export function lstmCellGrad(
  dz: Float32Array, dc0: Float32Array, a: Float32Array, c: Float32Array, c0: Float32Array, dh: Float32Array, dc: Float32Array, B: number, H: number,
): void {
  for (let b = 0; b < B; b++) {
    for (let k = 0; k < H; k++) {
      const at = b * H + k, i = b * 4 * H + k, f = i + H, g = f + H, o = g + H;
      const t = Math.tanh(c[at]), s = dc[at] + dh[at] * a[o] * (1 - t * t);
      dz[i] += s * a[g] * a[i] * (1 - a[i]);
      dz[f] += s * c0[at] * a[f] * (1 - a[f]);
      dz[g] += s * a[i] * (1 - a[g] * a[g]);
      dz[o] += dh[at] * t * a[o] * (1 - a[o]);
      dc0[at] += s * a[f];
    }
  }
}
