import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse } from '../../kernels/memory.ts';
import { ApproximateIndex, type ApproximateIndexOptions, type Usearch } from '../../lib/approximate/index.ts';
import { loadWith } from '../../lib/approximate/loadUsearch.ts';
import { type RawId, sideTable } from '../../lib/data/index.ts';
import { BPR, Popularity } from '../../lib/index.ts';
import { random } from '../../lib/random.ts';
import { ExactIndex, type SearchOptions, type Vectors } from '../../lib/retrieval/index.ts';
import { planted } from '../helpers/planted.ts';
import { refuses } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';
import { skip } from '../helpers/skip.ts';
import { findUsearch } from '../helpers/usearch.ts';
import { fakeUsearch } from './fakeUsearch.ts';

const test = suite('approximate/approximateIndex'), real = await findUsearch();

const numbered = (n: number): number[] => Array.from({ length: n }, (_, row) => 1000 + row);

/** Whole numbers, so that every sum is exact and many scores are equal. */
function whole(n: number, K: number, seed: number): Vectors {
  const next = random(seed);
  return { data: Float32Array.from({ length: n * K }, () => next.below(7) - 3), shape: [n, K] };
}

const V = whole(8000, 6, 1), Q = whole(5, 6, 2), part = (from: number, to: number): Vectors => ({ data: V.data.subarray(6 * from, 6 * to), shape: [to - from, 6] });
const years = sideTable(numbered(8000), { year: numbered(8000).map((id) => id % 100) });

for (const similarity of ['dot', 'cosine'] as const) {
  test(`lists, scores and ties are those of ExactIndex where the graph misses nothing, ${similarity}`, () => {
    const { usearch, asked } = fakeUsearch(), index = new ApproximateIndex(usearch, numbered(8000), V, { similarity, metadata: years }), exact = new ExactIndex(numbered(8000), V, { similarity, metadata: years });
    const close = (options: SearchOptions): void => {
      const got = index.search(Q, options), want = exact.search(Q, options);
      if (similarity === 'dot') assert.equal([...got.scores], [...want.scores], JSON.stringify(options)); // ties at the edge of what was asked may be others
      else got.scores.forEach((score, at) => assert.ok(Object.is(score, want.scores[at]) || Math.abs(score - want.scores[at]) < 1e-6));
      for (let b = 0; b < 5; b++) for (let at = 1, k = options.k ?? 10; at < k; at++) {
        const [one, next] = [got.items[b * k + at - 1], got.items[b * k + at]];
        assert.ok(next < 0 || got.scores[b * k + at - 1] > got.scores[b * k + at] || one < next, 'equal scores go to the lower row');
      }
    };
    close({});
    close({ k: 40, exclude: numbered(30) });
    close({ where: ({ year }) => (year as number) < 90 });
    assert.equal(asked, [[5, 10], [5, 70], [5, 40]]); // k; and those excluded; four times k
    close({ where: ({ year }) => (year as number) === 3 });
    close({ only: numbered(20) });
    assert.equal(index.searchFor(Q.data.subarray(0, 6), { k: 3 }).map(({ score }) => score), [...index.search({ data: Q.data.subarray(0, 6), shape: [1, 6] }, { k: 3 }).scores]);
  });
}

test('how much the graph is asked for', () => {
  const { usearch, asked } = fakeUsearch({ most: 60 }), index = new ApproximateIndex(usearch, numbered(8000), V, { metadata: years });
  const asks = (options: SearchOptions): [number, number][] => { asked.length = 0; index.search(Q, options); return [...asked]; };
  assert.equal(asks({ k: 125 }), [[5, 125]]); // a sixty-fourth, and it finds no more than 60: then ExactIndex
  assert.equal(asks({ k: 126 }), []); // more than that: ExactIndex alone
  assert.equal(asks({ k: 100, exclude: numbered(26) }), []);
  assert.equal(asks({ only: numbered(7999) }), []);
  assert.equal(asks({ k: 3, where: ({ year }) => (year as number) === 3 }), [[5, 12], [5, 96]]); // then ExactIndex
  assert.equal(asks({ k: 1, where: (_, id) => id !== 1000 }), [[5, 4]]);
});

test('no list is short where that of ExactIndex is not, whatever the graph misses', () => {
  for (const faults of [{ most: 3 }, { misses: (key: number) => key % 2 === 0 }, { most: 0 }]) {
    const index = new ApproximateIndex(fakeUsearch(faults).usearch, numbered(8000), V, { metadata: years }), exact = new ExactIndex(numbered(8000), V, { metadata: years });
    for (const options of [{}, { exclude: numbered(50) }, { where: ({ year }) => (year as number) === 7 }, { where: () => false }, { k: 8000 }, { k: 2001 }] as SearchOptions[]) {
      const { items } = index.search(Q, options), want = exact.search(Q, options);
      assert.equal([...items].filter((row) => row < 0).length, [...want.items].filter((row) => row < 0).length);
    }
    assert.equal(index.search(Q, { where: ({ year }) => (year as number) === 7 }), exact.search(Q, { where: ({ year }) => (year as number) === 7 })); // 20 items
  }
});

test('an item that the graph misses is missed, and the others keep their scores', () => {
  const exact = new ExactIndex(numbered(8000), V), [best, ...others] = exact.searchFor(Q.data.subarray(0, 6), { k: 6 }), index = new ApproximateIndex(fakeUsearch({ misses: (key) => 1000 + key === best.id }).usearch, numbered(8000), V);
  assert.equal(index.searchFor(Q.data.subarray(0, 6), { k: 5 }).map(({ score }) => score), others.map(({ score }) => score));
});

test('a search is on no more threads than the graph was made for, and gives the same', () => {
  for (const threads of [1, 2, 3]) {
    const index = new ApproximateIndex(fakeUsearch().usearch, numbered(8000), V, { threads });
    for (const more of [1, 2, 5, 'all'] as const) assert.equal(index.search(Q, { threads: more }), index.search(Q));
  }
});

test('what stands after the last that a query found is nothing', () => {
  const first = { data: Float32Array.of(...V.data.subarray(0, 6), ...V.data.subarray(0, 6)), shape: [2, 6] }, index = new ApproximateIndex(fakeUsearch({ misses: (key) => key === 0, most: 10 }).usearch, numbered(8000), V); // usearch has key 0 there
  assert.not.ok(index.search(first, { exclude: [1001] }).items.includes(0));
  assert.ok(new ExactIndex(numbered(8000), V).search(first, { exclude: [1001] }).items.includes(0));
});

test('where is asked about what was found alone', () => {
  const index = new ApproximateIndex(fakeUsearch().usearch, numbered(8000), V, { metadata: years });
  let calls = 0;
  index.search({ data: Q.data.subarray(0, 6), shape: [1, 6] }, { where: () => { calls++; return true; } });
  assert.is(calls, 40);
});

test('filters that can be gone through once', () => {
  const index = new ApproximateIndex(fakeUsearch({ most: 2 }).usearch, numbered(8000), V), exact = new ExactIndex(numbered(8000), V), once = function* (): Generator<RawId> { yield* numbered(40); };
  assert.equal(index.search(Q, { exclude: once() }), exact.search(Q, { exclude: once() }));
  index.remove(once());
  assert.is(index.size, 7960);
});

test('items that come and go', () => {
  const { usearch } = fakeUsearch(), index = new ApproximateIndex(usearch, numbered(500), part(0, 500)), same = (ids: number[], rows: Vectors): void => {
    assert.equal(index.ids, ids);
    const want = new ApproximateIndex(fakeUsearch().usearch, ids, rows);
    assert.equal(index.search(Q, { k: 8 }).scores, want.search(Q, { k: 8 }).scores);
    assert.equal(index.searchFor([9, 9, 9, 9, 9, 9], { k: 1 }), want.searchFor([9, 9, 9, 9, 9, 9], { k: 1 }));
  };
  index.add(numbered(1000).slice(500), part(500, 1000));
  same(numbered(1000), part(0, 1000));
  index.remove(numbered(300));
  same(numbered(1000).slice(300), part(300, 1000));
  index.add(numbered(300), part(0, 300));
  same([...numbered(1000).slice(300), ...numbered(300)], { data: Float32Array.of(...part(300, 1000).data, ...part(0, 300).data), shape: [1000, 6] });
  index.remove(numbered(1000).slice(300, 310));
  same([...numbered(1000).slice(310), ...numbered(300)], { data: Float32Array.of(...part(310, 1000).data, ...part(0, 300).data), shape: [990, 6] });
  index.remove(index.ids);
  assert.equal([...index.search(Q, { k: 1 }).items], [-1, -1, -1, -1, -1]);
});

test('where the graph has no room, nothing is added, whatever it took in before it stopped', () => {
  const index = new ApproximateIndex(fakeUsearch({ failsAt: 2 }).usearch, numbered(500), part(0, 500)), { scores } = index.search(Q);
  refuses(() => index.add(numbered(600).slice(500), part(500, 600)), 'out-of-memory', 'usearch could not take in 100 vectors of 6 numbers (Failed to reserve memory)');
  assert.equal([index.size, index.search(Q).scores], [500, scores]);
  index.add(numbered(600).slice(500), part(500, 600));
  assert.equal([index.size, index.search(Q).scores], [600, new ExactIndex(numbered(600), part(0, 600)).search(Q).scores]);
});

test('of a model', async () => {
  const { train } = planted({ users: 60, items: 50 }), model = await new BPR({ factors: 5, epochs: 1 }).fit(train), index = ApproximateIndex.of(fakeUsearch().usearch, model, { similarity: 'cosine' });
  assert.equal([index.size, index.similarity, index.ids], [50, 'cosine', model.items.known()]);
  assert.equal(index.search(model.answers.vectors!.user!), ExactIndex.of(model, { similarity: 'cosine' }).search(model.answers.vectors!.user!));
  refuses(() => ApproximateIndex.of(fakeUsearch().usearch, new BPR()), 'not-fitted');
  const popular = await new Popularity().fit(train);
  refuses(() => ApproximateIndex.of(fakeUsearch().usearch, popular), 'unsupported', 'ApproximateIndex.of: Popularity learns no item vectors');
});

test('settings reach the graph', () => {
  const { usearch, configs } = fakeUsearch();
  for (const options of [{}, { connectivity: 5, expansionAdd: 6, expansionSearch: 7 }]) assert.is(new ApproximateIndex(usearch, numbered(10), part(0, 10), options).size, 10);
  assert.equal(configs, [
    { dimensions: 6, metric: 'ip', quantization: 'f32', connectivity: 16, expansion_add: 128, expansion_search: 64, multi: false },
    { dimensions: 6, metric: 'ip', quantization: 'f32', connectivity: 5, expansion_add: 6, expansion_search: 7, multi: false },
  ]);
});

test('the memory goes back', async () => {
  const before = await settled(), index = new ApproximateIndex(fakeUsearch().usearch, numbered(8000), V);
  index.search(Q);
  index.free();
  assert.is(memoryUse().inUse, before);
  refuses(() => index.search(Q), 'stale', 'given back');
});

test('what is no index and no query is refused, in a sentence', () => {
  const { usearch } = fakeUsearch(), make = (options: unknown, module: unknown = usearch) => () => new ApproximateIndex(module as Usearch, numbered(10), part(0, 10), options as ApproximateIndexOptions);
  refuses(make({}, null), 'bad-input', 'ApproximateIndex: expected the module usearch, as loadUsearch() gives it, got null');
  refuses(make({}, {}), 'bad-input', 'got another object');
  for (const [options, said] of [[{ connectivity: 1 }, 'connectivity must be a whole number from 2 to 256, got 1'], [{ expansionAdd: 0.5 }, 'expansionAdd must be'], [{ expansionSearch: '9' }, 'expansionSearch must be'], [{ threads: 0 }, 'threads must be'], [{ ef: 9 }, "there is no option 'ef'"], [{ similarity: 'l2' }, "similarity must be 'dot' or 'cosine'"]] as const) refuses(make(options), 'bad-setting', said);
  const index = new ApproximateIndex(usearch, numbered(8000), V), ask = (options: unknown) => () => index.search(Q, options as SearchOptions);
  refuses(() => index.search({ data: new Float32Array(5), shape: [1, 5] }), 'bad-shape', 'vectors of 6 numbers');
  refuses(() => index.searchFor(7 as never), 'bad-input', 'ApproximateIndex.searchFor: expected a vector of 6 numbers, got 7');
  refuses(ask({ exclude: ['x'] }), 'unknown-id', "exclude holds 'x'");
  refuses(ask({ exclude: null }), 'bad-input', 'exclude must be a list or a set of ids, got null');
  refuses(ask({ exclude: 'ab' }), 'bad-input', 'exclude must be a list');
  refuses(ask({ where: () => true }), 'bad-input', 'this index has none');
  refuses(ask({ k: 0 }), 'bad-setting', 'k must be a whole number');
  refuses(ask({ threads: 'many' }), 'bad-setting', 'threads must be');
  refuses(ask({ top: 3 }), 'bad-setting', "there is no option 'top'");
  refuses(() => index.add([1000], part(0, 1)), 'bad-input', 'must be distinct');
  refuses(() => index.remove(['x']), 'unknown-id', "ids holds 'x'");
  refuses(() => index.remove(null as never), 'bad-input', 'ids must be a list');
  assert.is(index.size, 8000);
});

test('without the package: a sentence that says what to install', async () => {
  await loadWith(async () => { throw new Error("Cannot find package 'usearch'"); }).then(() => assert.unreachable(), (error: Error & { code?: string }) => {
    assert.is(error.code, 'unsupported');
    assert.is(error.message, "an approximate index needs the package usearch, which could not be loaded (Cannot find package 'usearch'); run npm install usearch@2, or use ExactIndex of tightrec/retrieval");
  });
  const { usearch } = fakeUsearch();
  for (const loaded of [usearch, { default: usearch }]) assert.is((await loadWith(async () => loaded)).Index, usearch.Index); // as a module of either kind
});

if (typeof real === 'string') skip('approximate/approximateIndex with usearch itself', real);
else {
  const clustered = (n: number, K: number, seed: number): Vectors => {
    const next = random(seed), centres = Float32Array.from({ length: 20 * K }, () => random(7).normal() + next.normal());
    return { data: Float32Array.from({ length: n * K }, (_, at) => centres[(Math.floor(at / K) % 20) * K + at % K] + 0.5 * next.normal()), shape: [n, K] };
  };

  for (const similarity of ['dot', 'cosine'] as const) {
    test(`usearch itself finds at least 95 in a hundred of the ten nearest, with ExactIndex's scores, ${similarity}`, () => {
      const items = clustered(3000, 16, 3), queries = { data: items.data.slice(0, 200 * 16), shape: [200, 16] }, index = new ApproximateIndex(real, numbered(3000), items, { similarity }), exact = new ExactIndex(numbered(3000), items, { similarity });
      const got = index.search(queries), want = exact.search(queries), all = exact.search(queries, { k: 3000 });
      let hits = 0;
      for (let b = 0; b < 200; b++) {
        const wanted = new Set(want.items.subarray(b * 10, (b + 1) * 10)), scores = new Map(Array.from(all.items.subarray(b * 3000, (b + 1) * 3000), (row, at) => [row, all.scores[b * 3000 + at]]));
        for (let at = b * 10; at < (b + 1) * 10; at++) { if (wanted.has(got.items[at])) hits++; assert.ok(Math.abs(got.scores[at] - scores.get(got.items[at])!) < 1e-4); }
      }
      assert.ok(hits >= 1900, `${hits} of 2000`);
      assert.equal(new ApproximateIndex(real, numbered(3000), items, { similarity }).search(queries), got); // on one thread the same graph
      assert.equal(index.search(queries, { threads: 2 }), got);
      const two = new ApproximateIndex(real, numbered(3000), items, { similarity, threads: 2 });
      assert.equal(two.search(queries, { threads: 2 }), two.search(queries));
      assert.equal([...index.search({ data: queries.data.subarray(0, 16), shape: [1, 16] }).items], [...got.items.subarray(0, 10)]);
      const gone = [...new Set(Array.from(got.items.subarray(0, 500), (row) => 1000 + row))];
      index.remove(gone);
      const after = index.search(queries);
      assert.not.ok([...after.items].some((row) => gone.includes(index.ids[row] as number)));
      assert.ok(after.items.every((row) => row >= 0));
    });
  }
}

test.run();
