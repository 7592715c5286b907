import { kernels } from '../../kernels/index.ts';
import { allocate, free, scope, scratch } from '../../kernels/memory.ts';
import type { Part } from '../../kernels/spread.ts';
import { runParts } from '../../kernels/threads.ts';
import type { Tensor } from '../autodiff/tensor.ts';

/** Columns of a panel: a product of this depth is most of what a step does, and what is left for the small kernel is a thousandth of it. */
const WIDTH = 128;

/** inverseBytes: what invertPositiveDefinite takes beside the matrix: half of it again in panels, and a few panels of workspace. */
export const inverseBytes = (n: number): number => 2 * n * (n + 9 * WIDTH);

/** inverseSteps: how many steps it takes. */
export const inverseSteps = (n: number): number => 2 * Math.ceil(n / WIDTH);

/**
 * invertPositiveDefinite: the inverse of a symmetric positive definite matrix, in place, by Cholesky's factor.
 *
 *   A = L Lᵀ        M = L^-1        A^-1 = Mᵀ M
 *
 * Shape: A (n, n); its lower triangle is read, all of it is written. n³ multiplications and additions, nearly all of them in matmul's kernels.
 * Blocked: panel k holds the columns from k · WIDTH on, from the diagonal down. In step k it is factored (the square on the diagonal with sums in
 * float64), the panels to its right lose its part of L Lᵀ, and the forward substitution L M = I goes on in the panels to its left, which
 * hold M above row k and what is left of I below. So the error grows with the condition of A times 6e-8: float32 has no more.
 *
 * `turn` is awaited between steps, each of which `run` does, on as many threads as it has. Returns how many columns were factored: n, or fewer when A is not positive definite to float32; A is then
 * as it was.
 *
 * Golub and Van Loan, "Matrix Computations", section 4.2; Bientinesi, Gunter, van de Geijn, "Families of Algorithms Related to the Inversion of a
 * Symmetric Positive Definite Matrix", 2008.
 */
export async function invertPositiveDefinite(A: Tensor, turn: (step: number, steps: number) => Promise<void> = async () => {}, run: <T>(step: () => T) => T = (step) => step()): Promise<number> {
  const [n] = A.shape, blocks = Math.ceil(n / WIDTH), starts = new Float64Array(blocks + 1);
  const first = (k: number): number => k * WIDTH, width = (k: number): number => Math.min(WIDTH, n - k * WIDTH);
  for (let k = 0; k < blocks; k++) starts[k + 1] = starts[k] + (n - first(k)) * width(k);

  const panels = allocate(starts[blocks]);
  /** Panel k from row `row` on. Shape: (n - row, width(k)). */
  const panel = (k: number, row: number): Float32Array => panels.floats().subarray(starts[k] + (row - first(k)) * width(k), starts[k + 1]);

  /** Factors panel k and takes it out of all others. Runs inside a scope. */
  const eliminate = (k: number): number => {
    const w = width(k), below = first(k) + w, height = n - below;
    const square = panel(k, first(k)).subarray(0, w * w), inverse = scratch(w * w).floats();
    const done = kernels.cholesky(square, w);
    if (done < w) return first(k) + done;
    kernels.invertLower(inverse, square, w);

    // L below the square, and its negative: kernels add
    const L = scratch(height * w).floats(), minusL = scratch(height * w).floats();
    kernels.matmulTransposed(L, panel(k, below), inverse, height, w, w);
    minusL.set(L);
    kernels.scale(minusL, height * w, -1);

    const parts: Part[] = [];
    for (let j = k + 1; j < blocks; j++) {
      const rows = (first(j) - below) * w;
      parts.push(['matmulGradA', panel(j, first(j)), L.subarray(rows), minusL.subarray(rows), n - first(j), w, width(j)]);
    }
    for (let c = 0; c < k; c++) {
      const v = width(c), M = panel(c, first(k)).subarray(0, w * v), rest = scratch(w * v).floats(), turned = scratch(v * w).floats();
      rest.set(M);
      kernels.matmul(M, inverse, rest, w, v, w);
      for (let r = 0; r < w; r++) for (let q = 0; q < v; q++) turned[q * w + r] = M[r * v + q];
      parts.push(['matmulGradA', panel(c, below), minusL, turned, height, w, v]);
    }
    square.set(inverse);
    parts.push(['matmul', panel(k, below), minusL, inverse, height, w, w]);
    runParts(parts);
    return n;
  };

  /** Row block i of Mᵀ M, and by symmetry its column block, into A. Runs inside a scope. */
  const multiply = (i: number): void => {
    const w = width(i), row = first(i), height = n - row, squares: Float32Array[] = [], parts: Part[] = [];
    for (let c = 0; c <= i; c++) {
      const square = scratch(w * width(c)).floats();
      kernels.clear(square, w * width(c));
      squares.push(square);
      parts.push(['matmulGradB', square, panel(i, row), panel(c, row), height, width(c), w]);
    }
    runParts(parts);
    const all = A.data;
    for (let c = 0; c <= i; c++) {
      const v = width(c), square = squares[c];
      for (let r = 0; r < w; r++) {
        all.set(square.subarray(r * v, (r + 1) * v), (row + r) * n + first(c));
        for (let q = 0; q < v; q++) all[(first(c) + q) * n + row + r] = square[r * v + q];
      }
    }
  };

  try {
    for (let k = 0; k < blocks; k++) for (let row = first(k); row < n; row++) panel(k, row).set(A.data.subarray(row * n + first(k), row * n + first(k) + width(k)));
    for (let k = 0; k < blocks; k++) {
      const done = run(() => scope(() => eliminate(k)));
      if (done < n) return done;
      await turn(k + 1, inverseSteps(n));
    }
    for (let i = 0; i < blocks; i++) {
      run(() => scope(() => multiply(i)));
      await turn(blocks + i + 1, inverseSteps(n));
    }
    return n;
  } finally { free(panels); }
}
