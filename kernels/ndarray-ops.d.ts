/** The part of ndarray-ops 1.2 that the kernels use; the package has no types of its own. Destination first, here too. */
declare module 'ndarray-ops' {
  import type { NdArray, TypedArray } from 'ndarray';

  type Array = NdArray<TypedArray>;
  type OfTwo = (out: Array, a: Array, b: Array) => Array;
  type OfScalar = (out: Array, a: Array, s: number) => Array;
  type OfOne = (out: Array, a: Array) => Array;
  type InPlace = (out: Array) => Array;
  type InPlaceOfScalar = (out: Array, s: number) => Array;
  type Reduction<T> = (a: Array) => T;

  const ops: {
    // out = a · b; with s a scalar; with eq in place
    add: OfTwo; addeq: OfOne; addseq: InPlaceOfScalar;
    sub: OfTwo; subeq: OfOne; subs: OfScalar; subseq: InPlaceOfScalar;
    mul: OfTwo; muleq: OfOne; muls: OfScalar; mulseq: InPlaceOfScalar;
    div: OfTwo;
    maxs: OfScalar; eqs: OfScalar;
    assign: OfOne; assigns: InPlaceOfScalar;
    abs: OfOne; neg: OfOne; negeq: InPlace; recipeq: InPlace; sqrt: OfOne; sqrteq: InPlace; exp: OfOne; expeq: InPlace; logeq: InPlace;
    any: Reduction<boolean>; sum: Reduction<number>; sup: Reduction<number>;
    /** The index of the first of the largest entries; the shape where no entry is above -Infinity. */
    argmax: Reduction<number[]>;
  };
  export = ops;
}
