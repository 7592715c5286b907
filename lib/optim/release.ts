import type { Tensor } from '../autodiff/tensor.ts';
import type { Optimizer } from './optimizers.ts';

/** release: gives the memory of parameters back at once, and that of what the optimiser keeps beside them. */
export function release(parameters: readonly Tensor[], optimizer: Optimizer | null): void {
  optimizer?.forget(parameters);
  for (const w of parameters) w.free();
}
