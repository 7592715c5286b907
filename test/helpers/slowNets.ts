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

/** slowVectors: of Siamese, what the layers of items, or of users, make of each row of features. Shape: -> (rows, K), by rows. */
export function slowVectors({ tensors }: ModelState, side: 'item' | 'user' = 'item'): number[][] {
  const [indptr, indices, values] = ['indptr', 'indices', 'values'].map((part) => tensors[`${side}_features_${part}`].data), layers = Object.keys(tensors).filter((name) => name.startsWith(`${side}_layer_`)).length;
  return Array.from({ length: indptr.length - 1 }, (_, row) => {
    let x = new Map([...indices.subarray(indptr[row], indptr[row + 1])].map((column, at) => [column, values[indptr[row] + at]]));
    for (let layer = 0; layer < layers; layer++) {
      const { data: W, shape: [, M] } = tensors[`${side}_layer_${layer}`], out = [...tensors[`${side}_bias_${layer}`]?.data ?? new Float32Array(M)];
      for (const [column, value] of x) for (let m = 0; m < M; m++) out[m] += (layer === 0 ? value : Math.max(value, 0)) * W[column * M + m];
      x = new Map(out.entries());
    }
    return [...x.values()];
  });
}
