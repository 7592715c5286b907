import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { interactions } from '../../lib/data/index.ts';
import { LabelEncoder } from '../../lib/data/labelEncoder.ts';
import { AlternatingLeastSquares, AutoRec, BPR, BiasOnly, Blend, CDAE, EASE, type ExplainOptions, ItemKNN, LogisticMF, NextItemLSTM, Popularity, PurchaseHistory, type Recommender, SVDPlusPlus, explain } from '../../lib/models.ts';
import { planted } from '../helpers/planted.ts';
import { refuses } from '../helpers/refuses.ts';

const test = suite('models/explain'), { train } = planted({ users: 40, items: 30 });

const ownOf = (model: Recommender, u: number): number[] => { const { indptr, indices } = model.answers.catalogue.seen; return [...indices.subarray(indptr[u], indptr[u + 1])]; };

test('by hand: the parts of an ItemKNN are its amounts times its weights', async () => {
  // alien and solaris share both their users, alien and heidi one of two and one
  const model = await new ItemKNN().fit(interactions(['a', 'a', 'b', 'b', 'b', 'c', 'c'], ['alien', 'solaris', 'alien', 'solaris', 'heidi', 'alien', 'bambi'], { values: [1, 1, 1, 1, 1, 2, 1] }));
  const { by, score, items } = explain(model, 'c', 'solaris'), weight = 2 / (Math.sqrt(6) * Math.sqrt(2)); // <(1, 1, 2), (1, 1, 0)> / (|..| |..|)
  assert.is(by, 'contribution');
  assert.equal(items.map(({ item }) => item), ['alien']); // bambi adds nothing
  assert.ok(Math.abs(items[0].value - 2 * weight) < 1e-6 && Math.abs(score - 2 * weight) < 1e-6);
});

for (const make of [() => new ItemKNN({ amounts: 'log' }), () => new EASE({ lambda: 10 }), () => new AlternatingLeastSquares({ factors: 8, epochs: 4 })]) {
  test(`the contributions of ${make().name} add up to the score, the largest first`, async () => {
    const model = await make().fit(train);
    if (model instanceof AlternatingLeastSquares) await model.partialFitUsers(train); // so that every row is exact
    for (const u of [0, 7, 39]) {
      const item = model.recommendFor(model.users.decode(u))[0], { by, score, items } = explain(model, model.users.decode(u), item.item, { k: 99 }), own = ownOf(model, u);
      assert.is(by, 'contribution');
      assert.ok(Math.abs(score - item.score) < 1e-5 && Math.abs(items.reduce((sum, { value }) => sum + value, 0) - score) < 1e-9);
      assert.ok(items.length > 0 && items.every(({ item: id, value }, at) => value !== 0 && own.includes(model.items.encode(id)) && (at === 0 || value <= items[at - 1].value)));
      assert.equal(explain(model, model.users.decode(u), item.item, { k: 2 }).items, items.slice(0, 2));
    }
  });
}

for (const make of [() => new BPR({ factors: 6, epochs: 2 }), () => new LogisticMF({ factors: 6, epochs: 2 }), () => new SVDPlusPlus({ factors: 6, epochs: 1 }), () => new AutoRec({ hidden: 6, epochs: 1 }), () => new CDAE({ hidden: 6, epochs: 1 }), () => new NextItemLSTM({ factors: 6, hidden: 5, epochs: 1 }), () => new AlternatingLeastSquares({ factors: 6, epochs: 2 })]) {
  test(`the own items of ${make().name} come as similarItems has them`, async () => {
    const model = await make().fit(train) as Recommender;
    for (const similarity of ['cosine', 'dot'] as const) {
      for (const [u, i] of [[0, 3], [39, 29]]) {
        const own = new Set(ownOf(model, u)), { items, scores } = model.similarItems([i], { k: 29, similarity }), want = [...items.keys()].filter((at) => own.has(items[at]));
        assert.equal(explain(model, model.users.decode(u), model.items.decode(i), { k: 99, similarity }), { by: similarity, score: model.score([u], [i])[0], items: want.map((at) => ({ item: model.items.decode(items[at]), value: scores[at] })) });
      }
    }
    if (!(model instanceof AlternatingLeastSquares)) assert.equal(explain(model, model.users.decode(0), model.items.decode(3)), explain(model, model.users.decode(0), model.items.decode(3), { similarity: 'cosine' }));
  });
}

test('an item that the user has is no reason for itself, and a user without items has none', async () => {
  const data = interactions(['a', 'a', 'b', 'b'], ['x', 'y', 'x', 'y'], { users: LabelEncoder.fit(['a', 'b', 'new']), items: LabelEncoder.fit(['x', 'y', 'z']) }), model = await new BPR({ factors: 3, epochs: 1 }).fit(data);
  assert.equal(explain(model, 'a', 'x').items.map(({ item }) => item), ['y']);
  assert.equal(explain(model, 'a', 'z').items.length, 2);
  assert.equal([explain(model, 'new', 'x').items, explain(await new EASE().fit(data), 'new', 'x').items], [[], []]);
});

test('the row for unknown items is no reason', async () => {
  const data = interactions(['a', 'a', 'b'], ['x', 'other', 'y'], { items: LabelEncoder.fit(['x', 'y'], { unknown: true }) });
  for (const model of [new BPR({ factors: 3, epochs: 1 }), new EASE({ lambda: 1 })]) assert.ok(explain(await model.fit(data) as Recommender, 'a', 'y').items.every(({ item }) => item === 'x'), model.name);
});

test('what cannot be explained is refused, in a sentence', async () => {
  const model = await new BPR({ factors: 3, epochs: 1 }).fit(train), user = model.users.decode(0), item = model.items.decode(0);
  refuses(() => explain(model, 'nobody', item), 'unknown-id', "BPR.explain: user 'nobody' is not among the 40 the model knows");
  refuses(() => explain(model, user, 'nothing'), 'unknown-id', "BPR.explain: item 'nothing' is not among the 30");
  refuses(() => explain(model, user, item, { k: 0 }), 'bad-setting', 'BPR.explain: k must be a whole number');
  refuses(() => explain(model, user, item, { n: 3 } as ExplainOptions), 'bad-setting', "no option 'n'");
  refuses(() => explain(model, user, item, { similarity: 'l2' } as never), 'bad-setting', "similarity must be 'cosine' or 'dot', got \"l2\"");
  refuses(() => explain(new BPR(), user, item), 'not-fitted');
  for (const other of [new Popularity(), new PurchaseHistory(), new BiasOnly(), new Blend([new EASE(), new Popularity()])] as Recommender[]) {
    const { train: two } = planted({ users: 12, items: 30 });
    await other.fit(two, other instanceof Blend ? { validation: () => 1 } : {});
    refuses(() => explain(other, other.users.decode(0), other.items.decode(0)), 'unsupported', `${other.name}.explain: ${other.name} does not know which items are alike`);
  }
  for (const other of [new EASE(), new ItemKNN()]) refuses(() => explain(other, user, item, { similarity: 'cosine' }), 'not-fitted');
  for (const other of [await new EASE().fit(train), await new ItemKNN().fit(train)]) refuses(() => explain(other, user, item, { similarity: 'cosine' }), 'unsupported', `${other.name} has weights between items, not vectors; leave similarity out`);
});

test.run();
