import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { backend } from '../../kernels/index.ts';
import { memoryUse } from '../../kernels/memory.ts';
import { type RawId, sideTable } from '../../lib/data/index.ts';
import { AlternatingLeastSquares, AutoRec, BPR, CDAE, HybridMF, LogisticMF, NextItemLSTM, Popularity, RatingMF, SVDPlusPlus } from '../../lib/models.ts';
import { random } from '../../lib/random.ts';
import { ExactIndex, type SearchOptions, type Vectors } from '../../lib/retrieval/index.ts';
import { planted } from '../helpers/planted.ts';
import { refuses } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';

const test = suite('retrieval/exactIndex');

const matrix = (K: number, ...data: number[]): Vectors => ({ data: Float32Array.from(data), shape: [data.length / K, K] });

/** Whole numbers, so that every sum is exact and many scores are equal. */
function whole(n: number, K: number, seed: number): Vectors {
  const next = random(seed);
  return { data: Float32Array.from({ length: n * K }, () => next.below(7) - 3), shape: [n, K] };
}

/** The obvious way: every score, all sorted. */
function slowly(V: Vectors, query: Float32Array, k: number, similarity: 'dot' | 'cosine', allowed: (row: number) => boolean): { row: number; score: number }[] {
  const [n, K] = V.shape, norm = (x: Float32Array): number => Math.sqrt(x.reduce((sum, one) => sum + one * one, 0)) || 1;
  const scored = Array.from({ length: n }, (_, row) => {
    const v = V.data.subarray(row * K, (row + 1) * K), dot = v.reduce((sum, one, at) => sum + one * query[at], 0);
    return { row, score: similarity === 'dot' ? dot : dot / norm(v) / norm(query) };
  });
  return scored.filter(({ row }) => allowed(row)).sort((a, b) => b.score - a.score || a.row - b.row).slice(0, k);
}

const numbered = (n: number): number[] => Array.from({ length: n }, (_, row) => 1000 + row);

test('by hand', () => {
  const index = new ExactIndex(['long', 'east', 'north', 'none'], matrix(2, 3, 3, 1, 0, 0, 1, 0, 0));
  assert.equal(index.searchFor([1, 0]), [{ id: 'long', score: 3 }, { id: 'east', score: 1 }, { id: 'north', score: 0 }, { id: 'none', score: 0 }]);
  const angles = new ExactIndex(['long', 'east', 'north', 'none'], matrix(2, 3, 3, 1, 0, 0, 1, 0, 0), { similarity: 'cosine' });
  assert.equal(angles.searchFor([5, 0], { k: 2 }), [{ id: 'east', score: 1 }, { id: 'long', score: Math.fround(Math.SQRT1_2) }]);
  assert.equal(angles.searchFor([0, 0], { k: 2 }), [{ id: 'long', score: 0 }, { id: 'east', score: 0 }]); // no direction: all are equal, the first come first
  assert.is(index.searchFor(Float32Array.of(0, 1))[0].id, 'long');
});

for (const [n, K, B, k] of [[1, 1, 1, 1], [7, 3, 2, 10], [50, 5, 9, 4], [333, 17, 6, 25], [70_000, 4, 40, 10]]) { // the last in three panels
  test(`agrees with sorting all, ${n} x ${K}`, () => {
    const V = whole(n, K, n), Q = whole(B, K, n + 1), index = new ExactIndex(numbered(n), V);
    const only = numbered(n).filter((id) => id % 3 > 0), exclude = numbered(n).filter((id) => id % 5 === 1);
    const ways: [SearchOptions, (row: number) => boolean][] = [[{}, () => true], [{ exclude: new Set(exclude), only }, (row) => (1000 + row) % 3 > 0 && (1000 + row) % 5 !== 1]];
    ways.push([{ exclude, only: numbered(n).filter((id) => id % 11 === 3).toReversed() }, (row) => (1000 + row) % 11 === 3 && (1000 + row) % 5 !== 1]); // few, whose vectors are copied together
    for (const [options, allowed] of ways) {
      const { items, scores } = index.search(Q, { k, ...options });
      assert.is(items.length, B * k);
      for (let b = 0; b < B; b += n > 1000 ? 13 : 1) {
        const want = slowly(V, Q.data.subarray(b * K, (b + 1) * K), k, 'dot', allowed), pad = Array.from({ length: k - want.length });
        assert.equal([...items.subarray(b * k, (b + 1) * k)], [...want.map(({ row }) => row), ...pad.map(() => -1)]);
        assert.equal([...scores.subarray(b * k, (b + 1) * k)], [...want.map(({ score }) => score + 0), ...pad.map(() => -Infinity)].map((score) => score === 0 ? 0 : score));
      }
    }
    index.free();
  });
}

test('many queries, which meet the items in panels, have the lists that each has alone', () => {
  const n = 70_000, B = 70, K = 3, panel = 2 ** 14, next = random(2), V = { data: Float32Array.from({ length: n * K }, () => next.normal()), shape: [n, K] }, Q = { data: Float32Array.from({ length: B * K }, () => next.normal()), shape: [B, K] };
  V.data.copyWithin(panel * K, 0, 9000 * K); // ties across the borders
  V.data.copyWithin(2 * panel * K, 2000 * K, 5000 * K);
  const query = (b: number): Float32Array => Q.data.subarray(b * K, (b + 1) * K), best = [3, 69].flatMap((b) => slowly(V, query(b), 40, 'dot', () => true).map(({ row }) => row));
  const gone = new Set([...best.filter((_, at) => at % 3 === 0), 0, panel - 1, panel, panel + 1, 2 * panel - 1, 2 * panel, n - 1]), borders = new Set(Array.from({ length: panel + 20 }, (_, at) => panel - 10 + at)); // the second panel and a little more
  for (const similarity of ['dot', 'cosine'] as const) {
    const index = new ExactIndex(numbered(n), V, { similarity }), ids = (rows: Set<number>): number[] => Array.from(rows, (row) => 1000 + row);
    for (const options of [{}, { exclude: ids(gone) }, { exclude: ids(borders) }, { only: ids(borders) }] as SearchOptions[]) {
      for (const k of similarity === 'dot' ? [1, 68, 69, 17_000] : [10]) { // panels up to 68 here
        const { items, scores } = index.search(Q, { k, ...options });
        for (const b of [0, 3, 63, 64, 69]) assert.equal({ items: items.slice(b * k, (b + 1) * k), scores: scores.slice(b * k, (b + 1) * k) }, index.search({ data: query(b), shape: [1, K] }, { k, ...options }), `${similarity}, ${k}`);
      }
    }
    index.free();
  }
  const index = new ExactIndex(numbered(n), V), { items, scores } = index.search(Q, { k: 25, exclude: Array.from(gone, (row) => 1000 + row) });
  for (const b of [3, 69]) {
    const found = [...items.subarray(b * 25, (b + 1) * 25)];
    assert.equal(found, slowly(V, query(b), 25, 'dot', (row) => !gone.has(row)).map(({ row }) => row));
    assert.ok(found.some((row, at) => at > 0 && scores[b * 25 + at] === scores[b * 25 + at - 1] && Math.floor(row / panel) > Math.floor(found[at - 1] / panel)), 'no tie across a border, which this is about');
  }
});

test('few of very many items, which come in panels too', () => {
  const n = 530_000, next = random(4), drawn = (rows: number): Vectors => ({ data: Float32Array.from({ length: rows * 2 }, () => next.normal()), shape: [rows, 2] }), index = new ExactIndex(numbered(n), drawn(n)), Q = drawn(20), only = numbered(n).filter((id) => id % 8 === 3), { items, scores } = index.search(Q, { k: 30, only });
  assert.ok(only.length > 2 ** 16 && items.every((row) => (1000 + row) % 8 === 3));
  for (const b of [0, 19]) assert.equal({ items: items.slice(30 * b, 30 * b + 30), scores: scores.slice(30 * b, 30 * b + 30) }, index.search({ data: Q.data.slice(2 * b, 2 * b + 2), shape: [1, 2] }, { k: 30, only }));
  index.free();
});

test('by cosine it agrees with sorting all', () => {
  const next = random(3), V = { data: Float32Array.from({ length: 200 * 6 }, () => next.normal()), shape: [200, 6] }, query = V.data.slice(12, 18), index = new ExactIndex(numbered(200), V, { similarity: 'cosine' });
  const want = slowly(V, query, 12, 'cosine', () => true), { items, scores } = index.search({ data: query, shape: [1, 6] }, { k: 12 });
  assert.equal([...items], want.map(({ row }) => row));
  assert.is(items[0], 2); // itself
  for (const [at, { score }] of want.entries()) assert.ok(Math.abs(scores[at] - score) < 1e-6);
  assert.is(new ExactIndex(['a', 'b'], matrix(2, 1e30, 0, 1e-30, 1e-30), { similarity: 'cosine' }).searchFor([1e-30, 1e-30])[0].id, 'b'); // whose squares float32 does not hold
});

test('asked by one of its items among equals, the first is found', () => assert.equal(new ExactIndex([3, 2, 1], matrix(1, 1, 1, 1)).searchFor([1]).map(({ id }) => id), [3, 2, 1]));

test('where asks about the metadata, found by id', () => {
  const films = sideTable(['c', 'b', 'a'], { year: [1990, 1950, 1971], genres: [['War'], [], ['War', 'Drama']] }), index = new ExactIndex(['a', 'b', 'c'], matrix(1, 1, 2, 3), { metadata: films });
  const asked: RawId[] = [];
  assert.equal(index.searchFor([1], { where: ({ year }, id) => { asked.push(id); return (year as number) > 1960; } }).map(({ id }) => id), ['c', 'a']);
  assert.equal(asked, ['a', 'b', 'c']);
  assert.equal(index.searchFor([1], { where: ({ genres }) => (genres as string[]).includes('Drama') }), [{ id: 'a', score: 1 }]);
  assert.equal(index.searchFor([1], { where: () => true, only: ['a', 'b'], exclude: ['b', 'b'] }).map(({ id }) => id), ['a']);
  assert.equal(index.searchFor([1], { where: () => false }), []);
  assert.equal(index.searchFor([1], { only: [] }), []);
  index.add(['d'], matrix(1, 4), sideTable(['d'], { year: [2000], genres: [[]] }));
  index.remove(['b']);
  assert.equal(index.searchFor([1], { where: ({ year }) => (year as number) > 1980 }).map(({ id }) => id), ['d', 'c']);
  const many = new ExactIndex(numbered(100), whole(100, 1, 3), { metadata: sideTable(numbered(100), { year: numbered(100) }) });
  assert.equal(many.searchFor([0], { where: ({ year }) => (year as number) % 30 === 10 }), [1000, 1030, 1060, 1090].map((id) => ({ id, score: 0 }))); // few are left
  assert.equal(index.searchFor([1], { exclude: ['d', 'a'] }).map(({ id }) => id), ['c']); // in whatever order
});

for (const similarity of ['dot', 'cosine'] as const) {
  test(`items that come and go leave the index as one that was made so, ${similarity}`, () => {
    const V = whole(40, 3, 8), part = (from: number, to: number): Vectors => ({ data: V.data.subarray(3 * from, 3 * to), shape: [to - from, 3] }), Q = whole(5, 3, 9);
    const index = new ExactIndex(numbered(40).slice(0, 10), part(0, 10), { similarity });
    index.add(numbered(40).slice(10), part(10, 40));
    assert.equal(index.search(Q), new ExactIndex(numbered(40), V, { similarity }).search(Q));
    index.remove(numbered(15));
    assert.equal(index.search(Q), new ExactIndex(numbered(40).slice(15), part(15, 40), { similarity }).search(Q));
    assert.equal([index.size, index.ids[0]], [25, 1015]);
    index.remove(index.ids);
    assert.equal([index.size, [...index.search(Q, { k: 2 }).items]], [0, Array.from({ length: 10 }, () => -1)]);
    index.add(['back'], part(0, 1));
    assert.is(index.searchFor([1, 1, 1])[0].id, 'back');
  });
}

for (const similarity of ['dot', 'cosine'] as const) {
  test(`rank: of each query's own candidates the best, as search has them, ${similarity}`, () => {
    const V = whole(300, 5, 4), Q = whole(4, 5, 5), films = sideTable(numbered(300), { year: numbered(300) }), index = new ExactIndex(numbered(300), V, { similarity, metadata: films }), next = random(6);
    const candidates = Int32Array.from({ length: 4 * 60 }, () => next.below(301) - 1); // some twice, some none
    for (const filter of [{}, { exclude: numbered(100) }, { only: numbered(200), where: ({ year }) => (year as number) % 2 === 0 }] as SearchOptions[]) {
      const { items, scores } = index.rank(Q, candidates, { k: 9, ...filter });
      for (let b = 0; b < 4; b++) {
        const own = new Set(candidates.subarray(60 * b, 60 * b + 60)), query = { data: Q.data.slice(5 * b, 5 * b + 5), shape: [1, 5] };
        const want = index.search(query, { k: 9, ...filter, only: [...own].filter((row) => row >= 0).map((row) => 1000 + row).filter((id) => filter.only === undefined || [...filter.only].includes(id)) });
        assert.equal([...items.subarray(9 * b, 9 * b + 9)], [...want.items]);
        assert.equal([...scores.subarray(9 * b, 9 * b + 9)], [...want.scores]);
      }
    }
    assert.equal(index.rank(Q, new Int32Array(8).fill(-1), { k: 1 }), { items: new Int32Array(4).fill(-1), scores: new Float32Array(4).fill(-Infinity) });
    assert.equal(index.rank({ data: new Float32Array(0), shape: [0, 5] }, new Int32Array(0)).items.length, 0);
    assert.equal([...index.rank(Q, Int32Array.of(9, 9, 9, 9), { k: 2 }).items], [9, -1, 9, -1, 9, -1, 9, -1]);
  });
}

test('candidates that are none are refused, in a sentence', () => {
  const index = new ExactIndex(['a', 'b'], matrix(2, 1, 2, 3, 4)), Q = matrix(2, 1, 0, 0, 1);
  refuses(() => index.rank(Q, [0, 1] as never), 'bad-input', 'ExactIndex.rank: candidates must be an Int32Array of rows, got an array');
  refuses(() => index.rank(Q, Int32Array.of(0, 1, 1)), 'bad-shape', 'expected as many candidates for each of 2 queries, got 3 in all');
  refuses(() => index.rank({ data: new Float32Array(0), shape: [0, 2] }, Int32Array.of(1)), 'bad-shape', 'each of 0 queries, got 1');
  for (const row of [2, -2]) refuses(() => index.rank(Q, Int32Array.of(0, row)), 'unknown-id', `candidates must be rows from 0 to 1, or -1 for none, got ${row} at position 1`);
  refuses(() => index.rank(Q, Int32Array.of(0, 1), { threads: 2 } as object), 'bad-setting', "there is no option 'threads'");
  index.free();
  refuses(() => index.rank(Q, Int32Array.of(0, 1)), 'stale', 'given back');
});

test('of a model: its lists, where there is no bias, and those of similarItems', async () => {
  const { train } = planted({ users: 60, items: 50 }), model = await new AlternatingLeastSquares({ factors: 8, epochs: 2 }).fit(train), users = [...train.users.labels.keys()];
  const index = ExactIndex.of(model), { items, scores } = index.search(model.answers.vectors!.user!, { k: 7 });
  assert.equal({ items, scores }, model.recommend(users, { k: 7 }));
  assert.equal(index.ids, model.items.known());
  const angles = ExactIndex.of(model, { similarity: 'cosine' }), V = model.answers.vectors!.item;
  for (const item of [0, 17, 49]) assert.equal(angles.searchFor(V.data.subarray(item * 8, item * 8 + 8), { k: 5, exclude: [index.ids[item]] }).map(({ id }) => id), model.similarTo(index.ids[item] as number, { k: 5 }).map((one) => one.item));
  const more = await new BPR({ factors: 5, epochs: 1 }).fit(train), next = await new NextItemLSTM({ factors: 6, hidden: 5, epochs: 1 }).fit(train);
  assert.is(ExactIndex.of(more).size, 50);
  const item = next.answers.vectors!.item, likes = next.similarItems([3], { k: 5, similarity: 'dot' });
  assert.equal([...ExactIndex.of(next).search({ data: item.data.slice(18, 24), shape: [1, 6] }, { k: 5, exclude: [next.items.decode(3)] }).items], [...likes.items]);
});

test('the scores of a model that has vectors of users are their products, but for what is added to a user or to an item', async () => {
  const { train } = planted({ users: 40, items: 30 });
  for (const model of [new BPR({ factors: 5, epochs: 2 }), new LogisticMF({ factors: 5, epochs: 2 }), new AlternatingLeastSquares({ factors: 5, epochs: 2 }), new HybridMF({ factors: 5, epochs: 2 }), new RatingMF({ factors: 5, epochs: 2 }), new AutoRec({ hidden: 5, epochs: 2 })]) {
    const { user, item } = (await model.fit(train)).answers.vectors!, S = model.scores([0, 3, 39]), { scores, items } = ExactIndex.of(model).search({ data: Float32Array.from([0, 3, 39].flatMap((row) => [...user!.data.subarray(row * user!.shape[1], (row + 1) * user!.shape[1])])), shape: [3, item.shape[1]] }, { k: 30 });
    const left = (b: number, row: number): number => S[b * 30 + row] - scores[b * 30 + items.subarray(b * 30, b * 30 + 30).indexOf(row)];
    for (const b of [1, 2]) for (let row = 1; row < 30; row++) assert.ok(Math.abs(left(b, row) - left(0, row) - left(b, 0) + left(0, 0)) < 1e-4, model.name);
  }
  for (const model of [new SVDPlusPlus({ factors: 5, epochs: 1 }), new CDAE({ hidden: 5, epochs: 1 })]) assert.is((await model.fit(train)).answers.vectors!.user, null, model.name);
});

test('of a model that has no item vectors, or has not been fitted', async () => {
  const { train } = planted({ users: 10, items: 30 }), popular = await new Popularity().fit(train);
  refuses(() => ExactIndex.of(popular), 'unsupported', 'ExactIndex.of: Popularity learns no item vectors; use BPR or AlternatingLeastSquares');
  refuses(() => ExactIndex.of(new BPR()), 'not-fitted');
});

test('any number of threads gives the same lists', () => {
  const V = whole(30_000, 16, 5), Q = whole(50, 16, 6), index = new ExactIndex(numbered(30_000), V), one = index.search(Q);
  for (const threads of [2, 'all'] as const) assert.equal(index.search(Q, { threads }), one, `${threads} threads, ${backend().threads} here`);
  refuses(() => index.search(Q, { threads: 0 }), 'bad-setting', 'ExactIndex.search: threads must be');
});

test('a million places for three items are three and padding', () => {
  const index = new ExactIndex(['a', 'b', 'c'], matrix(1, 1, 3, 2)), { items, scores } = index.search(matrix(1, 1, -1), { k: 1e6 });
  assert.equal([...items.subarray(0, 4), ...items.subarray(1e6, 1e6 + 4)], [1, 2, 0, -1, 0, 2, 1, -1]);
  assert.equal([scores.length, scores[2], scores[3], scores.at(-1), items.at(-1)], [2e6, 1, -Infinity, -Infinity, -1]);
  assert.is(index.searchFor([1], { k: 1e6 }).length, 3);
  refuses(() => index.searchFor([1], { k: 0 }), 'bad-setting', 'ExactIndex.search: k must be a whole number from 1 to 16777216, got 0');
  for (const k of [-1, 1.5, Number.NaN, 2 ** 25, '3' as never]) refuses(() => index.searchFor([1], { k }), 'bad-setting', 'k must be');
});

test('more places than items, for more queries than one block holds', () => {
  const B = 400_000, { items } = new ExactIndex(['a', 'b', 'c'], matrix(1, 1, 3, 2)).search({ data: Float32Array.from({ length: B }, (_, b) => b % 2 ? -1 : 1), shape: [B, 1] }, { k: 4 });
  for (let b = 0; b < B; b += 4999) assert.equal([...items.subarray(4 * b, 4 * b + 4)], b % 2 ? [0, 2, 1, -1] : [1, 2, 0, -1]);
});

test('no queries, no lists', () => assert.equal(new ExactIndex(['a'], matrix(1, 1)).search({ data: new Float32Array(0), shape: [0, 1] }), { items: new Int32Array(0), scores: new Float32Array(0) }));

test('the memory goes back: by free, by add and remove, and with the index', async () => {
  const V = whole(20_000, 8, 1);
  (() => { new ExactIndex(numbered(20_000), V).search(whole(3, 8, 2)); })(); // what a search keeps for the next is there from now on
  const before = await settled(), index = new ExactIndex(numbered(20_000), V), own = 4 * V.data.length;
  assert.is(memoryUse().inUse - before, own);
  index.remove(numbered(10_000));
  assert.is(memoryUse().inUse - before, own / 2);
  index.free();
  index.free();
  assert.is(memoryUse().inUse, before);
  for (const work of [() => index.searchFor(new Float32Array(8)), () => index.search(whole(0, 8, 1)), () => index.add(['x'], whole(1, 8, 1)), () => index.remove([])]) refuses(work, 'stale', 'given back');
  assert.is(memoryUse().inUse, before);
  (() => new ExactIndex(numbered(20_000), V).size)();
  assert.is(await settled(before), before);
});

test('what is no index is refused, in a sentence', () => {
  const V = matrix(2, 1, 2, 3, 4), make = (ids: unknown, vectors: unknown, options?: unknown) => () => new ExactIndex(ids as RawId[], vectors as Vectors, options as object);
  refuses(make(['a', 'b', 'c'], V), 'bad-shape', 'ExactIndex: expected an id for each of 2 vectors, got 3 ids');
  refuses(make(['a', 'a'], V), 'bad-input', 'must be distinct, got a again at position 1');
  refuses(make(['a', null], V), 'bad-input', 'an id must be');
  refuses(make('ab', V), 'bad-input', 'ExactIndex: ids must be an array of ids');
  refuses(make(['a', 'b'], matrix(2, 1, 2, 3, Number.NaN)), 'bad-input', 'ExactIndex: vectors must be finite numbers, got NaN in vector 1 at position 1');
  refuses(make(['a', 'b'], matrix(2, 1, Infinity, 3, 4)), 'bad-input', 'got Infinity in vector 0 at position 1');
  refuses(make(['a', 'b'], V.data), 'bad-input', 'ExactIndex: vectors must be { data, shape }');
  refuses(make(['a', 'b'], undefined), 'bad-input', 'got undefined');
  for (const shape of [[2, 3], [4], [2, 2, 1], [2, -2], [Number.NaN, 2]]) refuses(make(['a', 'b'], { data: V.data, shape }), 'bad-shape', 'vectors must have a shape [n, K] of n K numbers');
  refuses(make(['a', 'b'], V, { similarity: 'euclid' }), 'bad-setting', "ExactIndex: similarity must be 'dot' or 'cosine', got \"euclid\"");
  refuses(make(['a', 'b'], V, { metric: 'dot' }), 'bad-setting', "ExactIndex: there is no option 'metric'; the options are similarity, metadata");
  refuses(make(['a', 'b'], V, { metadata: { year: [1, 2] } }), 'bad-input', 'metadata: expected a side table');
  refuses(make(['a', 'b'], V, { metadata: sideTable(['a'], { year: [1] }, { source: 'films.csv' }) }), 'unknown-id', "ExactIndex: item 'b' is not in films.csv; metadata must hold every item");
});

test('what is no query is refused, in a sentence', () => {
  const index = new ExactIndex(['a', 'b'], matrix(2, 1, 2, 3, 4)), ask = (options: unknown) => () => index.searchFor([1, 2], options as SearchOptions);
  refuses(() => index.search(matrix(3, 1, 2, 3)), 'bad-shape', 'ExactIndex.search: queries must be vectors of 2 numbers, as those of the items, got vectors of 3');
  refuses(() => index.searchFor([1]), 'bad-shape', 'vectors of 2 numbers, as those of the items, got vectors of 1');
  refuses(() => index.searchFor([]), 'bad-shape', 'queries must have a shape');
  refuses(() => index.searchFor([1, Number.NaN]), 'bad-input', 'queries must be finite numbers, got NaN in vector 0 at position 1');
  refuses(() => index.searchFor(7 as never), 'bad-input', 'expected a vector of 2 numbers, got 7');
  refuses(ask({ exclude: ['c'] }), 'unknown-id', "ExactIndex.search: exclude holds 'c', which is not among the 2 items of the index, such as 'a'");
  refuses(ask({ only: ['a', 1] }), 'unknown-id', 'only holds 1 (a number)');
  refuses(ask({ only: 'a' }), 'bad-input', 'only must be a list or a set of ids, got "a"');
  refuses(ask({ exclude: null }), 'bad-input', 'exclude must be a list or a set of ids, got null');
  refuses(ask({ where: () => true }), 'bad-input', 'this index has none; make it with { metadata: sideTable(ids, columns) }');
  refuses(ask({ where: 'year > 3' }), 'bad-setting', 'where must be a function');
  refuses(ask({ top: 3 }), 'bad-setting', "there is no option 'top'; the options are k, exclude, only, where, threads");
});

test('what cannot be added or removed leaves the index as it was', () => {
  const index = new ExactIndex(['a', 'b'], matrix(2, 1, 2, 3, 4)), before = index.search(matrix(2, 1, 0)), used = memoryUse().inUse;
  refuses(() => index.add(['b'], matrix(2, 5, 6)), 'bad-input', 'must be distinct, got b again');
  refuses(() => index.add(['c'], matrix(3, 5, 6, 7)), 'bad-shape', 'ExactIndex.add: vectors must be vectors of 2 numbers');
  refuses(() => index.add(['c'], matrix(2, 5, Number.NaN)), 'bad-input', 'ExactIndex.add: vectors must be finite');
  refuses(() => index.add(['c'], matrix(2, 5, 6), sideTable(['c'], {})), 'bad-input', 'ExactIndex.add: the index was made without metadata; add items without');
  refuses(() => index.remove(['a', 'x']), 'unknown-id', "ExactIndex.remove: ids holds 'x'");
  assert.equal(index.search(matrix(2, 1, 0)), before);
  assert.is(memoryUse().inUse, used);
  refuses(() => new ExactIndex(['a'], matrix(1, 1), { metadata: sideTable(['a'], {}) }).add(['b'], matrix(1, 1)), 'bad-input', 'the index was made with metadata; add items with theirs');
});

test.run();
