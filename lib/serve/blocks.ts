import type { Recommendation } from '../models/recommender.ts';
import { Refusal } from './refusal.ts';

/** Source: what makes lists of one kind, many at a time. Asks of one source may be answered together. */
export interface Source<Ask> {
  /** About how many lists make a block that leaves the rest of the program waiting for no more than a few milliseconds. */
  readonly atOnce: number;
  /** The k best for each ask, best first, or fewer where there are no more. Its first j are the j best. */
  lists(asks: readonly Ask[], k: number): Recommendation[][];
}

/** Wanted: one list, and what makes it; `ask` is what `source` takes. */
export interface Wanted { readonly source: Source<never>; readonly ask: unknown }

interface Waiting extends Wanted { readonly k: number; done(list: Recommendation[]): void; failed(error: unknown): void }

interface BlocksOptions {
  /** How many lists may wait before more are refused. */
  readonly most: number;
  /** Runs a function when what has come in the meantime was heard. */
  readonly later: (run: () => void) => void;
  /** Hears how many lists were scored together. */
  readonly scored: (lists: number) => void;
}

/**
 * Blocks: lists that wait are scored together. The first that is asked for waits no longer than `later` takes: what else is asked for until then joins it, and
 * what is asked for while a block is computed makes the next one. Lists of one source and of like length (up to the same power of two) are a block;
 * between blocks of some milliseconds the rest of the program has its turn.
 */
export class Blocks {
  readonly #options: BlocksOptions;
  #queue: Waiting[] = [];
  #called = false;

  constructor(options: BlocksOptions) { this.#options = options; }

  get waiting(): number { return this.#queue.length; }

  /** ask: the k best of each. Errors: Refusal 503 where too many wait already; what a source throws. */
  async ask(wanted: readonly Wanted[], k: number): Promise<Recommendation[][]> {
    const { most } = this.#options;
    if (this.#queue.length >= most) throw busy(`${most} lists wait to be scored already`);
    const lists = wanted.map(({ source, ask }) => new Promise<Recommendation[]>((done, failed) => { this.#queue.push({ source, ask, k, done, failed }); }));
    this.#call();
    return Promise.all(lists);
  }

  #call(): void {
    if (this.#called || this.#queue.length === 0) return;
    this.#called = true;
    this.#options.later(() => {
      this.#called = false;
      this.#next();
      this.#call();
    });
  }

  #next(): void {
    let share = 0, n = 0;
    while (n < this.#queue.length && share < 1) share += 1 / this.#queue[n++].source.atOnce;
    const taken = this.#queue.splice(0, n);
    for (const block of grouped(taken, ({ source }) => source)) for (const alike of grouped(block, ({ k }) => Math.ceil(Math.log2(k)))) this.#score(alike);
  }

  #score(block: readonly Waiting[]): void {
    const { source } = block[0], k = block.reduce((most, one) => Math.max(most, one.k), 0);
    let lists: Recommendation[][];
    try { lists = source.lists(block.map(({ ask }) => ask as never), k); } catch (error) {
      if (block.length === 1) block[0].failed(error);
      else for (const one of block) this.#score([one]); // so that nobody pays for another's mistake
      return;
    }
    this.#options.scored(block.length);
    block.forEach((one, at) => one.done(lists[at].length > one.k ? lists[at].slice(0, one.k) : lists[at]));
  }
}

/** The same things, those with the same key together. */
function grouped<Thing>(things: readonly Thing[], keyOf: (thing: Thing) => unknown): Iterable<Thing[]> {
  const groups = new Map<unknown, Thing[]>();
  for (const thing of things) {
    const key = keyOf(thing), group = groups.get(key);
    if (group === undefined) groups.set(key, [thing]);
    else group.push(thing);
  }
  return groups.values();
}

/** busy: the refusal of what comes when there is too much to do. */
export const busy = (why: string): Refusal => new Refusal(503, 'busy', `the server is busy: ${why}; try again in a second`, { 'retry-after': '1' });
