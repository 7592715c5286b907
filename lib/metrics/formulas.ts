import type { Groups } from '../data/csr.ts';
import { checkGroups, checkLists } from './check.ts';

/**
 * Formula: the value of one group, from which places of its list are hits and how many distinct items the group holds.
 * Shapes: hit (k), 1 where the place holds one of the group's items, else 0; R is at least 1. Places p are counted from 1 in the formulas below.
 */
export type Formula = (hit: Uint8Array, R: number) => number;

/** precision: Σ hit[p] / k. */
export const precision: Formula = (hit) => count(hit) / hit.length;

/** recall: Σ hit[p] / R. */
export const recall: Formula = (hit, R) => count(hit) / R;

/** averagePrecision: Σ hit[p] (hits up to p) / p, over the most that k places could reach, min(k, R). */
export const averagePrecision: Formula = (hit, R) => {
  let hits = 0, sum = 0;
  for (let p = 1; p <= hit.length; p++) {
    if (hit[p - 1] === 1) { hits++; sum += hits / p; }
  }
  return sum / Math.min(hit.length, R);
};

/** ndcg: Σ hit[p] / log2(p + 1), over the same sum when the first min(k, R) places are hits. */
export const ndcg: Formula = (hit, R) => {
  let dcg = 0, ideal = 0;
  for (let p = 1; p <= hit.length; p++) {
    const gain = 1 / Math.log2(p + 1);
    if (hit[p - 1] === 1) dcg += gain;
    if (p <= R) ideal += gain;
  }
  return dcg / ideal;
};

/** reciprocalRank: 1 / p of the first hit, 0 without one. */
export const reciprocalRank: Formula = (hit) => {
  const first = hit.indexOf(1);
  return first < 0 ? 0 : 1 / (first + 1);
};

/** hitOrMiss: 1 if any place is a hit, else 0. */
export const hitOrMiss: Formula = (hit) => (hit.includes(1) ? 1 : 0);

/** Judged: which places of G lists are hits, `hit` (G, k), and how many distinct items each group holds, `relevant` (G). */
export interface Judged {
  readonly hit: Uint8Array;
  readonly relevant: Int32Array;
}

/** judge: holds the lists against the sets of distinct items of their groups. An item listed twice is a hit once, at its first place. */
export function judge(name: string, top: Int32Array, groups: Groups, k: number): Judged {
  const G = checkGroups(name, groups);
  checkLists(name, top, G, k);
  const hit = new Uint8Array(G * k), relevant = new Int32Array(G);
  for (let g = 0; g < G; g++) {
    const left = new Set(groups.items.subarray(groups.indptr[g], groups.indptr[g + 1]));
    relevant[g] = left.size;
    for (let at = g * k; at < g * k + k; at++) if (left.delete(top[at])) hit[at] = 1;
  }
  return { hit, relevant };
}

function count(hit: Uint8Array): number {
  let hits = 0;
  for (const one of hit) hits += one;
  return hits;
}
