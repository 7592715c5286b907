import { type ModelState } from '../../lib/index.ts';

/** Networks again, slowly and in float64, from what a model file holds. */

/** slowCodes: of AutoRec, σ(Σ r V[column] + a) for each row, where the rows are the items, or the users. Shape: -> (rows, H), by rows. */
export function slowCodes({ settings, catalogue: { users, items, seen }, tensors }: ModelState): number[][] {
  const { by, hidden: H } = settings as { by: 'item' | 'user'; hidden: number }, V = tensors.encoder.data, a = tensors.hidden_bias.data, counts = tensors.seen_counts.data;
  const sums = Array.from({ length: (by === 'item' ? items : users).size }, () => [...a]);
  for (let user = 0; user < users.size; user++) {
    for (let at = seen.indptr[user]; at < seen.indptr[user + 1]; at++) {
      const [row, column] = by === 'item' ? [seen.indices[at], user] : [user, seen.indices[at]];
      for (let k = 0; k < H; k++) sums[row][k] += seen.values[at] / counts[at] * V[column * H + k];
    }
  }
  return sums.map((row) => row.map((x) => 1 / (1 + Math.exp(-x))));
}
