import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { loops } from '../../kernels/index.ts';
import { ndarrayKernels } from '../../kernels/ndarray.ts';
import { type Argument, type KernelCase, caseOf, expectAgreement, kernelCases, kernelTable, tolerances } from '../helpers/kernelCases.ts';

/** The cases on which variants are held against their loops: that they are there, and that each way to be wrong is seen. */
const test = suite('kernelCases');

const run = (one: KernelCase): { result: unknown; args: Argument[] } => {
  const args = one.args();
  return { result: (loops[one.kernel] as (...args: Argument[]) => unknown)(...args), args };
};

test('every kernel of the table has cases, a variant with ndarray, and sizes where loops go wrong', () => {
  const names = Object.values(kernelTable).flat().toSorted();
  assert.equal([...new Set(kernelCases.map(({ kernel }) => kernel))].toSorted(), names);
  assert.equal(Object.keys(ndarrayKernels).toSorted(), names);
  for (const name of names) {
    const labels = kernelCases.filter(({ kernel }) => kernel === name).map(({ label }) => label);
    for (const size of [0, 1, 3, 7, 16, 17, 129]) assert.ok(labels.some((label) => new RegExp(`=${size}\\b`).test(label)), `${name} at ${size}`);
    assert.is(new Set(labels).size, labels.length, `${name} has two cases of one label, so of the same numbers`);
  }
});

test('the same numbers every time, in arrays of their own; the loop agrees with itself', () => {
  for (const one of kernelCases) {
    const a = one.args(), b = one.args();
    assert.is(a.length, b.length);
    for (const [at, arg] of a.entries()) assert.ok(typeof arg === 'number' ? arg === b[at] : arg !== b[at] && `${arg}` === `${b[at]}`, `${one.kernel}, ${one.label}`);
    assert.is(a.some((arg, at) => typeof arg !== 'number' && a.indexOf(arg) !== at), one.shared, `${one.kernel}, ${one.label}`);
    expectAgreement(one, run(one));
  }
});

test('goes red where any one number that was written is off, by more than its tolerance and by NaN', () => {
  for (const one of kernelCases) {
    if (one.args().some((arg) => typeof arg !== 'number' && arg.length > 300)) continue; // no other way to be wrong there, only slower
    const { result, args } = run(one), magnitudes = one.magnitudes(), allowed = tolerances[one.tolerance];
    for (const [write, at] of one.writes.entries()) {
      const array = args[at] as Float32Array | Int32Array, sizes = magnitudes.writes[write];
      for (const k of new Set([0, array.length - 1])) {
        if (k < 0 || k >= array.length) continue;
        const value = array[k], size = typeof sizes === 'number' ? sizes : sizes[k];
        const off = one.tolerance === 'exact' ? value + 1 : value + Math.max(2 * allowed * size, 2 ** -22 * Math.abs(value));
        for (const wrong of array instanceof Int32Array ? [off] : [off, Number.isNaN(value) ? 0 : NaN]) {
          array[k] = wrong;
          if (Object.is(array[k], value)) continue; // infinite, and so it stays
          assert.throws(() => expectAgreement(one, { result, args }), (error: Error) => error.message.includes(one.kernel) && error.message.includes(one.label) && error.message.includes(`[${k}]`), `${one.kernel}, ${one.label}, ${k}`);
        }
        array[k] = value;
      }
    }
    if (typeof result !== 'number') continue;
    for (const wrong of [result + Math.max(1e-6, 2 * allowed * (magnitudes.result ?? 0)), NaN, undefined]) assert.throws(() => expectAgreement(one, { result: wrong, args }), /result|returned/);
  }
});

test('goes red where an input was changed, or came back as something else', () => {
  const one = caseOf.rowDot(7, 3), { result, args } = run(one);
  for (const at of [1, 2, 3, 4]) {
    const changed = args.map((arg) => (typeof arg === 'number' ? arg : arg.slice()));
    (changed[at] as Float32Array)[2] += 1;
    assert.throws(() => expectAgreement(one, { result, args: changed }), new RegExp(`rowDot, B=7 K=3: argument ${at}, an input, was changed at 2`));
  }
  assert.throws(() => expectAgreement(one, { result, args: args.slice(1) }), /6 arguments came back, expected 7/);
  assert.throws(() => expectAgreement(one, { result, args: [Float32Array.from(args[0] as Float32Array).subarray(1), ...args.slice(1)] }), /x came back with 6 entries, expected 7/);
  assert.throws(() => expectAgreement(one, { result, args: [new Int32Array(7), ...args.slice(1)] }), /another kind/);
});

test('says which entry, both values, and what is allowed', () => {
  const one = caseOf.accuracyHits(7, 3), { result, args } = run(one);
  assert.throws(() => expectAgreement(one, { result: (result as number) + 1, args }), new RegExp(`^accuracyHits, B=7 k=3: the result is ${(result as number) + 1}, the loop says ${result}; off by 1, allowed is 0$`));
});

test('slack widens the tolerance', () => {
  const one = caseOf.rowDot(7, 17), { result, args } = run(one), size = one.magnitudes().writes[0] as Float32Array;
  (args[0] as Float32Array)[3] += 3 * tolerances.reduction * size[3];
  assert.throws(() => expectAgreement(one, { result, args }), /x\[3\]/);
  expectAgreement(one, { result, args }, 4);
});

test.run();
