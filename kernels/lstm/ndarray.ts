import ndarray, { type NdArray } from 'ndarray';
import ops from 'ndarray-ops';

/**
 * The same with ndarray. It buys the four gates as views of one array of shape (B, 4, H), and the formulas by whole matrices, with no index
 * left. It costs a pass over memory for each operation (28 forward, 38 backward), places for the parts, and digits of
 * tanh near zero: there is none in ndarray-ops, and 2 σ(2x) - 1 takes the difference of two numbers near 1.
 */
type Matrix = NdArray<Float32Array>;

const matrix = (B: number, H: number): Matrix => ndarray(new Float32Array(B * H), [B, H]);

/** The gates i, f, g, o of every row, each (B, H). */
function gates(a: Float32Array, B: number, H: number): Matrix[] {
  const all = ndarray(a, [B, 4, H]);
  return [0, 1, 2, 3].map((gate) => all.pick(null, gate, null));
}

/** out = σ(scale · x) */
function sigmoid(out: Matrix, x: Matrix, scale = 1): void {
  ops.muls(out, x, -scale);
  ops.expeq(out);
  ops.addseq(out, 1);
  ops.recipeq(out);
}

/** out = tanh x = 2 σ(2x) - 1 */
function tanh(out: Matrix, x: Matrix): void {
  sigmoid(out, x, 2);
  ops.mulseq(out, 2);
  ops.subseq(out, 1);
}

/** out = x (1 - x), the slope of σ where it is x */
function slope(out: Matrix, x: Matrix): void {
  ops.neg(out, x);
  ops.addseq(out, 1);
  ops.muleq(out, x);
}

/** out = 1 - x², the slope of tanh where it is x */
function slopeOfTanh(out: Matrix, x: Matrix): void {
  ops.mul(out, x, x);
  ops.negeq(out);
  ops.addseq(out, 1);
}

/** lstmCell: i, f, g, o from z; c = f c0 + i g; h = o tanh(c), as in loop.ts. */
export function lstmCell(
  h: Float32Array, c: Float32Array, a: Float32Array, z: Float32Array, c0: Float32Array, B: number, H: number,
): void {
  const [zi, zf, zg, zo] = gates(z, B, H), [i, f, g, o] = gates(a, B, H), shown = ndarray(h, [B, H]), memory = ndarray(c, [B, H]), written = matrix(B, H);
  sigmoid(i, zi);
  sigmoid(f, zf);
  tanh(g, zg);
  sigmoid(o, zo);

  ops.mul(memory, f, ndarray(c0, [B, H]));
  ops.mul(written, i, g);
  ops.addeq(memory, written);

  tanh(shown, memory);
  ops.muleq(shown, o);
}

/** lstmCellGrad: s = dc + dh o (1 - tanh² c); dz and dc0 from it, as in loop.ts. */
export function lstmCellGrad(
  dz: Float32Array, dc0: Float32Array, a: Float32Array, c: Float32Array, c0: Float32Array, dh: Float32Array, dc: Float32Array, B: number, H: number,
): void {
  const [di, df, dg, d_o] = gates(dz, B, H), [i, f, g, o] = gates(a, B, H), dShown = ndarray(dh, [B, H]);
  const t = matrix(B, H), s = matrix(B, H), step = matrix(B, H);
  tanh(t, ndarray(c, [B, H]));
  slopeOfTanh(s, t);
  ops.muleq(s, dShown);
  ops.muleq(s, o);
  ops.addeq(s, ndarray(dc, [B, H]));

  slope(step, i); // dz_i += s g i (1 - i)
  ops.muleq(step, g);
  ops.muleq(step, s);
  ops.addeq(di, step);

  slope(step, f); // dz_f += s c0 f (1 - f)
  ops.muleq(step, ndarray(c0, [B, H]));
  ops.muleq(step, s);
  ops.addeq(df, step);

  slopeOfTanh(step, g); // dz_g += s i (1 - g²)
  ops.muleq(step, i);
  ops.muleq(step, s);
  ops.addeq(dg, step);

  slope(step, o); // dz_o += dh tanh(c) o (1 - o)
  ops.muleq(step, t);
  ops.muleq(step, dShown);
  ops.addeq(d_o, step);

  ops.mul(step, s, f); // dc0 += s f
  ops.addeq(ndarray(dc0, [B, H]), step);
}
