import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Kernels, backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/precision/${name}`, backend().why); continue; }
  const test = suite(`kernels/precision/${name}`), { precisionHits } = kernels;

  test('worked by hand: a row counts once, an item in two rows twice, padding never', () => {
    const top = Int32Array.of(7, 1, 4, 8, 8, -1), indptr = Int32Array.of(0, 4, 6), items = Int32Array.of(1, 1, 9, 7, 8, 0);
    assert.is(precisionHits(top, indptr, items, 2, 3), 3 + 1);
  });

  test('every place of the list is looked at, and none after it', () => {
    for (const k of [1, 3, 4, 5, 7, 8, 11]) {
      const top = Int32Array.from({ length: 2 * k }, (_, at) => 100 + at); // the next group's list follows
      for (let at = 0; at < 2 * k; at++) assert.is(precisionHits(top, Int32Array.of(0, 1, 1), Int32Array.of(100 + at), 2, k), at < k ? 1 : 0, `k=${k} at=${at}`);
    }
  });

  test('agrees with numpy', () => {
    for (const { G, k, top, indptr, items, precisionHits: hits } of golden.hits) {
      assert.is(precisionHits(Int32Array.from(top), Int32Array.from(indptr), Int32Array.from(items), G, k), hits, `G=${G} k=${k}`);
    }
  });

  for (const place of places) {
    test(`agrees with the loop and with counting, ${place} memory`, () => {
      for (const [G, k] of pairs) {
        const next = random(G * 1000 + k), n = Math.max(4, k), top = Int32Array.from({ length: G * k }, () => next.below(n + 1) - 1);
        const groups = Array.from({ length: G }, () => Array.from({ length: [0, 1, 2, 9][next.below(4)] }, () => next.below(n)));
        const indptr = new Int32Array(G + 1);
        for (let g = 0; g < G; g++) indptr[g + 1] = indptr[g] + groups[g].length;
        const run = (variant: Kernels) => inRoom(place, ({ input }) => [variant.precisionHits(input(top), input(indptr), input(Int32Array.from(groups.flat())), G, k)]);
        const [hits] = run(kernels);
        assert.equal([hits], run(loops), `G=${G} k=${k}`);
        assert.is(hits, groups.flatMap((rows, g) => rows.filter((item) => top.subarray(g * k, (g + 1) * k).includes(item))).length, `G=${G} k=${k}`);
      }
    });
  }

  test.run();
}

agreeWithLoop('precision');
