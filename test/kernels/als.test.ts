import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { floats, maxAbsDiff } from '../helpers/numeric.ts';
import { assertClose, inRoom, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

/** Users, what they met, and everything else a call needs. */
interface Problem { U: Float32Array; V: Float32Array; G: Float32Array; indptr: Int32Array; indices: Int32Array; w: Float32Array; nUsers: number; K: number; l2: number }

/** Entries in each user's row: none, fewer than four, fours and a rest; and once more than there are rows in a block. */
const LENGTHS = [0, 1, 3, 4, 7, 0, 16, 17, 2, 5, 70, 129];

function problem(K: number, { lengths = LENGTHS, nItems = 140, l2 = 1.5, negative = false } = {}): Problem {
  const next = random(K), nUsers = lengths.length, V = floats(nItems * K, next.uniform), indptr = new Int32Array(nUsers + 1), indices: number[] = [];
  for (const [u, length] of lengths.entries()) {
    indices.push(...[...next.shuffle(Int32Array.from({ length: nItems }, (_, i) => i)).subarray(0, length)].sort((a, b) => a - b));
    indptr[u + 1] = indices.length;
  }
  const w = Float32Array.from(indices, () => 4 * next.uniform() - (negative ? 1 : 0)); // c = 1 + w is never negative
  return { U: floats(nUsers * K, next.uniform), V, G: gramOf(V, K, l2), indptr, indices: Int32Array.from(indices), w, nUsers, K, l2 };
}

function gramOf(V: Float32Array, K: number, l2: number): Float32Array {
  return Float32Array.from({ length: K * K }, (_, at) => {
    const m = Math.floor(at / K), n = at % K;
    let sum = m === n ? l2 : 0;
    for (let i = 0; i < V.length; i += K) sum += V[i + m] * V[i + n];
    return sum;
  });
}

const workOf = (K: number): Float32Array => new Float32Array(K * (K + 320)).fill(NaN); // whatever was there before

/** The objective of one user by its definition: over all items, met or not. */
function objective({ V, indptr, indices, w, K, l2 }: Problem, u: number, x: ArrayLike<number>): number {
  const met = new Map<number, number>();
  for (let at = indptr[u]; at < indptr[u + 1]; at++) met.set(indices[at], 1 + w[at]);
  let L = 0;
  for (let k = 0; k < K; k++) L += l2 * x[k] * x[k];
  for (let i = 0; i < V.length / K; i++) {
    let s = 0;
    for (let k = 0; k < K; k++) s += V[i * K + k] * x[k];
    L += met.has(i) ? met.get(i)! * (1 - s) ** 2 : s * s;
  }
  return L;
}

/** The best row of a user: the normal equations over all items, in float64, by Gauss. */
function best({ V, indptr, indices, w, K, l2 }: Problem, u: number): Float64Array {
  const c = new Float64Array(V.length / K).fill(1), A = Array.from({ length: K }, (_, m) => Float64Array.from({ length: K + 1 }, (_, n) => (m === n ? l2 : 0)));
  for (let at = indptr[u]; at < indptr[u + 1]; at++) {
    c[indices[at]] = 1 + w[at];
    for (let m = 0; m < K; m++) A[m][K] += c[indices[at]] * V[indices[at] * K + m];
  }
  for (let i = 0; i < c.length; i++) for (let m = 0; m < K; m++) for (let n = 0; n < K; n++) A[m][n] += c[i] * V[i * K + m] * V[i * K + n];
  for (let m = 0; m < K; m++) {
    for (let n = m + 1; n < K; n++) { const by = A[n][m] / A[m][m]; for (let k = m; k <= K; k++) A[n][k] -= by * A[m][k]; }
  }
  const x = new Float64Array(K);
  for (let m = K - 1; m >= 0; m--) {
    x[m] = A[m][K];
    for (let n = m + 1; n < K; n++) x[m] -= A[m][n] * x[n];
    x[m] /= A[m][m];
  }
  return x;
}

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/als/${name}`, backend().why); continue; }
  const test = suite(`kernels/als/${name}`), { alsCG, alsCholesky, choleskySolve } = kernels;

  test('one factor, worked by hand', () => {
    // two items met of three: c = 2 and 4, l2 = 1; G = 1 + 4 + 9 + 1, A = 15 + 1 · 1 + 3 · 4 = 28, b = 2 · 1 + 4 · 2 = 10
    const V = Float32Array.of(1, 2, 3), G = Float32Array.of(15), indptr = Int32Array.of(0, 2, 2), indices = Int32Array.of(0, 1), w = Float32Array.of(1, 3), x = 10 / 28;
    const L = 2 * (1 - x) ** 2 + 4 * (1 - 2 * x) ** 2 + 9 * x * x + x * x;
    for (const solve of [(U: Float32Array) => alsCG(U, workOf(1), V, G, indptr, indices, w, 0, 2, 1, 1), (U: Float32Array) => alsCholesky(U, workOf(1), V, G, indptr, indices, w, 0, 2, 1)]) {
      const U = Float32Array.of(0.5, 7), loss = solve(U); // in one dimension a step goes all the way
      assertClose(U, [x, 0], 1e-6, 'U', 1);
      assertClose([loss], [L], 1e-6, 'L');
    }
  });

  test('two steps of conjugate gradient in two dimensions, worked by hand', () => {
    // G = diag(2, 4) and one item V = [1, 1] with c = 2: A = [[3, 1], [1, 5]], b = [2, 2]; from 0: r = p = [2, 2], q = [8, 12], a = 8 / 40
    const V = Float32Array.of(1, 1), G = Float32Array.of(2, 0, 0, 4), indptr = Int32Array.of(0, 1), indices = Int32Array.of(0), w = Float32Array.of(1);
    const after = (steps: number): Float32Array => { const U = new Float32Array(2); alsCG(U, workOf(2), V, G, indptr, indices, w, 0, 1, 2, steps); return U; };
    assert.equal([...after(0)], [0, 0]);
    assertClose(after(1), [0.4, 0.4], 1e-6, 'one step');
    assertClose(after(2), [4 / 7, 2 / 7], 1e-6, 'two steps: A x = b');
    assertClose(after(9), [4 / 7, 2 / 7], 1e-6, 'and there it stays');
  });

  test('choleskySolve, worked by hand; above the diagonal nothing is read', () => {
    const x = Float32Array.of(10, 41), C = Float32Array.of(2, NaN, 3, 4); // C Cᵀ = [[4, 6], [6, 25]]
    choleskySolve(x, C, 2);
    assertClose(x, [(10 * 25 - 6 * 41) / 64, (4 * 41 - 6 * 10) / 64], 1e-6, 'x');
  });

  for (const K of [1, 3, 7, 8, 16, 17, 33, 129]) {
    test(`both solvers agree with a dense solve in float64, K=${K}`, () => {
      for (const negative of [false, true]) {
        const one = problem(K, { negative }), { U, V, G, indptr, indices, w, nUsers } = one, exact = U.slice(), steps = U.slice();
        const L = alsCholesky(exact, workOf(K), V, G, indptr, indices, w, 0, nUsers, K), after = alsCG(steps, workOf(K), V, G, indptr, indices, w, 0, nUsers, K, 2 * K + 20);
        let want = 0;
        for (let u = 0; u < nUsers; u++) {
          const x = indptr[u] === indptr[u + 1] ? new Float64Array(K) : best(one, u);
          assert.ok(maxAbsDiff(exact.subarray(u * K, u * K + K), x) < 1e-4 && maxAbsDiff(steps.subarray(u * K, u * K + K), x) < 1e-4, `user ${u}: off by ${maxAbsDiff(exact.subarray(u * K, u * K + K), x)} and ${maxAbsDiff(steps.subarray(u * K, u * K + K), x)}`);
          want += objective(one, u, x);
        }
        assertClose([L, after], [want, want], 1e-5, 'L');
      }
    });
  }

  test('the objective that a call returns is that of the rows it leaves, and each step lowers it', () => {
    for (const K of [5, 16, 40]) {
      const one = problem(K), { U, V, G, indptr, indices, w, nUsers } = one;
      let before = Infinity;
      for (let steps = 0; steps <= 6; steps++) {
        const X = U.slice(), L = alsCG(X, workOf(K), V, G, indptr, indices, w, 0, nUsers, K, steps);
        let want = 0;
        for (let u = 0; u < nUsers; u++) want += objective(one, u, X.subarray(u * K, u * K + K));
        assertClose([L], [want], 1e-5, `L after ${steps} steps, K=${K}`);
        assert.ok(steps <= 3 ? L < before : L < before * (1 + 1e-6), `${L} after ${before}`);
        before = L;
      }
    }
  });

  test('a row gets the same bits wherever a range is cut, and rows outside it stay as they are', () => {
    for (const K of [1, 7, 17, 64]) {
      const lengths = Array.from({ length: 150 }, (_, u) => (u * 37) % 29 + (u === 71 ? 100 : 0)), { U, V, G, indptr, indices, w, nUsers } = problem(K, { lengths });
      for (const solve of [(X: Float32Array, from: number, to: number) => alsCG(X, workOf(K), V, G, indptr, indices, w, from, to, K, 3), (X: Float32Array, from: number, to: number) => alsCholesky(X, workOf(K), V, G, indptr, indices, w, from, to, K)]) {
        const whole = U.slice(), L = solve(whole, 0, nUsers);
        for (const cuts of [[0, 1, 2, 3, 5, 64, 65, 129, 150], [0, 72, 150], [0, 149, 150]]) {
          const X = U.slice();
          let sum = 0;
          for (let at = 1; at < cuts.length; at++) {
            const before = X.slice();
            sum += solve(X, cuts[at - 1], cuts[at]);
            assert.equal([X.subarray(0, cuts[at - 1] * K), X.subarray(cuts[at] * K)], [before.subarray(0, cuts[at - 1] * K), before.subarray(cuts[at] * K)]);
          }
          assert.equal(X, whole, `K=${K}, cut at ${cuts}`);
          assertClose([sum], [L], 1e-12, 'L');
        }
        assert.is(solve(U.slice(), 5, 5), 0, 'an empty range');
      }
    }
  });

  test('a matrix that rounding has made singular gives finite rows that fit', () => {
    const K = 9, one = problem(K, { lengths: [2, 3], nItems: 4, l2: 1e-12 }), { U, V, G, indptr, indices, w, nUsers } = one; // rank 4
    alsCholesky(U, workOf(K), V, G, indptr, indices, w, 0, nUsers, K);
    assert.ok(U.every(Number.isFinite));
    for (let u = 0; u < nUsers; u++) assert.ok(objective(one, u, U.subarray(u * K, u * K + K)) < 1e-3);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const K of [1, 3, 7, 16, 17, 129]) {
        const { U, V, G, indptr, indices, w, nUsers } = problem(K), b = floats(K, random(K + 1).uniform), C = Float32Array.from({ length: K * K }, (_, at) => (at % (K + 1) === 0 ? 2 + b[at % K] : 1 / K + b[at % K] / K));
        const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
          const steps = output(U), exact = output(U), x = output(b), work = output(workOf(K)), args = [input(V), input(G), input(indptr), input(indices), input(w), 1, nUsers - 1, K] as const;
          const losses = [variant.alsCG(steps, work, ...args, 3), variant.alsCholesky(exact, work, ...args)];
          variant.choleskySolve(x, input(C), K);
          return [...losses, steps, exact, x];
        }) as [number, number, Float32Array, Float32Array, Float32Array];
        const [L, exactL, steps, exact, x] = run(kernels), [wantL, wantExactL, wantSteps, wantExact, wantX] = run(loops);
        assertClose([L, exactL], [wantL, wantExactL], 2e-6, `L, K=${K}`);
        for (const [what, got, want] of [['alsCG', steps, wantSteps], ['alsCholesky', exact, wantExact], ['choleskySolve', x, wantX]] as const) {
          assertClose(got, want, 2e-5, `${what}, K=${K}`, Math.max(...want.map(Math.abs))); // the numbers of a row come from one another
        }
      }
    });
  }

  test.run();
}
