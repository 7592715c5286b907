import { kernels } from '../../kernels/index.ts';
import { type Block, allocate, free } from '../../kernels/memory.ts';
import type { Part } from '../../kernels/spread.ts';
import { runParts } from '../../kernels/threads.ts';
import type { Interactions } from '../data/interactions.ts';
import type { Random } from '../random.ts';
import { checkRoom } from './room.ts';
import { type FitOptions, type Plan, train } from './train.ts';

/** In which order stochastic gradient descent visits the events of a cell: user by user, or at random. */
export type VisitOrder = 'users' | 'random';

export interface GridSettings {
  /** Users and items are cut into so many blocks each; null for as many as keep a block of items in the cache, and at least 8 where there are 512 items, whatever the number of threads. */
  readonly blocks: number | null;
  readonly order: VisitOrder;
}

/** Cell: the events of one block of users and one block of items. Shapes: u, i, value (n); items (m); state (5). */
export interface Cell {
  readonly n: number;
  readonly u: Int32Array;
  readonly i: Int32Array;
  readonly value: Float32Array; // empty where the events have none
  /** All items of the block, met here or not. */
  readonly items: Int32Array;
  /** A generator of the cell's own, which depends on the epoch and the cell alone, and not on who works on it; and a count. */
  readonly state: Int32Array;
}

const STATE = 5; // four words of a xoshiro128** and the count

/** Rows of items that stay in a second-level cache while the events of a cell pass, in bytes. */
const CACHE = 2 ** 20;

/** Blocks of a table that would fit the cache in one, so that several threads find work: on one thread they cost nothing, for a smaller block lies nearer. */
const FEW = 8;

/** Items, at least, in each of these: j is drawn from the block of i. */
const SMALLEST = 64;

/** Events between two looks at the clock, a thread: some tens of milliseconds. */
const STEP = 2 ** 18;

/**
 * Grid: the events of a fit, laid out for stochastic gradient descent in place. Users and items are cut into blocks, which makes a grid of cells. A round
 * is the cells (first + w, (w + shift) mod blocks) for each w below the number of blocks of items: no two of them share a row of either table, so they
 * may be worked on at the same time, in any order, and the outcome is the same. After all rounds every cell was visited once.
 *
 * Users are cut where their events are as many in each block: into as many blocks as the items; or, where their order is random, into a multiple, so
 * that a block of users too stays in the cache; or, where the items are not cut, so that a cell does not take long. Items are dealt anew for each epoch, so that two items which are apart now, and cannot
 * be compared, are together another time.
 *
 * Chin, Zhuang, Juan, Lin, "A Fast Parallel Stochastic Gradient Method for Matrix Factorization in Shared Memory Systems", 2015.
 */
export interface Grid {
  readonly rounds: number;
  /** Cells in a round, at most. */
  readonly blocks: number;
  /** Deals the items for an epoch, and sorts the events into cells. */
  deal(random: Random): void;
  /** The cells of a round, 0 to rounds - 1, that hold any events. */
  round(round: number): Cell[];
  free(): void;
}

/** How many blocks the items are cut into: at least two items a block, for there must be another to compare one with. */
function blocksOf(blocks: number | null, nUsers: number, nItems: number, K: number): number {
  const enough = Math.max(Math.ceil(4 * nItems * K / CACHE), nItems >= FEW * SMALLEST ? FEW : 1);
  return Math.max(1, Math.min(blocks ?? enough, nUsers, nItems >> 1));
}

/** cutGrid: the events' grid, for vectors of K numbers; its arrays lie in the linear memory until `free`. `where` begins the error. Errors: 'out-of-memory', before anything is laid out. */
export function cutGrid(data: Interactions, { blocks: asked, order }: GridSettings, K: number, where = 'cutGrid'): Grid {
  const n = data.user.length, nUsers = data.users.size, nItems = data.items.size, blocks = blocksOf(asked, nUsers, nItems, K), held: Block[] = [];
  const rounds = order === 'random' ? blocks * Math.max(1, Math.round(4 * nUsers * K / CACHE / blocks)) : blocks === 1 ? Math.max(1, Math.ceil(n / STEP)) : blocks; // as many as there are blocks of users
  const columns = data.value ? 3 : 2; // users, items, values: moved about as numbers of four bytes, whatever they mean
  checkRoom(where, `${n.toLocaleString('en-US')} events, laid out in ${rounds} x ${blocks} cells,`, (2 * columns + 2) * n + 2 * nItems + STATE * rounds * blocks + nUsers + blocks + 2, 'use fewer events, or free() models that are no longer needed');
  const release = (): void => held.forEach(free);
  const take = (length: number): Block => { const block = allocate(length); held.push(block); return block; };
  try {
    const sorted = Array.from({ length: columns }, () => take(n)), laid = Array.from({ length: columns }, () => take(n)), positions = take(n), keys = take(n);
    const items = take(nItems), blockOf = take(nItems), states = take(STATE * rounds * blocks), userEnds = take(nUsers + 1), ends = take(blocks + 1);

    laid[0].ints().set(data.user);
    laid[1].ints().set(data.item);
    if (data.value) laid[2].floats().set(data.value);
    kernels.orderIds(positions.ints(), userEnds.ints(), laid[0].ints(), n, nUsers);
    for (const [column, block] of sorted.entries()) kernels.gatherIds(block.ints(), laid[column].ints(), positions.ints(), n);

    const userStart = cutEvenly(userEnds.ints(), nUsers, n, rounds), cellEnd = new Int32Array(rounds * blocks);
    const itemStart = Int32Array.from({ length: blocks + 1 }, (_, block) => Math.ceil(block * nItems / blocks));
    const asTheyAre = blocks === 1 && order === 'users', events = asTheyAre ? sorted : laid;

    return {
      rounds, blocks,
      deal(random) {
        const dealt = items.ints(), block = blockOf.ints(), state = states.ints();
        for (let item = 0; item < nItems; item++) dealt[item] = item; // so that an epoch depends on nothing but the generator
        if (blocks > 1) random.shuffle(dealt);
        for (let b = 0; b < blocks; b++) for (let at = itemStart[b]; at < itemStart[b + 1]; at++) block[dealt[at]] = b;
        for (let at = 0; at < state.length; at++) state[at] = at % STATE === STATE - 1 ? 0 : random.uint32();
        if (asTheyAre) { cellEnd.set(userStart.subarray(1)); return; }

        for (let w = 0; w < rounds; w++) {
          const from = userStart[w], to = userStart[w + 1], at = positions.ints().subarray(from, to), key = keys.ints().subarray(from, to), end = ends.ints();
          kernels.clear(ends.floats(), blocks + 1);
          kernels.gatherIds(key, block, sorted[1].ints().subarray(from, to), to - from);
          kernels.orderIds(at, end, key, to - from, blocks);
          for (let b = 0; b < blocks; b++) {
            cellEnd[w * blocks + b] = from + end[b];
            if (order === 'random') random.shuffle(at.subarray(b === 0 ? 0 : end[b - 1], end[b]));
          }
          for (const [column, values] of sorted.entries()) kernels.gatherIds(laid[column].ints().subarray(from, to), values.ints().subarray(from, to), at, to - from);
        }
      },
      round(round) {
        const cells: Cell[] = [];
        for (let w = 0; w < blocks; w++) {
          const row = round - round % blocks + w, b = (w + round) % blocks, number = row * blocks + b, from = b === 0 ? userStart[row] : cellEnd[number - 1], to = cellEnd[number];
          if (to > from) cells.push({
            n: to - from, u: events[0].ints().subarray(from, to), i: events[1].ints().subarray(from, to), value: columns === 3 ? events[2].floats().subarray(from, to) : none,
            items: items.ints().subarray(itemStart[b], itemStart[b + 1]), state: states.ints().subarray(STATE * number, STATE * (number + 1)),
          });
        }
        return cells;
      },
      free: release,
    };
  } catch (error) { release(); throw error; }
}

const none = new Float32Array(0);

/** Where each block of users begins among n events sorted by user, so that all have about as many. ends[user] is where the user's events end. */
function cutEvenly(ends: Int32Array, nUsers: number, n: number, blocks: number): Int32Array {
  const start = new Int32Array(blocks + 1).fill(n);
  start[0] = 0;
  for (let user = 0, block = 1; user < nUsers; user++) while (block < blocks && ends[user] >= block * n / blocks) start[block++] = ends[user];
  return start;
}

/** Descent: what a model gives `descend` beside a plan: the kernel's call for a cell, and the events it learned from, asked after the call. */
export interface Descent extends Pick<Plan, 'model' | 'data' | 'features' | 'epochs' | 'epochsBefore' | 'parameters' | 'sized' | 'commit'> {
  readonly grid: Grid;
  readonly random: Random;
  /** `at` is the cell's place among those that are worked on at the same time. */
  part(cell: Cell, rate: number, at: number): Part;
  readonly learningRate: number;
  /** The rate is multiplied by it after each epoch. */
  readonly learningRateDecay: number;
  learnedFrom(cell: Cell): number;
}

/**
 * descend: the training loop where an epoch visits every cell of a grid once. A step is a round, or a part of one where a round takes long; its cells
 * share no numbers, so it does not matter on how many threads they are worked on.
 */
export function descend({ grid, random, part, learnedFrom, learningRate, learningRateDecay, ...plan }: Descent, options: FitOptions): Promise<void> {
  const { rounds, blocks } = grid, events = plan.data.user.length;
  let pieces = 1, rate = learningRate, loss = 0, learned = 0;
  return train({
    ...plan, optimizer: null, random,
    get steps() { return rounds * pieces; },
    beginEpoch(epoch, threads) {
      grid.deal(random);
      pieces = Math.max(1, Math.min(Math.ceil(blocks / threads), Math.round(events / rounds / STEP / threads)));
      rate = learningRate * learningRateDecay ** (epoch - 1);
      loss = learned = 0;
    },
    step(step) {
      const all = grid.round(Math.floor(step / pieces)), piece = step % pieces, cells = all.slice(Math.ceil(piece * all.length / pieces), Math.ceil((piece + 1) * all.length / pieces));
      const L = runParts(cells.map((cell, at) => part(cell, rate, at))).reduce((sum, L) => sum + L, 0), n = cells.reduce((sum, cell) => sum + learnedFrom(cell), 0);
      loss += L;
      learned += n;
      return n === 0 ? 0 : L / n; // where all was skipped there was nothing to lose
    },
    epochLoss: () => (learned === 0 ? 0 : loss / learned),
  }, options);
}
