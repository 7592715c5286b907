import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { useKernels, variants } from '../../kernels/index.ts';
import { memoryUse } from '../../kernels/memory.ts';
import { Tensor } from '../../lib/autodiff/tensor.ts';
import { inverseBytes, invertPositiveDefinite } from '../../lib/linalg/invert.ts';
import { random } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';

const test = suite('linalg/invert');

/** A positive definite matrix whose condition is about `condition`: a Gram matrix of few rows, and something on the diagonal. */
function definite(n: number, condition: number): Float64Array {
  const { uniform } = random(n), rows = Math.max(1, n >> 1), F = Float64Array.from({ length: rows * n }, () => uniform() - 0.5), A = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) { let sum = 0; for (let r = 0; r < rows; r++) sum += F[r * n + i] * F[r * n + j]; A[i * n + j] = A[j * n + i] = sum; }
  const trace = Array.from({ length: n }, (_, i) => A[i * n + i]).reduce((a, b) => a + b, 0);
  for (let i = 0; i < n; i++) A[i * n + i] += trace / condition;
  return Float64Array.from(Float32Array.from(A));
}

/** The inverse by Gauss and Jordan, in float64. */
function slowInverse(A: Float64Array, n: number): Float64Array {
  const W = A.slice(), P = new Float64Array(n * n);
  for (let i = 0; i < n; i++) P[i * n + i] = 1;
  for (let c = 0; c < n; c++) {
    const pivot = W[c * n + c];
    for (let k = 0; k < n; k++) { W[c * n + k] /= pivot; P[c * n + k] /= pivot; }
    for (let r = 0; r < n; r++) {
      const factor = W[r * n + c];
      if (r === c || factor === 0) continue;
      for (let k = 0; k < n; k++) { W[r * n + k] -= factor * W[c * n + k]; P[r * n + k] -= factor * P[c * n + k]; }
    }
  }
  return P;
}

for (const variant of (Object.keys(variants) as (keyof typeof variants)[]).filter((variant) => variants[variant] !== null)) {
  for (const n of [0, 1, 2, 5, 127, 128, 129, 255, 256, 300]) {
    test(`${variant}: the inverse to float32, n=${n}`, async () => {
      useKernels(variant);
      try {
        for (const condition of [10, 1000]) {
          const A = definite(n, condition), P = Tensor.lasting([n, n], A), want = slowInverse(A, n), most = want.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
          for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) P.data[i * n + j] = Number.NaN; // what is above the diagonal is not read
          assert.is(await invertPositiveDefinite(P), n);
          const off = n === 0 ? 0 : maxAbsDiff(P.data, want);
          assert.ok(off <= condition * 2 ** -23 * most, `off by ${off / most} of the largest, condition ${condition}`);
          for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) assert.is(P.data[i * n + j], P.data[j * n + i]);
          P.free();
        }
      } finally { useKernels('auto'); }
    });
  }
}

test('a matrix that is not positive definite comes back as it was, with the column where that shows', async () => {
  const n = 300;
  for (const column of [0, 100, 127, 128, 200, 299]) {
    const A = definite(n, 10), P = Tensor.lasting([n, n], A);
    P.data[column * n + column] = -1;
    const before = P.data.slice(), { inUse } = memoryUse();
    assert.is(await invertPositiveDefinite(P), column);
    assert.equal(P.data, before);
    assert.ok(memoryUse().inUse <= inUse, 'the panels went back');
    P.free();
  }
});

test('turn is awaited between steps, and what it throws ends the work and gives the panels back', async () => {
  const n = 300, steps: number[][] = [];
  await invertPositiveDefinite(Tensor.lasting([n, n], definite(n, 10)), async (step, of) => { steps.push([step, of]); });
  assert.equal(steps, [1, 2, 3, 4, 5, 6].map((step) => [step, 6]));
  const P = Tensor.lasting([n, n], definite(n, 10)), { inUse } = memoryUse(), why = new Error('enough');
  try { await invertPositiveDefinite(P, async () => { throw why; }); assert.unreachable(); } catch (error) { assert.is(error, why); }
  assert.ok(memoryUse().inUse <= inUse);
});

test('inverseBytes is what it takes', async () => {
  for (const n of [1000, 1100]) {
    const P = Tensor.lasting([n, n], Float32Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0))), { inUse } = memoryUse();
    let most = 0;
    await invertPositiveDefinite(P, async () => { most = Math.max(most, memoryUse().inUse - inUse); });
    assert.ok(most > 0.5 * inverseBytes(n) && most <= 1.2 * inverseBytes(n), `${most} of ${inverseBytes(n)}`);
    P.free();
  }
});

test.run();
