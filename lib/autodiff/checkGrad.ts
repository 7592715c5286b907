import { scope } from '../../kernels/memory.ts';
import { TightrecError } from '../errors.ts';
import { denseGrad } from './rowGrads.ts';
import { Tape } from './tape.ts';
import type { Tensor } from './tensor.ts';

/** Where the tape's gradient and the measured one differ most. */
export interface GradCheck {
  readonly worst: number; // |tape - measured| / max(1, |tape|, |measured|)
  readonly input: number; // which of the inputs
  readonly at: number; // which entry of it
  readonly tape: number;
  readonly measured: number;
}

/**
 * checkGrad: holds the gradients that `f` records against central differences, (f(x + h) - f(x - h)) / 2h, for every entry of every input.
 *
 * `f` builds a loss of one number from the inputs; it is called about twice per entry, so inputs should be small. Losses are float32: keep
 * them of the order of 1, and expect agreement to about 1e-3 at the default h.
 * Errors: 'bad-input' when the difference exceeds `tolerance`; the message names the entry.
 */
export function checkGrad(f: (tape: Tape | null) => Tensor, inputs: readonly Tensor[], options: { h?: number; tolerance?: number } = {}): GradCheck {
  const { h = 1e-2, tolerance = 2e-3 } = options;
  const value = () => scope(() => f(null).data[0]);
  const gradients = scope(() => {
    for (const input of inputs) input.zeroGrad();
    const tape = new Tape();
    tape.backward(f(tape));
    const dense = inputs.map((input) => denseGrad(input));
    for (const input of inputs) input.zeroGrad();
    return dense;
  });

  let found: GradCheck = { worst: 0, input: 0, at: 0, tape: 0, measured: 0 };
  inputs.forEach((input, which) => {
    for (let at = 0; at < input.size; at++) {
      const before = input.data[at];
      input.data[at] = before + h; const xHigh = input.data[at], high = value();
      input.data[at] = before - h; const xLow = input.data[at], low = value();
      input.data[at] = before;
      const measured = (high - low) / (xHigh - xLow); // the step as float32 rounded it
      const tape = gradients[which][at], worst = Math.abs(tape - measured) / Math.max(1, Math.abs(tape), Math.abs(measured));
      if (worst > found.worst || Number.isNaN(worst)) found = { worst, input: which, at, tape, measured }; // a NaN stays: nothing is above it
    }
  });
  if (!(found.worst <= tolerance)) {
    throw new TightrecError('bad-input', `checkGrad: entry ${found.at} of input ${found.input} has gradient ${found.tape} on the tape and ${found.measured} by differences; they may differ by ${tolerance}`);
  }
  return found;
}
