import { backend, variants } from '../kernels/index.ts';
import { type Block, allocate, free } from '../kernels/memory.ts';
import type { Part } from '../kernels/spread.ts';
import { holdThreads, runParts } from '../kernels/threads.ts';
import type { Interactions } from '../lib/data/interactions.ts';
import { type Cell, type VisitOrder, cutGrid } from '../lib/models/grid.ts';
import { metBefore } from '../lib/models/met.ts';
import { random } from '../lib/random.ts';
import type { Row } from './results.ts';
import { shape, shapes } from './shapes.ts';
import { type Pace, timed } from './timing.ts';

/**
 * Whole epochs of stochastic gradient descent by the fused kernels, with all that belongs to them: dealing the items and sorting the events into
 * the cells of the grid, then every cell once. As in the library implicit, other items are those of random events (by popularity), and a draw that
 * the user has met is not drawn again where that is asked: the pair is skipped. It counts as a sample all the same.
 */
interface Epoch { kernel: 'bprEpoch' | 'mfEpoch'; scale: 'small' | 'large'; K: number; verify: boolean; order: VisitOrder; threads: number }

/** epochs: what can be timed; on two threads too where events are visited user by user. */
export const epochs: readonly Epoch[] = (['small', 'large'] as const).flatMap((scale) => [
  ...[64, 128].flatMap((K) => [false, true].flatMap((verify) => (['users', 'random'] as const).map((order): Omit<Epoch, 'threads'> => ({ kernel: 'bprEpoch', scale, K, verify, order })))),
  { kernel: 'mfEpoch' as const, scale, K: 64, verify: false, order: 'users' as const },
].flatMap((epoch): Epoch[] => (epoch.order === 'users' && backend().threads > 1 ? [1, 2] : [1]).map((threads) => ({ ...epoch, threads }))));

/** The events of a shape; the large one takes seconds to make. */
let made: { scale: Epoch['scale']; pairs: Interactions } | null = null;
function pairsOf(scale: Epoch['scale']): Interactions {
  if (made?.scale !== scale) made = { scale, pairs: shape(shapes[scale][0], shapes[scale][1], shapes[scale][2]) };
  return made.pairs;
}

/** epochRow: samples a second. */
export async function epochRow({ kernel, scale, K, verify, order, threads }: Epoch, pace: Pace): Promise<Row> {
  const [nUsers, nItems, nnz] = shapes[scale], pairs = pairsOf(scale), next = random(1), held: Block[] = [];
  const data = { ...pairs, value: kernel === 'mfEpoch' ? Float32Array.from(pairs.user, () => 1 + next.below(5)) : null, matrix: pairs.matrix };
  const table = (n: number, scale: number): Block => { const block = allocate(n), w = block.floats(); held.push(block); for (let at = 0; at < n; at++) w[at] = scale * (2 * next.uniform() - 1); return block; };
  const [U, V, b, c] = [table(nUsers * K, K ** -0.5), table(nItems * K, K ** -0.5), table(nUsers, 0), table(nItems, 0)];
  const grid = cutGrid(data, { blocks: null, order }, K), met = verify ? metBefore(pairs.matrix) : null, team = holdThreads(threads);
  const part = ({ n, u, i, value, state }: Cell): Part => (kernel === 'mfEpoch'
    ? ['mfEpoch', U.floats(), V.floats(), b.floats(), c.floats(), u, i, value, n, K, 3, 0.005, 0.02]
    : ['bprEpoch', U.floats(), V.floats(), c.floats(), state, u, i, i, met?.ids.ints() ?? u, met?.start.ints() ?? u, n, n, K, met?.words ?? -1, 1, 0.05, 0.002]);
  const epoch = (): void => team.run(() => {
    grid.deal(next);
    for (let round = 0; round < grid.rounds; round++) runParts(grid.round(round).map(part));
  });
  try {
    await team.start();
    const began = performance.now();
    epoch();
    const { quartiles: [fast, slow], ...timing } = await timed(epoch, false, performance.now() - began, pace), rate = (milliseconds: number): number => nnz / 1000 / milliseconds;
    return {
      group: 'epochs', kernel, name: kernel, scale, unit: 'M samples/s', variant: `${variants.simd ? 'simd' : 'loop'}${threads === 1 ? '' : `, ${threads} threads`}`,
      median: rate(timing.milliseconds), low: rate(slow), high: rate(fast), ...timing,
      size: `${nUsers.toLocaleString('en-US')} x ${nItems.toLocaleString('en-US')}, ${nnz.toLocaleString('en-US')} events, ${K} factors${kernel === 'bprEpoch' ? `, ${verify ? 'verified' : 'not verified'}, ${order === 'users' ? 'user by user' : 'at random'}` : ''}`,
    };
  } finally {
    team.release();
    grid.free();
    met?.free();
    held.forEach(free);
  }
}
