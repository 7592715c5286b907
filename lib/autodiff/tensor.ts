import { kernels } from '../../kernels/answering.ts';
import { type Block, allocate, free, insideScope, scratch } from '../../kernels/memory.ts';
import { TightrecError } from '../errors.ts';

/** RowGrad: the gradient of a table's touched rows. Row r of `rows` is the gradient of the table's row `ids[r]`; ids are distinct. */
export interface RowGrad {
  readonly ids: Int32Array; // (R)
  readonly rows: Tensor; // its grad, (R, K), is the gradient
}

/**
 * Tensor: a row-major float32 array and, beside it, the array that collects its gradient. Shape: as given, `[]` for one number.
 *
 * Made inside a training step it lives until the step ends; made outside, as long as the object. `data` given is copied.
 * `data` and `grad` are asked for anew at each use, never kept: growing the memory may have moved them.
 * Errors: 'bad-shape' when `data` does not fill the shape; 'stale' when a step's tensor is used after the step.
 */
export class Tensor {
  readonly shape: readonly number[];
  readonly size: number;
  /** The gradient of a table that was looked up row by row, kept so unless the step used the table whole as well. The optimiser empties this. */
  rowGrads: RowGrad[] = [];
  readonly #block: Block;
  #grad: Block | null = null;
  #graded = false; // whether #grad holds a gradient, and not what zeroGrad forgot

  /** A tensor that outlives the running step: a parameter, or what an optimiser keeps beside it. */
  static lasting(shape: readonly number[], data?: ArrayLike<number>): Tensor { return new Tensor(shape, data, true); }

  constructor(shape: readonly number[], data?: ArrayLike<number>, lasting = false) {
    const size = shape.reduce((a, b) => a * b, 1);
    if (!shape.every((n) => Number.isInteger(n) && n >= 0)) throw new TightrecError('bad-shape', `Tensor: a shape is made of whole numbers from 0 up, got [${shape}]`);
    if (data && data.length !== size) throw new TightrecError('bad-shape', `Tensor: shape [${shape}] needs ${size} values, got ${data.length}`);
    this.shape = shape;
    this.size = size;
    this.#block = block(size, this, data === undefined, lasting);
    if (data) this.data.set(data);
  }

  get data(): Float32Array { return this.#block.floats(); }

  /** Whether it may still be used: its step runs, and it was not freed. */
  get open(): boolean { return this.#block.open; }

  /** Zeros at first use in a step, so a model that only predicts never pays for it. */
  get grad(): Float32Array {
    if (this.#grad === null || !this.#grad.open) this.#grad = block(this.size, this, true);
    else if (!this.#graded) kernels.clear(this.#grad.floats(), this.size);
    this.#graded = true;
    return this.#grad.floats();
  }

  get hasGrad(): boolean { return this.#graded && this.#grad!.open; }

  /** Forgets the gradient; the next use of `grad` starts from zeros. */
  zeroGrad(): void {
    this.#graded = false;
    this.rowGrads = [];
  }

  /** Gives the memory back now; otherwise that happens when nobody holds the tensor any more. */
  free(): void {
    free(this.#block);
    if (this.#grad) free(this.#grad);
  }
}

function block(size: number, owner: Tensor, zero: boolean, lasting = false): Block {
  if (lasting || !insideScope()) return allocate(size, owner);
  const made = scratch(size);
  if (zero) kernels.clear(made.floats(), size); // not fill(0): on shared memory that writes number by number
  return made;
}
