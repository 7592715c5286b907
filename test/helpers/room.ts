import { allocate, free } from '../../kernels/memory.ts';

/** Where the arrays lie: in the linear memory, where SIMD reads them in place, or outside it, where they are copied in and out. */
export type Place = 'linear' | 'plain';
export const places: Place[] = ['linear', 'plain'];

/** Where vector loops go wrong: nothing, one, a tail alone, whole blocks, blocks and a tail. */
export const sizes = [0, 1, 3, 7, 16, 17, 129];

/** pairs, triples: every combination of sizes. */
export const pairs: [number, number][] = sizes.flatMap((a) => sizes.map((b): [number, number] => [a, b]));
export const triples: [number, number, number][] = pairs.flatMap(([a, b]) => sizes.map((c): [number, number, number] => [a, b, c]));

type Numeric = Float32Array | Int32Array;
type Result = (number | Numeric)[];

const GUARDS = 5; // on each side; odd, so that no array starts on a multiple of 16 bytes
const MARK = 0x7fc0beef; // NaN as a float, beyond every table as an id: whoever reads it will show it

export interface Room {
  /** input: a copy of `values`, with guards around it, that must be the same afterwards. */
  input<T extends Numeric>(values: T): T;
  /** output: a copy of `values`, with guards around it, that the kernel may change. */
  output<T extends Numeric>(values: T): T;
}

/**
 * inRoom: runs `work` on arrays that lie at `place`, and returns copies of what it returns. Throws when anything but an output changed:
 * an input, or a number beside an array.
 */
export function inRoom(place: Place, work: (room: Room) => Result): Result {
  const checks: (() => void)[] = [], blocks: ReturnType<typeof allocate>[] = [];
  const put = <T extends Numeric>(values: T, kind: 'input' | 'output'): T => {
    const length = values.length + 2 * GUARDS;
    const at = place === 'linear' ? allocate(length) : null;
    if (at) blocks.push(at);
    const bits = at ? at.ints() : new Int32Array(length);
    const array = new (values.constructor as new (buffer: ArrayBufferLike, at: number, length: number) => T)(bits.buffer, bits.byteOffset + 4 * GUARDS, values.length);
    bits.fill(MARK);
    array.set(values);
    const before = bits.slice(), number = checks.length + 1;
    checks.push(() => {
      for (let k = 0; k < length; k++) {
        const guard = k < GUARDS || k >= length - GUARDS;
        if (bits[k] === before[k] || (kind === 'output' && !guard)) continue;
        throw new Error(`${guard ? 'wrote outside' : 'changed'} array ${number} of ${checks.length}, an ${kind} of ${values.length} values, at ${k - GUARDS}`);
      }
    });
    return array;
  };
  try {
    const result = work({ input: (values) => put(values, 'input'), output: (values) => put(values, 'output') });
    for (const check of checks) check();
    return result.map((value) => (typeof value === 'number' ? value : value.slice()));
  } finally {
    for (const block of blocks) free(block);
  }
}

type Numbers = ArrayLike<number>;

/**
 * assertClose: |got[k] - want[k]| <= tolerance · magnitude[k], everywhere; infinities and NaN must be the same ones.
 * A magnitude is the size of what was added up to make the number, which is what its rounding is proportional to; default |want[k]|.
 */
export function assertClose(got: Numbers, want: Numbers, tolerance: number, what: string, magnitude: Numbers | number = want): void {
  if (got.length !== want.length) throw new Error(`${what}: ${got.length} values, expected ${want.length}`);
  for (let k = 0; k < want.length; k++) {
    if (Object.is(got[k], want[k]) || got[k] === want[k]) continue;
    const size = Math.abs(typeof magnitude === 'number' ? magnitude : magnitude[k]);
    if (!(Math.abs(got[k] - want[k]) <= tolerance * size)) throw new Error(`${what}: got ${got[k]} at ${k}, expected ${want[k]}, off by ${Math.abs(got[k] - want[k]) / size} where ${tolerance} is allowed`);
  }
}

/** One unit in the last place of a float32 in 1 .. 2. */
export const EPS = 2 ** -23;
