import { TightrecError } from '../errors.ts';
import type { Random } from '../random.ts';
import { type Csr, findEntry } from './csr.ts';

const TRIES = 100;

/** sampleUniform: ids drawn from 0 .. n - 1, each equally likely, into `out`. */
export function sampleUniform(out: Int32Array, n: number, random: Random): void {
  random.fillBelow(out, n);
}

/**
 * sampleUnseen: for each user an item that the user's row of `seen` does not hold, each such item equally likely. Shapes: out, users (B).
 * A user who has seen everything gets any item: there is no right answer, and training must go on.
 * Errors: 'bad-shape' when out and users differ in length.
 */
export function sampleUnseen(out: Int32Array, users: Int32Array, seen: Csr, random: Random): void {
  if (out.length !== users.length) throw new TightrecError('bad-shape', `sampleUnseen: out and users must be equally long, got ${out.length} and ${users.length}`);
  for (let at = 0; at < out.length; at++) {
    let item = random.below(seen.columns), tries = 0;
    while (findEntry(seen, users[at], item) >= 0 && tries++ < TRIES) item = random.below(seen.columns);
    out[at] = tries <= TRIES ? item : unseenItem(seen, users[at], random) ?? item;
  }
}

/** For a user who has seen nearly everything: the n-th of the few unseen items, n drawn; null when there is none. */
function unseenItem({ indptr, indices, columns }: Csr, user: number, random: Random): number | null {
  const from = indptr[user], to = indptr[user + 1], few = columns - (to - from);
  if (few <= 0) return null;
  let item = random.below(few);
  for (let at = from; at < to && indices[at] <= item; at++) item++; // step over the seen ones
  return item;
}
