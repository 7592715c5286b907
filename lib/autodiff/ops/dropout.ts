import { scratchInts } from '../../../kernels/memory.ts';
import { TightrecError } from '../../errors.ts';
import type { Random } from '../../random.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';

const SIDES = 2 ** 21; // of the die that decides: as many as Random fills quickly

/**
 * dropout: while learning, each entry is left out with probability `rate`, and the others grow by as much as is missing (inverted dropout).
 *
 *   forward    out = x m     m = 0 with probability rate, else 1 / (1 - rate)         x (any) -> out (the same shape)
 *   backward   dx += m dOut
 *
 * Without a tape (`null`), and at rate 0, x comes back as it is. Errors: 'bad-setting' for a rate outside 0 <= rate < 1.
 *
 * Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
 */
export function dropout(tape: Tape | null, x: Tensor, rate: number, random: Random): Tensor {
  if (!(rate >= 0 && rate < 1)) throw new TightrecError('bad-setting', `dropout: rate must be at least 0 and below 1, got ${rate}`);
  if (tape === null || rate === 0) return x;

  const out = new Tensor(x.shape), o = out.data, from = x.data, die = scratchInts(x.size), least = rate * SIDES, kept = 1 / (1 - rate);
  random.fillBelow(die, SIDES);
  for (let at = 0; at < o.length; at++) if (die[at] >= least) o[at] = kept * from[at];
  tape.record(() => {
    const dOut = out.grad, dx = x.grad;
    for (let at = 0; at < dx.length; at++) if (die[at] >= least) dx[at] += kept * dOut[at];
  });
  return out;
}
