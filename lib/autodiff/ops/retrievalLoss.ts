import { kernels } from '../../../kernels/index.ts';
import { scratchFloats, scratchInts } from '../../../kernels/memory.ts';
import { TightrecError, describe } from '../../errors.ts';
import { checkIds } from '../distinct.ts';
import type { Tape } from '../tape.ts';
import { Tensor } from '../tensor.ts';
import { matrix } from './shapes.ts';

export interface RetrievalLossOptions {
  /** w, how often each candidate stands among those of the batch (N). Default once. */
  counts?: Float32Array;
  /** Whether a query's own positive counts once, however often others have it too (accidental hits); without `counts` it does anyway. Default false. */
  removeHits?: boolean;
  /** ln q, where q is the expected count of each candidate among those of the batch, up to a factor common to all (N). Default none: all the same. */
  logQ?: Float32Array;
  /** τ. Default 1. */
  temperature?: number;
}

/**
 * retrievalLoss: softmax cross-entropy of B queries over N candidates, each with a weight, summed over the queries.
 *
 *   forward    X[b, n] = <Q[b], C[n]> / τ - ln q[n]      L = Σ_b -ln (e^X[b, y[b]] / Σ_n w[b, n] e^X[b, n])        Q (B, K), C (N, K), y (B), below N -> L ()
 *   backward   G[b, n] = dL (w[b, n] e^X[b, n] / Σ_m w[b, m] e^X[b, m] - [n = y[b]]) / τ                             dQ += G C     dC += Gᵀ Q
 *
 * w[b, n] is counts[n] (1 without), and 1 where hits are removed and n = y[b]. In-batch softmax: C are the distinct candidates of the batch, counts how often it holds each.
 * Softmax over all items: C is their whole table. Sampled softmax: C are the positives and the items drawn, ln q corrects for how they were drawn.
 *
 * Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", 2019; Jean et al., "On Using Very Large Target Vocabulary for Neural
 * Machine Translation", 2015.
 */
export function retrievalLoss(tape: Tape | null, Q: Tensor, C: Tensor, y: Int32Array, { counts, removeHits = false, logQ, temperature = 1 }: RetrievalLossOptions = {}): Tensor {
  const op = 'retrievalLoss', [B, K] = matrix(op, Q), [N, width] = matrix(op, C);
  if (width !== K) throw new TightrecError('bad-shape', `${op}: queries and candidates must be equally long, got ${K} and ${width}`);
  if (!(y instanceof Int32Array)) throw new TightrecError('bad-input', `${op}: y must be an Int32Array of positions among the candidates, got ${describe(y)}`);
  if (y.length !== B) throw new TightrecError('bad-shape', `${op}: expected a positive for each of ${B} queries, got ${y.length}`);
  for (const [name, row] of [['counts', counts], ['logQ', logQ]] as const) if (row && row.length !== N) throw new TightrecError('bad-shape', `${op}: expected ${name} of ${N} candidates, got ${row.length}`);
  if (!(typeof temperature === 'number' && temperature > 0 && Number.isFinite(Math.fround(1 / temperature)) && 1 / temperature > 0)) throw new TightrecError('bad-setting', `${op}: temperature must be a positive number, got ${describe(temperature)}`);
  if (counts?.some((count) => !(count > 0 && count < Infinity))) throw new TightrecError('bad-input', `${op}: counts must be positive numbers, got ${counts.find((count) => !(count > 0 && count < Infinity))}`);
  if (logQ?.some((x) => !Number.isFinite(x))) throw new TightrecError('bad-input', `${op}: logQ must be finite numbers, got ${logQ.find((x) => !Number.isFinite(x))}`);
  checkIds(op, y, N);

  // the kernel knows no weights, so X holds X + ln w from here on; its loss then has -ln w[b, y[b]] too much, which is given back below
  const X = scratchFloats(B * N), scaled = scratchFloats(B * K);
  scaled.set(Q.data);
  kernels.scale(scaled, B * K, 1 / temperature);
  kernels.matmulTransposed(X, scaled, C.data, B, N, K);
  if (counts || logQ) {
    const row = scratchFloats(N), first = scratchInts(B).fill(0); // a table of one row, which every row of X takes
    for (let n = 0; n < N; n++) row[n] = (counts ? Math.log(counts[n]) : 0) - (logQ ? logQ[n] : 0);
    kernels.gatherAdd(X, row, first, B, N);
    if (counts && removeHits) for (let b = 0; b < B; b++) X[b * N + y[b]] -= Math.log(counts[y[b]]);
  }
  const lse = scratchFloats(B), L = new Tensor([]);
  let loss = kernels.softmaxLoss(lse, X, y, B, N);
  if (counts && !removeHits) for (let b = 0; b < B; b++) loss += Math.log(counts[y[b]]);
  L.data[0] = loss;

  tape?.record(() => {
    const G = scratchFloats(B * N), dQ = scratchFloats(B * K);
    kernels.clear(G, B * N);
    kernels.softmaxLossGrad(G, lse, X, y, B, N, L.grad[0] / temperature);
    kernels.matmul(dQ, G, C.data, B, K, N);
    kernels.addScaled(Q.grad, dQ, B * K, 1);
    kernels.matmulGradB(C.grad, G, Q.data, B, K, N);
  });
  return L;
}
