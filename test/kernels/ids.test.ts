import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Kernels, backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { ids as someIds } from '../helpers/numeric.ts';
import { inRoom, pairs, places, sizes } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/ids/${name}`, backend().why); continue; }
  const test = suite(`kernels/ids/${name}`), { countIds, distinctIds, firstOutside, gatherIds, orderIds } = kernels;

  test('firstOutside, worked by hand', () => {
    assert.is(firstOutside(Int32Array.of(0, 4, 2), 3, 5), -1);
    assert.is(firstOutside(Int32Array.of(0, 5, -1), 3, 5), 1);
    assert.is(firstOutside(Int32Array.of(0, 1, -1, 9), 4, 5), 2);
    assert.is(firstOutside(Int32Array.of(0, 9), 1, 5), -1); // only the first of the two is asked for
    assert.is(firstOutside(new Int32Array(0), 0, 5), -1);
    assert.is(firstOutside(Int32Array.of(0), 1, 0), 0); // nothing is in an empty table
  });

  test('firstOutside finds any bad id at any place', () => {
    for (const B of sizes) {
      for (const bad of [-1, 10, 11, 2 ** 31 - 1, -(2 ** 31)]) {
        for (let at = 0; at < B; at++) {
          const ids = someIds(B, 10, random(B).uniform);
          assert.is(firstOutside(ids, B, 10), -1);
          ids[at] = bad;
          if (at + 2 < B) ids[at + 2] = -5; // a later one is not the first
          assert.is(firstOutside(ids, B, 10), at, `B=${B} ${bad} at ${at}`);
        }
      }
    }
  });

  test('distinctIds, worked by hand', () => {
    const ids = new Int32Array(3).fill(99), slots = new Int32Array(6).fill(99), counts = new Float32Array(3).fill(99), place = new Int32Array(8);
    assert.is(distinctIds(ids, slots, counts, place, Int32Array.of(7, 2, 7, 0, 2, 7), 6), 3);
    assert.equal([...ids], [7, 2, 0]);
    assert.equal([...slots], [0, 1, 0, 2, 1, 0]);
    assert.equal([...counts], [3, 2, 1]);
    assert.equal([...place], [3, 0, 2, 0, 0, 0, 0, 1]);
  });

  test('orderIds, worked by hand', () => {
    const order = new Int32Array(6).fill(99), start = new Int32Array(5);
    orderIds(order, start, Int32Array.of(3, 1, 3, 0, 1, 3), 6, 4);
    assert.equal([...order], [3, 1, 4, 0, 2, 5]); // equal ids in the order of position
    assert.equal([...start], [1, 3, 3, 6, 6]); // where each id's positions end
  });

  test('gatherIds and countIds, worked by hand', () => {
    const out = new Int32Array(4).fill(99);
    gatherIds(out, Int32Array.of(7, -2, 5), Int32Array.of(2, 0, 2), 3);
    assert.equal([...out], [5, 7, 5, 99]);
    const counts = Float32Array.of(10, 0, 0);
    countIds(counts, Int32Array.of(2, 0, 2, 1), 3); // three of the four
    assert.equal([...counts], [11, 0, 2]);
  });

  for (const place of places) {
    test(`agrees with the loop and with the obvious way, to the bit, ${place} memory`, () => {
      for (const [B, n] of pairs.filter(([, n]) => n > 0)) {
        const batch = someIds(B, n, random(B * 1000 + n).uniform), most = Math.min(B, n);
        const run = (variant: Kernels) => inRoom(place, ({ input, output }) => {
          const ids = output(new Int32Array(most)), slots = output(new Int32Array(B)), counts = output(new Float32Array(most).fill(7)), seen = output(new Int32Array(n));
          const taken = output(new Int32Array(B)), tally = output(new Float32Array(n).fill(0.5));
          const order = output(new Int32Array(B)), start = output(new Int32Array(n + 1)), from = input(batch);
          const R = variant.distinctIds(ids, slots, counts, seen, from, B);
          variant.orderIds(order, start, from, B, n);
          variant.gatherIds(taken, from, order, B);
          variant.countIds(tally, from, B);
          return [R, variant.firstOutside(from, B, n), ids.subarray(0, R), slots, counts.subarray(0, R), seen, order, start, taken, tally];
        });
        const got = run(kernels), [R, outside, ids, slots, counts, , order, , taken, tally] = got as [number, number, Int32Array, Int32Array, Float32Array, Int32Array, Int32Array, Int32Array, Int32Array, Float32Array];
        assert.equal(got, run(loops), `B=${B} n=${n}`);
        const different = [...new Set(batch)];
        assert.equal([R, outside, ...ids], [different.length, -1, ...different], `B=${B} n=${n}`);
        assert.equal([...slots], Array.from(batch, (id) => different.indexOf(id)), `B=${B} n=${n}`);
        assert.equal([...counts], different.map((id) => batch.filter((other) => other === id).length), `B=${B} n=${n}`);
        assert.equal([...order], Array.from(batch.keys()).sort((a, b) => batch[a] - batch[b] || a - b), `B=${B} n=${n}`);
        assert.equal([...taken], [...batch].sort((a, b) => a - b), `B=${B} n=${n}`);
        assert.equal([...tally], Array.from({ length: n }, (_, id) => 0.5 + batch.filter((other) => other === id).length), `B=${B} n=${n}`);
      }
    });
  }

  test.run();
}
