import { scope } from '../../kernels/memory.ts';
import { Tape, Tensor, denseGrad, ops } from '../../lib/autodiff/index.ts';

/** weighted: a loss in which every entry of x has a weight of its own, so that no two gradients can be taken for one another. */
export const weighted = (tape: Tape | null, x: Tensor, weights: Float32Array): Tensor => ops.sum(tape, ops.multiply(tape, x, new Tensor(x.shape, weights)));

/** gradients: what `f` leaves in the gradients of the inputs. */
export const gradients = (f: (tape: Tape) => Tensor, ...inputs: Tensor[]): number[][] => scope(() => {
  for (const input of inputs) input.zeroGrad();
  const tape = new Tape();
  tape.backward(f(tape));
  return inputs.map((input) => [...denseGrad(input)]);
});
