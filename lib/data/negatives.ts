import { TightrecError } from '../errors.ts';
import type { Random } from '../random.ts';
import { type Csr, findEntry } from './csr.ts';

/** sampleUniform: ids drawn from 0 .. n - 1, each equally likely, into `out`. */
export function sampleUniform(out: Int32Array, n: number, random: Random): void {
  random.fillBelow(out, n);
}

/**
 * sampleUnseen: for each user an item that the user's row of `seen` does not hold, each such item equally likely. Shapes: out, users (B).
 * A user who has seen everything gets any item after 100 tries: there is no right answer, and training must go on.
 * Errors: 'bad-shape' when out and users differ in length.
 */
export function sampleUnseen(out: Int32Array, users: Int32Array, seen: Csr, random: Random): void {
  if (out.length !== users.length) throw new TightrecError('bad-shape', `sampleUnseen: out and users must be equally long, got ${out.length} and ${users.length}`);
  for (let at = 0; at < out.length; at++) {
    let item = random.below(seen.columns);
    for (let tries = 0; tries < 100 && findEntry(seen, users[at], item) >= 0; tries++) item = random.below(seen.columns);
    out[at] = item;
  }
}
