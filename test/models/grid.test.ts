import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { kernels } from '../../kernels/index.ts';
import { limitMemory, linearMemory, memoryUse } from '../../kernels/memory.ts';
import { BPR, type BPRSettings, type EpochReport, RatingMF, type VisitOrder } from '../../lib/models.ts';
import { interactions } from '../../lib/data/index.ts';
import { fit } from '../../lib/gpu/index.ts';
import { type Cell, type GridSettings, cutGrid } from '../../lib/models/grid.ts';
import { metBefore } from '../../lib/models/met.ts';
import { evaluate } from '../../lib/metrics/index.ts';
import { random, restoreRandom } from '../../lib/random.ts';
import { maxAbsDiff } from '../helpers/numeric.ts';
import { planted } from '../helpers/planted.ts';
import { refuses, rejects } from '../helpers/refuses.ts';
import { settled } from '../helpers/settled.ts';
import { shop } from '../helpers/shop.ts';

const test = suite('models/grid');
const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);
const numbered = (data = planted({ users: 60, items: 41, each: 12 }).train): ReturnType<typeof shop> => ({ ...data, value: Float32Array.from(data.user, (_, event) => event), matrix: data.matrix });
const copies = (cells: readonly Cell[]): Cell[] => cells.map((cell) => ({ ...cell, u: cell.u.slice(), i: cell.i.slice(), value: cell.value.slice(), items: cell.items.slice(), state: cell.state.slice() }));

// the first test, while the memory is small
if (linearMemory !== null) test('where there is no room to lay the events out, the fit says so, and nothing is left behind', async () => {
  const n = 500_000, data = interactions(range(n).map((e) => e % 5000), range(n).map((e) => (e * 7919) % 3001), { values: range(n).map((e) => e % 5) }), inUse = await settled(), { size, limit } = memoryUse();
  for (const make of [() => new BPR({ solver: 'sgd', factors: 8, epochs: 1, verifyNegatives: true }), () => new RatingMF({ factors: 8, epochs: 1, order: 'users' satisfies VisitOrder })]) {
    let failed = 0, named = 0;
    for (const more of range(8)) {
      limitMemory(size + more * 2 ** 21);
      try { (await make().fit(data)).free(); } catch (error) {
        failed++;
        refuses(() => { throw error; }, 'out-of-memory', /MiB are (in use|free)/, /use fewer (factors|events)/); // the tables, the grid, what users have met
        if (/^\w+\.fit: 500,000 events, laid out in 8 x 8 cells, need \d+ MiB of tightrec's memory/.test((error as Error).message)) named++;
      } finally { limitMemory(limit); }
      assert.is(memoryUse().inUse, inUse, `${more}`);
    }
    assert.ok(failed > 2 && named > 0, `${failed} of 8, ${named} for the grid`);
  }
});

for (const settings of [{ blocks: 1, order: 'users' }, { blocks: 1, order: 'random' }, { blocks: 4, order: 'users' }, { blocks: 7, order: 'random' }, { blocks: 100, order: 'users' }, { blocks: null, order: 'random' }] as GridSettings[]) {
  test(`an epoch visits every event once, and the cells of a round share no row: ${settings.blocks} blocks, ${settings.order}`, () => {
    const data = numbered(), before = memoryUse().inUse, grid = cutGrid(data, settings, settings.blocks === null ? 100_000 : 8), next = random(3);
    for (let epoch = 0; epoch < 2; epoch++) {
      grid.deal(next);
      const seen: number[] = [], states = new Set<string>();
      for (const round of range(grid.rounds).map((at) => copies(grid.round(at)))) {
        assert.ok(round.length <= grid.blocks);
        for (const cell of round) {
          assert.equal([cell.u.length, cell.i.length, cell.value.length, cell.state.length, cell.state[4]], [cell.n, cell.n, cell.n, 5, 0]);
          assert.ok(cell.items.length >= 2, 'an item, and another');
          for (const [at, event] of cell.value.entries()) assert.equal([cell.u[at], cell.i[at]], [data.user[event], data.item[event]]);
          assert.ok(cell.i.every((item) => cell.items.includes(item)));
          if (settings.order === 'users') assert.equal([...cell.u], [...cell.u].sort((a, b) => a - b));
          seen.push(...cell.value);
          states.add(cell.state.join());
          for (const other of round) if (other !== cell) assert.ok(!other.u.some((user) => cell.u.includes(user)) && !other.items.some((item) => cell.items.includes(item)));
        }
      }
      assert.equal(seen.sort((a, b) => a - b), range(data.user.length));
      assert.ok(states.size > 0 && (grid.blocks === 1 || states.size > grid.rounds));
    }
    grid.free();
    assert.is(memoryUse().inUse, before);
  });
}

test('blocks: eight where each has 64 items, more where a block would not fit the cache, never more than users or pairs of items', () => {
  const blocksOf = (nUsers: number, nItems: number, K: number, blocks: number | null = null): number => {
    const grid = cutGrid(interactions(range(nUsers * nItems).map((at) => at % nUsers), range(nUsers * nItems).map((at) => Math.floor(at / nUsers))), { blocks, order: 'users' }, K);
    grid.free();
    return grid.blocks;
  };
  assert.equal([blocksOf(9, 511, 8), blocksOf(9, 512, 8), blocksOf(3, 512, 8), blocksOf(20, 600, 6000), blocksOf(20, 600, 8, 1), blocksOf(20, 5, 8, 9)], [1, 8, 3, 14, 1, 2]);
});

test('one block of items, many events: user by user in their order, in cells that do not take long', () => {
  const n = 600_000, user = range(n).map((at) => (at * 7) % 2000), grid = cutGrid(interactions(user, range(n).map((at) => at % 11)), { blocks: 1, order: 'users' }, 8), next = random(3);
  grid.deal(next);
  const cells = range(grid.rounds).map((round) => grid.round(round));
  assert.equal([cells.length, cells.map((cells) => cells.length)], [3, [1, 1, 1]]);
  assert.ok(cells.every(([{ n }]) => Math.abs(n - 200_000) <= 300), 'a user has 300');
  assert.equal(cells.flatMap(([{ u }]) => [...u]), user.toSorted((a, b) => a - b));
  assert.is(new Set(cells.map(([{ state }]) => state.join())).size, 3);
  grid.free();
});

test('users are cut where their events are as many, items are dealt anew, and random order is another each time', () => {
  const grid = cutGrid(numbered(), { blocks: 4, order: 'random' }, 8), next = random(5), deals: Cell[][] = [];
  for (let epoch = 0; epoch < 2; epoch++) { grid.deal(next); deals.push(copies(grid.round(0))); }
  assert.not.equal(deals[0].map(({ items }) => [...items]), deals[1].map(({ items }) => [...items]));
  const perBlock = new Map<number, number>();
  for (const round of range(grid.rounds)) for (const { u, n } of grid.round(round)) perBlock.set(Math.floor(u[0] / 15), (perBlock.get(Math.floor(u[0] / 15)) ?? 0) + n);
  assert.equal([...perBlock.values()], [135, 135, 135, 135]);
  grid.free();
});

test('the cells of a round may be worked on in any order', () => {
  const data = numbered(), K = 6, tables = (backwards: boolean): Float32Array[] => {
    const next = random(9), [U, V, c] = [60 * K, 41 * K, 41].map((n) => Float32Array.from({ length: n }, () => next.uniform() - 0.5)), grid = cutGrid(data, { blocks: 5, order: 'users' }, K);
    grid.deal(next);
    for (const round of range(grid.rounds)) for (const { n, u, i, items, state } of backwards ? grid.round(round).toReversed() : grid.round(round)) kernels.bprEpoch(U, V, c, state, u, i, items, u, u, n, items.length, K, -1, 5, 0.1, 0.01, 0.02);
    grid.free();
    return [U, V, c];
  };
  assert.equal(tables(true), tables(false));
});

test('what users have met: a bitmap where it is small, sorted rows where not', () => {
  const { matrix } = shop(), small = metBefore(matrix), large = metBefore({ ...matrix, columns: 2 ** 21 });
  assert.is(small.words, 1);
  for (let user = 0; user < matrix.rows; user++) for (let item = 0; item < 17; item++) assert.is((small.ids.ints()[user] >> item) & 1, matrix.indices.subarray(matrix.indptr[user], matrix.indptr[user + 1]).includes(item) ? 1 : 0);
  assert.equal([large.words, large.ids.ints(), large.start.ints()], [0, matrix.indices, matrix.indptr]);
  small.free();
  large.free();
});

test('BPR by sgd does what a slow program does', async () => {
  const data = shop(), settings: Partial<BPRSettings> = { solver: 'sgd', factors: 5, epochs: 3, learningRate: 0.1, learningRateDecay: 0.5, l2: 0.01, itemL2: 0.03, initialBias: 0.5, verifyNegatives: true, seed: 9 }, K = 5, losses: number[] = [];
  const model = await new BPR(settings).fit(data, { onEpoch: ({ loss }: EpochReport) => { losses.push(loss); } }), { tensors } = model.toState();

  const next = random(9), bound = Math.sqrt(2 / K), uniform = (n: number, most: number): Float64Array => Float64Array.from({ length: n }, () => Math.fround(most * (2 * next.uniform() - 1)));
  const U = uniform(23 * K, bound), V = uniform(17 * K, bound), c = uniform(17, 0.5), events = range(data.user.length).sort((a, b) => data.user[a] - data.user[b] || a - b), want: number[] = [];
  for (let epoch = 0; epoch < 3; epoch++) {
    const draws = restoreRandom(range(4).map(() => next.uint32())), rate = 0.1 * 0.5 ** epoch;
    let loss = 0, made = 0;
    for (const e of events) {
      const u = data.user[e], i = data.item[e], row = data.matrix.indices.subarray(data.matrix.indptr[u], data.matrix.indptr[u + 1]);
      let j = -1;
      for (let t = 0; t < 10 && j < 0; t++) { const item = draws.below(17); if (!row.includes(item)) j = item; }
      if (j < 0) continue; // the last user has met everything
      const a = U.slice(u * K, u * K + K), p = V.slice(i * K, i * K + K), q = V.slice(j * K, j * K + K), x = c[i] - c[j] + a.reduce((sum, value, k) => sum + value * (p[k] - q[k]), 0), g = 1 / (1 + Math.exp(x));
      loss += Math.log(1 + Math.exp(-x));
      made++;
      for (let k = 0; k < K; k++) { U[u * K + k] += rate * (g * (p[k] - q[k]) - 0.01 * a[k]); V[i * K + k] += rate * (g * a[k] - 0.03 * p[k]); V[j * K + k] += rate * (-g * a[k] - 0.03 * q[k]); }
      c[i] += rate * g;
      c[j] -= rate * g;
    }
    assert.ok(made > 0 && made < events.length - 16);
    want.push(loss / made);
  }
  assert.ok(maxAbsDiff(losses, want) < 1e-5, `${losses} ${want}`);
  for (const [name, w] of [['user_factors', U], ['item_factors', V], ['item_bias', c]] as const) assert.ok(maxAbsDiff(tensors[name].data, w) < 1e-5, name);
});

test('RatingMF: predictions held to the range of the ratings; the mean, and the range in its file', async () => {
  const data = interactions(['a', 'a', 'b', 'b', 'c'], ['x', 'y', 'x', 'z', 'y'], { values: [1, 5, 2, 4, 5] }), model = await new RatingMF({ factors: 2, epochs: 200, learningRate: 0.05, l2: 0.001 }).fit(data);
  const state = model.toState(), pairs = [[0, 0, 1, 1, 2], [0, 1, 0, 2, 1]] as const;
  assert.ok(Math.abs(state.tensors.global_bias.data[0] - 17 / 5) < 1e-6);
  assert.equal([state.numbers.lowest, state.numbers.highest], [1, 5]);
  assert.ok(maxAbsDiff(model.predict(...pairs), [1, 5, 2, 4, 5]) < 0.1, `${model.predict(...pairs)}`);
  const narrow = RatingMF.fromState({ ...state, numbers: { epochs: 1, lowest: 2.5, highest: 4.5 } });
  assert.ok(maxAbsDiff(narrow.predict(...pairs), [2.5, 4.5, 2.5, 4, 4.5]) < 0.1);
  assert.equal([narrow.predict(...pairs, { clip: false }), narrow.score(...pairs)], [model.score(...pairs), model.score(...pairs)]);
  refuses(() => model.predict([0], [0], { clip: 'yes' as unknown as boolean }), 'bad-setting', 'RatingMF.predict: clip must be true or false');
  refuses(() => RatingMF.fromState({ ...state, numbers: { epochs: 1 } }), 'file-damaged', 'lowest and highest', 'got none');
  await model.partialFit(interactions(['a'], ['z'], { values: [9] }));
  assert.equal([model.toState().numbers.lowest, model.toState().numbers.highest], [1, 9]);
});

test('RatingMF refuses events without ratings, and settings and presets that contradict each other are refused', async () => {
  const bare = interactions(['a', 'b'], ['x', 'y']);
  await rejects(() => new RatingMF().fit(bare), 'bad-input', 'RatingMF.fit: expected a rating for each event, but these interactions have no values');
  const model = await new RatingMF({ factors: 2 }).fit(interactions(['a', 'b'], ['x', 'y'], { values: [1, 2] }));
  await rejects(() => model.partialFit(bare), 'bad-input', 'RatingMF.partialFit: expected a rating');
  refuses(() => interactions(['a'], ['x'], { values: [Number.NaN] }), 'bad-input', 'values must be finite numbers, got NaN');
  await rejects(() => fit(new BPR({ solver: 'sgd' }), bare), 'unsupported', "fit on a gpu: a device trains in batches, with solver 'adam', got 'sgd'");
  refuses(() => new BPR({ preset: 'chapter', solver: 'sgd' }).check(), 'bad-setting', "BPR: preset 'chapter' is of solver 'adam'");
});

test('BPR by sgd: where no other item is left nothing is learned, and nothing hangs', async () => {
  const all = interactions(range(6).map((at) => Math.floor(at / 3)), range(6).map((at) => at % 3)), losses: number[] = [];
  const settings: Partial<BPRSettings> = { solver: 'sgd', factors: 4, epochs: 2, verifyNegatives: true }, model = await new BPR(settings).fit(all, { onEpoch: ({ loss }) => { losses.push(loss); } });
  assert.equal(losses, [0, 0]);
  assert.equal([...model.toState().tensors.item_bias.data], [0, 0, 0]);
  assert.equal((await new BPR({ ...settings, verifyNegatives: false }).fit(interactions(['a', 'b'], ['x', 'x']))).recommendFor('a', { excludeSeen: false }).map(({ item }) => item), ['x']);
});

test('user by user, at random, in one block or in many, on the tape: the same quality', async () => {
  const { train, test: held } = planted({ users: 400, items: 150, each: 32, factors: 3 }), reached: Record<string, number> = {};
  const ways: Record<string, Partial<BPRSettings>> = { users: {}, random: { order: 'random' }, blocks: { blocks: 4 }, 'blocks, random': { blocks: 4, order: 'random' }, popularity: { drawNegatives: 'popularity', blocks: 4 } };
  for (const [way, settings] of Object.entries(ways)) {
    const model = await new BPR({ solver: 'sgd', factors: 8, epochs: 40, learningRate: 0.1, l2: 0.01, ...settings }).fit(train);
    reached[way] = evaluate(model, held.matrix, { k: 10, exclude: train.matrix, metrics: ['ndcg'] }).ndcg;
  }
  const tape = await new BPR({ factors: 8, epochs: 12, stepsPerEpoch: 20, batchSize: 600, learningRate: 0.03, l2: 3e-6 }).fit(train);
  reached.tape = evaluate(tape, held.matrix, { k: 10, exclude: train.matrix, metrics: ['ndcg'] }).ndcg;
  if (process.env.TIGHTREC_SHOW) console.log(reached);
  const { popularity, tape: onTape, ...uniform } = reached, worst = Math.min(...Object.values(uniform));
  assert.ok(Math.max(...Object.values(uniform)) - worst < 0.02, JSON.stringify(reached));
  assert.ok(worst > onTape - 0.01 && popularity > 0.4, JSON.stringify(reached)); // by popularity is another aim: what everybody has is held back
});

test.run();
