import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as metrics from '../../lib/metrics/index.ts';
import { loops } from '../../kernels/index.ts';

/** Written by metrics.py, which computes all of this in numpy by other means. */
interface Golden {
  rankings: { k: number; indptr: number[]; items: number[]; top: number[]; rowHits: number; precision: number; setPrecision: number; recall: number; map: number; ndcg: number; mrr: number; hitRate: number }[];
  accuracies: { k: number; top: number[]; actual: number[]; accuracy: number }[];
  aucs: {
    nItems: number; scores: number[]; indptr: number[]; items: number[]; excludeIndptr: number[]; exclude: number[];
    auc: (number | null)[]; aucExcluding: (number | null)[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('../fixtures/metrics.json', import.meta.url), 'utf8')) as Golden;
const test = suite('metrics/golden');

const near = (got: number, expected: number, what: string): void => assert.ok(Math.abs(got - expected) < 1e-12, `${what}: got ${got}, numpy has ${expected}`);

test('the fixture is whole', () => {
  assert.equal([golden.rankings.length, golden.accuracies.length, golden.aucs.length], [32, 4, 5]);
});

for (const [c, { k, indptr, items, top: lists, ...expected }] of golden.rankings.entries()) {
  test(`ranking ${c}: k=${k}, ${indptr.length - 1} groups`, () => {
    const top = Int32Array.from(lists), groups = { indptr: Int32Array.from(indptr), items: Int32Array.from(items) };
    assert.is(loops.precisionHits(top, groups.indptr, groups.items, indptr.length - 1, k), expected.rowHits);
    near(metrics.precisionAtK(top, groups, k), expected.precision, 'precisionAtK');
    near(metrics.setPrecisionAtK(top, groups, k), expected.setPrecision, 'setPrecisionAtK');
    near(metrics.recallAtK(top, groups, k), expected.recall, 'recallAtK');
    near(metrics.mapAtK(top, groups, k), expected.map, 'mapAtK');
    near(metrics.ndcgAtK(top, groups, k), expected.ndcg, 'ndcgAtK');
    near(metrics.mrrAtK(top, groups, k), expected.mrr, 'mrrAtK');
    near(metrics.hitRateAtK(top, groups, k), expected.hitRate, 'hitRateAtK');
  });
}

for (const { k, top, actual, accuracy } of golden.accuracies) {
  test(`accuracy: k=${k}, ${actual.length} positions`, () => near(metrics.accuracyAtK(Int32Array.from(top), Int32Array.from(actual), k), accuracy, 'accuracyAtK'));
}

for (const { nItems, scores: flat, indptr, items: flatItems, excludeIndptr, exclude: flatExclude, ...expected } of golden.aucs) {
  const scores = Float32Array.from(flat), items = Int32Array.from(flatItems), exclude = Int32Array.from(flatExclude), G = indptr.length - 1;

  for (const [name, values] of [['without exclusions', expected.auc], ['with exclusions', expected.aucExcluding]] as const) {
    test(`auc: ${nItems} items, ${name}`, () => {
      const excluding = name === 'with exclusions';
      for (const [g, value] of values.entries()) {
        const row = scores.subarray(g * nItems, (g + 1) * nItems), liked = items.subarray(indptr[g], indptr[g + 1]);
        const run = () => metrics.auc(row, liked, excluding ? exclude.subarray(excludeIndptr[g], excludeIndptr[g + 1]) : undefined);
        if (value === null) assert.throws(run, /needs a liked item and another/);
        else near(run(), value, `group ${g}`);
      }
      const defined = values.filter((value) => value !== null), mean = defined.reduce((a, b) => a + b, 0) / defined.length;
      const skip = { rows: G, columns: nItems, indptr: Int32Array.from(excludeIndptr), indices: exclude, values: new Float32Array(exclude.length) };
      near(metrics.meanAuc(scores, nItems, { indptr: Int32Array.from(indptr), items }, excluding ? skip : null), mean, 'meanAuc');
    });
  }
}

test.run();
