import type { Usearch, UsearchIndex } from '../../lib/approximate/index.ts';

interface Faults {
  /** It finds none of these keys. */
  misses?: (key: number) => boolean;
  /** It finds so many at most. */
  most?: number;
  /** The call of add that throws, half way. */
  failsAt?: number;
}

/** fakeUsearch: a usearch that compares with all items, notes what it was asked for, and has faults. */
export function fakeUsearch({ misses = () => false, most = Infinity, failsAt = Infinity }: Faults = {}): { usearch: Usearch; asked: [queries: number, k: number][]; configs: object[] } {
  const asked: [number, number][] = [], configs: object[] = [];
  class Index implements UsearchIndex {
    readonly #K: number;
    readonly #vectors = new Map<number, Float32Array>();
    #adds = 0;
    #threads = 0;

    constructor(config: { dimensions: number }) {
      configs.push(config);
      this.#K = config.dimensions;
    }

    add(keys: BigUint64Array, vectors: Float32Array, threads: number): void {
      this.#threads = threads;
      if (keys.some((key) => this.#vectors.has(Number(key)))) throw new TypeError('Duplicate keys not allowed in high-level wrappers'); // as usearch has it
      const fails = ++this.#adds === failsAt, taken = fails ? keys.subarray(0, keys.length / 2) : keys;
      taken.forEach((key, at) => this.#vectors.set(Number(key), vectors.slice(at * this.#K, (at + 1) * this.#K)));
      if (fails) throw new TypeError('Failed to reserve memory');
    }

    search(queries: Float32Array, k: number, threads: number): { keys: BigUint64Array; counts?: BigUint64Array } {
      const B = queries.length / this.#K, keys = new BigUint64Array(B * k), counts = new BigUint64Array(B);
      if (threads > this.#threads) throw new TypeError('Reserve capacity ahead of searches!'); // which usearch says when two threads meet
      asked.push([B, k]);
      for (let b = 0; b < B; b++) {
        const q = queries.subarray(b * this.#K, (b + 1) * this.#K), of = (v: Float32Array): number => v.reduce((sum, one, at) => sum + one * q[at], 0);
        const found = [...this.#vectors].filter(([key]) => !misses(key)).map(([key, v]) => ({ key, score: of(v) })).sort((a, c) => c.score - a.score || c.key - a.key).slice(0, Math.min(k, most)); // equals in another order than ours
        found.forEach(({ key }, at) => { keys[b * k + at] = BigInt(key); });
        counts[b] = BigInt(found.length);
      }
      return B === 1 ? { keys: keys.slice(0, Number(counts[0])) } : { keys, counts }; // as usearch has it
    }

    remove(keys: BigUint64Array): void { for (const key of keys) this.#vectors.delete(Number(key)); }
  }
  return { usearch: { Index }, asked, configs };
}
