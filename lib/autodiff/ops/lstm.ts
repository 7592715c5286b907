import { kernels } from '../../../kernels/answering.ts';
import { scratchInts } from '../../../kernels/memory.ts';
import { TightrecError } from '../../errors.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { linear } from './linear.ts';
import { matrix } from './shapes.ts';

/** LstmWeights: what a layer learns. Shapes: W (D, 4H), U (H, 4H), bias (4H). The columns of a gate lie together: input, forget, what is written, output. */
export interface LstmWeights { readonly W: Tensor; readonly U: Tensor; readonly bias: Tensor }

/** LstmState: what a layer has in mind of B sequences, what it shows of it and the memory. Shapes: h, c (B, H). */
export interface LstmState { readonly h: Tensor; readonly c: Tensor }

/**
 * lstm: a layer of long short-term memory over B sequences of any lengths, side by side.
 *
 *   forward    z[t] = x[t] W + h[t-1] U + bias     h[t], c[t] = lstmCell(z[t], c[t-1])         x (R, D) -> h (R, H)
 *   backward   dz[t], dc[t-1] = lstmCellGrad(dh[t], dc[t])     dh[t-1] += dz[t] Uᵀ     dU += Σ_t h[t-1]ᵀ dz[t]     dx, dW, dBias as in linear
 *
 * Packed: `sizes` (T) says how many sequences are still running at each step; the longest come first, so it never increases, and B = sizes[0].
 * The rows of a step follow those of the step before, R = Σ sizes in all, and sequence b is row b of every step that it is in.
 * `start` is the state before the first step, zeros for null, and `last` that of each sequence after its own last step. Both are plain data:
 * no gradient goes through them, so back-propagation ends where one call leaves off and the next goes on (truncated back-propagation).
 */
export function lstm(tape: Tape | null, x: Tensor, sizes: ArrayLike<number>, { W, U, bias }: LstmWeights, start: LstmState | null): { h: Tensor; last: LstmState } {
  const [R] = matrix('lstm', x), [H, width] = matrix('lstm', U), steps = packedSteps(sizes, R), B = steps[0]?.n ?? 0;
  if (width !== 4 * H) throw new TightrecError('bad-shape', `lstm: expected four columns of U for each of its rows, got shape [${U.shape}]`);
  if (matrix('lstm', W)[1] !== width) throw new TightrecError('bad-shape', `lstm: W and U must have equally many columns, got shapes [${W.shape}] and [${U.shape}]`);
  if (start) for (const s of [start.h, start.c]) if (s.shape.length !== 2 || s.shape[0] !== B || s.shape[1] !== H) throw new TightrecError('bad-shape', `lstm: expected a start of shape [${B},${H}], got [${s.shape}]`);

  const z = linear(tape, x, W, bias), h = new Tensor([R, H]), c = new Tensor([B + R, H]); // c begins with the start's rows
  const h0 = new Tensor([R, H]); // what h was a step earlier
  if (start) { h0.data.set(start.h.data); c.data.set(start.c.data); }
  for (const { from, n, before } of steps) {
    const a = rows(z.data, from, n, width); // the cell turns the sums into gates where they stand: nobody needs the sums again
    if (from > 0) rows(h0.data, from, n, H).set(rows(h.data, from - before, n, H));
    if (from > 0 || start) kernels.product(a, rows(h0.data, from, n, H), U.data, n, width, H, width, H, 1, width, 1, 1); // a += h0 U
    kernels.lstmCell(rows(h.data, from, n, H), rows(c.data, B + from, n, H), a, a, rows(c.data, B + from - before, n, H), n, H);
  }
  tape?.record((all) => { // all kernels, which come with the tape
    const dc = new Tensor([B + R, H]), known = start ? 0 : B; // without a start the first B rows of h0 are zeros
    for (const { from, n, before } of steps.toReversed()) {
      const dz = rows(z.grad, from, n, width), dc0 = rows(dc.data, B + from - before, n, H), c0 = rows(c.data, B + from - before, n, H);
      all.lstmCellGrad(dz, dc0, rows(z.data, from, n, width), rows(c.data, B + from, n, H), c0, rows(h.grad, from, n, H), rows(dc.data, B + from, n, H), n, H);
      if (from > 0) all.matmulGradA(rows(h.grad, from - before, n, H), dz, U.data, n, width, H);
    }
    all.matmulGradB(U.grad, rows(h0.data, known, R - known, H), rows(z.grad, known, R - known, width), R - known, width, H);
  });
  return { h, last: lastRows(steps, h, c, B) };
}

/** A step of packed sequences: its first row, how many sequences it has, and how many the step before had. */
interface Step { readonly from: number; readonly n: number; readonly before: number }

function packedSteps(sizes: ArrayLike<number>, R: number): Step[] {
  const steps: Step[] = [];
  let from = 0;
  for (let t = 0, before = sizes[0]; t < sizes.length; t++) { // before the first step stands the start, of as many sequences
    const n = sizes[t];
    if (!(Number.isInteger(n) && n >= 1 && n <= before)) throw new TightrecError('bad-shape', `lstm: sizes must be whole numbers from 1 up that never increase, got ${n}${t > 0 ? ` after ${before}` : ''} at step ${t}`);
    steps.push({ from, n, before });
    before = n;
    from += n;
  }
  if (from !== R) throw new TightrecError('bad-shape', `lstm: expected the ${from} rows that the sizes add up to, got ${R}`);
  return steps;
}

/** Each sequence's state after its own last step. */
function lastRows(steps: readonly Step[], h: Tensor, c: Tensor, B: number): LstmState {
  const H = h.shape[1], last = { h: new Tensor([B, H]), c: new Tensor([B, H]) }, at = scratchInts(B);
  for (const { from, n } of steps) for (let b = 0; b < n; b++) at[b] = from + b;
  kernels.gatherRows(last.h.data, h.data, at, B, H);
  for (let b = 0; b < B; b++) at[b] += B;
  kernels.gatherRows(last.c.data, c.data, at, B, H);
  return last;
}

const rows = (x: Float32Array, from: number, n: number, width: number): Float32Array => x.subarray(from * width, (from + n) * width);
