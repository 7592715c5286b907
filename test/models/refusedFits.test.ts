import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Block, allOrNone, allocate, free, limitMemory, linearMemory, memoryUse } from '../../kernels/memory.ts';
import { Tensor } from '../../lib/autodiff/index.ts';
import { id } from '../../lib/data/index.ts';
import { type FitOptions, type Interactions, AlternatingLeastSquares, AutoRec, BPR, CDAE, FactorizationMachine, HistoryToNext, HybridMF, LogisticMF, LogisticMatrixFactorization, NextItemLSTM, Popularity, RatingMF, type Recommender, SVDPlusPlus, Siamese, TwoTower, fromBytes, interactions, toBytes } from '../../lib/models.ts';
import { forged } from '../helpers/forged.ts';
import { rejects } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';

// A fit that is refused, or finds no room, keeps nothing: not until a garbage collector comes, for none may come before the memory is full.

const test = suite('models/refusedFits'), range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const data = interactions(range(4000).map((at) => at % 997), range(4000).map((at) => (at * 7) % 499), { values: range(4000).map((at) => 1 + at % 5), times: range(4000) });
const small = { epochs: 1, seed: 1 };
const makers: Record<string, () => Recommender> = {
  BPR: () => new BPR({ ...small, factors: 32 }), 'BPR sgd': () => new BPR({ ...small, factors: 32, solver: 'sgd' }), LogisticMF: () => new LogisticMF({ ...small, factors: 32 }),
  AlternatingLeastSquares: () => new AlternatingLeastSquares({ ...small, factors: 32 }), NextItemLSTM: () => new NextItemLSTM({ ...small, factors: 32, hidden: 32 }),
  LogisticMatrixFactorization: () => new LogisticMatrixFactorization({ ...small, factors: 32 }), RatingMF: () => new RatingMF({ ...small, factors: 32, solver: 'adam' }), SVDPlusPlus: () => new SVDPlusPlus({ ...small, factors: 32 }),
  AutoRec: () => new AutoRec({ ...small, hidden: 32 }), CDAE: () => new CDAE({ ...small, hidden: 32 }), HistoryToNext: () => new HistoryToNext({ ...small, factors: 32, layers: [32] }),
  FactorizationMachine: () => new FactorizationMachine({ ...small, factors: 32 }), HybridMF: () => new HybridMF({ ...small, factors: 32 }), Siamese: () => new Siamese({ ...small, layers: [32], userFeatures: { id: id() }, itemFeatures: { id: id() } }),
  TwoTower: () => new TwoTower({ ...small, layers: [32], userFeatures: { id: id() }, itemFeatures: { id: id() } }),
};

/** Blocks that fill the memory as large as it is. */
function filled(): Block[] {
  const { size, limit } = memoryUse(), blocks: Block[] = [];
  limitMemory(size);
  for (const length of [2 ** 18, 2 ** 13, 16]) for (;;) try { blocks.push(allocate(length)); } catch { break; }
  limitMemory(limit);
  return blocks;
}

/** What is in use, but for what the last step has left for the next: a request for more than there can be takes that back. */
function used(): number {
  assert.throws(() => allocate(memoryUse().limit / 4), 'memory cannot hold');
  return memoryUse().inUse;
}

for (const [name, make] of Object.entries(makers)) {
  test(`${name}: refused options, an aborted signal, checkpoints that cannot be read leave nothing`, async () => {
    const model = make(), before = await settled();
    const wrong: [FitOptions, RegExp][] = [
      [{ threads: 0 }, /threads must be/], [{ validation: 5 as never }, /validation must be/], [{ signal: AbortSignal.abort(new Error('enough')) }, /enough/],
      [{ checkpoints: { load: () => { throw new Error('no disk'); }, save() {} } }, /no disk/], [{ checkpoints: { load: () => ({}) as never, save() {} } }, /load must give what save was given/],
    ];
    for (const [options, message] of wrong) {
      const held = used();
      let said = '';
      try { await model.fit(data, options); } catch (error) { said = (error as Error).message; }
      assert.match(said, message);
      assert.ok(used() <= held, `${used() - held} bytes after '${said}'`);
    }
    assert.is(model.fitted, false);
    assert.ok(await settled() <= before);
    await model.fit(data);
    model.free();
  });

  if (linearMemory !== null) test(`${name}: a memory that is too small says so, keeps nothing, and fits as soon as it is large enough`, async () => {
    await settled();
    const { limit, size } = memoryUse(), model = make(), full = filled();
    let refused = 0;
    try {
      for (let room = 2 ** 16; ; room += 2 ** 17) {
        limitMemory(size + room);
        const held = used();
        try { await model.fit(data); break; } catch (error) {
          refused++;
          assert.is((error as { code?: string }).code, 'out-of-memory', String(error));
          assert.ok(used() <= held, `${used() - held} bytes, with room for ${room}`);
          if (room > 2 ** 27) throw error;
        }
      }
    } finally {
      limitMemory(limit);
      full.forEach(free);
    }
    assert.ok(model.fitted && refused > 1);
    model.free();
  });
}

test('pairs that cannot be learned from are refused before there are tables', async () => {
  const wrong = interactions(['a', 'a', 'b'], ['x', 'y', 'x'], { values: [1, -3, 1] }), model = new AlternatingLeastSquares({ factors: 512 }), held = await settled();
  await rejects(() => model.fit(wrong), 'bad-input', "user 'a' in item 'y'");
  assert.ok(used() <= held);
});

test('a file whose last number is wrong leaves none of its tables', async () => {
  for (const model of [new BPR({ ...small, factors: 64 }), new LogisticMF({ ...small, factors: 64 }), new AlternatingLeastSquares({ ...small, factors: 64 }), new NextItemLSTM({ ...small, factors: 64, hidden: 64 })]) {
    const bytes = toBytes(await model.fit(data));
    for (const epochs of [0, -1, 1.5, 2 ** 53 - 1]) {
      const wrong = forged(bytes, ({ metadata }) => { metadata.numbers = JSON.stringify({ epochs }); }), held = used();
      let said = '';
      try { fromBytes(wrong); } catch (error) { said = (error as Error).message; }
      assert.match(said, /the number epochs must be (?:a whole number from 1 up|at most 1000000000000), got/);
      assert.ok(used() <= held, `${model.name}: ${used() - held} bytes`);
    }
    model.free();
  }
});

test('a model from a file goes on with the random numbers of its seed and the epochs done, and an optimiser of its own', async () => {
  const tensorsOf = (model: Recommender): unknown => Object.values(model.toState().tensors).map(({ data }) => data);
  for (const make of [() => new BPR({ ...small, factors: 4 }), () => new LogisticMF({ ...small, factors: 4 }), () => new NextItemLSTM({ ...small, factors: 4, hidden: 4 })]) {
    const model = await make().fit(data), bytes = toBytes(model);
    const as = (seed: number, epochs: number): Recommender => fromBytes(forged(bytes, ({ metadata }) => {
      metadata.settings = JSON.stringify({ ...JSON.parse(metadata.settings), seed });
      metadata.numbers = JSON.stringify({ epochs });
    }));
    const [one, same, other] = [as(1, 3), as(3, 1), as(1, 1)];
    for (const each of [one, same, other]) await each.partialFit(data);
    assert.equal(tensorsOf(one), tensorsOf(same), `${model.name}: both begin with random(4)`);
    assert.not.equal(tensorsOf(one), tensorsOf(other));
    await model.partialFit(data); // whose optimiser and numbers are those of the fit
    assert.not.equal(tensorsOf(model), tensorsOf(other));
  }
});

test('allOrNone: what was allocated goes back when the work throws, nested or not, and stays when it does not', () => {
  const before = used(), kept = allOrNone(() => [allocate(100), allOrNone(() => allocate(50))]);
  assert.is(used(), before + 448 + 256);
  assert.throws(() => allOrNone(() => { allOrNone(() => Tensor.lasting([100])); allocate(7); throw new Error('no more'); }), 'no more');
  assert.throws(() => allOrNone(() => { kept.push(allocate(100)); try { allOrNone(() => { allocate(100); throw new Error('inner'); }); } catch { /* goes on */ } throw new Error('outer'); }), 'outer');
  assert.is(used(), before + 448 + 256);
  assert.equal(kept.map(({ open }) => open), [true, true, false]);
});

// partialFit, fit and free, one inside the other

test('partialFit of a model that was not fitted is its own fit', async () => {
  for (const Model of [Popularity, BPR, LogisticMF, AlternatingLeastSquares, NextItemLSTM]) {
    let asked = 0;
    class Mine extends (Model as unknown as new (settings?: object) => Recommender) { // oxlint-disable-line no-loop-func
      override async fit(given: Interactions, options?: FitOptions): Promise<this> { asked++; return super.fit(given, options); }
    }
    const model = new Mine(Model === Popularity ? {} : { factors: 2, epochs: 1 });
    await model.partialFit(data);
    await model.partialFit(data);
    assert.is(asked, 1, model.name);
  }
});

test('a model is not free for others between loading what learns and learning', async () => {
  class Mine extends BPR {
    said: string[] = [];
    override check(): void {
      super.check();
      for (const call of [() => this.free(), () => void this.fit(data).catch((error: Error) => this.said.push(error.message))]) try { call(); } catch (error) { this.said.push((error as Error).message); }
    }
  }
  const model = new Mine({ factors: 2, epochs: 1 });
  await model.fit(data);
  assert.ok(model.fitted);
  assert.is(model.said.length, 2);
  for (const said of model.said) assert.match(said, /^BPR\.(?:free|fit): this model is being fitted/);
});

test.run();
