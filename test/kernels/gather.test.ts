import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { floats, ids, maxAbsDiff, numericGrad } from '../helpers/numeric.ts';
import { EPS, assertClose, inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/gather/${name}`, backend().why); continue; }
  const test = suite(`kernels/gather/${name}`), { gatherAdd, gatherRows, gatherRowsGrad } = kernels;

  test('three rows, worked by hand', () => {
    const table = Float32Array.of(1, 2, 3, 4, 5, 6), out = Float32Array.of(9, 9, 9, 9, 9, 9);
    gatherRows(out, table, Int32Array.of(2, 0, 2), 3, 2);
    assert.equal([...out], [5, 6, 1, 2, 5, 6]);
    gatherAdd(out, table, Int32Array.of(0, 1, 2), 3, 2);
    assert.equal([...out], [6, 8, 4, 6, 10, 12]);
  });

  test('the gradient, worked by hand: a row seen twice collects both, on top of what was there', () => {
    const dTable = Float32Array.of(100, 100, 0, 0, 0, 0);
    gatherRowsGrad(dTable, Float32Array.of(1, 2, 3, 4, 5, 6), Int32Array.of(0, 2, 0), 3, 2);
    assert.equal([...dTable], [106, 108, 0, 0, 3, 4]);
  });

  for (const [B, K] of [[1, 1], [3, 3], [7, 5], [9, 17]]) {
    for (const [what, gather] of Object.entries({ gatherRows, gatherAdd })) test(`the gradient of ${what} agrees with finite differences, B=${B} K=${K}`, () => {
      const next = random(B * 100 + K).uniform, n = 4;
      const table = floats(n * K, next), dOut = floats(B * K, next), rows = ids(B, n, next);
      const f = (): number => {
        const out = new Float32Array(B * K);
        gather(out, table, rows, B, K);
        return out.reduce((sum, value, at) => sum + value * dOut[at], 0);
      };
      const dTable = new Float32Array(n * K);
      gatherRowsGrad(dTable, dOut, rows, B, K);
      // f is linear: what remains is the rounding of float32 over the step
      assert.ok(maxAbsDiff(dTable, numericGrad(f, table)) < 1e-4);
    });
  }

  test('agrees with torch', () => {
    const { n, B, K, ids: rows, table, out, dOut, dTable } = golden.gather;
    const gotOut = new Float32Array(B * K), gotTable = new Float32Array(n * K);
    gatherRows(gotOut, Float32Array.from(table), Int32Array.from(rows), B, K);
    gatherRowsGrad(gotTable, Float32Array.from(dOut), Int32Array.from(rows), B, K);
    assert.equal([...gotOut], [...Float32Array.from(out)]);
    gatherAdd(gotOut, Float32Array.from(table), Int32Array.from(rows), B, K);
    assert.equal([...gotOut], [...Float32Array.from(out, (value) => 2 * value)]);
    assertClose(gotTable, dTable, 4 * EPS, 'dTable', 10); // sums of up to seven numbers below 3
  });

  for (const place of places) {
    test(`agrees with the loop to the bit, ${place} memory`, () => {
      // copies are copies, and the sums are of the same numbers in the same order
      for (const [B, K] of pairs) {
        for (const n of [1, 5]) {
          const next = random(B * 1000 + K).uniform;
          const table = floats(n * K, next), dOut = floats(B * K, next), rows = ids(B, n, next), before = floats(n * K, next);
          const run = (variant: typeof loops) => inRoom(place, ({ input, output }) => {
            const out = output(new Float32Array(B * K)), sum = output(dOut), dTable = output(before), at = input(rows);
            variant.gatherRows(out, input(table), at, B, K);
            variant.gatherAdd(sum, input(table), at, B, K);
            variant.gatherRowsGrad(dTable, input(dOut), at, B, K);
            return [out, sum, dTable];
          });
          assert.equal(run(kernels), run(loops), `B=${B} K=${K}`);
        }
      }
    });
  }

  test('moves NaN, infinities and the sign of zero', () => {
    const out = new Float32Array(5);
    gatherRows(out, Float32Array.of(NaN, Infinity, -Infinity, -0, 1e-42), Int32Array.of(0), 1, 5);
    assert.ok(Object.is(out[0], NaN) && out[1] === Infinity && out[2] === -Infinity && Object.is(out[3], -0) && out[4] > 0);
  });

  test.run();
}

agreeWithLoop('gather');
