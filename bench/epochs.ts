import { backend, loops, variants } from '../kernels/index.ts';
import { type Block, allocate, free } from '../kernels/memory.ts';
import type { Part } from '../kernels/spread.ts';
import { holdThreads, runParts } from '../kernels/threads.ts';
import type { Interactions } from '../lib/data/interactions.ts';
import { type Cell, type VisitOrder, cutGrid } from '../lib/models/grid.ts';
import { type Met, metBefore } from '../lib/models/met.ts';
import { random } from '../lib/random.ts';
import { agreeing } from './check.ts';
import type { Row } from './results.ts';
import { shape, shapes } from './shapes.ts';
import { type Pace, timed } from './timing.ts';

/**
 * Whole epochs of stochastic gradient descent by the fused kernels, with all that belongs to them: dealing the items and sorting the events into
 * the cells of the grid, then every cell once. As in the library implicit, other items are those of random events (by popularity), and a draw that
 * the user has met is not drawn again where that is asked: the pair is skipped. It counts as a sample all the same. The hybrid has no features but ids; as in
 * the library LightFM it draws up to ten items, each as likely, until one is not far behind: the more often the longer it has learned.
 */
interface Epoch { kernel: 'bprEpoch' | 'mfEpoch' | 'hybridWarpEpoch'; scale: 'small' | 'large'; K: number; verify: boolean; order: VisitOrder; threads: number }

/** epochs: what can be timed; on two threads too where events are visited user by user. */
export const epochs: readonly Epoch[] = (['small', 'large'] as const).flatMap((scale) => [
  ...[64, 128].flatMap((K) => [false, true].flatMap((verify) => (['users', 'random'] as const).map((order): Omit<Epoch, 'threads'> => ({ kernel: 'bprEpoch', scale, K, verify, order })))),
  { kernel: 'mfEpoch' as const, scale, K: 64, verify: false, order: 'users' as const },
  { kernel: 'hybridWarpEpoch' as const, scale, K: 64, verify: true, order: 'users' as const },
].flatMap((epoch): Epoch[] => (epoch.order === 'users' && backend().threads > 1 ? [1, 2] : [1]).map((threads) => ({ ...epoch, threads }))));

/** The events of a shape; the large one takes seconds to make. */
let made: { scale: Epoch['scale']; pairs: Interactions } | null = null;
function pairsOf(scale: Epoch['scale']): Interactions {
  if (made?.scale !== scale) made = { scale, pairs: shape(shapes[scale][0], shapes[scale][1], shapes[scale][2]) };
  return made.pairs;
}

/** epochRow: samples a second; before that, the loop must agree. The epochs go on from one another's tables, the first of them to warm up. */
export async function epochRow({ kernel, scale, K, verify, order, threads }: Epoch, pace: Pace): Promise<Row> {
  const [nUsers, nItems, nnz] = shapes[scale], pairs = pairsOf(scale), next = random(1), held: Block[] = [];
  const data = { ...pairs, value: kernel === 'mfEpoch' ? Float32Array.from(pairs.user, () => 1 + next.below(5)) : null, matrix: pairs.matrix };
  const table = (n: number, scale: number): Block => { const block = allocate(n), w = block.floats(); held.push(block); for (let at = 0; at < n; at++) w[at] = scale * (2 * next.uniform() - 1); return block; };
  const [U, V, b, c] = [table(nUsers * K, K ** -0.5), table(nItems * K, K ** -0.5), table(nUsers, 0), table(nItems, 0)];
  const grid = cutGrid(data, { blocks: null, order }, K), met = verify ? metBefore(pairs.matrix) : null, team = holdThreads(threads);
  const hybrid = kernel === 'hybridWarpEpoch' ? hybridOf(U, V, c, met!, nUsers, nItems, K, grid.blocks, held) : null;
  const part = (cell: Cell, at: number): Part => {
    if (hybrid) return hybrid(cell, at);
    const { n, u, i, value, state } = cell;
    return kernel === 'mfEpoch'
      ? ['mfEpoch', U.floats(), V.floats(), b.floats(), c.floats(), u, i, value, n, K, 3, 0.005, 0.02]
      : ['bprEpoch', U.floats(), V.floats(), c.floats(), state, u, i, i, met?.ids.ints() ?? u, met?.start.ints() ?? u, n, n, K, met?.words ?? -1, 1, 0.05, 0.002, 0.002];
  };
  const epoch = (): void => team.run(() => {
    grid.deal(next);
    for (let round = 0; round < grid.rounds; round++) runParts(grid.round(round).map(part));
  });
  try {
    grid.deal(random(2));
    agreeing(() => checkPart(part(grid.round(0)[0], 0)));
    await team.start();
    const began = performance.now();
    epoch();
    const { quartiles: [fast, slow], ...timing } = await timed(epoch, false, performance.now() - began, pace), rate = (milliseconds: number): number => nnz / 1000 / milliseconds;
    return {
      group: 'epochs', kernel, name: kernel, scale, unit: 'M samples/s', variant: `${variants.simd ? 'simd' : 'loop'}${threads === 1 ? '' : `, ${threads} threads`}`,
      median: rate(timing.milliseconds), low: rate(slow), high: rate(fast), ...timing,
      size: `${nUsers.toLocaleString('en-US')} x ${nItems.toLocaleString('en-US')}, ${nnz.toLocaleString('en-US')} events, ${K} factors${kernel === 'hybridWarpEpoch' ? ', ids alone' : ''}${kernel === 'bprEpoch' ? `, ${verify ? 'verified' : 'not verified'}, ${order === 'users' ? 'user by user' : 'at random'}` : ''}`,
    };
  } finally {
    team.release();
    grid.free();
    met?.free();
    held.forEach(free);
  }
}

/** So many events are learned from by the loop too. */
const CHECKED = 300;

/** Does the first events of a cell, and the same by the loop on copies. Errors: one that says where they differ by more than rounding does. */
function checkPart(part: Part): void {
  const [kernel, ...args] = part, events = args.findIndex((arg) => typeof arg === 'number'), few = args.with(events, Math.min(CHECKED, args[events] as number));
  const copies = few.map((arg) => (typeof arg === 'number' ? arg : arg.slice())), want = (loops[kernel] as (...args: unknown[]) => number)(...copies), [got] = runParts([[kernel, ...few]]);
  if (!(Math.abs(got - want) <= 1e-5 * Math.abs(want))) throw new Error(`the loss of ${CHECKED} events is ${got}, by the loop ${want}`);
  const room = kernel === 'hybridWarpEpoch' ? 7 : -1; // which each variant uses as it likes
  for (const [at, arg] of few.entries()) if (typeof arg !== 'number' && at !== room) for (let k = 0; k < arg.length; k++) if (!(Math.abs(arg[k] - copies[at][k as never]) <= 1e-5 * (1 + Math.abs(arg[k])))) throw new Error(`argument ${at} is ${arg[k]} at ${k}, by the loop ${copies[at][k as never]}`);
}

/** The call of hybridWarpEpoch for a cell, the one at that place in its round, where every user and every item has its id alone; what it needs besides goes to `held`. */
function hybridOf(U: Block, V: Block, c: Block, met: Met, nUsers: number, nItems: number, K: number, blocks: number, held: Block[]): (cell: Cell, at: number) => Part {
  const take = (length: number): Block => { const block = allocate(length); held.push(block); return block; };
  const [sU, sV, sc] = [nUsers * K, nItems * K, nItems].map((length) => { const sums = take(length); sums.floats().fill(1); return sums; }), scratch = take(3 * K * blocks);
  const most = Math.max(nUsers, nItems), start = take(most + 1), ones = take(most);
  for (let row = 0; row <= most; row++) start.ints()[row] = row;
  ones.floats().fill(1);
  return ({ n, u, i, items, state }, at) => {
    const ids = start.ints(), weights = ones.floats(); // row by row, feature r of weight 1
    return ['hybridWarpEpoch', U.floats(), sU.floats(), V.floats(), sV.floats(), c.floats(), sc.floats(), state, scratch.floats().subarray(3 * K * at, 3 * K * (at + 1)),
      u, i, items, met.ids.ints(), met.start.ints(), ids, ids, weights, ids, ids, weights, n, items.length, nItems, K, met.words, 10, 0.05, 0, 0];
  };
}
