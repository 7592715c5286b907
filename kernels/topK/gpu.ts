import type { GpuKernels } from '../gpu.ts';
import { type GpuDevice, type Thread, keeping } from '../gpuDevice.ts';

// What is chosen is said in loop.ts. A thread has no place for a heap, so each pass over the scores finds the next best of every row.

/**
 * The best entry of row b after `previous[b]`, which was found a pass ago: a lower score, or the same score and a higher id. -1 says that none
 * was found yet, -2 that there are no more. Entries of -Infinity are never chosen.
 */
const nextBestThread = function (this: Thread, scores: Float32Array, previous: Float32Array, N: number, none: number): number {
  const row = this.thread.x * N;
  const end = row + N;
  const last = previous[this.thread.x];
  const bound = scores[row + Math.max(last, 0)];
  let found = none;
  let best = bound;
  let better = none;
  let at = row;
  for (; at < end; at += 1) {
    better = scores[at] >= -3.4028234663852886e38 && (last < 0 || scores[at] < bound || (scores[at] === bound && at - row > last)) && (found < 0 || scores[at] > best) ? 1 : 0;
    best = better > 0.5 ? scores[at] : best;
    found = better > 0.5 ? at - row : found;
  }
  return last < -1 ? none : found;
};

export function topKOn(gpu: GpuDevice): Pick<GpuKernels, 'topK'> {
  const nextBest = gpu.kernel('topK', nextBestThread);
  return {
    topK: (ids, best, scores, skip, start, B, N, k) => keeping(async (keep) => {
      ids.fill(-1, 0, B * k);
      best.fill(-Infinity, 0, B * k);
      if (B * N * k === 0) return;

      // what must not be chosen counts as -Infinity; a NaN would compare differently from device to device
      const eligible = scores.slice(0, B * N);
      for (let at = 0; at < eligible.length; at++) if (Number.isNaN(eligible[at])) eligible[at] = -Infinity;
      for (let b = 0; b < B; b++) for (let at = start[b]; at < start[b + 1]; at++) if (skip[at] >= 0 && skip[at] < N) eligible[b * N + skip[at]] = -Infinity;

      const resident = await keep(gpu.upload(eligible));
      let previous = new Float32Array(B).fill(-1);
      for (let rank = 0; rank < Math.min(k, N) && (rank === 0 || previous.some((id) => id >= 0)); rank++) {
        previous = await nextBest(B, resident, previous, N, -2) as Float32Array<ArrayBuffer>;
        for (let b = 0; b < B; b++) {
          if (previous[b] < 0) continue;
          ids[b * k + rank] = previous[b];
          best[b * k + rank] = scores[b * N + previous[b]];
        }
      }
    }),
  };
}
