import { readFileSync } from 'node:fs';
import { loops } from '../../kernels/index.ts';
import { random } from '../../lib/random.ts';

/** The work that every library is asked to do. Numbers come from the seeded generator; answers from the loops, or for training from tightrec's tape. */

export interface Product { readonly A: Float32Array; readonly B: Float32Array; readonly M: number; readonly N: number; readonly K: number }
export interface Ranking { readonly scores: Float32Array; readonly B: number; readonly N: number; readonly k: number }
export interface Pairs {
  readonly U: Float32Array; readonly V: Float32Array; readonly nUsers: number; readonly nItems: number;
  readonly u: Int32Array; readonly i: Int32Array; readonly B: number; readonly K: number;
}
/** A step of LogisticMF on pairs with labels: the mean log-loss of <U[u], V[i]> + b[u] + c[i] + a, and Adam on every number of the tables. */
export interface Training extends Pairs { readonly y: Float32Array; readonly b: Float32Array; readonly c: Float32Array; readonly learningRate: number }

/** What a library has made of a work: `run` does it once, `answer` does it and tells what came out (of training, the losses of the first three steps). */
export interface Prepared { readonly run: () => unknown; readonly answer: () => Promise<ArrayLike<number>> | ArrayLike<number>; readonly waits: boolean }

type Maybe = Prepared | Promise<Prepared>;

/** A library, set to one thread. A work that it cannot do is a sentence that says why; one that another entry of the same library does is left out. */
export interface Rival {
  readonly version: string;
  /** What its figures hold that the others' do not; printed. */
  readonly note?: string;
  readonly product?: ((work: Product) => Maybe) | string;
  readonly ranking?: ((work: Ranking) => Maybe) | string;
  readonly rowDots?: ((work: Pairs) => Maybe) | string;
  readonly training?: ((work: Training) => Maybe) | string;
}

/** versionOf: what the package.json of a folder, seen from here, says. */
export const versionOf = (folder: string): string => (JSON.parse(readFileSync(new URL(`${folder}/package.json`, import.meta.url), 'utf8')) as { version: string }).version;

export const BETA1 = 0.9, BETA2 = 0.999, EPS = 1e-8;

const floats = (length: number, next: () => number): Float32Array => Float32Array.from({ length }, () => next() - 0.5);

export function product(M: number, N: number, K: number): Product & { want: Float32Array } {
  const next = random(7).uniform, A = floats(M * K, next), B = floats(K * N, next), want = new Float32Array(M * N);
  loops.matmul(want, A, B, M, N, K);
  return { A, B, M, N, K, want };
}

export function ranking(B: number, N: number, k: number): Ranking & { want: Float32Array } {
  const scores = floats(B * N, random(7).uniform), want = new Float32Array(B * k);
  loops.topK(new Int32Array(B * k), want, scores, new Int32Array(0), new Int32Array(B + 1), B, N, k);
  return { scores, B, N, k, want };
}

export function training(B: number, nUsers: number, nItems: number, K: number): Training & { want: Float32Array } {
  const next = random(7), size = 2 * Math.sqrt(2 / K);
  const U = floats(nUsers * K, next.uniform).map((value) => value * size), V = floats(nItems * K, next.uniform).map((value) => value * size);
  const u = Int32Array.from({ length: B }, () => next.below(nUsers)).sort(), i = Int32Array.from({ length: B }, () => next.below(nItems)), want = new Float32Array(B);
  loops.rowDot(want, U, V, u, i, B, K);
  const y = Float32Array.from({ length: B }, () => (next.below(6) === 0 ? 1 : 0));
  return { U, V, nUsers, nItems, u, i, B, K, y, b: floats(nUsers, next.uniform), c: floats(nItems, next.uniform), learningRate: 0.005, want };
}
