import { type Kernels, kernels } from '../../kernels/index.ts';
import { TightrecError } from '../errors.ts';
import type { Tensor } from './tensor.ts';

/** The backward steps of one forward pass, in the order the forward ran. */
export class Tape {
  readonly #steps: ((kernels: Kernels) => void)[] = [];

  /**
   * An op calls this after its forward; `step` adds to the gradients of the op's inputs. It is given all kernels, for the ops that prediction takes as well: these import the
   * kernels that answer, and those of the way back come with the tape.
   */
  record(step: (kernels: Kernels) => void): void { this.#steps.push(step); }

  /** Sets d(loss) to 1, runs the steps last to first, and leaves the tape empty. */
  backward(loss: Tensor): void {
    if (loss.size !== 1) throw new TightrecError('bad-shape', `backward: the loss must hold one number, got shape [${loss.shape}]`);
    loss.grad[0] = 1;
    while (this.#steps.length > 0) this.#steps.pop()!(kernels);
  }
}
