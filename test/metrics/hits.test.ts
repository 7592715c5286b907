import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { variants } from '../../kernels/index.ts';
import { type Random, random } from '../../lib/random.ts';

const ids = (n: number, below: number, source: Random): Int32Array => Int32Array.from({ length: n }, () => source.below(below));

for (const [name, table] of Object.entries(variants)) {
  if (table === null) continue;
  const test = suite(`metrics/hits/${name}`), { precisionHits, accuracyHits } = table;

  test('precisionHits by hand: every row counts, repeats included, padding never', () => {
    const top = Int32Array.of(7, 1, 4, 8, 2, -1, 7, 2, 1), indptr = Int32Array.of(0, 3, 7, 8), items = Int32Array.of(7, 7, 4, 2, 5, 6, 9, 3);
    assert.is(precisionHits(top, indptr, items, 3, 3), 4);
    assert.is(precisionHits(top, Int32Array.of(0, 0, 2, 2), Int32Array.of(8, 8), 3, 3), 2); // empty groups on both sides
    assert.is(precisionHits(Int32Array.of(-1, -1), Int32Array.of(0, 2), Int32Array.of(0, 1), 1, 2), 0);
    assert.is(precisionHits(Int32Array.of(3, 3, 3), Int32Array.of(0, 2), Int32Array.of(3, 0), 1, 3), 1); // listed three times, one row
  });

  test('accuracyHits by hand', () => {
    const top = Int32Array.of(7, 1, 4, 8, 2, -1, 7, 2, 1);
    assert.is(accuracyHits(top, Int32Array.of(1, 9, 1), 3, 3), 2);
    assert.is(accuracyHits(top, Int32Array.of(7, 8, 7), 3, 3), 3); // the first place
    assert.is(accuracyHits(top, Int32Array.of(4, 1, 1), 3, 3), 2); // the last place; 1 is in the next list, not in the second
    assert.is(accuracyHits(Int32Array.of(5, 5, 5), Int32Array.of(5), 1, 3), 1); // listed three times, one position
  });

  test('no groups, no rows, no places', () => {
    const none = new Int32Array(0);
    assert.is(precisionHits(none, Int32Array.of(0), none, 0, 3), 0);
    assert.is(precisionHits(Int32Array.of(1, 2), Int32Array.of(0, 0), none, 1, 2), 0);
    assert.is(precisionHits(none, Int32Array.of(0, 1), Int32Array.of(4), 1, 0), 0);
    assert.is(accuracyHits(none, none, 0, 3), 0);
    assert.is(accuracyHits(none, Int32Array.of(4), 1, 0), 0);
  });

  for (const G of [1, 3, 7, 17, 129]) {
    for (const k of [1, 3, 4, 5, 10, 16, 17]) {
      test(`agrees with a slow obvious count, G=${G} k=${k}`, () => {
        const source = random(G * 100 + k), nItems = 12;
        const top = ids(G * k, nItems + 1, source).map((id) => id - 1); // -1 among them
        const sizes = Array.from({ length: G }, () => [0, 1, 3, 17][source.below(4)]);
        const indptr = Int32Array.from([0, ...sizes]);
        for (let g = 0; g < G; g++) indptr[g + 1] += indptr[g];
        const items = ids(indptr[G], nItems, source), actual = ids(G, nItems, source);

        const list = (g: number) => top.slice(g * k, (g + 1) * k), groups = sizes.map((_, g) => g);
        const rowsHit = groups.flatMap((g) => Array.from(items.subarray(indptr[g], indptr[g + 1])).filter((item) => list(g).includes(item)));
        assert.is(precisionHits(top, indptr, items, G, k), rowsHit.length);
        assert.is(accuracyHits(top, actual, G, k), groups.filter((g) => list(g).includes(actual[g])).length);
      });
    }
  }

  test('leaves its inputs alone', () => {
    const top = Int32Array.of(1, 2), indptr = Int32Array.of(0, 2), items = Int32Array.of(2, 3);
    precisionHits(top, indptr, items, 1, 2);
    accuracyHits(top, items, 2, 1);
    assert.equal([[...top], [...indptr], [...items]], [[1, 2], [0, 2], [2, 3]]);
  });

  test.run();
}
