import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Kernels, backend, loops, variants } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';
import { agreeWithLoop } from '../helpers/agreement.ts';
import { golden } from '../helpers/golden.ts';
import { inRoom, pairs, places } from '../helpers/room.ts';
import { skip } from '../helpers/skip.ts';

for (const [name, kernels] of Object.entries(variants)) {
  if (kernels === null) { skip(`kernels/accuracyAtK/${name}`, backend().why); continue; }
  const test = suite(`kernels/accuracyAtK/${name}`), { accuracyHits } = kernels;

  test('worked by hand: a position counts once, in its own list only', () => {
    assert.is(accuracyHits(Int32Array.of(7, 1, 4, 8, 8, -1, 0, 2, 3), Int32Array.of(4, 8, 8), 3, 3), 2);
  });

  test('every place of the list is looked at, and none after it', () => {
    for (const k of [1, 3, 4, 5, 7, 8, 11]) {
      const top = Int32Array.from({ length: 2 * k }, (_, at) => 100 + at);
      for (let at = 0; at < 2 * k; at++) assert.is(accuracyHits(top, Int32Array.of(100 + at, 5), 2, k), at < k ? 1 : 0, `k=${k} at=${at}`);
    }
  });

  test('agrees with numpy', () => {
    for (const { G, k, top, actual, accuracyHits: hits } of golden.hits) assert.is(accuracyHits(Int32Array.from(top), Int32Array.from(actual), G, k), hits, `B=${G} k=${k}`);
  });

  for (const place of places) {
    test(`agrees with the loop and with counting, ${place} memory`, () => {
      for (const [B, k] of pairs) {
        const next = random(B * 1000 + k), n = Math.max(4, 2 * k), top = Int32Array.from({ length: B * k }, () => next.below(n + 1) - 1), actual = Int32Array.from({ length: B }, () => next.below(n));
        const run = (variant: Kernels) => inRoom(place, ({ input }) => [variant.accuracyHits(input(top), input(actual), B, k)]);
        const [hits] = run(kernels);
        assert.equal([hits], run(loops), `B=${B} k=${k}`);
        assert.is(hits, actual.filter((item, b) => top.subarray(b * k, (b + 1) * k).includes(item)).length, `B=${B} k=${k}`);
      }
    });
  }

  test.run();
}

agreeWithLoop('accuracyAtK');
