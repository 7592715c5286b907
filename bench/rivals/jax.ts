import { type Array as JaxArray, blockUntilReady, defaultDevice, init, jit, lax, numpy as np, valueAndGrad } from '@jax-js/jax';
import { BETA1, BETA2, EPS, type Pairs, type Rival, type Training, versionOf } from './works.ts';

const vector = (values: Float32Array): JaxArray => np.array(values as Float32Array<ArrayBuffer>);
const matrix = (values: Float32Array, shape: number[]): JaxArray => vector(values).reshape(shape);
const idsOf = (ids: Int32Array): JaxArray => np.array(ids as Int32Array<ArrayBuffer>, { dtype: np.int32 });

type Tables = { U: JaxArray; V: JaxArray; b: JaxArray; c: JaxArray; a: JaxArray };

/** A run of a compiled function whose answer is waited for. `call` uses up what it is given, as everything in jax-js does. */
const waited = (call: () => JaxArray): { run: () => Promise<void>; answer: () => Promise<ArrayLike<number>>; waits: true } => ({
  run: async () => { const made = call(); await made.blockUntilReady(); made.dispose(); },
  answer: async () => await call().data() as Float32Array,
  waits: true,
});

export async function open(): Promise<Rival> {
  await init('wasm');
  defaultDevice('wasm');
  const version = versionOf('node_modules/@jax-js/jax');
  return {
    version,
    product({ A, B, M, N, K }) {
      const a = matrix(A, [M, K]), b = matrix(B, [K, N]), multiply = jit((x: JaxArray, y: JaxArray) => np.matmul(x, y));
      return waited(() => multiply(a.ref, b.ref));
    },
    ranking({ scores, B, N, k }) {
      const x = matrix(scores, [B, N]), best = jit((x: JaxArray) => lax.topK(x, k)[0]);
      return waited(() => best(x.ref));
    },
    rowDots(work: Pairs) {
      const U = matrix(work.U, [work.nUsers, work.K]), V = matrix(work.V, [work.nItems, work.K]), u = idsOf(work.u), i = idsOf(work.i);
      const dots = jit((U: JaxArray, V: JaxArray, u: JaxArray, i: JaxArray) => np.sum(np.take(U, u, 0).mul(np.take(V, i, 0)), 1));
      return waited(() => dots(U.ref, V.ref, u.ref, i.ref));
    },
    training,
  };
}

/** LogisticMF's step with valueAndGrad, and Adam written out, all of it compiled by jit. */
function training(work: Training): ReturnType<Exclude<Rival['training'], string | undefined>> {
  const { nUsers, nItems, K, learningRate } = work, names = ['U', 'V', 'b', 'c', 'a'] as const;
  const u = idsOf(work.u), i = idsOf(work.i), y = vector(work.y);

  const loss = (tables: Tables, u: JaxArray, i: JaxArray, y: JaxArray): JaxArray => {
    const dots = np.sum(np.take(tables.U, u.ref, 0).mul(np.take(tables.V, i.ref, 0)), 1);
    const x = dots.add(np.take(tables.b, u, 0)).add(np.take(tables.c, i, 0)).add(tables.a);
    // ln(1 + e^x) - x y, arranged so that the exponential cannot overflow
    const softplus = np.maximum(x.ref, 0).add(np.log1p(np.exp(np.abs(x.ref).neg())));
    return np.mean(softplus.sub(x.mul(y)));
  };
  const step = jit((w: Tables, m: Tables, v: Tables, c1: JaxArray, c2: JaxArray, u: JaxArray, i: JaxArray, y: JaxArray) => {
    const [value, g] = valueAndGrad(loss)({ U: w.U.ref, V: w.V.ref, b: w.b.ref, c: w.c.ref, a: w.a.ref }, u, i, y) as unknown as [JaxArray, Tables];
    const next = { w: {}, m: {}, v: {} } as { w: Record<string, JaxArray>; m: Record<string, JaxArray>; v: Record<string, JaxArray> };
    for (const name of names) {
      const mean = m[name].mul(BETA1).add(g[name].ref.mul(1 - BETA1)), square = v[name].mul(BETA2).add(g[name].ref.mul(g[name]).mul(1 - BETA2));
      next.m[name] = mean.ref;
      next.v[name] = square.ref;
      next.w[name] = w[name].sub(mean.mul(c1.ref).mul(learningRate).div(np.sqrt(square.mul(c2.ref)).add(EPS)));
    }
    c1.dispose();
    c2.dispose();
    return [value, next.w, next.m, next.v];
  }) as unknown as (...args: unknown[]) => [JaxArray, Tables, Tables, Tables];

  let w: Tables = { U: matrix(work.U, [nUsers, K]), V: matrix(work.V, [nItems, K]), b: vector(work.b), c: vector(work.c), a: vector(new Float32Array(1)).reshape([]) };
  const zeros = (): Tables => ({ U: np.zeros([nUsers, K]), V: np.zeros([nItems, K]), b: np.zeros([nUsers]), c: np.zeros([nItems]), a: np.zeros([]) });
  let m = zeros(), v = zeros(), t = 0;
  const run = async (): Promise<number> => {
    t++;
    let value: JaxArray;
    [value, w, m, v] = step(w, m, v, np.array(1 / (1 - BETA1 ** t)), np.array(1 / (1 - BETA2 ** t)), u.ref, i.ref, y.ref);
    await blockUntilReady([w.U, w.V]);
    return (await value.data())[0] as number;
  };
  return { run, waits: true, answer: async () => [await run(), await run(), await run()] };
}
