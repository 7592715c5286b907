import { type ModelState } from '../../lib/index.ts';

const range = (n: number): number[] => Array.from({ length: n }, (_, at) => at);

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

/** slowVectors: of Siamese and TwoTower, what the layers of items, or of users, make of each row of features; `tower` is how their tensors are named. Shape: -> (rows, K), by rows. */
export function slowVectors({ tensors }: ModelState, side: 'item' | 'user' = 'item', tower: string = side): number[][] {
  const part = (of: string, row: number): [number, number][] => {
    const [indptr, indices, values] = ['indptr', 'indices', 'values'].map((name) => tensors[`${of}_${name}`].data);
    return [...indices.subarray(indptr[row], indptr[row + 1])].map((column, at) => [column, values[indptr[row] + at]]);
  };
  const rows = tensors[`${side}_features_indptr`].data.length - 1, layers = Object.keys(tensors).filter((name) => name.startsWith(`${tower}_layer_`)).length;
  const context = tower === 'query' && 'user_context_indptr' in tensors ? Math.max(...range(rows).flatMap((row) => part('user_context', row).map(([column]) => column))) + 1 : null;
  return range(rows).map((row) => {
    let x = new Map(part(`${side}_features`, row));
    if (context !== null) { const first = tensors.query_layer_0.shape[0] - context; for (const [column, value] of part('user_context', row)) x.set(first + column, value); }
    for (let layer = 0; layer < layers; layer++) {
      const { data: W, shape: [, M] } = tensors[`${tower}_layer_${layer}`], out = [...tensors[`${tower}_bias_${layer}`]?.data ?? new Float32Array(M)];
      for (const [column, value] of x) for (let m = 0; m < M; m++) out[m] += (layer === 0 ? value : Math.max(value, 0)) * W[column * M + m];
      x = new Map(out.entries());
    }
    return [...x.values()];
  });
}
