import { TightrecError } from '../errors.ts';
import type { Tensor } from './tensor.ts';

/** The backward steps of one forward pass, in the order the forward ran. */
export class Tape {
  readonly #steps: (() => void)[] = [];

  /** An op calls this after its forward; `step` adds to the gradients of the op's inputs. */
  record(step: () => void): void { this.#steps.push(step); }

  /** Sets d(loss) to 1, runs the steps last to first, and leaves the tape empty. */
  backward(loss: Tensor): void {
    if (loss.size !== 1) throw new TightrecError('bad-shape', `backward: the loss must hold one number, got shape [${loss.shape}]`);
    loss.grad[0] = 1;
    while (this.#steps.length > 0) this.#steps.pop()!();
  }
}
