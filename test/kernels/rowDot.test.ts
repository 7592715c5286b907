import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

const abs = (x: Float32Array): Float32Array => x.map(Math.abs);

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/rowDot/${name}`, backend().why); continue; }
  const test = suite(`kernels/rowDot/${name}`), { rowDot, rowDotGrad } = kernels;

  test('two pairs, worked by hand', () => {
    const U = Float32Array.of(1, 2, 3, 4), V = Float32Array.of(5, 6, 7, 8, 9, 10), x = Float32Array.of(99, 99);
    rowDot(x, U, V, Int32Array.of(1, 0), Int32Array.of(2, 0), 2, 2);
    assert.equal([...x], [3 * 9 + 4 * 10, 1 * 5 + 2 * 6]);
  });

  test('the gradient, worked by hand: a row seen twice collects both, on top of what was there', () => {
    const U = Float32Array.of(1, 2), V = Float32Array.of(3, 4, 5, 6), dU = Float32Array.of(100, 0), dV = Float32Array.of(0, 0, 0, 1000);
    rowDotGrad(dU, dV, Float32Array.of(2, -1), U, V, Int32Array.of(0, 0), Int32Array.of(0, 1), 2, 2);
    assert.equal([...dU], [100 + 2 * 3 - 5, 2 * 4 - 6]);
    assert.equal([...dV], [2 * 1, 2 * 2, -1, 1000 - 2]);
  });

  for (const [B, K] of [[1, 1], [3, 3], [7, 5], [9, 17]]) {
    test(`agrees with finite differences, B=${B} K=${K}`, () => {
      const next = random(B * 100 + K).uniform, nUsers = 3, nItems = 4; // few ids, so rows repeat
      const U = floats(nUsers * K, next), V = floats(nItems * K, next), dx = floats(B, next);
      const u = ids(B, nUsers, next), i = ids(B, nItems, next);
      const f = (): number => {
        const x = new Float32Array(B);
        rowDot(x, U, V, u, i, B, K);
        return x.reduce((sum, value, b) => sum + value * dx[b], 0);
      };
      const dU = new Float32Array(U.length), dV = new Float32Array(V.length);
      rowDotGrad(dU, dV, dx, U, V, u, i, B, K);
      // f is linear in each table: what remains is the rounding of float32 over the step
      assert.ok(maxAbsDiff(dU, numericGrad(f, U)) < 2e-4);
      assert.ok(maxAbsDiff(dV, numericGrad(f, V)) < 2e-4);
    });
  }

  test('agrees with torch', () => {
    const { B, K, ...numbers } = golden.rowDot;
    const U = Float32Array.from(numbers.U), V = Float32Array.from(numbers.V), dx = Float32Array.from(numbers.dx);
    const u = Int32Array.from(numbers.u), i = Int32Array.from(numbers.i);
    const x = new Float32Array(B), dU = new Float32Array(U.length), dV = new Float32Array(V.length);
    rowDot(x, U, V, u, i, B, K);
    rowDotGrad(dU, dV, dx, U, V, u, i, B, K);
    const size = new Float32Array(B), dUSize = new Float32Array(U.length), dVSize = new Float32Array(V.length); // what was added up, see below
    loops.rowDot(size, abs(U), abs(V), u, i, B, K);
    loops.rowDotGrad(dUSize, dVSize, abs(dx), abs(U), abs(V), u, i, B, K);
    assertClose(x, numbers.x, 2 * EPS, 'x', size);
    assertClose(dU, numbers.dU, 2 * EPS, 'dU', dUSize);
    assertClose(dV, numbers.dV, 2 * EPS, 'dV', dVSize);
  });

  for (const place of places) {
    test(`agrees with the loop, ${place} memory`, () => {
      for (const [B, K] of pairs) {
        const next = random(B * 1000 + K).uniform, nUsers = 3, nItems = 5;
        const U = floats(nUsers * K, next), V = floats(nItems * K, next), dx = floats(B, next);
        const u = ids(B, nUsers, next), i = ids(B, nItems, next), dU0 = floats(U.length, next), dV0 = floats(V.length, next);
        const run = (variant: typeof loops, of: (x: Float32Array) => Float32Array) => inRoom(place, ({ input, output }) => {
          const x = output(new Float32Array(B).fill(NaN)), dU = output(of(dU0)), dV = output(of(dV0));
          const left = input(of(U)), right = input(of(V)), rows = input(u), columns = input(i);
          variant.rowDot(x, left, right, rows, columns, B, K);
          variant.rowDotGrad(dU, dV, input(of(dx)), left, right, rows, columns, B, K);
          return [x, dU, dV];
        }) as Float32Array[];
        const [x, dU, dV] = run(kernels, (array) => array), [wantX, wantU, wantV] = run(loops, (array) => array);
        // a float32 sum's rounding is proportional to the sum of its terms' magnitudes: the same kernel on absolute values
        const [sizeX, sizeU, sizeV] = run(loops, abs);
        assertClose(x, wantX, 4 * EPS, `x, B=${B} K=${K}`, sizeX);
        assertClose(dU, wantU, 4 * EPS, `dU, B=${B} K=${K}`, sizeU);
        assertClose(dV, wantV, 4 * EPS, `dV, B=${B} K=${K}`, sizeV);
      }
    });
  }

  test('rows of the same table: dU and dV may be one array', () => {
    const K = 21, next = random(7).uniform, T = floats(3 * K, next), u = Int32Array.of(0, 1, 2), i = Int32Array.of(1, 1, 0), dx = floats(3, next);
    const dT = new Float32Array(T.length), dU = new Float32Array(T.length), dV = new Float32Array(T.length);
    rowDotGrad(dT, dT, dx, T, T, u, i, 3, K);
    loops.rowDotGrad(dU, dV, dx, T, T, u, i, 3, K);
    assert.ok(maxAbsDiff(dT, dU.map((value, at) => value + dV[at])) < 1e-6);
  });

  test('NaN and infinity come through', () => {
    for (const K of [1, 4, 16, 19]) {
      const x = new Float32Array(2), U = new Float32Array(2 * K).fill(1), V = new Float32Array(K).fill(1);
      U[K - 1] = NaN;
      U[2 * K - 1] = Infinity;
      rowDot(x, U, V, Int32Array.of(0, 1), Int32Array.of(0, 0), 2, K);
      assert.equal([...x], [NaN, Infinity]);
    }
  });

  test.run();
}

agreeWithLoop('rowDot');
