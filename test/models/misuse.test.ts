import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { memoryUse } from '../../kernels/memory.ts';
import { AlternatingLeastSquares, AutoRec, BPR, BiasOnly, Blend, CDAE, EASE, FactorizationMachine, type FitOptions, HistoryToNext, HybridMF, type Interactions, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, Popularity, PurchaseHistory, RatingMF, SVDPlusPlus, Siamese, TwoTower, type RecommendForOptions, type RecommendOptions, type Recommender, fromBytes, interactions, toBytes } from '../../lib/models.ts';
import { LabelEncoder } from '../../lib/data/index.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';

/** What callers without types, or in a hurry, do wrong: each ends in a sentence, not in a TypeError or a silent result. */
const shop = interactions(['ana', 'ana', 'ben', 'ben', 'cleo'], ['tea', 'jam', 'tea', 'rye', 'jam'], { values: [1, 1, 1, 1, 1] }); // ratings, where they are taken for such
const other = interactions(['q', 'r', 's'], ['x', 'y', 'z'], { values: [1, 1, 1] });
const makers: Record<string, () => Recommender> = {
  Popularity: () => new Popularity(), PurchaseHistory: () => new PurchaseHistory(),
  ItemKNN: () => new ItemKNN(), EASE: () => new EASE(), Blend: () => new Blend([new EASE(), new PurchaseHistory()], { weights: [1, 1] }),
  LogisticMatrixFactorization: () => new LogisticMatrixFactorization({ factors: 4, epochs: 20 }),
  LogisticMF: () => new LogisticMF({ factors: 4, epochs: 20 }), BPR: () => new BPR({ factors: 4, epochs: 20 }),
  AlternatingLeastSquares: () => new AlternatingLeastSquares({ factors: 4, epochs: 20 }), RatingMF: () => new RatingMF({ factors: 4, epochs: 20 }),
  HistoryToNext: () => new HistoryToNext({ factors: 4, layers: [4], epochs: 20, learningRate: 0.01 }),
  NextItemLSTM: () => new NextItemLSTM({ factors: 4, hidden: 4, layers: 1, epochs: 20, learningRate: 0.01 }),
};

for (const [name, make] of Object.entries(makers)) {
  const test = suite(`models/misuse/${name}`);

  test('data that is not interactions', async () => {
    for (const wrong of [undefined, null, {}, [['ana', 'tea']], 'purchases.csv', 5]) {
      await rejects(() => make().fit(wrong as unknown as Interactions), 'bad-input', `${name}.fit: expected interactions, made by interactions() or readInteractions(), got`);
    }
  });

  test('rows changed by hand', async () => {
    for (const [change, message] of [[{ user: Int32Array.of(0, 0, -1, 1, 2) }, 'user row -1 at position 2 is outside 0..2'], [{ item: Int32Array.of(0, 1, 0, 9, 1) }, 'item row 9 at position 3 is outside 0..2'], [{ item: Int32Array.of(0) }, 'these are 5 users and 1 items']] as const) {
      await rejects(() => make().fit({ ...shop, ...change }), 'bad-input', `${name}.fit: `, message);
    }
  });

  test('options of fit that nobody reads, or of the wrong kind', async () => {
    const wrong: [object | number, string][] = [
      [{ onepoch() {} }, "there is no option 'onepoch'"], [{ onEpoch: 'x' }, 'onEpoch must be a function, got "x"'], [5, 'options must be an object'],
      [{ signal: new AbortController() }, "signal must be an AbortSignal (the controller's .signal)"], [{ validation: 5 }, 'validation must be interactions or a function'],
    ];
    for (const [options, message] of wrong) await rejects(() => make().fit(shop, options as FitOptions), 'bad-setting', message);
  });

  test('options of recommend and recommendFor', async () => {
    const model = await make().fit(shop);
    for (const k of [0, 1.5, Number.NaN, 2 ** 31, '3']) refuses(() => model.recommend([0], { k } as RecommendOptions), 'bad-setting', 'k must be a whole number from 1 to 16777216, got');
    for (const exclude of [{}, 5, [], new Set()]) refuses(() => model.recommend([0], { exclude } as unknown as RecommendOptions), 'bad-input', 'exclude must be interactions or a CSR matrix');
    refuses(() => model.recommend(undefined as unknown as number[]), 'bad-input', 'expected an array of row numbers, got undefined');
    refuses(() => model.recommendFor('ana', { K: 3 } as RecommendForOptions), 'bad-setting', "there is no option 'K'");
    refuses(() => model.recommendFor('ana', { excludeSeen: 'no' } as unknown as RecommendForOptions), 'bad-setting', 'excludeSeen must be true or false, got "no"');
    refuses(() => model.recommendFor('ana', null as unknown as RecommendForOptions), 'bad-setting', 'options must be an object');
  });

  test('two fits of one model at once: the second is refused, the first is whole', async () => {
    const model = make(), first = model.fit(shop, { validation: () => new Promise((resolve) => setTimeout(resolve, 5, 1)) });
    await rejects(() => model.fit(other), 'bad-input', `${name}.fit: this model is being fitted`);
    refuses(() => model.free(), 'bad-input', `${name}.free: this model is being fitted`);
    assert.equal((await first).users.known(), ['ana', 'ben', 'cleo']);
    await rejects(() => model.fit(shop, { onEpoch: async () => { await model.fit(other); } }), 'bad-input', 'this model is being fitted');
    await model.fit(other); // free again, after success and after failure
  });

  test('check says before there is data what fit would say', async () => {
    make().check();
    const wrong = make();
    Object.assign(wrong.settings, { epoch: 3 });
    refuses(() => wrong.check(), 'bad-setting', "there is no setting 'epoch'");
  });

  test('evaluate takes interactions, and refuses those whose rows mean something else', async () => {
    const model = await make().fit(shop), { users, items } = model;
    assert.equal(evaluate(model, shop, { k: 2 }), evaluate(model, shop.matrix, { k: 2 }));
    assert.equal(evaluate(model, shop, { k: 2, exclude: shop }), evaluate(model, shop, { k: 2, exclude: shop.matrix }));
    assert.ok(evaluate(model, interactions(['ana'], ['rye'], { users, items }), { k: 3 }).recall === 1);
    refuses(() => evaluate(model, other), 'bad-input', 'the interactions of test have other ids than the model');
    refuses(() => evaluate(model, shop, { exclude: other }), 'bad-input', 'the interactions of exclude have other ids');
  });

  test('options that are none, lists that are too long', async () => {
  const data = interactions([0, 0, 1], [0, 1, 0]), model = await new BPR({ factors: 2, epochs: 1 }).fit(data), next = await new NextItemLSTM({ factors: 2, hidden: 2, epochs: 1 }).fit(data);
  await rejects(() => new BPR().fit(data, null as unknown as FitOptions), 'bad-setting', 'BPR.fit: options must be an object');
  refuses(() => model.similarTo(0, null as unknown as object), 'bad-setting', 'BPR.similarTo: options must be an object');
  refuses(() => model.similarTo(0, { kk: 3 } as object), 'bad-setting', "there is no option 'kk'");
  refuses(() => model.similarItems([0], { n: 3 } as object), 'bad-setting', "BPR.similarItems: there is no option 'n'");
  refuses(() => evaluate(model, data, { thread: 2 } as object), 'bad-setting', "evaluate: there is no option 'thread'");
  refuses(() => model.recommend(Array.from({ length: 5000 }, () => 0), { k: 2 ** 24 }), 'out-of-memory', 'BPR.recommend: 5000 lists of 16777216 items');
  refuses(() => next.recommendNext(interactions(Array.from({ length: 5000 }, () => 0), Array.from({ length: 5000 }, () => 0)), { k: 2 ** 24 }), 'out-of-memory', 'NextItemLSTM.recommendNext: 5000 lists');
});

test('a fit that fails before its first epoch gives its memory back', async () => {
  const data = interactions(Array.from({ length: 400 }, (_, at) => at % 40), Array.from({ length: 400 }, (_, at) => at % 31));
  const fail = (): Promise<void> => rejects(() => new NextItemLSTM({ factors: 200, hidden: 200, epochs: 1, learningRate: 1e6, clipNorm: null }).fit(data), 'diverged', 'training diverged');
  await fail();
  const { inUse } = memoryUse();
  for (let times = 0; times < 3; times++) await fail();
  assert.ok(memoryUse().inUse <= inUse, `${memoryUse().inUse} after ${inUse}`);
});

test.run();
}

const test = suite('models/misuse');

test('settings that are no object', () => {
  for (const wrong of [null, 64, 'x']) for (const Model of [AlternatingLeastSquares, AutoRec, BPR, BiasOnly, CDAE, EASE, FactorizationMachine, HistoryToNext, HybridMF, ItemKNN, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, Popularity, PurchaseHistory, RatingMF, SVDPlusPlus, Siamese, TwoTower]) refuses(() => new Model(wrong as never), 'bad-setting', 'settings must be an object');
});

test('a rate so large that one step ruins the factors is divergence, though no loss shows it', async () => {
  await rejects(() => new LogisticMF({ factors: 4, epochs: 1, learningRate: 1e12 }).fit(shop), 'diverged', 'the size of the factors became');
});

test('tables larger than the memory are refused before the first is made, with what they need', async () => {
  const inUse = await settled(), { limit } = memoryUse(), data = interactions(['ana', 'ben'], ['tea', 'jam'], { values: [1, 2] }), factors = 2 ** 31;
  if (limit > 0) {
    for (const make of [() => new BPR({ factors }), () => new BPR({ factors, solver: 'sgd' }), () => new RatingMF({ factors }), () => new LogisticMF({ factors }), () => new LogisticMatrixFactorization({ factors })]) {
      await rejects(() => make().fit(data), 'out-of-memory', `${make().name}.fit: tables of 2 users and 2 items, with 2147483648 factors, need 32,768 MiB of tightrec's memory, and`, 'use fewer factors');
    }
    assert.is(memoryUse().inUse, inUse);
  }
});

test('values that add up to more than float32 holds: no model takes them, so none is saved that could not be read again', async () => {
  const huge = interactions(['ana', 'ana', 'ben'], ['tea', 'tea', 'jam'], { values: [3e38, 3e38, 1] }), half = interactions(['ana', 'ben'], ['tea', 'jam'], { values: [3e38, 1] });
  for (const make of [() => new BPR({ factors: 2, epochs: 1 }), () => new PurchaseHistory(), () => new EASE()]) {
    await rejects(() => make().fit(huge), 'bad-input', "the values of user 'ana' and item 'tea' add up to Infinity");
    const model = await make().fit(half), before = toBytes(model);
    await rejects(() => model.partialFit(interactions(['ana'], ['tea'], { values: [3e38] })), 'bad-input', "events old and new: the values of user 'ana' and item 'tea' add up to Infinity");
    assert.equal(toBytes(model), before);
  }
});

test('data of hardly anything: one user, one item, only zeros, rows without events, fewer items than factors and than are asked for', async () => {
  const ids = LabelEncoder.fit(['a', 'b', 'c', 'd', 'e'], { unknown: true }), none = Number.NEGATIVE_INFINITY;
  const few: Interactions[] = [
    interactions(['u'], ['i'], { values: [3] }), interactions(['u', 'v'], ['i', 'i'], { values: [3, 2] }), interactions(['u', 'u'], ['i', 'j'], { values: [3, 2] }), interactions(['u', 'v', 'u'], ['i', 'j', 'j'], { values: [3, 2, 1] }),
    interactions(['u', 'v', 'u'], ['i', 'j', 'j'], { values: [0, 0, 0] }), interactions(['u', 'u', 'u', 'v'], ['i', 'i', 'i', 'j'], { values: [1, 1, 1, 1] }), interactions(['a', 'b', 'b'], ['a', 'c', 'e'], { values: [1, 2, 3], users: ids, items: ids }),
  ];
  const more: (() => Recommender)[] = [
    () => new AlternatingLeastSquares({ factors: 4, epochs: 3, solver: 'cholesky' }), () => new RatingMF({ factors: 4, epochs: 3, solver: 'adam' }), () => new ItemKNN({ likeness: 'bm25', shrinkage: 2 }), () => new ItemKNN({ likeness: 'tf-idf' }),
    () => new BPR({ factors: 4, epochs: 3, solver: 'sgd', verifyNegatives: true }), () => new BPR({ factors: 4, epochs: 3, solver: 'sgd', blocks: 1000, order: 'random', drawNegatives: 'popularity' }),
  ];
  for (const [at, data] of few.entries()) {
    for (const make of [...Object.values(makers), ...more]) {
      const model = await make().fit(data, { threads: 2 }), users = Array.from({ length: model.nUsers }, (_, user) => user), where = `${model.name}, data ${at}`;
      assert.ok(model.scores(users).every(Number.isFinite), where);
      const { items, scores } = model.recommend(users, { k: 20 });
      assert.ok(items.every((item, place) => (item < 0 ? scores[place] === none : Number.isFinite(scores[place]))), where);
      assert.equal(fromBytes(toBytes(model)).recommend(users, { k: 20 }), { items, scores }, where);
      model.free();
    }
  }
});

test('negative values do not make an item less than unpopular', async () => {
  const model = await new PurchaseHistory().fit(interactions(['ana', 'ben'], ['tea', 'jam'], { values: [-5, 2] }));
  assert.ok(model.scores([1])[model.items.encode('tea')] >= 0);
});

test.run();
